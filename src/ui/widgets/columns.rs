//! Columns of a table: widths depend on the kind and the room, never on the data, so that they do not jump.

use std::borrow::Cow;

use ratatui::style::Style;

use crate::ui::canvas::Pen;

/// One column. Room beyond the least widths goes to the columns in their order: first up to what is `enough` for the usual text of
/// each, then up to their `most`.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    pub least: u16,
    pub enough: u16,
    pub most: u16,
    pub align: Align,
    /// There only where all before it have enough, so that it takes no room from them.
    pub is_extra: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    /// Left, and shortened in the middle.
    Name,
}

pub const fn left(title: &'static str, least: u16, most: u16) -> Column {
    Column { title, least, enough: most, most, align: Align::Left, is_extra: false }
}

pub const fn right(title: &'static str, width: u16) -> Column {
    Column { title, least: width, enough: width, most: width, align: Align::Right, is_extra: false }
}

pub const fn name(title: &'static str, least: u16, most: u16) -> Column {
    Column { title, least, enough: most, most, align: Align::Name, is_extra: false }
}

/// Widths for `room` columns with one blank between them; columns that do not fit fall away from the right.
pub fn widths(columns: &[Column], room: u16) -> Vec<u16> {
    let mut widths: Vec<u16> = Vec::with_capacity(columns.len());
    let (mut used, mut used_by_enough) = (0, 0);
    for column in columns {
        let gap = u16::from(!widths.is_empty());
        let before = if column.is_extra { used_by_enough } else { used };
        if !widths.is_empty() && before + gap + column.least > room {
            break;
        }
        widths.push(column.least.min(room));
        used += gap + column.least.min(room);
        used_by_enough += gap + column.enough;
    }
    let mut spare = room.saturating_sub(used);
    let targets: [fn(&Column) -> u16; 2] = [|column| column.enough, |column| column.most];
    for target in targets {
        for (width, column) in widths.iter_mut().zip(columns) {
            let more = spare.min(target(column).saturating_sub(*width));
            *width += more;
            spare -= more;
        }
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
    fn what_is_cut_has_the_room_before_what_has_enough() {
        let ports = Column { enough: 8, ..left("PORTS", 4, 30) };
        let columns = [Column { enough: 12, ..name("NAME", 10, 20) }, ports];
        assert_eq!(widths(&columns, 17), [12, 4]);
        assert_eq!(widths(&columns, 21), [12, 8]);
        assert_eq!(widths(&columns, 25), [16, 8]);
        assert_eq!(widths(&columns, 40), [20, 19]);
    }

    #[test]
    fn an_extra_column_takes_nothing_from_the_others() {
        let columns = [Column { enough: 16, ..name("NAME", 10, 20) }, Column { is_extra: true, ..left("IP", 6, 6) }];
        for room in 1..40 {
            let (narrow, wide) = (widths(&columns, room), widths(&columns, room + 1));
            assert!(narrow.iter().zip(&wide).all(|(narrow, wide)| narrow.min(&16) <= wide), "{narrow:?} {wide:?}");
        }
        assert_eq!(widths(&columns, 22), [20]);
        assert_eq!(widths(&columns, 23), [16, 6]);
    }

    #[test]
    fn columns_fall_away_from_the_right() {
        assert_eq!(widths(&COLUMNS, 21), [16, 4]);
        assert_eq!(widths(&COLUMNS, 5), [5]);
        assert_eq!(widths(&COLUMNS, 0), [0]);
    }
}
