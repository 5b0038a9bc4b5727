//! Reviews: who am I, what may I do.

use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access::{Access, DEMO, User};
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
        "selfsubjectaccessreviews" => ("SelfSubjectAccessReview", access_status(server, user, &review)?),
        "selfsubjectrulesreviews" => {
            let namespace = review.pointer("/spec/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
            review["spec"] = json!({});
            ("SelfSubjectRulesReview", rules_status(server, user, &namespace))
        }
        _ => ("SelfSubjectReview", json!({"userInfo": {"username": user.name, "uid": user.name, "groups": user.groups}})),
    };
    review["kind"] = json!(kind);
    review["metadata"] = if kind == "SelfSubjectReview" { created } else { json!({}) };
    review["status"] = status;
    Ok(json_response(StatusCode::CREATED, &review))
}

fn access_status(server: &ApiServer, user: &User, review: &Value) -> Result<Value, ApiError> {
    let reason = if let Some(attributes) = review.pointer("/spec/resourceAttributes") {
        let field = |name| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
        // `kubectl auth can-i` sends subresources in a field of their own; some clients join them.
        let (resource, joined) = field("resource").split_once('/').unwrap_or((field("resource"), ""));
        let subresource = if field("subresource").is_empty() { joined } else { field("subresource") };
        let access = Access { verb: field("verb"), group: field("group"), resource, subresource, namespace: field("namespace"), name: field("name") };
        user.may(&access, &server.store)
    } else if let Some(attributes) = review.pointer("/spec/nonResourceAttributes") {
        let field = |name| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
        let open = ["/healthz", "/livez", "/readyz", "/version", "/api", "/apis", "/openapi"];
        let is_open = field("verb") == "get" && open.iter().any(|path| field("path").starts_with(path));
        is_open.then(|| DEMO.to_owned())
    } else {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let fault = Fault::invalid("spec.resourceAttributes", &Value::Null, why);
        return Err(ApiError::invalid("", "authorization.k8s.io", "", &[fault]));
    };
    Ok(reason.map_or_else(|| json!({"allowed": false}), |reason| json!({"allowed": true, "reason": reason})))
}

fn rules_status(server: &ApiServer, user: &User, namespace: &str) -> Value {
    let paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version"];
    json!({"resourceRules": user.rules(namespace, &server.store), "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": paths}], "incomplete": false})
}
