//! The control plane's engine: reads what changed in the store, lets the controllers react, and keeps the list of what is due.
//!
//! No controller scans all objects: each change marks its owner, and only marked objects are looked at. So a tick of a quiet
//! cluster costs the same with 42 pods and with 50,000.

use super::clock::SimClock;
use super::events::EventIndex;
use super::kubelet::PodRun;
use super::nodes::NodeRecord;
use super::scenario::Sickness;
use super::settings::Settings;
use super::stamp::Sec;
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Change, ChangeKind, Query, Store, text};
use fastrand::Rng;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Namespace and name.
pub type Key = (String, String);

/// The resource types whose changes the controllers follow.
const FOLLOWED: [Resource; 11] = [
    Resource::Namespaces,
    Resource::Deployments,
    Resource::ReplicaSets,
    Resource::Pods,
    Resource::Nodes,
    Resource::Services,
    Resource::ConfigMaps,
    Resource::PodDisruptionBudgets,
    Resource::ResourceQuotas,
    Resource::StatefulSets,
    Resource::DaemonSets,
];

/// Changes made in answer to changes; more rounds than this in a tick wait for the next.
const MAX_ROUNDS: usize = 12;

/// Something that happens later by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A step in the life of the pod with this uid.
    Pod {
        key: Key,
        uid: String,
        step: PodStep,
    },
    Deployment(Key),
    ReplicaSet(Key),
    /// Forty seconds of silence: the node is declared unknown.
    NodeSilent(String),
    /// The toleration of the pods there ran out.
    NodeEvict(String),
    EventExpires(Key),
    Autoscalers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodStep {
    Start,
    Ready,
    Crash,
    Restart,
    /// A hung pod's readiness check fails again.
    Probe,
    /// The kubelet brings the pod's mounted config maps up to date.
    Sync,
    Stop,
}

/// Usage of one deployment's pods, as the traffic model sees it: for the autoscaler.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Percent of the request.
    pub cpu: f64,
    pub memory: f64,
}

/// Controllers, scheduler and kubelets of the simulated cluster.
#[derive(Clone)]
pub struct Cluster {
    pub(super) store: Store,
    pub(super) clock: SimClock,
    pub(super) rng: Rng,
    seen: [u64; FOLLOWED.len()],
    seen_any: u64,
    due: BTreeMap<Sec, Vec<Due>>,
    pub(super) dirty_deployments: BTreeSet<Key>,
    pub(super) dirty_replica_sets: BTreeSet<Key>,
    pub(super) dirty_stateful_sets: BTreeSet<Key>,
    pub(super) dirty_daemon_sets: BTreeSet<Key>,
    pub(super) dirty_services: BTreeSet<Key>,
    pub(super) dirty_budgets: BTreeSet<String>,
    pub(super) dirty_quotas: BTreeSet<String>,
    pub(super) unscheduled: BTreeSet<Key>,
    /// Pods for which no node has room.
    pub(super) waiting: BTreeSet<Key>,
    pub(super) nodes: BTreeMap<String, NodeRecord>,
    pub(super) runs: BTreeMap<Key, PodRun>,
    pub(super) events: EventIndex,
    pub(super) sicknesses: Vec<Sickness>,
    /// When the first pod of each sickness was seen.
    pub(super) outbreaks: Vec<Option<Sec>>,
    /// Revision that the first replica set of a deployment gets, where it is not 1.
    pub(super) first_revisions: BTreeMap<Key, i64>,
    /// By deployment of the production namespace.
    pub(super) usage: BTreeMap<String, Usage>,
    pub(super) recommendations: BTreeMap<Key, Vec<(Sec, i64)>>,
    pub(super) next_address: u32,
    /// What the production namespace's ConfigMaps hold.
    pub settings: Settings,
}

impl Cluster {
    pub fn new(store: Store, clock: SimClock, seed: u64) -> Self {
        Self {
            store,
            clock,
            rng: Rng::with_seed(seed ^ 0x636c_7573_7465_7221),
            seen: [0; FOLLOWED.len()],
            seen_any: 0,
            due: BTreeMap::new(),
            dirty_deployments: BTreeSet::new(),
            dirty_replica_sets: BTreeSet::new(),
            dirty_stateful_sets: BTreeSet::new(),
            dirty_daemon_sets: BTreeSet::new(),
            dirty_services: BTreeSet::new(),
            dirty_budgets: BTreeSet::new(),
            dirty_quotas: BTreeSet::new(),
            unscheduled: BTreeSet::new(),
            waiting: BTreeSet::new(),
            nodes: BTreeMap::new(),
            runs: BTreeMap::new(),
            events: EventIndex::default(),
            sicknesses: Vec::new(),
            outbreaks: Vec::new(),
            first_revisions: BTreeMap::new(),
            usage: BTreeMap::new(),
            recommendations: BTreeMap::new(),
            next_address: 0,
            settings: Settings::default(),
        }
    }

    /// The same on stores of its own.
    #[must_use]
    pub fn fork(&self, store: Store, clock: SimClock) -> Self {
        Self { store, clock, ..self.clone() }
    }

    pub(super) fn now(&self) -> Sec {
        self.clock.seconds()
    }

    pub(super) fn at(&mut self, when: Sec, what: Due) {
        self.due.entry(when).or_default().push(what);
    }

    /// When the next thing is due.
    pub fn next_due(&self) -> Option<Sec> {
        self.due.keys().next().copied()
    }

    /// Whether nothing was written since the last tick, so that a tick before the next due time would do nothing.
    pub fn is_settled(&self) -> bool {
        self.store.resource_version() == self.seen_any
    }

    /// Does all that is due at the clock's time and follows from what was written.
    pub fn tick(&mut self) {
        let now = self.now();
        while let Some(entry) = self.due.first_entry()
            && *entry.key() <= now
        {
            for what in entry.remove() {
                self.happen(what);
            }
        }
        for _ in 0..MAX_ROUNDS {
            self.follow();
            if !self.react() && self.is_settled() {
                break;
            }
        }
    }

    fn happen(&mut self, what: Due) {
        match what {
            Due::Pod { key, uid, step } => self.pod_step(&key, &uid, step),
            Due::Deployment(key) => {
                self.dirty_deployments.insert(key);
            }
            Due::ReplicaSet(key) => {
                self.dirty_replica_sets.insert(key);
            }
            Due::NodeSilent(node) => self.node_unknown(&node),
            Due::NodeEvict(node) => self.evict_from(&node),
            Due::EventExpires(key) => self.expire_event(&key),
            Due::Autoscalers => self.autoscale(),
        }
    }

    /// Lets every controller with something marked run once; false when nothing was marked.
    fn react(&mut self) -> bool {
        let deployments = std::mem::take(&mut self.dirty_deployments);
        let replica_sets = std::mem::take(&mut self.dirty_replica_sets);
        let services = std::mem::take(&mut self.dirty_services);
        let budgets = std::mem::take(&mut self.dirty_budgets);
        let quotas = std::mem::take(&mut self.dirty_quotas);
        let unscheduled = std::mem::take(&mut self.unscheduled);
        let idle = deployments.is_empty() && replica_sets.is_empty() && services.is_empty() && budgets.is_empty();
        let stateful_sets = std::mem::take(&mut self.dirty_stateful_sets);
        let daemon_sets = std::mem::take(&mut self.dirty_daemon_sets);
        let idle = idle && stateful_sets.is_empty() && daemon_sets.is_empty();
        for key in &stateful_sets {
            self.sync_stateful_set(key);
        }
        for key in &daemon_sets {
            self.sync_daemon_set(key);
        }
        let busy = !(idle && quotas.is_empty() && unscheduled.is_empty());
        for key in &replica_sets {
            self.sync_replica_set(key);
        }
        for key in &unscheduled {
            self.schedule(key);
        }
        for key in &deployments {
            self.sync_deployment(key);
        }
        for key in &services {
            self.sync_endpoints(key);
        }
        for namespace in &budgets {
            self.sync_budgets(namespace);
        }
        for namespace in &quotas {
            self.sync_quotas(namespace);
        }
        busy
    }

    /// Reads what was written since the last time, by whomever.
    fn follow(&mut self) {
        let version = self.store.resource_version();
        if version == self.seen_any {
            return;
        }
        for (position, resource) in FOLLOWED.into_iter().enumerate() {
            let changes = if let Ok((changes, seen)) = self.store.changes_since(resource, self.seen[position]) {
                self.seen[position] = seen;
                changes
            } else {
                let listing = self.store.list(resource, &Query::default());
                self.seen[position] = listing.resource_version;
                if resource == Resource::Pods {
                    self.forget_absent_pods();
                }
                let added = |object| Change { version: listing.resource_version, kind: ChangeKind::Added, object, previous: None };
                listing.items.into_iter().map(added).collect()
            };
            for change in changes {
                self.notice(resource, &change);
            }
        }
        self.seen_any = version;
    }

    /// After changes were missed: pods whose removal was among them.
    fn forget_absent_pods(&mut self) {
        let store = &self.store;
        let exists = |key: &Key| store.get(Resource::Pods, &key.0, &key.1).is_some();
        self.runs.retain(|key, _| exists(key));
        self.unscheduled.retain(|key| exists(key));
        for node in self.nodes.values_mut() {
            node.counted.retain(|key, _| exists(key));
            node.pods = i64::try_from(node.counted.len()).unwrap_or_default();
            node.cpu_used = node.counted.values().sum();
        }
    }

    /// Takes all that was written so far as known: after objects were made in bulk.
    pub(super) fn skip_changes(&mut self, resource: Resource) {
        if let Some(position) = FOLLOWED.iter().position(|followed| *followed == resource) {
            self.seen[position] = self.store.resource_version();
        }
    }

    fn notice(&mut self, resource: Resource, change: &Change) {
        let object = &change.object;
        let key = key_of(object);
        match resource {
            Resource::Namespaces if change.kind == ChangeKind::Added => self.furnish(&key.1),
            Resource::Deployments if change.kind != ChangeKind::Deleted => {
                self.dirty_deployments.insert(key);
            }
            Resource::ReplicaSets => {
                if let Some(owner) = controller(object, "Deployment") {
                    self.dirty_deployments.insert((key.0.clone(), owner.to_owned()));
                }
                if change.kind != ChangeKind::Deleted {
                    self.dirty_replica_sets.insert(key);
                }
            }
            Resource::StatefulSets if change.kind != ChangeKind::Deleted => {
                self.dirty_stateful_sets.insert(key);
            }
            Resource::DaemonSets if change.kind != ChangeKind::Deleted => {
                self.dirty_daemon_sets.insert(key);
            }
            Resource::Pods => self.notice_pod(key, change),
            Resource::Nodes => self.notice_node(change),
            Resource::Services if change.kind != ChangeKind::Deleted => {
                self.dirty_services.insert(key);
            }
            Resource::Services => self.forget_endpoints(&key),
            Resource::ConfigMaps => {
                if key.0 == super::platform::PRODUCTION {
                    let data = object.get("data").filter(|_| change.kind != ChangeKind::Deleted);
                    let now = self.now();
                    self.settings.note(&key.1, data, now);
                }
                self.config_map_changed(&key);
            }
            Resource::PodDisruptionBudgets if change.kind != ChangeKind::Deleted => {
                self.dirty_budgets.insert(key.0);
            }
            Resource::ResourceQuotas => {
                self.dirty_quotas.insert(key.0.clone());
                // A higher limit lets in what a lower one kept out.
                let waiting = self.store.list(Resource::ReplicaSets, &Query::namespace(&key.0));
                self.dirty_replica_sets.extend(waiting.items.iter().map(|replica_set| key_of(replica_set)));
            }
            _ => {}
        }
    }

    fn notice_pod(&mut self, key: Key, change: &Change) {
        let pod = &change.object;
        if let Some(owner) = controller(pod, "ReplicaSet") {
            let set = (key.0.clone(), owner.to_owned());
            // A deployment that recreates its pods waits for the last old one (`deletePod` of the deployment controller).
            if change.kind == ChangeKind::Deleted
                && let Some(replica_set) = self.store.get(Resource::ReplicaSets, &set.0, &set.1)
                && let Some(deployment) = controller(&replica_set, "Deployment")
            {
                self.dirty_deployments.insert((key.0.clone(), deployment.to_owned()));
            }
            self.dirty_replica_sets.insert(set);
        }
        if let Some(owner) = controller(pod, "StatefulSet") {
            self.dirty_stateful_sets.insert((key.0.clone(), owner.to_owned()));
        }
        if let Some(owner) = controller(pod, "DaemonSet") {
            self.dirty_daemon_sets.insert((key.0.clone(), owner.to_owned()));
        }
        let relevant = |pod: &Value| (super::pod::is_ready(pod), super::pod::is_terminating(pod), pod.pointer("/metadata/labels").cloned());
        if change.kind != ChangeKind::Modified {
            self.dirty_quotas.insert(key.0.clone());
        }
        if change.kind != ChangeKind::Modified || change.previous.as_ref().is_none_or(|before| relevant(before) != relevant(pod)) {
            self.mark_services_of(&key.0, pod, change.previous.as_deref());
            self.dirty_budgets.insert(key.0.clone());
        }
        self.count_on_node(change);
        match change.kind {
            ChangeKind::Deleted => {
                self.runs.remove(&key);
                self.unscheduled.remove(&key);
            }
            ChangeKind::Added | ChangeKind::Modified => {
                if super::pod::node(pod).is_none() && !super::pod::is_terminating(pod) {
                    self.unscheduled.insert(key);
                } else {
                    self.observe_pod(&key, change);
                }
            }
        }
    }

    fn mark_services_of(&mut self, namespace: &str, pod: &Value, before: Option<&Value>) {
        let services = self.store.list(Resource::Services, &Query::namespace(namespace));
        for service in services.items {
            let selects = |pod: &Value| super::endpoints::selects(&service, pod);
            if selects(pod) || before.is_some_and(selects) {
                self.dirty_services.insert(key_of(&service));
            }
        }
    }
}

/// Namespace and name of an object.
pub fn key_of(object: &Value) -> Key {
    (text(object, "namespace").to_owned(), text(object, "name").to_owned())
}

/// The name of the controlling owner of that kind.
pub fn controller<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true && owner["kind"] == kind)?;
    owner["name"].as_str()
}

/// An `ownerReferences` entry for a controlling owner.
pub fn owner_reference(owner: &Value) -> Value {
    serde_json::json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": text(owner, "name"), "uid": text(owner, "uid"),
        "controller": true, "blockOwnerDeletion": true,
    })
}
