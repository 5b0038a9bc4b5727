//! The progress of a mitigation never counts backwards, from look to look nor from word to word of the engine between them.

use crate::look::Look;

pub fn check(past: &[Look], look: &Look) -> Vec<String> {
    let Some(before) = past.last() else { return Vec::new() };
    let fell = look.own.iter().filter_map(|now| {
        let then = before.own.iter().find(|then| then.id == now.id)?;
        (now.stage < then.stage).then(|| format!("{}: {:?} became {:?}", now.title, then.stage, now.stage))
    });
    fell.chain(look.setbacks.iter().cloned()).collect()
}
