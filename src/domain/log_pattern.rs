//! Errors in the logs, grouped by what they say once numbers, ids and addresses are taken out.

use chrono::{DateTime, Utc};

use super::text::Text;

/// One error document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogError {
    pub at: DateTime<Utc>,
    pub service: Text,
    pub pod: Option<Text>,
    pub message: Text,
    /// The `error` field, where there is one.
    pub error: Option<Text>,
}

/// A group of errors of one service with one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub service: Text,
    /// The message with `<n>`, `<id>`, `<ip>` in the place of what varies.
    pub shape: Text,
    pub count: u64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    /// Not seen in the part of the window before the last 15 minutes.
    pub is_new: bool,
    /// One whole message.
    pub example: Text,
}

/// What one refresh of Elasticsearch said.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorWindow {
    /// Errors of the last 15 minutes.
    pub recent: u64,
    /// Errors of the whole window (1 h).
    pub total: u64,
    /// Whether `total` is a lower bound (`track_total_hits` relation `gte`).
    pub total_is_lower_bound: bool,
    /// Errors a minute over the window, oldest first.
    pub per_minute: Vec<u64>,
    /// Newest first, bounded.
    pub newest: Vec<LogError>,
    /// Largest first.
    pub patterns: Vec<Pattern>,
    /// How many documents the patterns were made from, when fewer than `total`.
    pub sampled: Option<u64>,
    /// Shards that answered, and all of them; fewer is a partial answer and is said.
    pub shards: (u32, u32),
    pub timed_out: bool,
}

impl ErrorWindow {
    pub fn is_partial(&self) -> bool {
        self.timed_out || self.shards.0 < self.shards.1
    }
}
