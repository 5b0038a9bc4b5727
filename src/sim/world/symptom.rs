//! What a fault does: how pods fail, what becomes of the traffic, what the services log.

use super::offset::{offset, some_offset};
use super::stamp::Sec;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What becomes of a sick pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Its container ends.
    #[default]
    Crash,
    /// It runs, is never ready again and does no work.
    Hang,
    /// It is ready, and answers badly.
    Limp,
}

/// How the pods of one version of a deployment fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sickness {
    pub deployment: String,
    pub tag: String,
    #[serde(default)]
    pub form: Form,
    /// Share of the pods that have it, evenly spread over those created.
    pub share: f64,
    /// It breaks out in a pod of the rollout this long after it became ready.
    #[serde(deserialize_with = "offset")]
    pub after: Sec,
    /// The same for a pod created later (a restart, a scale up).
    #[serde(deserialize_with = "offset")]
    pub later: Sec,
    /// A container that is started again lives this long too; else it crashes within seconds, again and again.
    #[serde(default, deserialize_with = "some_offset")]
    pub again: Option<Sec>,
    pub exit_code: i64,
    pub reason: String,
    /// Last lines of the container's log.
    pub last_words: Vec<String>,
}

/// Why an effect or a log line exists; its strength follows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Cause {
    /// The share of the deployment's ready pods that run this tag.
    Version { deployment: String, tag: String },
    /// The share of the deployment's ready pods whose container was started with this value in its environment.
    Environment { deployment: String, name: String, value: String },
    /// The share of its ready pods that have read this value of the key.
    ConfigKey { deployment: String, config_map: String, key: String, value: String },
    /// The share of its ready pods that ran before this fault began; nothing once it ended.
    Older { deployment: String, than: String },
    /// The share of its ready pods that have a sickness.
    Sick(String),
    /// 1 while the fault lasts.
    Fault(String),
    /// The share of the deployment's pods that are not ready. Outside of production the name is `namespace/deployment`.
    Unready(String),
    /// The share of its pods that are on nodes that fell silent, and are not given up yet.
    Lost(String),
    /// The share of the service's answers that failed, beyond those of a good day.
    Failing(String),
    /// The share of its answers that were slow.
    Slow(String),
    /// The share of its requests beyond what its pods can serve.
    Overloaded(String),
    /// The use of the database's connections beyond 90 %, 1 when none is left.
    DatabaseFull,
    /// Always 1: the noise of a normal day.
    Always,
}

impl Cause {
    /// Whether it acts in single pods, those that have something about them.
    pub fn is_of_pods(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::Environment { .. } | Self::ConfigKey { .. } | Self::Older { .. } | Self::Sick(_))
    }

    /// The deployment that it is about.
    pub fn deployment(&self) -> Option<&str> {
        match self {
            Self::Version { deployment, .. }
            | Self::Environment { deployment, .. }
            | Self::ConfigKey { deployment, .. }
            | Self::Older { deployment, .. } => Some(deployment),
            Self::Sick(name) | Self::Unready(name) | Self::Lost(name) | Self::Failing(name) | Self::Slow(name) | Self::Overloaded(name) => {
                Some(name.rsplit('/').next().unwrap_or(name))
            }
            Self::Fault(_) | Self::DatabaseFull | Self::Always => None,
        }
    }
}

/// A change of the traffic, at full strength; all are scaled by the strength of the cause.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    pub cause: Cause,
    /// Time from the start of the container (or of the fault) to full strength.
    #[serde(default, deserialize_with = "offset")]
    pub ramp: Sec,
    /// Only while this fault lasts.
    pub during: Option<String>,
    /// Whose answers `errors` and `slow` are about.
    pub service: Option<String>,
    /// Added share of failing answers.
    #[serde(default)]
    pub errors: f64,
    #[serde(default = "unavailable")]
    pub status: u16,
    /// Added share of slow answers, and their median, seconds.
    #[serde(default)]
    pub slow: f64,
    #[serde(default = "two")]
    pub slow_s: f64,
    /// Share of the errors and of the slowness that the circuit breaker takes away.
    #[serde(default)]
    pub breaker: f64,
    /// Factor on what each pod of the service can serve.
    #[serde(default = "one")]
    pub capacity: f64,
    /// Factor on all the traffic that reaches the platform.
    #[serde(default = "one")]
    pub load: f64,
    /// Factor on what the sync consumers get done.
    #[serde(default = "one")]
    pub consumers: f64,
    /// Factor on what the verification workers get done.
    #[serde(default = "one")]
    pub verifiers: f64,
    /// Added database connections.
    #[serde(default)]
    pub connections: f64,
    /// Connections that one pod of the version leaks a minute, and the most it can hold.
    #[serde(default)]
    pub leak_per_minute: f64,
    #[serde(default)]
    pub leak_cap: f64,
    /// Factor on processor use of the service's pods, share added to the use of memory.
    #[serde(default = "one")]
    pub cpu: f64,
    #[serde(default)]
    pub memory: f64,
    /// Factor on another series by name, e.g. `government_api_requests_failed_total`.
    #[serde(default)]
    pub factor: BTreeMap<String, f64>,
}

impl Effect {
    /// One that changes nothing yet.
    pub fn of(cause: Cause) -> Self {
        Self {
            cause,
            ramp: 0,
            during: None,
            service: None,
            errors: 0.0,
            status: unavailable(),
            slow: 0.0,
            slow_s: two(),
            breaker: 0.0,
            capacity: 1.0,
            load: 1.0,
            consumers: 1.0,
            verifiers: 1.0,
            connections: 0.0,
            leak_per_minute: 0.0,
            leak_cap: 0.0,
            cpu: 1.0,
            memory: 0.0,
            factor: BTreeMap::new(),
        }
    }

    /// The same, about the answers of this service.
    pub fn on(cause: Cause, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..Self::of(cause) }
    }
}

/// A kind of log line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSpec {
    pub cause: Cause,
    /// Only while this fault lasts.
    pub during: Option<String>,
    pub service: String,
    #[serde(default = "error_level")]
    pub level: String,
    /// Class of the error, the field `error`.
    pub error: Option<String>,
    /// Text with holes: `{30000..30100}` a number, `{id}`, `{ip}`, `{user}`.
    pub message: String,
    /// Lines a minute at full strength.
    pub per_minute: f64,
    /// Only while the circuit breaker is off.
    #[serde(default)]
    pub breaker_off: bool,
}

impl LogSpec {
    /// An error of this class.
    pub fn error(cause: Cause, service: &str, class: &str, message: &str, per_minute: f64) -> Self {
        Self {
            cause,
            during: None,
            service: service.to_owned(),
            level: error_level(),
            error: Some(class.to_owned()),
            message: message.to_owned(),
            per_minute,
            breaker_off: false,
        }
    }
}

fn unavailable() -> u16 {
    503
}

fn two() -> f64 {
    2.0
}

fn one() -> f64 {
    1.0
}

fn error_level() -> String {
    "ERROR".into()
}
