//! The four ways to patch, told apart by content type.

use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::status::ApiError;
use super::strategic;

/// A patch, decoded.
#[derive(Debug)]
pub enum Patch {
    Json(json_patch::Patch),
    Merge(Value),
    Strategic(Value),
    /// Server-side apply; creates what does not exist.
    Apply(Value),
}

impl Patch {
    pub fn decode(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => serde_json::from_slice(body).map(Self::Json).map_err(|error| decoding(&error)),
            "application/merge-patch+json" => object(body).map(Self::Merge),
            "application/strategic-merge-patch+json" => object(body).map(Self::Strategic),
            "application/apply-patch+yaml" => apply_body(body).map(Self::Apply),
            _ => {
                let message = "415: Unsupported Media Type";
                Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message).details(json!({})))
            }
        }
    }

    /// What is said to a patch whose form the resource does not take: how lists of custom resources are merged is not known.
    pub fn unknown_format() -> ApiError {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, \
             application/merge-patch+json, application/apply-patch+yaml";
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// The configuration that is applied.
    pub fn applied(&self) -> Option<&Value> {
        if let Self::Apply(configuration) = self { Some(configuration) } else { None }
    }

    pub fn operation(&self) -> &'static str {
        if matches!(self, Self::Apply(_)) { "Apply" } else { "Update" }
    }

    /// Changes the object; on an error it may be half changed.
    pub fn apply(&self, object: &mut Value) -> Result<(), ApiError> {
        match self {
            Self::Json(patch) => json_patch::patch(object, patch).map_err(|_| ApiError::patch_refused()),
            Self::Merge(patch) => {
                json_patch::merge(object, patch);
                Ok(())
            }
            Self::Strategic(patch) | Self::Apply(patch) => {
                strategic::merge(object, patch).map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "BadRequest", error.to_string()))
            }
        }
    }
}

fn decoding(error: &serde_json::Error) -> ApiError {
    ApiError::bad_request(format!("error decoding patch: {error}"))
}

fn object(body: &[u8]) -> Result<Value, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| decoding(&error))?;
    if value.is_object() { Ok(value) } else { Err(ApiError::bad_request("error decoding patch: the patch is not an object")) }
}

/// YAML, of which JSON is a part.
fn apply_body(body: &[u8]) -> Result<Value, ApiError> {
    if let Ok(value) = object(body) {
        return Ok(value);
    }
    let decoded = std::str::from_utf8(body).ok().and_then(|text| serde_saphyr::from_str::<Value>(text).ok());
    decoded.filter(Value::is_object).ok_or_else(|| ApiError::bad_request("error decoding YAML: the configuration is not an object"))
}
