//! The last line: the keys that matter here, from the same table as help and palette.

use ratatui::layout::Rect;

use super::canvas::{Canvas, columns};
use crate::state::{State, action::Command, keymap::FooterEntry};

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

/// What a narrow footer keeps longest, lowest first: the way out and the way to all others, then what the moment needs.
fn rank(state: &State, command: &Command) -> u8 {
    let is_firing = state.firing().next().is_some();
    let can_undo = state.can_undo_lately();
    match command {
        Command::Help | Command::Quit | Command::Back => 0,
        Command::Menu => 1,
        Command::Undo if can_undo => 2,
        Command::Ack | Command::Escalate if is_firing => 3,
        Command::Screen(_) | Command::Called => 4,
        Command::Filter => 5,
        Command::Palette => 6,
        Command::Ack | Command::Escalate => 8,
        Command::Undo => 9,
        _ => 7,
    }
}

/// Which entries fit, and their columns. What fits is decided by importance, and what is left out can be found by `?`.
pub fn places(state: &State, area: Rect) -> Vec<(FooterEntry, u16, u16)> {
    let mut x = area.x.saturating_add(1);
    let mut places = Vec::new();
    let entries = state.footer();
    let width = |entry: &FooterEntry| columns(&entry.key) + 1 + columns(entry.title);
    let total: i32 = entries.iter().map(|entry| i32::from(width(entry)) + 2).sum::<i32>() - 2;
    let mut spare = i32::from(area.width) - 1 - total;
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(rank(state, &entries[*index].command)));
    let mut dropped = std::collections::BTreeSet::new();
    for index in order {
        if spare >= 0 {
            break;
        }
        spare += i32::from(width(&entries[index])) + 2;
        dropped.insert(index);
    }
    let kept = entries.into_iter().enumerate().filter(|(index, _)| !dropped.contains(index)).map(|(_, entry)| entry);
    for entry in kept {
        let end = x + width(&entry);
        if end > area.right() {
            break;
        }
        places.push((entry, x, end));
        x = end + 2;
    }
    places
}
