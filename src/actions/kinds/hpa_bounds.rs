//! Setting the bounds between which an autoscaler keeps a workload.
//!
//! A JSON patch that tests the uid and both bounds as they were: a change of the status, several a minute, does not matter.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Mitigation;
use crate::{
    actions::{
        draft::{Draft, Undo, guarded_patch, subject},
        engine::Core,
        kubectl, overwriters, pods, room,
    },
    domain::{
        ask::{Wish, Words},
        asks::{SET_HPA_BOUNDS, SetHpaBounds},
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, Converge, Field, MitigationId},
        object::{Key, Kind, ObjectRef, Subject},
        text::Text,
        units,
    },
};

/// Largest bound that can be asked for: beyond it is a slip of the finger.
const MOST: u64 = 1_000;
const MIN: &str = "/spec/minReplicas";
const MAX: &str = "/spec/maxReplicas";
/// What the workload can be for its pods to be counted and watched.
const TARGETS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet];

static SPEC: Spec = Spec {
    name: SET_HPA_BOUNDS,
    key: 'h',
    summary: "set the bounds between which an autoscaler keeps a workload",
    on: &[Kind::HorizontalPodAutoscaler],
    takes_several: false,
    parameters: &[Parameter {
        name: "min=N|max=N",
        about: "the least or the most replicas, up to 1000; the bound that is not named stays",
        presence: Presence::Repeated,
    }],
    level: Level::Narrow,
    more: "lowering a bound is disruptive",
    rights: &[
        Right::on("get", "autoscaling", "horizontalpodautoscalers"),
        Right::on("patch", "autoscaling", "horizontalpodautoscalers"),
        Right::on("get", "apps", "deployments"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("get", "apps", "replicasets"),
        Right::on("list", "apps", "replicasets"),
        Right::on("list", "", "pods"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
        Right::of_cluster("list", "", "nodes"),
    ],
    undo: "the former bounds",
};

impl Mitigation for SetHpaBounds {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let mut ask = Self { autoscaler: words.subject()?, min: None, max: None };
        let mut typed = Some(words.required()?);
        while let Some(word) = typed {
            let bound = word.split_once('=').and_then(|(name, number)| Some((name, number.parse::<u64>().ok().filter(|number| *number <= MOST)?)));
            match bound {
                Some(("min", number)) if ask.min.is_none() => ask.min = Some(number),
                Some(("max", number)) if ask.max.is_none() => ask.max = Some(number),
                _ => return Err(words.wrong(&format!("takes min=N and max=N, each once and up to {MOST}, not {word:?}"))),
            }
            typed = words.optional();
        }
        match (ask.min, ask.max) {
            (Some(min), Some(max)) if min > max => Err(words.wrong(&format!("cannot have min={min} above max={max}"))),
            _ => Ok(ask),
        }
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.autoscaler).await?;
        let (name, namespace) = (&target.key.name, &target.key.namespace);
        let was = (number(&object, MIN).unwrap_or(1), number(&object, MAX).unwrap_or(0));
        let wanted = (self.min.unwrap_or(was.0), self.max.unwrap_or(was.1));
        if wanted == was {
            return Err(Text::line(&format!("{target} already keeps {}..{}", was.0, was.1)));
        }
        if wanted.0 > wanted.1 {
            return Err(Text::line(&format!("{target} would have min {} above max {}: name both bounds", wanted.0, wanted.1)));
        }
        let workload = workload(&target, &object);
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("HPA bounds · {name}"), (&target, &object));
        draft.level = if wanted.0 < was.0 || wanted.1 < was.1 { Level::Disruptive } else { Level::Narrow };
        let bounds = |(min, max): (u64, u64)| format!("{min}..{max}");
        draft.what = vec![
            Text::line(&format!("{target}  replicas {} → {} in {namespace}", bounds(was), bounds(wanted))),
            Text::line(&format!("it scales {}", scaled_name(&object))),
        ];
        let (mut changed, mut steps, mut fields) = (serde_json::Map::new(), Vec::new(), Vec::new());
        for (path, before, after) in [(MIN, was.0, wanted.0), (MAX, was.1, wanted.1)] {
            if before != after {
                changed.insert(path.trim_start_matches("/spec/").to_owned(), after.into());
                steps.push(json!({ "op": "add", "path": path, "value": after }));
                fields.push(Field { path: path.into(), before: number(&object, path).map(Value::from), after: Some(after.into()) });
            }
        }
        let patch = json!({ "spec": changed }).to_string();
        draft.kubectl = kubectl::command(&["patch", "hpa", name, "--type=merge", "-p", &patch], namespace, &core.kubectl);
        let former = Self { min: Some(was.0), max: Some(was.1), ..self.clone() };
        draft.undo = Undo::By(Wish::new(former), Text::line(&format!("U brings {} back", bounds(was))));
        draft.writes = vec![guarded_patch(&target, &object, &[MIN, MAX], steps, fields)];
        if let Some(workload) = &workload {
            draft.converge = Converge::Bounds { workload: workload.clone(), min: wanted.0, max: wanted.1 };
        }
        let (api, deployed) = (core.api.clone(), object.clone());
        draft.check(CheckKind::Overwritten, async move {
            overwriters::judged(&api, &deployed, if wanted.0 == was.0 { MAX } else { MIN }, Vec::new(), overwriters::NOBODY).await
        });
        let scaled = match &workload {
            Some(workload) => core.api.get(&workload.reference().path()).await.map_err(|error| error.text()),
            None => Ok(Value::Null),
        };
        let present = match &scaled {
            Ok(Value::Null) => Ok(number(&object, "/status/currentReplicas").unwrap_or(0)),
            Ok(workload) => Ok(number(workload, "/spec/replicas").unwrap_or(1)),
            Err(why) => Err(Text::line(&format!("{}, which it scales, could not be read: {why}", scaled_name(&object)))),
        };
        let effect = effect(&object, present.clone(), was, wanted);
        draft.check(CheckKind::Effect, async { effect });
        // What the least takes at once, and what the most lets it take later.
        let more = present.map_or(0, |replicas| if replicas == 0 { 0 } else { more(replicas, was, wanted) });
        if more > 0 {
            let (api, namespace, template) =
                (core.api.clone(), namespace.clone(), scaled.ok().and_then(|scaled| scaled.pointer("/spec/template").cloned()));
            draft.check(CheckKind::Room, async move { room::for_more(&api, &namespace, template.as_ref(), more).await });
        }
        Ok(draft)
    }
}

fn number(object: &Value, path: &str) -> Option<u64> {
    object.pointer(path).and_then(Value::as_u64)
}

/// `deployment/api-gateway`, as the autoscaler names it.
fn scaled_name(object: &Value) -> String {
    let text = |name: &str| object.pointer(&format!("/spec/scaleTargetRef/{name}")).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("kind").to_lowercase(), text("name"))
}

/// What it scales, where that is a kind that this program counts.
fn workload(target: &ObjectRef, object: &Value) -> Option<Subject> {
    let reference = object.pointer("/spec/scaleTargetRef")?;
    let group = reference.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let kind = reference.get("kind")?.as_str()?;
    let kind = TARGETS.into_iter().find(|known| known.singular().eq_ignore_ascii_case(kind) && group.starts_with("apps/"))?;
    Some(Subject { kind, key: Key { namespace: target.key.namespace.clone(), name: Text::line(reference.get("name")?.as_str()?) } })
}

/// How many pods more the new bounds let come.
fn more(replicas: u64, was: (u64, u64), (min, max): (u64, u64)) -> u64 {
    let later = if max > was.1 { max.saturating_sub(replicas) } else { 0 };
    later.max(min.saturating_sub(replicas))
}

/// What the new bounds do to the pods that run.
fn effect(object: &Value, present: Result<u64, Text>, was: (u64, u64), (min, max): (u64, u64)) -> CheckResult {
    let replicas = match present {
        Ok(0) => return CheckResult::Warn("it has 0 replicas: the autoscaler does nothing until somebody scales it up".into()),
        Ok(replicas) => replicas,
        Err(why) => return CheckResult::Warn(why),
    };
    let says = |kind: &str, status: &str| {
        let condition = pods::condition(object, kind).filter(|condition| condition.get("status").and_then(Value::as_str) == Some(status))?;
        condition.get("reason")?.as_str()
    };
    let run = format!("{} {}", units::counted(replicas, "replica"), units::verb(replicas, "run"));
    if max < replicas {
        return CheckResult::Warn(Text::line(&format!("{run}: {} will be taken away within a minute", replicas - max)));
    }
    // What it wants beyond the present bound comes as soon as it may.
    let is_capped = says("ScalingLimited", "True") == Some("TooManyReplicas");
    let line = match (min.saturating_sub(replicas), more(replicas, was, (min, max))) {
        (at_once @ 1.., _) => format!("{run}: {at_once} more within a minute"),
        (0, later @ 1..) if is_capped => {
            format!("{run}, and it wants more than {}: up to {later} more {} at once", was.1, units::verb(later, "come"))
        }
        (0, later @ 1..) => format!("{run}: up to {later} more when its metrics ask for them"),
        _ if min < was.0 => format!("{run}: fewer when its metrics ask for no more"),
        _ => format!("{run}, within the new bounds"),
    };
    match says("ScalingActive", "False") {
        Some(reason) => CheckResult::Warn(Text::line(&format!("it cannot read its metrics ({reason}), so only the bounds move it; {line}"))),
        None => CheckResult::Pass(Text::line(&line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect_of(conditions: &Value, replicas: u64, was: (u64, u64), wanted: (u64, u64)) -> (bool, String) {
        match effect(&json!({ "status": { "conditions": conditions } }), Ok(replicas), was, wanted) {
            CheckResult::Pass(says) => (true, says.to_string()),
            CheckResult::Warn(says) => (false, says.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_bounds_do_to_what_runs_is_said() {
        let capped = json!([{ "type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas" }]);
        let blind = json!([{ "type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric" }]);
        assert_eq!(effect_of(&json!([]), 5, (2, 8), (2, 3)), (false, "5 replicas run: 2 will be taken away within a minute".to_owned()));
        assert_eq!(effect_of(&json!([]), 5, (2, 8), (7, 8)), (true, "5 replicas run: 2 more within a minute".to_owned()));
        assert_eq!(effect_of(&json!([]), 5, (2, 8), (2, 10)), (true, "5 replicas run: up to 5 more when its metrics ask for them".to_owned()));
        assert_eq!(effect_of(&capped, 8, (2, 8), (2, 10)), (true, "8 replicas run, and it wants more than 8: up to 2 more come at once".to_owned()));
        assert_eq!(effect_of(&json!([]), 5, (3, 8), (2, 8)), (true, "5 replicas run: fewer when its metrics ask for no more".to_owned()));
        assert!(effect_of(&blind, 5, (2, 8), (2, 10)).1.starts_with("it cannot read its metrics (FailedGetResourceMetric)"));
        assert!(!effect_of(&json!([]), 0, (2, 8), (2, 10)).0);
    }
}
