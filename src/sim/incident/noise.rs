//! What else happens: changes that have nothing to do with it, and somebody's attempt to help.
//!
//! On the day of an incident a dozen people and a pipeline work as on any other. Their rollouts become ready and log nothing
//! new, their settings are read and nothing follows; some come minutes before the first symptom and look guilty to whoever
//! goes by the clock alone. And somebody is always faster: adds pods where pods are not short, deletes those of a bad version,
//! takes back the wrong rollout, or the right one, so that all is well again when others arrive and an undo would undo the cure.

use super::super::world::scenario::Action;
use super::draft::{Draft, undo, variable};
use super::services::{GATEWAY, QUIET, SERVICES, SYNC};
use super::truth::{Act, Cause, Truth};
use std::collections::BTreeMap;

/// Keys of the platform's own ConfigMaps that change nothing.
const KEYS: [(&str, &str, &str); 4] = [
    ("feature-flags", "new_onboarding", "true"),
    ("feature-flags", "passport_nfc", "false"),
    ("api-config", "log_level", "warn"),
    ("api-config", "log_level", "debug"),
];

const VARIABLES: [(&str, &str); 4] = [("LOG_FORMAT", "json"), ("TZ", "Europe/London"), ("OTEL_TRACES_SAMPLER_ARG", "0.05"), ("GOMAXPROCS", "4")];

fn moment(draft: &mut Draft) -> i64 {
    if draft.chance(0.5) {
        let before = draft.symptom;
        return before - draft.rng.i64(10..=600);
    }
    draft.rng.i64(-2_100..=480)
}

/// Deployments that can change now: name, next version, replicas.
fn open(draft: &Draft) -> Vec<(&'static str, &'static str)> {
    if draft.is_closed {
        return Vec::new();
    }
    let quiet = QUIET.iter().map(|(name, next, _)| (*name, *next));
    let busy = SERVICES.iter().filter(|_| !draft.is_tight).map(|service| (service.name, service.next));
    quiet.chain(busy).filter(|(name, _)| draft.taken.iter().all(|taken| taken != name)).collect()
}

/// None to four changes of other things.
pub fn innocent(draft: &mut Draft) {
    for number in 0..draft.rng.usize(0..=4) {
        let at = moment(draft);
        let name = format!("innocent-{number}");
        let choice = draft.rng.usize(0..5);
        let open = open(draft);
        if choice == 4 || open.is_empty() {
            let (config_map, key, value) = draft.one_of(&KEYS);
            let by = draft.somebody();
            draft.fault(&name, at, Action::ConfigMap { config_map: config_map.into(), key: key.into(), value: value.into(), by });
            continue;
        }
        let (deployment, next) = draft.one_of(&open);
        let action = match choice {
            0 | 1 => Action::Rollout {
                deployment: deployment.into(),
                tag: next.into(),
                env: BTreeMap::new(),
                by: draft.one_of(&["ci-deployer", "helm"]).into(),
            },
            2 => {
                let (variable_name, value) = draft.one_of(&VARIABLES);
                Action::Environment { deployment: deployment.into(), env: variable(variable_name, value), by: "kubectl-set".into() }
            }
            _ => {
                let (deployment, _, replicas) = draft.one_of(&QUIET);
                let more = draft.one_of(&[1, 1, 2, -1]);
                Action::Scale { deployment: deployment.into(), replicas: replicas + more, by: "kubectl".into() }
            }
        };
        if let Action::Rollout { deployment, .. } | Action::Environment { deployment, .. } = &action {
            draft.taken.push(deployment.clone());
        }
        draft.fault(&name, at, action);
    }
}

/// What somebody did already, or does soon, in about one incident of four. What it changes is in the truth.
pub fn clumsy(draft: &mut Draft, truth: &mut Truth) {
    if !draft.chance(0.4) {
        return;
    }
    let before_launch = |draft: &mut Draft, wait: i64| {
        let from = draft.symptom + wait;
        (from < -100).then(|| draft.rng.i64(from..=-100))
    };
    let own = SERVICES.iter().find(|service| service.name == truth.service).map(|service| service.name);
    let is_listed = |act: &Act| [&truth.helps, &truth.harms, &truth.unclear].iter().any(|list| list.contains(act));
    match draft.rng.usize(0..5) {
        0 => {
            // The gateway's autoscaler would take them away again, and which pods it takes is chance.
            let Some(name) = own.filter(|name| !matches!(*name, SYNC | GATEWAY) && !draft.is_closed) else { return };
            if is_listed(&Act::Scale { deployment: name.into() }) || matches!(truth.cause, Cause::NodeLost | Cause::ZoneLost) {
                return;
            }
            let at = draft.symptom + draft.rng.i64(60..=400);
            draft.fault("clumsy", at, Action::Scale { deployment: name.into(), replicas: 7, by: "kubectl".into() });
        }
        1 => {
            let Some(name) = own.filter(|_| !draft.is_tight && !draft.is_closed) else { return };
            let is_lost = matches!(truth.cause, Cause::NodeLost | Cause::ZoneLost);
            if is_lost || is_listed(&Act::Restart { app: name.into() }) {
                return;
            }
            let Some(at) = before_launch(draft, 40) else { return };
            draft.fault("clumsy", at, Action::DeletePods { deployment: name.into(), pods: 20 });
        }
        2 => {
            let rolled = draft.scenario().fault.iter().find_map(|fault| match &fault.action {
                Action::Rollout { deployment, .. } if fault.name.starts_with("innocent") => Some((deployment.clone(), fault.at)),
                _ => None,
            });
            let Some((deployment, rolled)) = rolled else { return };
            let at = rolled.max(draft.symptom) + draft.rng.i64(90..=300);
            draft.fault("clumsy", at, Action::Rollback { deployment, by: "kubectl".into() });
        }
        3 => {
            let is_template =
                matches!(truth.cause, Cause::BadImage | Cause::BadEnvironment | Cause::PartialRollout | Cause::MemoryLeak | Cause::DatabaseSlots);
            let (Some(name), true) = (own, is_template) else { return };
            let Some(at) = before_launch(draft, 90) else { return };
            draft.fault("clumsy", at, Action::Rollback { deployment: name.into(), by: "kubectl".into() });
            // The template before the present one is the bad one.
            truth.helps.clear();
            truth.unclear.clear();
            truth.harms = vec![undo(name)];
        }
        _ => {
            let name = draft.one_of(&QUIET).0;
            let at = draft.symptom + draft.rng.i64(60..=600);
            if !draft.is_closed && draft.taken.iter().all(|taken| taken != name) {
                draft.fault("clumsy", at, Action::Restart { deployment: name.into(), by: "kubectl-rollout".into() });
            }
        }
    }
}
