//! How a source says what it saw: observations stamped with both clocks.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::{
    connect::ConnectError,
    domain::{
        health::{Cause, Health, SourceId},
        observation::{Observation, What},
        text::Text,
        time::{Clock, Mono},
    },
};

/// The receiver is gone: the program is leaving, the task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

/// At least so long a slow server is left alone after its answer.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(200);

/// One source's voice.
#[derive(Clone)]
pub(super) struct Report {
    source: SourceId,
    clock: Arc<dyn Clock>,
    /// None for a task whose word nobody needs.
    out: Option<mpsc::Sender<Observation>>,
    /// What was last said of the health, so that nothing is said twice and `since` survives repetition.
    last: Arc<Mutex<Option<Health>>>,
}

impl Report {
    pub fn new(source: SourceId, clock: Arc<dyn Clock>, out: mpsc::Sender<Observation>) -> Self {
        Self { source, clock, out: Some(out), last: Arc::default() }
    }

    /// For a task that only helps another source along.
    pub fn silent(&self) -> Self {
        Self { source: self.source, clock: self.clock.clone(), out: None, last: Arc::default() }
    }

    pub fn now(&self) -> Mono {
        self.clock.now().mono
    }

    /// How much real time has passed since then.
    pub fn real_since(&self, earlier: Mono) -> Duration {
        self.clock.speed().real(self.now().since(earlier))
    }

    /// When so much real time will have passed.
    pub fn in_real(&self, real: Duration) -> Mono {
        self.now().plus(self.clock.speed().counted(real))
    }

    /// How long to wait, really, for the next of questions that are asked so often and of which the last one began then.
    pub fn next_round(&self, began: Mono, every: Duration) -> Duration {
        self.clock.speed().pause(every).saturating_sub(self.real_since(began)).max(BETWEEN_ROUNDS)
    }

    pub fn utc(&self) -> DateTime<Utc> {
        self.clock.now().utc
    }

    /// Waits while the channel is full: that slows the server down, never the screen.
    pub async fn say(&self, what: What, server_time: Option<DateTime<Utc>>) -> Result<(), Closed> {
        let observation = Observation { source: self.source, observed_at: self.now(), server_time, what };
        match &self.out {
            Some(out) => out.send(observation).await.map_err(|_| Closed),
            None => Ok(()),
        }
    }

    pub async fn beat(&self, server_time: Option<DateTime<Utc>>) -> Result<(), Closed> {
        self.say(What::Beat, server_time).await
    }

    pub async fn connecting(&self, what: &str) -> Result<(), Closed> {
        let since = self.now();
        self.health(Health::Connecting { what: Text::line(what), since }).await
    }

    /// Before anybody can be asked.
    pub async fn logging_in(&self, says: &str) -> Result<(), Closed> {
        let since = self.since(|health| matches!(health, Health::LoggingIn { .. }));
        self.health(Health::LoggingIn { says: Text::line(says), since }).await
    }

    pub async fn listing(&self, so_far: usize) -> Result<(), Closed> {
        let since = self.since(|health| matches!(health, Health::Listing { .. }));
        self.health(Health::Listing { so_far, since }).await
    }

    pub async fn live(&self) -> Result<(), Closed> {
        if matches!(&*self.last.lock().unwrap_or_else(PoisonError::into_inner), Some(Health::Live { .. })) {
            return Ok(());
        }
        let since = self.now();
        self.health(Health::Live { since }).await
    }

    pub async fn lagging(&self, why: &str) -> Result<(), Closed> {
        let since = self.since(|health| matches!(health, Health::Lagging { .. }));
        self.health(Health::Lagging { why: Text::line(why), since }).await
    }

    pub async fn absent(&self, remedy: &str) -> Result<(), Closed> {
        let since = self.since(|health| matches!(health, Health::Absent { .. }));
        self.health(Health::Absent { remedy: Text::line(remedy), since }).await
    }

    /// A failed attempt: not allowed, or not answering until `retry_at`; `says` why.
    pub async fn failed(&self, error: &ConnectError, says: &str, retry_at: Mono) -> Result<(), Closed> {
        let health = match error {
            ConnectError::Forbidden { verb, resource, .. } => {
                let since = self.since(|health| matches!(health, Health::Forbidden { .. }));
                Health::Forbidden { verb: verb.clone(), resource: resource.clone(), since }
            }
            error => {
                let since = self.since(|health| matches!(health, Health::Failed { .. }));
                let cause = match error {
                    ConnectError::Credentials { .. } => Cause::Credentials,
                    ConnectError::NotFound { .. } | ConnectError::Server { status: 400..=499, .. } => Cause::Refusal,
                    _ => Cause::Server,
                };
                Health::Failed { why: Text::line(says), cause, since, retry_at }
            }
        };
        self.health(health).await
    }

    pub fn is_failed(&self) -> bool {
        matches!(&*self.last.lock().unwrap_or_else(PoisonError::into_inner), Some(Health::Failed { .. } | Health::Forbidden { .. }))
    }

    async fn health(&self, health: Health) -> Result<(), Closed> {
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.as_ref() == Some(&health) {
                return Ok(());
            }
            *last = Some(health.clone());
        }
        self.say(What::Health(health), None).await
    }

    /// When a condition of this sort began: kept while it lasts.
    fn since(&self, is_same: impl Fn(&Health) -> bool) -> Mono {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|health| is_same(health)).map(|health| match health {
            Health::Connecting { since, .. }
            | Health::LoggingIn { since, .. }
            | Health::Listing { since, .. }
            | Health::Live { since }
            | Health::Lagging { since, .. }
            | Health::Failed { since, .. }
            | Health::Forbidden { since, .. }
            | Health::Absent { since, .. } => *since,
        });
        known.unwrap_or_else(|| self.now())
    }
}
