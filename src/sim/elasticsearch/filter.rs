//! Leaving parts of an answer out: `_source` includes and excludes, and `filter_path`.

use serde_json::{Map, Value as Json};

/// Which fields of `_source` are given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFilter {
    All,
    None,
    Some { includes: Vec<String>, excludes: Vec<String> },
}

impl SourceFilter {
    /// From a request's `_source`: true, false, a name, a list, or includes and excludes.
    pub fn parse(json: Option<&Json>) -> Self {
        let names = |json: Option<&Json>| match json {
            Some(Json::String(name)) => vec![name.clone()],
            Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        match json {
            None | Some(Json::Null | Json::Bool(true)) => Self::All,
            Some(Json::Bool(false)) => Self::None,
            Some(Json::Object(object)) => Self::Some {
                includes: names(object.get("includes").or_else(|| object.get("include"))),
                excludes: names(object.get("excludes").or_else(|| object.get("exclude"))),
            },
            other => Self::Some { includes: names(other), excludes: Vec::new() },
        }
    }

    pub fn apply(&self, source: Map<String, Json>) -> Option<Json> {
        match self {
            Self::All => Some(Json::Object(source)),
            Self::None => None,
            Self::Some { includes, excludes } => {
                let included = if includes.is_empty() { source } else { kept(&source, &paths(includes)) };
                Some(Json::Object(if excludes.is_empty() { included } else { dropped(included, &paths(excludes)) }))
            }
        }
    }
}

/// `filter_path`: only the named parts of the answer; names that begin with `-` are left out.
pub fn filter_path(answer: Json, expression: &str) -> Json {
    let (excluded, included): (Vec<&str>, Vec<&str>) =
        expression.split(',').map(str::trim).filter(|part| !part.is_empty()).partition(|part| part.starts_with('-'));
    let Json::Object(object) = answer else { return answer };
    let object = if included.is_empty() { object } else { kept(&object, &paths(&included)) };
    let excluded: Vec<&str> = excluded.into_iter().map(|part| &part[1..]).collect();
    Json::Object(if excluded.is_empty() { object } else { dropped(object, &paths(&excluded)) })
}

fn paths<S: AsRef<str>>(names: &[S]) -> Vec<Vec<String>> {
    names.iter().map(|name| name.as_ref().split('.').map(str::to_owned).collect()).collect()
}

/// What is left of the paths after a member of that name; an empty path is one that ends here.
fn below(paths: &[Vec<String>], name: &str) -> Vec<Vec<String>> {
    let mut result = Vec::new();
    for path in paths {
        let Some(first) = path.first() else { continue };
        if first == "**" {
            result.push(path.clone());
            if path.get(1).is_some_and(|next| fits(next, name)) {
                result.push(path[2..].to_vec());
            }
        } else if fits(first, name) {
            result.push(path[1..].to_vec());
        }
    }
    result
}

fn kept(object: &Map<String, Json>, paths: &[Vec<String>]) -> Map<String, Json> {
    let member = |(name, value): (&String, &Json)| {
        let below = below(paths, name);
        if below.iter().any(|path| path.is_empty() || path.as_slice() == ["**"]) {
            return Some((name.clone(), value.clone()));
        }
        Some((name.clone(), kept_value(value, &below)?))
    };
    object.iter().filter_map(member).collect()
}

fn kept_value(value: &Json, paths: &[Vec<String>]) -> Option<Json> {
    if paths.is_empty() {
        return None;
    }
    match value {
        Json::Object(object) => Some(Json::Object(kept(object, paths))).filter(|kept| kept.as_object().is_some_and(|kept| !kept.is_empty())),
        Json::Array(list) => Some(Json::Array(list.iter().filter_map(|value| kept_value(value, paths)).collect()))
            .filter(|kept| kept.as_array().is_some_and(|kept| !kept.is_empty())),
        _ => None,
    }
}

fn dropped(object: Map<String, Json>, paths: &[Vec<String>]) -> Map<String, Json> {
    let member = |(name, value): (String, Json)| {
        let below = below(paths, &name);
        if below.iter().any(Vec::is_empty) {
            return None;
        }
        let value = match value {
            Json::Object(inner) => Json::Object(dropped(inner, &below)),
            Json::Array(list) => {
                list.into_iter().map(|value| if let Json::Object(inner) = value { Json::Object(dropped(inner, &below)) } else { value }).collect()
            }
            plain => plain,
        };
        Some((name, value))
    };
    object.into_iter().filter_map(member).collect()
}

/// Whether a name is of a pattern's shape; `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(after) = name.strip_prefix(start) else { return false };
    (0..=after.len()).filter(|at| after.is_char_boundary(*at)).any(|at| fits(rest, &after[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filter_path_keeps_what_is_named() {
        let answer = json!({ "took": 1, "_shards": { "total": 1, "failed": 0 }, "hits": { "total": { "value": 1, "relation": "eq" }, "hits": [{ "_id": "1", "_source": { "message": "m", "level": "l" } }] } });
        let kept = filter_path(answer.clone(), "hits.hits._source.message,hits.total.value,_shards");
        assert_eq!(
            kept,
            json!({ "_shards": { "total": 1, "failed": 0 }, "hits": { "total": { "value": 1 }, "hits": [{ "_source": { "message": "m" } }] } })
        );
        assert_eq!(filter_path(answer.clone(), "hits.hits._so*"), json!({ "hits": { "hits": [{ "_source": { "message": "m", "level": "l" } }] } }));
        assert_eq!(
            filter_path(answer.clone(), "**.total"),
            json!({ "_shards": { "total": 1 }, "hits": { "total": { "value": 1, "relation": "eq" } } })
        );
        assert_eq!(filter_path(answer.clone(), "-hits,-took"), json!({ "_shards": { "total": 1, "failed": 0 } }));
        assert_eq!(filter_path(answer, "nothing"), json!({}));
    }

    #[test]
    fn sources_are_filtered() {
        let source = json!({ "a": 1, "k": { "pod": "p", "ns": "n" } });
        let filtered = |filter: Json| SourceFilter::parse(Some(&filter)).apply(source.as_object().unwrap().clone());
        assert_eq!(filtered(json!(["k.pod"])), Some(json!({ "k": { "pod": "p" } })));
        assert_eq!(filtered(json!("k")), Some(json!({ "k": { "pod": "p", "ns": "n" } })));
        assert_eq!(filtered(json!({ "excludes": ["k.*"] })), Some(json!({ "a": 1, "k": {} })));
        assert_eq!(filtered(json!(false)), None);
    }
}
