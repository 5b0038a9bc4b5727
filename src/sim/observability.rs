//! Prometheus with its rules, Alertmanager and Elasticsearch, as one part of the platform.

use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};

use super::SimError;
use super::alertmanager::{self, Alertmanager};
use super::elasticsearch::{self, Elasticsearch};
use super::kubernetes::proxy::Backends;
use super::log_store::LogStore;
use super::prometheus::{self, Prometheus, Rules};
use super::store::Clock;
use super::tsdb::Tsdb;

/// How far back the rules are evaluated at the start: longer than any rule's `for`.
const RULES_BEGIN: i64 = 45;
/// From here on at the rules' own interval, before that each minute: what happened lately shows to the second.
const RULES_DENSE: i64 = 14;

/// Rules of the guide that do not say what they mean, as printed and as the platform's team has put them right: the first divides
/// each series by itself, so that one failed request fires it; the second compares a rate per second with a number per hour.
const CORRECTIONS: [(&str, &str); 2] = [
    (
        "rate(http_requests_total{status=~\"5..\"}[5m]) / rate(http_requests_total[5m]) > 0.05",
        "sum by (service) (rate(http_requests_total{status=~\"5..\"}[5m])) / sum by (service) (rate(http_requests_total[5m])) > 0.05",
    ),
    ("rate(user_registrations_total[1h]) < 50", "rate(user_registrations_total[1h]) * 3600 < 50"),
];

fn corrected_rules() -> String {
    let printed = include_str!("prometheus/rules.yml").to_owned();
    CORRECTIONS.iter().fold(printed, |rules, (printed, meant)| rules.replace(&format!("expr: {printed}\n"), &format!("expr: {meant}\n")))
}

/// What watches the simulated services; clones share it.
#[derive(Clone)]
pub struct Observability {
    tsdb: Tsdb,
    rules: Rules,
    alertmanager: Alertmanager,
    pub elasticsearch: Elasticsearch,
    clock: Clock,
}

/// The HTTP interfaces.
pub struct Routers {
    pub prometheus: Router,
    pub alertmanager: Router,
    pub elasticsearch: Router,
}

impl Routers {
    /// Where the service proxy finds them.
    pub fn backends(self) -> Backends {
        Backends::new([
            ("monitoring", "prometheus", 9090, self.prometheus),
            ("monitoring", "alertmanager", 9093, self.alertmanager),
            ("monitoring", "elasticsearch", 9200, self.elasticsearch),
        ])
    }
}

impl Observability {
    pub fn new(tsdb: Tsdb, logs: LogStore, clock: Clock) -> Result<Self, SimError> {
        let alertmanager = Alertmanager::new();
        let rules = Rules::parse(&corrected_rules(), tsdb.clone(), alertmanager.clone())?;
        let elasticsearch = Elasticsearch::new(logs, Arc::clone(&clock));
        Ok(Self { tsdb, rules, alertmanager, elasticsearch, clock })
    }

    /// Evaluates the rules over the history that was played before `now`.
    pub fn catch_up(&self, now: DateTime<Utc>) {
        for minutes in (RULES_DENSE..=RULES_BEGIN).rev() {
            self.rules.evaluate_at(now - TimeDelta::minutes(minutes));
        }
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
            elasticsearch: elasticsearch::router(self.elasticsearch.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_correction_finds_its_rule() {
        let corrected = corrected_rules();
        for (printed, meant) in CORRECTIONS {
            assert!(!corrected.contains(&format!("expr: {printed}\n")) && corrected.contains(meant), "{printed}");
        }
    }
}
