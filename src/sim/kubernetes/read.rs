//! Reading: one object, and lists in pages.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use super::render::{self, Include};
use super::request::form;
use super::selector::{FieldSelector, LabelSelector};
use super::server::{Answer, Call};
use super::status::ApiError;
use crate::sim::store::{Expired, ObjectKey, Query, StoreError};

const EXPIRED_CONTINUE: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the \
     continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token \
     results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show \
     up in the list.";

impl Call<'_> {
    /// The object the path names.
    pub fn current(&self) -> Result<Arc<Value>, ApiError> {
        let found = self.server.store.get(self.target.resource, &self.target.namespace, self.target.name());
        found.ok_or_else(|| StoreError::NotFound { resource: self.target.resource, name: self.target.name().to_owned() }.into())
    }

    /// What selectors and path select, without paging.
    pub fn query(&self) -> Result<Query, ApiError> {
        let labels = LabelSelector::parse(self.parameters.text("labelSelector"))?;
        let mut text = self.parameters.text("fieldSelector").to_owned();
        if let Some(name) = &self.target.name {
            text = if text.is_empty() { format!("metadata.name={name}") } else { format!("{text},metadata.name={name}") };
        }
        let text = if self.target.group == "events.k8s.io" { text.replace("regarding.", "involvedObject.") } else { text };
        let fields = FieldSelector::parse(self.target.resource, &text)?;
        let everywhere = self.target.resource.definition().namespaced && self.target.namespace.is_empty();
        let namespace = (!everywhere).then(|| self.target.namespace.clone());
        Ok(Query { namespace, labels, fields, after: None, limit: 0 })
    }

    /// A version from the future cannot be served.
    pub fn check_version(&self, asked: Option<u64>) -> Result<(), ApiError> {
        let current = self.server.store.resource_version();
        match asked {
            Some(asked) if asked > current => Err(ApiError::too_large_version(asked, current)),
            _ => Ok(()),
        }
    }
}

pub fn get(call: &Call<'_>) -> Answer {
    let form = form(&call.parts.headers)?;
    let object = call.current()?;
    let include = Include::parse(call.parameters.text("includeObject"));
    Ok(render::object(&call.target, form, include, StatusCode::OK, &object, call.server.store.now()))
}

pub fn list(call: &Call<'_>) -> Answer {
    let form = form(&call.parts.headers)?;
    let mut query = call.query()?;
    let asked = call.parameters.resource_version()?;
    call.check_version(asked)?;
    let limit = call.parameters.number("limit")?.unwrap_or_default();
    // A list from the watch cache (resourceVersion=0) is whole, as on a real server.
    let paged = limit > 0 && !(asked == Some(0) && call.parameters.text("continue").is_empty());
    query.limit = if paged { usize::try_from(limit).unwrap_or_default() } else { 0 };
    let token = call.parameters.text("continue");
    let mut pinned = None;
    if !token.is_empty() {
        let (version, after) = read_token(token)?;
        if version >= 0 && u64::try_from(version).unwrap_or_default() < call.server.store.oldest_version(call.target.resource) {
            let fresh = token_for(-1, &after);
            return Err(ApiError::new(StatusCode::GONE, "Expired", EXPIRED_CONTINUE).continue_with(&fresh));
        }
        pinned = u64::try_from(version).ok();
        query.after = Some(after);
    } else if call.parameters.text("resourceVersionMatch") == "Exact"
        && let Some(asked) = asked
        && asked < call.server.store.oldest_version(call.target.resource)
    {
        let oldest = call.server.store.oldest_version(call.target.resource);
        return Err(ApiError::from(Expired { asked, oldest }));
    }
    let listing = call.server.store.list(call.target.resource, &query);
    // Later pages say the version of the first: a watch from there replays what changed while paging.
    let version = pinned.unwrap_or(listing.resource_version);
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let Some((next, left)) = &listing.next {
        metadata["continue"] = json!(token_for(i64::try_from(version).unwrap_or(-1), next));
        if query.labels.is_empty() && query.fields.is_empty() {
            metadata["remainingItemCount"] = json!(left);
        }
    }
    let include = Include::parse(call.parameters.text("includeObject"));
    Ok(render::list(&call.target, form, include, &metadata, &listing.items, call.server.store.now()))
}

fn token_for(version: i64, after: &ObjectKey) -> String {
    let (namespace, name) = after;
    BASE64_URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": version, "start": format!("{namespace}/{name}\0")}).to_string())
}

fn read_token(token: &str) -> Result<(i64, ObjectKey), ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok();
    let value: Option<Value> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let parsed = value.and_then(|value| {
        let version = value.get("rv")?.as_i64()?;
        let (namespace, name) = value.get("start")?.as_str()?.trim_end_matches('\0').split_once('/')?;
        Some((version, (namespace.to_owned(), name.to_owned())))
    });
    parsed.ok_or_else(|| ApiError::bad_request("invalid continue token: continue key is not valid"))
}
