//! The order of hits, their sort values, and `search_after`.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::dates;
use super::error::Error;
use super::fields::Field;
use crate::sim::log_store::Stored;

/// By what one level of the order compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Field(Field),
    /// `_doc`, `_shard_doc`: the order of arrival.
    Arrival,
    /// Every hit has the same score here.
    Score,
    /// A field without mapping whose `unmapped_type` is given.
    Unmapped,
}

/// One level of the order.
#[derive(Debug, Clone)]
pub struct Level {
    key: Key,
    descending: bool,
    format: Option<String>,
    missing_first: bool,
}

/// What a document has at one level.
#[derive(Debug, Clone, PartialEq)]
pub enum SortValue {
    Number(f64),
    Text(String),
    Missing,
}

/// Reads `sort` of a request's body, or of its address (`field:desc,other`).
pub fn parse(json: &Json) -> Result<Vec<Level>, Error> {
    match json {
        Json::Null => Ok(Vec::new()),
        Json::Array(list) => list.iter().map(level).collect(),
        one => Ok(vec![level(one)?]),
    }
}

fn level(json: &Json) -> Result<Level, Error> {
    let (name, options) = match json {
        Json::String(text) => match text.split_once(':') {
            Some((name, order)) => (name, json!(order)),
            None => (text.as_str(), Json::Null),
        },
        Json::Object(object) => match object.iter().next() {
            Some((name, options)) => (name.as_str(), options.clone()),
            None => return Err(Error::not_json("malformed sort format, empty object")),
        },
        _ => return Err(Error::not_json("malformed sort format, either start array, start object, or an actual string")),
    };
    let option = |key: &str| options.get(key).and_then(Json::as_str);
    let order = options.as_str().or_else(|| option("order"));
    if let Some(unknown) = order.filter(|order| !order.eq_ignore_ascii_case("asc") && !order.eq_ignore_ascii_case("desc")) {
        return Err(Error::argument(format!("No enum constant org.elasticsearch.search.sort.SortOrder.{}", unknown.to_uppercase())));
    }
    let key = match (name, Field::named(name)) {
        ("_doc" | "_shard_doc", _) => Key::Arrival,
        ("_score", _) => Key::Score,
        ("_id", _) => {
            return Err(Error::shard_argument(
                "Fielddata access on the _id field is disallowed, you can re-enable it by updating the dynamic cluster setting: indices.id_field_data.enabled",
            ));
        }
        (_, Some(Field::Text(_))) => return Err(Error::fielddata(name)),
        (_, Some(field)) => Key::Field(field),
        (_, None) if option("unmapped_type").is_some() => Key::Unmapped,
        (_, None) => return Err(Error::shard_query(format!("No mapping found for [{name}] in order to sort on"))),
    };
    let descending = order.map_or(key == Key::Score, |order| order.eq_ignore_ascii_case("desc"));
    Ok(Level { key, descending, format: option("format").map(str::to_owned), missing_first: option("missing") == Some("_first") })
}

/// A document's place in the order.
pub fn place(levels: &[Level], stored: &Stored) -> Vec<SortValue> {
    let value = |level: &Level| match level.key {
        Key::Arrival => SortValue::Number(stored.sequence as f64),
        Key::Score => SortValue::Number(1.0),
        Key::Unmapped => SortValue::Missing,
        Key::Field(field) => match (field.number(&stored.document), field.keyword(&stored.document)) {
            (Some(number), _) => SortValue::Number(number),
            (None, Some(text)) => SortValue::Text(text.to_owned()),
            (None, None) => SortValue::Missing,
        },
    };
    levels.iter().map(value).collect()
}

pub fn compare(levels: &[Level], a: &[SortValue], b: &[SortValue]) -> Ordering {
    let each = levels.iter().zip(a.iter().zip(b)).map(|(level, (a, b))| {
        let missing = if level.missing_first { Ordering::Less } else { Ordering::Greater };
        let ordering = match (a, b) {
            (SortValue::Missing, SortValue::Missing) => return Ordering::Equal,
            (SortValue::Missing, _) => return missing,
            (_, SortValue::Missing) => return missing.reverse(),
            (SortValue::Number(a), SortValue::Number(b)) => a.total_cmp(b),
            (SortValue::Text(a), SortValue::Text(b)) => a.cmp(b),
            (SortValue::Number(_), SortValue::Text(_)) => Ordering::Less,
            (SortValue::Text(_), SortValue::Number(_)) => Ordering::Greater,
        };
        if level.descending { ordering.reverse() } else { ordering }
    });
    each.fold(Ordering::Equal, Ordering::then)
}

/// The values that a hit carries as `sort`.
pub fn json(levels: &[Level], place: &[SortValue]) -> Json {
    let value = |(level, value): (&Level, &SortValue)| match value {
        SortValue::Missing => Json::Null,
        SortValue::Text(text) => json!(text),
        SortValue::Number(number) if matches!(level.key, Key::Field(Field::Duration) | Key::Score) => json!(number),
        SortValue::Number(number) => {
            let whole = whole(*number);
            let formatted = level.key == Key::Field(Field::Timestamp) && level.format.as_deref().is_some_and(|format| !format.starts_with("epoch"));
            if formatted { json!(dates::format(whole)) } else { json!(whole) }
        }
    };
    levels.iter().zip(place).map(value).collect()
}

/// Reads `search_after`: one value for each level.
pub fn parse_after(levels: &[Level], after: &[Json], now: DateTime<Utc>) -> Result<Vec<SortValue>, Error> {
    if levels.is_empty() {
        return Err(Error::shard_argument("Sort must contain at least one field."));
    }
    if after.len() != levels.len() {
        return Err(Error::shard_argument(format!("search_after has {} value(s) but sort has {}.", after.len(), levels.len())));
    }
    let value = |(level, value): (&Level, &Json)| match (level.key, value) {
        (_, Json::Null) => Ok(SortValue::Missing),
        (Key::Field(Field::Timestamp), value) => Ok(SortValue::Number(dates::parse(value, None, now, false)? as f64)),
        (Key::Field(Field::Keyword(_)), Json::String(text)) => Ok(SortValue::Text(text.clone())),
        (Key::Field(Field::Keyword(_)), other) => Ok(SortValue::Text(other.to_string())),
        (_, value) => {
            let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
            number.map(SortValue::Number).ok_or_else(|| Error::shard_argument(format!("Failed to parse search_after value for field: [{value}]")))
        }
    };
    levels.iter().zip(after).map(value).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds and counts, well below 2^53")]
fn whole(number: f64) -> i64 {
    number as i64
}
