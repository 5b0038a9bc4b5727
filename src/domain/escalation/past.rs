//! What earlier runs wrote down about ladders, and the ladder that follows from it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    ladder::{Ladder, Step},
    matrix::Rung,
};
use crate::domain::{alert::Alert, text::Text, time::Mono};

/// Two reports of one alert may differ by so much in when it began: Prometheus stands in for Alertmanager, or a peer answers. One
/// that resolved and fires anew began later than that.
const SAME_START: chrono::Duration = chrono::Duration::seconds(10);

/// Whether two reports of an alert that differ in its beginning speak of one firing.
pub fn is_same_start(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() <= SAME_START
}

/// A line of the journal that matters after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recalled {
    /// About the ladder of an alert.
    Alert(Past),
    Note {
        at: DateTime<Utc>,
        by: Text,
        text: Text,
    },
}

/// Something that happened to the ladder of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    pub fingerprint: Text,
    /// What the alert is about, and its name.
    pub alert: Text,
    /// When the alert began to fire, by its server: of one that resolved and fires anew it is another moment.
    pub starts_at: DateTime<Utc>,
    /// By the same clock.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub by: Text,
    pub event: Event,
}

/// Positions are those in the path, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Acknowledged {
        until: DateTime<Utc>,
    },
    /// By activity; the acknowledgement is whose it was.
    Renewed {
        until: DateTime<Utc>,
    },
    AckTakenBack,
    StepDue {
        index: usize,
        who: Text,
        by_hand: bool,
    },
    /// Its severity calls nobody.
    Logged,
    Called {
        index: usize,
        who: Text,
    },
    CallTakenBack {
        index: usize,
        who: Text,
    },
}

impl Past {
    /// Whether it is about this firing of this alert.
    pub fn is_about(&self, alert: &Alert) -> bool {
        self.fingerprint == alert.fingerprint && is_same_start(self.starts_at, alert.starts_at)
    }

    /// What a person did, in a sentence; none for what came by itself.
    pub fn sentence(&self) -> Option<String> {
        let Self { alert, by, .. } = self;
        match &self.event {
            Event::Acknowledged { .. } => Some(format!("{by} acknowledged {alert}")),
            Event::AckTakenBack => Some(format!("{by} took back the acknowledgement of {alert}")),
            Event::StepDue { who, by_hand: true, .. } => Some(format!("{by} escalated {alert} to {who}")),
            Event::Called { who, .. } => Some(format!("{who} called for {alert}, noted by {by}")),
            Event::CallTakenBack { who, .. } => Some(format!("{by} took back that {who} was called for {alert}")),
            Event::Renewed { .. } | Event::StepDue { .. } | Event::Logged => None,
        }
    }
}

/// The ladder of an alert that is `age` old at `now`, after what happened to it: the same that a program would have that ran all
/// the time. What is dated after `now` counts for nothing, and no acknowledgement holds longer than `holds` from when it was written.
pub fn replay(rung: Rung, age: Duration, now: Mono, past: &[&Past], holds: Duration) -> (Ladder, Vec<Step>) {
    let mut ladder = Ladder::start(rung, age, now);
    let mut steps = Vec::new();
    let mut in_order: Vec<(Duration, &Past)> = past.iter().map(|past| (age_at(past, past.at), *past)).filter(|(at, _)| *at <= age).collect();
    in_order.sort_by_key(|(at, _)| *at);
    for (at, past) in in_order {
        steps.extend(ladder.advance_to(at).steps);
        let until = |until: &DateTime<Utc>| age_at(past, *until).min(at.saturating_add(holds));
        match &past.event {
            Event::Acknowledged { until: end } => ladder.acknowledge_until(past.by.clone(), at, until(end)),
            Event::Renewed { until: end } => {
                ladder.renew_until(at, until(end));
            }
            Event::AckTakenBack => {
                ladder.take_ack_back_at(at);
            }
            // Without a hand it follows from the time, or another cockpit did not know of an acknowledgement.
            Event::StepDue { index, by_hand, .. } => {
                if *by_hand && *index == ladder.taken.len() {
                    steps.extend(ladder.escalate_at(at));
                }
            }
            Event::Logged => {}
            Event::Called { index, .. } => {
                ladder.call_at(*index, past.by.clone(), at);
            }
            Event::CallTakenBack { index, .. } => {
                ladder.take_call_back_of(*index);
            }
        }
    }
    steps.extend(ladder.advance_to(age).steps);
    (ladder, steps)
}

fn age_at(past: &Past, at: DateTime<Utc>) -> Duration {
    (at - past.starts_at).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{alert::Severity, escalation::Matrix};

    const HOLDS: Duration = Duration::from_mins(30);

    fn at(seconds: u64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + i64::try_from(seconds).unwrap(), 0).unwrap()
    }

    fn past(seconds: u64, event: Event) -> Past {
        Past { fingerprint: "f".into(), alert: "A".into(), starts_at: at(0), at: at(seconds), by: "me".into(), event }
    }

    fn rung() -> Rung {
        Matrix::default().rung(Severity::Critical).unwrap().clone()
    }

    fn replayed(age: u64, past: &[Past]) -> Ladder {
        replay(rung(), Duration::from_secs(age), Mono::ZERO, &past.iter().collect::<Vec<_>>(), HOLDS).0
    }

    #[test]
    fn an_ack_keeps_its_end_and_an_expired_one_is_not_restored() {
        let ack = [past(100, Event::Acknowledged { until: at(1_900) })];
        let held = replayed(1_000, &ack);
        assert_eq!((held.taken.len(), held.ack.unwrap().expires), (1, Duration::from_secs(1_900)));
        let expired = replayed(2_000, &ack);
        assert_eq!((expired.ack.is_none(), expired.left(Mono::ZERO)), (true, Some(Duration::from_secs(100))));
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        let for_ever = replayed(3_000, &[past(100, Event::Acknowledged { until: at(1_000_000_000) })]);
        assert!(for_ever.ack.is_none(), "it holds no longer than one made here");
        let ahead = replayed(400, &[past(500, Event::Acknowledged { until: at(2_000) }), past(9_000, Event::AckTakenBack)]);
        assert_eq!((ahead.ack.is_none(), ahead.taken.len()), (true, 2));
        let nobody = replayed(
            10,
            &[past(5, Event::Called { index: 7, who: "X".into() }), past(5, Event::StepDue { index: 9, who: "X".into(), by_hand: true })],
        );
        assert_eq!(nobody, replayed(10, &[]));
    }

    proptest! {
        /// A program that was ended and started again has the ladder of one that ran all the time.
        #[test]
        fn a_restart_changes_no_ladder(acts in prop::collection::vec((0u8..7, 1u64..700), 0..30), rest in 0u64..2_000) {
            let mut ladder = Ladder::start(rung(), Duration::ZERO, Mono::ZERO);
            let (mut now, mut written) = (0, Vec::new());
            for (act, wait) in acts {
                now += wait;
                let mono = Mono(Duration::from_secs(now));
                ladder.advance(mono);
                let until = at(now) + chrono::Duration::from_std(HOLDS).unwrap();
                match act {
                    0 => {
                        ladder.acknowledge("me".into(), mono, HOLDS);
                        written.push(past(now, Event::Acknowledged { until }));
                    }
                    1 if ladder.renew(mono, HOLDS) => written.push(past(now, Event::Renewed { until })),
                    2 if ladder.take_ack_back(mono).is_some() => written.push(past(now, Event::AckTakenBack)),
                    3 => written.extend(ladder.escalate_now(mono).map(|step| past(now, Event::StepDue { index: step.index, who: step.who, by_hand: true }))),
                    4 => written.extend(ladder.call("me".into(), mono).map(|step| past(now, Event::Called { index: step.index, who: step.who }))),
                    5 => written.extend(ladder.take_call_back().map(|step| past(now, Event::CallTakenBack { index: step.index, who: step.who }))),
                    _ => {}
                }
            }
            now += rest;
            ladder.advance(Mono(Duration::from_secs(now)));
            let again = replayed(now, &written);
            prop_assert_eq!((&again.taken, again.next_due, &again.ack), (&ladder.taken, ladder.next_due, &ladder.ack));
        }
    }
}
