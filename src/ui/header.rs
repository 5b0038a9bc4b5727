//! The first line: which environment and cluster, how bad and since when, whether sev1 may act, and the time.

use ratatui::{layout::Rect, style::Style};

use super::{
    canvas::{Canvas, columns},
    clock, glyph,
    widgets::freshness::{self, Trust},
};
use crate::{
    domain::{
        alert::Severity,
        escalation::Urgency,
        health::{Health, SourceId},
        object::Scope,
        rights::Rights,
        units,
    },
    state::State,
};

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = canvas.theme;
    canvas.tint(area, theme.header);
    let session = &state.session;
    let banner = format!(" {} ", session.environment.banner);
    let time = format!("{} ", clock::server_now(state).format("%H:%MZ"));
    let arms = arms(state, theme.header, theme.warning);
    let mut alarm = alarm(state, canvas);
    let cluster = if session.context == session.cluster { session.context.to_string() } else { format!("{} ({})", session.context, session.cluster) };
    let scope = match &session.scope {
        Scope::One(namespace) => namespace.to_string(),
        Scope::All => "all namespaces".to_owned(),
    };

    // What is at the right gives way before the cluster does: which cluster this is matters most.
    let banner = super::canvas::cut_middle(&banner, area.width / 2);
    let needed = columns(&banner) + 2 + columns(&session.context).min(24);
    let insecure = session.insecure.then(|| (format!("{} TLS NOT VERIFIED", glyph::WARNING), theme.warning));
    let is_off = state.identity_changed.is_some() || state.session.journal_broken.is_some();
    let gap = match area.width {
        ..60 => 1,
        60..100 => 2,
        100.. => 3,
    };
    // How bad it is stays where its age has no room.
    if canvas.columns(&alarm.0) + gap > area.width.saturating_sub(needed) {
        let ends = ["CRITICAL", "WARNING"].iter().find_map(|word| Some(alarm.0.find(word)? + word.len()));
        alarm.0.truncate(ends.unwrap_or(alarm.0.len()));
    }
    let nodes = nodes(state, canvas);
    // In the order of the line, with what is kept longest first.
    let candidates = [(3, insecure), (0, Some(alarm)), (3, nodes), (if is_off { 1 } else { 4 }, Some(arms)), (2, Some((time, theme.header)))];
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|index| candidates[*index].0);
    let mut room = area.width.saturating_sub(needed);
    let mut fitting = [false; 5];
    for index in order {
        let width = candidates[index].1.as_ref().map_or(0, |(text, _)| canvas.columns(text) + gap);
        fitting[index] = width > 0 && width <= room;
        room -= if fitting[index] { width } else { 0 };
    }
    let right: Vec<(String, Style)> = candidates.into_iter().zip(fitting).filter(|(_, fits)| *fits).filter_map(|((_, part), _)| part).collect();
    let gaps = gap * u16::try_from(right.len().saturating_sub(1)).unwrap_or(0);
    let right_width: u16 = right.iter().map(|(text, _)| canvas.columns(text)).sum::<u16>() + gaps;

    let left = Rect { width: area.width.saturating_sub(right_width + 1), ..area };
    let mut pen = canvas.pen(left, 0);
    pen.write(&banner, theme.banner(session.environment.is_production)).skip(1);
    let bold = theme.header.add_modifier(ratatui::style::Modifier::BOLD);
    let shortest = columns(&session.context);
    if columns(&cluster) + 3 + columns(&scope) <= pen.left() {
        pen.write(&cluster, bold).write(&format!(" {} {scope}", glyph::DOT), theme.header);
    } else if shortest + 3 + columns(&scope).min(8) <= pen.left() {
        pen.write(&session.context, bold).write(&format!(" {} {scope}", glyph::DOT), theme.header);
    } else {
        let room = pen.left();
        pen.cell_name(room, &session.context, bold);
    }
    if right_width > 0 && right_width < area.width {
        let mut pen = canvas.pen(Rect { x: area.right() - right_width, width: right_width, ..area }, 0);
        for (index, (text, style)) in right.iter().enumerate() {
            pen.skip(if index > 0 { gap } else { 0 }).write(text, *style);
        }
    }
}

/// Whether something can be written to the cluster from here, in a word or two; the whole reason stands where mitigations are offered.
fn arms(state: &State, plain: Style, warning: Style) -> (String, Style) {
    let off = |word: &str| (format!("{} {word}", glyph::WARNING), warning);
    if state.identity_changed.is_some() {
        off("OFF: OTHER CLUSTER")
    } else if state.session.journal_broken.is_some() {
        off("OFF: NO JOURNAL")
    } else if state.views_only() {
        ("view only".to_owned(), plain)
    } else if state.disarmed().is_some() {
        ("cannot write yet".to_owned(), plain)
    } else {
        match state.rights {
            // The card of a mitigation asks once more.
            Rights::Unknown => ("can write?".to_owned(), plain),
            Rights::NotAsked | Rights::Known { .. } => ("can write".to_owned(), plain),
        }
    }
}

/// Nodes that are not ready; nothing while all are.
fn nodes(state: &State, canvas: &Canvas<'_>) -> Option<(String, Style)> {
    let count = state.cluster.nodes.objects.values().filter(|node| node.not_ready.is_some()).count();
    let style = freshness::of(state, &[SourceId::Nodes]).fact(canvas.theme, canvas.theme.critical);
    (count > 0).then(|| (format!("{} {count} {} not ready", glyph::WARNING, units::plural(count as u64, "node")), style))
}

/// What is not known of the alerts while none is known to fire, and whose silence it is: Alertmanager forgets what Prometheus
/// does not repeat, and Prometheus knows no silences.
fn unknown(state: &State) -> &'static str {
    let is_lagging = state.sources.get(&SourceId::Alerts).is_some_and(|source| matches!(source.health, Health::Lagging { .. }));
    let said_by = state.alerts.as_ref().map(|list| list.said_by.as_str());
    match said_by.filter(|_| is_lagging && state.freshness(SourceId::Alerts).is_live()) {
        Some("Alertmanager") => "alerts unknown: no Prometheus",
        Some("Prometheus") => "nothing fires, no Alertmanager",
        _ => "alerts unknown",
    }
}

/// The alert that needs a person first and its age, on every screen; where it is none of the critical ones, those come first. Nothing firing is only said when it is known.
fn alarm(state: &State, canvas: &Canvas<'_>) -> (String, Style) {
    let theme = canvas.theme;
    let standing = freshness::of(state, &[SourceId::Alerts]);
    let Some(first) = state.escalation() else {
        return match (standing.trust, &state.alerts) {
            (Trust::Live, Some(_)) => ("nothing fires".to_owned(), theme.header),
            _ => (format!("{} {}", glyph::WARNING, unknown(state)), theme.warning),
        };
    };
    // The age of the trouble, not of the alert that a late rule let fire.
    let age = if first.alert.is_start_known {
        units::age_to_the_minute(state.trouble_of(&first.alert).unwrap_or(first.age))
    } else {
        "time unknown".to_owned()
    };
    let critical: Vec<_> = state.firing().filter(|(alert, _)| alert.severity == Severity::Critical).collect();
    let count = critical.len();
    if count > 0 && first.alert.severity < Severity::Critical {
        let word = first.alert.severity.word().to_uppercase();
        let acked = critical.iter().filter(|(_, ladder)| Urgency::of(ladder, state.now.mono).is_held()).count();
        // Those that nobody acknowledged were called, and their next step is not due.
        let how = match acked {
            0 => " called".to_owned(),
            all if all == count => " acked".to_owned(),
            some => format!(", {some} acked"),
        };
        return (format!("{} {count} CRITICAL{how}  {word} {age}", glyph::CRITICAL), standing.fact(theme, theme.critical));
    }
    let (text, style) = match first.alert.severity {
        Severity::Critical => (format!("{} CRITICAL {age}", glyph::CRITICAL), theme.critical),
        Severity::Warning => (format!("{} WARNING {age}", glyph::WARNING), theme.warning),
        Severity::Info => (format!("info {age}"), theme.header),
    };
    (text, standing.fact(theme, style))
}
