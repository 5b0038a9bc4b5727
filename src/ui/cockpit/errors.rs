//! Patterns of the errors in the logs.

use ratatui::layout::Rect;

use super::{cursor, is_focused, say};
use crate::{
    domain::{health::SourceId, log_pattern::ErrorWindow, units},
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::Canvas,
        glyph,
        layout::below,
        widgets::{
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
    let patterns = match window.patterns.iter().filter(|pattern| pattern.recent > 0).count() {
        1 => "1 pattern".to_owned(),
        many => format!("{many} patterns"),
    };
    let is_estimate = window.sampled.is_some();
    let sampled = window.sampled.map_or(String::new(), |sampled| format!(" of {} sampled", units::thousands(sampled)));
    let summary =
        if window.patterns.is_empty() { format!("{count} in 15 min") } else { format!("{count} in 15 min {} {patterns}{sampled}", glyph::DOT) };
    let ink = standing.fact(theme, theme.plain);
    // Zero errors in nothing that was searched would be read as zero errors.
    let facts = [(summary.as_str(), ink)];
    rule::render(canvas, area, "Errors", if window.shards.1 == 0 || window.unknown.is_some() { &[] } else { &facts }, Some(&standing), focused);
    let mut rows = below(area, 1);
    if window.patterns.is_empty() {
        let (text, is_good) = nothing(window, &standing);
        say(canvas, rows, &text, if is_good { theme.ok } else { theme.warning });
        return;
    }
    if let Some(histogram) = histogram(area) {
        let values: Vec<_> = window.per_minute.iter().map(|count| Some(*count as f64)).collect();
        let mut pen = canvas.pen(histogram, 0);
        pen.skip(3).write("last hour ", theme.label);
        sparkline::render(&mut pen, &values, None, crate::domain::kpi::Direction::HigherIsWorse, ink);
        rows = below(rows, 1);
    }
    let inner = Rect { x: area.x + 3, width: area.width.saturating_sub(4), ..rows };
    let service_width = if inner.width >= 90 { 24 } else { 13 };
    for (line, (index, pattern)) in (0..rows.height).zip(window.patterns.iter().enumerate().skip(state.cockpit.errors.top)) {
        let mut pen = canvas.pen(inner, line);
        let sign = if is_estimate { glyph::ABOUT } else { glyph::TIMES };
        // What did not happen in the last 15 minutes is history.
        let ink = if pattern.recent > 0 { ink } else { theme.label };
        // Of those that were not among the newest that were read nobody knows how many there are.
        let count = if is_estimate && pattern.recent == 0 { String::new() } else { format!("{sign}{}", units::thousands(pattern.recent)) };
        pen.cell_right(6, &count, ink).skip(1);
        let news = match (pattern.is_new, pattern.is_surging) {
            (true, _) => "new",
            (false, true) => "up",
            (false, false) => "",
        };
        pen.cell(3, news, standing.fact(theme, theme.warning)).skip(1);
        pen.cell_name(service_width, &pattern.service, standing.fact(theme, theme.label)).skip(1);
        if let Some(minutes) = pattern.quiet_minutes {
            pen.write(&format!("last {minutes} min ago: "), standing.fact(theme, theme.label));
        }
        pen.write(&pattern.shape, ink);
        cursor(canvas, rows, line, index == state.cockpit.errors.row, focused);
    }
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
    let (answered, all) = window.shards;
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
    standing.sentence = format!("{answered} of {all} shards answered; {}", standing.sentence);
    standing
}

fn nothing(window: &ErrorWindow, standing: &Standing) -> (String, bool) {
    if let Some(why) = &window.unknown {
        (format!("cannot tell whether there are errors: {why}"), false)
    } else if standing.is_live() && window.recent == 0 {
        (format!("{} no errors in the last 15 min", glyph::OK), true)
    } else if window.recent == 0 {
        (format!("none was found, but the answer is not whole or not current: {}", standing.sentence), false)
    } else if standing.sentence.is_empty() {
        ("no pattern could be made of them".to_owned(), false)
    } else {
        (format!("no pattern could be made of them: {}", standing.sentence), false)
    }
}
