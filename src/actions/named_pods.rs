//! Pods that a mitigation names: which of them are meant, what brings each back, the plan by which they go.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::domain::{
    ask::{Wish, Words},
    asks::RestartUnhealthy,
    catalogue::Level,
    mitigation::{CheckKind, CheckResult, ContentType, Effect, MitigationId, ObjectWrite, Write, WriteMethod},
    object::{ObjectRef, Subject},
    phase::{LeftOut, Phase, Refusal, Wait},
    text::Text,
    units,
};

use super::{
    converge,
    draft::{Draft, Undo, basis},
    engine::Core,
    kubectl, nodes, pods, room,
};

const READS_AT_ONCE: usize = 8;

/// A pod as it was read.
pub type Found = (ObjectRef, Value);

/// The pods that are named, and why others of them are left out.
pub struct Meant {
    pub chosen: Vec<Found>,
    pub left_out: Vec<String>,
}

/// What becomes of a pod's work once it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Another one comes, and by whom.
    Replaced(String),
    /// Its controller decides, and how.
    Decided(String),
    /// Nothing brings it back.
    Lost,
    /// Its node runs it from a file: the API server has a mirror of it alone.
    Mirror,
}

/// One pod or more, as `pod/NAME`.
pub fn parse(words: &mut Words<'_>) -> Result<Vec<ObjectRef>, Text> {
    Ok(words.subjects()?.iter().map(Subject::reference).collect())
}

/// Reads the pods; `why_not` says why one is left out.
pub async fn read(core: &Core, listed: &[ObjectRef], why_not: fn(&Value, DateTime<Utc>) -> Option<&'static str>) -> Result<Meant, Text> {
    if listed.len() > RestartUnhealthy::MOST {
        return Err(Text::line(&format!("{} pods are too many to look over at once: name at most {}", listed.len(), RestartUnhealthy::MOST)));
    }
    let asked: Vec<_> = listed.iter().map(|pod| core.api.find(pod)).collect();
    let found: Vec<_> = stream::iter(asked).buffered(READS_AT_ONCE).collect().await;
    let now = core.server_now();
    let mut meant = Meant { chosen: Vec::new(), left_out: Vec::new() };
    for (pod, object) in listed.iter().zip(found) {
        let object = object.map_err(|error| Text::line(&format!("could not read {pod}: {error}")))?;
        let why = match &object {
            // One with a uid was seen before.
            None if pod.uid.is_empty() => Some("it does not exist"),
            None => Some("it is gone"),
            Some(object) if !pod.uid.is_empty() && pods::uid(object) != pod.uid.as_str() => Some("another pod has its name now"),
            Some(object) => why_not(object, now),
        };
        match (object, why) {
            (Some(object), None) => meant.chosen.push((ObjectRef { uid: Text::line(pods::uid(&object)), ..pod.clone() }, object)),
            (_, why) => meant.left_out.push(format!("{}: {}", pod.key.name, why.unwrap_or_default())),
        }
    }
    meant.any()
}

/// The same of pods that are to be made anew: those that are well, or that this does not help, are left out.
pub async fn read_unhealthy(core: &Core, listed: &[ObjectRef]) -> Result<Meant, Text> {
    let Meant { chosen, left_out } = read(core, listed, |_, _| None).await?;
    let lost = nodes::lost(&core.api, chosen.iter().map(|(_, pod)| pod)).await;
    let now = core.server_now();
    let mut meant = Meant { chosen: Vec::new(), left_out };
    for (pod, object) in chosen {
        match pods::vitals_on(&object, &lost).spared(now) {
            Some(why) => meant.left_out.push(format!("{}: {why}", pod.key.name)),
            None => meant.chosen.push((pod, object)),
        }
    }
    meant.any()
}

impl Meant {
    fn any(self) -> Result<Self, Text> {
        if self.chosen.is_empty() {
            return Err(Text::line(&format!("none of these pods can be chosen: {}", self.left_out.join("; "))));
        }
        Ok(self)
    }
}

/// One that is on its way out, or a mirror, is not asked to go.
pub fn going_or_mirror(pod: &Value, _: DateTime<Utc>) -> Option<&'static str> {
    if pods::is_deleting(pod) { Some("it is being deleted already") } else { mirror(pod) }
}

/// A mirror pod is not deleted: nothing would change.
pub fn mirror(pod: &Value) -> Option<&'static str> {
    (fate(pod) == Fate::Mirror).then_some("its node runs it from a file: deleting it restarts nothing")
}

pub fn fate(pod: &Value) -> Fate {
    match pods::controller(pod) {
        None => Fate::Lost,
        Some(("Node", _, _)) => Fate::Mirror,
        Some(("ReplicaSet", name, _)) => Fate::Replaced(format!("replica set {name} makes another")),
        Some(("StatefulSet", name, _)) => Fate::Replaced(format!("stateful set {name} makes it again")),
        Some(("DaemonSet", name, _)) => Fate::Replaced(format!("daemon set {name} makes another there")),
        Some(("Job", name, _)) => Fate::Decided(format!("job {name} counts it as failed, and retries within its limit")),
        Some((kind, name, _)) => Fate::Decided(format!("{kind} {name} decides whether another comes")),
    }
}

/// How far it reaches that these pods go.
pub fn level(chosen: &[Found]) -> Level {
    let one = |(_, pod): &Found| match fate(pod) {
        Fate::Lost => Level::Destructive,
        _ if pods::is_ready(pod) => Level::Disruptive,
        _ => Level::Narrow,
    };
    chosen.iter().map(one).max().unwrap_or(Level::Narrow)
}

/// `pod/a  ready, 0 restarts; replica set a-7c9 makes another`.
pub fn line((pod, object): &Found, now: DateTime<Utc>) -> Text {
    let comes_back = match fate(object) {
        Fate::Replaced(_) if pods::has_ended(object) => "it has ended, and its controller made another".to_owned(),
        Fate::Replaced(by) | Fate::Decided(by) => by,
        Fate::Lost => "NOTHING BRINGS IT BACK: it has no controller".to_owned(),
        Fate::Mirror => "its node runs it from a file".to_owned(),
    };
    Text::line(&format!("{pod}  {}; {comes_back}", pods::state(object, now)))
}

/// How the named pods go.
pub struct Goes {
    /// `delete`.
    pub verb: &'static str,
    /// What the title says of it beyond that: ` by force`, or nothing.
    pub how: &'static str,
    pub write: fn(&ObjectRef) -> Write,
    pub kubectl: fn(&Core, &[Found]) -> Text,
    pub refusal: Refusal,
    /// Why one is left out.
    pub why_not: fn(&Value, DateTime<Utc>) -> Option<&'static str>,
    pub left_out: LeftOut,
    /// The same asked for again, of these pods.
    pub again: fn(Vec<ObjectRef>) -> Wish,
}

/// The plan by which they go, but for what budgets say of it.
pub async fn draft(core: &Arc<Core>, id: MitigationId, pods: &[ObjectRef], goes: Goes) -> Result<(Draft, Vec<Found>), Text> {
    let Meant { chosen, left_out } = read(core, pods, goes.why_not).await?;
    let references: Vec<_> = chosen.iter().map(|(pod, _)| pod.clone()).collect();
    let first = &chosen[0];
    let mut draft = Draft::about(id, (goes.again)(references.clone()), &title(&goes, &chosen), (&first.0, &first.1));
    let now = core.server_now();
    draft.level = level(&chosen);
    draft.targets = chosen.iter().map(|(pod, object)| basis(pod, object)).collect();
    draft.what = what(goes.verb, &chosen, &left_out, now);
    draft.kubectl = (goes.kubectl)(core, &chosen);
    draft.undo = Undo::Nothing(no_undo(core, &chosen));
    draft.writes = references.iter().map(goes.write).collect();
    draft.phases = vec![Phase { writes: draft.writes.len(), left_out: goes.left_out, wait: Wait::Nothing, refusal: goes.refusal }];
    draft.converge = converge::of_pods(&chosen);
    let comes_back = comes_back(&chosen);
    draft.check(CheckKind::Effect, async { comes_back });
    check_room(core, &mut draft, &chosen);
    Ok((draft, chosen))
}

/// Whether the namespaces take in those that their controllers make instead.
pub fn check_room(core: &Core, draft: &mut Draft, chosen: &[Found]) {
    let mut by_namespace: BTreeMap<Text, Vec<Value>> = BTreeMap::new();
    // One that has ended counts for no quota any more, and was replaced already.
    for (pod, object) in chosen.iter().filter(|(_, object)| fate(object) != Fate::Lost && !pods::has_ended(object)) {
        by_namespace.entry(pod.key.namespace.clone()).or_default().push(object.clone());
    }
    if by_namespace.is_empty() {
        return;
    }
    let api = core.api.clone();
    draft.check(CheckKind::Room, async move {
        let asked: Vec<_> = by_namespace.iter().map(|(namespace, gone)| room::for_others(&api, namespace, gone)).collect();
        let said: Vec<_> = stream::iter(asked).buffered(READS_AT_ONCE).collect().await;
        let short = said.iter().find(|said| matches!(said, CheckResult::Warn(_)));
        short.or_else(|| said.first()).cloned().unwrap_or(CheckResult::Pass("no pod is made".into()))
    });
}

/// `Delete pod · shop-abc`, `Delete 3 pods by force · shop`.
fn title(&Goes { verb, how, .. }: &Goes, chosen: &[Found]) -> String {
    match chosen {
        [(pod, _)] => format!("{} pod{how} · {}", capital(verb), pod.key.name),
        many => format!("{} {} pods{how} · {}", capital(verb), many.len(), many[0].0.key.namespace),
    }
}

/// What the card says is done, pod by pod.
fn what(verb: &str, chosen: &[Found], left_out: &[String], now: DateTime<Utc>) -> Vec<Text> {
    let pods = units::counted(chosen.len() as u64, "pod");
    let mut lines = vec![Text::line(&format!("{verb} {pods} in {}, by name and uid", chosen[0].0.key.namespace))];
    lines.extend(chosen.iter().map(|pod| line(pod, now)));
    lines.extend(left_out.iter().map(|why| Text::line(&format!("not {why}"))));
    lines
}

fn no_undo(core: &Core, chosen: &[Found]) -> Text {
    let lost: Vec<&Found> = chosen.iter().filter(|(_, pod)| fate(pod) == Fate::Lost).collect();
    let Some(((first, _), rest)) = lost.split_first() else { return no_way_back(chosen.len()) };
    let namespace = &first.key.namespace;
    let which = if lost.len() == chosen.len() { String::new() } else { format!(": {} of them do not come back at all", lost.len()) };
    // The screen hides values that may be secrets, so that what it shows of a pod could not be used again.
    if rest.iter().any(|(pod, _)| pod.key.namespace != *namespace) {
        return Text::line(&format!("no way back{which}; keep their manifests first, by kubectl get pod -o yaml"));
    }
    let names: Vec<&str> = lost.iter().map(|(pod, _)| pod.key.name.as_str()).collect();
    let keep = kubectl::keep_manifest(&names, namespace, &core.kubectl);
    Text::bounded(&format!("no way back{which}; to keep the manifest first: {keep}"), kubectl::LIMIT)
}

fn no_way_back(pods: usize) -> Text {
    if pods == 1 { "no way back: another pod comes instead".into() } else { "no way back: other pods come instead".into() }
}

/// That each comes again, where it does.
pub fn are_replaced(chosen: &[Found]) -> Text {
    if chosen.len() == 1 { "its controller replaces it".into() } else { "their controllers replace them".into() }
}

/// Whether something brings each of them back.
fn comes_back(chosen: &[Found]) -> CheckResult {
    let lost: Vec<_> = chosen.iter().filter(|(_, pod)| fate(pod) == Fate::Lost).map(|(pod, _)| pod.key.name.as_str()).collect();
    let decided = chosen.iter().find_map(|(pod, object)| match fate(object) {
        Fate::Decided(how) => Some(format!("{}: {how}", pod.key.name)),
        _ => None,
    });
    match (lost.as_slice(), decided) {
        ([], None) => CheckResult::Pass(are_replaced(chosen)),
        ([], Some(how)) => CheckResult::Warn(Text::line(&how)),
        (lost, _) => CheckResult::Warn(Text::line(&format!("nothing brings back {}", lost.join(", ")))),
    }
}

fn capital(verb: &str) -> String {
    let (first, rest) = verb.split_at(1);
    first.to_uppercase() + rest
}

pub fn deletion(pod: &ObjectRef) -> Write {
    Write::Object(ObjectWrite {
        method: WriteMethod::Delete,
        path: pod.path(),
        content: ContentType::Json,
        body: json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": pod.uid } }),
        target: pod.clone(),
        effect: Effect::Gone,
    })
}

/// The same without a word of its kubelet: the API server forgets the pod at once.
pub fn forced_deletion(pod: &ObjectRef) -> Write {
    Write::Object(ObjectWrite {
        method: WriteMethod::Delete,
        path: pod.path(),
        content: ContentType::Json,
        body: json!({ "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": { "uid": pod.uid } }),
        target: pod.clone(),
        effect: Effect::Erased,
    })
}

/// A delete that disruption budgets can refuse. The precondition is the uid alone: a resourceVersion moves with every change
/// of the status, several times a minute in a crash loop, and would refuse the very evictions that end one.
pub fn eviction(pod: &ObjectRef) -> Write {
    let mut body = plain_eviction(pod);
    body["deleteOptions"] = json!({ "preconditions": { "uid": pod.uid } });
    Write::Object(ObjectWrite {
        method: WriteMethod::Post,
        path: eviction_path(pod),
        content: ContentType::Json,
        body,
        target: pod.clone(),
        effect: Effect::Gone,
    })
}

fn plain_eviction(pod: &ObjectRef) -> Value {
    json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": pod.key.name, "namespace": pod.key.namespace } })
}

fn eviction_path(pod: &ObjectRef) -> String {
    format!("{}/eviction", pod.path())
}

/// `kubectl delete pod`, once for each namespace.
pub fn deleted_by_kubectl(core: &Core, chosen: &[Found]) -> Text {
    deleted_with(core, chosen, &[])
}

/// `kubectl delete pod --grace-period=0 --force`.
pub fn forced_by_kubectl(core: &Core, chosen: &[Found]) -> Text {
    deleted_with(core, chosen, &["--grace-period=0", "--force"])
}

fn deleted_with(core: &Core, chosen: &[Found], flags: &[&str]) -> Text {
    let mut by_namespace: Vec<(&Text, Vec<&str>)> = Vec::new();
    for (pod, _) in chosen {
        match by_namespace.iter_mut().find(|(namespace, _)| **namespace == pod.key.namespace) {
            Some((_, names)) => names.push(&pod.key.name),
            None => by_namespace.push((&pod.key.namespace, vec![&pod.key.name])),
        }
    }
    let commands = by_namespace.into_iter().map(|(namespace, names)| {
        let mut arguments = vec!["delete", "pod"];
        arguments.extend(names);
        arguments.extend(flags);
        kubectl::command(&arguments, namespace, &core.kubectl)
    });
    kubectl::one_after_the_other(commands)
}

/// kubectl has no command for an eviction: the request itself, once for each pod.
pub fn evicted_by_kubectl(core: &Core, chosen: &[Found]) -> Text {
    let commands = chosen.iter().map(|(pod, _)| kubectl::create_raw(&eviction_path(pod), &plain_eviction(pod), &core.kubectl));
    kubectl::one_after_the_other(commands)
}
