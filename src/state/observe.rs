//! Applies what sources say, and notices whether any of it can be seen.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::domain::{
    batch::{CronJob, Job},
    health::{Health, SourceId},
    kpi::KpiReading,
    log_pattern::ErrorWindow,
    object::{Key, Kind},
    observation::{Delta, Identity, Observation, What},
    pod::Pod,
    sets::{DaemonSet, StatefulSet},
    text::Text,
    time::Speed,
    units,
    workload::{Autoscaler, ConfigMap, Deployment, Event, Node, ReplicaSet, Service},
};

use super::{
    Screen, State,
    cluster::Cluster,
    msg::Effect,
    rows::{self, Filter, Indexed, Row},
    screens::workloads::Workloads,
    seen::Seen,
};

/// Beyond this many changes at once the rows move in one pass over the table rather than one by one.
const BULK: usize = 64;
/// Differences between clocks below this are the resolution of `Date` headers, not an offset.
const OFFSET_NOISE: std::time::Duration = std::time::Duration::from_secs(2);

/// What one batch of deltas did.
#[derive(Debug, Clone, Copy, Default)]
struct Batch {
    /// Some object is not what it was.
    changed: bool,
    /// Seen in the table, the detail or a count.
    visible: bool,
}

type Replace<T> = fn(&Cluster, &mut Workloads, &Filter, &Key, Option<&T>) -> bool;

impl State {
    pub(super) fn observe(&mut self, observation: Observation, effects: &mut Vec<Effect>) {
        let Observation { source, observed_at, server_time, what } = observation;
        if let Some(server_time) = server_time {
            self.learn_offset(source, server_time - self.utc_at(observed_at));
        }
        let bears_warnings = matches!(what, What::Events(_) | What::Pods(_) | What::ReplicaSets(_) | What::Deployments(_));
        let is_health = matches!(what, What::Health(_) | What::Rights(_));
        if !is_health {
            self.hear(source, observed_at);
        }
        let visible = match what {
            What::Health(health) => self.set_health(source, health, observed_at),
            What::Beat => {
                if source == SourceId::Cluster {
                    self.hear_watches(observed_at);
                }
                false
            }
            What::Identity(identity) => self.identify(identity),
            What::Pods(deltas) => self.pods(deltas),
            What::Deployments(deltas) => {
                let batch = self.told_batch(deltas, Some(rows::replace::<Deployment>), Seen::deployment);
                self.due.suggestions |= batch.changed;
                // The cockpit tells which pods are missing.
                batch.visible || (self.screen == Screen::Cockpit && batch.changed)
            }
            What::ReplicaSets(deltas) => self.replica_sets(deltas),
            What::StatefulSets(deltas) => self.sets::<StatefulSet>(deltas),
            What::DaemonSets(deltas) => self.sets::<DaemonSet>(deltas),
            What::Jobs(deltas) => self.table_batch::<Job>(deltas).visible,
            What::CronJobs(deltas) => self.table_batch::<CronJob>(deltas).visible,
            What::Nodes(deltas) => self.nodes(deltas),
            What::Services(deltas) => self.table_batch::<Service>(deltas).visible,
            What::Autoscalers(deltas) => {
                let batch = self.told_batch(deltas, Some(rows::replace::<Autoscaler>), Seen::autoscaler);
                self.due.suggestions |= batch.changed;
                batch.visible
            }
            What::ConfigMaps(deltas) => {
                let batch = self.told_batch(deltas, Some(rows::replace::<ConfigMap>), Seen::config_map);
                self.due.suggestions |= batch.changed;
                batch.visible
            }
            What::Events(deltas) => self.events(deltas),
            What::Kpis(readings) => self.kpis_read(readings, observed_at, effects),
            What::Alerts(list) => self.alerts_read(list, effects),
            What::Errors(window) => self.errors_read(*window),
            What::Rights(rights) => self.rights_read(rights),
        };
        self.dirty |= visible;
        self.warnings.is_due |= bears_warnings;
    }

    /// Our clock at a moment of the monotonic one.
    fn utc_at(&self, at: crate::domain::time::Mono) -> chrono::DateTime<chrono::Utc> {
        let behind = chrono::Duration::from_std(self.now.mono.since(at)).unwrap_or_default();
        self.now.utc - behind
    }

    fn learn_offset(&mut self, source: SourceId, offset: chrono::Duration) {
        let Some(known) = self.sources.get_mut(&source) else { return };
        let noise = chrono::Duration::from_std(OFFSET_NOISE).unwrap_or(offset);
        let agrees = |with: Option<chrono::Duration>| with.is_some_and(|with| (offset - with).abs() < noise);
        // Clocks that run at another speed than life run together.
        if agrees(known.clock_offset) || self.session.speed != Speed::OF_LIFE {
            known.doubted_offset = None;
            return;
        }
        let is_confirmed = agrees(known.doubted_offset.replace(offset));
        if known.clock_offset.is_some() && !is_confirmed {
            return;
        }
        known.doubted_offset = None;
        // Below the resolution of the header nothing is known but that the clocks agree.
        let offset = if offset.abs() < noise { chrono::Duration::zero() } else { offset };
        known.clock_offset = Some(offset);
        let is_cluster = !matches!(source, SourceId::Metrics | SourceId::Alerts | SourceId::Errors);
        let cluster_is_known = self
            .sources
            .iter()
            .any(|(id, state)| !matches!(id, SourceId::Metrics | SourceId::Alerts | SourceId::Errors) && state.clock_offset.is_some());
        if is_cluster || !cluster_is_known {
            self.session.clock_offset = offset;
        }
    }

    fn hear(&mut self, source: SourceId, at: crate::domain::time::Mono) {
        if let Some(state) = self.sources.get_mut(&source) {
            state.confirmed = state.confirmed.max(Some(at));
        }
    }

    /// The cluster's heartbeat vouches for every watch on it that is live.
    fn hear_watches(&mut self, at: crate::domain::time::Mono) {
        for (id, state) in &mut self.sources {
            let is_watch = !matches!(id, SourceId::Metrics | SourceId::Alerts | SourceId::Errors);
            if is_watch && matches!(state.health, Health::Live { .. }) {
                state.confirmed = state.confirmed.max(Some(at));
            }
        }
    }

    fn set_health(&mut self, source: SourceId, health: Health, at: crate::domain::time::Mono) -> bool {
        if matches!(health, Health::Live { .. }) {
            self.hear(source, at);
        }
        let Some(state) = self.sources.get_mut(&source) else { return false };
        let differs = match (&state.health, &health) {
            // The moment of the next attempt is not shown.
            (Health::Failed { why: one, since: then, .. }, Health::Failed { why, since, .. }) => one != why || then != since,
            (before, after) => before != after,
        };
        state.health = health;
        differs
    }

    fn identify(&mut self, identity: Identity) -> bool {
        let Some(known) = &self.session.identity else {
            self.session.identity = Some(identity);
            return true;
        };
        let changed = if known.cluster.uid != identity.cluster.uid {
            Some(Text::line(&format!("another cluster answers under {} than at start: leave and start again", self.session.context)))
        } else if known.cluster.user != identity.cluster.user {
            let (before, after) = (&known.cluster.user, &identity.cluster.user);
            Some(Text::line(&format!("the cluster takes us for {after}, at start for {before}: leave and start again")))
        } else {
            None
        };
        let differs = changed != self.identity_changed || known.version != identity.version;
        if changed.is_none() {
            self.session.identity = Some(identity);
        }
        self.identity_changed = changed;
        differs
    }

    fn table_batch<T: Row>(&mut self, deltas: Vec<Delta<T>>) -> Batch {
        self.batch::<T>(deltas, Some(rows::replace::<T>), |_, _, _| {})
    }

    /// Of sets whose pods count with those that should run.
    fn sets<T: Row>(&mut self, deltas: Vec<Delta<T>>) -> bool {
        let batch = self.table_batch::<T>(deltas);
        batch.visible || (self.screen == Screen::Cockpit && batch.changed)
    }

    /// The same, with what each real change is to the list of changes; `tell` says whether there is something to tell.
    fn told_batch<T: Indexed>(
        &mut self,
        deltas: Vec<Delta<T>>,
        replace: Option<Replace<T>>,
        tell: impl Fn(&mut Seen, Option<&T>, &T, DateTime<Utc>) -> bool,
    ) -> Batch {
        let since = self.told_since();
        let mut told = false;
        let batch = self.batch::<T>(deltas, replace, |cluster, key, before| {
            let mut seen = std::mem::take(&mut cluster.seen);
            told |= T::index(cluster).get(key).is_some_and(|after| tell(&mut seen, before, after, since));
            cluster.seen = seen;
        });
        self.due.changes |= told;
        batch
    }

    /// Applies deltas to the index of `T`, to the rows if they are on the screen, and hands each real change to `each`.
    fn batch<T: Indexed>(
        &mut self,
        deltas: Vec<Delta<T>>,
        replace: Option<Replace<T>>,
        mut each: impl FnMut(&mut Cluster, &Key, Option<&T>),
    ) -> Batch {
        let mut batch = Batch::default();
        let is_shown = self.screen == Screen::Workloads && self.workloads.kind == T::KIND;
        let in_detail = self.screen == Screen::Workloads && self.workloads.detail.is_some();
        let filter = Filter::parse(&self.workloads.filter);
        let is_bulk = deltas.len() > BULK;
        let mut moved: HashSet<Key> = HashSet::new();
        let (len, was_complete) = (T::index(&self.cluster).len(), T::index(&self.cluster).is_complete);
        for delta in deltas {
            let mut touched: Vec<(Key, Option<T>)> = Vec::new();
            T::index_mut(&mut self.cluster).apply(delta, |key, before| touched.push((key.clone(), before)));
            let several = touched.len() > 1;
            for (key, before) in touched {
                if before.as_ref() == T::index(&self.cluster).get(&key) {
                    continue;
                }
                batch.changed = true;
                each(&mut self.cluster, &key, before.as_ref());
                batch.visible |= in_detail && self.concerns_detail::<T>(&key);
                if before.is_none() || T::index(&self.cluster).get(&key).is_none() {
                    self.workloads.marks.remove(&key);
                }
                let Some(replace) = replace.filter(|_| is_shown) else { continue };
                // One row finds its place only among rows that are all in theirs.
                if is_bulk || several || !moved.is_empty() {
                    moved.insert(key);
                } else {
                    batch.visible |= replace(&self.cluster, &mut self.workloads, &filter, &key, before.as_ref());
                }
            }
        }
        if !moved.is_empty() {
            rows::replace_many(&self.cluster, &mut self.workloads, &filter, &moved);
            batch.visible = true;
        }
        let index = T::index(&self.cluster);
        batch.visible |= index.is_complete != was_complete || (is_shown && index.len() != len);
        batch
    }

    /// Whether an object is shown in the open detail: itself, its replica sets, events.
    fn concerns_detail<T: Indexed>(&self, key: &Key) -> bool {
        match T::KIND {
            Kind::Event => true,
            Kind::ReplicaSet => self.workloads.kind == Kind::Deployment,
            Kind::Job => matches!(self.workloads.kind, Kind::Job | Kind::CronJob),
            kind => kind == self.workloads.kind && self.workloads.detail.as_ref() == Some(key),
        }
    }

    fn pods(&mut self, mut deltas: Vec<Delta<Pod>>) -> bool {
        let server_now = self.server_now();
        for delta in &mut deltas {
            if let Delta::Applied(pod) = delta {
                pod.is_node_lost = self.cluster.is_node_lost(pod.node.as_ref());
            }
        }
        let totals = |cluster: &Cluster| (cluster.counts, cluster.expected_pods(), cluster.unhealthy.len());
        let before = totals(&self.cluster);
        let mut unhealthy_changed = false;
        let selected = self.cockpit.pod.clone();
        let mut shift: isize = 0;
        let mut deleted = false;
        let batch = self.batch::<Pod>(deltas, Some(rows::replace::<Pod>), |cluster, key, pod_before| {
            let was = cluster.unhealthy.contains(key);
            cluster.recount(key, pod_before, server_now);
            deleted |= cluster.follow_deletions(key, pod_before);
            let is = cluster.unhealthy.contains(key);
            unhealthy_changed |= was || is;
            if selected.as_ref().is_some_and(|selected| key < selected) {
                shift += isize::from(is) - isize::from(was);
            }
        });
        self.cockpit.pods.row = self.cockpit.pods.row.saturating_add_signed(shift);
        self.refocus_cockpit();
        self.due.suggestions |= unhealthy_changed;
        self.due.changes |= deleted;
        let on_cockpit = self.screen == Screen::Cockpit && (unhealthy_changed || before != totals(&self.cluster));
        // Its rows tell which pod holds a set up.
        let on_sets = self.screen == Screen::Workloads && self.workloads.kind == Kind::StatefulSet && batch.changed;
        batch.visible || on_cockpit || on_sets
    }

    fn events(&mut self, deltas: Vec<Delta<Event>>) -> bool {
        let mut told = false;
        let batch = self.batch::<Event>(deltas, Some(rows::replace::<Event>), |cluster, key, before| {
            cluster.rewarn(key, before);
            told |= cluster.events.get(key).is_some_and(Seen::is_told_by);
        });
        self.due.changes |= told;
        batch.visible
    }

    fn nodes(&mut self, deltas: Vec<Delta<Node>>) -> bool {
        let was_complete = self.cluster.nodes.is_complete;
        let mut touched: HashSet<Text> = HashSet::new();
        let batch = self.batch::<Node>(deltas, Some(rows::replace::<Node>), |cluster, key, before| {
            let is_silent = |node: Option<&Node>| node.map(|node| node.is_silent);
            if is_silent(before) != is_silent(cluster.nodes.get(key)) {
                touched.insert(key.name.clone());
            }
        });
        self.due.changes |= self.cluster.follow_early() || batch.changed;
        let all = !was_complete && self.cluster.nodes.is_complete;
        let turned = (all || !touched.is_empty()) && self.turn_pods(|node| all || touched.contains(node));
        batch.visible || turned
    }

    /// Looks again at which pods of these nodes are lost with them. Says whether one is otherwise than before.
    fn turn_pods(&mut self, is_touched: impl Fn(&Text) -> bool) -> bool {
        let server_now = self.server_now();
        let on_them = self.cluster.pods.objects.values().filter(|pod| pod.node.as_ref().is_some_and(&is_touched));
        let turned = on_them.filter(|pod| pod.is_node_lost != self.cluster.is_node_lost(pod.node.as_ref()));
        let turned: Vec<Pod> = turned.cloned().collect();
        for before in &turned {
            if let Some(pod) = self.cluster.pods.objects.get_mut(&before.key) {
                pod.is_node_lost = !before.is_node_lost;
            }
            self.cluster.recount(&before.key, Some(before), server_now);
        }
        if turned.is_empty() {
            return false;
        }
        if self.screen == Screen::Workloads && self.workloads.kind == Kind::Pod {
            rows::rebuild(&self.cluster, &mut self.workloads);
        }
        self.refocus_cockpit();
        self.due.suggestions = true;
        true
    }

    fn replica_sets(&mut self, deltas: Vec<Delta<ReplicaSet>>) -> bool {
        let server_now = self.server_now();
        let mut rolled_out = false;
        let expected = self.cluster.expected_pods();
        let batch = self.batch::<ReplicaSet>(deltas, None, |cluster, key, before| {
            cluster.recount_sets(key, before);
            let Some(after) = cluster.replica_sets.objects.get(key) else {
                rolled_out = true;
                return;
            };
            if let Some(before) = before {
                cluster.seen.replica_set(before, after, server_now);
            }
            let told = |set: &ReplicaSet| (set.revision, set.images.clone(), set.changed_by.clone());
            let same = |before: &ReplicaSet| told(before) == told(after);
            rolled_out |= !before.is_some_and(same);
        });
        self.due.changes |= self.cluster.follow_early() || rolled_out;
        batch.visible || (self.screen == Screen::Cockpit && expected != self.cluster.expected_pods())
    }

    fn kpis_read(&mut self, readings: Vec<KpiReading>, at: crate::domain::time::Mono, effects: &mut Vec<Effect>) -> bool {
        let mut visible = false;
        for mut reading in readings {
            let Some(kpi) = self.kpis.iter_mut().find(|kpi| kpi.spec.id == reading.id) else { continue };
            reading.value = reading.value.filter(|value| value.is_finite());
            if reading.history.is_none() {
                reading.history = kpi.reading.as_ref().and_then(|before| before.history.clone());
            }
            visible |= match &kpi.reading {
                Some(before) => reads_differently(before, &reading, kpi.spec.unit),
                None => true,
            };
            kpi.reading = Some(reading.clone());
            kpi.observed_at = Some(at);
            self.remember(&reading);
        }
        self.due.suggestions |= visible;
        self.watch_mitigations(effects);
        visible
    }

    fn errors_read(&mut self, window: ErrorWindow) -> bool {
        if self.errors.as_ref() == Some(&window) {
            return false;
        }
        self.errors = Some(window);
        self.due.suggestions = true;
        self.clamp_cockpit();
        true
    }
}

/// Whether two readings look different: by the text of the value and the points of the history.
fn reads_differently(before: &KpiReading, after: &KpiReading, unit: crate::domain::kpi::Unit) -> bool {
    let text = |value: Option<f64>| value.map(|value| units::value(value, unit));
    let points = |reading: &KpiReading| reading.history.as_ref().map(|history| history.values.clone());
    text(before.value) != text(after.value)
        || before.value.is_none() != after.value.is_none()
        || text(before.trend) != text(after.trend)
        || before.problem != after.problem
        || points(before) != points(after)
}
