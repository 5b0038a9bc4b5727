//! The only place that asks what time it is.

use std::time::{Duration, Instant};

use chrono::Utc;

use crate::domain::time::{Clock, Mono, Now};

/// The machine's clocks. Time starts at zero when it is made.
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
        Now { mono: Mono(mono), utc: Utc::now() }
    }
}

#[cfg(target_os = "linux")]
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_starts_near_zero_and_never_goes_back() {
        let clock = SystemClock::new();
        let first = clock.now();
        let second = clock.now();
        assert!(first.mono.0 < Duration::from_mins(1));
        assert!(second.mono >= first.mono);
    }
}
