//! A pod's row: the status words an engineer knows, from conditions and container states.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::age;

pub fn cells(pod: &Value, now: DateTime<Utc>) -> Vec<Value> {
    let containers = list(pod, "/spec/containers");
    let sidecars = || list(pod, "/spec/initContainers").iter().filter(|container| container.get("restartPolicy") == Some(&json!("Always")));
    let statuses = list(pod, "/status/containerStatuses");
    let mut total = containers.len();
    let mut ready = 0;
    let mut restarts = 0;
    let mut last_restart: Option<String> = None;
    let mut note_restarts = |status: &Value| {
        restarts += status.get("restartCount").and_then(Value::as_i64).unwrap_or_default();
        if let Some(finished) = status.pointer("/lastState/terminated/finishedAt").and_then(Value::as_str)
            && last_restart.as_deref().is_none_or(|last| last < finished)
        {
            last_restart = Some(finished.to_owned());
        }
    };
    for sidecar in sidecars() {
        total += 1;
        let name = sidecar.get("name");
        for status in list(pod, "/status/initContainerStatuses").iter().filter(|status| status.get("name") == name) {
            note_restarts(status);
            ready += usize::from(flag(status, "ready") && status.pointer("/state/running").is_some());
        }
    }
    for status in statuses {
        note_restarts(status);
        ready += usize::from(flag(status, "ready") && status.pointer("/state/running").is_some());
    }
    let restarts = match last_restart {
        Some(last) if restarts > 0 => format!("{restarts} ({} ago)", age(Some(&json!(last)), now)),
        _ => restarts.to_string(),
    };
    let or_none = |path: &str| {
        let text = pod.pointer(path).and_then(Value::as_str).unwrap_or_default();
        json!(if text.is_empty() { "<none>" } else { text })
    };
    vec![
        json!(pod.pointer("/metadata/name")),
        json!(format!("{ready}/{total}")),
        json!(reason(pod)),
        json!(restarts),
        json!(age(pod.pointer("/metadata/creationTimestamp"), now)),
        or_none("/status/podIP"),
        or_none("/spec/nodeName"),
        or_none("/status/nominatedNodeName"),
        json!(gates(pod)),
    ]
}

/// The word under STATUS; the order of the questions is that of the API server's `printPod`.
fn reason(pod: &Value) -> String {
    let phase = text(pod, "/status/phase");
    let own = text(pod, "/status/reason");
    let mut reason = if own.is_empty() { phase.to_owned() } else { own.to_owned() };
    if condition(pod, "PodScheduled").is_some_and(|scheduled| text(scheduled, "/reason") == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut reason);
    }
    let initializing = init_reason(pod);
    let initialized = condition(pod, "Initialized").is_some_and(|initialized| text(initialized, "/status") == "True");
    if let Some(initializing) = initializing.filter(|_| !initialized) {
        reason = initializing;
    } else {
        let mut has_running = false;
        for status in list(pod, "/status/containerStatuses").iter().rev() {
            let waiting = text(status, "/state/waiting/reason");
            let terminated = status.pointer("/state/terminated");
            if !waiting.is_empty() {
                waiting.clone_into(&mut reason);
            } else if let Some(terminated) = terminated {
                reason = termination(terminated);
            } else if flag(status, "ready") && status.pointer("/state/running").is_some() {
                has_running = true;
            }
        }
        if reason == "Completed" && has_running {
            let ready = condition(pod, "Ready").is_some_and(|ready| text(ready, "/status") == "True");
            if ready { "Running" } else { "NotReady" }.clone_into(&mut reason);
        }
    }
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        if own == "NodeLost" {
            return "Unknown".to_owned();
        }
        if !matches!(phase, "Succeeded" | "Failed") {
            return "Terminating".to_owned();
        }
    }
    reason
}

fn init_reason(pod: &Value) -> Option<String> {
    let total = list(pod, "/spec/initContainers").len();
    for (done, status) in list(pod, "/status/initContainerStatuses").iter().enumerate() {
        let terminated = status.pointer("/state/terminated");
        if terminated.is_some_and(|terminated| terminated.get("exitCode").and_then(Value::as_i64) == Some(0)) {
            continue;
        }
        if flag(status, "started") && status.pointer("/state/running").is_some() {
            continue;
        }
        if let Some(terminated) = terminated {
            return Some(format!("Init:{}", termination(terminated)));
        }
        let waiting = text(status, "/state/waiting/reason");
        if !waiting.is_empty() && waiting != "PodInitializing" {
            return Some(format!("Init:{waiting}"));
        }
        return Some(format!("Init:{done}/{total}"));
    }
    None
}

fn termination(terminated: &Value) -> String {
    let reason = text(terminated, "/reason");
    if !reason.is_empty() {
        return reason.to_owned();
    }
    let number = |field: &str| terminated.get(field).and_then(Value::as_i64).unwrap_or_default();
    if number("signal") != 0 { format!("Signal:{}", number("signal")) } else { format!("ExitCode:{}", number("exitCode")) }
}

fn gates(pod: &Value) -> String {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let met = |gate: &&Value| condition(pod, text(gate, "/conditionType")).is_some_and(|condition| text(condition, "/status") == "True");
    format!("{}/{}", gates.iter().filter(met).count(), gates.len())
}

fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a Value> {
    list(pod, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

fn list<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    object.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn flag(object: &Value, field: &str) -> bool {
    object.get(field).and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words_are_those_of_kubectl() {
        let waiting = json!({"spec": {"containers": [{}]}, "status": {"phase": "Running", "containerStatuses": [
            {"ready": false, "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"finishedAt": "2027-01-15T07:55:00Z"}}}]}});
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let row = cells(&waiting, now);
        assert_eq!((&row[1], &row[2], &row[3]), (&json!("0/1"), &json!("CrashLoopBackOff"), &json!("7 (5m ago)")));
        let mut leaving = waiting;
        leaving["metadata"]["deletionTimestamp"] = json!("2027-01-15T08:00:30Z");
        assert_eq!(reason(&leaving), "Terminating");
        assert_eq!(reason(&json!({"status": {"phase": "Failed", "reason": "Evicted"}})), "Evicted");
        let killed = json!({"status": {"phase": "Running", "containerStatuses": [{"state": {"terminated": {"exitCode": 137}}}]}});
        assert_eq!(reason(&killed), "ExitCode:137");
    }
}
