//! Pods that should run and do not exist: of deployments that want more than there are.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::cluster::{Cluster, Index};
use crate::domain::{
    object::Key,
    pod::Pod,
    standing::Standing,
    text::Text,
    units,
    workload::{Deployment, ReplicaSet},
};

/// A deployment that has too few pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub deployment: Key,
    /// Pods that exist, and are not on their way out.
    pub has: u32,
    pub wants: u32,
    /// How many of the missing no replica set asks for yet.
    beyond_sets: u32,
    /// Why no pod could be made, as the server told it.
    pub why: Option<Text>,
}

impl Missing {
    pub fn count(&self) -> u32 {
        self.wants.saturating_sub(self.has)
    }

    /// `u-hist1 2/5 (exceeded quota: pods)`.
    pub fn in_words(&self) -> String {
        let why = self.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        format!("{} {}/{}{why}", self.deployment.name, self.has, self.wants)
    }
}

/// Deployments that are named; the others are counted.
const NAMED: usize = 3;

/// `5 missing: u-hist1 2/5, web 0/2`; none where none is.
pub fn in_words(missing: &[Missing]) -> Option<String> {
    let count: u64 = missing.iter().map(|one| u64::from(one.count())).sum();
    (count > 0).then(|| format!("{} missing: {}", units::thousands(count), units::first_few(missing.iter().map(Missing::in_words), NAMED)))
}

/// A pod that counts for its replica set.
pub fn counts_for(pod: &Pod) -> Option<Key> {
    let owner = pod.owner.as_ref().filter(|owner| owner.kind == "ReplicaSet")?;
    let is_there = !pod.has_ended() && pod.deleting_since.is_none();
    is_there.then(|| Key { namespace: pod.key.namespace.clone(), name: owner.name.clone() })
}

/// By deployment, in the order of their names. `has` says how many pods a replica set has.
pub fn of(deployments: &Index<Deployment>, sets: &Index<ReplicaSet>, has: impl Fn(&Key) -> u32) -> Vec<Missing> {
    if !deployments.is_complete || !sets.is_complete {
        return Vec::new();
    }
    // One that its controller has not seen as it is now is not short of anything yet.
    let is_short = |one: &&Deployment| one.ready < one.replicas && one.observed_generation >= one.generation;
    let short: Vec<&Deployment> = deployments.objects.values().filter(is_short).collect();
    if short.is_empty() {
        return Vec::new();
    }
    // By uid: pods that there are, and pods that its replica sets want.
    let mut counts: BTreeMap<&Text, (u32, u32)> = short.iter().map(|deployment| (&deployment.uid, (0, 0))).collect();
    for (key, set) in &sets.objects {
        if let Some((there, wanted)) = set.owner.as_ref().and_then(|owner| counts.get_mut(&owner.uid)) {
            *there = there.saturating_add(has(key));
            *wanted = wanted.saturating_add(set.replicas);
        }
    }
    let missing = short.into_iter().map(|deployment| {
        let (has, wanted) = counts.get(&deployment.uid).copied().unwrap_or_default();
        Missing {
            deployment: deployment.key.clone(),
            has,
            wants: deployment.replicas,
            beyond_sets: deployment.replicas.saturating_sub(wanted),
            why: deployment.refused.clone(),
        }
    });
    missing.filter(|one| one.has < one.wants).collect()
}

impl Cluster {
    pub fn missing(&self) -> Vec<Missing> {
        if !self.pods.is_complete {
            return Vec::new();
        }
        of(&self.deployments, &self.replica_sets, |set| self.pods_of_sets.get(set).copied().unwrap_or(0))
    }

    /// Pods that are not to be expected to be ready yet.
    pub fn starting_pods(&self, server_now: DateTime<Utc>) -> usize {
        let pods = self.maturing.iter().filter_map(|(_, key)| self.pods.get(key));
        pods.filter(|pod| pod.standing(server_now) == Standing::Starting).count()
    }

    /// Pods that should be ready: as many as the workloads want, whether they exist or not.
    pub fn should_run(&self, missing: &[Missing]) -> usize {
        self.expected_pods() + missing.iter().map(|one| one.beyond_sets as usize).sum::<usize>()
    }
}
