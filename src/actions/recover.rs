//! Intents that a crash left without an outcome: what became of them, by reading.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::{
    mitigation::{ActionEvent, Outcome},
    text::Text,
};

use super::{
    engine::Core,
    record,
    undo::{self, Kept},
    write,
};

pub async fn run(core: &Arc<Core>) {
    let journal = core.journal.clone();
    let open = match tokio::task::spawn_blocking(move || journal.open_intents()).await {
        Ok(Ok(open)) => open,
        Ok(Err(error)) => return notice(core, &format!("unfinished mitigations could not be looked for: {error}"), true).await,
        Err(error) => return notice(core, &format!("unfinished mitigations could not be looked for: {error}"), true).await,
    };
    for intent in open {
        let field = |name: &str| intent.record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (title, time) = (field("title"), field("time"));
        let (outcome, kept) = found(core, &intent.record).await;
        // Still unknown stays open, and is looked at again by the next run.
        let _ = core.journal(record::RESOLVED, record::resolved(intent.seq.0, &title, &outcome, is_unreadable(&intent.record))).await;
        let journal = core.journal.clone();
        let _ = tokio::task::spawn_blocking(move || undo::settle(&journal, intent.seq, kept, None)).await;
        let is_error = outcome != Outcome::Done;
        notice(core, &format!("{title}, begun {time} by a sev1 that ended without saying how: {outcome}"), is_error).await;
    }
}

async fn notice(core: &Core, text: &str, is_error: bool) {
    core.say(ActionEvent::Notice { text: Text::line(text), is_error }).await;
}

/// Whether nothing that could be read says what became of it.
fn is_unreadable(record: &Value) -> bool {
    let writes = record.get("writes").and_then(Value::as_array);
    writes.into_iter().flatten().any(write::is_unreadable)
}

/// How many objects of each sort are named.
const NAMED: usize = 5;

/// What became of each write, and whether what takes the intent back is of use.
async fn found(core: &Core, record: &Value) -> (Outcome, Kept) {
    let writes = record.get("writes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut done, mut not_done, mut unknown, mut kept) = (Vec::new(), Vec::new(), Vec::new(), Kept::Forgotten);
    for one in writes {
        let is_taken_back = one.pointer("/after/gone").is_none();
        match write::was_done(core, one).await {
            Ok(true) => {
                done.push(write::named(one));
                kept = if is_taken_back { Kept::Offered } else { kept };
            }
            Ok(false) => not_done.push(write::named(one)),
            Err(why) => {
                unknown.push(if writes.len() > 1 { format!("{}: {why}", write::named(one)) } else { why });
                kept = if is_taken_back && kept == Kept::Forgotten { Kept::Open } else { kept };
            }
        }
    }
    let outcome = match (done.as_slice(), not_done.as_slice(), unknown.as_slice()) {
        ([], [], []) => Outcome::Unknown("its record names no write".into()),
        (_, [], []) => Outcome::Done,
        ([], _, []) => Outcome::Failed("it was not done: everything is as before".into()),
        (_, _, []) => Outcome::Partly(Text::line(&format!("{}; {}", listed("done", &done), listed("not done", &not_done)))),
        ([], [], [why]) => Outcome::Unknown(Text::line(why)),
        _ => {
            let parts = [("done", &done), ("not done", &not_done), ("unknown", &unknown)];
            let told = parts.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| listed(what, names));
            Outcome::Unknown(Text::line(&told.collect::<Vec<_>>().join("; ")))
        }
    };
    (outcome, kept)
}

/// `3 done (pod/a, pod/b, pod/c)`.
fn listed(what: &str, names: &[String]) -> String {
    let more = names.len().checked_sub(NAMED).filter(|more| *more > 0).map_or_else(String::new, |more| format!(" and {more} more"));
    let first: Vec<_> = names.iter().take(NAMED).map(String::as_str).collect();
    format!("{} {what} ({}{more})", names.len(), first.join(", "))
}
