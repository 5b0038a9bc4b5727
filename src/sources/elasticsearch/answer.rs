//! The answer of `_search`, decoded leniently: every field may be missing.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::patterns::{Memory, grouped, recent_of};
use crate::{
    config::shape::Errors,
    domain::{
        log_pattern::{ErrorWindow, LogError},
        text::Text,
        time::agreed,
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
    buckets: Option<Vec<Bucket>>,
}

#[derive(Deserialize)]
struct Bucket {
    /// When its minute begins, in Unix milliseconds.
    key: Option<i64>,
    doc_count: Option<u64>,
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

    /// Whether it says what was searched; without that nothing it counts means anything.
    pub fn is_search(&self) -> bool {
        self.shards.as_ref().is_some_and(|shards| shards.total.is_some()) && self.hits.is_some()
    }

    /// The server's present. The last minute of the histogram is that of its own clock, `Date` may be a proxy's.
    pub fn present(&self, date: Option<DateTime<Utc>>, ours: DateTime<Utc>) -> DateTime<Utc> {
        let Some(date) = date else { return ours };
        let buckets = self.aggregations.as_ref().and_then(|all| all.per_minute.as_ref()?.buckets.as_ref());
        let minute = buckets.and_then(|buckets| DateTime::from_timestamp_millis(buckets.last()?.key?));
        minute.map_or(date, |minute| agreed(minute, date, ours))
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
        let read = hits.hits.unwrap_or_default();
        let aggregations = self.aggregations.unwrap_or(Aggregations { per_minute: None, recent: None, older: None });
        let older = aggregations.older.and_then(|older| older.some?.hits?.hits).unwrap_or_default();
        let known: std::collections::HashSet<String> = read.iter().filter_map(|hit| hit.id.clone()).collect();
        let placed = |hits: Vec<Hit>| hits.into_iter().filter_map(|hit| document(&hit.source?, settings)).collect::<Vec<LogError>>();
        let older = older.into_iter().filter(|hit| hit.id.as_ref().is_none_or(|id| !known.contains(id))).collect();
        let mut documents = placed(read);
        let newest_read = documents.len();
        documents.extend(placed(older));

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
        let sampled = recent_of(&documents, server_now);
        let patterns = grouped(&documents, recent, server_now, memory);
        let mut newest = documents;
        newest.truncate(newest_read.min(shown));
        ErrorWindow {
            recent,
            total,
            total_is_lower_bound,
            per_minute,
            newest,
            patterns,
            sampled: (sampled < recent).then_some(sampled),
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn settings() -> Errors {
        let [index, level_field, level, service_field, message_field, pod_field, error_field] =
            ["logstash-*", "level", "ERROR", "service", "message", "kubernetes.pod", "error"].map(str::to_owned);
        Errors { index, level_field, level, service_field, message_field, pod_field, error_field }
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-23T08:50:00Z").unwrap().to_utc()
    }

    /// As Elasticsearch 8.19 answered, shortened.
    const ANSWER: &str = r#"{"timed_out":false,"_shards":{"total":5,"successful":3,"skipped":0,"failed":2,
        "failures":[{"shard":0,"reason":{"type":"x","reason":"node left"}}]},
      "hits":{"total":{"value":300,"relation":"gte"},"hits":[
        {"_id":"a","_source":{"@timestamp":"2026-11-23T08:49:50.074Z","service":"core","message":"took 5 ms","kubernetes":{"pod":"core-1"}}},
        {"_id":"b","_source":{"@timestamp":"2026-11-23T08:49:40Z","service":"api","message":"lost \u001b[31m","error":null}},
        {"_id":"c","_source":{"message":"no time"}}]},
      "aggregations":{"recent":{"doc_count":275},"per_minute":{"buckets":[{"key":1,"doc_count":1},{"key":2,"doc_count":2}]},
        "older":{"doc_count":26,"some":{"hits":{"total":{"value":26,"relation":"eq"},"hits":[
          {"_id":"b","_source":{"@timestamp":"2026-11-23T08:49:40Z","service":"api","message":"lost \u001b[31m"}},
          {"_id":"d","_source":{"@timestamp":"2026-11-23T08:20:00Z","service":"core","message":"took 9 ms"}}]}}}}}"#;

    #[test]
    fn a_partial_answer_is_read_and_said() {
        let search: Search = serde_json::from_str(ANSWER).unwrap();
        assert_eq!(search.partial().unwrap(), "3 of 5 shards answered: node left");
        let window = search.window(&settings(), &mut Memory::default(), now(), 10);
        assert_eq!((window.recent, window.total, window.total_is_lower_bound, window.shards), (275, 300, true, (3, 5)));
        assert!(window.is_partial());
        assert_eq!(window.per_minute, [1, 2]);
        assert_eq!(window.sampled, Some(2));
        assert_eq!(window.newest.len(), 2);
        assert_eq!(window.newest[0].pod.as_deref(), Some("core-1"));
        let patterns: Vec<_> = window.patterns.iter().map(|pattern| (&*pattern.service, &*pattern.shape, pattern.recent, pattern.is_new)).collect();
        assert_eq!(patterns, [("core", "took <n> ms", 138, false), ("api", "lost <U+001B>[<n>m", 138, true)]);
        assert!(window.patterns[1].example.contains("<U+001B>"));
    }

    #[test]
    fn a_date_of_another_hour_is_not_the_servers_present() {
        let minute = now().timestamp_millis();
        let search: Search =
            serde_json::from_str(&format!(r#"{{"aggregations":{{"per_minute":{{"buckets":[{{"key":1}},{{"key":{minute}}}]}}}}}}"#)).unwrap();
        let (hour, ours) = (TimeDelta::hours(1), now() + TimeDelta::seconds(40));
        assert_eq!(search.present(Some(now() + hour), ours), ours);
        assert_eq!(search.present(Some(now()), ours + hour), now(), "a wrong clock here");
        assert_eq!(search.present(None, ours), ours);
        let search: Search = serde_json::from_str("{}").unwrap();
        assert_eq!(search.present(Some(now()), ours), now());
    }

    #[test]
    fn an_answer_without_anything_is_no_data() {
        let search: Search = serde_json::from_str(r#"{"hits":{"total":7}}"#).unwrap();
        let window = search.window(&settings(), &mut Memory::default(), now(), 10);
        assert_eq!((window.total, window.recent, window.newest.len(), window.sampled), (7, 0, 0, None));
    }
}
