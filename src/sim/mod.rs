//! The simulated platform behind `demo`: one world behind four wire-compatible servers.
//!
//! [`open`] takes loopback ports at once; the world's history is played in a thread of its own, where the world then runs on,
//! and whoever connects meanwhile waits for it. [`start`] comes back when it has been played.
//!
//! ```text
//!  World ─▶ Store ──▶ Kubernetes API (TLS) ─── service proxy ──┐
//!      └──▶ Tsdb ───▶ Prometheus ──▶ rules ──▶ Alertmanager ◀──┤
//!      └──▶ LogStore ▶ Elasticsearch ◀─────────────────────────┘
//! ```

pub mod alertmanager;
pub mod elasticsearch;
mod fields;
pub mod incident;
pub mod kubernetes;
pub mod log_store;
mod managers;
mod observability;
pub mod programs;
pub mod prometheus;
pub mod promql;
mod serve;
pub mod store;
pub mod tsdb;
pub mod unserved;
pub mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use elasticsearch::Elasticsearch;
use kubernetes::access::Tokens;
use kubernetes::kubeconfig::kubeconfig;
use kubernetes::server::{ApiServer, router};
use log_store::LogStore;
use observability::Observability;
use programs::Programs;
use serve::Identity;
use store::{Clock, Store};
use tsdb::Tsdb;
use world::clock::SimClock;
use world::scenario::{RANDOM, Scenario};
use world::{World, WorldError};

/// How often the world moves on, in real time.
const STEP: Duration = Duration::from_millis(100);
const SLOWEST: f64 = 0.1;
const FASTEST: f64 = 1000.0;
const MOST_PODS: usize = 50_000;

/// What to simulate.
#[derive(Clone)]
pub struct Options {
    /// Name of a scenario (`bad-deploy`), or `random`: an incident that the seed makes.
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
    /// The log server, to make it fail.
    pub elasticsearch: Elasticsearch,
    clock: SimClock,
    world: Thread,
    played: watch::Receiver<bool>,
    _stop: DropGuard,
}

impl Running {
    /// Waits until the history has been played and the servers answer.
    pub async fn ready(&mut self) -> Result<(), SimError> {
        self.played.wait_for(|played| *played).await.map(drop).map_err(|_| SimError::Thread(io::Error::other("its history could not be played")))
    }

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

/// Starts the platform and waits until it answers. Needs a Tokio runtime, and goes on as long as that runs and [`Running`] is kept.
pub async fn start(options: Options) -> Result<Running, SimError> {
    let mut running = open(options).await?;
    running.ready().await?;
    Ok(running)
}

/// Opens the ports; answers come once the history has been played ([`Running::ready`]).
pub async fn open(options: Options) -> Result<Running, SimError> {
    if !(SLOWEST..=FASTEST).contains(&options.speed) {
        return Err(SimError::Speed(options.speed));
    }
    if options.pods > MOST_PODS {
        return Err(SimError::Pods(options.pods));
    }
    let scenario = if options.scenario == RANDOM {
        incident::generate(options.seed).scenario
    } else {
        Scenario::named(&options.scenario).map_err(WorldError::from)?
    };
    let begin = (options.clock)();
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();

    let clock = SimClock::new(begin);
    let store = Store::new(options.seed, clock.for_store());
    let (tsdb, logs) = (Tsdb::new(), LogStore::default());
    let observability = Observability::new(tsdb.clone(), logs.clone(), clock.for_store())?;
    let tokens = Tokens::from_seed(options.seed);
    let identity = Identity::generate()?;

    let refused = |server: &'static str| move |source: io::Error| SimError::Listen { server, source };
    let prometheus = serve::listen().await.map_err(refused("Prometheus"))?;
    let alertmanager = serve::listen().await.map_err(refused("Alertmanager"))?;
    let elasticsearch = serve::listen().await.map_err(refused("Elasticsearch"))?;
    let kubernetes = serve::listen().await.map_err(refused("Kubernetes API"))?;
    let url = |scheme: &str, address: SocketAddr| format!("{scheme}://{address}");
    let (prometheus_url, alertmanager_url) = (url("http", prometheus.1), url("http", alertmanager.1));
    let (elasticsearch_url, kubernetes_url) = (url("http", elasticsearch.1), url("https", kubernetes.1));
    let (kubeconfig, ca_pem) = (kubeconfig(&kubernetes_url, &identity.ca_pem, &tokens), identity.ca_pem.clone());

    let (tell, played) = watch::channel(false);
    let (runtime, failing) = (Handle::current(), observability.elasticsearch.clone());
    let (world_store, world_clock, world_tokens) = (store.clone(), clock.clone(), tokens.clone());
    let play = move || {
        let time = world_clock.for_store();
        let world = match World::new(scenario, options.seed, options.pods, world_store.clone(), world_clock, tsdb, logs, begin) {
            Ok(world) => world,
            // The ports close with this thread, and `ready` says so.
            Err(error) => return tracing::error!(%error, "the simulated history cannot be played"),
        };
        observability.catch_up(begin);
        world_store.compact();
        {
            let _context = runtime.enter();
            let routers = observability.routers();
            serve::plain(prometheus.0, routers.prometheus.clone(), Arc::clone(&time), stop.clone());
            serve::plain(alertmanager.0, routers.alertmanager.clone(), Arc::clone(&time), stop.clone());
            serve::plain(elasticsearch.0, routers.elasticsearch.clone(), Arc::clone(&time), stop.clone());
            let backends = routers.backends();
            let programs = Programs::new(world_store.clone(), world.inside());
            let api = router(ApiServer { store: world_store, tokens: world_tokens, backends, programs, stop: stop.clone() });
            serve::with_tls(kubernetes, api, &identity, time, stop.clone());
        }
        tell.send_replace(true);
        let pace = Pace { real: options.clock, begin, speed: options.speed };
        live(world, &observability, &pace, &stop);
    };
    let thread = thread::Builder::new().name("sim-world".to_owned()).spawn(play).map_err(SimError::Thread)?;
    Ok(Running {
        kubeconfig,
        kubernetes_url,
        prometheus_url,
        alertmanager_url,
        elasticsearch_url,
        token: tokens.on_call,
        viewer_token: tokens.viewer,
        ca_pem,
        store,
        elasticsearch: failing,
        clock,
        world: thread.thread().clone(),
        played,
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

    #[tokio::test(flavor = "multi_thread")]
    async fn a_random_incident_is_played_like_any_scenario() {
        let Ok(running) = start(options(1.0, 0, "random")).await else { panic!("the platform did not start") };
        let pods = running.store.list(kubernetes::kinds::Resource::Pods, &store::Query::namespace("digital-identity")).items;
        assert!(pods.len() > 30, "{} pods", pods.len());
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
