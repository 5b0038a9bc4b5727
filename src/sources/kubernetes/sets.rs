//! Stateful sets and daemon sets.

use serde::Deserialize;

use super::{
    list_watch::Watched,
    wire::{Meta, Selector, Str, Template, count, images, text, texts},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    sets::{DaemonSet, StatefulSet, Updates},
};

pub(super) struct StatefulSets;
pub(super) struct DaemonSets;

/// Labels kept of a selector.
const MOST_LABELS: usize = 32;

/// Both kinds: what one of them does not have is never there.
#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    #[serde(default)]
    spec: Spec<'a>,
    #[serde(default)]
    status: Status<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    replicas: Option<i64>,
    #[serde(borrow)]
    service_name: Option<Str<'a>>,
    pod_management_policy: Option<Str<'a>>,
    update_strategy: Option<Strategy<'a>>,
    ordinals: Option<Ordinals>,
    selector: Option<Selector<'a>>,
    template: Option<Template<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Strategy<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Str<'a>>,
    rolling_update: Option<Rolling>,
}

#[derive(Deserialize)]
struct Rolling {
    partition: Option<i64>,
}

#[derive(Deserialize)]
struct Ordinals {
    start: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    observed_generation: Option<u64>,
    ready_replicas: Option<i64>,
    updated_replicas: Option<i64>,
    available_replicas: Option<i64>,
    #[serde(borrow)]
    current_revision: Option<Str<'a>>,
    update_revision: Option<Str<'a>>,
    desired_number_scheduled: Option<i64>,
    current_number_scheduled: Option<i64>,
    number_ready: Option<i64>,
    updated_number_scheduled: Option<i64>,
    number_available: Option<i64>,
    number_misscheduled: Option<i64>,
}

impl Spec<'_> {
    fn updates(&self) -> Updates {
        let strategy = self.update_strategy.as_ref();
        if strategy.and_then(|strategy| strategy.kind.as_ref()).is_some_and(|kind| kind.is("OnDelete")) {
            return Updates::OnDelete;
        }
        Updates::Rolling { partition: count(strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.partition)) }
    }
}

impl Watched for StatefulSets {
    const SOURCE: SourceId = SourceId::StatefulSets;
    type Wire<'a> = Wire<'a>;
    type Object = StatefulSet;

    fn object(&self, wire: Wire<'_>) -> Option<StatefulSet> {
        let Wire { metadata: meta, spec, status } = wire;
        Some(StatefulSet {
            key: meta.key()?,
            uid: meta.uid(),
            created: meta.created(),
            // Absent means one.
            replicas: spec.replicas.map_or(1, |replicas| count(Some(replicas))),
            ready: count(status.ready_replicas),
            updated: count(status.updated_replicas),
            available: count(status.available_replicas),
            first: count(spec.ordinals.as_ref().and_then(|ordinals| ordinals.start)),
            service: text(spec.service_name.as_ref()),
            is_ordered: !spec.pod_management_policy.as_ref().is_some_and(|policy| policy.is("Parallel")),
            updates: spec.updates(),
            current_revision: text(status.current_revision.as_ref()),
            update_revision: text(status.update_revision.as_ref()),
            generation: meta.generation.unwrap_or(0),
            observed_generation: status.observed_generation.unwrap_or(0),
            images: images(spec.template.as_ref()),
            selector: texts(spec.selector.and_then(|selector| selector.match_labels).as_ref(), MOST_LABELS),
        })
    }

    fn what(deltas: Vec<Delta<StatefulSet>>) -> What {
        What::StatefulSets(deltas)
    }
}

impl Watched for DaemonSets {
    const SOURCE: SourceId = SourceId::DaemonSets;
    type Wire<'a> = Wire<'a>;
    type Object = DaemonSet;

    fn object(&self, wire: Wire<'_>) -> Option<DaemonSet> {
        let Wire { metadata: meta, spec, status } = wire;
        Some(DaemonSet {
            key: meta.key()?,
            uid: meta.uid(),
            created: meta.created(),
            desired: count(status.desired_number_scheduled),
            current: count(status.current_number_scheduled),
            ready: count(status.number_ready),
            updated: count(status.updated_number_scheduled),
            available: count(status.number_available),
            misscheduled: count(status.number_misscheduled),
            updates: spec.updates(),
            generation: meta.generation.unwrap_or(0),
            observed_generation: status.observed_generation.unwrap_or(0),
            images: images(spec.template.as_ref()),
            selector: texts(spec.selector.and_then(|selector| selector.match_labels).as_ref(), MOST_LABELS),
        })
    }

    fn what(deltas: Vec<Delta<DaemonSet>>) -> What {
        What::DaemonSets(deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stateful_set_is_read_with_its_order_and_its_revisions() {
        let json = r#"{"metadata":{"name":"db","namespace":"shop","uid":"u","generation":4},
          "spec":{"replicas":3,"serviceName":"db-headless","podManagementPolicy":"Parallel","ordinals":{"start":5},
            "updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":6}},
            "selector":{"matchLabels":{"app":"db"}},"template":{"spec":{"containers":[{"name":"db","image":"db:2"}]}}},
          "status":{"observedGeneration":4,"replicas":3,"readyReplicas":2,"updatedReplicas":1,"currentRevision":"db-a","updateRevision":"db-b"}}"#;
        let set = StatefulSets.object(serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!((set.replicas, set.ready, set.updated, set.first, set.is_ordered), (3, 2, 1, 5, false));
        assert_eq!((set.service.as_str(), set.updates, set.update_revision.as_str()), ("db-headless", Updates::Rolling { partition: 6 }, "db-b"));
        let bare = StatefulSets.object(serde_json::from_str(r#"{"metadata":{"name":"db"},"spec":{},"status":{}}"#).unwrap()).unwrap();
        assert_eq!((bare.replicas, bare.is_ordered, bare.updates), (1, true, Updates::Rolling { partition: 0 }));
    }

    #[test]
    fn a_daemon_set_is_read_by_its_status() {
        let json = r#"{"metadata":{"name":"agent","namespace":"shop"},
          "spec":{"updateStrategy":{"type":"OnDelete"},"template":{"spec":{"containers":[{"name":"agent","image":"agent:2"}]}}},
          "status":{"desiredNumberScheduled":5,"currentNumberScheduled":4,"numberReady":3,"updatedNumberScheduled":2,"numberMisscheduled":1}}"#;
        let set = DaemonSets.object(serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!((set.desired, set.current, set.ready, set.updated, set.misscheduled, set.updates), (5, 4, 3, 2, 1, Updates::OnDelete));
    }
}
