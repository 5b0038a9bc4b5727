//! Stateful sets and daemon sets, and what holds a stateful set up.
//!
//! The rules are those of the controller (`pkg/controller/statefulset/stateful_set_control.go`): pods are made from the lowest ordinal
//! on and replaced from the highest on, one at a time, and unless its policy is `Parallel` nothing is done beyond a pod that is not ready.

use chrono::{DateTime, Utc};

use super::{object::Key, pod::Pod, text::Text};

/// The label of a pod that names its revision.
const REVISION: &str = "controller-revision-hash";
/// Ordinals that are looked at: a stateful set of more is told by its counts alone.
const MOST_ORDINALS: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatefulSet {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    /// Desired replicas.
    pub replicas: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
    /// The first ordinal.
    pub first: u32,
    /// Name of the service that governs its pods' names.
    pub service: Text,
    /// Pods are made and replaced one after the other: the policy is not `Parallel`.
    pub is_ordered: bool,
    pub updates: Updates,
    /// Revision of pods that were not updated, and the one that an update leads to.
    pub current_revision: Text,
    pub update_revision: Text,
    pub generation: u64,
    pub observed_generation: u64,
    pub images: Box<[(Text, Text)]>,
    /// `matchLabels` of the selector.
    pub selector: Box<[(Text, Text)]>,
}

/// How pods of an old revision are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    /// By the controller; of a stateful set those from the ordinal `partition` on.
    Rolling { partition: u32 },
    /// When somebody deletes them.
    OnDelete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSet {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    /// Nodes that should run a pod of it.
    pub desired: u32,
    /// Those of them that do.
    pub current: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
    /// Nodes that run one and should not.
    pub misscheduled: u32,
    pub updates: Updates,
    pub generation: u64,
    pub observed_generation: u64,
    pub images: Box<[(Text, Text)]>,
    pub selector: Box<[(Text, Text)]>,
}

/// How much a person should mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Note,
    Warning,
    Critical,
}

/// What is to be said of a set that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub weight: Weight,
    pub words: String,
}

impl Said {
    fn new(weight: Weight, words: String) -> Self {
        Self { weight, words }
    }
}

/// A pod by its ordinal.
#[derive(Clone, Copy)]
struct Place<'p> {
    pod: &'p Pod,
    is_old: bool,
}

impl<'p> Place<'p> {
    fn is_ready(self) -> bool {
        self.pod.is_ready && self.pod.deleting_since.is_none() && !self.pod.is_node_lost
    }

    fn name(self) -> &'p str {
        self.pod.key.name.as_str()
    }
}

impl StatefulSet {
    /// Keys of the pods that it should have, the lowest ordinal first.
    pub fn pods(&self) -> impl DoubleEndedIterator<Item = Key> {
        let last = self.first.saturating_add(self.replicas.min(MOST_ORDINALS));
        (self.first..last).map(|ordinal| Key { namespace: self.key.namespace.clone(), name: Text::line(&format!("{}-{ordinal}", self.key.name)) })
    }

    /// Whether every pod is there, ready, and of the revision that is wanted, by the counts.
    pub fn is_whole(&self) -> bool {
        self.ready >= self.replicas && self.updated >= self.replicas && self.observed_generation >= self.generation
    }

    /// What keeps it from being whole; none where nothing does. `find` finds a pod, once all of them are known.
    pub fn trouble<'p>(&self, find: impl Fn(&Key) -> Option<&'p Pod>, now: DateTime<Utc>) -> Option<Said> {
        if self.is_whole() {
            return None;
        }
        let is_own = |pod: &&Pod| !pod.has_ended() && pod.owner.as_ref().is_some_and(|owner| owner.uid == self.uid);
        let place = |pod: &'p Pod| Place { pod, is_old: pod.label(REVISION).is_some_and(|revision| *revision != self.update_revision) };
        let places: Vec<(Key, Option<Place<'p>>)> = self.pods().map(|key| (key.clone(), find(&key).filter(is_own).map(place))).collect();
        let said = self.unmade(&places, now).or_else(|| self.unfinished(&places, now)).or_else(|| unready(&places, now));
        said.or_else(|| unseen(self.generation, self.observed_generation))
    }

    /// Pods that do not exist.
    fn unmade(&self, places: &[(Key, Option<Place<'_>>)], now: DateTime<Utc>) -> Option<Said> {
        let at = places.iter().position(|(_, place)| place.is_none())?;
        let name = &places[at].0.name;
        let blocker = places[..at].iter().filter_map(|(_, place)| *place).find(|place| !place.is_ready()).filter(|_| self.is_ordered);
        Some(match blocker {
            Some(blocker) => Said::new(weight(blocker, now), format!("{}: {name} waits for it", state(blocker, now))),
            None => Said::new(Weight::Warning, format!("{name} does not exist")),
        })
    }

    /// An update that has pods of the old revision before it.
    fn unfinished(&self, places: &[(Key, Option<Place<'_>>)], now: DateTime<Utc>) -> Option<Said> {
        let partition = match self.updates {
            Updates::Rolling { partition } => partition,
            Updates::OnDelete => 0,
        };
        // Places are counted from the first ordinal, partitions from zero.
        let held = usize::try_from(partition.saturating_sub(self.first)).unwrap_or(usize::MAX).min(places.len());
        let known = |places: &[(Key, Option<Place<'_>>)]| places.iter().filter_map(|(_, place)| place.filter(|place| place.is_old)).count();
        let old = known(&places[held..]);
        let many = |count: usize| format!("{count} {}", if count == 1 { "pod has" } else { "pods have" });
        if old == 0 {
            let behind = known(&places[..held]);
            return (behind > 0)
                .then(|| Said::new(Weight::Note, format!("{} the old revision: partition {partition} holds the update", many(behind))));
        }
        if self.updates == Updates::OnDelete {
            return Some(Said::new(Weight::Warning, format!("{} the old revision until deleted (OnDelete)", many(old))));
        }
        let unready = || places.iter().filter_map(|(_, place)| *place).filter(|place| !place.is_ready());
        let updated = unready().rfind(|place| !place.is_old);
        let Some(blocker) = updated.or_else(|| unready().next().filter(|_| self.is_ordered)) else {
            return Some(Said::new(Weight::Note, format!("updating, {old} to go")));
        };
        let is_ill = blocker.pod.is_unhealthy(now);
        Some(match () {
            // The controller replaces no pod while one before it is not ready, and that one neither.
            () if is_ill && blocker.is_old => {
                Said::new(Weight::Critical, format!("{} with an old revision: the update goes on once it is deleted", state(blocker, now)))
            }
            () if is_ill => Said::new(Weight::Critical, format!("update stuck at {}, {old} to go", state(blocker, now))),
            () => Said::new(Weight::Note, format!("updating, {old} to go: {} starts", blocker.name())),
        })
    }
}

/// Its counts are of what was before.
fn unseen(generation: u64, observed: u64) -> Option<Said> {
    (observed < generation).then(|| Said::new(Weight::Note, "its controller has not seen the last change yet".into()))
}

/// Pods that are there and not ready.
fn unready(places: &[(Key, Option<Place<'_>>)], now: DateTime<Utc>) -> Option<Said> {
    let unready = || places.iter().filter_map(|(_, place)| *place).filter(|place| !place.is_ready());
    let worst = unready().find(|place| place.pod.is_unhealthy(now)).or_else(|| unready().next())?;
    let others = unready().count() - 1;
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    Some(Said::new(weight(worst, now), format!("{}{more}", state(worst, now))))
}

fn weight(place: Place<'_>, now: DateTime<Utc>) -> Weight {
    if place.pod.is_unhealthy(now) { Weight::Critical } else { Weight::Note }
}

/// `db-1 CrashLoopBackOff`, `db-1 not ready`.
fn state(place: Place<'_>, now: DateTime<Utc>) -> String {
    let cell = place.pod.status_cell(now);
    format!("{} {}", place.name(), if cell == "Running" { "not ready" } else { cell.as_str() })
}

impl DaemonSet {
    /// What keeps it from being whole; none where nothing does.
    pub fn trouble(&self) -> Option<Said> {
        if let Some(said) = unseen(self.generation, self.observed_generation) {
            return Some(said);
        }
        let missing = self.desired.saturating_sub(self.current);
        let unready = self.desired.min(self.current).saturating_sub(self.ready);
        let old = self.desired.saturating_sub(self.updated);
        let mut parts = Vec::new();
        if missing > 0 {
            parts.push(format!("{missing} missing"));
        }
        if unready > 0 {
            parts.push(format!("{unready} not ready"));
        }
        match self.updates {
            _ if old == 0 => {}
            Updates::OnDelete => parts.push(format!("{old} of the old revision until deleted (OnDelete)")),
            Updates::Rolling { .. } => parts.push(format!("updating, {old} to go")),
        }
        if self.misscheduled > 0 {
            parts.push(format!("{} where none should run", self.misscheduled));
        }
        let weight = if missing + unready + self.misscheduled > 0 || self.updates == Updates::OnDelete { Weight::Warning } else { Weight::Note };
        (!parts.is_empty()).then(|| Said::new(weight, parts.join(", ")))
    }
}

#[cfg(test)]
mod tests;
