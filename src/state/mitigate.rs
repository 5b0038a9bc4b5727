//! From a wish to a card, from a confirmed card to its verdict.

use std::time::Duration;

use serde_json::json;

use crate::domain::{
    ask::{Finished, Request, RequestKind},
    asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout, Unhealthy},
    mitigation::{ActionEvent, CardId, Check, ConfirmedPlan, Converge, Friction, MitigationId, Outcome, Plan},
    object::{Key, Kind, ObjectRef},
    suggestion::more_replicas,
    text::Text,
    verdict::{Comparison, Verdict},
};

use super::{
    Screen, State,
    action::Command,
    card::{Card, CardContent, CardFocus, Mitigation, Stage},
    evidence::is_restartable,
    msg::Effect,
    overlay::{LineEdit, Menu, MenuItem, Overlay, ReplicasPrompt},
    table::Cursor,
    timeline::EntryKind,
};

/// A value older than this at confirmation says nothing about the moment.
const RECENT: Duration = Duration::from_mins(2);
/// Most replicas that can be typed: beyond it is a slip of the finger.
const MOST_REPLICAS: u32 = 1_000;

impl State {
    /// Runs one of the mitigation commands: opens its card, or says why there is none.
    pub(super) fn mitigate(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        if let Some(why) = self.disarmed() {
            return self.refuse(&format!("mitigations are off: {why}"));
        }
        let request = match command {
            Command::Menu => return self.open_menu(),
            Command::UndoRollout => self.suggested('u').map_or_else(|| self.undo_request(None, None), Ok),
            Command::RestartUnhealthy => self.suggested('r').map_or_else(|| self.restart_request(None), Ok),
            Command::Breaker => self.suggested('b').map_or_else(|| self.breaker_request(None), Ok),
            Command::Scale => self.suggested('s').map_or_else(|| self.scale_request(), Ok),
            Command::Undo => self.undo_last(),
            Command::ScaleTo { deployment, replicas } => self.scale_to(deployment, *replicas),
            Command::UndoTo { deployment, revision } => self.undo_request(Some(deployment), *revision),
            Command::BreakerTo(on) => self.breaker_request(Some(*on)),
            Command::RestartApp(app) => self.restart_request(Some(app)),
            Command::Do(wish) => Ok(Request { kind: RequestKind::Do(wish.clone()), reason: Text::default() }),
            Command::UndoRecorded(id) => self.undo_recorded(*id),
            _ => return,
        };
        match request {
            Ok(request) if matches!(command, Command::Scale) => self.ask_replicas(request),
            Ok(request) => self.open_card(request, effects),
            Err(why) => self.refuse(&why),
        }
    }

    /// What the suggestion with this key asks for; on Workloads what is focused comes first.
    fn suggested(&self, key: char) -> Option<Request> {
        if self.screen == Screen::Workloads {
            return None;
        }
        let focused =
            (self.cockpit.focus == super::screens::cockpit::Pane::Suggestions).then(|| self.suggestions.get(self.cockpit.suggestions.row)).flatten();
        let first = self.suggestions.iter().find(|suggestion| suggestion.key == key);
        focused.filter(|suggestion| suggestion.key == key).or(first).map(|suggestion| suggestion.request.clone())
    }

    /// A request that came from a suggestion or the menu: scaling asks for the number first.
    pub(super) fn request(&mut self, request: Request, effects: &mut Vec<Effect>) {
        if let Some(why) = self.disarmed() {
            return self.refuse(&format!("mitigations are off: {why}"));
        }
        if request.get::<Scale>().is_some() { self.ask_replicas(request) } else { self.open_card(request, effects) }
    }

    /// The deployment of what is focused.
    pub(super) fn focused_deployment(&self) -> Option<Key> {
        let focused = self.focused()?;
        match focused.kind {
            Kind::Deployment => Some(focused.key),
            Kind::Pod => self.cluster.deployment_of(self.cluster.pods.get(&focused.key)?),
            Kind::HorizontalPodAutoscaler => {
                let autoscaler = self.cluster.autoscalers.get(&focused.key).filter(|autoscaler| autoscaler.target_kind == "Deployment")?;
                Some(Key { namespace: focused.key.namespace, name: autoscaler.target_name.clone() })
            }
            Kind::Service => {
                let selector = &self.cluster.services.get(&focused.key)?.selector;
                let in_namespace = self.cluster.deployments.objects.values().filter(|deployment| deployment.key.namespace == focused.key.namespace);
                let mut behind =
                    in_namespace.filter(|deployment| !selector.is_empty() && selector.iter().all(|label| deployment.selector.contains(label)));
                behind.next().map(|deployment| deployment.key.clone())
            }
            _ => None,
        }
    }

    fn deployment_or_why(&self, deployment: Option<&Key>) -> Result<Key, String> {
        let key = deployment.cloned().or_else(|| self.focused_deployment());
        let key = key.ok_or_else(|| "no deployment is focused: choose one on screen 2, or name it after :".to_owned())?;
        if self.cluster.deployments.get(&key).is_some() { Ok(key) } else { Err(format!("there is no deployment {}", key.name)) }
    }

    fn undo_request(&self, deployment: Option<&Key>, revision: Option<u64>) -> Result<Request, String> {
        let deployment = self.deployment_or_why(deployment)?;
        Ok(Request::of(UndoRollout::deployment(deployment, revision)))
    }

    fn scale_request(&self) -> Result<Request, String> {
        let deployment = self.deployment_or_why(None)?;
        let current = self.cluster.deployments.get(&deployment).map_or(0, |deployment| deployment.replicas);
        let replicas = more_replicas(current, self.cluster.autoscaler_of(&deployment).map(|autoscaler| autoscaler.max));
        Ok(Request::of(Scale::deployment(deployment, replicas)))
    }

    fn scale_to(&self, deployment: &Key, replicas: u32) -> Result<Request, String> {
        if replicas > MOST_REPLICAS {
            return Err(format!("{replicas} replicas are more than the {MOST_REPLICAS} that sev1 sets"));
        }
        let deployment = self.deployment_or_why(Some(deployment))?;
        Ok(Request::of(Scale::deployment(deployment, replicas)))
    }

    fn breaker_request(&self, on: Option<bool>) -> Result<Request, String> {
        let settings = &self.config.mitigations.breaker;
        let (config_map, is_on) = match (self.breaker(), self.session.scope.namespace()) {
            (Some(found), _) => found,
            (None, Some(namespace)) if self.cluster.config_maps.is_complete => {
                return Err(format!("there is no ConfigMap {} in {namespace}: set mitigations.breaker in the configuration", settings.config_map));
            }
            (None, _) => return Err(format!("ConfigMap {} was not seen yet", settings.config_map)),
        };
        let wanted = on.unwrap_or(!is_on);
        Ok(Request::of(SetConfigKey::set(config_map, &settings.key, if wanted { &settings.on } else { &settings.off })))
    }

    /// Unhealthy pods of an app: the named one, the marked pods, or the app of what is focused.
    fn restart_request(&self, app: Option<&Text>) -> Result<Request, String> {
        let marked = self.screen == Screen::Workloads && self.workloads.kind == Kind::Pod && !self.workloads.marks.is_empty();
        let wanted = |pod: &crate::domain::pod::Pod| match app {
            Some(app) => self.cluster.app_of(pod) == *app,
            None if marked => self.workloads.marks.contains(&pod.key),
            None => false,
        };
        let focused = (app.is_none() && !marked).then(|| self.focused_app()).flatten();
        let pods = self.cluster.unhealthy.iter().filter_map(|key| self.cluster.pods.get(key));
        let pods = pods.filter(|pod| {
            wanted(pod) || focused.as_ref().is_some_and(|(namespace, app)| pod.key.namespace == *namespace && self.cluster.app_of(pod) == *app)
        });
        let pods: Vec<&crate::domain::pod::Pod> = pods.filter(|pod| is_restartable(pod)).take(200).collect();
        let Some(first) = pods.first() else {
            return Err(match (app.or(focused.as_ref().map(|(_, app)| app)), marked) {
                (Some(app), _) => format!("no pod of {app} is unhealthy and has a controller that would replace it"),
                (None, true) => "none of the marked pods is unhealthy".to_owned(),
                (None, false) => "no app is focused: choose a pod or deployment, or type :restart APP".to_owned(),
            });
        };
        let app = self.cluster.app_of(first);
        let references = pods.iter().map(|pod| ObjectRef { kind: Kind::Pod, key: pod.key.clone(), uid: pod.uid.clone() }).collect();
        Ok(Request::of(RestartUnhealthy { app, pods: Unhealthy::Listed(references), at_once: None }))
    }

    fn focused_app(&self) -> Option<(Text, Text)> {
        let focused = self.focused()?;
        if focused.kind == Kind::Pod {
            let pod = self.cluster.pods.get(&focused.key)?;
            return Some((pod.key.namespace.clone(), self.cluster.app_of(pod)));
        }
        let deployment = self.focused_deployment()?;
        let selector = self.cluster.deployments.get(&deployment).map(|deployment| &deployment.selector)?;
        let app = selector.iter().find(|(name, _)| name == "app" || name == "app.kubernetes.io/name").map(|(_, value)| value.clone());
        Some((deployment.namespace, app.unwrap_or(deployment.name)))
    }

    fn undo_last(&self) -> Result<Request, String> {
        let last =
            self.mitigations.all.iter().rev().find(|mitigation| mitigation.undoable && mitigation.undone_by.is_none() && mitigation.undoes.is_none());
        let last = last.ok_or_else(|| "nothing that sev1 did in this session can be taken back".to_owned())?;
        Ok(Request { kind: RequestKind::Undo { of: Finished::Here(last.id) }, reason: Text::line(&format!("takes back: {}", last.title)) })
    }

    fn open_menu(&mut self) {
        let item = |key: char, title: &str, request: Result<Request, String>| {
            let (request, disabled) = match request {
                Ok(request) => (Some(request), None),
                Err(why) => (None, Some(Text::line(&why))),
            };
            MenuItem { key, title: title.into(), disabled, request, compose: None }
        };
        let undo = self.undo_request(None, None);
        let mut items = vec![
            item('u', "undo rollout to the revision before", undo),
            item('r', "restart unhealthy pods", self.restart_request(None)),
            item('s', "scale", self.scale_request()),
            item(
                'b',
                if self.breaker().is_some_and(|(_, is_on)| is_on) { "circuit breaker off" } else { "circuit breaker on" },
                self.breaker_request(None),
            ),
            item('U', "undo the last mitigation", self.undo_last()),
        ];
        items.extend(self.kinds_for_focused());
        let about = self.focused().map_or_else(|| "Mitigate".to_owned(), |focused| format!("Mitigate {focused}"));
        let row = items.iter().position(|item| item.disabled.is_none()).unwrap_or(0);
        self.overlays.push(Overlay::Menu(Menu { title: Text::line(&about), items, cursor: Cursor { row, top: 0 } }));
    }

    /// Chooses a line of the open menu.
    pub(super) fn choose(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let Some(Overlay::Menu(menu)) = self.overlays.last() else { return };
        let Some(item) = menu.items.get(index) else { return };
        match (item.request.clone(), item.compose.clone(), item.disabled.clone()) {
            (Some(request), _, None) => {
                self.overlays.pop();
                self.request(request, effects);
            }
            (None, Some(line), None) => {
                self.overlays.pop();
                self.compose(&line);
            }
            (_, _, why) => self.refuse(&why.unwrap_or_default()),
        }
    }

    fn ask_replicas(&mut self, request: Request) {
        let Some(Scale { workload, replicas }) = request.get::<Scale>().cloned() else { return };
        let deployment = workload.key;
        let current = self.cluster.deployments.get(&deployment).map_or(0, |deployment| deployment.replicas);
        let autoscaler = self.cluster.autoscaler_of(&deployment).map(|autoscaler| (autoscaler.key.name.clone(), autoscaler.min, autoscaler.max));
        let line = LineEdit::of(&replicas.to_string());
        self.overlays.push(Overlay::Replicas(ReplicasPrompt { deployment, current, autoscaler, line, reason: request.reason, complaint: None }));
    }

    /// `Enter` in the replicas prompt: the card, or what is wrong with the number.
    pub(super) fn replicas_entered(&mut self, effects: &mut Vec<Effect>) {
        let Some(Overlay::Replicas(prompt)) = self.overlays.last_mut() else { return };
        let complaint = match prompt.line.text.trim().parse::<u32>() {
            Err(_) => "a number of replicas, please",
            Ok(replicas) if replicas > MOST_REPLICAS => "more than sev1 sets: 1000 at most",
            Ok(replicas) if replicas == prompt.current => "that is what it has",
            Ok(replicas) => {
                let request = Request::of(Scale::deployment(prompt.deployment.clone(), replicas)).because(prompt.reason.clone());
                self.overlays.pop();
                return self.open_card(request, effects);
            }
        };
        prompt.complaint = Some(complaint.into());
    }

    pub(super) fn open_card(&mut self, request: Request, effects: &mut Vec<Effect>) {
        if let Some(busy) = self.busy(|target| request.objects().iter().any(|object| object.key == target.key)) {
            return self.refuse(&format!("“{busy}” is still being written there: wait for its end"));
        }
        self.mitigations.next_card += 1;
        self.mitigations.next_id += 1;
        let (id, mitigation) = (CardId(self.mitigations.next_card), MitigationId(self.mitigations.next_id));
        self.overlays.push(Overlay::Card(Box::new(Card {
            id,
            reason: request.reason.to_string(),
            request: request.clone(),
            shown_at: None,
            content: CardContent::Planning,
            checks: Vec::new(),
            typed: String::new(),
            focus: CardFocus::Cancel,
            complaint: None,
            scroll: 0,
        })));
        effects.push(Effect::Plan { card: id, id: mitigation, request });
    }

    /// Title of a mitigation whose write to a target like this is under way.
    fn busy(&self, is_it: impl Fn(&ObjectRef) -> bool) -> Option<Text> {
        let writing = self.mitigations.all.iter().filter(|mitigation| matches!(mitigation.stage, Stage::Executing { .. }));
        writing.into_iter().find(|mitigation| mitigation.targets.iter().any(&is_it)).map(|mitigation| mitigation.title.clone())
    }

    fn card_mut(&mut self, id: CardId) -> Option<&mut Card> {
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
    pub(super) fn confirm(&mut self, typed: &str, effects: &mut Vec<Effect>) {
        let disarmed = self.disarmed();
        let reason_required = self.config.mitigations.reason_required;
        let pinned = self.session.identity.as_ref().map(|identity| identity.cluster.clone());
        let Some(Overlay::Card(card)) = self.overlays.last() else { return };
        let CardContent::Planned(plan) = &card.content else { return };
        if card.shown_at.is_none() {
            return;
        }
        let busy = self.busy(|target| plan.targets.iter().any(|(planned, _)| planned.key == target.key && planned.kind == target.kind));
        let confirmed = if let Some(why) = disarmed {
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
        match confirmed {
            Ok(confirmed) => {
                self.overlays.pop();
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

    fn begin(&mut self, confirmed: &ConfirmedPlan) {
        let plan = confirmed.plan();
        self.own_action(&format!("confirmed: {}{}", plan.title, with_reason(confirmed.reason())));
        let before = self.kpis.iter().map(|kpi| Comparison {
            kpi: kpi.spec.id.clone(),
            title: kpi.spec.title.clone(),
            unit: kpi.spec.unit,
            before: kpi
                .reading
                .as_ref()
                .and_then(|reading| reading.value)
                .filter(|_| kpi.observed_at.is_some_and(|at| self.now.mono.since(at) <= RECENT)),
            after: None,
        });
        let mitigation = Mitigation {
            id: plan.id,
            kind: plan.kind,
            title: plan.title.clone(),
            reason: confirmed.reason().clone(),
            targets: plan.targets.iter().map(|(target, _)| target.clone()).collect(),
            undoes: plan.undoes.and_then(|undoes| undoes.here),
            confirmed_at: self.now.mono,
            done_at: None,
            converges: plan.converge != Converge::Immediately,
            stage: Stage::Executing { done: 0, of: u32::try_from(plan.writes.len()).unwrap_or(u32::MAX) },
            undoable: false,
            undone_by: None,
            before: before.collect(),
            verdict: None,
        };
        self.mitigations.all.push(mitigation);
    }

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
                    merge(&mut card.checks, check);
                }
            }
            ActionEvent::Started { id } => self.stage(id, |mitigation| {
                if !matches!(mitigation.stage, Stage::Executing { .. }) {
                    mitigation.stage = Stage::Executing { done: 0, of: 0 };
                }
            }),
            ActionEvent::Progress { id, done, of } => self.stage(id, |mitigation| mitigation.stage = Stage::Executing { done, of }),
            ActionEvent::Ended { id, outcome, undoable } => self.ended(id, &outcome, undoable),
            ActionEvent::Resolved { id, outcome } => {
                let undoable = self.mitigations.all.iter().any(|mitigation| mitigation.id == id && mitigation.undoable);
                self.ended(id, &outcome, undoable);
            }
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
                    mitigation.stage = if mitigation.verdict.is_some() { Stage::Ended(Outcome::Done) } else { Stage::Watching { since: now } };
                });
                self.watch_mitigations(effects);
                self.ask_anew_whether_to_quit();
            }
            ActionEvent::Undoable { all } => self.mitigations.undoable = all,
            ActionEvent::Journal { broken } => {
                self.session.journal_broken = broken;
                self.due.suggestions = true;
            }
            ActionEvent::Notice { text, is_error } => self.notify(text, is_error),
        }
    }

    fn planned(&mut self, id: CardId, plan: Box<Plan>) {
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
        let mut verdicts = Vec::new();
        for mitigation in &mut self.mitigations.all {
            let Some(done_at) = mitigation.done_at.filter(|_| mitigation.verdict.is_none()) else { continue };
            let since_converged = match mitigation.stage {
                Stage::Watching { since } => Some(now.since(since)),
                Stage::Converging { .. } => None,
                _ => continue,
            };
            let comparisons = mitigation.before.iter().map(|before| {
                let kpi = self
                    .kpis
                    .iter()
                    .find(|kpi| kpi.spec.id == before.kpi && kpi.observed_at.is_some_and(|at| at > done_at && now.since(at) <= RECENT));
                Comparison { after: kpi.and_then(|kpi| kpi.reading.as_ref()?.value), ..before.clone() }
            });
            let (verdict, is_final) = Verdict::of(&specs, comparisons.collect(), now.since(done_at), since_converged);
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
            self.notify(sentence, verdict.judgement == crate::domain::verdict::Judgement::Worse);
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

/// One check of each kind: a later word replaces the earlier.
fn merge(checks: &mut Vec<Check>, check: Check) {
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
