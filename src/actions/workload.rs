//! What deployments, stateful sets and daemon sets have in common: a pod template that is rolled out.

use serde_json::Value;

use crate::domain::{
    mitigation::{CheckResult, Converge},
    object::{Kind, Subject},
    text::Text,
};

use super::{api::Api, overwriters};
use crate::domain::object::ObjectRef;

/// What can be rolled out.
pub const ROLLED_OUT: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// Why a new template does not reach every pod by itself; none where it does.
pub fn held_back(kind: Kind, object: &Value) -> Option<String> {
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Some("it is paused: nothing is rolled out until it is resumed".to_owned());
    }
    let strategy = object.pointer("/spec/updateStrategy/type").and_then(Value::as_str);
    if kind != Kind::Deployment && strategy == Some("OnDelete") {
        return Some("its update strategy is OnDelete: each pod changes only when it is deleted".to_owned());
    }
    let partition = object.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_u64).unwrap_or(0);
    (partition > 0).then(|| format!("its partition is {partition}: pods below that number keep what they run"))
}

/// Waits for the rollout, where one follows.
pub fn converge(workload: &Subject, object: &Value) -> Converge {
    if held_back(workload.kind, object).is_some() { Converge::Immediately } else { Converge::Rollout { workload: workload.clone() } }
}

/// Whether pods get what is written.
pub fn effect(kind: Kind, object: &Value, reaches: &str) -> CheckResult {
    match held_back(kind, object) {
        Some(why) => CheckResult::Warn(Text::line(&why)),
        None => CheckResult::Pass(Text::line(reaches)),
    }
}

/// Who will put their own version of the field `path` (a JSON pointer) back.
pub async fn overwritten(api: &Api, target: &ObjectRef, object: &Value, path: &str) -> CheckResult {
    let mut found = Vec::new();
    match overwriters::autoscaler(api, target).await {
        Ok(Some(hpa)) => found.push(format!("HPA {} keeps replicas {}..{}", hpa.name, hpa.min, hpa.max)),
        Ok(None) => {}
        Err(why) => found.push(format!("autoscalers could not be read: {why}")),
    }
    overwriters::judged(api, object, path, found, overwriters::NOBODY).await
}
