//! No two suggestions undo each other, and none takes back a mitigation of ours that is not judged yet, or that helped.

use crate::{
    look::{Look, Own, Suggested},
    truth::Act,
};

pub fn check(past: &[Look], look: &Look) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, one) in look.suggestions.iter().enumerate() {
        for other in &look.suggestions[index + 1..] {
            if are_opposite(look, one, other) {
                wrong.push(format!("“{}” and “{}” undo each other", one.words, other.words));
            }
        }
        for own in look.own.iter().filter(|own| is_to_be_kept(own)) {
            if takes_back(past, look, one, own) {
                wrong.push(format!("“{}” takes back “{}”, {}", one.words, own.title, verdict(own)));
            }
        }
    }
    wrong
}

fn are_opposite(look: &Look, one: &Suggested, other: &Suggested) -> bool {
    match (one.acts.first(), other.acts.first()) {
        (Some(Act::Undo { deployment }), Some(Act::Undo { deployment: same })) => deployment == same,
        (Some(Act::BreakerOn), Some(Act::BreakerOff)) | (Some(Act::BreakerOff), Some(Act::BreakerOn)) => true,
        (Some(Act::Scale { deployment }), Some(Act::Scale { deployment: same })) if deployment == same => {
            let now = look.deployments.get(deployment).map_or(0, |running| running.replicas);
            let is_up = |suggestion: &Suggested| suggestion.replicas.is_some_and(|replicas| replicas > now);
            is_up(one) != is_up(other)
        }
        _ => false,
    }
}

/// Done, and neither taken back nor known to be useless.
fn is_to_be_kept(own: &Own) -> bool {
    !own.is_taken_back && !own.takes_back && own.verdict.as_ref().is_none_or(|said| ["helped", "better since"].contains(&said.word.as_str()))
}

fn takes_back(past: &[Look], look: &Look, suggestion: &Suggested, own: &Own) -> bool {
    // As it was before the mitigation was confirmed.
    let Some(before) = past.iter().rev().find(|before| before.own.iter().all(|known| known.id != own.id)) else { return false };
    match suggestion.acts.first() {
        Some(Act::Undo { deployment }) if own.targets.contains(deployment) => {
            let (Some(then), Some(now)) = (before.deployments.get(deployment), look.deployments.get(deployment)) else { return false };
            now.template != then.template && super::contradiction::target(now, suggestion.to_revision) == Some(&then.template)
        }
        Some(Act::Scale { deployment }) if own.targets.contains(deployment) => {
            let (Some(then), Some(now)) = (before.deployments.get(deployment), look.deployments.get(deployment)) else { return false };
            let is_back = |replicas: u32| {
                (now.replicas > then.replicas && replicas < now.replicas) || (now.replicas < then.replicas && replicas > now.replicas)
            };
            suggestion.replicas.is_some_and(is_back)
        }
        Some(Act::BreakerOff) => own.kind == "set-config-key" && !before.breaker_is_on && look.breaker_is_on,
        Some(Act::BreakerOn) => own.kind == "set-config-key" && before.breaker_is_on && !look.breaker_is_on,
        _ => false,
    }
}

fn verdict(own: &Own) -> String {
    own.verdict.as_ref().map_or_else(|| "which is not judged yet".to_owned(), |said| format!("of which it says: {}", said.sentence))
}
