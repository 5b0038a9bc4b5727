//! Names of the cluster's namespaces, on demand.

use serde_json::Value;

use crate::{
    connect::{ConnectError, Reader},
    domain::{object::Kind, text::Text},
};

/// Names of one page, and pages at most: more namespaces than Kubernetes is built for.
const PAGE: &str = "500";
const PAGES: usize = 40;

/// In the order of the server; or in one sentence why not.
pub async fn names(reader: &Reader) -> Result<Vec<Text>, Text> {
    read(reader).await.map_err(|error| match error {
        ConnectError::Forbidden { .. } => "you may not list namespaces".into(),
        other => Text::line(&format!("the namespaces cannot be listed: {other}")),
    })
}

async fn read(reader: &Reader) -> Result<Vec<Text>, ConnectError> {
    let path = Kind::Namespace.collection_path(None);
    let (mut names, mut next) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let query = [("limit", PAGE), ("continue", next.as_str())];
        let query = if next.is_empty() { &query[..1] } else { &query[..] };
        let page = reader.get_json(&path, query).await?.json;
        let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
        names.extend(items.filter_map(|item| item.pointer("/metadata/name")?.as_str()).map(Text::line));
        match page.pointer("/metadata/continue").and_then(Value::as_str).filter(|token| !token.is_empty()) {
            Some(token) => token.clone_into(&mut next),
            None => break,
        }
    }
    Ok(names)
}
