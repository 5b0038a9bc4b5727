//! Deleting exactly the named pods by uid, healthy or not. Disruption budgets are not asked: evicting does that.
//!
//! By force the API server forgets a pod at once, without the word of its kubelet that the containers have ended. That is for
//! pods of a node that is off: nobody there can give the word, and a stateful set makes no other before.

use std::sync::Arc;

use super::Mitigation;
use crate::{
    actions::{
        disruption,
        draft::Draft,
        engine::Core,
        named_pods::{self, Goes},
        pods,
    },
    domain::{
        ask::{Ask, Wish, Words},
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, MitigationId},
        object::{Kind, ObjectRef},
        phase::{LeftOut, Refusal},
        text::Text,
    },
};

static SPEC: Spec = Spec {
    name: "delete-pod",
    key: 'D',
    summary: "delete the named pods, healthy or not; disruption budgets are not asked",
    on: &[Kind::Pod],
    takes_several: true,
    parameters: &[Parameter {
        name: "force=yes",
        about: "forget the pods at once, though their node does not confirm that they ended; only where the node is off",
        presence: Presence::Optional,
    }],
    level: Level::Narrow,
    more: "a healthy pod is disruptive, one without a controller or by force destructive",
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
    is_forced: bool,
}

const PLAIN: Goes = Goes {
    verb: "delete",
    how: "",
    write: named_pods::deletion,
    kubectl: named_pods::deleted_by_kubectl,
    refusal: Refusal::Ends,
    why_not: named_pods::going_or_mirror,
    left_out: LeftOut::Gone,
    again: |pods| Wish::new(DeletePod { pods, is_forced: false }),
};

/// One that is on its way out already is what force is for.
const FORCED: Goes = Goes {
    how: " by force",
    write: named_pods::forced_deletion,
    kubectl: named_pods::forced_by_kubectl,
    why_not: |pod, _| named_pods::mirror(pod),
    left_out: LeftOut::Erased,
    again: |pods| Wish::new(DeletePod::by_force(pods)),
    ..PLAIN
};

impl DeletePod {
    /// The API server forgets these at once.
    pub fn by_force(pods: Vec<ObjectRef>) -> Self {
        Self { pods, is_forced: true }
    }

    pub const NAME: &'static str = SPEC.name;
}

impl Ask for DeletePod {
    fn kind(&self) -> &'static str {
        SPEC.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        self.pods.clone()
    }

    fn words(&self) -> Vec<String> {
        self.pods.iter().map(ToString::to_string).chain(self.is_forced.then(|| "force=yes".to_owned())).collect()
    }
}

impl Mitigation for DeletePod {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let pods = named_pods::parse(words)?;
        let is_forced = match words.named("force") {
            None => false,
            Some("yes") => true,
            Some(_) => return Err(words.wrong("takes force=yes, or nothing")),
        };
        Ok(Self { pods, is_forced })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let deleting = if self.is_forced { FORCED } else { PLAIN };
        let (mut draft, chosen) = named_pods::draft(core, id, &self.pods, deleting).await?;
        if self.is_forced {
            draft.level = Level::Destructive;
            draft.what.insert(1, "BY FORCE: the API server forgets them at once; no kubelet confirms that their containers ended".into());
            let stateful = chosen.iter().filter(|(_, pod)| matches!(pods::controller(pod), Some(("StatefulSet", ..))));
            let names: Vec<_> = stateful.map(|(pod, _)| pod.key.name.as_str()).collect();
            let told = if names.is_empty() {
                "if their node is only cut off, they go on running there unseen until it is back".to_owned()
            } else {
                format!("be sure that the node is off: else two of {} run at once and may write the same data", names.join(", "))
            };
            draft.check(CheckKind::NotCovered, async move { CheckResult::Warn(Text::line(&told)) });
        }
        let namespace = chosen[0].0.key.namespace.clone();
        let (api, objects) = (core.api.clone(), chosen.into_iter().map(|(_, object)| object).collect::<Vec<_>>());
        draft.check(CheckKind::Disruption, async move { disruption::of_delete(&api, &namespace, &objects).await });
        Ok(draft)
    }
}
