//! Who wrote a deployment's template, for the replica set that came of it.
//!
//! A replica set's own `managedFields` only ever name the controller; the person or pipeline stands in its deployment's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::domain::{text::Text, workload::Written};

/// Most deployments remembered, and revisions of each.
const MOST: usize = 20_000;
const MOST_REVISIONS: usize = 16;
/// The controller makes or takes a replica set this soon after the template was written, unless the rollout is paused.
const BEFORE: TimeDelta = TimeDelta::seconds(60);
/// Times of `managedFields` and of creations are of whole seconds.
const AFTER: TimeDelta = TimeDelta::seconds(2);

/// When a revision began.
#[derive(Debug, Clone, Copy)]
pub(super) enum Began {
    /// Its set was made then.
    At(DateTime<Utc>),
    /// Then at the latest, where that is known: its set is older.
    By(Option<DateTime<Utc>>),
}

/// What deployments said so far.
#[derive(Clone)]
pub(super) struct Authors {
    known: Arc<Mutex<HashMap<Text, History>>>,
    listed: watch::Sender<bool>,
}

#[derive(Default)]
struct History {
    /// The newest that the deployment has.
    revision: u64,
    /// Everybody who has a part of the template, as last seen.
    writers: Box<[Written]>,
    /// Who a revision was once put down to stays its author; oldest first.
    settled: Vec<(u64, Text)>,
}

impl Authors {
    pub fn new() -> Self {
        Self { known: Arc::default(), listed: watch::Sender::new(false) }
    }

    /// A deployment at `revision`, with everybody who has a part of its template.
    pub fn learn(&self, deployment_uid: &Text, revision: u64, writers: &[Written]) {
        if writers.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(deployment_uid) {
            return;
        }
        let history = known.entry(deployment_uid.clone()).or_default();
        history.revision = revision;
        history.writers = writers.into();
    }

    /// Who wrote the template of this revision.
    pub fn of(&self, deployment_uid: &Text, revision: u64, began: Began) -> Option<Text> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let history = known.get_mut(deployment_uid)?;
        if let Some((_, by)) = history.settled.iter().rfind(|(number, _)| *number == revision) {
            return Some(by.clone());
        }
        let by = history.author(revision, began)?;
        history.settled.push((revision, by.clone()));
        if history.settled.len() > MOST_REVISIONS {
            history.settled.remove(0);
        }
        Some(by)
    }

    pub fn listed(&self) {
        self.listed.send_replace(true);
    }

    /// Until the deployments were listed once.
    pub async fn known(&self) {
        let mut listed = self.listed.subscribe();
        let _ = listed.wait_for(|listed| *listed).await;
    }
}

impl History {
    /// The last who wrote before the revision began. Where everybody has written since, only one who is alone can be it.
    fn author(&self, revision: u64, began: Began) -> Option<Text> {
        let (until, earliest) = match began {
            Began::At(at) => (Some(at), Some(at - BEFORE)),
            // The deployment's own news, with the writer, may still be on its way.
            Began::By(at) if revision > self.revision => (at, Some(at? - BEFORE)),
            // An older revision that began at an unknown time may be anybody's.
            Began::By(_) if revision < self.revision => return None,
            Began::By(at) => (at, None),
        };
        let is_after = |written: &&Written| earliest.is_none_or(|earliest| written.at.is_some_and(|at| at >= earliest));
        let is_before = |written: &&Written| until.is_none_or(|until| written.at.is_some_and(|at| at <= until + AFTER));
        let known = || self.writers.iter().filter(is_after);
        if let Some(written) = known().filter(is_before).max_by_key(|written| written.at) {
            return Some(written.by.clone());
        }
        let mut rest = known().filter(|_| revision >= self.revision);
        rest.next().filter(|_| rest.next().is_none()).map(|written| written.by.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn written(by: &str, second: i64) -> Written {
        Written { by: by.into(), at: Some(at(second)), exact: false }
    }

    #[test]
    fn a_coming_revision_is_its_writers_and_an_old_one_stays_its_own() {
        let authors = Authors::new();
        let uid = Text::from("u");
        authors.learn(&uid, 41, &[written("ci", 0)]);
        assert_eq!(authors.of(&uid, 41, Began::At(at(1))), Some("ci".into()));
        // The deployment's own news has not come yet.
        assert_eq!(authors.of(&uid, 42, Began::At(at(300))), None);
        authors.learn(&uid, 41, &[written("ci", 0), written("kubectl", 299)]);
        assert_eq!(authors.of(&uid, 42, Began::At(at(300))), Some("kubectl".into()));
        authors.learn(&uid, 42, &[written("ci", 900), written("kubectl", 950)]);
        assert_eq!(authors.of(&uid, 42, Began::At(at(300))), Some("kubectl".into()));
        assert_eq!(authors.of(&uid, 41, Began::At(at(1))), Some("ci".into()));
    }

    #[test]
    fn of_two_writers_within_a_minute_each_has_its_own_revision() {
        let authors = Authors::new();
        let uid = Text::from("u");
        authors.learn(&uid, 43, &[written("ci", 0), written("kubectl-set", 30)]);
        assert_eq!(authors.of(&uid, 42, Began::At(at(1))), Some("ci".into()));
        assert_eq!(authors.of(&uid, 43, Began::At(at(31))), Some("kubectl-set".into()));
    }

    #[test]
    fn a_rollback_is_its_writers_and_not_of_whoever_wrote_another_field_since() {
        let authors = Authors::new();
        let uid = Text::from("u");
        authors.learn(&uid, 19, &[written("ci", 0), written("sev1", 300), written("kubectl-edit", 900)]);
        assert_eq!(authors.of(&uid, 19, Began::By(Some(at(302)))), Some("sev1".into()));
        assert_eq!(authors.of(&uid, 17, Began::By(None)), None);
        // One that the deployment does not know of yet.
        assert_eq!(authors.of(&uid, 20, Began::By(Some(at(2_000)))), None);
    }

    #[test]
    fn where_everybody_wrote_since_nobody_is_blamed() {
        let authors = Authors::new();
        let uid = Text::from("u");
        authors.learn(&uid, 42, &[written("ci", 900), written("kubectl-edit", 950)]);
        assert_eq!(authors.of(&uid, 42, Began::At(at(1))), None);
        authors.learn(&uid, 42, &[written("ci", 900)]);
        assert_eq!(authors.of(&uid, 42, Began::At(at(1))), Some("ci".into()));
    }
}
