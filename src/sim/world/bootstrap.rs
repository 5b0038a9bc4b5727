//! The cluster's past: everything is created at the age it should have, by the same controllers that run later.

use super::cluster::{Cluster, Due, controller, key_of, owner_reference};
use super::names::suffix;
use super::objects;
use super::platform::{DeploymentSpec, Platform};
use super::stamp::{Sec, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Change, ChangeKind, Writer, text};
use serde_json::{Value, json};

pub const NODES: usize = 12;
/// Age of the cluster.
const CLUSTER_AGE: Sec = 95 * 24 * 3600;
/// Time that each deployment of the past is given to settle.
const SETTLING: Sec = 45;
/// Pods of one extra deployment.
const EXTRA_PER_DEPLOYMENT: usize = 250;
const APPLIER: &str = "kubectl-client-side-apply";

/// A revision of a deployment and when it was rolled out.
struct Stage<'a> {
    at: Sec,
    spec: &'a DeploymentSpec,
    tag: &'a str,
    replicas: i64,
    first: bool,
}

impl Cluster {
    /// Creates the platform as it stands at `until`, with `extra` more pods in the namespace `batch`. The autoscalers begin
    /// `quiet` seconds later: nothing moves in the first, calm part of the history.
    pub fn bootstrap(&mut self, platform: &Platform, extra: usize, until: Sec, quiet: Sec) {
        self.clock.set_seconds(until - CLUSTER_AGE);
        let create = |cluster: &Self, resource, object| {
            let _ = cluster.store.create(resource, Writer::update(APPLIER), object);
        };
        for spec in &platform.namespace {
            create(self, Resource::Namespaces, objects::namespace(spec));
        }
        let capacity = 110 + i64::try_from(extra.div_ceil(NODES)).unwrap_or_default();
        for number in 1..=NODES {
            self.create_node(number, capacity);
        }
        create(self, Resource::Services, objects::kubernetes_service());
        for (number, spec) in platform.deployment.iter().enumerate() {
            create(self, Resource::Services, objects::service(spec, number));
        }
        for object in objects::config_maps().into_iter().chain(platform.settings.iter().map(objects::settings)) {
            create(self, Resource::ConfigMaps, object);
        }
        for object in objects::budgets() {
            create(self, Resource::PodDisruptionBudgets, object);
        }
        create(
            self,
            Resource::Secrets,
            json!({"metadata": {"name": "api-gateway-signing", "namespace": super::platform::PRODUCTION}, "type": "Opaque", "data": {"key": "bm90LWEtc2VjcmV0"}}),
        );
        self.tick();
        for stage in stages(platform, until) {
            self.play(&stage);
        }
        self.set_up_sets(APPLIER, SETTLING);
        self.file_jobs(APPLIER, until);
        self.clock.set_seconds(until - 40 * 24 * 3600);
        for object in objects::autoscalers().into_iter().chain(platform.autoscaler.iter().map(objects::autoscaler)) {
            create(self, Resource::HorizontalPodAutoscalers, object);
        }
        if extra > 0 {
            self.clock.set_seconds(until - 3 * 3600);
            self.tick();
            self.add_extra(extra);
        }
        self.clock.set_seconds(until);
        self.tick();
        self.at(until + quiet, Due::Autoscalers);
    }

    fn play(&mut self, stage: &Stage<'_>) {
        self.clock.set_seconds(stage.at);
        self.tick();
        let object = objects::deployment(stage.spec, stage.tag, stage.replicas);
        let key = key_of(&object);
        if stage.first {
            let first = stage.spec.revision - i64::try_from(stage.spec.earlier.len()).unwrap_or_default();
            self.first_revisions.insert(key, first);
            let _ = self.store.create(Resource::Deployments, Writer::update("ci-deployer"), object);
        } else {
            let _ = self.store.modify(Resource::Deployments, &key.0, &key.1, Writer::update("ci-deployer"), |current| {
                current["spec"] = object["spec"].clone();
                current["metadata"]["annotations"]["kubernetes.io/change-cause"] =
                    object["metadata"]["annotations"]["kubernetes.io/change-cause"].clone();
            });
        }
        self.play_until(stage.at + SETTLING);
    }

    /// Ticks whenever something is due, up to and with `end`.
    pub(super) fn play_until(&mut self, end: Sec) {
        self.tick();
        while let Some(next) = self.next_due().filter(|next| *next <= end) {
            let next = next.max(self.now());
            self.clock.set_seconds(next);
            self.tick();
        }
        self.clock.set_seconds(end);
    }

    /// Running pods in bulk, complete with their owners, so that no controller has anything to do with them.
    fn add_extra(&mut self, extra: usize) {
        let now = self.now();
        let _ = self.store.create(
            Resource::Namespaces,
            Writer::update(APPLIER),
            objects::namespace(&super::platform::NamespaceSpec { name: "batch".into(), labels: std::iter::empty().collect() }),
        );
        self.tick();
        let mut placed = 0;
        for number in 1..=extra.div_ceil(EXTRA_PER_DEPLOYMENT) {
            let count = EXTRA_PER_DEPLOYMENT.min(extra - placed);
            let Some(set) = self.extra_owner(&format!("batch-worker-{number:03}"), count) else { return };
            let owner = owner_reference(&set);
            for _ in 0..count {
                let node = placed % NODES + 1;
                let pod = extra_pod(&set, &owner, &suffix(&mut self.rng), node, placed, now);
                if let Ok(object) = self.store.create(Resource::Pods, Writer::update("kubelet"), pod) {
                    self.count_on_node(&Change { version: 0, kind: ChangeKind::Added, object, previous: None });
                }
                placed += 1;
            }
        }
        for resource in [Resource::Deployments, Resource::ReplicaSets, Resource::Pods] {
            self.skip_changes(resource);
        }
    }

    fn extra_owner(&mut self, name: &str, count: usize) -> Option<Value> {
        let template = json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "worker", "image": "digital-identity/batch-worker:1.0.0"}]}});
        let deployment = json!({
            "metadata": {"name": name, "namespace": "batch", "labels": {"app": name}, "annotations": {"deployment.kubernetes.io/revision": "1"}},
            "spec": {
                "replicas": count, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "selector": {"matchLabels": {"app": name}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}, "template": template,
            },
            "status": {
                "observedGeneration": 1, "replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count,
            },
        });
        let deployment = self.store.create(Resource::Deployments, Writer::update(APPLIER), deployment).ok()?;
        let hash = super::names::template_hash(&template);
        let mut template = template;
        template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        let set = json!({
            "metadata": {
                "name": format!("{name}-{hash}"), "namespace": "batch", "labels": template["metadata"]["labels"],
                "annotations": {"deployment.kubernetes.io/revision": "1"}, "ownerReferences": [owner_reference(&deployment)],
            },
            "spec": {"replicas": count, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template},
            "status": {"observedGeneration": 1, "replicas": count, "fullyLabeledReplicas": count, "readyReplicas": count, "availableReplicas": count},
        });
        self.store.create(Resource::ReplicaSets, Writer::update("kube-controller-manager"), set).ok().map(|set| (*set).clone())
    }
}

/// All rollouts of the past, oldest first.
fn stages(platform: &Platform, until: Sec) -> Vec<Stage<'_>> {
    let mut stages = Vec::new();
    for (number, spec) in platform.deployment.iter().enumerate() {
        let moment = |hours: i64| until - hours * 3600 - 97 * i64::try_from(number).unwrap_or_default();
        for (position, earlier) in spec.earlier.iter().enumerate() {
            stages.push(Stage { at: moment(earlier.age_hours), spec, tag: &earlier.tag, replicas: 0, first: position == 0 });
        }
        stages.push(Stage { at: moment(spec.age_hours), spec, tag: spec.tag(), replicas: spec.replicas, first: spec.earlier.is_empty() });
    }
    stages.sort_by_key(|stage| stage.at);
    stages
}

/// A small but complete running pod.
fn extra_pod(set: &Value, owner: &Value, ending: &str, node: usize, number: usize, now: Sec) -> Value {
    let started = rfc3339(now);
    let address = format!("10.{}.{}.{}", 100 + node, number / 250 % 250, number % 250 + 2);
    let condition = |name: &str| json!({"type": name, "status": "True", "lastTransitionTime": started});
    debug_assert!(controller(set, "Deployment").is_some());
    json!({
        "metadata": {
            "name": format!("{}-{ending}{:x}", text(set, "name"), number % 4096), "namespace": "batch", "labels": set["metadata"]["labels"], "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": format!("node-{node}"), "terminationGracePeriodSeconds": 30,
            "containers": [{"name": "worker", "image": "digital-identity/batch-worker:1.0.0"}],
        },
        "status": {
            "phase": "Running", "podIP": address, "startTime": started, "qosClass": "BestEffort",
            "conditions": [condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled")],
            "containerStatuses": [{
                "name": "worker", "image": "digital-identity/batch-worker:1.0.0", "imageID": "", "ready": true, "restartCount": 0, "started": true,
                "state": {"running": {"startedAt": started}}, "lastState": {},
            }],
        },
    })
}
