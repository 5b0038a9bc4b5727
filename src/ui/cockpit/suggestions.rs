//! Mitigations that the evidence speaks for. None is ever run by itself.

use ratatui::layout::Rect;

use super::{cursor, is_focused, say};
use crate::{
    domain::health::SourceId,
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::{Canvas, columns},
        glyph,
        layout::below,
        widgets::{
            freshness::{self, Trust},
            rule,
        },
    },
};

/// What suggestions rest on.
const EVIDENCE: [SourceId; 4] = [SourceId::Pods, SourceId::Deployments, SourceId::Metrics, SourceId::Alerts];

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let focused = is_focused(state, Pane::Suggestions);
    let disarmed = state.disarmed().map(|why| format!("{} off: {why}", glyph::WARNING));
    let standing = freshness::of(state, &EVIDENCE);
    let marker = match &disarmed {
        Some(why) => Some((why.as_str(), theme.warning)),
        // On a live pane there is no number that could be old, so it has no mark.
        None => (!matches!(standing.trust, Trust::Live | Trust::Waiting)).then_some((standing.marker.as_str(), standing.style(theme))),
    };
    rule::render_marked(canvas, area, "Suggested", &[], marker, focused);
    let rows = below(area, 1);
    let inner = Rect { x: area.x + 3, width: area.width.saturating_sub(3), ..rows };
    if state.suggestions.is_empty() {
        let all = state.keymap.keys_of("menu").into_iter().next().unwrap_or_default();
        let words = if state.session.read_only {
            "read-only: no mitigations".to_owned()
        } else if !state.cluster.pods.is_complete || state.alerts.is_none() {
            "not enough is known yet to suggest a mitigation".to_owned()
        } else if !standing.is_live() {
            format!("nothing in what is known speaks for a mitigation; {}", standing.sentence)
        } else {
            format!("nothing speaks for a mitigation; {all} lists what the focused row allows")
        };
        say(canvas, rows, &words, theme.label);
        return;
    }
    // The widest title of all, so that scrolling moves no column.
    let widest = state.suggestions.iter().map(|suggestion| columns(&suggestion.title)).max().unwrap_or(0);
    // A title says what would be done, and is whole before the evidence begins.
    let title_width = widest.min(inner.width.saturating_sub(3));
    for (line, (index, suggestion)) in (0..rows.height).zip(state.suggestions.iter().enumerate().skip(state.cockpit.suggestions.top)) {
        let mut pen = canvas.pen(inner, line);
        let off = disarmed.is_some();
        pen.write(&suggestion.key.to_string(), if off { theme.label } else { theme.key }).skip(2);
        let ink = match (off, index) {
            (true, _) => theme.label,
            (false, 0) => theme.strong,
            (false, _) => theme.plain,
        };
        pen.cell(title_width, &suggestion.title, ink).skip(2).write(&suggestion.evidence, standing.fact(theme, theme.label));
        cursor(canvas, rows, line, index == state.cockpit.suggestions.row, focused);
    }
}
