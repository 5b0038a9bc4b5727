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

/// The list, below the line that is typed.
pub fn rows(state: &State) -> Rect {
    let area = area(state);
    let inner = Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    };
    below(inner, 1)
}

pub fn render(canvas: &mut Canvas<'_>, state: &State, palette: &Palette) {
    let theme = canvas.theme;
    let inner = dialog::render(canvas, area(state), "Command", &[("Enter runs, Esc closes", theme.label)]);
    let mut pen = canvas.pen(inner, 0);
    pen.write(": ", theme.key);
    line::render(&mut pen, &palette.line, theme.input);
    let rows = rows(state);
    if palette.matches.is_empty() {
        match &palette.complaint {
            Some(complaint) => {
                for (row, part) in (0..rows.height).zip(wrap(&format!("{} {complaint}", glyph::WARNING), rows.width.saturating_sub(2))) {
                    canvas.pen(rows, row).skip(2).write(&part, theme.warning);
                }
            }
            None => {
                canvas.pen(rows, 0).skip(2).write("no action has such a name", theme.label);
            }
        }
    }
    for (row, (index, entry)) in (0..rows.height).zip(palette.matches.iter().enumerate().skip(palette.cursor.top)) {
        let key = entry.key.as_ref().map_or("", |key| key.as_str());
        let left = canvas.right(rows, row, key, theme.key);
        canvas.pen(Rect { width: left.width.saturating_sub(1), ..left }, 0).skip(2).write(&entry.title, theme.plain);
        if index == palette.cursor.row {
            let here = Rect { y: rows.y + row, height: 1, ..rows };
            canvas.tint(here, theme.selection);
            canvas.pen(here, 0).write(glyph::CURSOR, theme.focus);
        }
    }
}
