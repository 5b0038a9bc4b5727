//! The last line: the keys that matter here, from the same table as help and palette.

use ratatui::layout::Rect;

use super::canvas::{Canvas, columns};
use crate::state::{State, keymap::FooterEntry};

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = canvas.theme;
    canvas.tint(area, theme.footer);
    for (entry, start, _) in places(state, area) {
        let mut pen = canvas.pen(Rect { x: start, width: area.right() - start, ..area }, 0);
        let ink = theme.footer;
        pen.write(&entry.key, if entry.disabled.is_some() { ink } else { theme.key }).skip(1);
        pen.write(entry.title, ink);
    }
}

/// Which entries fit, and their columns. What fits is decided by importance, and what is left out can be found by `?`.
pub fn places(state: &State, area: Rect) -> Vec<(FooterEntry, u16, u16)> {
    let mut x = area.x.saturating_add(1);
    let mut places = Vec::new();
    let entries = state.footer();
    let width = |entry: &FooterEntry| columns(&entry.key) + 1 + columns(entry.title);
    let total: u16 = entries.iter().map(|entry| width(entry) + 2).sum();
    // Help and quit stay, whatever else has to go.
    let is_kept = |entry: &FooterEntry| matches!(entry.command, crate::state::action::Command::Help | crate::state::action::Command::Quit);
    let mut spare = i32::from(area.width) - 1 - i32::from(total);
    let mut kept: Vec<FooterEntry> = Vec::new();
    for entry in entries.into_iter().rev() {
        if spare < 0 && !is_kept(&entry) {
            spare += i32::from(width(&entry)) + 2;
        } else {
            kept.push(entry);
        }
    }
    for entry in kept.into_iter().rev() {
        let end = x + width(&entry);
        if end > area.right() {
            break;
        }
        places.push((entry, x, end));
        x = end + 2;
    }
    places
}
