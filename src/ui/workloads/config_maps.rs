//! ConfigMaps: cells of their rows, and their details. The table shows no value; the detail only those that differ from what was applied,
//! and of these none that must not be shown.

use super::{
    detail::{Found, Line, created, fact},
    table::Cell,
};
use crate::{
    domain::{
        kpi::Unit,
        object::Key,
        text::Text,
        units,
        workload::{ConfigMap, Difference},
    },
    state::{State, columns::Column as Field},
    ui::{clock, glyph, theme::Theme},
};

fn size(bytes: u64) -> String {
    if bytes < 1_024 { format!("{bytes} B") } else { units::value(bytes as f64, Unit::Bytes) }
}

pub(super) fn config_map<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let map = state.cluster.config_maps.get(key)?;
    Some(match field {
        Field::Keys => (units::thousands(map.keys.into()).into(), theme.plain),
        Field::Size => (size(map.size).into(), theme.plain),
        Field::Age => (clock::age_or_time(state, map.created).into(), theme.plain),
        Field::Changed => match map.changed_at {
            Some(at) => (clock::age_or_time(state, at).into(), theme.plain),
            None => ("unknown".into(), theme.label),
        },
        Field::ChangedBy => match &map.changed_by {
            Some(by) => (by.as_str().into(), theme.plain),
            None => ("unknown".into(), theme.label),
        },
        _ => return None,
    })
}

pub(super) fn detail(theme: &Theme, state: &State, key: &Key) -> Found {
    let map = state.cluster.config_maps.get(key)?;
    let by = map.changed_by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    let changed = map.changed_at.map_or_else(|| "unknown when".to_owned(), |at| created(state, at));
    let mut lines: Vec<Line> = vec![
        fact(theme, "changed", format!("{changed}{by}")),
        fact(theme, "created", created(state, map.created)),
        fact(theme, "size", format!("{} in {}", size(map.size), units::counted(map.keys.into(), "key"))),
    ];
    lines.extend(map.drift.iter().map(|difference| (String::new(), drift(difference), theme.warning)));
    lines.extend(readers(theme, state, map));
    lines.extend(map.sizes.iter().map(|(key, bytes)| fact(theme, "key", format!("{key}, {}", size(*bytes)))));
    let more = u64::from(map.keys).saturating_sub(map.sizes.len() as u64);
    lines.extend((more > 0).then(|| fact(theme, "", format!("and {}", units::counted(more, "more key")))));
    Some((lines, map.uid.clone()))
}

/// A key that is not as it was last applied.
fn drift((key, applied, present): &Difference) -> String {
    let sign = glyph::WARNING;
    match (applied, present) {
        (Some(applied), Some(present)) => format!("{sign} {key} is {present}, {applied} was applied"),
        (Some(applied), None) => format!("{sign} {key} is not there, {applied} was applied"),
        (None, Some(present)) => format!("{sign} {key} is {present}, none was applied"),
        (None, None) => format!("{sign} {key} is not as it was applied"),
    }
}

/// Deployments whose pods read it.
fn readers(theme: &Theme, state: &State, map: &ConfigMap) -> Option<Line> {
    let deployments = state.cluster.deployments.objects.values();
    let reads = deployments.filter(|one| one.key.namespace == map.key.namespace && one.config_maps.contains(&map.key.name));
    let names: Vec<&Text> = reads.map(|one| &one.key.name).collect();
    (!names.is_empty()).then(|| fact(theme, "read by", units::first_few(names, MOST_READERS)))
}

/// Deployments that are named.
const MOST_READERS: usize = 8;
