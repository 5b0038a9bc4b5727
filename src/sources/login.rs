//! A login that takes its time is said as what it is: nobody's silence.

use std::{pin::pin, time::Duration};

use super::report::{Closed, Report};
use crate::connect::Reader;

/// How often the words are looked at while something waits.
const EVERY: Duration = Duration::from_secs(1);

/// Has the credentials for the next question. Why there are none is met again, at once, by the question itself.
pub(super) async fn logged_in(reader: &Reader, report: &Report, then: &str) -> Result<(), Closed> {
    saying(reader, report, then, reader.log_in()).await.map(drop)
}

/// Does some work, and says meanwhile when it waits for the credential plugin; `then` afterwards.
pub(super) async fn saying<T>(reader: &Reader, report: &Report, then: &str, work: impl Future<Output = T>) -> Result<T, Closed> {
    let mut work = pin!(work);
    let mut has_waited = false;
    loop {
        if let Ok(done) = tokio::time::timeout(EVERY, &mut work).await {
            if has_waited {
                report.connecting(then).await?;
            }
            return Ok(done);
        }
        if let Some(words) = reader.waits_for() {
            has_waited = true;
            report.logging_in(&words).await?;
        }
    }
}
