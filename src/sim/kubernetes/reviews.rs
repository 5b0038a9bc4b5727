//! Reviews: who am I, what may I do.

use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access::{Access, User};
use super::server::{Answer, ApiServer, decode_body};
use super::status::{ApiError, Fault, json_response};
use crate::sim::store::timestamp;

pub fn is_review(group: &str, resource: &str) -> bool {
    matches!(
        (group, resource),
        ("authorization.k8s.io", "selfsubjectaccessreviews" | "selfsubjectrulesreviews") | ("authentication.k8s.io", "selfsubjectreviews")
    )
}

pub fn answer(server: &ApiServer, user: &User, group: &str, resource: &str, parts: &Parts, body: &[u8]) -> Answer {
    if parts.method != Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let mut review = decode_body(parts, body, "SelfSubjectReview")?;
    for attributes in ["/spec/resourceAttributes", "/spec/nonResourceAttributes"] {
        if let Some(attributes) = review.pointer_mut(attributes).and_then(Value::as_object_mut) {
            attributes.retain(|_, value| value != "");
        }
    }
    review["apiVersion"] = json!(format!("{group}/v1"));
    let created = json!({"creationTimestamp": timestamp(server.store.now())});
    let (kind, status) = match resource {
        "selfsubjectaccessreviews" => ("SelfSubjectAccessReview", access_status(user, &review)?),
        "selfsubjectrulesreviews" => {
            review["spec"] = json!({});
            ("SelfSubjectRulesReview", rules_status(user))
        }
        _ => ("SelfSubjectReview", json!({"userInfo": {"username": user.name, "uid": user.name, "groups": user.groups}})),
    };
    review["kind"] = json!(kind);
    review["metadata"] = if kind == "SelfSubjectReview" { created } else { json!({}) };
    review["status"] = status;
    Ok(json_response(StatusCode::CREATED, &review))
}

fn access_status(user: &User, review: &Value) -> Result<Value, ApiError> {
    let allowed = if let Some(attributes) = review.pointer("/spec/resourceAttributes") {
        let field = |name| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
        // `kubectl auth can-i` sends subresources in a field of their own; some clients join them.
        let (resource, joined) = field("resource").split_once('/').unwrap_or((field("resource"), ""));
        let subresource = if field("subresource").is_empty() { joined } else { field("subresource") };
        let access = Access { verb: field("verb"), group: field("group"), resource, subresource, namespace: field("namespace"), name: field("name") };
        user.may(&access)
    } else if let Some(attributes) = review.pointer("/spec/nonResourceAttributes") {
        let field = |name| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
        let open = ["/healthz", "/livez", "/readyz", "/version", "/api", "/apis", "/openapi"];
        field("verb") == "get" && open.iter().any(|path| field("path").starts_with(path))
    } else {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let fault = Fault::invalid("spec.resourceAttributes", &Value::Null, why);
        return Err(ApiError::invalid("", "authorization.k8s.io", "", &[fault]));
    };
    Ok(if allowed { json!({"allowed": true, "reason": "RBAC: allowed by the demo's rules"}) } else { json!({"allowed": false}) })
}

fn rules_status(user: &User) -> Value {
    let paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version"];
    json!({"resourceRules": user.rules(), "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": paths}], "incomplete": false})
}
