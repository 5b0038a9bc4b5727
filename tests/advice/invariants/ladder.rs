//! The ladder that is shown is the most urgent that nobody acknowledged: none that is more severe, or as severe and due
//! earlier, stands behind it.

use crate::look::{LadderSeen, Look};

pub fn check(_: &[Look], look: &Look) -> Vec<String> {
    let Some(shown) = look.ladders.iter().find(|ladder| Some(&ladder.fingerprint) == look.ladder_shown.as_ref()) else {
        return if look.ladders.is_empty() { Vec::new() } else { vec!["an alert fires, and no ladder is shown".to_owned()] };
    };
    let open = || look.ladders.iter().filter(|ladder| !ladder.is_acked);
    if shown.is_acked {
        return open().map(|open| format!("{} is shown, which is acknowledged, and {} is not", shown.name, open.name)).take(1).collect();
    }
    let more_urgent = open().find(|other| is_more_urgent(other, shown));
    more_urgent
        .map(|other| {
            format!("{} ({:?}, {:?}) is shown before {} ({:?}, {:?})", shown.name, shown.severity, shown.left, other.name, other.severity, other.left)
        })
        .into_iter()
        .collect()
}

fn is_more_urgent(other: &LadderSeen, shown: &LadderSeen) -> bool {
    let is_sooner = match (other.left, shown.left) {
        (Some(other), Some(shown)) => other < shown,
        // Everyone of the shown one was called; somebody of the other is still to be.
        (Some(_), None) => true,
        (None, _) => false,
    };
    (other.severity >= shown.severity && is_sooner) || (other.severity > shown.severity && other.left == shown.left)
}
