//! The ladders of the firing alerts: which one is shown, and what it says.

mod answers;
mod ladders;
mod memory;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::{
    alert::{Alert, AlertStatus},
    escalation::{Ladder, Urgency, by_urgency},
    health::SourceId,
    text::Text,
};

use super::{Screen, State, screens::cockpit::Pane};

pub use memory::Memory;

/// An alert with its ladder, in words ready to be drawn. In this version nobody is paged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    pub alert: Alert,
    /// How long it has been firing.
    pub age: Duration,
    pub urgency: Urgency,
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// To be called since then, by the alert server's clock, and no call is noted.
    Due { at: DateTime<Utc>, ago: Duration },
    /// Was due then. A later step has come, or somebody acknowledged; no call is noted.
    Passed(DateTime<Utc>),
    /// Called at this time, as this person noted.
    Called { at: DateTime<Utc>, by: Text },
    /// Counting down, in whole seconds.
    In(Duration),
    /// Held by an acknowledgement; the time that was left to it.
    Held(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckView {
    pub by: Text,
    /// By the alert server's clock.
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// How the alerts that call somebody stand, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Firing, with somebody to be called for them.
    pub firing: usize,
    pub acked: usize,
    /// Not acknowledged, with a call that is due and not noted.
    pub to_call: usize,
}

impl State {
    /// The alert that header, escalation pane and keys mean, and its ladder.
    pub fn escalation(&self) -> Option<Escalation> {
        self.shown_alert().map(|(alert, ladder)| self.escalation_of(alert, ladder))
    }

    /// The one under the cursor of the escalation pane while that has the focus, else the one that needs a person first.
    pub fn shown_alert(&self) -> Option<(&Alert, &Ladder)> {
        let in_pane = self.screen == Screen::Cockpit && self.cockpit.focus == Pane::Escalation;
        let row = if in_pane { self.cockpit.alerts.row } else { 0 };
        let firing = self.firing_in_order();
        firing.get(row).or_else(|| firing.first()).copied()
    }

    /// All firing alerts with a ladder, the one that needs a person first at the beginning.
    pub fn firing(&self) -> impl Iterator<Item = (&Alert, &Ladder)> {
        self.firing_in_order().into_iter()
    }

    fn firing_in_order(&self) -> Vec<(&Alert, &Ladder)> {
        let mut firing: Vec<(&Alert, &Ladder)> = self
            .alerts
            .iter()
            .flat_map(|list| &list.alerts)
            .filter(|alert| alert.status == AlertStatus::Firing)
            .filter_map(|alert| Some((alert, self.ladders.get(&alert.fingerprint)?)))
            .collect();
        by_urgency(&mut firing, self.now.mono);
        firing
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (_, ladder) in self.firing() {
            let urgency = Urgency::of(ladder, self.now.mono);
            tally.firing += usize::from(urgency != Urgency::LoggedOnly);
            tally.acked += usize::from(urgency.is_held());
            tally.to_call += usize::from(urgency.is_overdue());
        }
        tally
    }

    /// Whether somebody acknowledged one of the firing alerts, or noted a call for it.
    pub fn is_answered(&self) -> bool {
        self.firing().any(|(_, ladder)| ladder.ack.is_some() || ladder.taken.iter().any(|step| step.call.is_some()))
    }

    /// The alert by name; of several with this name what it is about comes first.
    pub fn alert_in_words(&self, alert: &Alert) -> Text {
        let shares_name = self.firing().any(|(other, _)| other.name == alert.name && other.fingerprint != alert.fingerprint);
        match alert.subject().filter(|_| shares_name) {
            Some(subject) => Text::line(&format!("{subject} {}", alert.name)),
            None => alert.name.clone(),
        }
    }

    /// Alerts that fire and are hidden, in the order of the list.
    pub fn silenced(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().flat_map(|list| &list.alerts).filter(|alert| alert.status == AlertStatus::Suppressed)
    }

    /// The alert under the cursor of the escalation pane: one that fires, or below them one that is silenced.
    pub(super) fn alert_under_cursor(&self) -> Option<&Alert> {
        let row = self.cockpit.alerts.row;
        let firing = self.firing().count();
        self.firing().map(|(alert, _)| alert).nth(row).or_else(|| self.silenced().nth(row.saturating_sub(firing)))
    }

    pub fn escalation_of(&self, alert: &Alert, ladder: &Ladder) -> Escalation {
        let now = self.now.mono;
        let age = ladder.age(now);
        let next = ladder.left(now);
        let is_held = ladder.held_by(now).is_some();
        let held = ladder.ack.as_ref().and_then(|ack| ack.left);
        let current = ladder.current().map(|(index, _)| index);
        let steps = ladder.rung.path.iter().enumerate().map(|(index, who)| {
            let later = ladder.rung.response * u32::try_from(index.saturating_sub(ladder.taken.len())).unwrap_or(u32::MAX);
            let state = match (ladder.taken.get(index), next, held) {
                (Some(taken), _, _) => match &taken.call {
                    Some(call) => StepState::Called { at: alert.at_age(call.at), by: call.by.clone() },
                    None if current == Some(index) && !is_held => StepState::Due { at: alert.at_age(taken.due), ago: age.saturating_sub(taken.due) },
                    None => StepState::Passed(alert.at_age(taken.due)),
                },
                (None, Some(left), _) => StepState::In(whole_seconds(left.saturating_add(later))),
                (None, None, left) => StepState::Held(whole_seconds(left.unwrap_or_default().saturating_add(later))),
            };
            StepView { who: who.clone(), state }
        });
        Escalation {
            age,
            urgency: Urgency::of(ladder, now),
            steps: steps.collect(),
            ack: ladder.held_by(now).map(|ack| AckView { by: ack.by.clone(), at: alert.at_age(ack.at), until: alert.at_age(ack.expires) }),
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
