//! Objects and lists in the form a client asked for: whole, as a table, or their metadata only.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::custom;
use super::request::{Form, Target};
use super::status::json_response;
use super::table;
use super::versions::outgoing;

/// Objects written into one chunk of a list's body.
const CHUNK: usize = 200;

/// What a table's rows carry besides their cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include {
    Nothing,
    Metadata,
    Object,
}

impl Include {
    pub fn parse(parameter: &str) -> Self {
        match parameter {
            "None" => Self::Nothing,
            "Object" => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// One object.
pub fn object(target: &Target, form: Form, include: Include, code: StatusCode, object: &Arc<Value>, now: DateTime<Utc>) -> Response {
    json_response(code, &shaped(target, form, include, &outgoing(target, object), now))
}

/// One object in the form asked for; as a table it has one row.
pub fn shaped(target: &Target, form: Form, include: Include, object: &Value, now: DateTime<Utc>) -> Value {
    match form {
        Form::Json => object.clone(),
        Form::PartialMetadata => partial(object, "PartialObjectMetadata"),
        Form::Table => {
            let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
            json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version},
                "columnDefinitions": table::definitions(target.resource), "rows": [row(target, include, object, now)],
            })
        }
    }
}

/// A list, streamed in chunks.
pub fn list(target: &Target, form: Form, include: Include, metadata: &Value, items: &[Arc<Value>], now: DateTime<Utc>) -> Response {
    let (head, key) = match form {
        Form::Json => (json!({"kind": format!("{}List", target.resource.definition().kind), "apiVersion": target.api_version()}), "items"),
        Form::PartialMetadata => (json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}), "items"),
        Form::Table => (json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1"}), "rows"),
    };
    let mut opening = head;
    opening["metadata"] = metadata.clone();
    if custom::of(target.resource).is_some() && form == Form::Json && metadata.get("continue").is_none() {
        opening["metadata"]["continue"] = json!("");
    }
    if form == Form::Table {
        opening["columnDefinitions"] = table::definitions(target.resource);
    }
    let mut opening = opening.to_string();
    opening.pop();
    let opening = format!("{opening},\"{key}\":[");
    let target = target.clone();
    let mut first = true;
    let chunks: Vec<Vec<Arc<Value>>> = items.chunks(CHUNK).map(<[_]>::to_vec).collect();
    let body = stream::iter(chunks).map(move |chunk| {
        let mut bytes = Vec::new();
        for item in chunk {
            if !std::mem::take(&mut first) {
                bytes.push(b',');
            }
            write_item(&mut bytes, &target, form, include, &outgoing(&target, &item), now);
        }
        Bytes::from(bytes)
    });
    let whole = stream::once(async move { Bytes::from(opening) }).chain(body).chain(stream::once(async { Bytes::from_static(b"]}") }));
    let mut response = Response::new(Body::from_stream(whole.map(Ok::<_, std::convert::Infallible>)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn write_item(bytes: &mut Vec<u8>, target: &Target, form: Form, include: Include, object: &Value, now: DateTime<Utc>) {
    // Writing JSON into memory cannot fail.
    let _ = match form {
        // Of a custom resource each item says its kind itself.
        Form::Json if custom::of(target.resource).is_some() => serde_json::to_writer(bytes, object),
        Form::Json => serde_json::to_writer(bytes, &Item(object)),
        Form::PartialMetadata => serde_json::to_writer(bytes, &partial(object, "PartialObjectMetadata")),
        Form::Table => serde_json::to_writer(bytes, &row(target, include, object, now)),
    };
}

/// A list's item: without the kind that the list says.
struct Item<'a>(&'a Value);

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(fields) = self.0.as_object() else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for (field, value) in fields.iter().filter(|(field, _)| !matches!(field.as_str(), "apiVersion" | "kind")) {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

fn row(target: &Target, include: Include, object: &Value, now: DateTime<Utc>) -> Value {
    let mut row = json!({"cells": table::cells(target.resource, object, now)});
    match include {
        Include::Nothing => row["object"] = Value::Null,
        Include::Metadata => row["object"] = partial(object, "PartialObjectMetadata"),
        Include::Object => row["object"] = object.clone(),
    }
    row
}

fn partial(object: &Value, kind: &str) -> Value {
    json!({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": object.get("metadata")})
}
