//! Who changed an object last, and when, by its `managedFields`.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::{text::Text, time};

/// The latest change of anything but the status.
pub fn last(object: &Value) -> Option<(Text, DateTime<Utc>)> {
    let fields = object.pointer("/metadata/managedFields")?.as_array()?;
    let changes = fields
        .iter()
        .filter(|entry| entry.get("subresource").and_then(Value::as_str) != Some("status"))
        .filter_map(|entry| Some((Text::line(entry.get("manager")?.as_str()?), time::read(entry.get("time")?.as_str()?)?)));
    changes.max_by_key(|(_, time)| *time)
}

/// ` by kubectl-edit at 02:11:07Z`, or nothing where it is not known.
pub fn by(object: &Value) -> String {
    last(object).map_or_else(String::new, |(who, when)| format!(" by {who} at {}", when.format("%H:%M:%SZ")))
}
