//! What is remembered of ladders beyond the alerts that fire: what earlier runs wrote down, and ladders whose alert went out of sight.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::super::{State, msg::Effect, timeline::EntryKind};
use crate::domain::{
    alert::{Alert, AlertStatus},
    escalation::{Event, Ladder, Past, Recalled, Step, is_same_start, replay},
    text::Text,
    time::Mono,
};

/// Ladders kept whose alert does not fire any more.
const ASIDE: usize = 500;
/// What this run did and may still have to be put after what earlier runs did.
const OWN: usize = 1_000;
/// Longer ago than this it is no part of what is being worked on.
const RECENT: chrono::Duration = chrono::Duration::days(1);

#[derive(Debug, Default)]
pub struct Memory {
    /// What earlier runs wrote down about alerts, by fingerprint.
    past: BTreeMap<Text, Vec<Past>>,
    /// Whether the journal was read, or cannot be.
    is_read: bool,
    /// What this run did before that.
    own: Vec<Past>,
    /// Alerts that fired before that when the first list came: their steps so far are not told yet, since an earlier run may have.
    pub(super) untold: BTreeSet<Text>,
    aside: BTreeMap<Text, Aside>,
    /// Age of the alert at which its acknowledgement ends as far as the journal knows.
    pub(super) written_ends: BTreeMap<Text, Duration>,
    /// When a call was noted last, and for which alert.
    pub(super) noted: Option<(Mono, Text)>,
}

/// The ladder of an alert that does not fire any more.
#[derive(Debug)]
struct Aside {
    starts_at: DateTime<Utc>,
    ladder: Ladder,
    since: Mono,
    /// By a silence or an inhibition; else it left the list.
    is_hidden: bool,
}

impl Memory {
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Everything that is known to have happened to this firing of the alert.
    pub(super) fn about(&self, alert: &Alert) -> Vec<&Past> {
        self.past.get(&alert.fingerprint).into_iter().flatten().chain(&self.own).filter(|past| past.is_about(alert)).collect()
    }

    fn has_past(&self, alert: &Alert) -> bool {
        self.past.get(&alert.fingerprint).is_some_and(|all| all.iter().any(|past| past.is_about(alert)))
    }

    pub(super) fn keep(&mut self, past: &Past) {
        if !self.is_read && self.own.len() < OWN {
            self.own.push(past.clone());
        }
    }

    pub(super) fn set_aside(&mut self, alert: &Alert, ladder: Ladder, now: Mono, is_hidden: bool) {
        self.aside.insert(alert.fingerprint.clone(), Aside { starts_at: alert.starts_at, ladder, since: now, is_hidden });
        if self.aside.len() > ASIDE {
            let oldest = self.aside.iter().min_by_key(|(_, aside)| aside.since).map(|(fingerprint, _)| fingerprint.clone());
            oldest.and_then(|oldest| self.aside.remove(&oldest));
        }
    }

    /// The ladder of an alert that is back, as if it had been there all the time; hidden, its ladder stood still. None for one that
    /// fires anew.
    pub(super) fn bring_back(&mut self, alert: &Alert, now: Mono) -> Option<Ladder> {
        let aside = self.aside.remove(&alert.fingerprint)?;
        let mut ladder = is_same_start(aside.starts_at, alert.starts_at).then_some(aside.ladder)?;
        if aside.is_hidden {
            ladder.was_hidden(ladder.age(aside.since), now);
        }
        Some(ladder)
    }
}

impl State {
    /// What earlier runs wrote down. It goes before what happened since this one was started; none of it is news.
    pub(in crate::state) fn recalled(&mut self, all: Vec<Recalled>, effects: &mut Vec<Effect>) {
        let since = self.alert_now() - RECENT;
        let may_be_shown = |at: DateTime<Utc>| at >= since;
        for recalled in all {
            match recalled {
                Recalled::Note { at, by, text } if may_be_shown(at) => {
                    self.timeline.add(at, EntryKind::Note, Text::line(&format!("{text} ({by})")));
                }
                Recalled::Note { .. } => {}
                Recalled::Alert(past) => {
                    if let Some(sentence) = past.sentence().filter(|_| may_be_shown(past.at)) {
                        self.timeline.add(past.at, EntryKind::OwnAction, Text::line(&sentence));
                    }
                    self.memory.past.entry(past.fingerprint.clone()).or_default().push(past);
                }
            }
        }
        self.memory.is_read = true;
        let alerts: Vec<Alert> =
            self.alerts.iter().flat_map(|list| &list.alerts).filter(|alert| alert.status == AlertStatus::Firing).cloned().collect();
        for alert in alerts {
            self.recall(&alert, effects);
        }
        self.memory.own.clear();
        self.memory.untold.clear();
        self.dirty = true;
    }

    fn recall(&mut self, alert: &Alert, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let Some(ladder) = self.ladders.get(&alert.fingerprint) else { return };
        let seen_at = ladder.age_when_seen;
        if self.memory.has_past(alert) {
            let past = self.memory.about(alert);
            let (again, _) = replay(ladder.rung.clone(), ladder.age(now), now, &past, self.config.escalation.ack_expires_after);
            self.ladders.insert(alert.fingerprint.clone(), again);
        }
        if !self.memory.untold.contains(&alert.fingerprint) {
            return;
        }
        let Some(ladder) = self.ladders.get(&alert.fingerprint) else { return };
        let taken = ladder.taken.iter().zip(&ladder.rung.path).enumerate();
        let steps: Vec<Step> = taken
            .filter(|(_, (taken, _))| taken.due <= seen_at)
            .map(|(index, (taken, who))| Step { index, who: who.clone(), due: taken.due })
            .collect();
        self.tell_start(alert, &steps, effects);
    }

    /// Whether an earlier run wrote down already that this step was due.
    pub(super) fn is_written(&self, alert: &Alert, step: usize) -> bool {
        self.memory.about(alert).iter().any(|past| matches!(past.event, Event::StepDue { index, .. } if index == step))
    }

    pub(super) fn is_logged(&self, alert: &Alert) -> bool {
        self.memory.about(alert).iter().any(|past| past.event == Event::Logged)
    }
}
