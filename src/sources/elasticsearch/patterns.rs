//! Errors grouped by service and shape, and which groups are new.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};

use crate::domain::{
    log_pattern::{LogError, Pattern, shape},
    text::Text,
};

/// Patterns kept, most recent errors first.
const MOST: usize = 50;
/// Shapes remembered between refreshes.
const REMEMBERED: usize = 2_000;

/// Fewer of the last 15 minutes are no surge, neither counted nor read: of a pattern that comes once in a quarter of an hour, chance
/// alone makes as many as 5 in one of three hundred, and there are many patterns.
const SURGE_FROM: u64 = 10;
/// Where so many of a pattern would have to be read by now, had it been as frequent before, and none was, there were none: by chance
/// that comes once in twenty times.
const MISSED: f64 = 3.0;
/// From so many minutes on it is said how long ago the last one was.
const QUIET_FROM: u32 = 3;

fn recent() -> Duration {
    Duration::minutes(15)
}

fn window() -> Duration {
    Duration::hours(1)
}

/// When each pattern was first seen by this program: a sample of a storm does not reach back as far.
#[derive(Default)]
pub(super) struct Memory {
    first_seen: HashMap<(Text, Text), (DateTime<Utc>, DateTime<Utc>)>,
    /// Those of them whose beginning was known at some time.
    dated: HashSet<(Text, Text)>,
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
        self.dated.retain(|pattern| self.first_seen.contains_key(pattern));
    }
}

/// Documents of the last 15 minutes.
pub(super) fn recent_of(documents: &[LogError], server_now: DateTime<Utc>) -> u64 {
    documents.iter().filter(|document| document.at >= server_now - recent()).count() as u64
}

/// As much of `whole` as `part` is of `of`, rounded; 0 of nothing. A server may count as far as numbers go.
fn share(part: u64, of: u64, whole: u64) -> u64 {
    let share = (u128::from(part) * u128::from(whole) + u128::from(of / 2)).checked_div(u128::from(of)).unwrap_or(0);
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// Whether so many of 15 minutes are more than three times what is usual, and more than three standard deviations (those of a
/// Poisson distribution, the square root of its mean) above it, as `before` of the 45 minutes before tell.
fn is_beyond_chance(recent: u64, before: u64) -> bool {
    let usual = before as f64 / 3.0;
    recent > before && recent as f64 > usual + 3.0 * usual.sqrt()
}

/// Whether its beginning is known: all was read that is in the window, or so long before its first one that others would have been read.
fn is_dated(pattern: &Pattern, read_back_to: DateTime<Utc>, server_now: DateTime<Utc>) -> bool {
    if read_back_to <= server_now - window() {
        return true;
    }
    let silent = pattern.first_seen.min(server_now - recent()) - read_back_to;
    pattern.recent as f64 * silent.as_seconds_f64() / recent().as_seconds_f64() >= MISSED
}

/// What shapes of one pattern share: an id that happens to have no letter reads as a number.
fn likeness(shape: &str) -> Text {
    Text::line(&shape.replace("<id>", "<n>"))
}

/// Groups documents; the example is the newest message of the group. `happened` errors of the last 15 minutes are shared
/// out among the groups as the read ones are; so are the `earlier` ones of the 45 minutes before.
pub(super) fn grouped(documents: &[LogError], happened: u64, earlier: u64, server_now: DateTime<Utc>, memory: &mut Memory) -> Vec<Pattern> {
    memory.forget(server_now);
    let sampled = recent_of(documents, server_now);
    // Documents that arrived between the server's counting and its clock may make the sample the larger of the two.
    let happened = happened.max(sampled);
    let (read_earlier, is_whole) = (documents.len() as u64 - sampled, sampled >= happened);
    let estimated = |count: u64| share(count, sampled, happened);
    // Of the earlier ones the newest are read.
    let oldest = documents.iter().map(|document| document.at).min().map_or(server_now - recent(), |oldest| oldest.min(server_now - recent()));
    let read_back_to = if read_earlier >= earlier { server_now - window() } else { oldest };
    let mut groups: HashMap<(Text, Text), Pattern> = HashMap::new();
    for document in documents {
        let shape = shape(&document.message);
        let group = groups.entry((document.service.clone(), likeness(&shape))).or_insert_with(|| Pattern {
            service: document.service.clone(),
            shape: shape.clone(),
            recent: 0,
            read: 0,
            first_seen: document.at,
            last_seen: document.at,
            is_dated: false,
            is_new: false,
            is_surging: false,
            quiet_minutes: None,
            example: document.message.clone(),
        });
        // Of an id that has digits alone the others say that it is one.
        if shape.matches("<id>").count() > group.shape.matches("<id>").count() {
            group.shape = shape;
        }
        group.read += 1;
        group.recent += u64::from(document.at >= server_now - recent());
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
            let before = share(pattern.read - pattern.recent, read_earlier, earlier.max(read_earlier));
            let quiet = (server_now - pattern.last_seen).num_minutes();
            let (is_counted, goes_on) = (pattern.recent >= SURGE_FROM, quiet < i64::from(QUIET_FROM));
            pattern.recent = estimated(pattern.recent);
            pattern.is_dated = memory.dated.contains(&name) || is_dated(&pattern, read_back_to, server_now);
            if pattern.is_dated && memory.first_seen.contains_key(&name) {
                memory.dated.insert(name);
            }
            pattern.is_new = pattern.is_dated && pattern.first_seen >= server_now - recent();
            let knows_before = earlier == 0 || read_earlier > 0;
            pattern.is_surging = !pattern.is_new && knows_before && is_counted && goes_on && is_beyond_chance(pattern.recent, before);
            pattern.quiet_minutes = u32::try_from(quiet).ok().filter(|quiet| is_whole && *quiet >= QUIET_FROM);
            pattern
        })
        .collect();
    let name = |pattern: &Pattern| (pattern.service.clone(), pattern.shape.clone());
    patterns.sort_by(|one, other| (other.recent, other.read).cmp(&(one.recent, one.read)).then_with(|| name(one).cmp(&name(other))));
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
    fn an_id_without_a_letter_makes_no_pattern_of_its_own() {
        let documents = [error(1, "503, request 11660991"), error(2, "503, request 9a9510f8"), error(3, "503, request 43b42042")];
        let patterns = grouped(&documents, 3, 0, now(), &mut Memory::default());
        let told: Vec<_> = patterns.iter().map(|pattern| (&*pattern.shape, pattern.recent)).collect();
        assert_eq!(told, [("<n>, request <id>", 3)]);
        let alone = grouped(&documents[..1], 1, 0, now(), &mut Memory::default());
        assert_eq!(&*alone[0].shape, "<n>, request <n>");
    }

    #[test]
    fn groups_count_and_only_what_was_not_seen_before_is_new() {
        let documents = [error(1, "took 5 ms"), error(2, "took 7 ms"), error(3, "lost"), error(40, "lost"), error(41, "lost")];
        let patterns = grouped(&documents, 3, 2, now(), &mut Memory::default());
        let found: Vec<_> = patterns.iter().map(|pattern| (&*pattern.shape, pattern.recent, pattern.read, pattern.is_new)).collect();
        assert_eq!(found, [("took <n> ms", 2, 2, true), ("lost", 1, 3, false)]);
        assert_eq!(&*patterns[0].example, "took 5 ms");
    }

    #[test]
    fn a_sample_is_scaled_to_what_happened_in_the_same_quarter_of_an_hour() {
        let documents = [error(1, "took 5 ms"), error(1, "took 7 ms"), error(2, "lost"), error(40, "gone")];
        let patterns = grouped(&documents, 3_000, 1, now(), &mut Memory::default());
        let found: Vec<_> = patterns.iter().map(|pattern| (&*pattern.shape, pattern.recent)).collect();
        assert_eq!(found, [("took <n> ms", 2_000), ("lost", 1_000), ("gone", 0)], "what ended is not said to go on");
        assert_eq!(grouped(&[], 7, 0, now(), &mut Memory::default()), []);
    }

    /// In a storm that began half an hour ago the earlier ones that are read are those of some seconds: what comes once in three
    /// minutes is not among them, and is not new for that.
    #[test]
    fn what_may_have_been_there_before_what_was_read_is_not_new() {
        let mut documents: Vec<_> = (0..190).map(|_| error(1, "lost")).collect();
        documents.extend((0..5).map(|index| error(1 + index, "try again later")));
        documents.extend((0..100).map(|_| error(16, "lost")));
        let told = |earlier| {
            let patterns = grouped(&documents, 195, earlier, now(), &mut Memory::default());
            let found = patterns.iter().find(|pattern| &*pattern.shape == "try again later").unwrap();
            (found.is_dated, found.is_new)
        };
        assert_eq!(told(8_000), (false, false));
        assert_eq!(told(100), (true, true), "all the earlier ones were read");
        documents.push(error(40, "gone"));
        let patterns = grouped(&documents, 195, 8_000, now(), &mut Memory::default());
        assert!(patterns.iter().any(|pattern| &*pattern.shape == "try again later" && pattern.is_new), "eight would have been read in 25 minutes");
    }

    #[test]
    fn a_server_may_count_as_far_as_numbers_go() {
        let documents = [error(1, "took 5 ms"), error(1, "took 7 ms"), error(2, "lost"), error(40, "gone")];
        let patterns = grouped(&documents, u64::MAX, u64::MAX, now(), &mut Memory::default());
        let found: Vec<_> = patterns.iter().map(|pattern| (&*pattern.shape, pattern.recent)).collect();
        assert_eq!(found, [("took <n> ms", u64::MAX / 3 * 2), ("lost", u64::MAX / 3), ("gone", 0)]);
    }

    #[test]
    fn a_known_pattern_that_surges_and_one_that_ended_are_told() {
        let mut documents: Vec<_> = (0..21).map(|_| error(1, "lost")).collect();
        documents.extend([error(40, "lost"), error(4, "gone"), error(20, "gone")]);
        let told = |documents: &[LogError], happened, earlier| -> Vec<(String, bool, Option<u32>)> {
            let patterns = grouped(documents, happened, earlier, now(), &mut Memory::default());
            patterns.iter().map(|pattern| (pattern.shape.to_string(), pattern.is_surging, pattern.quiet_minutes)).collect()
        };
        assert_eq!(told(&documents, 22, 2), [("lost".to_owned(), true, None), ("gone".to_owned(), false, Some(4))]);
        assert_eq!(told(&documents, 22, 60)[0], ("lost".to_owned(), false, None), "most of the earlier ones were not read");
        assert_eq!(told(&documents, 900, 2)[1].2, None, "a younger one may not have been read");
        assert!(!told(&documents[..21], 21, 60)[0].1, "what was before is not known");
    }

    #[test]
    fn chance_and_what_is_ending_are_no_surge() {
        let surges = |recent: i64, newest: i64, before: i64| {
            let mut documents: Vec<_> = (0..recent).map(|_| error(newest, "lost")).collect();
            documents.extend((0..before).map(|index| error(20 + index % 30, "lost")));
            let before = before.cast_unsigned();
            let recent = documents.len() as u64 - before;
            grouped(&documents, recent, before, now(), &mut Memory::default())[0].is_surging
        };
        assert!(surges(12, 1, 2), "twelve where one is rare");
        assert!(surges(100, 0, 30));
        for (recent, before) in [(5, 1), (6, 3), (9, 2), (12, 12), (29, 30)] {
            assert!(!surges(recent, 1, before), "{recent} after {before}");
        }
        assert!(!surges(40, 4, 2), "it has ended");
        let documents: Vec<_> = (0..4).map(|_| error(1, "lost")).chain((0..40).map(|_| error(1, "gone"))).chain([error(30, "lost")]).collect();
        let patterns = grouped(&documents, 44_000, 1, now(), &mut Memory::default());
        let lost = patterns.iter().find(|pattern| &*pattern.shape == "lost").unwrap();
        assert!(lost.recent > 3_000 && !lost.is_surging, "four that were read stand for them all");
    }

    #[test]
    fn a_pattern_seen_half_an_hour_ago_is_not_new_though_the_sample_no_longer_reaches_there() {
        let mut memory = Memory::default();
        grouped(&[error(30, "lost")], 1, 0, now() - Duration::minutes(29), &mut memory);
        assert!(!grouped(&[error(1, "lost")], 1, 0, now(), &mut memory)[0].is_new);
    }
}
