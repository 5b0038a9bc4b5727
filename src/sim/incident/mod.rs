//! Incidents that no one has seen: a scenario made from a seed, and the truth about it.

mod dependency;
mod draft;
mod truth;
mod version;

pub use truth::{Act, Cause, Truth};

use super::world::scenario::Scenario;
use draft::Draft;

/// An incident to be played, and what only its maker knows.
#[derive(Debug, Clone)]
pub struct Incident {
    pub seed: u64,
    pub scenario: Scenario,
    pub truth: Truth,
}

/// The incident of this seed: always the same.
pub fn generate(seed: u64) -> Incident {
    let mut draft = Draft::new(seed);
    let causes = [Cause::BadImage, Cause::DeadDependency];
    let cause = causes[draft.rng.usize(..causes.len())];
    let truth = match cause {
        Cause::DeadDependency => dependency::dead(&mut draft),
        _ => version::bad_image(&mut draft),
    };
    Incident { seed, scenario: draft.finish(), truth }
}
