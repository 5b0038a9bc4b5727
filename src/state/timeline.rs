//! What happened: changes, alerts, own actions and verdicts in one list, newest last, bounded.

use chrono::{DateTime, Utc};

use crate::domain::{alert::Severity, text::Text};

/// Entries kept; older ones are dropped, this program's own last.
pub const LIMIT: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    pub entries: Vec<Entry>,
}

impl Timeline {
    /// Files an entry under its time; the oldest goes when there are too many. The same entry is kept once.
    pub fn add(&mut self, at: DateTime<Utc>, what: EntryKind, text: Text) {
        let place = self.entries.partition_point(|entry| entry.at <= at);
        let entry = Entry { at, what, text };
        let same_time = self.entries[..place].iter().rev().take_while(|other| other.at == at);
        if same_time.into_iter().any(|other| *other == entry) {
            return;
        }
        self.entries.insert(place, entry);
        if self.entries.len() > LIMIT {
            // What this program did, and what came of it, can be read to the end of the session.
            let oldest = self.entries.iter().position(|entry| !entry.is_own()).unwrap_or(0);
            self.entries.remove(oldest);
        }
    }

    /// What was done with this program, what came of it, and what people noted.
    pub fn own(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_own())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Server time.
    pub at: DateTime<Utc>,
    pub what: EntryKind,
    pub text: Text,
}

impl Entry {
    fn is_own(&self) -> bool {
        matches!(self.what, EntryKind::OwnAction | EntryKind::Verdict | EntryKind::Note)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Change,
    /// An alert begins to fire.
    Fires(Severity),
    /// An alert does not fire any more, or is silenced.
    Ended,
    /// Somebody is to be called.
    Call,
    /// What this program did (magenta).
    OwnAction,
    Verdict,
    Note,
}
