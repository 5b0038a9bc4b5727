//! Intents that a crash left without an outcome: what became of them, by reading.
//!
//! What is as before right after a crash is not known to stay so: a proxy, or the API server itself, may still hold the
//! request. It counts as not done once no request can arrive any more, as in the run that sent it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde_json::Value;

use crate::{
    domain::{
        mitigation::{ActionEvent, Outcome},
        text::Text,
        time::Mono,
        units,
    },
    journal::{OpenIntent, Seq},
};

use super::{
    engine::Core,
    record,
    undo::{self, Kept},
    write,
};

/// No mitigation goes on sending for so long, however slow its drain: what was begun before that has arrived or never will,
/// also by a clock that was set meanwhile.
const LONG_AGO: Duration = Duration::from_hours(24);

/// An intent of which something is as before, so far.
pub struct Late {
    intent: OpenIntent,
    /// From then on what is as before was not done.
    until: Mono,
}

/// Looks once at every open intent. Returns those whose requests may still arrive; they stay open.
pub async fn look(core: &Arc<Core>) -> Vec<Late> {
    let journal = core.journal.clone();
    let open = match tokio::task::spawn_blocking(move || journal.open_intents()).await {
        Ok(Ok(open)) => open,
        Ok(Err(error)) => return unread(core, &error.to_string()).await,
        Err(error) => return unread(core, &error.to_string()).await,
    };
    if let Some(why) = core.journal.too_long() {
        notice(core, &why, true).await;
    }
    let now = core.clock.now();
    let wait = core.api.pace.not_done_after;
    let mut late = Vec::new();
    for intent in open {
        let found = found(core, &intent.record).await;
        if found.not_done.is_empty() || is_long_ago(&intent.record, now.utc) {
            settle(core, &intent, found.outcome(None), found.kept).await;
            continue;
        }
        let so_far = format!("{}; a request may still arrive: known in {} s", found.told(), wait.as_secs());
        settle(core, &intent, Outcome::Unknown(Text::line(&so_far)), Kept::Open).await;
        late.push(Late { intent, until: now.mono.plus(core.clock.speed().counted(wait)) });
    }
    late
}

/// Looks on until it is known. What is dropped before stays open for the next run.
pub async fn follow(core: &Arc<Core>, late: Vec<Late>) {
    join_all(late.into_iter().map(|late| follow_one(core, late))).await;
}

async fn follow_one(core: &Arc<Core>, Late { intent, until }: Late) {
    let wait = core.api.pace.not_done_after;
    // A clock that stands must not make it endless.
    let mut waited = Duration::ZERO;
    loop {
        let is_over = core.clock.now().mono >= until || waited >= wait;
        let found = found(core, &intent.record).await;
        if found.not_done.is_empty() || is_over {
            return settle(core, &intent, found.outcome(Some(wait)), found.kept).await;
        }
        tokio::time::sleep(core.api.pace.look_every).await;
        waited += core.api.pace.look_every;
    }
}

async fn unread(core: &Core, why: &str) -> Vec<Late> {
    notice(core, &format!("unfinished mitigations could not be looked for: {why}"), true).await;
    Vec::new()
}

/// Journals and tells what is known. What is unknown stays open, and is looked at again by the next run, unless nothing
/// would tell.
async fn settle(core: &Arc<Core>, intent: &OpenIntent, outcome: Outcome, kept: Kept) {
    let OpenIntent { seq: Seq(seq), record } = intent;
    let field = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (title, time) = (field("title"), field("time"));
    let _ = core.journal(record::RESOLVED, record::resolved(*seq, &title, &outcome, is_unreadable(record))).await;
    let (journal, seq) = (core.journal.clone(), intent.seq);
    let _ = tokio::task::spawn_blocking(move || undo::settle(&journal, seq, kept, None)).await;
    let is_error = outcome != Outcome::Done;
    notice(core, &format!("{title}, begun {time} by a sev1 that ended without saying how: {outcome}"), is_error).await;
}

fn is_long_ago(record: &Value, now: DateTime<Utc>) -> bool {
    let time = record.get("time").and_then(Value::as_str).and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    time.is_some_and(|time| (now - time.to_utc()).to_std().is_ok_and(|age| age > LONG_AGO))
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

/// What became of each write of an intent.
struct Found {
    done: Vec<String>,
    not_done: Vec<String>,
    unknown: Vec<String>,
    /// Whether what takes the intent back is of use.
    kept: Kept,
}

async fn found(core: &Core, record: &Value) -> Found {
    let writes = record.get("writes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut found = Found { done: Vec::new(), not_done: Vec::new(), unknown: Vec::new(), kept: Kept::Forgotten };
    for one in writes {
        let is_taken_back = one.pointer("/after/gone").is_none();
        match write::was_done(core, one).await {
            Ok(true) => {
                found.done.push(write::named(one));
                found.kept = if is_taken_back { Kept::Offered } else { found.kept };
            }
            Ok(false) => found.not_done.push(write::named(one)),
            Err(why) => {
                found.unknown.push(if writes.len() > 1 { format!("{}: {why}", write::named(one)) } else { why });
                found.kept = if is_taken_back && found.kept == Kept::Forgotten { Kept::Open } else { found.kept };
            }
        }
    }
    found
}

impl Found {
    /// `waited`: since the run that looks began.
    fn outcome(&self, waited: Option<Duration>) -> Outcome {
        match (self.done.as_slice(), self.not_done.as_slice(), self.unknown.as_slice()) {
            ([], [], []) => Outcome::Unknown("its record names no write".into()),
            (_, [], []) => Outcome::Done,
            ([], _, []) => {
                let later = waited.map_or_else(String::new, |waited| format!(", {} s later", waited.as_secs()));
                Outcome::Failed(Text::line(&format!("it was not done: everything is as before{later}")))
            }
            (_, _, []) => Outcome::Partly(Text::line(&self.told())),
            ([], [], [why]) => Outcome::Unknown(Text::line(why)),
            _ => Outcome::Unknown(Text::line(&self.told())),
        }
    }

    /// `2 done (pod/a, pod/b); 1 not done (pod/c)`.
    fn told(&self) -> String {
        let parts = [("done", &self.done), ("not done", &self.not_done), ("unknown", &self.unknown)];
        let told = parts.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| listed(what, names));
        told.collect::<Vec<_>>().join("; ")
    }
}

/// `3 done (pod/a, pod/b, pod/c)`.
fn listed(what: &str, names: &[String]) -> String {
    format!("{} {what} ({})", names.len(), units::first_few(names, NAMED))
}
