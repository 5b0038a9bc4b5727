//! The checks that every plan gets: identity, permission, dry-run, unchanged, journal.

use std::sync::Arc;

use futures::{StreamExt as _, future::BoxFuture, stream};
use serde_json::{Value, json};

use crate::{
    connect::identity,
    domain::{
        mitigation::{CheckKind, CheckResult, Effect, Plan, Write, WriteMethod},
        phase::{LeftOut, Phase, Refusal},
        text::Text,
    },
};

use super::{
    api::{Api, Sent},
    engine::Core,
    expect::{Standing, altered, standing},
    record,
};

/// Requests of one check that are under way at the same time.
const AT_ONCE: usize = 4;

type Pending = (CheckKind, BoxFuture<'static, CheckResult>);

pub fn of_every_plan(core: &Arc<Core>, plan: &Plan) -> Vec<Pending> {
    let writes: Arc<[Write]> = plan.writes.clone().into();
    let targets: Arc<[_]> = plan.targets.clone().into();
    let record = record::plan(plan, &plan.reason);
    let identity_core = core.clone();
    let permission = (core.clone(), writes.clone());
    let dry_run_of = (core.clone(), writes.clone(), plan.phases.clone());
    let unchanged_of = (core.clone(), writes);
    let journal_core = core.clone();
    vec![
        (CheckKind::Identity, Box::pin(async move { identity(&identity_core).await })),
        (CheckKind::Permission, Box::pin(async move { permission_of(&permission.0, &permission.1).await })),
        (CheckKind::DryRun, Box::pin(async move { dry_run(&dry_run_of.0.api, &dry_run_of.1, &dry_run_of.2).await })),
        (
            CheckKind::Unchanged,
            Box::pin(async move {
                match changed(&unchanged_of.0.api, &unchanged_of.1, &targets).await {
                    Ok(None) => CheckResult::Pass("unchanged".into()),
                    Ok(Some(what)) => CheckResult::Block(what),
                    Err(why) => CheckResult::Warn(Text::line(&format!("could not be read again: {why}; read once more before the write"))),
                }
            }),
        ),
        (
            CheckKind::Journal,
            Box::pin(async move {
                match journal_core.journal(record::PLANNED, record).await {
                    Ok(_) => CheckResult::Pass("journal written".into()),
                    Err(why) => CheckResult::Block(why),
                }
            }),
        ),
    ]
}

/// Same cluster and same user as at start. What cannot be found out blocks: law 1 has no exception.
pub async fn identity(core: &Core) -> CheckResult {
    let pinned = &core.cluster;
    if pinned.uid.is_empty() {
        return CheckResult::Block("it is not known which cluster this is: nothing can be written".into());
    }
    match identity::read(&core.api.reader).await {
        Err(error) => CheckResult::Block(Text::line(&format!("the cluster cannot be recognised: {error}"))),
        Ok((found, _)) if found.cluster.uid != pinned.uid => CheckResult::Block(Text::line(&format!(
            "this is another cluster: {} answers as {}, at start it was {}; restart sev1",
            pinned.context, found.cluster.uid, pinned.uid
        ))),
        Ok((found, _)) if found.cluster.user != pinned.user => {
            CheckResult::Block(Text::line(&format!("the server knows us as {}, at start it was {}; restart sev1", found.cluster.user, pinned.user)))
        }
        Ok(_) => CheckResult::Pass(Text::line(&format!("same cluster {}", pinned.context))),
    }
}

/// What an access review is asked for.
fn attributes(write: &Write, with_name: bool) -> Value {
    let verb = match write.method {
        WriteMethod::Patch => "patch",
        WriteMethod::Delete => "delete",
        WriteMethod::Post => "create",
    };
    let target = &write.target;
    let subresource = write.path.strip_prefix(&target.path()).map_or("", |rest| rest.trim_start_matches('/'));
    json!({
        "namespace": target.key.namespace,
        "verb": verb,
        "group": target.kind.group(),
        "resource": target.kind.resource(),
        "subresource": subresource,
        "name": if with_name { target.key.name.as_str() } else { "" },
    })
}

async fn permission_of(core: &Core, writes: &[Write]) -> CheckResult {
    let mut questions: Vec<Value> = Vec::new();
    // Many objects of one type in one namespace: one question about all of them first.
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for write in writes {
        let (of_all, of_one) = (attributes(write, false), attributes(write, true));
        match groups.iter_mut().find(|(known, _)| *known == of_all) {
            Some((_, each)) if each.contains(&of_one) => {}
            Some((_, each)) => each.push(of_one),
            None => groups.push((of_all, vec![of_one])),
        }
    }
    for (of_all, each) in groups {
        if each.len() > 1 {
            match may(&core.api, &of_all).await {
                Ok(None) => continue,
                Ok(Some(_)) => {}
                Err(error) => return CheckResult::Warn(Text::line(&format!("permission could not be asked: {error}"))),
            }
        }
        questions.extend(each);
    }
    let asked: Vec<_> = questions.iter().map(|question| may(&core.api, question)).collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    for (question, answer) in questions.iter().zip(answers) {
        match answer {
            Ok(None) => {}
            Ok(Some(why)) => return CheckResult::Block(missing(question, &core.cluster.user, &why)),
            Err(error) => return CheckResult::Warn(Text::line(&format!("permission could not be asked: {error}"))),
        }
    }
    CheckResult::Pass(Text::line(&format!("allowed for {}", core.cluster.user)))
}

/// None when allowed, else the authorizer's reason, which may be empty.
async fn may(api: &Api, attributes: &Value) -> Result<Option<String>, Text> {
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let answer = api.reader.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &question).await.map_err(|error| error.text())?;
    let status = answer.json.get("status").cloned().unwrap_or_default();
    if status.get("allowed").and_then(Value::as_bool) == Some(true) {
        return Ok(None);
    }
    Ok(Some(status.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned()))
}

fn missing(question: &Value, user: &str, why: &str) -> Text {
    let field = |name: &str| question.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut resource = field("resource").to_owned();
    if !field("subresource").is_empty() {
        resource = format!("{resource}/{}", field("subresource"));
    }
    if !field("group").is_empty() {
        resource = format!("{resource} in {}", field("group"));
    }
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let place = if field("namespace").is_empty() { String::new() } else { format!(", namespace {}", field("namespace")) };
    Text::line(&format!("{user} lacks the verb {} on {resource}{place}{why}", field("verb")))
}

async fn dry_run(api: &Api, writes: &[Write], phases: &[Phase]) -> CheckResult {
    let asked: Vec<_> = writes.iter().map(|write| api.dry_run(write)).collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let policies = phases.iter().flat_map(|phase| std::iter::repeat_n(phase, phase.writes));
    let mut refused = Vec::new();
    for ((write, answer), phase) in writes.iter().zip(answers).zip(policies) {
        match answer {
            Sent::Done(object) => {
                if let Some(what) = altered(&write.effect, &object) {
                    return CheckResult::Warn(Text::line(&format!(
                        "the server would alter it on the way in (admission): asked and stored differ: {what}"
                    )));
                }
            }
            // Gone or replaced meanwhile: left out when its turn comes.
            Sent::Refused { status: 404 | 409, .. } if phase.left_out != LeftOut::Never && writes.len() > 1 => {}
            Sent::Refused { says, .. } if phase.refusal != Refusal::Ends => refused.push((write, says, phase.refusal)),
            Sent::Refused { says, .. } => return CheckResult::Block(Text::line(&format!("the server refuses {}: {says}", write.target))),
            Sent::Failed(why) | Sent::Unknown(why) => {
                return CheckResult::Block(Text::line(&format!("the server could not try it on {}: {why}", write.target)));
            }
        }
    }
    let Some((write, says, refusal)) = refused.first() else { return CheckResult::Pass("server dry-run accepted".into()) };
    let others = if refused.len() > 1 { format!(" and {} others", refused.len() - 1) } else { String::new() };
    let told = format!("the server refuses {}{others}: {says}", write.target);
    if *refusal == Refusal::Noted && refused.len() == writes.len() {
        return CheckResult::Block(Text::line(&told));
    }
    let then = if *refusal == Refusal::Noted { "the others are not affected" } else { "it is asked again while the drain lasts" };
    CheckResult::Warn(Text::line(&format!("now {told}; {then}")))
}

/// What changed on the targets since they were planned on; none when nothing did.
pub async fn changed(api: &Api, writes: &[Write], targets: &[(crate::domain::object::ObjectRef, Text)]) -> Result<Option<Text>, Text> {
    let asked: Vec<_> = writes.iter().map(|write| api.find(&write.target)).collect();
    let found: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    for (write, object) in writes.iter().zip(found) {
        let object = object.map_err(|error| error.text())?;
        match standing(write, object.as_ref()) {
            // One of several pods that is gone by itself is left out when its turn comes.
            Standing::Done if write.effect == Effect::Gone && writes.len() > 1 => {}
            Standing::Done if write.effect == Effect::Gone => return Ok(Some(Text::line(&format!("{} is gone already", write.target)))),
            Standing::Done => {
                let by = object.as_ref().map(super::changed::by).unwrap_or_default();
                return Ok(Some(Text::line(&format!("{} already is as this would make it{by}", write.target))));
            }
            Standing::Other(what) => return Ok(Some(Text::line(&format!("changed since planned: {what}")))),
            Standing::NotDone => {
                if let Some(what) = guarded_version(write, object.as_ref(), targets) {
                    return Ok(Some(what));
                }
            }
        }
    }
    Ok(None)
}

/// Writes that carry the resourceVersion fail on any change of the object.
fn guarded_version(write: &Write, object: Option<&Value>, targets: &[(crate::domain::object::ObjectRef, Text)]) -> Option<Text> {
    write.body.pointer("/metadata/resourceVersion")?;
    let planned = &targets.iter().find(|(target, _)| *target == write.target)?.1;
    let object = object?;
    (super::draft::resource_version(object) != *planned)
        .then(|| Text::line(&format!("changed since planned: another part of {} was written{}", write.target, super::changed::by(object))))
}
