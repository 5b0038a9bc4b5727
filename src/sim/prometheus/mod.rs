//! The simulated Prometheus: its HTTP API over the series store and the evaluated rules.
//!
//! Shapes and messages are those of Prometheus 2.42 to 3; the store's windows are Prometheus 3's.

mod answer;
mod api;
mod parameters;
mod rules;
mod targets;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};

use super::tsdb::Tsdb;
pub use rules::{EVALUATION_INTERVAL_MS, GuideRulesError, RuleState, Rules};

/// The simulated time.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What the API answers from.
#[derive(Clone)]
pub struct Prometheus {
    store: Tsdb,
    rules: Rules,
    now: Now,
    started: DateTime<Utc>,
}

impl Prometheus {
    pub fn new(store: Tsdb, rules: Rules, now: Now) -> Self {
        let started = now();
        Self { store, rules, now, started }
    }
}

/// The API at `/api/v1` and the probes at `/-/`.
pub fn router(prometheus: Prometheus) -> Router {
    Router::new()
        .route("/api/v1/query", get(api::query).post(api::query))
        .route("/api/v1/query_range", get(api::query_range).post(api::query_range))
        .route("/api/v1/series", get(api::series).post(api::series))
        .route("/api/v1/labels", get(api::labels).post(api::labels))
        .route("/api/v1/label/{name}/values", get(api::label_values))
        .route("/api/v1/metadata", get(api::metadata))
        .route("/api/v1/rules", get(api::rules))
        .route("/api/v1/alerts", get(api::alerts))
        .route("/api/v1/targets", get(api::targets))
        .route("/api/v1/alertmanagers", get(api::alertmanagers))
        .route("/api/v1/status/buildinfo", get(api::build_info))
        .route("/api/v1/status/runtimeinfo", get(api::runtime_info))
        .route("/-/ready", get(async || plain("Prometheus Server is Ready.\n")))
        .route("/-/healthy", get(async || plain("Prometheus Server is Healthy.\n")))
        .fallback(async || (StatusCode::NOT_FOUND, plain("404 page not found\n")))
        .with_state(prometheus)
}

fn plain(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
