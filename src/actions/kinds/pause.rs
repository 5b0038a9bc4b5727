//! Holding a deployment's rollout where it is, and letting it go on, as `kubectl rollout pause` and `resume` do.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Mitigation;
use crate::{
    actions::{
        diff,
        draft::{Draft, Undo, guarded_patch, subject},
        engine::Core,
        kubectl, overwriters,
        replacing::Replacing,
        revisions::{self, bare},
        workload,
    },
    domain::{
        ask::{Ask, Wish, Words},
        asks::{PAUSE as PAUSED_BY, RESUME as RESUMED_BY},
        catalogue::{Level, Right, Spec},
        mitigation::{CheckKind, CheckResult, Converge, Field, MitigationId},
        object::{Kind, ObjectRef, Subject},
        text::Text,
        units,
    },
};

const PAUSED: &str = "/spec/paused";

static PAUSE: Spec = Spec {
    name: PAUSED_BY,
    key: 'P',
    summary: "hold a deployment's rollout where it is",
    on: &[Kind::Deployment],
    takes_several: false,
    parameters: &[],
    level: Level::Narrow,
    more: "",
    rights: &[Right::on("get", "apps", "deployments"), Right::on("patch", "apps", "deployments")],
    undo: "resume",
};

static RESUME: Spec = Spec {
    name: RESUMED_BY,
    key: 'C',
    summary: "continue a paused rollout",
    on: &[Kind::Deployment],
    takes_several: false,
    parameters: &[],
    level: Level::Disruptive,
    more: workload::MORE,
    rights: &[
        Right::on("get", "apps", "deployments"),
        Right::on("patch", "apps", "deployments"),
        Right::on("list", "apps", "replicasets"),
        Right::on("list", "", "pods"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
    ],
    undo: "pause",
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    deployment: Subject,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    deployment: Subject,
}

impl Ask for Pause {
    fn kind(&self) -> &'static str {
        PAUSE.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.deployment.reference()]
    }

    fn words(&self) -> Vec<String> {
        vec![self.deployment.to_string()]
    }
}

impl Ask for Resume {
    fn kind(&self) -> &'static str {
        RESUME.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.deployment.reference()]
    }

    fn words(&self) -> Vec<String> {
        vec![self.deployment.to_string()]
    }
}

impl Mitigation for Pause {
    const SPEC: &'static Spec = &PAUSE;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { deployment: words.subject()? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.deployment).await?;
        if is_paused(&object) {
            return Err(Text::line(&format!("{target} is paused already")));
        }
        let namespace = &target.key.namespace;
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Pause rollout · {}", target.key.name), (&target, &object));
        draft.what = vec![Text::line(&format!("{target}  rollout held where it is in {namespace}")), progress(&object)];
        draft.kubectl = kubectl::command(&["rollout", "pause", &target.to_string()], namespace, &core.kubectl);
        draft.undo = Undo::By(Wish::new(Resume { deployment: self.deployment.clone() }), "U continues it".into());
        let field = Field { path: PAUSED.into(), before: None, after: Some(true.into()) };
        let steps = vec![json!({ "op": "add", "path": PAUSED, "value": true })];
        draft.writes = vec![guarded_patch(&target, &object, &["/spec/template"], steps, vec![field])];
        let (api, deployed) = (core.api.clone(), object.clone());
        draft.check(CheckKind::Overwritten, async move { overwriters::judged(&api, &deployed, PAUSED, Vec::new(), overwriters::NOBODY).await });
        draft.check(CheckKind::Effect, async { CheckResult::Pass("scaling goes on; a new template waits until it is resumed".into()) });
        Ok(draft)
    }
}

impl Mitigation for Resume {
    const SPEC: &'static Spec = &RESUME;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { deployment: words.subject()? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.deployment).await?;
        if !is_paused(&object) {
            return Err(Text::line(&format!("{target} is not paused")));
        }
        let namespace = &target.key.namespace;
        let history = revisions::history(&core.api, &target, &object).await?;
        let current = revisions::current(target.kind, &object, &history);
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let newest = history.iter().find(|revision| Some(revision.number) == current);
        let waiting = newest.filter(|revision| revision.template != bare(&template));
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Resume rollout · {}", target.key.name), (&target, &object));
        draft.what = vec![Text::line(&format!("{target}  rollout goes on in {namespace}")), progress(&object)];
        if let Some(revision) = waiting {
            if let Some(outage) = Replacing::resumed(target.kind, &object).outage() {
                workload::warn_of_outage(&mut draft, &outage);
            }
            workload::check_room(core, &mut draft, (&target, &object), template.clone());
            for (container, before, after) in diff::images(&revision.template, &template) {
                draft.what.push(Text::line(&format!("{container}  image {before} → {after}")));
            }
            draft.diff = diff::lines(&revision.template, &template);
        }
        draft.kubectl = kubectl::command(&["rollout", "resume", &target.to_string()], namespace, &core.kubectl);
        draft.undo = Undo::By(Wish::new(Pause { deployment: self.deployment.clone() }), "U holds it again, where it is by then".into());
        let field = Field { path: PAUSED.into(), before: Some(true.into()), after: None };
        let steps = vec![json!({ "op": "remove", "path": PAUSED })];
        draft.writes = vec![guarded_patch(&target, &object, &[PAUSED, "/spec/template"], steps, vec![field])];
        draft.converge = Converge::Rollout { workload: self.deployment.clone() };
        let effect = match waiting {
            Some(_) => CheckResult::Warn("a template that was changed while it was paused is rolled out".into()),
            None => CheckResult::Pass("no template waits: only what was under way goes on".into()),
        };
        draft.check(CheckKind::Effect, async { effect });
        let (api, deployed) = (core.api.clone(), object.clone());
        draft.check(CheckKind::Overwritten, async move { overwriters::judged(&api, &deployed, PAUSED, Vec::new(), overwriters::NOBODY).await });
        Ok(draft)
    }
}

fn is_paused(object: &Value) -> bool {
    object.pointer(PAUSED).and_then(Value::as_bool) == Some(true)
}

/// How far its rollout is.
fn progress(object: &Value) -> Text {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let (updated, total) = (number("/status/updatedReplicas"), number("/status/replicas"));
    Text::line(&format!("{updated} of {} {} the newest revision", units::counted(total, "pod"), units::verb(updated, "run")))
}
