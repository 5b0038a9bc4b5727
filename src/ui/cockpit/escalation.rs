//! The escalation ladder of one firing alert, how many others there are, and that sev1 itself pages nobody.

use std::{cmp::Ordering, fmt::Write};

use ratatui::{layout::Rect, style::Style};

use super::is_focused;
use crate::{
    domain::{
        alert::{Alert, Severity},
        health::SourceId,
        units,
    },
    state::{
        State,
        escalation::{Escalation, StepState, StepView},
        screens::cockpit::Pane,
    },
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
    let Some(shown) = shown(state) else { return 0 };
    area.height.saturating_sub(list_start(area, &shown))
}

/// First line of the list of alerts, counted from the top of the pane; only tall panes have one.
pub fn list_start(area: Rect, shown: &Escalation) -> u16 {
    let steps = u16::try_from(shown.steps.len()).unwrap_or(u16::MAX);
    let start = 1 + steps + u16::from(shown.ack.is_some()) + 2;
    if area.height >= start.saturating_add(3) { start } else { area.height }
}

/// The alert whose ladder is shown: the most severe and oldest, or the one under the cursor.
pub fn shown(state: &State) -> Option<Escalation> {
    let row = if state.cockpit.focus == Pane::Escalation { state.cockpit.alerts.row } else { 0 };
    let (alert, ladder) = state.firing().nth(row).or_else(|| state.firing().next())?;
    Some(state.escalation_of(alert, ladder))
}

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = freshness::of(state, &[SourceId::Alerts]);
    let focused = is_focused(state, Pane::Escalation);
    let Some(shown) = shown(state) else {
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
    let others = state.firing().count() - 1;
    let start = list_start(area, &shown);
    let mut lines: Vec<Line> = shown.steps.iter().enumerate().map(|(index, step)| Line::Step(index, step.clone())).collect();
    if lines.is_empty() {
        lines.push(Line::Words(format!("logged only: {}", shown.channels), theme.label));
    }
    if let Some(ack) = &shown.ack {
        let until = clock::moment(state, clock::server_now(state) + chrono::Duration::from_std(ack.expires_in).unwrap_or_default());
        lines.push(Line::Words(format!("{} acked until {until} by {}", glyph::OK, ack.by), theme.own));
    }
    let nobody = if area.width >= 60 {
        format!("{} nobody is paged by sev1 (screen only): call them", glyph::WARNING)
    } else {
        format!("{} sev1 pages nobody", glyph::WARNING)
    };
    lines.push(Line::Words(nobody, theme.warning));
    let room = usize::from(area.height).saturating_sub(1 + lines.len());
    // The others get a line of their own where there is one, and a place in the title where there is not.
    let in_title = others > 0 && room == 0;
    if others > 0 && !in_title && start >= area.height {
        let at = lines.len() - 1;
        lines.insert(at, Line::Words(format!("+{others} more firing"), theme.plain));
    }
    if let Some(hidden) = silenced(state)
        && start >= area.height
    {
        let at = lines.len() - 1;
        lines.insert(at, Line::Words(hidden, theme.label));
    }

    title(canvas, area, &shown, &standing, if in_title { others } else { 0 }, focused);
    // A pane too low for the whole ladder keeps the next step and the warning.
    while lines.len() + 1 > usize::from(area.height) && lines.len() > 1 {
        let gone = lines.iter().position(|line| !matches!(line, Line::Step(_, step) if matches!(step.state, StepState::In(_) | StepState::Held(_))));
        lines.remove(gone.filter(|index| *index + 1 < lines.len()).unwrap_or(lines.len() - 2));
    }
    let next = shown.steps.iter().position(|step| !matches!(step.state, StepState::Told(_)));
    for (line, what) in (1..area.height).zip(&lines) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        match what {
            Line::Step(index, step) => {
                render_step(canvas, Rect { height: 1, ..below(inner, line) }, state, &standing, (*index, step), next == Some(*index));
            }
            Line::Words(text, style) => {
                canvas.pen(inner, line).write(text, *style);
            }
        }
    }
    if start < area.height {
        list(canvas, below(area, start - 1), state, &standing, focused);
    }
}

enum Line {
    Step(usize, StepView),
    Words(String, Style),
}

fn title(canvas: &mut Canvas<'_>, area: Rect, shown: &Escalation, standing: &Standing, others: usize, focused: bool) {
    let theme = canvas.theme;
    let (word, style) = severity(canvas, shown.alert.severity);
    let style = standing.fact(theme, style);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let marker = if standing.is_live() { String::new() } else { format!("  {}", standing.marker) };
    let room = inner.width.saturating_sub(columns(&shown.alert.name) + 1);
    let right = if columns(&word) + columns(&marker) <= room {
        format!("{word}{marker}")
    } else if marker.is_empty() {
        word
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
    pen.write_in(room, &shown.alert.name, standing.fact(theme, ink)).write(&more, theme.warning);
}

fn render_step(canvas: &mut Canvas<'_>, area: Rect, state: &State, standing: &Standing, (index, step): (usize, &StepView), is_next: bool) {
    let theme = canvas.theme;
    // Nobody is told by this version, so a step that has come is due, not done.
    let (sign, words, ink) = match step.state {
        StepState::Told(at) => (glyph::LIVE, format!("due {}", clock::moment(state, at)), theme.plain),
        StepState::In(left) => (glyph::OPEN, format!("in {}", units::countdown(left)), if is_next { theme.strong } else { theme.label }),
        StepState::Held(_) => (glyph::OPEN, "held".to_owned(), theme.label),
    };
    let ink = standing.fact(theme, ink);
    let left = canvas.right(area, 0, &words, ink);
    let mut pen = canvas.pen(left, 0);
    pen.write(&format!("{} {sign} ", index + 1), standing.fact(theme, theme.label));
    let room = pen.left().saturating_sub(1);
    pen.write_in(room, &step.who, ink);
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
        pen.skip(3).cell(11, &word, standing.fact(theme, style));
        let acked = ladder.ack.as_ref().map_or(String::new(), |ack| format!(" acked by {}", ack.by));
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
        pen.skip(3).cell(11, &ends(state, alert), theme.label);
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
