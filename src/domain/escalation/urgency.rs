//! Which of several firing alerts needs a person first. Header, escalation pane and keys all go by this one order.

use std::{cmp::Ordering, time::Duration};

use super::ladder::Ladder;
use crate::domain::{alert::Alert, time::Mono};

/// How soon the ladder of an alert needs somebody; the first in `Ord` needs it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nobody acknowledged it and the next call is due in this time: zero where one is due and not noted as made.
    Due(Duration),
    /// Nobody acknowledged it, every step has come and the last of them was called.
    AllCalled,
    /// Acknowledged for this long.
    Held(Duration),
    /// Its severity calls nobody.
    LoggedOnly,
}

impl Urgency {
    pub fn of(ladder: &Ladder, now: Mono) -> Self {
        if ladder.rung.path.is_empty() {
            return Self::LoggedOnly;
        }
        if let Some(ack) = ladder.held_by(now) {
            return Self::Held(ack.expires.saturating_sub(ladder.age(now)));
        }
        if ladder.current().is_none_or(|(_, step)| step.call.is_none()) {
            return Self::Due(Duration::ZERO);
        }
        // One that has expired and was not looked at since then: its ladder has gone on.
        let expired = ladder.ack.as_ref().and_then(|ack| Some(ack.expires.saturating_add(ack.left?).saturating_sub(ladder.age(now))));
        ladder.left(now).or(expired).map_or(Self::AllCalled, Self::Due)
    }

    /// Whether somebody is to be called, and no call is noted.
    pub fn is_overdue(self) -> bool {
        self == Self::Due(Duration::ZERO)
    }

    pub fn is_held(self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// Sorts by what needs a person first: the next step that is due first, of equals the most severe, then the oldest, then by what it
/// is about and by name.
pub fn by_urgency(firing: &mut [(&Alert, &Ladder)], now: Mono) {
    firing.sort_by(|one, other| compare(one, other, now));
}

/// The alert that needs a person first: of those that are not acknowledged the one whose next step is due first, a step that
/// is due and not noted as called counting as due at once. Where all are acknowledged, the one whose acknowledgement ends first.
pub fn most_urgent<'a>(firing: impl IntoIterator<Item = (&'a Alert, &'a Ladder)>, now: Mono) -> Option<(&'a Alert, &'a Ladder)> {
    firing.into_iter().min_by(|one, other| compare(one, other, now))
}

fn compare((alert, ladder): &(&Alert, &Ladder), (other, its): &(&Alert, &Ladder), now: Mono) -> Ordering {
    Urgency::of(ladder, now)
        .cmp(&Urgency::of(its, now))
        .then_with(|| other.severity.cmp(&alert.severity))
        .then_with(|| alert.starts_at.cmp(&other.starts_at))
        .then_with(|| alert.subject().cmp(&other.subject()))
        .then_with(|| alert.name.cmp(&other.name))
        .then_with(|| alert.fingerprint.cmp(&other.fingerprint))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::{
        alert::{AlertStatus, Severity},
        escalation::Matrix,
        text::Text,
    };

    fn mono(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    /// Firing for so many seconds at the start of the program.
    fn firing(name: &str, service: &str, severity: Severity, age: u64) -> (Alert, Ladder) {
        let alert = Alert {
            fingerprint: Text::line(&format!("{name} {service}")),
            name: name.into(),
            severity,
            status: AlertStatus::Firing,
            starts_at: DateTime::from_timestamp(1_700_000_000 - i64::try_from(age).unwrap(), 0).unwrap(),
            is_start_known: true,
            true_since: None,
            labels: [("service".into(), service.into())].into(),
            summary: Text::default(),
            description: Text::default(),
            annotations: Box::default(),
            value: None,
            silenced: None,
        };
        let rung = Matrix::default().rung(severity).unwrap().clone();
        let mut ladder = Ladder::start(rung, Duration::from_secs(age), mono(0));
        ladder.advance(mono(0));
        (alert, ladder)
    }

    fn order(all: &[(Alert, Ladder)], now: u64) -> Vec<String> {
        let mut firing: Vec<(&Alert, &Ladder)> = all.iter().map(|(alert, ladder)| (alert, ladder)).collect();
        by_urgency(&mut firing, mono(now));
        assert_eq!(most_urgent(all.iter().map(|(alert, ladder)| (alert, ladder)), mono(now)), firing.first().copied());
        firing.iter().map(|(alert, _)| alert.fingerprint.to_string()).collect()
    }

    #[test]
    fn who_is_to_be_called_at_once_comes_first_and_of_equals_the_most_severe_oldest() {
        let mut all = vec![
            firing("I", "a", Severity::Info, 9_000),
            firing("W", "a", Severity::Warning, 900),
            firing("C", "b", Severity::Critical, 10),
            firing("C", "a", Severity::Critical, 10),
            firing("C", "c", Severity::Critical, 60),
        ];
        assert_eq!(order(&all, 0), ["C c", "C a", "C b", "W a", "I a"]);
        for (_, ladder) in &mut all[2..] {
            ladder.call("me".into(), mono(5));
        }
        assert_eq!(order(&all, 5), ["W a", "C c", "C a", "C b", "I a"], "called ones wait for their next step");
        all[1].1.call("me".into(), mono(6));
        assert_eq!(order(&all, 6), ["C c", "C a", "C b", "W a", "I a"], "240 s, 290 s, 290 s; both of the warning's steps have come");
    }

    #[test]
    fn acknowledged_ones_come_after_all_others_and_an_expired_one_counts_again() {
        let mut all = vec![firing("A", "a", Severity::Critical, 20), firing("B", "a", Severity::Critical, 10), firing("C", "a", Severity::Info, 5)];
        all[0].1.acknowledge("me".into(), mono(0), Duration::from_mins(10));
        assert_eq!(order(&all, 0), ["B a", "A a", "C a"]);
        all[1].1.acknowledge("me".into(), mono(0), Duration::from_mins(5));
        assert_eq!(order(&all, 299), ["B a", "A a", "C a"], "whose acknowledgement ends first");
        all[1].1.acknowledge("me".into(), mono(299), Duration::from_mins(15));
        assert_eq!(order(&all, 600), ["A a", "B a", "C a"], "without anybody having looked at it since then");
        assert!(Urgency::of(&all[0].1, mono(600)).is_overdue() && Urgency::of(&all[1].1, mono(600)).is_held());
    }
}
