//! Ladders start, go on and stop with their alerts, and with the time.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::super::{State, msg::Effect, timeline::EntryKind};
use crate::domain::{
    alert::{Alert, AlertList, AlertStatus},
    escalation::{Event, Ladder, Rung, Step, is_same_start, replay},
    text::Text,
};

/// Ladders kept; an avalanche of alerts beyond it is listed without ladders.
const LADDERS: usize = 500;
/// A step that became due longer ago than this was behind us when the alert was first seen.
const LATE: Duration = Duration::from_secs(10);

impl State {
    /// A new list of alerts: starts ladders, sets those aside of alerts that no longer fire. Says whether anything shows.
    pub(in crate::state) fn alerts_read(&mut self, mut list: AlertList, effects: &mut Vec<Effect>) -> bool {
        list.alerts.sort_by(|one, other| other.severity.cmp(&one.severity).then(one.starts_at.cmp(&other.starts_at)).then(one.name.cmp(&other.name)));
        if self.alerts.as_ref() == Some(&list) {
            return false;
        }
        let is_first = self.alerts.is_none();
        let before = self.alerts.replace(list.clone()).map(|list| list.alerts).unwrap_or_default();
        let firing = |alerts: &[Alert]| -> BTreeMap<Text, Alert> {
            alerts.iter().filter(|alert| alert.status == AlertStatus::Firing).map(|alert| (alert.fingerprint.clone(), alert.clone())).collect()
        };
        let (were, are) = (firing(&before), firing(&list.alerts));
        for (fingerprint, alert) in &were {
            if !are.contains_key(fingerprint) {
                let status = list.alerts.iter().find(|alert| alert.fingerprint == *fingerprint).map(|alert| alert.status);
                if let Some(ladder) = self.ladders.remove(fingerprint) {
                    self.memory.set_aside(alert, ladder, self.now.mono, status == Some(AlertStatus::Suppressed));
                }
                let fate = match status {
                    Some(AlertStatus::Suppressed) => "silenced",
                    Some(_) => "pending again",
                    None => "resolved",
                };
                self.timeline.add(self.alert_now(), EntryKind::Ended, Text::line(&format!("{} {fate}", name_and_subject(alert))));
            }
        }
        for (fingerprint, alert) in &are {
            let goes_on = were.get(fingerprint).is_some_and(|before| is_same_start(before.starts_at, alert.starts_at))
                && self.ladders.contains_key(fingerprint);
            if goes_on || self.ladders.len() >= LADDERS && !self.ladders.contains_key(fingerprint) {
                continue;
            }
            if let Some(ladder) = self.memory.bring_back(alert, self.now.mono) {
                self.ladders.insert(fingerprint.clone(), ladder);
                self.timeline.add(self.alert_now(), EntryKind::Fires(alert.severity), Text::line(&format!("{} fires as before", alert.in_words())));
                continue;
            }
            let was_hidden = before.iter().any(|before| before.fingerprint == *fingerprint && before.status == AlertStatus::Suppressed);
            self.start_ladder(alert, is_first, was_hidden, effects);
        }
        self.advance_ladders(effects);
        self.due.suggestions = true;
        true
    }

    fn start_ladder(&mut self, alert: &Alert, is_first: bool, was_hidden: bool, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let unlisted = || Rung { severity: alert.severity, response: Duration::from_hours(1), path: Vec::new(), channels: Text::default() };
        let rung = self.config.escalation.rung(alert.severity).cloned().unwrap_or_else(unlisted);
        let age = self.alert_now().signed_duration_since(alert.starts_at).to_std().unwrap_or_default();
        let past = self.memory.about(alert);
        let (ladder, steps) = if was_hidden && past.is_empty() {
            // Nobody was to be called while it was hidden.
            let mut ladder = Ladder::start(rung, age, now);
            ladder.was_hidden(Duration::ZERO, now);
            let steps = ladder.advance(now).steps;
            (ladder, steps)
        } else {
            replay(rung, age, now, &past, self.config.escalation.ack_expires_after)
        };
        self.memory.written_ends.remove(&alert.fingerprint);
        self.ladders.insert(alert.fingerprint.clone(), ladder);
        let text = format!("{} fires ({}) {}", name_and_subject(alert), alert.severity.word(), alert.summary);
        self.timeline.add(alert.starts_at, EntryKind::Fires(alert.severity), Text::line(text.trim_end()));
        if is_first && !self.memory.is_read() {
            self.memory.untold.insert(alert.fingerprint.clone());
        } else {
            self.tell_start(alert, &steps, effects);
        }
        self.dirty = true;
    }

    /// The steps that were due when the alert was first seen here; an earlier run may have told them already.
    pub(super) fn tell_start(&mut self, alert: &Alert, steps: &[Step], effects: &mut Vec<Effect>) {
        let Some(ladder) = self.ladders.get(&alert.fingerprint) else { return };
        if ladder.rung.path.is_empty() && !self.is_logged(alert) {
            let age = ladder.age(self.now.mono);
            self.write_down(alert, age, Event::Logged, json!({ "age_seconds": age.as_secs() }), effects);
        }
        for step in steps {
            self.tell(alert, step, self.is_written(alert, step.index), effects);
        }
    }

    /// Takes the steps that are due: each is journalled once. Nobody is paged.
    pub(in crate::state) fn advance_ladders(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let mut due = Vec::new();
        for alert in self.alerts.iter().flat_map(|list| &list.alerts).filter(|alert| alert.status == AlertStatus::Firing) {
            let Some(ladder) = self.ladders.get_mut(&alert.fingerprint) else { continue };
            let advance = ladder.advance(now);
            if advance.expired.is_some() || !advance.steps.is_empty() {
                due.push((alert.clone(), advance));
            }
        }
        for (alert, advance) in due {
            if let Some(ack) = advance.expired {
                let mut fields = json!({ "alert": alert.name, "fingerprint": alert.fingerprint, "severity": alert.severity.word() });
                fields["by"] = ack.by.as_str().into();
                effects.push(Effect::Record { kind: "ack-expired", fields });
                let text = format!("acknowledgement of {} by {} expired: its ladder runs again", alert.in_words(), ack.by);
                self.timeline.add(self.alert_now(), EntryKind::Call, Text::line(&text));
                self.dirty = true;
            }
            for step in advance.steps {
                self.tell(&alert, &step, false, effects);
            }
        }
    }

    /// A step has come: into timeline and journal, and with the bell, unless an earlier run did that.
    fn tell(&mut self, alert: &Alert, step: &Step, is_told: bool, effects: &mut Vec<Effect>) {
        let Some(age) = self.ladders.get(&alert.fingerprint).map(|ladder| ladder.age(self.now.mono)) else { return };
        let is_late = age.saturating_sub(step.due) > LATE;
        let text = format!("{}: {} is to be called (step {})", alert.in_words(), step.who, step.index + 1);
        self.timeline.add(alert.at_age(step.due), EntryKind::Call, Text::line(&text));
        if !is_told {
            let event = Event::StepDue { index: step.index, who: step.who.clone(), by_hand: false };
            self.write_down(alert, step.due, event, json!({ "before_launch": is_late }), effects);
            if !is_late {
                effects.push(Effect::Bell);
            }
        }
        self.dirty = true;
    }
}

/// `HighErrorRate api-gateway`: its end is told in the words of its beginning.
fn name_and_subject(alert: &Alert) -> String {
    let subject = alert.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
    format!("{}{subject}", alert.name)
}
