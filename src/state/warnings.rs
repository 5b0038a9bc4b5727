//! The latest warnings of the events that are watched: kept by single steps, grouped at most once a second.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::{
    object::{Key, Kind},
    time::Mono,
    warning::{self, Bearer, Sighting, Warning},
    workload::Event,
};

use super::{State, cluster::Cluster, columns::KINDS, indices::with_index};

/// Real time between two groupings.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Warnings {
    /// Those that go on first, then the newest first.
    pub list: Vec<Warning>,
    /// Something that they rest on changed.
    pub(super) is_due: bool,
    renewed: Option<Mono>,
    /// When time alone makes them others, by the servers' clock.
    turn: Option<DateTime<Utc>>,
}

impl State {
    /// Groups the warnings again, if that is due and was not done just now. Says whether they are others than before.
    pub(super) fn renew_warnings(&mut self) -> bool {
        let now = self.server_now();
        let is_turned = self.warnings.turn.is_some_and(|turn| turn <= now);
        if !(self.warnings.is_due || is_turned) || !self.warnings_rest().is_zero() {
            return false;
        }
        if self.cluster.warned.is_empty() && self.warnings.list.is_empty() {
            self.warnings.is_due = false;
            return false;
        }
        let recent = self.cluster.warned.range((now - warning::TOLD, Key::new("", ""))..);
        let sightings = recent.filter_map(|(_, key)| Some(self.cluster.sighting(self.cluster.events.get(key)?, now)));
        let (list, turn) = warning::grouped(sightings, now);
        let differs = list != self.warnings.list;
        self.warnings = Warnings { list, is_due: false, renewed: Some(self.now.mono), turn };
        differs
    }

    /// Real time until they may be grouped again.
    fn warnings_rest(&self) -> Duration {
        self.warnings.renewed.map_or(Duration::ZERO, |renewed| AT_MOST_EVERY.saturating_sub(self.real_since(renewed)))
    }

    /// How long the warnings stay as they are, if nothing comes in.
    pub(super) fn warnings_hold(&self) -> Option<Duration> {
        let rest = self.session.speed.counted(self.warnings_rest());
        let turn = self.warnings.turn.map(|turn| turn.signed_duration_since(self.server_now()).to_std().unwrap_or_default().max(rest));
        if self.warnings.is_due { Some(rest) } else { turn }
    }
}

impl Cluster {
    /// Keeps the warnings by their time when an event was added, changed or removed.
    pub(super) fn rewarn(&mut self, key: &Key, before: Option<&Event>) {
        let time = |event: &Event| event.last_seen.filter(|_| event.is_warning);
        if let Some(at) = before.and_then(time) {
            self.warned.remove(&(at, key.clone()));
        }
        if let Some(at) = self.events.get(key).and_then(time) {
            self.warned.insert((at, key.clone()));
        }
    }

    fn sighting<'a>(&self, event: &'a Event, now: DateTime<Utc>) -> Sighting<'a> {
        let (_, name, uid) = &event.about;
        let own = |bearer| Sighting { event, about: name.clone(), bearer };
        let Some(object) = event.object() else { return own(Bearer::Other) };
        let is_other = |known: &crate::domain::text::Text| !uid.is_empty() && known != uid;
        match object.kind {
            Kind::Pod => {
                let Some(pod) = self.pods.get(&object.key).filter(|pod| !is_other(&pod.uid)) else { return self.sighting_of_gone(event) };
                let about = self.deployment_of(pod).map(|key| key.name).or_else(|| pod.owner.as_ref().map(|owner| owner.name.clone()));
                let bearer = if pod.is_ready && !pod.is_unhealthy(now) { Bearer::Well } else { Bearer::Other };
                Sighting { event, about: about.unwrap_or_else(|| name.clone()), bearer }
            }
            Kind::ReplicaSet => {
                let set = self.replica_sets.get(&object.key).filter(|set| !is_other(&set.uid));
                let owner = set.and_then(|set| set.owner.as_ref());
                let is_gone = set.is_none() && self.replica_sets.is_complete;
                let about = owner.map_or_else(|| name.clone(), |owner| owner.name.clone());
                Sighting { event, about, bearer: if is_gone { Bearer::Gone } else { Bearer::Other } }
            }
            kind => {
                let (is_watched, known) = match kind {
                    kind if kind != Kind::Node && KINDS.contains(&kind) => {
                        with_index!(self, kind, index => (index.is_complete, index.get(&object.key).map(|known| &known.uid)))
                    }
                    _ => (false, None),
                };
                // An event about a node has the node's name for its uid.
                let is_gone = is_watched && known.is_none_or(is_other);
                own(if is_gone { Bearer::Gone } else { Bearer::Other })
            }
        }
    }

    /// Of a pod that is not there: a pod of a set has its name, with a few letters after it.
    fn sighting_of_gone<'a>(&self, event: &'a Event) -> Sighting<'a> {
        let name = &event.about.1;
        let set = name.rsplit_once('-').map_or(name.as_str(), |(set, _)| set);
        let set = Key::new(&event.key.namespace, set);
        let owner = self.replica_sets.get(&set).and_then(|set| set.owner.as_ref()).map(|owner| &owner.name);
        // The next pod of a stateful set has the name of the one that is gone.
        let owner = owner.or_else(|| self.stateful_sets.get(&set).map(|set| &set.key.name));
        let about = owner.unwrap_or(name).clone();
        Sighting { event, about, bearer: if self.pods.is_complete { Bearer::Gone } else { Bearer::Other } }
    }
}
