//! How long to leave a server alone after a failure, and how everybody waiting is woken at once.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::report::{Closed, Report};
use crate::connect::ConnectError;

/// First and longest wait. A server that is back is found within ten seconds without being trampled.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);
/// A missing permission rarely comes by itself.
const FORBIDDEN: Duration = Duration::from_mins(1);
/// Longest wait before everything is listed again because its history was gone once more: as client-go's reflector
/// (`tools/cache/reflector.go`).
const RELIST_LONGEST: Duration = Duration::from_secs(30);
/// More than is kept of a kind rarely becomes less by itself, and each look costs as much.
const TOO_MANY: Duration = Duration::from_mins(1);
/// Longest wait that a server may ask for.
const ASKED_AT_MOST: Duration = Duration::from_mins(5);

/// Jittered exponential waits of one task.
pub(super) struct Backoff {
    failures: u32,
    wake: Arc<Notify>,
}

impl Backoff {
    pub fn new(wake: Arc<Notify>) -> Self {
        Self { failures: 0, wake }
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Says that it failed and waits, at most until somebody asks all sources to reconnect.
    pub async fn after(&mut self, error: &ConnectError, report: &Report) -> Result<(), Closed> {
        self.after_saying(error, &error.to_string(), report).await
    }

    /// The same where `says` tells more of it than the error does.
    pub async fn after_saying(&mut self, error: &ConnectError, says: &str, report: &Report) -> Result<(), Closed> {
        let wait = self.next(error);
        // Registered before the failure is said, so that a wake in answer to it is not lost.
        let woken = self.wake.notified();
        report.failed(error, says, report.in_real(wait)).await?;
        tokio::select! {
            () = woken => self.failures = 0,
            () = tokio::time::sleep(wait) => {}
        }
        Ok(())
    }

    /// Waits quietly: for things that are looked for again now and then.
    pub async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    fn next(&mut self, error: &ConnectError) -> Duration {
        let longest = if matches!(error, ConnectError::Gone { .. }) { RELIST_LONGEST } else { LONGEST };
        let doubled = FIRST.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures = self.failures.saturating_add(1);
        let jittered = doubled.mul_f64(0.75 + fastrand::f64() * 0.5);
        match error {
            ConnectError::Forbidden { .. } => FORBIDDEN.mul_f64(0.9 + fastrand::f64() * 0.2),
            ConnectError::TooMany { .. } => TOO_MANY.mul_f64(0.9 + fastrand::f64() * 0.2),
            error => error.retry_after().map_or(jittered, |asked| asked.clamp(jittered, ASKED_AT_MOST)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_honour_what_the_server_asked() {
        let mut backoff = Backoff::new(Arc::default());
        let error = ConnectError::Unreachable { server: "x".into(), why: "y".into() };
        let waits: Vec<_> = (0..20).map(|_| backoff.next(&error)).collect();
        assert!(waits[0] < Duration::from_millis(700), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= LONGEST.mul_f64(1.25)), "{waits:?}");
        assert!(waits[19] >= LONGEST.mul_f64(0.75), "{waits:?}");
        let asked = ConnectError::TooManyRequests { server: "x".into(), retry_after: Some(Duration::from_secs(42)) };
        assert_eq!(backoff.next(&asked), Duration::from_secs(42));
        backoff.succeeded();
        assert!(backoff.next(&error) < Duration::from_millis(700));
    }
}
