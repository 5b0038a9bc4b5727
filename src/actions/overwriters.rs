//! Who will put their own value back: autoscalers, `GitOps` controllers, operators.

use serde_json::Value;

use crate::domain::{
    asks::SET_HPA_BOUNDS,
    mitigation::CheckResult,
    object::{Kind, ObjectRef},
    text::Text,
};

use super::{
    api::Api,
    gitops::{self, Fate},
    keda, pods,
};

/// What is said where nobody will undo a change.
pub const NOBODY: &str = "no GitOps tool or operator owns it";

/// An autoscaler of a workload.
pub struct Autoscaler {
    pub name: Text,
    pub min: u64,
    pub max: u64,
    /// How many it wants by its last look at its metrics; 0 before the first.
    pub desired: u64,
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
            desired: hpa.pointer("/status/desiredReplicas").and_then(Value::as_u64).unwrap_or(0),
            scaled_object: owner.or_else(|| text(&hpa, "/metadata/labels/scaledobject.keda.sh~1name")),
        })
    }))
}

impl Autoscaler {
    /// What it does to a number of replicas that somebody else sets.
    fn fate(&self, replicas: u64) -> String {
        let Self { min, max, .. } = self;
        let who = self.scaled_object.as_ref().map_or_else(|| format!("HPA {}", self.name), |scaled| format!("KEDA ScaledObject {scaled}"));
        if replicas == 0 {
            return match &self.scaled_object {
                Some(_) => format!("{who} may bring it back from 0"),
                None => format!("{who} stops scaling while replicas are 0"),
            };
        }
        if (*min..=*max).contains(&replicas) {
            return format!("{who} decides between {min} and {max} and may set its own number within a minute");
        }
        let bound = if replicas > *max { format!("max={replicas}") } else { format!("min={replicas}") };
        let instead = match &self.scaled_object {
            Some(_) => "change its own bounds instead".to_owned(),
            None => format!("use {SET_HPA_BOUNDS} hpa/{} {bound} instead", self.name),
        };
        format!("{who} will bring it back into {min}..{max} within a minute: {instead}")
    }
}

/// Who scales the workload by itself, and what that does to a number of replicas that somebody else sets.
pub async fn of_replicas(api: &Api, target: &ObjectRef, replicas: u64) -> Vec<String> {
    let (hpa, scaled_object) = (autoscaler(api, target).await, keda::scaled_object(api, target).await);
    let is_kedas = matches!(&hpa, Ok(Some(hpa)) if hpa.scaled_object.is_some());
    let mut found = Vec::new();
    match hpa {
        // Its ScaledObject says more.
        Ok(Some(_)) if is_kedas && matches!(scaled_object, Ok(Some(_))) => {}
        Ok(Some(hpa)) => found.push(hpa.fate(replicas)),
        Ok(None) => {}
        Err(why) => found.push(format!("autoscalers could not be read: {why}")),
    }
    match scaled_object {
        Ok(Some(scaled_object)) => found.push(scaled_object.fate(replicas)),
        Ok(None) => {}
        Err(why) if is_kedas => found.push(format!("whether it is paused is not known: {why}")),
        Err(why) => found.push(format!("whether KEDA scales it is not known: {why}")),
    }
    found
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
