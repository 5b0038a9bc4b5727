//! The answer of `_search`, decoded leniently: every field may be missing.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::patterns::{Memory, grouped};
use crate::{
    config::shape::Errors,
    domain::{
        log_pattern::{ErrorWindow, LogError},
        text::Text,
    },
};

/// Minutes of the window.
const MINUTES: usize = 60;
const RECENT_MINUTES: usize = 15;

#[derive(Deserialize)]
pub(super) struct Search {
    timed_out: Option<bool>,
    #[serde(rename = "_shards")]
    shards: Option<Shards>,
    hits: Option<Hits>,
    aggregations: Option<Aggregations>,
}

#[derive(Deserialize)]
struct Shards {
    total: Option<u32>,
    successful: Option<u32>,
    failures: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Hits {
    total: Option<Total>,
    hits: Option<Vec<Hit>>,
}

/// An object since version 7; a number with `rest_total_hits_as_int`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Total {
    Tracked { value: u64, relation: Option<String> },
    Plain(u64),
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: Option<String>,
    #[serde(rename = "_source")]
    source: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Aggregations {
    per_minute: Option<Histogram>,
    recent: Option<Count>,
    older: Option<Older>,
}

#[derive(Deserialize)]
struct Histogram {
    buckets: Option<Vec<Count>>,
}

#[derive(Deserialize)]
struct Count {
    doc_count: Option<u64>,
}

#[derive(Deserialize)]
struct Older {
    some: Option<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    hits: Option<Hits>,
}

impl Search {
    /// Shards that answered, and all.
    pub fn shards(&self) -> (u32, u32) {
        self.shards.as_ref().map_or((0, 0), |shards| (shards.successful.unwrap_or(0), shards.total.unwrap_or(0)))
    }

    /// What is missing from the answer.
    pub fn partial(&self) -> Option<String> {
        let (answered, all) = self.shards();
        if answered < all {
            let reason = self.shards.as_ref().and_then(|shards| shards.failures.as_ref()?.first()?.pointer("/reason/reason")?.as_str());
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            return Some(format!("{answered} of {all} shards answered{reason}"));
        }
        (self.timed_out == Some(true)).then(|| "the search ran out of time: partial".to_owned())
    }

    pub fn window(self, settings: &Errors, memory: &mut Memory, server_now: DateTime<Utc>, shown: usize) -> ErrorWindow {
        let shards = self.shards();
        let timed_out = self.timed_out == Some(true);
        let hits = self.hits.unwrap_or(Hits { total: None, hits: None });
        let mut read = hits.hits.unwrap_or_default();
        let newest_read = read.len();
        let aggregations = self.aggregations.unwrap_or(Aggregations { per_minute: None, recent: None, older: None });
        let older = aggregations.older.and_then(|older| older.some?.hits?.hits).unwrap_or_default();
        let known: std::collections::HashSet<String> = read.iter().filter_map(|hit| hit.id.clone()).collect();
        read.extend(older.into_iter().filter(|hit| hit.id.as_ref().is_none_or(|id| !known.contains(id))));
        let documents: Vec<LogError> = read.into_iter().filter_map(|hit| document(&hit.source?, settings)).collect();

        let (total, total_is_lower_bound) = match hits.total {
            Some(Total::Tracked { value, relation }) => (value, relation.as_deref() == Some("gte")),
            Some(Total::Plain(value)) => (value, false),
            None => (documents.len() as u64, true),
        };
        let mut per_minute: Vec<u64> = aggregations
            .per_minute
            .and_then(|histogram| histogram.buckets)
            .unwrap_or_default()
            .iter()
            .map(|bucket| bucket.doc_count.unwrap_or(0))
            .collect();
        if per_minute.len() > MINUTES {
            per_minute.drain(..per_minute.len() - MINUTES);
        }
        let by_minutes = || per_minute.iter().rev().take(RECENT_MINUTES).sum();
        let recent = aggregations.recent.and_then(|recent| recent.doc_count).unwrap_or_else(by_minutes);
        let sampled = documents.len() as u64;
        let patterns = grouped(&documents, server_now, memory);
        let mut newest = documents;
        newest.truncate(newest_read.min(shown));
        ErrorWindow {
            recent,
            total,
            total_is_lower_bound,
            per_minute,
            newest,
            patterns,
            sampled: (sampled < total).then_some(sampled),
            shards,
            timed_out,
        }
    }
}

/// None without a time: it could not be placed.
fn document(source: &Map<String, Value>, settings: &Errors) -> Option<LogError> {
    let at = field(source, "@timestamp")?;
    let at = match at {
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc),
        number => DateTime::from_timestamp_millis(number.as_i64()?)?,
    };
    let text = |name: &str| {
        let value = field(source, name)?;
        let text = match value {
            Value::String(text) => Text::line(text),
            Value::Null => return None,
            other => Text::line(&other.to_string()),
        };
        (!text.is_empty()).then_some(text)
    };
    Some(LogError {
        at,
        service: text(&settings.service_field).unwrap_or_else(|| "(no service)".into()),
        pod: text(&settings.pod_field),
        message: text(&settings.message_field).or_else(|| text(&settings.error_field)).unwrap_or_else(|| "(no message)".into()),
        error: text(&settings.error_field),
    })
}

/// A field by its dotted name, whether the document nests or flattens it.
fn field<'v>(source: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    if let Some(value) = source.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    field(source.get(first)?.as_object()?, rest)
}
