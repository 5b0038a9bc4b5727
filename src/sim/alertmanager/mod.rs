//! The simulated Alertmanager: API v2 over the alerts that the rules send it, and silences.
//!
//! Shapes, messages and status codes are those of Alertmanager 0.25 to 0.28.

mod alerts;
mod api;
mod dialect;
mod matcher;
mod silences;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::get;
use chrono::{DateTime, Utc};

use super::tsdb::Labels;
use alerts::HeldAlert;
pub use alerts::{PostedAlert, fingerprint};
use silences::Silences;

/// The simulated time.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The one receiver of the one route, which groups by alert name.
const RECEIVER: &str = "incident-channel";

/// Most alerts held; further ones are dropped.
const MAX_ALERTS: usize = 10_000;

#[derive(Debug, Default)]
struct State {
    /// By fingerprint.
    alerts: BTreeMap<u64, HeldAlert>,
    silences: Silences,
}

/// The Alertmanager's memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Alertmanager(Arc<Mutex<State>>);

impl Alertmanager {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what Prometheus (or anyone) sends, as of `now`; forgets what ended.
    pub fn receive(&self, posted: Vec<PostedAlert>, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.alerts.retain(|_, alert| alert.ends_at > now);
        for alert in posted {
            let room = state.alerts.len() < MAX_ALERTS;
            let key = fingerprint(&alert.labels);
            match state.alerts.get_mut(&key) {
                Some(held) => held.merge(alert, now),
                None if room => {
                    state.alerts.insert(key, HeldAlert::new(alert, now));
                }
                None => {}
            }
        }
    }

    /// The labels of the alerts that fire at `now`, with the moment they began, and whether a silence covers them.
    pub fn firing(&self, now: DateTime<Utc>) -> Vec<(Labels, DateTime<Utc>, bool)> {
        let state = self.lock();
        let firing = state.alerts.values().filter(|alert| alert.ends_at > now);
        firing.map(|alert| (alert.labels.clone(), alert.starts_at, !state.silences.covering(&alert.labels, now).is_empty())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the API answers from.
#[derive(Clone)]
struct Server {
    alertmanager: Alertmanager,
    now: Now,
    started: DateTime<Utc>,
}

/// The API at `/api/v2` and the probes at `/-/`.
pub fn router(alertmanager: Alertmanager, now: Now) -> Router {
    let started = now();
    Router::new()
        .route("/api/v2/status", get(api::status))
        .route("/api/v2/receivers", get(api::receivers))
        .route("/api/v2/alerts", get(api::alerts).post(api::post_alerts))
        .route("/api/v2/alerts/groups", get(api::groups))
        .route("/api/v2/silences", get(api::silences).post(api::post_silence))
        .route("/api/v2/silence/{id}", get(api::silence).delete(api::delete_silence))
        .route("/-/ready", get(async || "OK"))
        .route("/-/healthy", get(async || "OK"))
        .fallback(api::no_such_path)
        .with_state(Server { alertmanager, now, started })
}
