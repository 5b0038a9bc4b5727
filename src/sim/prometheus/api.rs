//! The handlers of `/api/v1`.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use chrono::SecondsFormat;
use serde_json::{Value as Json, json};

use super::answer::{self, Refusal, Success};
use super::parameters::Parameters;
use super::{Prometheus, targets as scraped};
use crate::sim::promql::{Query, matches, metric_name};
use crate::sim::tsdb::{Labels, RETENTION_MS};

/// Most points a series may have in one answer.
const MAX_POINTS: i64 = 11_000;

type Answer = Result<Success, Refusal>;

pub async fn query(State(server): State<Prometheus>, RawQuery(address): RawQuery, form: Bytes) -> Answer {
    let parameters = Parameters::of(address.as_deref(), &form);
    let now_ms = (server.now)().timestamp_millis();
    let t_ms = parameters.time_or("time", now_ms).map_err(|_| {
        let text = parameters.get("time").unwrap_or_default();
        Refusal::parameter("time", format!("Invalid time value for 'time': cannot parse {text:?} to a valid timestamp"))
    })?;
    let limit = parameters.limit()?;
    parameters.check_timeout()?;
    let query = Query::parse(parameters.get("query").unwrap_or_default())?;
    let value = computed(move || query.instant(&server.store, t_ms)).await??;
    Ok(answer::result(value, limit))
}

pub async fn query_range(State(server): State<Prometheus>, RawQuery(address): RawQuery, form: Bytes) -> Answer {
    let parameters = Parameters::of(address.as_deref(), &form);
    let (start, end) = (parameters.time("start")?, parameters.time("end")?);
    if end < start {
        return Err(Refusal::parameter("end", "end timestamp must not be before start time"));
    }
    let step = parameters.duration("step")?;
    if step <= 0 {
        return Err(Refusal::parameter("step", "zero or negative query resolution step widths are not accepted. Try a positive integer"));
    }
    if (end - start) / step > MAX_POINTS {
        return Err(Refusal::bad_data("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"));
    }
    let limit = parameters.limit()?;
    parameters.check_timeout()?;
    let query = Query::parse(parameters.get("query").unwrap_or_default())?;
    let value = computed(move || query.range(&server.store, start, end, step)).await??;
    Ok(answer::result(value, limit))
}

pub async fn series(State(server): State<Prometheus>, RawQuery(address): RawQuery, form: Bytes) -> Answer {
    let parameters = Parameters::of(address.as_deref(), &form);
    if parameters.get("match[]").is_none() {
        return Err(Refusal::bad_data("no match[] parameter provided"));
    }
    let found = matching(&server, &parameters)?;
    Ok(limited(found.iter().map(answer::labels).collect(), parameters.limit()?))
}

pub async fn labels(State(server): State<Prometheus>, RawQuery(address): RawQuery, form: Bytes) -> Answer {
    let parameters = Parameters::of(address.as_deref(), &form);
    let found = matching(&server, &parameters)?;
    let names: BTreeSet<&str> = found.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
    Ok(limited(names.into_iter().map(Json::from).collect(), parameters.limit()?))
}

pub async fn label_values(State(server): State<Prometheus>, Path(name): Path<String>, RawQuery(address): RawQuery) -> Answer {
    let parameters = Parameters::of(address.as_deref(), &[]);
    let found = matching(&server, &parameters)?;
    let values: BTreeSet<&str> = found.iter().filter_map(|labels| labels.get(&name)).collect();
    Ok(limited(values.into_iter().map(Json::from).collect(), parameters.limit()?))
}

/// The series of `match[]` (all without it) that have samples between `start` and `end`.
fn matching(server: &Prometheus, parameters: &Parameters) -> Result<BTreeSet<Labels>, Refusal> {
    let now_ms = (server.now)().timestamp_millis();
    let (start, end) = (parameters.time_or("start", now_ms - RETENTION_MS)?, parameters.time_or("end", now_ms)?);
    let mut found = BTreeSet::new();
    let reader = server.store.read();
    if parameters.get("match[]").is_none() {
        found.extend(reader.labels(None, |_| true, start - 1, end));
    }
    for text in parameters.all("match[]") {
        let query = Query::parse(text).map_err(|why| Refusal::parameter("match[]", why))?;
        let selector = query.as_selector().ok_or_else(|| Refusal::parameter("match[]", format!("{text:?} is not a series selector")))?;
        found.extend(reader.labels(metric_name(selector), |labels| matches(selector, labels), start - 1, end));
    }
    Ok(found)
}

fn limited(mut list: Vec<Json>, limit: Option<usize>) -> Success {
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let warnings = if list.len() > limit { vec!["results truncated due to limit".to_owned()] } else { Vec::new() };
    list.truncate(limit);
    Success { data: Json::Array(list), warnings }
}

/// Only what the names say; the simulated targets send no metadata.
pub async fn metadata(State(server): State<Prometheus>) -> Success {
    let now_ms = (server.now)().timestamp_millis();
    let found = server.store.read().labels(None, |_| true, now_ms - RETENTION_MS, now_ms);
    let names: BTreeSet<&str> = found.iter().filter_map(Labels::name).collect();
    let entry = |name: &str| {
        let kind = if name.ends_with("_total") { "counter" } else { "unknown" };
        (name.to_owned(), json!([{ "type": kind, "unit": "", "help": "" }]))
    };
    Json::Object(names.into_iter().map(entry).collect()).into()
}

pub async fn rules(State(server): State<Prometheus>, RawQuery(address): RawQuery) -> Answer {
    let parameters = Parameters::of(address.as_deref(), &[]);
    let alerting = match parameters.get("type").unwrap_or_default() {
        "" => None,
        "alert" => Some(true),
        "record" => Some(false),
        other => return Err(Refusal::parameter("type", format!("not supported value {other:?}"))),
    };
    let listed = |name: &str, value: &str| parameters.get(name).is_none() || parameters.all(name).any(|wanted| wanted == value);
    let passes = |group: &str, rule: &str, alerts: bool| {
        alerting.is_none_or(|wanted| wanted == alerts) && listed("rule_group[]", group) && listed("rule_name[]", rule)
    };
    let with_alerts = !matches!(parameters.get("exclude_alerts"), Some("true" | "1" | "t"));
    Ok(json!({ "groups": server.rules.groups_json(passes, with_alerts) }).into())
}

pub async fn alerts(State(server): State<Prometheus>) -> Success {
    json!({ "alerts": server.rules.alerts_json() }).into()
}

pub async fn targets(State(server): State<Prometheus>) -> Success {
    scraped::json(&server.store, (server.now)().timestamp_millis()).into()
}

pub async fn alertmanagers() -> Success {
    json!({ "activeAlertmanagers": [{ "url": "http://alertmanager.monitoring.svc:9093/api/v2/alerts" }], "droppedAlertmanagers": [] }).into()
}

pub async fn build_info() -> Success {
    json!({
        "version": "3.13.5", "revision": "simulated", "branch": "HEAD", "buildUser": "sev1", "buildDate": "20260801-00:00:00", "goVersion": "go1.26",
    })
    .into()
}

pub async fn runtime_info(State(server): State<Prometheus>) -> Success {
    let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    json!({
        "startTime": time(server.started), "serverTime": time((server.now)()), "CWD": "/prometheus", "hostname": "prometheus-0",
        "reloadConfigSuccess": true, "lastConfigTime": time(server.started), "corruptionCount": 0, "storageRetention": "2h",
        "goroutineCount": 60, "GOMAXPROCS": 4, "GOMEMLIMIT": 4_294_967_296_i64, "GOGC": "75", "GODEBUG": "",
    })
    .into()
}

/// Runs an evaluation off the runtime's own threads: a long range may take a while.
async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|why| Refusal::internal(format!("evaluating the query: {why}")))
}
