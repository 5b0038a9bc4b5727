//! The query language: parsed from JSON once, then asked of each document.

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::{Map, Value as Json};

use super::dates;
use super::error::Error;
use super::fields::{Field, words};
use super::query_string;
use crate::sim::log_store::Document;

/// Deepest nesting of queries taken.
const MAX_DEPTH: usize = 30;

/// A condition on a document.
#[derive(Debug, Clone)]
pub enum Query {
    All,
    None,
    Bool {
        must: Vec<Query>,
        filter: Vec<Query>,
        should: Vec<Query>,
        must_not: Vec<Query>,
        at_least: usize,
    },
    /// A number or date between two bounds, both inclusive.
    Between {
        field: Field,
        low: f64,
        high: f64,
    },
    /// A keyword between two texts, in byte order.
    BetweenTexts {
        field: Field,
        bounds: Vec<(Comparison, String)>,
    },
    /// Words of a text: all of them, or any.
    Words {
        field: Field,
        words: Vec<String>,
        all: bool,
    },
    /// Words of a text one after the other.
    Phrase {
        field: Field,
        words: Vec<String>,
    },
    /// The exact keyword, or a word of a text.
    Term {
        field: Field,
        value: String,
    },
    Exists(Field),
    /// A keyword, or a word of a text, of that shape.
    Shape {
        field: Field,
        regex: Regex,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Query {
    /// Reads `{"match": {…}}` and the like; dates are relative to `now`.
    pub fn parse(json: &Json, now: DateTime<Utc>) -> Result<Self, Error> {
        Parser { now }.query(json, 0)
    }

    pub fn matches(&self, document: &Document) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Bool { must, filter, should, must_not, at_least } => {
                filter.iter().chain(must).all(|query| query.matches(document))
                    && !must_not.iter().any(|query| query.matches(document))
                    && (*at_least == 0 || should.iter().filter(|query| query.matches(document)).count() >= *at_least)
            }
            Self::Between { field, low, high } => field.number(document).is_some_and(|value| (*low..=*high).contains(&value)),
            Self::BetweenTexts { field, bounds } => field.keyword(document).is_some_and(|value| {
                bounds.iter().all(|(comparison, bound)| match comparison {
                    Comparison::Greater => value > bound.as_str(),
                    Comparison::GreaterOrEqual => value >= bound.as_str(),
                    Comparison::Less => value < bound.as_str(),
                    Comparison::LessOrEqual => value <= bound.as_str(),
                })
            }),
            Self::Words { field, words: wanted, all } => {
                let Some(text) = text_of(*field, document) else { return false };
                let held: Vec<String> = words(text).collect();
                let has = |word: &String| held.contains(word);
                if *all { wanted.iter().all(has) } else { wanted.iter().any(has) }
            }
            Self::Phrase { field, words: wanted } => {
                let Some(text) = text_of(*field, document) else { return false };
                let held: Vec<String> = words(text).collect();
                !wanted.is_empty() && held.windows(wanted.len()).any(|window| window == wanted.as_slice())
            }
            Self::Term { field, value } => match field {
                Field::Text(text) => text.of(document).is_some_and(|text| words(text).any(|word| word == *value)),
                _ => field.keyword(document) == Some(value),
            },
            Self::Exists(field) => field.is_present(document),
            Self::Shape { field, regex } => match field {
                Field::Text(text) => text.of(document).is_some_and(|text| words(text).any(|word| regex.is_match(&word))),
                _ => field.keyword(document).is_some_and(|value| regex.is_match(value)),
            },
        }
    }

    /// The times outside of which no document can match, in ms: what spares looking at the others.
    pub fn times(&self) -> (i64, i64) {
        match self {
            Self::Between { field: Field::Timestamp, low, high } => (saturated(*low), saturated(*high)),
            Self::Bool { must, filter, .. } => must
                .iter()
                .chain(filter)
                .map(Self::times)
                .fold((i64::MIN, i64::MAX), |(low, high), (other_low, other_high)| (low.max(other_low), high.min(other_high))),
            _ => (i64::MIN, i64::MAX),
        }
    }

    /// Whether it only filters, so that every hit has the score 0.
    pub fn only_filters(&self) -> bool {
        matches!(self, Self::Bool { must, should, .. } if must.is_empty() && should.is_empty())
    }

    /// Words looked for in a field, by the field's kind.
    pub fn words(field: Option<Field>, text: &str, all: bool, now: DateTime<Utc>) -> Result<Self, Error> {
        match field {
            None => Ok(Self::None),
            Some(field @ Field::Text(_)) => Ok(Self::Words { field, words: words(text).collect(), all }),
            Some(field @ Field::Keyword(_)) => Ok(Self::Term { field, value: text.to_owned() }),
            Some(field) => Self::exactly(field, &Json::from(text), now),
        }
    }

    pub fn phrase(field: Option<Field>, text: &str, now: DateTime<Utc>) -> Result<Self, Error> {
        match field {
            Some(field @ Field::Text(_)) => Ok(Self::Phrase { field, words: words(text).collect() }),
            _ => Self::words(field, text, true, now),
        }
    }

    /// `*` and `?` stand for any characters and for one.
    pub fn wildcard(field: Option<Field>, pattern: &str, ignore_case: bool) -> Result<Self, Error> {
        let Some(field) = field else { return Ok(Self::None) };
        let escaped = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
        let case = if ignore_case { "i" } else { "" };
        let regex = Regex::new(&format!("^(?s{case}:{escaped})$")).map_err(|why| Error::parsing(format!("bad pattern [{pattern}]: {why}")))?;
        Ok(Self::Shape { field, regex })
    }

    fn exactly(field: Field, value: &Json, now: DateTime<Utc>) -> Result<Self, Error> {
        match field {
            Field::Timestamp => {
                let (low, high) = (dates::parse(value, None, now, false)?, dates::parse(value, None, now, true)?);
                Ok(Self::Between { field, low: low as f64, high: high as f64 })
            }
            Field::Duration => {
                let number = number(value).ok_or_else(|| Error::shard_query(format!("failed to create query: For input string: {value}")))?;
                Ok(Self::Between { field, low: number, high: number })
            }
            Field::Text(_) | Field::Keyword(_) => Ok(Self::Term { field, value: plain(value) }),
        }
    }
}

fn text_of(field: Field, document: &Document) -> Option<&str> {
    match field {
        Field::Text(text) => text.of(document),
        _ => field.keyword(document),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate, which is what is wanted")]
fn saturated(value: f64) -> i64 {
    value as i64
}

fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// A scalar as the text it stands for.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

struct Parser {
    now: DateTime<Utc>,
}

impl Parser {
    fn query(&self, json: &Json, depth: usize) -> Result<Query, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::not_json(format!(
                "The nested depth of the query exceeds the maximum nested depth for queries set in [indices.query.bool.max_nested_depth]: {MAX_DEPTH}"
            )));
        }
        let object = json.as_object().ok_or_else(|| Error::parsing("[_na] query malformed, must start with start_object"))?;
        let mut members = object.iter();
        let Some((kind, body)) = members.next() else { return Err(Error::argument("query malformed, empty clause found")) };
        if let Some((other, _)) = members.next() {
            return Err(Error::parsing(format!("[{kind}] malformed query, expected [END_OBJECT] but found [FIELD_NAME] ([{other}])")));
        }
        match kind.as_str() {
            "match_all" => Ok(Query::All),
            "match_none" => Ok(Query::None),
            "bool" => self.boolean(body, depth),
            "constant_score" => {
                let filter = body.get("filter").ok_or_else(|| Error::parsing("[constant_score] requires a 'filter' element"))?;
                Ok(Query::Bool { must: vec![self.query(filter, depth + 1)?], filter: vec![], should: vec![], must_not: vec![], at_least: 0 })
            }
            "range" => self.range(body),
            "match" => self.words(
                body,
                "match",
                &["query", "operator", "boost", "fuzziness", "lenient", "analyzer", "minimum_should_match", "zero_terms_query"],
            ),
            "match_phrase" => self.phrase(body),
            "multi_match" => self.multi_match(body),
            "term" => {
                let (field, value) = single(body, "term", "value")?;
                Field::named(field).map_or(Ok(Query::None), |field| Query::exactly(field, value, self.now))
            }
            "terms" => self.terms(body),
            "exists" => {
                let field = body.get("field").and_then(Json::as_str).ok_or_else(|| Error::parsing("[exists] must be provided with a [field]"))?;
                Ok(Field::named(field).map_or(Query::None, Query::Exists))
            }
            "wildcard" => {
                let (field, value) = single(body, "wildcard", "value").or_else(|_| single(body, "wildcard", "wildcard"))?;
                Query::wildcard(Field::named(field), &plain(value), ignores_case(body, field))
            }
            "prefix" => {
                let (field, value) = single(body, "prefix", "value")?;
                let case = if ignores_case(body, field) { "i" } else { "" };
                let regex = Regex::new(&format!("^(?{case}:{})", regex::escape(&plain(value)))).map_err(|why| Error::parsing(why.to_string()))?;
                Ok(Field::named(field).map_or(Query::None, |field| Query::Shape { field, regex }))
            }
            "regexp" => {
                let (field, value) = single(body, "regexp", "value")?;
                let regex =
                    Regex::new(&format!("^(?s:{})$", plain(value))).map_err(|why| Error::shard_query(format!("failed to create query: {why}")))?;
                Ok(Field::named(field).map_or(Query::None, |field| Query::Shape { field, regex }))
            }
            "query_string" | "simple_query_string" => {
                let text =
                    body.get("query").and_then(Json::as_str).ok_or_else(|| Error::parsing(format!("[{kind}] must be provided with a [query]")))?;
                let all = body.get("default_operator").and_then(Json::as_str).is_some_and(|operator| operator.eq_ignore_ascii_case("and"));
                let field = body.get("default_field").or_else(|| body.get("fields")?.get(0)).and_then(Json::as_str);
                query_string::parse(text, field, all, self.now)
            }
            unknown => Err(Error::unknown_query(unknown)),
        }
    }

    fn boolean(&self, body: &Json, depth: usize) -> Result<Query, Error> {
        let object = body.as_object().ok_or_else(|| Error::parsing("[bool] query malformed, no start_object after query name"))?;
        let known = ["must", "filter", "should", "must_not", "minimum_should_match", "boost", "_name"];
        if let Some(unknown) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(Error::not_json(format!("[bool] unknown field [{unknown}]")));
        }
        let clauses = |key: &str| match object.get(key) {
            None => Ok(Vec::new()),
            Some(Json::Array(list)) => list.iter().map(|query| self.query(query, depth + 1)).collect(),
            Some(query) => Ok(vec![self.query(query, depth + 1)?]),
        };
        let (must, filter, should, must_not) = (clauses("must")?, clauses("filter")?, clauses("should")?, clauses("must_not")?);
        let default = usize::from(must.is_empty() && filter.is_empty() && !should.is_empty());
        let at_least = object.get("minimum_should_match").map_or(default, |value| minimum(value, should.len()));
        Ok(Query::Bool { must, filter, should, must_not, at_least })
    }

    fn range(&self, body: &Json) -> Result<Query, Error> {
        let (name, bounds) = only_member(body, "range")?;
        let bounds = bounds.as_object().ok_or_else(|| Error::parsing("[range] query malformed, no start_object after field name"))?;
        let mut comparisons = Vec::new();
        for (key, value) in bounds {
            let comparison = match key.as_str() {
                "gte" | "from" => Comparison::GreaterOrEqual,
                "gt" => Comparison::Greater,
                "lte" | "to" => Comparison::LessOrEqual,
                "lt" => Comparison::Less,
                "format" | "time_zone" | "boost" | "relation" | "_name" => continue,
                unknown => return Err(Error::parsing(format!("[range] query does not support [{unknown}]"))),
            };
            if !value.is_null() {
                comparisons.push((comparison, value));
            }
        }
        let Some(field) = Field::named(name) else { return Ok(Query::None) };
        if matches!(field, Field::Text(_) | Field::Keyword(_)) {
            let bounds = comparisons.into_iter().map(|(comparison, value)| (comparison, plain(value))).collect();
            return Ok(Query::BetweenTexts { field, bounds });
        }
        let format = bounds.get("format").and_then(Json::as_str);
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for (comparison, value) in comparisons {
            let up = matches!(comparison, Comparison::Greater | Comparison::LessOrEqual);
            let (bound, step) = if field == Field::Timestamp {
                (dates::parse(value, format, self.now, up)? as f64, Some(1.0))
            } else {
                (number(value).ok_or_else(|| Error::shard_query(format!("failed to create query: For input string: {value}")))?, None)
            };
            match comparison {
                Comparison::GreaterOrEqual => low = bound,
                Comparison::Greater => low = step.map_or_else(|| bound.next_up(), |step| bound + step),
                Comparison::LessOrEqual => high = bound,
                Comparison::Less => high = step.map_or_else(|| bound.next_down(), |step| bound - step),
            }
        }
        Ok(Query::Between { field, low, high })
    }

    fn words(&self, body: &Json, kind: &str, known: &[&str]) -> Result<Query, Error> {
        let object = body.as_object().filter(|object| !object.is_empty()).ok_or_else(|| Error::parsing("No text specified for text query"))?;
        let (name, value) = only_member(&Json::Object(object.clone()), kind).map(|(name, value)| (name.to_owned(), value.clone()))?;
        let (text, all) = match &value {
            Json::Object(options) => {
                if let Some(unknown) = options.keys().find(|key| !known.contains(&key.as_str())) {
                    return Err(Error::parsing(format!("[{kind}] query does not support [{unknown}]")));
                }
                let text = options.get("query").map(plain).ok_or_else(|| Error::parsing("No text specified for text query"))?;
                (text, options.get("operator").and_then(Json::as_str).is_some_and(|operator| operator.eq_ignore_ascii_case("and")))
            }
            value => (plain(value), false),
        };
        Query::words(Field::named(&name), &text, all, self.now)
    }

    fn phrase(&self, body: &Json) -> Result<Query, Error> {
        let (name, value) = single(body, "match_phrase", "query")?;
        Query::phrase(Field::named(name), &plain(value), self.now)
    }

    fn multi_match(&self, body: &Json) -> Result<Query, Error> {
        let text = body.get("query").map(plain).ok_or_else(|| Error::parsing("No text specified for multi_match query"))?;
        let all = body.get("operator").and_then(Json::as_str).is_some_and(|operator| operator.eq_ignore_ascii_case("and"));
        let phrase = body.get("type").and_then(Json::as_str) == Some("phrase");
        let named: Vec<&str> = body.get("fields").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let fields: Vec<&str> = if named.is_empty() { super::fields::Text::ALL.iter().map(|(name, _)| *name).collect() } else { named };
        let one = |name: &str| {
            let field = Field::named(name.split('^').next().unwrap_or(name));
            if phrase { Query::phrase(field, &text, self.now) } else { Query::words(field, &text, all, self.now) }
        };
        any_of(fields.into_iter().map(one).collect::<Result<_, _>>()?)
    }

    fn terms(&self, body: &Json) -> Result<Query, Error> {
        let object = body.as_object().ok_or_else(|| Error::parsing("[terms] query malformed"))?;
        let without_boost: Map<String, Json> =
            object.iter().filter(|(key, _)| *key != "boost").map(|(key, value)| (key.clone(), value.clone())).collect();
        let holder = Json::Object(without_boost);
        let (name, values) = only_member(&holder, "terms")?;
        let values = values.as_array().ok_or_else(|| Error::parsing("[terms] query requires an array of terms"))?;
        let Some(field) = Field::named(name) else { return Ok(Query::None) };
        any_of(values.iter().map(|value| Query::exactly(field, value, self.now)).collect::<Result<_, _>>()?)
    }
}

/// Any of these.
#[expect(clippy::unnecessary_wraps, reason = "it ends chains of fallible steps")]
fn any_of(should: Vec<Query>) -> Result<Query, Error> {
    if should.is_empty() {
        return Ok(Query::None);
    }
    Ok(Query::Bool { must: vec![], filter: vec![], should, must_not: vec![], at_least: 1 })
}

fn only_member<'a>(body: &'a Json, kind: &str) -> Result<(&'a str, &'a Json), Error> {
    let object = body.as_object().ok_or_else(|| Error::parsing(format!("[{kind}] query malformed, no start_object after query name")))?;
    let mut members = object.iter();
    let (name, value) = members.next().ok_or_else(|| Error::argument("fieldName must not be null or empty"))?;
    match members.next() {
        None => Ok((name, value)),
        Some((other, _)) => Err(Error::parsing(format!("[{kind}] query doesn't support multiple fields, found [{name}] and [{other}]"))),
    }
}

/// `{field: value}` or `{field: {key: value, …}}`.
fn single<'a>(body: &'a Json, kind: &str, key: &str) -> Result<(&'a str, &'a Json), Error> {
    let (name, value) = only_member(body, kind)?;
    match value {
        Json::Object(options) => Ok((name, options.get(key).ok_or_else(|| Error::parsing(format!("[{kind}] query does not have a [{key}]")))?)),
        Json::Array(_) => Err(Error::parsing(format!("[{kind}] query does not support array of values"))),
        value => Ok((name, value)),
    }
}

fn ignores_case(body: &Json, field: &str) -> bool {
    body.get(field).and_then(|options| options.get("case_insensitive")).and_then(Json::as_bool).unwrap_or(false)
}

/// A number, a negative number (how many may miss), or a percentage.
fn minimum(value: &Json, clauses: usize) -> usize {
    let text = plain(value);
    let clauses = i64::try_from(clauses).unwrap_or(i64::MAX);
    let wanted = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<i64>().map_or(1, |percent| clauses * percent / 100),
        None => text.parse::<i64>().unwrap_or(1),
    };
    usize::try_from(if wanted < 0 { (clauses + wanted).max(0) } else { wanted }).unwrap_or(0)
}
