//! Nodes as JSON, as far as an action decides on them, and the pods that run on one.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::domain::{
    mitigation::{CheckResult, Write},
    object::{Key, Kind, ObjectRef},
    text::Text,
    units,
};

use super::{api::Api, draft::guarded_patch, pods};
use crate::domain::mitigation::Field;

const READS_AT_ONCE: usize = 8;
const UNSCHEDULABLE: &str = "/spec/unschedulable";
/// The taint that the node controller puts on every cordoned node.
const CORDONED: &str = "node.kubernetes.io/unschedulable";

pub fn is_cordoned(node: &Value) -> bool {
    node.pointer(UNSCHEDULABLE).and_then(Value::as_bool) == Some(true)
}

/// Whether the scheduler puts pods there that tolerate nothing in particular; in words where it does not.
pub fn keeps_pods_away(node: &Value) -> Option<String> {
    if !pods::is_ready(node) {
        return Some("it is not ready".to_owned());
    }
    let taints = node.pointer("/spec/taints").and_then(Value::as_array);
    let text = |taint: &Value, name: &str| taint.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let hard = |taint: &&Value| matches!(text(taint, "effect").as_str(), "NoSchedule" | "NoExecute") && text(taint, "key") != CORDONED;
    taints.into_iter().flatten().find(hard).map(|taint| format!("its taint {} keeps pods away", text(taint, "key")))
}

/// The patch that cordons a node, or takes that back. Where the field is not there, nothing can be tested but the uid; what
/// was planned on is looked at once more right before.
pub fn cordon(target: &ObjectRef, node: &Value, cordoned: bool) -> Write {
    let (before, after) = (is_cordoned(node), cordoned);
    let step = if after {
        serde_json::json!({ "op": "add", "path": UNSCHEDULABLE, "value": true })
    } else {
        serde_json::json!({ "op": "remove", "path": UNSCHEDULABLE })
    };
    let value = |is: bool| is.then(|| Value::Bool(true));
    let field = Field { path: UNSCHEDULABLE.into(), before: value(before), after: value(after) };
    guarded_patch(target, node, &[UNSCHEDULABLE], vec![step], vec![field])
}

/// The pods that run on a node, finished ones left out. `true` when there may be more.
pub async fn pods_on(api: &Api, node: &str) -> Result<(Vec<Value>, bool), Text> {
    let path = Kind::Pod.collection_path(None);
    let found = api.list_where(&path, &format!("spec.nodeName={node},status.phase!=Failed,status.phase!=Succeeded")).await;
    let (mut found, is_partial) = found.map_err(|error| Text::line(&format!("the pods of node/{node} could not be read: {error}")))?;
    found.retain(|pod| !pods::has_ended(pod));
    Ok((found, is_partial))
}

/// Names of the nodes of these pods that do not answer, or are gone. One that cannot be read is not held to be lost.
pub async fn lost<'a>(api: &Api, pods: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let names: BTreeSet<&str> = pods.filter_map(pods::node).collect();
    let asked: Vec<_> = names
        .into_iter()
        .map(|name| async move {
            let node = ObjectRef { kind: Kind::Node, key: Key::new("", name), uid: Text::default() };
            let is_lost = api.find(&node).await.is_ok_and(|found| found.is_none_or(|node| is_silent(&node)));
            is_lost.then(|| name.to_owned())
        })
        .collect();
    stream::iter(asked).buffered(READS_AT_ONCE).filter_map(std::future::ready).collect().await
}

/// Whether its kubelet is not heard any more.
fn is_silent(node: &Value) -> bool {
    pods::condition(node, "Ready").and_then(|ready| ready.get("status")?.as_str()) == Some("Unknown")
}

/// Whether there are other nodes that take pods.
pub async fn elsewhere(api: &Api, node: &ObjectRef) -> CheckResult {
    let (found, is_partial) = match api.list(&Kind::Node.collection_path(None), "").await {
        Ok(found) => found,
        Err(error) => return CheckResult::Warn(Text::line(&format!("the other nodes could not be read: {error}"))),
    };
    let others: Vec<_> = found.iter().filter(|other| pods::uid(other) != node.uid.as_str()).collect();
    let open = others.iter().filter(|other| !is_cordoned(other) && keeps_pods_away(other).is_none()).count();
    let of = others.len();
    let least = if is_partial { "at least " } else { "" };
    if open == 0 {
        let refusal = match of {
            0 => "there is no other node".to_owned(),
            1 => "the other node takes no pods".to_owned(),
            _ => format!("none of the {of} other nodes takes pods"),
        };
        CheckResult::Warn(Text::line(&format!("{refusal}: new pods wait until one does")))
    } else {
        let take = units::verb(open as u64, "take");
        CheckResult::Pass(Text::line(&format!("{least}{open} of {of} other {} {take} pods", units::plural(of as u64, "node"))))
    }
}
