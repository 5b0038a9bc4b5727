//! The checks that every plan gets: identity, permission, dry-run, unchanged, journal.

use std::sync::Arc;

use futures::{StreamExt as _, future::BoxFuture, stream};
use serde_json::Value;

use crate::{
    connect::{access, identity},
    domain::{
        mitigation::{Basis, CheckKind, CheckResult, Plan, Write},
        phase::{LeftOut, Phase, Refusal},
        text::Text,
    },
};

use super::{
    api::Api,
    engine::Core,
    record, watched,
    write::{self, Permission, Tried},
};

/// Requests of one check that are under way at the same time.
const AT_ONCE: usize = 4;

type Pending = (CheckKind, BoxFuture<'static, CheckResult>);

pub fn of_every_plan(core: &Arc<Core>, plan: &Plan) -> Vec<Pending> {
    let writes: Arc<[Write]> = plan.writes.clone().into();
    let targets: Arc<[_]> = plan.targets.clone().into();
    let record = record::plan(&core.kubectl, plan, &plan.reason);
    let identity_core = core.clone();
    let permission = (core.clone(), writes.clone(), watched::questions(&plan.converge));
    let dry_run_of = (core.clone(), writes.clone(), plan.phases.clone());
    let unchanged_of = (core.clone(), writes);
    let journal_core = core.clone();
    vec![
        (CheckKind::Identity, Box::pin(async move { identity(&identity_core).await })),
        (CheckKind::Permission, Box::pin(async move { permission_of(&permission.0, &permission.1, &permission.2).await })),
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
        Ok(_) if identity::is_by_address(&core.api.reader, &pinned.uid) => CheckResult::Warn(Text::line(&format!(
            "same cluster {} by its address alone: to know it by its uid takes the verb get on namespaces (kube-system)",
            pinned.context
        ))),
        Ok(_) => CheckResult::Pass(Text::line(&format!("same cluster {}", pinned.context))),
    }
}

/// Whether the writes are allowed; without a right to look at what follows from them they are, and their effect is not seen.
async fn permission_of(core: &Core, writes: &[Write], watched: &[Value]) -> CheckResult {
    // Many objects of one type in one namespace: one question about all of them first.
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    let mut unasked = None;
    for write in writes {
        for permission in write::permissions(write) {
            let question = match permission {
                Permission::Review(question) => question,
                Permission::Unasked(why) => {
                    unasked = Some(why);
                    continue;
                }
            };
            let of_all = write::permission_of_all(write).unwrap_or_else(|| question.clone());
            match groups.iter_mut().find(|(known, _)| *known == of_all) {
                Some((_, each)) if each.contains(&question) => {}
                Some((_, each)) => each.push(question),
                None => groups.push((of_all, vec![question])),
            }
        }
    }
    let mut questions: Vec<Value> = Vec::new();
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
    let user = &core.cluster.user;
    match first_missing(core, &questions).await {
        Ok(None) => {}
        Ok(Some(missing)) => return CheckResult::Block(missing),
        Err(error) => return CheckResult::Warn(Text::line(&format!("permission could not be asked: {error}"))),
    }
    let unwatched = match first_missing(core, watched).await {
        Ok(missing) => missing.map(|missing| Text::line(&format!("allowed for {user}, but what follows cannot be watched: {missing}"))),
        Err(error) => Some(Text::line(&format!("allowed for {user}; whether what follows can be watched could not be asked: {error}"))),
    };
    match unasked.or(unwatched) {
        Some(doubt) => CheckResult::Warn(doubt),
        None => CheckResult::Pass(Text::line(&format!("allowed for {user}"))),
    }
}

/// The first of these rights that is not there, in words.
async fn first_missing(core: &Core, questions: &[Value]) -> Result<Option<Text>, Text> {
    let asked: Vec<_> = questions.iter().map(|question| may(&core.api, question)).collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    for (question, answer) in questions.iter().zip(answers) {
        if let Some(why) = answer? {
            return Ok(Some(missing(question, &core.cluster.user, &why)));
        }
    }
    Ok(None)
}

/// None when allowed, else the authorizer's reason, which may be empty.
async fn may(api: &Api, attributes: &Value) -> Result<Option<String>, Text> {
    access::refused(&api.reader, attributes).await.map_err(|error| error.text())
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
    let asked: Vec<_> = writes.iter().map(|write| write::rehearse(api, write)).collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let policies = phases.iter().flat_map(|phase| std::iter::repeat_n(phase, phase.writes));
    let (mut waiting, mut refused) = (Vec::new(), Vec::new());
    for ((write, answer), phase) in writes.iter().zip(answers).zip(policies) {
        match answer {
            Tried::Accepted => {}
            Tried::Altered(what) => {
                return CheckResult::Warn(Text::line(&format!(
                    "the server would alter it on the way in (admission): asked and stored differ: {what}"
                )));
            }
            // Gone or replaced meanwhile: left out when its turn comes.
            Tried::Refused { status: 404 | 409, .. } if phase.left_out != LeftOut::Never && writes.len() > 1 => {}
            Tried::Refused { status, says } if phase.refusal.is_asked_again(status) => waiting.push((write, says)),
            Tried::Refused { says, .. } if phase.refusal != Refusal::Ends => refused.push((write, says)),
            Tried::Refused { says, .. } => return CheckResult::Block(Text::line(&format!("the server refuses {write}: {says}"))),
            Tried::Impossible(why) => return CheckResult::Warn(why),
            Tried::Failed(why) => return CheckResult::Block(Text::line(&format!("the server could not try it on {write}: {why}"))),
        }
    }
    // What others rest on, as a cordon, is not what the plan is for.
    let wanted: usize = phases.iter().filter(|phase| phase.refusal != Refusal::Ends).map(|phase| phase.writes).sum();
    match (refusals(&refused), refusals(&waiting)) {
        (Some(told), _) if refused.len() == wanted => CheckResult::Block(Text::line(&told)),
        (Some(told), _) => CheckResult::Warn(Text::line(&format!("now {told}; the others are not affected"))),
        (None, Some(told)) => CheckResult::Warn(Text::line(&format!("now {told}; it is asked again while the drain lasts"))),
        (None, None) => CheckResult::Pass("server dry-run accepted".into()),
    }
}

/// `the server refuses pod/a and 2 others: …`; none where nothing is refused.
fn refusals(refused: &[(&Write, Text)]) -> Option<String> {
    let ((write, says), others) = refused.split_first()?;
    let others = match others.len() {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        many => format!(" and {many} others"),
    };
    Some(format!("the server refuses {write}{others}: {says}"))
}

/// What changed since it was planned; none when nothing did.
pub async fn changed(api: &Api, writes: &[Write], targets: &[Basis]) -> Result<Option<Text>, Text> {
    // One of several pods that is gone by itself is left out when its turn comes.
    let are_many = writes.len() > 1;
    let asked: Vec<_> = writes.iter().map(|write| write::moved(api, write, are_many, targets)).collect();
    let found: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    found.into_iter().find_map(Result::transpose).transpose()
}
