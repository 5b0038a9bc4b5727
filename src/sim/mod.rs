//! The simulated platform behind `demo`: one world behind four wire-compatible servers.
//!
//! [`start`] plays the world's history, opens the servers on loopback ports and lets the world run on in a thread of its own:
//!
//! ```text
//!  World ─▶ Store ──▶ Kubernetes API (TLS) ─── service proxy ──┐
//!      └──▶ Tsdb ───▶ Prometheus ──▶ rules ──▶ Alertmanager ◀──┤
//!      └──▶ LogStore ▶ Elasticsearch ◀─────────────────────────┘
//! ```

pub mod alertmanager;
pub mod elasticsearch;
pub mod kubernetes;
pub mod log_store;
mod observability;
pub mod prometheus;
pub mod promql;
mod serve;
pub mod store;
pub mod tsdb;
pub mod world;

use std::io;
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::{CancellationToken, DropGuard};

use kubernetes::access::Tokens;
use kubernetes::kubeconfig::kubeconfig;
use kubernetes::proxy::Backends;
use kubernetes::server::{ApiServer, router};
use log_store::LogStore;
use observability::Observability;
use serve::Identity;
use store::{Clock, Store};
use tsdb::Tsdb;
use world::clock::SimClock;
use world::scenario::Scenario;
use world::{World, WorldError};

/// How often the world moves on, in real time.
const STEP: Duration = Duration::from_millis(100);
const SLOWEST: f64 = 0.1;
const FASTEST: f64 = 1000.0;
const MOST_PODS: usize = 50_000;

/// What to simulate.
#[derive(Clone)]
pub struct Options {
    /// Name of a scenario (`bad-deploy`).
    pub scenario: String,
    /// The same seed plays the same story.
    pub seed: u64,
    /// Simulated seconds per real second.
    pub speed: f64,
    /// Pods beyond those of the platform.
    pub pods: usize,
    /// Tells the real time.
    pub clock: Clock,
}

/// Why the platform did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    #[error("the demo cannot play at speed {0}: choose one from {SLOWEST} to {FASTEST}")]
    Speed(f64),
    #[error("the demo cannot hold {0} more pods: choose at most {MOST_PODS}")]
    Pods(usize),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error("the demo's alert rules cannot be read: {0}")]
    Rules(#[from] prometheus::GuideRulesError),
    #[error("the demo's {server} cannot listen on 127.0.0.1: {source}; is a port free there?")]
    Listen { server: &'static str, source: io::Error },
    #[error("the demo's certificate cannot be made: {0}")]
    Certificate(#[from] serve::TlsError),
    #[error("the demo's world ended before it began: {0}")]
    Thread(io::Error),
}

/// The running platform. Dropping it stops the world and closes every connection.
pub struct Running {
    /// YAML; current context `prod-uk-1`.
    pub kubeconfig: String,
    pub kubernetes_url: String,
    pub prometheus_url: String,
    pub alertmanager_url: String,
    pub elasticsearch_url: String,
    /// Bearer token of `oncall@gov`.
    pub token: String,
    /// Bearer token of `viewer@gov`, who may only look.
    pub viewer_token: String,
    /// The authority that signed the API server's certificate.
    pub ca_pem: String,
    /// The cluster's objects, to look at from inside the process.
    pub store: Store,
    clock: SimClock,
    world: Thread,
    _stop: DropGuard,
}

impl Running {
    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The guard is dropped after this; the world looks for it when it wakes, at the latest after one step.
        self.world.unpark();
    }
}

/// Starts the platform. Needs a Tokio runtime, and goes on as long as that runs and [`Running`] is kept.
pub async fn start(options: Options) -> Result<Running, SimError> {
    if !(SLOWEST..=FASTEST).contains(&options.speed) {
        return Err(SimError::Speed(options.speed));
    }
    if options.pods > MOST_PODS {
        return Err(SimError::Pods(options.pods));
    }
    let scenario = Scenario::named(&options.scenario).map_err(WorldError::from)?;
    let begin = (options.clock)();
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();

    let clock = SimClock::new(begin);
    let store = Store::new(options.seed, clock.for_store());
    let (tsdb, logs) = (Tsdb::new(), LogStore::default());
    let observability = Observability::new(tsdb.clone(), logs.clone(), clock.for_store())?;

    let building = (scenario, options.seed, options.pods, store.clone(), clock.clone(), tsdb, logs);
    let observed = observability.clone();
    let built = tokio::task::spawn_blocking(move || {
        let (scenario, seed, pods, store, clock, tsdb, logs) = building;
        let world = World::new(scenario, seed, pods, store, clock, tsdb, logs, begin);
        observed.catch_up(begin);
        world
    });
    let world = built.await.map_err(|error| SimError::Thread(io::Error::other(error)))??;

    let time = clock.for_store();
    let listen = |server: &'static str| move |source: io::Error| SimError::Listen { server, source };
    let routers = observability.routers();
    let prometheus = serve::plain(routers.prometheus.clone(), Arc::clone(&time), stop.clone()).await.map_err(listen("Prometheus"))?;
    let alertmanager = serve::plain(routers.alertmanager.clone(), Arc::clone(&time), stop.clone()).await.map_err(listen("Alertmanager"))?;
    let elasticsearch = serve::plain(routers.elasticsearch.clone(), Arc::clone(&time), stop.clone()).await.map_err(listen("Elasticsearch"))?;
    let tokens = Tokens::from_seed(options.seed);
    let identity = Identity::generate()?;
    let backends = Backends::new([
        ("monitoring", "prometheus", 9090, routers.prometheus),
        ("monitoring", "alertmanager", 9093, routers.alertmanager),
        ("monitoring", "elasticsearch", 9200, routers.elasticsearch),
    ]);
    let api = router(ApiServer { store: store.clone(), tokens: tokens.clone(), backends, stop: stop.clone() });
    let kubernetes = serve::with_tls(api, &identity, time, stop.clone()).await.map_err(listen("Kubernetes API"))?;

    let pace = Pace { real: options.clock, begin, speed: options.speed };
    let thread = thread::Builder::new().name("sim-world".to_owned()).spawn(move || live(world, &observability, &pace, &stop));
    let thread = thread.map_err(SimError::Thread)?;
    let kubernetes_url = format!("https://{kubernetes}");
    Ok(Running {
        kubeconfig: kubeconfig(&kubernetes_url, &identity.ca_pem, &tokens),
        kubernetes_url,
        prometheus_url: format!("http://{prometheus}"),
        alertmanager_url: format!("http://{alertmanager}"),
        elasticsearch_url: format!("http://{elasticsearch}"),
        token: tokens.on_call,
        viewer_token: tokens.viewer,
        ca_pem: identity.ca_pem,
        store,
        clock,
        world: thread.thread().clone(),
        _stop: guard,
    })
}

/// Simulated time from real time.
struct Pace {
    real: Clock,
    begin: DateTime<Utc>,
    speed: f64,
}

impl Pace {
    fn now(&self) -> DateTime<Utc> {
        let elapsed = (self.real)().signed_duration_since(self.begin);
        #[expect(clippy::cast_possible_truncation, reason = "a thousand times a program's run time in ms is far below the limit")]
        let simulated = (elapsed.num_milliseconds() as f64 * self.speed) as i64;
        self.begin + TimeDelta::milliseconds(simulated)
    }
}

fn live(mut world: World, observability: &Observability, pace: &Pace, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let now = pace.now();
        world.step(now);
        observability.evaluate(now);
        thread::park_timeout(STEP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(speed: f64, pods: usize, scenario: &str) -> Options {
        let real = Arc::new(|| DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default());
        Options { scenario: scenario.to_owned(), seed: 1, speed, pods, clock: real }
    }

    #[tokio::test]
    async fn what_cannot_be_simulated_is_refused_with_a_sentence() {
        for (options, word) in
            [(options(0.0, 0, "calm"), "speed 0"), (options(1.0, 60_000, "calm"), "60000"), (options(1.0, 0, "nothing"), "nothing")]
        {
            let refused = start(options).await.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn simulated_time_runs_at_its_speed() {
        let begin = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let pace = Pace { real: Arc::new(move || begin + TimeDelta::seconds(2)), begin, speed: 30.0 };
        assert_eq!(pace.now(), begin + TimeDelta::seconds(60));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dropped_platform_closes_its_ports() {
        let Ok(running) = start(options(1.0, 0, "calm")).await else { panic!("the platform did not start") };
        let port = running.kubernetes_url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap();
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
        drop(running);
        let refused = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
    }
}
