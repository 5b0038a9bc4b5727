//! The ladders of the firing alerts: which one is shown, and what it says.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::{
    alert::{Alert, AlertList, AlertStatus},
    escalation::{Ladder, Rung, Step},
    health::SourceId,
    text::Text,
    units,
};

use super::{Screen, State, msg::Effect, overlay::Overlay, screens::cockpit::Pane, timeline::EntryKind};

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
        let alert_now = self.alert_now();
        let ago = |ago: Duration| alert_now - chrono::Duration::from_std(ago).unwrap_or_default();
        let next = ladder.left(now);
        let held = ladder.ack.as_ref().and_then(|ack| ack.left);
        let steps = ladder.rung.path.iter().enumerate().map(|(index, who)| {
            let later = ladder.rung.response * u32::try_from(index.saturating_sub(ladder.told.len())).unwrap_or(u32::MAX);
            let state = match (ladder.told.get(index), next, held) {
                (Some(told), _, _) => StepState::Told(alert.at_age(*told)),
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

/// Ladders kept; an avalanche of alerts beyond it is listed without ladders.
const LADDERS: usize = 500;
/// A step that became due longer ago than this was behind us at launch.
const LATE: Duration = Duration::from_secs(10);

impl State {
    /// A new list of alerts: starts ladders, drops those of alerts that no longer fire. Says whether anything shows.
    pub(super) fn alerts_read(&mut self, mut list: AlertList, effects: &mut Vec<Effect>) -> bool {
        list.alerts.sort_by(|one, other| other.severity.cmp(&one.severity).then(one.starts_at.cmp(&other.starts_at)).then(one.name.cmp(&other.name)));
        if self.alerts.as_ref() == Some(&list) {
            return false;
        }
        let before = self.alerts.replace(list.clone()).map(|list| list.alerts).unwrap_or_default();
        let firing = |alerts: &[Alert]| -> BTreeMap<Text, Alert> {
            alerts.iter().filter(|alert| alert.status == AlertStatus::Firing).map(|alert| (alert.fingerprint.clone(), alert.clone())).collect()
        };
        let (were, are) = (firing(&before), firing(&list.alerts));
        for (fingerprint, alert) in &were {
            if !are.contains_key(fingerprint) {
                self.ladders.remove(fingerprint);
                let fate = match list.alerts.iter().find(|alert| alert.fingerprint == *fingerprint).map(|alert| alert.status) {
                    Some(AlertStatus::Suppressed) => "silenced",
                    Some(_) => "pending again",
                    None => "resolved",
                };
                self.timeline.add(self.alert_now(), EntryKind::Alert, Text::line(&format!("{} {fate}", alert.name)));
            }
        }
        let mut started = false;
        for (fingerprint, alert) in &are {
            let goes_on = were.get(fingerprint).is_some_and(|before| before.starts_at == alert.starts_at) && self.ladders.contains_key(fingerprint);
            if !goes_on && self.ladders.len() < LADDERS {
                self.start_ladder(alert, effects);
                started = true;
            }
        }
        if started {
            self.advance_ladders(effects);
        }
        self.due.suggestions = true;
        true
    }

    fn start_ladder(&mut self, alert: &Alert, effects: &mut Vec<Effect>) {
        let unlisted = || Rung { severity: alert.severity, response: Duration::from_hours(1), path: Vec::new(), channels: Text::default() };
        let rung = self.config.escalation.rung(alert.severity).cloned().unwrap_or_else(unlisted);
        let age = self.alert_now().signed_duration_since(alert.starts_at).to_std().unwrap_or_default();
        if rung.path.is_empty() {
            effects.push(record("alert-logged", alert, json!({ "age_seconds": age.as_secs() })));
        }
        self.ladders.insert(alert.fingerprint.clone(), Ladder::start(rung, age, self.now.mono));
        let subject = alert.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
        let text = format!("{}{subject} fires ({}) {}", alert.name, alert.severity.word(), alert.summary);
        self.timeline.add(alert.starts_at, EntryKind::Alert, Text::line(text.trim_end()));
    }

    /// Takes the steps that are due: each is journalled once. Nobody is paged.
    pub(super) fn advance_ladders(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let alert_now = self.alert_now();
        let alerts = self.alerts.iter().flat_map(|list| &list.alerts);
        for alert in alerts.filter(|alert| alert.status == AlertStatus::Firing) {
            let Some(ladder) = self.ladders.get_mut(&alert.fingerprint) else { continue };
            let advance = ladder.advance(now);
            if let Some(ack) = advance.expired {
                effects.push(record("ack-expired", alert, json!({ "by": ack.by })));
                let text = format!("acknowledgement of {} by {} expired: its ladder goes on", alert.name, ack.by);
                self.timeline.add(alert_now, EntryKind::Alert, Text::line(&text));
                self.dirty = true;
            }
            let age = ladder.age(now);
            for step in advance.steps {
                let at = alert.at_age(step.due);
                let is_late = age.saturating_sub(step.due) > LATE;
                effects.push(record("escalation-step", alert, step_fields(&step, at, is_late, false)));
                let text = format!("{}: {} is due (step {}; nobody is paged by sev1)", alert.name, step.who, step.index + 1);
                self.timeline.add(at, EntryKind::Alert, Text::line(&text));
                if !is_late {
                    effects.push(Effect::Bell);
                }
                self.dirty = true;
            }
        }
    }

    /// The alert that `a` and `e` mean: the one under the cursor of the escalation pane, else the shown one.
    fn meant_alert(&self) -> Option<Alert> {
        let in_pane = self.screen == Screen::Cockpit && self.cockpit.focus == Pane::Escalation;
        let index = if in_pane { self.cockpit.alerts.row } else { 0 };
        self.firing().nth(index).or_else(|| self.firing().next()).map(|(alert, _)| alert.clone())
    }

    /// `a`: stops the ladder for a while. Activity renews it.
    pub(super) fn acknowledge(&mut self, effects: &mut Vec<Effect>) {
        let Some(alert) = self.meant_alert() else { return self.say("nothing fires: there is nothing to acknowledge") };
        let by = self.session.identity.as_ref().map_or_else(|| "someone".into(), |identity| identity.cluster.user.clone());
        let holds = self.config.escalation.ack_expires_after;
        if let Some(ladder) = self.ladders.get_mut(&alert.fingerprint) {
            ladder.acknowledge(by.clone(), self.now.mono, holds);
        }
        effects.push(record("ack", &alert, json!({ "by": by, "holds_seconds": holds.as_secs() })));
        self.own_action(&format!("{by} acknowledged {}", alert.name));
        self.say(&format!("{} acknowledged: its ladder is held for {}, longer while keys are pressed", alert.name, units::spoken(holds)));
    }

    /// `e`: asks before it takes the next step.
    pub(super) fn ask_to_escalate(&mut self) {
        let Some(alert) = self.meant_alert() else { return self.say("nothing fires: there is nothing to escalate") };
        let ladder = self.ladders.get(&alert.fingerprint);
        let next = ladder.and_then(|ladder| ladder.rung.path.get(ladder.told.len()));
        match next {
            Some(who) => {
                let who = who.clone();
                self.overlays.push(Overlay::EscalateQuestion { fingerprint: alert.fingerprint, alert: alert.name, who });
            }
            None => self.say(&format!("{}: everyone on its ladder is due already", alert.name)),
        }
    }

    pub(super) fn escalate_now(&mut self, fingerprint: &Text, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let alert = self.firing().find(|(alert, _)| alert.fingerprint == *fingerprint).map(|(alert, _)| alert.clone());
        let step = self.ladders.get_mut(fingerprint).and_then(|ladder| ladder.escalate_now(now));
        let (Some(alert), Some(step)) = (alert, step) else { return self.say("the alert no longer fires") };
        effects.push(record("escalation-step", &alert, step_fields(&step, self.alert_now(), false, true)));
        self.own_action(&format!("{} escalated to {} by hand", alert.name, step.who));
        self.say(&format!("{} is due now. Call them: nobody is paged by sev1", step.who));
    }

    /// Keys pressed keep acknowledgements alive.
    pub(super) fn renew_acks(&mut self) {
        let holds = self.config.escalation.ack_expires_after;
        for ladder in self.ladders.values_mut() {
            if ladder.renew(self.now.mono, holds) {
                self.dirty = true;
            }
        }
    }
}

fn step_fields(step: &Step, at: DateTime<Utc>, is_late: bool, by_hand: bool) -> serde_json::Value {
    json!({
        "step": step.index + 1,
        "who": step.who,
        "due_at": at.to_rfc3339(),
        "before_launch": is_late,
        "by_hand": by_hand,
        "paged": false,
    })
}

/// A journal line about an alert.
fn record(kind: &'static str, alert: &Alert, more: serde_json::Value) -> Effect {
    let mut fields = json!({ "alert": alert.name, "fingerprint": alert.fingerprint, "severity": alert.severity.word() });
    if let (Some(fields), serde_json::Value::Object(more)) = (fields.as_object_mut(), more) {
        fields.extend(more);
    }
    Effect::Record { kind, fields }
}
