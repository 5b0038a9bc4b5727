//! Whether errors could have been found where none was: no error in what holds none of the level, or nothing at all, is not healthy.

use serde_json::{Value, json};

use super::fields::{Fields, Mapping};
use crate::{config::shape::Errors, domain::units};

/// Different levels that are looked at.
const LEVELS: usize = 30;
/// Levels that are named in a sentence.
const NAMED: usize = 4;
/// What is an error by another word: of syslog, of loggers of several languages, and the numbers of pino and bunyan.
const ALSO_ERRORS: [&str; 19] = [
    "e",
    "f",
    "error",
    "err",
    "fatal",
    "critical",
    "crit",
    "severe",
    "panic",
    "emerg",
    "emergency",
    "alert",
    "e",
    "f",
    "failure",
    "fail",
    "50",
    "60",
    "dpanic",
];

/// The levels that are looked for: of a list with commas each, as written, in capitals, small, and with a capital first.
pub fn spellings(level: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for one in level.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let lower = one.to_lowercase();
        let capital = lower.chars().next().map(|first| first.to_uppercase().chain(lower.chars().skip(1)).collect::<String>());
        for spelling in [Some(one.to_owned()), Some(one.to_uppercase()), Some(lower), capital].into_iter().flatten() {
            if !all.contains(&spelling) {
                all.push(spelling);
            }
        }
    }
    all
}

/// Documents of the level. A match finds it whether the field is a keyword or analysed text; `lenient` because a number is no `ERROR`.
pub fn of_level(field: &str, level: &str) -> Value {
    let each: Vec<Value> = spellings(level).iter().map(|spelling| json!({"match": {field: {"query": spelling, "lenient": true}}})).collect();
    json!({"bool": {"should": each, "minimum_should_match": 1}})
}

/// What the last hour holds, whatever its level.
pub fn question(fields: &Fields, mapping: Option<&Mapping>) -> Value {
    let mut aggregations = json!({
        "recent": {"filter": {"range": {fields.time.as_str(): {"gte": "now-15m"}}}},
        "with_level": {"filter": {"exists": {"field": fields.level}}},
    });
    if let Some(exact) = mapping.and_then(|mapping| mapping.exact(&fields.level)) {
        aggregations["levels"] = json!({"terms": {"field": exact, "size": LEVELS}});
    }
    json!({
        "size": 0,
        "track_total_hits": true,
        "timeout": "8s",
        "query": {"bool": {"filter": [{"range": {fields.time.as_str(): {"gte": "now-1h"}}}]}},
        "aggs": aggregations,
    })
}

/// Whether there ever was a document of the level.
pub fn ever(fields: &Fields, settings: &Errors) -> Value {
    json!({
        "size": 0,
        "track_total_hits": 1,
        "terminate_after": 1,
        "timeout": "8s",
        "query": {"bool": {"filter": [of_level(&fields.level, &settings.level)]}},
    })
}

/// What the answer to [`question`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Why nothing could be found.
    Unknown(String),
    /// Errors of this level would be found, if it is one that the logs have: the levels of the last hour.
    Documents(Vec<(String, u64)>),
}

pub fn read(answer: &Value, fields: &Fields, settings: &Errors, mapping: Option<&Mapping>) -> Held {
    let index = &settings.index;
    let count = |name: &str| answer.pointer(&format!("/aggregations/{name}/doc_count")).and_then(Value::as_u64);
    if let Some(why) = mapping.and_then(|mapping| unmapped(mapping, fields, settings)) {
        return Held::Unknown(why);
    }
    let Some(recent) = count("recent") else { return Held::Unknown("Elasticsearch did not say what documents there are".to_owned()) };
    if recent == 0 {
        return Held::Unknown(format!("{index} has no document of the last 15 min"));
    }
    if count("with_level") == Some(0) {
        return Held::Unknown(format!("no document of the last hour has the field {}", fields.level));
    }
    let levels = levels(answer);
    let others = overlooked(&levels, settings);
    if !others.is_empty() {
        return Held::Unknown(format!(
            "no document of the last 15 min has {} {}, but there are {}: see errors.level",
            fields.level,
            settings.level,
            named(others)
        ));
    }
    Held::Documents(levels)
}

/// Where no document ever had the level.
pub fn never(levels: &[(String, u64)], fields: &Fields, settings: &Errors) -> String {
    let has = if levels.is_empty() { String::new() } else { format!("; the last hour has {}", named(levels)) };
    format!("no document of {} ever had {} {}{has}", settings.index, fields.level, settings.level)
}

/// How many documents an answer counts.
pub fn count(answer: &Value) -> Option<u64> {
    let total = answer.pointer("/hits/total")?;
    total.get("value").unwrap_or(total).as_u64()
}

/// What the mapping alone rules out.
pub fn unmapped(mapping: &Mapping, fields: &Fields, settings: &Errors) -> Option<String> {
    if mapping.indices == 0 {
        return None;
    }
    match mapping.get(&fields.time) {
        None => return Some(format!("the field {} is not mapped in {}: set errors.time_field", fields.time, settings.index)),
        Some(time) if !time.is_date() => return Some(format!("the field {} is {}, not a date: set errors.time_field", fields.time, time.kinds())),
        Some(_) => {}
    }
    match mapping.get(&fields.level) {
        None => Some(format!("the field {} is not mapped in {}: set errors.level_field", fields.level, settings.index)),
        Some(level) if !level.is_searchable => {
            Some(format!("the field {} cannot be searched in {}: set errors.level_field", fields.level, settings.index))
        }
        // Which numbers are errors differs: 50 and 60 of pino and bunyan, 40 and 50 of Python, 0 to 3 of syslog.
        Some(level) if level.has_numbers() && !spellings(&settings.level).iter().any(|one| one.parse::<f64>().is_ok()) => Some(format!(
            "the field {} is {}, and {} is no number: set errors.level to the numbers that are errors (50,60 of pino and bunyan)",
            fields.level,
            level.kinds(),
            settings.level
        )),
        Some(_) => None,
    }
}

pub fn levels(answer: &Value) -> Vec<(String, u64)> {
    let buckets = answer.pointer("/aggregations/levels/buckets").and_then(Value::as_array);
    let level = |bucket: &Value| {
        let key = match bucket.get("key")? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((key, bucket.get("doc_count")?.as_u64()?))
    };
    buckets.into_iter().flatten().filter_map(level).collect()
}

/// Levels that are errors by another word than those looked for.
pub fn overlooked<'l>(levels: &'l [(String, u64)], settings: &Errors) -> Vec<&'l (String, u64)> {
    let wanted: Vec<String> = spellings(&settings.level).iter().map(|level| level.to_lowercase()).collect();
    let is_overlooked = |level: &str| ALSO_ERRORS.contains(&level) && !wanted.iter().any(|wanted| wanted == level);
    levels.iter().filter(|(level, _)| is_overlooked(&level.to_lowercase())).collect()
}

/// `info (1,200), warn (3)`, the rest counted.
pub fn named<'l>(levels: impl IntoIterator<Item = &'l (String, u64)>) -> String {
    units::first_few(levels.into_iter().map(|(level, count)| format!("{level} ({})", units::thousands(*count))), NAMED)
}

#[cfg(test)]
mod tests {
    use super::{super::fields::mapping, *};

    fn settings() -> Errors {
        Errors { index: "app-*".to_owned(), ..Errors::default() }
    }

    fn held(answer: &Value, mapping: Option<&Mapping>) -> Held {
        read(answer, &Fields::of(&settings()), &settings(), mapping)
    }

    fn answer(recent: u64, with_level: u64, levels: &[(&str, u64)]) -> Value {
        let buckets: Vec<Value> = levels.iter().map(|(level, count)| json!({"key": level, "doc_count": count})).collect();
        json!({"aggregations": {"recent": {"doc_count": recent}, "with_level": {"doc_count": with_level}, "levels": {"buckets": buckets}}})
    }

    fn why(held: &Held) -> &str {
        let Held::Unknown(why) = held else { panic!("{held:?}") };
        why
    }

    const MAPPED: &str = r#"{"indices":["app-1"],"fields":{"@timestamp":{"date":{}},"level":{"keyword":{"searchable":true,"aggregatable":true}}}}"#;

    #[test]
    fn numbers_are_no_words() {
        for kind in ["long", "integer", "byte", "double"] {
            let numbers = Mapping::of(&[("@timestamp", "date"), ("level", kind)]);
            let told = why(&held(&answer(9, 9, &[("30", 9)]), Some(&numbers))).to_owned();
            assert_eq!(
                told,
                format!(
                    "the field level is {kind}, and ERROR is no number: set errors.level to the numbers that are errors (50,60 of pino and bunyan)"
                )
            );
            let set = Errors { level: "50,60".to_owned(), ..settings() };
            let held = read(&answer(9, 9, &[("30", 9)]), &Fields::of(&set), &set, Some(&numbers));
            assert_eq!(held, Held::Documents(vec![("30".to_owned(), 9)]));
        }
    }

    #[test]
    fn nothing_found_is_known_only_where_something_could_be() {
        let mapped = mapping(MAPPED);
        assert_eq!(why(&held(&answer(0, 5, &[]), Some(&mapped))), "app-* has no document of the last 15 min");
        assert_eq!(why(&held(&answer(5, 0, &[]), Some(&mapped))), "no document of the last hour has the field level");
        assert_eq!(
            why(&held(&answer(5, 5, &[("info", 4_000), ("err", 2)]), Some(&mapped))),
            "no document of the last 15 min has level ERROR, but there are err (2): see errors.level"
        );
        assert_eq!(held(&answer(5, 5, &[("INFO", 5)]), Some(&mapped)), Held::Documents(vec![("INFO".to_owned(), 5)]));
        assert!(matches!(held(&json!({}), Some(&mapped)), Held::Unknown(_)), "what is not said is not known");
    }

    #[test]
    fn what_is_not_mapped_or_not_searchable_is_named_with_the_setting() {
        let of = |fields: &str| mapping(&format!(r#"{{"indices":["a"],"fields":{fields}}}"#));
        let all = answer(5, 5, &[]);
        let said = held(&all, Some(&of(r#"{"@timestamp":{"date":{}}}"#)));
        assert_eq!(why(&said), "the field level is not mapped in app-*: set errors.level_field");
        let said = held(&all, Some(&of(r#"{"@timestamp":{"date":{}},"level":{"keyword":{"searchable":false}}}"#)));
        assert_eq!(why(&said), "the field level cannot be searched in app-*: set errors.level_field");
        let said = held(&all, Some(&of(r#"{"@timestamp":{"keyword":{}},"level":{"keyword":{}}}"#)));
        assert_eq!(why(&said), "the field @timestamp is keyword, not a date: set errors.time_field");
        assert_eq!(held(&all, None), Held::Documents(Vec::new()), "a server that tells no mapping may still be asked for documents");
    }

    #[test]
    fn a_level_is_looked_for_in_its_usual_spellings() {
        assert_eq!(spellings("ERROR"), ["ERROR", "error", "Error"]);
        assert_eq!(spellings("error, Fatal"), ["error", "ERROR", "Error", "Fatal", "FATAL", "fatal"]);
        assert_eq!(spellings("50"), ["50"]);
    }

    #[test]
    fn levels_are_named_and_the_rest_is_counted() {
        let levels: Vec<_> = ["info", "warn", "debug", "trace", "audit"].iter().map(|level| ((*level).to_owned(), 1_200)).collect();
        let said = never(&levels, &Fields::of(&settings()), &settings());
        assert_eq!(
            said,
            "no document of app-* ever had level ERROR; the last hour has info (1,200), warn (1,200), debug (1,200), trace (1,200) and 1 more"
        );
    }
}
