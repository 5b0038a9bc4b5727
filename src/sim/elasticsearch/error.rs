//! Errors in Elasticsearch's shape: a root cause, sometimes wrapped as the failure of all shards.

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};

/// A request that was refused or could not be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub status: StatusCode,
    kind: &'static str,
    reason: String,
    /// Further members of the root cause.
    details: Map<String, Json>,
    /// Whether the shards found it out, not the node that took the request.
    on_shards: bool,
}

impl Error {
    fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), details: Map::new(), on_shards: false }
    }

    fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.details.insert(name.into(), value.into());
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
        Self::new(StatusCode::BAD_REQUEST, "parse_exception", reason).by_shards()
    }

    pub fn shard_query(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query_shard_exception", reason).by_shards()
    }

    pub fn too_many_buckets(limit: usize) -> Self {
        let reason = format!("Trying to create too many buckets. Must be less than or equal to: [{limit}].");
        Self::new(StatusCode::BAD_REQUEST, "too_many_buckets_exception", reason).with("max_buckets", limit).by_shards()
    }

    pub fn fielddata(field: &str) -> Self {
        Self::shard_argument(format!(
            "Fielddata is disabled on [{field}]. Text fields are not optimised for operations that require per-document field data like \
             aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead."
        ))
    }

    pub fn no_such_index(index: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "index_not_found_exception", format!("no such index [{index}]"))
            .with("resource.type", "index_or_alias")
            .with("resource.id", index)
            .with("index_uuid", "_na_")
            .with("index", index)
    }

    pub fn overloaded() -> Self {
        let reason = "rejected execution of TimedRunnable on EsThreadPoolExecutor[name = n1/search, queue capacity = 1000]";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "es_rejected_execution_exception", reason)
    }

    pub fn no_shard_answers() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_shard_available_action_exception", "no shard available for search").by_shards()
    }

    pub fn json(&self) -> Json {
        let mut cause = json!({ "type": self.kind, "reason": self.reason });
        if let Some(object) = cause.as_object_mut() {
            object.extend(self.details.clone());
        }
        let mut error = if self.on_shards {
            let failed = json!([{ "shard": 0, "index": "logstash", "node": "n1", "reason": cause }]);
            json!({ "type": "search_phase_execution_exception", "reason": "all shards failed", "phase": "query", "grouped": true, "failed_shards": failed })
        } else {
            cause.clone()
        };
        if let Some(object) = error.as_object_mut() {
            object.shift_insert(0, "root_cause".into(), json!([cause]));
        }
        json!({ "error": error, "status": self.status.as_u16() })
    }
}
