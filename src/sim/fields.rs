//! `fieldsV1` of `managedFields`: which fields a writer set, told by what its write changed.
//!
//! As the API server keeps it for updates (structured-merge-diff of apimachinery): a changed field is the writer's and nobody
//! else's any more, a removed one is nobody's. Maps and keyed lists are followed into, other lists and atomic maps are one field.

use serde_json::{Map, Value, json};

use super::kubernetes::kinds::Resource;

/// Of these there are many, or they change all the time: their fields are not kept.
const WITHOUT: [Resource; 5] = [Resource::Pods, Resource::Events, Resource::Leases, Resource::Endpoints, Resource::EndpointSlices];
/// What the server gives every object, and no writer owns.
const NOBODYS: [&str; 10] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "resourceVersion",
    "generation",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];
/// Maps that are one field (`x-kubernetes-map-type: atomic`).
const ATOMIC: [&str; 3] = ["selector", "nodeSelector", "scaleTargetRef"];

/// Whether fields are kept for objects of this type.
pub fn are_kept(resource: Resource) -> bool {
    !WITHOUT.contains(&resource)
}

/// What a write of `after` over `before` made its writer's: `(set, removed)`, both in the form of `fieldsV1`.
pub fn of_write(before: Option<&Value>, after: &Value) -> (Value, Value) {
    let nothing = json!({});
    let before = before.unwrap_or(&nothing);
    (top(&changes(before, after, "")), top(&gone(before, after, "")))
}

/// Without what nobody owns.
fn top(fields: &Map<String, Value>) -> Value {
    let mut fields = fields.clone();
    for name in ["f:apiVersion", "f:kind"] {
        fields.shift_remove(name);
    }
    if let Some(metadata) = fields.get_mut("f:metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| !NOBODYS.iter().any(|nobodys| name.strip_prefix("f:") == Some(nobodys)));
        if metadata.is_empty() {
            fields.shift_remove("f:metadata");
        }
    }
    Value::Object(fields)
}

/// The members of a value that are fields of their own, by their names in `fieldsV1`; none where it is one field.
fn members<'a>(value: &'a Value, name: &str) -> Option<Vec<(String, &'a str, &'a Value)>> {
    match value {
        Value::Object(map) if !map.is_empty() && !ATOMIC.contains(&name) => {
            Some(map.iter().map(|(name, value)| (format!("f:{name}"), name.as_str(), value)).collect())
        }
        Value::Array(items) if !items.is_empty() => {
            let keys = keys(name, items)?;
            let named = items.iter().map(|item| {
                let key: Map<String, Value> = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone()))).collect();
                (format!("k:{}", Value::Object(key)), "", item)
            });
            Some(named.collect())
        }
        _ => None,
    }
}

/// The keys of a keyed list, in the order of their names; none where it is atomic.
fn keys(list: &str, items: &[Value]) -> Option<&'static [&'static str]> {
    match list {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => Some(&["name"]),
        "ports" if items.iter().any(|item| item.get("containerPort").is_some()) => Some(&["containerPort", "protocol"]),
        "ports" => Some(&["port", "protocol"]),
        "volumeMounts" => Some(&["mountPath"]),
        "conditions" => Some(&["type"]),
        "ownerReferences" => Some(&["uid"]),
        _ => None,
    }
}

/// Fields of `after` that are new or other than in `before`.
fn changes(before: &Value, after: &Value, name: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let Some(now) = members(after, name) else { return fields };
    let was = members(before, name).unwrap_or_default();
    for (field, name, value) in now {
        let former = was.iter().find(|(known, _, _)| *known == field).map(|(_, _, value)| *value);
        if former == Some(value) {
            continue;
        }
        let mut inside = if members(value, name).is_some() { changes(former.unwrap_or(&Value::Null), value, name) } else { Map::new() };
        // A new member of a map or list is a field itself, besides those inside.
        if former.is_none()
            && !inside.is_empty()
            && (field.starts_with("k:") || matches!(name, "labels" | "annotations" | "data" | "ownerReferences"))
        {
            inside.insert(".".to_owned(), json!({}));
        }
        // Only something inside went away.
        if former.is_some() && inside.is_empty() && members(value, name).is_some() {
            continue;
        }
        fields.insert(field, Value::Object(inside));
    }
    fields
}

/// Fields of `before` that are not in `after` any more.
fn gone(before: &Value, after: &Value, name: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let now = members(after, name).unwrap_or_default();
    for (field, name, value) in members(before, name).unwrap_or_default() {
        match now.iter().find(|(known, _, _)| *known == field) {
            None => drop(fields.insert(field, json!({}))),
            Some((_, _, left)) => {
                let inside = gone(value, left, name);
                if !inside.is_empty() {
                    fields.insert(field, Value::Object(inside));
                }
            }
        }
    }
    fields
}

/// Adds fields to those of a writer.
pub fn add(fields: &mut Value, more: &Value) {
    let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) else { return };
    for (name, inside) in more {
        add(fields.entry(name.clone()).or_insert_with(|| json!({})), inside);
    }
}

/// Takes fields away from a writer; a field without anything inside takes all that is below it.
pub fn take(fields: &mut Value, others: &Value) {
    let (Some(fields), Some(others)) = (fields.as_object_mut(), others.as_object()) else { return };
    for (name, inside) in others {
        let Some(own) = fields.get_mut(name) else { continue };
        if inside.as_object().is_none_or(Map::is_empty) {
            fields.shift_remove(name);
            continue;
        }
        take(own, inside);
        if own.as_object().is_none_or(Map::is_empty) {
            fields.shift_remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(replicas: i64, image: &str) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "x", "uid": "u", "labels": {"app": "a"}},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "a"}},
                "template": {"spec": {"containers": [{"name": "c", "image": image, "args": ["-v"], "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}},
            },
        })
    }

    #[test]
    fn a_new_object_is_its_writer_s_but_for_what_the_server_gives() {
        let (set, removed) = of_write(None, &deployment(1, "c:1"));
        assert_eq!(
            set,
            json!({
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {
                    "f:replicas": {}, "f:selector": {},
                    "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {
                        ".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                        "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}},
                    }}}},
                },
            })
        );
        assert_eq!(removed, json!({}));
    }

    #[test]
    fn a_change_goes_to_who_made_it_and_a_removal_to_nobody() {
        let mut owned = of_write(None, &deployment(1, "c:1")).0;
        let mut changed = deployment(3, "c:1");
        changed["metadata"]["labels"] = json!({});
        let (set, removed) = of_write(Some(&deployment(1, "c:1")), &changed);
        assert_eq!(set["f:spec"], json!({"f:replicas": {}}));
        assert_eq!(removed, json!({"f:metadata": {"f:labels": {"f:app": {}}}}));
        take(&mut owned, &set);
        take(&mut owned, &removed);
        assert_eq!(owned["f:spec"].get("f:replicas"), None);
        assert!(owned["f:spec"].get("f:template").is_some());
        let mut mine = json!({"f:spec": {"f:paused": {}}});
        add(&mut mine, &set);
        assert_eq!(mine["f:spec"], json!({"f:paused": {}, "f:replicas": {}}));
    }
}
