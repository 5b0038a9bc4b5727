//! The revisions that deployments ran: which one came after which, when, and by whom.
//!
//! A replica set tells the revision that it has and those that it had. Made for a revision, its creation is that revision's
//! beginning; taken into use again for a later one (a rollback), it is older than its predecessor and its creation says nothing.
//! Then an event of its scaling up from nothing tells the time, else the writers of the template and of the set's revision, which
//! are never earlier than that: the server moves their times with any other field that they write.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    change::{Change, ChangeKind},
    object::{Key, Kind, ObjectRef},
    text::Text,
    workload::{Deployment, Event, ReplicaSet},
};

/// Revisions remembered beyond what the sets tell.
const MOST_REMEMBERED: usize = 2_000;
/// Times of the server are of whole seconds.
const RESOLUTION: TimeDelta = TimeDelta::seconds(2);
/// The controller follows a scale of the deployment this soon, and moves the time of its set's entry.
const FOLLOWS: TimeDelta = TimeDelta::seconds(60);

/// What was once known of a revision, which its objects may not tell any more.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Known {
    pub at: Option<DateTime<Utc>>,
    /// From an event: no other source is better.
    is_told: bool,
    by: Option<Text>,
}

impl Known {
    /// Seen to begin at this time.
    pub fn seen(at: DateTime<Utc>) -> Self {
        Self { at: Some(at), is_told: false, by: None }
    }

    /// Takes up another account of the same beginning: an event before the rest, and then the earlier one, so that the time
    /// shown never goes back and forth.
    fn learn(&mut self, at: DateTime<Utc>, is_told: bool) {
        if (is_told && !self.is_told) || (is_told == self.is_told && self.at.is_none_or(|known| at < known)) {
            self.at = Some(at);
            self.is_told = is_told;
        }
    }
}

/// By deployment and revision.
pub type Memory = BTreeMap<(Key, u64), Known>;

/// When replica sets were scaled up from nothing, by namespace and name.
#[derive(Debug, Default)]
pub struct Starts(BTreeMap<Key, Vec<DateTime<Utc>>>);

impl Starts {
    /// From the events of deployments: `Scaled up replica set shop-5d8 from 0 to 2`.
    pub fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut starts: BTreeMap<Key, Vec<DateTime<Utc>>> = BTreeMap::new();
        for event in events.filter(|event| event.reason == SCALING) {
            let Some((set, from, _)) = scaling(&event.message) else { continue };
            if from == Some(0) {
                let times = starts.entry(Key { namespace: event.key.namespace.clone(), name: set.into() }).or_default();
                times.extend(event.first_seen.into_iter().chain(event.last_seen));
            }
        }
        Self(starts)
    }

    /// The first from `earliest` on and before `end`.
    fn first(&self, set: &Key, earliest: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let fits = |at: &DateTime<Utc>| earliest.is_none_or(|earliest| *at >= earliest - RESOLUTION) && end.is_none_or(|end| *at < end);
        self.0.get(set)?.iter().copied().filter(fits).min()
    }
}

/// The reason of an event that tells how a deployment scaled a replica set.
pub const SCALING: &str = "ScalingReplicaSet";

/// Set, former count where it is told, and new count: `Scaled up replica set shop-5d8 from 0 to 2`.
pub fn scaling(message: &str) -> Option<(&str, Option<u32>, u32)> {
    let rest = message.strip_prefix("Scaled up replica set ").or_else(|| message.strip_prefix("Scaled down replica set "))?;
    let (set, counts) = rest.split_once(' ')?;
    match counts.strip_prefix("from ") {
        Some(counts) => {
            let (from, to) = counts.split_once(" to ")?;
            Some((set, Some(from.parse().ok()?), to.parse().ok()?))
        }
        None => Some((set, None, counts.strip_prefix("to ")?.parse().ok()?)),
    }
}

/// One revision of a deployment.
struct Revision<'a> {
    number: u64,
    set: &'a ReplicaSet,
    /// The revision of the same template that ran before.
    former: Option<u64>,
}

impl Revision<'_> {
    /// When its set was made for it.
    fn made(&self) -> Option<DateTime<Utc>> {
        self.former.is_none().then_some(self.set.created)
    }

    /// Its set has it still.
    fn is_current(&self) -> bool {
        self.number == self.set.revision
    }
}

/// Every revision that followed another one since a time. `memory` keeps what is known of these.
pub fn rollouts<'a>(
    sets: impl Iterator<Item = &'a ReplicaSet>,
    deployments: &BTreeMap<Key, Deployment>,
    starts: &Starts,
    memory: &mut Memory,
    since: DateTime<Utc>,
) -> Vec<Change> {
    let mut by_deployment: BTreeMap<(&Text, &Text), Vec<&ReplicaSet>> = BTreeMap::new();
    for set in sets {
        if let Some(owner) = set.owner.as_ref().filter(|owner| owner.kind == "Deployment" && set.revision > 0) {
            by_deployment.entry((&set.key.namespace, &owner.name)).or_default().push(set);
        }
    }
    let former = std::mem::take(memory);
    let mut changes = Vec::new();
    for ((namespace, name), sets) in by_deployment {
        // Nothing of it was made or written since.
        if sets.len() < 2 && sets.iter().all(|set| set.history.is_empty()) || sets.iter().all(|set| is_old(set, since)) {
            continue;
        }
        let key = Key { namespace: namespace.clone(), name: name.clone() };
        let history = History { deployment: deployments.get(&key), revisions: revisions(&sets), sets, key };
        let dates = history.dates(starts, &former);
        history.tell(&dates, since, &mut changes, memory);
    }
    changes
}

fn is_old(set: &ReplicaSet, since: DateTime<Utc>) -> bool {
    set.created < since && if set.history.is_empty() { true } else { set.revised_at.is_some_and(|at| at < since) }
}

/// Oldest first.
fn revisions<'a>(sets: &[&'a ReplicaSet]) -> Vec<Revision<'a>> {
    let mut revisions: Vec<Revision<'a>> = Vec::new();
    for set in sets {
        let mut former = None;
        for number in set.history.iter().copied().chain([set.revision]) {
            revisions.push(Revision { number, set, former });
            former = Some(number);
        }
    }
    revisions.sort_by_key(|revision| (revision.number, !revision.is_current()));
    revisions.dedup_by_key(|revision| revision.number);
    revisions
}

struct History<'a> {
    key: Key,
    deployment: Option<&'a Deployment>,
    sets: Vec<&'a ReplicaSet>,
    revisions: Vec<Revision<'a>>,
}

impl History<'_> {
    /// When each revision began, and by whom.
    fn dates(&self, starts: &Starts, former: &Memory) -> Vec<Known> {
        let former = |number: u64| former.get(&(self.key.clone(), number));
        let newest = self.revisions.last().map_or(0, |revision| revision.number);
        let mut dates: Vec<Known> = Vec::with_capacity(self.revisions.len());
        for (index, revision) in self.revisions.iter().enumerate() {
            let others = self.sets.iter().filter(|set| set.uid != revision.set.uid && first(set) < revision.number).map(|set| set.created);
            let earliest = others.max();
            let before = dates.last().and_then(|known| known.at);
            let next = self.revisions.get(index + 1);
            let end = next.and_then(|next| next.made().or_else(|| former(next.number)?.at));
            let mut known = former(revision.number).cloned().unwrap_or_default();
            if let Some(made) = revision.made().filter(|made| earliest.is_none_or(|earliest| *made >= earliest)) {
                known.learn(made, true);
            } else if let Some(told) = starts.first(&revision.set.key, earliest.max(before), end) {
                known.learn(told, true);
            } else if let Some(written) =
                Some(revision).filter(|revision| revision.number == newest).and_then(|newest| self.written(newest, earliest))
            {
                known.learn(written, false);
            }
            if known.by.is_none() && revision.is_current() {
                known.by.clone_from(&revision.set.changed_by);
            }
            dates.push(known);
        }
        dates
    }

    /// What the writers say of the newest revision; a time before `earliest` is of another write.
    fn written(&self, revision: &Revision<'_>, earliest: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let fits = |at: &DateTime<Utc>| earliest.is_none_or(|earliest| *at >= earliest);
        let deployment = self.deployment.filter(|deployment| deployment.revision == revision.number);
        let template = deployment.and_then(|deployment| deployment.template_written.as_ref()?.at).filter(fits);
        let set = revision.set.revised_at.filter(fits);
        let scaled = self.deployment.and_then(|deployment| deployment.replicas_written.as_ref()?.at);
        let follows_a_scale = |at: &DateTime<Utc>| scaled.is_some_and(|scaled| *at >= scaled - RESOLUTION && *at <= scaled + FOLLOWS);
        match (template, set) {
            (Some(template), Some(set)) => Some(template.min(set)),
            (Some(template), None) => Some(template),
            (None, set) => set.filter(|set| !follows_a_scale(set)),
        }
    }

    /// The newest revision before this one that ran these images.
    fn ran_before(&self, number: u64, images: &[(Text, Text)]) -> Option<u64> {
        let earlier = self.revisions.iter().rev().filter(|revision| revision.number < number);
        earlier.filter(|revision| *revision.set.images == *images).map(|revision| revision.number).next()
    }

    fn tell(&self, dates: &[Known], since: DateTime<Utc>, changes: &mut Vec<Change>, memory: &mut Memory) {
        for (index, pair) in self.revisions.windows(2).enumerate() {
            let [before, after] = pair else { continue };
            let at = dates[index + 1].at;
            // It began before the next one, and the newest before its set's revision was last written.
            let at_the_latest = match dates.get(index + 2) {
                Some(next) => next.at,
                None => after.set.revised_at,
            };
            // Only what runs, and what it took the place of, is worth a line without a time.
            let is_among_the_last = index + 3 >= self.revisions.len();
            if !at.map_or_else(|| is_among_the_last && at_the_latest.is_none_or(|at| at >= since), |at| at >= since) {
                continue;
            }
            let uid = after.set.owner.as_ref().map(|owner| owner.uid.clone()).unwrap_or_default();
            // The numbers have no gap: where the set of the one before is gone, that one ran all the same.
            let from = after.number.saturating_sub(1);
            let images = if before.number == from { differing(&before.set.images, &after.set.images) } else { Vec::new() };
            let images_of = if images.is_empty() { None } else { self.ran_before(before.number, &after.set.images) };
            changes.push(Change {
                at,
                object: ObjectRef { kind: Kind::Deployment, key: self.key.clone(), uid },
                what: ChangeKind::Rollout { from, to: after.number, images, brings_back: after.former, images_of },
                by: dates[index + 1].by.clone(),
            });
            if memory.len() < MOST_REMEMBERED {
                memory.insert((self.key.clone(), after.number), dates[index + 1].clone());
            }
        }
    }
}

/// The first revision of a set.
fn first(set: &ReplicaSet) -> u64 {
    set.history.first().copied().unwrap_or(set.revision)
}

fn differing(before: &[(Text, Text)], after: &[(Text, Text)]) -> Vec<(Text, Text, Text)> {
    let old = |container: &Text| before.iter().find(|(name, _)| name == container).map(|(_, image)| image);
    after
        .iter()
        .filter_map(|(container, image)| old(container).filter(|old| *old != image).map(|old| (container.clone(), old.clone(), image.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
