//! Simulated time: a value that only the world moves, and that the store and the servers read.

use super::stamp::Sec;
use crate::sim::store::Clock;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The simulated time; clones share it. While the world plays its history before the launch it stands in the past.
#[derive(Debug, Clone, Default)]
pub struct SimClock(Arc<AtomicI64>);

impl SimClock {
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(start.timestamp_millis())))
    }

    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::Relaxed)).unwrap_or_default()
    }

    pub fn seconds(&self) -> Sec {
        self.0.load(Ordering::Relaxed).div_euclid(1000)
    }

    pub fn set(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    pub(super) fn set_seconds(&self, now: Sec) {
        self.0.store(now * 1000, Ordering::Relaxed);
    }

    /// For [`Store::new`](crate::sim::store::Store::new).
    pub fn for_store(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}
