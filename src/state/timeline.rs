//! What happened: changes, alerts, own actions and verdicts in one list, newest last, bounded.

use chrono::{DateTime, Utc};

use crate::domain::text::Text;

/// Entries kept; older ones are dropped.
pub const LIMIT: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Server time.
    pub at: DateTime<Utc>,
    pub what: EntryKind,
    pub text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Change,
    Alert,
    /// What this program did (magenta).
    OwnAction,
    Verdict,
    Note,
}
