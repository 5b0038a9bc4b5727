//! One object on demand, as YAML or described with its events. Never a Secret: there is no kind for one.

mod describe;

use serde_json::Value;

use crate::{
    connect::{ConnectError, Reader},
    domain::{
        conceal,
        object::{Kind, ObjectRef},
        text::Text,
    },
};

/// Longest document, in lines.
const MOST_LINES: usize = 10_000;
/// Longest line, in characters: values of ConfigMaps may be long.
const LINE_LIMIT: usize = 4_096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Describe,
    Yaml,
}

/// Reads the object and writes it down. The object must still be the one that was meant: a namesake is said.
pub async fn document(reader: &Reader, object: &ObjectRef, form: Form) -> Result<Vec<Text>, ConnectError> {
    let mut json = reader.get_json(&object.path(), &[]).await?.json;
    let mut lines = Vec::new();
    let uid = json.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !object.uid.is_empty() && *uid != *object.uid {
        lines.push(Text::line(&format!("# {object} was replaced by another of the same name; this is the new one")));
    }
    conceal::secrets_of(&mut json);
    match form {
        Form::Yaml => {
            if let Some(metadata) = json.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.shift_remove("managedFields");
            }
            push_text(&mut lines, &yaml(&json));
        }
        Form::Describe => {
            let events = events(reader, object, &uid).await;
            for line in describe::lines(object.kind, &json, events.as_deref()) {
                push_text(&mut lines, &line);
            }
        }
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push(Text::line(&format!("# cut after {MOST_LINES} lines")));
    }
    Ok(lines)
}

fn push_text(lines: &mut Vec<Text>, text: &str) {
    if text.is_empty() {
        lines.push(Text::default());
    }
    let room = (MOST_LINES + 1).saturating_sub(lines.len());
    lines.extend(text.lines().take(room).map(|line| Text::bounded(line, LINE_LIMIT)));
}

fn yaml(json: &Value) -> String {
    serde_saphyr::to_string(json).unwrap_or_else(|error| format!("# cannot be written as YAML: {error}"))
}

/// Events about the object, oldest first.
async fn events(reader: &Reader, object: &ObjectRef, uid: &str) -> Result<Vec<Value>, ConnectError> {
    let namespace = if object.key.namespace.is_empty() { "default" } else { &*object.key.namespace };
    let selector = format!("involvedObject.name={}", object.key.name);
    let path = Kind::Event.collection_path(Some(namespace));
    let answer = reader.get_json(&path, &[("fieldSelector", &selector), ("limit", "500")]).await?.json;
    let items = answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    // Events of a node carry its name as uid.
    let is_about = |event: &Value| {
        let about = event.pointer("/involvedObject/uid").and_then(Value::as_str);
        let name = event.pointer("/involvedObject/name").and_then(Value::as_str);
        name == Some(&*object.key.name) && (about.is_none() || about == Some(uid) || about == name)
    };
    let mut events: Vec<Value> = items.into_iter().filter(is_about).collect();
    let at = |event: &Value| {
        ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
            .into_iter()
            .find_map(|pointer| event.pointer(pointer).and_then(Value::as_str))
            .unwrap_or_default()
            .to_owned()
    };
    events.sort_by_cached_key(at);
    Ok(events)
}
