//! Refusals: `Status` objects with the codes, reasons and words of the real API server.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::kinds::Resource;
use super::selector::SelectorError;
use crate::sim::store::{Expired, StoreError};

/// A request that failed, as it is told to the client.
#[derive(Debug)]
pub struct ApiError {
    code: StatusCode,
    status: Box<Value>,
}

impl ApiError {
    pub fn new(code: StatusCode, reason: &str, message: impl Into<String>) -> Self {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message.into(), "reason": reason, "code": code.as_u16(),
        });
        if let (true, Some(fields)) = (reason.is_empty(), status.as_object_mut()) {
            fields.shift_remove("reason");
        }
        Self { code, status: Box::new(status) }
    }

    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.status["details"] = details;
        self
    }

    /// Names the object the refusal is about.
    #[must_use]
    pub fn about(self, resource: Resource, name: &str) -> Self {
        let kind = resource.definition().plural;
        self.details(named_details(resource, name, kind))
    }

    /// A token to go on with, beside an expired one.
    #[must_use]
    pub fn continue_with(mut self, token: &str) -> Self {
        self.status["metadata"] = json!({"continue": token});
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// No such resource type.
    pub fn no_such_resource() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource").details(json!({}))
    }

    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).details(json!({}))
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    pub fn patch_refused() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).details(json!({}))
    }

    pub fn too_large_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message).details(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1,
        }))
    }

    /// Fields that do not hold what they may: `(field, reason, message)` each.
    pub fn invalid(kind: &str, group: &str, name: &str, faults: &[Fault]) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut texts: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        texts.dedup();
        let text = if texts.len() == 1 { texts.remove(0) } else { format!("[{}]", texts.join(", ")) };
        let causes: Vec<Value> = faults.iter().map(|fault| json!({"reason": fault.reason, "message": fault.message, "field": fault.field})).collect();
        let mut details = json!({});
        for (field, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details[field] = json!(value);
            }
        }
        details["causes"] = json!(causes);
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", format!("{qualified} \"{name}\" is invalid: {text}")).details(details)
    }

    pub fn status(&self) -> &Value {
        &self.status
    }
}

/// One field that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: String,
    /// `FieldValueInvalid` and the like.
    pub reason: &'static str,
    pub message: String,
}

impl Fault {
    pub fn invalid(field: &str, value: &Value, why: &str) -> Self {
        Self { field: field.to_owned(), reason: "FieldValueInvalid", message: format!("Invalid value: {value}: {why}") }
    }

    pub fn forbidden(field: &str, why: &str) -> Self {
        Self { field: field.to_owned(), reason: "FieldValueForbidden", message: format!("Forbidden: {why}") }
    }

    pub fn required(field: &str, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { field: field.to_owned(), reason: "FieldValueRequired", message }
    }
}

/// `details` of a status about one object.
pub fn named_details(resource: Resource, name: &str, kind: &str) -> Value {
    let mut details = json!({});
    for (field, value) in [("name", name), ("group", resource.definition().group), ("kind", kind)] {
        if !value.is_empty() {
            details[field] = json!(value);
        }
    }
    details
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound { resource, name } => Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(resource, &name),
            StoreError::AlreadyExists { resource, name } => Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(resource, &name),
            StoreError::Conflict { resource, name, .. } => Self::new(StatusCode::CONFLICT, "Conflict", message).about(resource, &name),
            StoreError::Precondition { resource, name, .. } => {
                let details = named_details(resource, &name, resource.definition().kind);
                Self::new(StatusCode::CONFLICT, "Conflict", message).details(details)
            }
            StoreError::Unnamed { resource } => {
                let definition = resource.definition();
                Self::invalid(definition.kind, definition.group, "", &[Fault::required("metadata.name", "name or generateName is required")])
            }
            StoreError::BadRequest(message) => Self::bad_request(message),
        }
    }
}

impl From<SelectorError> for ApiError {
    fn from(error: SelectorError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<Expired> for ApiError {
    fn from(error: Expired) -> Self {
        Self::new(StatusCode::GONE, "Expired", error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = json_response(self.code, &self.status);
        if let Some(seconds) = self.status.pointer("/details/retryAfterSeconds").and_then(Value::as_u64) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A JSON answer.
pub fn json_response(code: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
