//! What the program knows and shows: `State`, changed only by [`update::update`].
//!
//! No async, no I/O, no clock, no ratatui. A message goes in, effects come out.

pub mod action;
mod attempts;
pub mod card;
mod card_input;
pub mod cluster;
pub mod columns;
mod confirm;
mod credit;
mod detail;
mod elsewhere;
pub mod escalation;
mod evidence;
mod foreign_words;
mod in_force;
pub mod indices;
mod input;
pub mod key_name;
pub mod keymap;
mod kinds;
mod line_edit;
pub mod missing;
mod mitigate;
pub mod msg;
mod narrowed;
mod navigate;
mod notice;
mod observe;
pub mod overlay;
mod palette;
mod pointer;
mod progress;
mod replicas;
mod reversals;
mod rights;
pub mod rows;
mod run;
pub mod screens;
mod seen;
pub mod selection;
pub mod session;
pub mod switch;
pub mod table;
mod takes_back;
mod tied;
pub mod timeline;
mod trouble;
mod typed;
pub mod update;
mod verdicts;
mod viewer;
mod visible_clock;
pub mod warnings;

#[cfg(test)]
pub(crate) mod tests;

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    config::Config,
    domain::{
        alert::AlertList,
        complaint::Heard,
        episode::Episodes,
        escalation::Ladder,
        health::{Freshness, Health, SourceId},
        kpi::{Kpi, KpiReading, Level},
        log_pattern::ErrorWindow,
        suggestion::Advice,
        suspect::Onset,
        text::Text,
        time::{Mono, Now},
        verdict::Track,
    },
};

/// Everything that is on the screen or decides what comes there.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct State {
    pub config: Config,
    pub now: Now,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub session: session::Session,
    pub sources: BTreeMap<SourceId, SourceState>,
    pub cluster: cluster::Cluster,
    /// In the order of the configuration; the first three have tiles at 80 columns.
    pub kpis: Vec<KpiState>,
    pub alerts: Option<AlertList>,
    /// One ladder per firing alert, by fingerprint.
    pub ladders: BTreeMap<Text, Ladder>,
    memory: escalation::Memory,
    pub errors: Option<ErrorWindow>,
    /// The present trouble.
    pub episodes: Episodes,
    /// Kinds of errors that came with the present trouble.
    pub(crate) heard: Heard,
    /// When indicators began to rise that were bad in the present trouble.
    pub(crate) onsets: Vec<Onset>,
    pub advice: Advice,
    pub warnings: warnings::Warnings,
    pub destinations: switch::Destinations,
    /// What was set and has not been taken back: `circuit breaker on`.
    pub in_force: Vec<Text>,
    pub timeline: timeline::Timeline,
    pub mitigations: card::Mitigations,
    /// Kinds of mitigation that are offered.
    pub kinds: Vec<crate::domain::catalogue::Entry>,
    /// What the cluster lets this user write.
    pub rights: crate::domain::rights::Rights,
    pub screen: Screen,
    pub cockpit: screens::cockpit::Cockpit,
    pub workloads: screens::workloads::Workloads,
    /// Kinds that are watched because their table was opened.
    wanted: std::collections::BTreeSet<crate::domain::object::Kind>,
    /// Topmost last; keys go to the topmost.
    pub overlays: Vec<overlay::Overlay>,
    pub notice: Option<Notice>,
    /// Text selected with the mouse.
    pub selection: Option<selection::Selection>,
    /// Absolute times in place of ages (`t`).
    pub absolute_times: bool,
    /// Log lines with their time (`t` there).
    pub log_times: bool,
    /// Name of the theme in use; `:theme NAME` changes it.
    pub theme: String,
    pub ascii: bool,
    pub keymap: keymap::Keymap,
    /// Visible rows of each list, as last told by the view.
    pub heights: msg::Heights,
    /// Another cluster or user answers than at start: mitigations are off (law 1).
    pub identity_changed: Option<Text>,
    /// When `Ctrl-C` was pressed last.
    interrupted: Option<Mono>,
    button: selection::Button,
    last_click: Option<selection::LastClick>,
    next_viewer: u32,
    /// The pane of the cockpit, or none for the table of Workloads, and its filter before `/`, for `Esc`.
    filter_before: Option<(Option<screens::cockpit::Pane>, String)>,
    due: evidence::Due,
    /// What `visible_clock` said last.
    clock_shown: u64,
    /// Whether the next frame differs from the last: set by `update`, cleared by the loop after drawing.
    pub dirty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screen {
    Cockpit,
    Workloads,
}

/// What is known of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceState {
    pub health: Health,
    /// When it last said or confirmed its data.
    pub confirmed: Option<Mono>,
    /// This server's clock minus ours; none until it sent a date.
    pub clock_offset: Option<chrono::Duration>,
    /// Another one that its last answer spoke for: an answer that was long on the way is no clock that was set.
    pub doubted_offset: Option<chrono::Duration>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct KpiState {
    pub spec: Kpi,
    /// The last answer; its history is kept when an answer brings none.
    pub reading: Option<KpiReading>,
    /// When that answer came.
    pub observed_at: Option<Mono>,
    /// All that was seen of it lately: what a verdict's trend before a write is read from.
    pub track: Track,
}

impl KpiState {
    /// Of the last value; no data where there is none.
    pub fn level(&self) -> Level {
        self.spec.level(self.reading.as_ref().and_then(|reading| reading.value))
    }
}

/// One line above the footer, gone after its time or the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: Text,
    pub is_error: bool,
    pub until: Mono,
}

impl State {
    /// Nothing known yet, the cockpit on the screen. Mistakes in `config.keys` become a notice.
    pub fn new(config: Config, session: session::Session, now: Now, size: (u16, u16)) -> Self {
        let (keymap, mistakes) = keymap::Keymap::new(&config.keys);
        let connecting = |_: SourceId| SourceState {
            health: Health::Connecting { what: "first answer".into(), since: now.mono },
            confirmed: None,
            clock_offset: None,
            doubted_offset: None,
        };
        let notice = mistakes.first().map(|mistake| Notice {
            text: Text::line(&mistake.to_string()),
            is_error: true,
            until: now.mono.plus(session.speed.counted(NOTICE_HOLDS * 3)),
        });
        Self {
            kpis: config
                .kpis
                .iter()
                .map(|spec| KpiState { spec: spec.clone(), reading: None, observed_at: None, track: Track::new(spec.id.clone()) })
                .collect(),
            theme: config.looks.theme.clone(),
            ascii: config.looks.ascii.unwrap_or(false),
            config,
            now,
            size,
            session,
            sources: SourceId::ALL.into_iter().map(|source| (source, connecting(source))).collect(),
            cluster: cluster::Cluster::default(),
            alerts: None,
            ladders: BTreeMap::new(),
            memory: escalation::Memory::default(),
            errors: None,
            episodes: Episodes::default(),
            heard: Heard::default(),
            onsets: Vec::new(),
            advice: Advice::default(),
            warnings: warnings::Warnings::default(),
            destinations: switch::Destinations::default(),
            in_force: Vec::new(),
            timeline: timeline::Timeline::default(),
            mitigations: card::Mitigations::default(),
            kinds: Vec::new(),
            rights: crate::domain::rights::Rights::default(),
            screen: Screen::Cockpit,
            cockpit: screens::cockpit::Cockpit::default(),
            workloads: screens::workloads::Workloads::default(),
            wanted: std::collections::BTreeSet::new(),
            overlays: Vec::new(),
            notice,
            selection: None,
            absolute_times: false,
            log_times: false,
            keymap,
            heights: msg::Heights::default(),
            identity_changed: None,
            interrupted: None,
            button: selection::Button::Up,
            last_click: None,
            next_viewer: 0,
            filter_before: None,
            due: evidence::Due::default(),
            clock_shown: 0,
            dirty: true,
        }
    }

    pub fn freshness(&self, source: SourceId) -> Freshness {
        Freshness::of(source, self.sources.get(&source).and_then(|state| state.confirmed), self.now.mono, self.session.speed)
    }

    /// When so much real time will have passed: for what a person waits for, and not the incident.
    pub(super) fn in_real(&self, real: Duration) -> Mono {
        self.now.mono.plus(self.session.speed.counted(real))
    }

    /// How much real time has passed since then.
    fn real_since(&self, earlier: Mono) -> Duration {
        self.session.speed.real(self.now.mono.since(earlier))
    }

    /// The servers' time now.
    pub fn server_now(&self) -> DateTime<Utc> {
        self.session.server_now(self.now.utc)
    }

    /// Why no mitigation can be run right now; none when armed.
    pub fn disarmed(&self) -> Option<Text> {
        self.identity_changed.clone().or_else(|| self.session.disarmed())
    }
}

/// How long a notice stays.
pub const NOTICE_HOLDS: Duration = Duration::from_secs(5);
