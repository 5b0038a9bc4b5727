//! Patterns of the errors in the logs.

use ratatui::{layout::Rect, style::Style};

use super::{cursor, is_focused, say};
use crate::{
    domain::{
        health::SourceId,
        log_pattern::{ErrorWindow, Pattern},
        units,
    },
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::{Canvas, narrowed, wrap_name},
        glyph,
        layout::below,
        widgets::{
            filtered,
            fold::{self, Place},
            freshness::{self, Standing, Trust},
            rule, sparkline,
        },
    },
};

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = standing(state);
    let focused = is_focused(state, Pane::Errors);
    let Some(window) = &state.errors else {
        rule::render(canvas, area, "Errors", &[], Some(&standing), focused);
        let words = if standing.sentence.is_empty() { "waiting for the first answer" } else { &standing.sentence };
        say(canvas, below(area, 1), words, standing.style(theme));
        return;
    };
    let count = units::thousands(window.recent);
    let recent = window.patterns.iter().filter(|pattern| pattern.recent > 0).count() as u64;
    let older = window.patterns.len() as u64 - recent;
    let older = if older > 0 { format!(", {} older", units::thousands(older)) } else { String::new() };
    let patterns = units::counted(recent, "pattern");
    let is_estimate = window.sampled.is_some();
    let sampled = window.sampled.map_or(String::new(), |sampled| format!(" of {} sampled", units::thousands(sampled)));
    let summary = if window.patterns.is_empty() {
        format!("{count} in 15 min")
    } else {
        format!("{count} in 15 min {} {patterns}{sampled}{older}", glyph::DOT)
    };
    let ink = standing.fact(theme, theme.plain);
    // Zero errors in nothing that was searched would be read as zero errors.
    let filter = state.filter_of(Pane::Errors);
    let told = if filter.is_empty() { String::new() } else { format!(" {} {}", glyph::DOT, filtered::words(filter, state.narrowed(Pane::Errors))) };
    let facts = [(summary.as_str(), ink), (told.as_str(), theme.focus)];
    let is_unknown = window.shards.1 == 0 || window.unknown.is_some() || window.recent == 0 && !standing.is_live();
    rule::render(canvas, area, "Errors", if is_unknown { &[] } else { &facts }, Some(&standing), focused);
    if window.patterns.is_empty() {
        let (text, is_good) = nothing(window, &standing);
        say(canvas, below(area, 1), &text, if is_good { theme.ok } else { theme.warning });
        return;
    }
    if let Some(histogram) = histogram(area) {
        let values: Vec<_> = window.per_minute.iter().map(|count| Some(*count as f64)).collect();
        let mut pen = canvas.pen(histogram, 0);
        pen.skip(3).write("last hour ", theme.label);
        sparkline::render(&mut pen, &values, None, crate::domain::kpi::Direction::HigherIsWorse, ink);
    }
    let rows = list(area);
    let inner = inner(rows);
    let service_width = service_width(inner.width);
    let patterns: Vec<&Pattern> = state.shown_patterns().collect();
    if patterns.is_empty() {
        say(canvas, rows, &filtered::none(filter, window.patterns.len(), "patterns"), theme.label);
        return;
    }
    for place in places(state, area) {
        let Some(pattern) = patterns.get(place.index) else { continue };
        let sign = if is_estimate { glyph::ABOUT } else { glyph::TIMES };
        // What did not happen in the last 15 minutes is history.
        let ink = if pattern.recent > 0 { ink } else { theme.label };
        // Of those that were not among the newest that were read nobody knows how many there are.
        let count = if is_estimate && pattern.recent == 0 { "?".to_owned() } else { format!("{sign}{}", units::thousands(pattern.recent)) };
        let news = match (pattern.is_new, pattern.is_surging) {
            (true, _) => "new",
            (false, true) => "up",
            (false, false) => "",
        };
        let (service, shape) = broken(pattern, inner.width, (standing.fact(theme, theme.label), ink), state.ascii);
        for (index, line) in (0..).zip(place.span()) {
            let mut pen = canvas.pen(inner, line);
            if index == 0 {
                pen.cell_right(COUNT, &count, ink).skip(1).cell(NEWS, news, standing.fact(theme, theme.warning)).skip(1);
            } else {
                pen.skip(COUNT + NEWS + 2);
            }
            if place.lines == 1 {
                pen.cell_name(service_width, &pattern.service, standing.fact(theme, theme.label)).skip(1);
            } else {
                let rest = service.get(usize::from(index)..).unwrap_or_default();
                let piece = if index + 1 == place.lines { rest.concat() } else { rest.first().cloned().unwrap_or_default() };
                pen.cell_name(service_width, &piece, standing.fact(theme, theme.label)).skip(1);
            }
            fold::write(&mut pen, &shape, index, place.lines);
        }
        cursor(canvas, rows, &place, place.index == state.cockpit.errors.row, focused);
    }
    filtered::mark(canvas, rows, filter);
}

/// Columns of the count and of the word for news.
const COUNT: u16 = 6;
const NEWS: u16 = 3;

/// The rows of the patterns in a pane of this area.
pub fn list(area: Rect) -> Rect {
    below(area, 1 + histogram(area).map_or(0, |histogram| histogram.height))
}

fn inner(rows: Rect) -> Rect {
    Rect { x: rows.x + 3, width: rows.width.saturating_sub(4), ..rows }
}

/// Half of what a wider pane has more, so that the text gains too.
fn service_width(inner: u16) -> u16 {
    (13 + inner.saturating_sub(76) / 2).min(24)
}

/// Service and shape of a pattern, broken into the lines of their columns.
fn broken(pattern: &Pattern, inner: u16, (label, ink): (Style, Style), ascii: bool) -> (Vec<String>, Vec<fold::Parts>) {
    let service_width = service_width(inner);
    let last = pattern.quiet_minutes.map(|minutes| (format!("last {minutes} min ago: "), label));
    let parts: fold::Parts = last.into_iter().chain([(pattern.shape.to_string(), ink)]).collect();
    let room = inner.saturating_sub(COUNT + NEWS + 3 + service_width);
    (wrap_name(&pattern.service, narrowed(&pattern.service, service_width, ascii)), fold::broken(&parts, room, ascii))
}

fn needed(pattern: &Pattern, inner: u16, ascii: bool) -> u16 {
    let (service, shape) = broken(pattern, inner, Default::default(), ascii);
    fold::count(service.len().max(shape.len()))
}

/// Which pattern has which lines of the list in a pane of this area.
pub fn places(state: &State, area: Rect) -> Vec<Place> {
    let patterns: Vec<&Pattern> = state.shown_patterns().collect();
    let rows = list(area);
    let chosen = is_focused(state, Pane::Errors).then_some(state.cockpit.errors.row);
    let width = inner(rows).width;
    fold::places(rows.height, state.cockpit.errors.top, patterns.len(), chosen, |index| {
        patterns.get(index).map_or(1, |pattern| needed(pattern, width, state.ascii))
    })
}

/// The chosen pattern in words, where its row is cut.
pub fn cut(state: &State, area: Rect) -> Option<String> {
    let row = state.cockpit.errors.row;
    let pattern = state.pattern_under_cursor()?;
    let place = places(state, area).into_iter().find(|place| place.index == row)?;
    (needed(pattern, inner(area).width, state.ascii) > place.lines).then(|| format!("{}: {}", pattern.service, pattern.shape))
}

/// Where the errors of the last hour are drawn; only larger panes have it.
pub fn histogram(area: Rect) -> Option<Rect> {
    (area.height >= 9).then(|| Rect { height: 1, ..below(area, 1) })
}

/// A partial answer is said even while Elasticsearch is live.
fn standing(state: &State) -> Standing {
    let mut standing = freshness::of(state, &[SourceId::Errors]);
    if standing.is_live()
        && let Some(why) = state.errors.as_ref().and_then(|window| window.unknown.as_ref())
    {
        return Standing::doubtful(why);
    }
    let Some(window) = state.errors.as_ref().filter(|window| window.is_partial()) else { return standing };
    let (answered, all, what) = window.unanswered().unwrap_or((window.shards.0, window.shards.1, "shard"));
    let words = match (answered < all, window.timed_out) {
        (true, false) => format!("partial {answered}/{all}"),
        (true, true) => format!("partial {answered}/{all}, timed out"),
        _ => "timed out: partial".to_owned(),
    };
    if standing.trust == Trust::Live {
        standing.trust = Trust::Doubtful;
        standing.marker = format!("{} {words}", glyph::WARNING);
    } else if !standing.marker.contains("partial") {
        standing.marker = format!("{}, {words}", standing.marker);
    }
    standing.sentence = format!("{answered} of {} answered; {}", units::counted(u64::from(all), what), standing.sentence);
    standing
}

fn is_nothing(window: &ErrorWindow) -> bool {
    window.patterns.is_empty() && window.recent == 0
}

fn nothing(window: &ErrorWindow, standing: &Standing) -> (String, bool) {
    if is_nothing(window) && standing.is_live() {
        (format!("{} no errors in the last 15 min", glyph::OK), true)
    } else if is_nothing(window) {
        // What is wrong by now, and not what was wrong with the last answer.
        (format!("cannot tell whether there are errors: {}", standing.sentence.trim_end_matches("; ")), false)
    } else if standing.sentence.is_empty() {
        ("no pattern could be made of them".to_owned(), false)
    } else {
        (format!("no pattern could be made of them: {}", standing.sentence), false)
    }
}
