//! Unhealthy pods.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::{cursor, is_focused, say};
use crate::{
    domain::{
        ailment::Ailment,
        health::SourceId,
        object::Scope,
        pod::{Phase, Pod},
        standing::Standing,
        units,
    },
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::Canvas,
        clock, glyph,
        layout::below,
        widgets::{
            columns::{self, Column},
            freshness::{self, Trust},
            rule,
        },
    },
};

const COLUMNS: [Column; 6] = [
    columns::name("NAME", 18, 60),
    columns::left("READY", 6, 6),
    columns::left("STATUS", 19, 28),
    columns::right("RESTARTS", 8),
    columns::right("AGE", 5),
    columns::name(" NODE", 7, 24),
];

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = freshness::of(state, &[SourceId::Pods]);
    let focused = is_focused(state, Pane::Pods);
    let cluster = &state.cluster;
    let unhealthy = cluster.unhealthy.len();
    let ready = format!("{}/{} ready", units::thousands(cluster.ready_pods() as u64), units::thousands(cluster.expected_pods() as u64));
    let bad = format!("{} unhealthy", units::thousands(unhealthy as u64));
    let separator = format!(" {} ", glyph::DOT);
    let plain = standing.fact(theme, theme.plain);
    // Numbers of a listing that has not come to its end would be read as those of the cluster.
    let ended = cluster.counts.ended();
    let mut facts: Vec<(&str, _)> = Vec::new();
    if cluster.pods.is_complete {
        facts.push((&ready, plain));
        facts.extend(ended.iter().flat_map(|ended| [(separator.as_str(), theme.label), (ended.as_str(), plain)]));
        if unhealthy > 0 {
            facts.extend([(separator.as_str(), theme.label), (bad.as_str(), standing.fact(theme, theme.critical))]);
        }
    }
    rule::render(canvas, area, "Pods", &facts, Some(&standing), focused);
    if cluster.unhealthy.is_empty() {
        let (text, is_good) = nothing(state, &standing);
        say(canvas, below(area, 1), &text, if is_good { theme.ok } else { standing.style(theme) });
        return;
    }
    let inner = Rect { x: area.x + 3, width: area.width.saturating_sub(4), ..area };
    // The status matters more than the count of ready containers where only one of them fits.
    let is_narrow = inner.width < 45;
    let shown = |index: usize| !is_narrow || index == 0 || index == 2;
    let layout: Vec<Column> = (0..COLUMNS.len()).filter(|index| shown(*index)).map(|index| COLUMNS[index]).collect();
    let widths = columns::widths(&layout, inner.width);
    columns::titles(&mut canvas.pen(inner, 1), &layout, &widths, theme.label);
    let rows = below(area, 2);
    let inner = below(inner, 2);
    let pods = cluster.unhealthy.iter().enumerate().skip(state.cockpit.pods.top);
    for (line, (index, key)) in (0..rows.height).zip(pods) {
        let Some(pod) = cluster.pods.get(key) else { continue };
        let name = if state.session.scope == Scope::All { Cow::Owned(format!("{}/{}", key.namespace, key.name)) } else { Cow::Borrowed(&*key.name) };
        let fact = |style| standing.fact(theme, style);
        let cells = [
            (name, fact(theme.plain)),
            (Cow::Owned(format!("{}/{}", pod.ready_containers, pod.total_containers())), fact(theme.plain)),
            (Cow::Owned(pod.status_cell(state.server_now())), fact(status_ink(canvas, state, pod))),
            (Cow::Owned(units::thousands(pod.restarts.into())), fact(theme.plain)),
            (Cow::Owned(clock::age_or_time(state, pod.created)), fact(theme.plain)),
            (Cow::Owned(format!(" {}", pod.node.as_deref().unwrap_or("none"))), fact(theme.plain)),
        ];
        let cells: Vec<_> = cells.into_iter().enumerate().filter(|(index, _)| shown(*index)).map(|(_, cell)| cell).collect();
        columns::row(&mut canvas.pen(inner, line), &layout, &widths, &cells);
        cursor(canvas, rows, line, index == state.cockpit.pods.row, focused);
    }
}

/// Red where it does not pass by itself, amber where it waits or was ill a moment ago; the status is a word, so the colour does
/// not stand alone.
pub fn status_ink(canvas: &Canvas<'_>, state: &State, pod: &Pod) -> ratatui::style::Style {
    let theme = canvas.theme;
    match pod.standing(state.server_now()) {
        Standing::Well | Standing::Ended | Standing::Leaving => theme.plain,
        Standing::Ill(Ailment::NodeLost) => theme.critical,
        Standing::Ill(_) if pod.phase == Phase::Failed || Ailment::of(&pod.status).is_some() => theme.critical,
        Standing::Ill(_) | Standing::Starting => theme.warning,
    }
}

fn nothing(state: &State, standing: &freshness::Standing) -> (String, bool) {
    let cluster = &state.cluster;
    if !cluster.pods.is_complete {
        let so_far = cluster.pods.len();
        let words = if standing.sentence.is_empty() { "listing pods".to_owned() } else { standing.sentence.clone() };
        let count = if so_far > 0 { format!("; {} received", units::thousands(so_far as u64)) } else { String::new() };
        return (format!("{words}{count}"), false);
    }
    let scope = match &state.session.scope {
        Scope::One(namespace) => format!("in {namespace}"),
        Scope::All => "in the cluster".to_owned(),
    };
    if cluster.pods.is_empty() {
        let words = format!("There are no pods {scope}. Another namespace: sev1 -n NAME, or -A for all.");
        return if standing.trust == Trust::Live { (words, false) } else { (format!("{words} {}", standing.sentence), false) };
    }
    let count = units::thousands(cluster.expected_pods() as u64);
    match standing.trust {
        Trust::Live => (format!("{} no unhealthy pod among {count} {scope}", glyph::OK), true),
        _ => (format!("No pod of {count} was unhealthy when last heard. {}", standing.sentence), false),
    }
}
