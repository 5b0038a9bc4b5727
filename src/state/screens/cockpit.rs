//! Cockpit: which pane has the focus, and the cursors of its lists.

use crate::{
    domain::{object::Key, text::Text},
    state::table::Cursor,
};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cockpit {
    pub focus: Pane,
    /// Over the unhealthy pods.
    pub pods: Cursor,
    /// Over the error patterns.
    pub errors: Cursor,
    /// Over the suggestions.
    pub suggestions: Cursor,
    /// Over the firing alerts.
    pub alerts: Cursor,
    /// The alert under that cursor, where it was put there by hand: the cursor follows it. None: the one that needs a person first.
    pub alert: Option<Text>,
    /// Over the changes.
    pub changes: Cursor,
    /// The pod under the cursor: the cursor follows it when rows come and go above it.
    pub pod: Option<Key>,
    /// What is typed after `/` in the panes that have a list to be narrowed.
    pub filters: Filters,
    /// `f`: the focused pane fills the screen.
    pub full_screen: bool,
}

/// The same words as in the tables of Workloads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    pods: String,
    errors: String,
    changes: String,
}

impl Filters {
    /// None for a pane that cannot be narrowed.
    pub fn of(&self, pane: Pane) -> Option<&String> {
        match pane {
            Pane::Pods => Some(&self.pods),
            Pane::Errors => Some(&self.errors),
            Pane::Changes => Some(&self.changes),
            Pane::Tiles | Pane::Escalation | Pane::Suggestions => None,
        }
    }

    pub fn of_mut(&mut self, pane: Pane) -> Option<&mut String> {
        match pane {
            Pane::Pods => Some(&mut self.pods),
            Pane::Errors => Some(&mut self.errors),
            Pane::Changes => Some(&mut self.changes),
            Pane::Tiles | Pane::Escalation | Pane::Suggestions => None,
        }
    }
}

/// In `Tab` order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    Tiles,
    Escalation,
    #[default]
    Pods,
    Errors,
    Changes,
    Suggestions,
}
