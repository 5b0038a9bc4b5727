//! Nodes: what the scheduler knows of each, and what happens when a kubelet falls silent.

use super::cluster::{Cluster, Due, key_of};
use super::pod;
use super::stamp::{Sec, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Change, ChangeKind, Deletion, Query, Writer, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// As `kube-controller-manager --node-monitor-grace-period`.
const GRACE: Sec = 40;
/// The default toleration of the taint `unreachable`.
const TOLERATION: Sec = 300;
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// On every cordoned node.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// A node as the scheduler and its kubelet's neighbours know it.
#[derive(Debug, Clone, Default)]
pub struct NodeRecord {
    /// Thousandths of a processor.
    pub cpu: i64,
    pub cpu_used: i64,
    pub pods: i64,
    pub pod_capacity: i64,
    pub unschedulable: bool,
    pub unreachable: bool,
    /// What pods can ask for by `nodeSelector`.
    pub labels: Value,
    /// Those that keep pods away, but for what `unschedulable` and `unreachable` say.
    pub taints: Vec<Value>,
    /// The kubelet does nothing.
    pub silent: bool,
    /// The pods counted, with their processor request.
    pub counted: BTreeMap<super::cluster::Key, i64>,
}

impl NodeRecord {
    pub fn takes_pods(&self) -> bool {
        !self.unschedulable && !self.unreachable
    }

    /// Whether it has every label that the pod asks for.
    pub fn is_selected_by(&self, pod_spec: &Value) -> bool {
        let wanted = pod_spec.get("nodeSelector").and_then(Value::as_object);
        wanted.into_iter().flatten().all(|(name, value)| self.labels.get(name) == Some(value))
    }

    /// The first taint that the pod does not tolerate.
    pub fn untolerated(&self, pod_spec: &Value) -> Option<&Value> {
        let tolerations = pod_spec.get("tolerations").and_then(Value::as_array);
        self.taints.iter().find(|taint| !tolerations.into_iter().flatten().any(|toleration| tolerates(toleration, taint)))
    }
}

/// `Toleration.ToleratesTaint` of the API: an empty key with `Exists` tolerates everything, an empty effect every effect.
fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_any_or_same = |name: &str| text(toleration, name).is_empty() || text(toleration, name) == text(taint, name);
    let exists = text(toleration, "operator") == "Exists";
    is_any_or_same("effect") && is_any_or_same("key") && (exists || text(toleration, "value") == text(taint, "value"))
}

fn keeps_pods_away(taint: &Value) -> bool {
    matches!(taint["effect"].as_str(), Some("NoSchedule" | "NoExecute"))
}

impl Cluster {
    pub(super) fn notice_node(&mut self, change: &Change) {
        let node = &change.object;
        let name = text(node, "name").to_owned();
        if change.kind == ChangeKind::Deleted {
            self.nodes.remove(&name);
            return;
        }
        let record = self.nodes.entry(name).or_default();
        let taints: Vec<_> =
            node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten().filter(|taint| keeps_pods_away(taint)).collect();
        let is_unreachable = taints.iter().any(|taint| taint["key"] == UNREACHABLE);
        let room = |field: &str| node.pointer(&format!("/status/allocatable/{field}")).and_then(Value::as_str).and_then(|n| n.parse::<i64>().ok());
        record.cpu = room("cpu").unwrap_or_default() * 1000;
        record.pod_capacity = room("pods").unwrap_or(110);
        record.unschedulable = node.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or_default();
        record.unreachable = is_unreachable;
        record.taints = taints.into_iter().filter(|taint| taint["key"] != UNREACHABLE && taint["key"] != UNSCHEDULABLE).cloned().collect();
        record.labels = node.pointer("/metadata/labels").cloned().unwrap_or_default();
        let (unschedulable, takes_pods) = (record.unschedulable, record.takes_pods());
        if takes_pods {
            self.retry_waiting();
        }
        if change.kind == ChangeKind::Added {
            let sets = self.store.list(Resource::DaemonSets, &Query::default());
            self.dirty_daemon_sets.extend(sets.items.iter().map(|set| key_of(set)));
        }
        self.taint_cordoned(node, unschedulable);
    }

    /// A cordoned node has a taint that says so, as the node controller keeps it.
    fn taint_cordoned(&mut self, node: &Value, unschedulable: bool) {
        let taints = node.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_tainted = taints.iter().any(|taint| taint["key"] == UNSCHEDULABLE);
        if is_tainted == unschedulable {
            return;
        }
        let now = self.now();
        let mut taints: Vec<_> = taints.into_iter().filter(|taint| taint["key"] != UNSCHEDULABLE).collect();
        if unschedulable {
            taints.push(json!({"effect": "NoSchedule", "key": UNSCHEDULABLE, "timeAdded": rfc3339(now)}));
        }
        let _ = self.store.modify(Resource::Nodes, "", text(node, "name"), Writer::update("kube-controller-manager"), |node| {
            match node["spec"].as_object_mut() {
                Some(spec) if taints.is_empty() => {
                    spec.shift_remove("taints");
                }
                _ => node["spec"]["taints"] = json!(taints),
            }
        });
    }

    /// The kubelet of this node falls silent, or comes back.
    pub fn set_node_silent(&mut self, name: &str, silent: bool) {
        let Some(record) = self.nodes.get_mut(name) else { return };
        if record.silent == silent {
            return;
        }
        record.silent = silent;
        let now = self.now();
        if silent {
            self.at(now + GRACE, Due::NodeSilent(name.to_owned()));
        } else {
            self.node_back(name);
        }
    }

    pub(super) fn node_unknown(&mut self, name: &str) {
        let now = self.now();
        if self.nodes.get(name).is_none_or(|record| !record.silent) {
            return;
        }
        let marked = self.store.modify(Resource::Nodes, "", name, Writer::status("kube-controller-manager"), |node| {
            for condition in node.pointer_mut("/status/conditions").and_then(Value::as_array_mut).into_iter().flatten() {
                condition["status"] = json!("Unknown");
                condition["reason"] = json!("NodeStatusUnknown");
                condition["message"] = json!("Kubelet stopped posting node status.");
                condition["lastTransitionTime"] = json!(rfc3339(now));
            }
            node["spec"]["taints"] = json!([
                {"effect": "NoSchedule", "key": UNREACHABLE, "timeAdded": rfc3339(now)},
                {"effect": "NoExecute", "key": UNREACHABLE, "timeAdded": rfc3339(now)},
            ]);
        });
        let Ok(node) = marked else { return };
        self.event("node-controller", &node, "Normal", "NodeNotReady", &format!("Node {name} status is now: NodeNotReady"));
        for pod in self.pods_on(name) {
            self.set_pod_ready(&pod, false);
            self.event("node-controller", &pod, "Warning", "NodeNotReady", "Node is not ready");
        }
        self.at(now + TOLERATION, Due::NodeEvict(name.to_owned()));
    }

    pub(super) fn evict_from(&mut self, name: &str) {
        if self.nodes.get(name).is_none_or(|record| !record.unreachable) {
            return;
        }
        for pod in self.pods_on(name) {
            if pod::is_terminating(&pod) {
                continue;
            }
            let (namespace, pod_name) = (text(&pod, "namespace"), text(&pod, "name"));
            let message = format!("Marking for deletion Pod {namespace}/{pod_name}");
            self.event("taint-eviction-controller", &pod, "Normal", "TaintManagerEviction", &message);
            let _ = self.store.delete(Resource::Pods, namespace, pod_name, &Deletion::default());
        }
    }

    fn node_back(&mut self, name: &str) {
        let now = self.now();
        let marked = self.store.modify(Resource::Nodes, "", name, Writer::status("kubelet"), |node| {
            for condition in node.pointer_mut("/status/conditions").and_then(Value::as_array_mut).into_iter().flatten() {
                let ready = condition["type"] == "Ready";
                condition["status"] = json!(if ready { "True" } else { "False" });
                condition["reason"] = json!(if ready { "KubeletReady" } else { "KubeletHasNoPressure" });
                condition["message"] = json!(if ready { "kubelet is posting ready status" } else { "kubelet has no pressure" });
                condition["lastHeartbeatTime"] = json!(rfc3339(now));
                condition["lastTransitionTime"] = json!(rfc3339(now));
            }
            if let Some(spec) = node["spec"].as_object_mut() {
                spec.shift_remove("taints");
            }
        });
        let Ok(node) = marked else { return };
        self.event("node-controller", &node, "Normal", "NodeReady", &format!("Node {name} status is now: NodeReady"));
        for pod in self.pods_on(name) {
            self.wake_pod(&pod);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taint_keeps_away_who_does_not_tolerate_it() {
        let node = NodeRecord { taints: vec![json!({"key": "pool", "value": "a", "effect": "NoSchedule"})], ..NodeRecord::default() };
        let tolerated = |toleration: Value| node.untolerated(&json!({"tolerations": [toleration]})).is_none();
        assert!(node.untolerated(&json!({})).is_some());
        assert!(tolerated(json!({"operator": "Exists"})) && tolerated(json!({"key": "pool", "operator": "Exists", "effect": "NoSchedule"})));
        assert!(tolerated(json!({"key": "pool", "value": "a"})) && !tolerated(json!({"key": "pool", "value": "b"})));
        assert!(
            !tolerated(json!({"key": "other", "operator": "Exists"}))
                && !tolerated(json!({"key": "pool", "operator": "Exists", "effect": "NoExecute"}))
        );
    }
}
