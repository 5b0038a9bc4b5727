//! Intents that a crash left without an outcome: what became of them, by reading.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::{
    mitigation::{ActionEvent, Outcome},
    text::Text,
};

use super::{engine::Core, record, undo, write};

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
        let outcome = found(core, &intent.record).await;
        // Still unknown stays open, and is looked at again by the next run.
        let _ = core.journal(record::RESOLVED, record::resolved(intent.seq.0, &title, &outcome, is_unreadable(&intent.record))).await;
        let (journal, found) = (core.journal.clone(), outcome.clone());
        let _ = tokio::task::spawn_blocking(move || undo::settle(&journal, intent.seq, &found, None)).await;
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

/// Done when every write is, failed when none is, else unknown.
async fn found(core: &Core, record: &Value) -> Outcome {
    let writes = record.get("writes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut done, mut not_done) = (0, 0);
    for one in writes {
        match write::was_done(core, one).await {
            Ok(true) => done += 1,
            Ok(false) => not_done += 1,
            Err(why) => return Outcome::Unknown(Text::line(&why)),
        }
    }
    match (done, not_done) {
        (0, 0) => Outcome::Unknown("its record names no write".into()),
        (_, 0) => Outcome::Done,
        (0, _) => Outcome::Failed("it was not done: everything is as before".into()),
        _ => Outcome::Unknown(Text::line(&format!("{done} of {} writes were done", done + not_done))),
    }
}
