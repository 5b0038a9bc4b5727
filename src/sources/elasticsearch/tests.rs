//! One round with a server that does what it is told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::DateTime;
use tokio::sync::mpsc;

use super::*;
use crate::{
    connect::{
        Endpoint, Reader,
        scripted::{Scripted, Step, json as answer},
    },
    domain::{
        health::{Health, SourceId},
        time::{Clock, Now},
    },
};

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Mono::ZERO, utc: DateTime::from_timestamp(1_795_423_800, 0).unwrap() }
    }
}

/// Rounds with it: what was said last, and of the health; the bodies of all searches.
async fn rounds(count: usize, script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> (ErrorWindow, Option<String>, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let server = Scripted::start(move |request, _| {
        if request.contains("/_search") {
            seen.lock().unwrap().push(request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned());
        }
        script(request)
    })
    .await;
    let endpoint: Endpoint = server.url.parse().unwrap();
    let reader = HttpReader::found(&endpoint, &Reader::new(&server.target())).unwrap();
    let (out, mut heard) = mpsc::channel(64);
    let report = Report::new(SourceId::Errors, Arc::new(Still), out);
    let mut log = ErrorLog::new(Errors { index: "app".to_owned(), ..Errors::default() });
    for _ in 0..count {
        assert!(log.ask(&reader, &report).await.is_ok(), "a round failed");
    }
    drop(report);
    let (mut window, mut why) = (None, None);
    while let Some(observation) = heard.recv().await {
        match observation.what {
            What::Errors(said) => window = Some(*said),
            What::Health(Health::Lagging { why: said, .. }) => why = Some(said.to_string()),
            What::Health(_) => why = None,
            other => panic!("{other:?}"),
        }
    }
    let asked = asked.lock().unwrap().clone();
    (window.expect("errors"), why, asked)
}

const CAPS: &str = r#"{"indices":["app"],"fields":{"@timestamp":{"date":{"searchable":true,"aggregatable":true}},
    "level":{"keyword":{"searchable":true,"aggregatable":true}},"message":{"text":{"searchable":true,"aggregatable":false}}}}"#;

fn found(total: u64, recent: u64, hits: &str) -> String {
    format!(
        r#"{{"timed_out":false,"_shards":{{"total":1,"successful":1}},"hits":{{"total":{{"value":{total},"relation":"eq"}},"hits":[{hits}]}},
            "aggregations":{{"recent":{{"doc_count":{recent}}},"per_minute":{{"buckets":[]}}}}}}"#
    )
}

fn held(recent: u64, with_level: u64, levels: &str) -> String {
    format!(
        r#"{{"_shards":{{"total":1,"successful":1}},"hits":{{"total":{{"value":9}}}},"aggregations":{{"recent":{{"doc_count":{recent}}},
            "with_level":{{"doc_count":{with_level}}},"levels":{{"buckets":[{levels}]}}}}}}"#
    )
}

#[tokio::test]
async fn nothing_found_is_not_healthy_where_the_level_never_matches() {
    let told = |ever: u64, held: String, caps: &'static str| {
        move |request: &str| match request {
            caps_asked if caps_asked.contains("_field_caps") => answer(200, caps),
            ever_asked if ever_asked.contains("terminate_after") => answer(200, &format!(r#"{{"hits":{{"total":{{"value":{ever}}}}}}}"#)),
            held_asked if held_asked.contains("with_level") => answer(200, &held),
            _ => answer(200, &found(0, 0, "")),
        }
    };
    let of = async |ever, held, caps| rounds(1, told(ever, held, caps)).await.0.unknown.map(|why| why.to_string());
    let info = r#"{"key":"info","doc_count":9}"#;
    assert_eq!(of(0, held(9, 9, info), CAPS).await.unwrap(), "no document of app ever had level ERROR; the last hour has info (9)");
    assert_eq!(of(1, held(9, 9, info), CAPS).await, None, "one like those that were there would be found");
    assert_eq!(of(1, held(0, 0, ""), CAPS).await.unwrap(), "app has no document of the last 15 min");
    let severe = r#"{"key":"FATAL","doc_count":3}"#;
    assert!(of(1, held(9, 9, severe), CAPS).await.unwrap().contains("but there are FATAL (3)"));
    let without = r#"{"indices":["app"],"fields":{"@timestamp":{"date":{}}}}"#;
    assert_eq!(of(1, held(9, 0, ""), without).await.unwrap(), "the field level is not mapped in app: set errors.level_field");
}

#[tokio::test]
async fn the_level_is_looked_for_in_a_well_known_field_and_in_small_letters() {
    let caps = r#"{"indices":["app"],"fields":{"@timestamp":{"date":{}},"log.level":{"keyword":{"searchable":true,"aggregatable":true}}}}"#;
    let script = move |request: &str| if request.contains("_field_caps") { answer(200, caps) } else { answer(200, &found(7, 5, "")) };
    let (window, _, asked) = rounds(1, script).await;
    assert_eq!((window.recent, window.unknown), (5, None));
    assert!(
        asked[0].contains(r#""log.level":{"lenient":true,"query":"error"}"#) || asked[0].contains(r#""log.level":{"query":"error","lenient":true}"#)
    );
}

#[tokio::test]
async fn messages_beyond_the_limit_cost_the_messages_and_never_the_counts() {
    let (large, some) = ("x".repeat(ANSWER_LIMIT + 1), r#"{"_id":"a","sort":[1795423790123],"_source":{"message":"lost"}}"#);
    let huge = |request: &str| request.contains(r#""size":200"#);
    let whole = large.clone();
    let (window, why, asked) = rounds(2, move |request| match request {
        _ if request.contains("_field_caps") => answer(404, "{}"),
        _ if huge(request) => answer(200, &format!(r#"{{"a":"{whole}"}}"#)),
        _ => answer(200, &found(220, 200, some)),
    })
    .await;
    assert_eq!((window.recent, window.total, window.patterns.len(), window.sampled), (200, 220, 1, Some(1)));
    assert_eq!(why.unwrap(), "the messages are very large: only the newest 20 are read, all are counted");
    assert_eq!(asked.iter().filter(|asked| huge(asked)).count(), 1, "not asked for again at once");

    let (whole, small) = (large.clone(), some.replace("lost", "found"));
    let times = std::sync::atomic::AtomicU32::new(0);
    let (window, why, _) = rounds(4, move |request| match request {
        _ if request.contains("_field_caps") => answer(404, "{}"),
        _ if huge(request) && times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 => answer(200, &format!(r#"{{"a":"{whole}"}}"#)),
        _ => answer(200, &found(220, 200, &small)),
    })
    .await;
    assert_eq!((window.newest[0].message.as_str(), why), ("found", None), "soon all are read again");

    let (window, why, _) = rounds(1, move |request| match request {
        _ if request.contains("_field_caps") => answer(404, "{}"),
        _ if request.contains(r#""size":0"#) => answer(200, &found(220, 200, "")),
        _ => answer(200, &format!(r#"{{"a":"{large}"}}"#)),
    })
    .await;
    assert_eq!((window.recent, window.total, window.patterns.len()), (200, 220, 0));
    assert_eq!(why.unwrap(), "the messages are too large to be read: they are only counted");
}

#[tokio::test]
async fn a_server_that_knows_no_values_of_its_own_form_is_asked_plainly() {
    let hit = r#"{"_id":"a","_source":{"@timestamp":"2026-11-23T08:49:50.074+0000","message":"lost"}}"#;
    let script = move |request: &str| match request {
        _ if request.contains("_field_caps") => answer(404, "{}"),
        _ if request.contains("docvalue_fields") => answer(400, r#"{"error":{"reason":"unknown key"},"status":400}"#),
        _ => answer(200, &found(1, 1, hit)),
    };
    let (window, _, asked) = rounds(2, script).await;
    assert_eq!((window.patterns.len(), window.newest.len(), asked.len()), (1, 1, 4));
    assert!(window.newest[0].at < DateTime::from_timestamp(1_795_423_800, 0).unwrap() + Duration::from_secs(1));
}
