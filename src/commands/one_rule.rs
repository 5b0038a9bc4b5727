//! Whether a pod is unhealthy is answered alike by the watch behind the screen, by `status` and by what an action reads.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::look::Look;
use crate::{
    actions,
    domain::{
        health::SourceId,
        observation::{Delta, Observation, What},
        pod::Pod,
        time::Mono,
    },
    sources,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// So many seconds ago, as the API server writes it.
fn ago(seconds: i64) -> Value {
    json!((now() - chrono::Duration::seconds(seconds)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

fn moment() -> impl Strategy<Value = Value> {
    prop_oneof![Just(-30), Just(0), Just(5), Just(29), Just(31), Just(100), Just(599), Just(601), Just(5_000)].prop_map(ago)
}

fn reason() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "ContainerCreating",
        "PodInitializing",
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "Completed",
        "Error",
        "OOMKilled",
        "StartError",
    ])
}

fn ended() -> impl Strategy<Value = Value> {
    (reason(), prop::sample::select(vec![0, 1, 137]), prop::sample::select(vec![0, 9]), moment())
        .prop_map(|(reason, code, signal, at)| json!({"terminated": {"reason": reason, "exitCode": code, "signal": signal, "finishedAt": at}}))
}

fn state() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => moment().prop_map(|at| json!({"running": {"startedAt": at}})),
        2 => reason().prop_map(|reason| json!({"waiting": {"reason": reason}})),
        2 => ended(),
        1 => Just(json!({})),
    ]
}

/// Its specification and its status.
fn container(name: &'static str, is_init: bool) -> impl Strategy<Value = (Value, Value)> {
    let probe = prop_oneof![Just(Value::Null), Just(json!({"initialDelaySeconds": 45})), Just(json!({"failureThreshold": 30, "periodSeconds": 5}))];
    let last = prop_oneof![2 => Just(json!({})), 1 => ended()];
    let status = (any::<bool>(), any::<bool>(), prop::sample::select(vec![0, 0, 0, 1, 5]), state(), last);
    (probe, any::<bool>(), status).prop_map(move |(probe, runs_on, (ready, started, restarts, state, last))| {
        let policy = if is_init && runs_on { json!("Always") } else { Value::Null };
        let spec = json!({"name": name, "image": "i", "readinessProbe": if is_init { Value::Null } else { probe }, "restartPolicy": policy});
        (spec, json!({"name": name, "ready": ready, "started": started, "restartCount": restarts, "state": state, "lastState": last}))
    })
}

fn containers(names: &'static [&'static str], is_init: bool) -> impl Strategy<Value = Vec<(Value, Value)>> {
    let all: Vec<_> = names.iter().map(|name| container(name, is_init)).collect();
    (all, 0..=names.len()).prop_map(|(all, count)| all.into_iter().take(count).collect())
}

fn owner() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Node"]).prop_map(|kind| match kind {
        "" => json!([]),
        kind => json!([{"kind": kind, "name": "o", "uid": "u", "controller": true}]),
    })
}

prop_compose! {
    fn pod()(
        phase in prop::sample::select(vec!["Pending", "Running", "Running", "Running", "Succeeded", "Failed", "Unknown"]),
        own in prop::sample::select(vec!["", "", "", "Evicted", "NodeLost"]),
        (ready, since) in (any::<bool>(), moment()),
        (initialized, gated) in (any::<bool>(), prop::bool::weighted(0.1)),
        created in moment(),
        deleted in prop_oneof![4 => Just(Value::Null), 1 => moment()],
        owner in owner(),
        init in containers(&["i", "j"], true),
        main in containers(&["c", "d"], false),
    ) -> Value {
        let yes = |is: bool| if is { "True" } else { "False" };
        let (init_specs, init_statuses): (Vec<_>, Vec<_>) = init.into_iter().unzip();
        let (specs, statuses): (Vec<_>, Vec<_>) = main.into_iter().unzip();
        json!({
            "metadata": {"name": "p", "namespace": "n", "uid": "u", "creationTimestamp": created, "deletionTimestamp": deleted, "ownerReferences": owner},
            "spec": {"containers": specs, "initContainers": init_specs, "nodeName": "node-1"},
            "status": {
                "phase": phase, "reason": own, "containerStatuses": statuses, "initContainerStatuses": init_statuses,
                "conditions": [
                    {"type": "Ready", "status": yes(ready), "lastTransitionTime": since},
                    {"type": "Initialized", "status": yes(initialized)},
                    {"type": "PodScheduled", "status": yes(!gated), "reason": if gated { "SchedulingGated" } else { "" }},
                ],
            },
        })
    }
}

fn watched(json: &Value) -> Pod {
    let page = json!({"metadata": {"resourceVersion": "1"}, "items": [json]}).to_string();
    sources::pods_of_page(page.as_bytes()).unwrap().pop().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_unhealthy_is_so_for_the_screen_for_status_and_for_an_action(json in pod(), is_node_lost in prop::bool::weighted(0.2)) {
        let pod = Pod { is_node_lost, ..watched(&json) };
        let read = crate::domain::standing::Vitals { is_node_lost, ..actions::vitals(&json) };
        prop_assert_eq!(read.is_unhealthy(now()), pod.is_unhealthy(now()), "{}", pod.status);
        prop_assert_eq!(read.spared(now()), pod.vitals().spared(now()), "{}", pod.status);
        prop_assert_eq!(read.standing(now()), pod.standing(now()), "{}", pod.status);
        prop_assert_eq!(read.next_turn(now()), pod.vitals().next_turn(now()));
        let mut look = Look::default();
        let mut see = |source, what| look.apply(Observation { source, observed_at: Mono::ZERO, server_time: Some(now()), what });
        see(SourceId::Pods, What::Pods(vec![Delta::ListStarted, Delta::Applied(watched(&json)), Delta::Listed]));
        if is_node_lost {
            // Known to be gone: a whole list has none.
            see(SourceId::Nodes, What::Nodes(vec![Delta::ListStarted, Delta::Listed]));
        }
        prop_assert_eq!(look.unhealthy(now()).len() == 1, pod.is_unhealthy(now()));
    }
}
