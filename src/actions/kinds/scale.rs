//! Setting the replicas of a deployment through its `scale` subresource.
//!
//! The write is a JSON patch that tests the uid and the replicas it was planned on: a change of them by anyone else makes
//! the server refuse it, a change of the status does not.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    actions::{
        api::Api,
        draft::{Draft, disruptive, resource_version, subject},
        engine::Core,
        kubectl, overwriters, pods,
    },
    domain::{
        mitigation::{CheckKind, CheckResult, Converge, Friction, MitigationId, Plan, Write, WriteMethod},
        object::{Key, Kind, ObjectRef},
        text::Text,
    },
};

pub async fn draft(core: &Arc<Core>, id: MitigationId, deployment: &Key, replicas: u32) -> Result<Draft, Text> {
    let (target, object) = subject(core, Kind::Deployment, deployment).await?;
    change(core, id, target, &object, u64::from(replicas)).await
}

/// From as many as there are to `replicas`.
pub async fn change(core: &Arc<Core>, id: MitigationId, target: ObjectRef, object: &Value, replicas: u64) -> Result<Draft, Text> {
    let path = format!("{}/scale", target.path());
    let scale = core.api.get(&path).await.map_err(|error| Text::line(&format!("could not read the scale of {target}: {error}")))?;
    let current = scale.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(0);
    if current == replicas {
        return Err(Text::line(&format!("{target} already has {}", counted(replicas))));
    }
    let name = target.key.name.clone();
    let grows = replicas > current;
    let wish = format!("--replicas={replicas}");
    let precondition = format!("--current-replicas={current}");
    let plan = Plan {
        id,
        kind: "scale",
        title: Text::line(&format!("Scale · {name}")),
        cluster: core.cluster.clone(),
        targets: vec![(target.clone(), resource_version(object))],
        what: vec![Text::line(&format!("{target}  replicas {current} → {replicas} in {}", target.key.namespace))],
        diff: Vec::new(),
        kubectl: kubectl::command(&["scale", &format!("deployment/{name}"), &wish, &precondition], &target.key.namespace, &core.cluster),
        undo: Text::line(&format!("U brings {} back", counted(current))),
        friction: if grows { Friction::Key } else { disruptive(&core.environment) },
        reason: Text::default(),
        undoes: None,
        writes: vec![Write {
            method: WriteMethod::Patch,
            path: path.clone(),
            content_type: "application/json-patch+json",
            body: guarded(&scale, replicas),
            inverse: Some(Box::new(Write {
                method: WriteMethod::Patch,
                path,
                content_type: "application/json-patch+json",
                body: json!([{ "op": "add", "path": "/spec/replicas", "value": current }]),
                inverse: None,
                target: target.clone(),
            })),
            target: target.clone(),
        }],
        planned_at: core.clock.now().mono,
        converge: Converge::Rollout { deployment: target.key.clone() },
    };
    let (api, object, of) = (core.api.clone(), object.clone(), target.clone());
    let overwritten = async move { overwritten(&api, &of, &object, replicas).await };
    let (api, namespace) = (core.api.clone(), target.key.namespace.clone());
    let room = async move { room(&api, &namespace, current, replicas).await };
    Ok(Draft { plan, checks: vec![(CheckKind::Overwritten, Box::pin(overwritten)), (CheckKind::Effect, Box::pin(room))], at_once: 1 })
}

/// Tests exactly what the server showed, then sets. A `Scale` of zero shows no replicas at all.
fn guarded(scale: &Value, replicas: u64) -> Value {
    let mut steps = Vec::new();
    if !pods::uid(scale).is_empty() {
        steps.push(json!({ "op": "test", "path": "/metadata/uid", "value": pods::uid(scale) }));
    }
    match (scale.pointer("/spec/replicas"), scale.get("spec")) {
        (Some(current), _) => steps.push(json!({ "op": "test", "path": "/spec/replicas", "value": current })),
        (None, Some(spec)) => steps.push(json!({ "op": "test", "path": "/spec", "value": spec })),
        (None, None) => steps.push(json!({ "op": "add", "path": "/spec", "value": {} })),
    }
    steps.push(json!({ "op": "add", "path": "/spec/replicas", "value": replicas }));
    Value::Array(steps)
}

async fn overwritten(api: &Api, target: &ObjectRef, object: &Value, replicas: u64) -> CheckResult {
    let mut found = Vec::new();
    match overwriters::autoscaler(api, target).await {
        Ok(Some(hpa)) => {
            let name = hpa.scaled_object.as_ref().map_or_else(|| format!("HPA {}", hpa.name), |scaled| format!("KEDA ScaledObject {scaled}"));
            let (min, max) = (hpa.min, hpa.max);
            found.push(if replicas == 0 {
                format!("{name} stops scaling while replicas are 0")
            } else if (min..=max).contains(&replicas) {
                format!("{name} decides between {min} and {max} and may set its own number within a minute")
            } else {
                format!("{name} will bring it back into {min}..{max} within a minute: change its bounds instead")
            });
        }
        Ok(None) => {}
        Err(why) => found.push(format!("autoscalers could not be read: {why}")),
    }
    found.extend(overwriters::owners(object));
    overwriters::verdict(&found, "no autoscaler or GitOps tool will overwrite it")
}

/// Whether pod quotas leave room for more pods.
async fn room(api: &Api, namespace: &str, current: u64, replicas: u64) -> CheckResult {
    let Some(more) = replicas.checked_sub(current) else {
        return CheckResult::Pass(Text::line(&format!("{} fewer pods carry the load", current - replicas)));
    };
    let (quotas, _) = match api.list(&format!("/api/v1/namespaces/{namespace}/resourcequotas"), "").await {
        Ok(found) => found,
        Err(error) => return CheckResult::Warn(Text::line(&format!("quotas could not be read: {error}"))),
    };
    let number = |quota: &Value, part: &str, name: &str| quota.pointer(&format!("/status/{part}"))?.get(name)?.as_str()?.parse::<u64>().ok();
    for quota in &quotas {
        for name in ["pods", "count/pods"] {
            if let (Some(hard), Some(used)) = (number(quota, "hard", name), number(quota, "used", name))
                && used + more > hard
            {
                return CheckResult::Warn(Text::line(&format!(
                    "quota {} allows {hard} pods, {used} are used: {more} more do not fit",
                    pods::name(quota)
                )));
            }
        }
    }
    CheckResult::Pass(if quotas.is_empty() { "no quota limits the namespace".into() } else { "pod quota leaves room".into() })
}

fn counted(replicas: u64) -> String {
    if replicas == 1 { "1 replica".to_owned() } else { format!("{replicas} replicas") }
}
