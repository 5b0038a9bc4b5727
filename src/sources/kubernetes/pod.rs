//! Pods, with the STATUS, READY and RESTARTS that `kubectl get pods` prints.
//!
//! The rules follow `printPod` of Kubernetes 1.36, `pkg/printers/internalversion/printers.go`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    list_watch::Watched,
    wire::{Condition, Few, Meta, Str, condition, count, text, texts, time},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    pod::{Container, End, Phase, Pod},
    standing,
    text::Text,
};

pub(super) struct Pods;

/// Labels kept of one pod.
const MOST_LABELS: usize = 32;
/// Containers kept of one pod.
const MOST_CONTAINERS: usize = 256;

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    #[serde(default)]
    spec: Spec<'a>,
    #[serde(default)]
    status: Status<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow)]
    node_name: Option<Str<'a>>,
    containers: Option<Few<ContainerSpec<'a>>>,
    init_containers: Option<Few<ContainerSpec<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerSpec<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    image: Option<Str<'a>>,
    restart_policy: Option<Str<'a>>,
    startup_probe: Option<Probe>,
    readiness_probe: Option<Probe>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
struct Probe {
    initial_delay_seconds: Option<u32>,
    period_seconds: Option<u32>,
    failure_threshold: Option<u32>,
    success_threshold: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    phase: Option<Str<'a>>,
    reason: Option<Str<'a>>,
    #[serde(rename = "podIP")]
    pod_ip: Option<Str<'a>>,
    conditions: Option<Few<Condition<'a>>>,
    container_statuses: Option<Few<ContainerStatus<'a>>>,
    init_container_statuses: Option<Few<ContainerStatus<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    ready: Option<bool>,
    started: Option<bool>,
    restart_count: Option<i64>,
    state: Option<State<'a>>,
    last_state: Option<State<'a>>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    waiting: Option<Waiting<'a>>,
    running: Option<Running<'a>>,
    terminated: Option<Terminated<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running<'a> {
    #[serde(borrow)]
    started_at: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct Waiting<'a> {
    #[serde(borrow)]
    reason: Option<Str<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terminated<'a> {
    #[serde(borrow)]
    reason: Option<Str<'a>>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    finished_at: Option<Str<'a>>,
}

impl Watched for Pods {
    const SOURCE: SourceId = SourceId::Pods;
    type Wire<'a> = Wire<'a>;
    type Object = Pod;

    fn object(&self, wire: Wire<'_>) -> Option<Pod> {
        let Wire { metadata, spec, status } = wire;
        let printed = print(&metadata, &spec, &status);
        let phase = match status.phase.as_ref().map(|phase| &*phase.0) {
            Some("Running") => Phase::Running,
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            Some("Pending") | None => Phase::Pending,
            Some(_) => Phase::Unknown,
        };
        let ready = condition(status.conditions.as_ref(), "Ready");
        let is_ready = ready.is_some_and(|ready| ready.is("True"));
        Some(Pod {
            key: metadata.key()?,
            uid: metadata.uid(),
            created: metadata.created(),
            deleting_since: time(metadata.deletion_timestamp.as_ref()),
            delete_asked: delete_asked(&metadata, &status),
            status: Text::line(&printed.reason),
            phase,
            is_ready,
            unready_since: ready.filter(|_| !is_ready).and_then(|ready| time(ready.last_transition_time.as_ref())),
            ready_containers: printed.ready,
            containers: containers(&spec, &status),
            restarts: printed.restarts,
            last_restart: printed.last_restart,
            started: started(&status),
            patience: patience(&spec),
            is_node_lost: false,
            node: spec.node_name.as_ref().filter(|node| !node.0.is_empty()).map(Str::text),
            ip: status.pod_ip.as_ref().filter(|ip| !ip.0.is_empty()).map(Str::text),
            owner: metadata.controller(),
            labels: texts(metadata.labels.as_ref(), MOST_LABELS),
        })
    }

    fn what(deltas: Vec<Delta<Pod>>) -> What {
        What::Pods(deltas)
    }
}

/// The timestamp lies ahead by the grace period.
fn delete_asked(metadata: &Meta<'_>, status: &Status<'_>) -> Option<DateTime<Utc>> {
    let gone_by = time(metadata.deletion_timestamp.as_ref())?;
    let is_disrupted = condition(status.conditions.as_ref(), "DisruptionTarget").is_some_and(|target| target.is("True"));
    let grace = chrono::TimeDelta::try_seconds(metadata.deletion_grace_period_seconds.unwrap_or(0))?;
    if is_disrupted { None } else { gone_by.checked_sub_signed(grace) }
}

/// The containers that kubectl counts: the main ones, then init containers that keep running beside them.
fn containers(spec: &Spec<'_>, status: &Status<'_>) -> Box<[Container]> {
    let main = spec.containers.iter().flatten().map(|container| (container, status.container_statuses.as_ref()));
    let beside = spec.init_containers.iter().flatten().filter(|container| is_restartable(container));
    let beside = beside.map(|container| (container, status.init_container_statuses.as_ref()));
    main.chain(beside)
        .take(MOST_CONTAINERS)
        .map(|(container, statuses)| {
            let name = text(container.name.as_ref());
            let found = statuses.and_then(|all| all.iter().find(|status| status.name == container.name));
            let state = found.and_then(|status| status.state.as_ref());
            Container {
                image: text(container.image.as_ref()),
                is_ready: found.is_some_and(|status| status.ready == Some(true)),
                restarts: count(found.and_then(|status| status.restart_count)),
                state: state.map_or_else(|| "Waiting".into(), state_word),
                last_end: found.and_then(|status| ended(status.last_state.as_ref()?)),
                name,
            }
        })
        .collect()
}

fn state_word(state: &State<'_>) -> Text {
    if let Some(end) = &state.terminated {
        return Text::line(&end_word(end, ""));
    }
    if state.running.is_some() {
        return "Running".into();
    }
    let reason = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_ref()).filter(|reason| !reason.0.is_empty());
    reason.map_or_else(|| "Waiting".into(), Str::text)
}

fn ended(state: &State<'_>) -> Option<End> {
    let end = state.terminated.as_ref()?;
    Some(End { reason: text(end.reason.as_ref()), code: end.exit_code.unwrap_or(0), at: time(end.finished_at.as_ref()) })
}

/// When the newest of the main containers that run was started.
fn started(status: &Status<'_>) -> Option<DateTime<Utc>> {
    let running = status.container_statuses.iter().flatten().filter_map(|container| container.state.as_ref()?.running.as_ref());
    running.filter_map(|running| time(running.started_at.as_ref())).max()
}

/// What the most patient of its containers is given.
fn patience(spec: &Spec<'_>) -> u16 {
    let span = |probe: &Probe| standing::Probe {
        delay: probe.initial_delay_seconds,
        period: probe.period_seconds,
        failures: probe.failure_threshold,
        successes: probe.success_threshold,
    };
    let of =
        |container: &ContainerSpec<'_>| standing::patience(container.startup_probe.as_ref().map(span), container.readiness_probe.as_ref().map(span));
    spec.containers.iter().flatten().map(of).max().unwrap_or(0)
}

/// `Error`, or `Signal:9` or `ExitCode:1` where the runtime gave no reason; with a prefix.
fn end_word(end: &Terminated<'_>, prefix: &str) -> String {
    match (&end.reason, end.signal.unwrap_or(0), end.exit_code.unwrap_or(0)) {
        (Some(reason), ..) if !reason.0.is_empty() => format!("{prefix}{}", reason.0),
        (_, 0, code) => format!("{prefix}ExitCode:{code}"),
        (_, signal, _) => format!("{prefix}Signal:{signal}"),
    }
}

struct Printed<'a> {
    reason: Cow<'a, str>,
    ready: u16,
    restarts: u32,
    last_restart: Option<DateTime<Utc>>,
}

fn print<'a>(metadata: &Meta<'_>, spec: &Spec<'_>, status: &'a Status<'_>) -> Printed<'a> {
    let phase = status.phase.as_ref().map_or("", |phase| &*phase.0);
    let own = status.reason.as_ref().map_or("", |reason| &*reason.0);
    let mut printed = Printed { reason: Cow::Borrowed(if own.is_empty() { phase } else { own }), ready: 0, restarts: 0, last_restart: None };
    let gated = condition(status.conditions.as_ref(), "PodScheduled").and_then(|scheduled| scheduled.reason.as_ref());
    if gated.is_some_and(|reason| reason.is("SchedulingGated")) {
        printed.reason = Cow::Borrowed("SchedulingGated");
    }
    let (initializing, beside) = print_init(&mut printed, spec, status);
    let initialized = condition(status.conditions.as_ref(), "Initialized").is_some_and(|initialized| initialized.is("True"));
    if !initializing || initialized {
        (printed.restarts, printed.last_restart) = beside;
        print_main(&mut printed, status);
    }
    if metadata.deletion_timestamp.is_some() {
        if own == "NodeLost" {
            printed.reason = Cow::Borrowed("Unknown");
        } else if !matches!(phase, "Succeeded" | "Failed") {
            printed.reason = Cow::Borrowed("Terminating");
        }
    }
    printed
}

type Restarts = (u32, Option<DateTime<Utc>>);

/// Up to the first init container that is not done. Returns whether one is not, and the restarts of those that run on.
fn print_init(printed: &mut Printed<'_>, spec: &Spec<'_>, status: &Status<'_>) -> (bool, Restarts) {
    let specs = spec.init_containers.as_deref().unwrap_or_default();
    let mut beside: Restarts = (0, None);
    for (index, container) in status.init_container_statuses.iter().flatten().enumerate() {
        let restarts = count(container.restart_count);
        let restarted = last_end(container);
        printed.restarts = printed.restarts.saturating_add(restarts);
        printed.last_restart = printed.last_restart.max(restarted);
        let restartable = specs.iter().any(|spec| spec.name == container.name && is_restartable(spec));
        if restartable {
            beside = (beside.0.saturating_add(restarts), beside.1.max(restarted));
        }
        let state = container.state.as_ref();
        let end = state.and_then(|state| state.terminated.as_ref());
        let waits = state.and_then(|state| state.waiting.as_ref()?.reason.as_ref()).map_or("", |reason| &*reason.0);
        if end.is_some_and(|end| end.exit_code.unwrap_or(0) == 0) {
            continue;
        }
        if restartable && container.started == Some(true) {
            printed.ready += u16::from(container.ready == Some(true));
            continue;
        }
        printed.reason = Cow::Owned(match end {
            Some(end) => end_word(end, "Init:"),
            None if !waits.is_empty() && waits != "PodInitializing" => format!("Init:{waits}"),
            None => format!("Init:{index}/{}", specs.len()),
        });
        return (true, beside);
    }
    (false, beside)
}

fn print_main<'a>(printed: &mut Printed<'a>, status: &'a Status<'_>) {
    let mut has_running = false;
    for container in status.container_statuses.iter().flatten().rev() {
        printed.restarts = printed.restarts.saturating_add(count(container.restart_count));
        printed.last_restart = printed.last_restart.max(last_end(container));
        let Some(state) = &container.state else { continue };
        let waits = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_ref()).filter(|reason| !reason.0.is_empty());
        if let Some(reason) = waits {
            printed.reason = Cow::Borrowed(&reason.0);
        } else if let Some(end) = &state.terminated {
            printed.reason = Cow::Owned(end_word(end, ""));
        } else if container.ready == Some(true) && state.running.is_some() {
            has_running = true;
            printed.ready = printed.ready.saturating_add(1);
        }
    }
    if printed.reason == "Completed" && has_running {
        let ready = condition(status.conditions.as_ref(), "Ready").is_some_and(|ready| ready.is("True"));
        printed.reason = Cow::Borrowed(if ready { "Running" } else { "NotReady" });
    }
}

fn last_end(container: &ContainerStatus<'_>) -> Option<DateTime<Utc>> {
    time(container.last_state.as_ref()?.terminated.as_ref()?.finished_at.as_ref())
}

fn is_restartable(container: &ContainerSpec<'_>) -> bool {
    container.restart_policy.as_ref().is_some_and(|policy| policy.is("Always"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_of_more_containers_than_any_is_read_as_far_as_it_is_kept() {
        let many = vec!["{}"; 100_000].join(",");
        let lists = format!(
            r#""spec":{{"containers":[{many}],"initContainers":[{many}]}},"status":{{"initContainerStatuses":[{many}],"containerStatuses":[{many}]}}"#
        );
        let pod = Pods.object(serde_json::from_str(&format!(r#"{{"metadata":{{"name":"p"}},{lists}}}"#)).unwrap()).unwrap();
        assert_eq!(pod.containers.len(), MOST_CONTAINERS);
    }

    fn pod(json: &str) -> Pod {
        let wire: Wire<'_> = serde_json::from_str(json).unwrap();
        Pods.object(wire).unwrap()
    }

    fn status(extra: &str, status: &str) -> (String, String, u32) {
        let pod = pod(&format!(
            r#"{{"metadata":{{"name":"a","namespace":"n","uid":"u"{extra}}},
            "spec":{{"containers":[{{"name":"c","image":"i:1"}},{{"name":"d","image":"i:2"}}],
                     "initContainers":[{{"name":"i","image":"x"}},{{"name":"s","image":"y","restartPolicy":"Always"}}]}},
            "status":{status}}}"#
        ));
        (pod.status.to_string(), format!("{}/{}", pod.ready_containers, pod.total_containers()), pod.restarts)
    }

    #[rstest::rstest]
    #[case("", r#"{"phase":"Pending"}"#, "Pending", "0/3", 0)]
    #[case(
        "",
        r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}"#,
        "SchedulingGated",
        "0/3",
        0
    )]
    #[case("", r#"{"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":2,"state":{"running":{}}}]}"#, "Init:0/2", "0/3", 2)]
    #[case(
        "",
        r#"{"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}"#,
        "Init:CrashLoopBackOff",
        "0/3",
        4
    )]
    #[case(
        "",
        r#"{"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":0,"state":{"terminated":{"exitCode":3}}}]}"#,
        "Init:ExitCode:3",
        "0/3",
        0
    )]
    #[case("", r#"{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],
        "initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"s","ready":true,"started":true,"restartCount":1,"state":{"running":{}}}],
        "containerStatuses":[{"name":"c","ready":true,"restartCount":2,"state":{"running":{}}},{"name":"d","ready":true,"restartCount":0,"state":{"running":{}}}]}"#, "Running", "3/3", 3)]
    #[case("", r#"{"phase":"Running","containerStatuses":[{"name":"c","ready":false,"restartCount":7,"state":{"waiting":{"reason":"CrashLoopBackOff"}}},{"name":"d","ready":true,"restartCount":0,"state":{"running":{}}}]}"#, "CrashLoopBackOff", "1/3", 7)]
    #[case("", r#"{"phase":"Running","containerStatuses":[{"name":"c","restartCount":0,"state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]}"#, "NotReady", "1/3", 0)]
    #[case("", r#"{"phase":"Failed","reason":"Evicted"}"#, "Evicted", "0/3", 0)]
    #[case("", r#"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"signal":9}}}]}"#, "Signal:9", "0/3", 0)]
    #[case(r#","deletionTimestamp":"2026-01-01T00:00:00Z""#, r#"{"phase":"Running","reason":"NodeLost"}"#, "Unknown", "0/3", 0)]
    #[case(r#","deletionTimestamp":"2026-01-01T00:00:00Z""#, r#"{"phase":"Running"}"#, "Terminating", "0/3", 0)]
    #[case(r#","deletionTimestamp":"2026-01-01T00:00:00Z""#, r#"{"phase":"Succeeded"}"#, "Succeeded", "0/3", 0)]
    fn status_is_what_kubectl_prints(#[case] extra: &str, #[case] json: &str, #[case] expected: &str, #[case] ready: &str, #[case] restarts: u32) {
        assert_eq!(status(extra, json), (expected.to_owned(), ready.to_owned(), restarts));
    }

    #[test]
    fn a_request_to_delete_came_its_grace_before_the_timestamp_and_an_eviction_is_none() {
        let deleted = |conditions: &str| {
            pod(&format!(
                r#"{{"metadata":{{"name":"a","deletionTimestamp":"2026-11-23T02:05:30Z","deletionGracePeriodSeconds":30}},"status":{{"conditions":[{conditions}]}}}}"#
            ))
        };
        assert_eq!(deleted("").delete_asked.unwrap().to_rfc3339(), "2026-11-23T02:05:00+00:00");
        let evicted = deleted(r#"{"type":"DisruptionTarget","status":"True","reason":"EvictionByEvictionAPI"}"#);
        assert!(evicted.deleting_since.is_some() && evicted.delete_asked.is_none());
    }

    #[test]
    fn the_last_end_of_a_container_is_kept() {
        let pod = pod(
            r#"{"metadata":{"name":"a","ownerReferences":[{"kind":"Node","name":"x"},{"kind":"ReplicaSet","name":"rs","uid":"u","controller":true}]},
            "spec":{"containers":[{"name":"c","image":"i"}]},
            "status":{"phase":"Running","containerStatuses":[{"name":"c","ready":true,"restartCount":1,"state":{"running":{"startedAt":"x"}},
              "lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","finishedAt":"2026-11-23T02:05:00Z"}}}]}}"#,
        );
        let at = pod.last_restart;
        assert_eq!(pod.containers[0].last_end, Some(End { reason: "OOMKilled".into(), code: 137, at }));
        assert_eq!(pod.killed(), at);
        assert_eq!(pod.last_restart.unwrap().to_rfc3339(), "2026-11-23T02:05:00+00:00");
        assert_eq!(&*pod.owner.unwrap().name, "rs");
        assert!(pod.containers[0].is_ready);
    }

    #[test]
    fn every_container_has_its_own_restarts() {
        let pod = pod(r#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"},{"name":"d","image":"i"}]},
            "status":{"phase":"Running","containerStatuses":[{"name":"d","restartCount":4},{"name":"c","restartCount":3}]}}"#);
        let restarts: Vec<_> = pod.containers.iter().map(|container| (&*container.name, container.restarts)).collect();
        assert_eq!((restarts, pod.restarts), (vec![("c", 3), ("d", 4)], 7));
    }

    #[test]
    fn null_and_missing_parts_are_nothing() {
        let pod = pod(r#"{"metadata":{"name":"a","labels":null,"ownerReferences":null},"spec":{"containers":null},"status":{"conditions":null}}"#);
        assert_eq!((pod.total_containers(), &*pod.status), (0, ""));
    }
}
