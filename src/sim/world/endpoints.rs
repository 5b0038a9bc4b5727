//! Which pods stand behind each service (endpoint slices and endpoints), and what disruption budgets allow.

use super::cluster::{Cluster, Key, key_of, owner_reference};
use super::pod;
use super::rollout::amount;
use super::stamp::{Sec, parse, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Deletion, Query, Writer, text};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const MANAGER: &str = "kube-controller-manager";
/// How long an eviction counts before its pod is seen to go (`DeletionTimeout` of the disruption controller).
const CONFIRMED_WITHIN: Sec = 120;

/// Whether all pairs of a selector are among the pod's labels; an empty selector selects nothing.
fn matches(selector: Option<&Value>, pod: &Value) -> bool {
    let Some(selector) = selector.and_then(Value::as_object).filter(|selector| !selector.is_empty()) else { return false };
    let labels = pod.pointer("/metadata/labels");
    selector.iter().all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
}

pub fn selects(service: &Value, pod: &Value) -> bool {
    matches(service.pointer("/spec/selector"), pod)
}

impl Cluster {
    pub(super) fn sync_endpoints(&mut self, key: &Key) {
        let Some(service) = self.store.get(Resource::Services, &key.0, &key.1) else { return };
        if service.pointer("/spec/selector").and_then(Value::as_object).is_none_or(Map::is_empty) {
            return;
        }
        let pods = self.store.list(Resource::Pods, &Query::namespace(&key.0)).items;
        let (mut slice_endpoints, mut addresses, mut not_ready) = (Vec::new(), Vec::new(), Vec::new());
        for pod in pods.iter().filter(|pod| selects(&service, pod)) {
            let Some(address) = pod.pointer("/status/podIP").and_then(Value::as_str) else { continue };
            let (ready, terminating) = (pod::is_ready(pod), pod::is_terminating(pod));
            let target = json!({"kind": "Pod", "name": text(pod, "name"), "namespace": key.0, "uid": text(pod, "uid")});
            slice_endpoints.push(json!({
                "addresses": [address], "conditions": {"ready": ready && !terminating, "serving": ready, "terminating": terminating},
                "nodeName": pod::node(pod), "targetRef": target,
            }));
            let zone = pod::node(pod).and_then(|node| self.nodes.get(node)?.labels.get("topology.kubernetes.io/zone"));
            if let (Some(zone), Some(endpoint)) = (zone, slice_endpoints.last_mut()) {
                endpoint["zone"] = zone.clone();
            }
            let address = json!({"ip": address, "nodeName": pod::node(pod), "targetRef": target});
            if terminating {
                continue;
            }
            if ready { addresses.push(address) } else { not_ready.push(address) }
        }
        let ports: Vec<Value> = service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten().map(endpoint_port).collect();
        let mut subset = json!({ "ports": ports });
        if !addresses.is_empty() {
            subset["addresses"] = json!(addresses);
        }
        if !not_ready.is_empty() {
            subset["notReadyAddresses"] = json!(not_ready);
        }
        let subsets = if addresses.is_empty() && not_ready.is_empty() { json!([]) } else { json!([subset]) };
        let labels = service.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
        let mut slice_labels = labels.clone();
        slice_labels["kubernetes.io/service-name"] = json!(key.1);
        slice_labels["endpointslice.kubernetes.io/managed-by"] = json!("endpointslice-controller.k8s.io");
        let slice = json!({
            "metadata": {"name": format!("{}-{}", key.1, slice_suffix(text(&service, "uid"))), "generateName": format!("{}-", key.1), "namespace": key.0, "labels": slice_labels, "ownerReferences": [owner_reference(&service)]},
            "addressType": "IPv4", "endpoints": slice_endpoints, "ports": ports,
        });
        self.put(Resource::EndpointSlices, slice, &["endpoints", "ports"]);
        let endpoints = json!({"metadata": {"name": key.1, "namespace": key.0, "labels": labels}, "subsets": subsets});
        self.put(Resource::Endpoints, endpoints, &["subsets"]);
    }

    /// The slices go with their owner; the endpoints have none.
    pub(super) fn forget_endpoints(&mut self, key: &Key) {
        let _ = self.store.delete(Resource::Endpoints, &key.0, &key.1, &Deletion::immediate());
    }

    /// Creates the object, or brings these fields of the existing one up to date.
    pub(super) fn put(&mut self, resource: Resource, object: Value, fields: &[&str]) {
        let key = key_of(&object);
        if self.store.get(resource, &key.0, &key.1).is_none() {
            let _ = self.store.create(resource, Writer::update(MANAGER), object);
            return;
        }
        let _ = self.store.modify(resource, &key.0, &key.1, Writer::update(MANAGER), |current| {
            for field in fields {
                current[*field] = object[*field].clone();
            }
        });
    }

    /// Keeps the status of the namespace's disruption budgets.
    pub(super) fn sync_budgets(&mut self, namespace: &str) {
        let budgets = self.store.list(Resource::PodDisruptionBudgets, &Query::namespace(namespace)).items;
        if budgets.is_empty() {
            return;
        }
        let pods = self.store.list(Resource::Pods, &Query::namespace(namespace)).items;
        for budget in budgets {
            let chosen: Vec<_> =
                pods.iter().filter(|pod| matches(budget.pointer("/spec/selector/matchLabels"), pod) && pod::is_active(pod)).collect();
            let expected = i64::try_from(chosen.len()).unwrap_or(i64::MAX);
            // Evicted, and not seen to go yet: as good as gone for so long.
            let mut disrupted = budget.pointer("/status/disruptedPods").and_then(Value::as_object).cloned().unwrap_or_default();
            disrupted.retain(|name, at| {
                let is_recent = at.as_str().and_then(parse).is_some_and(|at| self.now() - at < CONFIRMED_WITHIN);
                is_recent && chosen.iter().any(|pod| text(pod, "name") == name)
            });
            let counts = |pod: &&&Arc<Value>| pod::is_ready(pod) && !disrupted.contains_key(text(pod, "name"));
            let healthy = i64::try_from(chosen.iter().filter(counts).count()).unwrap_or(i64::MAX);
            let desired = match (budget.pointer("/spec/minAvailable"), budget.pointer("/spec/maxUnavailable")) {
                (Some(least), _) => amount(Some(least), expected, true),
                (None, most) => expected - amount(most, expected, true),
            };
            let allowed = (healthy - desired).max(0);
            let key = key_of(&budget);
            let (holds, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
            let former = budget.pointer("/status/conditions/0").filter(|former| former["status"] == holds);
            let since = former.map_or_else(|| json!(rfc3339(self.now())), |former| former["lastTransitionTime"].clone());
            let mut status = json!({
                "observedGeneration": budget["metadata"]["generation"], "currentHealthy": healthy, "desiredHealthy": desired,
                "disruptionsAllowed": allowed, "expectedPods": expected,
                "conditions": [{
                    "type": "DisruptionAllowed", "status": holds, "observedGeneration": budget["metadata"]["generation"], "lastTransitionTime": since,
                    "reason": reason, "message": "",
                }],
            });
            if !disrupted.is_empty() {
                status["disruptedPods"] = Value::Object(disrupted);
            }
            let _ = self.store.modify(Resource::PodDisruptionBudgets, &key.0, &key.1, Writer::status(MANAGER), |budget| budget["status"] = status);
        }
    }
}

fn endpoint_port(port: &Value) -> Value {
    let number = if port["targetPort"].is_number() { &port["targetPort"] } else { &port["port"] };
    let mut found = json!({"port": number, "protocol": port.get("protocol").cloned().unwrap_or_else(|| json!("TCP"))});
    found["name"] = port.get("name").cloned().unwrap_or_else(|| json!(""));
    found
}

/// A fixed ending for the one slice of a service, spelled like a generated one.
fn slice_suffix(uid: &str) -> String {
    super::names::suffix(&mut fastrand::Rng::with_seed(u64::from(super::names::fnv(uid.as_bytes()))))
}
