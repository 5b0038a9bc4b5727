//! The Kubernetes objects as last seen, by key.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::seen::Seen;
use crate::domain::{
    change::Change,
    object::{Key, Kind, ObjectRef},
    observation::Delta,
    pod::{Phase, Pod},
    text::Text,
    workload::{Autoscaler, ConfigMap, Deployment, Event, Node, Object, ReplicaSet, Service},
};

#[derive(Debug, Default)]
pub struct Cluster {
    pub pods: Index<Pod>,
    pub deployments: Index<Deployment>,
    pub replica_sets: Index<ReplicaSet>,
    pub nodes: Index<Node>,
    pub services: Index<Service>,
    pub autoscalers: Index<Autoscaler>,
    pub config_maps: Index<ConfigMap>,
    pub events: Index<Event>,
    /// Ready pods; kept incrementally.
    pub ready_pods: usize,
    /// Pods that ended well (jobs): not counted among those that should be ready. Kept incrementally.
    pub completed_pods: usize,
    /// Keys of unhealthy pods; kept incrementally.
    pub unhealthy: BTreeSet<Key>,
    /// Newest first.
    pub changes: Vec<Change>,
    /// Young pods that are not ready yet, by when they count as unhealthy.
    pub(super) maturing: BTreeSet<(DateTime<Utc>, Key)>,
    /// What was seen of changes, beyond what the objects tell by themselves.
    pub(super) seen: Seen,
}

impl Cluster {
    /// Pods that should be ready.
    pub fn expected_pods(&self) -> usize {
        self.pods.len() - self.completed_pods
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
        let is_its = |autoscaler: &&Autoscaler| {
            autoscaler.key.namespace == deployment.namespace && autoscaler.target_kind == "Deployment" && autoscaler.target_name == deployment.name
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
            Kind::Pod => &self.pods.get(key)?.uid,
            Kind::Deployment => &self.deployments.get(key)?.uid,
            Kind::ReplicaSet => &self.replica_sets.get(key)?.uid,
            Kind::Node => &self.nodes.get(key)?.uid,
            Kind::Service => &self.services.get(key)?.uid,
            Kind::HorizontalPodAutoscaler => &self.autoscalers.get(key)?.uid,
            Kind::ConfigMap => &self.config_maps.get(key)?.uid,
            _ => return None,
        };
        Some(ObjectRef { kind, key: key.clone(), uid: uid.clone() })
    }

    /// Keeps the counts and the set of unhealthy pods when a pod was added, changed or removed.
    pub(super) fn recount(&mut self, key: &Key, before: Option<&Pod>, server_now: DateTime<Utc>) {
        if let Some(before) = before {
            self.ready_pods -= usize::from(counts_as_ready(before));
            self.completed_pods -= usize::from(before.phase == Phase::Succeeded);
            self.maturing.remove(&(grown_up(before), key.clone()));
        }
        let Some(after) = self.pods.objects.get(key) else {
            self.unhealthy.remove(key);
            return;
        };
        self.ready_pods += usize::from(counts_as_ready(after));
        self.completed_pods += usize::from(after.phase == Phase::Succeeded);
        if after.is_unhealthy(server_now) {
            self.unhealthy.insert(key.clone());
        } else {
            self.unhealthy.remove(key);
            let due = grown_up(after);
            if due > server_now && after.is_unhealthy(due) {
                self.maturing.insert((due, key.clone()));
            }
        }
    }

    /// Pods that are no longer young enough to be excused. Says whether there were any.
    pub(super) fn mature(&mut self, server_now: DateTime<Utc>) -> bool {
        let mut found = false;
        while self.maturing.first().is_some_and(|(due, _)| *due <= server_now) {
            let Some((_, key)) = self.maturing.pop_first() else { break };
            if self.pods.get(&key).is_some_and(|pod| pod.is_unhealthy(server_now)) {
                found |= self.unhealthy.insert(key);
            }
        }
        found
    }
}

fn counts_as_ready(pod: &Pod) -> bool {
    pod.is_ready && pod.phase != Phase::Succeeded
}

/// When a pod stops being excused for not being ready ([`Pod::is_unhealthy`]).
fn grown_up(pod: &Pod) -> DateTime<Utc> {
    pod.created + chrono::Duration::seconds(30)
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
