//! Incidents that no one has seen: a scenario made from a seed, and the truth about it.
//!
//! A seed chooses the cause, where it begins, how far it spreads, how long it sleeps, what else happens that day, and what
//! somebody has done already. What follows is left to the laws of the simulated world: an incident ends because the bad pods
//! are gone, not because the right key was pressed. The traces are those of a real platform; each file says why its causes leave
//! the ones they leave.
//!
//! | file | causes |
//! |---|---|
//! | `version` | bad image, bad value in the environment, memory leak, a rollout that only some pods fail |
//! | `capacity` | scaled down, an autoscaler at its bound, a quota, more traffic than ever |
//! | `dependency` | a slow or dead partner, database slots, names, a certificate, a network policy |
//! | `place` | a node or a zone lost |
//! | `worker` | a stuck consumer, a key of a ConfigMap |
//! | `noise` | innocent changes, and somebody's attempt to help |

mod capacity;
mod dependency;
mod draft;
mod noise;
mod place;
mod services;
mod truth;
mod version;
mod worker;

pub use place::PLACES;
pub use services::guarded;
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

/// The incident of this seed: always the same. Seeds that follow each other go through all causes.
pub fn generate(seed: u64) -> Incident {
    let mut draft = Draft::new(seed);
    let count = Cause::ALL.len();
    // A different order in each round, so that a seed does not tell its cause at a glance.
    let mut order = Cause::ALL;
    fastrand::Rng::with_seed(seed / count as u64).shuffle(&mut order);
    let place = usize::try_from(seed % count as u64).unwrap_or_default();
    let mut truth = begin(&mut draft, order[place]);
    noise::innocent(&mut draft);
    noise::clumsy(&mut draft, &mut truth);
    Incident { seed, scenario: draft.finish(), truth }
}

fn begin(draft: &mut Draft, cause: Cause) -> Truth {
    match cause {
        Cause::BadImage => version::bad_image(draft),
        Cause::BadEnvironment => version::bad_environment(draft),
        Cause::ConfigKey => worker::config_key(draft),
        Cause::ScaleDown => capacity::scale_down(draft),
        Cause::AutoscalerBound => capacity::autoscaler_bound(draft),
        Cause::Quota => capacity::quota(draft),
        Cause::NodeLost => place::node(draft),
        Cause::ZoneLost => place::zone(draft),
        Cause::MemoryLeak => version::memory_leak(draft),
        Cause::TrafficSurge => capacity::traffic_surge(draft),
        Cause::SlowDependency => dependency::slow(draft),
        Cause::DeadDependency => dependency::dead(draft),
        Cause::DatabaseSlots => dependency::database_slots(draft),
        Cause::ConsumerStuck => worker::consumer_stuck(draft),
        Cause::Dns => dependency::names(draft),
        Cause::Certificate => dependency::certificate(draft),
        Cause::NetworkPolicy => dependency::network_policy(draft),
        Cause::PartialRollout => version::partial_rollout(draft),
    }
}
