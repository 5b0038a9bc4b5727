//! From a wish to a request: what the mitigation commands and the menu ask for.

use chrono::{DateTime, TimeDelta};

use crate::domain::{
    ask::{Finished, Request, RequestKind},
    asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout, Unhealthy},
    object::{Key, Kind, ObjectRef, Subject},
    pod::Pod,
    suggestion::Suggestion,
    text::Text,
};

use super::{
    Screen, State,
    action::Command,
    msg::Effect,
    overlay::{Menu, MenuItem, Overlay},
    replicas::MOST_REPLICAS,
    table::Cursor,
};

/// The first hour of an incident.
const LATELY: TimeDelta = TimeDelta::hours(1);

impl State {
    /// Runs one of the mitigation commands: opens its card, or says why there is none.
    pub(super) fn mitigate(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        if let Some(why) = self.disarmed() {
            return match self.by_kubectl(command).filter(|_| self.session.read_only) {
                Some(line) => self.say(&format!("read-only: ask somebody who may write to run {line}")),
                None => self.refuse(&format!("mitigations are off: {why}")),
            };
        }
        // What was named instead of suggested gets its card, which asks again and says what is missing.
        if let Some((why, line)) = self.refused_command(command).zip(self.by_kubectl(command)) {
            return self.hand_over(&why, Some(&line));
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
            // How many is asked first, where that was not typed.
            Ok(request) if matches!(command, Command::Scale) => self.request(request, effects),
            Ok(request) => self.open_card(request, effects),
            Err(why) => self.refuse(&why),
        }
    }

    /// Says that this user may not, and what somebody who may runs, where that is known.
    fn hand_over(&mut self, why: &Text, line: Option<&Text>) {
        match line {
            Some(line) => self.say(&format!("{why}: ask somebody who may to run {line}")),
            None => self.refuse(why),
        }
    }

    /// The line that does what a command would do, where that is suggested.
    fn by_kubectl(&self, command: &Command) -> Option<Text> {
        let key = match command {
            Command::UndoRollout => 'u',
            Command::RestartUnhealthy => 'r',
            Command::Breaker => 'b',
            Command::Scale => 's',
            _ => return None,
        };
        let suggestion = self.suggestion(key).filter(|suggestion| !suggestion.kubectl.is_empty())?;
        Some(suggestion.kubectl.clone())
    }

    fn suggested(&self, key: char) -> Option<Request> {
        self.suggestion(key).map(|suggestion| suggestion.request.clone())
    }

    /// The suggestion with this key, the selected one first; on Workloads what is focused there comes first.
    fn suggestion(&self, key: char) -> Option<&Suggestion> {
        if self.screen == Screen::Workloads {
            return None;
        }
        let focused = (self.cockpit.focus == super::screens::cockpit::Pane::Suggestions)
            .then(|| self.advice.suggestions.get(self.cockpit.suggestions.row))
            .flatten();
        focused.filter(|suggestion| suggestion.key == key).or_else(|| self.advice.suggestions.iter().find(|suggestion| suggestion.key == key))
    }

    /// A request that came from a suggestion or the menu: scaling asks for the number first.
    pub(super) fn request(&mut self, request: Request, effects: &mut Vec<Effect>) {
        if let Some(why) = self.disarmed() {
            return self.refuse(&format!("mitigations are off: {why}"));
        }
        if let Some(why) = self.refused(&request) {
            let suggestion = self.advice.suggestions.iter().find(|suggestion| suggestion.request == request && !suggestion.kubectl.is_empty());
            let line = suggestion.map(|suggestion| suggestion.kubectl.clone());
            return self.hand_over(&why, line.as_ref());
        }
        if request.get::<Scale>().is_some() { self.ask_replicas(request) } else { self.open_card(request, effects) }
    }

    /// The deployment of what is focused.
    pub(super) fn focused_deployment(&self) -> Option<Key> {
        let focused = self.meant()?;
        match focused.kind {
            Kind::Service => {
                let selector = &self.cluster.services.get(&focused.key)?.selector;
                let in_namespace = self.cluster.deployments.objects.values().filter(|deployment| deployment.key.namespace == focused.key.namespace);
                let mut behind =
                    in_namespace.filter(|deployment| !selector.is_empty() && selector.iter().all(|label| deployment.selector.contains(label)));
                behind.next().map(|deployment| deployment.key.clone())
            }
            _ => self.cluster.deployment_behind(&focused),
        }
    }

    /// The stateful set or daemon set that is focused.
    pub(super) fn focused_set(&self) -> Option<Subject> {
        let focused = self.meant().filter(|focused| matches!(focused.kind, Kind::StatefulSet | Kind::DaemonSet))?;
        Some(focused.subject())
    }

    pub(super) fn deployment_or_why(&self, deployment: Option<&Key>) -> Result<Key, String> {
        let key = deployment.cloned().or_else(|| self.focused_deployment());
        let key = key.ok_or_else(|| "no deployment is focused: choose one on screen 2, or name it after :".to_owned())?;
        if self.cluster.deployments.get(&key).is_some() { Ok(key) } else { Err(format!("there is no deployment {}", key.name)) }
    }

    fn undo_request(&self, deployment: Option<&Key>, revision: Option<u64>) -> Result<Request, String> {
        if let Some(workload) = self.focused_set().filter(|_| deployment.is_none()) {
            return Ok(Request::of(UndoRollout { workload, to_revision: revision }));
        }
        let deployment = self.deployment_or_why(deployment)?;
        Ok(Request::of(UndoRollout::deployment(deployment, revision)))
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
        let wanted = |pod: &Pod| match app {
            Some(app) => self.cluster.app_of(pod) == *app,
            None if marked => self.workloads.marks.contains(&pod.key),
            None => false,
        };
        let focused = (app.is_none() && !marked).then(|| self.focused_app()).flatten();
        let now = self.server_now();
        let unhealthy = self.cluster.unhealthy.iter().filter_map(|key| self.cluster.pods.get(key));
        let unhealthy: Vec<&Pod> = unhealthy
            .filter(|pod| {
                wanted(pod) || focused.as_ref().is_some_and(|(namespace, app)| pod.key.namespace == *namespace && self.cluster.app_of(pod) == *app)
            })
            .collect();
        let pods: Vec<&Pod> = unhealthy.iter().copied().filter(|pod| pod.is_restartable(now)).take(RestartUnhealthy::MOST).collect();
        let Some(first) = pods.first() else {
            let spared = unhealthy.iter().find_map(|pod| Some((pod, pod.vitals().spared(now)?)));
            return Err(match (spared, app.or(focused.as_ref().map(|(_, app)| app)), marked) {
                (Some((pod, why)), ..) => format!("{} is not restarted: {why}", pod.key.name),
                (None, Some(app), _) => format!("no pod of {app} is unhealthy"),
                (None, None, true) => "none of the marked pods is unhealthy".to_owned(),
                (None, None, false) => "no app is focused: choose a pod or its workload, or type :restart-unhealthy APP".to_owned(),
            });
        };
        let app = self.cluster.app_of(first);
        let is_lost = pods.iter().all(|pod| pod.is_node_lost);
        let references = pods.iter().map(|pod| ObjectRef { kind: Kind::Pod, key: pod.key.clone(), uid: pod.uid.clone() }).collect();
        Ok(Request::of(RestartUnhealthy { app, pods: Unhealthy::Listed(references), at_once: None, is_lost }))
    }

    fn focused_app(&self) -> Option<(Text, Text)> {
        let focused = self.meant()?;
        if focused.kind == Kind::Pod {
            let pod = self.cluster.pods.get(&focused.key)?;
            return Some((pod.key.namespace.clone(), self.cluster.app_of(pod)));
        }
        let (selector, owner) = match self.focused_set() {
            Some(Subject { kind: Kind::StatefulSet, key }) => (self.cluster.stateful_sets.get(&key).map(|set| &set.selector), key),
            Some(Subject { key, .. }) => (self.cluster.daemon_sets.get(&key).map(|set| &set.selector), key),
            None => {
                let key = self.focused_deployment()?;
                (self.cluster.deployments.get(&key).map(|deployment| &deployment.selector), key)
            }
        };
        let app = selector?.iter().find(|(name, _)| name == "app" || name == "app.kubernetes.io/name").map(|(_, value)| value.clone());
        Some((owner.namespace, app.unwrap_or(owner.name)))
    }

    /// The last of this session; where it did nothing that can be taken back, the last of the sessions before.
    pub(super) fn undo_last(&self) -> Result<Request, String> {
        if let Some(why) = self.mitigations.last_not_settled() {
            return Err(why);
        }
        if let Some(last) = self.mitigations.last_undoable() {
            let reason = Text::line(&format!("takes back: {}", last.title));
            return Ok(Request { kind: RequestKind::Undo { of: Finished::Here(last.id) }, reason });
        }
        match self.mitigations.last_recorded() {
            Some(last) => self.undo_recorded(last.id),
            None if !self.mitigations.undoable.is_empty() => {
                Err("there is nothing further back to undo; :undo lists what can be done again".to_owned())
            }
            None => Err("nothing that sev1 did can be taken back".to_owned()),
        }
    }

    /// Whether something was done lately, here or in a session before, that `U` takes back.
    pub fn can_undo_lately(&self) -> bool {
        let is_late = |time: &str| DateTime::parse_from_rfc3339(time).is_ok_and(|time| self.now.utc.signed_duration_since(time).abs() < LATELY);
        self.mitigations.last_undoable().is_some() || self.mitigations.last_recorded().is_some_and(|last| is_late(&last.time))
    }

    fn open_menu(&mut self) {
        let item = |key: char, title: &str, request: Result<Request, String>| {
            let (request, disabled) = match request {
                Ok(request) => match self.refused(&request) {
                    Some(why) => (None, Some(why)),
                    None => (Some(request), None),
                },
                Err(why) => (None, Some(Text::line(&why))),
            };
            MenuItem { key: Some(key), title: title.into(), disabled, request, compose: None, command: None }
        };
        let undo = self.undo_request(None, None);
        let mut items = self.silences_for_focused();
        items.extend([
            item('u', "undo rollout to the previous revision", undo),
            item('r', "restart unhealthy pods", self.restart_request(None)),
            item('s', "scale", self.scale_request()),
            item(
                'b',
                if self.breaker().is_some_and(|(_, is_on)| is_on) { "circuit breaker off" } else { "circuit breaker on" },
                self.breaker_request(None),
            ),
            item('U', "undo the last mitigation", self.undo_last()),
        ]);
        items.extend(self.kinds_for_focused());
        items.extend(self.commands_for_focused());
        let alert = self.focused_alert().map(|alert| alert.name.to_string());
        let about = alert.or_else(|| self.meant().map(|focused| focused.to_string()));
        let about = about.map_or_else(|| "Mitigate".to_owned(), |about| format!("Mitigate {about}"));
        let row = items.iter().position(|item| item.disabled.is_none()).unwrap_or(0);
        self.overlays.push(Overlay::Menu(Menu { title: Text::line(&about), items, cursor: Cursor { row, top: 0 } }));
    }

    /// Chooses a line of the open menu.
    pub(super) fn choose(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let Some(Overlay::Menu(menu)) = self.overlays.last() else { return };
        let Some(item) = menu.items.get(index) else { return };
        if let Some(command) = item.command.clone().filter(|_| item.disabled.is_none()) {
            self.overlays.pop();
            return self.run(&command, effects);
        }
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
}
