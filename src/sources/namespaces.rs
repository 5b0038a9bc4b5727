//! Names of the cluster's namespaces, and whether the one that is meant exists, on demand.

use serde_json::Value;

use crate::{
    config::problem::nearest,
    connect::{ConnectError, Reader, error::IMPERSONATE, pages::Pages},
    domain::{object::Kind, text::Text, units},
};

/// Names of one page, and pages at most: more namespaces than Kubernetes is built for.
const PAGE: &str = "500";
const PAGES: usize = 40;
/// Names that one sentence holds.
const MOST_NAMED: usize = 8;
/// What is looked for in a namespace that may not be read: Kubernetes puts a ConfigMap, `kube-root-ca.crt`, into every one.
const IN_IT: [&str; 2] = ["configmaps", "pods"];

/// In the order of the server; or in one sentence why not.
pub async fn names(reader: &Reader) -> Result<Vec<Text>, Text> {
    read(reader).await.map_err(|error| match error {
        ConnectError::Forbidden { .. } => "you may not list namespaces".into(),
        other => Text::line(&format!("the namespaces cannot be listed: {other}")),
    })
}

/// Why what is seen of a namespace, or not seen, is no word on its health; in a sentence and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// It is known that nothing runs there, or nothing for long.
    pub is_certain: bool,
    pub says: String,
    pub remedy: String,
}

/// Whether the namespace is there to stay: the API server lists the pods of one that does not exist as it lists those of an empty one.
pub async fn doubt(reader: &Reader, namespace: &str) -> Result<Option<Doubt>, ConnectError> {
    let path = format!("/api/v1/namespaces/{namespace}");
    let found = match reader.get_json(&path, &[]).await {
        Ok(answer) => answer.json,
        Err(ConnectError::NotFound { .. }) => {
            let says = format!("the namespace {namespace} does not exist");
            return Ok(Some(Doubt { is_certain: true, says, remedy: instead(reader, namespace).await }));
        }
        Err(error @ ConnectError::Forbidden { .. }) => {
            if holds_something(reader, &path).await {
                return Ok(None);
            }
            let ConnectError::Forbidden { verb, resource, .. } = error else { return Ok(None) };
            let remedy = match &*verb {
                IMPERSONATE => "leave that out, or ask for the right to do so",
                _ => "check its name (-n NAMESPACE), or ask for the right to get it",
            };
            return Ok(Some(Doubt {
                is_certain: false,
                says: format!("cannot tell whether the namespace {namespace} exists: not allowed to {verb} {resource}, and nothing is seen in it"),
                remedy: remedy.to_owned(),
            }));
        }
        Err(error) => return Err(error),
    };
    let ends = found.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string);
    Ok(ends.then(|| Doubt {
        is_certain: true,
        says: format!("the namespace {namespace} is being deleted, with all that is in it"),
        remedy: format!("find out by whom, or watch another with -n NAMESPACE; what keeps it: kubectl get namespace {namespace} -o yaml"),
    }))
}

/// Who may not read a namespace may often read what is in it.
async fn holds_something(reader: &Reader, namespace: &str) -> bool {
    for resource in IN_IT {
        let found = reader.get_json(&format!("{namespace}/{resource}"), &[("limit", "1")]).await;
        if found.is_ok_and(|answer| answer.json.pointer("/items/0").is_some()) {
            return true;
        }
    }
    false
}

/// Which namespace may have been meant.
async fn instead(reader: &Reader, namespace: &str) -> String {
    let names = names(reader).await.unwrap_or_default();
    if let Some(near) = nearest(namespace, names.iter().map(|name| &**name)) {
        return format!("did you mean -n {near}?");
    }
    if names.is_empty() {
        return "give one that does with -n NAMESPACE, or in the context of the kubeconfig".to_owned();
    }
    format!("give another with -n NAMESPACE; there are {}", units::first_few(names, MOST_NAMED))
}

async fn read(reader: &Reader) -> Result<Vec<Text>, ConnectError> {
    let path = Kind::Namespace.collection_path(None);
    let (mut names, mut pages, mut next) = (Vec::new(), Pages::default(), None::<String>);
    for _ in 0..PAGES {
        let mut query = vec![("limit", PAGE)];
        query.extend(next.as_deref().map(|token| ("continue", token)));
        let page = reader.get_json(&path, &query).await?.json;
        let items = page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        names.extend(items.iter().filter_map(|item| item.pointer("/metadata/name")?.as_str()).map(Text::line));
        let token = page.pointer("/metadata/continue").and_then(Value::as_str).map(str::to_owned);
        next = pages.next(reader.server(), "namespaces", token, items.len())?;
        if next.is_none() {
            break;
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::scripted::{Scripted, json};

    #[tokio::test]
    async fn a_list_without_an_end_is_an_error() {
        let server = Scripted::start(|request, _| {
            let next = if request.contains("continue=B") { "A" } else { "B" };
            json(200, &format!(r#"{{"metadata":{{"continue":"{next}"}},"items":[{{"metadata":{{"name":"n"}}}}]}}"#))
        })
        .await;
        let error = names(&Reader::new(&server.target())).await.unwrap_err();
        assert!(error.contains("its pages go on for ever"), "{error}");
        assert!(server.requests() <= 3);
    }
}
