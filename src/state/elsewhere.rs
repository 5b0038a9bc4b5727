//! What other runs of the program did to this cluster from this machine: it stands in the timeline, and what has no verdict yet is
//! watched on from here, so that a restart forgets nothing and asks for nothing twice.

use chrono::{DateTime, Utc};

use crate::domain::{
    mitigation::{MitigationId, Outcome},
    recorded::{Ended, Judged, Recorded},
    text::Text,
    verdict::{Comparison, GIVE_UP, Judgement, RECOVERY},
};

use super::{
    State,
    card::{Mitigation, Stage},
    in_force,
    timeline::EntryKind,
};

/// Longer ago than this it is no part of what is being worked on.
const RECENT: chrono::Duration = chrono::Duration::days(1);

impl State {
    /// What the journal says of other runs, each time it has news.
    pub(super) fn heard_of_others(&mut self, all: &[Recorded]) {
        self.mitigations.cured_elsewhere = self.cures(all);
        for known in all {
            let Some(ended) = &known.ended else { continue };
            if self.on_server(ended.at) < self.server_now() - RECENT {
                continue;
            }
            let title = &known.title;
            let words = format!("{title}: {} ({})", ended.outcome, known.by);
            self.timeline.add(self.on_server(ended.at), EntryKind::OwnAction, Text::line(&words));
            if let Some(Judged { at, sentence, .. }) = &known.verdict
                && !self.was_judged_here(known.intent)
                && self.mitigations.judged_elsewhere.insert(known.intent)
            {
                self.timeline.add(self.on_server(*at), EntryKind::Verdict, Text::line(&format!("{title}: {sentence}")));
            }
            self.watch_on(known, ended, all);
            if ended.outcome == Outcome::Done && known.undoes.is_none() && in_force::LASTING.contains(&known.kind.as_str()) {
                self.mitigations.lasting_elsewhere.insert(known.intent, title.clone());
            }
        }
        self.due.suggestions = true;
        self.dirty = true;
    }

    /// When those were done that helped and that nobody took back, by the servers' time.
    fn cures(&self, all: &[Recorded]) -> Vec<DateTime<Utc>> {
        let helped = |one: &&Recorded| one.verdict.as_ref().and_then(|judged| judged.judgement).is_some_and(Judgement::is_better);
        let stays = |one: &&Recorded| !is_taken_back(one.intent, all);
        all.iter().filter(helped).filter(stays).filter_map(|one| Some(self.on_server(one.ended.as_ref()?.at))).collect()
    }

    fn was_judged_here(&self, intent: u64) -> bool {
        self.mitigations.all.iter().any(|here| here.recorded == Some(intent) && here.verdict.is_some())
    }

    /// Watches one that another run did, as far as that can still tell something.
    fn watch_on(&mut self, known: &Recorded, ended: &Ended, all: &[Recorded]) {
        let is_known = self.mitigations.all.iter().any(|here| here.recorded == Some(known.intent));
        let since = (self.now.utc - ended.at).to_std().unwrap_or_default();
        // One that did not end, or that ended before what it started was complete, may be under way still.
        let is_over = since >= RECOVERY.max(GIVE_UP);
        let Some(kind) = self.kinds.iter().map(|entry| entry.spec.name).find(|name| known.kind == *name) else { return };
        if is_known || is_taken_back(known.intent, all) || is_over || ended.outcome != Outcome::Done {
            return;
        }
        let written = ended.at + (self.metrics_now() - self.now.utc);
        let mut tracks: Vec<_> = self.kpis.iter().map(|kpi| kpi.track.clone()).collect();
        for track in &mut tracks {
            track.written = Some(written);
        }
        let done_at = self.now.mono.minus(since);
        // When a rollout was complete is known only where its run lived to see it.
        let complete = known.converged_at.map_or(done_at, |at| self.now.mono.minus((self.now.utc - at).to_std().unwrap_or_default()));
        let undoes = known.undoes_here.or_else(|| known.undoes.and_then(|undone| self.mitigations.recorded_as(undone)));
        self.mitigations.next_id += 1;
        let id = MitigationId(self.mitigations.next_id);
        self.follow(Mitigation {
            recorded: Some(known.intent),
            targets: known.targets.clone(),
            undoes,
            done_at: Some(done_at),
            stage: Stage::Watching { since: complete },
            // Their history says later what the indicators were.
            before: self.kpis.iter().map(|kpi| Comparison::since(&kpi.spec, None)).collect(),
            tracks,
            converged_at: Some(complete),
            aim: known.expectation.aim.clone(),
            is_tied: known.expectation.is_tied,
            takes_effect_later: known.expectation.effect_later.clone(),
            ..Mitigation::begun(id, kind, known.title.clone(), (done_at, self.on_server(ended.at)))
        });
        self.mitigations.all.sort_by_key(|mitigation| mitigation.confirmed_at);
        if let Some(undone) = undoes {
            self.taken_back(undone, id);
        }
    }

    /// A moment of this machine by the clock of the API server.
    fn on_server(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at + (self.server_now() - self.now.utc)
    }
}

/// Whether another one that was done takes it back.
fn is_taken_back(intent: u64, all: &[Recorded]) -> bool {
    let is_done = |one: &Recorded| one.ended.as_ref().is_some_and(|ended| ended.outcome == Outcome::Done);
    all.iter().any(|other| other.undoes == Some(intent) && is_done(other))
}
