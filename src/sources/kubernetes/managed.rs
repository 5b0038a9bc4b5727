//! `metadata.managedFields`: who wrote which fields of an object, and when.
//!
//! The server keeps one entry a manager and subresource, and moves its time whenever that manager sets any field. So the time
//! of an entry that holds several fields is only the latest at which one of them can have been written.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::wire::{Few, Str, time};
use crate::domain::workload::Written;

/// Entries looked at of one object.
const MOST: usize = 64;

/// `metadata` of kinds whose writers matter.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Writers<'a> {
    #[serde(borrow, rename = "managedFields")]
    managed: Option<Few<Entry<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    manager: Option<Str<'a>>,
    time: Option<Str<'a>>,
    fields_v1: Option<Fields>,
}

#[derive(Debug, Default, Deserialize)]
struct Fields {
    #[serde(default, rename = "f:metadata")]
    metadata: Option<Metadata>,
    #[serde(default, rename = "f:spec")]
    spec: Option<Spec>,
    #[serde(default, rename = "f:data")]
    data: Option<IgnoredAny>,
    #[serde(default, rename = "f:binaryData")]
    binary_data: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default, rename = "f:annotations")]
    annotations: Option<Annotations>,
}

#[derive(Debug, Deserialize)]
struct Annotations {
    #[serde(default, rename = "f:deployment.kubernetes.io/revision")]
    revision: Option<IgnoredAny>,
}

/// Which fields of `spec` an entry holds.
#[derive(Debug, Default, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "a set of fields")]
struct Spec {
    template: bool,
    replicas: bool,
    bounds: bool,
    others: bool,
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Spec;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of fields")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Spec, M::Error> {
                let mut spec = Spec::default();
                while let Some(name) = map.next_key::<Str<'de>>()? {
                    map.next_value::<IgnoredAny>()?;
                    match &*name.0 {
                        "f:template" => spec.template = true,
                        "f:replicas" => spec.replicas = true,
                        "f:minReplicas" | "f:maxReplicas" => spec.bounds = true,
                        "." => {}
                        _ => spec.others = true,
                    }
                }
                Ok(spec)
            }
            fn visit_unit<E>(self) -> Result<Spec, E> {
                Ok(Spec::default())
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

impl Entry<'_> {
    fn spec(&self) -> Spec {
        self.fields_v1.as_ref().and_then(|fields| fields.spec).unwrap_or_default()
    }

    /// Of a ConfigMap; an entry that does not tell its fields may hold it.
    fn has_content(&self) -> bool {
        self.fields_v1.as_ref().is_none_or(|fields| fields.data.is_some() || fields.binary_data.is_some())
    }

    /// `exact`: the entry holds nothing else, so that its time is the write's.
    fn written(&self, exact: bool) -> Option<Written> {
        Some(Written { by: self.manager.as_ref()?.text(), at: time(self.time.as_ref()), exact })
    }
}

impl Writers<'_> {
    /// Who has a part of a ConfigMap's content and wrote last; labels and annotations are nobody's content.
    pub fn of_content(&self) -> Option<Written> {
        let newest = self.entries().filter(|entry| entry.has_content()).max_by_key(|entry| time(entry.time.as_ref()))?;
        newest.written(false)
    }

    /// Everybody who has a part of the pod template.
    pub fn of_template(&self) -> Box<[Written]> {
        self.entries().filter(|entry| entry.spec().template).filter_map(|entry| entry.written(false)).collect()
    }

    /// Who set `spec.replicas`. `kubectl scale` and autoscalers do it by the subresource `scale`.
    pub fn of_replicas(&self) -> Option<Written> {
        self.newest(|spec| spec.replicas, |spec| !spec.template && !spec.bounds && !spec.others)
    }

    /// Who set an autoscaler's `spec.minReplicas` or `spec.maxReplicas` last.
    pub fn of_bounds(&self) -> Option<Written> {
        self.newest(|spec| spec.bounds, |spec| !spec.template && !spec.replicas && !spec.others)
    }

    /// When a replica set's revision was written, at the latest.
    pub fn of_revision(&self) -> Option<DateTime<Utc>> {
        let has_it = |entry: &&Entry<'_>| {
            let annotations = entry.fields_v1.as_ref().and_then(|fields| fields.metadata.as_ref()?.annotations.as_ref());
            annotations.is_some_and(|annotations| annotations.revision.is_some())
        };
        self.entries().filter(has_it).filter_map(|entry| time(entry.time.as_ref())).max()
    }

    fn newest(&self, holds: impl Fn(Spec) -> bool, alone: impl Fn(Spec) -> bool) -> Option<Written> {
        let newest = self.entries().filter(|entry| holds(entry.spec())).max_by_key(|entry| time(entry.time.as_ref()))?;
        let has_metadata = newest.fields_v1.as_ref().is_some_and(|fields| fields.metadata.is_some());
        newest.written(alone(newest.spec()) && !has_metadata)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry<'_>> {
        self.managed.iter().flatten().take(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writers(entries: &str) -> Writers<'_> {
        serde_json::from_str(entries).unwrap()
    }

    /// As API servers of 1.36 write it for a deployment that was applied, scaled by kubectl and by an autoscaler.
    #[test]
    fn a_scale_is_told_from_what_else_its_writer_has() {
        let json = r#"{"managedFields":[
            {"manager":"ci-deployer","operation":"Update","time":"2026-11-23T02:05:00Z","fieldsV1":{"f:spec":{"f:strategy":{},"f:template":{"f:spec":{}}}}},
            {"manager":"kube-controller-manager","operation":"Update","subresource":"status","time":"2026-11-23T02:09:00Z",
             "fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:deployment.kubernetes.io/revision":{}}},"f:status":{"f:replicas":{}}}},
            {"manager":"kubectl","operation":"Update","subresource":"scale","time":"2026-11-23T02:07:00Z","fieldsV1":{"f:spec":{"f:replicas":{}}}}]}"#;
        let writers = writers(json);
        let scale = writers.of_replicas().unwrap();
        assert_eq!((&*scale.by, scale.exact, scale.at.unwrap().to_rfc3339().as_str()), ("kubectl", true, "2026-11-23T02:07:00+00:00"));
        assert_eq!(writers.of_template().iter().map(|written| &*written.by).collect::<Vec<_>>(), ["ci-deployer"]);
        assert_eq!(writers.of_revision().unwrap().to_rfc3339(), "2026-11-23T02:09:00+00:00");
    }

    #[test]
    fn labels_are_no_content() {
        let json = r#"{"managedFields":[{"manager":"ci","time":"2026-11-23T02:05:00Z","fieldsV1":{"f:data":{".":{},"f:a":{}}}},
            {"manager":"kubectl-label","time":"2026-11-23T02:09:00Z","fieldsV1":{"f:metadata":{"f:labels":{"f:a":{}}}}}]}"#;
        assert_eq!(&*writers(json).of_content().unwrap().by, "ci");
    }

    #[test]
    fn a_time_is_exact_only_where_the_entry_holds_nothing_else() {
        let edited =
            r#"{"managedFields":[{"manager":"kubectl-edit","time":"2026-11-23T02:05:00Z","fieldsV1":{"f:spec":{"f:replicas":{},"f:template":{}}}}]}"#;
        assert!(!writers(edited).of_replicas().unwrap().exact);
        let bounds = r#"{"managedFields":[{"manager":"kubectl-patch","time":"2026-11-23T02:05:00Z","fieldsV1":{"f:spec":{"f:minReplicas":{},"f:maxReplicas":{}}}}]}"#;
        assert!(writers(bounds).of_bounds().unwrap().exact);
        let made = r#"{"managedFields":[{"manager":"helm","time":"2026-11-23T02:05:00Z","fieldsV1":{"f:metadata":{"f:labels":{}},"f:spec":{"f:maxReplicas":{},"f:scaleTargetRef":{}}}}]}"#;
        assert!(!writers(made).of_bounds().unwrap().exact);
        assert!(writers(r#"{"managedFields":[{"manager":"old"}]}"#).of_bounds().is_none());
    }
}
