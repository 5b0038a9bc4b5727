//! Aggregations computed over the documents that a query found.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Datelike, Months, NaiveDate};
use serde_json::{Map, Value as Json, json};

use super::aggregation::{Aggregation, DateHistogram, Interval, Kind, Metric, Terms, TermsOrder};
use super::dates;
use super::error::Error;
use super::fields::Field;
use super::search;
use crate::sim::log_store::Stored;

/// Most buckets one answer may have (Elasticsearch's default).
const MAX_BUCKETS: usize = 65_536;

type Documents = [Arc<Stored>];

/// All results by name.
pub fn compute(aggregations: &[Aggregation], documents: &Documents) -> Result<Map<String, Json>, Error> {
    Computation { buckets: Cell::new(0) }.level(aggregations, documents)
}

struct Computation {
    buckets: Cell<usize>,
}

impl Computation {
    fn level(&self, aggregations: &[Aggregation], documents: &Documents) -> Result<Map<String, Json>, Error> {
        aggregations.iter().map(|aggregation| Ok((aggregation.name.clone(), self.one(aggregation, documents)?))).collect()
    }

    fn one(&self, aggregation: &Aggregation, documents: &Documents) -> Result<Json, Error> {
        let inner = aggregation.inner.as_slice();
        match &aggregation.kind {
            Kind::Terms(terms) => self.terms(terms, inner, documents),
            Kind::DateHistogram(histogram) => self.date_histogram(histogram, inner, documents),
            Kind::TopHits { size, sort, shown } => Ok(json!({ "hits": search::hits(documents, sort, None, 0, *size, shown, Some(usize::MAX), 1.0) })),
            Kind::Metric { metric, field } => Ok(self::metric(*metric, *field, documents)),
            Kind::Cardinality(field) => Ok(json!({ "value": distinct(*field, documents) })),
            Kind::Missing(field) => {
                let lacking: Vec<_> =
                    documents.iter().filter(|stored| field.is_none_or(|field| !field.is_present(&stored.document))).cloned().collect();
                self.bucket(Map::new(), inner, &lacking)
            }
            Kind::Filter(query) => self.bucket(Map::new(), inner, &matching(query, documents)),
            Kind::Filters { filters, keyed } => {
                let buckets = filters.iter().map(|(name, query)| Ok((name.clone(), self.bucket(Map::new(), inner, &matching(query, documents))?)));
                let buckets = buckets.collect::<Result<Vec<_>, Error>>()?;
                Ok(if *keyed {
                    json!({ "buckets": buckets.into_iter().collect::<Map<_, _>>() })
                } else {
                    json!({ "buckets": buckets.into_iter().map(|(_, bucket)| bucket).collect::<Vec<_>>() })
                })
            }
        }
    }

    /// A bucket's key, count and inner results.
    fn bucket(&self, mut key: Map<String, Json>, inner: &[Aggregation], documents: &Documents) -> Result<Json, Error> {
        self.buckets.set(self.buckets.get() + 1);
        if self.buckets.get() > MAX_BUCKETS {
            return Err(Error::too_many_buckets(MAX_BUCKETS));
        }
        key.insert("doc_count".into(), json!(documents.len()));
        key.extend(self.level(inner, documents)?);
        Ok(Json::Object(key))
    }

    fn terms(&self, terms: &Terms, inner: &[Aggregation], documents: &Documents) -> Result<Json, Error> {
        let mut groups: BTreeMap<TermKey, Vec<Arc<Stored>>> = BTreeMap::new();
        for stored in documents {
            let Some(key) = term_key(terms, stored) else { continue };
            groups.entry(key).or_default().push(stored.clone());
        }
        let mut groups: Vec<_> = groups.into_iter().filter(|(_, members)| members.len() >= terms.min_doc_count.max(1)).collect();
        let by_metric = |name: &str, members: &Documents| -> f64 {
            let inner = inner.iter().find(|inner| inner.name == *name).map(|inner| &inner.kind);
            match inner {
                Some(Kind::Metric { metric, field }) => metric_value(*metric, *field, members).unwrap_or(f64::NEG_INFINITY),
                Some(Kind::Cardinality(field)) => distinct(*field, members) as f64,
                _ => 0.0,
            }
        };
        groups.sort_by(|(a_key, a), (b_key, b)| {
            let each = terms.order.iter().map(|(order, descending)| {
                let ordering = match order {
                    TermsOrder::Count => a.len().cmp(&b.len()),
                    TermsOrder::Key => a_key.cmp(b_key),
                    TermsOrder::Inner(name) => by_metric(name, a).total_cmp(&by_metric(name, b)),
                };
                if *descending { ordering.reverse() } else { ordering }
            });
            each.fold(Ordering::Equal, Ordering::then)
        });
        let others: usize = groups.iter().skip(terms.size).map(|(_, members)| members.len()).sum();
        let buckets = groups.iter().take(terms.size).map(|(key, members)| self.bucket(key.json(terms.field), inner, members));
        Ok(json!({
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": others,
            "buckets": buckets.collect::<Result<Vec<_>, _>>()?,
        }))
    }

    fn date_histogram(&self, histogram: &DateHistogram, inner: &[Aggregation], documents: &Documents) -> Result<Json, Error> {
        let mut groups: BTreeMap<i64, Vec<Arc<Stored>>> = BTreeMap::new();
        for stored in documents.iter().filter(|_| histogram.field.is_some()) {
            let ms = stored.document.timestamp.timestamp_millis();
            let inside = histogram.hard.0.is_none_or(|first| ms >= first) && histogram.hard.1.is_none_or(|last| ms <= last);
            if inside {
                groups.entry(floor(histogram, ms)).or_default().push(stored.clone());
            }
        }
        if histogram.min_doc_count == 0 {
            let ends = |ends: Option<&i64>, bound: Option<i64>| ends.copied().into_iter().chain(bound.map(|bound| floor(histogram, bound)));
            let first = ends(groups.keys().next(), histogram.extended.0).min();
            let last = ends(groups.keys().next_back(), histogram.extended.1).max();
            if let (Some(mut at), Some(last)) = (first.or(last), last.or(first)) {
                while at <= last {
                    groups.entry(at).or_default();
                    if groups.len() > MAX_BUCKETS {
                        return Err(Error::too_many_buckets(MAX_BUCKETS));
                    }
                    at = next(histogram, at);
                }
            }
        }
        let kept = groups.into_iter().filter(|(_, members)| members.len() >= histogram.min_doc_count);
        let buckets = kept.map(|(key, members)| {
            let names = Map::from_iter([("key_as_string".to_owned(), json!(dates::format(key))), ("key".to_owned(), json!(key))]);
            Ok((dates::format(key), self.bucket(names, inner, &members)?))
        });
        let mut buckets = buckets.collect::<Result<Vec<_>, Error>>()?;
        if histogram.descending {
            buckets.reverse();
        }
        Ok(if histogram.keyed {
            json!({ "buckets": buckets.into_iter().collect::<Map<_, _>>() })
        } else {
            json!({ "buckets": buckets.into_iter().map(|(_, bucket)| bucket).collect::<Vec<_>>() })
        })
    }
}

fn matching(query: &super::query::Query, documents: &Documents) -> Vec<Arc<Stored>> {
    documents.iter().filter(|stored| query.matches(&stored.document)).cloned().collect()
}

/// What documents are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum TermKey {
    Date(i64),
    /// A number, by its bits in an order that follows the value.
    Number(i64),
    Text(String),
}

impl TermKey {
    fn json(&self, field: Option<Field>) -> Map<String, Json> {
        let key = match self {
            Self::Text(text) => json!(text),
            Self::Date(ms) => json!(ms),
            Self::Number(bits) => json!(from_ordered(*bits)),
        };
        let mut names = Map::from_iter([("key".to_owned(), key)]);
        if let (Some(Field::Timestamp), Self::Date(ms)) = (field, self) {
            names.insert("key_as_string".into(), json!(dates::format(*ms)));
        }
        names
    }
}

fn ordered(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn from_ordered(bits: i64) -> f64 {
    f64::from_bits((if bits < 0 { bits ^ i64::MAX } else { bits }).cast_unsigned())
}

fn term_key(terms: &Terms, stored: &Stored) -> Option<TermKey> {
    let document = &stored.document;
    match terms.field {
        Some(Field::Timestamp) => Some(TermKey::Date(document.timestamp.timestamp_millis())),
        Some(Field::Duration) => document.duration_ms.map(|value| TermKey::Number(ordered(value))),
        field => {
            let text = field.and_then(|field| field.keyword(document)).or(terms.missing.as_deref())?;
            let listed = terms.include.as_ref().is_none_or(|include| include.is_match(text))
                && !terms.exclude.as_ref().is_some_and(|exclude| exclude.is_match(text));
            listed.then(|| TermKey::Text(text.to_owned()))
        }
    }
}

fn metric_value(metric: Metric, field: Option<Field>, documents: &Documents) -> Option<f64> {
    let field = field?;
    if metric == Metric::ValueCount {
        return Some(documents.iter().filter(|stored| field.is_present(&stored.document)).count() as f64);
    }
    let values: Vec<f64> = documents.iter().filter_map(|stored| field.number(&stored.document)).collect();
    match metric {
        Metric::Min => values.into_iter().reduce(f64::min),
        Metric::Max => values.into_iter().reduce(f64::max),
        Metric::Sum => Some(values.iter().sum()),
        Metric::Avg => (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64),
        Metric::ValueCount => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds and counts, well below 2^53")]
fn metric(metric: Metric, field: Option<Field>, documents: &Documents) -> Json {
    let value = metric_value(metric, field, documents);
    match (metric, value) {
        (Metric::ValueCount, value) => json!({ "value": value.unwrap_or(0.0) as i64 }),
        (Metric::Sum, None) => json!({ "value": 0.0 }),
        (_, Some(value)) if field == Some(Field::Timestamp) => json!({ "value": value, "value_as_string": dates::format(value as i64) }),
        (_, value) => json!({ "value": value }),
    }
}

fn distinct(field: Option<Field>, documents: &Documents) -> usize {
    let Some(field) = field else { return 0 };
    let texts: HashSet<&str> = documents.iter().filter_map(|stored| field.keyword(&stored.document)).collect();
    let numbers: HashSet<u64> = documents.iter().filter_map(|stored| field.number(&stored.document)).map(f64::to_bits).collect();
    texts.len().max(numbers.len())
}

/// The start of the bucket that a moment falls into.
fn floor(histogram: &DateHistogram, ms: i64) -> i64 {
    let shifted = ms - histogram.offset_ms;
    let start = match histogram.interval {
        Interval::Fixed(interval) => shifted.div_euclid(interval) * interval,
        // The epoch was a Thursday: Mondays lie four days after multiples of a week.
        Interval::Week => (shifted - 4 * 86_400_000).div_euclid(7 * 86_400_000) * 7 * 86_400_000 + 4 * 86_400_000,
        Interval::Month => month_start(shifted).map_or(shifted, midnight),
    };
    start + histogram.offset_ms
}

fn next(histogram: &DateHistogram, start: i64) -> i64 {
    match histogram.interval {
        Interval::Fixed(interval) => start + interval,
        Interval::Week => start + 7 * 86_400_000,
        Interval::Month => {
            let following = month_start(start - histogram.offset_ms).and_then(|first| first.checked_add_months(Months::new(1)));
            following.map_or(i64::MAX, |first| midnight(first) + histogram.offset_ms)
        }
    }
}

fn month_start(ms: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_millis(ms)?.date_naive().with_day(1)
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
}
