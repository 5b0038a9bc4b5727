//! The shape of a JSON answer: which fields there are, always or sometimes, of which type; and the few words that clients act on.
//!
//! A list's elements have one shape together. Maps whose keys are content (labels, data, metrics) have one shape for all their values.
//! Written as indented lines, a field a line: `name?: type|type = word, word`, with `[]` for a list's elements and `{}` for a map's values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

/// Fields whose keys are content wherever they stand.
const MAPS: [&str; 24] = [
    "labels",
    "annotations",
    "matchLabels",
    "metric",
    "nodeSelector",
    "capacity",
    "allocatable",
    "requests",
    "limits",
    "hard",
    "used",
    "discoveredLabels",
    "paths",
    "schemas",
    "properties",
    "groupLabels",
    "optional",
    "allocatedResources",
    "disruptedPods",
    "additionalProperties",
    "lookup",
    "binaryData",
    "droppedTargetCounts",
    "routeLabels",
];
/// Fields whose inside is nobody's business.
const OPAQUE: [&str; 3] = ["fieldsV1", "raw", "config"];
/// Where a text is part of the protocol, not content.
const WORDS: [&str; 17] = [
    "/kind",
    "/apiVersion",
    "/status",
    "/reason",
    "/code",
    "/errorType",
    "/data/resultType",
    "/error/type",
    "/error/root_cause/[]/type",
    "/details/kind",
    "/details/group",
    "/details/causes/[]/reason",
    "/details/causes/[]/field",
    "/columnDefinitions/[]/name",
    "/columnDefinitions/[]/type",
    "/_shards/failures/[]/reason/type",
    "/hits/total/relation",
];

/// The shape of one value, or of several in the same place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    types: BTreeSet<String>,
    words: BTreeSet<String>,
    fields: BTreeMap<String, Field>,
    /// A list's elements.
    items: Option<Box<Shape>>,
    /// A map's values.
    entries: Option<Box<Shape>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    is_always_there: bool,
    shape: Shape,
}

/// One way in which two answers differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub path: String,
    /// `lacks`, `invents`, `type` or `says`, of the simulated one.
    pub how: &'static str,
    pub detail: String,
}

impl Shape {
    pub fn of(json: &Json) -> Self {
        Self::at(json, "")
    }

    /// `path` without the type of a watch event before it.
    fn at(json: &Json, path: &str) -> Self {
        let mut shape = Self::default();
        let kind = match json {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Number(_) => "number",
            Json::String(_) => "text",
            Json::Array(_) => "list",
            Json::Object(_) => "object",
        };
        shape.types.insert(kind.to_owned());
        if WORDS.contains(&path) && !json.is_object() {
            shape.words.insert(json.as_str().map_or_else(|| json.to_string(), str::to_owned));
        }
        match json {
            Json::Array(list) => {
                shape.items = list.iter().map(|item| Self::at(item, &format!("{path}/[]"))).reduce(Self::merge).map(Box::new);
            }
            Json::Object(object) if is_map(path, object) => {
                shape.types = BTreeSet::from(["map".to_owned()]);
                shape.entries = object.values().map(|value| Self::at(value, &format!("{path}/{{}}"))).reduce(Self::merge).map(Box::new);
            }
            Json::Object(_) if OPAQUE.iter().any(|name| path.ends_with(&format!("/{name}"))) => {}
            Json::Object(object) => {
                let field = |(name, value): (&String, &Json)| {
                    let shape = Self::at(value, &below(path, name));
                    (name.clone(), Field { is_always_there: true, shape })
                };
                shape.fields = object.iter().map(field).collect();
            }
            _ => {}
        }
        shape
    }

    fn merge(mut self, other: Self) -> Self {
        let (were, are) = (self.types.contains("object"), other.types.contains("object"));
        for (name, field) in &mut self.fields {
            if are && !other.fields.contains_key(name) {
                field.is_always_there = false;
            }
        }
        for (name, field) in other.fields {
            match self.fields.remove(&name) {
                Some(own) => {
                    let is_always_there = own.is_always_there && field.is_always_there;
                    self.fields.insert(name, Field { is_always_there, shape: own.shape.merge(field.shape) });
                }
                None => drop(self.fields.insert(name, Field { is_always_there: field.is_always_there && !were, shape: field.shape })),
            }
        }
        self.types.extend(other.types);
        self.words.extend(other.words);
        self.items = both(self.items, other.items);
        self.entries = both(self.entries, other.entries);
        self
    }

    /// How the simulated answer differs from this one.
    pub fn differences(&self, simulated: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        self.compare(simulated, "", &mut found);
        found
    }

    fn compare(&self, simulated: &Self, path: &str, found: &mut Vec<Difference>) {
        let mut add = |path: String, how, detail: String| found.push(Difference { path, how, detail });
        if !simulated.types.is_subset(&self.types) {
            add(path.to_owned(), "type", format!("real {}, simulated {}", joined(&self.types), joined(&simulated.types)));
        }
        if self.words != simulated.words {
            add(path.to_owned(), "says", format!("real {}, simulated {}", joined(&self.words), joined(&simulated.words)));
        }
        let are_objects = self.types.contains("object") && simulated.types.contains("object");
        for (name, field) in self.fields.iter().filter(|_| are_objects) {
            let place = format!("{path}/{name}");
            match simulated.fields.get(name) {
                None if field.is_always_there => add(place, "lacks", joined(&field.shape.types)),
                Some(other) if field.is_always_there && !other.is_always_there => add(place, "lacks", "sometimes".to_owned()),
                _ => {}
            }
        }
        for (name, field) in simulated.fields.iter().filter(|(name, _)| are_objects && !self.fields.contains_key(*name)) {
            add(format!("{path}/{name}"), "invents", joined(&field.shape.types));
        }
        for (name, field) in &self.fields {
            if let Some(other) = simulated.fields.get(name) {
                field.shape.compare(&other.shape, &format!("{path}/{name}"), found);
            }
        }
        for (own, other, sign) in [(&self.items, &simulated.items, "[]"), (&self.entries, &simulated.entries, "{}")] {
            if let (Some(own), Some(other)) = (own, other) {
                own.compare(other, &format!("{path}/{sign}"), found);
            }
        }
    }

    /// As indented lines.
    pub fn write(&self) -> String {
        let mut text = String::new();
        self.write_line("", true, 0, &mut text);
        text
    }

    fn write_line(&self, name: &str, is_always_there: bool, depth: usize, text: &mut String) {
        let optional = if is_always_there { "" } else { "?" };
        let words = if self.words.is_empty() { String::new() } else { format!(" = {}", joined(&self.words)) };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:depth$}{name}{optional}: {}{words}", "", joined(&self.types));
        for (name, field) in &self.fields {
            field.shape.write_line(name, field.is_always_there, depth + 1, text);
        }
        for (part, sign) in [(&self.items, "[]"), (&self.entries, "{}")] {
            if let Some(part) = part {
                part.write_line(sign, true, depth + 1, text);
            }
        }
    }

    /// What [`write`](Self::write) wrote.
    pub fn read(text: &str) -> Self {
        let mut lines = text.lines().peekable();
        let first = lines.next().unwrap_or(": null");
        Self::read_below(first, 0, &mut lines)
    }

    fn read_below(line: &str, depth: usize, lines: &mut std::iter::Peekable<std::str::Lines<'_>>) -> Self {
        let (_, rest) = line.split_once(": ").unwrap();
        let (types, words) = rest.split_once(" = ").unwrap_or((rest, ""));
        let set = |text: &str| text.split('|').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut shape = Self { types: set(types), words: set(words), ..Self::default() };
        while let Some(next) = lines.next_if(|next| next.len() - next.trim_start().len() > depth) {
            let name = next.trim_start().split_once(": ").unwrap().0.to_owned();
            let part = Self::read_below(next, depth + 1, lines);
            match name.as_str() {
                "[]" => shape.items = Some(Box::new(part)),
                "{}" => shape.entries = Some(Box::new(part)),
                name => {
                    let is_always_there = !name.ends_with('?');
                    shape.fields.insert(name.trim_end_matches('?').to_owned(), Field { is_always_there, shape: part });
                }
            }
        }
        shape
    }
}

fn both(one: Option<Box<Shape>>, other: Option<Box<Shape>>) -> Option<Box<Shape>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Box::new(one.merge(*other))),
        (one, other) => one.or(other),
    }
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join("|")
}

/// The path of a field; an event's object is looked at as if it stood alone.
fn below(path: &str, name: &str) -> String {
    let is_event = path.is_empty() && matches!(name, "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR");
    if is_event { "event".to_owned() } else { format!("{}/{name}", path.trim_start_matches("event/[]")) }
}

fn is_map(path: &str, object: &Map<String, Json>) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let texts = !object.is_empty() && object.values().all(Json::is_string);
    let is_metadata = path == "/data" && !object.is_empty() && object.values().all(|value| value.pointer("/0/help").is_some());
    // An index a day.
    let are_indices = path.is_empty() && !object.is_empty() && object.keys().all(|index| index.starts_with("logstash-"));
    is_metadata
        || are_indices
        || MAPS.contains(&name)
        || (name == "selector" && texts && !object.contains_key("matchLabels"))
        || (name == "data" && path != "/data" && texts)
        || path == "/data" && texts && !object.contains_key("resultType") && !object.contains_key("version")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn between(real: &Json, simulated: &Json) -> Vec<(String, &'static str)> {
        Shape::of(real).differences(&Shape::of(simulated)).into_iter().map(|found| (found.path, found.how)).collect()
    }

    #[test]
    fn a_field_of_every_element_must_be_there_one_of_some_need_not() {
        let real = json!({"items": [{"a": 1, "b": 2}, {"a": 1}]});
        assert_eq!(between(&real, &json!({"items": [{"a": 1}]})), []);
        assert_eq!(between(&real, &json!({"items": [{"b": 1}]})), [("/items/[]/a".to_owned(), "lacks")]);
        assert_eq!(between(&real, &json!({"items": [{"a": 1}, {}]})), [("/items/[]/a".to_owned(), "lacks")]);
        assert_eq!(between(&real, &json!({"items": [{"a": "1", "c": 1}]})).len(), 2);
        assert_eq!(between(&real, &json!({"items": []})), []);
    }

    #[test]
    fn words_and_types_count_and_keys_that_are_content_do_not() {
        let real = json!({"kind": "Status", "reason": "NotFound", "code": 404, "metadata": {"labels": {"a": "b"}}});
        let other = json!({"kind": "Status", "reason": "Gone", "code": "404", "metadata": {"labels": {"c": "d"}}});
        assert_eq!(between(&real, &other), [("/code".to_owned(), "type"), ("/reason".to_owned(), "says")]);
        assert_eq!(between(&json!({"ERROR": [{"code": 410}]}), &json!({"ERROR": [{"code": 404}]})), [("/ERROR/[]/code".to_owned(), "says")]);
    }

    #[test]
    fn what_was_written_is_read_again() {
        let shape = Shape::of(&json!({"kind": "A", "list": [{"a": 1, "b": null}, {"a": "x"}], "metadata": {"labels": {"c": "d"}}, "empty": []}));
        assert_eq!(Shape::read(&shape.write()), shape, "{}", shape.write());
    }
}
