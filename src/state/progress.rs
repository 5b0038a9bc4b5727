//! What becomes of a mitigation: the engine's reports, its stages, its verdict.

use crate::domain::{
    mitigation::{ActionEvent, CheckResult, MitigationId, NotConfirmed, Outcome},
    text::Text,
};

use super::{
    State,
    card::{CardContent, CardFocus, Mitigation, Stage},
    confirm::merge,
    msg::Effect,
    overlay::Overlay,
};

impl State {
    /// What the engine reports.
    pub(super) fn action_event(&mut self, event: ActionEvent, effects: &mut Vec<Effect>) {
        self.dirty = true;
        // What is under way, or was judged, is not to be competed with.
        self.due.suggestions = true;
        match event {
            ActionEvent::Planned { card, plan } => self.planned(card, plan),
            ActionEvent::NotPlanned { card, why } => {
                if let Some(card) = self.card_mut(card) {
                    card.content = CardContent::Impossible(why);
                    card.focus = CardFocus::Cancel;
                }
            }
            ActionEvent::Checked { card, check } => {
                if let Some(card) = self.card_mut(card) {
                    let waited_for = NotConfirmed::StillChecking(check.what.word()).to_string();
                    if check.result != CheckResult::Pending && card.complaint.as_ref().is_some_and(|complaint| complaint.as_str() == waited_for) {
                        card.complaint = None;
                    }
                    merge(&mut card.checks, check);
                }
            }
            ActionEvent::Started { id } => self.stage(id, |mitigation| {
                if !matches!(mitigation.stage, Stage::Executing { .. }) {
                    mitigation.stage = Stage::Executing { done: 0, of: 0, waits: None };
                }
            }),
            ActionEvent::Progress { id, done, of, waits } => {
                self.stage(id, |mitigation| mitigation.stage = Stage::Executing { done, of, waits });
            }
            ActionEvent::Ended { id, outcome, undoable } | ActionEvent::Resolved { id, outcome, undoable } => self.ended(id, &outcome, undoable),
            ActionEvent::Converging { id, ready, of, old, stuck } => self.stage(id, |mitigation| {
                let is_known = matches!(mitigation.stage, Stage::Converging { of, .. } if of > 0);
                // After the last word of it, and where nothing is known yet, what was said before stands.
                let is_late = matches!(mitigation.stage, Stage::Ended(_) | Stage::Watching { .. }) || (of == 0 && is_known && stuck.is_none());
                if !is_late {
                    mitigation.stage = Stage::Converging { ready, of, old, stuck };
                }
            }),
            ActionEvent::Converged { id, after: _ } => {
                let now = self.now.mono;
                self.stage(id, |mitigation| {
                    if matches!(mitigation.stage, Stage::Ended(_)) {
                        return;
                    }
                    // A verdict may come before the last pod is replaced: then nothing is left to watch for.
                    // What writes to no object, as a silence, betters no indicator.
                    mitigation.converged_at = Some(now);
                    let is_over = mitigation.verdict.is_some() || mitigation.targets.is_empty();
                    mitigation.stage = if is_over { Stage::Ended(Outcome::Done) } else { Stage::Watching { since: now } };
                });
                self.watch_mitigations(effects);
                self.ask_anew_whether_to_quit();
            }
            ActionEvent::Output { output, .. } => self.command_ended(output),
            ActionEvent::Undoable { all } => self.mitigations.undoable = all,
            ActionEvent::Journal { broken } => {
                self.session.journal_broken = broken;
            }
            ActionEvent::Notice { text, is_error } => self.notify(text, is_error),
        }
    }

    fn stage(&mut self, id: MitigationId, change: impl FnOnce(&mut Mitigation)) {
        if let Some(mitigation) = self.mitigations.all.iter_mut().find(|mitigation| mitigation.id == id) {
            change(mitigation);
        }
    }

    fn ended(&mut self, id: MitigationId, outcome: &Outcome, undoable: bool) {
        let (now, metrics_now) = (self.now.mono, self.metrics_now());
        let Some(mitigation) = self.mitigations.all.iter_mut().find(|mitigation| mitigation.id == id) else { return };
        mitigation.undoable = undoable;
        mitigation.stage = match outcome {
            Outcome::Done if mitigation.converges => Stage::Converging { ready: 0, of: 0, old: 0, stuck: None },
            Outcome::Done => Stage::Watching { since: now },
            other => Stage::Ended(other.clone()),
        };
        let (title, undoes) = (mitigation.title.clone(), mitigation.undoes);
        let is_done = *outcome == Outcome::Done;
        if is_done {
            mitigation.done_at = Some(now);
            mitigation.converged_at = (!mitigation.converges).then_some(now);
            mitigation.tracks.iter_mut().for_each(|track| track.written = Some(metrics_now));
        }
        self.own_action(&format!("{title}: {outcome}"));
        if let Some(undone) = undoes.filter(|_| is_done) {
            self.taken_back(undone, id);
        }
        self.notify(Text::line(&format!("{title}: {outcome}")), !is_done);
    }

    /// A question whose ground is gone goes too; what else is under way is asked about instead.
    fn ask_anew_whether_to_quit(&mut self) {
        if !matches!(self.overlays.last(), Some(Overlay::QuitQuestion { .. })) {
            return;
        }
        self.overlays.pop();
        match self.in_flight() {
            Some(why) => self.overlays.push(Overlay::QuitQuestion { why }),
            None => self.notify("nothing is under way any more: q leaves".into(), false),
        }
        self.dirty = true;
    }

    /// Lets the mitigation that is being written send no more. What was sent is waited for.
    pub(super) fn stop_writing(&mut self, effects: &mut Vec<Effect>) {
        let writing = self.mitigations.all.iter().rev().find_map(|mitigation| match mitigation.stage {
            Stage::Executing { of, .. } => Some((mitigation.id, mitigation.title.clone(), of)),
            _ => None,
        });
        match writing {
            None => self.refuse("nothing is being written: there is nothing to stop"),
            Some((_, title, 0 | 1)) => self.refuse(&format!("{title} is one write, and was sent: U takes it back where that is possible")),
            Some((id, title, _)) => {
                self.own_action(&format!("stop asked for: {title}"));
                effects.push(Effect::Stop(id));
            }
        }
    }

    /// What would be left behind by leaving now.
    pub(super) fn in_flight(&self) -> Option<Text> {
        let flying = |mitigation: &&Mitigation| {
            matches!(mitigation.stage, Stage::Executing { .. } | Stage::Converging { .. } | Stage::Ended(Outcome::Unknown(_)))
        };
        let mitigation = self.mitigations.all.iter().rev().find(flying)?;
        Some(Text::line(&match &mitigation.stage {
            Stage::Executing { .. } => format!("{} is being written.", mitigation.title),
            Stage::Converging { .. } => format!("{} has not converged yet.", mitigation.title),
            _ => format!("the outcome of {} is not known yet.", mitigation.title),
        }))
    }
}
