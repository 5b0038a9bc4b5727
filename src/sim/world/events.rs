//! Events as the controllers record them: equal ones are counted on one object, and each goes an hour after its last time.

use super::cluster::{Cluster, Due, Key};
use super::stamp::{Sec, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Deletion, Writer, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// As `kube-apiserver --event-ttl`.
const TTL: Sec = 3600;

/// Which event object counts which happening.
#[derive(Debug, Clone, Default)]
pub struct EventIndex {
    by_happening: BTreeMap<(String, String, String), Key>,
    happenings: BTreeMap<Key, (String, String, String)>,
    count: u64,
}

impl Cluster {
    /// Records that `component` saw `reason` happen to the object.
    pub(super) fn event(&mut self, component: &str, object: &Value, kind: &str, reason: &str, message: &str) {
        let now = self.now();
        let happening = (text(object, "uid").to_owned(), reason.to_owned(), message.to_owned());
        if let Some(key) = self.events.by_happening.get(&happening) {
            let counted = self.store.modify(Resource::Events, &key.0, &key.1, Writer::update(component), |event| {
                event["count"] = json!(event["count"].as_i64().unwrap_or(1) + 1);
                event["lastTimestamp"] = json!(rfc3339(now));
            });
            if counted.is_ok() {
                return;
            }
        }
        let namespace = match text(object, "namespace") {
            "" => "default",
            namespace => namespace,
        };
        self.events.count += 1;
        let name = format!("{}.{:016x}", text(object, "name"), 0x18a0_0000_0000_0000_u64 + self.events.count * 0x0fed_cba9);
        let mut involved = json!({
            "kind": object["kind"], "name": text(object, "name"), "uid": text(object, "uid"), "apiVersion": object["apiVersion"],
            "resourceVersion": text(object, "resourceVersion"),
        });
        if !text(object, "namespace").is_empty() {
            involved["namespace"] = json!(namespace);
        }
        if object["kind"] == "Pod" && component == "kubelet" {
            let container = object.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default();
            if !matches!(reason, "FailedMount" | "NodeNotReady") {
                involved["fieldPath"] = json!(format!("spec.containers{{{container}}}"));
            }
        }
        let mut source = json!({ "component": component });
        if let (true, Some(node)) = (component == "kubelet", super::pod::node(object)) {
            source["host"] = json!(node);
        }
        let event = json!({
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved, "reason": reason, "message": message, "type": kind, "count": 1,
            "firstTimestamp": rfc3339(now), "lastTimestamp": rfc3339(now), "eventTime": null, "source": source,
            "reportingComponent": component, "reportingInstance": source.get("host").cloned().unwrap_or_else(|| json!("")),
        });
        if self.store.create(Resource::Events, Writer::update(component), event).is_ok() {
            let key = (namespace.to_owned(), name);
            self.events.by_happening.insert(happening.clone(), key.clone());
            self.events.happenings.insert(key.clone(), happening);
            self.at(now + TTL, Due::EventExpires(key));
        }
    }

    /// Removes an event whose last time is an hour ago, or looks again later.
    pub(super) fn expire_event(&mut self, key: &Key) {
        let now = self.now();
        if let Some(event) = self.store.get(Resource::Events, &key.0, &key.1) {
            let last = event["lastTimestamp"].as_str().and_then(super::stamp::parse).unwrap_or(now - TTL);
            if last + TTL > now {
                self.at(last + TTL, Due::EventExpires(key.clone()));
                return;
            }
            let _ = self.store.delete(Resource::Events, &key.0, &key.1, &Deletion::immediate());
        }
        if let Some(happening) = self.events.happenings.remove(key) {
            self.events.by_happening.remove(&happening);
        }
    }
}
