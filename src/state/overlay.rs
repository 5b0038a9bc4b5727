//! What lies over a screen and takes the keys: cards, help, palette, text viewers, questions.

use crate::domain::{
    asks::Run,
    log::LogContainer,
    mitigation::Write,
    object::{ObjectRef, Subject},
    text::Text,
};

use super::{card::Card, table::Cursor};

#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    Help {
        scroll: u16,
    },
    Palette(Palette),
    /// `/` is being typed.
    Filter(LineEdit),
    Card(Box<Card>),
    /// `m`: mitigations for what is focused.
    Menu(Menu),
    Viewer(Box<Viewer>),
    /// `n`: a note for the timeline.
    Note(LineEdit),
    /// `q` while something is in flight. `y` leaves.
    QuitQuestion {
        why: Text,
    },
    /// `e`: `y` takes the next step of this alert's ladder at once.
    EscalateQuestion {
        fingerprint: Text,
        alert: Text,
        /// Who is next.
        who: Text,
    },
    /// `C` once more, or `:uncall`: `y` takes back that this person was called.
    UncallQuestion {
        fingerprint: Text,
        alert: Text,
        who: Text,
    },
    /// `:ns` and `:ctx`: whether to go there.
    SwitchQuestion(SwitchQuestion),
    /// `s`: how many replicas, before the card.
    Replicas(ReplicasPrompt),
    /// `@`: what was done with this program, from the timeline's own actions, verdicts and notes.
    Did {
        scroll: u16,
    },
}

/// The question before a switch.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchQuestion {
    pub to: super::switch::Destination,
    /// What is to be typed, where it leads to production; else `y` is enough.
    pub word: Option<Text>,
    pub line: LineEdit,
    /// Why the last `Enter` did nothing.
    pub complaint: Option<Text>,
}

/// A small number prompt: the replicas wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicasPrompt {
    pub workload: Subject,
    pub current: u32,
    /// Name, least and most replicas of the autoscaler that owns the number.
    pub autoscaler: Option<(Text, u32, u32)>,
    pub line: LineEdit,
    /// Pre-filled reason for the card.
    pub reason: Text,
    /// Why the last `Enter` did nothing.
    pub complaint: Option<Text>,
}

/// A line being typed. The caret counts characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineEdit {
    pub text: String,
    pub caret: usize,
}

/// `:`: every action by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Palette {
    pub line: LineEdit,
    pub cursor: Cursor,
    /// Matching entries, best first.
    pub matches: Vec<PaletteEntry>,
    /// Whether `Enter` runs the entry under the cursor.
    pub is_chosen: bool,
    /// Why what is typed means nothing, or not one thing; shown above the entries.
    pub complaint: Option<Text>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PaletteEntry {
    pub title: Text,
    /// The key that does the same, if any.
    pub key: Option<Text>,
    pub command: super::action::Command,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Menu {
    pub title: Text,
    pub items: Vec<MenuItem>,
    pub cursor: Cursor,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MenuItem {
    /// None where there are more lines than keys.
    pub key: Option<char>,
    pub title: Text,
    /// Why it cannot be chosen.
    pub disabled: Option<Text>,
    /// What is typed into the palette, where it takes arguments.
    pub compose: Option<Text>,
    /// None where it cannot be chosen, or takes arguments.
    pub request: Option<crate::domain::ask::Request>,
    /// What it does, where that writes nothing.
    pub command: Option<super::action::Command>,
}

/// Describe, YAML or logs of one object, full screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Viewer {
    pub id: ViewerId,
    pub about: ObjectRef,
    pub what: ViewerKind,
    /// Bounded; `dropped` counts what fell off at the top.
    pub lines: std::collections::VecDeque<Text>,
    /// Logs: when each line was written, in the server's words; none where it said no time. Empty for other texts.
    pub times: std::collections::VecDeque<Option<Text>>,
    /// Logs: the pod's containers, and the one that is shown, as the API server says.
    pub containers: Vec<LogContainer>,
    pub container: Option<Text>,
    pub dropped: u64,
    pub cursor: Cursor,
    /// Logs: new lines scroll into view.
    pub follow: bool,
    pub wrap: bool,
    pub search: LineEdit,
    pub searching: bool,
    /// Why it is empty or incomplete: waiting, failed, ended.
    pub status: Text,
}

/// Number of a viewer, so that late lines do not land in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ViewerId(pub u32);

#[derive(Debug, Clone, PartialEq)]
pub enum ViewerKind {
    Describe,
    Yaml,
    Logs {
        /// None: the one that `kubectl logs` takes.
        container: Option<Text>,
        previous: bool,
    },
    /// The whole change of a card, tried on the server once more.
    Diff {
        writes: Vec<Write>,
    },
    /// What is known already of an alert or of errors: nothing is asked for.
    Detail {
        /// `Alert`, `Errors`.
        what: &'static str,
        title: Text,
    },
    /// What a command wrote; none: one from a card, whose output is there already.
    Command {
        title: Text,
        run: Option<Run>,
    },
}
