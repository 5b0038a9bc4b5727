//! The traffic through the platform: load, capacity, errors, latencies, queues, connections.
//!
//! Everything follows from few laws: what the ready pods can serve, what the active effects take away, and that a queue
//! grows by what arrives less what is done.

use super::cluster::Usage;
use super::histogram::{Histogram, Part};
use super::platform::Platform;
use super::scenario::{Cause, Effect};
use super::settings::Settings;
use super::stamp::Sec;
use super::strength::{self, Measured};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Requests a second that reach api-gateway on an ordinary day.
const BASE_RPS: f64 = 420.0;
/// Connections that `postgres-primary` accepts.
pub const DATABASE_MAX: f64 = 200.0;
/// Events a second for each gateway request, and what one healthy consumer gets done.
const SYNC_PER_REQUEST: f64 = 0.18;
const CONSUMER_RATE: f64 = 30.0;
const VERIFICATIONS_PER_REQUEST: f64 = 0.03;
const VERIFIER_RATE: f64 = 2.35;

/// A ready pod as the traffic sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seat {
    pub tag: String,
    /// Variables of its container.
    pub env: Arc<BTreeMap<String, String>>,
    /// Start of its container.
    pub started: Sec,
    /// How long its kubelet takes to see a change of a mounted ConfigMap.
    pub sync: Sec,
    pub sick: bool,
}

/// The state of the cluster that traffic depends on.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Ready pods by deployment; outside of production by `namespace/deployment`.
    pub seats: BTreeMap<String, Vec<Seat>>,
    /// Pods wanted, by deployment.
    pub desired: BTreeMap<String, i64>,
    /// Pods on silent nodes that nobody has given up, by deployment.
    pub lost: BTreeMap<String, usize>,
    /// What pods can read of mounted ConfigMaps.
    pub settings: Settings,
    /// Since when each named fault holds.
    pub faults: BTreeMap<String, Sec>,
    /// Nodes: 1 where it answers.
    pub nodes: Vec<(String, bool)>,
    /// Share of the gateway's ready pods whose circuit breaker is on.
    pub breaker: f64,
}

impl Surroundings {
    fn ready(&self, deployment: &str) -> f64 {
        self.seats.get(deployment).map_or(0.0, |seats| seats.len() as f64)
    }

    pub fn unready_share(&self, deployment: &str) -> f64 {
        let desired = self.desired.get(deployment).copied().unwrap_or_default() as f64;
        if desired <= 0.0 { 0.0 } else { (1.0 - self.ready(deployment) / desired).clamp(0.0, 1.0) }
    }

    pub fn lost_share(&self, deployment: &str) -> f64 {
        let desired = self.desired.get(deployment).copied().unwrap_or_default() as f64;
        let lost = self.lost.get(deployment).copied().unwrap_or_default() as f64;
        if desired <= 0.0 { 0.0 } else { (lost / desired).clamp(0.0, 1.0) }
    }
}

/// Counters of one HTTP service.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// By status, requests since the beginning.
    pub by_status: BTreeMap<u16, f64>,
    pub latency: Histogram,
    /// Of the last interval.
    pub rps: f64,
    pub error_share: f64,
    pub slow_share: f64,
    /// Share of the requests beyond what its pods can serve.
    pub overflow: f64,
}

/// Everything that is measured.
#[derive(Clone)]
pub struct Traffic {
    rng: Rng,
    effects: Vec<Effect>,
    pub services: BTreeMap<String, Service>,
    pub sync_latency: Histogram,
    pub sync_queue: f64,
    pub verification_queue: f64,
    pub connections: f64,
    pub kafka_queue: f64,
    pub websockets: f64,
    pub registrations: f64,
    pub failed_logins: f64,
    pub government_failures: f64,
    pub sensitive_queries: f64,
    /// Processor and memory in percent, by node.
    pub nodes: BTreeMap<String, (f64, f64)>,
    pub usage: BTreeMap<String, Usage>,
    /// Slow wander of the load around 1.
    wander: f64,
    epoch: Sec,
}

/// The sum of the active effects on one service.
#[derive(Debug, Clone, Copy, Default)]
struct Burden {
    errors: f64,
    status: u16,
    slow: f64,
    slow_s: f64,
}

impl Traffic {
    pub fn new(effects: Vec<Effect>, seed: u64, epoch: Sec) -> Self {
        Self {
            rng: Rng::with_seed(seed ^ 0x7472_6166_6669_6300),
            effects,
            services: BTreeMap::new(),
            sync_latency: Histogram::default(),
            sync_queue: 60.0,
            verification_queue: 35.0,
            connections: 80.0,
            kafka_queue: 96.0,
            websockets: 6_200.0,
            registrations: 41_000.0,
            failed_logins: 9_000.0,
            government_failures: 300.0,
            sensitive_queries: 140.0,
            nodes: BTreeMap::new(),
            usage: BTreeMap::new(),
            wander: 1.0,
            epoch,
        }
    }

    /// How strongly a cause acts now, 0 to 1; `during` names the fault while which alone it does.
    pub fn strength(&self, cause: &Cause, ramp: Sec, during: Option<&str>, around: &Surroundings, now: Sec) -> f64 {
        let measured = Measured { services: &self.services, connections: self.connections };
        strength::of(cause, ramp, during, &measured, around, now)
    }

    /// Lets `seconds` pass, up to `now`.
    pub fn step(&mut self, platform: &Platform, around: &Surroundings, now: Sec, seconds: f64) {
        let noise = |rng: &mut Rng, width: f64| 1.0 + width * (rng.f64() + rng.f64() - 1.0);
        self.wander += (1.0 - self.wander) * 0.05 + 0.012 * (self.rng.f64() - 0.5);
        let slow_wave = 1.0 + 0.05 * ((now - self.epoch) as f64 / 350.0).sin();
        let strength = |effect: &Effect| self.strength(&effect.cause, effect.ramp, effect.during.as_deref(), around, now);
        let strengths: Vec<f64> = self.effects.iter().map(strength).collect();
        let surge = self.effects.iter().zip(&strengths).map(|(effect, strength)| 1.0 + (effect.load - 1.0) * strength).product::<f64>();
        let load = BASE_RPS * self.wander * slow_wave * surge;
        let factor =
            |name: &str| self.effects.iter().zip(&strengths).filter_map(|(e, s)| Some(1.0 + (e.factor.get(name)? - 1.0) * s)).product::<f64>();
        let factors: BTreeMap<&str, f64> = [
            "government_api_requests_failed_total",
            "login_attempts_failed_total",
            "database_queries_sensitive",
            "status=403",
            "cpu_usage_percent",
            "memory_usage_percent",
            "user_registrations_total",
        ]
        .into_iter()
        .map(|name| (name, factor(name)))
        .collect();
        let spared = |effect: &Effect| 1.0 - effect.breaker * around.breaker;
        // What the breaker refuses to pass on is accepted and queued instead.
        let queued: f64 =
            self.effects.iter().zip(&strengths).filter(|(e, _)| e.service.is_some()).map(|(e, s)| around.breaker * e.breaker * s * e.errors).sum();

        let mut served_errors = 0.0;
        let mut connections = 0.0;
        for spec in &platform.deployment {
            let Some(http) = spec.http.as_ref().filter(|_| spec.namespace == super::platform::PRODUCTION) else { continue };
            let mut burden = Burden { status: 503, slow_s: 2.0, ..Burden::default() };
            for (effect, strength) in self.effects.iter().zip(&strengths).filter(|(effect, _)| effect.service.as_ref() == Some(&spec.name)) {
                let amount = strength * spared(effect);
                if effect.errors * amount > 0.0 {
                    burden.status = effect.status;
                }
                if effect.slow * amount > 0.0 {
                    burden.slow_s = burden.slow_s.max(effect.slow_s);
                }
                burden.errors += effect.errors * amount;
                burden.slow += effect.slow * amount;
            }
            let rps = load * http.share * noise(&mut self.rng, 0.03);
            let own = self.effects.iter().zip(&strengths).filter(|(e, _)| e.service.as_ref() == Some(&spec.name));
            let able = own.map(|(e, s)| 1.0 + (e.capacity - 1.0) * s).product::<f64>();
            let capacity = around.ready(&spec.name) * http.pod_rps * able;
            let busy = if capacity > 0.0 { rps / capacity } else { f64::INFINITY };
            let overflow = if busy > 1.0 { 1.0 - 1.0 / busy.min(1e9) } else { 0.0 };
            let base = http.base_errors * noise(&mut self.rng, 0.4);
            let errors = (base + burden.errors * noise(&mut self.rng, 0.1) + overflow).clamp(0.0, 1.0);
            let slow = (burden.slow * noise(&mut self.rng, 0.06) + overflow * 0.6).clamp(0.0, 0.95);
            let median = http.median_s * (1.0 + 0.5 * (busy.min(1.2) - 0.5).max(0.0) / (1.25 - busy.min(1.2)));
            let service = self.services.entry(spec.name.clone()).or_default();
            let requests = rps * seconds;
            let forbidden = 0.003 * factors["status=403"];
            let shares =
                [(500, base.min(errors)), (burden.status, (errors - base).max(0.0)), (400, 0.006), (403, forbidden), (404, 0.009), (201, 0.11)];
            let mut rest = 1.0;
            for (status, share) in shares {
                *service.by_status.entry(status).or_default() += requests * share;
                rest -= share;
            }
            *service.by_status.entry(200).or_default() += requests * rest.max(0.0);
            let fast = Part { share: 1.0 - slow, median_s: median, sigma: http.sigma };
            service.latency.observe(requests, &[fast, Part { share: slow, median_s: burden.slow_s, sigma: 0.35 }]);
            service.rps = rps;
            service.error_share = errors;
            service.slow_share = slow;
            service.overflow = overflow;
            if spec.name == "api-gateway" {
                served_errors = errors;
            }
            connections += http.connections * around.ready(&spec.name) * (0.55 + 0.45 * busy.min(1.6));
            let cpu = self
                .effects
                .iter()
                .zip(&strengths)
                .filter(|(e, _)| e.service.as_ref() == Some(&spec.name))
                .map(|(e, s)| 1.0 + (e.cpu - 1.0) * s)
                .product::<f64>();
            let memory: f64 =
                self.effects.iter().zip(&strengths).filter(|(e, _)| e.service.as_ref() == Some(&spec.name)).map(|(e, s)| e.memory * s).sum();
            // Averaged over the pods wanted: an autoscaler counts those that are not ready as idle.
            let wanted = around.desired.get(&spec.name).copied().unwrap_or(spec.replicas).max(1) as f64;
            let per_pod = (rps / http.share / BASE_RPS) * spec.replicas as f64 / wanted;
            self.usage.insert(spec.name.clone(), Usage { cpu: 64.0 * per_pod * cpu, memory: 54.0 + 100.0 * memory });
        }

        self.connections = (connections + self.held(around, &strengths, now)).min(DATABASE_MAX);
        self.flow(around, &strengths, load * (1.0 - served_errors), queued, seconds);
        let users = load / BASE_RPS;
        self.registrations += 0.021 * users * (1.0 - served_errors) * factors["user_registrations_total"] * seconds * noise(&mut self.rng, 0.5);
        self.failed_logins += 0.09 * users * factors["login_attempts_failed_total"] * seconds * noise(&mut self.rng, 0.4);
        self.government_failures += 0.04 * users * factors["government_api_requests_failed_total"] * seconds * noise(&mut self.rng, 0.4);
        self.sensitive_queries = 140.0 * users * factors["database_queries_sensitive"] * noise(&mut self.rng, 0.1);
        self.websockets += (6_200.0 * users * (1.0 - 0.6 * served_errors) - self.websockets) * 0.03 * seconds.min(20.0);
        self.kafka_queue = 96.0 * noise(&mut self.rng, 0.06);
        for (position, (node, answers)) in around.nodes.iter().enumerate() {
            let place = position as f64;
            let state = self.nodes.entry(node.clone()).or_default();
            if *answers {
                let cpu = (38.0 + 2.1 * (place * 2.4).sin() * 4.0) * users * factors["cpu_usage_percent"] * noise(&mut self.rng, 0.06);
                let memory = (56.0 + 5.0 * (place * 1.7).cos()) * factors["memory_usage_percent"] * noise(&mut self.rng, 0.01);
                *state = (cpu.min(99.0), memory.min(97.0));
            } else {
                *state = (f64::NAN, f64::NAN);
            }
        }
    }

    /// Connections held by effects: a fixed number, or leaked by each pod of a version since its container started.
    fn held(&self, around: &Surroundings, strengths: &[f64], now: Sec) -> f64 {
        let mut held = 0.0;
        for (effect, strength) in self.effects.iter().zip(strengths) {
            held += effect.connections * strength;
            if let (true, Cause::Version { deployment, tag }) = (effect.leak_per_minute > 0.0, &effect.cause) {
                let seats = around.seats.get(deployment).into_iter().flatten().filter(|seat| seat.tag == *tag);
                held += seats.map(|seat| ((now - seat.started) as f64 / 60.0 * effect.leak_per_minute).clamp(0.0, effect.leak_cap)).sum::<f64>();
            }
        }
        held
    }

    /// Queues: what arrives, what is done, what waits.
    fn flow(&mut self, around: &Surroundings, strengths: &[f64], good_load: f64, queued: f64, seconds: f64) {
        let product = |value: fn(&Effect) -> f64| self.effects.iter().zip(strengths).map(|(e, s)| 1.0 + (value(e) - 1.0) * s).product::<f64>();
        let (consumers, verifiers) = (product(|effect| effect.consumers), product(|effect| effect.verifiers));
        let breaker_load = good_load * queued;
        let arrivals = SYNC_PER_REQUEST * good_load + 0.05 * breaker_load;
        let done = around.ready("sync-service") * CONSUMER_RATE * consumers;
        let jitter = 40.0 + 40.0 * self.rng.f64();
        self.sync_queue = (self.sync_queue + (arrivals - done) * seconds).max(jitter);
        let verified = around.ready("core-engine") * VERIFIER_RATE * verifiers;
        let asked = VERIFICATIONS_PER_REQUEST * good_load + 0.42 * breaker_load;
        let jitter = 20.0 + 30.0 * self.rng.f64();
        self.verification_queue = (self.verification_queue + (asked - verified) * seconds).max(jitter);
        let wait = (self.sync_queue / 1500.0).min(12.0);
        let busy = if done > 0.0 { (arrivals / done).min(1.5) } else { 1.5 };
        let median = 0.11 * (0.7 + 0.5 * busy) * (1.0 + wait);
        self.sync_latency.observe(done.min(arrivals.max(1.0) * 1.5) * seconds, &[Part { share: 1.0, median_s: median, sigma: 0.55 }]);
    }
}
