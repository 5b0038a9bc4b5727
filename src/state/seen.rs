//! Changes that the objects do not tell for long, or not at all: seen between two looks at an object, and kept for a day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    change::{self, Change, ChangeKind},
    object::{Key, Kind, ObjectRef},
    pod::Pod,
    revisions::{self, Known, Memory},
    text::Text,
    workload::{Autoscaler, ConfigMap, Deployment, Event, ReplicaSet},
};

use super::{State, cluster::Cluster, timeline::EntryKind};

/// Changes kept, and those of one object: a map that a controller writes all the time takes no other's place.
const MOST: usize = 200;
const MOST_OF_ONE: usize = 5;
/// Replica sets whose deleted pods are watched for their replacements, and for how long.
const MOST_BEREFT: usize = 200;
const REPLACED_WITHIN: TimeDelta = TimeDelta::minutes(2);
/// Pods that something befell before nodes and replica sets were listed.
const MOST_EARLY: usize = 200;
/// Pods of own deletions that are kept.
const MOST_OWN: usize = 2_000;
/// Deletions this close together are one.
const TOGETHER: TimeDelta = TimeDelta::seconds(60);
/// Events are written this soon after what they tell of.
const TOLD_WITHIN: TimeDelta = TimeDelta::seconds(10);

#[derive(Debug, Default)]
pub struct Seen {
    /// Of rollouts, which the replica sets tell.
    pub(super) revisions: Memory,
    /// The others, in no order.
    changes: Vec<Change>,
    /// Pods that were deleted and whose replica set may ask for others, by its key.
    bereft: BTreeMap<Key, Bereft>,
    /// Uids of pods that sev1 was asked to delete.
    own: BTreeSet<Text>,
    /// What befell pods before nodes and replica sets were listed, in its order.
    early: Vec<Turn>,
}

/// A replica set that lost pods by somebody's request.
#[derive(Debug)]
struct Bereft {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    /// What it asked for then.
    replicas: u32,
    lost: BTreeSet<Text>,
    /// Pods made since, of the replica set.
    made: BTreeSet<Text>,
}

impl Seen {
    /// These pods are deleted by sev1.
    pub(super) fn deleted_by_us(&mut self, pods: impl Iterator<Item = Text>) {
        // The oldest are no longer told of then: nothing has so many pods deleted from here in a day.
        if self.own.len() >= MOST_OWN {
            self.own.clear();
        }
        self.own.extend(pods.take(MOST_OWN));
    }

    fn add(&mut self, change: Change) {
        if let Some(known) = self.changes.iter_mut().find(|known| known.is_same_as(&change)) {
            *known = change;
            return;
        }
        let oldest = |changes: &[Change], of: Option<&ObjectRef>| {
            let own = changes.iter().enumerate().filter(|(_, change)| of.is_none_or(|object| change.object == *object));
            own.min_by_key(|(_, change)| change.at).map(|(index, _)| index)
        };
        let of_it = self.changes.iter().filter(|known| known.object == change.object).count();
        let full = if of_it >= MOST_OF_ONE {
            oldest(&self.changes, Some(&change.object))
        } else if self.changes.len() >= MOST {
            oldest(&self.changes, None)
        } else {
            None
        };
        if let Some(index) = full {
            self.changes.swap_remove(index);
        }
        self.changes.push(change);
    }

    fn extend(&mut self, change: Option<Change>, since: DateTime<Utc>) -> bool {
        let change = change.filter(|change| change.at.is_none_or(|at| at >= since));
        change.map(|change| self.add(change)).is_some()
    }

    /// A deployment as it was, none at the first look, and as it is.
    pub(super) fn deployment(&mut self, before: Option<&Deployment>, after: &Deployment, since: DateTime<Utc>) -> bool {
        let before = before.filter(|before| before.uid == after.uid);
        let is_revised = before.is_some_and(|before| before.revision != after.revision);
        self.extend(before.map_or_else(|| change::scale_of(after), |before| change::scaled(before, after)), since) || is_revised
    }

    pub(super) fn autoscaler(&mut self, before: Option<&Autoscaler>, after: &Autoscaler, since: DateTime<Utc>) -> bool {
        let before = before.filter(|before| before.uid == after.uid);
        self.extend(before.map_or_else(|| change::bounds_of(after), |before| change::bounds_changed(before, after)), since)
    }

    pub(super) fn config_map(&mut self, before: Option<&ConfigMap>, after: &ConfigMap, since: DateTime<Utc>) -> bool {
        let before = before.filter(|before| before.uid == after.uid);
        self.extend(before.map_or_else(|| change::config_change(after), |before| change::config_changed(before, after)), since)
    }

    /// What controllers say of scaling completes what is known.
    pub(super) fn is_told_by(event: &Event) -> bool {
        event.reason == revisions::SCALING
    }

    /// A replica set whose revision is another one was taken into use again.
    pub(super) fn replica_set(&mut self, before: &ReplicaSet, after: &ReplicaSet, server_now: DateTime<Utc>) {
        // It gives pods up: those that it lost may have been surplus, and what it makes later replaces none of them.
        if after.replicas < before.replicas {
            self.bereft.remove(&after.key);
        }
        let Some(owner) = after.owner.as_ref().filter(|_| before.revision > 0 && before.revision < after.revision) else { return };
        let key = Key { namespace: after.key.namespace.clone(), name: owner.name.clone() };
        self.revisions.entry((key, after.revision)).or_insert_with(|| Known::seen(after.revised_at.unwrap_or(server_now)));
    }
}

/// What befell a pod of a replica set.
#[derive(Debug)]
enum Fate {
    /// Somebody asked for its end.
    Lost {
        node: Option<Text>,
        asked: DateTime<Utc>,
    },
    Made {
        created: DateTime<Utc>,
    },
}

/// A pod of a replica set, and what befell it.
#[derive(Debug)]
struct Turn {
    set: Key,
    pod: Text,
    fate: Fate,
}

impl Cluster {
    /// Follows pods that somebody deletes. A replica set takes surplus pods away itself, and asks for no others then; so a
    /// deletion is somebody's where its set makes another pod afterwards, still asks for as many, and the node is well. Of a pod
    /// that is gone at once, or was gone before the start, nothing is known. What happens before nodes and replica sets were
    /// listed is followed once they are. Returns whether there is something to tell.
    pub(super) fn follow_deletions(&mut self, key: &Key, before: Option<&Pod>) -> bool {
        let Some(pod) = self.pods.get(key) else { return false };
        let Some(owner) = pod.owner.as_ref().filter(|owner| owner.kind == "ReplicaSet") else { return false };
        let fate = match pod.delete_asked {
            Some(asked) if before.is_some_and(|before| before.uid == pod.uid && before.deleting_since.is_none()) => {
                Fate::Lost { node: pod.node.clone(), asked }
            }
            None if before.is_none() => Fate::Made { created: pod.created },
            _ => return false,
        };
        let turn = Turn { set: Key { namespace: key.namespace.clone(), name: owner.name.clone() }, pod: pod.uid.clone(), fate };
        if self.knows_their_places() {
            return self.follow(turn);
        }
        // Of the first list of pods, each is new: only what comes after it is one that somebody's deletion may have called for.
        if self.pods.is_complete && self.seen.early.len() < MOST_EARLY {
            self.seen.early.push(turn);
        }
        false
    }

    /// Follows what waited for the lists of nodes and replica sets. Returns whether there is something to tell.
    pub(super) fn follow_early(&mut self) -> bool {
        if !self.knows_their_places() {
            return false;
        }
        let mut told = false;
        for turn in std::mem::take(&mut self.seen.early) {
            told |= self.follow(turn);
        }
        told
    }

    fn knows_their_places(&self) -> bool {
        self.nodes.is_complete && self.replica_sets.is_complete
    }

    fn follow(&mut self, Turn { set, pod, fate }: Turn) -> bool {
        match fate {
            Fate::Lost { node, asked } => {
                let node = node.and_then(|name| self.nodes.get(&Key { namespace: Text::default(), name }));
                if node.is_some_and(|node| node.ready) {
                    self.lose(&set, pod, asked);
                }
                false
            }
            Fate::Made { created } => {
                let Some(bereft) = self.seen.bereft.get_mut(&set).filter(|bereft| created >= bereft.first) else { return false };
                bereft.made.insert(pod);
                self.tell_deletions(&set)
            }
        }
    }

    fn lose(&mut self, set: &Key, pod: Text, asked: DateTime<Utc>) {
        let Some(replicas) = self.replica_sets.get(set).map(|set| set.replicas).filter(|replicas| *replicas > 0) else { return };
        self.seen.bereft.retain(|_, bereft| asked - bereft.last <= REPLACED_WITHIN);
        if self.seen.bereft.get(set).is_some_and(|bereft| asked - bereft.last > TOGETHER) {
            self.seen.bereft.remove(set);
        }
        if self.seen.bereft.len() >= MOST_BEREFT && !self.seen.bereft.contains_key(set) {
            return;
        }
        let new = || Bereft { first: asked, last: asked, replicas, lost: BTreeSet::new(), made: BTreeSet::new() };
        let bereft = self.seen.bereft.entry(set.clone()).or_insert_with(new);
        bereft.last = bereft.last.max(asked);
        bereft.lost.insert(pod);
    }

    fn tell_deletions(&mut self, key: &Key) -> bool {
        let Some(set) = self.replica_sets.get(key) else { return false };
        let Some(bereft) = self.seen.bereft.get(key).filter(|bereft| set.replicas >= bereft.replicas) else { return false };
        let Some(owner) = set.owner.as_ref().filter(|owner| owner.kind == "Deployment") else { return false };
        let object =
            ObjectRef { kind: Kind::Deployment, key: Key { namespace: key.namespace.clone(), name: owner.name.clone() }, uid: owner.uid.clone() };
        let count = bereft.lost.len().min(bereft.made.len());
        let is_own = bereft.lost.is_subset(&self.seen.own);
        let by = is_own.then(|| Text::line(change::OWN_MANAGER));
        let change = Change { at: Some(bereft.first), object, what: ChangeKind::PodsDeleted { count }, by };
        self.seen.add(change);
        true
    }
}

impl State {
    /// Since when changes are told of.
    pub(super) fn told_since(&self) -> DateTime<Utc> {
        self.server_now() - change::TOLD
    }

    pub(super) fn renew_changes(&mut self) {
        let (now, since) = (self.server_now(), self.told_since());
        let cluster = &mut self.cluster;
        let events = &cluster.events.objects;
        let starts = revisions::Starts::of(events.values());
        let (sets, deployments) = (cluster.replica_sets.objects.values(), &cluster.deployments.objects);
        let mut changes = revisions::rollouts(sets, deployments, &starts, &mut cluster.seen.revisions, since);
        cluster.seen.changes.retain(|change| change.at.is_none_or(|at| at >= since));
        for change in &mut cluster.seen.changes {
            complete(change, events.values());
        }
        changes.extend(cluster.seen.changes.iter().cloned());
        changes.extend(cluster.nodes.objects.values().filter_map(change::node_change));
        let changes = change::latest(changes, now);
        if changes == self.cluster.changes {
            return;
        }
        for change in changes.iter().filter(|change| !self.cluster.changes.contains(change)) {
            // What is better known than before takes the place of what was said of it.
            if let Some(former) = self.cluster.changes.iter().find(|former| former.is_same_as(change)) {
                let text = former.sentence();
                self.timeline.entries.retain(|entry| !(entry.what == EntryKind::Change && Some(entry.at) == former.at && entry.text == text));
            }
            let Some(at) = change.at else { continue };
            self.timeline.add(at, EntryKind::Change, change.sentence());
        }
        self.cluster.changes = changes;
        self.clamp_cockpit();
        self.dirty = true;
    }
}

/// Learns from which number of replicas a deployment was scaled, from the event of its replica set; and when, where the server
/// noted no time: it notes none of a write to the subresource `scale`.
fn complete<'a>(change: &mut Change, events: impl Iterator<Item = &'a Event>) {
    let ChangeKind::Scaled { from, to } = &mut change.what else { return };
    if from.is_some() && change.at.is_some() {
        return;
    }
    let told = events.filter_map(|event| {
        let is_its = event.reason == revisions::SCALING && event.about.2 == change.object.uid && event.count == 1;
        let seen = event.last_seen.filter(|seen| change.at.is_none_or(|at| *seen >= at && *seen - at <= TOLD_WITHIN))?;
        let (_, former, count) = revisions::scaling(&event.message).filter(|_| is_its)?;
        former.filter(|former| count == *to && from.is_none_or(|from| from == *former)).map(|former| (seen, former))
    });
    if let Some((seen, former)) = told.max_by_key(|(seen, _)| *seen) {
        *from = Some(former);
        change.at = change.at.or(Some(seen));
    }
}
