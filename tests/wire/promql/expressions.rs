//! The expressions both evaluators are asked: those of the operations guide, and random ones of the supported grammar.

use fastrand::Rng;

/// Of the operations guide: its rules, dashboard panels and scripts.
pub const GUIDE: [&str; 27] = [
    "cpu_usage_percent > 80",
    "memory_usage_percent > 85",
    "postgresql_connections_active / postgresql_connections_max > 0.9",
    r#"rate(http_requests_total{status=~"5.."}[5m])"#,
    r#"rate(http_requests_total{status=~"5.."}[5m]) / rate(http_requests_total[5m]) > 0.05"#,
    "histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m])) > 2",
    "verification_queue_size > 1000",
    "rate(user_registrations_total[1h]) < 50",
    r#"up{job="fraud-analytics"} == 0"#,
    "rate(government_api_requests_failed_total[10m]) > 10",
    "rate(http_requests_total[5m])",
    "rate(http_request_duration_seconds_bucket[5m])",
    "up",
    "rate(login_attempts_failed_total[5m]) > 50",
    r#"rate(http_requests_total{status="403"}[5m]) > 20"#,
    "rate(database_queries_sensitive[5m]) > 1000",
    "avg(cpu_usage_percent)",
    "avg(memory_usage_percent)",
    r#"up{job="sync-service"} == 0"#,
    "histogram_quantile(0.95, rate(sync_request_duration_seconds_bucket[5m])) > 1",
    r#"redis_queue_length{queue="sync-events"} > 1000"#,
    r#"up{job="government-feed-connector"} == 0"#,
    "websocket_active_connections",
    // The guide's rules as they were meant, which are the indicators of the first screen.
    r#"sum by (service) (rate(http_requests_total{status=~"5.."}[5m])) / sum by (service) (rate(http_requests_total[5m]))"#,
    "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    r#"sum(deriv(redis_queue_length{queue="sync-events"}[5m]))"#,
    "max(postgresql_connections_active / postgresql_connections_max)",
];

/// Gauges and counters, with labels that tell their series apart.
const VECTORS: [&str; 16] = [
    "http_requests_total",
    r#"http_requests_total{status=~"5.."}"#,
    r#"http_requests_total{service!="core-engine",method="GET"}"#,
    r#"http_requests_total{status!~"2..|404"}"#,
    "cpu_usage_percent",
    r#"cpu_usage_percent{job="aligned"}"#,
    "memory_usage_percent",
    "postgresql_connections_active",
    "redis_queue_length",
    "up",
    "odd",
    r#"odd{kind=~"any|nan|negative"}"#,
    r#"{__name__=~"cpu_.+",node=~"node-[12]"}"#,
    "websocket_active_connections",
    "government_api_requests_failed_total",
    "nothing_of_that_name",
];
const BUCKETS: [&str; 3] = [
    "http_request_duration_seconds_bucket",
    r#"http_request_duration_seconds_bucket{service="api-gateway"}"#,
    "sync_request_duration_seconds_bucket",
];
const WINDOWS: [&str; 7] = ["30s", "45s", "1m", "2m", "5m", "10m", "1h"];
const OFFSETS: [&str; 6] = ["", "", "", " offset 1m", " offset 7m", " offset 90s"];
const OVER_TIME: [&str; 18] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "avg_over_time",
    "sum_over_time",
    "count_over_time",
    "max_over_time",
    "min_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "changes",
    "resets",
    "absent_over_time",
];
const MATH: [&str; 10] = ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "deg"];
const CALENDAR: [&str; 8] = ["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"];
const AGGREGATIONS: [&str; 8] = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"];
const GROUPINGS: [&str; 7] =
    ["", "", " by (service)", " by (status, method)", " by (job)", " without (node, instance)", " without (status, method, le)"];
const ARITHMETIC: [&str; 6] = ["+", "-", "*", "/", "%", "^"];
const COMPARISONS: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];

/// As many different expressions as asked for; the same for the same seed.
pub fn generate(seed: u64, count: usize) -> Vec<String> {
    let mut grammar = Grammar(Rng::with_seed(seed));
    let mut expressions: Vec<String> = Vec::new();
    while expressions.len() < count {
        let depth = 1 + expressions.len() % 3;
        let expression = if grammar.0.u32(0..12) == 0 { grammar.scalar(depth) } else { grammar.vector(depth) };
        if !expressions.contains(&expression) {
            expressions.push(expression);
        }
    }
    expressions
}

/// Draws expressions by their type.
struct Grammar(Rng);

impl Grammar {
    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        list[self.0.usize(0..list.len())]
    }

    fn number(&mut self) -> &'static str {
        self.pick(&["0", "1", "2.5", "-3", "0.05", "100", "1e3"])
    }

    fn selector(&mut self) -> String {
        let (vector, offset) = (self.pick(&VECTORS), self.pick(&OFFSETS));
        let at = if self.0.u32(0..14) == 0 { " @ 1699999500" } else { "" };
        format!("{vector}{at}{offset}")
    }

    /// A selector of which a timestamp can be taken: Prometheus 3.13 finds nothing where it has both `@` and an offset.
    fn dated(&mut self) -> String {
        let (vector, offset) = (self.pick(&VECTORS), self.pick(&OFFSETS));
        format!("{vector}{offset}")
    }

    fn matrix(&mut self, depth: usize) -> String {
        if depth > 1 && self.0.u32(0..4) == 0 {
            let (inner, step) = (self.vector(depth - 1), self.pick(&["15s", "30s", "1m"]));
            return format!("({inner})[{}:{step}]", self.pick(&["2m", "5m", "10m"]));
        }
        let (vector, window, offset) = (self.pick(&VECTORS), self.pick(&WINDOWS), self.pick(&OFFSETS));
        format!("{vector}[{window}]{offset}")
    }

    fn scalar(&mut self, depth: usize) -> String {
        match self.0.u32(0..5) {
            0 => self.number().to_owned(),
            1 => "time()".to_owned(),
            2 => format!("scalar({})", self.vector(depth.saturating_sub(1))),
            3 => format!("({} {} bool {})", self.number(), self.pick(&COMPARISONS), self.number()),
            _ => format!("({} {} {})", self.number(), self.pick(&ARITHMETIC), self.number()),
        }
    }

    fn vector(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.selector();
        }
        match self.0.u32(0..20) {
            0..=4 => {
                let function = self.pick(&OVER_TIME);
                format!("{function}({})", self.matrix(depth))
            }
            5 => {
                let q = self.pick(&["0", "0.5", "0.9", "1", "2", "-1"]);
                format!("quantile_over_time({q}, {})", self.matrix(depth))
            }
            6 => {
                let ahead = self.pick(&["60", "600", "-30"]);
                format!("predict_linear({}, {ahead})", self.matrix(1))
            }
            7..=9 => {
                let (operation, grouping) = (self.pick(&AGGREGATIONS), self.pick(&GROUPINGS));
                // The spread of large numbers close together is all rounding, and depends on an order that Prometheus does not keep.
                let inner = if operation.starts_with("std") { self.selector() } else { self.vector(depth - 1) };
                format!("{operation}{grouping} ({inner})")
            }
            10 => {
                let (q, grouping) = (self.pick(&["0.5", "0.95", "0", "1.5"]), self.pick(&GROUPINGS));
                format!("quantile{grouping} ({q}, {})", self.vector(depth - 1))
            }
            11 => {
                let (q, window) = (self.pick(&["0.5", "0.95", "0.99", "1", "0", "-0.5", "7"]), self.pick(&["1m", "5m", "10m"]));
                let bucket = self.pick(&BUCKETS);
                let (bucket, grouping) = (format!("rate({bucket}[{window}])"), self.pick(&["", " by (le)", " by (le, service)", " without (job)"]));
                if grouping.is_empty() {
                    format!("histogram_quantile({q}, {bucket})")
                } else {
                    format!("histogram_quantile({q}, sum{grouping} ({bucket}))")
                }
            }
            12 => match self.0.u32(0..4) {
                0 => format!("{}({})", self.pick(&MATH), self.vector(depth - 1)),
                1 => format!("clamp({}, 1, 60)", self.vector(depth - 1)),
                2 => format!("round({}, {})", self.vector(depth - 1), self.pick(&["1", "0.5", "10"])),
                _ => format!("{}({}, {})", self.pick(&["clamp_min", "clamp_max"]), self.vector(depth - 1), self.number()),
            },
            13 => match self.0.u32(0..5) {
                0 => format!("timestamp({})", self.dated()),
                1 => format!("{}(timestamp({}))", self.pick(&CALENDAR), self.dated()),
                2 => format!("absent({})", self.vector(depth - 1)),
                3 => format!("label_replace({}, \"tier\", \"$1\", \"job\", \"([a-z]+).*\")", self.vector(depth - 1)),
                _ => format!("label_join({}, \"both\", \"-\", \"job\", \"service\")", self.vector(depth - 1)),
            },
            14 | 15 => {
                let bool = self.pick(&["", "", "bool "]);
                format!("({} {} {bool}{})", self.vector(depth - 1), self.pick(&COMPARISONS), self.scalar(1))
            }
            16 => format!("({} {} {})", self.vector(depth - 1), self.pick(&ARITHMETIC), self.scalar(1)),
            17 => self.joined(depth),
            18 => {
                let operation = self.pick(&["and", "or", "unless"]);
                let on = self.pick(&["", " on (job)", " ignoring (status, method)"]);
                format!("({} {operation}{on} {})", self.vector(depth - 1), self.vector(depth - 1))
            }
            _ => format!("-{}", self.vector(depth - 1)),
        }
    }

    /// Two vectors with a match between their labels, sometimes not a valid one.
    fn joined(&mut self, depth: usize) -> String {
        let operator = if self.0.bool() { self.pick(&ARITHMETIC) } else { self.pick(&COMPARISONS) };
        match self.0.u32(0..5) {
            0 => format!("(cpu_usage_percent {operator} on (node) memory_usage_percent)"),
            1 => {
                let right = self.vector(depth - 1);
                format!("(http_requests_total {operator} on (service) group_left sum by (service) ({right}))")
            }
            2 => {
                let left = self.vector(depth - 1);
                format!("(sum by (job) ({left}) {operator} on (job) group_right http_requests_total)")
            }
            3 => format!("({} {operator} on (job) {})", self.vector(depth - 1), self.pick(&VECTORS)),
            _ => format!("({} {operator} {})", self.vector(depth - 1), self.vector(depth - 1)),
        }
    }
}
