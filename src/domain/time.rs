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

/// Where tasks that run on their own get the time from. The only implementation that reads a real clock is
/// `runtime::clock`; tests pass a clock they move by hand.
pub trait Clock: Send + Sync {
    fn now(&self) -> Now;
}
