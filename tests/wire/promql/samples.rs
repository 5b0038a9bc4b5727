//! The samples both evaluators are asked about: made from a seed, with what makes evaluators disagree.
//!
//! Counters that reset, series that begin late, end early, have gaps longer than the look-back or a single sample, histograms, and
//! gauges with NaN and the infinities. The series of the job `aligned` are scraped at multiples of the interval, so that a window's
//! open left end lies on a sample; the others are scraped somewhere between.

use std::fmt::Write as _;

use fastrand::Rng;
use sev1::sim::tsdb::{Labels, Tsdb};

/// The newest moment, in ms: a multiple of the interval, of a minute and of five.
pub const END_MS: i64 = 1_700_000_100_000;
/// From one scrape to the next, in ms.
pub const INTERVAL_MS: i64 = 15_000;
/// From the first scrape to the last: within what the simulated store keeps.
const SPAN_MS: i64 = 100 * 60_000;
/// Longer than an instant selector looks back.
const GAP_MS: i64 = 7 * 60_000;

/// One series: labels, and samples in the order of time.
pub struct Series {
    pub name: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub samples: Vec<(i64, f64)>,
}

/// All of them.
pub fn generate(seed: u64) -> Vec<Series> {
    let mut samples = Samples { random: Rng::with_seed(seed), series: Vec::new() };
    samples.requests();
    samples.histograms();
    samples.gauges();
    samples.counters();
    samples.oddities();
    samples.series
}

struct Samples {
    random: Rng,
    series: Vec<Series>,
}

/// How one series lives.
#[derive(Clone, Copy)]
enum Life {
    Whole,
    /// Begins so many ms after the others.
    Late(i64),
    /// Ends so many ms before the others.
    Early(i64),
    /// Misses so many ms in its last half hour.
    Gap(i64),
    Once,
}

impl Samples {
    fn add(&mut self, name: &'static str, labels: &[(&'static str, &str)], life: Life, mut value: impl FnMut(&mut Rng) -> f64) {
        let aligned = labels.contains(&("job", "aligned"));
        let shift = if aligned { 0 } else { self.random.i64(2_000..13_000) };
        let mut samples = Vec::new();
        let mut t = END_MS - SPAN_MS + shift;
        while t <= END_MS {
            let lives = match life {
                Life::Whole => true,
                Life::Late(by) => t >= END_MS - SPAN_MS + by,
                Life::Early(by) => t <= END_MS - by,
                Life::Gap(length) => !(END_MS - 20 * 60_000 - length..END_MS - 20 * 60_000).contains(&t),
                Life::Once => (END_MS - 150_000..END_MS - 150_000 + INTERVAL_MS).contains(&t),
            };
            let jitter = if aligned { 0 } else { self.random.i64(-40..40) };
            let next = value(&mut self.random);
            if lives {
                samples.push((t + jitter, next));
            }
            t += INTERVAL_MS;
        }
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.series.push(Series { name, labels, samples });
    }

    /// A counter that grows by about `rate` a second and sometimes begins anew.
    fn counter(&mut self, name: &'static str, labels: &[(&'static str, &str)], life: Life, rate: f64, resets: bool) {
        let mut total = (rate * 40.0).floor();
        self.add(name, labels, life, move |random| {
            total = if resets && random.u32(0..60) == 0 { 0.0 } else { total + (rate * 15.0 * 2.0 * random.f64()).floor() };
            total
        });
    }

    fn gauge(&mut self, name: &'static str, labels: &[(&'static str, &str)], life: Life, middle: f64) {
        let mut value = middle;
        self.add(name, labels, life, move |random| {
            value += (random.f64() - 0.5) * middle / 5.0;
            (value * 1000.0).round() / 1000.0
        });
    }

    fn requests(&mut self) {
        let lives = [Life::Whole, Life::Gap(GAP_MS), Life::Whole, Life::Late(70 * 60_000), Life::Whole, Life::Early(4 * 60_000)];
        let mut place = 0;
        for (service, job) in [("api-gateway", "aligned"), ("core-engine", "core-engine"), ("gov-connectors", "gov-connectors")] {
            for (method, status, rate) in
                [("GET", "200", 40.0), ("POST", "200", 9.0), ("GET", "403", 0.6), ("GET", "500", 1.5), ("POST", "503", 0.4), ("GET", "404", 0.0)]
            {
                let labels = [("job", job), ("service", service), ("method", method), ("status", status)];
                self.counter("http_requests_total", &labels, lives[place % lives.len()], rate, place % 2 == 0);
                place += 1;
            }
        }
    }

    fn histograms(&mut self) {
        const BOUNDS: [&str; 7] = ["0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"];
        for (name, service, job) in [
            ("http_request_duration_seconds", "api-gateway", "aligned"),
            ("http_request_duration_seconds", "core-engine", "core-engine"),
            ("sync_request_duration_seconds", "sync-service", "sync-service"),
        ] {
            let (bucket, sum, count) = match name {
                "http_request_duration_seconds" => {
                    ("http_request_duration_seconds_bucket", "http_request_duration_seconds_sum", "http_request_duration_seconds_count")
                }
                _ => ("sync_request_duration_seconds_bucket", "sync_request_duration_seconds_sum", "sync_request_duration_seconds_count"),
            };
            let seed = self.random.u64(..);
            for (place, bound) in BOUNDS.iter().enumerate() {
                let share = [0.3, 0.5, 0.7, 0.85, 0.93, 0.97, 1.0][place];
                let (mut random, mut total) = (Rng::with_seed(seed), 0.0);
                // The same draws for every bucket: cumulative counts never fall from one bound to the next.
                self.add(bucket, &[("job", job), ("service", service), ("le", bound)], Life::Whole, move |_| {
                    total += (share * 300.0 * random.f64()).floor();
                    total
                });
            }
            self.counter(sum, &[("job", job), ("service", service)], Life::Whole, 11.0, false);
            self.counter(count, &[("job", job), ("service", service)], Life::Whole, 20.0, false);
        }
    }

    fn gauges(&mut self) {
        for (node, job, life, cpu) in [
            ("node-1", "aligned", Life::Whole, 60.0),
            ("node-2", "node", Life::Gap(GAP_MS), 78.0),
            ("node-3", "node", Life::Whole, 90.0),
            ("node-4", "node", Life::Early(6 * 60_000), 30.0),
        ] {
            self.gauge("cpu_usage_percent", &[("job", job), ("node", node)], life, cpu);
            self.gauge("memory_usage_percent", &[("job", job), ("node", node)], life, cpu + 10.0);
        }
        for instance in ["primary", "replica"] {
            self.gauge("postgresql_connections_active", &[("job", "postgresql"), ("instance", instance)], Life::Whole, 170.0);
            self.add("postgresql_connections_max", &[("job", "postgresql"), ("instance", instance)], Life::Whole, |_| 200.0);
        }
        self.gauge("verification_queue_size", &[("job", "aligned"), ("service", "core-engine")], Life::Whole, 900.0);
        self.gauge("redis_queue_length", &[("job", "redis"), ("queue", "sync-events")], Life::Whole, 1000.0);
        self.gauge("redis_queue_length", &[("job", "redis"), ("queue", "dead-letters")], Life::Late(80 * 60_000), 3.0);
        self.gauge("websocket_active_connections", &[("job", "sync-service")], Life::Gap(2 * 60_000), 5000.0);
        for (job, every) in [("fraud-analytics", 3), ("sync-service", 0), ("government-feed-connector", 20), ("aligned", 0)] {
            self.add("up", &[("job", job)], Life::Whole, move |random| if every > 0 && random.u32(0..every) == 0 { 0.0 } else { 1.0 });
        }
    }

    fn counters(&mut self) {
        self.counter("user_registrations_total", &[("job", "aligned")], Life::Whole, 0.02, true);
        for (agency, rate) in [("hmrc", 11.0), ("dvla", 0.5)] {
            self.counter("government_api_requests_failed_total", &[("job", "gov-connectors"), ("agency", agency)], Life::Whole, rate, true);
        }
        self.counter("login_attempts_failed_total", &[("job", "core-engine")], Life::Early(150_000), 52.0, true);
        self.gauge("database_queries_sensitive", &[("job", "postgresql")], Life::Whole, 90_000.0);
    }

    fn oddities(&mut self) {
        const ODD: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -3.5, 7.25];
        self.add("odd", &[("kind", "any"), ("job", "aligned")], Life::Whole, |random| ODD[random.usize(0..ODD.len())]);
        self.add("odd", &[("kind", "nan"), ("job", "odd")], Life::Whole, |_| f64::NAN);
        self.add("odd", &[("kind", "negative"), ("job", "odd")], Life::Whole, |random| -(random.f64() * 100.0).round());
        self.add("odd", &[("kind", "constant"), ("job", "odd")], Life::Whole, |_| 0.1);
        self.add("odd", &[("kind", "large"), ("job", "odd")], Life::Whole, |random| 1e15 + random.f64().round());
        self.add("odd", &[("kind", "once"), ("job", "odd")], Life::Once, |_| 42.0);
    }
}

/// In the text form that `promtool tsdb create-blocks-from openmetrics` takes.
pub fn open_metrics(series: &[Series]) -> String {
    let mut text = String::new();
    for series in series {
        let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        for (t, value) in &series.samples {
            let value = if value.is_infinite() { if *value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() } } else { value.to_string() };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}{{{}}} {value} {}.{:03}", series.name, labels.join(","), t / 1000, t % 1000);
        }
    }
    text + "# EOF\n"
}

/// In the simulated store.
pub fn store(series: &[Series]) -> Tsdb {
    let store = Tsdb::new();
    for series in series {
        let id = store.series(&Labels::metric(series.name, series.labels.iter().map(|(name, value)| (*name, value.as_str()))));
        for (t, value) in &series.samples {
            assert!(store.append_id(id, *t, *value), "{} at {t} comes out of order", series.name);
        }
    }
    store
}
