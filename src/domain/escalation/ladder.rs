//! The ladder of one alert: which steps have come, whether somebody was called, what holds it.

use std::time::Duration;

use super::matrix::Rung;
use crate::domain::{text::Text, time::Mono};

/// The ladder of one alert. All its times are ages of the alert: time since it began to fire, counted on the monotonic
/// clock from the moment it was first seen. So a wall clock set back or forward moves nothing, and an alert that began
/// before this program did is as old as it is.
///
/// Invariants: steps become due in order, exactly once each; while acknowledged none becomes due; an expired
/// acknowledgement resumes with the time that was left. The first step is due when the alert begins to fire, each next
/// one response time after the last. That a step is due says nothing about a call: sev1 calls nobody, and a person notes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    pub rung: Rung,
    /// When this program first saw the alert firing.
    pub seen: Mono,
    /// How old the alert was then.
    pub age_when_seen: Duration,
    /// Steps that have come, in order.
    pub taken: Vec<Taken>,
    /// Age at which the next step is due; none while acknowledged or when every step has come.
    pub next_due: Option<Duration>,
    pub ack: Option<Ack>,
}

/// A step that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Age of the alert at which it was due.
    pub due: Duration,
    /// None where nobody noted one.
    pub call: Option<Call>,
}

/// Somebody noted that this step's person was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who noted it.
    pub by: Text,
    /// Age of the alert then.
    pub at: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    pub by: Text,
    /// Age of the alert when it was acknowledged.
    pub at: Duration,
    /// Age of the alert at which the ladder goes on.
    pub expires: Duration,
    /// Time that was left to the next step when it was acknowledged; none when every step had come.
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
        Self { rung, seen: now, age_when_seen: age, taken: Vec::new(), next_due, ack: None }
    }

    /// How long the alert has been firing.
    pub fn age(&self, now: Mono) -> Duration {
        self.age_when_seen.saturating_add(now.since(self.seen))
    }

    /// Time to the next step; none while acknowledged or when every step has come.
    pub fn left(&self, now: Mono) -> Option<Duration> {
        self.next_due.map(|due| due.saturating_sub(self.age(now)))
    }

    /// Whether every step of the path has come.
    pub fn is_exhausted(&self) -> bool {
        self.taken.len() >= self.rung.path.len()
    }

    /// The step that came last, and its position in the path: whoever is to be called at present.
    pub fn current(&self) -> Option<(usize, &Taken)> {
        self.taken.iter().enumerate().next_back()
    }

    /// The acknowledgement that holds the ladder at `now`.
    pub fn held_by(&self, now: Mono) -> Option<&Ack> {
        let age = self.age(now);
        self.ack.as_ref().filter(|ack| age < ack.expires)
    }

    /// Ends an expired acknowledgement, then takes every step that is due.
    pub fn advance(&mut self, now: Mono) -> Advance {
        self.advance_to(self.age(now))
    }

    pub(super) fn advance_to(&mut self, age: Duration) -> Advance {
        let expired = self.expire(age);
        let mut steps = Vec::new();
        while let Some(due) = self.next_due.filter(|due| *due <= age) {
            steps.push(self.take(due));
        }
        Advance { steps, expired }
    }

    /// Stops the ladder until the acknowledgement expires. A second one renews the first.
    pub fn acknowledge(&mut self, by: Text, now: Mono, holds: Duration) {
        let age = self.age(now);
        self.acknowledge_until(by, age, age.saturating_add(holds));
    }

    pub(super) fn acknowledge_until(&mut self, by: Text, age: Duration, expires: Duration) {
        let left = match &self.ack {
            Some(ack) => ack.left,
            None => self.next_due.map(|due| due.saturating_sub(age)),
        };
        self.next_due = None;
        self.ack = Some(Ack { by, at: age, expires, left });
    }

    /// Takes the acknowledgement back: the ladder goes on with the time that was left. None where nothing holds it.
    pub fn take_ack_back(&mut self, now: Mono) -> Option<Ack> {
        self.take_ack_back_at(self.age(now))
    }

    pub(super) fn take_ack_back_at(&mut self, age: Duration) -> Option<Ack> {
        self.expire(age);
        let ack = self.ack.take()?;
        self.next_due = ack.left.map(|left| age.saturating_add(left));
        Some(ack)
    }

    /// Activity keeps an acknowledgement that still holds. Says whether there was one.
    pub fn renew(&mut self, now: Mono, holds: Duration) -> bool {
        let age = self.age(now);
        self.renew_until(age, age.saturating_add(holds))
    }

    pub(super) fn renew_until(&mut self, age: Duration, expires: Duration) -> bool {
        let Some(ack) = self.ack.as_mut().filter(|ack| age < ack.expires) else { return false };
        ack.expires = ack.expires.max(expires);
        true
    }

    /// Notes that the person of the step that came last was called. None where no step has come, or that was noted before.
    pub fn call(&mut self, by: Text, now: Mono) -> Option<Step> {
        let index = self.current()?.0;
        self.call_at(index, by, self.age(now))
    }

    pub(super) fn call_at(&mut self, index: usize, by: Text, age: Duration) -> Option<Step> {
        let who = self.rung.path.get(index)?.clone();
        let taken = self.taken.get_mut(index).filter(|taken| taken.call.is_none())?;
        taken.call = Some(Call { by, at: age });
        Some(Step { index, who, due: taken.due })
    }

    /// Takes the latest noted call back. None where none is noted.
    pub fn take_call_back(&mut self) -> Option<Step> {
        let index = self.taken.iter().rposition(|taken| taken.call.is_some())?;
        self.take_call_back_of(index)
    }

    pub(super) fn take_call_back_of(&mut self, index: usize) -> Option<Step> {
        let taken = self.taken.get_mut(index)?;
        taken.call.take()?;
        Some(Step { index, who: self.rung.path.get(index).cloned().unwrap_or_default(), due: taken.due })
    }

    /// Takes the next step at once; the one after it is due one response time later. None when every step has come. An
    /// acknowledgement goes on holding what remains.
    pub fn escalate_now(&mut self, now: Mono) -> Option<Step> {
        self.escalate_at(self.age(now))
    }

    pub(super) fn escalate_at(&mut self, age: Duration) -> Option<Step> {
        if self.is_exhausted() {
            return None;
        }
        // An acknowledgement that nobody has looked at since it expired holds nothing any more.
        self.expire(age);
        let step = self.take(age);
        if let Some(ack) = &mut self.ack {
            ack.left = self.next_due.take().map(|_| self.rung.response);
        }
        Some(step)
    }

    /// The alert was hidden from age `from` to now, by somebody's silence: the ladder goes on with the time that was left.
    pub fn was_hidden(&mut self, from: Duration, now: Mono) {
        let age = self.age(now);
        if let Some(ack) = self.ack.take_if(|ack| ack.expires <= age) {
            self.next_due = ack.left.map(|left| age.saturating_add(left));
        } else {
            self.next_due = self.next_due.map(|due| due.saturating_add(age.saturating_sub(from)));
        }
    }

    fn expire(&mut self, age: Duration) -> Option<Ack> {
        let ack = self.ack.take_if(|ack| age >= ack.expires)?;
        self.next_due = ack.left.map(|left| ack.expires.saturating_add(left));
        Some(ack)
    }

    /// The next step, due at this age.
    fn take(&mut self, due: Duration) -> Step {
        let index = self.taken.len();
        let who = self.rung.path.get(index).cloned().unwrap_or_default();
        self.taken.push(Taken { due, call: None });
        self.next_due = (!self.is_exhausted()).then(|| due.saturating_add(self.rung.response));
        Step { index, who, due }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{alert::Severity, escalation::Matrix};

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
    fn the_first_is_due_at_once_and_the_next_one_response_time_later() {
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
        assert_eq!(ladder.taken.iter().map(|taken| taken.due).collect::<Vec<_>>(), [seconds(0), seconds(300)]);
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

    #[test]
    fn an_ack_taken_back_goes_on_with_the_time_that_was_left() {
        let mut ladder = critical(0);
        ladder.advance(mono(0));
        ladder.acknowledge("me".into(), mono(100), seconds(1_800));
        assert_eq!(ladder.take_ack_back(mono(700)).map(|ack| ack.by), Some("me".into()));
        assert_eq!((ladder.left(mono(700)), ladder.take_ack_back(mono(700))), (Some(seconds(200)), None));
    }

    #[test]
    fn a_call_is_noted_once_for_the_step_that_came_last_and_taken_back() {
        let mut ladder = critical(0);
        assert_eq!(ladder.call("me".into(), mono(0)), None);
        ladder.advance(mono(310));
        assert_eq!(ladder.call("me".into(), mono(320)).map(|step| step.who), Some("Team lead".into()));
        assert_eq!(ladder.call("me".into(), mono(330)), None);
        assert_eq!(ladder.current().unwrap().1.call, Some(Call { by: "me".into(), at: seconds(320) }));
        assert_eq!(ladder.left(mono(320)), Some(seconds(280)), "a call holds nothing up");
        assert_eq!(ladder.take_call_back().map(|step| step.index), Some(1));
        assert_eq!(ladder.take_call_back(), None);
    }

    #[test]
    fn hidden_time_does_not_count() {
        let mut ladder = critical(0);
        ladder.advance(mono(0));
        ladder.was_hidden(seconds(100), mono(7_300));
        assert_eq!((names(&ladder.advance(mono(7_300))), ladder.left(mono(7_300))), (vec![], Some(seconds(200))));
        ladder.acknowledge("me".into(), mono(7_400), seconds(600));
        ladder.was_hidden(seconds(7_500), mono(9_000));
        assert_eq!((ladder.ack.is_none(), ladder.left(mono(9_000))), (true, Some(seconds(100))));
    }

    proptest! {
        #[test]
        fn steps_come_in_order_once_and_never_while_acknowledged(age in 0u64..2_000, acts in prop::collection::vec((0u8..9, 0u64..700), 0..40)) {
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
                    3 => { ladder.take_ack_back(at); }
                    4 => { ladder.call("me".into(), at); }
                    5 => { ladder.take_call_back(); }
                    _ => {
                        let held = ladder.held_by(at).is_some();
                        let advance = ladder.advance(at);
                        prop_assert!(!held || advance.steps.is_empty());
                        taken.extend(advance.steps.iter().map(|step| step.index));
                    }
                }
                prop_assert!(ladder.ack.is_none() || ladder.next_due.is_none());
                prop_assert!(ladder.taken.is_sorted_by_key(|taken| taken.due));
            }
            prop_assert_eq!(&taken, &(0..taken.len()).collect::<Vec<_>>());
            prop_assert!(taken.len() <= 3);
        }
    }
}
