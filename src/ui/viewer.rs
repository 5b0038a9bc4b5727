//! Describe, YAML or logs of one object, over the whole body. Only the visible lines are read.

use std::ops::Range;

use ratatui::{layout::Rect, style::Style};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    canvas::{Canvas, Pen, columns, wrap},
    glyph,
    layout::{below, shell},
    line,
    selection::Run,
    theme::Theme,
    widgets::rule,
};
use crate::{
    domain::{log, units},
    state::{
        State,
        overlay::{Viewer, ViewerKind},
    },
};

pub fn area(state: &State) -> Rect {
    let shell = shell(state.size);
    Rect { height: shell.body.height + shell.status.height, ..shell.body }
}

pub fn rows(state: &State) -> Rect {
    below(area(state), 1)
}

pub fn render(canvas: &mut Canvas<'_>, state: &State, viewer: &Viewer) {
    let theme = canvas.theme;
    let area = area(state);
    canvas.clear(area);
    let what = match &viewer.what {
        ViewerKind::Describe => "Describe".to_owned(),
        ViewerKind::Yaml => "YAML".to_owned(),
        ViewerKind::Logs { container, previous } => {
            let shown = viewer.container.as_ref().or(container.as_ref());
            let role = viewer.containers.iter().find(|container| Some(&container.name) == shown).and_then(|container| container.role.word());
            let role = role.map_or(String::new(), |word| format!(" ({word})"));
            let container = shown.map_or(String::new(), |name| format!(" {name}{role}"));
            format!("{}{container}", if *previous { "Previous logs" } else { "Logs" })
        }
        ViewerKind::Diff { .. } => "Whole diff".to_owned(),
        ViewerKind::Command { .. } => "Output".to_owned(),
        ViewerKind::Detail { what, .. } => (*what).to_owned(),
    };
    let about = match &viewer.what {
        ViewerKind::Command { title, .. } | ViewerKind::Detail { title, .. } => title.to_string(),
        _ => viewer.about.to_string(),
    };
    let mut facts = vec![(about, theme.strong)];
    if viewer.containers.len() > 1 {
        facts.push((format!("  1 of {} containers", viewer.containers.len()), theme.label));
    }
    facts.push((format!("  {}", units::counted(viewer.lines.len() as u64, "line")), theme.label));
    if viewer.dropped > 0 {
        facts.push((format!(", {} older dropped", units::thousands(viewer.dropped)), theme.warning));
    }
    if viewer.follow {
        facts.push(("  following".to_owned(), theme.focus));
    }
    let facts: Vec<(&str, Style)> = facts.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    let status = (!viewer.status.is_empty()).then_some((viewer.status.as_str(), theme.label));
    rule::render_marked(canvas, area, &what, &facts, status, false);
    let rows = rows(state);
    if viewer.lines.is_empty() {
        let words = if viewer.status.is_empty() { "waiting for the first line" } else { &viewer.status };
        for (line, text) in (0..rows.height).zip(wrap(words, rows.width.saturating_sub(4))) {
            canvas.pen(rows, line).skip(2).write(&text, theme.label);
        }
    } else {
        lines(canvas, rows, viewer, state.log_times);
    }
    if viewer.searching {
        let footer = shell(state.size).footer;
        canvas.clear(footer);
        canvas.tint(footer, theme.footer);
        let mut pen = canvas.pen(footer, 0);
        pen.skip(1).write("/", theme.key);
        line::render(&mut pen, &viewer.search, theme.input);
    }
}

fn lines(canvas: &mut Canvas<'_>, area: Rect, viewer: &Viewer, times: bool) {
    let theme = canvas.theme;
    let needle = viewer.search.text.to_lowercase();
    for (row, drawn) in (0..area.height).zip(drawn(viewer, area, times)) {
        let mut pen = canvas.pen(Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area }, row);
        let ink = match viewer.what {
            ViewerKind::Diff { .. } => ink(theme, &viewer.lines[drawn.line]),
            _ => theme.plain,
        };
        let level = match viewer.what {
            ViewerKind::Logs { .. } => level(theme, viewer, &drawn, times),
            _ => None,
        };
        write_found(&mut pen, &drawn.piece, &needle, [ink, theme.found], level);
        if drawn.line == viewer.cursor.row {
            canvas.tint(Rect { y: area.y + row, height: 1, width: 1.min(area.width), ..area }, theme.selection);
            canvas.pen(area, row).write(glyph::CURSOR, theme.focus);
        }
    }
}

/// Where a piece of a log line names its level, and in which style that is written.
fn level(theme: &Theme, viewer: &Viewer, drawn: &Drawn, times: bool) -> Option<(Range<usize>, Style)> {
    let text = viewer.lines.get(drawn.line)?;
    let (range, level) = log::level(text)?;
    // The time stands in front.
    let shift = viewer.line(drawn.line, times).len() - text.len();
    let start = (range.start + shift).saturating_sub(drawn.at);
    let end = (range.end + shift).saturating_sub(drawn.at).min(drawn.piece.len());
    let range = start..end;
    drawn.piece.get(range.clone()).filter(|words| !words.is_empty())?;
    let style = match level {
        log::LogLevel::Error => theme.critical,
        log::LogLevel::Warning => theme.warning,
    };
    Some((range, style))
}

/// A line of a diff, by its mark.
fn ink(theme: &Theme, line: &str) -> Style {
    match line.get(..1) {
        Some("+") => theme.added,
        Some("-") => theme.removed,
        _ => theme.plain,
    }
}

/// A row of the viewer: a line, or a piece of a wrapped one.
struct Drawn {
    line: usize,
    /// Where the piece begins in the line, in bytes.
    at: usize,
    piece: String,
}

fn drawn(viewer: &Viewer, area: Rect, times: bool) -> Vec<Drawn> {
    let room = area.width.saturating_sub(2);
    let height = usize::from(area.height);
    let first = if viewer.wrap { first_wrapped(viewer, room, height, times) } else { viewer.cursor.top };
    let mut rows = Vec::with_capacity(height);
    for line in first..viewer.lines.len() {
        let text = viewer.line(line, times);
        let mut end = 0;
        for piece in if viewer.wrap { wrap(&text, room) } else { vec![text.to_string()] } {
            if rows.len() >= height {
                return rows;
            }
            // Wrapping leaves blanks out, and nothing else.
            let at = end + text.get(end..).and_then(|rest| rest.find(&piece)).unwrap_or(0);
            end = at + piece.len();
            rows.push(Drawn { line, at, piece });
        }
    }
    rows
}

/// The text of the lines under these runs of cells: a line that goes on beyond the screen is taken to its end, and one that
/// is wrapped stays one line.
pub fn text_under(viewer: &Viewer, area: Rect, runs: &[Run], times: bool) -> String {
    let room = area.width.saturating_sub(1);
    let rows = drawn(viewer, area, times);
    let mut text = String::new();
    let mut before: Option<(usize, usize)> = None;
    for run in runs {
        let Some(drawn) = rows.get(usize::from(run.row.saturating_sub(area.y))) else { break };
        let line = viewer.line(drawn.line, times);
        let [from, to] = [run.start, run.end].map(|column| column.saturating_sub(area.x + 1));
        let is_cut = columns(&drawn.piece) > room;
        let end = if is_cut && to >= room { line.len() } else { drawn.at + bytes_before(&drawn.piece, to) };
        let start = match before {
            Some((same, end)) if same == drawn.line => end,
            Some(_) => {
                text.push('\n');
                drawn.at + bytes_before(&drawn.piece, from)
            }
            None => drawn.at + bytes_before(&drawn.piece, from),
        };
        text.push_str(line.get(start..end).unwrap_or_default());
        before = Some((drawn.line, end));
    }
    text
}

/// Length of the text that stands left of a column.
fn bytes_before(text: &str, column: u16) -> usize {
    let mut used = 0;
    let mut graphemes = text.grapheme_indices(true);
    let first_beyond = graphemes.find(|(_, grapheme)| {
        let is_beyond = used >= column;
        used += columns(grapheme);
        is_beyond
    });
    first_beyond.map_or(text.len(), |(index, _)| index)
}

/// Wrapped lines take more rows than the cursor's arithmetic knows of: start so that its line is still in sight.
fn first_wrapped(viewer: &Viewer, room: u16, height: usize, times: bool) -> usize {
    let mut used = 0;
    let mut first = viewer.cursor.row.min(viewer.lines.len().saturating_sub(1));
    loop {
        used += wrap(&viewer.line(first, times), room).len();
        if used > height {
            return (first + 1).min(viewer.cursor.row);
        }
        if first <= viewer.cursor.top || first == 0 {
            return first;
        }
        first -= 1;
    }
}

/// Writes a line with what was searched for marked, whatever its case, and its level in a style of its own.
fn write_found(pen: &mut Pen<'_, '_>, text: &str, needle: &str, [plain, found]: [Style; 2], level: Option<(Range<usize>, Style)>) {
    let lower = text.to_lowercase();
    let mut marks: Vec<(Range<usize>, Style)> = Vec::new();
    // Lower-casing may move byte positions outside ASCII; such lines are shown unmarked rather than wrongly.
    if !needle.is_empty() && lower.len() == text.len() {
        marks.extend(lower.match_indices(needle).map(|(start, found)| start..start + found.len()).map(|range| (range, found)));
    }
    // What was searched for is marked over it.
    if let Some((range, style)) = level
        && marks.iter().all(|(mark, _)| mark.end <= range.start || range.end <= mark.start)
    {
        marks.push((range, style));
        marks.sort_by_key(|(range, _)| range.start);
    }
    let mut rest = 0;
    for (Range { start, end }, style) in marks {
        let (Some(before), Some(marked)) = (text.get(rest..start), text.get(start..end)) else { break };
        pen.write(before, plain).write(marked, style);
        rest = end;
    }
    pen.write(&text[rest..], plain);
}
