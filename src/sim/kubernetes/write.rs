//! Writing: create, replace, patch; each also as a dry run.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::admission::Policies;
use super::kinds::Resource;
use super::patch::Patch;
use super::render::{self, Include};
use super::request::{field_manager, form};
use super::server::{Answer, Call};
use super::status::{ApiError, Fault};
use super::{custom, validation, versions};
use crate::sim::store::{StoreError, Writer, text};

pub fn create(call: &Call<'_>) -> Answer {
    form(&call.parts.headers)?;
    let object = versions::incoming(&call.target, call.sent_object()?);
    let manager = field_manager(&call.parameters, &call.parts.headers);
    store_new(call, Writer::update(&manager), object)
}

fn store_new(call: &Call<'_>, writer: Writer<'_>, mut object: Value) -> Answer {
    let resource = call.target.resource;
    let namespaced = resource.definition().namespaced;
    if namespaced && call.target.namespace.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    if namespaced && call.server.store.get(Resource::Namespaces, "", &call.target.namespace).is_none() {
        return Err(StoreError::NotFound { resource: Resource::Namespaces, name: call.target.namespace.clone() }.into());
    }
    validation::fill_in(resource, &mut object);
    validation::check(resource, None, &object)?;
    Policies::over(&call.server.store, resource, &call.target.namespace, call.user).review_new(text(&object, "name"), &object)?;
    if call.parameters.dry_run() {
        let object = call.server.store.create_dry_run(resource, writer, object)?;
        return written(call, StatusCode::CREATED, &Arc::new(object));
    }
    let object = call.server.store.create(resource, writer, object)?;
    written(call, StatusCode::CREATED, &object)
}

pub fn update(call: &Call<'_>) -> Answer {
    form(&call.parts.headers)?;
    let object = versions::incoming(&call.target, call.sent_object()?);
    let manager = field_manager(&call.parameters, &call.parts.headers);
    change(call, Writer { subresource: &call.target.subresource, ..Writer::update(&manager) }, |current| {
        let mut object = object;
        for field in ["apiVersion", "kind"] {
            object[field] = current.get(field).cloned().unwrap_or_default();
        }
        *current = object;
        Ok(())
    })
}

pub fn patch(call: &Call<'_>) -> Answer {
    form(&call.parts.headers)?;
    let patch = Patch::decode(&call.parts.headers, &call.body)?;
    if matches!(patch, Patch::Strategic(_)) && custom::of(call.target.resource).is_some() {
        return Err(Patch::unknown_format());
    }
    let manager = field_manager(&call.parameters, &call.parts.headers);
    let writer = Writer { manager: &manager, operation: patch.operation(), subresource: &call.target.subresource, applied: patch.applied() };
    if let Patch::Apply(object) = &patch
        && call.current().is_err()
    {
        let mut object = versions::incoming(&call.target, object.clone());
        if !object.get("metadata").is_some_and(Value::is_object) {
            object["metadata"] = json!({});
        }
        object["metadata"]["name"] = json!(call.target.name());
        if call.target.resource.definition().namespaced {
            object["metadata"]["namespace"] = json!(call.target.namespace);
        }
        return store_new(call, writer, object);
    }
    change(call, writer, |current| {
        let mut shown = (*versions::outgoing(&call.target, &Arc::new(current.clone()))).clone();
        let uid = text(&shown, "uid").to_owned();
        patch.apply(&mut shown)?;
        if let Some(wrong) = validation::wrong_type(call.target.resource, &shown) {
            let fault = Fault::invalid("patch", &json!(shown.to_string()), &wrong);
            return Err(ApiError::invalid("", "", "", &[fault]));
        }
        let sent = text(&shown, "uid");
        if sent != uid && !sent.is_empty() {
            let definition = call.target.resource.definition();
            let fault = Fault::invalid("metadata.uid", &json!(sent), "field is immutable");
            return Err(ApiError::invalid(definition.kind, definition.group, call.target.name(), &[fault]));
        }
        let (kind, version) = (current.get("kind").cloned(), current.get("apiVersion").cloned());
        *current = versions::incoming(&call.target, shown);
        current["apiVersion"] = version.unwrap_or_default();
        current["kind"] = kind.unwrap_or_default();
        Ok(())
    })
}

/// Changes the named object through its main path or `status`, each leaving the other's part alone.
fn change(call: &Call<'_>, writer: Writer<'_>, edit: impl FnOnce(&mut Value) -> Result<(), ApiError>) -> Answer {
    let resource = call.target.resource;
    let policies = Policies::over(&call.server.store, resource, &call.target.namespace, call.user);
    let edit = |object: &mut Value| -> Result<(), ApiError> {
        let before = object.clone();
        edit(object)?;
        if call.target.subresource == "status" {
            let (status, version) = (object.get("status").cloned(), object.pointer("/metadata/resourceVersion").cloned());
            *object = before.clone();
            object["status"] = status.unwrap_or_else(|| json!({}));
            if let Some(version) = version {
                object["metadata"]["resourceVersion"] = version;
            }
        } else if resource.definition().has_status
            && let Some(fields) = object.as_object_mut()
        {
            fields.shift_remove("status");
            fields.extend(before.get("status").map(|status| ("status".to_owned(), status.clone())));
        }
        drop_nulls(object);
        validation::fill_in_spec(resource, object);
        validation::check(resource, Some(&before), object)?;
        if call.target.subresource == "status" {
            return Ok(());
        }
        policies.review_change(call.target.name(), &before, object)
    };
    let (store, namespace, name) = (&call.server.store, &call.target.namespace, call.target.name());
    if call.parameters.dry_run() {
        let object = store.modify_dry_run(resource, namespace, name, writer, edit)?;
        return written(call, StatusCode::OK, &Arc::new(object));
    }
    let object = store.try_modify(resource, namespace, name, writer, edit)?;
    written(call, StatusCode::OK, &object)
}

/// A patch may leave explicit nulls in labels or annotations; nothing is stored for them.
fn drop_nulls(object: &mut Value) {
    for map in ["/metadata/labels", "/metadata/annotations", "/data"] {
        if let Some(entries) = object.pointer_mut(map).and_then(Value::as_object_mut) {
            entries.retain(|_, value| !value.is_null());
        }
    }
}

fn written(call: &Call<'_>, code: StatusCode, object: &Arc<Value>) -> Answer {
    let form = form(&call.parts.headers)?;
    let include = Include::parse(call.parameters.text("includeObject"));
    Ok(render::object(&call.target, form, include, code, object, call.server.store.now()))
}
