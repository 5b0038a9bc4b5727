//! What a scrape of the platform brings: the guide's series, with the guide's labels.

use super::histogram::Histogram;
use super::traffic::{DATABASE_MAX, Surroundings, Traffic};
use crate::sim::tsdb::{Labels, SeriesId, Tsdb, stale_marker};

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

/// Writes scrapes. The series come in the same order each time, so that their handles are looked up once and then by place.
pub struct Exposition {
    tsdb: Tsdb,
    ids: Vec<SeriesId>,
    /// What the order depends on: how many statuses, services and nodes there are.
    layout: (usize, usize, usize),
    batch: Vec<(SeriesId, f64)>,
}

impl Exposition {
    pub fn new(tsdb: Tsdb) -> Self {
        Self { tsdb, ids: Vec::new(), layout: (0, 0, 0), batch: Vec::new() }
    }

    /// The same into another store with the same handles.
    #[must_use]
    pub fn fork(&self, tsdb: Tsdb) -> Self {
        Self { tsdb, ids: self.ids.clone(), layout: self.layout, batch: Vec::new() }
    }

    pub fn scrape(&mut self, traffic: &Traffic, around: &Surroundings, feed_up: bool, at_ms: i64) {
        let statuses = traffic.services.values().map(|service| service.by_status.len()).sum();
        let layout = (statuses, traffic.services.len(), traffic.nodes.len());
        if self.layout != layout {
            self.layout = layout;
            self.ids.clear();
        }
        for (name, service) in &traffic.services {
            for (status, count) in &service.by_status {
                for (method, share) in METHODS {
                    let labels =
                        || Labels::metric("http_requests_total", [("service", name.as_str()), ("method", method), ("status", &status.to_string())]);
                    self.put((count * share).floor(), labels);
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
        for (job, deployment, port) in JOBS {
            let ready = around.seats.get(deployment).is_some_and(|seats| !seats.is_empty());
            let up = ready && (job != "government-feed-connector" || feed_up);
            self.put(f64::from(u8::from(up)), || Labels::metric("up", [("job", job), ("instance", &format!("{deployment}:{port}"))]));
        }
        self.tsdb.append_all(at_ms, self.batch.drain(..));
    }

    fn gauge(&mut self, metric: &str, label: (&str, &str), value: f64) {
        self.put(value, || Labels::metric(metric, [label]));
    }

    fn histogram(&mut self, (bucket, sum, total): (&str, &str, &str), service: &str, histogram: &Histogram) {
        let count = histogram.count.floor();
        for (bound, below) in histogram.counts() {
            self.put(below.min(count), || Labels::metric(bucket, [("service", service), ("le", &bound.to_string())]));
        }
        self.put(count, || Labels::metric(bucket, [("service", service), ("le", "+Inf")]));
        self.put((histogram.sum * 1000.0).round() / 1000.0, || Labels::metric(sum, [("service", service)]));
        self.put(count, || Labels::metric(total, [("service", service)]));
    }

    fn put(&mut self, value: f64, labels: impl FnOnce() -> Labels) {
        let place = self.batch.len();
        if place == self.ids.len() {
            self.ids.push(self.tsdb.series(&labels()));
        }
        self.batch.push((self.ids[place], value));
    }
}
