//! The fields of objects as `OpenAPI` schemas, which `kubectl explain` reads: from the table of protobuf messages, without descriptions.

use serde_json::{Map, Value, json};

use super::protobuf::{Field, MESSAGES, Shape};

/// All messages of the table, by the names that [`name`] gives them.
pub fn all() -> Map<String, Value> {
    MESSAGES.iter().map(|(message, fields)| (name(message), object(fields.values()))).collect()
}

/// The schema of a message `group.version.Kind`.
pub fn name(message: &str) -> String {
    format!("io.k8s.api.{message}")
}

fn object<'a>(fields: impl Iterator<Item = &'a Field>) -> Value {
    let mut properties = Map::new();
    for field in fields {
        match (field.shape, MESSAGES.get(field.kind)) {
            // Its fields stand among those of its parent.
            (Shape::Inline, Some(inner)) => properties.extend(object(inner.values())["properties"].as_object().cloned().unwrap_or_default()),
            (Shape::Repeated, _) => drop(properties.insert(field.name.to_owned(), json!({"type": "array", "items": one(field.kind)}))),
            (Shape::Map, _) => drop(properties.insert(field.name.to_owned(), json!({"type": "object", "additionalProperties": one(field.kind)}))),
            _ => drop(properties.insert(field.name.to_owned(), one(field.kind))),
        }
    }
    json!({"type": "object", "properties": properties})
}

fn one(kind: &str) -> Value {
    match kind {
        "bool" => json!({"type": "boolean"}),
        "int32" | "int64" => json!({"type": "integer", "format": kind}),
        "double" => json!({"type": "number", "format": "double"}),
        "bytes" => json!({"type": "string", "format": "byte"}),
        kind if MESSAGES.contains_key(kind) && !MESSAGES[kind].is_empty() => {
            json!({"allOf": [{"$ref": format!("#/components/schemas/{}", name(kind))}]})
        }
        // Quantities, times and values that are a number or a text are written as text.
        _ => json!({"type": "string"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lead_to_the_schemas_of_their_messages() {
        let schemas = all();
        let deployment = &schemas["io.k8s.api.apps.v1.Deployment"]["properties"];
        assert_eq!(deployment["spec"]["allOf"][0]["$ref"], "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec");
        assert_eq!(schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["replicas"], json!({"type": "integer", "format": "int32"}));
        let labels = &schemas["io.k8s.api.meta.v1.ObjectMeta"]["properties"]["labels"];
        assert_eq!(*labels, json!({"type": "object", "additionalProperties": {"type": "string"}}));
    }
}
