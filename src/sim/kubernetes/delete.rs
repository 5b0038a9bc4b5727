//! Deleting one object or all that are selected.

use http::StatusCode;
use serde_json::{Value, json};

use super::admission::Policies;
use super::kinds::{DEFINITIONS, Resource};
use super::render::{self, Include};
use super::request::Form;
use super::server::{Answer, Call, decode_body};
use super::status::{ApiError, json_response, named_details};
use super::versions::outgoing;
use crate::sim::store::{Deleted, Deletion, Query, StoreError, text};

/// `DeleteOptions` of the body, over those of the query.
struct Options {
    how: Deletion,
    dry_run: bool,
}

impl Options {
    fn read(call: &Call<'_>) -> Result<Self, ApiError> {
        let body = if call.body.is_empty() { json!({}) } else { decode_body(&call.parts, &call.body, "DeleteOptions")? };
        let text = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let policy = text("/propagationPolicy").unwrap_or_else(|| call.parameters.text("propagationPolicy").to_owned());
        let orphan = policy == "Orphan" || body.get("orphanDependents").and_then(Value::as_bool) == Some(true);
        let grace_seconds = match body.get("gracePeriodSeconds").and_then(Value::as_i64) {
            Some(seconds) => Some(seconds),
            None => call.parameters.number("gracePeriodSeconds")?,
        };
        let dry_run = call.parameters.dry_run() || body.pointer("/dryRun/0").and_then(Value::as_str) == Some("All");
        let how = Deletion { uid: text("/preconditions/uid"), resource_version: text("/preconditions/resourceVersion"), grace_seconds, orphan };
        Ok(Self { how, dry_run })
    }
}

pub fn one(call: &Call<'_>) -> Answer {
    let Options { how, dry_run } = Options::read(call)?;
    let (store, resource) = (&call.server.store, call.target.resource);
    let (namespace, name) = (call.target.namespace.as_str(), call.target.name());
    let would = store.delete_dry_run(resource, namespace, name, &how)?;
    // What has to be so before a delete is asked first, and the policies then (`BeforeDelete`, `deleteValidation`).
    Policies::over(store, resource, namespace, call.user).review_removal(name)?;
    let deleted = if dry_run {
        Deleted::Removed(would)
    } else {
        if resource == Resource::Namespaces {
            empty_namespace(call, name)?;
        }
        store.delete(resource, namespace, name, &how)?
    };
    // A real server answers with the object while it lingers (and for pods always), else with a status.
    if let (Deleted::Removed(object), false) = (&deleted, resource == Resource::Pods) {
        let mut details = named_details(resource, name, resource.definition().plural);
        details["uid"] = json!(text(object, "uid"));
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
        return Ok(json_response(StatusCode::OK, &status));
    }
    Ok(json_response(StatusCode::OK, &outgoing(&call.target, deleted.object())))
}

fn empty_namespace(call: &Call<'_>, namespace: &str) -> Result<(), ApiError> {
    for definition in DEFINITIONS.iter().filter(|definition| definition.namespaced) {
        for object in call.server.store.list(definition.resource, &Query::namespace(namespace)).items {
            ignore_absent(call.server.store.delete(definition.resource, namespace, text(&object, "name"), &Deletion::immediate()))?;
        }
    }
    Ok(())
}

/// Something else may have removed it in the meantime.
fn ignore_absent(result: Result<Deleted, StoreError>) -> Result<(), StoreError> {
    match result {
        Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

pub fn collection(call: &Call<'_>) -> Answer {
    let Options { how, dry_run } = Options::read(call)?;
    let listing = call.server.store.list(call.target.resource, &call.query()?);
    let policies = Policies::over(&call.server.store, call.target.resource, &call.target.namespace, call.user);
    for object in &listing.items {
        policies.review_removal(text(object, "name"))?;
        if !dry_run {
            ignore_absent(call.server.store.delete(call.target.resource, text(object, "namespace"), text(object, "name"), &how))?;
        }
    }
    let metadata = json!({"resourceVersion": call.server.store.resource_version().to_string()});
    Ok(render::list(&call.target, Form::Json, Include::Metadata, &metadata, &listing.items, call.server.store.now()))
}
