//! `:`: every action by name.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, wrap},
    glyph,
    layout::below,
    line,
    widgets::dialog,
};
use crate::state::{State, overlay::Palette};

pub fn area(state: &State) -> Rect {
    let (width, height) = state.size;
    dialog::centred(Rect { x: 0, y: 0, width, height }, 72, height.saturating_sub(2).min(20))
}

/// The list, below the line that is typed and what is wrong with it.
pub fn rows(state: &State, palette: &Palette) -> Rect {
    let inner = inner(state);
    let complaint = u16::try_from(complaint(palette, inner.width).len()).unwrap_or(u16::MAX);
    below(inner, complaint.saturating_add(1))
}

fn inner(state: &State) -> Rect {
    let area = area(state);
    Rect { x: area.x + 2.min(area.width), y: area.y + 1.min(area.height), width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

fn complaint(palette: &Palette, width: u16) -> Vec<String> {
    let words = palette.complaint.as_ref().map(|complaint| format!("{} {complaint}", glyph::WARNING));
    words.map(|words| wrap(&words, width.saturating_sub(2))).unwrap_or_default()
}

pub fn render(canvas: &mut Canvas<'_>, state: &State, palette: &Palette) {
    let theme = canvas.theme;
    let keys = if palette.is_chosen { "Enter runs, Esc closes".to_owned() } else { format!("{} chooses, Esc closes", glyph::DOWN) };
    let inner = dialog::render(canvas, area(state), "Command", &[(&keys, theme.label)]);
    let mut pen = canvas.pen(inner, 0);
    pen.write(": ", theme.key);
    line::render(&mut pen, &palette.line, theme.input);
    for (row, part) in (1..inner.height).zip(complaint(palette, inner.width)) {
        canvas.pen(inner, row).skip(2).write(&part, theme.warning);
    }
    let rows = rows(state, palette);
    for (row, (index, entry)) in (0..rows.height).zip(palette.matches.iter().enumerate().skip(palette.cursor.top)) {
        let key = entry.key.as_ref().map_or("", |key| key.as_str());
        let left = canvas.right(rows, row, key, theme.key);
        canvas.pen(Rect { width: left.width.saturating_sub(1), ..left }, 0).skip(2).write(&entry.title, theme.plain);
        if palette.is_chosen && index == palette.cursor.row {
            let here = Rect { y: rows.y + row, height: 1, ..rows };
            canvas.tint(here, theme.selection);
            canvas.pen(here, 0).write(glyph::CURSOR, theme.focus);
        }
    }
}
