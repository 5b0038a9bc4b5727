//! How strongly a cause acts at a moment: in which pods, and since when.

use super::scenario::Cause;
use super::stamp::Sec;
use super::traffic::{DATABASE_MAX, Seat, Service, Surroundings};
use std::collections::BTreeMap;

/// Failing answers of a good day are not counted as a service's failing.
const BASE_ERRORS: f64 = 0.008;

/// What was measured last, as far as causes depend on it.
pub struct Measured<'a> {
    pub services: &'a BTreeMap<String, Service>,
    pub connections: f64,
}

/// Since when the cause acts in this pod, none where it does not.
pub fn since(cause: &Cause, seat: &Seat, around: &Surroundings, now: Sec) -> Option<Sec> {
    match cause {
        Cause::Version { tag, .. } => (seat.tag == *tag).then_some(seat.started),
        Cause::Environment { name, value, .. } => (seat.env.get(name) == Some(value)).then_some(seat.started),
        Cause::ConfigKey { config_map, key, value, .. } => {
            let (read, at) = around.settings.read(config_map, key, seat.started, seat.sync, now)?;
            (read == value).then_some(at)
        }
        Cause::Older { than, .. } => around.faults.get(than).copied().filter(|begin| seat.started < *begin),
        Cause::Sick(_) => seat.sick.then_some(seat.started),
        _ => None,
    }
}

/// 0 to 1. `ramp`: seconds to full strength; `during`: the fault while which alone it acts.
pub fn of(cause: &Cause, ramp: Sec, during: Option<&str>, measured: &Measured<'_>, around: &Surroundings, now: Sec) -> f64 {
    let open = match during.map(|fault| around.faults.get(fault)) {
        None => Sec::MIN,
        Some(Some(begin)) => *begin,
        Some(None) => return 0.0,
    };
    let ramped = |since: Sec| if ramp <= 0 { 1.0 } else { ((now - since.max(open)) as f64 / ramp as f64).clamp(0.0, 1.0) };
    let service = |name: &String, what: fn(&Service) -> f64| measured.services.get(name).map_or(0.0, what).clamp(0.0, 1.0);
    match cause {
        Cause::Always => 1.0,
        Cause::Fault(name) => around.faults.get(name).map_or(0.0, |since| ramped(*since)),
        Cause::Unready(deployment) => around.unready_share(deployment),
        Cause::Lost(deployment) => around.lost_share(deployment),
        Cause::Failing(name) => service(name, |service| service.error_share - BASE_ERRORS),
        Cause::Slow(name) => service(name, |service| service.slow_share),
        Cause::Overloaded(name) => service(name, |service| service.overflow),
        Cause::DatabaseFull => ((measured.connections / DATABASE_MAX - 0.9) / 0.1).clamp(0.0, 1.0),
        Cause::Version { deployment, .. }
        | Cause::Environment { deployment, .. }
        | Cause::ConfigKey { deployment, .. }
        | Cause::Older { deployment, .. }
        | Cause::Sick(deployment) => {
            let Some(seats) = around.seats.get(deployment).filter(|seats| !seats.is_empty()) else { return 0.0 };
            seats.iter().filter_map(|seat| since(cause, seat, around, now)).map(ramped).sum::<f64>() / seats.len() as f64
        }
    }
}
