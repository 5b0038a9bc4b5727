//! Key indicators: value, threshold, history, since when; each with the marker of its freshness.

use ratatui::{layout::Rect, style::Style};

use super::is_focused;
use crate::{
    domain::{
        change::ChangeKind,
        health::SourceId,
        kpi::{Direction, Kpi, KpiReading, Level, Unit},
        trend, units,
    },
    state::{KpiState, State, screens::cockpit::Pane, timeline::EntryKind},
    ui::{
        canvas::{Canvas, columns, wrap_for},
        clock, glyph,
        layout::below,
        theme::Theme,
        widgets::{
            chart::{self, Chart, Marker},
            fold,
            freshness::{self, Standing},
            sparkline,
        },
    },
};

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State, count: u16) {
    if area.height == 0 || count == 0 {
        return;
    }
    if state.kpis.is_empty() {
        super::say(canvas, area, "No indicators are configured: [[kpis]] in the configuration names them.", canvas.theme.label);
        return;
    }
    let width = area.width / count;
    let (tiles, _) = arranged(state, count);
    for (index, kpi) in (0..count).zip(&tiles) {
        let tile = Rect { x: area.x + index * width, width, ..area };
        let bar = Rect { x: tile.right().saturating_sub(1), width: 1, ..tile };
        for line in 0..tile.height {
            let theme = canvas.theme;
            canvas.pen(bar, line).write(glyph::BAR, theme.rule);
        }
        render_one(canvas, Rect { x: tile.x + 1, width: tile.width.saturating_sub(2), ..tile }, state, kpi, index == 0);
    }
    let all = Rect { width: (width * count).saturating_sub(1), ..area };
    if tiles.iter().all(|kpi| kpi.reading.is_none()) {
        say_why_empty(canvas, below(all, 2), state);
    }
}

/// The indicators with a tile, and the others. A bad one takes the place of one that is better off: the last of those that fare best.
fn arranged(state: &State, count: u16) -> (Vec<&KpiState>, Vec<&KpiState>) {
    let rank = |kpi: &KpiState| match kpi.level() {
        Level::Critical => 3,
        Level::Warning => 2,
        Level::NoData => 1,
        Level::Good => 0,
    };
    let all: Vec<&KpiState> = state.kpis.iter().collect();
    let (tiles, others) = all.split_at(usize::from(count).min(all.len()));
    let (mut tiles, mut others) = (tiles.to_vec(), others.to_vec());
    others.sort_by_key(|kpi| std::cmp::Reverse(rank(kpi)));
    for other in &mut others {
        let Some(best) = (0..tiles.len()).rev().min_by_key(|at| rank(tiles[*at])) else { break };
        if rank(other) >= 2 && rank(other) > rank(tiles[best]) {
            std::mem::swap(other, &mut tiles[best]);
        }
    }
    others.sort_by_key(|kpi| std::cmp::Reverse(rank(kpi)));
    (tiles, others)
}

/// Across all tiles: what is waited for or what is wrong, since when. One tile is too narrow for it.
fn say_why_empty(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let standing = freshness::of(state, &[SourceId::Metrics]);
    let style = standing.style(canvas.theme);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    for (line, words) in (0..area.height).zip(canvas.wrap(&standing.sentence, inner.width)) {
        if words.is_empty() {
            break;
        }
        // Over the bars between the tiles.
        canvas.pen(area, line).write(&" ".repeat(usize::from(area.width)), style);
        canvas.pen(inner, line).write(&words, style);
    }
}

fn render_one(canvas: &mut Canvas<'_>, area: Rect, state: &State, kpi: &KpiState, is_first: bool) {
    let theme = canvas.theme;
    let standing = standing(state, kpi);
    let focused = is_first && is_focused(state, Pane::Tiles);
    // Beside the whole title, as far as an age can be.
    let short = if standing.is_live() { standing.marker.clone() } else { standing.short(area.width.saturating_sub(columns(&kpi.spec.title) + 1)) };
    // Words may use the last column; history, and the marker beside a short title, leave it blank before the bar.
    let narrow = Rect { width: area.width.saturating_sub(1), ..area };
    let is_long = columns(&kpi.spec.title) + 1 + canvas.columns(&short) > narrow.width;
    let left = canvas.right(if is_long { area } else { narrow }, 0, &short, standing.style(theme));
    let mut pen = canvas.pen(Rect { width: left.width.saturating_sub(1), ..left }, 0);
    if focused {
        pen.write(glyph::CURSOR, theme.focus).write(&kpi.spec.title, theme.focus);
    } else {
        pen.write(&kpi.spec.title, theme.label);
    }

    let reading = kpi.reading.as_ref();
    let value = reading.and_then(|reading| reading.value).filter(|value| value.is_finite());
    let level = kpi.spec.level(value);
    let mut pen = canvas.pen(area, 1);
    match value {
        None => {
            let (text, style) = no_data(theme, &standing);
            pen.write(&text, style);
        }
        Some(value) => {
            let ink = standing.fact(theme, ink(theme, level));
            pen.write(&units::value(value, kpi.spec.unit), ink.add_modifier(ratatui::style::Modifier::BOLD));
            let judgement = judgement(&kpi.spec, level);
            let wanted = judgement.as_ref().map_or(0, |(sign, words)| 1 + pen.columns_of(sign) + columns(words));
            pen.skip(if pen.left() >= wanted + 2 { 2 } else { 1 });
            match judgement {
                // A value that is not current was not checked.
                Some(_) if level == Level::Good && !standing.is_live() => {}
                Some((sign, words)) => {
                    let sign_ink = if level == Level::Good { theme.ok } else { ink };
                    pen.write(sign, sign_ink).skip(1).write(&words, standing.fact(theme, theme.label));
                }
                None => {}
            }
        }
    }

    if area.height <= 2 {
        return;
    }
    let problem = reading.and_then(|reading| reading.problem.as_ref()).map(|problem| format!("{} {problem}", glyph::WARNING));
    let told = problem.map(|problem| wrap_for(&problem, area.width, state.ascii)).unwrap_or_default();
    // What is wrong is read whole, before the history is drawn large.
    let told_rows = fold::count(told.len()).clamp(1, area.height - 2);
    let plot = Rect { height: area.height - 2 - told_rows, ..below(narrow, 2) };
    render_history(canvas, plot, state, kpi, level, &standing);
    let last = below(area, area.height - told_rows);
    if told.is_empty() {
        let words = since_and_trend(state, kpi, level, area.width);
        canvas.pen(last, 0).write(&words, standing.fact(theme, theme.plain));
        if plot.height > 0 {
            say_span(canvas, plot, last, columns(&words), kpi);
        }
    }
    let told: Vec<fold::Parts> = told.into_iter().map(|line| vec![(line, theme.warning)]).collect();
    for line in 0..told_rows.min(fold::count(told.len())) {
        fold::write(&mut canvas.pen(last, line), &told, line, told_rows);
    }
}

/// Columns between the words of the last line and the span: closer, `since 14:08 30m` reads as if it had lasted for 30 minutes.
const APART: u16 = 4;

/// How long the history is: at the right of the last line, or in the upper left corner of a plot that has more than one line.
fn say_span(canvas: &mut Canvas<'_>, plot: Rect, last: Rect, used: u16, kpi: &KpiState) {
    let Some(history) = kpi.reading.as_ref().and_then(|reading| reading.history.as_ref()).filter(|history| !history.values.is_empty()) else {
        return;
    };
    let span = history.step.saturating_mul(u32::try_from(history.values.len()).unwrap_or(u32::MAX));
    let style = canvas.theme.label;
    let (long, short) = (units::age_in_words(span), units::age(span));
    let room = plot.width.saturating_sub(if used == 0 { 0 } else { used + APART });
    let line = Rect { width: plot.width, ..last };
    if columns(&long) <= room {
        canvas.right(line, 0, &long, style);
    } else if columns(&short) <= room {
        canvas.right(line, 0, &short, style);
    } else if plot.height > 1 {
        canvas.pen(plot, 0).write(&format!("{short} "), style);
    }
}

fn render_history(canvas: &mut Canvas<'_>, area: Rect, state: &State, kpi: &KpiState, level: Level, standing: &Standing) {
    let theme = canvas.theme;
    let Some(history) = kpi.reading.as_ref().and_then(|reading| reading.history.as_ref()).filter(|history| !history.values.is_empty()) else {
        return;
    };
    let threshold = kpi.spec.critical.or(kpi.spec.warning);
    let bad = standing.fact(theme, if kpi.spec.critical.is_some() { theme.critical } else { theme.warning });
    let good = standing.fact(theme, theme.plain);
    if area.height < 2 {
        let ink = if level == Level::Critical { bad } else { good };
        sparkline::render(&mut canvas.pen(area, 0), &history.values, threshold, kpi.spec.direction, ink);
        return;
    }
    let markers = if area.height >= 5 { markers(canvas, state) } else { Vec::new() };
    chart::render(canvas, area, &Chart { history, threshold, direction: kpi.spec.direction, inks: (good, bad), markers: &markers });
}

/// What changed, and what this program did, as markers on the time axis.
fn markers(canvas: &Canvas<'_>, state: &State) -> Vec<Marker> {
    let changes = state.cluster.changes.iter().filter(|change| !matches!(change.what, ChangeKind::NodeNotReady { .. }));
    let changes = changes.filter_map(|change| Some(Marker { at: change.at?, glyph: glyph::CHANGE, style: canvas.theme.strong }));
    let own = state.timeline.entries.iter().filter(|entry| entry.what == EntryKind::OwnAction);
    changes.chain(own.map(|entry| Marker { at: entry.at, glyph: glyph::MARK, style: canvas.theme.own })).collect()
}

/// The indicators without a tile, in one line: the worst first, so that a cut never hides an alarm.
pub fn render_others(canvas: &mut Canvas<'_>, area: Rect, state: &State, tiles: u16) {
    let theme = canvas.theme;
    let others: Vec<_> = arranged(state, tiles).1.into_iter().map(|kpi| (kpi.level(), kpi)).collect();
    let parts: Vec<Vec<Vec<(String, Style)>>> =
        [true, false].map(|with_limits| others.iter().map(|(level, kpi)| other(state, theme, kpi, *level, with_limits)).collect()).into();
    let width = |part: &[(String, Style)]| part.iter().fold(0_u16, |sum, (text, _)| sum.saturating_add(columns(text)));
    let room = area.width.saturating_sub(2);
    let whole = |parts: &&Vec<Vec<(String, Style)>>| parts.iter().fold(0_u16, |sum, part| sum.saturating_add(width(part) + 3)) <= room + 3;
    // The limits give way before an indicator does, and one that does not fit is left out whole: a title is no value.
    let Some(parts) = parts.iter().find(whole).or(parts.first()) else { return };
    let mut pen = canvas.pen(area, 0);
    pen.skip(1);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            let needed = width(part) + 3 + if index + 1 < parts.len() { 2 } else { 0 };
            if pen.left() < needed {
                pen.skip(1).write(glyph::ELLIPSIS, theme.label);
                return;
            }
            pen.write(&format!(" {} ", glyph::DOT), theme.rule);
        }
        for (text, style) in part {
            pen.write(text, *style);
        }
    }
}

/// One indicator of the line: title, value, what to think of it.
fn other(state: &State, theme: &Theme, kpi: &KpiState, level: Level, with_limit: bool) -> Vec<(String, Style)> {
    let standing = standing(state, kpi);
    let mut part = vec![(format!("{} ", kpi.spec.title), theme.label)];
    let Some(value) = kpi.reading.as_ref().and_then(|reading| reading.value).filter(|value| value.is_finite()) else {
        part.push(no_data(theme, &standing));
        return part;
    };
    let ink = standing.fact(theme, ink(theme, level));
    part.push((units::value(value, kpi.spec.unit), ink));
    match judgement(&kpi.spec, level) {
        Some((sign, words)) if level != Level::Good => {
            part.push((format!(" {sign}"), ink));
            part.extend(with_limit.then(|| (format!(" {words}"), theme.label)));
        }
        Some((sign, _)) if standing.is_live() => part.push((format!(" {sign}"), theme.ok)),
        _ => {}
    }
    if !standing.is_live() {
        part.push((format!(" {}", standing.short(12)), standing.style(theme)));
    }
    part
}

/// While the first answer is awaited there is nothing to be alarmed about; after it, no data is a warning.
fn no_data(theme: &Theme, standing: &Standing) -> (String, Style) {
    if standing.trust == freshness::Trust::Waiting {
        (format!("{} no data yet", glyph::ELLIPSIS), theme.label)
    } else {
        (format!("{} no data", glyph::WARNING), theme.warning)
    }
}

/// Prometheus may answer with an old sample, or with none: what it says of this indicator counts too.
pub fn standing(state: &State, kpi: &KpiState) -> Standing {
    let server = freshness::of(state, &[SourceId::Metrics]);
    let sample_age = kpi.reading.as_ref().and_then(|reading| reading.at).map(|at| {
        let offset = state.sources.get(&SourceId::Metrics).and_then(|source| source.clock_offset).unwrap_or(state.session.clock_offset);
        (state.now.utc + offset).signed_duration_since(at).to_std().unwrap_or_default()
    });
    let reading = kpi.reading.as_ref();
    match sample_age.filter(|age| *age > kpi.spec.freshness_limit) {
        Some(age) if server.trust < freshness::Trust::Stale => Standing::old(age, "the newest sample"),
        // The server is live, and this indicator is not: there is no number, or only part of one.
        _ if server.is_live() && reading.is_none_or(|reading| reading.value.is_none() || reading.problem.is_some()) => {
            Standing::doubtful("Prometheus answers, but not this query as a whole")
        }
        _ => server,
    }
}

fn ink(theme: &Theme, level: Level) -> Style {
    match level {
        Level::Critical => theme.critical,
        Level::Warning | Level::NoData => theme.warning,
        Level::Good => theme.plain,
    }
}

/// `▲ > 5 %`, `! > 80 %`, `✓ ≤ 5 %` without the sign that the terminal may not have: `✓ < 5 %`.
fn judgement(kpi: &Kpi, level: Level) -> Option<(&'static str, String)> {
    let (beyond, within) = match kpi.direction {
        Direction::HigherIsWorse => (">", "<"),
        Direction::LowerIsWorse => ("<", ">"),
    };
    let written = |limit: f64| units::threshold(limit, kpi.unit);
    match level {
        Level::Critical => kpi.critical.map(|limit| (glyph::CRITICAL, format!("{beyond} {}", written(limit)))),
        Level::Warning => kpi.warning.map(|limit| (glyph::WARNING, format!("{beyond} {}", written(limit)))),
        Level::Good => kpi.warning.or(kpi.critical).map(|limit| (glyph::OK, format!("{within} {}", written(limit)))),
        Level::NoData => None,
    }
}

/// Both where they fit; the trend gives way before the beginning does.
fn since_and_trend(state: &State, kpi: &KpiState, level: Level, room: u16) -> String {
    let Some(reading) = &kpi.reading else { return String::new() };
    let since = state.bad_since(kpi).filter(|_| matches!(level, Level::Critical | Level::Warning));
    // Bad from the first moment that is known: it began then or earlier.
    let since = since.map(|(at, or_earlier)| (if or_earlier { "before" } else { "since" }, clock::moment(state, at)));
    match (since, trend(&kpi.spec, reading)) {
        (None, trend) => trend.unwrap_or_default(),
        (Some((word, at)), None) => format!("{word} {at}"),
        (Some((word, at)), Some(trend)) => {
            let whole = format!("{word} {at} {trend}");
            let shorter = format!("from {at} {trend}");
            match (columns(&whole) <= room, columns(&shorter) <= room && word == "since") {
                (true, _) => whole,
                (false, true) => shorter,
                (false, false) => format!("{word} {at}"),
            }
        }
    }
}

/// Of the last minute, where the configuration asks for a trend.
fn trend(kpi: &Kpi, reading: &KpiReading) -> Option<String> {
    kpi.trend_query.as_ref()?;
    let trend = trend::told(kpi, reading)?;
    let unit = if kpi.unit == Unit::Count { Unit::PerSecond } else { kpi.unit };
    let text = units::value(trend.abs(), unit);
    let sign = if trend > 0.0 { "+" } else { "-" };
    let suffix = if kpi.unit == Unit::Count { "" } else { "/s" };
    let is_nothing = !text.contains(|digit: char| ('1'..='9').contains(&digit));
    Some(if is_nothing { "steady".to_owned() } else { format!("{sign}{text}{suffix}") })
}
