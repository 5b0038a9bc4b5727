//! What a suggestion says of the time between a rollout and the beginning of the trouble does not change while it stands there.

use crate::look::{Look, Suggested};

pub fn check(past: &[Look], look: &Look) -> Vec<String> {
    let Some(before) = past.last() else { return Vec::new() };
    let mut wrong = Vec::new();
    for suggestion in &look.suggestions {
        let Some(now) = lead(suggestion) else { continue };
        let then = before.suggestions.iter().find(|known| known.words == suggestion.words).and_then(lead);
        if let Some(then) = then.filter(|then| *then != now) {
            wrong.push(format!("“{}”: “{then}” became “{now}”", suggestion.words));
        }
    }
    wrong
}

/// `3 min before errors began`: the words up to `began`, from the number on.
fn lead(suggestion: &Suggested) -> Option<&str> {
    let end = suggestion.evidence.find("began")?;
    let words = &suggestion.evidence[..end];
    let begin = words.rfind([',', ':', ';', '(']).map_or(0, |at| at + 1);
    Some(words[begin..].trim())
}
