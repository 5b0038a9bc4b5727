//! Nodes that fall silent: one, or all of a zone.
//!
//! For forty seconds nobody knows; then the nodes are not ready, their pods neither, and five minutes later the pods are started
//! elsewhere. Until then callers hold connections to addresses that answer nothing. All lost nodes of a zone carry the same
//! label `topology.kubernetes.io/zone`. Whatever starts the missing pods elsewhere helps at once: deleting them, more pods, even
//! a rollout. It mends itself within six minutes, so whoever comes late finds little to do.

use super::super::world::scenario::{Action, Cause as Why, Effect, LogSpec};
use super::draft::{Draft, restart, scale, undo};
use super::services::{CORE, FRAUD, GATEWAY, GOV, SERVICES, SYNC};
use super::truth::{Act, Cause, Truth};

/// On which nodes the pods stand when nothing has happened yet, and how much of the answers is lost with all of them.
pub const PLACES: [(&str, &[usize], f64); 7] = [
    (GATEWAY, &[1, 2, 8, 10, 12], 1.0),
    (CORE, &[1, 5, 6, 8, 9, 10], 1.5),
    (GOV, &[1, 5, 6, 10], 0.1),
    (FRAUD, &[3, 4, 7, 11], 0.15),
    (SYNC, &[3, 4, 8, 9], 0.1),
    (POSTGRES, &[2], 1.0),
    (REDIS, &[6], 0.0),
];

const POSTGRES: &str = "postgres-primary";
const REDIS: &str = "redis-primary";

/// Nodes with `CoreDNS`, or with a store that exists once: losing one of them alone is another story.
const SINGLES: [usize; 4] = [1, 2, 6, 10];

fn lost_of(name: &str, nodes: &[usize]) -> f64 {
    let (_, places, _) = PLACES.iter().find(|(known, ..)| *known == name).unwrap_or(&PLACES[0]);
    places.iter().filter(|place| nodes.contains(place)).count() as f64 / places.len() as f64
}

fn weight(name: &str, nodes: &[usize]) -> f64 {
    let (.., weight) = PLACES.iter().find(|(known, ..)| *known == name).unwrap_or(&PLACES[0]);
    lost_of(name, nodes) * weight
}

fn lose(draft: &mut Draft, cause: Cause, nodes: &[usize]) -> Truth {
    draft.symptom = -draft.rng.i64(60..=150);
    let names: Vec<String> = nodes.iter().map(|node| format!("node-{node}")).collect();
    draft.fault("nodes", draft.symptom, Action::NodeDown { nodes: names.clone() });
    for service in SERVICES {
        draft.taken.push(service.name.into());
        let why = || Why::Lost(service.name.into());
        let errors = draft.between(0.7, 0.9);
        draft.effect(Effect { errors, slow: 0.3, slow_s: 3.1, status: 504, ..Effect::on(why(), service.name) });
        for (caller, _) in service.callers {
            let route = format!("upstream {} {{ip}}:8080: no route to host after {{3000..3100}} ms", service.name);
            draft.log(LogSpec::error(why(), caller, "NoRouteToHost", &route, 60.0));
        }
    }
    stores(draft);
    draft.spread(CORE, false);
    draft.is_tight = true;
    let total: f64 = PLACES.iter().map(|(name, ..)| weight(name, nodes)).sum();
    let (mut helps, mut unclear): (Vec<Act>, Vec<Act>) = (Vec::new(), Vec::new());
    for (node, name) in nodes.iter().zip(&names) {
        let own: f64 = PLACES.iter().map(|(name, ..)| weight(name, &[*node])).sum();
        if own / total > CLEAR {
            helps.push(Act::ReplacePods { node: name.clone() });
        } else {
            unclear.push(Act::ReplacePods { node: name.clone() });
        }
    }
    for service in SERVICES {
        let share = weight(service.name, nodes) / total;
        let list = if share > CLEAR { &mut helps } else { &mut unclear };
        list.extend([restart(service.name), undo(service.name)]);
        let list = if share > 3.3 * CLEAR { &mut helps } else { &mut unclear };
        list.push(scale(service.name));
    }
    if weight(POSTGRES, nodes) > 0.0 {
        helps.push(restart("postgresql"));
    }
    let most = SERVICES.iter().max_by(|one, other| weight(one.name, nodes).total_cmp(&weight(other.name, nodes)));
    Truth::new(cause, most.map_or(CORE, |service| service.name), helps, Vec::new()).with_unclear(unclear)
}

/// What fails while the one database or the one queue stands on a lost node.
fn stores(draft: &mut Draft) {
    let database = || Why::Lost(POSTGRES.into());
    for (name, errors) in [(CORE, 0.45), (FRAUD, 0.5), (SYNC, 0.3)] {
        draft.effect(Effect { errors, status: 500, verifiers: 0.5, ..Effect::on(database(), name) });
        draft.log(LogSpec::error(database(), name, "NoRouteToHost", "dial tcp 10.96.12.29:5432: connect: no route to host", 30.0));
    }
    let queue = || Why::Lost(REDIS.into());
    draft.effect(Effect { consumers: 0.02, ..Effect::on(queue(), SYNC) });
    draft.log(LogSpec::error(queue(), SYNC, "NoRouteToHost", "dial tcp 10.96.12.31:6379: connect: no route to host", 30.0));
}

/// Less of the loss than this is not worth to be called a help.
const CLEAR: f64 = 0.1;

pub fn node(draft: &mut Draft) -> Truth {
    let heavy = |node: &usize| weight(CORE, &[*node]) > 0.0 && !SINGLES.contains(node);
    let nodes: Vec<usize> = (1..=12).filter(heavy).collect();
    let first = draft.one_of(&nodes);
    let second = draft.one_of(&nodes);
    let lost = if first == second || draft.chance(0.5) { vec![first] } else { vec![first, second] };
    lose(draft, Cause::NodeLost, &lost)
}

pub fn zone(draft: &mut Draft) -> Truth {
    // Node 1 is in the first of three zones, node 2 in the second, and so on. Both CoreDNS pods are in the first.
    let first = draft.one_of(&[2, 3]);
    let lost: Vec<usize> = (0..4).map(|row| first + 3 * row).collect();
    lose(draft, Cause::ZoneLost, &lost)
}
