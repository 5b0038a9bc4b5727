//! What changed in the cluster lately: rollouts, ConfigMaps, scalings.

use chrono::{DateTime, Utc};

use super::{object::ObjectRef, text::Text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub at: DateTime<Utc>,
    pub object: ObjectRef,
    pub what: ChangeKind,
    /// Field manager or user, where known.
    pub by: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new revision, with the images that differ as (container, before, after).
    Rollout {
        from: u64,
        to: u64,
        images: Vec<(Text, Text, Text)>,
    },
    ConfigChanged,
    NodeNotReady {
        reason: Text,
    },
}
