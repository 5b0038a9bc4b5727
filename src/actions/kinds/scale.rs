//! Setting the replicas of a workload through its `scale` subresource.
//!
//! The write is a JSON patch that tests the uid and the replicas it was planned on: a change of them by anyone else makes
//! the server refuse it, a change of the status does not.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Mitigation;
use crate::{
    actions::{
        api::Api,
        draft::{Draft, Undo, subject},
        engine::Core,
        kubectl, load, overwriters, pods, room, scalable,
    },
    domain::{
        ask::{Wish, Words},
        asks::Scale,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, ContentType, Converge, Effect, Field, MitigationId, ObjectWrite, Write, WriteMethod},
        object::{Kind, ObjectRef},
        text::Text,
        units,
    },
};

/// Most replicas that can be asked for: beyond it is a slip of the finger.
const MOST: u32 = 1_000;

static SPEC: Spec = Spec {
    name: Scale::NAME,
    key: 's',
    summary: "set the replicas of a workload",
    on: &[Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet],
    takes_several: false,
    parameters: &[Parameter { name: "REPLICAS", about: "how many pods it should have, 0 to 1000", presence: Presence::Required }],
    level: Level::Narrow,
    more: "scaling down is disruptive, to 0 destructive; RESOURCE.GROUP/NAME scales anything else that has a scale",
    rights: &[
        Right::on("get", "apps", "deployments"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("get", "apps", "replicasets"),
        Right::below("get", "apps", "deployments", "scale"),
        Right::below("get", "apps", "statefulsets", "scale"),
        Right::below("get", "apps", "replicasets", "scale"),
        Right::below("patch", "apps", "deployments", "scale"),
        Right::below("patch", "apps", "statefulsets", "scale"),
        Right::below("patch", "apps", "replicasets", "scale"),
        Right::on("list", "apps", "replicasets"),
        Right::on("list", "", "pods"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
        Right::of_cluster("list", "", "nodes"),
        Right::on("list", "autoscaling", "horizontalpodautoscalers"),
    ],
    undo: "the former number of replicas",
};

impl Mitigation for Scale {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let workload = words.scalable()?;
        let typed = words.required()?;
        match typed.parse() {
            Ok(replicas) if replicas <= MOST => Ok(Self { workload, replicas }),
            _ => Err(words.wrong(&format!("takes 0 to {MOST} replicas, not {typed:?}"))),
        }
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let workload = scalable::discovered(&core.api, &self.workload).await?;
        let (target, object) = subject(core, &workload).await?;
        let replicas = u64::from(self.replicas);
        let path = format!("{}/scale", target.object_path());
        let scale = core.api.get(&path).await.map_err(|error| Text::line(&format!("could not read the scale of {target}: {error}")))?;
        let current = scale.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(0);
        if current == replicas {
            return Err(Text::line(&format!("{target} already has {}", counted(replicas))));
        }
        let (name, namespace) = (&target.key.name, &target.key.namespace);
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Scale · {name}"), (&target, &object));
        draft.level = match replicas {
            0 => Level::Destructive,
            fewer if fewer < current => Level::Disruptive,
            _ => Level::Narrow,
        };
        draft.what = vec![Text::line(&format!("{target}  replicas {current} → {replicas} in {namespace}"))];
        let (wish, precondition) = (format!("--replicas={replicas}"), format!("--current-replicas={current}"));
        draft.kubectl = kubectl::command(&["scale", &target.to_string(), &wish, &precondition], namespace, &core.kubectl);
        let former = Self { workload: self.workload.clone(), replicas: u32::try_from(current).unwrap_or(u32::MAX) };
        draft.undo = Undo::By(Wish::new(former), Text::line(&format!("U brings {} back", counted(current))));
        draft.writes = vec![Write::Object(ObjectWrite {
            method: WriteMethod::Patch,
            path,
            content: ContentType::JsonPatch,
            body: guarded(&scale, replicas),
            target: target.clone(),
            effect: Effect::Fields(vec![Field { path: "/spec/replicas".into(), before: Some(current.into()), after: Some(replicas.into()) }]),
        })];
        draft.converge = Converge::Rollout { workload };
        if let Some(more) = replicas.checked_sub(current) {
            let (api, namespace, template) = (core.api.clone(), namespace.clone(), object.pointer("/spec/template").cloned());
            draft.check(CheckKind::Room, async move { room::for_more(&api, &namespace, template.as_ref(), more).await });
        } else {
            let (api, target) = (core.api.clone(), target.clone());
            let what = if replicas == 0 { CheckKind::Outage } else { CheckKind::Effect };
            draft.check(what, async move { load::on_fewer(&api, &target, current, replicas).await });
        }
        let api = core.api.clone();
        draft.check(CheckKind::Overwritten, async move {
            match target.kind {
                Kind::Scale(_) => match api.get(&target.object_path()).await {
                    Ok(whole) => overwritten(&api, &target, &whole, replicas).await,
                    Err(error) => CheckResult::Warn(Text::line(&format!("who else sets it is not known: {target} could not be read: {error}"))),
                },
                _ => overwritten(&api, &target, &object, replicas).await,
            }
        });
        Ok(draft)
    }
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
    let found = overwriters::of_replicas(api, target, replicas).await;
    overwriters::judged(api, object, "/spec/replicas", found, "no autoscaler or GitOps tool will overwrite it").await
}

fn counted(replicas: u64) -> String {
    format!("{replicas} {}", units::plural(replicas, "replica"))
}
