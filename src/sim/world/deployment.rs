//! The deployment controller: revisions, rolling updates, rollback, conditions.

use super::cluster::{Cluster, Due, Key, key_of, owner_reference};
use super::names::template_hash;
use super::pod;
use super::quantity::is_same_template;
use super::replica_set::FAILURE;
use super::rollout::{Bounds, Count, new_replicas, old_replicas};
use super::stamp::{Sec, parse, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Deletion, Writer, text};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const CONTROLLER: &str = "deployment-controller";
const MANAGER: &str = "kube-controller-manager";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";

/// Annotations that belong to the deployment alone.
const NOT_COPIED: [&str; 4] = [REVISION, HISTORY, "kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to"];

impl Cluster {
    pub(super) fn sync_deployment(&mut self, key: &Key) {
        let Some(deployment) = self.store.get(Resource::Deployments, &key.0, &key.1) else { return };
        if pod::is_terminating(&deployment) {
            return;
        }
        let mut all = self.replica_sets_of(&deployment);
        let desired = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        let wanted = &deployment["spec"]["template"];
        let mut current = all.iter().position(|set| is_same_template(&set["spec"]["template"], wanted));
        let paused = deployment["spec"]["paused"] == true;
        if current.is_none() && !paused {
            self.create_replica_set(&deployment, &all, desired);
            all = self.replica_sets_of(&deployment);
            current = all.iter().position(|set| is_same_template(&set["spec"]["template"], wanted));
        }
        let new = current.map(|position| all.remove(position));
        let old = all;
        let mut scaled = false;
        if let Some(new) = &new {
            if !paused {
                self.set_revision(&deployment, new, &old);
                scaled = if deployment.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate") {
                    self.recreate(&deployment, new, &old, desired)
                } else {
                    self.roll(&deployment, new, &old, desired)
                };
            } else if old.iter().all(|set| replicas(set) == 0) {
                scaled = self.scale_replica_set(&deployment, new, desired);
            }
        } else if let [only] = old.iter().filter(|set| replicas(set) > 0).collect::<Vec<_>>().as_slice() {
            scaled = self.scale_replica_set(&deployment, only, desired);
        }
        self.report_deployment(key, &deployment, new.as_ref(), &old, desired);
        if !scaled && !paused {
            self.clean_up(&deployment, &old);
        }
    }

    /// Its replica sets, oldest revision first.
    fn replica_sets_of(&self, deployment: &Value) -> Vec<Arc<Value>> {
        let dependents = self.store.dependents(text(deployment, "uid"));
        let mut sets: Vec<_> = dependents.into_iter().filter(|(resource, _)| *resource == Resource::ReplicaSets).map(|(_, set)| set).collect();
        sets.sort_by_key(|set| revision(set));
        sets
    }

    fn create_replica_set(&mut self, deployment: &Value, old: &[Arc<Value>], desired: i64) {
        let bare = comparable(&deployment["spec"]["template"]);
        let hash = template_hash(&bare);
        let mut template = deployment["spec"]["template"].clone();
        drop_nulls(&mut template);
        template["metadata"]["labels"][HASH] = json!(hash);
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH] = json!(hash);
        let key = key_of(deployment);
        let first = self.first_revisions.get(&key).copied().unwrap_or(1);
        let revision = old.iter().map(|set| revision(set)).max().map_or(first, |newest| newest + 1);
        let total: i64 = old.iter().map(|set| replicas(set)).sum();
        let recreate = deployment.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate");
        let start = match (recreate, total) {
            (true, 1..) => 0,
            (true, _) => desired,
            (false, _) => new_replicas(desired, 0, total, Bounds::of(deployment, desired)),
        };
        let mut annotations = copied_annotations(deployment);
        annotations.insert(REVISION.into(), json!(revision.to_string()));
        annotations.insert("deployment.kubernetes.io/desired-replicas".into(), json!(desired.to_string()));
        annotations.insert("deployment.kubernetes.io/max-replicas".into(), json!((desired + Bounds::of(deployment, desired).surge).to_string()));
        let mut set = json!({
            "metadata": {
                "name": format!("{}-{hash}", key.1), "namespace": key.0, "labels": template["metadata"]["labels"], "annotations": annotations,
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {"replicas": start, "selector": selector, "template": template},
            "status": {"replicas": 0},
        });
        if let Some(seconds) = deployment.pointer("/spec/minReadySeconds") {
            set["spec"]["minReadySeconds"] = seconds.clone();
        }
        if let Ok(created) = self.store.create(Resource::ReplicaSets, Writer::update(MANAGER), set) {
            let message = format!("Scaled up replica set {} from 0 to {start}", text(&created, "name"));
            if start > 0 {
                self.event(CONTROLLER, deployment, "Normal", "ScalingReplicaSet", &message);
            }
        }
    }

    /// Gives the current replica set the newest revision: a rollback to an earlier template takes a new number.
    fn set_revision(&mut self, deployment: &Value, new: &Value, old: &[Arc<Value>]) {
        let newest_old = old.iter().map(|set| revision(set)).max().unwrap_or_default();
        let own = revision(new);
        let number = if own > newest_old { own } else { newest_old + 1 };
        let (set_key, key) = (key_of(new), key_of(deployment));
        let copied = copied_annotations(deployment);
        let _ = self.store.modify(Resource::ReplicaSets, &set_key.0, &set_key.1, Writer::update(MANAGER), |set| {
            if own != number {
                let former = set.pointer(&format!("/metadata/annotations/{}", HISTORY.replace('/', "~1"))).and_then(Value::as_str);
                let history = former.map_or_else(|| own.to_string(), |former| format!("{former},{own}"));
                set["metadata"]["annotations"][HISTORY] = json!(history);
            }
            set["metadata"]["annotations"][REVISION] = json!(number.to_string());
            for (name, value) in copied {
                set["metadata"]["annotations"][name] = value;
            }
        });
        // The controller writes it with the status (`getNewReplicaSet` of the deployment controller).
        let _ = self.store.modify(Resource::Deployments, &key.0, &key.1, Writer::status(MANAGER), |deployment| {
            deployment["metadata"]["annotations"][REVISION] = json!(number.to_string());
        });
    }

    fn roll(&mut self, deployment: &Value, new: &Arc<Value>, old: &[Arc<Value>], desired: i64) -> bool {
        let bounds = Bounds::of(deployment, desired);
        let total = replicas(new) + old.iter().map(|set| replicas(set)).sum::<i64>();
        let grown = new_replicas(desired, replicas(new), total, bounds);
        if self.scale_replica_set(deployment, new, grown) {
            return true;
        }
        let counts: Vec<Count> = old.iter().map(|set| count(set)).collect();
        let mut scaled = false;
        for (set, wanted) in old.iter().zip(old_replicas(desired, count(new), &counts, bounds)) {
            scaled |= self.scale_replica_set(deployment, set, wanted);
        }
        scaled
    }

    fn recreate(&mut self, deployment: &Value, new: &Arc<Value>, old: &[Arc<Value>], desired: i64) -> bool {
        let mut scaled = false;
        for set in old {
            scaled |= self.scale_replica_set(deployment, set, 0);
        }
        let gone = old.iter().all(|set| self.store.dependents(text(set, "uid")).is_empty());
        if !scaled && gone {
            return self.scale_replica_set(deployment, new, desired);
        }
        scaled
    }

    fn scale_replica_set(&mut self, deployment: &Value, set: &Value, wanted: i64) -> bool {
        let had = replicas(set);
        let key = key_of(set);
        let desired = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        let surge = Bounds::of(deployment, desired).surge;
        let _ = self.store.modify(Resource::ReplicaSets, &key.0, &key.1, Writer::update(MANAGER), |set| {
            set["spec"]["replicas"] = json!(wanted);
            set["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] = json!(desired.to_string());
            set["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"] = json!((desired + surge).to_string());
        });
        if had == wanted {
            return false;
        }
        let direction = if wanted > had { "up" } else { "down" };
        let message = format!("Scaled {direction} replica set {} from {had} to {wanted}", key.1);
        self.event(CONTROLLER, deployment, "Normal", "ScalingReplicaSet", &message);
        true
    }

    fn report_deployment(&mut self, key: &Key, deployment: &Value, new: Option<&Arc<Value>>, old: &[Arc<Value>], desired: i64) {
        let now = self.now();
        let fresh = |set: &Value| {
            let key = key_of(set);
            self.store.get(Resource::ReplicaSets, &key.0, &key.1)
        };
        let new = new.and_then(|set| fresh(set));
        let sets: Vec<Arc<Value>> = old.iter().filter_map(|set| fresh(set)).chain(new.clone()).collect();
        let sum = |field: &str| sets.iter().map(|set| status(set, field)).sum::<i64>();
        let (total, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
        let updated = new.as_ref().map_or(0, |set| status(set, "replicas"));
        let updated_available = new.as_ref().map_or(0, |set| status(set, "availableReplicas"));
        let before = deployment["status"].clone();
        let mut report = Map::new();
        report.insert("observedGeneration".into(), deployment["metadata"]["generation"].clone());
        let counts = [("replicas", total), ("updatedReplicas", updated), ("readyReplicas", ready), ("availableReplicas", available)];
        for (field, number) in counts.into_iter().chain([("unavailableReplicas", (desired - available).max(0))]) {
            if number != 0 {
                report.insert(field.into(), json!(number));
            }
        }
        let mut conditions: Vec<Value> = before["conditions"].as_array().cloned().unwrap_or_default();
        let enough = available >= desired - Bounds::of(deployment, desired).unavailable;
        let (reason, message) = if enough {
            ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        };
        set_condition(&mut conditions, "Available", truth(enough), reason, message, now, false);

        let progressed = counts.iter().any(|(field, number)| before[*field].as_i64().unwrap_or_default() != *number);
        let complete = updated == desired && total == desired && updated_available == desired;
        let deadline = deployment["spec"]["progressDeadlineSeconds"].as_i64().unwrap_or(600);
        let name = new.as_ref().map_or(key.1.as_str(), |set| text(set, "name"));
        let progressing = conditions.iter().find(|condition| condition["type"] == "Progressing").cloned();
        let was = progressing.as_ref().and_then(|condition| condition["reason"].as_str()).unwrap_or_default();
        let same_set =
            progressing.as_ref().and_then(|condition| condition["message"].as_str()).is_some_and(|message| message.contains(&format!("\"{name}\"")));
        let paused = deployment["spec"]["paused"] == true;
        if paused {
            set_condition(&mut conditions, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now, false);
        } else if complete {
            let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
            set_condition(&mut conditions, "Progressing", "True", "NewReplicaSetAvailable", &message, now, false);
        } else if was == "NewReplicaSetAvailable" && same_set {
            // A finished rollout stays finished when a pod later fails: only a new template starts another.
        } else if !same_set || was == "DeploymentPaused" {
            let message = format!("Created new replica set \"{name}\"");
            set_condition(&mut conditions, "Progressing", "True", "NewReplicaSetCreated", &message, now, true);
            self.at(now + deadline, Due::Deployment(key.clone()));
        } else if progressed && was != "ProgressDeadlineExceeded" {
            let message = format!("ReplicaSet \"{name}\" is progressing.");
            set_condition(&mut conditions, "Progressing", "True", "ReplicaSetUpdated", &message, now, true);
            self.at(now + deadline, Due::Deployment(key.clone()));
        } else {
            let since = progressing.as_ref().and_then(|condition| parse(condition["lastUpdateTime"].as_str()?)).unwrap_or(now);
            if since + deadline <= now && was != "ProgressDeadlineExceeded" {
                let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
                set_condition(&mut conditions, "Progressing", "False", "ProgressDeadlineExceeded", &message, now, true);
            }
        }
        if !paused {
            // The new replica set's refusal counts before the others' (`getReplicaFailures` of the deployment controller).
            let failure = new.iter().chain(&sets).find_map(|set| pod::condition(set, FAILURE).cloned());
            conditions.retain(|condition| condition["type"] != FAILURE);
            if let Some(mut failure) = failure {
                failure["lastUpdateTime"] = failure["lastTransitionTime"].clone();
                conditions.push(failure);
            }
        }
        report.insert("conditions".into(), json!(conditions));
        let _ = self.store.modify(Resource::Deployments, &key.0, &key.1, Writer::status(MANAGER), |object| object["status"] = Value::Object(report));
    }

    /// Forgets the oldest empty replica sets beyond the history limit.
    fn clean_up(&mut self, deployment: &Value, old: &[Arc<Value>]) {
        let limit = usize::try_from(deployment["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(10)).unwrap_or_default();
        let surplus = old.len().saturating_sub(limit);
        for set in old.iter().filter(|set| replicas(set) == 0 && status(set, "replicas") == 0).take(surplus) {
            let key = key_of(set);
            let _ = self.store.delete(Resource::ReplicaSets, &key.0, &key.1, &Deletion::default());
        }
    }
}

fn truth(holds: bool) -> &'static str {
    if holds { "True" } else { "False" }
}

fn replicas(set: &Value) -> i64 {
    set["spec"]["replicas"].as_i64().unwrap_or_default()
}

fn status(set: &Value, field: &str) -> i64 {
    set["status"][field].as_i64().unwrap_or_default()
}

fn count(set: &Value) -> Count {
    Count { wanted: replicas(set), available: status(set, "availableReplicas") }
}

/// The revision of a deployment or replica set, 0 without one.
pub fn revision(object: &Value) -> i64 {
    object["metadata"]["annotations"][REVISION].as_str().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn copied_annotations(deployment: &Value) -> Map<String, Value> {
    let annotations = deployment.pointer("/metadata/annotations").and_then(Value::as_object);
    let copied = annotations.into_iter().flatten().filter(|(name, _)| !NOT_COPIED.contains(&name.as_str()));
    copied.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A template as it is compared: without the hash, and without the empty fields that some clients send and others do not.
pub(super) fn comparable(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH);
    }
    prune(&mut template);
    template
}

/// Without explicit nulls, which a patch may leave.
pub(super) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()));
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn set_condition(conditions: &mut Vec<Value>, name: &str, status: &str, reason: &str, message: &str, now: Sec, touch: bool) {
    let before = conditions.iter().find(|condition| condition["type"] == name).cloned();
    if !touch && before.as_ref().is_some_and(|b| b["status"] == status && b["reason"] == reason && b["message"] == message) {
        return;
    }
    let since = before.filter(|before| before["status"] == status).map_or_else(|| json!(rfc3339(now)), |before| before["lastTransitionTime"].clone());
    let condition =
        json!({"type": name, "status": status, "lastUpdateTime": rfc3339(now), "lastTransitionTime": since, "reason": reason, "message": message});
    match conditions.iter_mut().find(|condition| condition["type"] == name) {
        Some(found) => *found = condition,
        None => conditions.push(condition),
    }
}
