//! Whether a write has its effect: rollouts completing, deleted pods replaced.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::{
    mitigation::{ActionEvent, Converge, MitigationId, Plan},
    object::{Key, Kind, ObjectRef, Subject},
    standing::OVERDUE,
    text::Text,
    units,
};

use super::{
    api::Api,
    counted::{self, Look},
    endpoints,
    engine::Core,
    named_pods::Found,
    pods, record, workload,
};
use std::{sync::Arc, time::Duration};

/// A controller whose pods are deleted.
#[derive(Debug, Clone)]
pub struct Owner {
    pub target: ObjectRef,
    /// Label query that finds its pods.
    pub query: String,
    /// The uids of its pods before any was deleted; none where they could not be listed.
    pub before: Option<Vec<Text>>,
}

/// Pods that are deleted, by what replaces them.
#[derive(Debug, Default)]
pub struct Owners {
    pub known: Vec<Owner>,
    /// Pods that no controller is known to replace.
    pub without: Vec<ObjectRef>,
}

/// Looks until the plan has its effect or patience ends; reports every change.
pub async fn watch(core: &Arc<Core>, plan: &Plan, intent: u64, owners: &Owners) {
    let pace = core.api.pace;
    let id = plan.id;
    let began = core.clock.now().mono;
    let mut waited = Duration::ZERO;
    let mut last = None;
    loop {
        let looked = match &plan.converge {
            Converge::Immediately => return core.say(ActionEvent::Converged { id, after: Duration::ZERO }).await,
            Converge::Held { says } => {
                core.say(ActionEvent::Notice { text: Text::line(&format!("{}: written, and {says}", plan.title)), is_error: true }).await;
                return core.say(ActionEvent::Converged { id, after: Duration::ZERO }).await;
            }
            Converge::Rollout { workload } => rollout(&core.api, workload, core.clock.now().utc).await,
            Converge::Replaced { pods, .. } => replaced(&core.api, owners, pods, core.clock.now().utc).await,
            Converge::Endpoints { service } => endpoints::look(&core.api, service).await,
            Converge::Bounds { workload, min, max } => within(&core.api, workload, (*min, *max), core.clock.now().utc).await,
        };
        let so_far = core.clock.now().mono.since(began).max(waited);
        match looked {
            Ok(look) if look.is_complete => {
                let _ = core.journal(record::CONVERGED, json!({ "intent": intent, "id": id, "after_s": so_far.as_secs() })).await;
                say(core, id, &look).await;
                return core.say(ActionEvent::Converged { id, after: so_far }).await;
            }
            Ok(look) if last.as_ref() != Some(&look) => {
                say(core, id, &look).await;
                last = Some(look);
            }
            // Unreadable for a while: the sources say so, and the next look tells.
            Ok(_) | Err(_) => {}
        }
        if so_far >= pace.converge_for {
            let mut look = last.unwrap_or(Look { ready: 0, of: 0, old: 0, stuck: None, is_complete: false });
            let why = look.stuck.as_ref().map_or_else(|| "not complete".to_owned(), ToString::to_string);
            look.stuck = Some(Text::line(&format!("{why}; no longer watched after {}", units::spoken(so_far))));
            return say(core, id, &look).await;
        }
        waited += core.pause(pace.look_every).await;
    }
}

async fn say(core: &Core, id: MitigationId, look: &Look) {
    core.say(ActionEvent::Converging { id, ready: look.ready, of: look.of, old: look.old, stuck: look.stuck.clone() }).await;
}

/// A workload as it is, and why it does not go on.
pub async fn rollout(api: &Api, workload: &Subject, now: DateTime<Utc>) -> Result<Look, Text> {
    let target = workload.reference();
    let object = api.get(&target.path()).await.map_err(|error| error.text())?;
    let (mut look, is_observed) = counted::of(workload.kind, &object);
    if !look.is_complete {
        look.stuck = stuck(api, workload, &object, is_observed, now).await?;
    }
    Ok(look)
}

/// Whether an autoscaler brought the workload within its bounds; one without replicas is left alone.
async fn within(api: &Api, workload: &Subject, (min, max): (u64, u64), now: DateTime<Utc>) -> Result<Look, Text> {
    let object = api.get(&workload.reference().path()).await.map_err(|error| error.text())?;
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let mut look = rollout(api, workload, now).await?;
    if replicas > 0 && !(min..=max).contains(&replicas) {
        look.is_complete = false;
        look.of = u32::try_from(replicas.clamp(min, max)).unwrap_or(u32::MAX);
        // Those too many count as old: they go.
        look.old += look.ready.saturating_sub(look.of);
        look.ready = look.ready.min(look.of);
    }
    Ok(look)
}

/// Why the rollout does not go on: by the workload's conditions, else by its newest pods.
async fn stuck(api: &Api, workload: &Subject, object: &Value, is_observed: bool, now: DateTime<Utc>) -> Result<Option<Text>, Text> {
    // What it says still is about what was wanted before.
    if !is_observed {
        return Ok(None);
    }
    let by_condition = complaint(object, "ReplicaFailure", "True").or_else(|| complaint(object, "Progressing", "False"));
    let query = object.pointer("/spec/selector").and_then(pods::label_query);
    let (None, Some(query)) = (&by_condition, query) else { return Ok(by_condition) };
    let newest = newest(api, workload, &query, object).await;
    let (found, _) = api.pods(&workload.key.namespace, &query).await.map_err(|error| error.text())?;
    if workload.kind == Kind::StatefulSet
        && let Some(blocking) = workload::blocking(api, &workload.key.namespace, object, now).await?
    {
        let is_new = newest.as_ref().is_some_and(|(_, hash)| blocking.revision.as_ref() == Some(hash));
        let words = blocking.in_words();
        let words = if is_new && !blocking.is_going { format!("{words} once its template is mended or taken back") } else { words };
        return Ok(Some(Text::line(&words)));
    }
    // `Recreate` makes no new pod while an old one is there.
    if object.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate") {
        let overdue = |pod: &&Value| pods::vitals(pod).gone_by.is_some_and(|gone_by| api.server_now(now) >= gone_by + OVERDUE);
        if let Some(pod) = found.iter().find(overdue) {
            let name = pods::name(pod);
            return Ok(Some(Text::line(&format!("{name} is being deleted and does not go; new pods come only after it (strategy Recreate)"))));
        }
    }
    let is_new = |pod: &&Value| {
        let label = |name: &str| pod.pointer("/metadata/labels").and_then(|labels| labels.get(name)).and_then(Value::as_str);
        newest.as_ref().is_none_or(|(name, value)| label(name) == Some(value))
    };
    let unready = |pod: &Value| {
        let is_waited_for = pods::is_unhealthy(pod, api.server_now(now)) && !pods::is_ready(pod) && !pods::is_deleting(pod);
        let node = pod.pointer("/spec/nodeName").and_then(Value::as_str).map_or_else(String::new, |node| format!(" (on {node})"));
        is_waited_for.then(|| Text::line(&format!("waits for {}: not ready{node}", pods::name(pod))))
    };
    let new = || found.iter().filter(is_new);
    Ok(new().find_map(pods::stuck).or_else(|| new().find_map(unready)))
}

/// What a controller says in a condition that stands as `bad`.
fn complaint(object: &Value, kind: &str, bad: &str) -> Option<Text> {
    let condition = pods::condition(object, kind).filter(|condition| condition.get("status").and_then(Value::as_str) == Some(bad))?;
    Some(Text::line(condition.get("message")?.as_str()?))
}

/// The label, and its value, that pods of the newest template have; none where that is not known.
async fn newest(api: &Api, workload: &Subject, query: &str, object: &Value) -> Option<(&'static str, String)> {
    const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
    if workload.kind == Kind::StatefulSet {
        return Some(("controller-revision-hash", object.pointer("/status/updateRevision")?.as_str()?.to_owned()));
    }
    if workload.kind != Kind::Deployment {
        return None;
    }
    let revision = object.pointer(REVISION)?;
    let (sets, _) = api.list(&Kind::ReplicaSet.collection_path(Some(&workload.key.namespace)), query).await.ok()?;
    let set = sets
        .iter()
        .find(|set| pods::controller(set).is_some_and(|(_, _, uid)| uid == pods::uid(object)) && set.pointer(REVISION) == Some(revision))?;
    Some(("pod-template-hash", set.pointer("/metadata/labels/pod-template-hash")?.as_str()?.to_owned()))
}

/// Waits for what comes in the place of these pods, as they were read.
pub fn of_pods(chosen: &[Found]) -> Converge {
    let mut controllers: Vec<ObjectRef> = Vec::new();
    for controller in chosen.iter().filter_map(|(pod, object)| controller(pod, object)) {
        if !controllers.contains(&controller) {
            controllers.push(controller);
        }
    }
    Converge::Replaced { pods: chosen.iter().map(|(pod, _)| pod.clone()).collect(), controllers }
}

/// The controllers of the pods, where they can be read.
pub async fn owners(api: &Api, listed: &[ObjectRef]) -> Owners {
    let mut found = Owners::default();
    for pod in listed {
        let controller = api.find(pod).await.ok().flatten().and_then(|object| controller(pod, &object));
        match controller {
            Some(target) if found.known.iter().any(|owner| owner.target.uid == target.uid) => {}
            Some(target) => match api.find(&target).await {
                Ok(Some(owner)) => {
                    let query = owner.pointer("/spec/selector").and_then(pods::label_query).unwrap_or_default();
                    found.known.push(Owner { target, query, before: None });
                }
                Ok(None) | Err(_) => found.without.push(pod.clone()),
            },
            None => found.without.push(pod.clone()),
        }
    }
    if let Ok(listed) = pods_of(api, &found.known).await {
        for (owner, pods) in found.known.iter_mut().zip(listed) {
            owner.before = Some(pods.iter().map(|pod| Text::line(pods::uid(pod))).collect());
        }
    }
    found
}

/// The controller that makes another pod in the place of this one.
fn controller(pod: &ObjectRef, object: &Value) -> Option<ObjectRef> {
    let (kind, name, uid) = pods::controller(object)?;
    let kind = match kind {
        "ReplicaSet" => Kind::ReplicaSet,
        "StatefulSet" => Kind::StatefulSet,
        "DaemonSet" => Kind::DaemonSet,
        _ => return None,
    };
    Some(ObjectRef { kind, key: Key { namespace: pod.key.namespace.clone(), name: Text::line(name) }, uid: Text::line(uid) })
}

/// Every pod of the owners, by owner.
pub async fn pods_of(api: &Api, owners: &[Owner]) -> Result<Vec<Vec<Value>>, Text> {
    let mut all = Vec::new();
    for owner in owners {
        let (mut items, _) = api.pods(&owner.target.key.namespace, &owner.query).await.map_err(|error| error.text())?;
        items.retain(|pod| pods::controller(pod).is_some_and(|(_, _, uid)| uid == owner.target.uid.as_str()));
        all.push(items);
    }
    Ok(all)
}

/// How many pods an owner wants, and why it cannot make them.
async fn desired(api: &Api, owner: &Owner) -> Result<(u32, Option<Text>), Text> {
    let pointer = if owner.target.kind == Kind::DaemonSet { "/status/desiredNumberScheduled" } else { "/spec/replicas" };
    let Some(object) = api.find(&owner.target).await.map_err(|error| error.text())? else { return Ok((0, None)) };
    let number = object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    Ok((u32::try_from(number).unwrap_or(u32::MAX), complaint(&object, "ReplicaFailure", "True")))
}

/// Whether the deleted pods are gone and as many ready ones came in their place.
async fn replaced(api: &Api, owners: &Owners, deleted: &[ObjectRef], now: DateTime<Utc>) -> Result<Look, Text> {
    let mut look = new_ready(api, &owners.known, deleted, now).await?;
    for pod in &owners.without {
        let found = api.find(pod).await.map_err(|error| error.text())?;
        look.old += u32::from(found.is_some_and(|found| pods::uid(&found) == pod.uid.as_str() && pods::is_deleting(&found)));
    }
    look.is_complete &= look.old == 0;
    if look.is_complete {
        look.stuck = None;
    }
    Ok(look)
}

/// A pod that does not go, and what ends that.
fn going(name: &str) -> String {
    format!("{name} is being deleted and does not go: {}", workload::forced(name))
}

/// Waits until a batch of deleted pods has ready replacements: `gone` are all that were deleted so far. Says how far that is;
/// `done` of `of` writes have their answer meanwhile.
pub async fn replacements(core: &Arc<Core>, (id, done, of): (MitigationId, u32, u32), owners: &[Owner], gone: &[ObjectRef]) -> Result<(), String> {
    let pace = core.api.pace;
    let began = core.clock.now().mono;
    let mut waited = Duration::ZERO;
    let mut last = None;
    loop {
        let why = match new_ready(&core.api, owners, gone, core.clock.now().utc).await {
            Ok(look) if look.is_complete => return Ok(()),
            Ok(look) => {
                let why = look.stuck.as_ref().map_or_else(|| "the replacements are not ready".to_owned(), ToString::to_string);
                let stuck = look.stuck.as_ref().map(|stuck| format!(": {stuck}")).unwrap_or_default();
                let far = Text::line(&format!("{} of {} ready{stuck}", look.ready, units::counted(u64::from(look.of), "new pod")));
                if last.as_ref() != Some(&far) {
                    core.say(ActionEvent::Progress { id, done, of, waits: Some(far.clone()) }).await;
                    last = Some(far);
                }
                why
            }
            Err(why) => why.to_string(),
        };
        let so_far = core.clock.now().mono.since(began).max(waited);
        if so_far >= pace.batch_for {
            return Err(format!("{why} ({} s)", so_far.as_secs()));
        }
        waited += core.pause(pace.look_every).await;
    }
}

/// How many ready pods came in the place of the deleted ones. Pods that were there before count for nothing.
async fn new_ready(api: &Api, owners: &[Owner], deleted: &[ObjectRef], now: DateTime<Utc>) -> Result<Look, Text> {
    let mut look = Look { ready: 0, of: 0, old: 0, stuck: None, is_complete: true };
    let is_deleted = |uid: &str| deleted.iter().any(|gone| gone.uid.as_str() == uid);
    for (owner, found) in owners.iter().zip(pods_of(api, owners).await?) {
        let was_there = |pod: &Value| owner.before.as_ref().is_some_and(|before| before.iter().any(|uid| uid.as_str() == pods::uid(pod)));
        let due = owner.before.as_ref().map_or(0, |before| count(before.iter().filter(|uid| is_deleted(uid))));
        let ready = count(found.iter().filter(|pod| !was_there(pod) && pods::is_ready(pod) && !pods::is_deleting(pod)));
        let all_ready = count(found.iter().filter(|pod| pods::is_ready(pod) && !pods::is_deleting(pod)));
        let (wanted, why_not) = desired(api, owner).await?;
        // An owner that was scaled down meanwhile makes no replacement.
        let is_enough = ready >= due || all_ready >= wanted;
        look.ready += if is_enough { due } else { ready };
        look.of += due;
        let is_old = |pod: &&Value| is_deleted(pods::uid(pod)) && pods::is_deleting(pod);
        look.old += count(found.iter().filter(is_old));
        let overdue = |pod: &&Value| is_old(pod) && pods::vitals(pod).gone_by.is_some_and(|gone_by| api.server_now(now) >= gone_by + OVERDUE);
        let going = || found.iter().find(overdue).map(|pod| Text::line(&going(pods::name(pod))));
        look.stuck = look.stuck.or(why_not).or_else(going).or_else(|| found.iter().filter(|pod| !was_there(pod)).find_map(pods::stuck));
        look.is_complete &= is_enough && (owner.before.is_some() || all_ready >= wanted);
    }
    Ok(look)
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
