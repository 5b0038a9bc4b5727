//! What becomes of a mitigation: the engine's reports, its stages, its verdict.

use serde_json::json;

use crate::domain::{
    mitigation::{ActionEvent, CheckResult, MitigationId, NotConfirmed, Outcome},
    text::Text,
    verdict::{Comparison, GIVE_UP, Judgement, RECOVERY, Verdict},
};

use super::{
    State,
    card::{CardContent, CardFocus, Mitigation, Stage},
    confirm::{RECENT, merge},
    msg::Effect,
    overlay::Overlay,
    timeline::EntryKind,
};

impl State {
    /// What the engine reports.
    pub(super) fn action_event(&mut self, event: ActionEvent, effects: &mut Vec<Effect>) {
        self.dirty = true;
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
                if !matches!(mitigation.stage, Stage::Ended(_)) {
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
                self.due.suggestions = true;
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
        let now = self.now.mono;
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
            let undone = undoes.and_then(|undone| self.mitigations.all.iter_mut().find(|mitigation| mitigation.id == undone));
            if let Some(undone) = undone {
                undone.undone_by = Some(id);
            }
        }
        self.own_action(&format!("{title}: {outcome}"));
        self.notify(Text::line(&format!("{title}: {outcome}")), !is_done);
    }

    /// Judges the mitigations that are done and not judged yet.
    pub(super) fn watch_mitigations(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        let specs: Vec<_> = self.kpis.iter().map(|kpi| kpi.spec.clone()).collect();
        let server_now = self.server_now();
        let mut verdicts = Vec::new();
        for mitigation in &mut self.mitigations.all {
            let Some(done_at) = mitigation.done_at.filter(|_| mitigation.verdict.is_none()) else { continue };
            let since_converged = match mitigation.stage {
                Stage::Watching { since } => Some(now.since(since)),
                Stage::Converging { .. } => None,
                _ => continue,
            };
            // Confirmed before Prometheus had answered, as it happens in the first seconds.
            for unknown in mitigation.before.iter_mut().filter(|comparison| comparison.before.is_none()) {
                let kpi = self.kpis.iter().find(|kpi| kpi.spec.id == unknown.kpi);
                let history = kpi.and_then(|kpi| kpi.reading.as_ref()?.history.as_ref());
                unknown.before = history.and_then(|history| history.value_at(mitigation.confirmed_on, RECENT.max(history.step)));
            }
            let comparisons = mitigation.before.iter().map(|before| {
                let kpi = self
                    .kpis
                    .iter()
                    .find(|kpi| kpi.spec.id == before.kpi && kpi.observed_at.is_some_and(|at| at > done_at && now.since(at) <= RECENT));
                Comparison { after: kpi.and_then(|kpi| kpi.reading.as_ref()?.value), ..before.clone() }
            });
            let (verdict, is_final) = Verdict::of(&specs, comparisons.collect(), mitigation.aim.as_deref(), now.since(done_at), since_converged);
            let window = if since_converged.is_some() { RECOVERY } else { GIVE_UP };
            let left = window.saturating_sub(now.since(done_at));
            mitigation.judged_by = Some(server_now + chrono::Duration::from_std(left).unwrap_or_default());
            mitigation.so_far = Some(verdict.clone());
            if is_final {
                verdicts.push((mitigation.id, mitigation.title.clone(), verdict.clone()));
                mitigation.verdict = Some(verdict);
                mitigation.stage = Stage::Ended(Outcome::Done);
            }
        }
        for (id, title, verdict) in verdicts {
            let sentence = verdict.sentence();
            let fields = json!({
                "mitigation": id,
                "title": title,
                "judgement": verdict.judgement,
                "sentence": sentence,
                "after_seconds": verdict.after.as_secs(),
            });
            effects.push(Effect::Record { kind: "verdict", fields });
            self.timeline.add(self.server_now(), EntryKind::Verdict, Text::line(&format!("{title}: {sentence}")));
            self.notify(sentence, verdict.judgement == Judgement::Worse);
            self.dirty = true;
        }
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
