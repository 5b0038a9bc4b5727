//! Switching to another namespace or context: which there are, and the question before.

use crate::domain::{ask::is_name, object::Scope, text::Text};

use super::{
    State,
    action::{CONFIRM_KEY, Command},
    input::Haste,
    msg::{Effect, Key, KeyCode},
    overlay::{LineEdit, Overlay, PaletteEntry, SwitchQuestion},
};

const NAMESPACE: [&str; 3] = ["ns", "namespace", "namespaces"];
const CONTEXT: [&str; 3] = ["ctx", "context", "contexts"];
/// All namespaces, where none has this name.
const ALL: &str = "all";
/// Names offered at most.
const OFFERED: usize = 500;

/// Where the cockpit can go from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Of the same cluster.
    Namespace(Scope),
    /// Of the kubeconfig.
    Context(Text),
}

/// What is known of the places one can switch to.
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    /// Of the kubeconfig, as it was at start.
    pub contexts: Vec<Text>,
    pub namespaces: Namespaces,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Namespaces {
    #[default]
    NotAsked,
    Asked,
    Known(Vec<Text>),
    /// Why they cannot be listed: a name can be typed then.
    Unknown(Text),
}

impl Destination {
    /// `namespace shop`, `all namespaces`, `context prod-uk-1`.
    pub fn words(&self) -> String {
        match self {
            Self::Namespace(Scope::One(name)) => format!("namespace {name}"),
            Self::Namespace(Scope::All) => "all namespaces".to_owned(),
            Self::Context(name) => format!("context {name}"),
        }
    }
}

/// Whether a word of the palette is about namespaces or contexts.
pub(super) fn is_about_places(word: &str) -> bool {
    is_namespace(word) || is_context(word)
}

fn is_namespace(word: &str) -> bool {
    NAMESPACE.contains(&word.to_ascii_lowercase().as_str())
}

fn is_context(word: &str) -> bool {
    CONTEXT.contains(&word.to_ascii_lowercase().as_str())
}

impl State {
    /// The contexts that `:ctx` offers.
    #[must_use]
    pub fn with_contexts(mut self, contexts: Vec<Text>) -> Self {
        self.destinations.contexts = contexts;
        self
    }

    /// Asks for the namespaces, once, when the palette is about them.
    pub(super) fn ask_for_namespaces(&mut self, effects: &mut Vec<Effect>) {
        let Some(Overlay::Palette(palette)) = self.overlays.last() else { return };
        let line = palette.line.text.trim_start_matches(':').trim_start();
        let is_asking = line.split_once(char::is_whitespace).is_some_and(|(word, _)| is_namespace(word));
        if is_asking && self.destinations.namespaces == Namespaces::NotAsked {
            self.destinations.namespaces = Namespaces::Asked;
            effects.push(Effect::ListNamespaces);
            self.match_palette_again();
        }
    }

    pub(super) fn namespaces_read(&mut self, read: Result<Vec<Text>, Text>) {
        self.destinations.namespaces = match read {
            Ok(names) => Namespaces::Known(names),
            Err(why) => Namespaces::Unknown(why),
        };
        self.match_palette_again();
        self.dirty = true;
    }

    /// The names, once the word before them is typed.
    pub(super) fn destination_entries(&self, typed: &str) -> Vec<PaletteEntry> {
        let offer = |title: String, command: Command| PaletteEntry { title: Text::line(&title), key: None, command };
        let mut entries = vec![
            offer("ns: switch to another namespace, after a question".to_owned(), Command::Compose("ns ".into())),
            offer("ctx: switch to another context, after a question".to_owned(), Command::Compose("ctx ".into())),
        ];
        let Some((word, _)) = typed.split_once(char::is_whitespace) else { return entries };
        if is_context(word) {
            let contexts = self.destinations.contexts.iter().take(OFFERED);
            entries.extend(contexts.map(|name| offer(format!("{word} {name}"), Command::Switch(Destination::Context(name.clone())))));
        }
        if is_namespace(word) {
            if let Namespaces::Known(names) = &self.destinations.namespaces {
                let one = |name: &Text| Command::Switch(Destination::Namespace(Scope::One(name.clone())));
                entries.extend(names.iter().take(OFFERED).map(|name| offer(format!("{word} {name}"), one(name))));
            }
            if !self.is_namespace_called_all() {
                entries.push(offer(format!("{word} {ALL}"), Command::Switch(Destination::Namespace(Scope::All))));
            }
        }
        entries
    }

    /// `ns` and `ctx` alone open the list of names; with a name that there is, or may be, they lead there.
    pub(super) fn destination_typed(&self, words: &[&str]) -> Option<Command> {
        match words {
            [word] if is_about_places(word) => Some(Command::Compose(Text::line(&format!("{word} ")))),
            [word, name] if is_context(word) => {
                let known = self.destinations.contexts.iter().find(|known| *known == name)?;
                Some(Command::Switch(Destination::Context(known.clone())))
            }
            [word, name] if is_namespace(word) => {
                if *name == ALL && !self.is_namespace_called_all() {
                    return Some(Command::Switch(Destination::Namespace(Scope::All)));
                }
                let is_there = match &self.destinations.namespaces {
                    Namespaces::Known(names) => names.iter().any(|known| known == name),
                    Namespaces::Unknown(_) => is_name(name),
                    Namespaces::NotAsked | Namespaces::Asked => false,
                };
                is_there.then(|| Command::Switch(Destination::Namespace(Scope::One((*name).into()))))
            }
            _ => None,
        }
    }

    fn is_namespace_called_all(&self) -> bool {
        matches!(&self.destinations.namespaces, Namespaces::Known(names) if names.iter().any(|name| name == ALL))
    }

    /// What a line about namespaces or contexts lacks; none while it offers names to choose from.
    pub(super) fn destination_complaint(&self, words: &[&str]) -> Option<Text> {
        let (word, names) = words.split_first()?;
        let complaint = match (names, is_context(word)) {
            ([], true) if self.destinations.contexts.is_empty() => "there is no kubeconfig here with other contexts".to_owned(),
            ([], true) => return None,
            ([name], true) if self.destinations.contexts.iter().any(|known| known.starts_with(name)) => return None,
            ([name], true) => format!("the kubeconfig has no context “{name}”"),
            ([] | [_], false) => match (&self.destinations.namespaces, names) {
                (Namespaces::NotAsked | Namespaces::Asked, _) => "asking the API server which namespaces there are".to_owned(),
                (Namespaces::Unknown(why), []) => format!("{why}: type {word} NAME"),
                (Namespaces::Unknown(_), [name, ..]) => format!("“{name}” cannot be the name of a namespace"),
                (Namespaces::Known(names), [name, ..]) if !names.iter().any(|known| known.starts_with(name)) => {
                    format!("{} has no namespace “{name}”", self.session.cluster)
                }
                (Namespaces::Known(_), _) => return None,
            },
            _ => format!("“{word}” takes one name"),
        };
        Some(Text::line(&complaint))
    }

    /// The question before a switch; or why there is none.
    pub(super) fn ask_to_switch(&mut self, to: &Destination) {
        let is_here = match to {
            Destination::Namespace(scope) => *scope == self.session.scope,
            Destination::Context(name) => *name == self.session.context,
        };
        if is_here {
            return self.say(&format!("this is {} already", to.words()));
        }
        if let Some(why) = self.in_flight() {
            return self.refuse(&format!("no switching yet: {why}"));
        }
        let word = match to {
            Destination::Context(name) if self.config.environment(name).is_production => Some(name.clone()),
            _ => None,
        };
        self.overlays.push(Overlay::SwitchQuestion(SwitchQuestion { to: to.clone(), word, line: LineEdit::default(), complaint: None }));
    }

    /// A key for that question.
    pub(super) fn switch_answered(&mut self, key: Key, haste: Haste, effects: &mut Vec<Effect>) {
        self.dirty = true;
        let Some(Overlay::SwitchQuestion(question)) = self.overlays.last_mut() else { return };
        question.complaint = None;
        let says_yes = match (&question.word, key.code) {
            (None, KeyCode::Char('y')) => !key.ctrl && !key.alt,
            (_, KeyCode::Esc) | (None, KeyCode::Enter | KeyCode::Char('n')) => return drop(self.overlays.pop()),
            (Some(word), KeyCode::Enter) => {
                let is_word = question.line.text.trim() == word.as_str();
                if !is_word {
                    question.complaint = Some(Text::line(&format!("type {word} to switch; Esc stays here")));
                }
                is_word
            }
            (Some(_), _) => {
                question.line.edit(key);
                false
            }
            (None, _) => false,
        };
        if !says_yes {
            return;
        }
        if let Some(why) = haste.objects(if question.word.is_some() { "Enter" } else { CONFIRM_KEY }) {
            question.complaint = Some(Text::line(&why));
            return;
        }
        let to = question.to.clone();
        self.overlays.pop();
        match self.in_flight() {
            Some(why) => self.refuse(&format!("no switching yet: {why}")),
            None => effects.push(Effect::Switch(to)),
        }
    }
}
