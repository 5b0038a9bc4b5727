//! What people and pipelines write: rollouts, rollbacks, restarts, scalings, bounds, quotas, as their tools write it.

use super::cluster::Cluster;
use super::deployment::revision;
use super::platform::PRODUCTION;
use super::quantity::is_same_template;
use super::stamp::rfc3339;
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Deletion, Writer, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

impl Cluster {
    fn write_deployment(&self, name: &str, by: &str, change: impl FnOnce(&mut Value)) {
        let _ = self.store.modify(Resource::Deployments, PRODUCTION, name, Writer::update(by), change);
    }

    pub(super) fn roll_out(&self, name: &str, tag: &str, env: &BTreeMap<String, String>, by: &str) {
        self.write_deployment(name, by, |deployment| {
            deployment["metadata"]["annotations"][CHANGE_CAUSE] = json!(format!("{name} {tag}"));
            let template = &mut deployment["spec"]["template"];
            template["metadata"]["labels"]["version"] = json!(tag);
            let container = &mut template["spec"]["containers"][0];
            let image = container["image"].as_str().unwrap_or_default().to_owned();
            let repository = image.rsplit_once(':').map_or(image.as_str(), |(repository, _)| repository);
            container["image"] = json!(format!("{repository}:{tag}"));
            set_variables(container, env);
        });
    }

    pub(super) fn set_environment(&self, name: &str, env: &BTreeMap<String, String>, by: &str) {
        self.write_deployment(name, by, |deployment| set_variables(&mut deployment["spec"]["template"]["spec"]["containers"][0], env));
    }

    pub(super) fn restart(&self, name: &str, by: &str) {
        let at = rfc3339(self.now());
        self.write_deployment(name, by, |deployment| {
            deployment["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!(at);
        });
    }

    /// To the newest template that is not the present one; nothing where there is none.
    pub(super) fn roll_back(&self, name: &str, by: &str) {
        let Some(deployment) = self.store.get(Resource::Deployments, PRODUCTION, name) else { return };
        let present = &deployment["spec"]["template"];
        let sets = self.store.dependents(text(&deployment, "uid"));
        let others = sets.iter().filter(|(kind, set)| *kind == Resource::ReplicaSets && !is_same_template(&set["spec"]["template"], present));
        let Some((_, former)) = others.max_by_key(|(_, set)| revision(set)) else { return };
        let mut template = former["spec"]["template"].clone();
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.shift_remove("pod-template-hash");
        }
        let cause = former["metadata"]["annotations"][CHANGE_CAUSE].clone();
        self.write_deployment(name, by, |deployment| {
            deployment["spec"]["template"] = template;
            deployment["metadata"]["annotations"][CHANGE_CAUSE] = cause;
        });
    }

    pub(super) fn scale(&self, name: &str, replicas: i64, by: &str) {
        let writer = Writer { subresource: "scale", ..Writer::update(by) };
        let _ = self.store.modify(Resource::Deployments, PRODUCTION, name, writer, |deployment| deployment["spec"]["replicas"] = json!(replicas));
    }

    pub(super) fn set_bounds(&self, autoscaler: &str, least: Option<i64>, most: Option<i64>, by: &str) {
        let _ = self.store.modify(Resource::HorizontalPodAutoscalers, PRODUCTION, autoscaler, Writer::update(by), |autoscaler| {
            for (field, bound) in [("minReplicas", least), ("maxReplicas", most)] {
                if let Some(bound) = bound {
                    autoscaler["spec"][field] = json!(bound);
                }
            }
        });
    }

    pub(super) fn limit_pods(&self, name: &str, pods: i64, by: &str) {
        let hard = json!({"pods": pods.to_string()});
        let written = self.store.modify(Resource::ResourceQuotas, PRODUCTION, name, Writer::update(by), |quota| quota["spec"]["hard"] = hard.clone());
        if written.is_err() {
            let quota = json!({"metadata": {"name": name, "namespace": PRODUCTION}, "spec": {"hard": hard}});
            let _ = self.store.create(Resource::ResourceQuotas, Writer::update(by), quota);
        }
    }

    pub(super) fn delete_pods(&self, deployment: &str, pods: usize) {
        for pod in self.pods_of_deployment(PRODUCTION, deployment).iter().take(pods) {
            let _ = self.store.delete(Resource::Pods, PRODUCTION, text(pod, "name"), &Deletion::default());
        }
    }

    pub(super) fn write_setting(&self, config_map: &str, key: &str, value: &str, by: &str) {
        let _ = self.store.modify(Resource::ConfigMaps, PRODUCTION, config_map, Writer::update(by), |object| object["data"][key] = json!(value));
    }
}

/// Sets these variables of the container and leaves the others.
fn set_variables(container: &mut Value, env: &BTreeMap<String, String>) {
    for (variable, value) in env {
        let entry = json!({"name": variable, "value": value});
        match container["env"].as_array_mut() {
            Some(entries) => match entries.iter_mut().find(|present| present["name"] == variable.as_str()) {
                Some(present) => *present = entry,
                None => entries.push(entry),
            },
            None => container["env"] = Value::Array(vec![entry]),
        }
    }
}
