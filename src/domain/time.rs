//! Points in time, handed in from outside: nothing in `domain`, `state` or `ui` asks what time it is.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, Utc};

/// A point on the monotonic clock: the time since some moment before the program started. A clock set back or forward does not move it.
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

/// A moment that times can be counted from: of the years 1 to 9999, as RFC 3339 has them. A server may write any number, and near the
/// end of all dates `+` panics.
pub fn plausible(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1..=9_999).contains(&at.year()).then_some(at)
}

/// A time as servers write it (RFC 3339). None where it is none, or where none was set: a program in Go then writes its zero time, of
/// the year 1, and others write 1970.
pub fn read(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()).and_then(plausible).filter(|at| is_set(*at))
}

/// No cluster has anything of that year or before.
fn is_set(at: DateTime<Utc>) -> bool {
    at.year() > 1970
}

/// How long ago a time of a server was; zero where it lies ahead by no more than clocks differ. None where it was never set or
/// lies further ahead: then nobody knows.
pub fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    let is_ahead = at.signed_duration_since(now) > CLOCKS_DIFFER;
    (is_set(at) && !is_ahead).then(|| now.signed_duration_since(at).to_std().unwrap_or_default())
}

/// Clocks of one cluster differ by no more than that, unless one of them is wrong.
const CLOCKS_DIFFER: chrono::Duration = chrono::Duration::minutes(5);

/// [`plausible`], of milliseconds since 1970.
pub fn of_millis(millis: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis).and_then(plausible)
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

    /// How fast it runs.
    fn speed(&self) -> Speed {
        Speed::OF_LIFE
    }
}

/// How many seconds a clock counts in a real second: one, except in a demo that is played faster or slower than life. What
/// belongs to the incident is counted by the clock; how long a server, a network or a person takes is real.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed(f64);

impl Speed {
    pub const OF_LIFE: Self = Self(1.0);

    /// Anything but a positive number is the speed of life.
    pub fn new(factor: f64) -> Self {
        if factor.is_finite() && factor > 0.0 { Self(factor) } else { Self::OF_LIFE }
    }

    /// The real time in which the clock counts so much.
    pub fn real(self, counted: Duration) -> Duration {
        if self == Self::OF_LIFE { counted } else { Duration::try_from_secs_f64(counted.as_secs_f64() / self.0).unwrap_or(Duration::MAX) }
    }

    /// What the clock counts in so much real time.
    pub fn counted(self, real: Duration) -> Duration {
        if self == Self::OF_LIFE { real } else { Duration::try_from_secs_f64(real.as_secs_f64() * self.0).unwrap_or(Duration::MAX) }
    }

    /// How long to wait, really, between two looks at something that changes by the clock: shorter where that is fast, but
    /// no server is asked all the time; never longer than in life.
    pub fn pause(self, every: Duration) -> Duration {
        self.real(every).max(SHORTEST_PAUSE).min(every)
    }

    pub fn is_fast(self) -> bool {
        self.0 > 1.0
    }
}

/// Between two questions to one server, however fast the clock is.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);

impl Default for Speed {
    fn default() -> Self {
        Self::OF_LIFE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_is_looked_at_more_often_and_a_slow_one_not_more_seldom() {
        let seconds = Duration::from_secs;
        assert_eq!(Speed::new(20.0).pause(seconds(10)), Duration::from_millis(500));
        assert_eq!(Speed::new(1000.0).pause(seconds(10)), SHORTEST_PAUSE);
        assert_eq!(Speed::new(0.5).pause(seconds(10)), seconds(10));
        assert_eq!(Speed::OF_LIFE.pause(Duration::from_millis(1)), Duration::from_millis(1));
        assert_eq!(Speed::new(20.0).real(Duration::from_mins(5)), seconds(15));
        assert_eq!(Speed::new(0.5).counted(seconds(10)), seconds(5));
        assert_eq!([0.0, -1.0, f64::NAN].map(Speed::new), [Speed::OF_LIFE; 3]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_server_says_the_time_is_it_can_be_counted_from(millis in proptest::prelude::any::<i64>(), days in -365_000_i64..365_000) {
            if let Some(at) = of_millis(millis) {
                let _ = (at + chrono::Duration::days(days), at - chrono::Duration::days(days));
            }
        }
    }

    #[test]
    fn a_time_that_was_never_set_is_none() {
        for none in ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00", "", "soon"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert!(read("2026-11-23T02:14:00.123456Z").is_some());
    }

    #[test]
    fn the_age_of_what_lies_ahead_is_not_known() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let seconds = |ahead: i64| age(now + chrono::Duration::seconds(ahead), now).map(|age| age.as_secs());
        assert_eq!([-90, 0, 60, 300, 301, 86_400].map(seconds), [Some(90), Some(0), Some(0), Some(0), None, None]);
        assert_eq!(age(DateTime::UNIX_EPOCH, now), None);
        assert_eq!(age(DateTime::<Utc>::MIN_UTC, now), None);
    }

    #[test]
    fn no_date_near_the_end_of_all_dates_is_taken() {
        assert_eq!(plausible(DateTime::<Utc>::MAX_UTC), None);
        assert_eq!(of_millis(8_000_000_000_000_000), None);
        assert_eq!(of_millis(0), Some(DateTime::UNIX_EPOCH));
    }

    #[test]
    fn the_clock_that_stands_alone_is_not_believed() {
        let at = |minutes: i64| DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap_or_default();
        assert_eq!(agreed(at(0), at(60), at(0)), at(0), "a wrong Date");
        assert_eq!(agreed(at(0), at(-60), at(1)), at(1), "a wrong Date");
        assert_eq!(agreed(at(0), at(0), at(60)), at(0), "a wrong clock here");
        assert_eq!(agreed(at(-30), at(0), at(0)), at(0), "old data");
    }
}
