//! Which fields of the logs are there, by `_field_caps`, and which of them are read.
//!
//! A configured field that no index maps gives way to a well known one that is mapped. Object fields (ECS' `service`, whose text is in
//! `service.name`) hold no value and count as not mapped.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::index_path;
use crate::{
    config::shape::Errors,
    connect::{ConnectError, HttpReader},
};

const ANSWER_LIMIT: usize = 4 << 20;

/// Names that logs commonly have, by what they say; the first that is mapped is taken.
const TIMES: [&str; 4] = ["@timestamp", "timestamp", "time", "ts"];
/// Types of fields that hold numbers.
const NUMBERS: [&str; 9] = ["long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"];
const LEVELS: [&str; 9] = ["log.level", "level", "severity", "severity_text", "loglevel", "log_level", "levelname", "level_name", "lvl"];
const SERVICES: [&str; 6] = [
    "service.name",
    "service",
    "resource.attributes.service.name",
    "kubernetes.labels.app",
    "kubernetes.container.name",
    "kubernetes.container_name",
];
const MESSAGES: [&str; 5] = ["message", "msg", "body.text", "body", "log"];
const PODS: [&str; 5] = ["kubernetes.pod.name", "kubernetes.pod", "kubernetes.pod_name", "k8s.pod.name", "resource.attributes.k8s.pod.name"];
const ERRORS: [&str; 5] = ["error.message", "error", "error.type", "err", "exception.message"];

/// The names that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    pub time: String,
    pub level: String,
    pub service: String,
    pub message: String,
    pub pod: String,
    pub error: String,
}

impl Fields {
    /// As configured.
    pub fn of(settings: &Errors) -> Self {
        let Errors { time_field, level_field, service_field, message_field, pod_field, error_field, .. } = settings.clone();
        Self { time: time_field, level: level_field, service: service_field, message: message_field, pod: pod_field, error: error_field }
    }

    /// What of a document is shown.
    pub fn shown(&self) -> [&str; 4] {
        [&self.service, &self.message, &self.pod, &self.error]
    }
}

/// What a field is mapped as, over all indices that the logs are in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapped {
    /// `keyword`, `text`, `date`; several where indices differ.
    pub types: Vec<String>,
    pub is_searchable: bool,
    pub is_aggregatable: bool,
    /// Whether some indices do not have it.
    pub is_missing_somewhere: bool,
}

/// The fields of interest that are mapped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    pub indices: usize,
    by_name: BTreeMap<String, Mapped>,
}

#[derive(Deserialize)]
struct Wire {
    indices: Option<Indices>,
    fields: Option<BTreeMap<String, BTreeMap<String, Capability>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Indices {
    Several(Vec<String>),
    One(String),
}

#[derive(Deserialize)]
struct Capability {
    searchable: Option<bool>,
    aggregatable: Option<bool>,
}

/// Asks what is mapped.
pub async fn look(server: &HttpReader, settings: &Errors, within: Duration) -> Result<Mapping, ConnectError> {
    let mut names: Vec<String> = Vec::new();
    let configured = Fields::of(settings);
    for (own, known) in [
        (&configured.time, TIMES.as_slice()),
        (&configured.level, &LEVELS),
        (&configured.service, &SERVICES),
        (&configured.message, &MESSAGES),
        (&configured.pod, &PODS),
        (&configured.error, &ERRORS),
    ] {
        for name in std::iter::once(own.as_str()).chain(known.iter().copied()) {
            names.push(name.to_owned());
        }
    }
    // The exact text beside an analysed level, as dynamic mappings make it.
    names.extend(std::iter::once(configured.level.as_str()).chain(LEVELS).map(|level| format!("{level}.keyword")));
    names.sort();
    names.dedup();
    let query = [
        ("fields", names.join(",")),
        ("include_unmapped", "true".into()),
        ("ignore_unavailable", "true".into()),
        ("allow_no_indices", "true".into()),
    ];
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value): &(&str, String)| (*name, value.as_str())).collect();
    let answer = server.get(&index_path(&settings.index, "_field_caps"), &query, ANSWER_LIMIT, within).await?;
    Ok(Mapping::read(answer.json::<Wire>()?))
}

impl Mapping {
    fn read(wire: Wire) -> Self {
        let indices = wire.indices.map_or(0, |indices| match indices {
            Indices::Several(names) => names.len(),
            Indices::One(name) => usize::from(!name.is_empty()),
        });
        let mut by_name = BTreeMap::new();
        for (name, types) in wire.fields.unwrap_or_default() {
            let mut mapped = Mapped { is_searchable: true, is_aggregatable: true, ..Mapped::default() };
            for (kind, capability) in types {
                match kind.as_str() {
                    "unmapped" => mapped.is_missing_somewhere = true,
                    "object" | "nested" => {}
                    _ => {
                        mapped.types.push(kind);
                        mapped.is_searchable &= capability.searchable.unwrap_or(true);
                        mapped.is_aggregatable &= capability.aggregatable.unwrap_or(false);
                    }
                }
            }
            if !mapped.types.is_empty() {
                by_name.insert(name, mapped);
            }
        }
        Self { indices, by_name }
    }

    /// Of one index, with fields of these types.
    #[cfg(test)]
    pub fn of(fields: &[(&str, &str)]) -> Self {
        let mapped = |kind: &str| Mapped { types: vec![kind.to_owned()], is_searchable: true, is_aggregatable: kind != "text", ..Mapped::default() };
        Self { indices: 1, by_name: fields.iter().map(|(name, kind)| ((*name).to_owned(), mapped(kind))).collect() }
    }

    pub fn get(&self, name: &str) -> Option<&Mapped> {
        self.by_name.get(name)
    }

    /// The configured fields, or the well known ones in the place of those that are not mapped.
    pub fn chosen(&self, settings: &Errors) -> Fields {
        let Fields { time, level, service, message, pod, error } = Fields::of(settings);
        Fields {
            time: self.or_known(time, &TIMES, Mapped::is_date),
            level: self.or_known(level, &LEVELS, |_| true),
            service: self.or_known(service, &SERVICES, |_| true),
            message: self.or_known(message, &MESSAGES, |_| true),
            pod: self.or_known(pod, &PODS, |_| true),
            error: self.or_known(error, &ERRORS, |_| true),
        }
    }

    fn or_known(&self, own: String, known: &[&str], fits: impl Fn(&Mapped) -> bool) -> String {
        if self.by_name.get(&own).is_some_and(&fits) {
            return own;
        }
        known.iter().find(|name| self.get(name).is_some_and(&fits)).map_or(own, |name| (*name).to_owned())
    }

    /// The field that holds the exact text of a level, for listing the levels there are.
    pub fn exact(&self, level: &str) -> Option<String> {
        [level.to_owned(), format!("{level}.keyword")].into_iter().find(|name| self.get(name).is_some_and(|mapped| mapped.is_aggregatable))
    }
}

impl Mapped {
    pub fn is_date(&self) -> bool {
        !self.types.is_empty() && self.types.iter().all(|kind| matches!(kind.as_str(), "date" | "date_nanos"))
    }

    /// Numbers, in some index at least.
    pub fn has_numbers(&self) -> bool {
        self.types.iter().any(|kind| NUMBERS.contains(&kind.as_str()))
    }

    /// `keyword`, or `keyword and text`.
    pub fn kinds(&self) -> String {
        self.types.join(" and ")
    }
}

#[cfg(test)]
pub(super) fn mapping(json: &str) -> Mapping {
    Mapping::read(serde_json::from_str(json).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_not_mapped_gives_way_to_a_well_known_one_that_is() {
        // As Elasticsearch 8.19 answers for documents in ECS.
        let ecs = mapping(
            r#"{"indices":["t-ecs"],"fields":{
              "@timestamp":{"date":{"type":"date","searchable":true,"aggregatable":true}},
              "service":{"object":{"type":"object","searchable":false,"aggregatable":false}},
              "service.name":{"text":{"type":"text","searchable":true,"aggregatable":false}},
              "log.level":{"text":{"type":"text","searchable":true,"aggregatable":false}},
              "log.level.keyword":{"keyword":{"type":"keyword","searchable":true,"aggregatable":true}},
              "message":{"text":{"type":"text","searchable":true,"aggregatable":false},"unmapped":{"type":"unmapped","indices":["x"]}}}}"#,
        );
        let chosen = ecs.chosen(&Errors::default());
        assert_eq!([&*chosen.time, &*chosen.level, &*chosen.service, &*chosen.message], ["@timestamp", "log.level", "service.name", "message"]);
        assert_eq!(chosen.pod, "kubernetes.pod", "nothing better is known");
        assert_eq!(ecs.exact("log.level").as_deref(), Some("log.level.keyword"));
        assert!(ecs.get("message").unwrap().is_missing_somewhere);
        assert_eq!(mapping("{}").chosen(&Errors::default()), Fields::of(&Errors::default()));
    }

    #[test]
    fn a_configured_field_that_is_mapped_stays_whatever_else_there_is() {
        let both = mapping(
            r#"{"indices":["a"],"fields":{"level":{"keyword":{"searchable":true,"aggregatable":true}},"log.level":{"keyword":{"searchable":true,"aggregatable":true}}}}"#,
        );
        assert_eq!(both.chosen(&Errors::default()).level, "level");
    }
}
