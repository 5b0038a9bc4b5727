//! The latest warnings of the cluster's events: one line where there is little room, one for each where there is more.

use ratatui::layout::Rect;

use crate::{
    domain::{
        health::{Health, SourceId},
        units,
        warning::Warning,
    },
    state::State,
    ui::{
        canvas::{Canvas, columns},
        clock, glyph,
        layout::below,
        widgets::{freshness, rule},
    },
};

/// Whether there is anything to tell: a warning, or that none can be read.
pub fn are_there(state: &State) -> bool {
    !state.warnings.list.is_empty() || is_unreadable(state)
}

fn is_unreadable(state: &State) -> bool {
    state.sources.get(&SourceId::Events).is_some_and(|source| matches!(source.health, Health::Forbidden { .. }))
}

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = freshness::of(state, &[SourceId::Events]);
    let is_low = area.height < 3;
    let rows = if is_low {
        canvas.pen(area, 0).skip(1).write("Warnings", theme.title);
        area
    } else {
        let more = units::thousands(state.warnings.list.len() as u64);
        rule::render(canvas, area, "Warnings", &[(&more, theme.label), ("  :events", theme.label)], Some(&standing), false);
        below(area, 1)
    };
    let indent = if is_low { 10 } else { 3 };
    let mut inner = Rect { x: area.x + indent.min(area.width), width: area.width.saturating_sub(indent + 1), ..rows };
    if is_low && !standing.is_live() {
        inner.width = canvas.right(inner, 0, &standing.marker, standing.style(theme)).width.saturating_sub(1);
    }
    if state.warnings.list.is_empty() {
        canvas.pen(inner, 0).write(&standing.sentence, theme.label);
        return;
    }
    if is_low {
        return line(canvas, inner, state, &standing);
    }
    for (row, warning) in (0..inner.height).zip(&state.warnings.list) {
        let (ink, label) = inks(canvas, &standing, warning);
        let mut pen = canvas.pen(inner, row);
        pen.write(&in_short(state, warning), ink).skip(2).write(&warning.message, label);
    }
}

/// As many as fit in one line, and how many there are beyond them.
fn line(canvas: &mut Canvas<'_>, inner: Rect, state: &State, standing: &freshness::Standing) {
    let theme = canvas.theme;
    let all = &state.warnings.list;
    let separator = "  ";
    let mut pen = canvas.pen(inner, 0);
    for (at, warning) in all.iter().enumerate() {
        let words = in_short(state, warning);
        let left = all.len() - at;
        // What comes after it has to be counted in the same line.
        let more = if left > 1 { columns(&format!(" +{left}")) } else { 0 };
        let gap = if at > 0 { columns(separator) } else { 0 };
        if at > 0 && columns(&words) + gap + more > pen.left() {
            pen.write(&format!(" +{left}"), theme.label);
            return;
        }
        let ink = if warning.is_past { theme.label } else { theme.warning };
        if at > 0 {
            pen.write(separator, theme.label);
        }
        pen.write(&words, standing.fact(theme, ink));
    }
}

fn inks(canvas: &Canvas<'_>, standing: &freshness::Standing, warning: &Warning) -> (ratatui::style::Style, ratatui::style::Style) {
    let theme = canvas.theme;
    if warning.is_past { (theme.label, theme.label) } else { (standing.fact(theme, theme.warning), standing.fact(theme, theme.plain)) }
}

/// `! BackOff api-gateway ×40 12s`.
fn in_short(state: &State, warning: &Warning) -> String {
    let sign = if warning.is_past { glyph::DOT } else { glyph::WARNING };
    let times = if warning.count > 1 { format!(" {}{}", glyph::TIMES, units::thousands(warning.count)) } else { String::new() };
    format!("{sign} {} {}{times} {}", warning.reason, warning.about, clock::age_or_time(state, warning.last_seen))
}
