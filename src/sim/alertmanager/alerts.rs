//! Alerts as sent and as held, and their fingerprint.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value as Json, json};

use super::RECEIVER;
use crate::sim::tsdb::Labels;

/// An alert as a Prometheus sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct PostedAlert {
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
    /// When it ended, or when it is to be taken for ended without another word.
    pub ends_at: DateTime<Utc>,
    pub generator_url: String,
}

/// An alert as held.
#[derive(Debug, Clone)]
pub struct HeldAlert {
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub generator_url: String,
}

impl HeldAlert {
    pub fn new(posted: PostedAlert, now: DateTime<Utc>) -> Self {
        let PostedAlert { labels, annotations, starts_at, ends_at, generator_url } = posted;
        Self { labels, annotations, starts_at, ends_at, updated_at: now, generator_url }
    }

    /// The newest word counts; of overlapping alerts the earlier start.
    pub fn merge(&mut self, posted: PostedAlert, now: DateTime<Utc>) {
        let overlaps = posted.starts_at <= self.ends_at;
        let starts_at = if overlaps { self.starts_at.min(posted.starts_at) } else { posted.starts_at };
        *self = Self { starts_at, ..Self::new(posted, now) };
    }

    pub fn json(&self, silenced_by: &[String]) -> Json {
        json!({
            "annotations": self.annotations,
            "endsAt": time(self.ends_at),
            "fingerprint": format!("{:016x}", fingerprint(&self.labels)),
            "receivers": [{ "name": RECEIVER }],
            "startsAt": time(self.starts_at),
            "status": {
                "inhibitedBy": [], "mutedBy": [], "silencedBy": silenced_by,
                "state": if silenced_by.is_empty() { "active" } else { "suppressed" },
            },
            "updatedAt": time(self.updated_at),
            "generatorURL": self.generator_url,
            "labels": labels(&self.labels),
        })
    }
}

/// Reads one posted alert; without times it begins now and ends after five minutes, and with an end alone it begins at its end.
pub fn posted(json: &Json, now: DateTime<Utc>) -> Option<PostedAlert> {
    let strings = |key: &str| -> Option<BTreeMap<String, String>> {
        let Some(object) = json.get(key).and_then(Json::as_object) else { return Some(BTreeMap::new()) };
        object.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let moment = |key: &str| json.get(key).and_then(Json::as_str).and_then(parse_time).filter(|time| time.timestamp() > 0);
    let labels = Labels::new(strings("labels")?);
    if labels.is_empty() {
        return None;
    }
    let ends_at = moment("endsAt");
    Some(PostedAlert {
        labels,
        annotations: strings("annotations")?,
        starts_at: moment("startsAt").or(ends_at).unwrap_or(now),
        ends_at: ends_at.unwrap_or(now + chrono::TimeDelta::minutes(5)),
        generator_url: json.get("generatorURL").and_then(Json::as_str).unwrap_or_default().to_owned(),
    })
}

/// FNV-1a (64 bits) over the sorted labels, each name and value followed by the byte 255 (prometheus/common,
/// `model.LabelSet.Fingerprint`).
pub fn fingerprint(labels: &Labels) -> u64 {
    let separated = labels.iter().flat_map(|(name, value)| name.bytes().chain([255]).chain(value.bytes()).chain([255]));
    separated.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

pub fn labels(labels: &Labels) -> Json {
    Json::Object(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>())
}

pub fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}
