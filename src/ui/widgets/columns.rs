//! Columns of a table: widths depend on the kind and the room, never on the data, so that they do not jump.

use std::borrow::Cow;

use ratatui::style::Style;

use crate::ui::canvas::Pen;

/// One column. Room beyond the least widths goes to the columns in their order, up to their `most`.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    pub least: u16,
    pub most: u16,
    pub align: Align,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    /// Left, and shortened in the middle.
    Name,
}

pub const fn left(title: &'static str, least: u16, most: u16) -> Column {
    Column { title, least, most, align: Align::Left }
}

pub const fn right(title: &'static str, width: u16) -> Column {
    Column { title, least: width, most: width, align: Align::Right }
}

pub const fn name(title: &'static str, least: u16, most: u16) -> Column {
    Column { title, least, most, align: Align::Name }
}

/// Widths for `room` columns with one blank between them; columns that do not fit fall away from the right.
pub fn widths(columns: &[Column], room: u16) -> Vec<u16> {
    let mut widths: Vec<u16> = Vec::with_capacity(columns.len());
    let mut used = 0;
    for column in columns {
        let gap = u16::from(!widths.is_empty());
        if !widths.is_empty() && used + gap + column.least > room {
            break;
        }
        widths.push(column.least.min(room));
        used += gap + column.least.min(room);
    }
    let mut spare = room.saturating_sub(used);
    for (width, column) in widths.iter_mut().zip(columns) {
        let more = spare.min(column.most.saturating_sub(*width));
        *width += more;
        spare -= more;
    }
    widths
}

/// Writes one row.
pub fn row(pen: &mut Pen<'_, '_>, columns: &[Column], widths: &[u16], cells: &[(Cow<'_, str>, Style)]) {
    for (index, ((column, width), (text, style))) in columns.iter().zip(widths).zip(cells).enumerate() {
        if index > 0 {
            pen.skip(1);
        }
        match column.align {
            Align::Left => pen.cell(*width, text, *style),
            Align::Right => pen.cell_right(*width, text, *style),
            Align::Name => pen.cell_name(*width, text, *style),
        };
    }
}

/// Writes the titles.
pub fn titles(pen: &mut Pen<'_, '_>, columns: &[Column], widths: &[u16], style: Style) {
    let cells: Vec<_> = columns.iter().map(|column| (Cow::Borrowed(column.title), style)).collect();
    row(pen, columns, widths, &cells);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [name("NAME", 10, 20), right("N", 4), left("NODE", 6, 8)];

    #[test]
    fn spare_room_goes_to_columns_in_order() {
        assert_eq!(widths(&COLUMNS, 22), [10, 4, 6]);
        assert_eq!(widths(&COLUMNS, 25), [13, 4, 6]);
        assert_eq!(widths(&COLUMNS, 90), [20, 4, 8]);
    }

    #[test]
    fn columns_fall_away_from_the_right() {
        assert_eq!(widths(&COLUMNS, 21), [16, 4]);
        assert_eq!(widths(&COLUMNS, 5), [5]);
        assert_eq!(widths(&COLUMNS, 0), [0]);
    }
}
