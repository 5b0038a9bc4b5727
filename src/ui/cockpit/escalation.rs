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
        canvas::{Canvas, columns},
        clock, glyph,
        layout::below,
        widgets::{
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
        for (line, text) in (0..text_area.height).zip(crate::ui::canvas::wrap(&text, text_area.width)) {
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
    let (_, alarm) = severity(canvas, shown.alert.severity);
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
    let (word, style) = severity(canvas, shown.alert.severity);
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
    rule::render(
        canvas,
        area,
        "Firing",
        &[(&format!("{count}{}{said_by}", if hidden > 0 { format!(", {hidden} silenced") } else { String::new() }), theme.label)],
        Some(standing),
        false,
    );
    let rows = below(area, 1);
    let top = state.cockpit.alerts.top;
    for (line, (index, (alert, ladder))) in (0..rows.height).zip(state.firing().enumerate().skip(top)) {
        let (word, style) = severity(canvas, alert.severity);
        let age = units::age(ladder.age(state.now.mono));
        let right = format!("{age:>4} ");
        let left = canvas.right(rows, line, &right, standing.fact(theme, theme.plain));
        let mut pen = canvas.pen(left, 0);
        pen.skip(3).cell(11, &word, standing.fact(theme, style)).skip(gap(&word));
        let acked = ladder.held_by(state.now.mono).map_or(String::new(), |ack| format!(" acked by {}", ack.by));
        pen.write(&alert.name, standing.fact(theme, theme.plain));
        if let Some(subject) = alert.subject() {
            pen.write(&format!(" {subject}"), standing.fact(theme, theme.label));
        }
        pen.write(&acked, theme.own).write(&format!("  {}", alert.summary), theme.label);
        super::cursor(canvas, rows, line, index == state.cockpit.alerts.row, focused);
    }
    let shown = u16::try_from(count.saturating_sub(top)).unwrap_or(u16::MAX);
    for (line, (index, alert)) in (shown..rows.height).zip(state.silenced().enumerate().skip(top.saturating_sub(count))) {
        let mut pen = canvas.pen(rows, line);
        let ends = ends(state, alert);
        pen.skip(3).cell(11, &ends, theme.label).skip(gap(&ends));
        pen.write(&alert.name, standing.fact(theme, theme.plain));
        if let Some(subject) = alert.subject() {
            pen.write(&format!(" {subject}"), theme.label);
        }
        pen.write(&format!("  {}", hidden_by(alert)), theme.label);
        super::cursor(canvas, rows, line, count + index == state.cockpit.alerts.row, focused);
    }
    if !standing.is_live() {
        say_why(canvas, below(rows, u16::try_from((count + hidden).saturating_sub(top)).unwrap_or(u16::MAX).saturating_add(1)), standing);
    }
}

/// A blank after a word that fills its column.
fn gap(word: &str) -> u16 {
    u16::from(columns(word) >= 11)
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
    for (line, words) in (0..inner.height).zip(crate::ui::canvas::wrap(&standing.sentence, inner.width)) {
        canvas.pen(inner, line).write(&words, style);
    }
}

fn severity(canvas: &Canvas<'_>, severity: Severity) -> (String, Style) {
    let theme = canvas.theme;
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
