//! What the API server fills in and refuses before it stores an object: the part of it that an incident meets.

use regex::Regex;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

use super::custom;
use super::kinds::{RBAC, Resource};
use super::selector::LabelSelector;
use super::status::{ApiError, Fault};

static SUBDOMAIN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$").ok());

static LABEL_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$").ok());

const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end \
     with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end \
     with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// What a new object begins with: its defaults and an empty status.
pub fn fill_in(resource: Resource, object: &mut Value) {
    fill_in_spec(resource, object);
    match resource {
        Resource::Deployments => object["status"] = json!({}),
        Resource::ReplicaSets | Resource::StatefulSets => object["status"] = json!({"replicas": 0}),
        Resource::Pods => object["status"] = json!({"phase": "Pending", "qosClass": "BestEffort"}),
        Resource::Services => {
            object["status"] = json!({"loadBalancer": {}});
            fill_in_address(object);
        }
        Resource::HorizontalPodAutoscalers => object["status"] = json!({"desiredReplicas": 0, "currentMetrics": null}),
        Resource::PodDisruptionBudgets => {
            object["status"] = json!({"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0});
        }
        Resource::Namespaces => {
            object["spec"] = json!({"finalizers": ["kubernetes"]});
            object["status"] = json!({"phase": "Active"});
        }
        _ => {
            if let Some(custom) = custom::of(resource) {
                custom.fill_in(object);
            }
        }
    }
}

/// Defaults of what is left out, at every write: a patch that replaces a list leaves out what stood in the old one.
pub fn fill_in_spec(resource: Resource, object: &mut Value) {
    match resource {
        Resource::Deployments => {
            default(object, "/spec", "replicas", json!(1));
            default(object, "/spec", "strategy", json!({"type": "RollingUpdate"}));
            if object.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("RollingUpdate") {
                default(object, "/spec/strategy", "rollingUpdate", json!({"maxUnavailable": "25%", "maxSurge": "25%"}));
            }
            default(object, "/spec", "revisionHistoryLimit", json!(10));
            default(object, "/spec", "progressDeadlineSeconds", json!(600));
            fill_in_pod(object.pointer_mut("/spec/template/spec"));
            omit_false(object, "/spec", "paused");
        }
        Resource::Nodes => omit_false(object, "/spec", "unschedulable"),
        Resource::ReplicaSets | Resource::StatefulSets => {
            default(object, "/spec", "replicas", json!(1));
            fill_in_pod(object.pointer_mut("/spec/template/spec"));
        }
        Resource::Pods => fill_in_pod(object.pointer_mut("/spec")),
        Resource::Services => {
            default(object, "/spec", "type", json!("ClusterIP"));
            default(object, "/spec", "sessionAffinity", json!("None"));
            for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
                let number = port.get("port").cloned().unwrap_or_default();
                default(port, "", "protocol", json!("TCP"));
                default(port, "", "targetPort", number);
            }
        }
        _ => {
            if let Some(custom) = custom::of(resource) {
                custom.fill_in_spec(object);
            }
        }
    }
}

/// An address of the range for services, the same for the same name, unless it brings one or wants none.
fn fill_in_address(object: &mut Value) {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let number = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    default(object, "/spec", "clusterIP", json!(format!("10.96.{}.{}", 100 + number / 250 % 100, number % 250 + 2)));
    let address = object.pointer("/spec/clusterIP").cloned().unwrap_or_default();
    default(object, "/spec", "clusterIPs", json!([address]));
    default(object, "/spec", "ipFamilies", json!(["IPv4"]));
    default(object, "/spec", "ipFamilyPolicy", json!("SingleStack"));
    default(object, "/spec", "internalTrafficPolicy", json!("Cluster"));
}

fn default(object: &mut Value, at: &str, field: &str, value: Value) {
    if let Some(fields) = object.pointer_mut(at).and_then(Value::as_object_mut) {
        let current = fields.entry(field.to_owned()).or_insert(Value::Null);
        if current.is_null() || current.as_object().is_some_and(Map::is_empty) {
            *current = value;
        }
    }
}

/// A field that is false is as one that is not there (`omitempty`).
fn omit_false(object: &mut Value, path: &str, field: &str) {
    if let Some(fields) = object.pointer_mut(path).and_then(Value::as_object_mut)
        && fields.get(field) == Some(&Value::Bool(false))
    {
        fields.shift_remove(field);
    }
}

fn fill_in_pod(spec: Option<&mut Value>) {
    let Some(spec) = spec else { return };
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
        let policy = if image.ends_with(":latest") || !image.contains(':') { "Always" } else { "IfNotPresent" };
        default(container, "", "imagePullPolicy", json!(policy));
        default(container, "", "resources", json!({}));
        default(container, "", "terminationMessagePath", json!("/dev/termination-log"));
        default(container, "", "terminationMessagePolicy", json!("File"));
    }
    default(spec, "", "restartPolicy", json!("Always"));
    default(spec, "", "terminationGracePeriodSeconds", json!(30));
    default(spec, "", "dnsPolicy", json!("ClusterFirst"));
    default(spec, "", "schedulerName", json!("default-scheduler"));
    default(spec, "", "securityContext", json!({}));
}

/// Refuses what may not be stored; `current` is the object that would be replaced.
pub fn check(resource: Resource, current: Option<&Value>, object: &Value) -> Result<(), ApiError> {
    wrong_type(resource, object).map_or(Ok(()), |wrong| {
        let definition = resource.definition();
        let (kind, version) = (definition.kind, definition.version);
        Err(ApiError::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {wrong}")))
    })?;
    let mut faults = Vec::new();
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    // Names of roles may be anything that can stand in a path, as `system:node`.
    let is_name = resource.definition().group == RBAC || SUBDOMAIN.as_ref().is_none_or(|rule| rule.is_match(name));
    if current.is_none() && !name.is_empty() && !is_name {
        faults.push(Fault::invalid("metadata.name", &json!(name), SUBDOMAIN_RULE));
    }
    if matches!(resource, Resource::Deployments | Resource::ReplicaSets | Resource::StatefulSets) {
        check_replicas(object, &mut faults);
        check_workload(current, object, &mut faults);
    }
    if resource == Resource::Pods && current.is_none() {
        check_containers("spec", object.pointer("/spec"), &mut faults);
    }
    if resource == Resource::HorizontalPodAutoscalers {
        check_bounds(object, &mut faults);
    }
    if resource == Resource::Services {
        check_label_values("spec.selector", object.pointer("/spec/selector"), &mut faults);
    }
    if let Some(custom) = custom::of(resource) {
        custom.check(object, &mut faults);
    }
    if faults.is_empty() {
        return Ok(());
    }
    let definition = resource.definition();
    Err(ApiError::invalid(definition.kind, definition.group, name, &faults))
}

/// `spec.replicas` of a workload or a scale.
pub fn check_replicas(object: &Value, faults: &mut Vec<Fault>) {
    if let Some(replicas) = object.pointer("/spec/replicas")
        && replicas.as_i64().is_some_and(|replicas| replicas < 0)
    {
        faults.push(Fault::invalid("spec.replicas", replicas, "must be greater than or equal to 0"));
    }
}

fn check_workload(current: Option<&Value>, object: &Value, faults: &mut Vec<Fault>) {
    let selector = object.pointer("/spec/selector");
    match selector {
        None => faults.push(Fault::required("spec.selector", "")),
        Some(selector) => {
            let labels = object.pointer("/spec/template/metadata/labels");
            let empty = Value::Object(Map::new());
            if !LabelSelector::from_object(selector).matches_labels(labels) {
                let why = "`selector` does not match template `labels`";
                faults.push(Fault::invalid("spec.template.metadata.labels", labels.unwrap_or(&empty), why));
            }
            if current.is_some_and(|current| current.pointer("/spec/selector") != Some(selector)) {
                faults.push(Fault::invalid("spec.selector", selector, "field is immutable"));
            }
        }
    }
    check_containers("spec.template.spec", object.pointer("/spec/template/spec"), faults);
}

fn check_containers(path: &str, spec: Option<&Value>, faults: &mut Vec<Fault>) {
    let containers = spec.and_then(|spec| spec.get("containers")).and_then(Value::as_array);
    let Some(containers) = containers.filter(|containers| !containers.is_empty()) else {
        faults.push(Fault::required(&format!("{path}.containers"), ""));
        return;
    };
    for (at, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if container.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                faults.push(Fault::required(&format!("{path}.containers[{at}].{field}"), ""));
            }
        }
    }
}

/// `ValidateLabels`, of the values: names come from the same people.
fn check_label_values(path: &str, labels: Option<&Value>, faults: &mut Vec<Fault>) {
    for value in labels.and_then(Value::as_object).into_iter().flatten().map(|(_, value)| value) {
        let text = value.as_str().unwrap_or_default();
        if !LABEL_VALUE.as_ref().is_none_or(|rule| rule.is_match(text)) {
            faults.push(Fault::invalid(path, value, LABEL_VALUE_RULE));
        }
    }
}

fn check_bounds(object: &Value, faults: &mut Vec<Fault>) {
    let bound = |field: &str| object.get("spec").and_then(|spec| spec.get(field)).and_then(Value::as_i64);
    let minimum = bound("minReplicas").unwrap_or(1);
    if minimum < 1 {
        faults.push(Fault::invalid("spec.minReplicas", &json!(minimum), "must be greater than or equal to 1"));
    }
    let metrics = object.pointer("/spec/metrics").and_then(Value::as_array).into_iter().flatten();
    let mut kinds = metrics.filter_map(|metric| metric.get("type")?.as_str());
    if minimum == 0 && !kinds.any(|kind| matches!(kind, "Object" | "External")) {
        faults.push(Fault::forbidden("spec.metrics", "must specify at least one Object or External metric to support scaling to zero replicas"));
    }
    match bound("maxReplicas") {
        Some(maximum) if maximum < 1 => faults.push(Fault::invalid("spec.maxReplicas", &json!(maximum), "must be greater than 0")),
        Some(maximum) if maximum < minimum => {
            faults.push(Fault::invalid("spec.maxReplicas", &json!(maximum), "must be greater than or equal to `minReplicas`"));
        }
        Some(_) => {}
        None => faults.push(Fault::required("spec.maxReplicas", "")),
    }
}

/// The first field of the wrong JSON type, in the words of the real server's decoder.
pub fn wrong_type(resource: Resource, object: &Value) -> Option<String> {
    let kind = resource.definition().kind;
    let complaint = |found: &Value, field: &str, wanted: &str| {
        let found = match found {
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            _ => "object",
        };
        format!("json: cannot unmarshal {found} into Go struct field {field} of type {wanted}")
    };
    for (path, field) in [
        ("/metadata/labels", "ObjectMeta.metadata.labels".to_owned()),
        ("/metadata/annotations", "ObjectMeta.metadata.annotations".to_owned()),
        ("/data", format!("{kind}.data")),
    ] {
        if path == "/data" && resource != Resource::ConfigMaps {
            continue;
        }
        if let Some(value) = object.pointer(path).filter(|value| !value.is_null()) {
            let Some(entries) = value.as_object() else { return Some(complaint(value, &field, "map[string]string")) };
            if let Some(wrong) = entries.values().find(|value| !value.is_string()) {
                return Some(complaint(wrong, &field, "string"));
            }
        }
    }
    let in_spec = |name: &str| object.get("spec").and_then(|spec| spec.get(name)).filter(|value| !value.is_null());
    let numbers = ["replicas", "minReplicas", "maxReplicas"].map(|name| (name, "int32"));
    for (name, wanted) in numbers.into_iter().chain([("paused", "bool"), ("unschedulable", "bool")]) {
        if let Some(value) = in_spec(name).filter(|value| if wanted == "bool" { !value.is_boolean() } else { value.as_i64().is_none() }) {
            return Some(complaint(value, &format!("{kind}Spec.spec.{name}"), wanted));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Value {
        json!({
            "metadata": {"name": "a"},
            "spec": {
                "selector": {"matchLabels": {"app": "a"}},
                "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}},
            },
        })
    }

    #[test]
    fn negative_replicas_are_refused_in_the_servers_words() {
        let mut object = deployment();
        object["spec"]["replicas"] = json!(-1);
        let refused = check(Resource::Deployments, None, &object).unwrap_err();
        assert_eq!(
            refused.status()["message"],
            "Deployment.apps \"a\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
        );
        assert_eq!(refused.status()["code"], 422);
    }

    #[test]
    fn a_selector_cannot_change() {
        let mut object = deployment();
        object["spec"]["selector"]["matchLabels"]["app"] = json!("b");
        let refused = check(Resource::Deployments, Some(&deployment()), &object).unwrap_err();
        let message = refused.status()["message"].as_str().unwrap();
        assert!(message.contains("spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"b\"}}: field is immutable"), "{message}");
    }

    #[test]
    fn a_config_map_holds_text_only() {
        assert!(check(Resource::ConfigMaps, None, &json!({"metadata": {"name": "c"}, "data": {"a": true}})).is_err());
        assert!(check(Resource::ConfigMaps, None, &json!({"metadata": {"name": "c"}, "data": {"a": "true"}})).is_ok());
        assert!(check(Resource::ConfigMaps, None, &json!({"metadata": {"name": "C_"}})).is_err());
    }
}
