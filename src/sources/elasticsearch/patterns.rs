//! Errors grouped by service and shape, and which groups are new.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};

use crate::domain::{
    log_pattern::{LogError, Pattern, shape},
    text::Text,
};

/// Patterns kept, largest first.
const MOST: usize = 50;
/// Shapes remembered between refreshes.
const REMEMBERED: usize = 2_000;

fn recent() -> Duration {
    Duration::minutes(15)
}

/// When each pattern was first seen by this program: a sample of a storm does not reach back as far.
#[derive(Default)]
pub(super) struct Memory {
    first_seen: HashMap<(Text, Text), (DateTime<Utc>, DateTime<Utc>)>,
}

impl Memory {
    /// Remembers and gives the earliest time known; forgets what was not seen for an hour.
    fn earliest(&mut self, pattern: &(Text, Text), first: DateTime<Utc>, last: DateTime<Utc>) -> DateTime<Utc> {
        if self.first_seen.len() >= REMEMBERED && !self.first_seen.contains_key(pattern) {
            return first;
        }
        let known = self.first_seen.entry(pattern.clone()).or_insert((first, last));
        known.0 = known.0.min(first);
        known.1 = known.1.max(last);
        known.0
    }

    fn forget(&mut self, server_now: DateTime<Utc>) {
        self.first_seen.retain(|_, (first, last)| {
            let hour = server_now - Duration::hours(1);
            // Within the window only what is inside counts.
            *first = (*first).max(hour);
            *last >= hour
        });
    }
}

/// Groups documents; the example is the newest message of the group.
pub(super) fn grouped(documents: &[LogError], server_now: DateTime<Utc>, memory: &mut Memory) -> Vec<Pattern> {
    memory.forget(server_now);
    let mut groups: HashMap<(Text, Text), Pattern> = HashMap::new();
    for document in documents {
        let shape = shape(&document.message);
        let group = groups.entry((document.service.clone(), shape.clone())).or_insert_with(|| Pattern {
            service: document.service.clone(),
            shape,
            count: 0,
            first_seen: document.at,
            last_seen: document.at,
            is_new: false,
            example: document.message.clone(),
        });
        group.count += 1;
        group.first_seen = group.first_seen.min(document.at);
        if document.at > group.last_seen {
            group.last_seen = document.at;
            group.example = document.message.clone();
        }
    }
    let mut patterns: Vec<Pattern> = groups
        .into_iter()
        .map(|(name, mut pattern)| {
            pattern.first_seen = memory.earliest(&name, pattern.first_seen, pattern.last_seen);
            pattern.is_new = pattern.first_seen >= server_now - recent();
            pattern
        })
        .collect();
    patterns.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| (&one.service, &one.shape).cmp(&(&other.service, &other.shape))));
    patterns.truncate(MOST);
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(minutes_ago: i64, message: &str) -> LogError {
        LogError { at: now() - Duration::minutes(minutes_ago), service: "core".into(), pod: None, message: message.into(), error: None }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn groups_count_and_only_what_was_not_seen_before_is_new() {
        let documents = [error(1, "took 5 ms"), error(2, "took 7 ms"), error(3, "lost"), error(40, "lost")];
        let patterns = grouped(&documents, now(), &mut Memory::default());
        let found: Vec<_> = patterns.iter().map(|pattern| (&*pattern.shape, pattern.count, pattern.is_new)).collect();
        assert_eq!(found, [("lost", 2, false), ("took <n> ms", 2, true)]);
        assert_eq!(&*patterns[1].example, "took 5 ms");
    }

    #[test]
    fn a_pattern_seen_half_an_hour_ago_is_not_new_though_the_sample_no_longer_reaches_there() {
        let mut memory = Memory::default();
        grouped(&[error(30, "lost")], now() - Duration::minutes(29), &mut memory);
        assert!(!grouped(&[error(1, "lost")], now(), &mut memory)[0].is_new);
    }
}
