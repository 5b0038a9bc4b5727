//! The action table: each action once, with its id, words and keys. Footer, help, palette and man page read it.

use crate::domain::{
    ask::Wish,
    object::{Key, Kind},
    text::Text,
};

/// Something a person can do, by key or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Quit,
    /// `Ctrl-C`: the second within two seconds leaves.
    Interrupt,
    Back,
    Open,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    NextPane,
    PreviousPane,
    NextKind,
    PreviousKind,
    Screen(u8),
    Kind(Kind),
    Filter,
    NextMatch,
    PreviousMatch,
    Palette,
    Help,
    Describe,
    Yaml,
    Logs,
    PreviousLogs,
    /// The list of the pod's containers, over its log.
    Containers,
    /// The log of this container.
    Container(Text),
    Copy,
    Mark,
    FullScreen,
    Wrap,
    Follow,
    Times,
    /// Times of log lines.
    LogTimes,
    Live,
    Did,
    SortNext,
    SortPrevious,
    SortReverse,
    Menu,
    UndoRollout,
    RestartUnhealthy,
    Breaker,
    Scale,
    /// Take back the last mitigation that can be.
    Undo,
    Ack,
    /// Take the acknowledgement back.
    Unack,
    /// The person who is due was called.
    Called,
    Uncall,
    Escalate,
    Note,
    Reconnect,
    Theme(Text),
    ScaleTo {
        deployment: Key,
        replicas: u32,
    },
    UndoTo {
        deployment: Key,
        revision: Option<u64>,
    },
    BreakerTo(bool),
    RestartApp(Text),
    /// Open the card of an ask that was typed or chosen.
    Do(Wish),
    /// Go to another namespace or context, after a question.
    Switch(super::switch::Destination),
    /// Open the palette with this typed already.
    Compose(Text),
    /// Take back the mitigation that has this number in the journal.
    UndoRecorded(u64),
    /// Send no further write of the mitigation under way.
    Stop,
}

impl Command {
    /// Whether it does nothing but show something else, or show it otherwise: may be run by the beginning of its name.
    pub fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::Screen(_)
                | Self::Kind(_)
                | Self::Filter
                | Self::Help
                | Self::Describe
                | Self::Yaml
                | Self::Logs
                | Self::PreviousLogs
                | Self::FullScreen
                | Self::Times
                | Self::Live
                | Self::Did
                | Self::SortNext
                | Self::SortPrevious
                | Self::SortReverse
                | Self::NextPane
                | Self::PreviousPane
                | Self::NextKind
                | Self::PreviousKind
                | Self::Reconnect
                | Self::Theme(_)
                | Self::Compose(_)
                | Self::Container(_)
        )
    }
}

/// Where an action applies, and so where its keys mean it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On every screen and in every overlay that is not being typed into.
    Everywhere,
    /// On every screen, under no overlay.
    Screens,
    Cockpit,
    Workloads,
    Viewer,
}

impl Place {
    /// Whether a key could mean both of two actions at the same moment.
    pub fn overlaps(self, other: Self) -> bool {
        let screen = |place| matches!(place, Self::Screens | Self::Cockpit | Self::Workloads);
        self == other
            || self == Self::Everywhere
            || other == Self::Everywhere
            || (screen(self) && screen(other) && (self == Self::Screens || other == Self::Screens))
    }
}

/// Headings of the help, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    Mitigate,
    Escalation,
    Look,
    Move,
    Table,
    Viewer,
    Program,
}

impl Group {
    pub const ALL: [Self; 7] = [Self::Mitigate, Self::Escalation, Self::Look, Self::Move, Self::Table, Self::Viewer, Self::Program];

    pub fn title(self) -> &'static str {
        match self {
            Self::Mitigate => "Mitigate (each opens a card; nothing is written without it)",
            Self::Escalation => "Escalation (sev1 pages nobody: you call)",
            Self::Look => "Look",
            Self::Move => "Move",
            Self::Table => "Workloads table",
            Self::Viewer => "Logs, YAML, describe",
            Self::Program => "Program",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// As in the configuration's `[keys]` and in the palette.
    pub id: &'static str,
    /// One or two words for the footer.
    pub title: &'static str,
    /// A sentence for help, palette and man page.
    pub words: &'static str,
    pub keys: &'static [&'static str],
    pub place: Place,
    pub group: Group,
    /// Order in the footer, lowest first; none: not there.
    pub footer: Option<u8>,
    /// Opens something that a later key confirms; its own keys must never be that key.
    pub asks: bool,
    /// Writes to the cluster in the end: gone when read-only, greyed when disarmed.
    pub mitigates: bool,
    pub command: Command,
}

/// The key that says yes to a question and to a card without a word.
pub const CONFIRM_KEY: &str = "y";

/// Names of the embedded themes, for the palette.
pub const THEMES: [&str; 6] = ["night", "day", "high-contrast", "colour-blind", "mono", "war-room"];

/// The screens by number, and whether this version has them.
pub const SCREENS: [(u8, &str, bool); 9] = [
    (1, "Cockpit", true),
    (2, "Workloads", true),
    (3, "Metrics", false),
    (4, "Logs", false),
    (5, "Alerts", false),
    (6, "Timeline", false),
    (7, "Runbooks", false),
    (8, "Releases", false),
    (9, "Ops room", false),
];

/// Keys that work the same everywhere and cannot be given away, with what they do: for help and man page.
pub const FIXED_KEYS: [(&str, &str); 12] = [
    ("Ctrl-C twice", "leave at once"),
    ("Esc on a card", "cancel it"),
    ("y on a card", "confirm it, when it asks for no word"),
    ("the word, Enter", "confirm a card that asks for a word"),
    ("Enter on a card", "with anything but the word: nothing, or cancel"),
    ("Tab on a card", "word, reason, details, cancel"),
    ("d on a card", "the whole diff; with a word, from the details"),
    ("Ctrl-U in a line", "empty it"),
    ("Ctrl-D, Ctrl-K", "nothing"),
    ("Ctrl-Z", "suspend until the shell's fg; not during a write"),
    ("drag", "select text inside a pane; let go to copy it"),
    ("double click", "select and copy a word"),
];

const fn action(
    id: &'static str,
    title: &'static str,
    words: &'static str,
    keys: &'static [&'static str],
    (place, group): (Place, Group),
    command: Command,
) -> Action {
    Action { id, title, words, keys, place, group, footer: None, asks: false, mitigates: false, command }
}

impl Action {
    /// Whether this version has it: not so the screens to come.
    pub fn is_built(&self) -> bool {
        !matches!(self.command, Command::Screen(number) if SCREENS.iter().any(|(known, _, is_built)| *known == number && !is_built))
    }

    const fn in_footer(mut self, rank: u8) -> Self {
        self.footer = Some(rank);
        self
    }

    const fn asking(mut self) -> Self {
        self.asks = true;
        self
    }

    const fn mitigating(mut self) -> Self {
        self.asks = true;
        self.mitigates = true;
        self
    }
}

use Group as G;
use Place as P;

/// Every action that has a key.
pub static ACTIONS: &[Action] = &[
    action("screens", "screens", "Cockpit", &["1"], (P::Screens, G::Look), Command::Screen(1)).in_footer(10),
    action("workloads", "workloads", "Workloads: pods, deployments, nodes, events and more", &["2"], (P::Screens, G::Look), Command::Screen(2)),
    action("metrics", "metrics", "Metrics: not in this version", &["3"], (P::Screens, G::Look), Command::Screen(3)),
    action("logs-screen", "logs", "Logs: not in this version", &["4"], (P::Screens, G::Look), Command::Screen(4)),
    action("alerts", "alerts", "Alerts: not in this version", &["5"], (P::Screens, G::Look), Command::Screen(5)),
    action("timeline", "timeline", "Timeline: not in this version", &["6"], (P::Screens, G::Look), Command::Screen(6)),
    action("runbooks", "runbooks", "Runbooks: not in this version", &["7"], (P::Screens, G::Look), Command::Screen(7)),
    action("releases", "releases", "Releases: not in this version", &["8"], (P::Screens, G::Look), Command::Screen(8)),
    action("ops-room", "ops room", "Ops room: not in this version", &["9"], (P::Screens, G::Look), Command::Screen(9)),
    action("filter", "filter", "filter the list with the cursor; in a viewer, search", &["/"], (P::Everywhere, G::Look), Command::Filter)
        .in_footer(20),
    action("palette", "command", "every action by name", &[":"], (P::Everywhere, G::Program), Command::Palette).in_footer(30),
    action("menu", "mitigate", "mitigations for what is focused", &["m"], (P::Screens, G::Mitigate), Command::Menu).in_footer(40).mitigating(),
    action("ack", "ack", "acknowledge the alert: its ladder stops for a while", &["a"], (P::Screens, G::Escalation), Command::Ack).in_footer(50),
    action("escalate", "escalate", "take the next step of the ladder now, after a question", &["e"], (P::Screens, G::Escalation), Command::Escalate)
        .in_footer(60)
        .asking(),
    action("called", "called", "note that the one who is due was called, or take it back", &["C"], (P::Screens, G::Escalation), Command::Called)
        .in_footer(65)
        .asking(),
    action("unack", "take ack back", "take the acknowledgement back: its ladder runs again", &["A"], (P::Screens, G::Escalation), Command::Unack),
    action("help", "help", "all keys", &["?", "F1"], (P::Everywhere, G::Program), Command::Help).in_footer(70),
    action("quit", "quit", "quit; asks if something is in flight, closes overlays", &["q"], (P::Everywhere, G::Program), Command::Quit)
        .in_footer(80)
        .asking(),
    action(
        "undo-rollout",
        "undo rollout",
        "bring a deployment back to its previous revision",
        &["u"],
        (P::Screens, G::Mitigate),
        Command::UndoRollout,
    )
    .mitigating(),
    action(
        "restart-unhealthy",
        "restart",
        "delete an app's unhealthy pods, which are then replaced",
        &["r"],
        (P::Screens, G::Mitigate),
        Command::RestartUnhealthy,
    )
    .mitigating(),
    action("breaker", "breaker", "circuit breaker on or off", &["b"], (P::Screens, G::Mitigate), Command::Breaker).mitigating(),
    action("scale", "scale", "set the replicas of a deployment", &["s"], (P::Screens, G::Mitigate), Command::Scale).mitigating(),
    action("undo", "undo last", "undo the last mitigation that can be undone", &["U"], (P::Screens, G::Mitigate), Command::Undo)
        .in_footer(45)
        .mitigating(),
    action("stop", "stop", "stop the mitigation under way before its next write", &["x"], (P::Screens, G::Mitigate), Command::Stop),
    action("note", "note", "write a note into the timeline and the journal", &["n"], (P::Screens, G::Escalation), Command::Note),
    action("did", "what sev1 did", "what was done with sev1: mitigations, acks, calls, notes", &["@"], (P::Screens, G::Look), Command::Did),
    action("describe", "describe", "describe the focused object", &["d"], (P::Screens, G::Look), Command::Describe).in_footer(42),
    action("yaml", "YAML", "the focused object as YAML", &["y"], (P::Screens, G::Look), Command::Yaml),
    action("logs", "logs", "logs of the focused pod, following", &["l"], (P::Screens, G::Look), Command::Logs).in_footer(41),
    action("previous-logs", "previous logs", "logs of the container before its last restart", &["p"], (P::Screens, G::Look), Command::PreviousLogs),
    action("copy", "copy", "copy the focused name, a viewer's line, or the selection", &["c"], (P::Everywhere, G::Look), Command::Copy),
    action("times", "times", "absolute times in place of ages", &["t"], (P::Screens, G::Look), Command::Times),
    action("live", "live", "back to live: first row of a list, last line of a log", &["0"], (P::Everywhere, G::Move), Command::Live),
    action("up", "up", "up", &["k", "up"], (P::Everywhere, G::Move), Command::Up),
    action("down", "down", "down", &["j", "down"], (P::Everywhere, G::Move), Command::Down),
    action("page-up", "page up", "a page up", &["PgUp"], (P::Everywhere, G::Move), Command::PageUp),
    action("page-down", "page down", "a page down", &["PgDn"], (P::Everywhere, G::Move), Command::PageDown),
    action("top", "top", "first row", &["g", "home"], (P::Everywhere, G::Move), Command::Top),
    action("bottom", "bottom", "last row", &["G", "end"], (P::Everywhere, G::Move), Command::Bottom),
    action("open", "open", "open what is focused", &["enter"], (P::Everywhere, G::Move), Command::Open),
    action("back", "back", "go back; never quits", &["esc"], (P::Everywhere, G::Move), Command::Back),
    action("next-pane", "next pane", "next pane", &["tab"], (P::Cockpit, G::Move), Command::NextPane),
    action("previous-pane", "previous pane", "previous pane", &["shift-tab"], (P::Cockpit, G::Move), Command::PreviousPane),
    action("full-screen", "full screen", "the focused pane fills the screen", &["f"], (P::Screens, G::Look), Command::FullScreen),
    action("next-kind", "next kind", "next kind of object", &["tab", "right"], (P::Workloads, G::Table), Command::NextKind).in_footer(15),
    action("previous-kind", "previous kind", "previous kind of object", &["shift-tab", "left"], (P::Workloads, G::Table), Command::PreviousKind),
    action("mark", "mark", "mark the row: mitigations of pods act on the marked ones", &["space"], (P::Workloads, G::Table), Command::Mark),
    action("sort-next", "sort", "sort by the next column", &[">"], (P::Workloads, G::Table), Command::SortNext).in_footer(43),
    action("sort-previous", "sort back", "sort by the previous column", &["<"], (P::Workloads, G::Table), Command::SortPrevious),
    action("sort-reverse", "reverse", "reverse the order", &["I"], (P::Workloads, G::Table), Command::SortReverse),
    action("next-match", "next", "next match of the search", &["n"], (P::Viewer, G::Viewer), Command::NextMatch).in_footer(22),
    action("previous-match", "previous", "previous match of the search", &["N"], (P::Viewer, G::Viewer), Command::PreviousMatch),
    action("wrap", "wrap", "wrap long lines", &["w"], (P::Viewer, G::Viewer), Command::Wrap).in_footer(24),
    action("follow", "follow", "follow the end of the log", &["f"], (P::Viewer, G::Viewer), Command::Follow).in_footer(23),
    action("log-times", "times", "the time of each log line, as the server says it", &["t"], (P::Viewer, G::Viewer), Command::LogTimes).in_footer(26),
    action("container", "container", "another container of the pod, init ones and sidecars too", &["o"], (P::Viewer, G::Viewer), Command::Containers)
        .in_footer(21),
    action(
        "viewer-previous",
        "previous logs",
        "switch between the logs of this run and the run before",
        &["p"],
        (P::Viewer, G::Viewer),
        Command::PreviousLogs,
    ),
    action("reconnect", "reconnect", "let every source try again now", &["ctrl-r"], (P::Everywhere, G::Program), Command::Reconnect),
    action("interrupt", "leave", "twice within two seconds: leave at once", &["ctrl-c"], (P::Everywhere, G::Program), Command::Interrupt),
];

/// The action with this id.
pub fn by_id(id: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.id == id)
}
