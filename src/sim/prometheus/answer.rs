//! The API's answers as JSON: results, errors and their status codes.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use crate::sim::promql::{Error, Value, format_plain, format_value};
use crate::sim::tsdb::Labels;

/// A refusal, with the API's type and status.
#[derive(Debug)]
pub struct Refusal {
    kind: &'static str,
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub fn bad_data(message: impl Into<String>) -> Self {
        Self { kind: "bad_data", status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter \"{name}\": {why}"))
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self { kind: "internal", status: StatusCode::INTERNAL_SERVER_ERROR, message: message.into() }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::BadData(why) => Self::parameter("query", why),
            Error::Execution(message) => Self { kind: "execution", status: StatusCode::UNPROCESSABLE_ENTITY, message },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "status": "error", "errorType": self.kind, "error": self.message });
        (self.status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}

/// Data of a successful answer, with warnings if there are any.
#[derive(Debug)]
pub struct Success {
    pub data: Json,
    pub warnings: Vec<String>,
}

impl From<Json> for Success {
    fn from(data: Json) -> Self {
        Self { data, warnings: Vec::new() }
    }
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        let mut body = json!({ "status": "success", "data": self.data });
        if !self.warnings.is_empty() {
            body["warnings"] = json!(self.warnings);
        }
        ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}

/// A query's result; at most `limit` series of it.
pub fn result(value: Value, limit: Option<usize>) -> Success {
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let (kind, length, result) = match value {
        Value::Scalar { t_ms, value } => ("scalar", 0, json!([time(t_ms), format_plain(value)])),
        Value::String { t_ms, text } => ("string", 0, json!([time(t_ms), text])),
        Value::Vector { t_ms, elements } => {
            let one = |element: &crate::sim::promql::Element| json!({ "metric": labels(&element.labels), "value": [time(t_ms), format_value(element.value)] });
            ("vector", elements.len(), elements.iter().take(limit).map(one).collect())
        }
        Value::Matrix(series) => {
            let one = |series: &crate::sim::promql::Series| {
                let values: Json = series.samples.iter().map(|sample| json!([time(sample.t_ms), format_value(sample.value)])).collect();
                json!({ "metric": labels(&series.labels), "values": values })
            };
            ("matrix", series.len(), series.iter().take(limit).map(one).collect())
        }
    };
    let warnings = if length > limit { vec!["results truncated due to limit".to_owned()] } else { Vec::new() };
    Success { data: json!({ "resultType": kind, "result": result }), warnings }
}

pub fn labels(labels: &Labels) -> Json {
    Json::Object(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>())
}

/// Seconds with milliseconds as fraction, none when there are none.
fn time(t_ms: i64) -> Json {
    if t_ms % 1000 == 0 { json!(t_ms / 1000) } else { json!(t_ms as f64 / 1000.0) }
}
