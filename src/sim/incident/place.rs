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

/// On which nodes the pods of each service stand when nothing has happened yet; their share of the answers that are lost with them.
pub const PLACES: [(&str, &[usize], f64); 5] = [
    (GATEWAY, &[1, 2, 3, 4, 5], 1.0),
    (CORE, &[1, 2, 3, 4, 5, 6], 1.5),
    (GOV, &[1, 2, 3, 4], 0.2),
    (FRAUD, &[1, 2, 3, 4], 0.4),
    (SYNC, &[1, 2, 3, 4], 0.15),
];

/// Nodes with pods that exist once: not lost here.
pub const SINGLES: [usize; 2] = [1, 2];

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
    draft.spread(CORE, false);
    draft.is_tight = true;
    let total: f64 = SERVICES.iter().map(|service| weight(service.name, nodes)).sum();
    let mut helps: Vec<Act> = Vec::new();
    for (node, name) in nodes.iter().zip(&names) {
        let own: f64 = SERVICES.iter().map(|service| weight(service.name, &[*node])).sum();
        if own / total > CLEAR {
            helps.push(Act::ReplacePods { node: name.clone() });
        }
    }
    for service in SERVICES.iter().filter(|service| weight(service.name, nodes) / total > CLEAR) {
        helps.extend([restart(service.name), undo(service.name)]);
        if weight(service.name, nodes) / total > 3.0 * CLEAR {
            helps.push(scale(service.name));
        }
    }
    let most = SERVICES.iter().max_by(|one, other| weight(one.name, nodes).total_cmp(&weight(other.name, nodes)));
    draft.truth(cause, most.map_or(CORE, |service| service.name), helps, Vec::new())
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
    // Node 1 is in the first of three zones, node 2 in the second, and so on.
    let zones: Vec<Vec<usize>> = (1..=3).map(|first| (0..4).map(|row| first + 3 * row).collect()).collect();
    let whole: Vec<&Vec<usize>> = zones.iter().filter(|zone| zone.iter().all(|node| !SINGLES.contains(node))).collect();
    let lost = draft.one_of(&whole).clone();
    lose(draft, Cause::ZoneLost, &lost)
}
