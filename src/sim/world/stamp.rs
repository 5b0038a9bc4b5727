//! Simulated time as the wire writes it. Inside the world time is a count of seconds since 1970.

use chrono::{DateTime, SecondsFormat, Utc};

/// Seconds since 1970 in simulated time.
pub type Sec = i64;

/// `2026-11-23T02:07:00Z`, the form of `creationTimestamp`.
pub fn rfc3339(at: Sec) -> String {
    DateTime::<Utc>::from_timestamp(at, 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads what [`rfc3339`] writes, and fractions of a second.
pub fn parse(text: &str) -> Option<Sec> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}
