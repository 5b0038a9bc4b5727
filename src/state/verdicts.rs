//! Mitigations that are done are watched until their verdict: what is seen of the indicators, and what it means.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::domain::{
    health::SourceId,
    kpi::KpiReading,
    mitigation::{MitigationId, Outcome},
    text::Text,
    time::Mono,
    verdict::{Circumstances, Comparison, Judgement, RECOVERY, TOGETHER, Verdict, Watched},
};

use super::{
    KpiState, State,
    attempts::{Attempt, TOO_EARLY},
    card::{Mitigation, Stage},
    msg::Effect,
    timeline::EntryKind,
};

/// A write that may have had an effect on what others are judged by.
struct Other {
    id: MitigationId,
    title: Text,
    undoes: Option<MitigationId>,
    done_at: Mono,
    effect_at: Option<Mono>,
    /// It helped, or what it is aimed at is getting better.
    works: bool,
    /// Something else was done before it could be judged.
    is_unjudged: bool,
}

impl State {
    /// The time of the server that says the indicators.
    pub(super) fn metrics_now(&self) -> DateTime<Utc> {
        let own = self.sources.get(&SourceId::Metrics).and_then(|source| source.clock_offset);
        self.now.utc + own.unwrap_or(self.session.clock_offset)
    }

    /// Keeps what an answer says, for the verdicts that are open and those to come.
    pub(super) fn remember(&mut self, reading: &KpiReading) {
        let now = self.metrics_now();
        if let Some(kpi) = self.kpis.iter_mut().find(|kpi| kpi.spec.id == reading.id) {
            kpi.track.learn(reading, now);
        }
        let may_be_judged =
            |mitigation: &&mut Mitigation| !matches!(&mitigation.stage, Stage::Ended(outcome) if !matches!(outcome, Outcome::Unknown(_)));
        for mitigation in self.mitigations.all.iter_mut().filter(may_be_judged) {
            if let Some(track) = mitigation.tracks.iter_mut().find(|track| track.kpi == reading.id) {
                track.learn(reading, now);
            }
        }
    }

    /// One that was taken back gets no verdict: what comes after is no doing of it.
    pub(super) fn taken_back(&mut self, undone: MitigationId, by: MitigationId) {
        let Some(undone) = self.mitigations.all.iter_mut().find(|mitigation| mitigation.id == undone) else { return };
        undone.undone_by = Some(by);
        let title = undone.title.clone();
        let is_open = undone.verdict.is_none() && undone.done_at.is_some();
        if is_open {
            undone.stage = Stage::Ended(Outcome::Done);
            undone.tracks.clear();
            let says = format!("{title}: taken back before there was a verdict");
            self.timeline.add(self.server_now(), EntryKind::Verdict, Text::line(&says));
        }
    }

    /// Whether what somebody else did well before it was at work already.
    fn came_to_a_recovery(&self, mitigation: &Mitigation, foreign: &[Attempt]) -> bool {
        let at = mitigation.confirmed_on;
        foreign.iter().any(|other| {
            let before = at - other.at;
            // What was done here in between may be what bettered it.
            let is_alone =
                self.mitigations.all.iter().all(|own| own.id == mitigation.id || own.confirmed_on >= at || own.confirmed_on + TOO_EARLY < other.at);
            before > together() && before <= TimeDelta::from_std(RECOVERY).unwrap_or_default() && is_alone && self.was_bettered(other.at, at)
        })
    }

    /// Judges the mitigations that are done and not judged yet.
    pub(super) fn watch_mitigations(&mut self, effects: &mut Vec<Effect>) {
        // Each tick asks.
        if !self.mitigations.all.iter().any(Mitigation::is_open) {
            return;
        }
        let (now, recently) = (self.now.mono, self.recently());
        let server_now = self.server_now();
        let others: Vec<Other> = self.mitigations.all.iter().filter_map(Other::of).collect();
        let foreign = self.done_by_others();
        let against_a_cure: Vec<MitigationId> = self.mitigations.all.iter().filter(|one| self.takes_back_a_cure(one)).map(|one| one.id).collect();
        let was_at_work: Vec<MitigationId> =
            self.mitigations.all.iter().filter(|one| self.came_to_a_recovery(one, &foreign)).map(|one| one.id).collect();
        let mut verdicts = Vec::new();
        for mitigation in &mut self.mitigations.all {
            let Some(done_at) = mitigation.done_at.filter(|_| mitigation.verdict.is_none() && mitigation.undone_by.is_none()) else { continue };
            let since_effect = match mitigation.stage {
                Stage::Watching { since } => Some(now.since(since)),
                Stage::Converging { .. } => None,
                _ => continue,
            };
            let overlap = overlap(mitigation, done_at, (&others, &foreign), now);
            let circumstances = Circumstances {
                aim: mitigation.aim.clone(),
                since_write: now.since(done_at),
                since_effect,
                without_effect: mitigation.takes_effect_later.clone(),
                is_untied: !mitigation.is_tied,
                is_recovering: overlap.is_recovering || was_at_work.contains(&mitigation.id),
                takes_back_a_cure: against_a_cure.contains(&mitigation.id),
                ..overlap
            };
            let comparisons = compared(mitigation, done_at, &self.kpis, (now, recently));
            let watched = comparisons.into_iter().filter_map(|comparison| {
                let kpi = &self.kpis.iter().find(|kpi| kpi.spec.id == comparison.kpi)?.spec;
                let track = mitigation.tracks.iter().find(|track| track.kpi == comparison.kpi)?;
                Some(Watched { kpi, track, comparison })
            });
            let (verdict, is_final) = Verdict::of(watched.collect(), &circumstances);
            let told = mitigation.outlook();
            let left = RECOVERY.saturating_sub(now.since(done_at)).max(circumstances.window().saturating_sub(since_effect.unwrap_or_default()));
            // To the second, so that the time that is said does not move with each look.
            let by = server_now + chrono::Duration::from_std(left).unwrap_or_default();
            mitigation.judged_by = mitigation.judged_by.filter(|known| (*known - by).abs() < chrono::Duration::seconds(20)).or(Some(by));
            if is_final {
                if mitigation.recorded.is_none_or(|intent| !self.mitigations.judged_elsewhere.contains(&intent)) {
                    verdicts.push((mitigation.id, mitigation.recorded, mitigation.title.clone(), verdict.clone()));
                }
                self.due.suggestions = true;
                self.dirty = true;
                mitigation.verdict = Some(verdict);
                mitigation.stage = Stage::Ended(Outcome::Done);
                mitigation.tracks.clear();
            } else {
                mitigation.so_far = Some(verdict);
                self.dirty |= told != mitigation.outlook();
            }
        }
        for (id, recorded, title, verdict) in verdicts {
            let sentence = verdict.sentence();
            let fields = json!({
                "mitigation": id,
                "intent": recorded,
                "title": title,
                "judgement": verdict.judgement,
                "sentence": sentence,
                "after_seconds": verdict.after.as_secs(),
            });
            effects.push(Effect::Record { kind: "verdict", fields });
            self.timeline.add(self.server_now(), EntryKind::Verdict, Text::line(&format!("{title}: {sentence}")));
            self.notify(sentence, verdict.judgement == Judgement::Worse);
            self.due.suggestions = true;
            self.dirty = true;
        }
    }
}

impl Other {
    fn of(mitigation: &Mitigation) -> Option<Self> {
        let has_effect = mitigation.takes_effect_later.is_none() && !mitigation.targets.is_empty();
        let done_at = mitigation.done_at.filter(|_| has_effect)?;
        let helped = mitigation.verdict.as_ref().is_some_and(|verdict| verdict.judgement.is_better());
        let is_unjudged = mitigation.undone_by.is_none() && mitigation.verdict.as_ref().is_some_and(|verdict| verdict.judgement == Judgement::NoData);
        let works = mitigation.undone_by.is_none() && (helped || mitigation.is_working());
        Some(Self {
            id: mitigation.id,
            title: mitigation.title.clone(),
            undoes: mitigation.undoes,
            done_at,
            // What is judged has taken effect, whatever its pods still wait for.
            effect_at: mitigation.converged_at.or_else(|| mitigation.verdict.as_ref().map(|_| done_at)),
            works,
            is_unjudged,
        })
    }

    /// Whether it cannot be told apart from one that was done before it: it came while that was taking effect.
    fn came_with(&self, done_at: Mono, effect_at: Option<Mono>, now: Mono) -> bool {
        self.done_at >= done_at && self.done_at <= effect_at.unwrap_or(now).plus(TOGETHER)
    }
}

/// What the other mitigations mean for the verdict of this one.
fn overlap(mitigation: &Mitigation, done_at: Mono, (others, foreign): (&[Other], &[Attempt]), now: Mono) -> Circumstances {
    let mut circumstances = Circumstances::default();
    for other in foreign.iter().filter(|other| (other.at - mitigation.confirmed_on).abs() <= together()) {
        circumstances.together_with.push(Text::line(&other.what));
        circumstances.earlier = circumstances.earlier.max((mitigation.confirmed_on - other.at).to_std().unwrap_or_default());
    }
    let apart = others.iter().filter(|other| other.id != mitigation.id && mitigation.undoes != Some(other.id) && other.undoes != Some(mitigation.id));
    for other in apart {
        let is_later = other.came_with(done_at, mitigation.converged_at, now);
        let is_earlier = done_at >= other.done_at && done_at <= other.effect_at.unwrap_or(now).plus(TOGETHER);
        // Averages over minutes go on falling for minutes after a cure.
        let lasts = done_at.since(other.effect_at.unwrap_or(other.done_at)) <= RECOVERY;
        if other.works && other.done_at < done_at && lasts && !is_later && !is_earlier {
            circumstances.is_recovering = true;
            let recovering = other.effect_at.map(|effect| done_at.since(effect)).unwrap_or_default();
            circumstances.recovering_for = Some(circumstances.recovering_for.map_or(recovering, |known| known.min(recovering)));
        }
        if other.is_unjudged && other.done_at < done_at && lasts && !is_earlier {
            circumstances.after_unjudged = Some(other.title.clone());
        }
        if is_later || is_earlier {
            circumstances.together_with.push(other.title.clone());
            circumstances.earlier = circumstances.earlier.max(done_at.since(other.done_at));
        } else if other.done_at > done_at {
            let until = other.done_at.since(done_at);
            circumstances.until = Some(circumstances.until.map_or(until, |known: Duration| known.min(until)));
        }
    }
    circumstances
}

fn together() -> TimeDelta {
    TimeDelta::from_std(TOGETHER).unwrap_or_default()
}

/// The numbers at the confirmation and of now; how old one may be to count.
fn compared(mitigation: &mut Mitigation, done_at: Mono, kpis: &[KpiState], (now, recently): (Mono, Duration)) -> Vec<Comparison> {
    // Confirmed before Prometheus had answered, as it happens in the first seconds.
    for unknown in mitigation.before.iter_mut().filter(|comparison| comparison.before.is_none()) {
        let track = mitigation.tracks.iter().find(|track| track.kpi == unknown.kpi);
        unknown.before = track.and_then(|track| track.value_at(track.written?, recently));
    }
    let after = |before: &Comparison| {
        let is_recent = |kpi: &&KpiState| kpi.spec.id == before.kpi && kpi.observed_at.is_some_and(|at| at > done_at && now.since(at) <= recently);
        kpis.iter().find(is_recent).and_then(|kpi| kpi.reading.as_ref()?.value)
    };
    mitigation.before.iter().map(|before| Comparison { after: after(before), ..before.clone() }).collect()
}
