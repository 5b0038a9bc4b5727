//! The escalation ladder: who is called when nobody acknowledges.

use std::time::Duration;

use super::{alert::Severity, text::Text, time::Mono};

/// One row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    pub severity: Severity,
    /// Time to respond; each next step is due one response time after the last.
    pub response: Duration,
    /// People in order; empty means logged only.
    pub path: Vec<Text>,
    /// Channels in words: `incident channel + SMS`.
    pub channels: Text,
}

/// The whole matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    pub rungs: Vec<Rung>,
    /// How long an acknowledgement holds the ladder without renewal.
    pub ack_expires_after: Duration,
}

impl Matrix {
    pub fn rung(&self, severity: Severity) -> Option<&Rung> {
        self.rungs.iter().find(|rung| rung.severity == severity)
    }
}

impl Default for Matrix {
    /// The operations guide's alert escalation matrix; acknowledgements hold 30 minutes.
    fn default() -> Self {
        let people = |names: &[&str]| names.iter().map(|name| Text::line(name)).collect();
        Self {
            rungs: vec![
                Rung {
                    severity: Severity::Critical,
                    response: Duration::from_mins(5),
                    path: people(&["On-call", "Team lead", "Manager"]),
                    channels: "incident channel + SMS".into(),
                },
                Rung {
                    severity: Severity::Warning,
                    response: Duration::from_mins(15),
                    path: people(&["On-call", "Team lead"]),
                    channels: "incident channel".into(),
                },
                Rung { severity: Severity::Info, response: Duration::from_hours(1), path: Vec::new(), channels: "monitoring channel".into() },
            ],
            ack_expires_after: Duration::from_mins(30),
        }
    }
}

/// The ladder of one alert. Its times are ages of the alert: time since it began to fire, counted on the monotonic
/// clock from the moment it was first seen. So a wall clock set back or forward moves nothing, and an alert that began
/// before this program did is as old as it is.
///
/// Invariants: steps become due in order, exactly once each; while acknowledged none becomes due; an expired
/// acknowledgement resumes with the time that was left. The first step is due when the alert begins to fire, each next
/// one response time after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    pub rung: Rung,
    /// When this program first saw the alert firing.
    pub seen: Mono,
    /// How old the alert was then.
    pub age_when_seen: Duration,
    /// Ages at which steps became due, in order: one for each person told.
    pub told: Vec<Duration>,
    /// Age at which the next step is due; none while acknowledged or when everyone was told.
    pub next_due: Option<Duration>,
    pub ack: Option<Ack>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    pub by: Text,
    pub at: Mono,
    pub expires: Mono,
    /// Time that was left to the next step when it was acknowledged; none when everyone was told.
    pub left: Option<Duration>,
}

/// A step that became due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Position in the path, from 0.
    pub index: usize,
    pub who: Text,
    /// Age of the alert at which it was due.
    pub due: Duration,
}

/// What `advance` found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advance {
    /// Steps that became due, in order.
    pub steps: Vec<Step>,
    /// The acknowledgement that held the ladder has expired.
    pub expired: Option<Ack>,
}

impl Ladder {
    /// The ladder of an alert that is `age` old at `now`. Nothing is due before [`Ladder::advance`] says so.
    pub fn start(rung: Rung, age: Duration, now: Mono) -> Self {
        let next_due = (!rung.path.is_empty()).then_some(Duration::ZERO);
        Self { rung, seen: now, age_when_seen: age, told: Vec::new(), next_due, ack: None }
    }

    /// How long the alert has been firing.
    pub fn age(&self, now: Mono) -> Duration {
        self.age_when_seen.saturating_add(now.since(self.seen))
    }

    /// Time to the next step; none while acknowledged or when everyone was told.
    pub fn left(&self, now: Mono) -> Option<Duration> {
        self.next_due.map(|due| due.saturating_sub(self.age(now)))
    }

    /// Whether everyone on the path was told.
    pub fn is_exhausted(&self) -> bool {
        self.told.len() >= self.rung.path.len()
    }

    /// Ends an expired acknowledgement, then takes every step that is due.
    pub fn advance(&mut self, now: Mono) -> Advance {
        let expired = self.expire(now);
        let age = self.age(now);
        let mut steps = Vec::new();
        while let Some(due) = self.next_due.filter(|due| *due <= age) {
            steps.push(self.take(due));
        }
        Advance { steps, expired }
    }

    /// Stops the ladder until the acknowledgement expires. A second one renews the first.
    pub fn acknowledge(&mut self, by: Text, now: Mono, holds: Duration) {
        let left = match &self.ack {
            Some(ack) => ack.left,
            None => self.left(now),
        };
        self.next_due = None;
        self.ack = Some(Ack { by, at: now, expires: now.plus(holds), left });
    }

    /// Activity keeps an acknowledgement that still holds. Says whether there was one.
    pub fn renew(&mut self, now: Mono, holds: Duration) -> bool {
        let Some(ack) = self.ack.as_mut().filter(|ack| now < ack.expires) else { return false };
        ack.expires = ack.expires.max(now.plus(holds));
        true
    }

    /// Takes the next step at once; the one after it is due one response time later. None when everyone was told. An
    /// acknowledgement goes on holding what remains.
    pub fn escalate_now(&mut self, now: Mono) -> Option<Step> {
        if self.is_exhausted() {
            return None;
        }
        // An acknowledgement that nobody has looked at since it expired holds nothing any more.
        self.expire(now);
        let step = self.take(self.age(now));
        if let Some(ack) = &mut self.ack {
            ack.left = self.next_due.take().map(|_| self.rung.response);
        }
        Some(step)
    }

    fn expire(&mut self, now: Mono) -> Option<Ack> {
        let ack = self.ack.take_if(|ack| now >= ack.expires)?;
        let resumed = self.age_when_seen.saturating_add(ack.expires.since(self.seen));
        self.next_due = ack.left.map(|left| resumed.saturating_add(left));
        Some(ack)
    }

    /// The next step, due at this age.
    fn take(&mut self, due: Duration) -> Step {
        let index = self.told.len();
        let who = self.rung.path.get(index).cloned().unwrap_or_default();
        self.told.push(due);
        self.next_due = (!self.is_exhausted()).then(|| due.saturating_add(self.rung.response));
        Step { index, who, due }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn mono(at: u64) -> Mono {
        Mono(seconds(at))
    }

    fn critical(age: u64) -> Ladder {
        let rung = Matrix::default().rung(Severity::Critical).cloned().unwrap();
        Ladder::start(rung, seconds(age), mono(0))
    }

    fn names(advance: &Advance) -> Vec<&str> {
        advance.steps.iter().map(|step| step.who.as_str()).collect()
    }

    #[test]
    fn the_first_is_told_at_once_and_the_next_one_response_time_later() {
        let mut ladder = critical(0);
        assert_eq!(names(&ladder.advance(mono(0))), ["On-call"]);
        assert_eq!(ladder.left(mono(108)), Some(seconds(192)));
        assert_eq!(names(&ladder.advance(mono(299))), [""; 0]);
        assert_eq!(names(&ladder.advance(mono(300))), ["Team lead"]);
        assert_eq!(names(&ladder.advance(mono(9_000))), ["Manager"]);
        assert_eq!(ladder.left(mono(9_000)), None);
    }

    #[test]
    fn an_alert_older_than_the_program_has_its_steps_behind_it() {
        let mut ladder = critical(400);
        assert_eq!(names(&ladder.advance(mono(0))), ["On-call", "Team lead"]);
        assert_eq!(ladder.told, [seconds(0), seconds(300)]);
        assert_eq!(ladder.left(mono(0)), Some(seconds(200)));
    }

    #[test]
    fn an_expired_ack_resumes_with_the_time_that_was_left() {
        let mut ladder = critical(0);
        ladder.advance(mono(0));
        ladder.acknowledge("me".into(), mono(100), seconds(1_800));
        assert_eq!(ladder.advance(mono(1_899)), Advance::default());
        let resumed = ladder.advance(mono(1_900));
        assert!(resumed.expired.is_some() && resumed.steps.is_empty());
        assert_eq!(ladder.left(mono(1_900)), Some(seconds(200)));
        assert_eq!(names(&ladder.advance(mono(2_100))), ["Team lead"]);
    }

    #[test]
    fn activity_renews_an_ack_that_holds_and_no_other() {
        let mut ladder = critical(0);
        assert!(!ladder.renew(mono(5), seconds(60)));
        ladder.acknowledge("me".into(), mono(10), seconds(60));
        assert!(ladder.renew(mono(60), seconds(60)));
        assert!(ladder.advance(mono(119)).expired.is_none());
        assert!(!ladder.renew(mono(120), seconds(60)));
        assert!(ladder.advance(mono(120)).expired.is_some());
    }

    #[test]
    fn escalating_takes_one_step_and_restarts_the_wait() {
        let mut ladder = critical(0);
        ladder.advance(mono(0));
        assert_eq!(ladder.escalate_now(mono(60)).unwrap().who, "Team lead");
        assert_eq!(ladder.left(mono(60)), Some(seconds(300)));
        assert_eq!(ladder.escalate_now(mono(61)).unwrap().who, "Manager");
        assert_eq!(ladder.escalate_now(mono(62)), None);
    }

    #[test]
    fn an_ack_that_expired_unseen_does_not_hold_the_next_step() {
        let mut ladder = critical(0);
        ladder.acknowledge("me".into(), mono(0), seconds(600));
        ladder.escalate_now(mono(901));
        assert_eq!((ladder.ack.clone(), ladder.left(mono(901))), (None, Some(seconds(300))));
    }

    proptest! {
        #[test]
        fn steps_come_in_order_once_and_never_while_acknowledged(age in 0u64..2_000, acts in prop::collection::vec((0u8..5, 0u64..700), 0..40)) {
            let mut ladder = critical(age);
            let mut now = 0;
            let mut taken = Vec::new();
            for (act, wait) in acts {
                now += wait;
                let at = mono(now);
                match act {
                    0 => ladder.acknowledge("me".into(), at, seconds(600)),
                    1 => { ladder.renew(at, seconds(600)); }
                    2 => taken.extend(ladder.escalate_now(at).map(|step| step.index)),
                    _ => {
                        let held = ladder.ack.as_ref().is_some_and(|ack| at < ack.expires);
                        let advance = ladder.advance(at);
                        prop_assert!(!held || advance.steps.is_empty());
                        taken.extend(advance.steps.iter().map(|step| step.index));
                    }
                }
                prop_assert!(ladder.ack.is_none() || ladder.next_due.is_none());
                prop_assert!(ladder.told.is_sorted());
            }
            prop_assert_eq!(&taken, &(0..taken.len()).collect::<Vec<_>>());
            prop_assert!(taken.len() <= 3);
        }
    }
}
