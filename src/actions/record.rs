//! What the journal says of a mitigation: what the card said of it, and for each write hashes of the state before and
//! after, by which a later run recognises what became of it. No pod template, no environment of a container, and no value
//! of a ConfigMap but switches.

use serde_json::{Value, json};

use crate::domain::{
    conceal,
    mitigation::{ConfirmedPlan, Effect, Expectation, Outcome, Plan, Write},
    object::{Key, Kind, ObjectRef},
    shell::KubectlFlags,
    text::Text,
};

use super::{expect::label, kubectl, write};

/// A plan was made for a card: proves that the journal can be written.
pub const PLANNED: &str = "planned";
/// The write is about to be sent.
pub const INTENT: &str = "intent";
/// One of several writes was answered, or left out: how.
pub const STEP: &str = "step";
/// A disruption budget refused an eviction, and the server is about to be asked again.
pub const ASKED_AGAIN: &str = "asked_again";
/// How it ended; `intent` is the intent's number.
pub const OUTCOME: &str = "outcome";
/// An unknown outcome, or one that a crash cut off, was looked into.
pub const RESOLVED: &str = "resolved";
/// Confirmed, and not sent, with the reason.
pub const NOT_SENT: &str = "not_sent";
pub const CONVERGED: &str = "converged";
/// A command that only reads was run.
pub const RAN: &str = "ran";
/// The journal can be written again.
pub const JOURNAL_WORKS: &str = "journal_works";

/// `place` is where kubectl would do it.
pub fn plan(place: &KubectlFlags, plan: &Plan, reason: &Text) -> Value {
    let writes: Vec<_> = plan.writes.iter().map(write::record).collect();
    let (what, kubectl) = told(place, plan);
    json!({
        "id": plan.id,
        "mitigation": plan.kind,
        "title": plan.title,
        "what": what,
        "reason": reason,
        "context": plan.cluster.context,
        "kubectl": kubectl,
        "undoes": plan.undoes.map(|undoes| undoes.recorded),
        "writes": writes,
    })
}

/// What the card said, and its command: as they are, but for values of a ConfigMap that may be secrets.
fn told(place: &KubectlFlags, plan: &Plan) -> (Vec<Text>, Text) {
    let mut what = Vec::new();
    let mut kubectl = plan.kubectl.clone();
    for write in &plan.writes {
        let Write::Object(write) = write else { continue };
        let (Kind::ConfigMap, Effect::Fields(fields)) = (write.target.kind, &write.effect) else { continue };
        for field in fields {
            let Key { namespace, name: config_map } = &write.target.key;
            let (name, after) = (label(&field.path), field.after.as_ref().and_then(Value::as_str));
            let before = conceal::shown(field.before.as_ref().and_then(Value::as_str));
            what.push(Text::line(&format!("{}  {name}: {before} → {} in {namespace}", write.target, conceal::shown(after))));
            if let Some(secret) = after.filter(|value| !conceal::is_switch(value)) {
                let patch = json!({ "data": { name: conceal::length(secret) } }).to_string();
                kubectl = kubectl::command(&["patch", "configmap", config_map, "--type=merge", "-p", &patch], namespace, place);
            }
        }
    }
    (if what.is_empty() { plan.what.clone() } else { what }, kubectl)
}

/// What the card promised, and what is expected of it.
pub fn intent(place: &KubectlFlags, confirmed: &ConfirmedPlan) -> Value {
    let mut fields = plan(place, confirmed.plan(), confirmed.reason());
    let Expectation { aim, is_tied, effect_later } = confirmed.expectation();
    fields["expects"] = json!({ "aim": aim, "is_tied": is_tied, "effect_later": effect_later });
    fields
}

pub fn outcome(intent: u64, plan: &Plan, outcome: &Outcome, notes: &[Text]) -> Value {
    let (state, why) = outcome.parts();
    json!({ "intent": intent, "id": plan.id, "title": plan.title, "state": state, "why": why, "notes": notes })
}

/// One write of several. `attempt` is 1 the first time.
pub fn step(intent: u64, plan: &Plan, write: &Write, attempt: u32, outcome: &Outcome) -> Value {
    let (state, why) = outcome.parts();
    let target = write.target();
    json!({ "intent": intent, "id": plan.id, "object": target.map(ObjectRef::path), "uid": target.map(|target| &target.uid), "attempt": attempt, "state": state, "why": why })
}

/// `is_last`: what is unknown stays so, and no later run needs to look again.
pub fn resolved(intent: u64, title: &str, outcome: &Outcome, is_last: bool) -> Value {
    let (state, why) = outcome.parts();
    json!({ "intent": intent, "title": title, "state": state, "why": why, "last": is_last })
}
