//! Deleting unhealthy pods by uid, a few at a time, so that their controllers replace them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Mitigation, delete_pod::DeletePod};
use crate::{
    actions::{
        converge, disruption,
        draft::{Draft, Undo, basis, subject},
        engine::Core,
        named_pods::{self, Found, Meant},
        nodes, pods,
    },
    domain::{
        ask::{Wish, Words},
        asks::{RestartUnhealthy, Unhealthy},
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{Alternative, CheckKind, CheckResult, MitigationId},
        natural,
        object::{Key, Kind, ObjectRef, Subject},
        phase::{LeftOut, Phase, Refusal, Wait},
        text::Text,
        units,
    },
};

/// Unhealthy pods that are left out and named where none can be chosen.
const NAMED: usize = 3;

static SPEC: Spec = Spec {
    name: RestartUnhealthy::NAME,
    key: 'r',
    summary: "delete the unhealthy pods of an app; their controller replaces them",
    on: &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Pod],
    takes_several: true,
    parameters: &[
        Parameter { name: "at-once=N", about: "most pods gone at the same time; at most mitigations.restart_at_once", presence: Presence::Optional },
        Parameter { name: "node=lost", about: "the pods are on nodes that do not answer: others are made elsewhere", presence: Presence::Optional },
    ],
    level: Level::Narrow,
    more: "",
    rights: &[
        Right::on("get", "", "pods"),
        Right::on("list", "", "pods"),
        Right::on("delete", "", "pods"),
        Right::on("get", "apps", "deployments"),
        Right::on("get", "apps", "replicasets"),
        Right::on("list", "apps", "replicasets"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("get", "apps", "daemonsets"),
        Right::on("list", "policy", "poddisruptionbudgets"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
    ],
    undo: "nothing: the controller makes new pods",
};

impl Mitigation for RestartUnhealthy {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let subjects = words.subjects()?;
        let at_once = match words.named("at-once") {
            Some(typed) => Some(typed.parse().ok().filter(|number| *number > 0).ok_or_else(|| words.wrong("takes at-once=1 and more"))?),
            None => None,
        };
        let (app, pods) = match subjects.as_slice() {
            [workload] if workload.kind != Kind::Pod => (workload.key.name.clone(), Unhealthy::Of(workload.clone())),
            pods if pods.iter().all(|pod| pod.kind == Kind::Pod) => {
                let app = pods.first().map(|pod| pod.key.name.clone()).unwrap_or_default();
                let pods: Vec<_> = pods.iter().map(Subject::reference).collect();
                let app = match words.named("app") {
                    Some(named) if RestartUnhealthy::is_app_of(named, &pods) => Text::line(named),
                    Some(named) => return Err(words.wrong(&format!("has pods that are not of {named:?}"))),
                    None => app,
                };
                (app, Unhealthy::Listed(pods))
            }
            _ => return Err(words.wrong("takes one workload, or pods")),
        };
        let is_lost = match words.named("node") {
            None => false,
            Some("lost") => true,
            Some(_) => return Err(words.wrong("takes node=lost, or nothing")),
        };
        Ok(Self { app, pods, at_once, is_lost })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let mut listed = match &self.pods {
            Unhealthy::Listed(listed) => listed.clone(),
            Unhealthy::Of(workload) => unhealthy_of(core, workload).await?,
        };
        if listed.is_empty() {
            return Err("no unhealthy pods were named".into());
        }
        // Named one by one, too many are refused; of a workload the first are taken.
        let more = if matches!(self.pods, Unhealthy::Of(_)) { listed.split_off(listed.len().min(Self::MOST)).len() } else { 0 };
        let Meant { chosen, mut left_out } =
            if self.is_lost { named_pods::read(core, &listed, why_not_of_lost).await? } else { named_pods::read_unhealthy(core, &listed).await? };
        left_out.extend((more > 0).then(|| format!("{more} more of them: run it again for those")));
        Ok(self.plan(core, id, &chosen, &left_out))
    }
}

impl RestartUnhealthy {
    fn plan(&self, core: &Arc<Core>, id: MitigationId, chosen: &[(ObjectRef, Value)], left_out: &[String]) -> Draft {
        let (now, most) = (core.server_now(), core.mitigations.restart_at_once);
        let at_once = self.at_once.unwrap_or(most).min(most).max(1);
        let first = &chosen[0];
        let again = Self { pods: Unhealthy::Listed(chosen.iter().map(|(pod, _)| pod.clone()).collect()), ..self.clone() };
        let told = self.told(chosen, now);
        let mut draft = Draft::about(id, Wish::new(again), &told.title, (&first.0, &first.1));
        draft.targets = chosen.iter().map(|(pod, object)| basis(pod, object)).collect();
        draft.what = vec![Text::line(&format!("{}, at most {at_once} at once, waiting for replacements", told.deletes))];
        draft.what.extend(told.pods);
        draft.what.extend(left_out.iter().map(|why| Text::line(&format!("not {why}"))));
        draft.kubectl = named_pods::deleted_by_kubectl(core, chosen);
        draft.alternative = self.by_force(core, chosen);
        draft.undo = Undo::Nothing("nothing to undo: the controller makes new pods".into());
        draft.writes = chosen.iter().map(|(pod, _)| named_pods::deletion(pod)).collect();
        draft.converge = converge::of_pods(chosen);
        draft.phases = vec![Phase {
            writes: draft.writes.len(),
            left_out: LeftOut::GoneOrHealthy,
            wait: Wait::Replacements { after: at_once },
            refusal: Refusal::Ends,
        }];
        let (api, objects) = (core.api.clone(), chosen.iter().map(|(_, object)| object.clone()).collect::<Vec<_>>());
        let namespace = first.0.key.namespace.clone();
        draft.check(CheckKind::Disruption, async move { disruption::of_delete(&api, &namespace, &objects).await });
        let effect = if left_out.is_empty() {
            CheckResult::Pass(told.comes_back)
        } else {
            CheckResult::Warn(Text::line(&format!("left out: {}", left_out.join("; "))))
        };
        draft.check(CheckKind::Effect, async { effect });
        named_pods::check_room(core, &mut draft, chosen);
        draft
    }
}

/// What the card says of the pods.
struct Told {
    title: String,
    deletes: String,
    /// One line for each.
    pods: Vec<Text>,
    comes_back: Text,
}

impl RestartUnhealthy {
    fn told(&self, chosen: &[Found], now: DateTime<Utc>) -> Told {
        let count = units::counted(chosen.len() as u64, "pod");
        let unhealthy = count.replacen(' ', " unhealthy ", 1);
        if !self.is_lost {
            let line = |(pod, object): &Found| Text::line(&format!("pod/{}  {} in {}", pod.key.name, pods::state(object, now), pod.key.namespace));
            return Told {
                title: format!("Restart unhealthy pods · {}", self.app),
                deletes: format!("delete {unhealthy}"),
                pods: chosen.iter().map(line).collect(),
                comes_back: named_pods::are_replaced(chosen),
            };
        }
        let mut nodes: Vec<&str> = chosen.iter().map(|(_, object)| pods::node(object).unwrap_or_default()).collect();
        nodes.sort_by(|one, other| natural::compare(one, other));
        nodes.dedup();
        let nodes = nodes.join(", ");
        let line = |(pod, object): &Found| {
            Text::line(&format!("pod/{}  {} lost, in {}", pod.key.name, pods::node(object).unwrap_or_default(), pod.key.namespace))
        };
        Told {
            title: format!("Replace {count} · {nodes}"),
            deletes: format!("delete {count} of {nodes}"),
            pods: chosen.iter().map(line).collect(),
            comes_back: "their controllers make others on other nodes".into(),
        }
    }

    /// For pods that nobody confirms to have ended, where that is not switched off.
    fn by_force(&self, core: &Core, chosen: &[Found]) -> Option<Alternative> {
        let is_off = core.mitigations.disabled.iter().any(|name| name == DeletePod::NAME);
        let words = "by force: the cluster forgets them at once, though no node confirms that they ended. Right only once the nodes are off: \
                     else they may go on running there.";
        (self.is_lost && !is_off)
            .then(|| Alternative { words: words.into(), wish: Wish::new(DeletePod::by_force(chosen.iter().map(|(pod, _)| pod.clone()).collect())) })
    }
}

/// The pods of a workload that are unhealthy by now.
async fn unhealthy_of(core: &Core, workload: &Subject) -> Result<Vec<ObjectRef>, Text> {
    let (target, object) = subject(core, workload).await?;
    let unreadable = |error| Text::line(&format!("the pods of {target} could not be read: {error}"));
    let Some(query) = object.pointer("/spec/selector").and_then(pods::label_query) else {
        return Err(Text::line(&format!("{target} has a selector with expressions: name its pods instead")));
    };
    let namespace = &target.key.namespace;
    let mut owners = vec![target.uid.to_string()];
    if target.kind == Kind::Deployment {
        let (sets, _) = core.api.list(&Kind::ReplicaSet.collection_path(Some(namespace)), &query).await.map_err(unreadable)?;
        let own = sets.iter().filter(|set| pods::controller(set).is_some_and(|(_, _, uid)| uid == target.uid.as_str()));
        owners.extend(own.map(|set| pods::uid(set).to_owned()));
    }
    let (found, _) = core.api.pods(namespace, &query).await.map_err(unreadable)?;
    let now = core.server_now();
    let own = found.iter().filter(|pod| pods::controller(pod).is_some_and(|(_, _, uid)| owners.iter().any(|owner| owner == uid)));
    let own: Vec<&Value> = own.collect();
    let lost = nodes::lost(&core.api, own.iter().copied()).await;
    let (mut listed, mut left_out) = (Vec::new(), Vec::new());
    for pod in own {
        let vitals = pods::vitals_on(pod, &lost);
        match vitals.spared(now) {
            None => {
                let key = Key::new(namespace, pods::name(pod));
                listed.push(ObjectRef { kind: Kind::Pod, key, uid: Text::line(pods::uid(pod)) });
            }
            Some(why) if vitals.is_unhealthy(now) => left_out.push(format!("{}: {why}", pods::name(pod))),
            Some(_) => {}
        }
    }
    match (listed.is_empty(), left_out.is_empty()) {
        (false, _) => Ok(listed),
        (true, true) => Err(Text::line(&format!("no pod of {target} is unhealthy"))),
        (true, false) => {
            let why = units::first_few(left_out, NAMED);
            Err(Text::line(&format!("restarting helps no unhealthy pod of {target}: {why}")))
        }
    }
}

/// Why a pod whose node is said to be lost is not restarted.
fn why_not_of_lost(object: &Value, now: DateTime<Utc>) -> Option<&'static str> {
    pods::lost_vitals(object).spared(now)
}
