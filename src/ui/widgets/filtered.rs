//! A list that is narrowed by what is typed after `/`: its words, and what matches in its rows.

use ratatui::layout::Rect;

use crate::{domain::units, state::rows::Filter, ui::canvas::Canvas};

/// `filter: core (3 of 27)`.
pub fn words(filter: &str, (all, shown): (usize, usize)) -> String {
    format!("filter: {} ({} of {})", filter.trim(), units::thousands(shown as u64), units::thousands(all as u64))
}

/// In the place of the rows.
pub fn none(filter: &str, all: usize, what: &str) -> String {
    format!("None of {} {what} passes the filter {:?}. Esc clears it.", units::thousands(all as u64), filter.trim())
}

/// A filter hides rows, and never that something is unhealthy. None where it hides nothing of that.
pub fn hidden(unhealthy: usize) -> Option<String> {
    (unhealthy > 0).then(|| format!("{} unhealthy not shown", units::thousands(unhealthy as u64)))
}

/// Marks what matches in the rows that are drawn, whatever its case.
pub fn mark(canvas: &mut Canvas<'_>, area: Rect, filter: &str) {
    let filter = Filter::parse(filter);
    let area = area.intersection(canvas.area());
    for y in area.top()..area.bottom() {
        let (mut line, mut columns) = (String::new(), Vec::new());
        for x in area.left()..area.right() {
            let symbol = canvas.drawn().cell((x, y)).map(|cell| cell.symbol().to_lowercase()).unwrap_or_default();
            columns.extend(std::iter::repeat_n(x, symbol.len()));
            line.push_str(&symbol);
        }
        let found: Vec<(u16, u16)> = filter
            .wanted()
            .flat_map(|word| line.match_indices(word).map(|(start, word)| (start, start + word.len() - 1)).collect::<Vec<_>>())
            .filter_map(|(first, last)| Some((*columns.get(first)?, *columns.get(last)?)))
            .collect();
        let style = canvas.theme.found;
        for (first, last) in found {
            canvas.tint(Rect { x: first, y, width: last + 1 - first, height: 1 }, style);
        }
    }
}
