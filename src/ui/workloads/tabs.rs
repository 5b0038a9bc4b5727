//! The kinds above the table, and what is said beside them of a table that is narrowed.

use ratatui::layout::Rect;

use super::{plural, table::total};
use crate::{
    domain::object::Kind,
    state::{State, columns::KINDS},
    ui::{canvas::columns as width_of, glyph, widgets::filtered},
};

/// What is said of a table of which not every row is shown, or of which some are marked.
pub(super) struct Narrowed {
    pub hidden: String,
    pub filter: String,
    pub marks: String,
}

impl Narrowed {
    pub fn of(state: &State) -> Self {
        let table = &state.workloads;
        let unhealthy = if table.kind == Kind::Pod { state.unhealthy_not_shown(&table.filter) } else { 0 };
        let all = total(state, table.kind);
        Self {
            hidden: filtered::hidden(unhealthy).unwrap_or_default(),
            filter: if table.filter.is_empty() { String::new() } else { filtered::words(&table.filter, (all, table.rows.len())) },
            marks: if table.marks.is_empty() { String::new() } else { format!("{} {} marked", glyph::MARK, table.marks.len()) },
        }
    }

    /// Columns with the blanks before and between, and a sign of how fresh it is.
    fn width(&self) -> u16 {
        [&self.hidden, &self.filter, &self.marks].into_iter().filter(|said| !said.is_empty()).map(|said| width_of(said) + 2).sum::<u16>() + 4
    }
}

/// A kind above the table: what it is called there, and its columns.
#[derive(Debug, Clone, Copy)]
pub struct Tab {
    pub kind: Kind,
    pub name: &'static str,
    pub start: u16,
    pub end: u16,
}

/// Room beside the full names of all kinds for the count of the shown one.
const COUNT: u16 = 22;

/// The kinds above the table. Where their names leave no room, all but the shown one stand by the words that open them in the palette;
/// where a filter has more to say than fits beside those, the shown one stands alone.
pub fn tabs(state: &State, area: Rect) -> Vec<Tab> {
    let table = &state.workloads;
    let said = if table.filter.is_empty() { COUNT } else { Narrowed::of(state).width().max(COUNT) };
    let full = |kind: Kind| plural(kind);
    let short = |kind: Kind| if kind == table.kind { plural(kind) } else { kind.short() };
    let fits =
        |name: &dyn Fn(Kind) -> &'static str, more: u16| KINDS.into_iter().map(|kind| width_of(name(kind)) + 2).sum::<u16>() + more <= area.width;
    let is_full = fits(&full, said);
    let is_alone = !is_full && !table.filter.is_empty() && !fits(&short, Narrowed::of(state).width());
    let mut x = area.x;
    let shown = KINDS.into_iter().filter(|kind| !is_alone || *kind == table.kind);
    shown
        .map(|kind| {
            let (start, name) = (x, if is_full { full(kind) } else { short(kind) });
            x = (start + 2 + width_of(name)).min(area.right());
            Tab { kind, name, start, end: x }
        })
        .collect()
}
