//! From a confirmed plan to its outcome: check again, journal, send once, journal.

use std::sync::Arc;

use crate::domain::{
    mitigation::{ActionEvent, CheckResult, ConfirmedPlan, Converge, Outcome, Plan, Write},
    text::Text,
};

use super::{
    api::Sent,
    checks, converge,
    engine::{Core, InFlight},
    expect::Expect,
    pods, record, resolve,
};

/// What became of the writes of a plan.
pub struct Sending {
    pub outcome: Outcome,
    /// Writes that the server answered with success.
    pub done: u32,
    /// What a person should know besides: pods left out, and why.
    pub notes: Vec<Text>,
    /// The write without an answer.
    pub unanswered: Option<Write>,
    /// What the object looks like, by the last answer.
    pub wrote: Option<Expect>,
}

pub async fn run(core: &Arc<Core>, confirmed: &ConfirmedPlan, in_flight: InFlight) {
    let plan = confirmed.plan();
    let id = plan.id;
    if let Err(why_not) = clear_to_send(core, plan).await {
        let mut fields = record::plan(plan, confirmed.reason());
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("why".into(), why_not.to_string().into());
        }
        // Nothing was written: losing this record loses no write.
        let _ = core.journal(record::NOT_SENT, fields).await;
        return core.say(ActionEvent::Ended { id, outcome: why_not, undoable: false }).await;
    }
    let intent = match core.journal(record::INTENT, record::plan(plan, confirmed.reason())).await {
        Ok(seq) => seq.0,
        Err(why) => {
            let outcome = Outcome::Failed(Text::line(&format!("nothing was sent: {why}")));
            return core.say(ActionEvent::Ended { id, outcome, undoable: false }).await;
        }
    };
    core.say(ActionEvent::Started { id }).await;
    let owners = match &plan.converge {
        Converge::Replaced { pods } => converge::owners(&core.api, pods).await,
        Converge::Rollout { .. } | Converge::Immediately => Vec::new(),
    };
    let sending = send_all(core, plan, &owners).await;
    let Sending { mut outcome, done, notes, unanswered, wrote } = sending;
    let recorded = core.journal(record::OUTCOME, record::outcome(intent, plan, &outcome, &notes)).await;
    if outcome == Outcome::Done {
        core.remember(plan, wrote);
    }
    drop(in_flight);
    core.say(ActionEvent::Ended { id, undoable: outcome == Outcome::Done && is_undoable(plan), outcome: outcome.clone() }).await;
    if let Err(why) = recorded {
        let text = Text::line(&format!("{}: {outcome}, but that is not in the journal: {why}", plan.title));
        core.say(ActionEvent::Notice { text, is_error: true }).await;
    }
    for text in notes {
        core.say(ActionEvent::Notice { text, is_error: false }).await;
    }
    if let (Outcome::Unknown(_), Some(write)) = (&outcome, unanswered) {
        outcome = resolve::by_reading(core, &write).await;
        if outcome == Outcome::Done {
            core.remember(plan, Expect::of(&write));
        }
        let _ = core.journal(record::RESOLVED, record::resolved(intent, &plan.title, &outcome)).await;
        core.say(ActionEvent::Resolved { id, outcome: outcome.clone() }).await;
    }
    if outcome == Outcome::Done || done > 0 {
        converge::watch(core, plan, intent, &owners).await;
    }
}

fn is_undoable(plan: &Plan) -> bool {
    plan.writes.iter().all(|write| write.inverse.is_some())
}

/// The last look before the write.
async fn clear_to_send(core: &Core, plan: &Plan) -> Result<(), Outcome> {
    if core.read_only {
        return Err(Outcome::Failed("nothing was sent: this session is read-only".into()));
    }
    if plan.cluster != core.cluster {
        return Err(Outcome::Failed("nothing was sent: the plan is for another cluster".into()));
    }
    if let CheckResult::Block(why) = checks::identity(core).await {
        return Err(Outcome::Failed(Text::line(&format!("nothing was sent: {why}"))));
    }
    match checks::changed(&core.api, &plan.writes, &plan.targets).await {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(Outcome::Refused(Text::line(&format!("nothing was sent: {what}")))),
        Err(why) => Err(Outcome::Failed(Text::line(&format!("nothing was sent: the object could not be read again: {why}")))),
    }
}

async fn send_all(core: &Arc<Core>, plan: &Plan, owners: &[converge::Owner]) -> Sending {
    let of = u32::try_from(plan.writes.len()).unwrap_or(u32::MAX);
    let replaces = matches!(plan.converge, Converge::Replaced { .. });
    let batch = if replaces { usize::from(core.at_once(plan.id)) } else { 1 };
    let mut sending = Sending { outcome: Outcome::Done, done: 0, notes: Vec::new(), unanswered: None, wrote: None };
    let mut answered = 0;
    let mut batches = plan.writes.chunks(batch).peekable();
    while let Some(writes) = batches.next() {
        let before = if replaces && batches.peek().is_some() { converge::pods_of(&core.api, owners).await.ok() } else { None };
        let mut deleted = Vec::new();
        for write in writes {
            if replaces && let Some(note) = left_out(core, write).await {
                sending.notes.push(note);
                answered += 1;
                continue;
            }
            match core.api.send(write).await {
                Sent::Done(object) => {
                    sending.done += 1;
                    sending.wrote = Expect::of(write).map(|wanted| wanted.seen_in(&object));
                    deleted.push(write.target.clone());
                }
                Sent::Refused { status: 404 | 409, says } if replaces => {
                    sending.notes.push(Text::line(&format!("{} left out: gone or replaced meanwhile: {says}", write.target.key.name)));
                }
                other => {
                    if let Sent::Unknown(_) = other {
                        sending.unanswered = Some(write.clone());
                    }
                    sending.outcome = after(sending.done, of, other.outcome());
                    return sending;
                }
            }
            answered += 1;
            core.say(ActionEvent::Progress { id: plan.id, done: answered, of }).await;
        }
        if batches.peek().is_some() && !deleted.is_empty() {
            let Some(before) = before else {
                sending.notes.push(stopped(answered, of, "the replacements could not be watched"));
                return sending;
            };
            if let Err(why) = converge::replacements(core, plan.id, owners, &before, &deleted).await {
                sending.notes.push(stopped(answered, of, &why));
                return sending;
            }
        }
    }
    if sending.done == 0 {
        sending.outcome = Outcome::Refused("nothing was sent: every pod is healthy or gone by now".into());
    }
    sending
}

/// Why a pod is not deleted after all.
async fn left_out(core: &Core, write: &Write) -> Option<Text> {
    let name = &write.target.key.name;
    match core.api.find(&write.target).await {
        Ok(Some(pod)) if pods::uid(&pod) != write.target.uid.as_str() => Some(Text::line(&format!("{name} left out: another pod has its name now"))),
        Ok(Some(pod)) if pods::is_deleting(&pod) => Some(Text::line(&format!("{name} left out: it is being deleted already"))),
        Ok(Some(pod)) if pods::is_healthy(&pod) => Some(Text::line(&format!("{name} left out: it is healthy now"))),
        Ok(None) => Some(Text::line(&format!("{name} left out: it is gone"))),
        // The delete carries the uid: it may be sent without this look.
        Ok(Some(_)) | Err(_) => None,
    }
}

fn stopped(answered: u32, of: u32, why: &str) -> Text {
    Text::line(&format!("stopped after {answered} of {of} pods, the others were left alone: {why}"))
}

/// The outcome of a write that was not the first says how many went before.
fn after(done: u32, of: u32, outcome: Outcome) -> Outcome {
    if done == 0 {
        return outcome;
    }
    let say = |why: &Text| Text::line(&format!("after {done} of {of} were done: {why}"));
    match outcome {
        Outcome::Done => Outcome::Done,
        Outcome::Refused(why) => Outcome::Refused(say(&why)),
        Outcome::Failed(why) => Outcome::Failed(say(&why)),
        Outcome::Unknown(why) => Outcome::Unknown(say(&why)),
    }
}
