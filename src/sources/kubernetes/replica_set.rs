//! Replica sets: the revisions of a deployment.

use serde::Deserialize;

use super::{
    authors::{Authors, Began},
    list_watch::Watched,
    managed::Writers,
    wire::{Meta, Str, Template, count, images},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    workload::ReplicaSet,
};

pub(super) struct ReplicaSets {
    pub authors: Authors,
}

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(default)]
    spec: Spec<'a>,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow, flatten)]
    meta: Meta<'a>,
    #[serde(flatten)]
    writers: Writers<'a>,
}

#[derive(Deserialize, Default)]
struct Spec<'a> {
    replicas: Option<i64>,
    #[serde(borrow)]
    template: Option<Template<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status {
    ready_replicas: Option<i64>,
}

impl Watched for ReplicaSets {
    const SOURCE: SourceId = SourceId::ReplicaSets;
    type Wire<'a> = Wire<'a>;
    type Object = ReplicaSet;

    fn object(&self, wire: Wire<'_>) -> Option<ReplicaSet> {
        let Metadata { meta, writers } = &wire.metadata;
        let owner = meta.controller();
        let revision = meta.revision();
        let history = meta.revision_history();
        let revised_at = writers.of_revision();
        // Only the first revision of a set begins when the set is made.
        let began = if history.is_empty() { Began::At(meta.created()) } else { Began::By(revised_at) };
        let changed_by = owner.as_ref().and_then(|owner| self.authors.of(&owner.uid, revision, began));
        Some(ReplicaSet {
            key: meta.key()?,
            uid: meta.uid(),
            created: meta.created(),
            revision,
            history,
            revised_at,
            replicas: wire.spec.replicas.map_or(1, |replicas| count(Some(replicas))),
            ready: count(wire.status.ready_replicas),
            images: images(wire.spec.template.as_ref()),
            change_cause: meta.annotation("kubernetes.io/change-cause").filter(|cause| !cause.0.is_empty()).map(Str::text),
            changed_by,
            owner,
        })
    }

    fn what(deltas: Vec<Delta<ReplicaSet>>) -> What {
        What::ReplicaSets(deltas)
    }
}
