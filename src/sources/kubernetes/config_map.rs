//! ConfigMaps: keys, short values, and who wrote last.

use serde::Deserialize;

use super::{
    list_watch::Watched,
    managed::Writers,
    wire::{Meta, Pairs, text},
};
use crate::domain::{
    change::differences,
    health::SourceId,
    observation::{Delta, What},
    text::Text,
    workload::{ConfigMap, Difference},
};

pub(super) struct ConfigMaps;

/// The whole object as kubectl last applied it, in JSON.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Bytes of it that are read; nothing of a longer one.
const APPLIED_LIMIT: usize = 65_536;
/// Characters kept of a value.
const VALUE_LIMIT: usize = 256;

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    data: Option<Pairs<'a>>,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow, flatten)]
    meta: Meta<'a>,
    #[serde(flatten)]
    writers: Writers<'a>,
}

impl Watched for ConfigMaps {
    const SOURCE: SourceId = SourceId::ConfigMaps;
    type Wire<'a> = Wire<'a>;
    type Object = ConfigMap;

    fn object(&self, wire: Wire<'_>) -> Option<ConfigMap> {
        let Metadata { meta, writers } = wire.metadata;
        let (changed_by, changed_at) = writers.of_content().map_or((None, None), |written| (Some(written.by), written.at));
        let pairs = wire.data.iter().flat_map(|data| &data.0).take(ConfigMap::MOST_KEYS);
        let data: Box<[_]> = pairs.map(|(key, value)| (key.text(), Text::bounded(&value.0, VALUE_LIMIT))).collect();
        // Who applies brings both to the same.
        let drift = meta.annotation(LAST_APPLIED).filter(|applied| applied.0.len() <= APPLIED_LIMIT).map(|applied| drift(&applied.0, &data));
        Some(ConfigMap {
            key: meta.key()?,
            uid: meta.uid(),
            resource_version: text(meta.resource_version.as_ref()),
            data,
            drift: drift.unwrap_or_default(),
            changed_at,
            changed_by,
        })
    }

    fn what(deltas: Vec<Delta<ConfigMap>>) -> What {
        What::ConfigMaps(deltas)
    }
}

/// What differs between the applied object and the present data.
fn drift(applied: &str, data: &[(Text, Text)]) -> Box<[Difference]> {
    #[derive(Deserialize)]
    struct Applied<'a> {
        #[serde(borrow)]
        data: Option<Pairs<'a>>,
    }
    let Ok(Applied { data: Some(applied) }) = serde_json::from_str(applied) else { return Box::default() };
    let applied: Vec<(Text, Text)> = applied.0.iter().map(|(key, value)| (key.text(), Text::bounded(&value.0, VALUE_LIMIT))).collect();
    differences(&applied, data).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_not_as_applied_have_both_values_and_secrets_none() {
        let applied = r#"{\"data\":{\"pool\":\"20\",\"same\":\"1\",\"db_password\":\"old\"}}"#;
        let json = format!(
            r#"{{"metadata":{{"name":"api-config","namespace":"n","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":"{applied}"}}}},
            "data":{{"pool":"5","same":"1","db_password":"new"}}}}"#
        );
        let map = ConfigMaps.object(serde_json::from_str(&json).unwrap()).unwrap();
        assert_eq!(*map.drift, [("db_password".into(), None, None), ("pool".into(), Some("20".into()), Some("5".into()))]);
    }

    #[test]
    fn the_last_writer_is_the_newest_manager() {
        let json = r#"{"metadata":{"name":"api-config","namespace":"n","uid":"u","resourceVersion":"7","managedFields":[
            {"manager":"ci-deployer","time":"2026-11-23T02:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:a":{}}}},
            {"manager":"kubectl-patch","time":"2026-11-23T02:05:00Z"}]},"data":{"circuit_breaker_enabled":"false","long":"LONG"}}"#;
        let json = json.replace("LONG", &"x".repeat(1_000));
        let map = ConfigMaps.object(serde_json::from_str(&json).unwrap()).unwrap();
        assert_eq!(&*map.changed_by.unwrap(), "kubectl-patch");
        assert_eq!(map.changed_at.unwrap().to_rfc3339(), "2026-11-23T02:05:00+00:00");
        assert_eq!(map.data[0], ("circuit_breaker_enabled".into(), "false".into()));
        assert_eq!(map.data[1].1.chars().count(), VALUE_LIMIT + 1);
    }
}
