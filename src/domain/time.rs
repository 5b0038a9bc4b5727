//! Points in time, handed in from outside: nothing in `domain`, `state` or `ui` asks what time it is.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A point on the monotonic clock: the time since the program started. A clock set back or forward does not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Mono(pub Duration);

impl Mono {
    pub const ZERO: Self = Self(Duration::ZERO);

    /// Time from `earlier` to here; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For every timer and age of an observation.
    pub mono: Mono,
    /// For showing the time of day and comparing with servers' timestamps.
    pub utc: DateTime<Utc>,
}

/// Which of two clocks agrees better with what a server dates its data by: a `Date` that a proxy gets wrong is outvoted, and so is
/// a wrong clock of ours. Where the data itself is old, both are far from it.
pub fn agreed(stamp: DateTime<Utc>, date: DateTime<Utc>, ours: DateTime<Utc>) -> DateTime<Utc> {
    if (date - stamp).abs() <= (ours - stamp).abs() { date } else { ours }
}

/// Where tasks that run on their own get the time from. The only implementation that reads a real clock is
/// `runtime::clock`; tests pass a clock they move by hand.
pub trait Clock: Send + Sync {
    fn now(&self) -> Now;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_that_stands_alone_is_not_believed() {
        let at = |minutes: i64| DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap_or_default();
        assert_eq!(agreed(at(0), at(60), at(0)), at(0), "a wrong Date");
        assert_eq!(agreed(at(0), at(-60), at(1)), at(1), "a wrong Date");
        assert_eq!(agreed(at(0), at(0), at(60)), at(0), "a wrong clock here");
        assert_eq!(agreed(at(-30), at(0), at(0)), at(0), "old data");
    }
}
