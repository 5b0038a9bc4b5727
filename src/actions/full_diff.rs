//! The whole change: every object as the server has it against what it would store, as YAML lines, by a dry-run.
//!
//! What the card shows is reduced to what was asked for. This is the rest: what defaulting and admission add, and where it
//! stands. As `kubectl diff` has it, without the server's own counters.

use std::time::Duration;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::domain::{
    conceal,
    mitigation::{DiffLine, DiffSign, Effect, ObjectWrite, Write},
    text::Text,
    units,
};

use super::api::{Api, Sent};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// Most lines of all objects together.
const MOST: usize = 5_000;
/// Longest line, in characters.
const LONGEST: usize = 1_000;
/// After that the difference is no longer the smallest one.
const SEARCHED_FOR: Duration = Duration::from_millis(200);
/// What the server keeps for itself, and changes with every write.
const COUNTERS: [&str; 3] = ["managedFields", "resourceVersion", "generation"];

fn fields(writes: &[Write]) -> impl Iterator<Item = &ObjectWrite> {
    writes.iter().filter_map(|write| match write {
        Write::Object(write) if matches!(write.effect, Effect::Fields(_)) => Some(write),
        Write::Object(_) | Write::Silence(_) | Write::Command(_) => None,
    })
}

/// Reads every object and has its write tried.
pub async fn of(api: &Api, writes: &[Write]) -> Result<Vec<DiffLine>, Text> {
    let mut lines = Vec::new();
    for write in fields(writes) {
        let about = &write.target;
        let (before, after) = futures::join!(api.get(&write.path), api.dry_run(write));
        let before = before.map_err(|error| Text::line(&format!("{about} could not be read: {error}")))?;
        let after = match after {
            Sent::Done(after) => after,
            Sent::Refused { says, .. } => return Err(Text::line(&format!("the server refuses {about}: {says}"))),
            Sent::Failed(why) | Sent::Unknown(why) => return Err(Text::line(&format!("the server could not try it on {about}: {why}"))),
            Sent::Ran(_) => continue,
        };
        lines.push(DiffLine { sign: DiffSign::Context, text: Text::line(&format!("@@ {about}: as it is, and as it would be stored")) });
        between(before, after, &mut lines);
    }
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(DiffLine { sign: DiffSign::Context, text: Text::line(&format!("@@ and {}", units::counted(more as u64, "more line"))) });
    }
    Ok(lines)
}

fn between(mut before: Value, mut after: Value, lines: &mut Vec<DiffLine>) {
    tidy(&mut before);
    tidy(&mut after);
    conceal::secrets(&mut before, &mut after);
    let (before, after) = (yaml(&before), yaml(&after));
    let diff = TextDiff::configure().timeout(SEARCHED_FOR).diff_lines(&before, &after);
    let groups = diff.grouped_ops(CONTEXT);
    if groups.is_empty() {
        lines.push(DiffLine { sign: DiffSign::Context, text: "@@ nothing would change".into() });
    }
    for (number, group) in groups.iter().enumerate() {
        if number > 0 {
            lines.push(DiffLine { sign: DiffSign::Context, text: "@@ …".into() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => DiffSign::Context,
                ChangeTag::Delete => DiffSign::Removed,
                ChangeTag::Insert => DiffSign::Added,
            };
            lines.push(DiffLine { sign, text: Text::bounded(change.value().trim_end_matches('\n'), LONGEST) });
        }
    }
}

fn tidy(object: &mut Value) {
    if let Some(object) = object.as_object_mut() {
        object.shift_remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in COUNTERS {
            metadata.shift_remove(name);
        }
    }
}

fn yaml(object: &Value) -> String {
    serde_saphyr::to_string(object).unwrap_or_else(|error| format!("# cannot be written as YAML: {error}\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(before: Value, after: Value) -> Vec<String> {
        let mut lines = Vec::new();
        between(before, after, &mut lines);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn it_shows_what_admission_adds_and_no_counter() {
        let before = json!({"metadata": {"name": "gw", "resourceVersion": "1", "generation": 3}, "spec": {"replicas": 3, "paused": false}, "status": {"replicas": 3}});
        let after = json!({
            "metadata": {"name": "gw", "resourceVersion": "2", "generation": 4, "annotations": {"policy": "seen"}},
            "spec": {"replicas": 6, "paused": false}, "status": {"replicas": 2},
        });
        assert_eq!(
            written(before, after),
            [
                "  metadata:",
                "    name: gw",
                "+   annotations:",
                "+     policy: seen",
                "  spec:",
                "-   replicas: 3",
                "+   replicas: 6",
                "    paused: false"
            ]
        );
    }

    #[test]
    fn far_apart_changes_have_a_gap_and_secrets_no_value() {
        let template = |password: &str, last: u32| {
            let many: Vec<_> = (0..20).map(|number| json!({"name": format!("V{number}"), "value": "x"})).collect();
            let env = [vec![json!({"name": "DB_PASSWORD", "value": password})], many].concat();
            json!({"spec": {"containers": [{"env": env}], "last": last}})
        };
        let lines = written(template("hunter2", 1), template("hunter1", 2));
        assert!(lines.contains(&"  @@ …".to_owned()), "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains("hunter")), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with('-') && line.contains("hidden")), "{lines:?}");
        assert_eq!(written(json!({"a": 1}), json!({"a": 1})), ["  @@ nothing would change"]);
    }
}
