//! What a scrape of the platform brings: the guide's series, with the guide's labels.

use super::histogram::Histogram;
use super::traffic::{DATABASE_MAX, Surroundings, Traffic};
use crate::sim::tsdb::{Labels, SeriesId, Tsdb, stale_marker};
use std::collections::BTreeMap;

/// How requests of a status divide into methods.
const METHODS: [(&str, f64); 3] = [("GET", 0.62), ("POST", 0.33), ("PUT", 0.05)];

/// The scrape jobs and the deployment whose ready pods answer for each.
const JOBS: [(&str, &str, u16); 10] = [
    ("api-gateway", "api-gateway", 8081),
    ("core-engine", "core-engine", 8080),
    ("gov-connectors", "gov-connectors", 8082),
    ("fraud-analytics", "fraud-analytics", 8083),
    ("sync-service", "sync-service", 8080),
    ("government-feed-connector", "government-feed-connector", 8086),
    ("postgresql", "postgres-primary", 9187),
    ("redis", "redis-primary", 9121),
    ("kafka", "kafka-broker", 9308),
    ("audit-service", "audit-service", 8085),
];

/// A series' place: metric, first label's value, and a number for the rest.
type Slot = (&'static str, String, usize);

/// Writes scrapes; each series' handle is looked up once.
pub struct Exposition {
    tsdb: Tsdb,
    ids: BTreeMap<Slot, SeriesId>,
    batch: Vec<(SeriesId, f64)>,
}

impl Exposition {
    pub fn new(tsdb: Tsdb) -> Self {
        Self { tsdb, ids: BTreeMap::new(), batch: Vec::new() }
    }

    pub fn scrape(&mut self, traffic: &Traffic, around: &Surroundings, feed_up: bool, at_ms: i64) {
        for (name, service) in &traffic.services {
            for (status, count) in &service.by_status {
                for (column, (method, share)) in METHODS.into_iter().enumerate() {
                    let slot = ("http_requests_total", name.clone(), usize::from(*status) * 4 + column);
                    self.put(slot, (count * share).floor(), || {
                        vec![("service", name.clone()), ("method", method.into()), ("status", status.to_string())]
                    });
                }
            }
            self.histogram(
                ("http_request_duration_seconds_bucket", "http_request_duration_seconds_sum", "http_request_duration_seconds_count"),
                name,
                &service.latency,
            );
        }
        self.histogram(
            ("sync_request_duration_seconds_bucket", "sync_request_duration_seconds_sum", "sync_request_duration_seconds_count"),
            "sync-service",
            &traffic.sync_latency,
        );
        self.gauge("redis_queue_length", ("queue", "sync-events"), traffic.sync_queue.round());
        self.gauge("verification_queue_size", ("service", "core-engine"), traffic.verification_queue.round());
        self.gauge("postgresql_connections_active", ("instance", "postgres-primary"), traffic.connections.round());
        self.gauge("postgresql_connections_max", ("instance", "postgres-primary"), DATABASE_MAX);
        self.gauge("kafka_queue_length", ("topic", "fraud-detection"), traffic.kafka_queue.round());
        self.gauge("sync_event_backlog", ("service", "fraud-analytics"), (48.0 + traffic.kafka_queue / 100.0).round());
        self.gauge("sync_event_backlog", ("service", "sync-service"), traffic.sync_queue.round());
        self.gauge("websocket_active_connections", ("service", "sync-service"), traffic.websockets.round());
        self.gauge("database_queries_sensitive", ("instance", "postgres-primary"), traffic.sensitive_queries.round());
        self.gauge("user_registrations_total", ("service", "core-engine"), traffic.registrations.floor());
        self.gauge("login_attempts_failed_total", ("service", "api-gateway"), traffic.failed_logins.floor());
        self.gauge("government_api_requests_failed_total", ("service", "gov-connectors"), traffic.government_failures.floor());
        for (node, (cpu, memory)) in &traffic.nodes {
            let shown = |value: f64| if value.is_nan() { stale_marker() } else { (value * 10.0).round() / 10.0 };
            self.gauge("cpu_usage_percent", ("node", node), shown(*cpu));
            self.gauge("memory_usage_percent", ("node", node), shown(*memory));
        }
        for (number, (job, deployment, port)) in JOBS.into_iter().enumerate() {
            let ready = around.seats.get(deployment).is_some_and(|seats| !seats.is_empty());
            let up = ready && (job != "government-feed-connector" || feed_up);
            self.put(("up", job.into(), number), f64::from(u8::from(up)), || vec![("job", job.into()), ("instance", format!("{deployment}:{port}"))]);
        }
        self.tsdb.append_all(at_ms, self.batch.drain(..));
    }

    fn gauge(&mut self, metric: &'static str, label: (&'static str, &str), value: f64) {
        self.put((metric, label.1.to_owned(), 0), value, || vec![(label.0, label.1.to_owned())]);
    }

    fn histogram(&mut self, names: (&'static str, &'static str, &'static str), service: &str, histogram: &Histogram) {
        let count = histogram.count.floor();
        for (number, (bound, below)) in histogram.counts().enumerate() {
            self.put((names.0, service.to_owned(), number), below.min(count), || vec![("service", service.to_owned()), ("le", bound.to_string())]);
        }
        self.put((names.0, service.to_owned(), usize::MAX), count, || vec![("service", service.to_owned()), ("le", "+Inf".into())]);
        self.put((names.1, service.to_owned(), 0), (histogram.sum * 1000.0).round() / 1000.0, || vec![("service", service.to_owned())]);
        self.put((names.2, service.to_owned(), 0), count, || vec![("service", service.to_owned())]);
    }

    fn put(&mut self, slot: Slot, value: f64, labels: impl FnOnce() -> Vec<(&'static str, String)>) {
        let id = match self.ids.get(&slot) {
            Some(id) => *id,
            None => {
                let id = self.tsdb.series(&Labels::metric(slot.0, labels()));
                self.ids.insert(slot, id);
                id
            }
        };
        self.batch.push((id, value));
    }
}
