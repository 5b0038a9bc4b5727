//! Nodes.

use serde::Deserialize;

use super::{
    list_watch::Watched,
    wire::{Condition, Few, Meta, Pairs, Str, condition, text, time},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    text::Text,
    workload::Node,
};

pub(super) struct Nodes;

/// Conditions that are trouble when they are true.
const PRESSURES: [&str; 4] = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];
const ROLE: &str = "node-role.kubernetes.io/";

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status<'a>,
}

#[derive(Deserialize, Default)]
struct Spec {
    unschedulable: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    conditions: Option<Few<Condition<'a>>>,
    capacity: Option<Pairs<'a>>,
    allocatable: Option<Pairs<'a>>,
    node_info: Option<Info<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    #[serde(borrow)]
    kubelet_version: Option<Str<'a>>,
}

impl Watched for Nodes {
    const SOURCE: SourceId = SourceId::Nodes;
    type Wire<'a> = Wire<'a>;
    type Object = Node;

    fn object(&self, wire: Wire<'_>) -> Option<Node> {
        let (meta, status) = (&wire.metadata, &wire.status);
        let ready = condition(status.conditions.as_ref(), "Ready");
        let is_ready = ready.is_some_and(|ready| ready.is("True"));
        let not_ready = (!is_ready).then(|| match ready {
            Some(condition) => (text(condition.reason.as_ref()), time(condition.last_transition_time.as_ref())),
            None => (Text::line("never reported"), None),
        });
        let pressures = PRESSURES.iter().filter(|name| condition(status.conditions.as_ref(), name).is_some_and(|pressure| pressure.is("True")));
        let resource = |name: &str| {
            let pairs = [status.allocatable.as_ref(), status.capacity.as_ref()];
            text(pairs.into_iter().flatten().find_map(|pairs| pairs.get(name)))
        };
        Some(Node {
            key: meta.key()?,
            uid: meta.uid(),
            created: meta.created(),
            ready: is_ready,
            not_ready,
            is_silent: ready.is_some_and(|ready| ready.is("Unknown")),
            cordoned: wire.spec.unschedulable == Some(true),
            pressures: pressures.map(|name| Text::line(name)).collect(),
            version: text(status.node_info.as_ref().and_then(|info| info.kubelet_version.as_ref())),
            roles: roles(meta),
            cpu: resource("cpu"),
            memory: resource("memory"),
        })
    }

    fn what(deltas: Vec<Delta<Node>>) -> What {
        What::Nodes(deltas)
    }
}

/// As kubectl prints them: label suffixes, sorted, `<none>` without any.
fn roles(meta: &Meta<'_>) -> Text {
    let labels = meta.labels.iter().flat_map(|labels| &labels.0);
    let mut roles: Vec<&str> = labels
        .filter_map(|(name, value)| {
            let role = name.0.strip_prefix(ROLE).or_else(|| name.is("kubernetes.io/role").then_some(&*value.0))?;
            (!role.is_empty()).then_some(role)
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { "<none>".into() } else { Text::line(&roles.join(",")) }
}
