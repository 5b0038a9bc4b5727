//! The command palette: every action by name, with arguments where it takes some.
//!
//! `Enter` runs what was typed in full, or the only command that begins so if that does no more than look. What writes, and
//! what is merely similar to what was typed, has to be chosen by moving to it; and what does more than look is not even listed for letters
//! that are scattered in it.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

use crate::domain::{
    object::{Key, Kind},
    text::Text,
};

use super::{
    State,
    action::{ACTIONS, Command, SCREENS, THEMES},
    overlay::{Palette, PaletteEntry},
    table::Cursor,
};

/// Entries offered at most.
const MATCHES: usize = 100;
/// Objects of one kind offered as arguments.
const OBJECTS: usize = 200;

/// More than any score of a fuzzy match.
const NAME_BONUS: u32 = 100_000;

/// The tables, by the name under which each is offered.
const TABLES: [(&str, Kind); 11] = [
    ("pods", Kind::Pod),
    ("deploy", Kind::Deployment),
    ("sts", Kind::StatefulSet),
    ("ds", Kind::DaemonSet),
    ("job", Kind::Job),
    ("cj", Kind::CronJob),
    ("cm", Kind::ConfigMap),
    ("nodes", Kind::Node),
    ("svc", Kind::Service),
    ("hpa", Kind::HorizontalPodAutoscaler),
    ("events", Kind::Event),
];

impl State {
    /// Matches what is typed anew.
    pub(super) fn match_palette(&self, palette: &mut Palette) {
        let line = palette.line.text.trim_start_matches(':').trim_start();
        let typed = line.trim_end();
        // What would only type again what is typed already offers what stands below it.
        let exact = self.exact(typed).filter(|entry| entry.command != Command::Compose(line.into()));
        let mut entries = self.entries(line);
        if !typed.is_empty() {
            let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
            let mut matcher = Matcher::new(Config::DEFAULT);
            let mut buffer = Vec::new();
            // With a space after it, a name has ended: `run ` is not the beginning of `runbooks`.
            let beginning = line;
            let mut scored: Vec<(u32, PaletteEntry)> = entries
                .into_iter()
                .filter_map(|entry| {
                    if !entry.command.only_looks() && !entry.is_meant_by(beginning) {
                        return None;
                    }
                    let score = pattern.score(Utf32Str::new(&entry.title, &mut buffer), &mut matcher)?;
                    // A name that begins with what is typed comes before one that merely contains it.
                    Some((score + if entry.begins_with(beginning) { NAME_BONUS } else { 0 }, entry))
                })
                .collect();
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            entries = scored.into_iter().map(|(_, entry)| entry).collect();
        }
        // Typed in full, a name wins over longer ones.
        let whole = entries.iter().position(|entry| entry.name() == line && entry.command.only_looks());
        if let Some(at) = whole {
            let whole = entries.remove(at);
            entries.insert(0, whole);
        }
        palette.is_chosen = exact.is_some() || whole.is_some() || self.is_only_one_meant(&entries, line);
        palette.complaint = if exact.is_some() { None } else { self.foreign_word(typed) };
        if let Some(exact) = exact {
            // Offered under this name, it says more there.
            let offered = entries.iter().position(|entry| entry.command == exact.command && entry.begins_with(typed));
            let exact = offered.map_or(exact, |at| entries.remove(at));
            entries.retain(|entry| entry.command != exact.command);
            entries.insert(0, exact);
        }
        entries.truncate(MATCHES);
        if entries.is_empty() && palette.complaint.is_none() {
            palette.complaint = Some(Text::line(&self.unknown(typed)));
        }
        palette.matches = entries;
        palette.cursor = Cursor::default();
    }

    /// Whether all that begin with what is typed are one command, and that only looks. The beginning of a line that writes is chosen by
    /// its whole name alone.
    fn is_only_one_meant(&self, entries: &[PaletteEntry], line: &str) -> bool {
        let mut meant = entries.iter().filter(|entry| !line.trim().is_empty() && entry.begins_with(line));
        let writes = |entry: &PaletteEntry| self.kind_named(entry.name().split_whitespace().next().unwrap_or_default()).is_some();
        let first = meant.next().filter(|first| first.command.only_looks());
        first.is_some_and(|first| meant.all(|other| other.command == first.command) && (line.contains(char::is_whitespace) || !writes(first)))
    }

    /// Why `Enter` runs nothing of several that could be meant.
    pub(super) fn undecided(&self, palette: &Palette) -> Text {
        let line = palette.line.text.trim_start_matches(':').trim();
        let mut begin = palette.matches.iter().filter(|entry| entry.begins_with(line));
        Text::line(&match (begin.next(), begin.next()) {
            (Some(_), Some(_)) => format!("more than one command begins with “{line}”: choose one with ↓, or type on"),
            (Some(_), None) => format!("“{line}” is not the whole command: choose it with ↓, or type all of it"),
            (None, _) => format!("{}; ↓ chooses one of these", self.unknown(line)),
        })
    }

    /// What is wrong with a line that means nothing.
    fn unknown(&self, typed: &str) -> String {
        let words = super::kinds::words_of(typed);
        let word = words.first().copied().unwrap_or_default();
        let mitigates = || super::action::by_id(word).is_some_and(|action| action.mitigates) || self.kind_named(word).is_some() || word == "breaker";
        match *words.as_slice() {
            _ if self.session.read_only && mitigates() => format!("“{word}” can write, and this session is read-only"),
            ["scale" | "undo", name, ..] if self.deployment_named(name).is_none() => {
                format!("there is no deployment “{name}”, or more than one: write NAMESPACE/NAME then")
            }
            ["scale", name, replicas] => format!("“{replicas}” is no number of replicas: write scale {name} 4"),
            ["theme", name] => format!("there is no theme “{name}”: choose {}", THEMES.join(", ")),
            // It lacks something that its kind can name.
            _ if let Some(why) = self.kind_complaint(typed) => why.to_string(),
            [word, _, ..] if self.exact_name(word).is_some() => format!("“{word}” takes no words after it"),
            _ => format!("there is no command “{typed}”"),
        }
    }

    fn entries(&self, typed: &str) -> Vec<PaletteEntry> {
        let armed = !self.session.read_only;
        let actions = ACTIONS.iter().filter(|action| armed || !action.mitigates);
        let mut entries: Vec<PaletteEntry> = actions
            .filter(|action| !is_pointless(&action.command) && !is_unbuilt(&action.command))
            .map(|action| entry(&format!("{}: {}", action.id, action.words), self.keymap.key_of(&action.command), action.command.clone()))
            .collect();
        for (name, kind) in TABLES {
            entries.push(entry(&format!("{name}: {} table", kind.resource()), None, Command::Kind(kind)));
        }
        entries.extend(self.containers_shown().map(|(title, command)| entry(&title, None, command)));
        entries.push(entry("uncall: take back that somebody was called, after a question", None, Command::Uncall));
        entries.extend(self.destination_entries(typed));
        entries.extend(THEMES.iter().map(|theme| entry(&format!("theme {theme}"), None, Command::Theme((*theme).into()))));
        if armed {
            entries.push(entry("breaker on", None, Command::BreakerTo(true)));
            entries.push(entry("breaker off", None, Command::BreakerTo(false)));
            entries.extend(self.kind_entries(typed));
            entries.extend(self.with_objects(typed));
        }
        entries
    }

    /// Entries that name an object, once the word before it is typed.
    fn with_objects(&self, typed: &str) -> Vec<PaletteEntry> {
        let verb = typed.split_whitespace().next().unwrap_or_default();
        let deployments = self.cluster.deployments.objects.values().take(OBJECTS);
        match verb {
            "scale" => deployments
                .map(|deployment| {
                    let key = deployment.key.clone();
                    let replicas = crate::domain::suggestion::more_replicas(deployment.replicas, self.cluster.autoscaler_of(&key).map(|hpa| hpa.max));
                    entry(&format!("scale {} {replicas}", key.name), None, Command::ScaleTo { deployment: key, replicas })
                })
                .collect(),
            "undo" => {
                let last = deployments.map(|deployment| {
                    let deployment = deployment.key.clone();
                    entry(&format!("undo {}", deployment.name), None, Command::UndoTo { deployment, revision: None })
                });
                self.undo_entries().chain(last).chain(self.revisions().take(OBJECTS)).collect()
            }
            "restart-unhealthy" => {
                // Those that a restart would leave out make no offer.
                let now = self.server_now();
                let unhealthy = self.cluster.unhealthy.iter().filter_map(|key| self.cluster.pods.get(key));
                let unhealthy = unhealthy.filter(|pod| pod.is_restartable(now)).take(OBJECTS);
                let apps: std::collections::BTreeSet<Text> = unhealthy.map(|pod| self.cluster.app_of(pod)).collect();
                apps.into_iter().map(|app| entry(&format!("restart-unhealthy {app}"), None, Command::RestartApp(app))).collect()
            }
            // Only after a space: the name alone must not mean whichever object comes first.
            kind if typed.contains(char::is_whitespace) => self.kind_with_objects(kind),
            _ => Vec::new(),
        }
    }

    /// Every former revision that a deployment can be brought back to.
    fn revisions(&self) -> impl Iterator<Item = PaletteEntry> {
        self.cluster.replica_sets.objects.values().filter_map(|replica_set| {
            let owner = replica_set.owner.as_ref().filter(|owner| owner.kind == "Deployment" && replica_set.revision > 0)?;
            let deployment = Key { namespace: replica_set.key.namespace.clone(), name: owner.name.clone() };
            let is_current = self.cluster.deployments.get(&deployment)?.revision == replica_set.revision;
            let image = replica_set.images.first().map_or("", |(_, image)| image);
            let title = format!("undo {} {} ({image})", owner.name, replica_set.revision);
            (!is_current).then(|| entry(&title, None, Command::UndoTo { deployment, revision: Some(replica_set.revision) }))
        })
    }

    /// What is typed, read as a command with its arguments.
    fn exact(&self, typed: &str) -> Option<PaletteEntry> {
        let words = super::kinds::words_of(typed);
        let command = match *words.as_slice() {
            ["container", name] => self.containers_shown().map(|(_, command)| command).find(|command| *command == Command::Container(name.into()))?,
            [word, ..] if super::switch::is_about_places(word) => self.destination_typed(&words)?,
            [name] => self.exact_name(name).or_else(|| self.kind_typed(&words))?,
            ["theme", name] => THEMES.contains(&name).then(|| Command::Theme(name.into()))?,
            ["breaker", "on"] => Command::BreakerTo(true),
            ["breaker", "off"] => Command::BreakerTo(false),
            ["scale", name, replicas] if !name.contains('/') || self.kind_typed(&words).is_none() => {
                Command::ScaleTo { deployment: self.deployment_named(name)?, replicas: replicas.parse().ok()? }
            }
            ["undo", number] if let Some(id) = self.recorded(number) => Command::UndoRecorded(id),
            ["undo", name] => Command::UndoTo { deployment: self.deployment_named(name)?, revision: None },
            ["undo", name, revision] => Command::UndoTo { deployment: self.deployment_named(name)?, revision: Some(revision.parse().ok()?) },
            ["restart-unhealthy", app] if !app.contains('/') => Command::RestartApp(app.into()),
            _ => self.kind_typed(&words)?,
        };
        let mitigates = matches!(
            command,
            Command::ScaleTo { .. }
                | Command::UndoTo { .. }
                | Command::UndoRecorded(_)
                | Command::BreakerTo(_)
                | Command::RestartApp(_)
                | Command::Do(_)
        );
        (!mitigates || !self.session.read_only).then(|| entry(typed, self.keymap.key_of(&command), command))
    }

    /// The mitigation of the journal that `#12` names.
    fn recorded(&self, word: &str) -> Option<u64> {
        let id = word.strip_prefix('#')?.parse().ok()?;
        self.mitigations.undoable.iter().any(|one| one.id == id).then_some(id)
    }

    fn exact_name(&self, name: &str) -> Option<Command> {
        if name == "uncall" {
            return Some(Command::Uncall);
        }
        if let "q" | "q!" | "quit" | "exit" = name {
            return Some(Command::Quit);
        }
        if name == "cockpit" {
            return Some(Command::Screen(1));
        }
        if let Some(kind) = super::foreign_words::table(name) {
            return Some(Command::Kind(kind));
        }
        let action = super::action::by_id(name).filter(|action| !(action.mitigates && self.session.read_only))?;
        (!is_pointless(&action.command)).then(|| action.command.clone())
    }

    /// `name`, or `namespace/name` where several namespaces are watched.
    fn deployment_named(&self, name: &str) -> Option<Key> {
        let (namespace, name) = name.split_once('/').map_or((None, name), |(namespace, name)| (Some(namespace), name));
        let mut found = self
            .cluster
            .deployments
            .objects
            .keys()
            .filter(|key| *key.name == *name && namespace.is_none_or(|namespace| *key.namespace == *namespace));
        let first = found.next()?;
        // A name that two namespaces have says too little to write to one of them.
        found.next().is_none().then(|| first.clone())
    }
}

impl PaletteEntry {
    /// Whether it begins with what is typed, or each typed word begins one of its own: letters scattered in it do not count.
    fn is_meant_by(&self, typed: &str) -> bool {
        let (title, typed) = (self.title.to_lowercase(), typed.to_lowercase());
        let is_at_a_word = |at: usize| !title[..at].ends_with(char::is_alphanumeric);
        typed.split_whitespace().all(|word| title.match_indices(word).any(|(at, _)| is_at_a_word(at)))
    }

    /// What the colon ends.
    fn name(&self) -> &str {
        self.title.split_once(": ").map_or(self.title.as_str(), |(name, _)| name)
    }

    /// Whether its name begins with what is typed.
    fn begins_with(&self, typed: &str) -> bool {
        self.name().to_lowercase().starts_with(&typed.to_lowercase())
    }
}

/// A screen that this version does not have: its name is answered, and not offered.
fn is_unbuilt(command: &Command) -> bool {
    matches!(command, Command::Screen(screen) if SCREENS.iter().any(|(number, _, is_built)| number == screen && !is_built))
}

/// Moving by name helps nobody.
fn is_pointless(command: &Command) -> bool {
    matches!(
        command,
        Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Top
            | Command::Bottom
            | Command::Open
            | Command::Back
            | Command::Palette
            | Command::Interrupt
            | Command::NextMatch
            | Command::PreviousMatch
            | Command::Wrap
            | Command::Follow
            | Command::Mark
    )
}

fn entry(title: &str, key: Option<Text>, command: Command) -> PaletteEntry {
    PaletteEntry { title: Text::line(title), key, command }
}
