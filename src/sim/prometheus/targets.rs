//! The scrape targets, as the `up` series tell of them.

use chrono::DateTime;
use serde_json::{Map, Value as Json, json};

use super::answer;
use crate::sim::promql::LOOKBACK_MS;
use crate::sim::tsdb::{Tsdb, is_stale};

/// The answer of `/api/v1/targets`, of the targets that were scraped lately.
pub fn json(store: &Tsdb, now_ms: i64) -> Json {
    let up = store.read().select(Some("up"), |_| true, now_ms - LOOKBACK_MS, now_ms);
    let active: Vec<Json> = up
        .iter()
        .filter_map(|(labels, samples)| Some((labels, samples.last().filter(|sample| !is_stale(sample.value))?)))
        .map(|(labels, sample)| {
            let (job, instance) = (labels.value("job"), labels.value("instance"));
            let address = if instance.is_empty() { job } else { instance };
            let healthy = sample.value != 0.0;
            let url = format!("http://{address}/metrics");
            let last = DateTime::from_timestamp_millis(sample.t_ms).unwrap_or_default();
            json!({
                "discoveredLabels": {
                    "__address__": address, "__metrics_path__": "/metrics", "__scheme__": "http", "__scrape_interval__": "15s",
                    "__scrape_timeout__": "10s", "job": job,
                },
                "labels": answer::labels(&labels.without_name()),
                "scrapePool": job,
                "scrapeUrl": url,
                "globalUrl": url,
                "lastError": if healthy { String::new() } else { format!("Get {url:?}: dial tcp: connect: connection refused") },
                "lastScrape": last.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
                "lastScrapeDuration": 0.004,
                "health": if healthy { "up" } else { "down" },
                "scrapeInterval": "15s",
                "scrapeTimeout": "10s",
            })
        })
        .collect();
    let jobs: Map<String, Json> = active.iter().filter_map(|target| Some((target["scrapePool"].as_str()?.to_owned(), json!(0)))).collect();
    json!({ "activeTargets": active, "droppedTargets": [], "droppedTargetCounts": jobs })
}
