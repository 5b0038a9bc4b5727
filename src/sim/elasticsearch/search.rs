//! A search from its request to its answer.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use super::aggregation::{self, Aggregation};
use super::doc_values::DocValues;
use super::error::Error;
use super::filter::SourceFilter;
use super::indices::{self, Missing};
use super::query::Query;
use super::sort::{self, Level, SortValue};
use super::{Elasticsearch, Failing, SHARDS_PER_INDEX, aggregate};
use crate::sim::log_store::Stored;

/// Most hits that `from` and `size` may reach (`index.max_result_window`).
const MAX_RESULT_WINDOW: usize = 10_000;

/// Up to here hits are counted exactly unless asked otherwise.
const TRACKED_BY_DEFAULT: usize = 10_000;

const KNOWN_KEYS: [&str; 22] = [
    "query",
    "size",
    "from",
    "sort",
    "search_after",
    "track_total_hits",
    "_source",
    "aggs",
    "aggregations",
    "timeout",
    "fields",
    "docvalue_fields",
    "highlight",
    "min_score",
    "terminate_after",
    "version",
    "explain",
    "pit",
    "track_scores",
    "seq_no_primary_term",
    "stored_fields",
    "script_fields",
];

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Request {
    query: Query,
    from: usize,
    size: usize,
    sort: Vec<Level>,
    after: Option<Vec<SortValue>>,
    /// Up to how many hits are counted; `None` not at all.
    track_total: Option<usize>,
    shown: Shown,
    aggregations: Vec<Aggregation>,
}

/// What a hit carries of its document.
#[derive(Debug, Clone)]
pub struct Shown {
    pub source: SourceFilter,
    pub values: DocValues,
}

impl Shown {
    /// From `_source` and `docvalue_fields` of a search or of `top_hits`.
    pub fn parse(body: &Json) -> Result<Self, Error> {
        Ok(Self { source: SourceFilter::parse(body.get("_source")), values: DocValues::parse(body.get("docvalue_fields"))? })
    }
}

impl Request {
    /// From a body (or nothing), into which the address' parameters were put.
    pub fn parse(body: &Json, now: DateTime<Utc>) -> Result<Self, Error> {
        let empty = Map::new();
        let object = match body {
            Json::Null => &empty,
            Json::Object(object) => object,
            _ => return Err(Error::parsing("Expected [START_OBJECT] but found something else")),
        };
        if let Some((unknown, value)) = object.iter().find(|(key, _)| !KNOWN_KEYS.contains(&key.as_str())) {
            let token = match value {
                Json::Object(_) => "START_OBJECT",
                Json::Array(_) => "START_ARRAY",
                Json::String(_) => "VALUE_STRING",
                Json::Number(_) => "VALUE_NUMBER",
                Json::Bool(_) => "VALUE_BOOLEAN",
                Json::Null => "VALUE_NULL",
            };
            return Err(Error::parsing(format!("Unknown key for a {token} in [{unknown}].")));
        }
        let number = |key: &str, default: usize| match object.get(key) {
            None | Some(Json::Null) => Ok(default),
            Some(value) => {
                let number = value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|number| usize::try_from(number).ok());
                number.ok_or_else(|| Error::argument(format!("[{key}] parameter cannot be negative, found [{value}]")))
            }
        };
        let (from, size) = (number("from", 0)?, number("size", 10)?);
        let sort = sort::parse(object.get("sort").unwrap_or(&Json::Null))?;
        let after = match object.get("search_after") {
            None | Some(Json::Null) => None,
            Some(_) if from > 0 => return Err(Error::validation("[from] parameter must be set to 0 when [search_after] is used")),
            Some(Json::Array(values)) => Some(sort::parse_after(&sort, values, now)?),
            Some(_) => return Err(Error::parsing("Expected [START_ARRAY] in [search_after]")),
        };
        if from.saturating_add(size) > MAX_RESULT_WINDOW {
            return Err(Error::shard_argument(format!(
                "Result window is too large, from + size must be less than or equal to: [{MAX_RESULT_WINDOW}] but was [{}]. See the scroll api for a more \
                 efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.",
                from.saturating_add(size)
            )));
        }
        let track_total = match object.get("track_total_hits") {
            None | Some(Json::Null) => Some(TRACKED_BY_DEFAULT),
            Some(Json::Bool(true)) => Some(usize::MAX),
            Some(Json::Bool(false)) => None,
            Some(_) => Some(number("track_total_hits", TRACKED_BY_DEFAULT)?),
        };
        let query = object.get("query").map_or(Ok(Query::All), |query| Query::parse(query, now))?;
        let aggregations = object.get("aggs").or_else(|| object.get("aggregations"));
        let aggregations = aggregations.map_or(Ok(Vec::new()), |aggregations| aggregation::parse(aggregations, now))?;
        Ok(Self { query, from, size, sort, after, track_total, shown: Shown::parse(body)?, aggregations })
    }
}

impl Elasticsearch {
    /// The answer to `_search` on the indices of an expression.
    pub(super) fn search(&self, expression: &str, missing: Missing, body: &Json) -> Result<Json, Error> {
        let failing = self.admitted()?;
        let indices = self.indices(expression, missing)?;
        let request = Request::parse(body, (self.now)())?;
        let shards = shards(&indices, &failing)?;
        if indices.is_empty() {
            return Ok(json!({
                "took": 0, "timed_out": failing.timed_out, "_shards": shards,
                "hits": { "total": { "value": 0, "relation": "eq" }, "max_score": 0.0, "hits": [] },
            }));
        }
        let found = self.matching(&indices, &request.query, &failing);
        let score = if request.query.only_filters() { 0.0 } else { 1.0 };
        let Request { sort, after, from, size, shown, track_total, .. } = &request;
        let mut answer = json!({
            "took": 3, "timed_out": failing.timed_out, "_shards": shards,
            "hits": hits(&found, sort, after.as_deref(), *from, *size, shown, *track_total, score),
        });
        if !request.aggregations.is_empty() {
            answer["aggregations"] = Json::Object(aggregate::compute(&request.aggregations, &found)?);
        }
        Ok(answer)
    }

    /// The answer to `_count`.
    pub(super) fn count(&self, expression: &str, missing: Missing, body: &Json) -> Result<Json, Error> {
        let failing = self.admitted()?;
        let indices = self.indices(expression, missing)?;
        if let Some(unknown) = body.as_object().and_then(|object| object.keys().find(|key| *key != "query")) {
            return Err(Error::parsing(format!("request does not support [{unknown}]")));
        }
        let query = body.get("query").map_or(Ok(Query::All), |query| Query::parse(query, (self.now)()))?;
        let shards = shards(&indices, &failing)?;
        Ok(json!({ "count": self.matching(&indices, &query, &failing).len(), "_shards": shards }))
    }

    pub(super) fn indices(&self, expression: &str, missing: Missing) -> Result<Vec<String>, Error> {
        let existing: Vec<String> = self.store.indices().into_iter().map(|(name, _)| name).collect();
        indices::resolve(expression, &existing, missing)
    }

    fn admitted(&self) -> Result<Failing, Error> {
        let failing = self.failing();
        if failing.overloaded { Err(Error::overloaded()) } else { Ok(failing) }
    }

    /// The matching documents of the shards that answer, oldest first.
    fn matching(&self, indices: &[String], query: &Query, failing: &Failing) -> Vec<Arc<Stored>> {
        let (from, to) = query.times();
        let mut documents = self.store.between(from, to);
        let everywhere = self.store.indices().len() == indices.len();
        documents.retain(|stored| {
            shard(stored) >= failing.shards && (everywhere || indices.contains(&stored.document.index())) && query.matches(&stored.document)
        });
        documents
    }
}

fn shard(stored: &Stored) -> usize {
    usize::try_from(stored.sequence).unwrap_or_default() % SHARDS_PER_INDEX
}

/// `_shards` of an answer; an error when none of them answers.
fn shards(indices: &[String], failing: &Failing) -> Result<Json, Error> {
    let total = indices.len() * SHARDS_PER_INDEX;
    let each = failing.shards.min(SHARDS_PER_INDEX);
    let failed = indices.len() * each;
    if failed > 0 && failed == total {
        return Err(Error::no_shard_answers());
    }
    let mut shards = json!({ "total": total, "successful": total - failed, "skipped": 0, "failed": failed });
    if failed > 0 {
        // Like the real server, one line for each kind of failure and not one for each shard.
        let failure = |index: &String| json!({ "shard": 0, "index": index, "node": null, "reason": { "type": "no_shard_available_action_exception", "reason": null } });
        shards["failures"] = indices.iter().take(1).map(failure).collect();
    }
    Ok(shards)
}

/// The `hits` of a search or of `top_hits`. Without an order the oldest come first, with a score.
#[expect(clippy::too_many_arguments, reason = "they are the members of a search request that concern its hits")]
pub fn hits(
    found: &[Arc<Stored>],
    sort: &[Level],
    after: Option<&[SortValue]>,
    from: usize,
    size: usize,
    shown: &Shown,
    track_total: Option<usize>,
    score: f64,
) -> Json {
    let mut placed: Vec<(Vec<SortValue>, &Arc<Stored>)> = Vec::new();
    if size > 0 {
        placed = found.iter().map(|stored| (sort::place(sort, stored), stored)).collect();
        if let Some(after) = after {
            placed.retain(|(place, _)| sort::compare(sort, place, after).is_gt());
        }
        // Equal places stay in order of the documents, as in one shard.
        placed.sort_by(|(a, _), (b, _)| sort::compare(sort, a, b));
    }
    let page: Vec<Json> = placed.into_iter().skip(from).take(size).map(|(place, stored)| hit(sort, &place, stored, shown, score)).collect();
    let scored = sort.is_empty() && !page.is_empty();
    let mut hits = Map::new();
    if let Some(limit) = track_total {
        let (value, relation) = if found.len() > limit { (limit, "gte") } else { (found.len(), "eq") };
        hits.insert("total".into(), json!({ "value": value, "relation": relation }));
    }
    hits.insert("max_score".into(), if scored { json!(score) } else { Json::Null });
    hits.insert("hits".into(), Json::Array(page));
    Json::Object(hits)
}

fn hit(sort: &[Level], place: &[SortValue], stored: &Stored, shown: &Shown, score: f64) -> Json {
    let mut hit = Map::new();
    hit.insert("_index".into(), stored.document.index().into());
    hit.insert("_id".into(), format!("sim{:017x}", stored.sequence).into());
    hit.insert("_score".into(), if sort.is_empty() { json!(score) } else { Json::Null });
    if let Some(source) = shown.source.apply(stored.document.source()) {
        hit.insert("_source".into(), source);
    }
    let values = shown.values.of(&stored.document);
    if !values.is_empty() {
        hit.insert("fields".into(), Json::Object(values));
    }
    if !sort.is_empty() {
        hit.insert("sort".into(), sort::json(sort, place));
    }
    Json::Object(hit)
}
