//! As much of `OpenAPI` v3 as kubectl reads: which paths take a patch, with `dryRun` and `fieldValidation`.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::discovery::{GROUPS, serves};
use super::kinds::DEFINITIONS;
use super::request::served;
use super::schemas;
use super::server::Answer;
use super::status::{ApiError, json_response};

/// `/openapi/v3`: where the documents are.
pub fn index() -> Response {
    let mut paths = Map::new();
    for (group, versions) in GROUPS {
        for version in versions {
            let path = base(group, version);
            paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}")}));
        }
    }
    // As the real server calls it.
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], json!({"paths": paths}).to_string()).into_response()
}

fn base(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// `/openapi/v3/apis/GROUP/VERSION`.
pub fn document(group: &str, version: &str) -> Answer {
    if !serves(group, version) {
        return Err(ApiError::no_such_resource());
    }
    let (mut paths, mut schemas) = (Map::new(), schemas::all());
    for definition in DEFINITIONS.iter().filter(|definition| served(definition.resource, group, version)) {
        let place = if definition.namespaced { "namespaces/{namespace}/" } else { "" };
        let path = format!("/{}/{place}{}/{{name}}", base(group, version), definition.plural);
        let kind = json!({"group": group, "version": version, "kind": definition.kind});
        let parameter = |name: &str, kind: &str| json!({"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": true}});
        let parameters = [
            parameter("dryRun", "string"),
            parameter("fieldManager", "string"),
            parameter("fieldValidation", "string"),
            parameter("force", "boolean"),
        ];
        let operation = json!({
            "operationId": format!("patch{}", definition.kind), "parameters": parameters, "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": kind,
        });
        paths.insert(path, json!({"patch": operation}));
        let package = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
        let schema = schemas.entry(schemas::name(&format!("{package}.{version}.{}", definition.kind))).or_insert_with(|| json!({"type": "object"}));
        schema["x-kubernetes-group-version-kind"] = json!([kind]);
    }
    let info = json!({"title": "Kubernetes", "version": "v1.36.3"});
    let document: Value = json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}});
    Ok(json_response(StatusCode::OK, &document))
}
