//! What the API server says that this user may do.

use serde_json::{Value, json};

use super::{ConnectError, Reader};
use crate::domain::text::{LINE_LIMIT, Text};

/// None where it is allowed, else the authorizer's reason, which may be empty. `attributes` are the `resourceAttributes` of a
/// `SelfSubjectAccessReview`.
pub async fn refused(reader: &Reader, attributes: &Value) -> Result<Option<String>, ConnectError> {
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let answer = reader.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &question).await?;
    let status = answer.json.get("status").cloned().unwrap_or_default();
    if status.get("allowed").and_then(Value::as_bool) == Some(true) {
        return Ok(None);
    }
    Ok(Some(Text::of_error(status.get("reason").and_then(Value::as_str).unwrap_or_default(), LINE_LIMIT).to_string()))
}
