//! Pods that should run and do not exist: of deployments, stateful sets and daemon sets that want more than there are.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::cluster::{Cluster, Index};
use crate::domain::{
    object::{Key, Kind, Subject},
    pod::Pod,
    sets::{DaemonSet, StatefulSet, Weight},
    standing::Standing,
    text::Text,
    units,
    workload::{Deployment, ReplicaSet},
};

/// A workload that has too few pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub workload: Subject,
    /// Pods that exist; of a deployment without those on their way out.
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
        format!("{} {}/{}{why}", self.workload.key.name, self.has, self.wants)
    }
}

/// Workloads that are named; the others are counted.
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

/// The uid of the stateful set or daemon set that a pod takes a place of. One on its way out holds its place until it is gone: no other
/// can be made before.
pub fn owner_of(pod: &Pod) -> Option<&Text> {
    let owner = pod.owner.as_ref().filter(|owner| matches!(owner.kind.as_str(), "StatefulSet" | "DaemonSet"))?;
    (!pod.has_ended()).then_some(&owner.uid)
}

/// By deployment, in the order of their names. `has` says how many pods a replica set has. `are_few` says whether there are fewer pods than
/// replica sets want, all taken together: what their status says is as old as their controller's last look, and that may be dead.
pub fn of(deployments: &Index<Deployment>, sets: &Index<ReplicaSet>, are_few: bool, has: impl Fn(&Key) -> u32) -> Vec<Missing> {
    if !deployments.is_complete || !sets.is_complete {
        return Vec::new();
    }
    // One that its controller has not seen as it is now is not short of anything yet.
    let is_short = |one: &&Deployment| (are_few || one.ready < one.replicas) && one.observed_generation >= one.generation;
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
            workload: Subject { kind: Kind::Deployment, key: deployment.key.clone() },
            has,
            wants: deployment.replicas,
            beyond_sets: deployment.replicas.saturating_sub(wanted),
            why: deployment.refused.clone(),
        }
    });
    missing.filter(|one| one.has < one.wants).collect()
}

/// By stateful set, then by daemon set. `has` says how many pods the one with a uid has.
pub fn of_owners(
    stateful: &Index<StatefulSet>,
    daemons: &Index<DaemonSet>,
    pods: &Index<Pod>,
    has: impl Fn(&Text) -> u32,
    now: DateTime<Utc>,
) -> Vec<Missing> {
    let one = |kind: Kind, key: &Key, has: u32, wants: u32, why: Option<Text>| Missing {
        workload: Subject { kind, key: key.clone() },
        has,
        wants,
        beyond_sets: 0,
        why,
    };
    let stateful = stateful.objects.values().filter(|set| set.observed_generation >= set.generation);
    let stateful = stateful.map(|set| (set, has(&set.uid))).filter(|(set, has)| *has < set.replicas).filter_map(|(set, has)| {
        let trouble = set.trouble(|key| pods.get(key), now);
        // A pod that waits for another that has only just started is not missing yet.
        if trouble.as_ref().is_some_and(|said| said.weight == Weight::Note) {
            return None;
        }
        let why = trouble.filter(|said| said.weight == Weight::Critical).map(|said| Text::line(&said.words));
        Some(one(Kind::StatefulSet, &set.key, has, set.replicas, why))
    });
    let daemons = daemons.objects.values().filter(|set| set.observed_generation >= set.generation);
    let daemons = daemons.map(|set| (set, has(&set.uid))).filter(|(set, has)| *has < set.desired);
    stateful.chain(daemons.map(|(set, has)| one(Kind::DaemonSet, &set.key, has, set.desired, None))).collect()
}

impl Cluster {
    pub fn missing(&self, server_now: DateTime<Utc>) -> Vec<Missing> {
        if !self.pods.is_complete {
            return Vec::new();
        }
        let mut missing = of(&self.deployments, &self.replica_sets, self.counts.are_few(), |set| self.pods_of_sets.get(set).copied().unwrap_or(0));
        missing.extend(of_owners(&self.stateful_sets, &self.daemon_sets, &self.pods, |uid| self.pods_of_owner(uid), server_now));
        missing
    }

    pub(super) fn pods_of_owner(&self, uid: &Text) -> u32 {
        self.pods_of_owners.get(uid).copied().unwrap_or(0)
    }

    /// Uids of stateful sets and daemon sets, as far as they were listed, and how many pods each wants.
    pub(super) fn wanted_by_owners(&self) -> impl Iterator<Item = (&Text, u32)> {
        let stateful = self.stateful_sets.objects.values().map(|set| (&set.uid, set.replicas));
        stateful.chain(self.daemon_sets.objects.values().map(|set| (&set.uid, set.desired)))
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
