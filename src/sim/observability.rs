//! Prometheus with its rules, Alertmanager and Elasticsearch, as one part of the platform.

use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};

use super::SimError;
use super::alertmanager::{self, Alertmanager};
use super::elasticsearch::{self, Elasticsearch};
use super::log_store::LogStore;
use super::prometheus::{self, Prometheus, Rules};
use super::store::Clock;
use super::tsdb::Tsdb;

/// How far back the rules are evaluated at the start: longer than any rule's `for`.
const RULES_BEGIN: TimeDelta = TimeDelta::minutes(45);

/// What watches the simulated services; clones share it.
#[derive(Clone)]
pub struct Observability {
    tsdb: Tsdb,
    logs: LogStore,
    rules: Rules,
    alertmanager: Alertmanager,
    clock: Clock,
}

/// The HTTP interfaces.
pub struct Routers {
    pub prometheus: Router,
    pub alertmanager: Router,
    pub elasticsearch: Router,
}

impl Observability {
    pub fn new(tsdb: Tsdb, logs: LogStore, clock: Clock) -> Result<Self, SimError> {
        let alertmanager = Alertmanager::new();
        let rules = Rules::guide(tsdb.clone(), alertmanager.clone())?;
        Ok(Self { tsdb, logs, rules, alertmanager, clock })
    }

    /// Evaluates the rules over the history that was played before `now`.
    pub fn catch_up(&self, now: DateTime<Utc>) {
        self.rules.evaluate_at(now - RULES_BEGIN);
        self.rules.evaluate(now);
    }

    /// Evaluates the rules where that is due.
    pub fn evaluate(&self, now: DateTime<Utc>) {
        self.rules.evaluate(now);
    }

    pub fn routers(&self) -> Routers {
        let clock = || Arc::clone(&self.clock);
        Routers {
            prometheus: prometheus::router(Prometheus::new(self.tsdb.clone(), self.rules.clone(), clock())),
            alertmanager: alertmanager::router(self.alertmanager.clone(), clock()),
            elasticsearch: elasticsearch::router(Elasticsearch::new(self.logs.clone(), clock())),
        }
    }
}
