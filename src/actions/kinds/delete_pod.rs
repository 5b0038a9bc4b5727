//! Deleting exactly the named pods by uid, healthy or not. Disruption budgets are not asked: evicting does that.

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
        phase::Refusal,
        text::Text,
    },
};

static SPEC: Spec = Spec {
    name: "delete-pod",
    key: 'D',
    summary: "delete the named pods, healthy or not; disruption budgets are not asked",
    on: &[Kind::Pod],
    takes_several: true,
    parameters: &[],
    level: Level::Narrow,
    more: "a healthy pod is disruptive, one without a controller destructive",
    rights: &[
        Right::on("get", "", "pods"),
        Right::on("list", "", "pods"),
        Right::on("delete", "", "pods"),
        Right::on("get", "apps", "replicasets"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("get", "apps", "daemonsets"),
        Right::on("list", "policy", "poddisruptionbudgets"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
    ],
    undo: "nothing: a deleted pod does not come back, its controller makes another",
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletePod {
    pods: Vec<ObjectRef>,
}

impl Ask for DeletePod {
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

impl Mitigation for DeletePod {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { pods: named_pods::parse(words)? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let deleting = Goes {
            verb: "delete",
            write: named_pods::deletion,
            kubectl: named_pods::deleted_by_kubectl,
            refusal: Refusal::Ends,
            again: |pods| Wish::new(Self { pods }),
        };
        let (mut draft, chosen) = named_pods::draft(core, id, &self.pods, deleting).await?;
        let namespace = chosen[0].0.key.namespace.clone();
        let (api, objects) = (core.api.clone(), chosen.into_iter().map(|(_, object)| object).collect::<Vec<_>>());
        draft.check(CheckKind::Disruption, async move { disruption::of_delete(&api, &namespace, &objects).await });
        Ok(draft)
    }
}
