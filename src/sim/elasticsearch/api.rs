//! The handlers of the REST API.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use super::error::Error;
use super::fields::{Field, IGNORE_ABOVE, Text};
use super::filter::filter_path;
use super::indices::Missing;
use super::{Elasticsearch, SHARDS_PER_INDEX};

/// Most searches in one `_msearch`.
const MAX_SEARCHES: usize = 100;

/// Parameters that any request may have, and those of searches.
const COMMON_PARAMETERS: [&str; 5] = ["filter_path", "pretty", "human", "error_trace", "format"];
const SEARCH_PARAMETERS: [&str; 27] = [
    "ignore_unavailable",
    "allow_no_indices",
    "expand_wildcards",
    "ignore_throttled",
    "q",
    "size",
    "from",
    "sort",
    "track_total_hits",
    "_source",
    "_source_includes",
    "_source_excludes",
    "request_cache",
    "preference",
    "timeout",
    "rest_total_hits_as_int",
    "allow_partial_search_results",
    "typed_keys",
    "terminate_after",
    "max_concurrent_shard_requests",
    "search_type",
    "routing",
    "df",
    "default_operator",
    "batched_reduce_size",
    "track_scores",
    "ccs_minimize_roundtrips",
];

/// A request's parameters and how its answer is to be written.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn read(query: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// Refuses what the API does not know, as the real server does.
    fn check(&self, path: &str) -> Result<(), Error> {
        let unknown = self.0.keys().find(|name| !COMMON_PARAMETERS.contains(&name.as_str()) && !SEARCH_PARAMETERS.contains(&name.as_str()));
        unknown.map_or(Ok(()), |name| Err(Error::argument(format!("request [{path}] contains unrecognized parameter: [{name}]"))))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| value != "false")
    }

    fn missing(&self) -> Missing {
        Missing { ignore_unavailable: self.flag("ignore_unavailable", false), allow_none: self.flag("allow_no_indices", true) }
    }

    fn answer(&self, result: Result<Json, Error>) -> Response {
        let (status, body) = match result {
            Ok(body) => (StatusCode::OK, body),
            Err(error) => (error.status, error.json()),
        };
        let body = self.get("filter_path").map_or(body.clone(), |expression| filter_path(body, expression));
        let pretty = self.get("pretty").is_some_and(|value| value != "false");
        let text = if pretty { serde_json::to_string_pretty(&body).unwrap_or_default() + "\n" } else { body.to_string() };
        (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
    }
}

/// A JSON body, if there is one.
fn body(headers: &HeaderMap, bytes: &[u8]) -> Result<Json, Error> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Json::Null);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.contains("json") {
        return Err(Error::content_type(kind));
    }
    serde_json::from_slice(bytes).map_err(|why| if why.is_eof() { Error::unfinished(why.to_string()) } else { Error::not_json(why.to_string()) })
}

/// What the address says of the search, put into its body.
fn with_address(body: Json, parameters: &Parameters) -> Json {
    let mut object = match body {
        Json::Null => Map::new(),
        Json::Object(object) => object,
        other => return other,
    };
    for name in ["size", "from"] {
        if let Some(value) = parameters.get(name) {
            object.insert(name.into(), value.into());
        }
    }
    if let Some(value) = parameters.get("track_total_hits") {
        object.insert("track_total_hits".into(), serde_json::from_str(value).unwrap_or(Json::Bool(true)));
    }
    if let Some(value) = parameters.get("sort") {
        object.insert("sort".into(), value.split(',').map(Json::from).collect());
    }
    if let Some(value) = parameters.get("q") {
        let operator = parameters.get("default_operator").unwrap_or("or");
        object.insert("query".into(), json!({ "query_string": { "query": value, "default_operator": operator } }));
    }
    let list = |name: &str| parameters.get(name).map(|value| value.split(',').map(Json::from).collect::<Json>());
    match parameters.get("_source") {
        Some("true") => drop(object.insert("_source".into(), Json::Bool(true))),
        Some("false") => drop(object.insert("_source".into(), Json::Bool(false))),
        Some(_) => drop(object.insert("_source".into(), list("_source").unwrap_or_default())),
        None => {}
    }
    if let Some(includes) = list("_source_includes") {
        object.insert("_source".into(), json!({ "includes": includes, "excludes": list("_source_excludes") }));
    } else if let Some(excludes) = list("_source_excludes") {
        object.insert("_source".into(), json!({ "excludes": excludes }));
    }
    Json::Object(object)
}

/// Runs a search off the runtime's own threads: many documents may have to be looked at.
async fn computed(work: impl FnOnce() -> Result<Json, Error> + Send + 'static) -> Result<Json, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Error::no_shard_answers()))
}

pub async fn search(
    State(server): State<Elasticsearch>,
    Path(index): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let parameters = Parameters::read(query.as_deref());
    if let Err(refusal) = parameters.check(&format!("/{index}/_search")) {
        return parameters.answer(Err(refusal));
    }
    let body = match body(&headers, &bytes) {
        Ok(body) => with_address(body, &parameters),
        Err(refusal) => return parameters.answer(Err(refusal)),
    };
    let missing = parameters.missing();
    let result = computed(move || server.search(&index, missing, &body)).await;
    parameters.answer(result)
}

pub async fn search_all(state: State<Elasticsearch>, query: RawQuery, headers: HeaderMap, bytes: Bytes) -> Response {
    search(state, Path("_all".into()), query, headers, bytes).await
}

pub async fn count(
    State(server): State<Elasticsearch>,
    Path(index): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let parameters = Parameters::read(query.as_deref());
    let body = match body(&headers, &bytes) {
        Ok(body) => with_address(body, &parameters),
        Err(refusal) => return parameters.answer(Err(refusal)),
    };
    let missing = parameters.missing();
    let result = computed(move || server.count(&index, missing, &body)).await;
    parameters.answer(result)
}

pub async fn count_all(state: State<Elasticsearch>, query: RawQuery, headers: HeaderMap, bytes: Bytes) -> Response {
    count(state, Path("_all".into()), query, headers, bytes).await
}

/// Lines in pairs: a header with the index, then a search.
pub async fn multi_search(State(server): State<Elasticsearch>, Path(index): Path<String>, RawQuery(query): RawQuery, bytes: Bytes) -> Response {
    let parameters = Parameters::read(query.as_deref());
    let lines: Result<Vec<Json>, _> =
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace)).map(serde_json::from_slice).collect();
    let lines = match lines {
        Ok(lines) if !lines.is_empty() && lines.len() % 2 == 0 && lines.len() <= 2 * MAX_SEARCHES => lines,
        Ok(_) => return parameters.answer(Err(Error::validation("no requests added"))),
        Err(why) => return parameters.answer(Err(Error::not_json(why.to_string()))),
    };
    let result = computed(move || {
        let one = |pair: &[Json]| {
            let named = match &pair[0]["index"] {
                Json::String(name) => name.clone(),
                Json::Array(names) => names.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(","),
                _ => index.clone(),
            };
            let flag = |name: &str, default| pair[0].get(name).and_then(Json::as_bool).unwrap_or(default);
            let missing = Missing { ignore_unavailable: flag("ignore_unavailable", false), allow_none: flag("allow_no_indices", true) };
            match server.search(&named, missing, &pair[1]) {
                Ok(mut answer) => {
                    answer["status"] = json!(200);
                    answer
                }
                Err(error) => error.json(),
            }
        };
        Ok(json!({ "took": 3, "responses": lines.chunks(2).map(one).collect::<Vec<_>>() }))
    });
    parameters.answer(result.await)
}

pub async fn multi_search_all(state: State<Elasticsearch>, query: RawQuery, bytes: Bytes) -> Response {
    multi_search(state, Path("_all".into()), query, bytes).await
}

pub async fn root(RawQuery(query): RawQuery) -> Response {
    let info = json!({
        "name": "elasticsearch-0", "cluster_name": "digital-identity-logs", "cluster_uuid": "c2ltdWxhdGVkLWNsdXN0ZXI",
        "version": {
            "number": "8.19.21", "build_flavor": "default", "build_type": "docker", "build_hash": "simulated", "build_date": "2026-08-26T22:10:47.574Z",
            "build_snapshot": false, "lucene_version": "9.12.2", "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    });
    Parameters::read(query.as_deref()).answer(Ok(info))
}

pub async fn health(State(server): State<Elasticsearch>, RawQuery(query): RawQuery) -> Response {
    let primaries = server.store.indices().len() * SHARDS_PER_INDEX;
    let lost = server.store.indices().len() * server.failing().shards.min(SHARDS_PER_INDEX);
    let health = json!({
        "cluster_name": "digital-identity-logs", "status": if lost > 0 { "red" } else { "green" }, "timed_out": false, "number_of_nodes": 1,
        "number_of_data_nodes": 1, "active_primary_shards": primaries - lost, "active_shards": primaries - lost, "relocating_shards": 0,
        "initializing_shards": 0, "unassigned_shards": lost, "unassigned_primary_shards": lost, "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": if primaries == 0 { 100.0 } else { 100.0 * (primaries - lost) as f64 / primaries as f64 },
    });
    Parameters::read(query.as_deref()).answer(Ok(health))
}

pub async fn cat_indices(State(server): State<Elasticsearch>, Path(index): Path<String>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::read(query.as_deref());
    let chosen = match server.indices(&index, parameters.missing()) {
        Ok(chosen) => chosen,
        Err(error) => return parameters.answer(Err(error)),
    };
    let health = if server.failing().shards > 0 { "red" } else { "green" };
    let row = |name: &str, count: usize| {
        let size = format!("{}kb", count.div_ceil(4));
        json!({
            "health": health, "status": "open", "index": name, "uuid": format!("sim-{name}"), "pri": SHARDS_PER_INDEX.to_string(), "rep": "0",
            "docs.count": count.to_string(), "docs.deleted": "0", "store.size": size, "pri.store.size": size, "dataset.size": size,
        })
    };
    let rows: Vec<Json> = server.store.indices().iter().filter(|(name, _)| chosen.contains(name)).map(|(name, count)| row(name, *count)).collect();
    if parameters.get("format") == Some("json") {
        return parameters.answer(Ok(Json::Array(rows)));
    }
    let line = |row: &Json| row.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ") + "\n";
    ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], rows.iter().map(line).collect::<String>()).into_response()
}

pub async fn cat_indices_all(state: State<Elasticsearch>, query: RawQuery) -> Response {
    cat_indices(state, Path("_all".into()), query).await
}

pub async fn mapping(State(server): State<Elasticsearch>, Path(index): Path<String>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::read(query.as_deref());
    let result = server.indices(&index, parameters.missing()).map(|chosen| {
        let mapping = json!({ "mappings": { "properties": properties() } });
        Json::Object(chosen.into_iter().map(|name| (name, mapping.clone())).collect())
    });
    parameters.answer(result)
}

pub async fn mapping_all(state: State<Elasticsearch>, query: RawQuery) -> Response {
    mapping(state, Path("_all".into()), query).await
}

/// What of the named fields is mapped. The objects on the way to a field are fields too.
pub async fn field_caps(State(server): State<Elasticsearch>, Path(index): Path<String>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::read(query.as_deref());
    let result = server.indices(&index, parameters.missing()).and_then(|indices| {
        let asked = parameters.get("fields").ok_or_else(|| Error::validation("no fields specified"))?;
        let mut fields = Map::new();
        let objects = asked.split(',').filter_map(|name| Some(name.split_once('.')?.0)).filter(|object| *object == "kubernetes");
        for name in asked.split(',').chain(objects).filter(|_| !indices.is_empty()) {
            let (kind, can) = match Field::named(name) {
                Some(Field::Timestamp) => ("date", (true, true)),
                Some(Field::Duration) => ("float", (true, true)),
                Some(Field::Text(_)) => ("text", (true, false)),
                Some(Field::Keyword(_)) => ("keyword", (true, true)),
                None if name == "kubernetes" => ("object", (false, false)),
                None => continue,
            };
            fields.insert(name.to_owned(), json!({ kind: { "type": kind, "metadata_field": false, "searchable": can.0, "aggregatable": can.1 } }));
        }
        Ok(json!({ "indices": indices, "fields": fields }))
    });
    parameters.answer(result)
}

pub async fn field_caps_all(state: State<Elasticsearch>, query: RawQuery) -> Response {
    field_caps(state, Path("_all".into()), query).await
}

fn properties() -> Json {
    let text = json!({ "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": IGNORE_ABOVE } } });
    let mut properties = json!({ "@timestamp": { "type": "date" }, "duration_ms": { "type": "float" } });
    for (path, _) in Text::ALL {
        match path.split_once('.') {
            Some((object, name)) => properties[object]["properties"][name] = text.clone(),
            None => properties[path] = text.clone(),
        }
    }
    properties
}

pub async fn no_handler(method: Method, uri: Uri) -> Response {
    // A path of one or two parts is an index's, where a document could be made by POST.
    let (parts, uri) = (uri.path().trim_matches('/').split('/').count(), uri.to_string());
    if method == Method::GET && parts <= 2 {
        let error = json!({ "error": format!("Incorrect HTTP method for uri [{uri}] and method [{method}], allowed: [POST]"), "status": 405 });
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::CONTENT_TYPE, "application/json")], error.to_string()).into_response();
    }
    let error = json!({ "error": format!("no handler found for uri [{uri}] and method [{method}]") });
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], error.to_string()).into_response()
}
