//! List and watch against an API server that misbehaves.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::{ceiling::Limits, *};
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
    pods_with(reader, Arc::new(Steps(AtomicU64::new(0))), OF_A_KIND)
}

fn pods_with(reader: &Reader, clock: Arc<dyn Clock>, limits: Limits) -> Watching {
    let (out, heard) = mpsc::channel(64);
    let report = Report::new(SourceId::Pods, clock, out);
    let (generation, wake) = (watch::Sender::new(0), Arc::new(Notify::new()));
    let shared = Shared { reader: reader.clone(), wake, generation: generation.subscribe(), total: Arc::default() };
    let list_watch = ListWatch {
        kind: Arc::new(pod::Pods),
        path: "/api/v1/namespaces/shop/pods".to_owned(),
        shared,
        report: report.clone(),
        sink: Straight::<pod::Pods>::new(report),
        ceiling: Ceiling::new(limits, Arc::default()),
        short: 0,
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

impl Watching {
    /// How long is waited after each of the next failures, by a clock that stands.
    async fn waits(&mut self, count: usize) -> Vec<Duration> {
        let mut waits = Vec::new();
        while waits.len() < count {
            let next = timeout(Duration::from_secs(20), self.heard.recv()).await;
            let observation = next.unwrap_or_else(|_| panic!("waited in vain after {waits:?}")).unwrap();
            if let What::Health(Health::Failed { retry_at, .. }) = observation.what {
                waits.push(retry_at.0);
            }
        }
        waits
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
            Health::LoggingIn { says, .. } => says.to_string(),
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
        // Set back to an older backup.
        r#"{"type":"ERROR","object":{"kind":"Status","code":504,"reason":"Timeout","message":"Timeout: Too large resource version: 9, current: 4"}}"#
            .to_owned()
            + "\n",
        "504".to_owned(),
        String::new(),
    ] {
        let server = Scripted::start(move |request, number| match request {
            _ if request.contains("watch=true") && number < 2 && gone.is_empty() => json(410, r#"{"message":"too old","code":410}"#),
            _ if request.contains("watch=true") && number < 2 && gone == "504" => {
                json(504, r#"{"kind":"Status","code":504,"reason":"Timeout","message":"Timeout: Too large resource version: 9, current: 4"}"#)
            }
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

/// Stands: however often something happens, it happens in the same moment.
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Mono::ZERO, utc: DateTime::UNIX_EPOCH }
    }
}

#[tokio::test]
async fn history_that_is_gone_again_and_again_is_listed_less_and_less_often_and_that_is_said() {
    for gone in [
        r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}"#.to_owned() + "\n",
        // With something before it, as if the watch had worked.
        event("MODIFIED", "a", "Running") + r#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}"# + "\n",
        String::new(),
    ] {
        let lists = Arc::new(AtomicU64::new(0));
        let counted = lists.clone();
        let server = Scripted::start(move |request, _| match request {
            _ if request.contains("watch=true") && gone.is_empty() => json(410, r#"{"message":"too old resource version","code":410}"#),
            _ if request.contains("watch=true") => [stream(&gone), vec![end()]].concat(),
            _ => {
                counted.fetch_add(1, Ordering::SeqCst);
                list("7", "", &["a"])
            }
        })
        .await;
        let mut watching = pods_with(&Reader::new(&server.target()), Arc::new(Still), OF_A_KIND);
        let heard = watching.until(|word| word.starts_with("failed")).await;
        assert!(heard.last().unwrap().contains("cannot go on from where we were: too old resource version"), "{heard:#?}");
        assert_eq!(lists.load(Ordering::SeqCst), 2, "the first time at once");
        let waits = watching.waits(2).await;
        assert!(waits[0] > Duration::from_millis(700) && waits[1] > waits[0], "{waits:?}");
        assert_eq!(lists.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test]
async fn a_watch_that_is_opened_only_to_end_is_opened_less_and_less_often_and_that_is_said() {
    let server = Scripted::start(|request, _| match request {
        _ if request.contains("watch=true") => [stream(""), vec![end()]].concat(),
        _ => list("7", "", &["a"]),
    })
    .await;
    let heard = pods(&server).until(|word| word.starts_with("failed")).await;
    assert!(heard.last().unwrap().contains("ends each watch as soon as it is opened"), "{heard:#?}");
    let refused = r#"{"type":"ERROR","object":{"kind":"Status","code":500,"message":"no"}}"#.to_owned() + "\n";
    let server = Scripted::start(move |request, _| match request {
        _ if request.contains("watch=true") => [stream(&refused), vec![end()]].concat(),
        _ => list("7", "", &["a"]),
    })
    .await;
    let mut watching = pods_with(&Reader::new(&server.target()), Arc::new(Still), OF_A_KIND);
    watching.until(|word| word == "live").await;
    let waits = watching.waits(3).await;
    assert!(waits[2] > waits[1] && waits[1] > waits[0], "{waits:?}");
}

const FEW: Limits = Limits { objects: 3, bytes: 1 << 20 };

#[tokio::test]
async fn more_than_is_kept_is_cut_off_and_said_whether_listed_or_watched() {
    let names = ["a", "b", "c", "d", "e"];
    let listed = Scripted::start(move |_, _| list("7", "more", &names)).await;
    let watched = Scripted::start(move |request, _| match request {
        _ if request.contains("watch=true") => hang(&names.map(|name| event("ADDED", name, "Running")).concat()),
        _ => list("7", "", &["a"]),
    })
    .await;
    let large = Limits { objects: 100, bytes: 2_000 };
    for (server, limits, fit) in [(&listed, FEW, 3), (&watched, FEW, 3), (&listed, large, 4)] {
        let mut watching = pods_with(&Reader::new(&server.target()), Arc::new(Still), limits);
        let heard = watching.until(|word| word.starts_with("failed")).await;
        assert!(heard.last().unwrap().contains("there are more pods than sev1 keeps"), "{heard:#?}");
        assert!(heard.last().unwrap().contains("-n NAMESPACE"), "{heard:#?}");
        let kept: HashSet<_> = heard.iter().filter(|word| word.starts_with('+')).collect();
        assert!(kept.len() <= fit && !kept.is_empty(), "{heard:#?}");
    }
}

#[tokio::test]
async fn an_observation_weighs_a_mebibyte_at_most() {
    let labels: Vec<_> = (0..32).map(|at| format!(r#""k{at}":"{}""#, "x".repeat(1_000))).collect();
    let object = |at: usize| format!(r#"{{"metadata":{{"name":"p{at}","labels":{{{}}}}}}}"#, labels.join(","));
    let items: Vec<_> = (0..100).map(object).collect();
    let page = format!(r#"{{"metadata":{{"resourceVersion":"7"}},"items":[{}]}}"#, items.join(","));
    let server = Scripted::start(move |request, _| if request.contains("watch=true") { hang("") } else { json(200, &page) }).await;
    let mut watching = pods(&server);
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 102 {
        let next = timeout(Duration::from_secs(20), watching.heard.recv()).await;
        if let What::Pods(deltas) = next.unwrap_or_else(|_| panic!("waited in vain after {sizes:?}")).unwrap().what {
            sizes.push(deltas.len());
        }
    }
    assert!(sizes.len() >= 4 && sizes.iter().all(|size| *size <= 32), "{sizes:?}");
}

#[tokio::test]
async fn what_goes_makes_room_for_what_comes() {
    let server = Scripted::start(|request, _| match request {
        _ if request.contains("watch=true") => {
            let turn = |name: &str| event("ADDED", name, "Running") + &event("DELETED", name, "Running");
            hang(&(["b", "c", "d", "e", "f"].map(turn).concat() + &event("ADDED", "z", "Running")))
        }
        _ => list("7", "", &["a"]),
    })
    .await;
    let heard = pods_with(&Reader::new(&server.target()), Arc::new(Still), FEW).until(|word| word.starts_with("+z")).await;
    assert!(!heard.iter().any(|word| word.starts_with("failed")), "{heard:#?}");
}

#[tokio::test]
async fn our_token_is_hidden_in_the_words_that_end_a_watch_however_it_is_altered() {
    const OURS: &str = "Jw8-token-of-a-watch-0123456789";
    crate::domain::secrecy::ours_for_good(OURS);
    let server = Scripted::start(|request, _| match request {
        _ if request.contains("watch=true") => {
            let status = format!(r#"{{"kind":"Status","code":500,"message":"no {}, sorry"}}"#, OURS.to_uppercase());
            hang(&format!("{{\"type\":\"ERROR\",\"object\":{status}}}\n"))
        }
        _ => list("7", "", &["a"]),
    })
    .await;
    let heard = pods(&server).until(|word| word.starts_with("failed")).await;
    assert!(heard.last().unwrap().ends_with("answered 500: no ***, sorry"), "{heard:#?}");
}

#[tokio::test]
async fn pages_that_go_on_for_ever_are_refused() {
    let token = AtomicU64::new(0);
    let same = Scripted::start(|_, _| list("7", "same", &["a"])).await;
    let same_and_empty = Scripted::start(|_, _| list("7", "same", &[])).await;
    let empty = Scripted::start(move |_, _| list("7", &token.fetch_add(1, Ordering::SeqCst).to_string(), &[])).await;
    let long = Scripted::start(|_, _| list("7", &"x".repeat(100_000), &["a"])).await;
    for (server, expected) in [(same, "go on for ever"), (same_and_empty, "go on for ever"), (empty, "go on for ever"), (long, "longer than 16 KiB")]
    {
        let heard = pods(&server).until(|word| word.starts_with("failed")).await;
        assert!(heard.last().unwrap().contains(expected), "{heard:#?}");
        assert!(server.requests() < 20);
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
    let shared = Shared { reader: Reader::new(&server.target()), wake: Arc::default(), generation: generation.subscribe(), total: Arc::default() };
    let mut tasks = JoinSet::new();
    tasks.spawn(Heartbeat { shared, scope: Scope::One("shop".into()), report, generation }.run());
    let mut watching = Watching { heard, _tasks: tasks };
    let heard = watching.until(|word| word.starts_with("failed")).await;
    assert!(heard.iter().any(|word| word.contains("oncall")), "{heard:#?}");
    assert!(heard.last().unwrap().contains("gave no answer"), "{heard:#?}");
}

/// What the heartbeat says first of the namespace `shop`, when that and what is in it is answered so.
async fn told_of_shop(answers: fn(&str) -> Option<Vec<Step>>) -> Vec<String> {
    let server = Scripted::start(move |request, _| match request.split(' ').nth(1).unwrap() {
        "/version" => json(200, r#"{"gitVersion":"v1.36.3"}"#),
        "/api/v1/namespaces/kube-system" => json(200, r#"{"metadata":{"uid":"abc"}}"#),
        path if path.contains("selfsubjectreviews") => json(201, r#"{"status":{"userInfo":{"username":"oncall"}}}"#),
        path if path.contains("watch=true") => stream(""),
        path => answers(path).unwrap_or_else(|| {
            json(403, r#"{"kind":"Status","message":"x is forbidden: User \"me\" cannot get resource \"namespaces\" in API group \"\""}"#)
        }),
    })
    .await;
    let (out, heard) = mpsc::channel(64);
    let report = Report::new(SourceId::Cluster, Arc::new(Still), out);
    let generation = watch::Sender::new(0);
    let shared = Shared { reader: Reader::new(&server.target()), wake: Arc::default(), generation: generation.subscribe(), total: Arc::default() };
    let mut tasks = JoinSet::new();
    tasks.spawn(Heartbeat { shared, scope: Scope::One("shop".into()), report, generation }.run());
    Watching { heard, _tasks: tasks }.until(|word| word.contains("oncall")).await
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_is_no_quiet_one() {
    let lagging = |heard: &[String]| heard.iter().find(|word| word.starts_with("Lagging")).cloned().unwrap_or_default();
    let heard = told_of_shop(|path| match path {
        "/api/v1/namespaces/shop" => Some(json(404, r#"{"kind":"Status","message":"not found","code":404}"#)),
        path if path.starts_with("/api/v1/namespaces?") => {
            Some(json(200, r#"{"items":[{"metadata":{"name":"shops"}},{"metadata":{"name":"web"}}]}"#))
        }
        _ => None,
    })
    .await;
    assert!(lagging(&heard).contains("the namespace shop does not exist (did you mean -n shops?)"), "{heard:#?}");
    let heard =
        told_of_shop(|path| (path == "/api/v1/namespaces/shop").then(|| json(200, r#"{"metadata":{"deletionTimestamp":"2026-11-23T02:14:00Z"}}"#)))
            .await;
    assert!(lagging(&heard).contains("the namespace shop is being deleted"), "{heard:#?}");
    let heard = told_of_shop(|_| None).await;
    assert!(lagging(&heard).contains("cannot tell whether the namespace shop exists: not allowed to get namespaces"), "{heard:#?}");
    let heard = told_of_shop(|path| path.ends_with("/shop/configmaps?limit=1").then(|| json(200, r#"{"items":[{}]}"#))).await;
    assert_eq!(lagging(&heard), "", "what every namespace holds is in it");
    let heard = told_of_shop(|path| path.ends_with("/shop/pods?limit=1").then(|| json(200, r#"{"items":[{}]}"#))).await;
    assert_eq!(lagging(&heard), "", "a pod runs in it");
}

#[tokio::test]
async fn a_server_that_says_who_it_is_and_opens_no_watch_is_asked_less_and_less_often_and_wakes_nobody() {
    let server = Scripted::start(|request, _| match request.split(' ').nth(1).unwrap() {
        "/version" => json(200, r#"{"gitVersion":"v1.36.3"}"#),
        "/api/v1/namespaces/kube-system" => json(200, r#"{"metadata":{"uid":"abc"}}"#),
        path if path.contains("selfsubjectreviews") => json(201, r#"{"status":{"userInfo":{"username":"oncall"}}}"#),
        _ => json(500, r#"{"kind":"Status","message":"no"}"#),
    })
    .await;
    let (out, heard) = mpsc::channel(64);
    let report = Report::new(SourceId::Cluster, Arc::new(Still), out);
    let generation = watch::Sender::new(0);
    let opened_again = generation.subscribe();
    let shared = Shared { reader: Reader::new(&server.target()), wake: Arc::default(), generation: generation.subscribe(), total: Arc::default() };
    let mut tasks = JoinSet::new();
    tasks.spawn(Heartbeat { shared, scope: Scope::One("shop".into()), report, generation }.run());
    let waits = Watching { heard, _tasks: tasks }.waits(3).await;
    assert!(waits[2] > waits[1] && waits[1] > waits[0], "{waits:?}");
    assert!(!opened_again.has_changed().unwrap_or(false));
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
    let shared = Shared { reader: reader.clone(), wake: Arc::default(), generation: generation.subscribe(), total: Arc::default() };
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
