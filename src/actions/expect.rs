//! What an object looks like once a write is done: how unknown outcomes are resolved, and how a change by someone else
//! between plan, write and undo is noticed.
//!
//! Only the fields a write is about are compared. An object's resourceVersion moves with every status change, several
//! times a minute in a crash loop, and a precondition on it would refuse the very writes that end one.

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        conceal,
        mitigation::{Effect, Field, ObjectWrite},
    },
    journal::sha256,
};

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

/// Compares what is there with the write. `object` is none when it does not exist.
pub fn standing(write: &ObjectWrite, object: Option<&Value>) -> Standing {
    let uid = object.and_then(|object| object.pointer("/metadata/uid")).and_then(Value::as_str);
    let is_same = uid == Some(write.target.uid.as_str());
    let fields = match &write.effect {
        Effect::Gone => {
            let is_deleting = object.and_then(|object| object.pointer("/metadata/deletionTimestamp")).is_some();
            return if is_same && !is_deleting { Standing::NotDone } else { Standing::Done };
        }
        Effect::Erased => return if is_same { Standing::NotDone } else { Standing::Done },
        Effect::Fields(fields) => fields,
    };
    let Some(object) = object else { return Standing::Other(format!("{} was deleted", write.target)) };
    if !is_same {
        return Standing::Other(format!("{} was deleted and made again", write.target));
    }
    if fields.iter().all(|field| seen(object, &field.path) == normal(field.after.as_ref(), &field.path)) {
        return Standing::Done;
    }
    let differs = fields.iter().find(|field| seen(object, &field.path) != normal(field.before.as_ref(), &field.path));
    match differs {
        None => Standing::NotDone,
        Some(field) => {
            let what = difference(&field.path, field.before.as_ref(), seen(object, &field.path).as_ref());
            Standing::Other(format!("{what}{}", super::changed::by(object)))
        }
    }
}

/// What the server made of a write, where that is not what was asked for: in words.
pub fn altered(effect: &Effect, answer: &Value) -> Option<String> {
    let Effect::Fields(fields) = effect else { return None };
    // An answer without the object, as to a delete, says nothing about it.
    answer.get("metadata").filter(|_| answer.get("spec").is_some() || answer.get("data").is_some())?;
    let differs = fields.iter().find(|field| seen(answer, &field.path) != normal(field.after.as_ref(), &field.path))?;
    Some(difference(&differs.path, differs.after.as_ref(), seen(answer, &differs.path).as_ref()))
}

/// The same effect as `answer` shows it: what admission made of it.
pub fn as_stored(effect: &Effect, answer: &Value) -> Effect {
    match effect {
        Effect::Gone => Effect::Gone,
        Effect::Erased => Effect::Erased,
        Effect::Fields(fields) => Effect::Fields(fields.iter().map(|field| Field { after: seen(answer, &field.path), ..field.clone() }).collect()),
    }
}

/// The field of an object.
pub fn seen(object: &Value, path: &str) -> Option<Value> {
    normal(object.pointer(path), path)
}

/// A value as it is compared. Servers leave false, zero and null out as they like.
pub fn normal(value: Option<&Value>, path: &str) -> Option<Value> {
    let value = value?;
    if value.is_null() || *value == Value::Bool(false) || value.as_f64() == Some(0.0) {
        return None;
    }
    Some(if path.ends_with("/template") { tidy(value) } else { value.clone() })
}

/// Which side of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

/// For records: no value, only hashes of the values.
pub fn digest(effect: &Effect, side: Side) -> Value {
    match effect {
        Effect::Gone => match side {
            Side::Before => Value::Null,
            Side::After => json!({ "gone": true }),
        },
        Effect::Erased => match side {
            Side::Before => Value::Null,
            Side::After => json!({ "erased": true }),
        },
        Effect::Fields(fields) => {
            let hashed = fields.iter().map(|field| {
                let value = if side == Side::Before { &field.before } else { &field.after };
                json!({ "path": field.path, "sha256": hash(normal(value.as_ref(), &field.path).as_ref()) })
            });
            json!({ "fields": hashed.collect::<Vec<_>>() })
        }
    }
}

/// What the part of `object` that a digest is of has as its digest; none for a digest of an unknown form.
pub fn digest_of(object: &Value, like: &Value) -> Option<Value> {
    let fields = like.get("fields")?.as_array()?;
    let mut hashed = Vec::new();
    for field in fields {
        let path = field.get("path")?.as_str()?;
        hashed.push(json!({ "path": path, "sha256": hash(seen(object, path).as_ref()) }));
    }
    Some(json!({ "fields": hashed }))
}

/// The fields of a digest that an object has otherwise, by their last names.
pub fn differing(object: &Value, digest: &Value) -> Vec<String> {
    let fields = digest.get("fields").and_then(Value::as_array);
    let differs = fields.into_iter().flatten().filter_map(|field| {
        let path = field.get("path")?.as_str()?;
        (hash(seen(object, path).as_ref()) != *field.get("sha256")?).then(|| label(path))
    });
    differs.collect()
}

fn hash(value: Option<&Value>) -> Value {
    value.map_or(Value::Null, |value| sha256(canonical(value).to_string().as_bytes()).into())
}

/// What differs, for a person: `replicas 3 → 5`. It goes into the journal too, so that values of a ConfigMap are concealed.
pub fn difference(path: &str, before: Option<&Value>, after: Option<&Value>) -> String {
    if path.ends_with("/template") {
        return "the pod template changed".to_owned();
    }
    let is_number = before.or(after).is_some_and(Value::is_number);
    let shown = |value: Option<&Value>| match value {
        value if path.starts_with("/data/") => conceal::shown(value.and_then(Value::as_str)),
        None if is_number => "0".to_owned(),
        None => "absent".to_owned(),
        Some(Value::Object(labels)) if path.ends_with("/selector") => {
            labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
        }
        Some(value) if value.is_object() || value.is_array() => "other".to_owned(),
        Some(value) => value.to_string(),
    };
    format!("{} {} → {}", label(path), shown(before), shown(after))
}

/// The last name of a JSON pointer.
pub fn label(path: &str) -> String {
    if path.ends_with("/template") {
        "the pod template".to_owned()
    } else {
        path.rsplit('/').next().unwrap_or(path).replace("~1", "/").replace("~0", "~")
    }
}

/// A JSON pointer's step for a name that may hold slashes.
pub fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
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

/// An object without its status and without what servers count and note.
pub fn wanted(object: &Value) -> Value {
    let mut wanted = canonical(object);
    if let Some(members) = wanted.as_object_mut() {
        members.shift_remove("status");
    }
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
        for noted in ["managedFields", "resourceVersion", "generation"] {
            metadata.shift_remove(noted);
        }
    }
    // What controllers note of a node outside of its status: how long secrets are kept there, its addresses, and its
    // conditions once more, as taints.
    if let Some(annotations) = wanted.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove("node.alpha.kubernetes.io/ttl");
    }
    if let Some(spec) = wanted.get_mut("spec").and_then(Value::as_object_mut) {
        let is_condition = |taint: &Value| taint["key"].as_str().is_some_and(|key| key.starts_with("node.kubernetes.io/"));
        if let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut) {
            taints.retain(|taint| !is_condition(taint));
        }
        spec.retain(|name, _| !matches!(name.as_str(), "podCIDR" | "podCIDRs"));
        if spec.get("taints").is_some_and(|taints| *taints == json!([])) {
            spec.shift_remove("taints");
        }
    }
    wanted
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_of_an_object_is_not_what_servers_make_of_it() {
        let node = |version: &str, ready: &str, condition: &str, zone: &str| {
            json!({
                "metadata": {"name": "a", "resourceVersion": version, "generation": 1, "managedFields": [{"time": version}], "labels": {"zone": zone}, "annotations": {"node.alpha.kubernetes.io/ttl": version}},
                "spec": {"podCIDR": version, "taints": [{"key": format!("node.kubernetes.io/{condition}"), "effect": "NoSchedule"}]},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            })
        };
        let ready = json!({"spec": {}, "metadata": {"annotations": {}, "labels": {"zone": "b"}, "name": "a"}});
        assert_eq!(wanted(&node("1", "False", "not-ready", "b")), wanted(&ready));
        assert_ne!(wanted(&node("1", "False", "not-ready", "c")), wanted(&ready));
        let tainted = json!({"spec": {"taints": [{"key": "team", "effect": "NoSchedule"}]}, "metadata": ready["metadata"]});
        assert_ne!(wanted(&tainted), wanted(&ready));
    }
}
