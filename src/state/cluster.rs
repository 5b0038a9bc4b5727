//! The Kubernetes objects as last seen, by key.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    change::Change,
    object::Key,
    observation::Delta,
    pod::Pod,
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
}

impl Cluster {
    /// Pods that should be ready.
    pub fn expected_pods(&self) -> usize {
        self.pods.len() - self.completed_pods
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
