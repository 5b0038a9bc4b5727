//! Errors of the last hour: one search a refresh, grouped by what they say.
//!
//! The newest documents are read, and some from before the last 15 minutes, so that a pattern is called new only if it is
//! not among those either. Totals and the histogram are Elasticsearch's own and cover every document.

mod answer;
mod patterns;

use std::time::Duration;

use serde_json::{Value, json};

use self::{answer::Search, patterns::Memory};
use super::{
    refresh::{Asking, Failed},
    report::Report,
};
use crate::{
    config::shape::Errors,
    connect::{ConnectError, HttpReader},
    domain::{log_pattern::ErrorWindow, observation::What, text::Text},
};

const ANSWER_LIMIT: usize = 16 << 20;
const WITHIN: Duration = Duration::from_secs(12);
/// Newest documents read, and older ones.
const NEWEST: usize = 200;
const OLDER: usize = 100;
/// Newest documents kept to show.
const SHOWN: usize = 200;
/// Kept of the answer. `_shards` and `timed_out` say whether it is whole; `error` what went wrong.
const FILTER: &str = "timed_out,_shards,hits.total,hits.hits._id,hits.hits._source,aggregations,error,status";

pub(super) struct ErrorLog {
    settings: Errors,
    memory: Memory,
    /// Off once the server refused it: some compatible servers know no `top_hits`.
    with_older: bool,
}

impl ErrorLog {
    pub fn new(settings: Errors) -> Self {
        Self { settings, memory: Memory::default(), with_older: true }
    }

    fn search(&self) -> Value {
        let fields = [&self.settings.service_field, &self.settings.message_field, &self.settings.pod_field, &self.settings.error_field];
        let mut source: Vec<&str> = fields.into_iter().map(String::as_str).collect();
        source.push("@timestamp");
        let newest_first = json!([{"@timestamp": {"order": "desc"}}]);
        let mut aggregations = json!({
            "per_minute": {"date_histogram": {
                "field": "@timestamp", "fixed_interval": "1m", "min_doc_count": 0, "extended_bounds": {"min": "now-1h", "max": "now"}
            }},
            "recent": {"filter": {"range": {"@timestamp": {"gte": "now-15m"}}}},
        });
        if self.with_older {
            aggregations["older"] = json!({
                "filter": {"range": {"@timestamp": {"lt": "now-15m"}}},
                "aggs": {"some": {"top_hits": {"size": OLDER, "sort": newest_first, "_source": source}}},
            });
        }
        json!({
            "size": NEWEST,
            "track_total_hits": true,
            "timeout": "8s",
            "_source": source,
            "sort": newest_first,
            "query": {"bool": {"filter": [
                {"range": {"@timestamp": {"gte": "now-1h"}}},
                // A match finds the level whether the field is a keyword or analysed text.
                {"match": {self.settings.level_field.as_str(): self.settings.level}},
            ]}},
            "aggs": aggregations,
        })
    }
}

impl Asking for ErrorLog {
    async fn ask(&mut self, server: &HttpReader, report: &Report) -> Result<(), Failed> {
        let index = &self.settings.index;
        let path = format!(
            "/{}/_search",
            url::form_urlencoded::byte_serialize(index.as_bytes()).collect::<String>().replace("%2A", "*").replace("%2C", ",")
        );
        let query = [("filter_path", FILTER), ("ignore_unavailable", "true")];
        let mut answer = server.search(&path, &query, &self.search(), ANSWER_LIMIT, WITHIN).await?;
        if answer.status == 400 && std::mem::take(&mut self.with_older) {
            tracing::info!(server = %server.name(), "the search was refused, trying without the sample of older errors");
            answer = server.search(&path, &query, &self.search(), ANSWER_LIMIT, WITHIN).await?;
        }
        let search: Search = answer.json().map_err(|error| self.explained(error))?;
        if !search.is_search() {
            return Err(answer.misshapen("no shards and hits of a search").into());
        }
        let shards = search.shards();
        if shards.1 == 0 {
            report.lagging(&format!("no index matches {index}: set errors.index to where the logs are")).await?;
            report.say(What::Errors(Box::new(ErrorWindow { shards, ..empty() })), answer.date).await?;
            return Ok(());
        }
        let why = search.partial();
        let present = search.present(answer.date, report.utc());
        let window = search.window(&self.settings, &mut self.memory, present, SHOWN);
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

fn empty() -> ErrorWindow {
    ErrorWindow {
        recent: 0,
        total: 0,
        total_is_lower_bound: false,
        per_minute: Vec::new(),
        newest: Vec::new(),
        patterns: Vec::new(),
        sampled: None,
        shards: (0, 0),
        timed_out: false,
    }
}
