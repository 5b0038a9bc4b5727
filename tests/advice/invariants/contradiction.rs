//! No suggestion leads to the template that ran when the episode began, unless the present one is proved worse: by pods of its
//! own that are unhealthy, or by the verdict on the mitigation that brought it.

use crate::{look::Look, running::Running, truth::Act};

pub fn check(_: &[Look], look: &Look) -> Vec<String> {
    let mut wrong = Vec::new();
    for suggestion in &look.suggestions {
        let Some(Act::Undo { deployment }) = suggestion.acts.first() else { continue };
        let Some(running) = look.deployments.get(deployment) else { continue };
        let (Some(target), Some(beginning)) = (target(running, suggestion.to_revision), &running.at_beginning) else { continue };
        let is_worse = running.unhealthy > 0
            || look.own.iter().any(|own| own.targets.contains(deployment) && own.verdict.as_ref().is_some_and(|said| said.word == "worse"));
        if target == beginning && running.template != *beginning && !is_worse {
            wrong.push(format!("“{}” ({}) leads to what ran when it began", suggestion.words, suggestion.evidence));
        }
    }
    wrong
}

/// The template of a revision, or of the one before the present.
pub fn target(running: &Running, revision: Option<u64>) -> Option<&String> {
    match revision {
        Some(revision) => running.templates.get(&revision),
        None => running.templates.range(..running.revision).next_back().map(|(_, template)| template),
    }
}
