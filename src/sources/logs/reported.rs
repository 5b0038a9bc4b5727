//! Following logs as public bug reports about other tools have it.

use serde_json::{Value, json};

use super::{
    tests::{follow_of, looked, meshed, refusal, whole},
    *,
};
use crate::connect::scripted::{Step, answer, chunk, end, stream};

/// The proxy of a pod, which runs.
const RUNNING: &str = "mesh-proxy";

fn texts(said: &[Said]) -> Vec<String> {
    let lines = said.iter().filter_map(|said| if let Said::Lines(lines) = said { Some(lines) } else { None });
    lines.flatten().map(|line| line.text.to_string()).collect()
}

fn last(said: &[Said]) -> &str {
    match said.last() {
        Some(Said::Ended(why)) => why,
        other => panic!("no end but {other:?}"),
    }
}

/// The pod for so many looks, then none of that name.
fn there(looks: usize) -> impl Fn(usize) -> Vec<Step> {
    move |count| if count < looks { whole(&meshed()) } else { refusal(404, "pods \"meshed-1\" not found") }
}

fn lines(texts: &[&str], ends: Step) -> Vec<Step> {
    let mut steps = stream("");
    steps.extend(texts.iter().map(|text| chunk(text)));
    steps.push(ends);
    steps
}

const A: &str = "2026-11-29T18:00:00.1Z a\n";
const B: &str = "2026-11-29T18:00:00.2Z b\n";
const C: &str = "2026-11-29T18:00:03Z c\n";

/// A stream that ends while the container runs is opened again, and no line is lost or shown twice (stern 361, aptakube 294, kail 22).
#[tokio::test]
async fn a_stream_that_ends_early_goes_on_where_it_was() {
    let said = follow_of(Some(RUNNING), false, there(3), |count, request| {
        assert_eq!(request.contains("sinceTime="), count > 0, "{request}");
        match count {
            0 => lines(&[A], end()),
            1 => lines(&[A, B], end()),
            _ => lines(&[A, B, C], end()),
        }
    })
    .await;
    assert_eq!(texts(&said), ["a", "b", "c"]);
    assert_eq!(last(&said), "pod meshed-1 is gone, and its log with it");
}

/// One that is cut again and again, as load balancers do with quiet ones, is no failure while lines come (kubectl 595 and 1391).
#[tokio::test]
async fn a_stream_that_is_cut_often_is_followed_on() {
    let cuts = FAILURES as usize + 1;
    let said = follow_of(Some(RUNNING), false, there(cuts), |count, _| {
        let line = format!("2026-11-29T18:{count:02}:00Z line {count}\n");
        lines(&[&line], Step::Close)
    })
    .await;
    assert_eq!(texts(&said).len(), cuts, "{said:?}");
    assert!(last(&said).contains("is gone"), "{said:?}");
}

/// A pod of a job, done.
fn completed() -> Value {
    let mut pod = meshed();
    pod["spec"]["restartPolicy"] = json!("Never");
    pod["status"]["phase"] = json!("Succeeded");
    pod["status"]["containerStatuses"][0]["state"] = json!({"terminated": {"reason": "Completed", "exitCode": 0}});
    pod
}

/// A job's container that is done is read once (stern 217), also where it was done before anybody looked (stern 165).
#[tokio::test]
async fn what_a_container_that_is_done_wrote_is_shown_once() {
    let pod = completed();
    let said = follow_of(Some("app"), false, move |_| whole(&pod), |_, _| lines(&[A, B], end())).await;
    assert_eq!(texts(&said), ["a", "b"]);
    assert_eq!(last(&said), "the container has ended: Completed (exit code 0)");
}

/// The lines of a container that was started anew follow, with a mark between (stern 13).
#[tokio::test]
async fn a_new_run_of_the_container_is_followed() {
    let run = |id: &str| {
        let mut pod = meshed();
        pod["status"]["containerStatuses"][1]["containerID"] = json!(id);
        whole(&pod)
    };
    let pod = move |count| match count {
        0 => run("c://p0"),
        1 => run("c://p1"),
        _ => refusal(404, "pods \"meshed-1\" not found"),
    };
    let said = follow_of(Some(RUNNING), false, pod, |count, _| if count == 0 { lines(&[A], end()) } else { lines(&[A, C], end()) }).await;
    assert_eq!(texts(&said), ["a", "--- the container was restarted ---", "c"]);
}

/// Right after a restart of the container runtime the node looks for a file that is not there yet (kubernetes 45911).
#[tokio::test]
async fn a_log_that_the_node_cannot_open_yet_is_tried_again() {
    let words = "failed to open log file \"/var/log/pods/x/app/3.log\": open /var/log/pods/x/app/3.log: no such file or directory\n";
    let said = follow_of(Some(RUNNING), false, there(2), |count, _| match count {
        0 => answer(200, "Content-Type: text/plain\r\n", words),
        _ => lines(&[A], end()),
    })
    .await;
    assert_eq!(texts(&said), ["a"]);
    assert!(
        said.iter().any(|said| matches!(said, Said::Waiting(why) if why.contains("no longer has this log") && why.contains("tries again"))),
        "{said:?}"
    );
}

/// The log of an init container that the node has cleaned away already (kubernetes 98236).
#[tokio::test]
async fn an_init_container_that_was_cleaned_away_says_so_at_once() {
    let words = "unable to retrieve container logs for containerd://61a9\n";
    let said = follow_of(Some("migrate"), false, |_| whole(&meshed()), |_, _| answer(200, "Content-Type: text/plain\r\n", words)).await;
    assert!(texts(&said).is_empty(), "{said:?}");
    assert_eq!(last(&said), "node node-3 no longer has this log: it was rotated away, or removed with its container");
}

/// A pod that is initializing names what it waits for (k9s 763, 888), and main containers are shown by themselves all the same (k9s 85, 147).
#[tokio::test]
async fn a_pod_that_initializes_names_what_it_waits_for() {
    let mut pod = meshed();
    pod["status"]["initContainerStatuses"][0]["state"] = json!({"running": {}});
    assert_eq!(looked(&pod, None).meant().name, "app");
    let (first, waits) = (whole(&pod), r#"container "app" in pod "meshed-1" is waiting to start: PodInitializing"#);
    let pod = move |count| if count == 0 { first.clone() } else { refusal(404, "pods \"meshed-1\" not found") };
    let said = follow_of(None, false, pod, |_, _| refusal(400, waits)).await;
    assert_eq!(said[1], Said::Waiting("app has not been started yet: PodInitializing; first comes migrate (init): Running".into()), "{said:?}");
}

/// The run before of a pod that was replaced meanwhile (kubectl 1622).
#[tokio::test]
async fn the_run_before_of_a_pod_that_is_gone_is_gone_with_it() {
    let said = follow_of(None, true, there(0), |_, _| panic!("no log is asked for")).await;
    assert_eq!(said, [Said::Ended("pod meshed-1 is gone, and its log with it".into())]);
}

/// A line longer than any buffer, and bytes that are no text, end nothing (stern 104 and 165).
#[tokio::test]
async fn long_lines_and_bytes_that_are_no_text_end_nothing() {
    let long = format!("2026-11-29T18:00:01Z {}\n", "x".repeat(3 << 20));
    let said = follow_of(Some(RUNNING), false, there(1), move |_, _| {
        let mut steps = lines(&[A, &long], chunk(C));
        steps.insert(2, Step::Send(b"1a\r\n2026-11-29T18:00:00.5Z \xff\xfe\n\r\n".to_vec()));
        steps.push(end());
        steps
    })
    .await;
    let shown = texts(&said);
    assert_eq!((shown.len(), shown[0].as_str(), shown[3].as_str()), (4, "a", "c"), "{:?}", shown.iter().map(String::len).collect::<Vec<_>>());
    assert!(shown[2].chars().count() <= LONGEST + 1, "{}", shown[2].chars().count());
}

/// An answer of a proxy between in place of the node's (tekton 782: a refusal under the status of success).
#[tokio::test]
async fn a_refusal_that_comes_as_a_success_is_no_line() {
    let object: Value =
        json!({"kind": "Status", "status": "Failure", "message": "container \"app\" is terminated", "reason": "BadRequest", "code": 400});
    let said =
        follow_of(Some("app"), true, |_| whole(&meshed()), move |_, _| answer(200, "Content-Type: application/json\r\n", &format!("{object}\n")))
            .await;
    assert!(texts(&said).is_empty(), "{said:?}");
    assert!(last(&said).contains("has no log of it"), "{said:?}");
}

/// The log of a container that is done cannot be read: that is said, and not that there are no lines.
#[tokio::test]
async fn what_could_not_be_read_is_not_told_as_an_end_without_lines() {
    let pod = completed();
    let said = follow_of(Some("app"), false, move |_| whole(&pod), |_, _| refusal(500, "the disk of the node is broken")).await;
    assert!(last(&said).contains("the disk of the node is broken"), "{said:?}");
}
