//! The API called in-process, with a clock moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use super::*;

struct Bench {
    router: Router,
    clock: Arc<AtomicI64>,
    alertmanager: Alertmanager,
}

const START: i64 = 1_795_000_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + seconds, 0).unwrap()
}

fn bench() -> Bench {
    let clock = Arc::new(AtomicI64::new(0));
    let read = clock.clone();
    let alertmanager = Alertmanager::new();
    let router = router(alertmanager.clone(), Arc::new(move || at(read.load(Ordering::Relaxed))));
    Bench { router, clock, alertmanager }
}

impl Bench {
    async fn ask(&self, method: Method, path: &str, body: &str) -> (StatusCode, Json) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json").body(Body::from(body.to_owned()));
        let answer = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
    }

    async fn get(&self, path: &str) -> Json {
        let (status, body) = self.ask(Method::GET, path, "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    fn send(&self, name: &str, severity: &str, ends: i64) {
        let now = at(self.clock.load(Ordering::Relaxed));
        let labels = Labels::new([("alertname", name), ("severity", severity)]);
        let posted = PostedAlert { labels, annotations: BTreeMap::new(), starts_at: now, ends_at: at(ends), generator_url: String::new() };
        self.alertmanager.receive(vec![posted], now);
    }
}

fn silence(matchers: &Json, from: i64, to: i64) -> String {
    let time = |seconds| alerts::time(at(seconds));
    json!({ "matchers": matchers, "startsAt": time(from), "endsAt": time(to), "createdBy": "me", "comment": "why" }).to_string()
}

#[test]
fn the_fingerprint_is_that_of_a_real_alertmanager() {
    let labels = Labels::new([("alertname", "SimObs"), ("severity", "none"), ("x", "Ü")]);
    assert_eq!(format!("{:016x}", fingerprint(&labels)), "3a2e82b9cfd0bdd1");
}

#[tokio::test]
async fn alerts_are_listed_until_they_end_and_keep_their_start() {
    let bench = bench();
    bench.send("A", "critical", 240);
    bench.clock.store(60, Ordering::Relaxed);
    bench.send("A", "critical", 300);
    let alerts = bench.get("/api/v2/alerts").await;
    assert_eq!(alerts[0]["startsAt"], json!(alerts::time(at(0))));
    assert_eq!(alerts[0]["updatedAt"], json!(alerts::time(at(60))));
    assert_eq!(alerts[0]["status"]["state"], "active");
    bench.clock.store(300, Ordering::Relaxed);
    assert_eq!(bench.get("/api/v2/alerts").await, json!([]));
}

#[tokio::test]
async fn an_alert_that_says_only_its_end_begins_there_as_in_a_real_alertmanager() {
    let bench = bench();
    let post = async |alert: Json| bench.ask(Method::POST, "/api/v2/alerts", &json!([alert]).to_string()).await.0;
    assert_eq!(post(json!({ "labels": { "alertname": "A" }, "endsAt": alerts::time(at(900)) })).await, StatusCode::OK);
    assert_eq!(post(json!({ "labels": { "alertname": "B" } })).await, StatusCode::OK);
    for (name, times) in [("A", [900, 900]), ("B", [0, 300])] {
        let listed = bench.get(&format!("/api/v2/alerts?filter=alertname%3D{name}")).await;
        let said = [&listed[0]["startsAt"], &listed[0]["endsAt"]].map(|time| time.as_str().unwrap().to_owned());
        assert_eq!(said, times.map(|seconds| alerts::time(at(seconds))), "{name}");
    }
}

#[tokio::test]
async fn filters_choose_among_alerts() {
    let bench = bench();
    bench.send("A", "critical", 900);
    bench.send("B", "warning", 900);
    let names = |alerts: Json| alerts.as_array().unwrap().iter().map(|alert| alert["labels"]["alertname"].clone()).collect::<Vec<_>>();
    assert_eq!(names(bench.get("/api/v2/alerts?filter=severity%3D%22critical%22").await), ["A"]);
    assert_eq!(names(bench.get("/api/v2/alerts?filter=alertname%3D~%22B|C%22").await), ["B"]);
    assert_eq!(names(bench.get("/api/v2/alerts?filter=severity!%3Dcritical").await), ["B"]);
    assert_eq!(names(bench.get("/api/v2/alerts?receiver=nobody").await).len(), 0);
    assert_eq!(bench.ask(Method::GET, "/api/v2/alerts?filter=foo", "").await, (StatusCode::BAD_REQUEST, json!("bad matcher format: foo")));
    let groups = bench.get("/api/v2/alerts/groups").await;
    assert_eq!((groups.as_array().unwrap().len(), &groups[1]["labels"]), (2, &json!({ "alertname": "B" })));
}

#[tokio::test]
async fn a_silence_suppresses_from_its_start_to_its_end() {
    let bench = bench();
    bench.send("A", "critical", 9_000);
    let matchers = json!([{ "name": "alertname", "value": "A|B", "isRegex": true }]);
    let (status, made) = bench.ask(Method::POST, "/api/v2/silences", &silence(&matchers, 10, 100)).await;
    assert_eq!(status, StatusCode::OK);
    let id = made["silenceID"].as_str().unwrap().to_owned();
    let state = async || bench.get("/api/v2/alerts").await[0]["status"].clone();
    assert_eq!(state().await["state"], "active", "it is only pending");
    bench.clock.store(10, Ordering::Relaxed);
    assert_eq!((&state().await["state"], &state().await["silencedBy"]), (&json!("suppressed"), &json!([id])));
    assert_eq!(bench.get("/api/v2/alerts?silenced=false").await, json!([]));
    assert_eq!(bench.get("/api/v2/silences?filter=alertname%3D%22A|B%22").await[0]["id"], json!(id));
    assert_eq!(bench.get("/api/v2/silences?filter=alertname%3D%22C%22").await, json!([]));
    bench.clock.store(20, Ordering::Relaxed);
    assert_eq!(bench.ask(Method::DELETE, &format!("/api/v2/silence/{id}"), "").await.0, StatusCode::OK);
    let expired = bench.get(&format!("/api/v2/silence/{id}")).await;
    assert_eq!((&expired["status"]["state"], &expired["endsAt"]), (&json!("expired"), &json!(alerts::time(at(20)))));
    assert_eq!(state().await["state"], "active");
    bench.clock.store(200, Ordering::Relaxed);
    assert_eq!(bench.get("/api/v2/silences").await[0]["status"]["state"], "expired");
}

#[tokio::test]
async fn a_silence_is_changed_in_place_or_replaced() {
    let bench = bench();
    let matchers = json!([{ "name": "a", "value": "1", "isRegex": false }]);
    let (_, made) = bench.ask(Method::POST, "/api/v2/silences", &silence(&matchers, 0, 100)).await;
    let mut changed: Json = serde_json::from_str(&silence(&matchers, 0, 500)).unwrap();
    changed["id"] = made["silenceID"].clone();
    let (_, same) = bench.ask(Method::POST, "/api/v2/silences", &changed.to_string()).await;
    assert_eq!(same, made);
    changed["matchers"][0]["value"] = "2".into();
    let (_, other) = bench.ask(Method::POST, "/api/v2/silences", &changed.to_string()).await;
    assert_ne!(other, made);
    let states: Vec<_> = bench.get("/api/v2/silences").await.as_array().unwrap().iter().map(|one| one["status"]["state"].clone()).collect();
    assert_eq!(states, ["active", "expired"]);
    changed["id"] = "11111111-1111-4111-8111-111111111111".into();
    assert_eq!(bench.ask(Method::POST, "/api/v2/silences", &changed.to_string()).await, (StatusCode::NOT_FOUND, json!("silence not found")));
}

#[tokio::test]
async fn wrong_silences_are_refused_as_the_real_one_refuses_them() {
    let bench = bench();
    let one = |value: &str, regex: bool| json!([{ "name": "a", "value": value, "isRegex": regex }]);
    for (body, status, message) in [
        ("{}".to_owned(), 422, json!({ "code": 602, "message": "comment in body is required" })),
        (silence(&json!([]), 0, 9), 422, json!({ "code": 612, "message": "matchers in body should have at least 1 items" })),
        (silence(&one("", false), 0, 9), 400, json!("silence invalid: at least one matcher must not match the empty string\n")),
        (silence(&one("x", false), 9, 0), 400, json!("Failed to create silence: start time must be before end time")),
        (silence(&one("x", false), -9, -1), 400, json!("Failed to create silence: end time can't be in the past")),
        (silence(&one("(", true), 0, 9), 400, json!("silence invalid: invalid label matcher 0: invalid regular expression \"(\"")),
    ] {
        let answer = bench.ask(Method::POST, "/api/v2/silences", &body).await;
        assert_eq!(answer, (StatusCode::from_u16(status).unwrap(), message));
    }
    assert_eq!(bench.ask(Method::GET, "/api/v2/silence/abc", "").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(bench.ask(Method::DELETE, "/api/v2/silence/11111111-1111-4111-8111-111111111111", "").await.0, StatusCode::NOT_FOUND);
}
