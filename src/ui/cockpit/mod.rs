//! The first screen: what is broken, since when, what changed, who is next, what would help.

pub mod changes;
pub mod errors;
pub mod escalation;
mod ladder;
pub mod pods;
pub mod suggestions;
pub mod tiles;
pub mod timeline;
pub mod warnings;

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    glyph,
    layout::{self, below},
    widgets::fold::Place,
};
use crate::state::{State, overlay::Overlay, screens::cockpit::Pane};

pub fn render(canvas: &mut Canvas<'_>, state: &State) {
    let panes = layout::cockpit(state);
    small_screen(canvas, panes.notice, state);
    tiles::render(canvas, panes.tiles, state, panes.tile_count);
    tiles::render_others(canvas, panes.others, state, panes.tile_count);
    escalation::render(canvas, panes.escalation, state);
    pods::render(canvas, panes.pods, state);
    errors::render(canvas, panes.errors, state);
    warnings::render(canvas, panes.warnings, state);
    changes::render(canvas, panes.changes, state);
    timeline::render(canvas, panes.timeline, state);
    suggestions::render(canvas, panes.suggestions, state);
}

fn small_screen(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = canvas.theme;
    let next = state.keymap.keys_of("next-pane").into_iter().next().unwrap_or_default();
    let text = format!("only {}. {next}: next pane", name(state.cockpit.focus));
    let whole = format!("{} small screen: {text}", glyph::WARNING);
    let fits = canvas.columns(&whole) < area.width;
    canvas.pen(area, 0).skip(1).write(&if fits { whole } else { format!("{} {text}", glyph::WARNING) }, theme.warning);
}

fn name(pane: Pane) -> &'static str {
    match pane {
        Pane::Tiles => "indicators",
        Pane::Escalation => "escalation",
        Pane::Pods => "pods",
        Pane::Errors => "errors",
        Pane::Changes => "changes",
        Pane::Suggestions => "suggestions",
    }
}

fn is_focused(state: &State, pane: Pane) -> bool {
    // While its filter is typed the list is still walked.
    state.cockpit.focus == pane && matches!(state.overlays[..], [] | [Overlay::Filter(_)])
}

/// Writes a sentence over several lines: why a pane is empty, and what to do.
fn say(canvas: &mut Canvas<'_>, area: Rect, text: &str, style: ratatui::style::Style) {
    let indented = Rect { x: area.x.saturating_add(3).min(area.right()), width: area.width.saturating_sub(4), ..area };
    let mut lines = canvas.wrap(text, indented.width);
    // What does not fit is cut in the last line, where the `…` shows it.
    if let Some(rest) = lines.get(usize::from(indented.height.max(1)) - 1..) {
        let rest = rest.join(" ");
        lines.truncate(usize::from(indented.height.max(1)) - 1);
        lines.push(rest);
    }
    for (row, line) in (0..area.height).zip(&lines) {
        canvas.pen(indented, row).write(line, style);
    }
}

/// The cursor's glyph at the left of a row, and the ground of the selected row where the pane has the focus.
fn cursor(canvas: &mut Canvas<'_>, area: Rect, place: &Place, is_here: bool, focused: bool) {
    if !is_here || !focused {
        return;
    }
    let theme = canvas.theme;
    let row = Rect { height: place.lines, ..below(area, place.line) }.intersection(area);
    canvas.tint(row, theme.selection);
    canvas.pen(row, 0).skip(1).write(glyph::CURSOR, theme.focus);
}

/// Which item of a pane has which lines of its list.
pub fn places(state: &State, pane: Pane, panes: &layout::CockpitPanes) -> Vec<Place> {
    match pane {
        Pane::Tiles => Vec::new(),
        Pane::Escalation => escalation::places(state, panes.escalation),
        Pane::Pods => pods::places(state, panes.pods),
        Pane::Errors => errors::places(state, panes.errors),
        Pane::Changes => changes::places(state, panes.changes),
        Pane::Suggestions => suggestions::places(state, panes.suggestions),
    }
}

/// The chosen row of the focused pane as a whole, where the pane has to cut it.
pub fn cut(state: &State) -> Option<String> {
    let panes = layout::cockpit(state);
    match state.cockpit.focus {
        Pane::Tiles | Pane::Escalation => None,
        Pane::Pods => pods::cut(state, panes.pods),
        Pane::Errors => errors::cut(state, panes.errors),
        Pane::Changes => changes::cut(state, panes.changes),
        Pane::Suggestions => suggestions::cut(state, panes.suggestions),
    }
}
