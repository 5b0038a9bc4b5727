//! Which container is shown, and what is told where there is no log.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::connect::scripted::{Scripted, Step, answer, chunk, end, json as json_answer, stream};

/// A proxy first, the annotated app second; a migration and a log shipper before them.
pub(super) fn meshed() -> Value {
    json!({
        "metadata": {"name": "meshed-1", "namespace": "shop", "uid": "u1", "annotations": {"kubectl.kubernetes.io/default-container": "app"}},
        "spec": {
            "nodeName": "node-3",
            "initContainers": [{"name": "migrate"}, {"name": "shipper", "restartPolicy": "Always"}],
            "containers": [{"name": "mesh-proxy"}, {"name": "app"}],
            "ephemeralContainers": [{"name": "debugger-x1"}],
        },
        "status": {
            "phase": "Running",
            "initContainerStatuses": [
                {"name": "migrate", "restartCount": 0, "containerID": "c://m0", "state": {"terminated": {"reason": "Completed", "exitCode": 0}}},
                {"name": "shipper", "restartCount": 0, "containerID": "c://s0", "state": {"running": {}}},
            ],
            "containerStatuses": [
                {"name": "app", "restartCount": 7, "containerID": "c://a7", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
                {"name": "mesh-proxy", "restartCount": 0, "containerID": "c://p0", "state": {"running": {}}},
            ],
        },
    })
}

pub(super) fn looked(pod: &Value, wanted: Option<&str>) -> Look {
    look(pod, wanted).unwrap()
}

#[test]
fn the_container_of_kubectl_logs_is_shown_and_all_are_known() {
    let mut pod = meshed();
    assert_eq!(looked(&pod, None).meant().name, "app");
    let sentences: Vec<String> = looked(&pod, None).containers.iter().map(LogContainer::sentence).collect();
    assert_eq!(
        sentences,
        [
            "migrate (init): Completed (exit code 0)",
            "shipper (sidecar): Running",
            "mesh-proxy: Running",
            "app: CrashLoopBackOff, 7 restarts",
            "debugger-x1 (debug): not started"
        ]
    );
    assert_eq!(looked(&pod, Some("migrate")).meant().name, "migrate");
    assert!(look(&pod, Some("nobody")).unwrap_err().contains("there is no container nobody in pod meshed-1: it has migrate, shipper"));
    pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] = json!("renamed");
    assert_eq!((looked(&pod, None).meant().name.as_str(), looked(&pod, None).mistaken), ("mesh-proxy", Some("renamed".into())));
    pod["metadata"]["annotations"] = json!({});
    assert_eq!((looked(&pod, None).meant().name.as_str(), looked(&pod, None).mistaken), ("mesh-proxy", None));
}

#[rstest]
#[case::done_init("migrate", true)]
#[case::sidecar("shipper", false)]
#[case::crash_loop("app", false)]
fn a_container_is_over_when_it_will_not_be_started_again(#[case] name: &str, #[case] is_over: bool) {
    assert_eq!(looked(&meshed(), Some(name)).is_over, is_over);
}

#[rstest]
#[case::waits(
    r#"container "app" in pod "meshed-1" is waiting to start: PodInitializing"#,
    false,
    "app has not been started yet: PodInitializing; first comes migrate (init): Error (exit code 1)",
    "wait"
)]
#[case::waits_for_the_run_before(
    r#"container "app" in pod "meshed-1" is waiting to start: ContainerCreating"#,
    true,
    "app has not been started yet: there is no run before",
    "end"
)]
#[case::no_run_before(
    r#"previous terminated container "app" in pod "meshed-1" not found"#,
    true,
    "node node-3 no longer has the run before of app, which was restarted 7 times",
    "end"
)]
#[case::rotated(
    r#"failed to try resolving symlinks in path "/var/log/pods/x/app/0.log": lstat /var/log/pods/x/app/0.log: no such file or directory"#,
    true,
    "node node-3 no longer has this log: it was rotated away, or removed with its container",
    "end"
)]
#[case::rotated_while_it_runs(
    r#"failed to try resolving symlinks in path "/var/log/pods/x/app/0.log": lstat: no such file or directory"#,
    false,
    "node node-3 no longer has this log: it was rotated away, or removed with its container",
    "trouble"
)]
#[case::removed(
    "unable to retrieve container logs for containerd://f00",
    true,
    "node node-3 no longer has this log: it was rotated away, or removed with its container",
    "end"
)]
#[case::unknown_to_the_runtime(
    r#"rpc error: code = NotFound desc = an error occurred when try to find container "f00": not found"#,
    true,
    "node node-3 no longer has this log: it was rotated away, or removed with its container",
    "end"
)]
#[case::terminated(r#"container "app" in pod "meshed-1" is terminated"#, false, "the container has ended, and node node-3 has no log of it", "end")]
#[case::anything_else("pod is being evil", false, "no log: pod is being evil", "end")]
fn a_refusal_of_the_kubelet_is_told_as_what_it_is(#[case] message: &str, #[case] previous: bool, #[case] words: &str, #[case] what: &str) {
    let mut pod = meshed();
    pod["status"]["initContainerStatuses"][0]["state"] = json!({"terminated": {"reason": "Error", "exitCode": 1}});
    let error = ConnectError::Server { server: "k".into(), status: 400, message: message.into() };
    let expected = match what {
        "wait" => Told::Wait(words.into()),
        "end" => Told::End(words.into()),
        _ => Told::Trouble(words.into()),
    };
    assert_eq!(told(&error, &looked(&pod, None), previous), expected);
}

#[test]
fn a_node_that_cannot_be_reached_is_named() {
    let message = r#"Get "https://10.0.0.7:10250/containerLogs/shop/meshed-1/app?follow=true": dial tcp 10.0.0.7:10250: connect: connection refused"#;
    let error = ConnectError::Server { server: "k".into(), status: 500, message: message.into() };
    let words = "node node-3 does not answer the API server, and it keeps the log: dial tcp 10.0.0.7:10250: connect: connection refused";
    assert_eq!(told(&error, &looked(&meshed(), None), false), Told::Trouble(words.into()));
}

pub(super) fn refusal(status: u16, message: &str) -> Vec<Step> {
    json_answer(
        status,
        &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "BadRequest", "code": status}).to_string(),
    )
}

/// Follows a log of the pod that `script` plays: the pod's own answers, and those for `/log`.
pub(super) async fn follow_of(
    container: Option<&str>,
    previous: bool,
    pod: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static,
    log: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static,
) -> Vec<Said> {
    let counts = [std::sync::atomic::AtomicUsize::new(0), std::sync::atomic::AtomicUsize::new(0)];
    let server = Scripted::start(move |request, _| {
        let is_log = request.lines().next().unwrap_or_default().contains("/log?");
        let count = counts[usize::from(is_log)].fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if is_log { log(count, request) } else { pod(count) }
    })
    .await;
    let (out, mut heard) = mpsc::channel(64);
    let following = Following { pod: Key::new("shop", "meshed-1"), container: container.map(Text::line), previous, tail: 10 };
    tokio::time::timeout(Duration::from_secs(30), follow(Reader::new(&server.target()), following, out)).await.unwrap();
    let mut said = Vec::new();
    while let Some(next) = heard.recv().await {
        said.push(next);
    }
    said
}

pub(super) fn whole(pod: &Value) -> Vec<Step> {
    json_answer(200, &pod.to_string())
}

#[tokio::test]
async fn the_log_of_an_init_container_is_read_to_its_end_without_colours() {
    let log = "2026-11-29T18:00:00.5Z \u{1b}[31mERROR\u{1b}[0m pool\u{7}\n2026-11-29T18:00:01Z\n";
    let said = follow_of(
        Some("migrate"),
        false,
        |_| whole(&meshed()),
        move |_, request| {
            assert!(request.contains("container=migrate"), "{request}");
            let mut steps = stream(log);
            steps.push(end());
            steps
        },
    )
    .await;
    assert!(matches!(&said[0], Said::Containers { all, shown } if all.len() == 5 && *shown == "migrate"), "{said:?}");
    let line = |at: &str, text: &str| LogLine { at: at.into(), text: text.into() };
    assert!(said.contains(&Said::Lines(vec![line("2026-11-29T18:00:00.5Z", "ERROR pool\u{7}"), line("2026-11-29T18:00:01Z", "")])), "{said:?}");
    assert_eq!(said.last(), Some(&Said::Ended("the container has ended: Completed (exit code 0)".into())));
}

#[tokio::test]
async fn a_container_that_waits_says_so_until_its_pod_is_gone() {
    let pod = |count| if count == 0 { whole(&meshed()) } else { refusal(404, "pods \"meshed-1\" not found") };
    let said =
        follow_of(None, false, pod, |_, _| refusal(400, r#"container "app" in pod "meshed-1" is waiting to start: CreateContainerConfigError"#))
            .await;
    assert_eq!(said[1], Said::Waiting("app has not been started yet: CreateContainerConfigError".into()), "{said:?}");
    assert_eq!(said.last(), Some(&Said::Ended("pod meshed-1 is gone, and its log with it".into())));
}

#[tokio::test]
async fn a_word_of_the_node_in_place_of_a_log_is_no_line_of_it() {
    let words = "unable to retrieve container logs for containerd://f00\n";
    let said = follow_of(Some("app"), true, |_| whole(&meshed()), move |_, _| answer(200, "Content-Type: text/plain\r\n", words)).await;
    assert_eq!(said.len(), 2, "{said:?}");
    let why = "node node-3 no longer has this log: it was rotated away, or removed with its container";
    assert_eq!(said.last(), Some(&Said::Ended(why.into())));
}

#[tokio::test]
async fn a_pod_of_the_same_name_is_another_pod() {
    let mut another = meshed();
    another["metadata"]["uid"] = json!("u2");
    let pod = move |count| match count {
        0 => whole(&meshed()),
        1 => whole(&another),
        _ => refusal(404, "pods \"meshed-1\" not found"),
    };
    let said = follow_of(Some("mesh-proxy"), false, pod, |count, _| {
        let mut steps = stream("");
        steps.extend([chunk(&format!("2026-11-29T18:00:00Z run {count}\n")), end()]);
        steps
    })
    .await;
    let texts: Vec<String> = said
        .iter()
        .flat_map(|said| if let Said::Lines(lines) = said { lines.clone() } else { Vec::new() })
        .map(|line| line.text.to_string())
        .collect();
    assert_eq!(texts, ["run 0", "--- a new pod took the name meshed-1 ---", "run 1"]);
}
