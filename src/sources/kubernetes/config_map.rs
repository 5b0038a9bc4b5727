//! ConfigMaps: keys, sizes, short values, and who wrote last.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::{
    list_watch::Watched,
    managed::Writers,
    wire::{MOST_PAIRS, Meta, Pairs, Str, text},
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
    #[serde(default)]
    data: Content<'a>,
    #[serde(default, rename = "binaryData")]
    binary: Content<'a>,
}

/// The first keys with their values, and how much there is of all.
#[derive(Default)]
struct Content<'a> {
    first: Vec<(Str<'a>, Str<'a>)>,
    keys: u32,
    /// Of the values as they are written here.
    bytes: u64,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Content<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of strings")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut content = Content::default();
                while let Some((key, value)) = map.next_entry::<Str<'de>, Str<'de>>()? {
                    content.keys = content.keys.saturating_add(1);
                    content.bytes += length(&value);
                    if content.first.len() < MOST_PAIRS {
                        content.first.push((key, value));
                    }
                }
                Ok(content)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

fn length(value: &Str<'_>) -> u64 {
    u64::try_from(value.0.len()).unwrap_or(u64::MAX)
}

/// Bytes that so many characters of base64 stand for.
fn decoded(characters: u64) -> u64 {
    characters / 4 * 3
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
        let texts = wire.data.first.iter().map(|(key, value)| (key.text(), length(value)));
        let binaries = wire.binary.first.iter().map(|(key, value)| (key.text(), decoded(length(value))));
        let sizes = texts.chain(binaries).take(ConfigMap::MOST_KEYS).collect();
        let data: Box<[_]> =
            wire.data.first.iter().take(ConfigMap::MOST_KEYS).map(|(key, value)| (key.text(), Text::bounded(&value.0, VALUE_LIMIT))).collect();
        // Who applies brings both to the same.
        let drift = meta.annotation(LAST_APPLIED).filter(|applied| applied.0.len() <= APPLIED_LIMIT).map(|applied| drift(&applied.0, &data));
        Some(ConfigMap {
            key: meta.key()?,
            uid: meta.uid(),
            resource_version: text(meta.resource_version.as_ref()),
            created: meta.created(),
            keys: wire.data.keys.saturating_add(wire.binary.keys),
            size: wire.data.bytes.saturating_add(decoded(wire.binary.bytes)),
            sizes,
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

    #[test]
    fn every_key_counts_and_the_first_are_named() {
        let pairs: Vec<_> = (0..70).map(|at| format!(r#""key-{at}":"12345""#)).collect();
        let json = format!(r#"{{"metadata":{{"name":"m"}},"data":{{{}}},"binaryData":{{"logo":"AAAAAAAA"}}}}"#, pairs.join(","));
        let map = ConfigMaps.object(serde_json::from_str(&json).unwrap()).unwrap();
        assert_eq!((map.keys, map.size, map.data.len(), map.sizes.len()), (71, 356, 64, 64));
        let binary = r#"{"metadata":{"name":"m"},"data":null,"binaryData":{"logo":"AAAAAAAA"}}"#;
        let map = ConfigMaps.object(serde_json::from_str(binary).unwrap()).unwrap();
        assert_eq!((map.keys, map.size, map.data.len()), (1, 6, 0));
        assert_eq!(*map.sizes, [("logo".into(), 6)]);
        let empty = ConfigMaps.object(serde_json::from_str(r#"{"metadata":{"name":"m"}}"#).unwrap()).unwrap();
        assert_eq!((empty.keys, empty.size), (0, 0));
    }
}
