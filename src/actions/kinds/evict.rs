//! Evicting exactly the named pods: a delete that disruption budgets can refuse. What one refuses is said and not asked again.

use std::sync::Arc;

use super::{Mitigation, delete_pod};
use crate::{
    actions::{
        disruption,
        draft::{Draft, Undo, resource_version},
        engine::Core,
        named_pods::{self, Meant},
    },
    domain::{
        ask::{Ask, Wish, Words},
        catalogue::{Level, Right, Spec},
        mitigation::{CheckKind, Converge, MitigationId},
        object::{Kind, ObjectRef},
        phase::{LeftOut, Phase, Refusal, Wait},
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
        let Meant { chosen, left_out } = named_pods::read(core, &self.pods, named_pods::mirror).await?;
        let first = &chosen[0];
        let again = Self { pods: chosen.iter().map(|(pod, _)| pod.clone()).collect() };
        let mut draft = Draft::about(id, Wish::new(again), &delete_pod::title("Evict", &chosen), (&first.0, &first.1));
        draft.level = named_pods::level(&chosen);
        draft.targets = chosen.iter().map(|(pod, object)| (pod.clone(), resource_version(object))).collect();
        draft.what = delete_pod::what("evict", &chosen, &left_out);
        draft.kubectl = named_pods::evicted_by_kubectl(core, &chosen);
        draft.undo = Undo::Nothing(delete_pod::no_undo(&chosen));
        draft.writes = chosen.iter().map(|(pod, _)| named_pods::eviction(pod)).collect();
        draft.phases = vec![Phase { writes: draft.writes.len(), left_out: LeftOut::Gone, wait: Wait::Nothing, refusal: Refusal::Noted }];
        draft.converge = Converge::Replaced { pods: chosen.iter().map(|(pod, _)| pod.clone()).collect() };
        let comes_back = delete_pod::comes_back(&chosen);
        draft.check(CheckKind::Effect, async { comes_back });
        let api = core.api.clone();
        draft.check(CheckKind::Disruption, async move { disruption::of_evictions(&api, &chosen).await });
        Ok(draft)
    }
}
