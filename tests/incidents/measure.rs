//! How bad some minutes were: failed and slow answers, and what waits in the queues.

use sev1::sim::world::World;
use std::fmt;

/// Slower than this is as good as half failed, seconds.
const SLOW: f64 = 2.0;
/// Shares that differ by less than this part are the same.
const CLEAR: f64 = 0.05;
/// And those that differ by less than this share of all requests.
const LEAST: f64 = 0.002;
/// Queues that differ by less than this are the same: events, on average.
const EVENTS: f64 = 400.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Better,
    Worse,
    None,
}

/// Counters at a moment: requests, failed, slower than [`SLOW`].
type Counters = [f64; 3];

#[derive(Debug, Default)]
pub struct Minutes {
    first: Counters,
    last: Counters,
    backlog: f64,
    looks: f64,
}

fn latest(world: &World, name: &str, wanted: impl Fn(&dyn Fn(&str) -> String) -> bool) -> f64 {
    let to = world.clock().now().timestamp_millis();
    let found = world.tsdb().read().select(Some(name), |_| true, to - 20_000, to);
    let own = found.into_iter().filter(|(labels, _)| wanted(&|label| labels.value(label).to_owned()));
    own.filter_map(|(_, samples)| samples.last().map(|sample| sample.value)).sum()
}

fn counters(world: &World) -> Counters {
    let all = latest(world, "http_requests_total", |_| true);
    let failed = latest(world, "http_requests_total", |label| label("status").starts_with('5'));
    let timed = latest(world, "http_request_duration_seconds_count", |_| true);
    let fast =
        latest(world, "http_request_duration_seconds_bucket", |label| label("le").parse::<f64>().is_ok_and(|bound| (bound - SLOW).abs() < 0.01));
    [all, failed, timed - fast]
}

impl Minutes {
    pub fn begin(world: &World) -> Self {
        Self { first: counters(world), ..Self::default() }
    }

    pub fn look(&mut self, world: &World) {
        self.backlog += latest(world, "redis_queue_length", |_| true) + latest(world, "verification_queue_size", |_| true);
        self.looks += 1.0;
    }

    pub fn end(&mut self, world: &World) {
        self.last = counters(world);
    }

    fn share(&self, place: usize) -> f64 {
        (self.last[place] - self.first[place]) / (self.last[0] - self.first[0])
    }

    /// Failed answers count whole, slow ones half.
    fn suffering(&self) -> f64 {
        self.share(1) + 0.5 * self.share(2)
    }

    fn waiting(&self) -> f64 {
        self.backlog / self.looks
    }

    /// What people see first: answers. Only where these are the same the queues decide.
    pub fn against(&self, other: &Self) -> Change {
        let (own, before) = (self.suffering(), other.suffering());
        if (own - before).abs() > LEAST && (own - before).abs() > CLEAR * before {
            return if own < before { Change::Better } else { Change::Worse };
        }
        let (own, before) = (self.waiting(), other.waiting());
        if (own - before).abs() > EVENTS && (own - before).abs() > 0.2 * before {
            return if own < before { Change::Better } else { Change::Worse };
        }
        Change::None
    }
}

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5.2} % failed {:5.2} % slow {:6.0} waiting", self.share(1) * 100.0, self.share(2) * 100.0, self.waiting())
    }
}
