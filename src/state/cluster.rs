//! The Kubernetes objects as last seen, by key.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{columns::KINDS, indices::with_index, missing, seen::Seen};
use crate::domain::{
    batch::{CronJob, Job},
    change::Change,
    object::{Key, Kind, ObjectRef},
    observation::Delta,
    pod::{Phase, Pod},
    sets::{DaemonSet, StatefulSet},
    text::Text,
    units,
    workload::{Autoscaler, ConfigMap, Deployment, Event, Node, Object, ReplicaSet, Service},
};

#[derive(Debug, Default)]
pub struct Cluster {
    pub pods: Index<Pod>,
    pub deployments: Index<Deployment>,
    pub replica_sets: Index<ReplicaSet>,
    pub stateful_sets: Index<StatefulSet>,
    pub daemon_sets: Index<DaemonSet>,
    pub jobs: Index<Job>,
    pub cron_jobs: Index<CronJob>,
    pub nodes: Index<Node>,
    pub services: Index<Service>,
    pub autoscalers: Index<Autoscaler>,
    pub config_maps: Index<ConfigMap>,
    pub events: Index<Event>,
    /// Pods by what they count as.
    pub counts: PodCounts,
    /// Pods that replica sets have, without those on their way out; kept incrementally.
    pub(super) pods_of_sets: BTreeMap<Key, u32>,
    /// Pods that have not ended, by the uid of their stateful set or daemon set; kept incrementally.
    pub(super) pods_of_owners: BTreeMap<Text, u32>,
    /// Keys of unhealthy pods; kept incrementally.
    pub unhealthy: BTreeSet<Key>,
    /// Newest first.
    pub changes: Vec<Change>,
    /// Pods that stand otherwise by time alone, by when: young ones that count as unhealthy then, and those whose last end is past.
    pub(super) maturing: BTreeSet<(DateTime<Utc>, Key)>,
    /// Warnings by when they were seen last.
    pub(super) warned: BTreeSet<(DateTime<Utc>, Key)>,
    /// What was seen of changes, beyond what the objects tell by themselves.
    pub(super) seen: Seen,
}

impl Cluster {
    /// Pods that should be ready: as many as replica sets, stateful sets and daemon sets want, and what else there is that has not ended.
    pub fn expected_pods(&self) -> usize {
        let active = self.counts.active;
        let expected = if self.replica_sets.is_complete { self.counts.wanted_by_sets + active - self.counts.of_sets } else { active };
        // There are few of these. A set that is not known wants what it has.
        let wanted = self.wanted_by_owners().map(|(uid, wanted)| (wanted as usize, self.pods_of_owner(uid) as usize));
        let (wanted, there) = wanted.fold((0, 0), |(all, present), (wanted, there)| (all + wanted, present + there));
        expected + wanted - there
    }

    pub fn ready_pods(&self) -> usize {
        self.counts.ready
    }

    /// Whether a node is known not to answer, or to be gone.
    pub fn is_node_lost(&self, node: Option<&Text>) -> bool {
        is_node_lost(&self.nodes, node)
    }

    /// The deployment whose pod this is, through its replica set.
    pub fn deployment_of(&self, pod: &Pod) -> Option<Key> {
        let owner = pod.owner.as_ref().filter(|owner| owner.kind == "ReplicaSet")?;
        let in_namespace = |name: &Text| Key { namespace: pod.key.namespace.clone(), name: name.clone() };
        match self.replica_sets.get(&in_namespace(&owner.name)) {
            Some(replica_set) => replica_set.owner.as_ref().filter(|owner| owner.kind == "Deployment").map(|owner| in_namespace(&owner.name)),
            // Not listed yet: a deployment's replica set is named after it, with a hash.
            None => owner.name.rsplit_once('-').map(|(name, _)| in_namespace(&name.into())).filter(|key| self.deployments.get(key).is_some()),
        }
    }

    /// The deployment that an object is, is a pod of, or scales; none of other kinds.
    pub fn deployment_behind(&self, object: &ObjectRef) -> Option<Key> {
        match object.kind {
            Kind::Deployment => Some(object.key.clone()),
            Kind::Pod => self.deployment_of(self.pods.get(&object.key)?),
            Kind::HorizontalPodAutoscaler => {
                let autoscaler = self.autoscalers.get(&object.key).filter(|autoscaler| autoscaler.target_kind == "Deployment")?;
                Some(Key { namespace: autoscaler.key.namespace.clone(), name: autoscaler.target_name.clone() })
            }
            _ => None,
        }
    }

    /// What a pod is part of: its `app` label, else its deployment, else its owner.
    pub fn app_of(&self, pod: &Pod) -> Text {
        let label = pod.label("app").or_else(|| pod.label("app.kubernetes.io/name"));
        label
            .cloned()
            .or_else(|| self.deployment_of(pod).map(|key| key.name))
            .or_else(|| pod.owner.as_ref().map(|owner| owner.name.clone()))
            .unwrap_or_else(|| pod.key.name.clone())
    }

    /// The autoscaler that sets the replicas of a deployment.
    pub fn autoscaler_of(&self, deployment: &Key) -> Option<&Autoscaler> {
        self.autoscaler_of_kind(Kind::Deployment, deployment)
    }

    /// The autoscaler that sets the replicas of a workload of some kind.
    pub fn autoscaler_of_kind(&self, kind: Kind, key: &Key) -> Option<&Autoscaler> {
        let is_its = |autoscaler: &&Autoscaler| {
            autoscaler.key.namespace == key.namespace && kind.is_called(&autoscaler.target_kind) && autoscaler.target_name == key.name
        };
        self.autoscalers.objects.values().find(is_its)
    }

    /// The services that send to a deployment's pods, as far as its selector tells.
    pub fn services_of(&self, deployment: &Key) -> impl Iterator<Item = &Service> {
        let selector: &[(Text, Text)] = self.deployments.get(deployment).map_or(&[], |deployment| &deployment.selector);
        let in_namespace = self.services.objects.values().filter(move |service| service.key.namespace == deployment.namespace);
        in_namespace.filter(move |service| !service.selector.is_empty() && service.selector.iter().all(|label| selector.contains(label)))
    }

    /// Identity of an object that was seen.
    pub fn reference(&self, kind: Kind, key: &Key) -> Option<ObjectRef> {
        let uid = match kind {
            Kind::ReplicaSet => &self.replica_sets.get(key)?.uid,
            kind if KINDS.contains(&kind) => with_index!(self, kind, index => &index.get(key)?.uid),
            _ => return None,
        };
        Some(ObjectRef { kind, key: key.clone(), uid: uid.clone() })
    }

    /// Keeps the counts and the set of unhealthy pods when a pod was added, changed or removed.
    pub fn recount(&mut self, key: &Key, before: Option<&Pod>, server_now: DateTime<Utc>) {
        if let Some(before) = before {
            self.counts.count(before, |count| *count -= 1);
            if let Some(set) = missing::counts_for(before)
                && let Some(count) = self.pods_of_sets.get_mut(&set)
            {
                *count -= 1;
                if *count == 0 {
                    self.pods_of_sets.remove(&set);
                }
            }
            if let Some(uid) = missing::owner_of(before)
                && let Some(count) = self.pods_of_owners.get_mut(uid)
            {
                *count -= 1;
                if *count == 0 {
                    self.pods_of_owners.remove(uid);
                }
            }
            for due in before.vitals().turns().into_iter().flatten() {
                self.maturing.remove(&(due, key.clone()));
            }
        }
        let Some(after) = self.pods.objects.get(key) else {
            self.unhealthy.remove(key);
            return;
        };
        self.counts.count(after, |count| *count += 1);
        if let Some(set) = missing::counts_for(after) {
            *self.pods_of_sets.entry(set).or_default() += 1;
        }
        if let Some(uid) = missing::owner_of(after) {
            *self.pods_of_owners.entry(uid.clone()).or_default() += 1;
        }
        if after.is_unhealthy(server_now) {
            self.unhealthy.insert(key.clone());
        } else {
            self.unhealthy.remove(key);
        }
        if let Some(due) = after.vitals().next_turn(server_now) {
            self.maturing.insert((due, key.clone()));
        }
    }

    /// Keeps what replica sets want when one was added, changed or removed.
    pub(super) fn recount_sets(&mut self, key: &Key, before: Option<&ReplicaSet>) {
        let wanted = |set: Option<&ReplicaSet>| set.map_or(0, |set| set.replicas as usize);
        self.counts.wanted_by_sets = self.counts.wanted_by_sets + wanted(self.replica_sets.get(key)) - wanted(before);
    }

    /// Pods whose standing the time has changed. Says whether there were any.
    pub(super) fn mature(&mut self, server_now: DateTime<Utc>) -> bool {
        let mut found = false;
        while self.maturing.first().is_some_and(|(due, _)| *due <= server_now) {
            let Some((_, key)) = self.maturing.pop_first() else { break };
            let Some(pod) = self.pods.get(&key) else { continue };
            if let Some(next) = pod.vitals().next_turn(server_now) {
                self.maturing.insert((next, key.clone()));
            }
            found |= if pod.is_unhealthy(server_now) { self.unhealthy.insert(key) } else { self.unhealthy.remove(&key) };
        }
        found
    }
}

/// How many pods there are of each kind that is told apart; kept incrementally.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PodCounts {
    /// Those that have not ended.
    pub active: usize,
    pub ready: usize,
    pub evicted: usize,
    /// Those that failed otherwise, and that their controllers replaced.
    pub failed: usize,
    /// Active ones of replica sets.
    of_sets: usize,
    /// As many as replica sets want.
    wanted_by_sets: usize,
}

impl PodCounts {
    /// Whether there are fewer pods than replica sets want, all taken together.
    pub(super) fn are_few(&self) -> bool {
        self.of_sets < self.wanted_by_sets
    }

    fn count(&mut self, pod: &Pod, change: impl Fn(&mut usize)) {
        if pod.has_ended() {
            if pod.phase == Phase::Failed && pod.owner.is_some() {
                change(if pod.status == "Evicted" { &mut self.evicted } else { &mut self.failed });
            }
            return;
        }
        let is_of_set = pod.owner.as_ref().is_some_and(|owner| owner.kind == "ReplicaSet");
        change(&mut self.active);
        if is_of_set {
            change(&mut self.of_sets);
        }
        if pod.is_ready && pod.deleting_since.is_none() && !pod.is_node_lost {
            change(&mut self.ready);
        }
    }

    /// `2 evicted`, `1 failed`; none where no pod ended badly.
    pub fn ended(&self) -> Option<String> {
        let parts = [(self.evicted, "evicted"), (self.failed, "failed")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", units::thousands(count as u64)));
        let parts: Vec<_> = parts.collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Whether a node is known not to answer, or to be gone.
pub fn is_node_lost(nodes: &Index<Node>, node: Option<&Text>) -> bool {
    let Some(node) = node else { return false };
    match nodes.get(&Key::new("", node)) {
        Some(node) => node.is_silent,
        None => nodes.is_complete,
    }
}

/// Objects of one kind, in the order of namespace and name.
#[derive(Debug)]
pub struct Index<T> {
    pub objects: BTreeMap<Key, T>,
    /// Whether a complete listing was received.
    pub is_complete: bool,
    /// Keys of a listing under way that were not seen again yet; removed when it completes.
    unseen: Option<BTreeSet<Key>>,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), is_complete: false, unseen: None }
    }
}

impl<T: Object> Index<T> {
    /// Applies one step and reports what it replaced or removed through `changed(key, before)`.
    pub fn apply(&mut self, delta: Delta<T>, mut changed: impl FnMut(&Key, Option<T>)) {
        match delta {
            Delta::ListStarted => self.unseen = Some(self.objects.keys().cloned().collect()),
            Delta::Applied(object) => {
                let key = object.key().clone();
                if let Some(unseen) = &mut self.unseen {
                    unseen.remove(&key);
                }
                let before = self.objects.insert(key.clone(), object);
                changed(&key, before);
            }
            Delta::Deleted(key) => {
                if let Some(before) = self.objects.remove(&key) {
                    changed(&key, Some(before));
                }
            }
            Delta::Listed => {
                for key in self.unseen.take().unwrap_or_default() {
                    if let Some(before) = self.objects.remove(&key) {
                        changed(&key, Some(before));
                    }
                }
                self.is_complete = true;
            }
        }
    }

    pub fn get(&self, key: &Key) -> Option<&T> {
        self.objects.get(key)
    }

    pub fn len(&self) -> usize {
        self.objects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}
