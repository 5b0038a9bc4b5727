//! The only place that asks what time it is.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::time::{Clock, Mono, Now, Speed};

/// Monotonic time at the start. What was done before it, in an earlier run, has a moment too.
const HEAD_START: Mono = Mono(Duration::from_hours(1));

/// The machine's clocks. Time starts at [`HEAD_START`] when it is made.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Started,
}

/// On Linux the boot-time clock, which goes on while a laptop sleeps: an escalation is due although the lid was shut.
#[derive(Debug, Clone, Copy)]
enum Started {
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has the boot-time clock"))]
    BootTime(Duration),
    #[cfg_attr(target_os = "linux", expect(dead_code, reason = "other systems' monotonic clock"))]
    Monotonic(Instant),
}

impl SystemClock {
    #[expect(clippy::new_without_default, reason = "making one reads the clock")]
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        let started = Started::BootTime(boot_time());
        #[cfg(not(target_os = "linux"))]
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let started = Started::Monotonic(Instant::now());
        Self { started }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> Now {
        let mono = match self.started {
            #[cfg(target_os = "linux")]
            Started::BootTime(start) => boot_time().saturating_sub(start),
            #[cfg(not(target_os = "linux"))]
            Started::BootTime(_) => Duration::ZERO,
            Started::Monotonic(start) => start.elapsed(),
        };
        Now { mono: HEAD_START.plus(mono), utc: Utc::now() }
    }
}

/// A clock at another speed, for a demo: both its times run so much faster or slower than those of `clock`. Two that began at
/// the same moment agree, whenever they were made.
#[derive(Debug, Clone, Copy)]
pub struct Paced<C> {
    clock: C,
    speed: Speed,
    /// The other clock's time when this one was made.
    made: Now,
    /// This one's time of day then.
    utc: DateTime<Utc>,
}

impl<C: Clock> Paced<C> {
    /// At `begin` both told the same time of day.
    pub fn since(begin: DateTime<Utc>, speed: Speed, clock: C) -> Self {
        let made = clock.now();
        let gone = made.utc.signed_duration_since(begin).to_std().unwrap_or_default();
        Self { clock, speed, made, utc: later(begin, speed.counted(gone)) }
    }
}

impl<C: Clock> Clock for Paced<C> {
    fn now(&self) -> Now {
        // By the monotonic clock alone: a wall clock that is set does not move the incident.
        let counted = self.speed.counted(self.clock.now().mono.since(self.made.mono));
        Now { mono: HEAD_START.plus(counted), utc: later(self.utc, counted) }
    }

    fn speed(&self) -> Speed {
        self.speed
    }
}

fn later(utc: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by).ok().and_then(|by| utc.checked_add_signed(by)).unwrap_or(utc)
}

#[cfg(target_os = "linux")]
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::escalation::{Ladder, Matrix, Rung};

    #[test]
    fn monotonic_time_starts_at_its_head_start_and_never_goes_back() {
        let clock = SystemClock::new();
        let first = clock.now();
        let second = clock.now();
        assert!(first.mono.since(HEAD_START) < Duration::from_mins(1));
        assert!(second.mono >= first.mono);
    }

    /// A real clock that stands where it is put.
    struct Set(std::sync::Mutex<Duration>);

    impl Clock for &Set {
        fn now(&self) -> Now {
            let gone = *self.0.lock().unwrap();
            Now { mono: Mono(gone), utc: DateTime::UNIX_EPOCH + gone }
        }
    }

    #[rstest::rstest]
    #[case::fast(20.0, 15)]
    #[case::slow(0.5, 600)]
    #[case::life(1.0, 300)]
    fn both_times_of_a_demo_run_at_its_speed(#[case] speed: f64, #[case] real_seconds: u64) {
        let real = Set(std::sync::Mutex::new(Duration::from_secs(7)));
        let clock = Paced::since((&real).now().utc, Speed::new(speed), &real);
        let before = clock.now();
        *real.0.lock().unwrap() += Duration::from_secs(real_seconds);
        let after = clock.now();
        assert_eq!(after.mono.since(before.mono), Duration::from_mins(5));
        assert_eq!(after.utc - before.utc, TimeDelta::minutes(5));
        // A countdown of that length ends then, and not before.
        let rung = Rung { response: Duration::from_mins(5), ..Matrix::default().rungs.remove(0) };
        let mut ladder = Ladder::start(rung, Duration::ZERO, before.mono);
        ladder.advance(before.mono);
        let just_before = Mono(after.mono.0.saturating_sub(Duration::from_millis(1)));
        assert_eq!((ladder.advance(just_before).steps.len(), ladder.advance(after.mono).steps.len()), (0, 1));
        // Another program that looks at the same demo later.
        let another = Paced::since(before.utc, Speed::new(speed), &real);
        assert_eq!(another.now().utc, after.utc);
    }
}
