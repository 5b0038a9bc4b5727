//! The progress of a mitigation never counts backwards, from look to look nor from word to word of the engine between them, unless a pod
//! that was ready is so no longer.

use crate::look::{Look, Own};

pub fn check(past: &[Look], look: &Look) -> Vec<String> {
    let Some(before) = past.last() else { return Vec::new() };
    let fell_back = |own: &&Own| own.targets.iter().filter_map(|target| look.deployments.get(target)).any(|running| running.fell_back > 0);
    let fell = look.own.iter().filter(|own| !fell_back(own)).filter_map(|now| {
        let then = before.own.iter().find(|then| then.id == now.id)?;
        (now.stage < then.stage).then(|| format!("{}: {:?} became {:?}", now.title, then.stage, now.stage))
    });
    let excused: Vec<&Own> = look.own.iter().filter(fell_back).collect();
    let setbacks = look.setbacks.iter().filter(|setback| !excused.iter().any(|own| setback.starts_with(&own.title)));
    fell.chain(setbacks.cloned()).collect()
}
