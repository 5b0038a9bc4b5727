//! Everything that can happen, and everything that can be asked for.

use crate::domain::{
    ask::Request,
    escalation::Recalled,
    log::{LogContainer, LogLine},
    mitigation::{ActionEvent, CardId, ConfirmedPlan, MitigationId},
    object::{Kind, ObjectRef},
    observation::Observation,
    recorded::Recorded,
    text::Text,
    time::Now,
};

use super::{
    action::Command,
    card::CardFocus,
    overlay::{ViewerId, ViewerKind},
    screens::cockpit::Pane,
};

/// What goes into `update`.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Key(Key),
    /// A key that came as those of pasted text do: with others in one read, or right after another or a paste. It types and
    /// moves like any other; it confirms nothing.
    HastyKey(Key),
    Mouse(Mouse),
    Paste(String),
    /// Somebody asks the program to stop for a while: `Ctrl-Z`, or SIGTSTP.
    Suspend,
    Resize {
        columns: u16,
        rows: u16,
    },
    /// What time it is. Sent before every batch of other messages, and at [`State::next_wake`](super::State::next_wake);
    /// it changes nothing that is shown unless a shown time did change.
    Tick(Now),
    /// How many rows each list has on the screen; sent when `ui::heights` differs from what the state has.
    Layout(Heights),
    Observation(Observation),
    Action(ActionEvent),
    /// What earlier runs wrote into the journal about ladders, and notes, in that order; empty where it cannot be read.
    Recalled(Vec<Recalled>),
    /// Mitigations of other runs, as the journal has them, oldest first: at the start, and whenever it has news of them.
    Recorded(Vec<Recorded>),
    /// Lines for an open viewer; `ended` closes the stream with a reason.
    Lines {
        viewer: ViewerId,
        lines: Vec<Text>,
        ended: Option<Text>,
    },
    /// For an open viewer of a log.
    Log {
        viewer: ViewerId,
        news: LogNews,
    },
    /// A frame with this card as it is now was written: from here on keys count for it. Sent right after the frame,
    /// while the card's `shown_at` is none.
    CardShown {
        card: CardId,
        at: Now,
    },
    /// Names of the cluster's namespaces, or why they cannot be listed.
    Namespaces(Result<Vec<Text>, Text>),
    /// Something went well or wrong outside (`copied`, `clipboard not reachable`).
    Notice {
        text: Text,
        is_error: bool,
    },
}

/// What is heard of a log that is followed.
#[derive(Debug, Clone, PartialEq)]
pub enum LogNews {
    /// The pod's containers, and the name of the one that is shown.
    Containers {
        all: Vec<LogContainer>,
        shown: Text,
    },
    Lines(Vec<LogLine>),
    /// Why no line comes just now.
    Waiting(Text),
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

#[derive(Debug, Clone, PartialEq)]
pub struct Mouse {
    pub column: u16,
    pub row: u16,
    pub what: MouseKind,
    /// What is drawn there, by `ui::hit_test`; none: nothing that can be pointed at.
    pub hit: Option<Hit>,
    /// The pane or overlay it is in, by `ui::pane_at`: text selected from here stays inside.
    pub pane: Option<Cells>,
}

/// A rectangle of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cells {
    pub column: u16,
    pub row: u16,
    pub width: u16,
    pub height: u16,
}

impl Cells {
    pub fn contains(self, cell: (u16, u16)) -> bool {
        self.nearest(cell) == cell && self.width > 0 && self.height > 0
    }

    /// The cell inside that is nearest to one anywhere.
    pub fn nearest(self, (column, row): (u16, u16)) -> (u16, u16) {
        let inside = |at: u16, from: u16, len: u16| at.clamp(from, from.saturating_add(len.saturating_sub(1)));
        (inside(column, self.column, self.width), inside(row, self.row, self.height))
    }
}

/// What the pointer is on. Rows are absolute: positions in the list, not on the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Hit {
    /// A pane of the cockpit, and the row of its list.
    Pane(Pane, Option<usize>),
    /// A row of the workloads table.
    Row(usize),
    /// A column title of the workloads table.
    Column(usize),
    /// The tab of a kind above the table.
    Tab(Kind),
    /// Something that does what a key does: a footer entry, a suggestion's key.
    Command(Command),
    /// A row of the topmost overlay: menu, palette, viewer.
    OverlayRow(usize),
    /// A field or button of the card.
    Card(CardFocus),
    /// The topmost overlay, on nothing in particular.
    Overlay,
    /// Beside the topmost overlay.
    Outside,
}

/// Visible rows of each list, so that cursors stay in view. Zero: not on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heights {
    pub pods: u16,
    pub errors: u16,
    pub suggestions: u16,
    pub alerts: u16,
    pub changes: u16,
    /// Rows of the workloads table.
    pub table: u16,
    /// Body of the topmost overlay: palette, menu, help, card.
    pub overlay: u16,
    /// Body of a viewer, which goes on under other overlays.
    pub viewer: u16,
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
    /// Send no further write of this one.
    Stop(MitigationId),
    Open {
        viewer: ViewerId,
        about: ObjectRef,
        what: ViewerKind,
    },
    Close {
        viewer: ViewerId,
    },
    Copy(String),
    /// Copy the text that the selection covers as it is drawn.
    CopySelected,
    Bell,
    /// Write to the journal (acks, escalation steps, notes, verdicts). `fields` is a flat JSON object.
    Record {
        kind: &'static str,
        fields: serde_json::Value,
    },
    /// Ask the API server for the names of its namespaces.
    ListNamespaces,
    /// Leave this place and open the cockpit on another.
    Switch(super::switch::Destination),
    /// Watch a kind that is not watched from the start: its table is on the screen.
    Watch(Kind),
    /// Ask all sources to try again now.
    Reconnect,
    /// Draw with this theme from now on.
    Theme(String),
    /// Stop the process, as job control of a shell does, until the shell lets it go on.
    Suspend,
    Quit {
        /// Exit code: 0, or 130 when interrupted.
        code: i32,
    },
}
