//! The columns that custom resource definitions name, and their cells.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::kinds::Resource;
use super::{Column, NAME, age};

const DATE: Column = ("Age", "date", 0);

/// Where a cell's value stands.
enum Cell {
    At(&'static str),
    /// A field of the condition of this type.
    Condition(&'static str, &'static str),
    /// Since it was made.
    Age,
}

pub fn columns(resource: Resource) -> &'static [Column] {
    match resource {
        Resource::Applications => {
            &[NAME, ("Sync Status", "string", 0), ("Health Status", "string", 0), ("Revision", "string", 10), ("Project", "string", 10)]
        }
        Resource::HelmReleases | Resource::Kustomizations => &[NAME, DATE, ("Ready", "string", 0), ("Status", "string", 0)],
        Resource::ScaledObjects => &[
            NAME,
            ("ScaleTargetKind", "string", 0),
            ("ScaleTargetName", "string", 0),
            ("Min", "integer", 0),
            ("Max", "integer", 0),
            ("Ready", "string", 0),
            ("Active", "string", 0),
            ("Fallback", "string", 0),
            ("Paused", "string", 0),
            ("Triggers", "string", 0),
            ("Authentications", "string", 0),
            DATE,
        ],
        _ => &[NAME, DATE],
    }
}

fn values(resource: Resource) -> &'static [Cell] {
    use Cell::{Age, At, Condition};
    match resource {
        Resource::Applications => &[At("/status/sync/status"), At("/status/health/status"), At("/status/sync/revision"), At("/spec/project")],
        Resource::HelmReleases | Resource::Kustomizations => &[Age, Condition("Ready", "status"), Condition("Ready", "message")],
        Resource::ScaledObjects => &[
            At("/status/scaleTargetKind"),
            At("/spec/scaleTargetRef/name"),
            At("/spec/minReplicaCount"),
            At("/spec/maxReplicaCount"),
            Condition("Ready", "status"),
            Condition("Active", "status"),
            Condition("Fallback", "status"),
            Condition("Paused", "status"),
            At("/status/triggersTypes"),
            At("/status/authenticationsTypes"),
            Age,
        ],
        _ => &[Age],
    }
}

/// A value that is not there is null.
pub fn cells(resource: Resource, object: &Value, now: DateTime<Utc>) -> Vec<Value> {
    let condition = |kind: &str, field: &str| {
        let conditions = object.pointer("/status/conditions")?.as_array()?;
        conditions.iter().find(|condition| condition["type"] == kind)?.get(field).cloned()
    };
    let value = |cell: &Cell| match cell {
        Cell::At(pointer) => object.pointer(pointer).cloned().unwrap_or_default(),
        Cell::Condition(kind, field) => condition(kind, field).unwrap_or_default(),
        Cell::Age => json!(age(object.pointer("/metadata/creationTimestamp"), now)),
    };
    let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
    std::iter::once(name).chain(values(resource).iter().map(value)).collect()
}
