//! Keeping new pods off a node, and letting them on again, as `kubectl cordon` and `uncordon` do.

use std::sync::Arc;

use super::Mitigation;
use crate::{
    actions::{
        changed,
        draft::{Draft, Undo, subject},
        engine::Core,
        kubectl, nodes, overwriters, pods,
    },
    domain::{
        ask::{Ask, Wish, Words},
        catalogue::{Level, Right, Spec},
        mitigation::{CheckKind, CheckResult, MitigationId},
        object::{Kind, ObjectRef, Subject},
        text::Text,
        units,
    },
};

static CORDON: Spec = Spec {
    name: "cordon",
    key: 'c',
    summary: "keep new pods off a node; its pods keep running",
    on: &[Kind::Node],
    takes_several: false,
    parameters: &[],
    level: Level::Narrow,
    more: "",
    rights: &[
        Right::of_cluster("get", "", "nodes"),
        Right::of_cluster("list", "", "nodes"),
        Right::of_cluster("patch", "", "nodes"),
        Right::on("list", "", "pods"),
    ],
    undo: "uncordon",
};

static UNCORDON: Spec = Spec {
    name: "uncordon",
    key: 'o',
    summary: "let a cordoned node take pods again",
    on: &[Kind::Node],
    takes_several: false,
    parameters: &[],
    level: Level::Narrow,
    more: "",
    rights: &[Right::of_cluster("get", "", "nodes"), Right::of_cluster("patch", "", "nodes")],
    undo: "cordon",
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cordon {
    node: Subject,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncordon {
    pub node: Subject,
}

impl Ask for Cordon {
    fn kind(&self) -> &'static str {
        CORDON.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.node.reference()]
    }

    fn words(&self) -> Vec<String> {
        vec![self.node.to_string()]
    }
}

impl Ask for Uncordon {
    fn kind(&self) -> &'static str {
        UNCORDON.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.node.reference()]
    }

    fn words(&self) -> Vec<String> {
        vec![self.node.to_string()]
    }
}

impl Mitigation for Cordon {
    const SPEC: &'static Spec = &CORDON;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { node: words.subject()? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.node).await?;
        if nodes::is_cordoned(&object) {
            return Err(Text::line(&format!("{target} is cordoned already{}", changed::by(&object))));
        }
        let name = &target.key.name;
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Cordon · {name}"), (&target, &object));
        draft.what = vec![Text::line(&format!("{target}  no new pods are placed on it; the pods on it keep running")), running(core, name).await];
        draft.kubectl = kubectl::command(&["cordon", name], "", &core.kubectl);
        draft.undo = Undo::By(Wish::new(Uncordon { node: self.node.clone() }), "U uncordons it".into());
        draft.writes = vec![nodes::cordon(&target, &object, true)];
        let overwritten = overwriters::verdict(&overwriters::owners(&object), "no GitOps tool or operator owns it");
        draft.check(CheckKind::Overwritten, async { overwritten });
        let api = core.api.clone();
        draft.check(CheckKind::Effect, async move { nodes::elsewhere(&api, &target).await });
        Ok(draft)
    }
}

impl Mitigation for Uncordon {
    const SPEC: &'static Spec = &UNCORDON;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { node: words.subject()? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.node).await?;
        if !nodes::is_cordoned(&object) {
            return Err(Text::line(&format!("{target} is not cordoned")));
        }
        let name = &target.key.name;
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Uncordon · {name}"), (&target, &object));
        let by = changed::by(&object);
        let last = if by.is_empty() { String::new() } else { format!(" (last changed{by})") };
        draft.what = vec![Text::line(&format!("{target}  takes new pods again; none comes back by itself{last}"))];
        draft.kubectl = kubectl::command(&["uncordon", name], "", &core.kubectl);
        draft.undo = Undo::By(Wish::new(Cordon { node: self.node.clone() }), "U cordons it again".into());
        draft.writes = vec![nodes::cordon(&target, &object, false)];
        let overwritten = overwriters::verdict(&overwriters::owners(&object), "no GitOps tool or operator owns it");
        draft.check(CheckKind::Overwritten, async { overwritten });
        let effect = match nodes::keeps_pods_away(&object) {
            Some(why) => CheckResult::Warn(Text::line(&format!("it still gets no pods: {why}"))),
            None => CheckResult::Pass("it is ready, and no taint keeps pods away".into()),
        };
        draft.check(CheckKind::Effect, async { effect });
        Ok(draft)
    }
}

/// `42 pods run there, 3 of them of daemon sets`.
async fn running(core: &Core, node: &str) -> Text {
    match nodes::pods_on(&core.api, node).await {
        Ok((found, is_partial)) => {
            let of_daemon_sets = found.iter().filter(|pod| matches!(pods::controller(pod), Some(("DaemonSet", _, _)))).count();
            let least = if is_partial { "at least " } else { "" };
            let run = units::verb(found.len() as u64, "run");
            let daemons = if of_daemon_sets > 0 { format!(", {of_daemon_sets} of them of daemon sets") } else { String::new() };
            Text::line(&format!("{least}{} {run} there{daemons}", units::counted(found.len() as u64, "pod")))
        }
        Err(why) => why,
    }
}
