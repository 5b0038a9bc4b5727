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
    /// `f`: the focused pane fills the screen.
    pub full_screen: bool,
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
