//! The escalation ladder of one firing alert, and the list of all that fire.

use std::{cmp::Ordering, fmt::Write};

use ratatui::{layout::Rect, style::Style};

use super::{
    is_focused,
    ladder::{self, Ink},
};
use crate::{
    domain::{
        alert::{Alert, Severity},
        health::SourceId,
        units,
    },
    state::{State, escalation::Escalation, screens::cockpit::Pane},
    ui::{
        canvas::{Canvas, columns, widening, wrap_for},
        clock, glyph,
        layout::below,
        theme::Theme,
        widgets::{
            fold::{self, Place},
            freshness::{self, Standing, Trust},
            rule,
        },
    },
};

/// Rows of the list of alerts under the ladder.
pub fn visible_alerts(area: Rect, state: &State) -> u16 {
    let Some(shown) = state.escalation() else { return 0 };
    area.height.saturating_sub(list_start(area, ladder::lines(state, &shown, area.width).len()))
}

/// First line of the list of alerts, counted from the top of the pane, below a ladder of so many lines; only tall panes have one.
fn list_start(area: Rect, lines: usize) -> u16 {
    let start = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2);
    if area.height >= start.saturating_add(3) { start } else { area.height }
}

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = freshness::of(state, &[SourceId::Alerts]);
    let focused = is_focused(state, Pane::Escalation);
    let Some(shown) = state.escalation() else {
        let inner = Rect { width: area.width.saturating_sub(1), ..area };
        rule::render(canvas, inner, "Escalation", &[], Some(&standing), focused);
        let (text, style) = nothing(state, &standing);
        let style = if style { theme.ok } else { theme.warning };
        let text_area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..below(area, 1) };
        for (line, text) in (0..text_area.height).zip(canvas.wrap(&text, text_area.width)) {
            canvas.pen(text_area, line).write(&text, style);
        }
        return;
    };
    let all = ladder::lines(state, &shown, area.width);
    let start = list_start(area, all.len());
    let mut lines = ladder::fitting(all, area.height - 1);
    let others = state.firing().count() - 1;
    let in_title = if lines.iter().any(|line| line.is_tally) { 0 } else { others };
    title(canvas, area, state, &shown, &standing, in_title, focused);
    if let Some(hidden) = silenced(state).filter(|_| start >= area.height && lines.len() + 1 < usize::from(area.height)) {
        lines.push(ladder::hidden(hidden));
    }
    let (_, alarm) = severity(theme, shown.alert.severity);
    for (row, line) in (1..area.height).zip(&lines) {
        let ink = match line.ink {
            Ink::Alarm => alarm,
            Ink::Strong => theme.strong,
            Ink::Plain => theme.plain,
            Ink::Label => theme.label,
            Ink::Own => theme.own,
        };
        let ink = standing.fact(theme, ink);
        if line.right.is_empty() {
            let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
            canvas.pen(inner, row).write(&line.left, ink);
        } else {
            let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
            let left = canvas.right(inner, row, &line.right, ink);
            let mut pen = canvas.pen(left, 0);
            let room = pen.left().saturating_sub(1);
            pen.write_in(room, &line.left, ink);
        }
    }
    if start < area.height {
        list(canvas, below(area, start - 1), state, &standing, focused);
    }
}

fn title(canvas: &mut Canvas<'_>, area: Rect, state: &State, shown: &Escalation, standing: &Standing, others: usize, focused: bool) {
    let theme = canvas.theme;
    let (words, _) = ladder::title(state, shown, area.width);
    let (word, style) = severity(theme, shown.alert.severity);
    let style = standing.fact(theme, style);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let marker = if standing.is_live() { String::new() } else { format!("  {}", standing.marker) };
    let room = inner.width.saturating_sub(columns(&words) + 1);
    let right = if canvas.columns(&word) + canvas.columns(&marker) <= room {
        format!("{word}{marker}")
    } else if marker.is_empty() {
        // The header has the whole word; what it is about is nowhere else.
        word.split(' ').next().unwrap_or_default().to_owned()
    } else {
        // The name stays readable; the sign of the severity and the age stay too.
        format!("{} {}", word.split(' ').next().unwrap_or_default(), standing.short(8))
    };
    let left = canvas.right(inner, 0, &right, style);
    let left = Rect { width: left.width.saturating_sub(1), ..left };
    let more = if others > 0 { format!(" +{others}") } else { String::new() };
    if focused {
        canvas.pen(area, 0).write(glyph::CURSOR, theme.focus);
    }
    let mut pen = canvas.pen(left, 0);
    let room = left.width.saturating_sub(columns(&more));
    let ink = if focused { theme.focus } else { theme.strong };
    pen.write_in(room, &words, standing.fact(theme, ink)).write(&more, theme.warning);
}

fn list(canvas: &mut Canvas<'_>, area: Rect, state: &State, standing: &Standing, focused: bool) {
    let theme = canvas.theme;
    let count = state.firing().count();
    let hidden = state.silenced().count();
    let said_by = state.alerts.as_ref().map(|list| format!(" by {}", list.said_by)).unwrap_or_default();
    let silenced = if hidden > 0 { format!(", {hidden} silenced") } else { String::new() };
    let rows = below(area, 1);
    let places = list_places(state, rows);
    let unseen = (count + hidden).saturating_sub(places.last().map_or(0, |last| last.index + 1));
    let unseen = if unseen > 0 { format!(", {unseen} below") } else { String::new() };
    let room = (area.width / 2).saturating_sub(columns("Firing") + 5);
    let facts = [format!("{count}{silenced}{unseen}{said_by}"), format!("{count}{silenced}{unseen}"), format!("{count}{unseen}")];
    let facts = facts.iter().find(|facts| columns(facts) <= room).unwrap_or(&facts[2]);
    rule::render(canvas, area, "Firing", &[(facts, theme.label)], Some(standing), false);
    for place in &places {
        let (first, age, parts) = row(canvas.theme, state, standing, place.index);
        let hang = hang(&first.0);
        let broken = broken(&parts, rows.width, hang + in_ascii(state, &first.0), state.ascii);
        for (index, line) in (0..).zip(place.span()) {
            let rest = if index == 0 { canvas.right(rows, line, &age, standing.fact(theme, theme.plain)) } else { words_area(rows, line) };
            let mut pen = canvas.pen(rest, 0);
            pen.skip(3);
            if index == 0 {
                pen.cell(hang, &first.0, first.1);
            } else {
                pen.skip(if is_narrow(rows.width) { 2 } else { hang });
            }
            if place.lines == 1 {
                for (text, style) in &parts {
                    pen.write(text, *style);
                }
            } else {
                fold::write(&mut pen, &broken, index, place.lines);
            }
        }
        super::cursor(canvas, rows, place, place.index == state.cockpit.alerts.row, focused);
    }
    if !standing.is_live() {
        let rest = below(rows, places.last().map_or(0, |last| last.span().end));
        let needed = canvas.wrap(&standing.sentence, rest.width.saturating_sub(2)).len();
        // With a blank line above it where there is one to spare.
        say_why(canvas, below(rest, u16::from(usize::from(rest.height) > needed)), standing);
    }
}

/// Columns of the sign of the severity, or of a silence; and of the age at the right.
const SIGN: u16 = 2;
const AGE: u16 = 5;

fn words_area(rows: Rect, line: u16) -> Rect {
    Rect { height: 1, width: rows.width.saturating_sub(AGE), ..below(rows, line) }
}

/// Columns that its sign takes more in ASCII.
fn in_ascii(state: &State, first: &str) -> u16 {
    if state.ascii { widening(first) } else { 0 }
}

/// Whether there is too little room for words beside the severity.
fn is_narrow(width: u16) -> bool {
    width < 60
}

/// What is said of an alert in lines; in a narrow pane those after the first begin left of it.
fn broken(parts: &[(String, Style)], width: u16, hang: u16, ascii: bool) -> Vec<fold::Parts> {
    let beside = width.saturating_sub(AGE + 3 + hang);
    let lines = fold::broken(parts, beside, ascii);
    if lines.len() == 1 || !is_narrow(width) {
        return lines;
    }
    let name_fits = parts.first().is_some_and(|(name, _)| columns(name) <= beside);
    let (first, rest) = parts.split_at(usize::from(name_fits));
    let mut rest = rest.to_vec();
    if let Some((text, _)) = rest.first_mut().filter(|_| name_fits) {
        *text = text.trim_start().to_owned();
    }
    std::iter::once(first.to_vec()).chain(fold::broken(&rest, width.saturating_sub(AGE + 3 + 2), ascii)).collect()
}

/// The first word, and a blank after one that fills its column.
fn hang(first: &str) -> u16 {
    SIGN.max(columns(first) + 1)
}

/// Row `index` of the list of all alerts, firing and then silenced: its first word, its age, and what is to be said of it.
fn row(theme: &Theme, state: &State, standing: &Standing, index: usize) -> ((String, Style), String, fold::Parts) {
    let plain = standing.fact(theme, theme.plain);
    let label = standing.fact(theme, theme.label);
    let name = |alert: &Alert| {
        let subject = alert.subject().map(|subject| (format!(" {subject}"), label));
        std::iter::once((alert.name.to_string(), plain)).chain(subject).collect::<fold::Parts>()
    };
    if let Some((alert, ladder)) = state.firing().nth(index) {
        let (_, style) = severity(theme, alert.severity);
        // The sign alone: which service it is about needs the room, and the ladder above has the word.
        let sign = sign(alert.severity).to_owned();
        let age = if alert.is_start_known { units::age(ladder.age(state.now.mono)) } else { "?".to_owned() };
        let age = format!("{age:>4} ");
        let acked = ladder.held_by(state.now.mono).map(|ack| (format!(" acked by {}", ack.by), theme.own));
        let mut parts = name(alert);
        parts.extend(acked);
        parts.push((format!("  {}", alert.summary), theme.label));
        return ((sign, standing.fact(theme, style)), age, parts);
    }
    let Some(alert) = state.silenced().nth(index.saturating_sub(state.firing().count())) else { return Default::default() };
    let mut parts = name(alert);
    parts.push((format!("  {}, {}", hidden_by(alert), ends(state, alert)), theme.label));
    ((glyph::OPEN.to_owned(), theme.label), " ".repeat(usize::from(AGE)), parts)
}

fn list_places(state: &State, rows: Rect) -> Vec<Place> {
    let len = state.firing().count() + state.silenced().count();
    let chosen = is_focused(state, Pane::Escalation).then_some(state.cockpit.alerts.row);
    let standing = freshness::of(state, &[SourceId::Alerts]);
    // Why nothing is known goes before further words of alerts that have one line already.
    let why = if standing.is_live() { 0 } else { wrap_for(&standing.sentence, rows.width.saturating_sub(2), state.ascii).len() };
    let listed = len.saturating_sub(state.cockpit.alerts.top);
    let spare = usize::from(rows.height).saturating_sub(listed);
    let height = rows.height - u16::try_from(why.min(spare)).unwrap_or(0);
    fold::places(height, state.cockpit.alerts.top, len, chosen, |index| {
        let (first, _, parts) = row(&Theme::mono(), state, &standing, index);
        fold::count(broken(&parts, rows.width, hang(&first.0) + in_ascii(state, &first.0), state.ascii).len())
    })
}

/// Which alert has which lines of the list in a pane of this area.
pub fn places(state: &State, area: Rect) -> Vec<Place> {
    list_places(state, below(area, area.height - visible_alerts(area, state)))
}

/// `1 silenced until 03:14: HighErrorRate by oncall@gov`; none where nothing is. What is cut off in a narrow pane stands last.
fn silenced(state: &State) -> Option<String> {
    let first = state.silenced().next()?;
    Some(format!("{} silenced {}: {}, {}", state.silenced().count(), ends(state, first), first.name, hidden_by(first)))
}

fn ends(state: &State, alert: &Alert) -> String {
    alert.silenced.as_ref().map_or_else(|| "inhibited".to_owned(), |silenced| format!("until {}", clock::moment(state, silenced.until)))
}

fn hidden_by(alert: &Alert) -> String {
    match &alert.silenced {
        Some(silenced) => format!("silenced by {}", silenced.by),
        None => "by another alert".to_owned(),
    }
}

/// The whole of what the marker has no room for, under the alerts.
fn say_why(canvas: &mut Canvas<'_>, area: Rect, standing: &Standing) {
    let style = standing.style(canvas.theme);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    for (line, words) in (0..inner.height).zip(canvas.wrap(&standing.sentence, inner.width)) {
        canvas.pen(inner, line).write(&words, style);
    }
}

fn sign(severity: Severity) -> &'static str {
    match severity.cmp(&Severity::Warning) {
        Ordering::Greater => glyph::CRITICAL,
        Ordering::Equal => glyph::WARNING,
        Ordering::Less => glyph::DOT,
    }
}

fn severity(theme: &Theme, severity: Severity) -> (String, Style) {
    match severity.cmp(&Severity::Warning) {
        Ordering::Greater => (format!("{} CRITICAL", glyph::CRITICAL), theme.critical),
        Ordering::Equal => (format!("{} WARNING", glyph::WARNING), theme.warning),
        Ordering::Less => ("info".to_owned(), theme.plain),
    }
}

/// Why there is no ladder, and whether that is good news.
fn nothing(state: &State, standing: &Standing) -> (String, bool) {
    match (&state.alerts, standing.trust) {
        (Some(list), Trust::Live) => {
            let pending = list.alerts.iter().filter(|alert| alert.status == crate::domain::alert::AlertStatus::Pending).count();
            let mut text = format!("{} nothing fires, says {}", glyph::OK, list.said_by);
            if pending > 0 {
                let _ = write!(text, "; {pending} pending");
            }
            if let Some(hidden) = silenced(state) {
                let _ = write!(text, "; {hidden}");
            }
            (text, true)
        }
        (Some(_), _) => (format!("{} nothing fired when last heard: {}", glyph::WARNING, standing.sentence), false),
        (None, Trust::Live) => (format!("{} alerts unknown", glyph::WARNING), false),
        (None, _) => (format!("{} alerts unknown: {}", glyph::WARNING, standing.sentence), false),
    }
}
