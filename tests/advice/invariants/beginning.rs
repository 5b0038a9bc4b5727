//! The beginning of a trouble, once said, does not drift: neither by itself, nor in what a suggestion says of the time between a
//! rollout and it.

use std::time::Duration;

use crate::look::{Look, Suggested};

/// All sources have answered by then.
const SETTLED: Duration = Duration::from_secs(20);

pub fn check(past: &[Look], look: &Look) -> Vec<String> {
    let Some(before) = past.last() else { return Vec::new() };
    let mut wrong = Vec::new();
    if let (Some(then), Some(now)) = (before.said_beginning, look.said_beginning)
        && then != now
        && look.at > SETTLED
    {
        wrong.push(format!("the trouble began at {then}, and then at {now}"));
    }
    for suggestion in &look.suggestions {
        let Some(now) = lead(suggestion) else { continue };
        let then = before.suggestions.iter().find(|known| known.words == suggestion.words).and_then(lead);
        if let Some(then) = then.filter(|then| *then != now) {
            wrong.push(format!("“{}”: “{then}” became “{now}”", suggestion.words));
        }
    }
    wrong
}

/// `3 min before the trouble`: the part of the evidence that speaks of the beginning.
fn lead(suggestion: &Suggested) -> Option<&str> {
    let mut parts = suggestion.evidence.split([',', ':', ';', '(']);
    parts.find(|part| part.contains("the trouble") || part.contains("began")).map(str::trim)
}
