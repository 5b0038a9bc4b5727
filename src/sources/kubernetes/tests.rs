//! List and watch against an API server that misbehaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::*;
use crate::{
    connect::{
        ConnectError, SlowLogin,
        scripted::{Scripted, Step, answer, chunk, end, json, stream},
    },
    domain::{
        health::Health,
        observation::{Observation, What},
        text::is_hostile,
        time::{Clock, Mono, Now},
    },
};

/// Moves by two seconds whenever it is asked.
struct Steps(AtomicU64);

impl Clock for Steps {
    fn now(&self) -> Now {
        let mono = Mono(Duration::from_secs(self.0.fetch_add(2, Ordering::SeqCst)));
        Now { mono, utc: DateTime::from_timestamp(1_800_000_000, 0).unwrap() + mono.0 }
    }
}

struct Watching {
    heard: mpsc::Receiver<Observation>,
    _tasks: JoinSet<()>,
}

/// Watches only pods of the scripted server.
fn pods(server: &Scripted) -> Watching {
    pods_by(&Reader::new(&server.target()))
}

/// The same beside what else `reader` is asked for.
fn pods_by(reader: &Reader) -> Watching {
    let (out, heard) = mpsc::channel(64);
    let report = Report::new(SourceId::Pods, Arc::new(Steps(AtomicU64::new(0))), out);
    let (generation, wake) = (watch::Sender::new(0), Arc::new(Notify::new()));
    let shared = Shared { reader: reader.clone(), wake, generation: generation.subscribe() };
    let list_watch = ListWatch {
        kind: Arc::new(pod::Pods),
        path: "/api/v1/namespaces/shop/pods".to_owned(),
        shared,
        report: report.clone(),
        sink: Straight::<pod::Pods>::new(report),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let _kept = generation;
        list_watch.run().await;
    });
    Watching { heard, _tasks: tasks }
}

impl Watching {
    /// Observations in words, up to and with the first that `is_last`.
    async fn until(&mut self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let next = timeout(Duration::from_secs(20), self.heard.recv()).await;
            let observation = next.unwrap_or_else(|_| panic!("waited in vain after {heard:#?}")).unwrap();
            for word in words(&observation.what) {
                heard.push(word);
                if is_last(heard.last().unwrap()) {
                    return heard;
                }
            }
        }
    }
}

fn words(what: &What) -> Vec<String> {
    match what {
        What::Pods(deltas) => deltas
            .iter()
            .map(|delta| match delta {
                Delta::ListStarted => "start".to_owned(),
                Delta::Applied(pod) => format!("+{} {}", pod.key.name, pod.status),
                Delta::Deleted(key) => format!("-{}", key.name),
                Delta::Listed => "listed".to_owned(),
            })
            .collect(),
        What::Health(health) => vec![match health {
            Health::Connecting { what, .. } if what.starts_with("waiting for ") => what.to_string(),
            Health::Connecting { .. } => "connecting".to_owned(),
            Health::Listing { so_far, .. } => format!("listing {so_far}"),
            Health::Live { .. } => "live".to_owned(),
            Health::Failed { why, .. } => format!("failed: {why}"),
            Health::Forbidden { verb, resource, .. } => format!("forbidden {verb} {resource}"),
            other => format!("{other:?}"),
        }],
        What::Beat => vec!["beat".to_owned()],
        other => vec![format!("{other:?}")],
    }
}

fn item(name: &str, phase: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop","uid":"{name}","resourceVersion":"11"}},"status":{{"phase":"{phase}"}}}}"#)
}

fn list(version: &str, next: &str, names: &[&str]) -> Vec<Step> {
    let items: Vec<_> = names.iter().map(|name| item(name, "Running")).collect();
    json(200, &format!(r#"{{"kind":"PodList","metadata":{{"resourceVersion":"{version}","continue":"{next}"}},"items":[{}]}}"#, items.join(",")))
}

fn event(kind: &str, name: &str, phase: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{}}}\n", item(name, phase))
}

fn hang(first: &str) -> Vec<Step> {
    [stream(first), vec![Step::Hang]].concat()
}

#[tokio::test]
async fn pages_come_one_by_one_and_then_changes() {
    let server = Scripted::start(|request, _| match request {
        _ if request.contains("watch=true") => {
            assert!(request.contains("resourceVersion=7"), "{request}");
            let changes = event("MODIFIED", "b", "Failed") + &event("DELETED", "a", "Running") + &event("ADDED", "c", "Pending");
            hang(&changes)
        }
        _ if request.contains("continue=more") => list("7", "", &["b"]),
        _ => list("7", "more", &["a"]),
    })
    .await;
    let heard = pods(&server).until(|word| word.starts_with("+c")).await;
    let expected = ["connecting", "listing 0", "start", "+a Running", "listing 1", "+b Running", "listed", "live", "+b Failed", "-a", "+c Pending"];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn history_that_is_gone_means_listing_again() {
    for gone in [
        r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}"#.to_owned() + "\n",
        String::new(),
    ] {
        let server = Scripted::start(move |request, number| match request {
            _ if request.contains("watch=true") && number < 2 && gone.is_empty() => json(410, r#"{"message":"too old","code":410}"#),
            _ if request.contains("watch=true") && number < 2 => [stream(&gone), vec![end()]].concat(),
            _ if request.contains("watch=true") => hang(&event("ADDED", "z", "Running")),
            _ if number == 0 => list("7", "", &["a"]),
            _ => list("9", "", &["b"]),
        })
        .await;
        let heard = pods(&server).until(|word| word.starts_with("+z")).await;
        let again = ["start", "+b Running", "listed"];
        assert!(heard.windows(3).any(|window| window == again), "{heard:#?}");
        assert!(!heard.iter().any(|word| word.starts_with("failed")), "{heard:#?}");
    }
}

#[tokio::test]
async fn a_watch_cut_in_the_middle_of_a_line_goes_on_from_the_last_whole_one() {
    let server = Scripted::start(|request, number| match request {
        _ if !request.contains("watch=true") => list("7", "", &["a"]),
        _ if number == 1 => {
            let whole = event("MODIFIED", "a", "Failed");
            let half = event("ADDED", "b", "Running");
            [stream(&whole), vec![chunk(&half[..20]), Step::Close]].concat()
        }
        _ => {
            assert!(request.contains("resourceVersion=11"), "{request}");
            hang(&event("ADDED", "b", "Running"))
        }
    })
    .await;
    let heard = pods(&server).until(|word| word.starts_with("+b")).await;
    assert_eq!(heard.iter().filter(|word| *word == "start").count(), 1, "{heard:#?}");
    assert!(heard.contains(&"+a Failed".to_owned()), "{heard:#?}");
}

#[tokio::test]
async fn a_quiet_watch_is_opened_again_when_another_request_meets_silence() {
    let opened = Arc::new(AtomicU64::new(0));
    let watches = opened.clone();
    let server = Scripted::start(move |request, _| match request {
        _ if request.starts_with("GET /silent") => vec![Step::Hang],
        _ if !request.contains("watch=true") => list("7", "", &["a"]),
        _ if watches.fetch_add(1, Ordering::SeqCst) == 0 => hang(""),
        _ => {
            assert!(request.contains("resourceVersion=7"), "{request}");
            hang(&event("ADDED", "b", "Running"))
        }
    })
    .await;
    let reader = Reader::new(&server.target());
    let silence = |reader: Reader, within: u64| {
        let within = Duration::from_millis(within);
        async move {
            let answer = reader.raw(http::Method::GET, "/silent", &[], None, 1_000, within).await;
            assert!(matches!(answer, Err(ConnectError::Timeout { .. })), "{answer:?}");
        }
    };
    let mut watching = pods_by(&reader);
    watching.until(|word| word == "listed").await;
    watching.until(|word| word == "live").await;
    while opened.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let behind = async {
        silence(reader.behind(), 100).await;
        assert_eq!(opened.load(Ordering::SeqCst), 1, "a server behind the API server may be slow by itself");
    };
    // Both go over the connections that the first gives up.
    tokio::join!(behind, silence(reader.clone(), 400));
    let heard = watching.until(|word| word.starts_with("+b")).await;
    assert!(!heard.iter().any(|word| word.starts_with("failed") || word == "start"), "{heard:#?}");
}

#[tokio::test]
async fn every_refusal_is_said_and_the_way_back_is_found() {
    let refusals: [(Vec<Step>, &str); 6] = [
        (
            json(403, r#"{"message":"pods is forbidden: User \"dev\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\""}"#),
            "forbidden list pods",
        ),
        (json(401, r#"{"message":"Unauthorized"}"#), "does not accept our credentials"),
        (json(500, r#"{"message":"etcdserver: leader changed"}"#), "etcdserver: leader changed"),
        (answer(200, "Content-Type: text/html\r\n", "<html>please log in</html>"), "not JSON (text/html)"),
        (json(200, r#"{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":7}}]}"#), "another shape"),
        (vec![Step::Send(b"\x00\xff garbage \x1b[2J\r\n\r\n".to_vec()), Step::Close], "failed"),
    ];
    for (steps, expected) in refusals {
        let script = steps.clone();
        let server = Scripted::start(move |request, number| match request {
            _ if number == 0 => script.clone(),
            _ if request.contains("watch=true") => hang(""),
            _ => list("7", "", &["a"]),
        })
        .await;
        let mut watching = pods(&server);
        let heard = watching.until(|word| word.starts_with("failed") || word.starts_with("forbidden")).await;
        assert!(heard.last().unwrap().contains(expected), "{expected}: {heard:#?}");
        if !expected.starts_with("forbidden") {
            watching.until(|word| word == "live").await;
        }
    }
}

#[tokio::test]
async fn an_overloaded_server_is_left_alone_as_long_as_it_asks() {
    let server = Scripted::start(|request, number| match request {
        _ if number == 0 => answer(429, "Retry-After: 1\r\n", "{}"),
        _ if request.contains("watch=true") => hang(""),
        _ => list("7", "", &["a"]),
    })
    .await;
    let mut watching = pods(&server);
    let heard = watching.until(|word| word == "live").await;
    assert!(heard.iter().any(|word| word.contains("overloaded")), "{heard:#?}");
}

#[tokio::test]
async fn the_heartbeat_notices_a_server_that_falls_silent() {
    let server = Scripted::start(|request, _| match request.split(' ').nth(1).unwrap() {
        "/version" => json(200, r#"{"gitVersion":"v1.36.3"}"#),
        "/api/v1/namespaces/kube-system" => json(200, r#"{"metadata":{"uid":"abc"}}"#),
        path if path.contains("selfsubjectreviews") => json(201, r#"{"status":{"userInfo":{"username":"oncall"}}}"#),
        // The watch never even gets a head.
        _ => vec![Step::Hang],
    })
    .await;
    let (out, heard) = mpsc::channel(64);
    let report = Report::new(SourceId::Cluster, Arc::new(Steps(AtomicU64::new(0))), out);
    let generation = watch::Sender::new(0);
    let shared = Shared { reader: Reader::new(&server.target()), wake: Arc::default(), generation: generation.subscribe() };
    let mut tasks = JoinSet::new();
    tasks.spawn(Heartbeat { shared, scope: Scope::One("shop".into()), report, generation }.run());
    let mut watching = Watching { heard, _tasks: tasks };
    let heard = watching.until(|word| word.starts_with("failed")).await;
    assert!(heard.iter().any(|word| word.contains("oncall")), "{heard:#?}");
    assert!(heard.last().unwrap().contains("gave no answer"), "{heard:#?}");
}

#[tokio::test]
async fn a_slow_login_is_said_and_is_no_silence_of_the_server() {
    let server = Scripted::start(|request, _| match request.split(' ').nth(1).unwrap() {
        "/version" => json(200, r#"{"gitVersion":"v1.36.3"}"#),
        "/api/v1/namespaces/kube-system" => json(200, r#"{"metadata":{"uid":"abc"}}"#),
        path if path.contains("selfsubjectreviews") => json(201, r#"{"status":{"userInfo":{"username":"oncall"}}}"#),
        path if path.contains("watch=true") => hang(""),
        _ => list("7", "", &["a"]),
    })
    .await;
    let login = SlowLogin::slow();
    let reader = login.reader(&server);
    let (out, heard) = mpsc::channel(64);
    let report = Report::new(SourceId::Cluster, Arc::new(Steps(AtomicU64::new(0))), out);
    let generation = watch::Sender::new(0);
    let shared = Shared { reader: reader.clone(), wake: Arc::default(), generation: generation.subscribe() };
    let mut tasks = JoinSet::new();
    tasks.spawn(Heartbeat { shared, scope: Scope::One("shop".into()), report, generation }.run());
    let sources = [Watching { heard, _tasks: tasks }, pods_by(&reader)];
    let mut told = Vec::new();
    for mut source in sources {
        let heard = source.until(|word| word.starts_with("waiting for the credential plugin login-helper, ")).await;
        assert_eq!(server.requests(), 0, "{heard:#?}");
        told.push((source, heard));
    }
    login.go();
    for (mut source, mut heard) in told {
        heard.extend(source.until(|word| word == "live").await);
        assert!(!heard.iter().any(|word| word.starts_with("failed")), "{heard:#?}");
    }
    assert_eq!(login.runs(), 1);
}

proptest! {
    #[test]
    fn hostile_bytes_never_leave_uncleaned(name in "\\PC{1,20}", hostile in any::<String>()) {
        let object = serde_json::json!({
            "metadata": {"name": format!("{name}{hostile}"), "namespace": hostile, "uid": hostile, "labels": {hostile.clone(): hostile}, "annotations": {"a": hostile}},
            "spec": {"nodeName": hostile, "containers": [{"name": hostile, "image": hostile}]},
            "status": {"phase": hostile, "podIP": hostile, "containerStatuses": [{"name": hostile, "state": {"waiting": {"reason": hostile}}}]},
        });
        let text = object.to_string();
        let pod = pod::Pods.object(serde_json::from_str(&text).unwrap()).unwrap();
        let mut fields = vec![pod.key.name, pod.key.namespace, pod.uid, pod.status];
        fields.extend(pod.node.into_iter().chain(pod.ip));
        fields.extend(pod.labels.into_iter().flat_map(|(key, value)| [key, value]));
        fields.extend(pod.containers.into_iter().flat_map(|container| [container.name, container.image, container.state]));
        prop_assert!(fields.iter().all(|field| !field.chars().any(is_hostile)), "{fields:?}");
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(text in any::<String>()) {
        let _ = serde_json::from_str::<<pod::Pods as Watched>::Wire<'_>>(&text).map(|wire| pod::Pods.object(wire));
    }
}
