//! The chosen row of a table as a whole: what its columns cut stands in the lines below it.

use ratatui::{layout::Rect, style::Style};

use super::{
    source,
    table::{Grid, cell, inner},
};
use crate::{
    state::State,
    ui::{
        canvas::{Canvas, columns, narrowed, wrap_for},
        glyph,
        theme::Theme,
        widgets::{
            fold::{self, Place},
            freshness,
        },
    },
};

/// How far the lines below a row stand to the right of its first column.
const HANG: u16 = 2;

/// Which row has which lines of the table: every row one, the chosen one as many as show it whole, up to half of the table. Rows above
/// give way where it would reach beyond the last line.
pub fn places(state: &State, rows: Rect) -> Vec<Place> {
    let table = &state.workloads;
    let (top, row) = (table.cursor.top, table.cursor.row);
    let is_in_sight = (top..top + usize::from(rows.height)).contains(&row) && row < table.rows.len();
    let lines = if is_in_sight { 1 + fold::count(rest(state, rows).len()).min(rows.height / 2) } else { 1 };
    let end = u16::try_from(row.saturating_sub(top)).unwrap_or(u16::MAX).saturating_add(lines);
    let given = if is_in_sight { end.saturating_sub(rows.height) } else { 0 };
    let mut places = Vec::new();
    let mut line = 0;
    for index in top + usize::from(given)..table.rows.len() {
        if line >= rows.height {
            break;
        }
        let lines = if index == row { lines.min(rows.height - line) } else { 1 };
        places.push(Place { index, line, lines });
        line += lines;
    }
    places
}

/// What the columns cut, in lines.
fn rest(state: &State, rows: Rect) -> Vec<String> {
    let table = &state.workloads;
    let Some(key) = table.rows.get(table.cursor.row) else { return Vec::new() };
    let theme = Theme::mono();
    let standing = freshness::of(state, &[source(table.kind)]);
    let grid = Grid::of(state, rows);
    let cut: Vec<String> = grid
        .fields
        .iter()
        .zip(&grid.widths)
        .map(|(field, width)| (cell(&theme, state, &standing, key, *field, grid.folds).0, *width))
        .filter(|(text, width)| columns(text) > narrowed(text, *width, state.ascii))
        .map(|(text, _)| text.trim_start().to_owned())
        .collect();
    if cut.is_empty() {
        return Vec::new();
    }
    wrap_for(&cut.join(&format!(" {} ", glyph::DOT)), inner(rows).width.saturating_sub(HANG), state.ascii)
}

/// Writes the lines of the chosen row below its first.
pub fn render_rest(canvas: &mut Canvas<'_>, rows: Rect, place: &Place, state: &State, style: Style) {
    let lines: Vec<fold::Parts> = rest(state, rows).into_iter().map(|line| vec![(line, style)]).collect();
    for (index, line) in (0..).zip(place.span().skip(1)) {
        fold::write(canvas.pen(inner(rows), line).skip(HANG), &lines, index, place.lines - 1);
    }
}
