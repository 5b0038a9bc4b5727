//! Everything that can happen, and everything that can be asked for.

use crate::domain::{
    mitigation::{ActionEvent, CardId, ConfirmedPlan, MitigationId, Request},
    object::ObjectRef,
    observation::Observation,
    text::Text,
    time::Now,
};

use super::overlay::{ViewerId, ViewerKind};

/// What goes into `update`.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Key(Key),
    Mouse(Mouse),
    Paste(String),
    Resize {
        columns: u16,
        rows: u16,
    },
    /// The clock moved. Sent when something on the screen depends on it, at most once a second.
    Tick(Now),
    Observation(Observation),
    Action(ActionEvent),
    /// Lines for an open viewer; `ended` closes the stream with a reason.
    Lines {
        viewer: ViewerId,
        lines: Vec<Text>,
        ended: Option<Text>,
    },
    /// A frame with this card was written: from here on keys count for it.
    CardShown {
        card: CardId,
        at: Now,
    },
    /// Something went well or wrong outside (`copied`, `clipboard not reachable`).
    Notice {
        text: Text,
        is_error: bool,
    },
}

/// A key as a person names it, free of any terminal library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyCode {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    pub column: u16,
    pub row: u16,
    pub what: MouseKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    Click,
    Drag,
    Release,
    WheelUp,
    WheelDown,
}

/// What `update` asks the runtime to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read what is needed and freeze a plan; answers come as `ActionEvent`s for the card.
    Plan {
        card: CardId,
        id: MitigationId,
        request: Request,
    },
    /// The card was closed: stop its checks.
    Abandon {
        card: CardId,
    },
    Execute(Box<ConfirmedPlan>),
    Open {
        viewer: ViewerId,
        about: ObjectRef,
        what: ViewerKind,
    },
    Close {
        viewer: ViewerId,
    },
    Copy(String),
    Bell,
    /// Write to the journal (acks, escalation steps, notes, verdicts). `fields` is a flat JSON object.
    Record {
        kind: &'static str,
        fields: serde_json::Value,
    },
    /// Ask all sources to try again now.
    Reconnect,
    Quit,
}
