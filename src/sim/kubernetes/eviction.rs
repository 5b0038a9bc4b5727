//! Evictions: deletes that honour disruption budgets, by the rules of `pkg/registry/core/pod/storage/eviction.go`.

use http::StatusCode;
use serde_json::{Value, json};

use super::admission::Policies;
use super::kinds::Resource;
use super::selector::LabelSelector;
use super::server::{Answer, Call, decode_body};
use super::status::{ApiError, json_response};
use crate::sim::store::{Deletion, Query, Store, Writer, text, timestamp};

const SERVER: &str = "kube-apiserver";
const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

pub fn evict(call: &Call<'_>) -> Answer {
    let eviction = decode_body(&call.parts, &call.body, "Eviction")?;
    if text(&eviction, "name") != call.target.name() {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let pod = call.current()?;
    Policies::over(&call.server.store, Resource::Pods, &call.target.namespace, call.user).review_removal(call.target.name())?;
    let option = |path: &str| eviction.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let how = Deletion {
        uid: option("/deleteOptions/preconditions/uid"),
        resource_version: option("/deleteOptions/preconditions/resourceVersion"),
        grace_seconds: eviction.pointer("/deleteOptions/gracePeriodSeconds").and_then(Value::as_i64),
        orphan: false,
    };
    let dry_run = call.parameters.dry_run() || option("/deleteOptions/dryRun/0").as_deref() == Some("All");
    let (store, namespace, name) = (&call.server.store, call.target.namespace.as_str(), call.target.name());
    if !is_past_budgets(&pod) {
        ask_budget(store, namespace, &pod, dry_run)?;
    }
    store.delete_dry_run(Resource::Pods, namespace, name, &how)?;
    if !dry_run {
        mark(store, namespace, name)?;
        store.delete(Resource::Pods, namespace, name, &Deletion { resource_version: None, ..how })?;
    }
    Ok(json_response(StatusCode::CREATED, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})))
}

/// A pod that serves nobody is no disruption.
fn is_past_budgets(pod: &Value) -> bool {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("Pending");
    matches!(phase, "Succeeded" | "Failed" | "Pending") || pod.pointer("/metadata/deletionTimestamp").is_some()
}

/// Takes one disruption of the budget, or refuses.
fn ask_budget(store: &Store, namespace: &str, pod: &Value, dry_run: bool) -> Result<(), ApiError> {
    let budgets = store.list(Resource::PodDisruptionBudgets, &Query::namespace(namespace)).items;
    let mut matching =
        budgets.iter().filter(|budget| budget.pointer("/spec/selector").is_some_and(|selector| LabelSelector::from_object(selector).matches(pod)));
    let Some(budget) = matching.next() else { return Ok(()) };
    if matching.next().is_some() {
        let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", message));
    }
    let (healthy, wanted) = (number(budget, "/status/currentHealthy"), number(budget, "/status/desiredHealthy"));
    if !is_ready(pod) {
        let policy = budget.pointer("/spec/unhealthyPodEvictionPolicy").and_then(Value::as_str);
        if policy == Some("AlwaysAllow") || (healthy >= wanted && wanted > 0) {
            return Ok(());
        }
    }
    let name = text(budget, "name");
    if number(budget, "/status/observedGeneration") < number(budget, "/metadata/generation") {
        let cause = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(&cause, Some(10)));
    }
    if number(budget, "/status/disruptionsAllowed") <= 0 {
        return Err(refused(&format!("The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"), None));
    }
    if !dry_run {
        let now = timestamp(store.now());
        store.modify(Resource::PodDisruptionBudgets, namespace, name, Writer::status(SERVER), |budget| {
            budget["status"]["disruptionsAllowed"] = json!(number(budget, "/status/disruptionsAllowed") - 1);
            budget["status"]["disruptedPods"][text(pod, "name")] = json!(now);
        })?;
    }
    Ok(())
}

fn refused(cause: &str, retry_after: Option<u32>) -> ApiError {
    let mut details = json!({"causes": [{"reason": "DisruptionBudget", "message": cause}]});
    if let Some(seconds) = retry_after {
        details["retryAfterSeconds"] = json!(seconds);
    }
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", REFUSED).details(details)
}

/// The condition by which others see why the pod goes.
fn mark(store: &Store, namespace: &str, name: &str) -> Result<(), ApiError> {
    let now = timestamp(store.now());
    store.modify(Resource::Pods, namespace, name, Writer::status(SERVER), |pod| {
        let condition = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
            "lastProbeTime": null, "lastTransitionTime": now,
        });
        let conditions = &mut pod["status"]["conditions"];
        if let Some(list) = conditions.as_array_mut() {
            list.retain(|known| known["type"] != "DisruptionTarget");
            list.push(condition);
        } else {
            *conditions = json!([condition]);
        }
    })?;
    Ok(())
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let field = |name| condition.get(name).and_then(Value::as_str);
        field("type") == Some("Ready") && field("status") == Some("True")
    })
}
