//! Label and field selectors, in the text form of query strings and the object form of `spec.selector`.

use serde_json::Value;

use super::kinds::Resource;

/// A selector that cannot be understood; the text is what the API server says about it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct SelectorError(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

/// Conditions on labels, all of which must hold. The default selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<(String, Operator)>);

impl LabelSelector {
    /// From a query: `app=x,tier!=y,env in (a,b),!gone,present`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for part in split_outside_brackets(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            requirements.push(parse_requirement(part).ok_or_else(|| SelectorError(format!("unable to parse requirement: {part}")))?);
        }
        Ok(Self(requirements))
    }

    /// From `{matchLabels, matchExpressions}`, or a plain map of labels as in a service's `spec.selector`.
    pub fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        let is_structured =
            selector.get("matchLabels").is_some_and(Value::is_object) || selector.get("matchExpressions").is_some_and(Value::is_array);
        let labels = if is_structured { selector.get("matchLabels") } else { Some(selector) };
        for (key, value) in labels.and_then(Value::as_object).into_iter().flatten() {
            requirements.push((key.clone(), Operator::In(vec![value.as_str().unwrap_or_default().to_owned()])));
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let key = expression.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
            let values = || {
                let values = expression.get("values").and_then(Value::as_array);
                values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
            };
            let operator = match expression.get("operator").and_then(Value::as_str) {
                Some("In") => Operator::In(values()),
                Some("NotIn") => Operator::NotIn(values()),
                Some("Exists") => Operator::Exists,
                Some("DoesNotExist") => Operator::DoesNotExist,
                _ => continue,
            };
            requirements.push((key, operator));
        }
        Self(requirements)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object carries labels as asked.
    pub fn matches(&self, object: &Value) -> bool {
        if self.0.is_empty() {
            return true;
        }
        self.matches_labels(object.get("metadata").and_then(|m| m.get("labels")))
    }

    /// Whether a map of labels is as asked.
    pub fn matches_labels(&self, labels: Option<&Value>) -> bool {
        self.0.iter().all(|(key, operator)| {
            let value = labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
            match operator {
                Operator::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.iter().any(|v| v == value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_requirement(part: &str) -> Option<(String, Operator)> {
    let one = |key: &str, value: &str| (key.trim().to_owned(), vec![value.trim().to_owned()]);
    if let Some(key) = part.strip_prefix('!') {
        return valid(key.trim()).map(|key| (key, Operator::DoesNotExist));
    }
    if let Some(body) = part.strip_suffix(')') {
        let (head, values) = body.split_once('(')?;
        let values = values.split(',').map(|v| v.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        let key = valid(words.next()?)?;
        return match (words.next()?, words.next()) {
            ("in", None) => Some((key, Operator::In(values))),
            ("notin", None) => Some((key, Operator::NotIn(values))),
            _ => None,
        };
    }
    let (key, operator) = if let Some((key, value)) = part.split_once("!=") {
        let (key, values) = one(key, value);
        (key, Operator::NotIn(values))
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        let (key, values) = one(key, value);
        (key, Operator::In(values))
    } else {
        (part.to_owned(), Operator::Exists)
    };
    valid(&key).map(|key| (key, operator))
}

fn valid(key: &str) -> Option<String> {
    let fine = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    fine.then(|| key.to_owned())
}

/// Conditions on fields (`status.phase!=Running,spec.nodeName=node-3`), all of which must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<Condition>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    field: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// Refuses fields that the resource cannot be selected by, as the API server does.
    pub fn parse(resource: Resource, text: &str) -> Result<Self, SelectorError> {
        let mut conditions = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let split = part.split_once("!=").map(|(f, v)| (f, v, false));
            let split = split.or_else(|| part.split_once("==").or_else(|| part.split_once('=')).map(|(f, v)| (f, v, true)));
            let Some((field, value, equal)) = split else {
                return Err(SelectorError(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            if !selectable(resource, field) {
                return Err(SelectorError(format!("field label not supported: {field}")));
            }
            conditions.push(Condition { field: field.to_owned(), value: value.to_owned(), equal });
        }
        Ok(Self(conditions))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one name this selects, when it says so.
    pub fn name(&self) -> Option<&str> {
        self.0.iter().find(|c| c.equal && c.field == "metadata.name").map(|c| c.value.as_str())
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|condition| {
            let field = match condition.field.as_str() {
                "reason" | "type" | "reportingComponent" => object.get(&condition.field),
                "source" => object.pointer("/source/component"),
                dotted => dotted.split('.').try_fold(object, |value, key| value.get(key)),
            };
            let found = match field {
                Some(Value::String(text)) => text.as_str() == condition.value,
                Some(Value::Bool(flag)) => flag.to_string() == condition.value,
                Some(Value::Number(number)) => number.to_string() == condition.value,
                Some(Value::Null) | None => condition.value.is_empty() || condition.value == "false" && condition.field.ends_with("unschedulable"),
                Some(_) => false,
            };
            found == condition.equal
        })
    }
}

fn selectable(resource: Resource, field: &str) -> bool {
    let own: &[&str] = match resource {
        Resource::Pods => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        Resource::Events => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Resource::Nodes => &["spec.unschedulable"],
        Resource::Namespaces => &["status.phase"],
        Resource::ReplicaSets => &["status.replicas"],
        Resource::Services => &["spec.clusterIP", "spec.type"],
        Resource::Secrets => &["type"],
        Resource::Jobs => &["status.successful"],
        _ => &[],
    };
    field == "metadata.name" || field == "metadata.namespace" || own.contains(&field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_select_by_equality_and_by_set() {
        let pod = json!({"metadata": {"labels": {"app": "api-gateway", "env": "prod"}}});
        for (text, expected) in [
            ("app=api-gateway", true),
            ("app==api-gateway,env!=staging", true),
            ("app in (core-engine, api-gateway),env", true),
            ("env notin (prod)", false),
            ("!app", false),
            ("!tier", true),
            ("tier!=front", true),
            ("", true),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().matches(&pod), expected, "{text}");
        }
        assert!(LabelSelector::parse("a b=c").is_err());
    }

    #[test]
    fn a_selector_object_is_read_in_both_its_forms() {
        let pod = json!({"metadata": {"labels": {"app": "x"}}});
        assert!(LabelSelector::from_object(&json!({"app": "x"})).matches(&pod));
        assert!(LabelSelector::from_object(&json!({"matchLabels": {"app": "x"}})).matches(&pod));
        let not_in = json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]});
        assert!(!LabelSelector::from_object(&not_in).matches(&pod));
    }

    #[test]
    fn fields_select_and_unknown_ones_are_refused() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Pending"}});
        assert!(FieldSelector::parse(Resource::Pods, "status.phase!=Running").unwrap().matches(&pod));
        assert!(!FieldSelector::parse(Resource::Pods, "status.phase=Running").unwrap().matches(&pod));
        assert!(FieldSelector::parse(Resource::Pods, "spec.nodeName=").unwrap().matches(&pod));
        let refused = FieldSelector::parse(Resource::Pods, "spec.color=red").unwrap_err();
        assert_eq!(refused.to_string(), "field label not supported: spec.color");
    }
}
