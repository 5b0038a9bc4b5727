//! A scenario: what goes wrong and when, as data. The files are `src/sim/scenarios/*.toml`.
//!
//! Times are relative to the launch (`"-8m"` is eight minutes before it). A new scenario of common faults is a new file
//! and one line in [`EMBEDDED`].

use super::offset::{offset, some_offset};
use super::platform::{AutoscalerSpec, SettingsSpec};
use super::stamp::Sec;
pub use super::symptom::{Cause, Effect, Form, LogSpec, Sickness};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a scenario file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub title: String,
    pub description: String,
    /// Settings that deployments have besides those of the platform.
    #[serde(default)]
    pub settings: Vec<SettingsSpec>,
    /// Autoscalers besides those of the platform.
    #[serde(default)]
    pub autoscaler: Vec<AutoscalerSpec>,
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
    /// Other values in the environment of a deployment's container.
    Environment {
        deployment: String,
        env: BTreeMap<String, String>,
        by: String,
    },
    /// All its pods are replaced in turn, as by `kubectl rollout restart`.
    Restart {
        deployment: String,
        by: String,
    },
    /// Back to the template before the present one, as by `kubectl rollout undo`.
    Rollback {
        deployment: String,
        by: String,
    },
    Scale {
        deployment: String,
        replicas: i64,
        by: String,
    },
    /// The bounds of an autoscaler; those not given stay.
    AutoscalerBounds {
        autoscaler: String,
        least: Option<i64>,
        most: Option<i64>,
        by: String,
    },
    /// No more than this many pods in the namespace.
    Quota {
        name: String,
        pods: i64,
        by: String,
    },
    /// That many pods are deleted.
    DeletePods {
        deployment: String,
        pods: usize,
    },
    /// That many pods go on running but fail their readiness check and do no work.
    Hang {
        #[serde(default = "production")]
        namespace: String,
        deployment: String,
        pods: usize,
    },
    /// These nodes' kubelets fall silent (until `until`, when given).
    NodeDown {
        nodes: Vec<String>,
    },
    /// One key of a ConfigMap is changed by `by`.
    ConfigMap {
        config_map: String,
        key: String,
        value: String,
        by: String,
    },
    /// Nothing in the cluster: something outside that effects refer to by the fault's name.
    Condition,
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

/// Not a file but a new incident for each seed.
pub const RANDOM: &str = "random";

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("there is no scenario {name:?}; choose one of {}, or {RANDOM}, which --seed chooses", names().join(", "))]
    Unknown { name: String },
    #[error("scenario {name} cannot be read: {source}")]
    Unreadable { name: String, source: Box<toml::de::Error> },
}

/// The names of the embedded scenarios.
pub fn names() -> Vec<&'static str> {
    EMBEDDED.iter().map(|(name, _)| *name).collect()
}

/// The name and the title of everything that can be played.
pub fn titles() -> Vec<(&'static str, String)> {
    let embedded = EMBEDDED.iter().filter_map(|(name, text)| Some((*name, Scenario::parse(name, text).ok()?.title)));
    embedded.chain([(RANDOM, "A new one, made from --seed".to_owned())]).collect()
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

fn production() -> String {
    super::platform::PRODUCTION.into()
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
                if let Cause::Fault(fault) = cause {
                    assert!(scenario.fault.iter().any(|f| f.name == *fault), "{name}: {fault}");
                }
                assert!(cause.deployment().is_none_or(known), "{name}: {cause:?}");
            }
            for log in &scenario.log {
                assert!(known(&log.service), "{name}: {}", log.service);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = Scenario::named("bad").unwrap_err().to_string();
        assert!(["bad-deploy", "calm", "random"].iter().all(|name| message.contains(name)), "{message}");
    }

    #[test]
    fn a_wrong_duration_is_named() {
        let text = "title='t'\ndescription='d'\n[[fault]]\nname='x'\nat='soon'\naction={kind='condition'}\n";
        assert!(Scenario::parse("mine", text).unwrap_err().to_string().contains("soon"));
    }
}
