//! What an object looks like once a write is done: how unknown outcomes are resolved, and how a change by someone else
//! between plan, write and undo is noticed.
//!
//! Only the fields a write is about are compared. An object's resourceVersion moves with every status change, several
//! times a minute in a crash loop, and a precondition on it would refuse the very writes that end one.

use serde_json::{Map, Value, json};

use crate::{
    domain::mitigation::{Write, WriteMethod},
    journal::sha256,
};

use super::conceal;

#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    Replicas(u64),
    /// The pod template of a deployment.
    Template(Value),
    /// One key of a ConfigMap; none: it has no such key.
    Data {
        name: String,
        value: Option<String>,
    },
    /// No object of that uid, or one that is being deleted.
    Gone,
}

/// How an object stands to a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// As the write makes it.
    Done,
    /// As it was when the write was planned.
    NotDone,
    /// Neither; in words.
    Other(String),
}

impl Expect {
    pub fn of(write: &Write) -> Option<Self> {
        if write.method == WriteMethod::Delete {
            return Some(Self::Gone);
        }
        if let Some(data) = write.body.get("data").and_then(Value::as_object) {
            let (name, value) = data.iter().next()?;
            return Some(Self::Data { name: name.clone(), value: value.as_str().map(str::to_owned) });
        }
        write.body.as_array()?.iter().filter(|step| step.get("op").and_then(Value::as_str) != Some("test")).find_map(|step| {
            let value = step.get("value")?;
            match step.get("path")?.as_str()? {
                "/spec/replicas" => value.as_u64().map(Self::Replicas),
                "/spec/template" => Some(Self::Template(tidy(value))),
                _ => None,
            }
        })
    }

    /// The same part of `object` as it is there. `Gone` is not read from an object.
    pub fn seen_in(&self, object: &Value) -> Self {
        match self {
            // A `Scale` leaves out zero.
            Self::Replicas(_) => Self::Replicas(object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(0)),
            Self::Template(_) => Self::Template(object.pointer("/spec/template").map_or(Value::Null, tidy)),
            Self::Data { name, .. } => {
                let value = object.get("data").and_then(|data| data.get(name)).and_then(Value::as_str);
                Self::Data { name: name.clone(), value: value.map(str::to_owned) }
            }
            Self::Gone => Self::Gone,
        }
    }

    /// How it was before, by the write's inverse.
    pub fn before(write: &Write) -> Option<Self> {
        write.inverse.as_deref().and_then(Self::of)
    }

    /// For the journal: no template and no value, only their hashes.
    pub fn digest(&self) -> Value {
        match self {
            Self::Replicas(replicas) => json!({ "replicas": replicas }),
            Self::Template(template) => json!({ "template_sha256": sha256(canonical(template).to_string().as_bytes()) }),
            Self::Data { name, value } => json!({ "key": name, "value_sha256": value.as_ref().map(|value| sha256(value.as_bytes())) }),
            Self::Gone => json!({ "gone": true }),
        }
    }

    /// An expectation of the kind that `digest` describes, to read the same part of an object with.
    pub fn like(digest: &Value) -> Option<Self> {
        if digest.get("replicas").is_some() {
            Some(Self::Replicas(0))
        } else if digest.get("template_sha256").is_some() {
            Some(Self::Template(Value::Null))
        } else if let Some(name) = digest.get("key").and_then(Value::as_str) {
            Some(Self::Data { name: name.to_owned(), value: None })
        } else {
            digest.get("gone").map(|_| Self::Gone)
        }
    }

    /// What differs, for a person; it goes into the journal too, so that values are concealed.
    pub fn difference(&self, seen: &Self) -> String {
        let shown = |value: &Option<String>| conceal::shown(value.as_deref());
        match (self, seen) {
            (Self::Replicas(before), Self::Replicas(after)) => format!("replicas {before} → {after}"),
            (Self::Data { name, value: before }, Self::Data { value: after, .. }) => format!("{name} {} → {}", shown(before), shown(after)),
            (Self::Template(_), _) => "the pod template changed".to_owned(),
            _ => "it changed".to_owned(),
        }
    }
}

/// Compares what is there with the write. `object` is none when it does not exist.
pub fn standing(write: &Write, object: Option<&Value>) -> Standing {
    let uid = object.and_then(|object| object.pointer("/metadata/uid")).and_then(Value::as_str);
    let is_same = uid == Some(write.target.uid.as_str());
    let Some(wanted) = Expect::of(write) else { return Standing::Other("it cannot be recognised by reading".into()) };
    if wanted == Expect::Gone {
        let is_deleting = object.and_then(|object| object.pointer("/metadata/deletionTimestamp")).is_some();
        return if is_same && !is_deleting { Standing::NotDone } else { Standing::Done };
    }
    let Some(object) = object else { return Standing::Other(format!("{} was deleted", write.target)) };
    if !is_same {
        return Standing::Other(format!("{} was deleted and made again", write.target));
    }
    let seen = wanted.seen_in(object);
    if seen == wanted {
        return Standing::Done;
    }
    match Expect::before(write) {
        Some(before) if seen == before => Standing::NotDone,
        Some(before) => Standing::Other(format!("{}{}", before.difference(&seen), super::changed::by(object))),
        None => Standing::Other("it has another value".into()),
    }
}

/// A template without what servers add and leave out at will.
pub fn tidy(template: &Value) -> Value {
    let mut tidy = template.clone();
    if let Some(metadata) = tidy.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("creationTimestamp").is_some_and(Value::is_null)
    {
        metadata.shift_remove("creationTimestamp");
    }
    tidy
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            Value::Object(sorted.into_iter().map(|(name, value)| (name.clone(), canonical(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}
