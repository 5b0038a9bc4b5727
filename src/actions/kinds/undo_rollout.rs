//! Bringing a workload back to the pod template of an earlier revision, as `kubectl rollout undo` does.
//!
//! The patch is kubectl's (kubectl/pkg/polymorphichelpers/rollback.go): the revision's template, and for a deployment its
//! annotations besides those that belong to the deployment. Before it come two tests that kubectl does not make: of the
//! uid and of the template it was planned on. A crash loop moves the resourceVersion all the time, and an autoscaler the
//! generation; neither makes this patch wrong, so neither guards it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::Mitigation;
use crate::{
    actions::{
        api::Api,
        changed, diff,
        draft::{Draft, Undo, guarded_patch, subject},
        engine::Core,
        kubectl,
        revisions::{self, REVISION, Revision, bare},
        workload,
    },
    domain::{
        ask::{Wish, Words},
        asks::UndoRollout,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, DiffLine, DiffSign, Field, MitigationId},
        object::{Key, Kind, ObjectRef},
        text::Text,
    },
};

/// Annotations that stay the deployment's own.
const OWN_ANNOTATIONS: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];
/// Most ConfigMaps whose age is looked at.
const MOST_CONFIG_MAPS: usize = 10;

static SPEC: Spec = Spec {
    name: UndoRollout::NAME,
    key: 'u',
    summary: "bring a workload back to an earlier revision",
    on: workload::ROLLED_OUT,
    takes_several: false,
    parameters: &[Parameter { name: "REVISION", about: "its number; without it the one before the current", presence: Presence::Optional }],
    level: Level::Disruptive,
    more: workload::MORE,
    rights: &[
        Right::on("get", "apps", "deployments"),
        Right::on("patch", "apps", "deployments"),
        Right::on("list", "apps", "replicasets"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("patch", "apps", "statefulsets"),
        Right::on("get", "apps", "daemonsets"),
        Right::on("patch", "apps", "daemonsets"),
        Right::on("list", "apps", "controllerrevisions"),
        Right::on("list", "", "pods"),
        Right::on("get", "", "configmaps"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
        Right::on("list", "autoscaling", "horizontalpodautoscalers"),
    ],
    undo: "the revision it had",
};

impl Mitigation for UndoRollout {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let workload = words.subject()?;
        let to_revision = match words.optional() {
            None => None,
            Some(typed) => Some(typed.parse().map_err(|_| words.wrong(&format!("takes the number of a revision, not {typed:?}")))?),
        };
        Ok(Self { workload, to_revision })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.workload).await?;
        let history = revisions::history(&core.api, &target, &object).await?;
        let current = revisions::current(target.kind, &object, &history);
        let chosen = match self.to_revision {
            Some(wanted) => history.iter().find(|revision| revision.number == wanted),
            None => history.iter().rev().find(|revision| revision.number < current.unwrap_or(u64::MAX)),
        };
        let Some(goal) = chosen else {
            let known: Vec<_> = history.iter().map(|revision| revision.number.to_string()).collect();
            let wanted = self.to_revision.map_or_else(|| "earlier revision".to_owned(), |wanted| format!("revision {wanted}"));
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Text::line(&format!("{target} has no {wanted}; kept are: {known}")));
        };
        self.plan(core, id, (&target, &object), &history, goal)
    }
}

impl UndoRollout {
    fn plan(
        &self,
        core: &Arc<Core>,
        id: MitigationId,
        (target, object): (&ObjectRef, &Value),
        history: &[Revision],
        goal: &Revision,
    ) -> Result<Draft, Text> {
        let (name, namespace) = (&target.key.name, target.key.namespace.clone());
        if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
            let resume = kubectl::command(&["rollout", "resume", &target.to_string()], &namespace, &core.kubectl);
            return Err(Text::line(&format!("{target} is paused: resume it first ({resume})")));
        }
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let to = goal.number.to_string();
        if goal.runs(&bare(&template)) {
            return Err(Text::line(&format!("{target} already runs the template of revision {to}")));
        }
        let from = revisions::current(target.kind, object, history).map_or_else(|| "?".to_owned(), |number| number.to_string());
        let again = Self { to_revision: Some(goal.number), ..self.clone() };
        let mut draft = Draft::about(id, Wish::new(again), &format!("Undo rollout · {name}"), (target, object));
        draft.what = vec![Text::line(&format!("{target}  revision {from} → {to} in {namespace}"))];
        for (container, before, after) in diff::images(&template, &goal.template) {
            draft.what.push(Text::line(&format!("{container}  image {before} → {after}")));
        }
        draft.diff = diff::lines(&template, &goal.template);
        if draft.diff.is_empty() && draft.what.len() == 1 {
            draft.diff.push(DiffLine { sign: DiffSign::Context, text: "only fields that are not shown differ".into() });
        }
        let revision = format!("--to-revision={to}");
        draft.kubectl = kubectl::command(&["rollout", "undo", &target.to_string(), &revision], &namespace, &core.kubectl);
        draft.undo = match revisions::way_back(target.kind, object, history) {
            Ok(number) => {
                let former = Self { to_revision: Some(number), ..self.clone() };
                Undo::By(Wish::new(former), Text::line(&format!("U brings revision {from} back")))
            }
            Err(why) => Undo::Nothing(Text::line(&format!("nothing takes it back: {why}"))),
        };
        let field = Field { path: "/spec/template".into(), before: Some(template), after: Some(goal.template.clone()) };
        draft.writes = vec![guarded_patch(target, object, &["/spec/template"], steps(object, goal), vec![field])];
        workload::rolls_out(core, &mut draft, (target, object), goal.template.clone());
        let (api, of, was) = (core.api.clone(), target.clone(), object.clone());
        draft.check(CheckKind::Overwritten, async move { workload::overwritten(&api, &of, &was, "/spec/template").await });
        let (api, template, since) = (core.api.clone(), goal.template.clone(), goal.since);
        draft.check(CheckKind::NotCovered, async move { not_covered(&api, &namespace, &template, since, &to).await });
        Ok(draft)
    }
}

/// kubectl's patch.
fn steps(object: &Value, goal: &Revision) -> Vec<Value> {
    let mut steps = vec![json!({ "op": "replace", "path": "/spec/template", "value": goal.template })];
    if let Some(annotations) = &goal.annotations {
        let is_own = |name: &str| OWN_ANNOTATIONS.contains(&name);
        let members = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
        let mut kept: Map<_, _> = members(object.pointer("/metadata/annotations")).into_iter().filter(|(name, _)| is_own(name)).collect();
        kept.extend(members(Some(annotations)).into_iter().filter(|(name, _)| !is_own(name)));
        // `add` replaces too, and does not fail where there are none.
        steps.push(json!({ "op": "add", "path": "/metadata/annotations", "value": kept }));
    }
    steps
}

/// ConfigMaps that the template names and that changed after the revision was first rolled out.
async fn not_covered(api: &Api, namespace: &str, template: &Value, since: Option<DateTime<Utc>>, to: &str) -> CheckResult {
    let mut found = Vec::new();
    let names = config_maps(template);
    let Some(since) = since else { return CheckResult::Warn("the age of the target revision is not known: ConfigMaps were not compared".into()) };
    for name in names.iter().take(MOST_CONFIG_MAPS) {
        let target = ObjectRef { kind: Kind::ConfigMap, key: Key::new(namespace, name), uid: Text::default() };
        match api.find(&target).await {
            Ok(Some(object)) => {
                if let Some((who, when)) = changed::last(&object).filter(|(_, when)| *when > since) {
                    found.push(format!("ConfigMap {name} changed after rev {to} (by {who}, {}): not undone by this", when.format("%m-%d %H:%MZ")));
                }
            }
            Ok(None) => found.push(format!("ConfigMap {name}, which rev {to} names, does not exist")),
            Err(error) => found.push(format!("ConfigMap {name} could not be read: {error}")),
        }
    }
    if names.len() > MOST_CONFIG_MAPS {
        found.push(format!("{} more ConfigMaps were not looked at", names.len() - MOST_CONFIG_MAPS));
    }
    if found.is_empty() {
        CheckResult::Pass(Text::line(&format!("no ConfigMap it reads changed after rev {to}")))
    } else {
        CheckResult::Warn(Text::line(&found.join("; ")))
    }
}

fn config_maps(template: &Value) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let reference = matches!(name.as_str(), "configMap" | "configMapRef" | "configMapKeyRef").then(|| value.get("name")).flatten();
                    if let Some(name) = reference.and_then(Value::as_str)
                        && !found.iter().any(|known| known == name)
                    {
                        found.push(name.to_owned());
                    }
                    collect(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(template, &mut found);
    found
}
