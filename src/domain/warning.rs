//! Warnings of the cluster's events, grouped: ten pods of one deployment that cannot start for one reason are one warning.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{text::Text, workload::Event};

/// How far back a warning is told.
pub const TOLD: TimeDelta = TimeDelta::minutes(15);
/// What goes on is recorded again within this: after a first burst the recorders of Kubernetes let one event of an object through
/// every 5 minutes (`client-go/tools/record/events_cache.go`).
const GOES_ON: TimeDelta = TimeDelta::minutes(6);
/// A pod that is well has this long left its trouble behind.
const SETTLED: TimeDelta = TimeDelta::minutes(1);

/// Warnings with one reason about what belongs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub namespace: Text,
    pub reason: Text,
    /// The owner of what it is about: a deployment, else the object itself.
    pub about: Text,
    /// Times that it was recorded, as the events of the last [`TOLD`] count them.
    pub count: u64,
    pub last_seen: DateTime<Utc>,
    /// Of the newest of them.
    pub message: Text,
    /// It does not go on: nothing was recorded for a while, or what it is about is well again or gone.
    pub is_past: bool,
}

/// How what an event is about does, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    Gone,
    Well,
    /// Not well, or of a kind that is not watched.
    Other,
}

/// One event to be grouped.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting<'a> {
    pub event: &'a Event,
    /// What it belongs to.
    pub about: Text,
    pub bearer: Bearer,
}

/// Groups, those that go on first, then the newest first; and when time alone makes another list of them.
pub fn grouped<'a>(sightings: impl Iterator<Item = Sighting<'a>>, now: DateTime<Utc>) -> (Vec<Warning>, Option<DateTime<Utc>>) {
    let mut groups: BTreeMap<(&Text, Text, &Text), Warning> = BTreeMap::new();
    let mut turn: Option<DateTime<Utc>> = None;
    for Sighting { event, about, bearer } in sightings {
        let Some(last_seen) = event.last_seen.filter(|seen| event.is_warning && now - *seen < TOLD) else { continue };
        let past_after = match bearer {
            Bearer::Gone => TimeDelta::zero(),
            Bearer::Well => SETTLED,
            Bearer::Other => GOES_ON,
        };
        let turns = [last_seen + past_after, last_seen + TOLD].into_iter().filter(|at| *at > now).min();
        turn = [turn, turns].into_iter().flatten().min();
        let is_past = now - last_seen >= past_after;
        let group = groups.entry((&event.key.namespace, about.clone(), &event.reason)).or_insert_with(|| Warning {
            namespace: event.key.namespace.clone(),
            reason: event.reason.clone(),
            about,
            count: 0,
            last_seen,
            message: event.message.clone(),
            is_past,
        });
        group.count = group.count.saturating_add(event.count.into());
        group.is_past &= is_past;
        if last_seen > group.last_seen {
            group.last_seen = last_seen;
            group.message.clone_from(&event.message);
        }
    }
    let mut warnings: Vec<Warning> = groups.into_values().collect();
    warnings.sort_by_key(|warning| (warning.is_past, std::cmp::Reverse(warning.last_seen)));
    (warnings, turn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::object::Key;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn event(name: &str, reason: &str, count: u32, seen: i64) -> Event {
        Event {
            key: Key::new("shop", name),
            uid: name.into(),
            is_warning: true,
            reason: reason.into(),
            message: Text::line(&format!("of {name}")),
            count,
            first_seen: None,
            last_seen: Some(at(seen)),
            about: ("Pod".into(), name.into(), name.into()),
        }
    }

    fn told(events: &[(Event, &str, Bearer)], now: i64) -> (Vec<String>, Option<i64>) {
        let sightings = events.iter().map(|(event, about, bearer)| Sighting { event, about: (*about).into(), bearer: *bearer });
        let (warnings, turn) = grouped(sightings, at(now));
        let words = warnings.iter().map(|one| {
            let past = if one.is_past { " past" } else { "" };
            format!("{} {} ×{} {}{past}", one.reason, one.about, one.count, one.message)
        });
        (words.collect(), turn.map(|turn| (turn - at(0)).num_seconds()))
    }

    #[test]
    fn warnings_of_one_owner_and_reason_are_one() {
        let events = [
            (event("a-1", "BackOff", 34, -100), "a", Bearer::Other),
            (event("a-2", "BackOff", 6, -20), "a", Bearer::Other),
            (event("a-2", "FailedMount", 1, -10), "a", Bearer::Other),
            (event("b-1", "BackOff", 2, -5), "b", Bearer::Other),
        ];
        let (words, _) = told(&events, 0);
        assert_eq!(words, ["BackOff b ×2 of b-1", "FailedMount a ×1 of a-2", "BackOff a ×40 of a-2"]);
    }

    #[test]
    fn what_does_not_go_on_stands_last_and_then_goes() {
        let events = [
            (event("gone", "BackOff", 1, -1), "gone", Bearer::Gone),
            (event("well", "Unhealthy", 1, -59), "well", Bearer::Well),
            (event("ill", "BackOff", 1, -300), "ill", Bearer::Other),
        ];
        assert_eq!(
            told(&events, 0),
            (vec!["Unhealthy well ×1 of well".to_owned(), "BackOff ill ×1 of ill".into(), "BackOff gone ×1 of gone past".into()], Some(1))
        );
        let (words, turn) = told(&events, 60);
        assert_eq!((words.iter().filter(|words| words.ends_with("past")).count(), turn), (3, Some(600)));
        assert_eq!(told(&events, 900), (Vec::new(), None));
    }

    #[test]
    fn what_is_no_warning_or_has_no_time_is_left_out() {
        let normal = Event { is_warning: false, ..event("a", "Pulled", 1, 0) };
        let timeless = Event { last_seen: None, ..event("a", "BackOff", 1, 0) };
        assert_eq!(told(&[(normal, "a", Bearer::Other), (timeless, "a", Bearer::Other)], 0), (Vec::new(), None));
    }
}
