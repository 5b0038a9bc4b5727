//! Of which kind each field of a kubeconfig is (`k8s.io/client-go/tools/clientcmd/api/v1`, `types.go`). kubectl refuses a whole file for one
//! field of another kind, also where nothing uses it, and for a name that stands twice in a list; fields that it does not know it passes over.

use serde_json::Value;

use super::place::Step;

/// What a field may hold. Nothing at all is right everywhere.
enum Shape {
    Text,
    Flag,
    Any,
    List(&'static Shape),
    /// A list whose entries have names of their own.
    Named(&'static Shape),
    /// Any names, with values of one kind.
    Map(&'static Shape),
    Fields(&'static [(&'static str, Shape)]),
}

use Shape::{Any, Fields, Flag, List, Map, Named, Text};

const TEXTS: Shape = List(&Text);
const EXTENSIONS: Shape = Named(&Fields(&[("name", Text), ("extension", Any)]));
const CLUSTER: Shape = Fields(&[
    ("server", Text),
    ("tls-server-name", Text),
    ("insecure-skip-tls-verify", Flag),
    ("certificate-authority", Text),
    ("certificate-authority-data", Text),
    ("proxy-url", Text),
    ("disable-compression", Flag),
    ("extensions", EXTENSIONS),
]);
const CONTEXT: Shape = Fields(&[("cluster", Text), ("user", Text), ("namespace", Text), ("extensions", EXTENSIONS)]);
const EXEC: Shape = Fields(&[
    ("command", Text),
    ("args", TEXTS),
    ("env", List(&Fields(&[("name", Text), ("value", Text)]))),
    ("apiVersion", Text),
    ("installHint", Text),
    ("provideClusterInfo", Flag),
    ("interactiveMode", Text),
]);
const USER: Shape = Fields(&[
    ("client-certificate", Text),
    ("client-certificate-data", Text),
    ("client-key", Text),
    ("client-key-data", Text),
    ("token", Text),
    ("tokenFile", Text),
    ("as", Text),
    ("as-uid", Text),
    ("as-groups", TEXTS),
    ("as-user-extra", Map(&TEXTS)),
    ("username", Text),
    ("password", Text),
    ("auth-provider", Fields(&[("name", Text), ("config", Map(&Text))])),
    ("exec", EXEC),
    ("extensions", EXTENSIONS),
]);
const CONFIG: Shape = Fields(&[
    ("kind", Text),
    ("apiVersion", Text),
    ("preferences", Fields(&[("colors", Flag), ("extensions", EXTENSIONS)])),
    ("clusters", Named(&Fields(&[("name", Text), ("cluster", CLUSTER)]))),
    ("contexts", Named(&Fields(&[("name", Text), ("context", CONTEXT)]))),
    ("users", Named(&Fields(&[("name", Text), ("user", USER)]))),
    ("current-context", Text),
    ("extensions", EXTENSIONS),
]);

/// Where the first mistake is, and what it is, in a sentence that begins with the field. Never with a value, which may be a secret.
pub(super) fn mistake(document: &Value) -> Option<(Vec<Step>, String)> {
    let mut path = Vec::new();
    let said = match wrong(document, &CONFIG, &mut path)? {
        Wrong::Kind { is, remedy } => format!("{} is {is}, and kubectl refuses the file for it: {remedy}", words(document, &path)),
        Wrong::Twice(name) => {
            let list = path.split_last().map_or(&[][..], |(_, list)| list);
            format!("{} {} {name:?} twice: take one out", words(document, list), if list.len() > 1 { "has" } else { "have" })
        }
    };
    Some((path, said))
}

enum Wrong {
    Kind {
        is: &'static str,
        remedy: &'static str,
    },
    /// A name, at its second place.
    Twice(String),
}

fn wrong(value: &Value, shape: &Shape, path: &mut Vec<Step>) -> Option<Wrong> {
    match (shape, value) {
        (_, Value::Null) | (Any, _) | (Text, Value::String(_)) | (Flag, Value::Bool(_)) => None,
        (List(each) | Named(each), Value::Array(list)) => {
            let inside = list.iter().enumerate().find_map(|(index, one)| within(Step::Item(index), one, each, path));
            inside.or_else(|| matches!(shape, Named(_)).then(|| twice(list, path)).flatten())
        }
        (Map(each), Value::Object(fields)) => fields.iter().find_map(|(name, one)| within(Step::Field(name.clone()), one, each, path)),
        (Fields(known), Value::Object(fields)) => known.iter().find_map(|(name, shape)| {
            let one = fields.get(*name)?;
            within(Step::Field((*name).to_owned()), one, shape, path)
        }),
        (shape, value) => Some(another(value, shape)),
    }
}

/// The path stays at the mistake where there is one.
fn within(step: Step, value: &Value, shape: &Shape, path: &mut Vec<Step>) -> Option<Wrong> {
    path.push(step);
    let found = wrong(value, shape, path);
    if found.is_none() {
        path.pop();
    }
    found
}

fn name(one: &Value) -> &str {
    one.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn twice(list: &[Value], path: &mut Vec<Step>) -> Option<Wrong> {
    let index = (1..list.len()).find(|index| list[..*index].iter().any(|before| name(before) == name(&list[*index])))?;
    path.push(Step::Item(index));
    Some(Wrong::Twice(name(&list[index]).to_owned()))
}

fn another(value: &Value, shape: &Shape) -> Wrong {
    let is = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a set of fields",
    };
    let remedy = match (shape, value) {
        (Text, Value::Bool(_) | Value::Number(_)) => "put it in quotes",
        (Text | Any, _) => "write text",
        (Flag, _) => "write true or false, without quotes",
        (List(_) | Named(_), _) => "write a list",
        (Map(_) | Fields(_), _) => "write fields below it, or {} for none",
    };
    Wrong::Kind { is, remedy }
}

/// `users["me"].user.token`; an entry without a name by its number.
fn words(document: &Value, path: &[Step]) -> String {
    let mut at = Some(document);
    let mut text = String::new();
    for step in path {
        match step {
            Step::Item(index) => {
                at = at.and_then(|list| list.get(*index));
                text += "[";
                text += &at.map(name).filter(|name| !name.is_empty()).map_or_else(|| index.to_string(), |name| format!("{name:?}"));
                text += "]";
            }
            Step::Field(field) => {
                at = at.and_then(|fields| fields.get(field));
                text += if text.is_empty() { "" } else { "." };
                text += field;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::preferences(json!({"preferences": []}), "preferences is a list, and kubectl refuses the file for it: write fields below it, or {} for none")]
    #[case::colors(json!({"preferences": {"colors": "yes"}}), "preferences.colors is text, and kubectl refuses the file for it: write true or false, without quotes")]
    #[case::extensions(json!({"extensions": {"a": 1}}), "extensions is a set of fields, and kubectl refuses the file for it: write a list")]
    #[case::extension_twice(json!({"extensions": [{"name": "a"}, {"name": "a"}]}), "extensions have \"a\" twice: take one out")]
    #[case::within_a_cluster(
        json!({"clusters": [{"name": "k", "cluster": {"extensions": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}}]}),
        "clusters[\"k\"].cluster.extensions has \"a\" twice: take one out"
    )]
    #[case::user_twice(json!({"users": [{"name": "u"}, {"name": "u"}]}), "users have \"u\" twice: take one out")]
    #[case::token(json!({"users": [{"name": "u", "user": {"token": 5}}]}), "users[\"u\"].user.token is a number, and kubectl refuses the file for it: put it in quotes")]
    #[case::groups(json!({"users": [{"user": {"as-groups": "x"}}]}), "users[0].user.as-groups is text, and kubectl refuses the file for it: write a list")]
    #[case::entry(json!({"users": [5]}), "users[0] is a number, and kubectl refuses the file for it: write fields below it, or {} for none")]
    #[case::context(json!({"current-context": 5}), "current-context is a number, and kubectl refuses the file for it: put it in quotes")]
    fn a_field_of_another_kind_is_named(#[case] document: Value, #[case] said: &str) {
        assert_eq!(mistake(&document).map(|(_, said)| said).as_deref(), Some(said));
    }

    #[rstest]
    #[case::nothing(json!({"preferences": null, "users": null, "extensions": []}))]
    #[case::unknown(json!({"foo": 5, "preferences": {"foo": 1}, "users": [{"name": "u", "more": [], "user": {"x": 1}}]}))]
    #[case::any_extension(json!({"extensions": [{"name": "a", "extension": 5}, {"name": "b", "extension": [1]}, {"name": "c"}]}))]
    fn what_kubectl_takes_is_taken(#[case] document: Value) {
        assert!(mistake(&document).is_none());
    }
}
