//! The ladders of the firing alerts: which one is shown, and what it says.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::{
    alert::{Alert, AlertStatus},
    escalation::Ladder,
    health::SourceId,
    text::Text,
};

use super::State;

/// An alert with its ladder, in words ready to be drawn. In this version nobody is paged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    pub alert: Alert,
    /// How long it has been firing.
    pub age: Duration,
    pub steps: Vec<StepView>,
    pub ack: Option<AckView>,
    /// Channels in words, by the matrix.
    pub channels: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    pub who: Text,
    pub state: StepState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Due since then, by the alert server's clock.
    Told(DateTime<Utc>),
    /// Counting down, in whole seconds.
    In(Duration),
    /// Held by an acknowledgement; the time that was left to it.
    Held(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckView {
    pub by: Text,
    /// By the servers' clock.
    pub at: DateTime<Utc>,
    /// Until the ladder goes on.
    pub expires_in: Duration,
}

impl State {
    /// The most severe, oldest firing alert and its ladder.
    pub fn escalation(&self) -> Option<Escalation> {
        self.firing().next().map(|(alert, ladder)| self.escalation_of(alert, ladder))
    }

    /// All firing alerts with a ladder, the shown one first.
    pub fn firing(&self) -> impl Iterator<Item = (&Alert, &Ladder)> {
        let mut firing: Vec<(&Alert, &Ladder)> = self
            .alerts
            .iter()
            .flat_map(|list| &list.alerts)
            .filter(|alert| alert.status == AlertStatus::Firing)
            .filter_map(|alert| Some((alert, self.ladders.get(&alert.fingerprint)?)))
            .collect();
        firing.sort_by(|(one, _), (other, _)| {
            other.severity.cmp(&one.severity).then(one.starts_at.cmp(&other.starts_at)).then(one.name.cmp(&other.name))
        });
        firing.into_iter()
    }

    pub fn escalation_of(&self, alert: &Alert, ladder: &Ladder) -> Escalation {
        let now = self.now.mono;
        let age = ladder.age(now);
        let alert_now = self.alert_now();
        let ago = |ago: Duration| alert_now - chrono::Duration::from_std(ago).unwrap_or_default();
        let next = ladder.left(now);
        let held = ladder.ack.as_ref().and_then(|ack| ack.left);
        let steps = ladder.rung.path.iter().enumerate().map(|(index, who)| {
            let later = ladder.rung.response * u32::try_from(index.saturating_sub(ladder.told.len())).unwrap_or(u32::MAX);
            let state = match (ladder.told.get(index), next, held) {
                (Some(told), _, _) => StepState::Told(ago(age.saturating_sub(*told))),
                (None, Some(left), _) => StepState::In(whole_seconds(left.saturating_add(later))),
                (None, None, left) => StepState::Held(whole_seconds(left.unwrap_or_default().saturating_add(later))),
            };
            StepView { who: who.clone(), state }
        });
        Escalation {
            age,
            steps: steps.collect(),
            ack: ladder.ack.as_ref().map(|ack| AckView { by: ack.by.clone(), at: ago(now.since(ack.at)), expires_in: ack.expires.since(now) }),
            channels: ladder.rung.channels.clone(),
            alert: alert.clone(),
        }
    }

    /// The alert server's time now.
    pub fn alert_now(&self) -> DateTime<Utc> {
        let own = self.sources.get(&SourceId::Alerts).and_then(|source| source.clock_offset);
        self.now.utc + own.unwrap_or(self.session.clock_offset)
    }
}

/// Rounded up, so that a countdown ends at 00:00 and not a second before.
fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs() + u64::from(duration.subsec_nanos() > 0))
}
