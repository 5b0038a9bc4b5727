//! Aggregations as a request describes them.

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::Value as Json;

use super::dates;
use super::error::Error;
use super::fields::Field;
use super::query::Query;
use super::search::Shown;
use super::sort::{self, Level};

/// Deepest nesting of aggregations taken.
const MAX_DEPTH: usize = 10;

/// One named aggregation with those inside of it.
#[derive(Debug, Clone)]
pub struct Aggregation {
    pub name: String,
    pub kind: Kind,
    pub inner: Vec<Aggregation>,
}

/// What an aggregation makes of the documents of its bucket.
#[derive(Debug, Clone)]
pub enum Kind {
    Terms(Terms),
    DateHistogram(DateHistogram),
    TopHits {
        size: usize,
        sort: Vec<Level>,
        shown: Shown,
    },
    Metric {
        metric: Metric,
        field: Option<Field>,
    },
    Cardinality(Option<Field>),
    Missing(Option<Field>),
    Filter(Query),
    /// Keyed by name, or a list.
    Filters {
        filters: Vec<(String, Query)>,
        keyed: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Min,
    Max,
    Sum,
    Avg,
    ValueCount,
}

#[derive(Debug, Clone)]
pub struct Terms {
    pub field: Option<Field>,
    pub size: usize,
    pub min_doc_count: usize,
    /// Descending if so.
    pub order: Vec<(TermsOrder, bool)>,
    pub missing: Option<String>,
    pub include: Option<Regex>,
    pub exclude: Option<Regex>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermsOrder {
    Count,
    Key,
    /// The value of a metric inside.
    Inner(String),
}

#[derive(Debug, Clone)]
pub struct DateHistogram {
    pub field: Option<Field>,
    pub interval: Interval,
    pub offset_ms: i64,
    pub min_doc_count: usize,
    /// First and last moment that has a bucket even if it is empty.
    pub extended: (Option<i64>, Option<i64>),
    /// First and last moment that may have a bucket.
    pub hard: (Option<i64>, Option<i64>),
    pub keyed: bool,
    pub descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Milliseconds, counted from the epoch.
    Fixed(i64),
    /// From Monday.
    Week,
    Month,
}

/// Reads `aggs`.
pub fn parse(json: &Json, now: DateTime<Utc>) -> Result<Vec<Aggregation>, Error> {
    Parser { now }.level(json, 0)
}

struct Parser {
    now: DateTime<Utc>,
}

impl Parser {
    fn level(&self, json: &Json, depth: usize) -> Result<Vec<Aggregation>, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::argument(format!("aggregations are nested deeper than {MAX_DEPTH}")));
        }
        let Some(object) = json.as_object() else { return Ok(Vec::new()) };
        object.iter().map(|(name, body)| self.aggregation(name, body, depth)).collect()
    }

    fn aggregation(&self, name: &str, body: &Json, depth: usize) -> Result<Aggregation, Error> {
        let object = body
            .as_object()
            .ok_or_else(|| Error::parsing(format!("Aggregation definition for [{name} starts with a value, expected a [START_OBJECT].")))?;
        let mut inner = Vec::new();
        let mut kind = None;
        for (key, value) in object {
            match key.as_str() {
                "aggs" | "aggregations" => inner = self.level(value, depth + 1)?,
                "meta" => {}
                _ if kind.is_some() => return Err(Error::parsing(format!("Found two aggregation type definitions in [{name}]"))),
                key => kind = Some(self.kind(key, value)?),
            }
        }
        let kind = kind.ok_or_else(|| Error::parsing(format!("Missing definition for aggregation [{name}]")))?;
        if !inner.is_empty() && matches!(kind, Kind::TopHits { .. } | Kind::Metric { .. } | Kind::Cardinality(_)) {
            return Err(Error::argument(format!("Aggregator [{name}] cannot accept sub-aggregations")));
        }
        let aggregation = Aggregation { name: name.to_owned(), kind, inner };
        check_order(&aggregation)?;
        Ok(aggregation)
    }

    fn kind(&self, kind: &str, body: &Json) -> Result<Kind, Error> {
        let metric = |metric| Ok(Kind::Metric { metric, field: field(body, metric == Metric::ValueCount)? });
        match kind {
            "terms" => terms(body).map(Kind::Terms),
            "date_histogram" => self.date_histogram(body).map(Kind::DateHistogram),
            "top_hits" => Ok(Kind::TopHits {
                size: count(body, "size", 3)?.min(100),
                sort: sort::parse(body.get("sort").unwrap_or(&Json::Null))?,
                shown: Shown::parse(body)?,
            }),
            "min" => metric(Metric::Min),
            "max" => metric(Metric::Max),
            "sum" => metric(Metric::Sum),
            "avg" => metric(Metric::Avg),
            "value_count" => metric(Metric::ValueCount),
            "cardinality" => Ok(Kind::Cardinality(field(body, false)?)),
            "missing" => Ok(Kind::Missing(field(body, false)?)),
            "filter" => Ok(Kind::Filter(Query::parse(body, self.now)?)),
            "filters" => self.filters(body),
            unknown => Err(Error::parsing(format!("Unknown aggregation type [{unknown}]"))),
        }
    }

    fn filters(&self, body: &Json) -> Result<Kind, Error> {
        let parse = |query: &Json| Query::parse(query, self.now);
        match body.get("filters") {
            Some(Json::Object(object)) => {
                let filters = object.iter().map(|(name, query)| Ok((name.clone(), parse(query)?))).collect::<Result<_, _>>()?;
                Ok(Kind::Filters { filters, keyed: true })
            }
            Some(Json::Array(list)) => {
                let filters = list.iter().map(|query| Ok((String::new(), parse(query)?))).collect::<Result<_, _>>()?;
                Ok(Kind::Filters { filters, keyed: false })
            }
            _ => Err(Error::argument("[filters] cannot be null or empty")),
        }
    }

    fn date_histogram(&self, body: &Json) -> Result<DateHistogram, Error> {
        let text = |key: &str| body.get(key).and_then(Json::as_str);
        let interval = match (text("fixed_interval"), text("calendar_interval")) {
            (Some(fixed), _) => fixed_interval(fixed).map(Interval::Fixed).ok_or_else(|| not_an_interval(fixed))?,
            (None, Some(calendar)) => calendar_interval(calendar)
                .ok_or_else(|| Error::argument(format!("The supplied interval [{calendar}] could not be parsed as a calendar interval.")))?,
            (None, None) => return Err(Error::shard_argument("Invalid interval specified, must be non-null and non-empty")),
        };
        let bounds = |key: &str| -> Result<(Option<i64>, Option<i64>), Error> {
            let end =
                |end: &str, up| body.get(key).and_then(|bounds| bounds.get(end)).map(|value| dates::parse(value, None, self.now, up)).transpose();
            Ok((end("min", false)?, end("max", false)?))
        };
        let offset = text("offset").unwrap_or("0s");
        let (sign, offset) = offset.strip_prefix('-').map_or((1, offset.trim_start_matches('+')), |rest| (-1, rest));
        let field = field(body, false)?;
        if field.is_some_and(|field| field != Field::Timestamp) {
            return Err(Error::shard_argument("Field is not supported for aggregation [date_histogram]"));
        }
        Ok(DateHistogram {
            field,
            interval,
            offset_ms: sign * fixed_interval(offset).or_else(|| offset.starts_with('0').then_some(0)).ok_or_else(|| not_an_interval(offset))?,
            min_doc_count: count(body, "min_doc_count", 0)?,
            extended: bounds("extended_bounds")?,
            hard: bounds("hard_bounds")?,
            keyed: body.get("keyed").and_then(Json::as_bool).unwrap_or(false),
            descending: body.get("order").and_then(|order| order.get("_key")).and_then(Json::as_str) == Some("desc"),
        })
    }
}

fn terms(body: &Json) -> Result<Terms, Error> {
    let named = body
        .get("field")
        .and_then(Json::as_str)
        .ok_or_else(|| Error::argument("Required one of fields [field, script], but none were specified. "))?;
    let size = count(body, "size", 10)?;
    if size == 0 {
        return Err(Error::argument("[size] must be greater than 0. Found [0] in [terms]"));
    }
    let one = |json: &Json| -> Result<Vec<(TermsOrder, bool)>, Error> {
        let object = json.as_object().ok_or_else(|| Error::parsing("Must specify at least one field for [order]"))?;
        Ok(object.iter().map(|(key, direction)| (terms_order(key), direction.as_str() == Some("desc"))).collect())
    };
    let mut order = match body.get("order") {
        None => vec![(TermsOrder::Count, true)],
        Some(Json::Array(list)) => list.iter().map(one).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(),
        Some(object) => one(object)?,
    };
    if !order.iter().any(|(order, _)| *order == TermsOrder::Key) {
        order.push((TermsOrder::Key, false));
    }
    Ok(Terms {
        field: not_text(named)?,
        size,
        min_doc_count: count(body, "min_doc_count", 1)?,
        order,
        missing: body.get("missing").map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        include: listed(body.get("include"))?,
        exclude: listed(body.get("exclude"))?,
    })
}

fn terms_order(key: &str) -> TermsOrder {
    match key {
        "_count" => TermsOrder::Count,
        "_key" | "_term" => TermsOrder::Key,
        inner => TermsOrder::Inner(inner.strip_suffix(".value").unwrap_or(inner).to_owned()),
    }
}

/// An order by a metric needs that metric inside.
fn check_order(aggregation: &Aggregation) -> Result<(), Error> {
    let Kind::Terms(terms) = &aggregation.kind else { return Ok(()) };
    for (order, _) in &terms.order {
        let TermsOrder::Inner(name) = order else { continue };
        let single = |inner: &Aggregation| inner.name == *name && matches!(inner.kind, Kind::Metric { .. } | Kind::Cardinality(_));
        if !aggregation.inner.iter().any(single) {
            return Err(Error::shard_argument(format!(
                "Invalid aggregation order path [{name}]. The provided aggregation [{name}] either does not exist, or is a pipeline aggregation and cannot be used to sort the buckets."
            )));
        }
    }
    Ok(())
}

/// A regular expression, or a list of exact values, as one expression.
fn listed(json: Option<&Json>) -> Result<Option<Regex>, Error> {
    let expression = match json {
        Some(Json::String(regex)) => regex.clone(),
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(regex::escape).collect::<Vec<_>>().join("|"),
        _ => return Ok(None),
    };
    Regex::new(&format!("^(?s:{expression})$")).map(Some).map_err(|why| Error::argument(format!("failed to parse regexp due to: {why}")))
}

fn field(body: &Json, text_too: bool) -> Result<Option<Field>, Error> {
    let name = body
        .get("field")
        .and_then(Json::as_str)
        .ok_or_else(|| Error::argument("Required one of fields [field, script], but none were specified. "))?;
    if text_too { Ok(Field::named(name)) } else { not_text(name) }
}

fn not_text(name: &str) -> Result<Option<Field>, Error> {
    match Field::named(name) {
        Some(Field::Text(_)) => Err(Error::fielddata(name)),
        field => Ok(field),
    }
}

fn count(body: &Json, key: &str, default: usize) -> Result<usize, Error> {
    match body.get(key) {
        None => Ok(default),
        Some(value) => {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(|| Error::argument(format!("[{key}] must be greater than or equal to 0. Found [{value}]")))
        }
    }
}

fn not_an_interval(text: &str) -> Error {
    Error::argument(format!(
        "failed to parse setting [date_histogram.fixedInterval] with value [{text}] as a time value: unit is missing or unrecognized"
    ))
}

fn fixed_interval(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    text[..digits].parse::<i64>().ok()?.checked_mul(unit).filter(|interval| *interval > 0)
}

fn calendar_interval(text: &str) -> Option<Interval> {
    Some(match text {
        "minute" | "1m" => Interval::Fixed(60_000),
        "hour" | "1h" => Interval::Fixed(3_600_000),
        "day" | "1d" => Interval::Fixed(86_400_000),
        "week" | "1w" => Interval::Week,
        "month" | "1M" => Interval::Month,
        _ => return None,
    })
}
