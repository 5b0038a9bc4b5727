//! `managedFields`: who has which fields of an object, as the API server notes it at each write.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::fields;
use super::kubernetes::kinds::Resource;
use super::store::{Writer, timestamp};

/// Entries of one object; the oldest gives way.
const KEPT: usize = 10;

/// The writer's entry among the object's `managedFields`.
fn is_of(entry: &Value, writer: Writer<'_>) -> bool {
    let field = |name| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    field("manager") == writer.manager && field("operation") == writer.operation && field("subresource") == writer.subresource
}

/// Whether the writer has exactly the fields that it applies.
pub fn owns(object: &Value, writer: Writer<'_>, applied: &Value) -> bool {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let (wanted, _) = fields::of_write(None, applied);
    entries.into_iter().any(|entry| is_of(entry, writer) && entry["fieldsV1"] == wanted)
}

/// The real server notes no time of a write to the subresource `scale` (seen with 1.36).
fn has_time(writer: Writer<'_>) -> bool {
    writer.subresource != "scale"
}

/// Notes what the writer has of an object that it made or changed; it takes that from the others.
pub fn record(object: &mut Value, before: Option<&Value>, resource: Resource, writer: Writer<'_>, now: DateTime<Utc>) {
    let are_kept = fields::are_kept(resource);
    let (changed, removed) = if are_kept { fields::of_write(before, object) } else { (json!({}), json!({})) };
    // Of two who apply the same value both have the field.
    let applied = writer.applied.filter(|_| are_kept).map(|applied| fields::of_write(None, applied).0);
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let entries = metadata.entry("managedFields").or_insert_with(|| json!([]));
    let Some(entries) = entries.as_array_mut() else { return };
    for entry in entries.iter_mut().filter(|entry| !is_of(entry, writer)) {
        for others in [&changed, &removed] {
            fields::take(&mut entry["fieldsV1"], others);
        }
    }
    if are_kept {
        entries.retain(|entry| is_of(entry, writer) || entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()));
    }
    if let Some(entry) = entries.iter_mut().find(|entry| is_of(entry, writer)) {
        // Who only takes fields away gets none, and no other time.
        let sets = !are_kept || applied.is_some() || changed.as_object().is_some_and(|changed| !changed.is_empty());
        if sets && has_time(writer) {
            entry["time"] = json!(timestamp(now));
        }
        if let Some(applied) = applied {
            entry["fieldsV1"] = applied;
        } else {
            fields::take(&mut entry["fieldsV1"], &removed);
            fields::add(&mut entry["fieldsV1"], &changed);
        }
        return;
    }
    let set = applied.unwrap_or(changed);
    if are_kept && set.as_object().is_none_or(Map::is_empty) {
        return;
    }
    let mut entry = json!({
        "apiVersion": resource.definition().api_version(), "fieldsType": "FieldsV1", "fieldsV1": set,
        "manager": writer.manager, "operation": writer.operation,
    });
    if has_time(writer) {
        entry["time"] = json!(timestamp(now));
    }
    if !writer.subresource.is_empty() {
        entry["subresource"] = json!(writer.subresource);
    }
    if entries.len() >= KEPT {
        entries.remove(0);
    }
    entries.push(entry);
}
