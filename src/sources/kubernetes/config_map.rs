//! ConfigMaps: keys, short values, and who wrote last.

use serde::Deserialize;

use super::{
    list_watch::Watched,
    wire::{MOST_PAIRS, Meta, Pairs, Written, text},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    text::Text,
    workload::ConfigMap,
};

pub(super) struct ConfigMaps;

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
    written: Written<'a>,
}

impl Watched for ConfigMaps {
    const SOURCE: SourceId = SourceId::ConfigMaps;
    type Wire<'a> = Wire<'a>;
    type Object = ConfigMap;

    fn object(&self, wire: Wire<'_>) -> Option<ConfigMap> {
        let Metadata { meta, written } = wire.metadata;
        let (changed_by, changed_at) = written.last().map_or((None, None), |(by, at)| (Some(by), at));
        let pairs = wire.data.iter().flat_map(|data| &data.0).take(MOST_PAIRS);
        Some(ConfigMap {
            key: meta.key()?,
            uid: meta.uid(),
            resource_version: text(meta.resource_version.as_ref()),
            data: pairs.map(|(key, value)| (key.text(), Text::bounded(&value.0, VALUE_LIMIT))).collect(),
            changed_at,
            changed_by,
        })
    }

    fn what(deltas: Vec<Delta<ConfigMap>>) -> What {
        What::ConfigMaps(deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
