//! From a confirmed plan to its outcome: check again, journal, send once, journal.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    domain::{
        mitigation::{ActionEvent, CheckResult, ConfirmedPlan, Converge, Outcome, Plan, Write},
        text::Text,
    },
    journal::Seq,
};

use super::{
    checks, commands, converge,
    engine::{Core, InFlight},
    record, resolve,
    sending::{self, Sending},
    undo::{self, Kept},
};

pub async fn run(core: &Arc<Core>, confirmed: &ConfirmedPlan, in_flight: InFlight) {
    let plan = confirmed.plan();
    let id = plan.id;
    if let Err(why_not) = clear_to_send(core, plan).await {
        let mut fields = record::plan(&core.kubectl, plan, confirmed.reason());
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("why".into(), why_not.to_string().into());
        }
        // Nothing was written: losing this record loses no write.
        let _ = core.journal(record::NOT_SENT, fields).await;
        return core.say(ActionEvent::Ended { id, outcome: why_not, undoable: false }).await;
    }
    let intent = match core.journal(record::INTENT, record::intent(&core.kubectl, confirmed)).await {
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
        Converge::Replaced { pods, .. } => converge::owners(&core.api, pods).await,
        Converge::Rollout { .. } | Converge::Endpoints { .. } | Converge::Bounds { .. } | Converge::Immediately | Converge::Held { .. } => {
            converge::Owners::default()
        }
    };
    let Sending { mut outcome, done, notes, unanswered, stored, ran } = sending::all(core, plan, intent, &owners.known).await;
    let mut fields = record::outcome(intent.0, plan, &outcome, &notes);
    if let Some((run, ran)) = &ran {
        fields["ran"] = commands::fields(run, ran);
    }
    // In this order: killed in between, the next run finds the intent open and settles it by what it reads.
    let undoable = settle(core, intent, plan, &outcome, stored.as_ref()).await;
    let recorded = core.journal(record::OUTCOME, fields).await;
    drop(in_flight);
    core.say(ActionEvent::Ended { id, undoable, outcome: outcome.clone() }).await;
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
        outcome = sending::with_others(plan, done, &write, resolve::by_reading(core, &write).await);
        let undoable = settle(core, intent, plan, &outcome, stored.as_ref()).await;
        let _ = core.journal(record::RESOLVED, record::resolved(intent.0, &plan.title, &outcome, matches!(write, Write::Command(_)))).await;
        core.say(ActionEvent::Resolved { id, outcome: outcome.clone(), undoable }).await;
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

/// Offers what is kept, or throws it away; an undo that is done needs what it took back no more. Says whether it can be
/// taken back: also when only the part that an undo is for was done.
async fn settle(core: &Arc<Core>, intent: Seq, plan: &Plan, outcome: &Outcome, stored: Option<&(Write, Value)>) -> bool {
    let kept = match outcome {
        Outcome::Done => Kept::Offered,
        _ if stored.is_some() => Kept::Offered,
        Outcome::Unknown(_) => Kept::Open,
        Outcome::Partly(_) | Outcome::Refused(_) | Outcome::Failed(_) => Kept::Forgotten,
    };
    let undoes = plan.undoes.filter(|_| *outcome == Outcome::Done);
    let (journal, stored) = (core.journal.clone(), stored.cloned());
    let settled = tokio::task::spawn_blocking(move || {
        undo::settle(&journal, intent, kept, stored.as_ref().map(|(write, answer)| (write, answer)));
        if let Some(undoes) = undoes {
            journal.forget(Seq(undoes.recorded));
        }
    });
    // A panic in there loses an undo, nothing else.
    let _ = settled.await;
    let is_offered = kept == Kept::Offered;
    if is_offered {
        core.say_undoable().await;
    }
    is_offered && plan.inverse.is_some()
}

/// The last look before the write.
async fn clear_to_send(core: &Core, plan: &Plan) -> Result<(), Outcome> {
    if let Some(why) = core.never_writes() {
        return Err(Outcome::Failed(Text::line(&format!("nothing was sent: {why}"))));
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
