//! Deleting the listed unhealthy pods by uid, a few at a time, so that their controllers replace them.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    actions::{
        disruption,
        draft::{Draft, resource_version},
        engine::Core,
        kubectl, pods,
    },
    domain::{
        mitigation::{CheckKind, CheckResult, Converge, Friction, MitigationId, Plan, Write, WriteMethod},
        object::{Kind, ObjectRef},
        text::Text,
    },
};

/// Most pods of one plan: what a person can still look over.
const MOST: usize = 100;
const READS_AT_ONCE: usize = 8;

pub async fn draft(core: &Arc<Core>, id: MitigationId, app: &Text, listed: &[ObjectRef], at_once: u8) -> Result<Draft, Text> {
    if listed.is_empty() {
        return Err("no unhealthy pods were named".into());
    }
    if listed.len() > MOST {
        return Err(Text::line(&format!("{} pods are too many to look over at once: mark at most {MOST}", listed.len())));
    }
    let asked: Vec<_> = listed.iter().map(|pod| core.api.find(pod)).collect();
    let found: Vec<_> = stream::iter(asked).buffered(READS_AT_ONCE).collect().await;
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for (pod, object) in listed.iter().zip(found) {
        let object = object.map_err(|error| Text::line(&format!("could not read {pod}: {error}")))?;
        match object.map(|object| (why_not(pod, &object), object)) {
            None => left_out.push(format!("{}: it is gone", pod.key.name)),
            Some((Some(why), _)) => left_out.push(format!("{}: {why}", pod.key.name)),
            Some((None, object)) => chosen.push((pod.clone(), object)),
        }
    }
    if chosen.is_empty() {
        return Err(Text::line(&format!("none of these pods can be restarted: {}", left_out.join("; "))));
    }
    let at_once = at_once.min(core.mitigations.restart_at_once).max(1);
    let plan = plan(core, id, app, &chosen, &left_out, at_once);
    let (api, objects) = (core.api.clone(), chosen.iter().map(|(_, object)| object.clone()).collect::<Vec<_>>());
    let namespace = chosen[0].0.key.namespace.clone();
    let budgets = async move { disruption::budgets(&api, &namespace, &objects).await };
    let effect = if left_out.is_empty() {
        CheckResult::Pass("their controllers replace them".into())
    } else {
        CheckResult::Warn(Text::line(&format!("left out: {}", left_out.join("; "))))
    };
    Ok(Draft { plan, checks: vec![(CheckKind::Disruption, Box::pin(budgets)), (CheckKind::Effect, Box::pin(async { effect }))], at_once })
}

/// Why a pod is not restarted.
fn why_not(pod: &ObjectRef, object: &Value) -> Option<&'static str> {
    if pods::uid(object) != pod.uid.as_str() {
        Some("another pod has its name now")
    } else if pods::is_deleting(object) {
        Some("it is being deleted already")
    } else if pods::is_healthy(object) {
        Some("it is healthy now")
    } else {
        match pods::controller(object) {
            None => Some("nothing would bring it back: it has no controller"),
            Some(("Node", _, _)) => Some("its node runs it from a file: deleting it restarts nothing"),
            Some(_) => None,
        }
    }
}

fn plan(core: &Core, id: MitigationId, app: &Text, chosen: &[(ObjectRef, Value)], left_out: &[String], at_once: u8) -> Plan {
    let pods_word = if chosen.len() == 1 { "pod" } else { "pods" };
    let mut what = vec![Text::line(&format!("delete {} unhealthy {pods_word}, at most {at_once} at once, waiting for replacements", chosen.len()))];
    what.extend(chosen.iter().map(|(pod, object)| Text::line(&format!("pod/{}  {} in {}", pod.key.name, pods::trouble(object), pod.key.namespace))));
    what.extend(left_out.iter().map(|why| Text::line(&format!("not {why}"))));
    let writes = chosen
        .iter()
        .map(|(pod, _)| Write {
            method: WriteMethod::Delete,
            path: pod.path(),
            content_type: "application/json",
            body: json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": pod.uid } }),
            inverse: None,
            target: pod.clone(),
        })
        .collect();
    let targets: Vec<_> = chosen.iter().map(|(pod, object)| (pod.clone(), resource_version(object))).collect();
    Plan {
        id,
        kind: "restart-unhealthy",
        title: Text::line(&format!("Restart unhealthy pods · {app}")),
        cluster: core.cluster.clone(),
        what,
        diff: Vec::new(),
        kubectl: command(core, chosen),
        undo: "nothing to undo: the controller makes new pods".into(),
        friction: Friction::Key,
        reason: Text::default(),
        undoes: None,
        writes,
        planned_at: core.clock.now().mono,
        converge: Converge::Replaced { pods: targets.iter().map(|(pod, _)| pod.clone()).collect() },
        targets,
    }
}

/// One command for each namespace.
fn command(core: &Core, chosen: &[(ObjectRef, Value)]) -> Text {
    let mut by_namespace: Vec<(&Text, Vec<&str>)> = Vec::new();
    for (pod, _) in chosen {
        debug_assert_eq!(pod.kind, Kind::Pod);
        match by_namespace.iter_mut().find(|(namespace, _)| **namespace == pod.key.namespace) {
            Some((_, names)) => names.push(&pod.key.name),
            None => by_namespace.push((&pod.key.namespace, vec![&pod.key.name])),
        }
    }
    let commands: Vec<_> = by_namespace
        .into_iter()
        .map(|(namespace, names)| {
            let mut arguments = vec!["delete", "pod"];
            arguments.extend(names);
            kubectl::command(&arguments, namespace, &core.cluster).to_string()
        })
        .collect();
    Text::bounded(&commands.join(" && "), 16_384)
}
