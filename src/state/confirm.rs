//! From a request to a card, and from a confirmed card to its execution.

use std::time::Duration;

use crate::domain::{
    ask::{Finished, Request, RequestKind},
    mitigation::{CardId, Check, ConfirmedPlan, Converge, Expectation, Friction, MitigationId, Plan},
    object::{Kind, ObjectRef},
    text::Text,
    verdict::Comparison,
};

use super::{
    KpiState, State,
    action::CONFIRM_KEY,
    card::{self, Card, CardContent, CardFocus, Mitigation, Stage},
    card_input::PASTED,
    input::Haste,
    msg::Effect,
    overlay::Overlay,
};

/// A value older than this at confirmation or judgement says nothing about the moment.
pub(super) const RECENT: Duration = Duration::from_mins(2);

impl State {
    pub(super) fn open_card(&mut self, request: Request, effects: &mut Vec<Effect>) {
        if let Some(run) = self.reading_command(&request) {
            return self.open_output(run, effects);
        }
        if let Some(busy) = self.busy(|target| request.objects().iter().any(|object| object.key == target.key)) {
            return self.refuse(&format!("“{busy}” is still being written there: wait for its end"));
        }
        self.mitigations.next_card += 1;
        self.mitigations.next_id += 1;
        let (id, mitigation) = (CardId(self.mitigations.next_card), MitigationId(self.mitigations.next_id));
        self.overlays.push(Overlay::Card(Box::new(Card {
            id,
            reason: request.reason.to_string(),
            aim: self.aim_of(&request),
            request: request.clone(),
            shown_at: None,
            content: CardContent::Planning,
            checks: Vec::new(),
            typed: String::new(),
            hasty: Vec::new(),
            focus: CardFocus::Cancel,
            complaint: None,
            scroll: 0,
        })));
        effects.push(Effect::Plan { card: id, id: mitigation, request });
    }

    /// The indicator that a request is meant to better: that of the suggestion like it, or of what it takes back.
    fn aim_of(&self, request: &Request) -> Option<Text> {
        if let RequestKind::Undo { of } = request.kind {
            return self.mitigations.all.iter().find(|mitigation| Finished::Here(mitigation.id) == of)?.aim.clone();
        }
        self.advice.suggestions.iter().find(|suggestion| suggestion.request.kind.is_like(&request.kind))?.aim.clone()
    }

    /// Title of a mitigation whose write to a target like this is under way.
    fn busy(&self, is_it: impl Fn(&ObjectRef) -> bool) -> Option<Text> {
        let writing = self.mitigations.all.iter().filter(|mitigation| matches!(mitigation.stage, Stage::Executing { .. }));
        writing.into_iter().find(|mitigation| mitigation.targets.iter().any(&is_it)).map(|mitigation| mitigation.title.clone())
    }

    pub(super) fn card_mut(&mut self, id: CardId) -> Option<&mut Card> {
        self.overlays.iter_mut().find_map(|overlay| match overlay {
            Overlay::Card(card) if card.id == id => Some(&mut **card),
            _ => None,
        })
    }

    pub(super) fn close_card(&mut self, effects: &mut Vec<Effect>) {
        if let Some(Overlay::Card(card)) = self.overlays.pop_if(|overlay| matches!(overlay, Overlay::Card(_))) {
            effects.push(Effect::Abandon { card: card.id });
        }
    }

    /// The person typed `typed` and meant it. The only way to `Effect::Execute`.
    pub(super) fn confirm(&mut self, typed: &str, haste: Haste, effects: &mut Vec<Effect>) {
        let disarmed = self.disarmed();
        let reason_required = self.config.mitigations.reason_required;
        let pinned = self.session.identity.as_ref().map(|identity| identity.cluster.clone());
        let Some(Overlay::Card(card)) = self.overlays.last() else { return };
        let CardContent::Planned(plan) = &card.content else { return };
        if card.shown_at.is_none() {
            return;
        }
        let busy = self.busy(|target| plan.targets.iter().any(|planned| planned.object.key == target.key && planned.object.kind == target.kind));
        let confirmed = if !card::is_legible(self.size) {
            Err("this window is too small to show what would be done: make it larger".to_owned())
        } else if let Some(why) = disarmed {
            Err(format!("mitigations are off: {why}"))
        } else if pinned.as_ref() != Some(&plan.cluster) {
            Err("planned for another cluster or user than this session's: cancel and ask again".to_owned())
        } else if let Some(busy) = busy {
            Err(format!("“{busy}” is still being written there: wait for its end"))
        } else if reason_required && card.reason.trim().is_empty() {
            Err("a reason is asked for here: Tab reaches it".to_owned())
        } else {
            (**plan).clone().confirm(typed, &card.checks, Text::line(card.reason.trim())).map_err(|why| why.to_string())
        };
        let key = if plan.friction == Friction::Key { CONFIRM_KEY } else { "Enter" };
        let objection = card.is_pasted().then(|| PASTED.to_owned()).or_else(|| haste.objects(key));
        match confirmed.and_then(|confirmed| objection.map_or(Ok(confirmed), Err)) {
            Ok(confirmed) => {
                let aim = card.aim.clone();
                self.overlays.pop();
                let is_tied = self.is_tied_by_plan(confirmed.plan());
                let confirmed = confirmed.meant_for(aim, is_tied);
                self.begin(&confirmed);
                effects.push(Effect::Execute(Box::new(confirmed)));
            }
            Err(why) => {
                if let Some(Overlay::Card(card)) = self.overlays.last_mut() {
                    card.complaint = Some(Text::line(&why));
                }
            }
        }
    }

    /// How old a value may be to be compared: in a fast demo even a fresh one has an age by its clock.
    pub(super) fn recently(&self) -> Duration {
        RECENT.max(self.session.speed.counted(Duration::from_secs(1)))
    }

    /// Whether something besides the time ties what is written to to the trouble.
    fn is_tied_by_plan(&self, plan: &Plan) -> bool {
        let targets: Vec<ObjectRef> = plan.targets.iter().map(|target| target.object.clone()).collect();
        plan.undoes.is_some() || self.is_suggested(&plan.wish) || self.is_tied(&targets)
    }

    fn begin(&mut self, confirmed: &ConfirmedPlan) {
        let plan = confirmed.plan();
        let Expectation { aim, is_tied, effect_later } = confirmed.expectation().clone();
        self.own_action(&format!("confirmed: {}{}", plan.title, with_reason(confirmed.reason())));
        let recently = |kpi: &KpiState| kpi.observed_at.is_some_and(|at| self.now.mono.since(at) <= self.recently());
        let value = |kpi: &KpiState| kpi.reading.as_ref().and_then(|reading| reading.value).filter(|_| recently(kpi));
        let targets: Vec<ObjectRef> = plan.targets.iter().map(|target| target.object.clone()).collect();
        let at = (self.now.mono, self.server_now());
        self.follow(Mitigation {
            reason: confirmed.reason().clone(),
            is_tied,
            targets,
            undoes: plan.undoes.and_then(|undoes| undoes.here.or_else(|| self.mitigations.recorded_as(undoes.recorded))),
            inverse: plan.inverse.clone(),
            wish: Some(plan.wish.clone()),
            converges: !matches!(plan.converge, Converge::Immediately | Converge::Held { .. }),
            stage: Stage::Executing { done: 0, of: u32::try_from(plan.writes.len()).unwrap_or(u32::MAX), waits: None },
            aim,
            before: self.kpis.iter().map(|kpi| Comparison::since(&kpi.spec, value(kpi))).collect(),
            tracks: self.kpis.iter().map(|kpi| kpi.track.clone()).collect(),
            takes_effect_later: effect_later,
            ..Mitigation::begun(plan.id, plan.kind, plan.title.clone(), at)
        });
    }

    /// Keeps a mitigation. The pods that it deletes are nobody else's deletions.
    pub(super) fn follow(&mut self, mitigation: Mitigation) {
        let pods = mitigation.targets.iter().filter(|target| target.kind == Kind::Pod);
        self.cluster.seen.deleted_by_us(pods.map(|pod| pod.uid.clone()));
        self.mitigations.all.push(mitigation);
    }

    pub(super) fn planned(&mut self, id: CardId, plan: Box<Plan>) {
        let pinned = self.session.identity.as_ref().map(|identity| identity.cluster.clone());
        let Some(card) = self.card_mut(id) else { return };
        card.shown_at = None;
        if pinned.as_ref() != Some(&plan.cluster) {
            card.content = CardContent::Impossible("it was planned for another cluster or user than this session's".into());
            card.focus = CardFocus::Cancel;
            return;
        }
        card.focus = match plan.friction {
            Friction::Key => CardFocus::Cancel,
            Friction::Word(_) => CardFocus::Word,
        };
        if card.reason.is_empty() {
            card.reason = plan.reason.to_string();
        }
        card.content = CardContent::Planned(plan);
    }
}

/// One check of each kind: a later word replaces the earlier.
pub(super) fn merge(checks: &mut Vec<Check>, check: Check) {
    if let Some(known) = checks.iter_mut().find(|known| known.what == check.what) {
        *known = check;
    } else {
        checks.push(check);
        checks.sort_by_key(|check| check.what);
    }
}

fn with_reason(reason: &Text) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}
