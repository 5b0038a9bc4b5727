//! The `scale` subresource of deployments, replica sets and stateful sets, and of custom resources that have one.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::admission::Policies;
use super::custom::{self, Scale};
use super::kinds::Resource;
use super::patch::Patch;
use super::request::field_manager;
use super::server::{Answer, Call, decode_body};
use super::status::{ApiError, Fault, json_response};
use super::table::selector_text;
use super::validation;
use crate::sim::store::{StoreError, Writer, text};

pub fn answer(call: &Call<'_>) -> Answer {
    let current = call.current()?;
    let counts = counts(call.target.resource);
    if call.parts.method == Method::GET {
        if current.pointer(counts.wanted).is_none() {
            let why = format!("the spec replicas field \"{}\" does not exist", counts.path_of_wanted());
            let error = ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", format!("Internal error occurred: {why}"));
            return Err(error.details(json!({"causes": [{"message": why}]})));
        }
        return Ok(json_response(StatusCode::OK, &scale_of(&current, counts)));
    }
    let manager = field_manager(&call.parameters, &call.parts.headers);
    let patch = if call.parts.method == Method::PATCH { Some(Patch::decode(&call.parts.headers, &call.body)?) } else { None };
    let sent = if patch.is_none() { Some(decode_body(&call.parts, &call.body, "Scale")?) } else { None };
    let writer = Writer { subresource: "scale", ..Writer::update(&manager) };
    let policies = Policies::over(&call.server.store, call.target.resource, &call.target.namespace, call.user);
    let edit = |object: &mut Value| -> Result<(), ApiError> {
        let mut scale = scale_of(object, counts);
        match (&patch, &sent) {
            (Some(patch), _) => patch.apply(&mut scale)?,
            (None, Some(sent)) => scale = sent.clone(),
            (None, None) => {}
        }
        check(call.target.resource, call.target.name(), &scale, patch.is_some())?;
        let replicas = scale.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or_default();
        for field in ["resourceVersion", "uid"] {
            if let Some(asked) = scale.pointer(&format!("/metadata/{field}")).and_then(Value::as_str).filter(|asked| !asked.is_empty()) {
                object["metadata"][field] = json!(asked);
            }
        }
        let before = object.clone();
        set_count(object, counts.wanted, replicas);
        policies.review_change(call.target.name(), &before, object)
    };
    let (store, target) = (&call.server.store, &call.target);
    let scaled = if call.parameters.dry_run() {
        scale_of(&store.modify_dry_run(target.resource, &target.namespace, target.name(), writer, edit)?, counts)
    } else {
        scale_of(&*store.try_modify::<ApiError>(target.resource, &target.namespace, target.name(), writer, edit)?, counts)
    };
    Ok(json_response(StatusCode::OK, &scaled))
}

fn check(resource: Resource, name: &str, scale: &Value, is_patch: bool) -> Result<(), ApiError> {
    let sent = text(scale, "name");
    if !sent.is_empty() && sent != name {
        return Err(StoreError::BadRequest(format!("the name of the object ({sent}) does not match the name on the URL ({name})")).into());
    }
    if let Some(replicas) = scale.pointer("/spec/replicas").filter(|replicas| replicas.as_i64().is_none()) {
        let kind = if replicas.is_string() { "string" } else { "value" };
        let why = format!("json: cannot unmarshal {kind} into Go struct field ScaleSpec.spec.replicas of type int32");
        if !is_patch {
            return Err(ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {why}")));
        }
        return Err(ApiError::invalid("", "", "", &[Fault::invalid("patch", &json!(scale.to_string()), &why)]));
    }
    let mut faults = Vec::new();
    let (kind, group) = if let Some(own) = custom::of(resource).and_then(|custom| custom.scale) {
        own.check(scale.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or_default(), &mut faults);
        (resource.definition().kind, resource.definition().group)
    } else {
        validation::check_replicas(scale, &mut faults);
        ("Scale", "autoscaling")
    };
    if faults.is_empty() { Ok(()) } else { Err(ApiError::invalid(kind, group, name, &faults)) }
}

/// Where objects of a type have their numbers of replicas.
fn counts(resource: Resource) -> Scale {
    custom::of(resource).and_then(|custom| custom.scale).unwrap_or(Scale { wanted: "/spec/replicas", present: "/status/replicas" })
}

fn set_count(object: &mut Value, pointer: &str, count: i64) {
    let (around, field) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(fields) = object.pointer_mut(around).and_then(Value::as_object_mut) {
        fields.insert(field.to_owned(), json!(count));
    }
}

/// A number of zero that is wanted, and a selector that is empty, are left out, as by the real type.
fn scale_of(object: &Value, counts: Scale) -> Value {
    let metadata: serde_json::Map<String, Value> = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"]
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), object.get("metadata")?.get(field)?.clone())))
        .collect();
    let count = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {}, "status": {"replicas": count(counts.present)},
    });
    if count(counts.wanted) != 0 {
        scale["spec"]["replicas"] = json!(count(counts.wanted));
    }
    let selector = selector_text(object.pointer("/spec/selector"));
    if !selector.is_empty() {
        scale["status"]["selector"] = json!(selector);
    }
    scale
}
