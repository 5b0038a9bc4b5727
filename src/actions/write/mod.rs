//! What differs by where a write goes: what it is asked permission for, how it is tried and sent, how it is recorded, and by
//! what it is recognised later.

pub mod command;
pub mod object;
pub mod silence;

use serde_json::Value;

use super::{
    api::{Api, Sent},
    engine::Core,
    expect::Standing,
};
use crate::domain::{
    mitigation::{Basis, Write},
    text::Text,
};

/// What a try without effect showed.
#[derive(Debug, Clone, PartialEq)]
pub enum Tried {
    Accepted,
    /// It would be stored otherwise than asked for; in words.
    Altered(String),
    Refused {
        status: u16,
        says: Text,
    },
    Failed(Text),
    /// Where it goes nothing can be tried; in words.
    Impossible(Text),
}

/// Whom to ask whether it may be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Permission {
    /// The API server, by an access review of these attributes.
    Review(Value),
    /// Nobody; in words.
    Unasked(Text),
}

/// Sends it once.
pub async fn send(api: &Api, write: &Write) -> Sent {
    match write {
        Write::Object(write) => object::send(api, write).await,
        Write::Silence(write) => silence::send(api, write).await,
        Write::Command(run) => command::send(api, run).await,
    }
}

/// Asks for everything but the effect.
pub async fn rehearse(api: &Api, write: &Write) -> Tried {
    match write {
        Write::Object(write) => object::rehearse(api, write).await,
        Write::Silence(_) => Tried::Impossible("Alertmanager has no dry run: a wrong silence is refused when it is sent".into()),
        Write::Command(_) => Tried::Impossible("a command has no dry run: what it does it does".into()),
    }
}

pub fn permissions(write: &Write) -> Vec<Permission> {
    match write {
        Write::Object(write) => vec![Permission::Review(object::permission(write, true))],
        Write::Silence(write) => vec![silence::permission(write)],
        Write::Command(run) => command::permissions(run),
    }
}

/// One access review that speaks for all writes like this: about every object of its kind in its namespace.
pub fn permission_of_all(write: &Write) -> Option<Value> {
    match write {
        Write::Object(write) => Some(object::permission(write, false)),
        Write::Silence(_) | Write::Command(_) => None,
    }
}

/// How what it is about stands to it.
pub async fn look(api: &Api, write: &Write) -> Result<Standing, Text> {
    match write {
        Write::Object(write) => object::look(api, write).await,
        Write::Silence(write) => silence::look(api, write).await,
        Write::Command(_) => Ok(Standing::Other(command::UNREADABLE.to_owned())),
    }
}

/// What changed since it was planned; none when nothing did. `is_one_of_many`: it is left out when its turn comes and it
/// has happened by itself.
pub async fn moved(api: &Api, write: &Write, is_one_of_many: bool, targets: &[Basis]) -> Result<Option<Text>, Text> {
    match write {
        Write::Object(write) => object::moved(api, write, is_one_of_many, targets).await,
        Write::Silence(write) => silence::moved(api, write).await,
        Write::Command(run) => command::moved(api, run).await,
    }
}

/// For the journal: no value of an object, only hashes of the values before and after.
pub fn record(write: &Write) -> Value {
    match write {
        Write::Object(write) => object::record(write),
        Write::Silence(write) => silence::record(write),
        Write::Command(run) => command::record(run),
    }
}

/// What a write of the journal is about.
pub fn named(record: &Value) -> String {
    let other = if record.get("silence").is_some() { "the silence" } else { "the command" };
    object::target(record).map_or_else(|| other.to_owned(), |target| target.to_string())
}

/// Whether nothing tells later what became of a write of the journal.
pub fn is_unreadable(record: &Value) -> bool {
    record.get("command").is_some()
}

/// Whether a write of the journal was done.
pub async fn was_done(core: &Core, record: &Value) -> Result<bool, String> {
    if is_unreadable(record) {
        return Err(command::UNREADABLE.to_owned());
    }
    match record.get("silence") {
        Some(silence) => silence::was_done(&core.api, silence).await,
        None => object::was_done(&core.api, record).await,
    }
}

/// What is kept of it to see later whether what it is about moved on. `answer`: the object as the server stored it.
pub fn kept(write: &Write, answer: Option<&Value>) -> Value {
    match write {
        Write::Object(write) => object::kept(write, answer),
        Write::Silence(write) => silence::record(write),
        Write::Command(run) => command::record(run),
    }
}

/// Why what it was about is no longer as it left it, by what was kept.
pub async fn unmoved(core: &Core, kept: &Value) -> Result<(), Text> {
    match kept.get("silence") {
        // What takes a silence back looks for it by itself.
        Some(_) => Ok(()),
        None => object::unmoved(core, kept).await,
    }
}
