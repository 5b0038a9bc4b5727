//! What the journal says of a mitigation: what the card said of it, and for each write hashes of the state before and
//! after, by which a later run recognises what became of it. No pod template and no environment of a container.

use serde_json::{Value, json};

use crate::domain::{
    mitigation::{Outcome, Plan},
    text::Text,
};

use super::expect::{Side, digest};

/// A plan was made for a card: proves that the journal can be written.
pub const PLANNED: &str = "planned";
/// The write is about to be sent.
pub const INTENT: &str = "intent";
/// How it ended; `intent` is the intent's number.
pub const OUTCOME: &str = "outcome";
/// An unknown outcome, or one that a crash cut off, was looked into.
pub const RESOLVED: &str = "resolved";
/// Confirmed, and not sent, with the reason.
pub const NOT_SENT: &str = "not_sent";
pub const CONVERGED: &str = "converged";
/// The journal can be written again.
pub const JOURNAL_WORKS: &str = "journal_works";

pub fn plan(plan: &Plan, reason: &Text) -> Value {
    let writes: Vec<_> = plan
        .writes
        .iter()
        .map(|write| {
            json!({
                "method": write.method,
                "path": write.path,
                "object": write.target.path(),
                "target": write.target,
                "after": digest(&write.effect, Side::After),
                "before": digest(&write.effect, Side::Before),
            })
        })
        .collect();
    json!({
        "id": plan.id,
        "mitigation": plan.kind,
        "title": plan.title,
        "what": plan.what,
        "reason": reason,
        "context": plan.cluster.context,
        "kubectl": plan.kubectl,
        "undoes": plan.undoes.map(|undoes| undoes.recorded),
        "writes": writes,
    })
}

pub fn outcome(intent: u64, plan: &Plan, outcome: &Outcome, notes: &[Text]) -> Value {
    let (state, why) = split(outcome);
    json!({ "intent": intent, "id": plan.id, "title": plan.title, "state": state, "why": why, "notes": notes })
}

pub fn resolved(intent: u64, title: &str, outcome: &Outcome) -> Value {
    let (state, why) = split(outcome);
    json!({ "intent": intent, "title": title, "state": state, "why": why })
}

fn split(outcome: &Outcome) -> (&'static str, Option<&Text>) {
    match outcome {
        Outcome::Done => ("done", None),
        Outcome::Refused(why) => ("refused", Some(why)),
        Outcome::Failed(why) => ("failed", Some(why)),
        Outcome::Unknown(why) => ("unknown", Some(why)),
    }
}
