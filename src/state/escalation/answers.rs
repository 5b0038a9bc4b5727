//! What a person answers to a ladder: acknowledged, called, the next step now, and each of them taken back.

use std::{cmp::Reverse, time::Duration};

use serde_json::{Value, json};

use super::super::{State, msg::Effect, overlay::Overlay, table::Cursor, timeline::EntryKind};
use crate::domain::{
    alert::Alert,
    escalation::{Event, Ladder, Past, SOMEONE, Step},
    health::SourceId,
    text::Text,
    units,
};

/// Keys renew an acknowledgement all the time; the journal learns of it this often.
const RENEWAL_WRITTEN: Duration = Duration::from_mins(5);
/// A key pressed twice in this time is not meant for another alert than the first time.
const TWICE: Duration = Duration::from_secs(1);

impl State {
    /// Writes what happened to the ladder of an alert at this age into the journal, with more fields.
    pub(super) fn write_down(&mut self, alert: &Alert, age: Duration, event: Event, more: Value, effects: &mut Vec<Effect>) -> Past {
        let past = Past {
            fingerprint: alert.fingerprint.clone(),
            alert: alert.in_words(),
            starts_at: alert.starts_at,
            at: alert.at_age(age),
            by: self.us(),
            event,
        };
        let (kind, mut fields) = past.record(alert);
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        effects.push(Effect::Record { kind, fields });
        self.memory.keep(&past);
        past
    }

    /// The same for what a person did: it stands in the timeline too.
    fn answer(&mut self, alert: &Alert, event: Event, more: Value, effects: &mut Vec<Effect>) {
        let Some(age) = self.ladders.get(&alert.fingerprint).map(|ladder| ladder.age(self.now.mono)) else { return };
        let past = self.write_down(alert, age, event, more, effects);
        if let Some(sentence) = past.sentence() {
            self.timeline.add(self.server_now(), EntryKind::OwnAction, Text::line(&sentence));
        }
        self.dirty = true;
    }

    /// Who we are, as far as the API server has said it.
    pub(in crate::state) fn us(&self) -> Text {
        self.session.identity.as_ref().map_or_else(|| SOMEONE.into(), |identity| identity.cluster.user.clone())
    }

    fn firing_alert(&self, fingerprint: &Text) -> Option<Alert> {
        self.firing().find(|(alert, _)| alert.fingerprint == *fingerprint).map(|(alert, _)| alert.clone())
    }

    /// The shown alert if `has` says so of its ladder, else of all the one with the greatest `latest`.
    fn shown_or_latest<T: Ord>(&self, latest: impl Fn(&Ladder) -> Option<T>) -> Option<Alert> {
        let shown = self.shown_alert().filter(|(_, ladder)| latest(ladder).is_some());
        let found = shown.or_else(|| {
            self.firing().filter_map(|firing| Some((latest(firing.1)?, firing))).max_by(|one, other| one.0.cmp(&other.0)).map(|(_, firing)| firing)
        });
        found.map(|(alert, _)| alert.clone())
    }

    /// That no alert is shown, and what follows; whether that is good news is known only where the alerts are.
    fn nothing_fires(&self, so: &str) -> String {
        if self.alerts.is_some() && self.freshness(SourceId::Alerts).is_live() {
            format!("nothing fires: {so}")
        } else {
            "it is not known what fires: the alerts did not answer".to_owned()
        }
    }

    /// `a`: stops the ladder for a while. Activity renews it.
    pub(in crate::state) fn acknowledge(&mut self, effects: &mut Vec<Effect>) {
        let Some(alert) = self.shown_alert().map(|(alert, _)| alert.clone()) else {
            return self.say(&self.nothing_fires("there is nothing to acknowledge"));
        };
        let (by, now, holds) = (self.us(), self.now.mono, self.config.escalation.ack_expires_after);
        let Some(ladder) = self.ladders.get_mut(&alert.fingerprint).filter(|ladder| !ladder.rung.path.is_empty()) else {
            return self.say(&format!("{} calls nobody: there is nothing to acknowledge", alert.in_words()));
        };
        ladder.acknowledge(by, now, holds);
        let ends = ladder.age(now).saturating_add(holds);
        self.memory.written_ends.insert(alert.fingerprint.clone(), ends);
        self.answer(&alert, Event::Acknowledged { until: alert.at_age(ends) }, json!({ "holds_seconds": holds.as_secs() }), effects);
        // The next one that nobody acknowledged is shown.
        self.cockpit.alert = None;
        self.cockpit.alerts = Cursor::default();
        let tally = self.tally();
        let rest = match tally.firing.saturating_sub(tally.acked) {
            0 => "A takes it back".to_owned(),
            left => format!("{left} more to acknowledge"),
        };
        let held = units::spoken(holds);
        self.say(&format!("{} acknowledged: its ladder is held for {held}, longer while keys are pressed; {rest}", alert.in_words()));
    }

    /// `A`: the ladder of the shown alert goes on, else of the one that was acknowledged last.
    pub(in crate::state) fn take_ack_back(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let latest = |ladder: &Ladder| ladder.held_by(now).map(|ack| Reverse(ladder.age(now).saturating_sub(ack.at)));
        let Some(alert) = self.shown_or_latest(latest) else { return self.say("nothing is acknowledged: there is nothing to take back") };
        let Some(ack) = self.ladders.get_mut(&alert.fingerprint).and_then(|ladder| ladder.take_ack_back(now)) else { return };
        self.memory.written_ends.remove(&alert.fingerprint);
        self.answer(&alert, Event::AckTakenBack, json!({ "of": ack.by }), effects);
        self.say(&format!("{} is not acknowledged any more: its ladder runs again", alert.in_words()));
    }

    /// `C`, and `Enter` on the pane: the person who is due was called. Where that is noted already, asks whether to take it back.
    pub(in crate::state) fn note_call(&mut self, effects: &mut Vec<Effect>) {
        let Some((alert, ladder)) = self.shown_alert().map(|(alert, ladder)| (alert.clone(), ladder)) else {
            return self.say(&self.nothing_fires("there is nobody to call"));
        };
        let Some((index, step)) = ladder.current() else {
            return self.say(&format!("{} calls nobody: it is logged only", alert.in_words()));
        };
        if step.call.is_some() {
            let who = ladder.rung.path.get(index).cloned().unwrap_or_default();
            return self.overlays.push(Overlay::UncallQuestion { fingerprint: alert.fingerprint.clone(), alert: alert.in_words(), who });
        }
        let (by, now) = (self.us(), self.now.mono);
        let words = alert.in_words();
        if let Some((at, noted)) = &self.memory.noted
            && now.since(*at) < TWICE
            && *noted != alert.fingerprint
        {
            return self
                .say(&format!("now {words} is shown: press it again once {} was called", ladder.rung.path.get(index).cloned().unwrap_or_default()));
        }
        let Some(Step { index, who, .. }) = self.ladders.get_mut(&alert.fingerprint).and_then(|ladder| ladder.call(by, now)) else { return };
        self.memory.noted = Some((now, alert.fingerprint.clone()));
        self.cockpit.alert = Some(alert.fingerprint.clone());
        self.say(&format!("noted: {who} called for {words}; :uncall takes it back"));
        self.answer(&alert, Event::Called { index, who }, json!({}), effects);
    }

    /// `:uncall`: the shown alert's latest call, else the one that was noted last, after a question.
    pub(in crate::state) fn ask_to_take_call_back(&mut self) {
        let now = self.now.mono;
        let latest = |ladder: &Ladder| {
            let call = ladder.taken.iter().rev().find_map(|step| step.call.as_ref())?;
            Some(Reverse(ladder.age(now).saturating_sub(call.at)))
        };
        let Some(alert) = self.shown_or_latest(latest) else { return self.say("no call is noted: there is nothing to take back") };
        let Some(ladder) = self.ladders.get(&alert.fingerprint) else { return };
        let index = ladder.taken.iter().rposition(|step| step.call.is_some());
        let who = index.and_then(|index| ladder.rung.path.get(index)).cloned().unwrap_or_default();
        self.overlays.push(Overlay::UncallQuestion { fingerprint: alert.fingerprint.clone(), alert: alert.in_words(), who });
    }

    pub(in crate::state) fn take_call_back(&mut self, fingerprint: &Text, effects: &mut Vec<Effect>) {
        let alert = self.firing_alert(fingerprint);
        let step = self.ladders.get_mut(fingerprint).and_then(Ladder::take_call_back);
        let (Some(alert), Some(Step { index, who, .. })) = (alert, step) else { return self.say("the alert no longer fires") };
        self.say(&format!("taken back: no call of {who} is noted for {}", alert.in_words()));
        self.answer(&alert, Event::CallTakenBack { index, who }, json!({}), effects);
    }

    /// `e`: asks before it takes the next step.
    pub(in crate::state) fn ask_to_escalate(&mut self) {
        let Some((alert, ladder)) = self.shown_alert() else { return self.say(&self.nothing_fires("there is nothing to escalate")) };
        let words = alert.in_words();
        match ladder.rung.path.get(ladder.taken.len()) {
            Some(who) => {
                let question = Overlay::EscalateQuestion { fingerprint: alert.fingerprint.clone(), alert: words, who: who.clone() };
                self.overlays.push(question);
            }
            None => self.say(&format!("{words}: everyone on its ladder is due already")),
        }
    }

    pub(in crate::state) fn escalate_now(&mut self, fingerprint: &Text, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let alert = self.firing_alert(fingerprint);
        let step = self.ladders.get_mut(fingerprint).and_then(|ladder| ladder.escalate_now(now));
        let (Some(alert), Some(step)) = (alert, step) else { return self.say("the alert no longer fires") };
        let who = step.who.clone();
        self.answer(&alert, Event::StepDue { index: step.index, who: step.who, by_hand: true }, json!({ "before_launch": false }), effects);
        self.say(&format!("{who} is due now. Call them: sev1 pages nobody"));
    }

    /// Keys pressed keep acknowledgements alive.
    pub(in crate::state) fn renew_acks(&mut self, effects: &mut Vec<Effect>) {
        let (now, holds) = (self.now.mono, self.config.escalation.ack_expires_after);
        let mut to_write = Vec::new();
        for (fingerprint, ladder) in &mut self.ladders {
            let Some((by, before)) = ladder.held_by(now).map(|ack| (ack.by.clone(), ack.expires)) else { continue };
            ladder.renew(now, holds);
            let ends = ladder.ack.as_ref().map_or(before, |ack| ack.expires);
            let written = self.memory.written_ends.entry(fingerprint.clone()).or_insert(before);
            if ends >= written.saturating_add(RENEWAL_WRITTEN) {
                *written = ends;
                to_write.push((fingerprint.clone(), by, ladder.age(now), ends));
            }
            self.dirty |= ends != before;
        }
        for (fingerprint, by, age, ends) in to_write {
            let Some(alert) = self.firing_alert(&fingerprint) else { continue };
            self.write_down(&alert, age, Event::Renewed { until: alert.at_age(ends) }, json!({ "by": by }), effects);
        }
    }
}
