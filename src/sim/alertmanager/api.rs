//! The handlers of `/api/v2`.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use regex::Regex;
use serde_json::{Value as Json, json};

use super::alerts::{self, HeldAlert, parse_time, time};
use super::matcher::Matcher;
use super::silences::{Refused, Silence};
use super::{RECEIVER, Server};

pub async fn status(State(server): State<Server>) -> Response {
    let original = format!("route:\n  receiver: {RECEIVER}\n  group_by:\n  - alertname\nreceivers:\n- name: {RECEIVER}\ntemplates: []\n");
    answer(
        StatusCode::OK,
        &json!({
            "cluster": { "peers": [], "status": "disabled" },
            "config": { "original": original },
            "uptime": time(server.started),
            "versionInfo": {
                "branch": "HEAD", "buildDate": "20260801-00:00:00", "buildUser": "sev1", "goVersion": "go1.26", "revision": "simulated",
                "version": "0.34.2",
            },
        }),
    )
}

pub async fn receivers() -> Response {
    answer(StatusCode::OK, &json!([{ "name": RECEIVER, "labels": { "name": RECEIVER } }]))
}

pub async fn alerts(State(server): State<Server>, RawQuery(query): RawQuery) -> Response {
    match selected(&server, query.as_deref()) {
        Ok(alerts) => answer(StatusCode::OK, &alerts.into_iter().map(|(alert, silenced_by)| alert.json(&silenced_by)).collect()),
        Err(refusal) => refusal.into_response(),
    }
}

pub async fn groups(State(server): State<Server>, RawQuery(query): RawQuery) -> Response {
    let selected = match selected(&server, query.as_deref()) {
        Ok(alerts) => alerts,
        Err(refusal) => return refusal.into_response(),
    };
    let mut groups: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for (alert, silenced_by) in selected {
        groups.entry(alert.labels.value("alertname").to_owned()).or_default().push(alert.json(&silenced_by));
    }
    let groups = groups
        .into_iter()
        .map(|(name, alerts)| json!({ "alerts": alerts, "labels": { "alertname": name }, "receiver": { "name": RECEIVER }, "routeLabels": {} }));
    answer(StatusCode::OK, &groups.collect())
}

/// The alerts that have not ended and pass the parameters, each with the silences that cover it.
fn selected(server: &Server, query: Option<&str>) -> Result<Vec<(HeldAlert, Vec<String>)>, Refusal> {
    let parameters = Filter::parse(query)?;
    let now = (server.now)();
    let state = server.alertmanager.lock();
    let running = state.alerts.values().filter(|alert| alert.ends_at > now);
    let covered = running.map(|alert| (alert.clone(), state.silences.covering(&alert.labels, now)));
    Ok(covered
        .filter(|(alert, silenced_by)| {
            let wanted = if silenced_by.is_empty() { parameters.active } else { parameters.silenced };
            wanted && parameters.receiver && parameters.matchers.iter().all(|matcher| matcher.matches(&alert.labels))
        })
        .collect())
}

struct Filter {
    matchers: Vec<Matcher>,
    active: bool,
    silenced: bool,
    /// Whether the asked-for receiver is ours.
    receiver: bool,
}

impl Filter {
    fn parse(query: Option<&str>) -> Result<Self, Refusal> {
        let mut filter = Self { matchers: Vec::new(), active: true, silenced: true, receiver: true };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            // go-openapi's words for true; any other word is false.
            let flag = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"].contains(&value.to_lowercase().as_str());
            match &*name {
                "filter" => filter.matchers.push(Matcher::parse(&value).map_err(|why| bad_request(&why))?),
                "active" => filter.active = flag,
                "silenced" => filter.silenced = flag,
                "receiver" => {
                    let wanted =
                        Regex::new(&format!("^(?:{value})$")).map_err(|why| bad_request(&format!("failed to parse receiver param: {why}")))?;
                    filter.receiver = wanted.is_match(RECEIVER);
                }
                _ => {}
            }
        }
        Ok(filter)
    }
}

pub async fn post_alerts(State(server): State<Server>, body: Bytes) -> Response {
    let now = (server.now)();
    let Ok(Json::Array(list)) = serde_json::from_slice::<Json>(&body) else {
        return answer(StatusCode::BAD_REQUEST, &json!({ "code": 400, "message": "parsing alerts body from \"\" failed" }));
    };
    let posted: Vec<_> = list.iter().filter_map(|alert| alerts::posted(alert, now)).collect();
    let complete = posted.len() == list.len();
    server.alertmanager.receive(posted, now);
    if complete { StatusCode::OK.into_response() } else { bad_request("at least one label pair required").into_response() }
}

pub async fn no_such_path(uri: Uri) -> Response {
    answer(StatusCode::NOT_FOUND, &json!({ "code": 404, "message": format!("path {} was not found", uri.path()) }))
}

pub async fn silences(State(server): State<Server>, RawQuery(query): RawQuery) -> Response {
    let filter = match Filter::parse(query.as_deref()) {
        Ok(filter) => filter,
        Err(refusal) => return refusal.into_response(),
    };
    let now = (server.now)();
    let state = server.alertmanager.lock();
    answer(StatusCode::OK, &state.silences.list(&filter.matchers, now).into_iter().map(|silence| silence.json(now)).collect())
}

pub async fn silence(State(server): State<Server>, Path(id): Path<String>) -> Response {
    if !is_uuid(&id) {
        return not_a_uuid(&id).into_response();
    }
    let state = server.alertmanager.lock();
    match state.silences.get(&id) {
        Some(silence) => answer(StatusCode::OK, &silence.json((server.now)())),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub async fn delete_silence(State(server): State<Server>, Path(id): Path<String>) -> Response {
    if !is_uuid(&id) {
        return not_a_uuid(&id).into_response();
    }
    match server.alertmanager.lock().silences.expire(&id, (server.now)()) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Refused::NotFound) => StatusCode::NOT_FOUND.into_response(),
        Err(Refused::Invalid(why)) => answer(StatusCode::INTERNAL_SERVER_ERROR, &json!(why)),
    }
}

pub async fn post_silence(State(server): State<Server>, body: Bytes) -> Response {
    let now = (server.now)();
    let silence = match read_silence(&body, now) {
        Ok(silence) => silence,
        Err(refusal) => return refusal.into_response(),
    };
    if silence.starts_at >= silence.ends_at {
        return bad_request("Failed to create silence: start time must be before end time").into_response();
    }
    if silence.ends_at < now {
        return bad_request("Failed to create silence: end time can't be in the past").into_response();
    }
    match server.alertmanager.lock().silences.set(silence, now) {
        Ok(id) => answer(StatusCode::OK, &json!({ "silenceID": id })),
        Err(Refused::NotFound) => answer(StatusCode::NOT_FOUND, &json!("silence not found")),
        Err(Refused::Invalid(why)) => bad_request(&why).into_response(),
    }
}

fn read_silence(body: &[u8], now: chrono::DateTime<chrono::Utc>) -> Result<Silence, Refusal> {
    let json: Json = serde_json::from_slice(body).map_err(|why| {
        let message = format!("parsing silence body from \"\" failed, because {why}");
        Refusal { status: StatusCode::BAD_REQUEST, body: json!({ "code": 400, "message": message }) }
    })?;
    let required = |key: &str| json.get(key).filter(|value| !value.is_null()).ok_or_else(|| invalid(602, &format!("{key} in body is required")));
    let text = |key: &str| Ok::<_, Refusal>(required(key)?.as_str().unwrap_or_default().to_owned());
    let moment = |key: &str| {
        let text = text(key)?;
        parse_time(&text).ok_or_else(|| invalid(601, &format!("{key} in body must be of type date-time: {text:?}")))
    };
    let (comment, created_by) = (text("comment")?, text("createdBy")?);
    let (ends_at, listed, starts_at) = (moment("endsAt")?, required("matchers")?, moment("startsAt")?);
    let listed = listed.as_array().map(Vec::as_slice).unwrap_or_default();
    if listed.is_empty() {
        return Err(invalid(612, "matchers in body should have at least 1 items"));
    }
    let mut matchers = Vec::new();
    for (position, matcher) in listed.iter().enumerate() {
        match Matcher::from_json(matcher) {
            None => return Err(invalid(602, &format!("matchers.{position}: name, value and isRegex are required"))),
            Some(Err(why)) => return Err(bad_request(&format!("silence invalid: invalid label matcher {position}: {why}"))),
            Some(Ok(matcher)) => matchers.push(matcher),
        }
    }
    let id = json.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok(Silence { id, matchers, starts_at, ends_at, updated_at: now, created_by, comment })
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// A request that was not taken: usually a text, sometimes code and message.
struct Refusal {
    status: StatusCode,
    body: Json,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer(self.status, &self.body)
    }
}

fn not_a_uuid(id: &str) -> Refusal {
    invalid(601, &format!("silenceID in path must be of type uuid: {id:?}"))
}

fn invalid(code: u16, message: &str) -> Refusal {
    Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, body: json!({ "code": code, "message": message }) }
}

fn bad_request(message: &str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, body: json!(message) }
}

fn answer(status: StatusCode, body: &Json) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}
