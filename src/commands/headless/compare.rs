//! A saved plan against the same planned now: every field that people read, and everything that is written.

use chrono::DateTime;
use serde_json::Value;

use crate::domain::text::Text;

/// Characters of a field that a refusal shows.
const SHOWN: usize = 120;
/// What the journal of this machine vouches for and what may be others a moment later: who is ready by now, how long a silence lasts.
const TRUE_WHEN_SAVED: [&str; 2] = ["what", "kubectl"];

/// Why `now` is not what was saved. `is_known`: the file is what was saved here, so that what its sentences say was true then.
pub fn differs(saved: &Value, now: &Value, is_known: bool) -> Option<String> {
    of_cluster(saved, now).or_else(|| of_targets(saved, now)).or_else(|| of_silences(saved, now)).or_else(|| of_fields(saved, now, is_known))
}

fn of_cluster(saved: &Value, now: &Value) -> Option<String> {
    [("/cluster/uid", "cluster"), ("/cluster/user", "user"), ("/cluster/context", "context")].iter().find_map(|(pointer, what)| {
        let (then, now) = (text(saved, pointer), text(now, pointer));
        (then != now).then(|| format!("it was made for the {what} {then}, this is {now}"))
    })
}

fn of_targets(saved: &Value, now: &Value) -> Option<String> {
    let targets = listed(now, "/targets");
    listed(saved, "/targets").iter().find_map(|then| {
        let name = text(then, "/name");
        let Some(now) = targets.iter().find(|now| now.get("object") == then.get("object")) else {
            return Some(format!("it is stale: {name} is no part of it any more; plan again"));
        };
        if text(then, "/uid") != text(now, "/uid") {
            return Some(format!("it is stale: {name} was deleted and made again since; plan again"));
        }
        let (before, after) = (text(then, "/resource_version"), text(now, "/resource_version"));
        // The version alone moves with every status, several times a minute in a crash loop.
        (text(then, "/wanted_sha256") != text(now, "/wanted_sha256"))
            .then(|| format!("it is stale: {name} changed since it was made (resourceVersion {before} → {after}); plan again"))
    })
}

fn of_silences(saved: &Value, now: &Value) -> Option<String> {
    listed(saved, "/writes").iter().zip(listed(now, "/writes")).find_map(|(then, now)| {
        let (before, after) = (text(then, "/updated_at"), text(&now, "/updated_at"));
        let id = text(then, "/id");
        (id == text(&now, "/id") && before != after)
            .then(|| format!("it is stale: the silence {id} was changed since it was made (updated at {before}, then {after}); plan again"))
    })
}

fn of_fields(saved: &Value, now: &Value, is_known: bool) -> Option<String> {
    let (Some(then), Some(members)) = (saved.as_object(), now.as_object()) else { return Some("it is no plan".to_owned()) };
    if let Some(name) = then.keys().find(|name| !members.contains_key(*name)) {
        return Some(format!("it has a field {name:?} that no plan has"));
    }
    let differing = members.iter().find(|(name, now)| {
        let is_same = match (name.as_str(), then.get(*name)) {
            // Who carries it out says why, or the journal does.
            ("reason", _) => true,
            (name, _) if is_known && TRUE_WHEN_SAVED.contains(&name) => true,
            ("kubectl", Some(Value::String(then))) => now.as_str().map(without_start) == Some(without_start(then)),
            // The journal vouches for the version that there was then; of a plan from elsewhere it has to be the one that is.
            ("targets", Some(then)) if is_known => without_versions(then) == without_versions(now),
            (_, then) => then == Some(*now),
        };
        !is_same
    });
    let (name, now) = differing?;
    if is_known && matches!(name.as_str(), "targets" | "writes") {
        return Some("it is stale: planned now it would write something else; plan again".to_owned());
    }
    let then = then.get(name).map_or_else(|| "is missing".to_owned(), |then| format!("is {}", shown(then)));
    Some(format!("its {name} {then}, and the same planned now is {}; it was altered or is stale: plan again", shown(now)))
}

/// When a silence begins that begins at once is the moment it is sent.
fn without_start(command: &str) -> String {
    const START: &str = "\"startsAt\":\"";
    let parts = command.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once('"')?)));
    match parts {
        Some((before, (start, after))) if DateTime::parse_from_rfc3339(start).is_ok() => format!("{before}{START}\"{after}"),
        _ => command.to_owned(),
    }
}

/// The version moves with every status.
fn without_versions(targets: &Value) -> Value {
    let mut targets = targets.clone();
    for target in targets.as_array_mut().into_iter().flatten() {
        if let Some(version) = target.get_mut("resource_version") {
            *version = Value::Null;
        }
    }
    targets
}

fn shown(value: &Value) -> Text {
    match value {
        Value::String(text) => Text::bounded(&format!("“{text}”"), SHOWN),
        other => Text::bounded(&other.to_string(), SHOWN),
    }
}

fn text(value: &Value, pointer: &str) -> String {
    Text::line(value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()).to_string()
}

fn listed(value: &Value, pointer: &str) -> Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Value {
        json!({
            "kind": "scale", "namespace": "shop", "words": ["deployment/gw", "6"],
            "cluster": {"context": "prod", "cluster": "c", "uid": "u", "user": "me"},
            "title": "Scale · gw", "what": ["deployment/gw  replicas 3 → 6 in shop"], "kubectl": "kubectl scale deployment/gw --replicas=6",
            "undo": "U brings 3 replicas back", "level": "narrow", "reason": "backlog",
            "targets": [{"object": "/gw", "name": "deployment/gw", "uid": "1", "resource_version": "5", "wanted_sha256": "a"}],
            "writes": [{"method": "Patch", "path": "/gw/scale", "content": "JsonPatch", "body_sha256": "b"}],
        })
    }

    #[test]
    fn every_field_that_people_read_is_compared_and_named() {
        assert_eq!(differs(&plan(), &plan(), false), None);
        for name in ["kind", "namespace", "words", "title", "what", "kubectl", "undo", "level", "writes"] {
            let mut forged = plan();
            forged[name] = json!("forged \u{202e}");
            let why = differs(&forged, &plan(), false).unwrap();
            assert!(why.contains(&format!("its {name} is")) && !why.contains('\u{202e}'), "{name}: {why}");
            forged.as_object_mut().unwrap().remove(name);
            assert!(differs(&forged, &plan(), false).unwrap().contains(&format!("its {name} is missing")), "{name}");
        }
        let mut more = plan();
        more["note"] = json!("checked by the lead");
        assert!(differs(&more, &plan(), true).unwrap().contains("\"note\""));
        let mut cluster = plan();
        cluster["cluster"]["cluster"] = json!("other");
        assert!(differs(&cluster, &plan(), true).unwrap().contains("its cluster is"));
        let mut target = plan();
        target["targets"][0]["name"] = json!("deployment/other");
        assert!(differs(&target, &plan(), false).unwrap().contains("its targets is"));
    }

    #[test]
    fn what_was_true_when_it_was_saved_here_may_be_otherwise_now() {
        let (mut later, mut touched) = (plan(), plan());
        later["what"] = json!(["2 of 3 ready"]);
        assert_eq!(differs(&plan(), &later, true), None);
        assert!(differs(&plan(), &later, false).is_some(), "of a plan that nobody vouches for nothing may differ");
        touched["targets"][0]["resource_version"] = json!("6");
        assert_eq!(differs(&plan(), &touched, true), None);
        let silence = |at: &str| {
            let mut plan = plan();
            plan["kubectl"] = json!(format!("printf %s '{{\"startsAt\":\"{at}\",\"endsAt\":\"y\"}}' | kubectl"));
            plan
        };
        assert_eq!(differs(&silence("2026-11-30T02:00:00Z"), &silence("2026-11-30T02:07:00Z"), false), None);
        assert!(differs(&silence("'; kubectl delete namespace shop; '"), &silence("2026-11-30T02:07:00Z"), false).is_some());
    }

    /// All that a plan has is derived again, so all of it is compared where nobody vouches for what was otherwise then.
    #[test]
    fn no_leaf_of_a_plan_from_elsewhere_may_be_another() {
        fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => members.iter().for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), found)),
                Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| leaves(value, &format!("{at}/{index}"), found)),
                _ => found.push(at.to_owned()),
            }
        }
        let mut all = Vec::new();
        leaves(&plan(), "", &mut all);
        assert!(all.len() > 20 && all.contains(&"/targets/0/resource_version".to_owned()), "{all:?}");
        for leaf in all.iter().filter(|leaf| *leaf != "/reason") {
            for forged in [json!("forged"), json!(""), json!("4"), json!(null), json!(7)] {
                let mut saved = plan();
                *saved.pointer_mut(leaf).unwrap() = forged.clone();
                assert!(differs(&saved, &plan(), false).is_some(), "{leaf} as {forged}");
            }
        }
    }
}
