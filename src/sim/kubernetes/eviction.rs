//! Evictions: deletes that honour disruption budgets.

use http::StatusCode;
use serde_json::{Value, json};

use super::kinds::Resource;
use super::selector::LabelSelector;
use super::server::{Answer, Call, decode_body};
use super::status::{ApiError, json_response};
use crate::sim::store::{Deletion, Query, Store, text};

pub fn evict(call: &Call<'_>) -> Answer {
    let eviction = decode_body(&call.parts, &call.body, "Eviction")?;
    if text(&eviction, "name") != call.target.name() {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let pod = call.current()?;
    let option = |path: &str| eviction.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let how = Deletion {
        uid: option("/deleteOptions/preconditions/uid"),
        resource_version: option("/deleteOptions/preconditions/resourceVersion"),
        grace_seconds: eviction.pointer("/deleteOptions/gracePeriodSeconds").and_then(Value::as_i64),
        orphan: false,
    };
    let (store, namespace, name) = (&call.server.store, call.target.namespace.as_str(), call.target.name());
    if is_healthy(&pod) {
        check_budgets(store, namespace, &pod)?;
    }
    if call.parameters.dry_run() || option("/deleteOptions/dryRun/0").as_deref() == Some("All") {
        store.delete_dry_run(Resource::Pods, namespace, name, &how)?;
    } else {
        store.delete(Resource::Pods, namespace, name, &how)?;
    }
    Ok(json_response(StatusCode::CREATED, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})))
}

fn check_budgets(store: &Store, namespace: &str, pod: &Value) -> Result<(), ApiError> {
    let budgets = store.list(Resource::PodDisruptionBudgets, &Query::namespace(namespace)).items;
    let mut matching = budgets.iter().filter_map(|budget| {
        let selector = LabelSelector::from_object(budget.pointer("/spec/selector")?);
        selector.matches(pod).then_some((budget, selector))
    });
    let Some((budget, selector)) = matching.next() else { return Ok(()) };
    if matching.next().is_some() {
        let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message));
    }
    let pods = store.list(Resource::Pods, &Query::namespace(namespace).labels(selector)).items;
    let expected = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let healthy = i64::try_from(pods.iter().filter(|pod| is_healthy(pod)).count()).unwrap_or_default();
    let amount = |field: &str| budget.get("spec").and_then(|spec| spec.get(field)).map(|value| portion(value, expected));
    let wanted = match (amount("minAvailable"), amount("maxUnavailable")) {
        (Some(minimum), _) => minimum,
        (None, Some(maximum)) => expected - maximum,
        (None, None) => 0,
    };
    if healthy > wanted {
        return Ok(());
    }
    let name = text(budget, "name");
    let cause = format!("The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently");
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let details = json!({"causes": [{"reason": "DisruptionBudget", "message": cause}]});
    Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).details(details))
}

/// A number, or a percentage of `whole` rounded up.
fn portion(value: &Value, whole: i64) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percentage = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    percentage.map_or(0, |percentage| (whole * percentage + 99) / 100)
}

fn is_healthy(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().any(|condition| {
        let field = |name| condition.get(name).and_then(Value::as_str);
        field("type") == Some("Ready") && field("status") == Some("True")
    });
    ready && pod.pointer("/metadata/deletionTimestamp").is_none()
}
