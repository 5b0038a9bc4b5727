//! Restarting every pod of a workload by rolling it out again, as `kubectl rollout restart` does.
//!
//! kubectl's patch sets one annotation of the pod template (kubectl/pkg/polymorphichelpers/objectrestarter.go). Here two
//! tests come before it, of the uid and of the template: so the restart rolls out what was on the card and nothing else.

use std::sync::Arc;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::Mitigation;
use crate::{
    actions::{
        draft::{Draft, Undo, guarded_patch, subject},
        engine::Core,
        expect::step,
        kubectl,
        replacing::Replacing,
        revisions, workload as rolled_out,
    },
    domain::{
        ask::{Wish, Words},
        asks::{Restart, UndoRollout},
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, Field, MitigationId},
        object::Subject,
        text::Text,
    },
};

const ANNOTATION: &str = "kubectl.kubernetes.io/restartedAt";

static SPEC: Spec = Spec {
    name: Restart::NAME,
    key: 'R',
    summary: "restart every pod of a workload, as kubectl rollout restart",
    on: rolled_out::ROLLED_OUT,
    takes_several: false,
    parameters: &[Parameter { name: "at=TIME", about: "the time to note, RFC 3339; without it now", presence: Presence::Optional }],
    level: Level::Disruptive,
    more: rolled_out::MORE,
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
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
        Right::on("list", "autoscaling", "horizontalpodautoscalers"),
    ],
    undo: "the revision it had; its pods are replaced once more",
};

impl Mitigation for Restart {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { workload: words.subject()?, at: time(words)? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let at = at(core, self.at.as_deref());
        let wish = Wish::new(Self { at: Some(at.clone()), ..self.clone() });
        again(core, id, (wish, &format!("Restart · {}", self.workload.key.name)), &self.workload, &at).await
    }
}

/// The time that an ask names.
pub(super) fn time(words: &mut Words<'_>) -> Result<Option<String>, Text> {
    match words.named("at") {
        Some(typed) if chrono::DateTime::parse_from_rfc3339(typed).is_err() => {
            Err(words.wrong(&format!("takes at=2026-11-23T02:14:00Z, not {typed:?}")))
        }
        named => Ok(named.map(str::to_owned)),
    }
}

/// The time that is noted; to the millisecond, so that a restart in the second in which kubectl noted one is another one.
pub(super) fn at(core: &Core, named: Option<&str>) -> String {
    named.map_or_else(|| core.clock.now().utc.to_rfc3339_opts(SecondsFormat::Millis, true), str::to_owned)
}

/// Rolls the same template out again, as this wish and under this title.
pub(super) async fn again(core: &Arc<Core>, id: MitigationId, (wish, title): (Wish, &str), workload: &Subject, at: &str) -> Result<Draft, Text> {
    let (target, object) = subject(core, workload).await?;
    let namespace = &target.key.namespace;
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Err(Text::line(&format!("{target} is paused: resume it first (sev1 do resume {target})")));
    }
    let history = revisions::history(&core.api, &target, &object).await?;
    let current = revisions::current(target.kind, &object, &history);
    let mut draft = Draft::about(id, wish, title, (&target, &object));
    let revision = current.map_or_else(String::new, |number| format!(", at revision {number}"));
    let replacing = Replacing::of(target.kind, &object);
    draft.what = vec![
        Text::line(&format!("{target}  in {namespace}{revision}: {}", replacing.in_words())),
        Text::line(&format!("annotation {ANNOTATION}={at} of its pod template")),
    ];
    draft.kubectl = kubectl::command(&["rollout", "restart", &target.to_string()], namespace, &core.kubectl);
    draft.undo = match revisions::way_back(target.kind, &object, &history) {
        Ok(number) => {
            let former = UndoRollout { workload: workload.clone(), to_revision: Some(number) };
            Undo::By(Wish::new(former), Text::line(&format!("U brings revision {number} back{}", replacing.once_more())))
        }
        Err(why) => Undo::Nothing(Text::line(&format!("nothing takes it back: {why}"))),
    };
    let before = object.pointer("/spec/template").cloned().unwrap_or_default();
    let (steps, after) = annotated(&before, at);
    let field = Field { path: "/spec/template".into(), before: Some(before), after: Some(after.clone()) };
    draft.writes = vec![guarded_patch(&target, &object, &["/spec/template"], steps, vec![field])];
    rolled_out::rolls_out(core, &mut draft, (&target, &object), after);
    let (api, path) = (core.api.clone(), format!("/spec/template/metadata/annotations/{}", step(ANNOTATION)));
    draft.check(CheckKind::Overwritten, async move { rolled_out::overwritten(&api, &target, &object, &path).await });
    Ok(draft)
}

/// The steps of the patch, and the template that they make.
fn annotated(template: &Value, at: &str) -> (Vec<Value>, Value) {
    let mut after = template.clone();
    let has_annotations = template.pointer("/metadata/annotations").is_some_and(Value::is_object);
    let step = if has_annotations {
        let path = format!("/spec/template/metadata/annotations/{}", step(ANNOTATION));
        json!({ "op": "add", "path": path, "value": at })
    } else {
        json!({ "op": "add", "path": "/spec/template/metadata/annotations", "value": { ANNOTATION: at } })
    };
    if let Some(metadata) = after.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert(Value::Null);
        if annotations.is_null() {
            *annotations = json!({});
        }
        annotations[ANNOTATION] = at.into();
    }
    (vec![step], after)
}
