//! The one deterministic world behind the four simulated servers: a cluster with its controllers, the traffic through it,
//! and the faults of a scenario.
//!
//! ```text
//!  scenario ──▶ faults ──▶ Store ◀──▶ controllers, scheduler, kubelets      (cluster.rs and its siblings)
//!                            │ ready pods, ConfigMap
//!                            ▼
//!                         traffic ──▶ metrics ──▶ Tsdb                       (traffic.rs, exposition.rs)
//!                            └──────▶ log lines ─▶ LogStore, container logs  (log_lines.rs)
//! ```
//!
//! Time is passed in ([`World::step`]); the same scenario, seed and writes give the same objects, samples and lines.

mod autoscaler;
mod bootstrap;
pub mod clock;
mod cluster;
mod configuration;
mod deployment;
mod endpoints;
mod events;
mod exposition;
mod failing;
mod faults;
mod furniture;
mod histogram;
mod kubelet;
mod log_lines;
mod names;
mod namespace;
mod nodes;
mod objects;
mod offset;
pub mod platform;
mod pod;
mod quantity;
mod replica_set;
#[cfg(test)]
mod revision_tests;
mod revisioned;
mod rollout;
pub mod scenario;
mod scheduler;
mod settings;
mod stamp;
#[cfg(test)]
mod story_tests;
mod strength;
mod symptom;
mod traffic;
mod writes;

use super::kubernetes::kinds::Resource;
use super::log_store::{Document, LogStore};
use super::programs::Inside;
use super::store::{Query, Store, text};
use super::tsdb::Tsdb;
use chrono::{DateTime, Utc};
use clock::SimClock;
use cluster::Cluster;
use configuration::Setting;
use exposition::Exposition;
use fastrand::Rng;
use faults::Timeline;
use platform::{PRODUCTION, Platform};
use scenario::{Cause, LogSpec, Scenario};
use serde_json::Value;
use stamp::Sec;
use std::collections::BTreeMap;
use std::sync::Arc;
use traffic::{Seat, Surroundings, Traffic};

/// History played before the launch.
const HISTORY: Sec = 70 * 60;
/// The autoscalers begin this long after the platform stands.
const QUIET: Sec = 40 * 60;
/// The least that is played before the first fault.
const BEFORE: Sec = 6 * 60;
/// The last part of it is as dense as the live part.
const DENSE: Sec = 15 * 60;
/// Seconds between scrapes, live and in the older history.
const SCRAPE: Sec = 5;
/// What the gateway reads to know whether its circuit breaker is on.
const BREAKER: Setting = Setting { deployment: "api-gateway", config_map: "api-config", key: "circuit_breaker_enabled", value: "true" };
const SPARSE_SCRAPE: Sec = 15;
/// Never catches up more than this in one step: a laptop may have slept for a week.
const MAX_CATCH_UP: Sec = 6 * 3600;

/// Namespace of the cluster's own services.
const SYSTEM: &str = "kube-system";

/// Why a world cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    #[error(transparent)]
    Scenario(#[from] scenario::ScenarioError),
    #[error("the built-in platform cannot be read: {0}")]
    Platform(#[from] Box<toml::de::Error>),
}

/// What runs on it, by deployment: the pods that log.
type Roster = BTreeMap<String, Vec<Voice>>;

/// A running pod that can log.
#[derive(Debug, Clone)]
struct Voice {
    pod: String,
    seat: Seat,
    hung: bool,
}

/// The simulated platform. Its stores are shared with the servers that answer from them.
pub struct World {
    scenario: Scenario,
    platform: Platform,
    clock: SimClock,
    store: Store,
    tsdb: Tsdb,
    logs: LogStore,
    cluster: Cluster,
    traffic: Traffic,
    exposition: Exposition,
    timeline: Timeline,
    around: Surroundings,
    roster: Roster,
    log_specs: Vec<LogSpec>,
    rng: Rng,
    launch: Sec,
    /// Shared with the programs in containers.
    inside: Inside,
    /// The last second that was played.
    last: Sec,
    last_scrape: Sec,
    last_logs: Sec,
}

impl World {
    /// A world of its own, with `extra_pods` more pods, its history played up to `start`.
    pub fn launch(scenario: Scenario, seed: u64, extra_pods: usize, start: DateTime<Utc>) -> Result<Self, WorldError> {
        let clock = SimClock::new(start);
        let store = Store::new(seed, clock.for_store());
        Self::new(scenario, seed, extra_pods, store, clock, Tsdb::new(), LogStore::default(), start)
    }

    /// A world whose history is only as long as the scenario needs: for those who look at what follows.
    pub fn brief(scenario: Scenario, seed: u64, start: DateTime<Utc>) -> Result<Self, WorldError> {
        let first = scenario.fault.iter().map(|fault| fault.at).min().unwrap_or_default();
        let history = (BEFORE - first).clamp(BEFORE, HISTORY);
        let clock = SimClock::new(start);
        let store = Store::new(seed, clock.for_store());
        Self::after(history, scenario, seed, 0, store, clock, Tsdb::new(), LogStore::default(), start)
    }

    /// The same on stores made elsewhere. The store must tell the time of `clock`
    /// ([`SimClock::for_store`]): the world moves it, also into the past while it plays the history.
    #[expect(clippy::too_many_arguments, reason = "the parts of the platform, each made by its own server")]
    pub fn new(
        scenario: Scenario,
        seed: u64,
        extra_pods: usize,
        store: Store,
        clock: SimClock,
        tsdb: Tsdb,
        logs: LogStore,
        start: DateTime<Utc>,
    ) -> Result<Self, WorldError> {
        Self::after(HISTORY, scenario, seed, extra_pods, store, clock, tsdb, logs, start)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the platform, each made by its own server")]
    fn after(
        history: Sec,
        scenario: Scenario,
        seed: u64,
        extra_pods: usize,
        store: Store,
        clock: SimClock,
        tsdb: Tsdb,
        logs: LogStore,
        start: DateTime<Utc>,
    ) -> Result<Self, WorldError> {
        let mut platform = Platform::embedded().map_err(Box::new)?;
        platform.furnish(&scenario.settings, &scenario.autoscaler);
        let launch = start.timestamp();
        let epoch = launch - history;
        let mut cluster = Cluster::new(store.clone(), clock.clone(), seed);
        cluster.sicknesses.clone_from(&scenario.sickness);
        cluster.outbreaks = vec![None; scenario.sickness.len()];
        cluster.bootstrap(&platform, extra_pods, epoch, QUIET.min(history - BEFORE));
        let mut log_specs = log_lines::everyday();
        log_specs.extend(scenario.log.iter().cloned());
        let mut world = Self {
            traffic: Traffic::new(scenario.effect.clone(), seed, epoch),
            exposition: Exposition::new(tsdb.clone()),
            timeline: Timeline::new(scenario.fault.clone(), launch),
            scenario,
            platform,
            clock,
            store,
            tsdb,
            logs,
            cluster,
            around: Surroundings::default(),
            roster: Roster::new(),
            log_specs,
            rng: Rng::with_seed(seed ^ 0x6c6f_6773),
            launch,
            inside: Inside::default(),
            last: epoch,
            last_scrape: epoch,
            last_logs: epoch,
        };
        world.look_around();
        world.step(start);
        Ok(world)
    }

    /// A world of its own that stands where this one stands: what happens in one of them from here on does not happen in the other.
    #[must_use]
    pub fn fork(&self) -> Self {
        let clock = SimClock::new(self.clock.now());
        let store = self.store.fork(clock.for_store());
        let (tsdb, logs) = (self.tsdb.fork(), self.logs.fork());
        Self {
            scenario: self.scenario.clone(),
            platform: self.platform.clone(),
            cluster: self.cluster.fork(store.clone(), clock.clone()),
            exposition: self.exposition.fork(tsdb.clone()),
            traffic: self.traffic.clone(),
            timeline: self.timeline.clone(),
            around: self.around.clone(),
            roster: self.roster.clone(),
            log_specs: self.log_specs.clone(),
            rng: self.rng.clone(),
            inside: self.inside.fork(),
            clock,
            store,
            tsdb,
            logs,
            ..*self
        }
    }

    /// Plays everything up to `now`, second by second, and reacts to what clients wrote. A `now` in the past does nothing.
    pub fn step(&mut self, now: DateTime<Utc>) {
        let end = now.timestamp();
        self.last = self.last.max(end - MAX_CATCH_UP);
        while self.last < end {
            self.last += 1;
            self.clock.set_seconds(self.last);
            self.second();
        }
        if now.timestamp() >= self.last {
            self.clock.set(now);
            if !self.cluster.is_settled() {
                self.cluster.tick();
                self.look_around();
            }
        }
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What programs in containers see and change.
    pub fn inside(&self) -> Inside {
        self.inside.clone()
    }

    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn tsdb(&self) -> &Tsdb {
        &self.tsdb
    }

    pub fn logs(&self) -> &LogStore {
        &self.logs
    }

    fn second(&mut self) {
        let now = self.last;
        let began = self.timeline.play(&mut self.cluster, now);
        if began || !self.cluster.is_settled() || self.cluster.next_due().is_some_and(|due| due <= now) {
            self.cluster.tick();
            self.look_around();
        }
        let dense = now > self.launch - DENSE;
        let every = if dense { SCRAPE } else { SPARSE_SCRAPE };
        if now.rem_euclid(every) == 0 {
            let seconds = (now - self.last_scrape) as f64;
            self.last_scrape = now;
            self.traffic.step(&self.platform, &self.around, now, seconds);
            let missing = self.inside.observe(self.traffic.connections, self.traffic.sync_queue, self.clock.now());
            self.traffic.connections = (self.traffic.connections - missing).max(0.0);
            self.cluster.usage.clone_from(&self.traffic.usage);
            self.exposition.scrape(&self.traffic, &self.around, self.feed_is_up(now), now * 1000);
        }
        let every = if now > self.launch { 1 } else { SCRAPE };
        if now.rem_euclid(every) == 0 {
            self.write_logs(now);
        }
    }

    fn feed_is_up(&self, now: Sec) -> bool {
        let cut = |effect: &scenario::Effect| effect.factor.get("up{government-feed-connector}").is_some_and(|factor| *factor < 1.0);
        !self
            .scenario
            .effect
            .iter()
            .any(|effect| cut(effect) && self.traffic.strength(&effect.cause, effect.ramp, effect.during.as_deref(), &self.around, now) > 0.5)
    }

    /// Reads from the cluster what traffic and logs depend on.
    fn look_around(&mut self) {
        let cluster = &self.cluster;
        let silent = |node: &str| cluster.nodes.get(node).is_some_and(|record| record.silent);
        let mut seats: BTreeMap<String, Vec<Seat>> = BTreeMap::new();
        let mut roster = Roster::new();
        let mut lost: BTreeMap<String, usize> = BTreeMap::new();
        for ((namespace, pod), run) in &cluster.runs {
            let is_ours = namespace == PRODUCTION;
            let (true, Some(started)) = (is_ours || namespace == SYSTEM, run.started) else { continue };
            let deployment = if is_ours { run.deployment.clone() } else { format!("{namespace}/{}", run.deployment) };
            if silent(&run.node) {
                if !run.stopping {
                    *lost.entry(deployment).or_default() += 1;
                }
                continue;
            }
            let seat = Seat { tag: run.tag.clone(), env: Arc::clone(&run.env), started, sync: run.sync, sick: run.sickness.is_some() };
            if run.ready && !run.hung && !run.stopping {
                seats.entry(deployment.clone()).or_default().push(seat.clone());
            }
            if is_ours {
                roster.entry(deployment).or_default().push(Voice { pod: pod.clone(), seat, hung: run.hung });
            }
        }
        let deployments = |namespace: &str| self.store.list(Resource::Deployments, &Query::namespace(namespace)).items;
        let wanted = |d: &Value| d["spec"]["replicas"].as_i64().unwrap_or(1);
        let ours = deployments(PRODUCTION);
        let system = deployments(SYSTEM);
        let desired = ours.iter().map(|d| (text(d, "name").to_owned(), wanted(d)));
        self.around = Surroundings {
            seats,
            desired: desired.chain(system.iter().map(|d| (format!("{SYSTEM}/{}", text(d, "name")), wanted(d)))).collect(),
            lost,
            settings: cluster.settings.clone(),
            faults: self.timeline.active.clone(),
            nodes: cluster.nodes.iter().map(|(name, record)| (name.clone(), !record.silent)).collect(),
            breaker: cluster.share_with(&BREAKER),
        };
        self.roster = roster;
    }

    /// Log lines of the seconds since the last ones.
    fn write_logs(&mut self, now: Sec) {
        let (from_ms, seconds) = (self.last_logs * 1000, now - self.last_logs);
        self.last_logs = now;
        let mut lines = Vec::new();
        for (number, spec) in self.log_specs.iter().enumerate() {
            let open = if spec.breaker_off { 1.0 - self.around.breaker } else { 1.0 };
            let strength = self.traffic.strength(&spec.cause, 30, spec.during.as_deref(), &self.around, now);
            let expected = open * spec.per_minute / 60.0 * seconds as f64 * strength;
            let mut left = expected + self.rng.f64();
            while left >= 1.0 {
                left -= 1.0;
                lines.push((from_ms + 1 + self.rng.i64(0..seconds * 1000), number));
            }
        }
        lines.sort_unstable();
        let documents: Vec<Document> = lines.into_iter().filter_map(|(at_ms, number)| self.line(at_ms, number)).collect();
        self.logs.extend(documents);
    }

    /// One line: in the pod's own log and as a document.
    fn line(&mut self, at_ms: i64, number: usize) -> Option<Document> {
        let spec = &self.log_specs[number];
        let voices = self.roster.get(&spec.service)?;
        let fitting: Vec<&Voice> = match &spec.cause {
            cause if cause.is_of_pods() && cause.deployment() == Some(spec.service.as_str()) => {
                let now = at_ms / 1000 + 1;
                voices.iter().filter(|voice| !voice.hung && strength::since(cause, &voice.seat, &self.around, now).is_some()).collect()
            }
            Cause::Unready(deployment) if *deployment == spec.service => voices.iter().filter(|voice| voice.hung).collect(),
            _ => voices.iter().filter(|voice| !voice.hung).collect(),
        };
        let voices = if fitting.is_empty() { voices.iter().collect() } else { fitting };
        let voice = voices.get(self.rng.usize(..voices.len().max(1)))?;
        let message = log_lines::fill(&spec.message, &mut self.rng);
        let timestamp = DateTime::from_timestamp_millis(at_ms)?;
        self.store.logs().append(PRODUCTION, &voice.pod, &spec.service, timestamp, &format!("{:<5} {message}", spec.level));
        Some(Document {
            timestamp,
            level: spec.level.clone(),
            service: spec.service.clone(),
            message,
            error: spec.error.clone(),
            namespace: PRODUCTION.into(),
            pod: voice.pod.clone(),
            duration_ms: None,
        })
    }
}
