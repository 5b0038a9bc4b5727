//! Mitigations that the evidence speaks for. None is ever run by itself.

use ratatui::{layout::Rect, style::Style};

use super::{cursor, is_focused, say};
use crate::{
    domain::{health::SourceId, suggestion::Suggestion, suspect::Confidence, text::Text},
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::{Canvas, columns, narrowed},
        glyph,
        layout::below,
        theme::Theme,
        widgets::{
            fold::{self, Place},
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
    let fact = standing.fact(theme, theme.label);
    let width = inner.width;
    let beside = title_width(state, width);
    let places = places(state, area);
    // The whole of what the marker has no room for, in the lines that the list leaves.
    if let Some(why) = why_off.as_ref().filter(|why| columns(why) > rule::marker_room(area, "Suggested", parts)) {
        let left = below(rows, places.last().map_or(0, |last| last.span().end + 1));
        if left.height > 0 {
            say(canvas, left, why, theme.warning);
        }
    }
    for place in places {
        let Some(suggestion) = state.advice.suggestions.get(place.index) else { continue };
        // Who may not write this from here has no use for the key: somebody who may needs the line.
        let by_others = is_by_others(state, suggestion);
        let off = by_others || disarmed.is_some();
        // The key opens the first of those that have it; the others are chosen.
        let is_first = state.advice.suggestions.iter().take(place.index).all(|before| before.key != suggestion.key);
        let key = if by_others || !is_first { ' ' } else { suggestion.key };
        let ink = match (off, place.index) {
            (true, _) => theme.label,
            (false, 0) => theme.strong,
            (false, _) => theme.plain,
        };
        let mut pen = canvas.pen(inner, place.line);
        pen.write(&key.to_string(), if off { theme.label } else { theme.key }).skip(2);
        // A command that is cut is none to copy: then what speaks for it says more.
        let is_command = by_others && (place.index == chosen(state) || place.lines >= needed(state, suggestion, width));
        let (text, style) = grounds(suggestion, is_command, fact, theme);
        if place.lines == 1 {
            pen.cell(beside, &suggestion.title, ink).skip(2).write(&text, style);
        } else {
            let lines = broken(suggestion, (&text, style), ink, width, state.ascii);
            for (index, line) in (0..).zip(place.span()) {
                fold::write(canvas.pen(inner, line).skip(HANG), &lines, index, place.lines);
            }
        }
        cursor(canvas, rows, &place, place.index == state.cockpit.suggestions.row, focused);
    }
}

/// Key and gap before a title.
const HANG: u16 = 3;

/// As wide as the widest title of all, so that scrolling moves no column. A title says what would be done, and is whole before the
/// evidence begins.
fn title_width(state: &State, width: u16) -> u16 {
    let widest = state.advice.suggestions.iter().map(|suggestion| columns(&suggestion.title)).max().unwrap_or(0);
    widest.min(width.saturating_sub(HANG))
}

fn is_by_others(state: &State, suggestion: &Suggestion) -> bool {
    state.session.read_only || state.refused(&suggestion.request).is_some()
}

/// The title, and what speaks for it in the lines below.
fn broken(suggestion: &Suggestion, grounds: (&str, Style), ink: Style, width: u16, ascii: bool) -> Vec<fold::Parts> {
    let room = width.saturating_sub(HANG);
    let mut lines = fold::broken(&[(suggestion.title.to_string(), ink)], room, ascii);
    lines.extend(fold::broken(&[(grounds.0.to_owned(), grounds.1)], room, ascii));
    lines
}

/// Lines that show a suggestion whole: one where all has room beside the title.
fn needed(state: &State, suggestion: &Suggestion, width: u16) -> u16 {
    let theme = Theme::mono();
    let (text, style) = grounds(suggestion, is_by_others(state, suggestion), theme.plain, &theme);
    let beside = HANG + title_width(state, width) + 2;
    if beside.saturating_add(columns(&text)) <= narrowed(&text, width, state.ascii) {
        return 1;
    }
    fold::count(broken(suggestion, (&text, style), style, width, state.ascii).len())
}

/// The one that is read: without the focus the first.
fn chosen(state: &State) -> usize {
    if is_focused(state, Pane::Suggestions) { state.cockpit.suggestions.row } else { 0 }
}

/// Which suggestion has which lines of the list in a pane of this area.
pub fn places(state: &State, area: Rect) -> Vec<Place> {
    let suggestions = &state.advice.suggestions;
    let chosen = chosen(state);
    let width = area.width.saturating_sub(3);
    let (rows, top) = (area.height.saturating_sub(1), state.cockpit.suggestions.top);
    // Half a command is none: one that is to be copied takes the lines of those below it.
    let whole = suggestions.get(chosen).filter(|suggestion| is_by_others(state, suggestion)).map_or(1, |first| needed(state, first, width));
    let fitting = usize::from(rows.saturating_sub(whole - 1).max(1));
    let len = if chosen >= top && chosen - top < fitting { suggestions.len().min(top + fitting) } else { suggestions.len() };
    fold::places(rows, top, len, Some(chosen), |index| suggestions.get(index).map_or(1, |suggestion| needed(state, suggestion, width)))
}

/// The chosen suggestion in words, where its row is cut.
pub fn cut(state: &State, area: Rect) -> Option<String> {
    let row = state.cockpit.suggestions.row;
    let suggestion = state.advice.suggestions.get(row)?;
    let place = places(state, area).into_iter().find(|place| place.index == row)?;
    let theme = Theme::mono();
    let (text, _) = grounds(suggestion, is_by_others(state, suggestion), theme.plain, &theme);
    let width = area.width.saturating_sub(3);
    // A title that stands whole in its row leaves the room to what speaks for it.
    let has_title = columns(&suggestion.title) <= narrowed(&suggestion.title, title_width(state, width), state.ascii);
    (needed(state, suggestion, width) > place.lines).then(|| if has_title { text } else { format!("{}, {text}", suggestion.title) })
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
        format!("nothing to suggest from what is known; {}", standing.sentence)
    } else if let Some(note) = &state.advice.note {
        note.to_string()
    } else if state.views_only() || state.focused().is_none() {
        "nothing to suggest".to_owned()
    } else {
        format!("nothing to suggest; {all} lists what can be done with the selected row")
    };
    (words, theme.label)
}
