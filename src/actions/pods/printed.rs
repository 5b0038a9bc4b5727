//! STATUS and RESTARTS of a pod as kubectl prints them, as far as the rule of health goes by them.
//!
//! The rules follow `printPod` of Kubernetes 1.36, `pkg/printers/internalversion/printers.go`. A prefix, a count and the number of an exit
//! code say nothing to the rule and are left out: `Init:CrashLoopBackOff` is `CrashLoopBackOff`, `Init:0/2` is `PodInitializing`.

use serde_json::Value;

use super::{condition, is_deleting, is_ready, list, runs_on};

/// An end for which the runtime gave no reason.
const ENDED: &str = "ExitCode:";

/// The word in STATUS.
pub fn word(pod: &Value) -> &str {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (phase, own) = (text("/status/phase"), text("/status/reason"));
    if is_deleting(pod) && own == "NodeLost" {
        return "Unknown";
    }
    if is_deleting(pod) && !matches!(phase, "Succeeded" | "Failed") {
        return "Terminating";
    }
    let is_gated = condition(pod, "PodScheduled").and_then(|scheduled| scheduled.get("reason")?.as_str()) == Some("SchedulingGated");
    let of_pod = match own {
        _ if is_gated => "SchedulingGated",
        "" => phase,
        own => own,
    };
    let before = blocking(pod);
    // There it has `Init:` in front, and is no end of a main container.
    let mut is_of_init = before.is_some();
    let mut word = before.map_or(of_pod, before_main);
    if has_begun(pod) {
        let mut has_running = false;
        let statuses: Vec<&Value> = list(pod, "/status/containerStatuses").collect();
        for status in statuses.into_iter().rev() {
            match of_state(status) {
                Some(reason) => (word, is_of_init) = (reason, false),
                None => has_running |= status.get("ready").and_then(Value::as_bool) == Some(true) && is_running(status),
            }
        }
        if word == "Completed" && !is_of_init && has_running {
            word = if is_ready(pod) { "Running" } else { "NotReady" };
        }
    }
    word
}

/// The number in RESTARTS: of init containers only while they run, of those that run on beside the main ones always.
pub fn restarts(pod: &Value) -> u32 {
    let of = |status: &Value| status.get("restartCount").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
    let sum = |sum: u32, status: &Value| sum.saturating_add(of(status));
    let init = || list(pod, "/status/initContainerStatuses");
    let until = init().position(is_in_the_way(pod)).map_or(usize::MAX, |at| at + 1);
    if !has_begun(pod) {
        return init().take(until).fold(0, sum);
    }
    let beside = init().take(until).filter(|status| runs_on(pod, status.get("name").and_then(Value::as_str)));
    list(pod, "/status/containerStatuses").chain(beside).fold(0, sum)
}

/// Whether the main containers are what counts.
fn has_begun(pod: &Value) -> bool {
    blocking(pod).is_none() || condition(pod, "Initialized").and_then(|initialized| initialized.get("status")?.as_str()) == Some("True")
}

/// The first init container that is not done.
fn blocking(pod: &Value) -> Option<&Value> {
    list(pod, "/status/initContainerStatuses").find(|status| is_in_the_way(pod)(status))
}

fn is_in_the_way(pod: &Value) -> impl Fn(&Value) -> bool {
    |status| {
        let end = status.pointer("/state/terminated").filter(|end| end.is_object());
        let is_done = end.is_some_and(|end| end.get("exitCode").and_then(Value::as_i64).unwrap_or(0) == 0);
        let runs_on = runs_on(pod, status.get("name").and_then(Value::as_str)) && status.get("started").and_then(Value::as_bool) == Some(true);
        !is_done && !runs_on
    }
}

fn before_main(status: &Value) -> &str {
    let end = status.pointer("/state/terminated").filter(|end| end.is_object());
    match end {
        Some(end) => reason(end).unwrap_or(ENDED),
        None => status.pointer("/state/waiting").and_then(reason).unwrap_or("PodInitializing"),
    }
}

/// What a main container waits for, or ended by; none of one that runs.
fn of_state(status: &Value) -> Option<&str> {
    let waits = status.pointer("/state/waiting").and_then(reason);
    let end = || status.pointer("/state/terminated").filter(|end| end.is_object()).map(|end| reason(end).unwrap_or(ENDED));
    waits.or_else(end)
}

fn is_running(status: &Value) -> bool {
    status.pointer("/state/running").is_some_and(Value::is_object)
}

fn reason(of: &Value) -> Option<&str> {
    of.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty())
}
