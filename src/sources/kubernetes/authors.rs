//! Who wrote a deployment's template, for the replica set that came of it.
//!
//! A replica set's own `managedFields` only ever name the controller; the person or pipeline stands in its deployment's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::domain::text::Text;

/// Most deployments remembered, and revisions of each.
const MOST: usize = 20_000;
const MOST_REVISIONS: usize = 16;

/// Who wrote a template, and when.
pub(super) type Author = (Text, Option<DateTime<Utc>>);

/// What deployments said so far.
#[derive(Clone)]
pub(super) struct Authors {
    known: Arc<Mutex<HashMap<Text, History>>>,
    listed: watch::Sender<bool>,
}

#[derive(Default)]
struct History {
    /// Oldest first.
    revisions: Vec<(u64, Author)>,
    /// The template was written again, and the controller has not numbered that revision yet.
    coming: Option<Author>,
}

impl Authors {
    pub fn new() -> Self {
        Self { known: Arc::default(), listed: watch::Sender::new(false) }
    }

    /// A deployment at `revision` whose template was last written by `author`.
    pub fn learn(&self, deployment_uid: &Text, revision: u64, author: Option<Author>) {
        let Some(author) = author else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(deployment_uid) {
            return;
        }
        let history = known.entry(deployment_uid.clone()).or_default();
        match history.revisions.last() {
            Some((last, writer)) if *last == revision => history.coming = (*writer != author).then_some(author),
            _ => {
                history.coming = None;
                history.revisions.push((revision, author));
                if history.revisions.len() > MOST_REVISIONS {
                    history.revisions.remove(0);
                }
            }
        }
    }

    /// Who wrote the template of this revision.
    pub fn of(&self, deployment_uid: &Text, revision: u64) -> Option<Text> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let history = known.get(deployment_uid)?;
        let numbered = history.revisions.iter().rfind(|(number, _)| *number == revision).map(|(_, author)| author);
        let newer = history.revisions.last().is_some_and(|(last, _)| revision > *last);
        numbered.or(history.coming.as_ref().filter(|_| newer)).map(|(manager, _)| manager.clone())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coming_revision_is_its_writers_and_an_old_one_stays_its_own() {
        let authors = Authors::new();
        let (uid, at) = (Text::from("u"), |second| DateTime::from_timestamp(second, 0));
        authors.learn(&uid, 41, Some(("ci".into(), at(1))));
        assert_eq!(authors.of(&uid, 42), None);
        authors.learn(&uid, 41, Some(("kubectl".into(), at(2))));
        assert_eq!(authors.of(&uid, 42), Some("kubectl".into()));
        assert_eq!(authors.of(&uid, 41), Some("ci".into()));
        authors.learn(&uid, 42, Some(("kubectl".into(), at(2))));
        assert_eq!((authors.of(&uid, 42), authors.of(&uid, 41), authors.of(&uid, 43)), (Some("kubectl".into()), Some("ci".into()), None));
    }
}
