//! What differs between two pod templates, in lines a person asked for: `LOG_LEVEL=debug`, `resources.limits.memory=1Gi`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::{
    conceal,
    mitigation::{DiffLine, DiffSign},
    secrecy,
    text::Text,
    units,
};

/// Most lines of a diff; what is left out is counted.
const MOST: usize = 60;
/// Longest value shown, in characters.
const LONGEST: usize = 160;
/// In the place of a secret, and where nothing else tells the two lines apart.
const HIDDEN: &str = "(hidden)";
const HIDDEN_DIFFERS: &str = "(hidden, differs)";

/// Images that differ: container, before, after.
pub fn images(old: &Value, new: &Value) -> Vec<(String, String, String)> {
    let (old, new) = (image_list(old), image_list(new));
    let names: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let image = |images: &BTreeMap<String, String>, name: &str| images.get(name).cloned().unwrap_or_else(|| "none".to_owned());
    names.into_iter().map(|name| (name.clone(), image(&old, name), image(&new, name))).filter(|(_, before, after)| before != after).collect()
}

/// Removed and added lines, without the images.
pub fn lines(old: &Value, new: &Value) -> Vec<DiffLine> {
    let several = [old, new].into_iter().any(|template| image_list(template).len() > 1);
    let (old, new) = (flat(old, several), flat(new, several));
    let paths: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut lines = Vec::new();
    for path in paths {
        let (before, after) = (old.get(path), new.get(path));
        if before == after {
            continue;
        }
        let shown = |value: Option<&Field>, mark| value.map(|value| value.shown(mark));
        let alike = shown(before, HIDDEN) == shown(after, HIDDEN);
        let mark = if alike { HIDDEN_DIFFERS } else { HIDDEN };
        for (sign, value) in [(DiffSign::Removed, before), (DiffSign::Added, after)] {
            if let Some(value) = shown(value, mark) {
                lines.push(DiffLine { sign, text: Text::bounded(&format!("{path}={value}"), path.len() + LONGEST) });
            }
        }
    }
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(DiffLine { sign: DiffSign::Context, text: Text::line(&format!("and {}", units::counted(more as u64, "more line"))) });
    }
    lines
}

/// A field of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Plain(String),
    Secret(String),
    /// The words of a command line.
    Words(Vec<String>),
}

impl Field {
    /// With `mark` in the place of what is secret.
    fn shown(&self, mark: &str) -> String {
        let mut marked = |_: &str| mark.to_owned();
        match self {
            Self::Plain(value) => conceal::text(value, &mut marked),
            Self::Secret(value) => marked(value),
            Self::Words(words) => conceal::words(&words.iter().map(String::as_str).collect::<Vec<_>>(), &mut marked).join(" "),
        }
    }
}

fn image_list(template: &Value) -> BTreeMap<String, String> {
    containers(template)
        .filter_map(|container| Some((container.get("name")?.as_str()?.to_owned(), container.get("image")?.as_str()?.to_owned())))
        .collect()
}

fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    ["/spec/initContainers", "/spec/containers"].into_iter().filter_map(|path| template.pointer(path)?.as_array()).flatten()
}

/// Path to value. Containers, variables, volumes and ports go by name, so that a new first one does not change all others.
fn flat(template: &Value, several: bool) -> BTreeMap<String, Field> {
    let mut lines = BTreeMap::new();
    for container in containers(template) {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let prefix = if several { format!("{name}: ") } else { String::new() };
        for (field, value) in container.as_object().into_iter().flatten() {
            match field.as_str() {
                "name" | "image" => {}
                "env" => {
                    for variable in value.as_array().into_iter().flatten() {
                        let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
                        lines.insert(format!("{prefix}{name}"), variable_value(name, variable));
                    }
                }
                _ => walk(&format!("{prefix}{field}"), value, &mut lines),
            }
        }
    }
    for (part, value) in template.as_object().into_iter().flatten() {
        for (field, value) in value.as_object().into_iter().flatten() {
            match (part.as_str(), field.as_str()) {
                ("spec", "containers" | "initContainers") | ("metadata", "creationTimestamp") => {}
                ("metadata", _) => walk(field, value, &mut lines),
                _ => walk(&format!("spec.{field}"), value, &mut lines),
            }
        }
    }
    lines
}

fn variable_value(name: &str, variable: &Value) -> Field {
    if let Some(value) = variable.get("value").and_then(Value::as_str) {
        return if secrecy::is_secret_name(name) { Field::Secret(value.to_owned()) } else { Field::Plain(value.to_owned()) };
    }
    let source = variable.get("valueFrom").and_then(Value::as_object).and_then(|source| source.iter().next());
    Field::Plain(source.map_or_else(String::new, |(kind, source)| {
        let text = |name: &str| source.get(name).and_then(Value::as_str).unwrap_or_default();
        match kind.as_str() {
            "configMapKeyRef" => format!("from ConfigMap {} key {}", text("name"), text("key")),
            "secretKeyRef" => format!("from Secret {} key {}", text("name"), text("key")),
            _ => format!("from {source}"),
        }
    }))
}

fn walk(path: &str, value: &Value, lines: &mut BTreeMap<String, Field>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                walk(&format!("{path}.{name}"), value, lines);
            }
        }
        // Arguments read best as the line they are.
        Value::Array(items) if items.iter().all(Value::is_string) => {
            lines.insert(path.to_owned(), Field::Words(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()));
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str).map_or_else(|| position.to_string(), str::to_owned);
                walk(&format!("{path}[{name}]"), item, lines);
            }
        }
        leaf => {
            let value = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            lines.insert(path.to_owned(), if conceal::is_secret_path(path) { Field::Secret(value) } else { Field::Plain(value) });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn which_secret_it_is_is_seen_and_what_is_in_it_is_not() {
        let template = |secret: &str, password: &str| {
            json!({"spec": {
                "containers": [{
                    "name": "api", "args": ["--db-password", password], "envFrom": [{"secretRef": {"name": secret}}],
                    "env": [{"name": "DB_PASSWORD", "value": format!("from {password}")}, {"name": "DB", "value": format!("pg://app:{password}@db")}],
                }],
                "volumes": [{"name": "certs", "secret": {"secretName": secret}}],
            }})
        };
        let lines: Vec<_> = lines(&template("old", "hunter1"), &template("new", "hunter2")).into_iter().map(|line| line.text.to_string()).collect();
        let expected = [
            ("DB", "pg://app:(hidden, differs)@db", "pg://app:(hidden, differs)@db"),
            ("DB_PASSWORD", "(hidden, differs)", "(hidden, differs)"),
            ("args", "--db-password (hidden, differs)", "--db-password (hidden, differs)"),
            ("envFrom[0].secretRef.name", "old", "new"),
            ("spec.volumes[certs].secret.secretName", "old", "new"),
        ];
        let expected: Vec<_> = expected.iter().flat_map(|(path, before, after)| [format!("{path}={before}"), format!("{path}={after}")]).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_diff_has_what_differs_and_no_secret() {
        let template = |image: &str, level: &str, password: &str, first: bool| {
            let mut env = vec![json!({"name": "LOG_LEVEL", "value": level}), json!({"name": "DB_PASSWORD", "value": password})];
            if first {
                env.insert(0, json!({"name": "NEW", "valueFrom": {"configMapKeyRef": {"name": "api-config", "key": "x"}}}));
            }
            json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", "image": image, "env": env, "args": ["-v", "2"]}]}})
        };
        let (old, new) = (template("api:2", "debug", "hunter2", true), template("api:1", "info", "hunter1", false));
        assert_eq!(images(&old, &new), [("api".to_owned(), "api:2".to_owned(), "api:1".to_owned())]);
        let lines: Vec<_> = lines(&old, &new).into_iter().map(|line| (line.sign, line.text.to_string())).collect();
        assert_eq!(
            lines,
            [
                (DiffSign::Removed, "DB_PASSWORD=(hidden, differs)".to_owned()),
                (DiffSign::Added, "DB_PASSWORD=(hidden, differs)".to_owned()),
                (DiffSign::Removed, "LOG_LEVEL=debug".to_owned()),
                (DiffSign::Added, "LOG_LEVEL=info".to_owned()),
                (DiffSign::Removed, "NEW=from ConfigMap api-config key x".to_owned()),
            ]
        );
    }
}
