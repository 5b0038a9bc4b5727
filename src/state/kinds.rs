//! Kinds of mitigation on the screen, from what they say of themselves: lines of the menu and entries of the palette.

use crate::domain::{
    ask::{Finished, Request, RequestKind},
    asks::{PAUSE, RESUME, RestartUnhealthy, SET_HPA_BOUNDS, SWITCH_SERVICE, Scale, SetConfigKey, UndoRollout},
    catalogue::{Entry, Spec},
    object::{Key, Kind, ObjectRef},
    text::Text,
};

use super::{
    State,
    action::Command,
    overlay::{MenuItem, PaletteEntry},
};

/// Objects of one kind offered as arguments.
const OBJECTS: usize = 200;
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

    fn kind_named(&self, name: &str) -> Option<&Entry> {
        self.kinds.iter().find(|entry| entry.spec.name == name)
    }

    /// Lines of the menu for what is focused, or for what stands around it, beside those with a flow of their own.
    pub(super) fn kinds_for_focused(&self) -> Vec<MenuItem> {
        let around = self.around_the_focus();
        let mut items = Vec::new();
        for entry in self.kinds.iter().filter(|entry| !OWN_FLOW.contains(&entry.spec.name)) {
            let meant = around.iter().find(|object| entry.spec.applies_to(object.kind));
            if meant.is_none() && !entry.spec.on.is_empty() {
                continue;
            }
            let object = meant.map(ToString::to_string);
            let namespace = meant.map_or("", |object| object.key.namespace.as_str());
            let what = match meant.and_then(|meant| self.pointless(entry.spec, meant)) {
                Some(why) => MenuChoice::Nothing(why.into()),
                None if entry.spec.needs_arguments() => MenuChoice::Compose(self.composed(entry.spec, meant)),
                None => match entry.ask(namespace, &object.as_deref().into_iter().collect::<Vec<_>>()) {
                    Ok(wish) => MenuChoice::Request(Request { kind: RequestKind::Do(wish), reason: Text::default() }),
                    Err(why) => MenuChoice::Nothing(why),
                },
            };
            items.push(item(entry.spec, meant, what));
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
        self.focused().into_iter().chain(behind).chain(autoscaler).chain(services).collect()
    }

    /// Why a kind would do nothing to an object that is as it is.
    fn pointless(&self, spec: &Spec, object: &ObjectRef) -> Option<&'static str> {
        let is_paused = || self.cluster.deployments.get(&object.key).map(|deployment| deployment.paused);
        match spec.name {
            PAUSE if is_paused() == Some(true) => Some("it is paused already"),
            RESUME if is_paused() == Some(false) => Some("it is not paused"),
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

    /// What is typed, as an ask: `set-image deployment/api-gateway api=api:2`, or `shop:deployment/…` in another namespace.
    pub(super) fn kind_typed(&self, words: &[&str]) -> Option<Command> {
        let (name, rest) = words.split_first()?;
        let entry = self.kind_named(name)?;
        if entry.spec.on.is_empty() {
            return entry.ask("", rest).ok().map(Command::Do);
        }
        let (object, arguments) = rest.split_first()?;
        // A name alone could be of another kind, or of another action.
        let (namespace, object) = match object.split_once(':') {
            Some((namespace, object)) => (namespace, object),
            None => (self.session.scope.namespace()?, *object),
        };
        if !object.contains('/') {
            return None;
        }
        let words: Vec<&str> = std::iter::once(object).chain(arguments.iter().copied()).collect();
        entry.ask(namespace, &words).ok().map(Command::Do)
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
        let reason = Text::line(&format!("takes back: {}", known.title));
        Ok(Request { kind: RequestKind::Undo { of: Finished::Recorded(id) }, reason })
    }

    fn keys_of(&self, kind: Kind) -> Vec<ObjectRef> {
        let cluster = &self.cluster;
        let keys: Vec<&Key> = match kind {
            Kind::Pod => cluster.pods.objects.keys().take(OBJECTS).collect(),
            Kind::Deployment => cluster.deployments.objects.keys().take(OBJECTS).collect(),
            Kind::Node => cluster.nodes.objects.keys().take(OBJECTS).collect(),
            Kind::Service => cluster.services.objects.keys().take(OBJECTS).collect(),
            Kind::HorizontalPodAutoscaler => cluster.autoscalers.objects.keys().take(OBJECTS).collect(),
            Kind::ConfigMap => cluster.config_maps.objects.keys().take(OBJECTS).collect(),
            // Not watched: they can be typed.
            _ => Vec::new(),
        };
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

fn item(spec: &Spec, meant: Option<&ObjectRef>, what: MenuChoice) -> MenuItem {
    let title = Text::line(&meant.map_or_else(|| spec.summary.to_owned(), |meant| format!("{} {meant}", spec.name)));
    let (request, compose, disabled) = match what {
        MenuChoice::Request(request) => (Some(request), None, None),
        MenuChoice::Compose(line) => (None, Some(line), None),
        MenuChoice::Nothing(why) => (None, None, Some(why)),
    };
    MenuItem { key: spec.key, title, disabled, request, compose }
}

/// An object as `kind_typed` reads it, wherever it is.
fn named(object: &ObjectRef) -> String {
    if object.key.namespace.is_empty() { object.to_string() } else { format!("{}:{object}", object.key.namespace) }
}

fn arguments(spec: &Spec) -> String {
    spec.parameters.iter().flat_map(|parameter| [" ", parameter.name]).collect()
}
