//! The controllers of stateful sets and daemon sets: controller revisions, ordered pods, one pod a node, rolling updates.
//!
//! As the real ones as far as a rollout shows: the label `controller-revision-hash`, one pod replaced at a time and the
//! highest ordinal first, `partition`, `OnDelete`. Claims of volumes are not made.

use super::cluster::{Cluster, Key, key_of, owner_reference};
use super::deployment::{comparable, drop_nulls};
use super::names::template_hash;
use super::pod;
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Deletion, Writer, text};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const MANAGER: &str = "kube-controller-manager";
const HASH: &str = "controller-revision-hash";

impl Cluster {
    pub(super) fn sync_stateful_set(&mut self, key: &Key) {
        let Some(set) = self.store.get(Resource::StatefulSets, &key.0, &key.1).filter(|set| !pod::is_terminating(set)) else { return };
        let update = self.newest_revision(&set);
        let former = text_at(&set, "/status/currentRevision");
        let current = if former.is_empty() { update.clone() } else { former };
        let wanted = usize::try_from(set["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or_default();
        let partition = usize::try_from(number(&set, "/spec/updateStrategy/rollingUpdate/partition")).unwrap_or_default();
        let rolls = text_at(&set, "/spec/updateStrategy/type") != "OnDelete";
        let in_turn = text_at(&set, "/spec/podManagementPolicy") != "Parallel";
        let pods = self.ordinals_of(&set);
        let mut all_ready = true;
        for ordinal in 0..wanted {
            match pods.iter().find(|(of, _)| *of == ordinal) {
                None => {
                    let revision = if ordinal < partition { &current } else { &update };
                    self.create_ordinal(&set, ordinal, revision);
                    all_ready = false;
                }
                Some((_, found)) => all_ready &= pod::is_active(found) && pod::is_ready(found),
            }
            if in_turn && !all_ready {
                break;
            }
        }
        let surplus = pods.iter().rev().filter(|(ordinal, found)| *ordinal >= wanted && !pod::is_terminating(found));
        let to_go: Vec<_> = surplus.take(if in_turn { 1 } else { usize::MAX }).map(|(_, found)| found.clone()).collect();
        let is_shrinking = pods.iter().any(|(ordinal, _)| *ordinal >= wanted);
        for surplus in to_go {
            self.remove_pod(&surplus);
        }
        if all_ready && !is_shrinking && rolls {
            let old = pods.iter().rev().find(|(ordinal, found)| *ordinal >= partition && label(found) != update);
            if let Some((_, found)) = old {
                self.remove_pod(found);
            }
        }
        self.report_stateful_set(key, &set, &current, &update, wanted);
    }

    pub(super) fn sync_daemon_set(&mut self, key: &Key) {
        let Some(set) = self.store.get(Resource::DaemonSets, &key.0, &key.1).filter(|set| !pod::is_terminating(set)) else { return };
        let update = self.newest_revision(&set);
        let hash = update.strip_prefix(&format!("{}-", key.1)).unwrap_or(&update).to_owned();
        let template = &set["spec"]["template"]["spec"];
        let nodes: Vec<String> = self
            .nodes
            .iter()
            .filter(|(_, node)| node.is_selected_by(template) && node.untolerated(template).is_none())
            .map(|(name, _)| name.clone())
            .collect();
        let pods = self.pods_of(&set);
        for node in &nodes {
            if !self.store.dependents(text(&set, "uid")).iter().any(|(resource, found)| *resource == Resource::Pods && pod::node(found) == Some(node))
            {
                let mut new = pod::from_template(&set);
                new["metadata"]["labels"][HASH] = json!(hash);
                new["spec"]["nodeName"] = json!(node);
                let _ = self.store.create(Resource::Pods, Writer::update(MANAGER), new);
            }
        }
        let is_steady = pods.len() == nodes.len() && pods.iter().all(|found| pod::is_ready(found));
        if is_steady
            && text_at(&set, "/spec/updateStrategy/type") != "OnDelete"
            && let Some(old) = pods.iter().find(|found| label(found) != hash)
        {
            self.remove_pod(old);
        }
        let pods = self.pods_of(&set);
        let ready = pods.iter().filter(|found| pod::is_ready(found)).count();
        let updated = pods.iter().filter(|found| label(found) == hash).count();
        let status = json!({
            "currentNumberScheduled": pods.len(), "numberMisscheduled": 0, "desiredNumberScheduled": nodes.len(), "numberReady": ready,
            "observedGeneration": set["metadata"]["generation"], "updatedNumberScheduled": updated, "numberAvailable": ready,
            "numberUnavailable": nodes.len().saturating_sub(ready),
        });
        let _ = self.store.modify(Resource::DaemonSets, &key.0, &key.1, Writer::status(MANAGER), |object| object["status"] = status);
    }

    /// The name of the revision with the set's template: made, or given the newest number, where needed.
    fn newest_revision(&mut self, set: &Value) -> String {
        let wanted = comparable(&set["spec"]["template"]);
        let dependents = self.store.dependents(text(set, "uid"));
        let mut all: Vec<_> =
            dependents.into_iter().filter(|(resource, _)| *resource == Resource::ControllerRevisions).map(|(_, kept)| kept).collect();
        all.sort_by_key(|kept| kept["revision"].as_i64());
        let last = all.last().and_then(|kept| kept["revision"].as_i64()).unwrap_or_default();
        let of = |kept: &&Arc<Value>| {
            let mut template = kept["data"]["spec"]["template"].clone();
            if let Some(members) = template.as_object_mut() {
                members.shift_remove("$patch");
            }
            comparable(&template) == wanted
        };
        if let Some(kept) = all.iter().rev().find(of) {
            let (namespace, name) = key_of(kept);
            if kept["revision"].as_i64() != Some(last) {
                let number = json!(last + 1);
                let _ =
                    self.store.modify(Resource::ControllerRevisions, &namespace, &name, Writer::update(MANAGER), |kept| kept["revision"] = number);
            }
            return name;
        }
        let hash = template_hash(&wanted);
        let mut template = set["spec"]["template"].clone();
        drop_nulls(&mut template);
        let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
        labels[HASH] = json!(hash);
        template["$patch"] = json!("replace");
        let name = format!("{}-{hash}", text(set, "name"));
        let kept = json!({
            "metadata": {"name": name, "namespace": text(set, "namespace"), "labels": labels, "ownerReferences": [owner_reference(set)]},
            "data": {"spec": {"template": template}}, "revision": last + 1,
        });
        let _ = self.store.create(Resource::ControllerRevisions, Writer::update(MANAGER), kept);
        name
    }

    /// Its pods by ordinal, those on their way out too: their names are not free yet.
    fn ordinals_of(&self, set: &Value) -> Vec<(usize, Arc<Value>)> {
        let prefix = format!("{}-", text(set, "name"));
        let dependents = self.store.dependents(text(set, "uid"));
        let pods = dependents.into_iter().filter(|(resource, _)| *resource == Resource::Pods);
        let mut numbered: Vec<_> =
            pods.filter_map(|(_, found)| Some((text(&found, "name").strip_prefix(&prefix)?.parse().ok()?, found.clone()))).collect();
        numbered.sort_by_key(|(ordinal, _)| *ordinal);
        numbered
    }

    fn create_ordinal(&mut self, set: &Value, ordinal: usize, revision: &str) {
        let mut made = set.clone();
        let kept = self.store.get(Resource::ControllerRevisions, text(set, "namespace"), revision);
        if let Some(template) = kept.as_ref().and_then(|kept| kept.pointer("/data/spec/template")) {
            made["spec"]["template"] = template.clone();
        }
        let mut new = pod::from_template(&made);
        let name = format!("{}-{ordinal}", text(set, "name"));
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.insert("name".into(), json!(name));
        }
        for (label, value) in
            [(HASH, revision), ("statefulset.kubernetes.io/pod-name", &name), ("apps.kubernetes.io/pod-index", &ordinal.to_string())]
        {
            new["metadata"]["labels"][label] = json!(value);
        }
        let _ = self.store.create(Resource::Pods, Writer::update(MANAGER), new);
    }

    fn remove_pod(&mut self, found: &Value) {
        let key = key_of(found);
        let _ = self.store.delete(Resource::Pods, &key.0, &key.1, &Deletion::default());
    }

    fn report_stateful_set(&mut self, key: &Key, set: &Value, current: &str, update: &str, wanted: usize) {
        let pods: Vec<_> = self.ordinals_of(set).into_iter().map(|(_, found)| found).filter(|found| pod::is_active(found)).collect();
        let count = |is_it: &dyn Fn(&Value) -> bool| pods.iter().filter(|found| is_it(found)).count();
        let ready = count(&pod::is_ready);
        let updated = count(&|found| label(found) == update);
        let is_done = updated == wanted && pods.len() == wanted && ready == wanted;
        let current = if is_done { update } else { current };
        let mut status = Map::new();
        status.insert("observedGeneration".into(), set["metadata"]["generation"].clone());
        let kept = count(&|found| label(found) == current);
        let counts = [("readyReplicas", ready), ("currentReplicas", kept), ("updatedReplicas", updated), ("availableReplicas", ready)];
        status.insert("replicas".into(), json!(pods.len()));
        status.extend(
            counts
                .into_iter()
                .filter(|(name, number)| *number > 0 || *name == "availableReplicas")
                .map(|(name, number)| (name.into(), json!(number))),
        );
        status.insert("currentRevision".into(), json!(current));
        status.insert("updateRevision".into(), json!(update));
        status.insert("collisionCount".into(), json!(0));
        let _ = self.store.modify(Resource::StatefulSets, &key.0, &key.1, Writer::status(MANAGER), |object| object["status"] = Value::Object(status));
    }
}

fn label(found: &Value) -> &str {
    found.pointer("/metadata/labels").and_then(|labels| labels.get(HASH)).and_then(Value::as_str).unwrap_or_default()
}

fn text_at(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}
