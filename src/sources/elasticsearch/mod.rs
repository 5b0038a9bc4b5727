//! Errors of the last hour: one search a refresh, grouped by what they say.
//!
//! The newest documents are read, and some from before the last 15 minutes, so that a pattern is called new only if it is
//! not among those either. Totals and the histogram are Elasticsearch's own and cover every document.
//!
//! Where messages are so large that an answer goes beyond its limit fewer are read, or none: the counts are kept. Where nothing is
//! found a second question tells whether anything could have been ([`proof`]).

mod answer;
pub mod fields;
mod patterns;
pub mod proof;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Value, json};

use self::{
    answer::Search,
    fields::{Fields, Mapping},
    patterns::Memory,
    proof::Held,
};
use super::{
    refresh::{Asking, Failed},
    report::Report,
};
use crate::{
    config::shape::Errors,
    connect::{ConnectError, HttpAnswer, HttpReader},
    domain::{
        log_pattern::ErrorWindow,
        observation::What,
        text::{LINE_LIMIT, Text},
        time::Mono,
    },
};

const ANSWER_LIMIT: usize = 16 << 20;
const WITHIN: Duration = Duration::from_secs(12);
/// Newest documents that are read, and older ones: less after each answer that was too large.
const READ: [(usize, usize); 3] = [(200, 100), (20, 10), (0, 0)];
/// After so many rounds with less all is asked for again; twice as many after each time in vain. An answer that is too large costs the
/// server and the network as much as it is allowed to hold.
const RESTS: (u32, u32) = (2, 16);
/// Newest documents kept to show.
const SHOWN: usize = 200;
/// Mappings rarely change.
const MAPPING_FRESH: Duration = Duration::from_mins(5);
/// Kept of the answer. `_shards`, `_clusters` and `timed_out` say whether it is whole; `error` what went wrong.
const FILTER: &str =
    "timed_out,_shards,_clusters,hits.total,hits.hits._id,hits.hits._source,hits.hits.fields,hits.hits.sort,aggregations,error,status";

/// How much a search asks for that not every compatible server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Whole,
    /// Without `top_hits`, the sample of older errors.
    WithoutOlder,
    /// Without values in the server's own form either.
    Plain,
}

/// How much is read while messages are too large.
#[derive(Debug, Clone, Copy, Default)]
struct Less {
    /// Index into [`READ`].
    level: usize,
    /// Rounds until all is asked for again, and how many there were at the last time.
    left: u32,
    rest: u32,
}

impl Less {
    fn begin_round(&mut self) {
        if self.level == 0 {
            // All could be read the last time.
            self.rest = 0;
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.level = 0;
        }
    }

    /// Whether there is something smaller to ask for.
    fn after_too_large(&mut self) -> bool {
        if self.level + 1 == READ.len() {
            return false;
        }
        if self.level == 0 {
            self.rest = if self.rest == 0 { RESTS.0 } else { (self.rest * 2).min(RESTS.1) };
            self.left = self.rest;
        }
        self.level += 1;
        true
    }
}

pub(super) struct ErrorLog {
    settings: Errors,
    memory: Memory,
    manner: Manner,
    less: Less,
    mapping: Option<Mapping>,
    looked_at: Option<Mono>,
    /// Whether there is, or was, a document of the level: one like it would be found.
    was_seen: bool,
}

impl ErrorLog {
    pub fn new(settings: Errors) -> Self {
        Self { settings, memory: Memory::default(), manner: Manner::Whole, less: Less::default(), mapping: None, looked_at: None, was_seen: false }
    }

    fn fields(&self) -> Fields {
        self.mapping.as_ref().map_or_else(|| Fields::of(&self.settings), |mapping| mapping.chosen(&self.settings))
    }

    fn search(&self, fields: &Fields) -> Value {
        let (newest, older) = READ[self.less.level];
        let time = fields.time.as_str();
        let mut source = fields.shown().to_vec();
        source.push(time);
        let newest_first = match self.manner {
            Manner::Plain => json!([{time: {"order": "desc"}}]),
            _ => json!([{time: {"order": "desc", "unmapped_type": "date", "numeric_type": "date"}}]),
        };
        let mut hits = json!({"_source": source, "sort": newest_first});
        if self.manner != Manner::Plain {
            let is_kept = |name: &&str| self.mapping.as_ref().and_then(|mapping| mapping.get(name)).is_some_and(|mapped| mapped.is_aggregatable);
            let mut values = vec![json!({"field": time, "format": "epoch_millis"})];
            values.extend(fields.shown().iter().filter(|name| is_kept(name)).map(|name| json!({"field": name})));
            hits["docvalue_fields"] = Value::Array(values);
        }
        let mut aggregations = json!({
            "per_minute": {"date_histogram": {
                "field": time, "fixed_interval": "1m", "min_doc_count": 0, "extended_bounds": {"min": "now-1h", "max": "now"}
            }},
            "recent": {"filter": {"range": {time: {"gte": "now-15m"}}}},
        });
        if self.manner == Manner::Whole && older > 0 {
            let mut some = hits.clone();
            some["size"] = older.into();
            aggregations["older"] = json!({"filter": {"range": {time: {"lt": "now-15m"}}}, "aggs": {"some": {"top_hits": some}}});
        }
        let mut search = json!({
            "size": newest,
            "track_total_hits": true,
            "timeout": "8s",
            "query": {"bool": {"filter": [
                {"range": {time: {"gte": "now-1h"}}},
                proof::of_level(&fields.level, &self.settings.level),
            ]}},
            "aggs": aggregations,
        });
        if let (Value::Object(search), Value::Object(hits)) = (&mut search, hits) {
            search.extend(hits);
        }
        search
    }

    /// Asks until the answer is neither refused for its manner nor too large.
    async fn found(&mut self, server: &HttpReader, fields: &Fields) -> Result<HttpAnswer, ConnectError> {
        let path = index_path(&self.settings.index, "_search");
        let query = [("filter_path", FILTER), ("ignore_unavailable", "true")];
        self.less.begin_round();
        loop {
            let simpler = match self.manner {
                Manner::Whole => Some(Manner::WithoutOlder),
                Manner::WithoutOlder => Some(Manner::Plain),
                Manner::Plain => None,
            };
            match server.search(&path, &query, &self.search(fields), ANSWER_LIMIT, WITHIN).await {
                Ok(answer) if answer.status == 400 && simpler.is_some() => {
                    tracing::info!(server = %server.name(), "the search was refused, trying a simpler one");
                    self.manner = simpler.unwrap_or(Manner::Plain);
                }
                Err(ConnectError::TooLarge { .. }) if self.less.after_too_large() => {}
                other => return other,
            }
        }
    }

    /// Looks at the mapping now and then. Without it the fields are taken as configured.
    async fn look(&mut self, server: &HttpReader, report: &Report) {
        if self.looked_at.is_some_and(|at| report.real_since(at) < MAPPING_FRESH) {
            return;
        }
        match fields::look(server, &self.settings, WITHIN).await {
            Ok(mapping) => {
                self.looked_at = (mapping.indices > 0).then(|| report.now());
                self.mapping = Some(mapping).filter(|mapping| mapping.indices > 0);
            }
            Err(ConnectError::Forbidden { .. } | ConnectError::NotFound { .. }) => self.looked_at = Some(report.now()),
            Err(error) => tracing::info!(server = %server.name(), %error, "the mapping could not be read"),
        }
    }

    /// Why none could have been found where none was; none where it could.
    async fn unknown(&mut self, server: &HttpReader, fields: &Fields) -> Option<String> {
        let (settings, mapping) = (&self.settings, self.mapping.as_ref());
        let held = match self::ask(server, settings, &proof::question(fields, mapping)).await {
            Ok(answer) => proof::read(&answer, fields, settings, mapping),
            Err(error) => return Some(format!("what documents there are could not be asked: {error}")),
        };
        let levels = match held {
            Held::Unknown(why) => return Some(why),
            Held::Documents(levels) => levels,
        };
        if !self.was_seen {
            match self::ask(server, settings, &proof::ever(fields, settings)).await {
                Ok(answer) => self.was_seen = proof::count(&answer).is_some_and(|count| count > 0),
                Err(error) => return Some(format!("whether there ever was level {} could not be asked: {error}", settings.level)),
            }
        }
        (!self.was_seen).then(|| proof::never(&levels, fields, settings))
    }

    /// What is left out because of the size of the messages.
    fn left_out(&self) -> Option<String> {
        match READ[self.less.level] {
            _ if self.less.level == 0 => None,
            (0, _) => Some("the messages are too large to be read: they are only counted".to_owned()),
            (some, _) => Some(format!("the messages are very large: only the newest {some} are read, all are counted")),
        }
    }
}

/// `/logstash-*/_search`.
fn index_path(index: &str, what: &str) -> String {
    let index = url::form_urlencoded::byte_serialize(index.as_bytes()).collect::<String>().replace("%2A", "*").replace("%2C", ",");
    format!("/{index}/{what}")
}

/// A question about numbers alone.
pub async fn ask(server: &HttpReader, settings: &Errors, question: &Value) -> Result<Value, ConnectError> {
    let query = [("filter_path", "timed_out,_shards,_clusters,hits.total,aggregations,error,status"), ("ignore_unavailable", "true")];
    server.search(&index_path(&settings.index, "_search"), &query, question, ANSWER_LIMIT, WITHIN).await?.json()
}

/// What is missing from an answer of [`ask`], as `4 of 10 shards answered`; none where it is whole.
pub fn left_out(answer: &Value) -> Option<String> {
    Search::deserialize(answer).ok()?.partial()
}

impl Asking for ErrorLog {
    async fn ask(&mut self, server: &HttpReader, report: &Report) -> Result<(), Failed> {
        self.look(server, report).await;
        let fields = self.fields();
        let answer = self.found(server, &fields).await?;
        let search: Search = answer.json().map_err(|error| self.explained(error))?;
        if !search.is_search() {
            return Err(answer.misshapen("no shards and hits of a search").into());
        }
        let shards = search.shards();
        if shards.1 == 0 {
            let why = format!("no open index matches {}: it is missing or closed; set errors.index to where the logs are", self.settings.index);
            report.lagging(&why).await?;
            let window = ErrorWindow { shards, unknown: Some(Text::line(&why)), ..ErrorWindow::default() };
            report.say(What::Errors(Box::new(window)), answer.date).await?;
            return Ok(());
        }
        let why = search.partial().or_else(|| self.left_out());
        let present = search.present(answer.date, report.utc());
        let mut window = search.window(&fields, &mut self.memory, present, SHOWN);
        self.was_seen |= window.total > 0;
        if window.recent == 0 && !window.is_partial() {
            window.unknown = self.unknown(server, &fields).await.map(|why| Text::of_error(&why, LINE_LIMIT));
            if window.unknown.is_some() {
                // It may be mended by a new mapping.
                self.looked_at = None;
            }
        }
        match why {
            Some(why) => report.lagging(&why).await?,
            None => report.live().await?,
        }
        report.say(What::Errors(Box::new(window)), answer.date.map(|_| present)).await?;
        Ok(())
    }
}

impl ErrorLog {
    fn explained(&self, error: ConnectError) -> ConnectError {
        match error {
            ConnectError::NotFound { says, .. } => ConnectError::NotFound {
                what: Text::line(&format!("index {}", self.settings.index)),
                says: Text::line(&format!("{says}; set errors.index to where the logs are")),
            },
            other => other,
        }
    }
}
