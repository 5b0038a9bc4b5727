//! Pods as JSON: made from a template, read, and their status as a kubelet reports it.

use super::stamp::{Sec, rfc3339};
use crate::sim::store::text;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub fn node(pod: &Value) -> Option<&str> {
    pod.pointer("/spec/nodeName").and_then(Value::as_str).filter(|node| !node.is_empty())
}

pub fn phase(pod: &Value) -> &str {
    pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("Pending")
}

pub fn is_terminating(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
}

/// Neither done nor going.
pub fn is_active(pod: &Value) -> bool {
    !is_terminating(pod) && !matches!(phase(pod), "Succeeded" | "Failed")
}

pub fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition["status"] == "True")
}

/// Since when it is ready.
pub fn ready_since(pod: &Value) -> Option<Sec> {
    let condition = condition(pod, "Ready").filter(|condition| condition["status"] == "True")?;
    super::stamp::parse(condition["lastTransitionTime"].as_str()?)
}

/// Of a pod, or of whatever has conditions.
pub fn condition<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    pod.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == name)
}

/// The image's tag of the first container.
pub fn tag(pod: &Value) -> &str {
    super::platform::tag_of(pod.pointer("/spec/containers/0/image").and_then(Value::as_str).unwrap_or_default())
}

pub fn container(pod: &Value) -> &str {
    pod.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default()
}

/// The first of those that run before the others.
pub fn init_container(pod: &Value) -> Option<&str> {
    pod.pointer("/spec/initContainers/0/name").and_then(Value::as_str)
}

/// The variables of the first container that have their value in the template.
pub fn variables(pod: &Value) -> BTreeMap<String, String> {
    let entries = pod.pointer("/spec/containers/0/env").and_then(Value::as_array);
    let pairs = entries.into_iter().flatten().filter_map(|entry| Some((entry["name"].as_str()?, entry["value"].as_str()?)));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The deployment behind the pod's replica set: its name without the template's hash.
pub fn deployment(pod: &Value) -> Option<&str> {
    let replica_set = super::cluster::controller(pod, "ReplicaSet")?;
    let hash = pod.pointer("/metadata/labels/pod-template-hash")?.as_str()?;
    replica_set.strip_suffix(hash)?.strip_suffix('-')
}

/// Thousandths of a processor that the pod asks for.
pub fn cpu_request(pod: &Value) -> i64 {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let requests = containers.into_iter().flatten().filter_map(|container| container.pointer("/resources/requests/cpu")?.as_str());
    requests.map(|text| text.strip_suffix('m').map_or_else(|| text.parse().unwrap_or(0) * 1000, |m| m.parse().unwrap_or(0))).sum()
}

/// A pod as its replica set creates it.
pub fn from_template(replica_set: &Value) -> Value {
    let template = &replica_set["spec"]["template"];
    let mut metadata = Map::new();
    metadata.insert("generateName".into(), json!(format!("{}-", text(replica_set, "name"))));
    metadata.insert("namespace".into(), json!(text(replica_set, "namespace")));
    for field in ["labels", "annotations"] {
        if let Some(values) = template.pointer(&format!("/metadata/{field}")).filter(|values| values.is_object()) {
            metadata.insert(field.into(), values.clone());
        }
    }
    metadata.insert("ownerReferences".into(), json!([super::cluster::owner_reference(replica_set)]));
    let mut spec = template["spec"].clone();
    for (field, default) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("serviceAccountName", json!("default")),
        ("serviceAccount", json!("default")),
        ("schedulerName", json!("default-scheduler")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("enableServiceLinks", json!(true)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("priority", json!(0)),
        ("securityContext", json!({})),
    ] {
        if spec.get(field).is_none() {
            spec[field] = default;
        }
    }
    let mut tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        // As the admission `DefaultTolerationSeconds`: to what the template tolerates itself.
        if tolerations.iter().all(|toleration| toleration["key"] != key) {
            tolerations.push(json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300}));
        }
    }
    spec["tolerations"] = Value::Array(tolerations);
    json!({"metadata": metadata, "spec": spec, "status": {"phase": "Pending", "qosClass": "Burstable"}})
}

/// What a kubelet knows of a pod's one container.
#[derive(Debug, Clone, PartialEq)]
pub enum ContainerState {
    Creating,
    Running { since: Sec },
    Waiting { reason: String, message: String },
}

/// Writes the status of a pod whose containers are all in this state.
pub fn report(pod: &mut Value, state: &ContainerState, ready: bool, restarts: i64, last: Option<&Value>, now: Sec) {
    let uid = text(pod, "uid").to_owned();
    let containers = containers_of(pod, "containers");
    let names: Vec<&str> = containers.iter().filter_map(|container| container["name"].as_str()).collect();
    let statuses: Vec<Value> = containers.iter().map(|container| status_of(container, state, ready, restarts, last, &uid)).collect();
    let created = *state != ContainerState::Creating;
    let init: Vec<Value> = containers_of(pod, "initContainers").iter().map(|container| done(container, created, now, &uid)).collect();
    let unready = json!({"reason": "ContainersNotReady", "message": format!("containers with unready status: [{}]", names.join(" "))});
    set_condition(pod, "PodReadyToStartContainers", created, None, now);
    set_condition(pod, "Initialized", true, None, now);
    set_condition(pod, "Ready", ready, Some(&unready), now);
    set_condition(pod, "ContainersReady", ready, Some(&unready), now);
    set_condition(pod, "PodScheduled", true, None, now);
    let status = &mut pod["status"];
    // A container that never ran leaves the pod pending, whatever it waits for.
    let has_run = matches!(state, ContainerState::Running { .. }) || last.is_some();
    status["phase"] = json!(if has_run { "Running" } else { "Pending" });
    status["containerStatuses"] = json!(statuses);
    if !init.is_empty() {
        keep_ends(status, init);
    }
    if status.get("startTime").is_none() {
        status["startTime"] = json!(rfc3339(now));
    }
}

/// Writes the status of a pod whose first init container is in this state; all others wait for it.
pub fn report_initializing(pod: &mut Value, state: &ContainerState, restarts: i64, last: Option<&Value>, now: Sec) {
    let uid = text(pod, "uid").to_owned();
    let waits = ContainerState::Waiting { reason: "PodInitializing".into(), message: String::new() };
    let (init, main) = (containers_of(pod, "initContainers"), containers_of(pod, "containers"));
    let waiting = |container: &Value| status_of(container, &waits, false, 0, None, "");
    let mut statuses: Vec<Value> = init.iter().map(waiting).collect();
    if let (Some(first), Some(container)) = (statuses.first_mut(), init.first()) {
        *first = status_of(container, state, false, restarts, last, &format!("{uid}/init"));
    }
    let names = |containers: &[Value]| containers.iter().filter_map(|container| container["name"].as_str()).collect::<Vec<_>>().join(" ");
    let incomplete = json!({"reason": "ContainersNotInitialized", "message": format!("containers with incomplete status: [{}]", names(&init))});
    let unready = json!({"reason": "ContainersNotReady", "message": format!("containers with unready status: [{}]", names(&main))});
    set_condition(pod, "PodReadyToStartContainers", *state != ContainerState::Creating, None, now);
    set_condition(pod, "Initialized", false, Some(&incomplete), now);
    set_condition(pod, "Ready", false, Some(&unready), now);
    set_condition(pod, "ContainersReady", false, Some(&unready), now);
    set_condition(pod, "PodScheduled", true, None, now);
    let status = &mut pod["status"];
    status["phase"] = json!("Pending");
    status["initContainerStatuses"] = json!(statuses);
    status["containerStatuses"] = main.iter().map(waiting).collect();
    if status.get("startTime").is_none() {
        status["startTime"] = json!(rfc3339(now));
    }
}

fn containers_of(pod: &Value, field: &str) -> Vec<Value> {
    pod["spec"][field].as_array().cloned().unwrap_or_default()
}

fn status_of(container: &Value, state: &ContainerState, ready: bool, restarts: i64, last: Option<&Value>, uid: &str) -> Value {
    let state_value = match state {
        ContainerState::Creating => json!({"waiting": {"reason": "ContainerCreating"}}),
        ContainerState::Running { since } => json!({"running": {"startedAt": rfc3339(*since)}}),
        ContainerState::Waiting { reason, message } if message.is_empty() => json!({"waiting": {"reason": reason}}),
        ContainerState::Waiting { reason, message } => json!({"waiting": {"reason": reason, "message": message}}),
    };
    let image = container["image"].as_str().unwrap_or_default();
    let mut status = json!({
        "name": container["name"], "image": image, "imageID": "", "ready": ready, "restartCount": restarts,
        "started": matches!(state, ContainerState::Running { .. }), "state": state_value, "lastState": last.map_or_else(|| json!({}), |last| json!({"terminated": last})),
    });
    if *state != ContainerState::Creating && !uid.is_empty() {
        status["imageID"] = json!(format!("{image}@sha256:{:064x}", super::names::fnv(image.as_bytes())));
        status["containerID"] = json!(container_id(uid, restarts));
    }
    status
}

/// An init container whose pod has gone on past it; a sidecar runs.
fn done(container: &Value, created: bool, now: Sec, uid: &str) -> Value {
    let name = container["name"].as_str().unwrap_or_default();
    let is_sidecar = container["restartPolicy"] == "Always";
    let own = format!("{uid}/{name}");
    if !created {
        let waits = ContainerState::Waiting { reason: "PodInitializing".into(), message: String::new() };
        return status_of(container, &waits, false, 0, None, "");
    }
    let mut status = status_of(container, &ContainerState::Running { since: now }, true, 0, None, &own);
    if !is_sidecar {
        status["started"] = json!(false);
        let id = status["containerID"].clone();
        status["state"] =
            json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": rfc3339(now), "finishedAt": rfc3339(now), "containerID": id}});
    }
    status
}

/// What is past stays as it was: when an init container ended, and since when a sidecar runs.
fn keep_ends(status: &mut Value, mut init: Vec<Value>) {
    let before = status["initContainerStatuses"].as_array().cloned().unwrap_or_default();
    for one in &mut init {
        let known = before.iter().find(|known| known["name"] == one["name"] && known["state"].get("waiting").is_none());
        if let Some(known) = known.filter(|_| one["state"].get("waiting").is_none()) {
            one["state"] = known["state"].clone();
        }
    }
    status["initContainerStatuses"] = json!(init);
}

pub fn container_id(uid: &str, restarts: i64) -> String {
    let part = |salt: i64| super::names::fnv(format!("{uid}/{restarts}/{salt}").as_bytes());
    let wide =
        |salt: i64| u128::from(part(salt)) << 96 | u128::from(part(salt + 1)) << 64 | u128::from(part(salt + 2)) << 32 | u128::from(part(salt + 3));
    format!("containerd://{:032x}{:032x}", wide(0), wide(4))
}

/// Sets a condition; its time moves only when its status does. `why` says why it is false.
pub fn set_condition(pod: &mut Value, name: &str, holds: bool, why: Option<&Value>, now: Sec) {
    let status = if holds { "True" } else { "False" };
    let before = condition(pod, name);
    let since = before.filter(|before| before["status"] == status).map_or_else(|| json!(rfc3339(now)), |before| before["lastTransitionTime"].clone());
    let mut condition = json!({"type": name, "status": status, "lastProbeTime": null, "lastTransitionTime": since});
    if let (false, Some(why)) = (holds, why) {
        condition["reason"] = why["reason"].clone();
        condition["message"] = why["message"].clone();
    }
    let conditions = &mut pod["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else { return };
    match list.iter_mut().find(|condition| condition["type"] == name) {
        Some(found) => *found = condition,
        None => list.push(condition),
    }
}
