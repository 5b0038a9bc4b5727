//! Deleting exactly the named pods by uid, healthy or not. Disruption budgets are not asked: evicting does that.

use std::sync::Arc;

use super::Mitigation;
use crate::{
    actions::{
        disruption,
        draft::{Draft, Undo, resource_version},
        engine::Core,
        named_pods::{self, Fate, Found, Meant},
    },
    domain::{
        ask::{Ask, Wish, Words},
        catalogue::{Level, Right, Spec},
        mitigation::{CheckKind, CheckResult, Converge, MitigationId},
        object::{Kind, ObjectRef},
        phase::{LeftOut, Phase, Refusal, Wait},
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
        let Meant { chosen, left_out } = named_pods::read(core, &self.pods, named_pods::mirror).await?;
        let first = &chosen[0];
        let again = Self { pods: chosen.iter().map(|(pod, _)| pod.clone()).collect() };
        let namespace = first.0.key.namespace.clone();
        let mut draft = Draft::about(id, Wish::new(again), &title("Delete", &chosen), (&first.0, &first.1));
        draft.level = named_pods::level(&chosen);
        draft.targets = chosen.iter().map(|(pod, object)| (pod.clone(), resource_version(object))).collect();
        draft.what = what("delete", &chosen, &left_out);
        draft.kubectl = named_pods::deleted_by_kubectl(core, &chosen);
        draft.undo = Undo::Nothing(no_undo(&chosen));
        draft.writes = chosen.iter().map(|(pod, _)| named_pods::deletion(pod)).collect();
        draft.phases = vec![Phase { writes: draft.writes.len(), left_out: LeftOut::Gone, wait: Wait::Nothing, refusal: Refusal::Ends }];
        draft.converge = Converge::Replaced { pods: chosen.iter().map(|(pod, _)| pod.clone()).collect() };
        let comes_back = comes_back(&chosen);
        draft.check(CheckKind::Effect, async { comes_back });
        let (api, objects) = (core.api.clone(), chosen.into_iter().map(|(_, object)| object).collect::<Vec<_>>());
        draft.check(CheckKind::Disruption, async move { disruption::of_delete(&api, &namespace, &objects).await });
        Ok(draft)
    }
}

/// `Delete pod · shop-abc`, `Evict 3 pods · shop`.
pub fn title(verb: &str, chosen: &[Found]) -> String {
    match chosen {
        [(pod, _)] => format!("{verb} pod · {}", pod.key.name),
        many => format!("{verb} {} pods · {}", many.len(), many[0].0.key.namespace),
    }
}

/// What the card says is done, pod by pod.
pub fn what(verb: &str, chosen: &[Found], left_out: &[String]) -> Vec<Text> {
    let pods = if chosen.len() == 1 { "1 pod".to_owned() } else { format!("{} pods", chosen.len()) };
    let mut lines = vec![Text::line(&format!("{verb} {pods} in {}, by name and uid", chosen[0].0.key.namespace))];
    lines.extend(chosen.iter().map(named_pods::line));
    lines.extend(left_out.iter().map(|why| Text::line(&format!("not {why}"))));
    lines
}

pub fn no_undo(chosen: &[Found]) -> Text {
    let lost = chosen.iter().filter(|(_, pod)| named_pods::fate(pod) == Fate::Lost).count();
    match (lost, chosen.len()) {
        (0, _) => "no way back: the pods that come instead are others".into(),
        (lost, all) if lost == all => "no way back: keep its manifest (y on the pod shows it) if you may need it".into(),
        (lost, _) => Text::line(&format!("no way back: {lost} of them do not come back at all")),
    }
}

/// Whether something brings each of them back.
pub fn comes_back(chosen: &[Found]) -> CheckResult {
    let lost: Vec<_> = chosen.iter().filter(|(_, pod)| named_pods::fate(pod) == Fate::Lost).map(|(pod, _)| pod.key.name.as_str()).collect();
    let decided = chosen.iter().find_map(|(pod, object)| match named_pods::fate(object) {
        Fate::Decided(how) => Some(format!("{}: {how}", pod.key.name)),
        _ => None,
    });
    match (lost.as_slice(), decided) {
        ([], None) => CheckResult::Pass("their controllers replace them".into()),
        ([], Some(how)) => CheckResult::Warn(Text::line(&how)),
        (lost, _) => CheckResult::Warn(Text::line(&format!("nothing brings back {}", lost.join(", ")))),
    }
}
