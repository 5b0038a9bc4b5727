//! Objects in the versions they are asked for, when that is not the one they are stored in.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::Resource;
use super::request::Target;

/// The object as the path's group and version show it.
pub fn outgoing(target: &Target, object: &Arc<Value>) -> Arc<Value> {
    match (target.resource, target.group.as_str(), target.version.as_str()) {
        (Resource::Events, "events.k8s.io", _) => Arc::new(event_out(object)),
        (Resource::HorizontalPodAutoscalers, _, "v1") => Arc::new(autoscaler_out(object)),
        _ => Arc::clone(object),
    }
}

/// An object sent to the path's group and version, as it is stored.
pub fn incoming(target: &Target, object: Value) -> Value {
    match (target.resource, target.group.as_str(), target.version.as_str()) {
        (Resource::Events, "events.k8s.io", _) => event_in(object),
        (Resource::HorizontalPodAutoscalers, _, "v1") => autoscaler_in(object),
        _ => object,
    }
}

const EVENT_FIELDS: [(&str, &str); 6] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("count", "deprecatedCount"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("source", "deprecatedSource"),
];

fn rename(object: &mut Value, from: &str, to: &str) {
    if let Some(fields) = object.as_object_mut()
        && let Some(value) = fields.shift_remove(from)
    {
        fields.insert(to.to_owned(), value);
    }
}

fn event_out(object: &Value) -> Value {
    let mut event = object.clone();
    event["apiVersion"] = json!("events.k8s.io/v1");
    for (core, new) in EVENT_FIELDS {
        rename(&mut event, core, new);
    }
    rename(&mut event, "reportingComponent", "reportingController");
    event
}

fn event_in(mut event: Value) -> Value {
    for (core, new) in EVENT_FIELDS {
        rename(&mut event, new, core);
    }
    rename(&mut event, "reportingController", "reportingComponent");
    event
}

fn autoscaler_out(object: &Value) -> Value {
    let mut autoscaler = object.clone();
    autoscaler["apiVersion"] = json!("autoscaling/v1");
    let target = cpu(object.pointer("/spec/metrics")).and_then(|cpu| cpu.pointer("/target/averageUtilization").cloned());
    let current = cpu(object.pointer("/status/currentMetrics")).and_then(|cpu| cpu.pointer("/current/averageUtilization").cloned());
    for (part, list, field, value) in
        [("spec", "metrics", "targetCPUUtilizationPercentage", target), ("status", "currentMetrics", "currentCPUUtilizationPercentage", current)]
    {
        if let Some(fields) = autoscaler.get_mut(part).and_then(Value::as_object_mut) {
            fields.shift_remove(list);
            fields.shift_remove("conditions");
            fields.shift_remove("behavior");
            fields.extend(value.map(|value| (field.to_owned(), value)));
        }
    }
    autoscaler
}

fn autoscaler_in(mut autoscaler: Value) -> Value {
    if let Some(spec) = autoscaler.get_mut("spec").and_then(Value::as_object_mut)
        && let Some(percentage) = spec.shift_remove("targetCPUUtilizationPercentage")
    {
        let target = json!({"type": "Utilization", "averageUtilization": percentage});
        spec.insert("metrics".to_owned(), json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    autoscaler
}

fn cpu(metrics: Option<&Value>) -> Option<&Value> {
    let mut metrics = metrics?.as_array()?.iter().filter_map(|metric| metric.get("resource"));
    metrics.find(|resource| resource.get("name").and_then(Value::as_str) == Some("cpu"))
}
