//! The answer of `_search`, decoded leniently: every field may be missing.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    fields::Fields,
    patterns::{Memory, grouped, recent_of},
};
use crate::domain::{
    log_pattern::{ErrorWindow, LogError},
    text::{LINE_LIMIT, Text},
    time::{agreed, of_millis, plausible},
    units,
};

/// Minutes of the window.
const MINUTES: usize = 60;
const RECENT_MINUTES: usize = 15;

#[derive(Deserialize)]
pub(super) struct Search {
    timed_out: Option<bool>,
    #[serde(rename = "_shards")]
    shards: Option<Shards>,
    /// Of a search across clusters: shards of one that was skipped are not among the counted.
    #[serde(rename = "_clusters")]
    clusters: Option<Clusters>,
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
struct Clusters {
    total: Option<u32>,
    successful: Option<u32>,
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
    /// Values as the mapping has them, each a list.
    fields: Option<Map<String, Value>>,
    sort: Option<Vec<Value>>,
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

    /// The same of clusters; none of a search in one.
    fn clusters(&self) -> (u32, u32) {
        self.clusters.as_ref().map_or((0, 0), |clusters| (clusters.successful.unwrap_or(0), clusters.total.unwrap_or(0)))
    }

    /// Whether it says what was searched; without that nothing it counts means anything.
    pub fn is_search(&self) -> bool {
        self.shards.as_ref().is_some_and(|shards| shards.total.is_some()) && self.hits.is_some()
    }

    /// The server's present. The last minute of the histogram is that of its own clock, `Date` may be a proxy's.
    pub fn present(&self, date: Option<DateTime<Utc>>, ours: DateTime<Utc>) -> DateTime<Utc> {
        let Some(date) = date else { return ours };
        let buckets = self.aggregations.as_ref().and_then(|all| all.per_minute.as_ref()?.buckets.as_ref());
        let minute = buckets.and_then(|buckets| of_millis(buckets.last()?.key?));
        minute.map_or(date, |minute| agreed(minute, date, ours))
    }

    /// What is missing from the answer.
    pub fn partial(&self) -> Option<String> {
        let (answered, all) = self.shards();
        if answered < all {
            let reason = self.shards.as_ref().and_then(|shards| shards.failures.as_ref()?.first()?.pointer("/reason/reason")?.as_str());
            let reason = reason.map_or_else(String::new, |reason| format!(": {}", Text::of_error(reason, LINE_LIMIT)));
            return Some(format!("{answered} of {} answered{reason}", units::counted(u64::from(all), "shard")));
        }
        let (answered, all) = self.clusters();
        if answered < all {
            return Some(format!("{answered} of {} answered", units::counted(u64::from(all), "cluster")));
        }
        (self.timed_out == Some(true)).then(|| "the search ran out of time: partial".to_owned())
    }

    pub fn window(self, fields: &Fields, memory: &mut Memory, server_now: DateTime<Utc>, shown: usize) -> ErrorWindow {
        let (shards, clusters) = (self.shards(), self.clusters());
        let timed_out = self.timed_out == Some(true);
        let hits = self.hits.unwrap_or(Hits { total: None, hits: None });
        let read = hits.hits.unwrap_or_default();
        let aggregations = self.aggregations.unwrap_or(Aggregations { per_minute: None, recent: None, older: None });
        let older = aggregations.older.and_then(|older| older.some?.hits?.hits).unwrap_or_default();
        let known: std::collections::HashSet<String> = read.iter().filter_map(|hit| hit.id.clone()).collect();
        let placed = |hits: Vec<Hit>| hits.into_iter().filter_map(|hit| document(&hit, fields, server_now)).collect::<Vec<LogError>>();
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
        let by_minutes = || per_minute.iter().rev().take(RECENT_MINUTES).copied().fold(0, u64::saturating_add);
        let recent = aggregations.recent.and_then(|recent| recent.doc_count).unwrap_or_else(by_minutes);
        let sampled = recent_of(&documents, server_now);
        let patterns = grouped(&documents, recent, total.saturating_sub(recent), server_now, memory);
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
            clusters,
            timed_out,
            unknown: None,
        }
    }
}

/// None without a time: it could not be placed.
fn document(hit: &Hit, fields: &Fields, server_now: DateTime<Utc>) -> Option<LogError> {
    let nothing = Map::new();
    let source = hit.source.as_ref().unwrap_or(&nothing);
    let as_mapped = |name: &str| hit.fields.as_ref().and_then(|fields| fields.get(name));
    let sorted_by = || hit.sort.as_ref().and_then(|values| values.first());
    let at = as_mapped(&fields.time)
        .and_then(|value| time(value, None))
        .or_else(|| sorted_by().and_then(|value| time(value, None)))
        .or_else(|| time(field(source, &fields.time)?, Some(server_now)))?;
    let text = |name: &str| as_mapped(name).and_then(text).or_else(|| text(field(source, name)?));
    Some(LogError {
        at,
        service: text(&fields.service).unwrap_or_else(|| "(no service)".into()),
        pod: text(&fields.pod),
        message: text(&fields.message).or_else(|| text(&fields.error)).unwrap_or_else(|| "(no message)".into()),
        error: text(&fields.error),
    })
}

/// One line of text; of a list all that is in it. None where there is nothing, or an object.
fn text(value: &Value) -> Option<Text> {
    let plain = match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Object(_) => return None,
        Value::Array(values) => {
            let all: Vec<String> = values.iter().filter_map(|value| text(value).map(|text| text.to_string())).collect();
            all.join(", ")
        }
        other => other.to_string(),
    };
    let line = Text::log(&plain, LINE_LIMIT);
    (!line.is_empty()).then_some(line)
}

/// A time as the server writes values and sort values: milliseconds, as a number or as text, with a fraction where they are finer.
/// Of `_source`, which may have any form that the mapping takes, what is near to `around` is meant where a number leaves it open.
fn time(value: &Value, around: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match value {
        Value::Array(values) => time(values.first()?, around),
        Value::Number(number) => of_number(number.as_f64()?, around),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => of_number(number, around),
            Err(_) => of_text(text.trim()),
        },
        _ => None,
    }
}

/// Nanoseconds are what sorting by a `date_nanos` gives where its kind is not said.
#[expect(clippy::cast_possible_truncation, reason = "checked by DateTime, which takes what fits")]
fn of_number(number: f64, around: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    const NANOSECONDS_FROM: f64 = 1e16;
    let millis = if number >= NANOSECONDS_FROM { number / 1e6 } else { number };
    let plain = of_millis(millis as i64);
    let Some(around) = around else { return plain };
    let seconds = of_millis((number * 1_000.0) as i64);
    let far = |at: &DateTime<Utc>| (*at - around).abs();
    plain.into_iter().chain(seconds).min_by_key(far)
}

/// ISO 8601 as Elasticsearch's date formats take it: an offset with or without a colon, or none, which is UTC.
fn of_text(text: &str) -> Option<DateTime<Utc>> {
    let text = &*text.replacen(',', ".", 1);
    let with_offset = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z"));
    if let Ok(at) = with_offset {
        return plausible(at.with_timezone(&Utc));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let text = text.trim_end_matches('Z');
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).and_then(|at| plausible(at.and_utc()))
}

/// A field by its dotted name, wherever the document nests and wherever it flattens it.
fn field<'v>(source: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    if let Some(value) = source.get(name) {
        return Some(value);
    }
    let dots = name.match_indices('.').map(|(at, _)| at);
    dots.into_iter().find_map(|dot| field(source.get(&name[..dot])?.as_object()?, &name[dot + 1..]))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn fields() -> Fields {
        Fields::of(&crate::config::shape::Errors::default())
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-23T08:50:00Z").unwrap().to_utc()
    }

    /// As Elasticsearch 8.19 answered, shortened.
    const ANSWER: &str = r#"{"timed_out":false,"_shards":{"total":5,"successful":3,"skipped":0,"failed":2,
        "failures":[{"shard":0,"reason":{"type":"x","reason":"node left"}}]},
      "hits":{"total":{"value":300,"relation":"gte"},"hits":[
        {"_id":"a","_source":{"@timestamp":"2026-11-23T08:49:50.074Z","service":"core","message":"took 5 ms","kubernetes":{"pod":"core-1"}}},
        {"_id":"b","_source":{"@timestamp":"2026-11-23T08:49:40Z","service":"api","message":"\u001b[31mlost\u001b[0m \u001b[2J","error":null}},
        {"_id":"c","_source":{"message":"no time"}}]},
      "aggregations":{"recent":{"doc_count":275},"per_minute":{"buckets":[{"key":1,"doc_count":1},{"key":2,"doc_count":2}]},
        "older":{"doc_count":26,"some":{"hits":{"total":{"value":26,"relation":"eq"},"hits":[
          {"_id":"b","_source":{"@timestamp":"2026-11-23T08:49:40Z","service":"api","message":"\u001b[31mlost\u001b[0m \u001b[2J"}},
          {"_id":"d","_source":{"@timestamp":"2026-11-23T08:20:00Z","service":"core","message":"took 9 ms"}}]}}}}}"#;

    #[test]
    fn a_cluster_that_was_skipped_is_missing_from_the_answer() {
        let whole =
            r#"{"timed_out":false,"_shards":{"total":3,"successful":3},"_clusters":{"total":2,"successful":2,"skipped":0},"hits":{"total":0}}"#;
        let search = |text: &str| serde_json::from_str::<Search>(text).unwrap();
        assert_eq!(search(whole).partial(), None);
        let part = whole.replace(r#""successful":2,"skipped":0"#, r#""successful":1,"skipped":1"#);
        assert_eq!(search(&part).partial().unwrap(), "1 of 2 clusters answered");
        let window = search(&part).window(&fields(), &mut Memory::default(), now(), 5);
        assert!(window.is_partial() && window.unanswered() == Some((1, 2, "cluster")));
    }

    #[test]
    fn a_partial_answer_is_read_and_said() {
        let search: Search = serde_json::from_str(ANSWER).unwrap();
        assert_eq!(search.partial().unwrap(), "3 of 5 shards answered: node left");
        let window = search.window(&fields(), &mut Memory::default(), now(), 10);
        assert_eq!((window.recent, window.total, window.total_is_lower_bound, window.shards), (275, 300, true, (3, 5)));
        assert!(window.is_partial());
        assert_eq!(window.per_minute, [1, 2]);
        assert_eq!(window.sampled, Some(2));
        assert_eq!(window.newest.len(), 2);
        assert_eq!(window.newest[0].pod.as_deref(), Some("core-1"));
        let patterns: Vec<_> = window.patterns.iter().map(|pattern| (&*pattern.service, &*pattern.shape, pattern.recent, pattern.is_new)).collect();
        assert_eq!(patterns, [("core", "took <n> ms", 138, false), ("api", "lost <U+001B>[<n>J", 138, true)]);
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

    /// All of one moment, 08:49:50 UTC, as different mappings and shippers write it.
    #[rstest::rstest]
    #[case::milliseconds_of_the_mapping(r#""fields":{"@timestamp":["1795423790123"]},"_source":{"@timestamp":"no date at all"}"#)]
    #[case::finer_than_milliseconds(r#""fields":{"@timestamp":["1795423790123.456789"]}"#)]
    #[case::sort_value(r#""sort":[1795423790123],"_source":{"@timestamp":1795423790}"#)]
    #[case::sort_value_in_nanoseconds(r#""sort":[1795423790123456789]"#)]
    #[case::offset_without_a_colon(r#""_source":{"@timestamp":"2026-11-23T08:49:50.123+0000"}"#)]
    #[case::another_offset(r#""_source":{"@timestamp":"2026-11-23T10:49:50,123+02:00"}"#)]
    #[case::short_offset(r#""_source":{"@timestamp":"2026-11-23T10:49:50.123+02"}"#)]
    #[case::no_zone(r#""_source":{"@timestamp":"2026-11-23T08:49:50.123"}"#)]
    #[case::blank_for_t(r#""_source":{"@timestamp":"2026-11-23 08:49:50.123"}"#)]
    #[case::seconds(r#""_source":{"@timestamp":1795423790}"#)]
    #[case::seconds_with_a_fraction(r#""_source":{"@timestamp":1795423790.123}"#)]
    #[case::milliseconds_as_text(r#""_source":{"@timestamp":"1795423790123"}"#)]
    #[case::list(r#""_source":{"@timestamp":["2026-11-23T08:49:50.123Z"]}"#)]
    fn times_are_read_in_every_form_that_elasticsearch_takes(#[case] hit: &str) {
        let hit: Hit = serde_json::from_str(&format!("{{{hit}}}")).unwrap();
        let document = document(&hit, &fields(), now()).expect("a time");
        assert_eq!(document.at.timestamp(), 1_795_423_790);
    }

    #[test]
    fn a_text_is_the_one_of_the_mapping_and_an_object_is_none() {
        let hit: Hit = serde_json::from_str(
            r#"{"sort":[1795423790123],"fields":{"service":["core"]},
                "_source":{"service":{"name":"x"},"message":["a","b"],"kubernetes":{"pod":{"name":"p"}},"error":{"type":"E"}}}"#,
        )
        .unwrap();
        let mut fields = fields();
        fields.pod = "kubernetes.pod.name".to_owned();
        let document = document(&hit, &fields, now()).unwrap();
        assert_eq!((&*document.service, &*document.message, document.pod.as_deref(), document.error), ("core", "a, b", Some("p"), None));
        let source: Map<String, Value> = serde_json::from_str(r#"{"a.b":{"c":1},"a":{"b.d":2}}"#).unwrap();
        assert_eq!((field(&source, "a.b.c"), field(&source, "a.b.d")), (Some(&1.into()), Some(&2.into())));
    }

    #[test]
    fn an_answer_without_anything_is_no_data() {
        let search: Search = serde_json::from_str(r#"{"hits":{"total":7}}"#).unwrap();
        let window = search.window(&fields(), &mut Memory::default(), now(), 10);
        assert_eq!((window.total, window.recent, window.newest.len(), window.sampled), (7, 0, 0, None));
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_for_a_time_can_be_counted_from(number in proptest::num::f64::ANY, text in r"[+-]?[0-9]{1,7}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}Z?") {
            let times = [of_number(number, None), of_number(number, Some(now())), of_text(&text), of_text("+262142-12-31T23:59:59")];
            for at in times.into_iter().flatten() {
                let _ = (at + TimeDelta::days(365_000), at - TimeDelta::days(365_000));
            }
        }
    }
}
