//! Gathers what changed and what speaks for which mitigation, when something it rests on changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    ailment::Ailment,
    change::{Change, ChangeKind},
    complaint::{About, Around, Complaint, addresses, roots},
    health::SourceId,
    kpi::{Level, Role},
    log_pattern::ErrorWindow,
    natural,
    object::{Key, Kind, ObjectRef},
    pod::Pod,
    quantity::thousandths,
    standing::Standing,
    suggestion::{Breaker, Capped, Evidence, LostNode, Overload, UnhealthyApp, advise},
    suspect::{Candidate, Onset, Sick},
    text::Text,
    units,
    workload::Autoscaler,
};

use super::{KpiState, Screen, State};

/// Unhealthy pods and alerts looked at; beyond them the advice would not differ.
const LOOKED_AT: usize = 2_000;
/// Suggestions shown at most.
const SUGGESTIONS: usize = 9;
/// How far back an event still speaks of now.
const LATELY: TimeDelta = TimeDelta::minutes(15);
/// From here on an autoscaler has about all that its target asks for.
const BUSY: f64 = 0.9;
/// From here on an autoscaler has more load than its target: its own tolerance is a tenth.
const STRAINED: f64 = 1.1;
/// What has to be gathered again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Due {
    pub changes: bool,
    pub suggestions: bool,
}

/// An indicator that is found to rise so long after it was known to rise has risen twice.
const ANEW: TimeDelta = TimeDelta::minutes(5);

impl State {
    /// Renews changes and suggestions whose grounds changed.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.due.changes) {
            self.renew_changes();
            self.due.suggestions = true;
        }
        self.dirty |= self.renew_warnings() && self.screen == Screen::Cockpit;
        if std::mem::take(&mut self.due.suggestions) {
            self.dirty |= self.renew_episode();
            let complaints = self.complaints();
            self.heard.hear(&complaints, self.episodes.present.is_some());
            self.remember_onsets();
            let mut advice = advise(&self.evidence(complaints));
            advice.suggestions.truncate(SUGGESTIONS);
            let in_force = self.what_is_in_force();
            if advice != self.advice || in_force != self.in_force {
                self.advice = advice;
                self.in_force = in_force;
                self.clamp_cockpit();
                self.dirty = true;
            }
        }
    }

    fn evidence(&self, complaints: Vec<Complaint>) -> Evidence {
        let lost = self.lost_nodes();
        let episode = self.episodes.present.as_ref();
        Evidence {
            now: self.server_now(),
            // While all is good again nothing has to be found any more.
            began: episode.filter(|episode| episode.good_since().is_none()).map(|episode| episode.began),
            worst: self.worst_indicator(),
            critical_errors: self.kpis.iter().find(|kpi| is_error(kpi) && kpi.level() == Level::Critical).map(|kpi| kpi.spec.id.clone()),
            candidates: self.candidates(&complaints),
            unhealthy: self.unhealthy_apps(),
            lost,
            breaker: self.breaker().map(|(key, is_on)| {
                let settings = &self.config.mitigations.breaker;
                let readers = self.readers_of(&key);
                let guards = settings.guards.iter().map(|service| Text::line(service)).collect();
                Breaker { config_map: key, name: Text::line(&settings.key), value_on: Text::line(&settings.on), is_on, readers, guards }
            }),
            knows_errors: self.errors.is_some() || self.is_missing(SourceId::Errors),
            onsets: self.onsets.clone(),
            has_quota: self.is_refused_by_quota(),
            namespace: self.namespace_of_trouble(),
            deployments: self.cluster.deployments.objects.keys().map(|key| key.name.clone()).collect(),
            overloads: self.overloads(&complaints),
            capped: self.capped(),
            reversals: self.reversals(),
            waiting: self.at_work(),
            unjudged: self.not_judged(),
            touched: self.touched(),
            without_effect: self.without_effect(),
            was_cured: self.was_cured(),
            gets_worse: self.got_worse(),
            price: self.price(),
            restart_at_once: self.config.mitigations.restart_at_once,
            kubectl: self.session.unclear.is_none().then(|| self.session.kubectl.clone()),
            complaints,
        }
    }

    /// What the errors of the logs complain of.
    pub(super) fn complaints(&self) -> Vec<Complaint> {
        let deployments: Vec<&str> = self.cluster.deployments.objects.keys().map(|key| key.name.as_str()).collect();
        let Some(window) = &self.errors else { return Vec::new() };
        // What was not read may have had as many of them before.
        let read: u64 = window.patterns.iter().map(|pattern| pattern.read).sum();
        let (now, addresses) = (self.server_now(), self.owners_of_addresses(window));
        let around = Around {
            now,
            began: self.trouble_began(),
            recent: window.recent,
            usual: self.trouble_began().and_then(|began| window.usual_before(began, now)),
            is_sampled: window.sampled.is_some() || read < window.total,
            heard: &self.heard,
            deployments: &deployments,
            addresses: &addresses,
        };
        let complaints = window.patterns.iter().filter_map(|pattern| Complaint::of(pattern, around));
        complaints.filter(|complaint| complaint.about != About::Stuck || !self.is_of_gone_pods(complaint, window)).collect()
    }

    /// Whether the pods that say it are all gone, where the newest errors name any: what is stuck in a process ends with it.
    fn is_of_gone_pods(&self, complaint: &Complaint, window: &ErrorWindow) -> bool {
        let its = window.newest.iter().filter(|error| error.is_of(&complaint.service, &complaint.shape));
        let named: BTreeSet<&str> = its.filter_map(|error| error.pod.as_deref()).collect();
        let pods = &self.cluster.pods;
        !named.is_empty() && pods.is_complete && !pods.objects.keys().any(|key| named.contains(key.name.as_str()))
    }

    /// Who has the addresses that errors name: a service, by the deployment that it sends to where that is known, or a pod's app.
    fn owners_of_addresses(&self, window: &ErrorWindow) -> BTreeMap<IpAddr, Text> {
        let mut owners: BTreeMap<IpAddr, Option<Text>> =
            window.patterns.iter().flat_map(|pattern| addresses(&pattern.example)).map(|address| (address, None)).collect();
        // Pods may be many, and most errors name no address.
        if owners.is_empty() {
            return BTreeMap::new();
        }
        let pods = self.cluster.pods.objects.values().filter_map(|pod| Some((pod.ip.as_ref()?, pod)));
        for (address, pod) in pods {
            if let Some(owner) = address.parse().ok().and_then(|address: IpAddr| owners.get_mut(&address)) {
                *owner = Some(self.cluster.app_of(pod));
            }
        }
        for service in self.cluster.services.objects.values() {
            if let Some(owner) = service.cluster_ip.parse().ok().and_then(|address: IpAddr| owners.get_mut(&address)) {
                let is_sent_to = |key: &&Key| {
                    let mut services = self.cluster.services_of(key);
                    services.any(|sends| sends.key == service.key)
                };
                let deployment = self.cluster.deployments.objects.keys().find(is_sent_to);
                *owner = Some(deployment.map_or_else(|| service.key.name.clone(), |key| key.name.clone()));
            }
        }
        owners.into_iter().filter_map(|(address, owner)| Some((address, owner?))).collect()
    }

    /// The indicator that a cure is judged by: a critical one of errors, else the first that is critical, else the first that is bad.
    pub(super) fn worst_indicator(&self) -> Option<Text> {
        let bad = || self.kpis.iter().filter(|kpi| kpi.level() >= Level::Warning);
        let worst = bad().max_by_key(|kpi| (kpi.level(), is_error(kpi)))?;
        let first = bad().find(|kpi| (kpi.level(), is_error(kpi)) == (worst.level(), is_error(worst)));
        first.map(|kpi| kpi.spec.id.clone())
    }

    /// Keeps in mind when each indicator began to rise, for as long as the trouble lasts: an hour later the history does not reach
    /// back to the usual height any more, and would tell of another moment.
    fn remember_onsets(&mut self) {
        if self.episodes.present.is_none() {
            self.onsets.clear();
        }
        // One that was in order meanwhile rises anew.
        let is_known = |onset: &Onset| self.onsets.iter().any(|known| known.title == onset.title && onset.at - known.at <= ANEW);
        let new: Vec<Onset> = self.present_onsets().into_iter().filter(|onset| !is_known(onset)).collect();
        self.onsets.extend(new);
    }

    /// When each indicator that is bad began to rise, as far as the histories tell.
    fn present_onsets(&self) -> Vec<Onset> {
        let bad = self.kpis.iter().filter(|kpi| kpi.level() >= Level::Warning);
        let onsets = bad.filter_map(|kpi| {
            let (crossed, or_earlier) = self.bad_since(kpi)?;
            let limit = kpi.spec.warning.or(kpi.spec.critical).filter(|_| !or_earlier)?;
            Some(Onset { title: kpi.spec.title.clone(), role: kpi.spec.role, at: kpi.reading.as_ref()?.history.as_ref()?.onset(crossed, limit)? })
        });
        onsets.collect()
    }

    /// Whether pods were refused lately because a quota is used up.
    fn is_refused_by_quota(&self) -> bool {
        let now = self.server_now();
        let is_recent = |seen: Option<DateTime<Utc>>| seen.is_some_and(|seen| now - seen <= LATELY);
        let mut events = self.cluster.events.objects.values();
        events
            .any(|event| event.is_warning && event.reason == "FailedCreate" && event.message.contains("exceeded quota") && is_recent(event.last_seen))
    }

    /// Deployments whose pods read a ConfigMap.
    pub(super) fn readers_of(&self, config_map: &Key) -> Vec<Text> {
        let deployments = self.cluster.deployments.objects.values().filter(|deployment| deployment.key.namespace == config_map.namespace);
        deployments.filter(|deployment| deployment.config_maps.contains(&config_map.name)).map(|deployment| deployment.key.name.clone()).collect()
    }

    /// The namespace that is looked at; of several the one with most deployments.
    fn namespace_of_trouble(&self) -> Text {
        if let Some(namespace) = self.session.scope.namespace() {
            return namespace.into();
        }
        let mut counts: BTreeMap<&Text, usize> = BTreeMap::new();
        self.cluster.deployments.objects.keys().for_each(|key| *counts.entry(&key.namespace).or_default() += 1);
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(namespace, _)| namespace.clone()).unwrap_or_default()
    }

    /// Changes of which it is known whether what they set is still so.
    pub(super) fn candidates(&self, complaints: &[Complaint]) -> Vec<Candidate> {
        let changes = &self.cluster.changes;
        let candidate = |(index, change): (usize, &Change)| {
            let is_newest = |kind: fn(&ChangeKind) -> bool| {
                !changes[..index]
                    .iter()
                    .any(|newer| newer.object.key == change.object.key && newer.object.kind == change.object.kind && kind(&newer.what))
            };
            let deployment = self.cluster.deployments.get(&change.object.key);
            let is_present = match &change.what {
                ChangeKind::Rollout { to, .. } => deployment.is_some_and(|deployment| deployment.revision == *to),
                ChangeKind::Scaled { to, .. } => deployment.is_some_and(|deployment| deployment.replicas == *to),
                ChangeKind::BoundsChanged { to, .. } => {
                    self.cluster.autoscalers.get(&change.object.key).is_some_and(|autoscaler| (autoscaler.min, autoscaler.max) == *to)
                }
                ChangeKind::ConfigChanged { .. } => is_newest(|what| matches!(what, ChangeKind::ConfigChanged { .. })),
                ChangeKind::PodsDeleted { .. } | ChangeKind::NodeNotReady { .. } => false,
            };
            Candidate {
                change: change.clone(),
                is_present,
                sick: match change.what {
                    ChangeKind::Rollout { to, .. } => self.sick(&change.object.key, to),
                    _ => Sick::default(),
                },
                is_short: self.is_short(change, complaints),
                readers: if change.object.kind == Kind::ConfigMap { self.readers_of(&change.object.key) } else { Vec::new() },
            }
        };
        changes.iter().enumerate().map(candidate).collect()
    }

    /// Unhealthy pods of one revision of a deployment. Those on a node that is lost say nothing of what they run.
    fn sick(&self, deployment: &Key, revision: u64) -> Sick {
        let mut sick = Sick::default();
        let now = self.server_now();
        let is_of = |pod: &Pod| {
            let owner = pod.owner.as_ref().filter(|owner| owner.kind == "ReplicaSet")?;
            let set = self.cluster.replica_sets.get(&Key { namespace: pod.key.namespace.clone(), name: owner.name.clone() })?;
            Some(set.revision == revision && set.owner.as_ref().is_some_and(|owner| owner.kind == "Deployment" && owner.name == deployment.name))
        };
        for pod in self.unhealthy_pods().filter(|pod| pod.key.namespace == deployment.namespace && is_of(pod) == Some(true)) {
            if pod.is_node_lost {
                continue;
            }
            sick.pods += 1;
            match ailment(pod, now) {
                Some(Ailment::Crashing) => sick.crashing += 1,
                Some(Ailment::OutOfMemory) => sick.out_of_memory += 1,
                Some(Ailment::CannotStart) => sick.cannot_start += 1,
                Some(Ailment::Hanging | Ailment::NodeLost) | None => {}
            }
        }
        sick
    }

    /// Whether what was scaled has more load than it can take.
    fn is_short(&self, change: &Change, complaints: &[Complaint]) -> bool {
        let workload = match change.what {
            ChangeKind::Scaled { .. } => change.object.key.clone(),
            ChangeKind::BoundsChanged { .. } => match self.cluster.autoscalers.get(&change.object.key) {
                Some(autoscaler) => Key { namespace: change.object.key.namespace.clone(), name: autoscaler.target_name.clone() },
                None => return false,
            },
            _ => return false,
        };
        let is_strained = self.cluster.autoscaler_of(&workload).is_some_and(|autoscaler| strain(autoscaler) >= STRAINED);
        let is_named = complaints.iter().any(|complaint| complaint.service == workload.name || complaint.about.other() == Some(&workload.name));
        is_strained || is_named || self.overloads(complaints).iter().any(|overload| overload.deployment == workload)
    }

    pub(super) fn unhealthy_pods(&self) -> impl Iterator<Item = &Pod> {
        let now = self.server_now();
        self.cluster.unhealthy.iter().take(LOOKED_AT).filter_map(|key| self.cluster.pods.get(key)).filter(move |pod| pod.is_restartable(now))
    }

    /// Nodes that do not answer, with the pods on them that their controllers would make anew elsewhere.
    fn lost_nodes(&self) -> Vec<LostNode> {
        let reference = |pod: &Pod| ObjectRef { kind: Kind::Pod, key: pod.key.clone(), uid: pod.uid.clone() };
        let silent = self.cluster.nodes.objects.values().filter(|node| node.is_silent);
        let mut lost: Vec<LostNode> = silent
            .map(|node| LostNode { name: node.key.name.clone(), since: node.not_ready.as_ref().and_then(|(_, since)| *since), pods: Vec::new() })
            .collect();
        let known = lost.len();
        // Nodes and pods may be thousands each: pods are walked once.
        let mut places: BTreeMap<Text, usize> = lost.iter().enumerate().map(|(at, node)| (node.name.clone(), at)).collect();
        for pod in self.unhealthy_pods() {
            let Some(name) = &pod.node else { continue };
            match places.get(name) {
                // Of one that is gone altogether only the pods that were lost with it.
                Some(at) if *at < known || pod.is_node_lost => lost[*at].pods.push(reference(pod)),
                None if pod.is_node_lost && self.cluster.nodes.get(&Key::new("", name)).is_none() => {
                    places.insert(name.clone(), lost.len());
                    lost.push(LostNode { name: name.clone(), since: None, pods: vec![reference(pod)] });
                }
                Some(_) | None => {}
            }
        }
        lost.sort_by(|one, other| natural::compare(&one.name, &other.name));
        lost
    }

    fn unhealthy_apps(&self) -> Vec<UnhealthyApp> {
        let now = self.server_now();
        let mut apps: BTreeMap<(Text, Text), UnhealthyApp> = BTreeMap::new();
        for pod in self.unhealthy_pods().filter(|pod| !pod.is_node_lost) {
            let app = self.cluster.app_of(pod);
            let entry = apps.entry((pod.key.namespace.clone(), app.clone())).or_insert_with(|| UnhealthyApp {
                app,
                pods: Vec::new(),
                crash_looping: 0,
                out_of_memory: 0,
                hanging: 0,
                started: 0,
                deployment: self.cluster.deployment_of(pod),
            });
            entry.pods.push(ObjectRef { kind: Kind::Pod, key: pod.key.clone(), uid: pod.uid.clone() });
            match ailment(pod, now) {
                Some(Ailment::Crashing) => entry.crash_looping += 1,
                Some(Ailment::OutOfMemory) => entry.out_of_memory += 1,
                Some(Ailment::Hanging) => entry.hanging += 1,
                Some(Ailment::CannotStart | Ailment::NodeLost) | None => {}
            }
        }
        for pod in self.just_started() {
            if let Some(app) = apps.get_mut(&(pod.key.namespace.clone(), self.cluster.app_of(pod))) {
                app.started += 1;
            }
        }
        apps.into_values().collect()
    }

    /// Pods that are not to be expected to be ready yet, and those that are ready again after they were killed.
    fn just_started(&self) -> impl Iterator<Item = &Pod> {
        let now = self.server_now();
        let pods = |key: &Key| self.cluster.pods.get(key);
        let new = self.cluster.maturing.iter().take(LOOKED_AT).filter_map(move |(_, key)| pods(key));
        let again = self.cluster.unhealthy.iter().take(LOOKED_AT).filter_map(pods);
        let new = new.filter(move |pod| pod.standing(now) == Standing::Starting);
        new.chain(again.filter(move |pod| pod.is_ready && pod.standing(now) == Standing::Ill(Ailment::OutOfMemory)))
    }

    /// The ConfigMap of the circuit breaker, and whether it is on.
    pub(super) fn breaker(&self) -> Option<(Key, bool)> {
        let settings = &self.config.mitigations.breaker;
        let config_map = self.cluster.config_maps.objects.values().find(|config_map| *config_map.key.name == *settings.config_map)?;
        let value = config_map.data.iter().find(|(name, _)| **name == *settings.key).map(|(_, value)| value);
        Some((config_map.key.clone(), value.is_some_and(|value| **value == *settings.on)))
    }

    pub(super) fn capped(&self) -> Vec<Capped> {
        let capped = self.cluster.autoscalers.objects.values().filter(|autoscaler| {
            autoscaler.current >= autoscaler.max && autoscaler.max > 0 && autoscaler.target_kind == "Deployment" && strain(autoscaler) >= STRAINED
        });
        let capped = capped.map(|autoscaler| {
            let deployment = self.cluster.deployments.get(&Key { namespace: autoscaler.key.namespace.clone(), name: autoscaler.target_name.clone() });
            Capped {
                autoscaler: autoscaler.key.clone(),
                max: autoscaler.max,
                wanted: wanted(autoscaler),
                metric: autoscaler.metrics.iter().max_by(|one, other| ratio(one).total_cmp(&ratio(other))).cloned().unwrap_or_default(),
                is_ready: deployment.is_some_and(|deployment| deployment.ready >= deployment.replicas),
            }
        });
        capped.collect()
    }

    pub(super) fn overloads(&self, complaints: &[Complaint]) -> Vec<Overload> {
        let critical = self.kpis.iter().filter(|kpi| kpi.spec.role.is_load() && kpi.level() == Level::Critical);
        let mut overloads: Vec<Overload> = Vec::new();
        for kpi in critical {
            let Some(value) = kpi.reading.as_ref().and_then(|reading| reading.value) else { continue };
            let Some(deployment) = self.loaded_by(kpi, complaints).and_then(|key| self.cluster.deployments.get(&key)) else { continue };
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

    /// The deployment that an indicator speaks of, by its own setting. An indicator of all services names none; then the
    /// load itself has to be seen, in an autoscaler that has all it can do, and the one meant is where callers wait and no
    /// autoscaler helps.
    fn loaded_by(&self, kpi: &KpiState, complaints: &[Complaint]) -> Option<Key> {
        if let Some(name) = &kpi.spec.deployment {
            let namespace = self.namespace_of_trouble();
            let first = || self.cluster.deployments.objects.keys().find(|key| key.name == *name);
            let near = Key { namespace, name: name.clone() };
            return if self.cluster.deployments.get(&near).is_some() { Some(near) } else { first().cloned() };
        }
        let is_busy =
            self.cluster.autoscalers.objects.values().any(|autoscaler| autoscaler.target_kind == "Deployment" && strain(autoscaler) >= BUSY);
        let says_more = |service: &Text| {
            complaints
                .iter()
                .any(|complaint| complaint.service == *service && complaint.about != About::Overload && complaint.about.other().is_none())
        };
        let alerts = self.alerts.iter().flat_map(|list| &list.alerts).filter_map(|alert| alert.label("service"));
        // Where it is known that nobody complains the alerts name who is slow.
        let named: Vec<&Text> = if complaints.is_empty() && self.errors.as_ref().is_some_and(|errors| errors.unknown.is_none()) {
            alerts.collect()
        } else {
            roots(complaints)
        };
        let waited_for =
            named.into_iter().filter(|root| !says_more(root)).map(|root| Key { namespace: self.namespace_of_trouble(), name: root.clone() });
        let mut waited_for = waited_for.filter(|key| self.cluster.deployments.get(key).is_some() && self.cluster.autoscaler_of(key).is_none());
        let sheds = |key: &Key| complaints.iter().any(|complaint| complaint.service == key.name && complaint.about == About::Overload);
        waited_for.find(|key| is_busy || sheds(key))
    }
}

pub(super) fn is_error(kpi: &KpiState) -> bool {
    kpi.spec.role == Role::Errors
}

/// How far the worst metric of an autoscaler is over its target; 1 is on target.
fn strain(autoscaler: &Autoscaler) -> f64 {
    autoscaler.metrics.iter().map(ratio).fold(0.0, f64::max)
}

/// As an autoscaler counts it: what runs, times how far its worst metric is over its target.
fn wanted(autoscaler: &Autoscaler) -> u32 {
    let wanted = autoscaler
        .metrics
        .iter()
        .filter_map(pair)
        .map(|(present, target)| (u128::from(autoscaler.current) * u128::from(present)).div_ceil(u128::from(target)));
    wanted.max().map_or(0, |wanted| u32::try_from(wanted).unwrap_or(u32::MAX))
}

/// Of `cpu: 96%/70%`, `queue: 580.3/500 (avg)`; 0 where that is no pair of numbers.
fn ratio(metric: &Text) -> f64 {
    pair(metric).map_or(0.0, |(current, target)| current as f64 / target as f64)
}

/// Both numbers of it in thousandths; the second is not 0.
fn pair(metric: &Text) -> Option<(u64, u64)> {
    let (current, target) = metric.split(' ').rev().find_map(|word| word.split_once('/'))?;
    let number = |text: &str| thousandths(text.trim_end_matches('%'));
    Some((number(current)?, number(target).filter(|target| *target > 0)?))
}

fn ailment(pod: &Pod, now: DateTime<Utc>) -> Option<Ailment> {
    match pod.standing(now) {
        Standing::Ill(ailment) => Some(ailment),
        Standing::Well | Standing::Starting | Standing::Leaving | Standing::Ended => None,
    }
}
