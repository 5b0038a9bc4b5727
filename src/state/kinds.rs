//! Kinds of mitigation on the screen, from what they say of themselves: lines of the menu and entries of the palette.

use std::time::Duration;

use crate::domain::{
    alert::{Alert, AlertStatus},
    ask::{Finished, Request, RequestKind, Wish},
    asks::{PAUSE, RESUME, RestartUnhealthy, Run, SET_HPA_BOUNDS, SWITCH_SERVICE, Scale, SetConfigKey, Silence, UndoRollout},
    catalogue::{Entry, Spec},
    command::CommandEntry,
    object::{Key, Kind, ObjectRef},
    silence::Matcher,
    text::Text,
};

use super::{
    Screen, State,
    action::Command,
    columns::KINDS,
    indices::with_index,
    overlay::{MenuItem, PaletteEntry},
    screens::cockpit::Pane,
};

/// Objects of one kind offered as arguments.
const OBJECTS: usize = 200;
/// Ends a silence; asked for by its id.
const UNSILENCE: &str = "unsilence";
/// Those with a flow of their own on the screen, which know more than the words: which pods, which key, how many.
const OWN_FLOW: [&str; 4] = [UndoRollout::NAME, RestartUnhealthy::NAME, Scale::NAME, SetConfigKey::NAME];

impl State {
    /// Offers these kinds, without those that are switched off.
    #[must_use]
    pub fn with_kinds(mut self, catalogue: &[Entry]) -> Self {
        let off = &self.config.mitigations.disabled;
        self.kinds = catalogue.iter().filter(|entry| !off.iter().any(|name| name == entry.spec.name)).copied().collect();
        self
    }

    pub(super) fn kind_named(&self, name: &str) -> Option<&Entry> {
        self.kinds.iter().find(|entry| entry.spec.name == name)
    }

    /// Lines of the menu for what is focused, or for what stands around it, beside those with a flow of their own.
    pub(super) fn kinds_for_focused(&self) -> Vec<MenuItem> {
        let around = self.around_the_focus();
        let mut items = Vec::new();
        for entry in self.kinds.iter().filter(|entry| !OWN_FLOW.contains(&entry.spec.name)) {
            let meant = around.iter().find(|object| entry.spec.applies_to(object.kind));
            let what = match meant {
                Some(meant) => match self.refused_kind(entry.spec.name, Some(meant.kind)).or_else(|| self.unfit(entry.spec, meant)) {
                    Some(why) => MenuChoice::Nothing(why),
                    None if entry.spec.needs_arguments() => MenuChoice::Compose(self.composed(entry.spec, Some(meant))),
                    None => match self.ask_of_marked(entry, meant) {
                        Ok(wish) => MenuChoice::Request(Request { kind: RequestKind::Do(wish), reason: Text::default() }),
                        Err(why) => MenuChoice::Nothing(why),
                    },
                },
                // One that finds its object by itself.
                None if entry.spec.on.is_empty() => match entry.ask("", &[]) {
                    Ok(_) if let Some(why) = self.refused_kind(entry.spec.name, None) => MenuChoice::Nothing(why),
                    Ok(wish) => MenuChoice::Request(Request { kind: RequestKind::Do(wish), reason: Text::default() }),
                    Err(_) => continue,
                },
                None => continue,
            };
            let Some(meant) = meant else {
                items.push(line(entry.spec, entry.spec.summary, what));
                continue;
            };
            let marked = self.marked(entry.spec, meant);
            let name = if marked.len() > 1 { format!("{} marked pods", marked.len()) } else { meant.to_string() };
            items.push(item(entry.spec, &name, what));
        }
        items
    }

    /// What is focused, then the deployment behind it, its autoscaler, and the services that send to it.
    fn around_the_focus(&self) -> Vec<ObjectRef> {
        let cluster = &self.cluster;
        let deployment = self.focused_deployment();
        let behind = deployment.as_ref().and_then(|key| cluster.reference(Kind::Deployment, key));
        let autoscaler = deployment.as_ref().and_then(|key| cluster.autoscaler_of(key));
        let autoscaler = autoscaler.and_then(|autoscaler| cluster.reference(Kind::HorizontalPodAutoscaler, &autoscaler.key));
        let services = deployment.iter().flat_map(|key| cluster.services_of(key));
        let services = services.filter_map(|service| cluster.reference(Kind::Service, &service.key));
        self.meant().into_iter().chain(behind).chain(autoscaler).chain(services).collect()
    }

    /// The marked pods, where the kind takes several and marks are on the screen; else the object alone.
    fn marked(&self, spec: &Spec, meant: &ObjectRef) -> Vec<Key> {
        let has_marks = self.screen == Screen::Workloads && self.workloads.kind == Kind::Pod && !self.workloads.marks.is_empty();
        let takes_them = has_marks && spec.takes_several && meant.kind == Kind::Pod;
        if takes_them { self.workloads.marks.iter().cloned().collect() } else { vec![meant.key.clone()] }
    }

    fn ask_of_marked(&self, entry: &Entry, meant: &ObjectRef) -> Result<Wish, Text> {
        let keys = self.marked(entry.spec, meant);
        let namespace = keys.first().map(|key| key.namespace.clone()).unwrap_or_default();
        if keys.iter().any(|key| key.namespace != namespace) {
            return Err("the marked pods are of several namespaces: one at a time".into());
        }
        let words: Vec<String> = keys.iter().map(|key| format!("{}/{}", meant.kind.singular(), key.name)).collect();
        entry.ask(&namespace, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Why a kind has nothing to do on an object, as far as is seen without asking.
    fn unfit(&self, spec: &Spec, meant: &ObjectRef) -> Option<Text> {
        let is_paused = || self.cluster.deployments.get(&meant.key).filter(|_| meant.kind == Kind::Deployment).map(|deployment| deployment.paused);
        let is_cordoned = || self.cluster.nodes.get(&meant.key).filter(|_| meant.kind == Kind::Node).map(|node| node.cordoned);
        match spec.name {
            PAUSE if is_paused() == Some(true) => Some("it is paused already".into()),
            RESUME if is_paused() == Some(false) => Some("it is not paused".into()),
            "cordon" if is_cordoned() == Some(true) => Some("it is cordoned already".into()),
            "uncordon" if is_cordoned() == Some(false) => Some("it is not cordoned".into()),
            _ => None,
        }
    }

    /// The line to go on with in the palette: with the values that the object has, to be changed there.
    fn composed(&self, spec: &Spec, object: Option<&ObjectRef>) -> Text {
        let Some(object) = object else { return Text::line(&format!("{} ", spec.name)) };
        let present = match spec.name {
            SET_HPA_BOUNDS => self.cluster.autoscalers.get(&object.key).map(|autoscaler| format!("min={} max={}", autoscaler.min, autoscaler.max)),
            SWITCH_SERVICE => self.cluster.services.get(&object.key).map(|service| {
                let labels = service.selector.iter().map(|(name, value)| format!("{name}={value}"));
                labels.collect::<Vec<_>>().join(" ")
            }),
            _ => None,
        };
        Text::line(&format!("{} {} {}", spec.name, named(object), present.unwrap_or_default()))
    }

    /// The alert that is focused, where the pane of alerts is.
    pub(super) fn focused_alert(&self) -> Option<&Alert> {
        let is_there = self.screen == Screen::Cockpit && self.cockpit.focus == Pane::Escalation;
        is_there.then(|| self.alert_under_cursor()).flatten()
    }

    /// Lines of the menu about the focused alert: silence it for an hour, or end what silences it.
    pub(super) fn silences_for_focused(&self) -> Vec<MenuItem> {
        let Some(alert) = self.focused_alert() else { return Vec::new() };
        let named = |name: &str| self.kind_named(name);
        let by_prometheus = self.alerts.as_ref().is_some_and(|list| list.said_by == "Prometheus");
        let mut items = Vec::new();
        if let Some(entry) = named(Silence::NAME) {
            let what = match (&alert.silenced, alert.status) {
                _ if by_prometheus => MenuChoice::Nothing("no Alertmanager answers: nothing can be silenced".into()),
                (Some(silenced), _) => MenuChoice::Nothing(Text::line(&format!("{} silenced it already", silenced.by))),
                (None, AlertStatus::Suppressed) => MenuChoice::Nothing("another alert inhibits it already".into()),
                (None, _) => MenuChoice::Request(Request::of(silence_of(alert))),
            };
            items.push(line(entry.spec, &format!("silence {} for 1 h", alert.name), what));
        }
        if let (Some(entry), Some(silenced)) = (named(UNSILENCE), &alert.silenced) {
            let what = match entry.ask("", &[&silenced.id]) {
                Ok(wish) => MenuChoice::Request(Request { kind: RequestKind::Do(wish), reason: Text::default() }),
                Err(why) => MenuChoice::Nothing(why),
            };
            let until = silenced.until.format("%H:%MZ");
            items.push(line(entry.spec, &format!("end the silence of {}, until {until} by {}", alert.name, silenced.by), what));
        }
        items
    }

    /// The command that a request runs, if that only reads: then it needs no card.
    pub(super) fn reading_command(&self, request: &Request) -> Option<Run> {
        let run = request.get::<Run>()?;
        let entry = self.config.mitigations.commands.iter().find(|entry| entry.name == run.entry)?;
        (!entry.writes()).then(|| run.clone())
    }

    /// Lines of the menu about the focused pod: the commands that may be run in it.
    pub(super) fn commands_for_focused(&self) -> Vec<MenuItem> {
        let (Some(kind), Some(pod)) = (self.kind_named(Run::NAME), self.meant().filter(|object| object.kind == Kind::Pod)) else {
            return Vec::new();
        };
        let known = self.cluster.pods.get(&pod.key);
        let fits = |entry: &&CommandEntry| {
            entry.namespace.as_ref().is_none_or(|namespace| *namespace == *pod.key.namespace)
                && known.is_some_and(|pod| entry.selects(|name| pod.label(name).map(Text::as_str)))
        };
        // The key of their kind would mean only the first of them.
        let keys = ('1'..='9').map(Some).chain(std::iter::repeat(None));
        let items = self.config.mitigations.commands.iter().filter(fits).zip(keys).map(|(entry, key)| {
            let what = if entry.needs_values() {
                MenuChoice::Compose(Text::line(&format!("{} {} pod/{} ", Run::NAME, entry.name, pod.key.name)))
            } else {
                let run =
                    Run { entry: entry.name.clone(), values: Vec::new(), namespace: pod.key.namespace.clone(), pod: Some(pod.key.name.clone()) };
                MenuChoice::Request(Request::of(run))
            };
            MenuItem { key, ..line(kind.spec, &format!("run {}: {}", entry.name, entry.summary), what) }
        });
        items.collect()
    }

    /// Every command of the list, once `run` is typed.
    fn command_entries(&self) -> Vec<PaletteEntry> {
        let namespace: Text = self.session.scope.namespace().unwrap_or_default().into();
        let entries = self.config.mitigations.commands.iter().map(|entry| {
            let command = if entry.needs_values() {
                Command::Compose(Text::line(&format!("{} {} ", Run::NAME, entry.name)))
            } else {
                Command::Do(Wish::new(Run { entry: entry.name.clone(), values: Vec::new(), namespace: namespace.clone(), pod: None }))
            };
            PaletteEntry { title: Text::line(&format!("{} {}: {}", Run::NAME, entry.usage(), entry.summary)), key: None, command }
        });
        entries.collect()
    }

    /// Every kind by name; not the one that is typed already with a space after it, whose objects are offered then.
    pub(super) fn kind_entries(&self, typed: &str) -> impl Iterator<Item = PaletteEntry> {
        let verb = typed.split_once(char::is_whitespace).map_or("", |(verb, _)| verb);
        let offered = self.kinds.iter().filter(move |entry| !OWN_FLOW.contains(&entry.spec.name) && entry.spec.name != verb);
        offered.map(|entry| PaletteEntry {
            title: Text::line(&format!("{}: {}", entry.spec.name, entry.spec.summary)),
            key: None,
            command: match entry.ask("", &[]) {
                // One that finds its object by itself.
                Ok(wish) => Command::Do(wish),
                Err(_) => Command::Compose(Text::line(&format!("{} ", entry.spec.name))),
            },
        })
    }

    /// Entries that name an object, once the name of a kind is typed.
    pub(super) fn kind_with_objects(&self, name: &str) -> Vec<PaletteEntry> {
        let Some(entry) = self.kind_named(name).filter(|entry| !OWN_FLOW.contains(&entry.spec.name)) else { return Vec::new() };
        match entry.spec.name {
            Run::NAME => return self.command_entries(),
            Silence::NAME => return self.silence_entries(),
            UNSILENCE => return self.unsilence_entries(entry),
            _ => {}
        }
        let mut entries = Vec::new();
        for object in entry.spec.on.iter().flat_map(|kind| self.keys_of(*kind)) {
            let words = format!("{name} {}", named(&object));
            let command = if entry.spec.needs_arguments() {
                Command::Compose(self.composed(entry.spec, Some(&object)))
            } else {
                match entry.ask(&object.key.namespace, &[&object.to_string()]) {
                    Ok(wish) => Command::Do(wish),
                    Err(_) => continue,
                }
            };
            let usage = if entry.spec.needs_arguments() { arguments(entry.spec) } else { String::new() };
            entries.push(PaletteEntry { title: Text::line(&format!("{words}{usage}")), key: None, command });
        }
        entries
    }

    /// Each alert that fires, with all its labels, once `silence` is typed.
    fn silence_entries(&self) -> Vec<PaletteEntry> {
        let offered = self.firing().map(|(alert, _)| PaletteEntry {
            title: Text::line(&format!("{} {} for=1h", Silence::NAME, alert.in_words())),
            key: None,
            command: Command::Do(Wish::new(silence_of(alert))),
        });
        offered.take(OBJECTS).collect()
    }

    /// Each silence that hides an alert, once `unsilence` is typed.
    fn unsilence_entries(&self, entry: &Entry) -> Vec<PaletteEntry> {
        let mut entries: Vec<PaletteEntry> = Vec::new();
        for alert in self.alerts.iter().flat_map(|list| &list.alerts) {
            let Some(silenced) = &alert.silenced else { continue };
            let Ok(wish) = entry.ask("", &[&silenced.id]) else { continue };
            let title = Text::line(&format!("{UNSILENCE} {}: of {}, by {}", silenced.id, alert.in_words(), silenced.by));
            let is_offered = entries.iter().any(|offered| offered.command == Command::Do(wish.clone()));
            if !is_offered && entries.len() < OBJECTS {
                entries.push(PaletteEntry { title, key: None, command: Command::Do(wish) });
            }
        }
        entries
    }

    /// What is typed, as an ask: `set-image deployment/api-gateway api=api:2`, or `shop:deployment/…` in another namespace.
    pub(super) fn kind_typed(&self, words: &[&str]) -> Option<Command> {
        self.kind_read(words)?.ok().map(Command::Do)
    }

    /// What a line lacks that begins with the name of a kind.
    pub(super) fn kind_complaint(&self, typed: &str) -> Option<Text> {
        let words = words_of(typed);
        self.kind_read(&words)?.err()
    }

    /// None for what is no kind, or a name alone.
    fn kind_read(&self, words: &[&str]) -> Option<Result<Wish, Text>> {
        let (name, rest) = words.split_first()?;
        let entry = self.kind_named(name)?;
        if entry.spec.on.is_empty() {
            let namespace = self.session.scope.namespace().unwrap_or_default();
            return Some(entry.ask(namespace, rest));
        }
        let (object, arguments) = rest.split_first()?;
        // A name alone could be of another kind, or of another action.
        let (namespace, object) = match object.split_once(':') {
            Some((namespace, object)) => (namespace, object),
            // What has no namespace can be named wherever one looks.
            None => (self.session.scope.namespace().unwrap_or_default(), *object),
        };
        let of_kinds: Vec<String> = entry.spec.on.iter().map(|kind| format!("{}/{object}", kind.singular())).collect();
        let object = match of_kinds.as_slice() {
            _ if object.contains('/') => object,
            [only] => only,
            several => return Some(Err(Text::line(&format!("{object} says no kind: write {}", several.join(" or "))))),
        };
        let words: Vec<&str> = std::iter::once(object).chain(arguments.iter().copied()).collect();
        Some(entry.ask(namespace, &words))
    }

    /// Mitigations that can be taken back, by their number in the journal.
    pub(super) fn undo_entries(&self) -> impl Iterator<Item = PaletteEntry> {
        self.mitigations.undoable.iter().take(OBJECTS).map(|one| PaletteEntry {
            title: Text::line(&format!("undo #{} {}: {}", one.id, one.title, one.undo)),
            key: None,
            command: Command::UndoRecorded(one.id),
        })
    }

    /// The request that takes back a mitigation of the journal.
    pub(super) fn undo_recorded(&self, id: u64) -> Result<Request, String> {
        let known = self.mitigations.undoable.iter().find(|one| one.id == id);
        let known = known.ok_or_else(|| format!("mitigation {id} cannot be taken back, or was already"))?;
        let reason = Text::line(&format!("takes back: {}, of {} by {}", known.title, known.time, known.by));
        Ok(Request { kind: RequestKind::Undo { of: Finished::Recorded(id) }, reason })
    }

    fn keys_of(&self, kind: Kind) -> Vec<ObjectRef> {
        // What is not watched can be typed.
        if !KINDS.contains(&kind) {
            return Vec::new();
        }
        let keys: Vec<&Key> = with_index!(self.cluster, kind, index => index.objects.keys().take(OBJECTS).collect());
        keys.into_iter().map(|key| ObjectRef { kind, key: key.clone(), uid: Text::default() }).collect()
    }
}

/// What a line of the menu leads to.
enum MenuChoice {
    Request(Request),
    /// The palette, with this typed already.
    Compose(Text),
    Nothing(Text),
}

/// This very alert: every label as it has it.
fn silence_of(alert: &Alert) -> Silence {
    let matchers = alert.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
    Silence {
        matchers,
        lasts: Some(Duration::from_hours(1)),
        from: None,
        until: None,
        again: None,
        meant: Some(alert.fingerprint.clone()),
        mark: None,
    }
}

fn item(spec: &Spec, meant: &str, what: MenuChoice) -> MenuItem {
    line(spec, &format!("{} {meant}", plainly(spec.name)), what)
}

/// The name of a kind in words that a sentence can begin with; the name itself where it is one already.
fn plainly(name: &'static str) -> &'static str {
    match name {
        "pause" => "pause the rollout of",
        "resume" => "resume the rollout of",
        "set-image" => "set the images of",
        "switch-service" => "switch the traffic of",
        "set-hpa-bounds" => "set the bounds of",
        "delete-pod" => "delete",
        name => name,
    }
}

fn line(spec: &Spec, title: &str, what: MenuChoice) -> MenuItem {
    let title = Text::line(title);
    let (request, compose, disabled) = match what {
        MenuChoice::Request(request) => (Some(request), None, None),
        MenuChoice::Compose(line) => (None, Some(line), None),
        MenuChoice::Nothing(why) => (None, None, Some(why)),
    };
    MenuItem { key: Some(spec.key), title, disabled, request, compose, command: None }
}

/// An object as `kind_typed` reads it, wherever it is.
fn named(object: &ObjectRef) -> String {
    if object.key.namespace.is_empty() { object.to_string() } else { format!("{}:{object}", object.key.namespace) }
}

/// The words of a typed line, apart at blanks that do not stand in double quotes; the quotes stay.
pub(super) fn words_of(typed: &str) -> Vec<&str> {
    let (mut words, mut begin) = (Vec::new(), None);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, character) in typed.char_indices() {
        if character.is_whitespace() && !is_quoted {
            words.extend(begin.take().map(|begin: usize| &typed[begin..at]));
            continue;
        }
        begin.get_or_insert(at);
        if character == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = is_quoted && character == '\\' && !is_escaped;
    }
    words.extend(begin.map(|begin| &typed[begin..]));
    words
}

fn arguments(spec: &Spec) -> String {
    spec.parameters.iter().flat_map(|parameter| [" ", parameter.name]).collect()
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn words_in_quotes_hang_together() {
        assert_eq!(words_of(" silence  a=b "), ["silence", "a=b"]);
        assert_eq!(words_of(r#"silence "service name"="a b" x=~"\" c" y"#), ["silence", r#""service name"="a b""#, r#"x=~"\" c""#, "y"]);
        assert_eq!(words_of("a \"b c"), ["a", "\"b c"]);
    }
}
