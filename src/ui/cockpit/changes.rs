//! What changed in the cluster, newest first.

use ratatui::layout::Rect;

use super::{cursor, is_focused};
use crate::{
    domain::health::SourceId,
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::{Canvas, columns},
        clock, glyph,
        layout::below,
        widgets::{
            freshness::{self, Trust},
            rule,
        },
    },
};

const SOURCES: [SourceId; 4] = [SourceId::Deployments, SourceId::ReplicaSets, SourceId::ConfigMaps, SourceId::Nodes];

/// Whether the pane has a rule of its own; a low one has its title at the left of the first line.
pub fn has_rule(area: Rect) -> bool {
    area.height >= 4
}

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = freshness::of(state, &SOURCES);
    let focused = is_focused(state, Pane::Changes);
    let rows = if has_rule(area) {
        rule::render(canvas, area, "Changed", &[], Some(&standing), focused);
        below(area, 1)
    } else {
        let mut pen = canvas.pen(area, 0);
        if focused {
            pen.write(glyph::CURSOR, theme.focus).write("Changed", theme.focus);
        } else {
            pen.skip(1).write("Changed", theme.title);
        }
        area
    };
    let indent = if has_rule(area) { 3 } else { 10 };
    let mut inner = Rect { x: area.x + indent.min(area.width), width: area.width.saturating_sub(indent + 1), ..rows };
    if !has_rule(area) && !standing.is_live() {
        inner.width = canvas.right(inner, 0, &standing.marker, standing.style(theme)).width.saturating_sub(1);
    }
    if state.cluster.changes.is_empty() {
        let words = match standing.trust {
            Trust::Live => "nothing that sev1 watches changed lately".to_owned(),
            _ if SOURCES.iter().any(|source| freshness::of(state, &[*source]).is_live()) => {
                format!("nothing in what can be read; {}", standing.sentence)
            }
            _ => format!("nothing known: {}", standing.sentence),
        };
        canvas.pen(inner, 0).write(&words, theme.label);
        return;
    }
    for (line, (index, change)) in (0..rows.height).zip(state.cluster.changes.iter().enumerate().skip(state.cockpit.changes.top)) {
        let mut pen = canvas.pen(inner, line);
        let ink = standing.fact(theme, theme.plain);
        pen.write(&change.at.map_or_else(|| "time unknown".to_owned(), |at| clock::moment(state, at)), ink).skip(1);
        let (whole, by) = (change.what_happened(), change.by_whom());
        // Who it was counts more than images and values.
        let fits = columns(&whole).saturating_add(columns(&by)) <= pen.left();
        pen.write(&if fits { whole } else { change.in_short() }, ink).write(&by, theme.label);
        if has_rule(area) {
            cursor(canvas, rows, line, index == state.cockpit.changes.row, focused);
        }
    }
}
