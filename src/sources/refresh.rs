//! The life of a source that asks its server now and then: find it, ask, wait, and begin again when it fails.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    backoff::Backoff,
    login::saying,
    report::{Closed, Report},
};
use crate::connect::{
    ConnectError, HttpReader,
    discovery::{Finder, Source, Which},
};

/// How often an absent server is looked for.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// After so many failures in a row a found server is looked for again: it may have moved.
const MOVED_AFTER: u32 = 3;

/// Why one round of questions ended early.
pub(super) enum Failed {
    Closed,
    Server(ConnectError),
}

impl From<Closed> for Failed {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<ConnectError> for Failed {
    fn from(error: ConnectError) -> Self {
        Self::Server(error)
    }
}

/// Asks one server again and again.
pub(super) trait Asking: Send {
    /// One round: asks, says what it heard, and says its health.
    fn ask(&mut self, server: &HttpReader, report: &Report) -> impl Future<Output = Result<(), Failed>> + Send;
}

pub(super) async fn for_ever(which: Which, every: Duration, finder: Arc<Finder>, wake: Arc<Notify>, report: Report, mut asking: impl Asking) {
    let _: Result<(), Closed> = run(which, every, &finder, wake, &report, &mut asking).await;
}

async fn run(which: Which, every: Duration, finder: &Finder, wake: Arc<Notify>, report: &Report, asking: &mut impl Asking) -> Result<(), Closed> {
    let every = every.max(Duration::from_secs(1));
    let mut backoff = Backoff::new(wake);
    let looking = format!("looking for {which:?}");
    report.connecting(&looking).await?;
    loop {
        let server = match saying(finder.cluster(), report, &looking, finder.source(which)).await? {
            Ok(Source::At(server)) => server,
            Ok(Source::Nowhere { remedy }) => {
                report.absent(&remedy).await?;
                backoff.pause(LOOK_AGAIN).await;
                continue;
            }
            Err(error) => {
                backoff.after(&error, report).await?;
                continue;
            }
        };
        let mut failures = 0;
        loop {
            let began = report.now();
            match asking.ask(&server, report).await {
                Ok(()) => {
                    failures = 0;
                    backoff.succeeded();
                    backoff.pause(report.next_round(began, every)).await;
                }
                Err(Failed::Closed) => return Err(Closed),
                Err(Failed::Server(error)) => {
                    failures += 1;
                    backoff.after(&error, report).await?;
                    if failures >= MOVED_AFTER && finder.may_move(which) {
                        break;
                    }
                }
            }
        }
    }
}
