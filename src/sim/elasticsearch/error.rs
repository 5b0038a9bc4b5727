//! Errors in Elasticsearch's shape: a root cause, sometimes wrapped as the failure of all shards.

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};

/// The one error that has no type of its own on the wire.
const CONTENT_TYPE: &str = "content_type";

const TOO_MANY_BUCKETS: &str = "too_many_buckets_exception";
/// Said by no node, and without a reason.
const NO_SHARD: &str = "no_shard_available_action_exception";

/// A request that was refused or could not be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub status: StatusCode,
    kind: &'static str,
    reason: String,
    /// Further members of the root cause.
    details: Box<Map<String, Json>>,
    /// Whether the shards found it out, not the node that took the request.
    on_shards: bool,
    /// What lay below: type and reason of each, outermost first.
    causes: Vec<(&'static str, String)>,
}

impl Error {
    fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), details: Box::default(), on_shards: false, causes: Vec::new() }
    }

    fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    fn because(mut self, kind: &'static str, reason: impl Into<String>) -> Self {
        self.causes.push((kind, reason.into()));
        self
    }

    fn by_shards(mut self) -> Self {
        self.on_shards = true;
        self
    }

    /// The body is not what the API understands. (The real server tells line and column; here they are 1.)
    pub fn parsing(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "parsing_exception", reason).with("line", 1).with("col", 1)
    }

    pub fn not_json(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "x_content_parse_exception", reason)
    }

    /// The body ends too early.
    pub fn unfinished(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(StatusCode::BAD_REQUEST, "x_content_e_o_f_exception", &reason).because("json_e_o_f_exception", reason)
    }

    pub fn unknown_query(name: &str) -> Self {
        let why = format!("[1:1] unknown field [{name}]");
        Self::parsing(format!("unknown query [{name}]")).because("named_object_not_found_exception", why)
    }

    pub fn validation(reason: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "action_request_validation_exception", format!("Validation Failed: 1: {reason};"))
    }

    pub fn argument(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "illegal_argument_exception", reason)
    }

    pub fn shard_argument(reason: impl Into<String>) -> Self {
        Self::argument(reason).by_shards()
    }

    /// A date or date calculation that cannot be read.
    pub fn date(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let below = reason.split(": [").next().unwrap_or_default().to_owned();
        Self::new(StatusCode::BAD_REQUEST, "parse_exception", reason)
            .because("illegal_argument_exception", below)
            .because("date_time_parse_exception", "Failed to parse with all enclosed parsers")
            .by_shards()
    }

    pub fn shard_query(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query_shard_exception", reason).by_shards()
    }

    pub fn too_many_buckets(limit: usize) -> Self {
        let reason = format!("Trying to create too many buckets. Must be less than or equal to: [{limit}].");
        Self::new(StatusCode::BAD_REQUEST, TOO_MANY_BUCKETS, reason).with("max_buckets", limit)
    }

    pub fn fielddata(field: &str) -> Self {
        Self::shard_argument(format!(
            "Fielddata is disabled on [{field}]. Text fields are not optimised for operations that require per-document field data like \
             aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead."
        ))
    }

    /// The body is not said to be JSON.
    pub fn content_type(kind: &str) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, CONTENT_TYPE, format!("Content-Type header [{kind}] is not supported"))
    }

    pub fn no_such_index(index: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "index_not_found_exception", format!("no such index [{index}]"))
            .with("resource.type", "index_or_alias")
            .with("resource.id", index)
            .with("index_uuid", "_na_")
            .with("index", index)
    }

    /// What is asked at the same time takes more memory than it may.
    pub fn overloaded() -> Self {
        let reason =
            "[inflight_requests] Data too large, data for [<http_request>] would be [596/596b], which is larger than the limit of [100/100b]";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "circuit_breaking_exception", reason);
        refusal.with("bytes_wanted", 596).with("bytes_limit", 100).with("durability", "TRANSIENT")
    }

    pub fn no_shard_answers() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, NO_SHARD, "").by_shards()
    }

    pub fn json(&self) -> Json {
        if self.kind == CONTENT_TYPE {
            return json!({ "error": self.reason, "status": self.status.as_u16() });
        }
        let reason = if self.kind == NO_SHARD { Json::Null } else { json!(self.reason) };
        let mut cause = json!({ "type": self.kind, "reason": reason });
        if let Some(object) = cause.as_object_mut() {
            object.extend((*self.details).clone());
        }
        let below = self.causes.iter().rev().fold(None, |inner, (kind, reason)| {
            let mut cause = json!({ "type": kind, "reason": reason });
            if let Some(inner) = inner {
                cause["caused_by"] = inner;
            }
            Some(cause)
        });
        let mut whole = cause.clone();
        if let Some(below) = below {
            whole["caused_by"] = below;
        }
        if self.kind == TOO_MANY_BUCKETS {
            // Found out only when the shards' answers were put together.
            let error = json!({
                "root_cause": [], "type": "search_phase_execution_exception", "reason": "", "phase": "fetch", "grouped": true, "failed_shards": [],
                "caused_by": cause,
            });
            return json!({ "error": error, "status": self.status.as_u16() });
        }
        let mut error = if self.on_shards {
            let node = if self.kind == NO_SHARD { Json::Null } else { json!("n1") };
            let failed = json!([{ "shard": 0, "index": "logstash", "node": node, "reason": whole }]);
            let mut error = json!({ "type": "search_phase_execution_exception", "reason": "all shards failed", "phase": "query", "grouped": true, "failed_shards": failed });
            // What the shards refused is told again below, twice; not so what they could not parse.
            if self.kind == "illegal_argument_exception" {
                error["caused_by"] = cause.clone();
                error["caused_by"]["caused_by"] = cause.clone();
            }
            error
        } else {
            whole
        };
        if let Some(object) = error.as_object_mut() {
            object.shift_insert(0, "root_cause".into(), json!([cause]));
        }
        json!({ "error": error, "status": self.status.as_u16() })
    }
}
