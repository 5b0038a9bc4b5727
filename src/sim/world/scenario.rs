//! A scenario: what goes wrong and when, as data. The files are `src/sim/scenarios/*.toml`.
//!
//! Times are relative to the launch (`"-8m"` is eight minutes before it). A new scenario of common faults is a new file
//! and one line in [`EMBEDDED`].

use super::stamp::Sec;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;

/// What a scenario file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub title: String,
    pub description: String,
    /// What happens, in order of time.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// How pods of a version behave.
    #[serde(default)]
    pub sickness: Vec<Sickness>,
    /// What it does to the traffic.
    #[serde(default)]
    pub effect: Vec<Effect>,
    /// What it makes the services log.
    #[serde(default)]
    pub log: Vec<LogSpec>,
}

/// Something that happens at a moment; a `condition` holds until `until`, or for ever.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// By which effects and logs refer to it.
    pub name: String,
    #[serde(deserialize_with = "offset")]
    pub at: Sec,
    #[serde(default, deserialize_with = "some_offset")]
    pub until: Option<Sec>,
    pub action: Action,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// A new image (and environment) for a deployment, written by `by`.
    Rollout {
        deployment: String,
        tag: String,
        #[serde(default)]
        env: BTreeMap<String, String>,
        by: String,
    },
    /// That many pods go on running but fail their readiness check and do no work.
    Hang { deployment: String, pods: usize },
    /// These nodes' kubelets fall silent (until `until`, when given).
    NodeDown { nodes: Vec<String> },
    /// One key of a ConfigMap is changed by `by`.
    ConfigMap { config_map: String, key: String, value: String, by: String },
    /// Nothing in the cluster: something outside that effects refer to by the fault's name.
    Condition,
}

/// How the pods of one version of a deployment fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sickness {
    pub deployment: String,
    pub tag: String,
    /// Share of the pods that crash, evenly spread over those created.
    pub share: f64,
    /// A pod of the rollout first crashes this long after it became ready.
    #[serde(deserialize_with = "offset")]
    pub after: Sec,
    /// The same for a pod created later (a restart, a scale up).
    #[serde(deserialize_with = "offset")]
    pub later: Sec,
    pub exit_code: i64,
    pub reason: String,
    /// Last lines of the container's log.
    pub last_words: Vec<String>,
}

/// Why an effect or a log line exists; its strength follows.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Cause {
    /// The share of the deployment's ready pods that run this tag.
    Version { deployment: String, tag: String },
    /// 1 while the fault lasts.
    Fault(String),
    /// The share of the deployment's pods that are not ready.
    Unready(String),
    /// The use of the database's connections beyond 90 %, 1 when none is left.
    DatabaseFull,
    /// Always 1: the noise of a normal day.
    Always,
}

/// A change of the traffic, at full strength; all are scaled by the strength of the cause.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    pub cause: Cause,
    /// Time from the start of the container (or of the fault) to full strength.
    #[serde(default, deserialize_with = "offset")]
    pub ramp: Sec,
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
            service: None,
            errors: 0.0,
            status: unavailable(),
            slow: 0.0,
            slow_s: two(),
            breaker: 0.0,
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
            service: service.to_owned(),
            level: error_level(),
            error: Some(class.to_owned()),
            message: message.to_owned(),
            per_minute,
            breaker_off: false,
        }
    }
}

/// The scenarios inside the binary: name and text.
pub const EMBEDDED: &[(&str, &str)] = &[
    ("bad-deploy", include_str!("../scenarios/bad-deploy.toml")),
    ("sync-backlog", include_str!("../scenarios/sync-backlog.toml")),
    ("db-connections", include_str!("../scenarios/db-connections.toml")),
    ("node-loss", include_str!("../scenarios/node-loss.toml")),
    ("gov-feed-down", include_str!("../scenarios/gov-feed-down.toml")),
    ("breach", include_str!("../scenarios/breach.toml")),
    ("noisy-neighbour", include_str!("../scenarios/noisy-neighbour.toml")),
    ("calm", include_str!("../scenarios/calm.toml")),
];

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("there is no scenario {name:?}; choose one of {}", names().join(", "))]
    Unknown { name: String },
    #[error("scenario {name} cannot be read: {source}")]
    Unreadable { name: String, source: Box<toml::de::Error> },
}

/// The names of the embedded scenarios.
pub fn names() -> Vec<&'static str> {
    EMBEDDED.iter().map(|(name, _)| *name).collect()
}

impl Scenario {
    /// An embedded scenario by its name.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            return Err(ScenarioError::Unknown { name: name.into() });
        };
        Self::parse(name, text)
    }

    /// A scenario from the text of a file.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self = toml::from_str(text).map_err(|source| ScenarioError::Unreadable { name: name.into(), source: Box::new(source) })?;
        scenario.fault.sort_by_key(|fault| fault.at);
        Ok(scenario)
    }
}

fn offset<'de, D: Deserializer<'de>>(from: D) -> Result<Sec, D::Error> {
    let text = String::deserialize(from)?;
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.as_str()),
    };
    let length = humantime::parse_duration(rest).map_err(|error| de::Error::custom(format!("{text:?} is not a duration: {error}")))?;
    Ok(sign * Sec::try_from(length.as_secs()).map_err(de::Error::custom)?)
}

fn some_offset<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Sec>, D::Error> {
    offset(from).map(Some)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_scenario_is_readable_and_refers_to_what_exists() {
        let platform = super::super::platform::Platform::embedded().unwrap();
        let known = |name: &str| platform.deployment.iter().any(|d| d.name == name);
        for name in names() {
            let scenario = Scenario::named(name).unwrap();
            assert!(!scenario.title.is_empty() && !scenario.description.is_empty(), "{name}");
            let causes = scenario.effect.iter().map(|e| &e.cause).chain(scenario.log.iter().map(|l| &l.cause));
            for cause in causes {
                match cause {
                    Cause::Fault(fault) => assert!(scenario.fault.iter().any(|f| f.name == *fault), "{name}: {fault}"),
                    Cause::Version { deployment, .. } | Cause::Unready(deployment) => assert!(known(deployment), "{name}: {deployment}"),
                    Cause::DatabaseFull | Cause::Always => {}
                }
            }
            for log in &scenario.log {
                assert!(known(&log.service), "{name}: {}", log.service);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = Scenario::named("bad").unwrap_err().to_string();
        assert!(message.contains("bad-deploy") && message.contains("calm"), "{message}");
    }

    #[test]
    fn a_wrong_duration_is_named() {
        let text = "title='t'\ndescription='d'\n[[fault]]\nname='x'\nat='soon'\naction={kind='condition'}\n";
        assert!(Scenario::parse("mine", text).unwrap_err().to_string().contains("soon"));
    }
}
