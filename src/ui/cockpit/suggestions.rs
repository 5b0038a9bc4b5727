//! Mitigations that the evidence speaks for. None is ever run by itself.

use ratatui::{layout::Rect, style::Style};

use super::{cursor, is_focused, say};
use crate::{
    domain::{health::SourceId, suggestion::Suggestion, suspect::Confidence, text::Text},
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::{Canvas, columns},
        glyph,
        layout::below,
        theme::Theme,
        widgets::{
            freshness::{self, Standing, Trust},
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
    let refused = || state.advice.suggestions.iter().find_map(|suggestion| state.refused(&suggestion.request));
    let disarmed = state.disarmed().map(|why| format!("{} off: {why}", glyph::WARNING));
    let why_off = disarmed.clone().or_else(|| refused().map(|why| format!("{} {why}", glyph::WARNING)));
    let standing = freshness::of(state, &EVIDENCE);
    let marker = match &why_off {
        Some(why) => Some((why.as_str(), theme.warning)),
        // On a live pane there is no number that could be old, so it has no mark.
        None => (!matches!(standing.trust, Trust::Live | Trust::Waiting)).then_some((standing.marker.as_str(), standing.style(theme))),
    };
    let in_force = if state.in_force.is_empty() { String::new() } else { format!("in force: {}", names(state)) };
    let parts: &[(&str, Style)] = if in_force.is_empty() { &[] } else { &[(&in_force, theme.own)] };
    rule::render_marked(canvas, area, "Suggested", parts, marker, focused);
    let rows = below(area, 1);
    let inner = Rect { x: area.x + 3, width: area.width.saturating_sub(3), ..rows };
    if state.advice.suggestions.is_empty() {
        let (words, style) = nothing(state, &standing, theme);
        say(canvas, rows, &words, style);
        return;
    }
    // The widest title of all, so that scrolling moves no column.
    let widest = state.advice.suggestions.iter().map(|suggestion| columns(&suggestion.title)).max().unwrap_or(0);
    // A title says what would be done, and is whole before the evidence begins.
    let title_width = widest.min(inner.width.saturating_sub(3));
    let mut whole = None;
    for (line, (index, suggestion)) in (0..rows.height).zip(state.advice.suggestions.iter().enumerate().skip(state.cockpit.suggestions.top)) {
        let mut pen = canvas.pen(inner, line);
        // Who may not write this from here has no use for the key: somebody who may needs the line.
        let by_others = state.session.read_only || state.refused(&suggestion.request).is_some();
        let off = by_others || disarmed.is_some();
        let key = if by_others { ' ' } else { suggestion.key };
        pen.write(&key.to_string(), if off { theme.label } else { theme.key }).skip(2);
        let ink = match (off, index) {
            (true, _) => theme.label,
            (false, 0) => theme.strong,
            (false, _) => theme.plain,
        };
        pen.cell(title_width, &suggestion.title, ink).skip(2);
        let (text, style) = grounds(suggestion, by_others, standing.fact(theme, theme.label), theme);
        let is_cut = columns(&text) > pen.left();
        pen.write(&text, style);
        cursor(canvas, rows, line, index == state.cockpit.suggestions.row, focused);
        // The chosen one is read whole where there is room below all of them.
        if is_cut && index == if focused { state.cockpit.suggestions.row } else { 0 } {
            whole = Some((text, style));
        }
    }
    let used = u16::try_from(state.advice.suggestions.len().saturating_sub(state.cockpit.suggestions.top)).unwrap_or(u16::MAX);
    let left = below(rows, used);
    if let Some((text, style)) = whole.filter(|_| left.height > 0) {
        say(canvas, Rect { x: left.x + 3, width: left.width.saturating_sub(3), ..left }, &text, style);
    }
}

/// What stands beside the title: what speaks for it, or how somebody who may write does it.
fn grounds(suggestion: &Suggestion, by_others: bool, fact: Style, theme: &Theme) -> (String, Style) {
    if by_others && !suggestion.kubectl.is_empty() {
        (suggestion.kubectl.to_string(), theme.label)
    } else {
        (format!("{}: {}", word(suggestion.confidence), suggestion.evidence), fact)
    }
}

fn word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    }
}

fn names(state: &State) -> String {
    state.in_force.iter().map(Text::as_str).collect::<Vec<_>>().join(", ")
}

/// What stands in the place of suggestions: what is waited for, why there is none, where to look.
fn nothing(state: &State, standing: &Standing, theme: &Theme) -> (String, Style) {
    if let Some(waiting) = &state.advice.waiting {
        return (format!("{} {waiting}", glyph::MARK), theme.own);
    }
    let all = state.keymap.keys_of("menu").into_iter().next().unwrap_or_default();
    let words = if !state.cluster.pods.is_complete || state.alerts.is_none() {
        "not enough is known yet to suggest a mitigation".to_owned()
    } else if !standing.is_live() {
        format!("no mitigation is suggested by what is known; {}", standing.sentence)
    } else if let Some(note) = &state.advice.note {
        note.to_string()
    } else if state.views_only() {
        "nothing calls for a mitigation".to_owned()
    } else {
        format!("nothing calls for a mitigation; {all} lists what the selected row allows")
    };
    (words, theme.label)
}
