//! Deleting unhealthy pods by uid, a few at a time, so that their controllers replace them.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::Mitigation;
use crate::{
    actions::{
        disruption,
        draft::{Draft, Undo, resource_version, subject},
        engine::Core,
        kubectl, pods,
    },
    domain::{
        ask::{Wish, Words},
        asks::{RestartUnhealthy, Unhealthy},
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, ContentType, Converge, Effect, MitigationId, ObjectWrite, Write, WriteMethod},
        object::{Kind, ObjectRef, Subject},
        text::Text,
    },
};

/// Most pods of one plan: what a person can still look over.
const MOST: usize = 100;
const READS_AT_ONCE: usize = 8;

static SPEC: Spec = Spec {
    name: RestartUnhealthy::NAME,
    key: 'r',
    summary: "delete the unhealthy pods of an app; their controller replaces them",
    on: &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Pod],
    takes_several: true,
    parameters: &[Parameter {
        name: "at-once=N",
        about: "most pods gone at the same time; at most mitigations.restart_at_once",
        presence: Presence::Optional,
    }],
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
                (app, Unhealthy::Listed(pods.iter().map(Subject::reference).collect()))
            }
            _ => return Err(words.wrong("takes one workload, or pods")),
        };
        Ok(Self { app, pods, at_once })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let listed = match &self.pods {
            Unhealthy::Listed(listed) => listed.clone(),
            Unhealthy::Of(workload) => unhealthy_of(core, workload).await?,
        };
        if listed.is_empty() {
            return Err("no unhealthy pods were named".into());
        }
        if listed.len() > MOST {
            return Err(Text::line(&format!("{} pods are too many to look over at once: mark at most {MOST}", listed.len())));
        }
        let asked: Vec<_> = listed.iter().map(|pod| core.api.find(pod)).collect();
        let found: Vec<_> = stream::iter(asked).buffered(READS_AT_ONCE).collect().await;
        let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
        for (pod, object) in listed.iter().zip(found) {
            let object = object.map_err(|error| Text::line(&format!("could not read {pod}: {error}")))?;
            match object.map(|object| (why_not(pod, &object), object)) {
                None => left_out.push(format!("{}: it is gone", pod.key.name)),
                Some((Some(why), _)) => left_out.push(format!("{}: {why}", pod.key.name)),
                Some((None, object)) => chosen.push((ObjectRef { uid: Text::line(pods::uid(&object)), ..pod.clone() }, object)),
            }
        }
        if chosen.is_empty() {
            return Err(Text::line(&format!("none of these pods can be restarted: {}", left_out.join("; "))));
        }
        Ok(self.plan(core, id, &chosen, &left_out))
    }
}

impl RestartUnhealthy {
    fn plan(&self, core: &Arc<Core>, id: MitigationId, chosen: &[(ObjectRef, Value)], left_out: &[String]) -> Draft {
        let most = core.mitigations.restart_at_once;
        let at_once = self.at_once.unwrap_or(most).min(most).max(1);
        let pods_word = if chosen.len() == 1 { "pod" } else { "pods" };
        let first = &chosen[0];
        let again = Self { pods: Unhealthy::Listed(chosen.iter().map(|(pod, _)| pod.clone()).collect()), ..self.clone() };
        let title = format!("Restart unhealthy pods · {}", self.app);
        let mut draft = Draft::about(id, Wish::new(again), &title, (&first.0, &first.1));
        draft.targets = chosen.iter().map(|(pod, object)| (pod.clone(), resource_version(object))).collect();
        draft.what = vec![Text::line(&format!("delete {} unhealthy {pods_word}, at most {at_once} at once, waiting for replacements", chosen.len()))];
        draft.what.extend(
            chosen.iter().map(|(pod, object)| Text::line(&format!("pod/{}  {} in {}", pod.key.name, pods::trouble(object), pod.key.namespace))),
        );
        draft.what.extend(left_out.iter().map(|why| Text::line(&format!("not {why}"))));
        draft.kubectl = command(core, chosen);
        draft.undo = Undo::Nothing("nothing to undo: the controller makes new pods".into());
        draft.writes = chosen.iter().map(|(pod, _)| deletion(pod)).collect();
        draft.converge = Converge::Replaced { pods: chosen.iter().map(|(pod, _)| pod.clone()).collect() };
        draft.at_once = at_once;
        let (api, objects) = (core.api.clone(), chosen.iter().map(|(_, object)| object.clone()).collect::<Vec<_>>());
        let namespace = first.0.key.namespace.clone();
        draft.check(CheckKind::Disruption, async move { disruption::budgets(&api, &namespace, &objects).await });
        let effect = if left_out.is_empty() {
            CheckResult::Pass("their controllers replace them".into())
        } else {
            CheckResult::Warn(Text::line(&format!("left out: {}", left_out.join("; "))))
        };
        draft.check(CheckKind::Effect, async { effect });
        draft
    }
}

fn deletion(pod: &ObjectRef) -> Write {
    Write::Object(ObjectWrite {
        method: WriteMethod::Delete,
        path: pod.path(),
        content: ContentType::Json,
        body: json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": pod.uid } }),
        target: pod.clone(),
        effect: Effect::Gone,
    })
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
    let (found, _) = core.api.list(&Kind::Pod.collection_path(Some(namespace)), &query).await.map_err(unreadable)?;
    let is_meant = |pod: &&Value| {
        let is_own = pods::controller(pod).is_some_and(|(_, _, uid)| owners.iter().any(|owner| owner == uid));
        is_own && !pods::is_healthy(pod) && !pods::is_deleting(pod)
    };
    let listed: Vec<_> = found
        .iter()
        .filter(is_meant)
        .map(|pod| {
            let key = crate::domain::object::Key::new(namespace, pods::name(pod));
            ObjectRef { kind: Kind::Pod, key, uid: Text::line(pods::uid(pod)) }
        })
        .collect();
    if listed.is_empty() { Err(Text::line(&format!("every pod of {target} is healthy"))) } else { Ok(listed) }
}

/// Why a pod is not restarted.
fn why_not(pod: &ObjectRef, object: &Value) -> Option<&'static str> {
    if !pod.uid.is_empty() && pods::uid(object) != pod.uid.as_str() {
        Some("another pod has its name now")
    } else if pods::is_deleting(object) {
        Some("it is being deleted already")
    } else if pods::is_healthy(object) {
        Some("it is healthy now")
    } else {
        match pods::controller(object) {
            None => Some("nothing would bring it back: it has no controller"),
            Some(("Node", _, _)) => Some("its node runs it from a file: deleting it restarts nothing"),
            Some(_) => None,
        }
    }
}

/// One command for each namespace.
fn command(core: &Core, chosen: &[(ObjectRef, Value)]) -> Text {
    let mut by_namespace: Vec<(&Text, Vec<&str>)> = Vec::new();
    for (pod, _) in chosen {
        debug_assert_eq!(pod.kind, Kind::Pod);
        match by_namespace.iter_mut().find(|(namespace, _)| **namespace == pod.key.namespace) {
            Some((_, names)) => names.push(&pod.key.name),
            None => by_namespace.push((&pod.key.namespace, vec![&pod.key.name])),
        }
    }
    let commands: Vec<_> = by_namespace
        .into_iter()
        .map(|(namespace, names)| {
            let mut arguments = vec!["delete", "pod"];
            arguments.extend(names);
            kubectl::command(&arguments, namespace, &core.cluster).to_string()
        })
        .collect();
    Text::bounded(&commands.join(" && "), 16_384)
}
