//! `Config::default()`: what sev1 does when nothing is configured.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{
    escalation::Matrix,
    kpi::{Direction, Kpi, Role, Unit},
};

use super::shape::{Alerts, Breaker, Config, Errors, Looks, Mitigations, Production, Refresh, Servers};

/// A sample may miss two scrapes of the usual minute before its value counts as old.
pub const FRESHNESS_LIMIT: Duration = Duration::from_mins(2);

impl Default for Config {
    fn default() -> Self {
        Self {
            servers: Servers::default(),
            looks: Looks { theme: "night".to_owned(), ascii: None, mouse: true },
            kpis: indicators(),
            escalation: Matrix::default(),
            production: Production::default(),
            mitigations: Mitigations::default(),
            alerts: Alerts::default(),
            errors: Errors::default(),
            refresh: Refresh::default(),
            keys: BTreeMap::new(),
            read_only: false,
        }
    }
}

/// The six indicators of the operations guide with its thresholds. The queries differ from the guide's where those
/// compute something else: its error rate divides each series by itself, and its quantiles lack `sum by (le)`. Where no request
/// ever failed there is no series of failures: the sum, which has no labels, is 0 then, while traffic that is missing stays missing, and so
/// does traffic whose statuses stand in a label of another name.
fn indicators() -> Vec<Kpi> {
    vec![
        kpi(
            "error_rate",
            Role::Errors,
            "Error rate",
            r#"(sum(rate(http_requests_total{status=~"5.."}[5m])) or 0 * sum(rate(http_requests_total{status!=""}[5m]))) / sum(rate(http_requests_total[5m]))"#,
            Unit::Ratio,
            0.05,
        ),
        kpi(
            "p95_latency",
            Role::Latency,
            "p95 latency",
            "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
            Unit::Seconds,
            2.0,
        ),
        Kpi {
            trend_query: Some(r#"sum(deriv(redis_queue_length{queue="sync-events"}[5m]))"#.into()),
            deployment: Some("sync-service".into()),
            ..kpi("sync_backlog", Role::Queue, "Sync backlog", r#"sum(redis_queue_length{queue="sync-events"})"#, Unit::Count, 1000.0)
        },
        Kpi {
            deployment: Some("sync-service".into()),
            ..kpi(
                "sync_p95",
                Role::Latency,
                "Sync p95",
                "histogram_quantile(0.95, sum by (le) (rate(sync_request_duration_seconds_bucket[5m])))",
                Unit::Seconds,
                1.0,
            )
        },
        Kpi {
            deployment: Some("verification-service".into()),
            ..kpi("verification_queue", Role::Queue, "Verification queue", "sum(verification_queue_size)", Unit::Count, 1000.0)
        },
        kpi(
            "db_connections",
            Role::Saturation,
            "DB connections",
            "max(postgresql_connections_active / postgresql_connections_max)",
            Unit::Ratio,
            0.9,
        ),
    ]
}

fn kpi(id: &str, role: Role, title: &str, query: &str, unit: Unit, critical: f64) -> Kpi {
    Kpi {
        id: id.into(),
        title: title.into(),
        query: query.into(),
        trend_query: None,
        unit,
        role,
        deployment: None,
        direction: Direction::HigherIsWorse,
        warning: None,
        critical: Some(critical),
        freshness_limit: FRESHNESS_LIMIT,
    }
}

impl Default for Production {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            patterns: words(&["prod", "live"]),
            non_production: words(&[
                "staging",
                "stage",
                "dev",
                "development",
                "test",
                "testing",
                "qa",
                "uat",
                "sandbox",
                "demo",
                "minikube",
                "kind",
                "k3d",
                "docker-desktop",
                "rancher-desktop",
                "orbstack",
                "colima",
                "local",
                "localhost",
            ]),
            words: BTreeMap::new(),
        }
    }
}

impl Default for Mitigations {
    fn default() -> Self {
        Self {
            breaker: Breaker {
                config_map: "api-config".to_owned(),
                key: "circuit_breaker_enabled".to_owned(),
                on: "true".to_owned(),
                off: "false".to_owned(),
                guards: Vec::new(),
            },
            restart_at_once: 2,
            // The API server works on a request for at most 60 s (its `--request-timeout`).
            arrival_timeout: Duration::from_secs(65),
            reason_required: false,
            disabled: Vec::new(),
            two_person: BTreeMap::new(),
            commands: Vec::new(),
        }
    }
}

impl Default for Alerts {
    /// As kube-prometheus and others name them.
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { watchdogs: names(&["Watchdog", "DeadMansSwitch"]), apart: names(&["InfoInhibitor"]) }
    }
}

impl Default for Errors {
    /// As the operations guide's ELK stack writes them.
    fn default() -> Self {
        Self {
            index: "logstash-*".to_owned(),
            time_field: "@timestamp".to_owned(),
            level_field: "level".to_owned(),
            level: "ERROR".to_owned(),
            service_field: "service".to_owned(),
            message_field: "message".to_owned(),
            pod_field: "kubernetes.pod".to_owned(),
            error_field: "error".to_owned(),
        }
    }
}

impl Default for Refresh {
    /// Half an hour in 60 points: one a column on a tile of 60 columns, about four a column on one of 16.
    fn default() -> Self {
        Self {
            metrics: Duration::from_secs(5),
            alerts: Duration::from_secs(5),
            errors: Duration::from_secs(15),
            history: Duration::from_mins(30),
            history_step: Duration::from_secs(30),
        }
    }
}
