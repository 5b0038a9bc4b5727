//! Who will put their own value back: autoscalers, `GitOps` controllers, operators.

use serde_json::Value;

use crate::domain::{
    mitigation::CheckResult,
    object::{Kind, ObjectRef},
    text::Text,
};

use super::{
    api::Api,
    gitops::{self, Fate},
    pods,
};

/// What is said where nobody will undo a change.
pub const NOBODY: &str = "no GitOps tool or operator owns it";

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
        if !target.kind.is_called(&kind) || name != target.key.name {
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

/// Operators and other controllers that own the object.
pub fn owners(object: &Value) -> Vec<String> {
    let owner = pods::controller(object).map(|(kind, name, _)| match kind {
        "Deployment" => format!("deployment/{name} owns it and puts its own version back: do it to that one"),
        _ => format!("{kind} {name} owns it and may put its own version back"),
    });
    owner.into_iter().collect()
}

/// Who will undo a change of the field `path` (a JSON pointer), as one line: what was `found` already, then operators and
/// `GitOps` tools.
pub async fn judged(api: &Api, object: &Value, path: &str, mut found: Vec<String>, nobody: &str) -> CheckResult {
    found.extend(owners(object));
    let mut kept = Vec::new();
    for fate in gitops::fates(api, object, path).await {
        match fate {
            Fate::Undone(why) => found.push(why),
            Fate::Kept(why) => kept.push(why),
        }
    }
    if found.is_empty() && !kept.is_empty() { CheckResult::Pass(Text::line(&kept.join("; "))) } else { verdict(&found, nobody) }
}

/// One line from what was found.
pub fn verdict(found: &[String], nobody: &str) -> CheckResult {
    if found.is_empty() { CheckResult::Pass(Text::line(nobody)) } else { CheckResult::Warn(Text::line(&found.join("; "))) }
}
