//! All keys, from the same table as footer and palette; and what sev1 itself did (`@`), which looks the same.

use ratatui::layout::Rect;

use super::{canvas::Canvas, clock, glyph, widgets::dialog};
use crate::state::{State, timeline::EntryKind};

pub fn area(state: &State) -> Rect {
    let (width, height) = state.size;
    dialog::centred(Rect { x: 0, y: 0, width, height }, 90, height.saturating_sub(2))
}

/// Lines that are visible at once: what is inside the border.
pub fn visible_rows(state: &State) -> u16 {
    area(state).height.saturating_sub(2)
}

pub fn render(canvas: &mut Canvas<'_>, state: &State, scroll: u16) {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    for group in state.help() {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![(0, group.title.to_owned(), theme.title)]);
        for line in group.lines {
            lines.push(vec![(1, line.keys.to_string(), theme.key), (19, line.words.to_string(), theme.plain)]);
        }
    }
    render_lines(canvas, state, "Keys", scroll, &lines);
}

pub fn render_did(canvas: &mut Canvas<'_>, state: &State, scroll: u16) {
    let theme = canvas.theme;
    let own = state.timeline.own().collect::<Vec<_>>();
    let mut lines: Vec<Vec<(u16, String, ratatui::style::Style)>> = Vec::new();
    for entry in own.into_iter().rev() {
        let sign = match entry.what {
            EntryKind::OwnAction => glyph::MARK,
            EntryKind::Note => glyph::DOT,
            _ => glyph::ARROW,
        };
        for (index, piece) in super::canvas::wrap(&entry.text, area(state).width.saturating_sub(14)).into_iter().enumerate() {
            let mut line = vec![(9, piece, theme.own)];
            if index == 0 {
                line.insert(0, (0, format!("{} {sign}", clock::moment(state, entry.at)), theme.own));
            }
            lines.push(line);
        }
    }
    if lines.is_empty() {
        lines.push(vec![(0, "Nothing has been done or noted with sev1 yet.".to_owned(), theme.label)]);
    }
    render_lines(canvas, state, "What was done with sev1", scroll, &lines);
}

/// Lines of pieces at fixed columns, with a word about what is below.
fn render_lines(canvas: &mut Canvas<'_>, state: &State, title: &str, scroll: u16, lines: &[Vec<(u16, String, ratatui::style::Style)>]) {
    let theme = canvas.theme;
    let area = area(state);
    let rows = usize::from(visible_rows(state));
    let top = usize::from(scroll).min(lines.len().saturating_sub(rows));
    let below = lines.len().saturating_sub(top + rows);
    let note = if below > 0 { format!("{below} more {}", glyph::DOWN) } else { "Esc closes".to_owned() };
    let inner = dialog::render(canvas, area, title, &[(&note, theme.label)]);
    for (row, pieces) in (0..inner.height).zip(lines.iter().skip(top)) {
        for (column, text, style) in pieces {
            let from = (*column).min(inner.width);
            canvas.pen(Rect { x: inner.x + from, width: inner.width - from, ..inner }, row).write(text, *style);
        }
    }
}
