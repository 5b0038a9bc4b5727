//! Gathers what changed and what speaks for which mitigation, when something it rests on changed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::{
    alert::Severity,
    change::ChangeKind,
    kpi::Level,
    object::{Key, Kind, ObjectRef},
    pod::{Phase, Pod},
    suggestion::{Breaker, Evidence, Overload, Rollout, UnhealthyApp, suggest},
    text::Text,
    units,
    workload::Autoscaler,
};

use super::{KpiState, State};

/// Unhealthy pods and alerts looked at; beyond them the advice would not differ.
const LOOKED_AT: usize = 2_000;
/// Pods that one restart names at most.
const PODS_OF_A_RESTART: usize = 200;
/// Suggestions shown at most.
const SUGGESTIONS: usize = 9;
/// Words of an indicator that name no service.
const PLAIN_WORDS: [&str; 12] =
    ["error", "rate", "latency", "queue", "backlog", "database", "connections", "percentile", "requests", "seconds", "time", "lag"];

/// What has to be gathered again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Due {
    pub changes: bool,
    pub suggestions: bool,
}

impl State {
    /// Renews changes and suggestions whose grounds changed.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.due.changes) {
            self.renew_changes();
            self.due.suggestions = true;
        }
        if std::mem::take(&mut self.due.suggestions) {
            let mut suggestions = if self.session.read_only { Vec::new() } else { suggest(&self.evidence()) };
            suggestions.truncate(SUGGESTIONS);
            if suggestions != self.suggestions {
                self.suggestions = suggestions;
                self.clamp_cockpit();
                self.dirty = true;
            }
        }
    }

    fn evidence(&self) -> Evidence {
        let unhealthy = self.unhealthy_apps();
        Evidence {
            troubles: self.troubles(),
            critical_errors: self.kpis.iter().find(|kpi| is_error(kpi) && level(kpi) == Level::Critical).map(|kpi| kpi.spec.id.clone()),
            rollouts: self.rollouts(&unhealthy),
            breaker: self.breaker().map(|(key, is_on)| {
                let settings = &self.config.mitigations.breaker;
                Breaker { config_map: key, name: Text::line(&settings.key), value_on: Text::line(&settings.on), is_on }
            }),
            overloads: self.overloads(),
            restart_at_once: self.config.mitigations.restart_at_once,
            unhealthy,
        }
    }

    /// When error indicators crossed their thresholds and alerts began to fire.
    fn troubles(&self) -> Vec<DateTime<Utc>> {
        let crossed = self.kpis.iter().filter(|kpi| is_error(kpi)).filter_map(|kpi| {
            let history = kpi.reading.as_ref()?.history.as_ref()?;
            history.bad_since(|value| kpi.spec.level(Some(value)) >= Level::Warning)
        });
        let alerted = self.firing().filter(|(alert, _)| alert.severity > Severity::Info).map(|(alert, _)| alert.starts_at);
        crossed.chain(alerted).take(LOOKED_AT).collect()
    }

    fn unhealthy_apps(&self) -> Vec<UnhealthyApp> {
        let mut apps: BTreeMap<(Text, Text), UnhealthyApp> = BTreeMap::new();
        for key in self.cluster.unhealthy.iter().take(LOOKED_AT) {
            let Some(pod) = self.cluster.pods.get(key).filter(|pod| is_restartable(pod)) else { continue };
            let app = self.cluster.app_of(pod);
            let entry = apps.entry((key.namespace.clone(), app.clone())).or_insert_with(|| UnhealthyApp {
                app,
                pods: Vec::new(),
                crash_looping: 0,
                out_of_memory: 0,
                deployment: self.cluster.deployment_of(pod),
            });
            if entry.pods.len() < PODS_OF_A_RESTART {
                entry.pods.push(ObjectRef { kind: Kind::Pod, key: key.clone(), uid: pod.uid.clone() });
            }
            entry.crash_looping += usize::from(pod.status == "CrashLoopBackOff");
            entry.out_of_memory += usize::from(pod.out_of_memory());
        }
        apps.into_values().collect()
    }

    /// The newest rollout of each deployment, if it is what runs.
    fn rollouts(&self, unhealthy: &[UnhealthyApp]) -> Vec<Rollout> {
        let newest = self.cluster.changes.iter().filter_map(|change| {
            let ChangeKind::Rollout { from, to, .. } = &change.what else { return None };
            let deployment = self.cluster.deployments.get(&change.object.key)?;
            let pods = unhealthy.iter().filter(|app| app.deployment.as_ref() == Some(&deployment.key)).map(|app| app.pods.len()).sum();
            let at = change.at.filter(|_| deployment.revision == *to)?;
            Some(Rollout { deployment: deployment.key.clone(), from: *from, to: *to, at, unhealthy: pods })
        });
        newest.collect()
    }

    /// The ConfigMap of the circuit breaker, and whether it is on.
    pub(super) fn breaker(&self) -> Option<(Key, bool)> {
        let settings = &self.config.mitigations.breaker;
        let config_map = self.cluster.config_maps.objects.values().find(|config_map| *config_map.key.name == *settings.config_map)?;
        let value = config_map.data.iter().find(|(name, _)| **name == *settings.key).map(|(_, value)| value);
        Some((config_map.key.clone(), value.is_some_and(|value| **value == *settings.on)))
    }

    fn overloads(&self) -> Vec<Overload> {
        let critical = self.kpis.iter().filter(|kpi| !is_error(kpi) && is_load(kpi) && level(kpi) == Level::Critical);
        let mut overloads: Vec<Overload> = Vec::new();
        for kpi in critical {
            let Some(value) = kpi.reading.as_ref().and_then(|reading| reading.value) else { continue };
            let Some(deployment) = self.loaded_by(kpi).and_then(|key| self.cluster.deployments.get(&key)) else { continue };
            if overloads.iter().any(|overload| overload.deployment == deployment.key) {
                continue;
            }
            overloads.push(Overload {
                what: Text::line(&format!("{} {}", kpi.spec.title, units::value(value, kpi.spec.unit))),
                indicator: kpi.spec.id.clone(),
                deployment: deployment.key.clone(),
                replicas: deployment.replicas,
                ready: deployment.ready,
                max: self.cluster.autoscaler_of(&deployment.key).map(|autoscaler| autoscaler.max),
            });
        }
        overloads
    }

    /// The deployment that an indicator speaks of: named in its id, else the one whose autoscaler is furthest over target.
    fn loaded_by(&self, kpi: &KpiState) -> Option<Key> {
        let words = kpi.spec.id.split(['_', '-']).filter(|word| word.len() >= 4 && !PLAIN_WORDS.contains(word));
        let words: Vec<&str> = words.collect();
        let named = |key: &&Key| words.iter().any(|word| key.name.contains(word));
        if !words.is_empty() {
            return self.cluster.deployments.objects.keys().find(named).cloned();
        }
        let over = self.cluster.autoscalers.objects.values().filter(|autoscaler| autoscaler.target_kind == "Deployment");
        let over = over.map(|autoscaler| (strain(autoscaler), autoscaler)).filter(|(strain, _)| *strain > 1.0);
        let most = over.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
        Some(Key { namespace: most.1.key.namespace.clone(), name: most.1.target_name.clone() })
    }
}

fn level(kpi: &KpiState) -> Level {
    kpi.spec.level(kpi.reading.as_ref().and_then(|reading| reading.value))
}

fn is_error(kpi: &KpiState) -> bool {
    kpi.spec.id.contains("error")
}

/// Connections and memory do not shrink by more replicas; queues and waiting times do.
fn is_load(kpi: &KpiState) -> bool {
    ["backlog", "queue", "latency", "p95", "p99", "lag"].iter().any(|word| kpi.spec.id.contains(word))
}

/// Not ready, and with a controller that replaces it.
pub(super) fn is_restartable(pod: &Pod) -> bool {
    pod.owner.is_some() && pod.deleting_since.is_none() && !(pod.is_ready && pod.phase == Phase::Running)
}

/// How far the worst metric of an autoscaler is over its target, from `cpu 96%/70%`; 1 is on target.
fn strain(autoscaler: &Autoscaler) -> f64 {
    let ratio = |metric: &Text| {
        let (current, target) = metric.rsplit(' ').next()?.split_once('/')?;
        let number = |text: &str| text.trim_end_matches('%').parse::<f64>().ok();
        Some(number(current)? / number(target)?)
    };
    autoscaler.metrics.iter().filter_map(ratio).filter(|ratio| ratio.is_finite()).fold(0.0, f64::max)
}
