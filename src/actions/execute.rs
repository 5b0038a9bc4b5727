//! From a confirmed plan to its outcome: check again, journal, send once, journal.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    connect::Ran,
    domain::{
        mitigation::{ActionEvent, CheckResult, CommandRun, ConfirmedPlan, Converge, Outcome, Plan, Write},
        object::ObjectRef,
        text::Text,
    },
    journal::Seq,
};

use super::{
    api::Sent,
    checks, commands, converge,
    engine::{Core, InFlight},
    pods, record, resolve, undo, write,
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
    /// The object as the last answer shows it, and the write that made it so.
    pub stored: Option<(Write, Value)>,
    /// The command that was run, and what it wrote.
    pub ran: Option<(CommandRun, Ran)>,
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
        Ok(seq) => seq,
        Err(why) => {
            let outcome = Outcome::Failed(Text::line(&format!("nothing was sent: {why}")));
            return core.say(ActionEvent::Ended { id, outcome, undoable: false }).await;
        }
    };
    core.note_intent(id, intent);
    if let Err(why) = keep(core, intent, confirmed).await {
        let outcome = Outcome::Failed(Text::line(&format!("nothing was sent: what takes it back could not be kept: {why}")));
        let _ = core.journal(record::OUTCOME, record::outcome(intent.0, plan, &outcome, &[])).await;
        return core.say(ActionEvent::Ended { id, outcome, undoable: false }).await;
    }
    core.say(ActionEvent::Started { id }).await;
    let owners = match &plan.converge {
        Converge::Replaced { pods } => converge::owners(&core.api, pods).await,
        Converge::Rollout { .. } | Converge::Immediately => Vec::new(),
    };
    let sending = send_all(core, plan, &owners).await;
    let Sending { mut outcome, done, notes, unanswered, stored, ran } = sending;
    let mut fields = record::outcome(intent.0, plan, &outcome, &notes);
    if let Some((run, ran)) = &ran {
        fields["ran"] = commands::fields(run, ran);
    }
    // In this order: killed in between, the next run finds the intent open and settles it by what it reads.
    settle(core, intent, plan, &outcome, stored).await;
    let recorded = core.journal(record::OUTCOME, fields).await;
    drop(in_flight);
    core.say(ActionEvent::Ended { id, undoable: outcome == Outcome::Done && plan.inverse.is_some(), outcome: outcome.clone() }).await;
    if let Err(why) = recorded {
        let text = Text::line(&format!("{}: {outcome}, but that is not in the journal: {why}", plan.title));
        core.say(ActionEvent::Notice { text, is_error: true }).await;
    }
    if let Some((run, ran)) = &ran {
        core.say(ActionEvent::Output { id, output: commands::output(run, ran) }).await;
    }
    for text in notes {
        core.say(ActionEvent::Notice { text, is_error: false }).await;
    }
    if let (Outcome::Unknown(_), Some(write)) = (&outcome, unanswered) {
        outcome = resolve::by_reading(core, &write).await;
        settle(core, intent, plan, &outcome, None).await;
        let _ = core.journal(record::RESOLVED, record::resolved(intent.0, &plan.title, &outcome, matches!(write, Write::Command(_)))).await;
        core.say(ActionEvent::Resolved { id, outcome: outcome.clone() }).await;
    }
    if outcome == Outcome::Done || done > 0 {
        converge::watch(core, plan, intent.0, &owners).await;
    }
}

/// Puts what takes the plan back on the disk, before it is sent.
async fn keep(core: &Arc<Core>, intent: Seq, confirmed: &ConfirmedPlan) -> Result<(), String> {
    let time = core.clock.now().utc.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let Some(kept) = undo::kept(confirmed.plan(), confirmed.reason(), &time) else { return Ok(()) };
    let journal = core.journal.clone();
    let written = tokio::task::spawn_blocking(move || journal.keep(intent, &kept)).await;
    written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Offers what is kept, or throws it away; an undo that is done needs what it took back no more.
async fn settle(core: &Arc<Core>, intent: Seq, plan: &Plan, outcome: &Outcome, stored: Option<(Write, Value)>) {
    let (journal, ended, undoes) = (core.journal.clone(), outcome.clone(), plan.undoes);
    let settled = tokio::task::spawn_blocking(move || {
        undo::settle(&journal, intent, &ended, stored.as_ref().map(|(write, answer)| (write, answer)));
        if let (Outcome::Done, Some(undoes)) = (&ended, undoes) {
            journal.forget(Seq(undoes.recorded));
        }
    });
    // A panic in there loses an undo, nothing else.
    let _ = settled.await;
    if *outcome == Outcome::Done {
        core.say_undoable().await;
    }
}

/// The last look before the write.
async fn clear_to_send(core: &Core, plan: &Plan) -> Result<(), Outcome> {
    if core.read_only {
        return Err(Outcome::Failed("nothing was sent: this session is read-only".into()));
    }
    if let Some(why) = core.second_person(plan.level) {
        return Err(Outcome::Failed(Text::line(&format!("nothing was sent: {why}"))));
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
    let mut sending = Sending { outcome: Outcome::Done, done: 0, notes: Vec::new(), unanswered: None, stored: None, ran: None };
    let mut answered = 0;
    let mut batches = plan.writes.chunks(batch).peekable();
    while let Some(writes) = batches.next() {
        let before = if replaces && batches.peek().is_some() { converge::pods_of(&core.api, owners).await.ok() } else { None };
        let mut deleted = Vec::new();
        for write in writes {
            if replaces
                && let Some(target) = write.target()
                && let Some(note) = left_out(core, target).await
            {
                sending.notes.push(note);
                answered += 1;
                continue;
            }
            match write::send(&core.api, write).await {
                Sent::Done(object) => {
                    sending.done += 1;
                    sending.stored = Some((write.clone(), object));
                    deleted.extend(write.target().cloned());
                }
                Sent::Ran(ran) => {
                    sending.done += 1;
                    if let Write::Command(run) = write {
                        sending.ran = Some((run.clone(), ran));
                    }
                }
                Sent::Refused { status: 404 | 409, says } if replaces => {
                    sending.notes.push(Text::line(&format!("{write} left out: gone or replaced meanwhile: {says}")));
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
async fn left_out(core: &Core, target: &ObjectRef) -> Option<Text> {
    let name = &target.key.name;
    match core.api.find(target).await {
        Ok(Some(pod)) if pods::uid(&pod) != target.uid.as_str() => Some(Text::line(&format!("{name} left out: another pod has its name now"))),
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
