//! Strategic merge patch: lists of objects with a merge key are merged item by item, all others are replaced.

use serde_json::{Map, Value};

/// A patch that does not fit the object; the text is the API server's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StrategicError {
    #[error("map: {item} does not contain declared merge key: {key}")]
    NoMergeKey { item: String, key: &'static str },
}

/// How a list is patched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    ByKey(&'static str),
    AsSet,
    Replace,
}

/// The strategy of a list called `field` in an object that is itself found under `within`.
fn strategy(within: &str, field: &str) -> Strategy {
    match field {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" | "resourceClaims" | "secrets" => {
            Strategy::ByKey("name")
        }
        "ports" if matches!(within, "containers" | "initContainers" | "ephemeralContainers") => Strategy::ByKey("containerPort"),
        "ports" if within == "spec" => Strategy::ByKey("port"),
        "volumeMounts" => Strategy::ByKey("mountPath"),
        "volumeDevices" => Strategy::ByKey("devicePath"),
        "hostAliases" | "podIPs" => Strategy::ByKey("ip"),
        "topologySpreadConstraints" => Strategy::ByKey("topologyKey"),
        "conditions" => Strategy::ByKey("type"),
        "addresses" if within == "status" => Strategy::ByKey("type"),
        "ownerReferences" => Strategy::ByKey("uid"),
        "finalizers" => Strategy::AsSet,
        _ => Strategy::Replace,
    }
}

/// Applies `patch` to `target`.
pub fn merge(target: &mut Value, patch: &Value) -> Result<(), StrategicError> {
    merge_value(target, patch, "")
}

fn merge_value(target: &mut Value, patch: &Value, within: &str) -> Result<(), StrategicError> {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => merge_map(target, patch, within),
        (target, patch) => {
            *target = without_directives(patch);
            Ok(())
        }
    }
}

fn merge_map(target: &mut Map<String, Value>, patch: &Map<String, Value>, within: &str) -> Result<(), StrategicError> {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *target = without_directives_map(patch);
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        _ => {}
    }
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        target.retain(|key, _| kept.iter().any(|kept| kept.as_str() == Some(key)));
    }
    for (field, change) in patch {
        if let Some(list) = field.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = change.as_array().cloned().unwrap_or_default();
            if let Some(items) = target.get_mut(list).and_then(Value::as_array_mut) {
                items.retain(|item| !gone.contains(item));
            }
        }
        if field.starts_with('$') {
            continue;
        }
        match change {
            Value::Null => {
                target.shift_remove(field);
            }
            Value::Array(items) => merge_list(target, field, items, strategy(within, field))?,
            Value::Object(_) => {
                let current = target.entry(field.clone()).or_insert_with(|| Value::Object(Map::new()));
                if !current.is_object() {
                    *current = Value::Object(Map::new());
                }
                merge_value(current, change, field)?;
                if change.get("$patch").and_then(Value::as_str) == Some("delete") {
                    target.shift_remove(field);
                }
            }
            plain => {
                target.insert(field.clone(), plain.clone());
            }
        }
    }
    for (field, order) in patch {
        if let (Some(list), Some(order)) = (field.strip_prefix("$setElementOrder/"), order.as_array()) {
            set_order(target, list, order, strategy(within, list));
        }
    }
    Ok(())
}

fn merge_list(target: &mut Map<String, Value>, field: &str, changes: &[Value], strategy: Strategy) -> Result<(), StrategicError> {
    let replaces = changes.iter().any(|change| change.get("$patch").and_then(Value::as_str) == Some("replace"));
    let key = match strategy {
        Strategy::ByKey(key) if !replaces => key,
        Strategy::AsSet if !replaces => {
            let items = target.entry(field.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
            if let Some(items) = items.as_array_mut() {
                for change in changes {
                    if !items.contains(change) {
                        items.push(change.clone());
                    }
                }
            }
            return Ok(());
        }
        _ => {
            let items = changes.iter().filter(|change| change.get("$patch").is_none()).map(without_directives).collect();
            target.insert(field.to_owned(), Value::Array(items));
            return Ok(());
        }
    };
    let current = target.entry(field.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
    if !current.is_array() {
        *current = Value::Array(Vec::new());
    }
    let Some(items) = current.as_array_mut() else { return Ok(()) };
    for change in changes {
        let Some(identity) = change.get(key) else {
            return Err(StrategicError::NoMergeKey { item: change.to_string(), key });
        };
        let at = items.iter().position(|item| item.get(key) == Some(identity));
        let deletes = change.get("$patch").and_then(Value::as_str) == Some("delete");
        match (at, deletes) {
            (Some(at), true) => {
                items.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => merge_value(&mut items[at], change, field)?,
            (None, false) => items.push(without_directives(change)),
        }
    }
    Ok(())
}

/// Items named in `order` come in that order, the others keep their places after them.
fn set_order(target: &mut Map<String, Value>, field: &str, order: &[Value], strategy: Strategy) {
    let Some(items) = target.get_mut(field).and_then(Value::as_array_mut) else { return };
    let rank = |item: &Value| {
        let found = match strategy {
            Strategy::ByKey(key) => order.iter().position(|wanted| wanted.get(key) == item.get(key)),
            _ => order.iter().position(|wanted| wanted == item),
        };
        found.unwrap_or(order.len())
    };
    items.sort_by_key(rank);
}

fn without_directives(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(without_directives_map(map)),
        Value::Array(items) => Value::Array(items.iter().map(without_directives).collect()),
        plain => plain.clone(),
    }
}

fn without_directives_map(map: &Map<String, Value>) -> Map<String, Value> {
    let fields = map.iter().filter(|(field, value)| !field.starts_with('$') && !value.is_null());
    fields.map(|(field, value)| (field.clone(), without_directives(value))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut target: Value, patch: &Value) -> Value {
        merge(&mut target, patch).unwrap();
        target
    }

    #[test]
    fn a_container_is_found_by_name_and_its_environment_too() {
        let target = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}], "ports": [{"containerPort": 80}]},
            {"name": "b", "image": "b:1"},
        ]}}}});
        let patch = json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}], "containers": [
            {"name": "a", "image": "a:2", "env": [{"name": "X", "$patch": "delete"}, {"name": "Z", "value": "3"}], "ports": [{"containerPort": 81}]},
        ]}}}});
        let result = merged(target, &patch);
        let containers = &result["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers[0]["image"], "a:2");
        assert_eq!(containers[0]["env"], json!([{"name": "Y", "value": "2"}, {"name": "Z", "value": "3"}]));
        assert_eq!(containers[0]["ports"], json!([{"containerPort": 80}, {"containerPort": 81}]));
        assert_eq!(containers[1]["image"], "b:1");
    }

    #[test]
    fn null_removes_and_atomic_lists_are_replaced() {
        let target = json!({"a": 1, "b": {"c": 2}, "tolerations": [{"key": "x"}]});
        assert_eq!(
            merged(target, &json!({"a": null, "b": {"c": null}, "tolerations": [{"key": "y"}]})),
            json!({"b": {}, "tolerations": [{"key": "y"}]})
        );
    }

    #[test]
    fn directives_replace_retain_and_order() {
        let target = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, "ports": [{"port": 1}, {"port": 2}]}});
        let patch = json!({"spec": {
            "strategy": {"$retainKeys": ["type"], "type": "Recreate"},
            "$setElementOrder/ports": [{"port": 2}, {"port": 1}], "ports": [{"port": 2, "name": "http"}],
        }});
        let result = merged(target, &patch);
        assert_eq!(result["spec"]["strategy"], json!({"type": "Recreate"}));
        assert_eq!(result["spec"]["ports"], json!([{"port": 2, "name": "http"}, {"port": 1}]));
        let replaced = merged(json!({"data": {"a": "1", "b": "2"}}), &json!({"data": {"$patch": "replace", "c": "3"}}));
        assert_eq!(replaced, json!({"data": {"c": "3"}}));
    }

    #[test]
    fn an_item_without_its_key_is_refused() {
        let mut target = json!({"containers": []});
        assert!(merge(&mut target, &json!({"containers": [{"image": "x"}]})).is_err());
    }
}
