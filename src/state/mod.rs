//! What the program knows and shows: `State`, changed only by [`update::update`].
//!
//! No async, no I/O, no clock, no ratatui. A message goes in, effects come out.

pub mod action;
pub mod card;
pub mod cluster;
pub mod msg;
pub mod overlay;
pub mod screens;
pub mod session;
pub mod table;
pub mod timeline;
pub mod update;

use std::collections::BTreeMap;

use crate::{
    config::Config,
    domain::{
        alert::AlertList,
        escalation::Ladder,
        health::{Freshness, Health, SourceId},
        kpi::{Kpi, KpiReading},
        log_pattern::ErrorWindow,
        suggestion::Suggestion,
        text::Text,
        time::{Mono, Now},
    },
};

/// Everything that is on the screen or decides what comes there.
#[derive(Debug)]
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
    pub errors: Option<ErrorWindow>,
    pub suggestions: Vec<Suggestion>,
    pub timeline: timeline::Timeline,
    pub mitigations: card::Mitigations,
    pub screen: Screen,
    pub cockpit: screens::cockpit::Cockpit,
    pub workloads: screens::workloads::Workloads,
    /// Topmost last; keys go to the topmost.
    pub overlays: Vec<overlay::Overlay>,
    pub notice: Option<Notice>,
    /// Absolute times in place of ages (`t`).
    pub absolute_times: bool,
    /// Name of the theme in use; `:theme NAME` changes it.
    pub theme: String,
    pub ascii: bool,
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
}

#[derive(Debug, Clone, PartialEq)]
pub struct KpiState {
    pub spec: Kpi,
    /// The last answer; its history is kept when an answer brings none.
    pub reading: Option<KpiReading>,
}

/// One line above the footer, gone after its time or the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: Text,
    pub is_error: bool,
    pub until: Mono,
}

impl State {
    pub fn freshness(&self, source: SourceId) -> Freshness {
        Freshness::of(source, self.sources.get(&source).and_then(|state| state.confirmed), self.now.mono)
    }
}
