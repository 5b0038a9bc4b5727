//! Evicting exactly the named pods: a delete that disruption budgets can refuse. What one refuses is said and not asked again.

use std::sync::Arc;

use super::Mitigation;
use crate::{
    actions::{
        disruption,
        draft::Draft,
        engine::Core,
        named_pods::{self, Goes},
    },
    domain::{
        ask::{Ask, Wish, Words},
        catalogue::{Level, Right, Spec},
        mitigation::{CheckKind, MitigationId},
        object::{Kind, ObjectRef},
        phase::{LeftOut, Refusal},
        text::Text,
    },
};

static SPEC: Spec = Spec {
    name: "evict",
    key: 'E',
    summary: "evict the named pods, where their disruption budgets allow it",
    on: &[Kind::Pod],
    takes_several: true,
    parameters: &[],
    level: Level::Narrow,
    more: "a healthy pod is disruptive, one without a controller destructive",
    rights: &[
        Right::on("get", "", "pods"),
        Right::on("list", "", "pods"),
        Right::below("create", "", "pods", "eviction"),
        Right::on("get", "apps", "replicasets"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("get", "apps", "daemonsets"),
        Right::on("list", "policy", "poddisruptionbudgets"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
    ],
    undo: "nothing: an evicted pod does not come back, its controller makes another",
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evict {
    pods: Vec<ObjectRef>,
}

impl Ask for Evict {
    fn kind(&self) -> &'static str {
        SPEC.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        self.pods.clone()
    }

    fn words(&self) -> Vec<String> {
        self.pods.iter().map(ToString::to_string).collect()
    }
}

impl Mitigation for Evict {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { pods: named_pods::parse(words)? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let evicting = Goes {
            verb: "evict",
            how: "",
            write: named_pods::eviction,
            kubectl: named_pods::evicted_by_kubectl,
            why_not: named_pods::going_or_mirror,
            left_out: LeftOut::Gone,
            refusal: Refusal::Noted,
            again: |pods| Wish::new(Self { pods }),
        };
        let (mut draft, chosen) = named_pods::draft(core, id, &self.pods, evicting).await?;
        let api = core.api.clone();
        draft.check(CheckKind::Disruption, async move { disruption::of_evictions(&api, &chosen).await });
        Ok(draft)
    }
}
