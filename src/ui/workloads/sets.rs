//! Stateful sets and daemon sets: cells of their rows, and their details.

use ratatui::style::Style;

use super::{
    detail::{Found, Line, created, fact, image_facts, pairs},
    table::{Cell, images},
};
use crate::{
    domain::{
        object::Key,
        pod::Pod,
        sets::{DaemonSet, Said, StatefulSet, Updates, Weight},
        units,
    },
    state::{State, columns::Column as Field},
    ui::{clock, glyph, theme::Theme},
};

/// What is to be said of a set, with the sign of its weight.
fn said(theme: &Theme, said: &Said) -> (String, Style) {
    match said.weight {
        Weight::Critical => (format!("{} {}", glyph::CRITICAL, said.words), theme.critical),
        Weight::Warning => (format!("{} {}", glyph::WARNING, said.words), theme.warning),
        Weight::Note => (said.words.clone(), theme.plain),
    }
}

fn stateful_status(theme: &Theme, state: &State, set: &StatefulSet) -> (String, Style) {
    let cluster = &state.cluster;
    if set.is_whole() {
        return if set.replicas == 0 { ("no pods wanted".to_owned(), theme.label) } else { ("ready".to_owned(), theme.label) };
    }
    // Of pods that were not listed nobody knows which one holds it up.
    if !cluster.pods.is_complete {
        return ("pods not read".to_owned(), theme.label);
    }
    set.trouble(|key| cluster.pods.get(key), state.server_now()).map_or_else(|| (String::new(), theme.plain), |trouble| said(theme, &trouble))
}

fn daemon_status(theme: &Theme, set: &DaemonSet) -> (String, Style) {
    match set.trouble() {
        Some(trouble) => said(theme, &trouble),
        None if set.desired == 0 => ("no node wants it".to_owned(), theme.label),
        None => ("ready".to_owned(), theme.label),
    }
}

/// `2/3 !`.
fn share(theme: &Theme, ready: u32, of: u32) -> (String, Style) {
    if ready < of { (format!("{ready}/{of} !"), theme.warning) } else { (format!("{ready}/{of}"), theme.plain) }
}

pub(super) fn stateful<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let set = state.cluster.stateful_sets.get(key)?;
    let owned = |(text, style): (String, Style)| (text.into(), style);
    Some(match field {
        Field::Ready => owned(share(theme, set.ready, set.replicas)),
        Field::UpToDate => (units::thousands(set.updated.into()).into(), theme.plain),
        Field::Status => owned(stateful_status(theme, state, set)),
        Field::Age => (clock::age_or_time(state, set.created).into(), theme.plain),
        Field::Service => (set.service.as_str().into(), theme.plain),
        Field::Images => (images(&set.images).into(), theme.plain),
        _ => return None,
    })
}

pub(super) fn daemon<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let set = state.cluster.daemon_sets.get(key)?;
    let number = |number: u32| (units::thousands(number.into()).into(), theme.plain);
    let owned = |(text, style): (String, Style)| (text.into(), style);
    Some(match field {
        Field::Desired => number(set.desired),
        Field::Ready => owned(share(theme, set.ready, set.desired)),
        Field::UpToDate => number(set.updated),
        Field::Misscheduled if set.misscheduled > 0 => (format!("! {}", set.misscheduled).into(), theme.warning),
        Field::Misscheduled => number(0),
        Field::Status => owned(daemon_status(theme, set)),
        Field::Age => (clock::age_or_time(state, set.created).into(), theme.plain),
        Field::Images => (images(&set.images).into(), theme.plain),
        _ => return None,
    })
}

fn updates(updates: Updates) -> String {
    match updates {
        Updates::OnDelete => "a pod gets the new revision once somebody deletes it (OnDelete)".to_owned(),
        Updates::Rolling { partition: 0 } => "rolling".to_owned(),
        Updates::Rolling { partition } => format!("rolling, from ordinal {partition} on (partition)"),
    }
}

pub(super) fn stateful_detail(theme: &Theme, state: &State, key: &Key) -> Found {
    let set = state.cluster.stateful_sets.get(key)?;
    let (ready, ready_ink) = share(theme, set.ready, set.replicas);
    let (status, ink) = stateful_status(theme, state, set);
    let mut lines: Vec<Line> = vec![("ready".to_owned(), ready, ready_ink), ("status".to_owned(), status, ink)];
    lines.push(fact(theme, "up to date", format!("{}, available {}", set.updated, set.available)));
    lines.push(fact(theme, "updates", updates(set.updates)));
    lines.push(fact(theme, "order", if set.is_ordered { "one pod after the other" } else { "all pods at once (Parallel)" }));
    if set.update_revision != set.current_revision {
        lines.push(fact(theme, "revision", format!("{} to {}", set.current_revision, set.update_revision)));
    }
    lines.push(fact(theme, "service", if set.service.is_empty() { "none" } else { set.service.as_str() }));
    lines.push(fact(theme, "created", created(state, set.created)));
    lines.extend(image_facts(theme, &set.images));
    lines.extend(pairs(theme, "selector", &set.selector));
    let is_own = |pod: &&Pod| pod.owner.as_ref().is_some_and(|owner| owner.uid == set.uid);
    let pods: Vec<&Pod> = set.pods().filter_map(|key| state.cluster.pods.get(&key)).filter(is_own).take(MOST_PODS).collect();
    lines.extend(pods.into_iter().map(|pod| {
        let ink = crate::ui::cockpit::pods::status_ink(theme, state, pod);
        let node = pod.node.as_deref().unwrap_or("no node yet");
        ("pod".to_owned(), format!("{}: {}, {node}", pod.key.name, pod.status_cell(state.server_now())), ink)
    }));
    Some((lines, set.uid.clone()))
}

/// Pods that a detail names.
const MOST_PODS: usize = 20;

pub(super) fn daemon_detail(theme: &Theme, state: &State, key: &Key) -> Found {
    let set = state.cluster.daemon_sets.get(key)?;
    let (ready, ready_ink) = share(theme, set.ready, set.desired);
    let (status, ink) = daemon_status(theme, set);
    let mut lines: Vec<Line> = vec![("ready".to_owned(), ready, ready_ink), ("status".to_owned(), status, ink)];
    lines.push(fact(theme, "nodes", format!("{} should run a pod, {} do, {} run one and should not", set.desired, set.current, set.misscheduled)));
    lines.push(fact(theme, "up to date", format!("{}, available {}", set.updated, set.available)));
    lines.push(fact(theme, "updates", updates(set.updates)));
    lines.push(fact(theme, "created", created(state, set.created)));
    lines.extend(image_facts(theme, &set.images));
    lines.extend(pairs(theme, "selector", &set.selector));
    Some((lines, set.uid.clone()))
}
