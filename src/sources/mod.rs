//! Read-only tasks, one folder per server: wire format to domain observations.
//!
//! [`spawn`] starts them all; each finds its own way back after any failure, and each says how it is in [`Health`].
//!
//! [`Health`]: crate::domain::health::Health

mod alerts;
mod backoff;
pub mod document;
pub mod elasticsearch;
mod kubernetes;
mod login;
pub mod logs;
pub mod namespaces;
mod prometheus;
mod refresh;
mod report;
pub mod rights;

use std::sync::Arc;

use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
};

use self::{alerts::Alerts, elasticsearch::ErrorLog, prometheus::Metrics, report::Report, rights::Reviews};
use crate::{
    config::shape::{Alerts as AlertSettings, Errors, Refresh, Servers},
    connect::{
        Reader,
        discovery::{Finder, Which},
    },
    domain::{
        catalogue::Right,
        health::SourceId,
        kpi::Kpi,
        object::{Kind, Scope},
        observation::Observation,
        pod::Pod,
        text::Text,
        time::Clock,
    },
};

/// What the sources need to know.
pub struct SourcesOptions {
    pub reader: Reader,
    pub scope: Scope,
    pub servers: Servers,
    pub kpis: Vec<Kpi>,
    pub alerts: AlertSettings,
    pub errors: Errors,
    pub refresh: Refresh,
    /// Writes that a person may want to do: which of them are refused is asked. None are where nothing is written.
    pub rights: Vec<Right>,
    pub clock: Arc<dyn Clock>,
}

pub use prometheus::measure;

/// The pods of one page of a list as the API server sends it; none for anything else.
pub fn pods_of_page(body: &[u8]) -> Option<Vec<Pod>> {
    kubernetes::pods_of_page(body)
}

/// Keeps the sources running; dropping it ends them.
pub struct Handle {
    _tasks: JoinSet<()>,
    wake: Arc<Notify>,
    reader: Reader,
    wanted: watch::Sender<kubernetes::Wanted>,
}

impl Handle {
    /// From here on a kind is watched that is not from the start; of any other nothing changes.
    pub fn want(&self, kind: Kind) {
        self.wanted.send_if_modified(|wanted| wanted.insert(kind));
    }

    /// Everybody who waits after a failure tries again now.
    pub fn reconnect(&self) {
        self.reader.try_login_again();
        self.wake.notify_waiters();
    }

    /// The same, and a credential plugin that still runs is ended: it may hang.
    pub fn start_over(&self) {
        self.reader.end_login();
        self.reader.try_login_again();
        self.wake.notify_waiters();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody is there any more for what it would answer.
        self.reader.end_login();
    }
}

/// Starts every source. Must be called within a tokio runtime.
pub fn spawn(options: SourcesOptions, out: mpsc::Sender<Observation>) -> Handle {
    let SourcesOptions { reader, scope, servers, kpis, alerts, errors, refresh, rights, clock } = options;
    let wake = Arc::new(Notify::new());
    let mut tasks = JoinSet::new();
    let voice = clock.clone();
    let report = move |source: SourceId| Report::new(source, voice.clone(), out.clone());
    let wanted = watch::Sender::new(kubernetes::Wanted::new());
    kubernetes::start(&mut tasks, &reader, &scope, &wake, &wanted.subscribe(), &report);
    if !rights.is_empty() {
        let namespace = scope.namespace().map(Text::line);
        let reviews = Reviews { reader: reader.clone(), namespace, rights, wake: wake.clone(), report: report(SourceId::Cluster) };
        tasks.spawn(reviews.run());
    }

    let finder = Arc::new(Finder::new(reader.clone(), scope, servers, clock));
    let metrics = Metrics::new(kpis, refresh.history, refresh.history_step);
    tasks.spawn(refresh::for_ever(Which::Prometheus, refresh.metrics, finder.clone(), wake.clone(), report(SourceId::Metrics), metrics));
    tasks.spawn(
        Alerts { finder: finder.clone(), every: refresh.alerts, wake: wake.clone(), report: report(SourceId::Alerts), settings: alerts }.run(),
    );
    tasks.spawn(refresh::for_ever(Which::Elasticsearch, refresh.errors, finder, wake.clone(), report(SourceId::Errors), ErrorLog::new(errors)));
    Handle { _tasks: tasks, wake, reader, wanted }
}
