//! What deployments, stateful sets and daemon sets have in common: a pod template that is rolled out.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::{
    catalogue::Level,
    mitigation::{CheckKind, CheckResult, Converge},
    natural,
    object::{Kind, ObjectRef},
    text::Text,
    units,
};

use super::{api::Api, draft::Draft, engine::Core, overwriters, pods, replacing::Replacing, room};

/// What can be rolled out.
pub const ROLLED_OUT: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// When a new template asks for more than its kind does.
pub const MORE: &str = "destructive where all pods that serve end before new ones come";

/// Adds to a draft what its new pod template does to the pods: how far its card asks, what is waited for, and what is to be known
/// before. `template` is the new one.
pub fn rolls_out(core: &Core, draft: &mut Draft, (target, object): (&ObjectRef, &Value), template: Value) {
    let replacing = Replacing::of(target.kind, object);
    if let Some(outage) = replacing.outage() {
        warn_of_outage(draft, &outage);
    }
    draft.converge = match replacing.held_back() {
        Some(why) => Converge::Held { says: Text::line(&format!("{}: {why}", replacing.in_words())) },
        None => Converge::Rollout { workload: target.subject() },
    };
    if replacing.held_back().is_none() {
        check_room(core, draft, (target, object), template);
    }
    check_effect(core, draft, (target, object), replacing.held_back());
}

/// Nobody serves for a while: said first, and as far-reaching as scaling to none.
pub fn warn_of_outage(draft: &mut Draft, outage: &str) {
    draft.level = Level::Destructive;
    let says = CheckResult::Warn(Text::line(outage));
    draft.check(CheckKind::Outage, async { says });
}

/// Adds to a draft whether pods get what is written.
fn check_effect(core: &Core, draft: &mut Draft, (target, object): (&ObjectRef, &Value), held: Option<String>) {
    let reaches = "its rollout strategy replaces its pods";
    if held.is_some() || target.kind != Kind::StatefulSet {
        let effect = held.map_or_else(|| CheckResult::Pass(reaches.into()), |why| CheckResult::Warn(Text::line(&why)));
        return draft.check(CheckKind::Effect, async { effect });
    }
    let (core_api, clock, target, object) = (core.api.clone(), core.clock.clone(), target.clone(), object.clone());
    draft.check(CheckKind::Effect, async move {
        match blocking(&core_api, &target.key.namespace, &object, clock.now().utc).await {
            Ok(None) => CheckResult::Pass(reaches.into()),
            Ok(Some(blocking)) => CheckResult::Warn(Text::line(&format!("{} once this is written", blocking.in_words()))),
            Err(why) => CheckResult::Warn(Text::line(&format!("its pods could not be read: {why}"))),
        }
    });
}

/// A stateful set that replaces its pods one by one, each only while all others are ready (`podManagementPolicy`).
fn is_one_by_one(object: &Value) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    text("/spec/podManagementPolicy") != Some("Parallel") && text("/spec/updateStrategy/type") != Some("OnDelete")
}

/// What ends a deletion that a node does not confirm.
pub fn forced(pod: &str) -> String {
    format!("delete it by force once its node is off (delete-pod pod/{pod} force=yes)")
}

/// A pod that a stateful set waits for before it touches another, and that does not get ready by waiting.
pub struct Blocking {
    pub name: String,
    /// `is not ready (CrashLoopBackOff)`.
    pub how: String,
    /// It is being deleted already, and does not go.
    pub is_going: bool,
    /// The revision that it runs.
    pub revision: Option<String>,
}

impl Blocking {
    /// What it is, and what ends it.
    pub fn in_words(&self) -> String {
        let ends = if self.is_going { forced(&self.name) } else { "delete it".to_owned() };
        format!("{} {}; a stateful set goes on only after it: {ends}", self.name, self.how)
    }
}

/// The pod with the lowest number that a stateful set is stuck behind; none where it replaces pods whatever the others do.
pub async fn blocking(api: &Api, namespace: &str, object: &Value, else_now: DateTime<Utc>) -> Result<Option<Blocking>, Text> {
    if !is_one_by_one(object) {
        return Ok(None);
    }
    let Some(query) = object.pointer("/spec/selector").and_then(pods::label_query) else { return Ok(None) };
    let (mut found, _) = api.pods(namespace, &query).await.map_err(|error| error.text())?;
    let now = api.server_now(else_now);
    found.retain(|pod| pods::controller(pod).is_some_and(|(_, _, uid)| uid == pods::uid(object)) && pods::is_unhealthy(pod, now));
    found.retain(|pod| !pods::is_ready(pod) || pods::is_deleting(pod));
    found.sort_by(|one, other| natural::compare(pods::name(one), pods::name(other)));
    Ok(found.first().map(|pod| {
        let vitals = pods::vitals(pod);
        let reason = if vitals.word == "Running" { String::new() } else { format!(" ({})", vitals.word) };
        let is_going = vitals.gone_by.is_some();
        Blocking {
            name: pods::name(pod).to_owned(),
            how: if is_going { "is being deleted and does not go".to_owned() } else { format!("is not ready{reason}") },
            is_going,
            revision: pod.pointer("/metadata/labels/controller-revision-hash").and_then(Value::as_str).map(str::to_owned),
        }
    }))
}

/// How many pods there may be beyond its replicas while a new template is rolled out; 0 where old pods go first.
fn surge(kind: Kind, object: &Value) -> u64 {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
    let (bound, pods) = match kind {
        Kind::Deployment if object.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate") => return 0,
        // What the API server fills in where nothing is said (`SetDefaults_Deployment`).
        Kind::Deployment => (object.pointer("/spec/strategy/rollingUpdate/maxSurge").cloned().unwrap_or("25%".into()), number("/spec/replicas")),
        Kind::DaemonSet => {
            (object.pointer("/spec/updateStrategy/rollingUpdate/maxSurge").cloned().unwrap_or_default(), number("/status/desiredNumberScheduled"))
        }
        _ => return 0,
    };
    let pods = pods.unwrap_or(1);
    // A share is rounded up (`ResolveFenceposts` of the deployment controller).
    let share = |text: &str| text.trim_end_matches('%').parse::<u64>().ok().map(|percent| (pods * percent).div_ceil(100));
    bound.as_u64().or_else(|| bound.as_str().and_then(share)).unwrap_or(0).min(pods)
}

/// Adds to a draft whether quotas and limit ranges take in the pods that are made while this template is rolled out.
pub fn check_room(core: &Core, draft: &mut Draft, (target, object): (&ObjectRef, &Value), template: Value) {
    let (api, namespace, surge) = (core.api.clone(), target.key.namespace.clone(), surge(target.kind, object));
    draft.check(CheckKind::Room, async move { room(&api, &namespace, &template, surge).await });
}

async fn room(api: &Api, namespace: &str, template: &Value, surge: u64) -> CheckResult {
    match room::for_rollout(api, namespace, template, surge).await {
        Ok(enough) => CheckResult::Pass(Text::line(&enough)),
        Err(short) if surge == 0 => CheckResult::Warn(Text::line(&short)),
        Err(short) => {
            let pods = format!("{surge} {}", units::plural(surge, "pod"));
            CheckResult::Warn(Text::line(&format!("rolled out {pods} beyond its replicas at a time: {short}")))
        }
    }
}

/// Who will put their own version of the field `path` (a JSON pointer) back.
pub async fn overwritten(api: &Api, target: &ObjectRef, object: &Value, path: &str) -> CheckResult {
    let mut found = Vec::new();
    match overwriters::autoscaler(api, target).await {
        Ok(Some(hpa)) => found.push(format!("HPA {} keeps replicas {}..{}", hpa.name, hpa.min, hpa.max)),
        Ok(None) => {}
        Err(why) => found.push(format!("autoscalers could not be read: {why}")),
    }
    overwriters::judged(api, object, path, found, overwriters::NOBODY).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_strategy_says_how_many_pods_come_before_old_ones_go() {
        let rolling = |replicas: u64, most: Value| json!({"spec": {"replicas": replicas, "strategy": {"rollingUpdate": {"maxSurge": most}}}});
        assert_eq!(surge(Kind::Deployment, &rolling(3, json!("25%"))), 1);
        assert_eq!(surge(Kind::Deployment, &rolling(5, json!("25%"))), 2);
        assert_eq!(surge(Kind::Deployment, &rolling(3, json!(2))), 2);
        assert_eq!(surge(Kind::Deployment, &rolling(0, json!(2))), 0);
        assert_eq!(surge(Kind::Deployment, &json!({"spec": {"replicas": 2}})), 1);
        assert_eq!(surge(Kind::Deployment, &json!({"spec": {"replicas": 3, "strategy": {"type": "Recreate"}}})), 0);
        assert_eq!(surge(Kind::StatefulSet, &json!({"spec": {"replicas": 3}})), 0);
        let daemons = json!({"spec": {"updateStrategy": {"rollingUpdate": {"maxSurge": "10%"}}}, "status": {"desiredNumberScheduled": 12}});
        assert_eq!(surge(Kind::DaemonSet, &daemons), 2);
        assert_eq!(surge(Kind::DaemonSet, &json!({"status": {"desiredNumberScheduled": 12}})), 0);
    }
}
