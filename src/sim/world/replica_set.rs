//! The replica set controller: as many pods as wanted, the least useful removed first.

use super::cluster::{Cluster, Due, Key};
use super::pod;
use super::stamp::{Sec, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Deletion, Writer, text};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

const CONTROLLER: &str = "replicaset-controller";

/// Pods created or deleted in one go; the rest follows in the next tick.
const BURST: usize = 500;
/// The condition of a replica set, and of its deployment, whose pods are refused.
pub(super) const FAILURE: &str = "ReplicaFailure";
/// When a refused pod is tried again, seconds.
const RETRY: Sec = 10;

impl Cluster {
    /// The active pods of a replica set.
    pub(super) fn pods_of(&self, replica_set: &Value) -> Vec<Arc<Value>> {
        let dependents = self.store.dependents(text(replica_set, "uid"));
        dependents.into_iter().filter(|(resource, pod)| *resource == Resource::Pods && pod::is_active(pod)).map(|(_, pod)| pod).collect()
    }

    pub(super) fn sync_replica_set(&mut self, key: &Key) {
        let Some(replica_set) = self.store.get(Resource::ReplicaSets, &key.0, &key.1) else { return };
        if pod::is_terminating(&replica_set) {
            return;
        }
        let mut pods = self.pods_of(&replica_set);
        let wanted = usize::try_from(replica_set["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or_default();
        let mut refused = None;
        if pods.len() < wanted {
            for _ in 0..(wanted - pods.len()).min(BURST) {
                if let Some(why) = self.beyond_quota(&key.0, &key.1) {
                    self.event(CONTROLLER, &replica_set, "Warning", "FailedCreate", &format!("Error creating: {why}"));
                    self.at(self.now() + RETRY, Due::ReplicaSet(key.clone()));
                    refused = Some(why);
                    break;
                }
                let created = self.store.create(Resource::Pods, Writer::update("kube-controller-manager"), pod::from_template(&replica_set));
                if let Ok(created) = created {
                    let message = format!("Created pod: {}", text(&created, "name"));
                    self.event(CONTROLLER, &replica_set, "Normal", "SuccessfulCreate", &message);
                    pods.push(created);
                }
            }
        } else if pods.len() > wanted {
            pods.sort_by_key(|pod| usefulness(pod));
            let surplus = (pods.len() - wanted).min(BURST);
            for pod in pods.drain(..surplus) {
                let name = text(&pod, "name");
                if self.store.delete(Resource::Pods, &key.0, name, &Deletion::default()).is_ok() {
                    self.event(CONTROLLER, &replica_set, "Normal", "SuccessfulDelete", &format!("Deleted pod: {name}"));
                }
            }
        }
        self.report_replica_set(key, &replica_set, &pods, refused.as_deref());
    }

    /// `refused`: why a pod that is wanted was not made.
    fn report_replica_set(&mut self, key: &Key, replica_set: &Value, pods: &[Arc<Value>], refused: Option<&str>) {
        let now = self.now();
        let patience = replica_set.pointer("/spec/minReadySeconds").and_then(Value::as_i64).unwrap_or_default();
        let ready: Vec<Sec> = pods.iter().filter_map(|pod| pod::ready_since(pod)).collect();
        let available = ready.iter().filter(|since| **since + patience <= now).count();
        if let Some(next) = ready.iter().map(|since| since + patience).filter(|at| *at > now).min() {
            self.at(next, Due::ReplicaSet(key.clone()));
        }
        let generation = replica_set["metadata"]["generation"].clone();
        let mut status = json!({"replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "observedGeneration": generation});
        if !ready.is_empty() {
            status["readyReplicas"] = json!(ready.len());
            status["availableReplicas"] = json!(available);
        }
        if let Some(why) = refused {
            // The first refusal stays until none follows (`calculateStatus` of the replica set controller).
            let former = pod::condition(replica_set, FAILURE).cloned();
            let new = || json!({"type": FAILURE, "status": "True", "reason": "FailedCreate", "message": why, "lastTransitionTime": rfc3339(now)});
            status["conditions"] = json!([former.unwrap_or_else(new)]);
        }
        let _ =
            self.store.modify(Resource::ReplicaSets, &key.0, &key.1, Writer::status("kube-controller-manager"), |object| object["status"] = status);
    }
}

/// The order in which surplus pods go: unscheduled, pending, not ready, most restarted, newest first.
fn usefulness(pod: &Value) -> (bool, bool, bool, Reverse<i64>, Reverse<Sec>, String) {
    let restarts = pod.pointer("/status/containerStatuses/0/restartCount").and_then(Value::as_i64).unwrap_or_default();
    let created = super::stamp::parse(text(pod, "creationTimestamp")).unwrap_or_default();
    (pod::node(pod).is_some(), pod::phase(pod) == "Running", pod::is_ready(pod), Reverse(restarts), Reverse(created), text(pod, "name").to_owned())
}
