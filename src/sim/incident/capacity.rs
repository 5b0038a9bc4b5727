//! Too few pods for what is asked: scaled down, an autoscaler at its bound, a quota, more traffic than ever.
//!
//! Nothing is broken, so no new class of error appears but the shedding of requests; processors and request counters are high,
//! answers get slow before they fail. Who looks at the pods sees a smaller number than yesterday (`ScalingReplicaSet`), an
//! autoscaler that says `TooManyReplicas`, a replica set whose pods are refused (`FailedCreate`), or simply a busy day. The
//! change itself was often made in a quiet hour and bites at the next peak. More pods help, where nothing keeps them out; the
//! breaker does not, as it opens on failed connections and not on polite refusals.

use super::super::world::platform::AutoscalerSpec;
use super::super::world::scenario::{Action, Cause as Why, LogSpec};
use super::draft::{Draft, restart, scale, undo};
use super::services::{CORE, FRAUD, GATEWAY, GOV, QUIET, SERVICES, SYNC};
use super::truth::{Act, Cause, Truth};

fn sheds(draft: &mut Draft, service: &str) {
    let why = Why::Overloaded(service.into());
    draft.log(LogSpec::error(why, service, "Overloaded", "request {id} shed: {200..900} in flight, limit 200", 110.0));
}

/// While pods are replaced there are fewer of them: that hurts as much as they are short.
fn replacing(service: &str) -> Vec<Act> {
    vec![undo(service), restart(service)]
}

pub fn scale_down(draft: &mut Draft) -> Truth {
    // Service, pods left, load at which that is too few.
    let (name, replicas, load) = draft.one_of(&[
        (CORE, 3, 1.0),
        (CORE, 2, 1.0),
        (CORE, 4, 1.4),
        (GOV, 1, 1.0),
        (FRAUD, 1, 1.0),
        (SYNC, 1, 1.0),
        (GOV, 2, 1.6),
        (FRAUD, 2, 1.5),
    ]);
    draft.takes(&[name]);
    let by = draft.one_of(&["kubectl", "kubectl", "argocd-controller", "kubectl-edit"]).to_owned();
    let mut at = draft.symptom - 5;
    if load > 1.0 {
        let ramp = draft.rng.i64(60..=240);
        draft.surge(load, ramp);
        at = draft.symptom - draft.rng.i64(60..=1_200);
    }
    draft.is_tight = true;
    draft.fault("scale", at, Action::Scale { deployment: name.into(), replicas, by });
    sheds(draft, name);
    draft.spread(name, false);
    Truth::new(Cause::ScaleDown, name, vec![scale(name)], Vec::new()).with_unclear(replacing(name))
}

pub fn autoscaler_bound(draft: &mut Draft) -> Truth {
    let service = draft.takes(&[GATEWAY, CORE]).name;
    let autoscaler = format!("{service}-hpa");
    if service == CORE {
        draft.autoscaler(AutoscalerSpec { name: autoscaler.clone(), deployment: service.into(), least: 3, most: 14, cpu: 70 });
    }
    let most = if service == GATEWAY { 3 } else { draft.one_of(&[3, 4]) };
    let by = draft.one_of(&["kubectl-patch", "kubectl-edit", "helm"]).to_owned();
    let at = draft.symptom - draft.rng.i64(30..=1_200);
    draft.fault("bounds", at, Action::AutoscalerBounds { autoscaler: autoscaler.clone(), least: None, most: Some(most), by });
    let (load, ramp) = (draft.between(1.3, 1.42), draft.rng.i64(30..=240));
    draft.surge(load, ramp);
    sheds(draft, service);
    draft.spread(service, false);
    Truth::new(Cause::AutoscalerBound, service, vec![Act::RaiseMax { autoscaler }], Vec::new()).with_unclear(replacing(service))
}

/// The limit was set to what was running; at the peak the autoscaler asks for pods and gets none, nor does anybody else.
pub fn quota(draft: &mut Draft) -> Truth {
    let service = draft.takes(&[GATEWAY]).name;
    let by = draft.one_of(&["kubectl-client-side-apply", "kubectl-edit", "argocd-controller"]).to_owned();
    let at = draft.symptom - draft.rng.i64(120..=1_200);
    let name = draft.one_of(&["compute-budget", "namespace-quota", "pods-per-team"]).to_owned();
    draft.fault("quota", at, Action::Quota { name, pods: 42, by });
    let (load, ramp) = (draft.between(2.0, 2.3), draft.rng.i64(60..=300));
    draft.surge(load, ramp);
    draft.is_closed = true;
    sheds(draft, service);
    sheds(draft, CORE);
    draft.spread(CORE, false);
    // A pod that goes frees a slot, and whoever is first takes it: now and then the one who needs it.
    let apps = SERVICES.iter().map(|service| service.name).chain(QUIET.iter().map(|(name, ..)| *name));
    let nodes = (1..=12).map(|node| Act::ReplacePods { node: format!("node-{node}") });
    let unclear = apps.flat_map(|name| [restart(name), undo(name)]).chain(nodes).collect();
    Truth::new(Cause::Quota, service, Vec::new(), Vec::new()).with_unclear(unclear)
}

/// The gateway's autoscaler follows; core-engine has none. No new class of error: refusals only.
pub fn traffic_surge(draft: &mut Draft) -> Truth {
    draft.takes(&[CORE]);
    draft.taken.push(GATEWAY.into());
    let (load, ramp) = (draft.between(2.1, 2.5), draft.rng.i64(20..=240));
    draft.surge(load, ramp);
    draft.spread_quietly(CORE);
    Truth::new(Cause::TrafficSurge, CORE, vec![scale(CORE)], Vec::new()).with_unclear(replacing(CORE))
}
