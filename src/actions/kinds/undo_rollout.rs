//! Bringing a deployment back to the pod template of an earlier revision, as `kubectl rollout undo` does.
//!
//! The patch is kubectl's (kubectl/pkg/polymorphichelpers/rollback.go): the replica set's template without its hash label,
//! and its annotations besides those that belong to the deployment. Before it come two tests that kubectl does not make:
//! of the uid and of the template it was planned on. A crash loop moves the resourceVersion all the time, and an
//! autoscaler the generation; neither makes this patch wrong, so neither guards it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::{
    actions::{
        api::Api,
        changed, diff,
        draft::{Draft, disruptive, resource_version, subject},
        engine::Core,
        expect::tidy,
        kubectl, overwriters, pods,
    },
    domain::{
        mitigation::{CheckKind, CheckResult, Converge, DiffLine, DiffSign, MitigationId, Plan, Write, WriteMethod},
        object::{Key, Kind, ObjectRef},
        text::Text,
    },
};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH_LABEL: &str = "pod-template-hash";
/// Annotations that stay the deployment's own.
const OWN_ANNOTATIONS: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];
/// Most ConfigMaps whose age is looked at.
const MOST_CONFIG_MAPS: usize = 10;

/// Where a deployment goes.
struct Goal {
    /// Revision, if a replica set still has the template.
    revision: Option<u64>,
    template: Value,
    annotations: Value,
    /// When the revision was first rolled out.
    since: Option<DateTime<Utc>>,
}

pub async fn draft(core: &Arc<Core>, id: MitigationId, deployment: &Key, to_revision: Option<u64>) -> Result<Draft, Text> {
    let (target, object) = subject(core, Kind::Deployment, deployment).await?;
    let history = history(&core.api, &target, &object).await?;
    let current = revision(&object);
    let chosen = match to_revision {
        Some(wanted) => history.iter().find(|(number, _)| *number == wanted),
        None => history.iter().rev().find(|(number, _)| *number < current.unwrap_or(u64::MAX)),
    };
    let Some((number, set)) = chosen else {
        let known: Vec<_> = history.iter().map(|(number, _)| number.to_string()).collect();
        let wanted = to_revision.map_or_else(|| "earlier revision".to_owned(), |wanted| format!("revision {wanted}"));
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Text::line(&format!("{target} has no {wanted}; kept are: {known}")));
    };
    let annotations = set.pointer("/metadata/annotations").cloned().unwrap_or_default();
    let goal = Goal { revision: Some(*number), template: template_of(set), annotations, since: created(set) };
    plan(core, id, &target, &object, &goal)
}

/// Back to the template and annotations that `inverse` sets: the undo of an undo.
pub async fn back(core: &Arc<Core>, id: MitigationId, target: ObjectRef, object: &Value, inverse: &Write) -> Result<Draft, Text> {
    let value =
        |path: &str| inverse.body.as_array()?.iter().find(|step| step.get("path").and_then(Value::as_str) == Some(path))?.get("value").cloned();
    let Some(template) = value("/spec/template") else { return Err("the former template is not known".into()) };
    let history = history(&core.api, &target, object).await?;
    let set = history.iter().find(|(_, set)| without_hash(&template_of(set)) == without_hash(&template));
    let annotations = value("/metadata/annotations").unwrap_or_default();
    let goal = Goal { revision: set.map(|(number, _)| *number), template, annotations, since: set.and_then(|(_, set)| created(set)) };
    plan(core, id, &target, object, &goal)
}

fn plan(core: &Arc<Core>, id: MitigationId, target: &ObjectRef, object: &Value, goal: &Goal) -> Result<Draft, Text> {
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Err(Text::line(&format!("{target} is paused: resume it first (kubectl rollout resume {target} -n {})", target.key.namespace)));
    }
    let current = object.pointer("/spec/template").cloned().unwrap_or_default();
    if without_hash(&current) == without_hash(&goal.template) {
        let which = goal.revision.map_or_else(|| "what it was".to_owned(), |number| format!("revision {number}"));
        return Err(Text::line(&format!("{target} already runs the template of {which}")));
    }
    let (name, namespace) = (target.key.name.clone(), target.key.namespace.clone());
    let from = revision(object).map_or_else(|| "?".to_owned(), |number| number.to_string());
    let to = goal.revision.map_or_else(|| "the former template".to_owned(), |number| number.to_string());
    let mut what = vec![Text::line(&format!("{target}  revision {from} → {to} in {namespace}"))];
    for (container, before, after) in diff::images(&current, &goal.template) {
        what.push(Text::line(&format!("{container}  image {before} → {after}")));
    }
    let mut lines = diff::lines(&current, &goal.template);
    if lines.is_empty() && what.len() == 1 {
        lines.push(DiffLine { sign: DiffSign::Context, text: "only fields that are not shown differ".into() });
    }
    let body = patch(object, &goal.template, &goal.annotations, true);
    let own = object.pointer("/metadata/annotations").cloned().unwrap_or_default();
    let write = |body: Value, inverse: Option<Box<Write>>| Write {
        method: WriteMethod::Patch,
        path: target.path(),
        content_type: "application/json-patch+json",
        body,
        inverse,
        target: target.clone(),
    };
    let inverse = write(patch(object, &tidy(&current), &own, false), None);
    let command = match goal.revision {
        Some(number) => {
            let (deployment, revision) = (format!("deployment/{name}"), format!("--to-revision={number}"));
            kubectl::command(&["rollout", "undo", &deployment, &revision], &namespace, &core.cluster)
        }
        None => kubectl::command(&["patch", "deployment", &name, "--type=json", "-p", &body.to_string()], &namespace, &core.cluster),
    };
    let plan = Plan {
        id,
        kind: "undo-rollout",
        title: Text::line(&format!("Undo rollout · {name}")),
        cluster: core.cluster.clone(),
        targets: vec![(target.clone(), resource_version(object))],
        what,
        diff: lines,
        kubectl: command,
        undo: Text::line(&format!("U brings the template of revision {from} back")),
        friction: disruptive(&core.environment),
        reason: Text::default(),
        undoes: None,
        writes: vec![write(body, Some(Box::new(inverse)))],
        planned_at: core.clock.now().mono,
        converge: Converge::Rollout { deployment: target.key.clone() },
    };
    let (api, of, deployment) = (core.api.clone(), target.clone(), object.clone());
    let overwritten = async move { overwritten(&api, &of, &deployment).await };
    let (api, template, since, label) = (core.api.clone(), goal.template.clone(), goal.since, to);
    let covered = async move { not_covered(&api, &namespace, &template, since, &label).await };
    Ok(Draft { plan, checks: vec![(CheckKind::Overwritten, Box::pin(overwritten)), (CheckKind::NotCovered, Box::pin(covered))], at_once: 1 })
}

/// kubectl's patch, after tests of what it was planned on.
fn patch(object: &Value, template: &Value, annotations: &Value, guarded: bool) -> Value {
    let mut steps = Vec::new();
    if guarded {
        steps.push(json!({ "op": "test", "path": "/metadata/uid", "value": pods::uid(object) }));
        steps.push(json!({ "op": "test", "path": "/spec/template", "value": object.pointer("/spec/template") }));
    }
    let mut kept = Map::new();
    let own = object.pointer("/metadata/annotations").and_then(Value::as_object);
    kept.extend(
        own.into_iter().flatten().filter(|(name, _)| OWN_ANNOTATIONS.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())),
    );
    let others = annotations.as_object().into_iter().flatten().filter(|(name, _)| !OWN_ANNOTATIONS.contains(&name.as_str()));
    kept.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    steps.push(json!({ "op": "replace", "path": "/spec/template", "value": without_hash(template) }));
    // `add` replaces too, and does not fail where there are none.
    steps.push(json!({ "op": "add", "path": "/metadata/annotations", "value": kept }));
    Value::Array(steps)
}

/// Revisions and their replica sets, lowest first.
async fn history(api: &Api, target: &ObjectRef, object: &Value) -> Result<Vec<(u64, Value)>, Text> {
    let query = object.pointer("/spec/selector").and_then(pods::label_query).unwrap_or_default();
    let path = Kind::ReplicaSet.collection_path(Some(&target.key.namespace));
    let (sets, is_partial) =
        api.list(&path, &query).await.map_err(|error| Text::line(&format!("the revisions of {target} could not be read: {error}")))?;
    if is_partial {
        return Err(Text::line(&format!("{target} has more than 500 replica sets: its revisions could not be read completely")));
    }
    let is_own = |set: &Value| pods::controller(set).is_some_and(|(_, _, uid)| uid == target.uid.as_str());
    let mut history: Vec<_> = sets.into_iter().filter(is_own).filter_map(|set| Some((revision(&set)?, set))).collect();
    history.sort_by_key(|(number, _)| *number);
    Ok(history)
}

fn revision(object: &Value) -> Option<u64> {
    object.pointer("/metadata/annotations")?.get(REVISION)?.as_str()?.parse().ok()
}

fn created(object: &Value) -> Option<DateTime<Utc>> {
    let time = object.pointer("/metadata/creationTimestamp")?.as_str()?;
    Some(DateTime::parse_from_rfc3339(time).ok()?.with_timezone(&Utc))
}

fn template_of(set: &Value) -> Value {
    set.pointer("/spec/template").map(without_hash).unwrap_or_default()
}

fn without_hash(template: &Value) -> Value {
    let mut template = tidy(template);
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH_LABEL);
    }
    template
}

async fn overwritten(api: &Api, target: &ObjectRef, object: &Value) -> CheckResult {
    let mut found = overwriters::owners(object);
    match overwriters::autoscaler(api, target).await {
        Ok(Some(hpa)) => found.push(format!("HPA {} keeps replicas {}..{}", hpa.name, hpa.min, hpa.max)),
        Ok(None) => {}
        Err(why) => found.push(format!("autoscalers could not be read: {why}")),
    }
    overwriters::verdict(&found, "no GitOps tool or operator owns it")
}

/// ConfigMaps that the template names and that changed after the revision was first rolled out.
async fn not_covered(api: &Api, namespace: &str, template: &Value, since: Option<DateTime<Utc>>, to: &str) -> CheckResult {
    let mut found = Vec::new();
    let names = config_maps(template);
    let Some(since) = since else { return CheckResult::Warn("the age of the target revision is not known: ConfigMaps were not compared".into()) };
    for name in names.iter().take(MOST_CONFIG_MAPS) {
        let target = ObjectRef { kind: Kind::ConfigMap, key: Key::new(namespace, name), uid: Text::default() };
        match api.find(&target).await {
            Ok(Some(object)) => {
                if let Some((who, when)) = changed::last(&object).filter(|(_, when)| *when > since) {
                    found.push(format!("ConfigMap {name} changed after rev {to} (by {who}, {}): not undone by this", when.format("%m-%d %H:%MZ")));
                }
            }
            Ok(None) => found.push(format!("ConfigMap {name}, which rev {to} names, does not exist")),
            Err(error) => found.push(format!("ConfigMap {name} could not be read: {error}")),
        }
    }
    if names.len() > MOST_CONFIG_MAPS {
        found.push(format!("{} more ConfigMaps were not looked at", names.len() - MOST_CONFIG_MAPS));
    }
    if found.is_empty() {
        CheckResult::Pass(Text::line(&format!("no ConfigMap it reads changed after rev {to}")))
    } else {
        CheckResult::Warn(Text::line(&found.join("; ")))
    }
}

fn config_maps(template: &Value) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let reference = matches!(name.as_str(), "configMap" | "configMapRef" | "configMapKeyRef").then(|| value.get("name")).flatten();
                    if let Some(name) = reference.and_then(Value::as_str)
                        && !found.iter().any(|known| known == name)
                    {
                        found.push(name.to_owned());
                    }
                    collect(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(template, &mut found);
    found
}
