//! Pods as JSON, as far as an action decides on them.

mod printed;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::{
    ailment::Ailment,
    pod::Phase,
    standing::{Probe, Standing, Vitals, patience},
    text::Text,
    time, units,
};

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

/// What the rule of health goes by. Whether its node is lost is not in it.
pub fn vitals(pod: &Value) -> Vitals<'_> {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    let running = main(pod).filter_map(|status| time(status.pointer("/state/running/startedAt")));
    let kills = main(pod).chain(beside(pod)).filter_map(|status| {
        let end = status.pointer("/lastState/terminated").filter(|end| end.get("reason").and_then(Value::as_str) == Some("OOMKilled"))?;
        time(end.get("finishedAt"))
    });
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
    Vitals {
        phase: match text("/status/phase") {
            Some("Running") => Phase::Running,
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            Some("Pending") | None => Phase::Pending,
            Some(_) => Phase::Unknown,
        },
        word: printed::word(pod),
        is_ready: is_ready(pod),
        unready_since: condition(pod, "Ready").filter(|_| !is_ready(pod)).and_then(|ready| time(ready.get("lastTransitionTime"))),
        restarts: printed::restarts(pod),
        created: time(pod.pointer("/metadata/creationTimestamp")).unwrap_or_default(),
        started: running.max(),
        patience: containers.map(|container| patience(probe(container, "startupProbe"), probe(container, "readinessProbe"))).max().unwrap_or(0),
        killed: kills.max(),
        gone_by: is_deleting(pod).then(|| time(pod.pointer("/metadata/deletionTimestamp")).unwrap_or_default()),
        controller: controller(pod).map(|(kind, ..)| kind),
        is_node_lost: false,
    }
}

/// The same where the names of lost nodes are known.
pub fn vitals_on<'a>(pod: &'a Value, lost: &BTreeSet<String>) -> Vitals<'a> {
    Vitals { is_node_lost: node(pod).is_some_and(|node| lost.contains(node)), ..vitals(pod) }
}

/// The name of the node that it runs on.
pub fn node(pod: &Value) -> Option<&str> {
    pod.pointer("/spec/nodeName").and_then(Value::as_str).filter(|name| !name.is_empty())
}

/// The same of a pod whose node is known to be lost. One that counts as ready was heard of since.
pub fn lost_vitals(pod: &Value) -> Vitals<'_> {
    let vitals = vitals(pod);
    Vitals { is_node_lost: !vitals.is_ready, ..vitals }
}

/// Whether the rule of health holds it for unhealthy.
pub fn is_unhealthy(pod: &Value, now: DateTime<Utc>) -> bool {
    vitals(pod).is_unhealthy(now)
}

fn probe(container: &Value, name: &str) -> Option<Probe> {
    let probe = container.get(name).filter(|probe| probe.is_object())?;
    let number = |name: &str| probe.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    Some(Probe {
        delay: number("initialDelaySeconds"),
        period: number("periodSeconds"),
        failures: number("failureThreshold"),
        successes: number("successThreshold"),
    })
}

fn time(value: Option<&Value>) -> Option<DateTime<Utc>> {
    time::read(value?.as_str()?)
}

/// Kind, name and uid of the controller that replaces it.
pub fn controller(pod: &Value) -> Option<(&str, &str, &str)> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?, owner.get("uid")?.as_str()?))
}

/// `CrashLoopBackOff, 7 restarts`; `ready, 0 restarts`.
pub fn state(pod: &Value, now: DateTime<Utc>) -> String {
    let vitals = vitals(pod);
    let word = match vitals.standing(now) {
        Standing::Ill(Ailment::OutOfMemory) if vitals.is_ready => "ready, killed for memory lately",
        Standing::Ill(Ailment::OutOfMemory) if vitals.word == "Running" => "OOMKilled",
        _ if vitals.is_ready && !has_ended(pod) => "ready",
        _ if vitals.word == "Running" => "not ready",
        _ => vitals.word,
    };
    format!("{word}, {} {}", vitals.restarts, units::plural(vitals.restarts.into(), "restart"))
}

/// Why it will not get ready by waiting, with its name; none while there is hope.
pub fn stuck(pod: &Value) -> Option<Text> {
    if is_deleting(pod) || is_ready(pod) {
        return None;
    }
    let waiting = statuses(pod).find_map(|status| {
        let waiting = status.pointer("/state/waiting")?;
        let reason = waiting.get("reason")?.as_str().filter(|reason| Ailment::of(reason).is_some())?;
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

/// A selector as a query (`k8s.io/apimachinery/pkg/apis/meta/v1`, `LabelSelectorAsSelector`); none where it has an operator that is not known,
/// or selects nothing in particular.
pub fn label_query(selector: &Value) -> Option<String> {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut terms: Vec<String> = labels.filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    for expression in list(selector, "/matchExpressions") {
        let name = expression.get("key")?.as_str()?;
        let values = || list(expression, "/values").filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        terms.push(match expression.get("operator")?.as_str()? {
            "In" => format!("{name} in ({})", values()),
            "NotIn" => format!("{name} notin ({})", values()),
            "Exists" => name.to_owned(),
            "DoesNotExist" => format!("!{name}"),
            _ => return None,
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}

/// Whether an init container of this name runs on beside the main ones.
fn runs_on(pod: &Value, name: Option<&str>) -> bool {
    let is_it = |container: &Value| container.get("name").and_then(Value::as_str) == name;
    list(pod, "/spec/initContainers").any(|container| is_it(container) && container.get("restartPolicy").and_then(Value::as_str) == Some("Always"))
}

/// Of the init containers that run on beside the main ones.
fn beside(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/status/initContainerStatuses").filter(move |status| runs_on(pod, status.get("name").and_then(Value::as_str)))
}

/// Of every container, init containers first.
fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/status/initContainerStatuses").chain(main(pod))
}

/// Of the main containers.
fn main(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/status/containerStatuses")
}

fn list<'a>(pod: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_with_expressions_is_a_query_too() {
        let expression = |operator: &str, values: &[&str]| json!({"key": "tier", "operator": operator, "values": values});
        let query = |expressions: Vec<Value>| label_query(&json!({"matchLabels": {"app": "db"}, "matchExpressions": expressions}));
        assert_eq!(query(vec![]).as_deref(), Some("app=db"));
        let all = vec![expression("In", &["a", "b"]), expression("NotIn", &["c"]), expression("Exists", &[]), expression("DoesNotExist", &[])];
        assert_eq!(query(all).as_deref(), Some("app=db,tier in (a,b),tier notin (c),tier,!tier"));
        assert_eq!(query(vec![expression("Near", &["a"])]), None);
        assert_eq!(label_query(&json!({"matchExpressions": [expression("Exists", &[])]})).as_deref(), Some("tier"));
        assert_eq!(label_query(&json!({})), None);
    }
}
