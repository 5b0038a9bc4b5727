//! Pods as JSON, as far as an action decides on them.

use serde_json::Value;

use crate::domain::text::Text;

/// Waiting reasons that do not pass by themselves.
const BAD_WAITS: [&str; 9] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PostStartHookError",
];

pub fn name(object: &Value) -> &str {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

pub fn uid(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

pub fn is_deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// Its containers ended, and are not started again.
pub fn has_ended(pod: &Value) -> bool {
    matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"))
}

pub fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition.get("status").and_then(Value::as_str) == Some("True"))
}

/// Ready, and no container was last killed for memory.
pub fn is_healthy(pod: &Value) -> bool {
    let was_killed = |status: &&Value| status.pointer("/lastState/terminated/reason").and_then(Value::as_str) == Some("OOMKilled");
    is_ready(pod) && statuses(pod).find(was_killed).is_none()
}

/// Kind, name and uid of the controller that replaces it.
pub fn controller(pod: &Value) -> Option<(&str, &str, &str)> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?, owner.get("uid")?.as_str()?))
}

/// `CrashLoopBackOff, 7 restarts`.
pub fn trouble(pod: &Value) -> String {
    let waiting = |status: &Value| status.pointer("/state/waiting/reason").or_else(|| status.pointer("/state/terminated/reason")).cloned();
    let killed = |status: &Value| status.pointer("/lastState/terminated/reason").filter(|reason| *reason == "OOMKilled").cloned();
    let reason = statuses(pod).find_map(waiting).or_else(|| statuses(pod).find_map(killed));
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("not ready");
    let reason = reason.as_ref().and_then(Value::as_str).unwrap_or(if phase == "Running" { "not ready" } else { phase });
    let restarts: u64 = statuses(pod).filter_map(|status| status.get("restartCount")?.as_u64()).sum();
    let plural = if restarts == 1 { "restart" } else { "restarts" };
    format!("{reason}, {restarts} {plural}")
}

/// `ready, 0 restarts`, or its trouble.
pub fn state(pod: &Value) -> String {
    if !is_healthy(pod) {
        return trouble(pod);
    }
    let restarts: u64 = statuses(pod).filter_map(|status| status.get("restartCount")?.as_u64()).sum();
    format!("ready, {restarts} {}", if restarts == 1 { "restart" } else { "restarts" })
}

/// Why it will not get ready by waiting, with its name; none while there is hope.
pub fn stuck(pod: &Value) -> Option<Text> {
    if is_deleting(pod) || is_ready(pod) {
        return None;
    }
    let waiting = statuses(pod).find_map(|status| {
        let waiting = status.pointer("/state/waiting")?;
        let reason = waiting.get("reason")?.as_str().filter(|reason| BAD_WAITS.contains(reason))?;
        let message = waiting.get("message").and_then(Value::as_str).map_or_else(String::new, |message| format!(": {message}"));
        Some(format!("{}: {reason}{message}", name(pod)))
    });
    let unschedulable = || {
        let scheduled =
            condition(pod, "PodScheduled").filter(|condition| condition.get("reason").and_then(Value::as_str) == Some("Unschedulable"))?;
        Some(format!("{}: cannot be scheduled: {}", name(pod), scheduled.get("message").and_then(Value::as_str).unwrap_or_default()))
    };
    waiting.or_else(unschedulable).map(|why| Text::bounded(&why, 300))
}

pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(kind))
}

/// `matchLabels` of a selector as a query; none when it has expressions, which this does not write.
pub fn label_query(selector: &Value) -> Option<String> {
    if selector.get("matchExpressions").and_then(Value::as_array).is_some_and(|expressions| !expressions.is_empty()) {
        return None;
    }
    let labels = selector.get("matchLabels")?.as_object()?;
    Some(labels.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect::<Vec<_>>().join(","))
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    ["/status/initContainerStatuses", "/status/containerStatuses"].into_iter().filter_map(|path| pod.pointer(path)?.as_array()).flatten()
}
