//! Which labels identify a group, a match, a result.

use promql_parser::parser::LabelModifier;

use crate::sim::tsdb::{Labels, METRIC_NAME};

/// The labels of an aggregation's group.
pub fn group(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::default(),
        Some(LabelModifier::Include(names)) => labels.retain(|name| names.labels.iter().any(|listed| listed == name)),
        Some(LabelModifier::Exclude(names)) => labels.retain(|name| name != METRIC_NAME && !names.labels.iter().any(|listed| listed == name)),
    }
}

/// The labels by which the two sides of a binary operation find each other: all but the name, unless said otherwise.
pub fn signature(labels: &Labels, matching: Option<&LabelModifier>) -> Labels {
    match matching {
        None => labels.without_name(),
        Some(_) => group(labels, matching),
    }
}

/// Whether two elements have the same labels, which no instant vector may have.
pub fn has_duplicates<'a>(labels: impl IntoIterator<Item = &'a Labels>) -> bool {
    let mut seen = std::collections::HashSet::new();
    labels.into_iter().any(|one| !seen.insert(one))
}
