//! The API called in-process, and the timing of the rules.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use super::*;
use crate::sim::alertmanager::Alertmanager;
use crate::sim::tsdb::Labels;

const START: i64 = 1_795_000_005;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + seconds, 0).unwrap()
}

fn bench() -> (Tsdb, Rules, Alertmanager) {
    let (store, alertmanager) = (Tsdb::new(), Alertmanager::new());
    let rules = Rules::guide(store.clone(), alertmanager.clone()).unwrap();
    (store, rules, alertmanager)
}

async fn ask(store: &Tsdb, rules: &Rules, now: i64, request: Request<Body>) -> (StatusCode, Json) {
    let router = router(Prometheus::new(store.clone(), rules.clone(), Arc::new(move || at(now))));
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
}

fn get(path: &str) -> Request<Body> {
    Request::builder().uri(path).body(Body::empty()).unwrap()
}

fn queue(store: &Tsdb, second: i64, value: f64) {
    store.append(&Labels::metric("redis_queue_length", [("queue", "sync-events")]), at(second).timestamp_millis(), value);
}

fn states(rules: &Rules) -> Vec<(String, RuleState, i64)> {
    let active = rules.active().into_iter();
    active.map(|(labels, state, since)| (labels.value("alertname").to_owned(), state, since.timestamp() - START)).collect()
}

#[test]
fn an_alert_is_pending_for_its_time_then_fires_then_resolves() {
    let (store, rules, alertmanager) = bench();
    for second in (0..=600).step_by(15) {
        queue(&store, second, if (30..300).contains(&second) { 4_000.0 } else { 5.0 });
        rules.evaluate(at(second));
        let alert = |state| vec![("SyncEventBacklog".to_owned(), state, 30)];
        let expected = match second {
            30..150 => alert(RuleState::Pending),
            150..300 => alert(RuleState::Firing),
            _ => vec![],
        };
        assert_eq!(states(&rules), expected, "at {second}");
        let firing = alertmanager.firing(at(second));
        assert_eq!(firing.len(), usize::from((150..300).contains(&second)), "at {second}");
        assert!(firing.iter().all(|(labels, since, _)| *since == at(150) && labels.get("environment") == Some("production")));
    }
}

#[test]
fn an_alert_that_comes_back_begins_anew() {
    let (store, rules, _) = bench();
    for second in (0..=600).step_by(15) {
        queue(&store, second, if (0..150).contains(&second) || second >= 300 { 4_000.0 } else { 5.0 });
        rules.evaluate_at(at(second));
    }
    assert_eq!(states(&rules), [("SyncEventBacklog".to_owned(), RuleState::Firing, 300)]);
}

#[test]
fn evaluate_catches_up_with_every_due_moment() {
    let (store, rules, _) = bench();
    (0..=600).step_by(15).for_each(|second| queue(&store, second, 4_000.0));
    rules.evaluate(at(0));
    rules.evaluate(at(7));
    assert_eq!(states(&rules), [("SyncEventBacklog".to_owned(), RuleState::Pending, 0)]);
    rules.evaluate(at(200));
    assert_eq!(states(&rules), [("SyncEventBacklog".to_owned(), RuleState::Firing, 0)]);
    let alerts = store.read().select(Some("ALERTS"), |labels| labels.get("alertstate") == Some("pending"), 0, i64::MAX);
    assert_eq!(alerts[0].1.len(), 9, "eight moments of pending and the mark of its end");
}

#[test]
fn the_guides_rules_are_all_there_and_the_sane_ratio_is_recorded() {
    let (store, rules, _) = bench();
    for second in (0..=300).step_by(15) {
        let (t, count) = (at(second).timestamp_millis(), second as f64);
        for (status, rate) in [("200", 90.0), ("500", 10.0)] {
            store.append(&Labels::metric("http_requests_total", [("service", "api-gateway"), ("status", status)]), t, count * rate);
        }
        rules.evaluate_at(at(second));
    }
    assert_eq!(states(&rules), [("HighErrorRate".to_owned(), RuleState::Firing, 15)]);
    let groups = rules.groups_json(|_, _, _| true, true);
    let all: Vec<&Json> = groups.as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert_eq!(all.iter().filter(|rule| rule["type"] == "alerting").count(), 16);
    assert!(all.iter().all(|rule| rule["health"] == "ok"));
    let high = all.iter().find(|rule| rule["name"] == "HighErrorRate").unwrap();
    assert_eq!((&high["alerts"][0]["value"], &high["state"], &high["duration"]), (&json!("1e+00"), &json!("firing"), &json!(120)));
    assert_eq!(high["query"], "rate(http_requests_total{status=~\"5..\"}[5m]) / rate(http_requests_total[5m]) > 0.05");
    let recorded = store.read().select(Some("service:http_error_ratio:rate5m"), |_| true, 0, i64::MAX);
    assert!((recorded[0].1.last().unwrap().value - 0.1).abs() < 1e-9);
    assert_eq!(recorded[0].0.get("service"), Some("api-gateway"));
}

#[tokio::test]
async fn queries_answer_in_the_real_shapes() {
    let (store, rules, _) = bench();
    queue(&store, 0, 7.5);
    let metric = json!({ "__name__": "redis_queue_length", "queue": "sync-events" });
    let (status, answer) = ask(&store, &rules, 10, get("/api/v1/query?query=redis_queue_length")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer,
        json!({ "status": "success", "data": { "resultType": "vector", "result": [{ "metric": metric, "value": [START + 10, "7.5"] }] } })
    );

    let form = Request::builder().method("POST").uri("/api/v1/query_range").header("content-type", "application/x-www-form-urlencoded");
    let body = format!("query=redis_queue_length+%2F+0&start={START}&end={}.5&step=15s", START + 30);
    let (_, answer) = ask(&store, &rules, 10, form.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer["data"]["resultType"], "matrix");
    assert_eq!(answer["data"]["result"][0]["values"], json!([[START, "+Inf"], [START + 15, "+Inf"], [START + 30, "+Inf"]]));

    let (_, answer) = ask(&store, &rules, 10, get("/api/v1/query?query=1%2B1&time=1.5")).await;
    assert_eq!(answer["data"], json!({ "resultType": "scalar", "result": [1.5, "2"] }));
    let (_, answer) = ask(&store, &rules, 10, get("/api/v1/series?match[]=redis_queue_length")).await;
    assert_eq!(answer["data"], json!([metric]));
    let (_, answer) = ask(&store, &rules, 10, get("/api/v1/label/queue/values")).await;
    assert_eq!(answer["data"], json!(["sync-events"]));
}

#[tokio::test]
async fn wrong_questions_are_refused_with_type_and_status() {
    let (store, rules, _) = bench();
    for pod in ["1", "2"] {
        store.append(&Labels::metric("a", [("pod", pod)]), at(0).timestamp_millis(), 1.0);
    }
    for (path, status, kind, message) in [
        ("query?query=a+*+on()+a", 422, "execution", "found duplicate series for the match group {} on the right hand-side"),
        ("query?query=sum(", 400, "bad_data", "invalid parameter \"query\": parse error: "),
        ("query?query=a&time=foo", 400, "bad_data", "invalid parameter \"time\": Invalid time value for 'time': cannot parse \"foo\""),
        ("query_range?query=a&start=0&end=100000&step=1", 400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries."),
        ("query_range?query=a&start=0&end=1&step=0", 400, "bad_data", "invalid parameter \"step\": zero or negative query resolution"),
        ("query_range?query=a&start=2&end=1&step=1", 400, "bad_data", "invalid parameter \"end\": end timestamp must not be before start time"),
        ("query_range?query=a&start=2&end=&step=1", 400, "bad_data", "invalid parameter \"end\": cannot parse \"\" to a valid timestamp"),
        ("query_range?query=a[1m]&start=1&end=2&step=1", 400, "bad_data", "invalid parameter \"query\": invalid expression type \"range vector\""),
        ("series", 400, "bad_data", "no match[] parameter provided"),
    ] {
        let (code, answer) = ask(&store, &rules, 1, get(&format!("/api/v1/{path}"))).await;
        assert_eq!((code.as_u16(), answer["errorType"].as_str().unwrap()), (status, kind), "{path}");
        assert!(answer["error"].as_str().unwrap().starts_with(message), "{path}: {answer}");
    }
    assert_eq!(ask(&store, &rules, 1, get("/api/v1/nothing")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&store, &rules, 1, get("/-/ready")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn targets_follow_up() {
    let (store, rules, _) = bench();
    for (job, up) in [("api-gateway", 1.0), ("sync-service", 0.0)] {
        store.append(&Labels::metric("up", [("job", job), ("instance", "10.0.0.1:8080")]), at(0).timestamp_millis(), up);
    }
    let (_, answer) = ask(&store, &rules, 1, get("/api/v1/targets")).await;
    let health: Vec<&Json> = answer["data"]["activeTargets"].as_array().unwrap().iter().map(|target| &target["health"]).collect();
    assert_eq!(health, ["up", "down"]);
}
