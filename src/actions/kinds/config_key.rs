//! Setting one key of a ConfigMap: the circuit breaker.
//!
//! A merge patch with the resourceVersion it was planned on: a ConfigMap has no status that would move it, so any change
//! in between is someone's, and the server refuses (409). It reaches every pod that reads the key, so on production it
//! asks for the environment's word.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Mitigation;
use crate::{
    actions::{
        api::Api,
        draft::{Draft, Undo, resource_version, subject},
        engine::Core,
        expect::step,
        kubectl, overwriters, pods,
    },
    domain::{
        ask::{Wish, Words},
        asks::SetConfigKey,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        conceal,
        mitigation::{
            CheckKind, CheckResult, ContentType, DiffLine, DiffSign, Effect, Field, MitigationId, ObjectWrite, UNTIL_RESTARTED, Write, WriteMethod,
        },
        object::{Kind, ObjectRef, Subject},
        text::Text,
    },
};

/// What reads ConfigMaps.
const READERS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

static SPEC: Spec = Spec {
    name: SetConfigKey::NAME,
    key: 'b',
    summary: "set one key of a ConfigMap, as the circuit breaker",
    on: &[Kind::ConfigMap],
    takes_several: false,
    parameters: &[Parameter { name: "KEY=VALUE", about: "the key and its new value; KEY- removes it", presence: Presence::Required }],
    level: Level::Disruptive,
    more: "",
    rights: &[
        Right::on("get", "", "configmaps"),
        Right::on("patch", "", "configmaps"),
        Right::on("list", "apps", "deployments"),
        Right::on("list", "apps", "statefulsets"),
        Right::on("list", "apps", "daemonsets"),
    ],
    undo: "the former value, or its removal",
};

impl Mitigation for SetConfigKey {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let config_map = words.subject()?.key;
        let typed = words.required()?;
        let (name, value) = match typed.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (typed.strip_suffix('-').ok_or_else(|| words.wrong(&format!("takes KEY=VALUE or KEY-, not {typed:?}")))?, None),
        };
        Ok(Self { config_map, name: name.to_owned(), value })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &Subject { kind: Kind::ConfigMap, key: self.config_map.clone() }).await?;
        let (name, value) = (self.name.as_str(), self.value.as_deref());
        if object.get("immutable").and_then(Value::as_bool) == Some(true) {
            return Err(Text::line(&format!("{target} is immutable: make a new one and let the deployment name it")));
        }
        let is_key = !name.is_empty() && name.len() <= 253 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !is_key {
            return Err(Text::line(&format!("{name:?} cannot be a key of a ConfigMap: letters, digits, - _ . only")));
        }
        let former = object.get("data").and_then(|data| data.get(name)).and_then(Value::as_str);
        if former == value {
            return Err(Text::line(&match value {
                Some(value) => format!("{target} already has {name}={}", conceal::value(name, value)),
                None => format!("{target} has no key {name} any more"),
            }));
        }
        let shown = |value: Option<&str>| match value.map(|value| (value, conceal::value(name, value))) {
            None => "absent".to_owned(),
            Some((value, shown)) if shown == value => Text::bounded(&format!("{shown:?}"), 80).to_string(),
            Some((_, shown)) => Text::bounded(&shown, 80).to_string(),
        };
        let line = |sign, value: &str| DiffLine { sign, text: Text::bounded(&format!("{name}={}", conceal::value(name, value)), 240) };
        let namespace = &target.key.namespace;
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Set {name} · {}", target.key.name), (&target, &object));
        draft.what = vec![Text::line(&format!("{target}  {name}: {} → {} in {namespace}", shown(former), shown(value)))];
        draft.diff =
            former.map(|former| line(DiffSign::Removed, former)).into_iter().chain(value.map(|value| line(DiffSign::Added, value))).collect();
        let patch = json!({ "data": { name: value } }).to_string();
        draft.kubectl = if self.is_hidden() {
            kubectl::by_hand(&["edit", "configmap", &target.key.name], namespace, &core.kubectl)
        } else {
            kubectl::command(&["patch", "configmap", &target.key.name, "--type=merge", "-p", &patch], namespace, &core.kubectl)
        };
        let says = Text::line(&match former {
            Some(_) => format!("U brings {name}={} back", shown(former)),
            None => format!("U removes {name} again"),
        });
        draft.undo = Undo::By(Wish::new(Self { value: former.map(str::to_owned), ..self.clone() }), says);
        let field = Field { path: format!("/data/{}", step(name)), before: former.map(Value::from), after: value.map(Value::from) };
        draft.writes = vec![Write::Object(ObjectWrite {
            method: WriteMethod::Patch,
            path: target.path(),
            content: ContentType::MergePatch,
            body: json!({ "metadata": { "resourceVersion": resource_version(&object) }, "data": { name: value } }),
            target: target.clone(),
            effect: Effect::Fields(vec![field]),
        })];
        let (api, deployed, field) = (core.api.clone(), object.clone(), format!("/data/{}", step(name)));
        draft.check(CheckKind::Overwritten, async move { overwriters::judged(&api, &deployed, &field, Vec::new(), overwriters::NOBODY).await });
        let (api, key) = (core.api.clone(), name.to_owned());
        draft.check(CheckKind::Effect, async move { effect(&api, &target, &key).await });
        Ok(draft)
    }
}

/// Who reads the key, and whether without a restart.
async fn effect(api: &Api, target: &ObjectRef, key: &str) -> CheckResult {
    let (mut by_environment, mut by_volume, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    let mut unread = Vec::new();
    for kind in READERS {
        match api.list(&kind.collection_path(Some(&target.key.namespace)), "").await {
            Ok((workloads, is_partial)) => {
                for workload in &workloads {
                    let Some(spec) = workload.pointer("/spec/template/spec") else { continue };
                    let name = format!("{}/{}", kind.singular(), pods::name(workload));
                    match reads(spec, &target.key.name, key) {
                        Some(Way::Environment) => by_environment.push(name),
                        Some(Way::Volume) => by_volume.push(name),
                        Some(Way::SubPath) => fixed.push(name),
                        None => {}
                    }
                }
                if is_partial {
                    unread.push(format!("only the first {} {} were looked at", workloads.len(), kind.resource()));
                }
            }
            Err(error) => unread.push(format!("{} could not be read: {error}", kind.resource())),
        }
    }
    let mut parts = Vec::new();
    // Said of the whole write only where every reader is known.
    let is_later = by_volume.is_empty() && unread.is_empty();
    let there = if is_later { "" } else { ": no effect there until restarted" };
    if !by_environment.is_empty() {
        parts.push(format!("read as environment by {}{there}", by_environment.join(", ")));
    }
    if !fixed.is_empty() {
        parts.push(format!("mounted with subPath by {}{there}", fixed.join(", ")));
    }
    if is_later && let Some(first) = parts.first_mut() {
        first.insert_str(0, UNTIL_RESTARTED);
    }
    let needs_more = !parts.is_empty() || !unread.is_empty() || by_volume.is_empty();
    if !by_volume.is_empty() {
        parts.push(format!("seen within about a minute, without a restart, by {}, where it is mounted", by_volume.join(", ")));
    }
    if parts.is_empty() {
        parts.push("no workload here names this ConfigMap in its pods; who reads it through the API is not known".to_owned());
    }
    parts.extend(unread);
    let line = Text::line(&parts.join("; "));
    if needs_more { CheckResult::Warn(line) } else { CheckResult::Pass(line) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Volume,
    /// A file mounted by `subPath` is not updated.
    SubPath,
    Environment,
}

/// How a pod reads the key, by the way that needs most.
fn reads(pod: &Value, config_map: &str, key: &str) -> Option<Way> {
    let items = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_named = |reference: Option<&Value>| reference.and_then(|reference| reference.get("name")?.as_str()) == Some(config_map);
    let containers: Vec<Value> = [items(pod, "initContainers"), items(pod, "containers")].concat();
    let from_environment = containers.iter().any(|container| {
        let all = items(container, "envFrom").iter().any(|source| is_named(source.get("configMapRef")));
        let one = items(container, "env").iter().any(|variable| {
            let reference = variable.pointer("/valueFrom/configMapKeyRef");
            is_named(reference) && reference.and_then(|reference| reference.get("key")?.as_str()) == Some(key)
        });
        all || one
    });
    if from_environment {
        return Some(Way::Environment);
    }
    let carries = |source: Option<&Value>, name_field: &str| {
        let Some(source) = source.filter(|source| source.get(name_field).and_then(Value::as_str) == Some(config_map)) else { return false };
        let chosen = items(source, "items");
        chosen.is_empty() || chosen.iter().any(|item| item.get("key").and_then(Value::as_str) == Some(key))
    };
    let volumes: Vec<String> = items(pod, "volumes")
        .iter()
        .filter(|volume| {
            let projected = volume.pointer("/projected/sources").and_then(Value::as_array);
            carries(volume.get("configMap"), "name") || projected.into_iter().flatten().any(|source| carries(source.get("configMap"), "name"))
        })
        .filter_map(|volume| Some(volume.get("name")?.as_str()?.to_owned()))
        .collect();
    let mounts = containers.iter().flat_map(|container| items(container, "volumeMounts"));
    mounts
        .filter(|mount| mount.get("name").and_then(Value::as_str).is_some_and(|name| volumes.iter().any(|volume| volume == name)))
        .map(|mount| {
            let is_fixed = ["subPath", "subPathExpr"].iter().any(|field| mount.get(*field).is_some());
            if is_fixed { Way::SubPath } else { Way::Volume }
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_pod_reads_a_key_decides_whether_it_needs_a_restart() {
        let environment = json!({"containers": [{"envFrom": [{"configMapRef": {"name": "api-config"}}]}]});
        let other_key = json!({"containers": [{"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "api-config", "key": "other"}}}]}]});
        let mounted =
            |mount: Value| json!({"volumes": [{"name": "v", "configMap": {"name": "api-config"}}], "containers": [{"volumeMounts": [mount]}]});
        let projected = json!({
            "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "api-config", "items": [{"key": "k", "path": "k"}]}}]}}],
            "containers": [{"volumeMounts": [{"name": "v", "mountPath": "/etc"}]}],
        });
        let way = |pod: &Value| reads(pod, "api-config", "k");
        assert_eq!(way(&environment), Some(Way::Environment));
        assert_eq!(way(&other_key), None);
        assert_eq!(way(&mounted(json!({"name": "v", "mountPath": "/etc"}))), Some(Way::Volume));
        assert_eq!(way(&mounted(json!({"name": "v", "mountPath": "/etc/k", "subPath": "k"}))), Some(Way::SubPath));
        assert_eq!(way(&mounted(json!({"name": "w", "mountPath": "/etc"}))), None);
        assert_eq!(way(&projected), Some(Way::Volume));
    }
}
