//! RBAC rules taken apart: one API group, one resource, one verb and at most one name each.

use std::{collections::BTreeSet, fmt};

use serde_json::{Value, json};
use sev1::domain::catalogue::Right;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub verb: String,
    pub group: String,
    /// With its subresource.
    pub path: String,
    pub name: Option<String>,
}

/// The objects of what `sev1 rbac` prints.
pub fn documents(yaml: &str) -> Vec<Value> {
    yaml.split("---\n").skip(1).map(|text| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))).collect()
}

impl Rule {
    /// Every rule of the roles, taken apart.
    pub fn all(documents: &[Value]) -> Vec<Self> {
        let rules = documents.iter().flat_map(|document| document["rules"].as_array().into_iter().flatten());
        rules.flat_map(Self::taken_apart).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn taken_apart(rule: &Value) -> Vec<Self> {
        let texts = |name: &str| rule[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        let names: Vec<_> = texts("resourceNames").into_iter().map(Some).collect();
        let names = if names.is_empty() { vec![None] } else { names };
        let mut all = Vec::new();
        for group in texts("apiGroups") {
            for path in texts("resources") {
                for verb in texts("verbs") {
                    let rule = |name: &Option<String>| Self { verb: verb.clone(), group: group.clone(), path: path.clone(), name: name.clone() };
                    all.extend(names.iter().map(rule));
                }
            }
        }
        all
    }

    /// What a request asks for; none where it is about no resource.
    pub fn of_request(method: &str, path: &str) -> Option<Self> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (group, rest) = match segments.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (resource, name, subresource) = match rest {
            ["namespaces", name] => ("namespaces", Some(*name), None),
            ["namespaces", _, resource, rest @ ..] | [resource, rest @ ..] => (*resource, rest.first().copied(), rest.get(1).copied()),
            [] => return None,
        };
        let verb = match (method, name) {
            ("GET", _) if query.contains("watch=true") => "watch",
            ("GET", Some(_)) => "get",
            ("GET", None) => "list",
            ("POST", _) => "create",
            ("PATCH", _) => "patch",
            _ => "delete",
        };
        let path = subresource.map_or_else(|| resource.to_owned(), |subresource| format!("{resource}/{subresource}"));
        Some(Self { verb: verb.to_owned(), group: group.to_owned(), path, name: None })
    }

    fn whole(&self) -> Value {
        let mut rule = json!({ "apiGroups": [self.group], "resources": [self.path], "verbs": [self.verb] });
        if let Some(name) = &self.name {
            rule["resourceNames"] = json!([name]);
        }
        rule
    }

    /// The same roles, of another name for another user, without this rule.
    pub fn taken_out_of(&self, documents: &[Value], user: &str) -> Vec<Value> {
        let mut documents = documents.to_vec();
        for document in &mut documents {
            document["metadata"]["name"] = json!(user);
            if let Some(rules) = document["rules"].as_array_mut() {
                let apart: Vec<_> = rules.iter().flat_map(Self::taken_apart).filter(|rule| rule != self).map(|rule| rule.whole()).collect();
                *rules = apart;
            } else {
                document["roleRef"]["name"] = json!(user);
                document["subjects"] = json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }]);
            }
        }
        documents
    }

    /// Whether a declared right is this one.
    pub fn is(&self, right: &Right) -> bool {
        (self.verb.as_str(), self.group.as_str(), &self.path) == (right.verb, right.group, &right.path()) && self.name.is_none()
    }

    /// For an access review.
    pub fn attributes(&self, namespace: &str) -> Value {
        let (resource, subresource) = self.path.split_once('/').unwrap_or((&self.path, ""));
        json!({
            "verb": self.verb, "group": self.group, "resource": resource, "subresource": subresource, "namespace": namespace,
            "name": self.name.as_deref().unwrap_or_default(),
        })
    }

    /// Whether a text says that this right is missing.
    pub fn is_missed_in(&self, text: &str) -> bool {
        let Self { verb, group, path, .. } = self;
        let (of_group, in_group) = if group.is_empty() { (String::new(), String::new()) } else { (format!(".{group}"), format!(" in {group}")) };
        [
            format!("not allowed to {verb} {path}{of_group}"),
            format!("not allowed to {verb} the {path}{of_group}"),
            format!("the verb {verb} on {path}{in_group}"),
        ]
        .iter()
        .any(|words| says(text, words))
    }
}

/// Whether these words are there and end there: `services` is not `services/proxy`.
fn says(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| !text[at + words.len()..].starts_with(|next: char| next.is_alphanumeric() || matches!(next, '/' | '.')))
}

/// Whether a text says of any right that it is missing.
pub fn misses_something(text: &str) -> bool {
    ["not allowed to ", "lacks the verb ", "takes the verb ", " is forbidden"].iter().any(|words| text.contains(words))
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        write!(formatter, "{} {}{group}", self.verb, self.path)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(formatter, " {name}"))
    }
}
