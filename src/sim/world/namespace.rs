//! What the control plane does for a namespace: furnishes a new one, and keeps its quota of pods. What is used stands in the
//! quota's status, and a pod beyond it is refused in the words of the real server.

use serde_json::{Value, json};

use super::{cluster::Cluster, pod};
use crate::sim::{
    kubernetes::kinds::Resource,
    store::{Query, Writer, text},
};

const COUNTED: [&str; 2] = ["pods", "count/pods"];

impl Cluster {
    /// Puts into a new namespace what every namespace has.
    pub(super) fn furnish(&mut self, namespace: &str) {
        for (resource, object) in super::objects::of_every_namespace(namespace) {
            let _ = self.store.create(resource, Writer::update("kube-controller-manager"), object);
        }
    }

    /// Pods of the namespace that count: all but those that are done.
    fn counted(&self, namespace: &str) -> usize {
        let pods = self.store.list(Resource::Pods, &Query::namespace(namespace));
        pods.items.iter().filter(|pod| !matches!(pod::phase(pod), "Succeeded" | "Failed")).count()
    }

    /// Why no further pod of this name may be created; none when it may.
    pub(super) fn beyond_quota(&self, namespace: &str, name: &str) -> Option<String> {
        let quotas = self.store.list(Resource::ResourceQuotas, &Query::namespace(namespace));
        if quotas.items.is_empty() {
            return None;
        }
        let used = self.counted(namespace);
        quotas.items.iter().find_map(|quota| {
            let (resource, limit) = limits(quota).find(|(_, limit)| used >= *limit)?;
            let quota = text(quota, "name");
            Some(format!(
                "pods \"{name}\" is forbidden: exceeded quota: {quota}, requested: {resource}=1, used: {resource}={used}, limited: {resource}={limit}"
            ))
        })
    }

    pub(super) fn sync_quotas(&mut self, namespace: &str) {
        let quotas = self.store.list(Resource::ResourceQuotas, &Query::namespace(namespace));
        if quotas.items.is_empty() {
            return;
        }
        let used = self.counted(namespace).to_string();
        for quota in quotas.items {
            let mut status = json!({"hard": quota.pointer("/spec/hard"), "used": {}});
            for (resource, _) in limits(&quota) {
                status["used"][resource] = json!(used);
            }
            if quota.get("status") != Some(&status) {
                let writer = Writer::status("kube-controller-manager");
                let _ = self.store.modify(Resource::ResourceQuotas, namespace, text(&quota, "name"), writer, |object| object["status"] = status);
            }
        }
    }
}

/// The limits of a quota on pods.
fn limits(quota: &Value) -> impl Iterator<Item = (&'static str, usize)> {
    COUNTED.into_iter().filter_map(|resource| Some((resource, quota.pointer("/spec/hard")?.get(resource)?.as_str()?.parse().ok()?)))
}
