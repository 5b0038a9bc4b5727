//! ` Title  facts ──────────────────── marker`: the line that separates panes.

use ratatui::{layout::Rect, style::Style};

use super::freshness::Standing;
use crate::ui::{
    canvas::{Canvas, columns},
    glyph,
};

/// Draws the rule in the first line of `area`. The pane with the focus has `▸` before its title.
pub fn render(canvas: &mut Canvas<'_>, area: Rect, title: &str, facts: &[(&str, Style)], standing: Option<&Standing>, focused: bool) {
    let marker = standing.map(|standing| {
        let short = standing.short(area.width / 2);
        // A sign alone says less than the beginning of why.
        (if short == glyph::WARNING { standing.marker.clone() } else { short }, standing.style(canvas.theme))
    });
    render_marked(canvas, area, title, facts, marker.as_ref().map(|(marker, style)| (marker.as_str(), *style)), focused);
}

/// The columns that a marker may have: what title and facts leave, or half of the line.
pub fn marker_room(area: Rect, title: &str, facts: &[(&str, Style)]) -> u16 {
    let told = facts.iter().fold(columns(title).saturating_add(7), |sum, (fact, _)| sum.saturating_add(columns(fact)));
    (area.width / 2).max(area.width.saturating_sub(told))
}

/// The same with any marker.
pub fn render_marked(canvas: &mut Canvas<'_>, area: Rect, title: &str, facts: &[(&str, Style)], marker: Option<(&str, Style)>, focused: bool) {
    let theme = canvas.theme;
    let room = marker.map_or(0, |(marker, _)| columns(marker).min(marker_room(area, title, facts)));
    let head = Rect { width: area.width.saturating_sub(if room > 0 { room + 2 } else { 0 }), ..area };
    let mut pen = canvas.pen(head, 0);
    if focused {
        pen.write(glyph::CURSOR, theme.focus).write(title, theme.focus);
    } else {
        pen.skip(1).write(title, theme.title);
    }
    if !title.is_empty() && facts.iter().any(|(fact, _)| !fact.is_empty()) {
        pen.skip(2);
    }
    for (fact, style) in facts {
        pen.write(fact, *style);
    }
    if pen.left() > 1 {
        pen.skip(1).fill(glyph::RULE, theme.rule);
    }
    if let Some((marker, style)) = marker {
        let tail = Rect { x: area.right().saturating_sub(room + 1), width: room.min(area.width), ..area };
        canvas.pen(tail, 0).write(marker, style);
    }
}
