//! Who will put their own value back: autoscalers, `GitOps` controllers, operators.

use serde_json::Value;

use crate::domain::{
    mitigation::CheckResult,
    object::{Kind, ObjectRef},
    text::Text,
};

use super::{api::Api, pods};

/// An autoscaler of a workload.
pub struct Autoscaler {
    pub name: Text,
    pub min: u64,
    pub max: u64,
    /// KEDA's `ScaledObject`, where it made the autoscaler.
    pub scaled_object: Option<Text>,
}

pub async fn autoscaler(api: &Api, target: &ObjectRef) -> Result<Option<Autoscaler>, Text> {
    let path = Kind::HorizontalPodAutoscaler.collection_path(Some(&target.key.namespace));
    let (items, _) = api.list(&path, "").await.map_err(|error| error.text())?;
    let text = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(Text::line);
    Ok(items.into_iter().find_map(|hpa| {
        let kind = text(&hpa, "/spec/scaleTargetRef/kind")?;
        let name = text(&hpa, "/spec/scaleTargetRef/name")?;
        if !kind.eq_ignore_ascii_case(target.kind.singular()) || name != target.key.name {
            return None;
        }
        let owner = pods::controller(&hpa).filter(|(kind, _, _)| *kind == "ScaledObject").map(|(_, name, _)| Text::line(name));
        Some(Autoscaler {
            name: Text::line(pods::name(&hpa)),
            min: hpa.pointer("/spec/minReplicas").and_then(Value::as_u64).unwrap_or(1),
            max: hpa.pointer("/spec/maxReplicas").and_then(Value::as_u64).unwrap_or(0),
            scaled_object: owner.or_else(|| text(&hpa, "/metadata/labels/scaledobject.keda.sh~1name")),
        })
    }))
}

/// Controllers that own the object's text, by the marks they leave on it.
pub fn owners(object: &Value) -> Vec<String> {
    let mark = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let mut found = Vec::new();
    let argo = ["/metadata/annotations/argocd.argoproj.io~1tracking-id", "/metadata/labels/argocd.argoproj.io~1instance"];
    if let Some(application) = argo.into_iter().find_map(mark) {
        let application = application.split(':').next().unwrap_or(application);
        found.push(format!("Argo CD application {application} may put its own version back (stop its automatic sync)"));
    } else if managers(object).any(|manager| manager.starts_with("argocd")) {
        found.push("Argo CD may put its own version back (stop its automatic sync)".to_owned());
    }
    for (kind, pointer) in
        [("Kustomization", "/metadata/labels/kustomize.toolkit.fluxcd.io~1name"), ("HelmRelease", "/metadata/labels/helm.toolkit.fluxcd.io~1name")]
    {
        if let Some(name) = mark(pointer) {
            found.push(format!("Flux {kind} {name} may put its own version back (flux suspend)"));
        }
    }
    if let Some((kind, name, _)) = pods::controller(object) {
        found.push(format!("{kind} {name} owns it and may put its own version back"));
    }
    found
}

fn managers(object: &Value) -> impl Iterator<Item = &str> {
    let fields = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    fields.into_iter().flatten().filter_map(|entry| entry.get("manager")?.as_str())
}

/// One line from what was found.
pub fn verdict(found: &[String], nobody: &str) -> CheckResult {
    if found.is_empty() { CheckResult::Pass(Text::line(nobody)) } else { CheckResult::Warn(Text::line(&found.join("; "))) }
}
