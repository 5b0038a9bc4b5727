//! The scheduler: a node for each pod, spread over the nodes, by what pods ask for.

use super::cluster::{Cluster, Key, controller};
use super::nodes::NodeRecord;
use super::pod;
use super::stamp::rfc3339;
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Change, ChangeKind, Query, Writer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEDULER: &str = "default-scheduler";

/// Whether a node that takes pods takes one of this spec.
fn takes(node: &NodeRecord, spec: &Value) -> bool {
    node.is_selected_by(spec) && node.untolerated(spec).is_none()
}

impl Cluster {
    pub(super) fn schedule(&mut self, key: &Key) {
        let Some(pod) = self.store.get(Resource::Pods, &key.0, &key.1) else { return };
        if pod::node(&pod).is_some() || !pod::is_active(&pod) {
            return;
        }
        let request = pod::cpu_request(&pod);
        let siblings = self.siblings(&pod);
        let has_room = |node: &NodeRecord| node.takes_pods() && node.cpu_used + request <= node.cpu && node.pods < node.pod_capacity;
        let fitting = self.nodes.iter().filter(|(_, node)| has_room(node) && takes(node, &pod["spec"]));
        let best = fitting.min_by_key(|(name, node)| (siblings.get(*name).copied().unwrap_or_default(), node.cpu_used, node.pods, (*name).clone()));
        let Some(node) = best.map(|(name, _)| name.clone()) else {
            self.no_node(key, &pod, request);
            return;
        };
        let now = self.now();
        let bound = self.store.modify(Resource::Pods, &key.0, &key.1, Writer::update("kube-scheduler"), |pod| {
            pod["spec"]["nodeName"] = json!(node);
            pod::set_condition(pod, "PodScheduled", true, None, now);
        });
        if bound.is_ok() {
            // Counted when the write is read back; until then so that pods of the same round do not pile up.
            if let Some(record) = self.nodes.get_mut(&node) {
                record.cpu_used += request;
                record.pods += 1;
                record.counted.insert(key.clone(), request);
            }
            self.event(SCHEDULER, &pod, "Normal", "Scheduled", &format!("Successfully assigned {}/{} to {node}", key.0, key.1));
        }
    }

    fn no_node(&mut self, key: &Key, pod: &Value, request: i64) {
        let total = self.nodes.len();
        let count = |test: &dyn Fn(&NodeRecord) -> bool| self.nodes.values().filter(|node| test(node)).count();
        let unreachable = count(&|node| node.unreachable);
        let cordoned = count(&|node| !node.unreachable && node.unschedulable);
        let spec = &pod["spec"];
        let not_selected = count(&|node| node.takes_pods() && node.untolerated(spec).is_none() && !node.is_selected_by(spec));
        let is_open = |node: &NodeRecord| node.takes_pods() && takes(node, spec);
        let full = count(&|node| is_open(node) && node.cpu_used + request > node.cpu);
        let crowded = count(&|node| is_open(node) && node.cpu_used + request <= node.cpu && node.pods >= node.pod_capacity);
        let mut reasons = vec![
            (full, "Insufficient cpu".to_owned()),
            (crowded, "Too many pods".to_owned()),
            (unreachable, "node(s) had untolerated taint {node.kubernetes.io/unreachable: }".to_owned()),
            (cordoned, "node(s) were unschedulable".to_owned()),
            (not_selected, "node(s) didn't match Pod's node affinity/selector".to_owned()),
        ];
        let mut by_taint: BTreeMap<String, usize> = BTreeMap::new();
        for taint in self.nodes.values().filter(|node| node.takes_pods()).filter_map(|node| node.untolerated(spec)) {
            let text = |name: &str| taint[name].as_str().unwrap_or_default();
            *by_taint.entry(format!("node(s) had untolerated taint {{{}: {}}}", text("key"), text("value"))).or_default() += 1;
        }
        reasons.extend(by_taint.into_iter().map(|(why, nodes)| (nodes, why)));
        let reasons: Vec<String> = reasons.iter().filter(|(nodes, _)| *nodes > 0).map(|(nodes, why)| format!("{nodes} {why}")).collect();
        let message = format!("0/{total} nodes are available: {}.", reasons.join(", "));
        let now = self.now();
        let _ = self.store.modify(Resource::Pods, &key.0, &key.1, Writer::status("kube-scheduler"), |pod| {
            let why = json!({"reason": "Unschedulable", "message": message});
            pod::set_condition(pod, "PodScheduled", false, Some(&why), now);
        });
        self.event(SCHEDULER, pod, "Warning", "FailedScheduling", &message);
        self.waiting.insert(key.clone());
    }

    /// How many pods of the same replica set each node has.
    fn siblings(&self, pod: &Value) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        let owner = pod.pointer("/metadata/ownerReferences/0/uid").and_then(Value::as_str);
        if controller(pod, "ReplicaSet").is_none() {
            return found;
        }
        for (_, sibling) in owner.map(|uid| self.store.dependents(uid)).unwrap_or_default() {
            if let Some(node) = pod::node(&sibling) {
                *found.entry(node.to_owned()).or_default() += 1;
            }
        }
        found
    }

    /// Keeps what is asked of each node.
    pub(super) fn count_on_node(&mut self, change: &Change) {
        let key = super::cluster::key_of(&change.object);
        let Some(node) = pod::node(&change.object).and_then(|name| self.nodes.get_mut(name)) else { return };
        if change.kind == ChangeKind::Deleted {
            if let Some(request) = node.counted.remove(&key) {
                node.cpu_used -= request;
                node.pods -= 1;
                self.retry_waiting();
            }
        } else if !node.counted.contains_key(&key) {
            let request = pod::cpu_request(&change.object);
            node.cpu_used += request;
            node.pods += 1;
            node.counted.insert(key, request);
        }
    }

    /// Room appeared: pods without a node are looked at again.
    pub(super) fn retry_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.unscheduled.extend(waiting);
    }

    /// The pods on a node.
    pub(super) fn pods_on(&self, node: &str) -> Vec<std::sync::Arc<Value>> {
        let Some(record) = self.nodes.get(node) else { return Vec::new() };
        record.counted.keys().filter_map(|key| self.store.get(Resource::Pods, &key.0, &key.1)).collect()
    }

    /// Registers a node with this many processors (thousandths) and room for pods.
    pub(super) fn create_node(&mut self, number: usize, pod_capacity: i64) {
        let now = self.now();
        let name = format!("node-{number}");
        let address = format!("10.0.1.{}", 10 + number);
        let zone = ["a", "b", "c"][(number - 1) % 3];
        let room = json!({"cpu": "4", "memory": "65536Mi", "ephemeral-storage": "102400Mi", "pods": pod_capacity.to_string()});
        let condition = |name: &str, status: &str, reason: &str, message: &str| json!({"type": name, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": rfc3339(now), "lastTransitionTime": rfc3339(now)});
        let node = json!({
            "metadata": {
                "name": name,
                "labels": {
                    "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
                    "topology.kubernetes.io/region": "uk-1", "topology.kubernetes.io/zone": format!("uk-1{zone}"), "node.kubernetes.io/instance-type": "r7.4",
                    "node-role.kubernetes.io/worker": "",
                },
                "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
            },
            "spec": {"podCIDR": format!("10.244.{number}.0/24"), "podCIDRs": [format!("10.244.{number}.0/24")], "providerID": format!("sim://uk-1{zone}/{name}")},
            "status": {
                "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
                "capacity": room, "allocatable": room,
                "conditions": [
                    condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                    condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                    condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                    condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
                ],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "nodeInfo": {
                    "architecture": "amd64", "operatingSystem": "linux", "osImage": "Debian GNU/Linux 13 (trixie)", "kernelVersion": "6.12.48-cloud-amd64",
                    "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.36.3", "kubeProxyVersion": "",
                    "machineID": format!("{:032x}", number), "systemUUID": format!("{:032x}", number), "bootID": format!("{:032x}", number),
                },
            },
        });
        let _ = self.store.create(Resource::Nodes, Writer::update("kubelet"), node);
    }

    /// All pods of a namespace that run this deployment.
    pub(super) fn pods_of_deployment(&self, namespace: &str, deployment: &str) -> Vec<std::sync::Arc<Value>> {
        let pods = self.store.list(Resource::Pods, &Query::namespace(namespace)).items;
        pods.into_iter().filter(|pod| pod::deployment(pod) == Some(deployment) && pod::is_active(pod)).collect()
    }
}
