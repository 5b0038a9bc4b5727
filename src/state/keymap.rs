//! Which key means which action where: the table's defaults with the configuration's overrides, and what footer and
//! help say of them.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{escalation::Urgency, text::Text};

use super::{
    Screen, State,
    action::{ACTIONS, Action, CONFIRM_KEY, Command, Group, Place, SCREENS, by_id},
    msg::Key,
    overlay::{Overlay, Viewer, ViewerKind},
};

/// Keys by action, and actions by key.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    /// In the order of the table.
    keys: Vec<Vec<Key>>,
    by_key: HashMap<Key, Vec<usize>>,
}

/// What is wrong with an entry of `[keys]`. The entry is ignored and the action keeps its default keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("keys.{action}: there is no such action; see the help (?) for the names")]
    UnknownAction { action: String },
    #[error("keys.{action}: “{name}” is not the name of a key; write ctrl-u, alt-x, F5, space, enter or a character")]
    NotAKey { action: String, name: String },
    #[error("keys.{action}: {key} already means “{other}” there; give keys.{other} another key too")]
    Conflict { action: String, key: String, other: String },
    #[error("keys.{action}: {key} confirms what this action asks; a key that opens a confirmation is never the one that confirms it")]
    WouldConfirm { action: String, key: String },
    #[error("keys.{action}: {key} is fixed")]
    Fixed { action: String, key: String },
    #[error("keys.{action}: at least one key is needed")]
    NoKey { action: String },
}

/// One entry of the footer.
#[derive(Debug, Clone, PartialEq)]
pub struct FooterEntry {
    /// Name of the key.
    pub key: Text,
    pub title: &'static str,
    pub command: Command,
    /// Why it does nothing right now.
    pub disabled: Option<Text>,
}

/// One heading of the help with its lines.
#[derive(Debug, Clone, PartialEq)]
pub struct HelpGroup {
    pub title: &'static str,
    pub lines: Vec<HelpLine>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HelpLine {
    pub keys: Text,
    pub words: Text,
    /// Name for `[keys]` of the configuration; none where the key is fixed.
    pub id: Option<&'static str>,
}

impl Keymap {
    /// The defaults with these overrides, and what was wrong with them.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> (Self, Vec<KeymapError>) {
        let mut keys: Vec<Vec<Key>> = ACTIONS.iter().map(|action| action.keys.iter().filter_map(|name| Key::parse(name)).collect()).collect();
        let mut mistakes = Vec::new();
        let mut overridden = Vec::new();
        for (id, names) in overrides {
            match read_override(id, names) {
                Ok((index, wanted)) => {
                    keys[index] = wanted;
                    overridden.push(index);
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        // An override that clashes falls back to its defaults; that can only clash with other overrides, so repeat.
        while let Some((index, mistake)) = first_conflict(&keys, &overridden) {
            mistakes.push(mistake);
            keys[index] = ACTIONS[index].keys.iter().filter_map(|name| Key::parse(name)).collect();
            overridden.retain(|other| *other != index);
        }
        let mut by_key: HashMap<Key, Vec<usize>> = HashMap::new();
        for (index, keys) in keys.iter().enumerate() {
            for key in keys {
                by_key.entry(*key).or_default().push(index);
            }
        }
        (Self { keys, by_key }, mistakes)
    }

    /// What a key means in the first of these places that gives it a meaning.
    pub fn action(&self, key: Key, places: &[Place]) -> Option<&'static Action> {
        let candidates = self.by_key.get(&key.normal())?;
        places.iter().find_map(|place| candidates.iter().map(|index| &ACTIONS[*index]).find(|action| action.place == *place))
    }

    /// The keys of an action, as shown.
    pub fn keys_of(&self, id: &str) -> Vec<String> {
        let index = ACTIONS.iter().position(|action| action.id == id);
        index.map(|index| self.keys[index].iter().map(|key| key.name()).collect()).unwrap_or_default()
    }

    /// The first key of the action that is exactly this command.
    pub fn key_of(&self, command: &Command) -> Option<Text> {
        let index = ACTIONS.iter().position(|action| action.command == *command)?;
        self.keys[index].first().map(|key| Text::line(&key.name()))
    }
}

/// The keys of the screens that exist: `1-2`.
fn built_screens() -> Text {
    let built = || SCREENS.iter().filter(|(.., is_built)| *is_built).map(|(number, ..)| number);
    Text::line(&format!("{}-{}", built().min().unwrap_or(&1), built().max().unwrap_or(&1)))
}

fn read_override(id: &str, names: &[String]) -> Result<(usize, Vec<Key>), KeymapError> {
    let action = || id.to_owned();
    let index = ACTIONS.iter().position(|candidate| candidate.id == id).ok_or_else(|| KeymapError::UnknownAction { action: action() })?;
    if names.is_empty() {
        return Err(KeymapError::NoKey { action: action() });
    }
    let keys = names
        .iter()
        .map(|name| Key::parse(name).ok_or_else(|| KeymapError::NotAKey { action: action(), name: name.clone() }))
        .collect::<Result<Vec<_>, _>>()?;
    let confirm = Key::parse(CONFIRM_KEY);
    for key in &keys {
        if ACTIONS[index].asks && Some(*key) == confirm {
            return Err(KeymapError::WouldConfirm { action: action(), key: key.name() });
        }
        if is_fixed(*key, ACTIONS[index].id) {
            return Err(KeymapError::Fixed { action: action(), key: key.name() });
        }
    }
    Ok((index, keys))
}

/// `Ctrl-C` leaves, `Esc` goes back, `Ctrl-D` and `Ctrl-K` do nothing, `Ctrl-Z` stops: whatever the configuration says.
fn is_fixed(key: Key, id: &str) -> bool {
    let interrupt = key == Key::ctrl('c') && id != "interrupt";
    let escape = key == Key::plain(super::msg::KeyCode::Esc) && id != "back";
    interrupt || escape || key == Key::ctrl('d') || key == Key::ctrl('k') || key == Key::ctrl('z')
}

fn first_conflict(keys: &[Vec<Key>], overridden: &[usize]) -> Option<(usize, KeymapError)> {
    for &index in overridden {
        let action = &ACTIONS[index];
        for (other, candidate) in ACTIONS.iter().enumerate().filter(|(other, _)| *other != index) {
            // A viewer's or a screen's own meaning may shadow one that is good everywhere in the table itself only.
            if !action.place.overlaps(candidate.place) {
                continue;
            }
            if let Some(key) = keys[index].iter().find(|key| keys[other].contains(key)) {
                return Some((index, KeymapError::Conflict { action: action.id.to_owned(), key: key.name(), other: candidate.id.to_owned() }));
            }
        }
    }
    None
}

impl State {
    /// Where keys are taken right now, most particular first; empty while something is being typed or asked.
    pub fn places(&self) -> Vec<Place> {
        match self.overlays.last() {
            None => {
                let screen = match self.screen {
                    Screen::Cockpit => Place::Cockpit,
                    Screen::Workloads => Place::Workloads,
                };
                vec![screen, Place::Screens, Place::Everywhere]
            }
            Some(Overlay::Viewer(viewer)) if !viewer.searching => vec![Place::Viewer, Place::Everywhere],
            Some(Overlay::Help { .. } | Overlay::Did { .. } | Overlay::Menu(_)) => vec![Place::Everywhere],
            Some(_) => Vec::new(),
        }
    }

    /// What the footer offers here, most important first.
    pub fn footer(&self) -> Vec<FooterEntry> {
        let places = self.places();
        let disarmed = self.disarmed();
        // While nothing can be taken back, the place is better used; and once it is offered, it works.
        let has_use = |action: &Action| match action.command {
            Command::Undo => self.undo_last().is_ok(),
            Command::Follow | Command::LogTimes | Command::Containers => self.shows_logs(),
            Command::NextMatch => self.has_search(),
            Command::Filter => !matches!(self.overlays.last(), Some(Overlay::Help { .. } | Overlay::Did { .. } | Overlay::Menu(_))),
            Command::Ack | Command::Escalate => self.firing().next().is_some(),
            Command::Logs | Command::Describe if self.overlays.is_empty() => self.meant().is_some(),
            Command::Called => self.shown_alert().is_some_and(|(_, ladder)| Urgency::of(ladder, self.now.mono).is_overdue()),
            _ => true,
        };
        let mut actions: Vec<&Action> = ACTIONS
            .iter()
            .filter(|action| action.footer.is_some() && places.contains(&action.place) && !(action.mitigates && self.session.read_only))
            .filter(|action| has_use(action))
            .collect();
        actions.sort_by_key(|action| action.footer);
        let entry = |action: &Action| {
            let key = match action.id {
                "screens" => built_screens(),
                id => Text::line(self.keymap.keys_of(id).first()?),
            };
            let disabled = disarmed.clone().filter(|_| action.mitigates).or_else(|| self.refused_command(&action.command));
            let title = if action.command == Command::Filter && self.top_viewer().is_some() { "search" } else { action.title };
            Some(FooterEntry { key, title, command: action.command.clone(), disabled })
        };
        // Only where somebody may wonder how to get back: on a screen there is nowhere to go.
        let is_over_a_screen = matches!(self.overlays.last(), Some(Overlay::Viewer(_)));
        let back = ACTIONS.iter().find(|action| action.command == Command::Back).filter(|_| is_over_a_screen);
        back.into_iter().chain(actions).filter_map(entry).collect()
    }

    fn top_viewer(&self) -> Option<&Viewer> {
        match self.overlays.last() {
            Some(Overlay::Viewer(viewer)) => Some(viewer),
            _ => None,
        }
    }

    fn shows_logs(&self) -> bool {
        self.top_viewer().is_some_and(|viewer| matches!(viewer.what, ViewerKind::Logs { .. }))
    }

    fn has_search(&self) -> bool {
        self.top_viewer().is_some_and(|viewer| !viewer.search.text.is_empty())
    }

    /// Everything the keys do, by group.
    pub fn help(&self) -> Vec<HelpGroup> {
        let mut groups: Vec<HelpGroup> = Group::ALL
            .iter()
            .map(|group| HelpGroup {
                title: group.title(),
                lines: ACTIONS
                    .iter()
                    .filter(|action| action.group == *group && action.is_built() && !(action.group == Group::Mitigate && self.session.read_only))
                    .map(|action| HelpLine {
                        keys: Text::line(&self.keymap.keys_of(action.id).join(" ")),
                        words: action.words.into(),
                        id: Some(action.id),
                    })
                    .collect(),
            })
            .filter(|group| !group.lines.is_empty())
            .collect();
        groups.push(HelpGroup {
            title: "Fixed keys",
            lines: super::action::FIXED_KEYS
                .iter()
                .map(|(keys, words)| HelpLine { keys: (*keys).into(), words: (*words).into(), id: None })
                .collect(),
        });
        groups
    }

    /// Whether an action can do something now; the reason when not.
    pub fn why_disabled(&self, id: &str) -> Option<Text> {
        let action = by_id(id)?;
        self.disarmed().filter(|_| action.mitigates).or_else(|| self.refused_command(&action.command))
    }
}
