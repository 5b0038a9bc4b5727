//! Prometheus with its rules, Alertmanager and Elasticsearch, as one part of the platform.

use axum::Router;
use chrono::{DateTime, Utc};
use http::StatusCode;

use super::SimError;
use super::log_store::LogStore;
use super::store::Clock;
use super::tsdb::Tsdb;

#[derive(Clone)]
pub struct Observability {
    routers: Routers,
}

/// The HTTP interfaces.
#[derive(Clone)]
pub struct Routers {
    pub prometheus: Router,
    pub alertmanager: Router,
    pub elasticsearch: Router,
}

impl Observability {
    #[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the servers keep these")]
    pub fn new(_tsdb: Tsdb, _logs: LogStore, _clock: Clock) -> Result<Self, SimError> {
        let absent = || Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE);
        Ok(Self { routers: Routers { prometheus: absent(), alertmanager: absent(), elasticsearch: absent() } })
    }

    pub fn catch_up(&self, _now: DateTime<Utc>) {}

    pub fn evaluate(&self, _now: DateTime<Utc>) {}

    pub fn routers(&self) -> Routers {
        self.routers.clone()
    }
}
