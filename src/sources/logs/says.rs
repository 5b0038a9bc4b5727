//! What servers and kubelets answer instead of a log, told as what it is.
//!
//! The sentences are those of `pkg/kubelet/kubelet_pods.go`, `pkg/kubelet/kuberuntime` and `pkg/registry/core/pod/strategy.go` of
//! Kubernetes, and of the container runtimes behind them.

use serde_json::Value;

use super::look::Look;
use crate::{
    connect::ConnectError,
    domain::text::{LINE_LIMIT, Text},
};

/// What an answer without a log means for who follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It passes by itself.
    Wait(Text),
    /// It may pass; not for ever.
    Trouble(Text),
    /// There will be no log.
    End(Text),
}

/// An error of the request for the log.
pub(super) fn told(error: &ConnectError, look: &Look, previous: bool) -> Told {
    match error {
        ConnectError::Forbidden { verb, resource, .. } => Told::End(Text::line(&format!("not allowed to {verb} {resource}"))),
        ConnectError::Server { message, status: 400, .. } => by_kubelet(message, look, previous),
        ConnectError::Server { message, .. } if is_unreachable(message) => {
            Told::Trouble(Text::line(&format!("{} does not answer the API server, and it keeps the log: {}", node(look), after_url(message))))
        }
        ConnectError::NotFound { .. } => Told::Trouble(Text::line(&format!("{} does not know this pod (any more)", node(look)))),
        other => Told::Trouble(other.text()),
    }
}

/// A line that came in place of a log: those of a log begin with a time, since that is asked for.
pub(super) fn in_the_stream(line: &str, look: &Look, previous: bool) -> Option<Told> {
    if let Some(message) = status(line) {
        return Some(by_kubelet(&message, look, previous));
    }
    if line.contains("too many open files") && line.starts_with("failed to ") {
        let words = format!("{} cannot watch the log for new lines (too many open files): it is read again and again", node(look));
        return Some(Told::Wait(Text::line(&words)));
    }
    let is_told =
        ["unable to retrieve container logs for ", "failed to try resolving symlinks in path ", "failed to open log file ", "rpc error: code = "]
            .iter()
            .any(|beginning| line.starts_with(beginning));
    is_told.then(|| by_kubelet(line, look, previous))
}

/// The words of a refusal that came under the status of a success.
fn status(line: &str) -> Option<String> {
    let object: Value = line.starts_with('{').then(|| serde_json::from_str(line).ok())??;
    let is_refusal = object.get("kind")? == "Status" && object.get("status")? == "Failure";
    object.get("message").and_then(Value::as_str).filter(|_| is_refusal).map(str::to_owned)
}

fn by_kubelet(message: &str, look: &Look, previous: bool) -> Told {
    let container = look.meant();
    let name = &container.name;
    if let Some((_, why)) = message.split_once("is waiting to start") {
        if previous {
            return Told::End(Text::line(&format!("{name} has not been started yet: there is no run before")));
        }
        let why = why.trim_start_matches([':', ' ']);
        let before = look.waits_for().map(|first| format!("; first comes {}", first.sentence()));
        return Told::Wait(Text::of_error(&format!("{name} has not been started yet: {why}{}", before.unwrap_or_default()), LINE_LIMIT));
    }
    if message.contains("previous terminated container") && message.contains("not found") {
        return Told::End(Text::line(&match container.restarts {
            0 => format!("{name} was not restarted: there is no run before"),
            many => format!("{} no longer has the run before of {name}, which was restarted {}", node(look), times(many)),
        }));
    }
    let is_gone = ["failed to try resolving symlinks", "failed to open log file", "unable to retrieve container logs", "no such file or directory"];
    let is_unknown = message.starts_with("rpc error") && (message.contains("NotFound") || message.contains("not found"));
    if is_unknown || is_gone.iter().any(|words| message.contains(words)) {
        let words = Text::line(&format!("{} no longer has this log: it was rotated away, or removed with its container", node(look)));
        return if previous || look.is_over { Told::End(words) } else { Told::Trouble(words) };
    }
    if message.ends_with(" is terminated") || message.ends_with(" is not available") {
        let end = look.end.as_deref().unwrap_or("the container has ended");
        return Told::End(Text::line(&format!("{end}, and {} has no log of it", node(look))));
    }
    Told::End(Text::of_error(&format!("no log: {message}"), LINE_LIMIT))
}

fn node(look: &Look) -> String {
    look.node.as_ref().map_or_else(|| "the node".to_owned(), |node| format!("node {node}"))
}

fn times(many: u32) -> String {
    if many == 1 { "once".to_owned() } else { format!("{many} times") }
}

fn is_unreachable(message: &str) -> bool {
    message.contains("/containerLogs/") || message.contains(":10250") || message.contains("No agent available")
}

/// `Get "https://10.0.0.7:10250/containerLogs/…": dial tcp …`: the address says nothing to a person.
fn after_url(message: &str) -> &str {
    message.split_once("\": ").map_or(message, |(_, why)| why)
}
