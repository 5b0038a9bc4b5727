//! Kinds of mitigation on the screen, from what they say of themselves: lines of the menu and entries of the palette.

use crate::domain::{
    ask::{Finished, Request, RequestKind, Wish},
    asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout},
    catalogue::{Entry, Spec},
    object::{Key, Kind, ObjectRef},
    text::Text,
};

use super::{
    Screen, State,
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

    /// Lines of the menu for what is focused, or for the deployment behind it, beside those with a flow of their own.
    pub(super) fn kinds_for_focused(&self) -> Vec<MenuItem> {
        let focused = self.focused();
        let behind = self.focused_deployment().and_then(|key| self.cluster.reference(Kind::Deployment, &key));
        let mut items = Vec::new();
        for entry in self.kinds.iter().filter(|entry| !OWN_FLOW.contains(&entry.spec.name)) {
            let meant = [&focused, &behind].into_iter().flatten().find(|object| entry.spec.applies_to(object.kind));
            let Some(meant) = meant else { continue };
            let what = if entry.spec.needs_arguments() {
                MenuChoice::Compose(Text::line(&format!("{} {} ", entry.spec.name, named(meant))))
            } else if let Some(why) = self.unfit(entry.spec, meant) {
                MenuChoice::Nothing(why)
            } else {
                match self.ask_of_marked(entry, meant) {
                    Ok(wish) => MenuChoice::Request(Request { kind: RequestKind::Do(wish), reason: Text::default() }),
                    Err(why) => MenuChoice::Nothing(why),
                }
            };
            let marked = self.marked(entry.spec, meant);
            let name = if marked.len() > 1 { format!("{} marked pods", marked.len()) } else { meant.to_string() };
            items.push(item(entry.spec, &name, what));
        }
        items
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
        let node = self.cluster.nodes.get(&meant.key).filter(|_| meant.kind == Kind::Node)?;
        match (spec.name, node.cordoned) {
            ("cordon", true) => Some("it is cordoned already".into()),
            ("uncordon", false) => Some("it is not cordoned".into()),
            _ => None,
        }
    }

    /// Every kind by name; not the one that is typed already with a space after it, whose objects are offered then.
    pub(super) fn kind_entries(&self, typed: &str) -> impl Iterator<Item = PaletteEntry> {
        let verb = typed.split_once(char::is_whitespace).map_or("", |(verb, _)| verb);
        let offered = self.kinds.iter().filter(move |entry| !OWN_FLOW.contains(&entry.spec.name) && entry.spec.name != verb);
        offered.map(|entry| PaletteEntry {
            title: Text::line(&format!("{}: {}", entry.spec.name, entry.spec.summary)),
            key: None,
            command: Command::Compose(Text::line(&format!("{} ", entry.spec.name))),
        })
    }

    /// Entries that name an object, once the name of a kind is typed.
    pub(super) fn kind_with_objects(&self, name: &str) -> Vec<PaletteEntry> {
        let Some(entry) = self.kind_named(name).filter(|entry| !OWN_FLOW.contains(&entry.spec.name)) else { return Vec::new() };
        let mut entries = Vec::new();
        for object in entry.spec.on.iter().flat_map(|kind| self.keys_of(*kind)) {
            let words = format!("{name} {}", named(&object));
            let command = if entry.spec.needs_arguments() {
                Command::Compose(Text::line(&format!("{words} ")))
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
        let (object, arguments) = rest.split_first()?;
        // A name alone could be of another kind, or of another action.
        let (namespace, object) = match object.split_once(':') {
            Some((namespace, object)) => (namespace, object),
            // What has no namespace can be named wherever one looks.
            None => (self.session.scope.namespace().unwrap_or_default(), *object),
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
        let reason = Text::line(&format!("takes back: {}, of {} by {}", known.title, known.time, known.by));
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

fn item(spec: &Spec, meant: &str, what: MenuChoice) -> MenuItem {
    let title = Text::line(&format!("{} {meant}", spec.name));
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
