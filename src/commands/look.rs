//! One look at everything: observations gathered until every source has answered or failed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::{
    domain::{
        alert::{Alert, AlertList, AlertStatus},
        health::{Cause, Health, SourceId},
        kpi::{Kpi, KpiReading, Level},
        log_pattern::ErrorWindow,
        object::Key,
        observation::{Delta, Identity, Observation, What},
        pod::Pod,
        sets::{DaemonSet, StatefulSet},
        text::Text,
        time::Mono,
        units,
        workload::{Deployment, Node, Object, ReplicaSet},
    },
    state::{
        cluster::{Index, is_node_lost},
        missing::{self, Missing},
    },
};

/// Of an indicator whose server never answered; what is wrong with that server stands in its own row.
const UNMEASURED: &str = "not measured: Prometheus has not answered";

/// How far apart clocks are taken for the same, as Prometheus does with samples that come in.
const CLOCKS_DIFFER: chrono::Duration = chrono::Duration::minutes(1);

/// The sources that one look waits for. The others only help to explain.
const LOOKED_AT: [SourceId; 5] = [SourceId::Cluster, SourceId::Pods, SourceId::Metrics, SourceId::Alerts, SourceId::Errors];

/// How often a server is asked that does not answer as it should, where it may at once.
const ATTEMPTS: u32 = 2;

/// What should run: without these nobody knows which pods are missing.
pub const WANTED: [SourceId; 4] = [SourceId::Deployments, SourceId::ReplicaSets, SourceId::StatefulSets, SourceId::DaemonSets];

fn fill<T: Object>(index: &mut Index<T>, deltas: Vec<Delta<T>>) {
    for delta in deltas {
        index.apply(delta, |_, _| {});
    }
}

/// Why an answer is no value of the indicator, and what to do; none where it is one.
pub fn doubt(kpi: &Kpi, reading: &KpiReading) -> Option<Text> {
    let impossible = reading.value.filter(|value| value.is_finite() && !kpi.is_possible(*value));
    let problem = reading.problem.as_deref().map(str::to_owned).or_else(|| impossible.map(units::cannot_be));
    if let Some(problem) = problem {
        let is_of_query =
            ["query refused", "cannot be", "a "].iter().any(|begins| problem.starts_with(begins)) || problem.contains(" in place of one");
        let is_late = problem.starts_with("no answer in time");
        let remedy = match (is_of_query, is_late) {
            (true, _) => format!(" (correct kpis.{}.query)", kpi.id),
            (false, true) => format!(" (Prometheus is busy, or kpis.{}.query asks too much of it)", kpi.id),
            (false, false) => String::new(),
        };
        return Some(Text::line(&format!("{problem}{remedy}")));
    }
    if reading.value.is_some_and(f64::is_finite) {
        return None;
    }
    Some(Text::line(&format!("no data: no series fits its query (correct kpis.{}.query, or leave it out of panes.tiles)", kpi.id)))
}

/// How one source ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Answered,
    /// Answered, but not with everything.
    Partial(Text),
    /// Why it has not, and what to do where that is known.
    Missing(Text),
    /// Nothing was heard before the time was over.
    Silent(Text),
}

/// Times that a server was asked and did not answer as it should.
#[derive(Debug)]
struct Failures {
    count: u32,
    /// The last time: why, and when it is asked again.
    why: Text,
    retry_at: Mono,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Look {
    pub identity: Option<Identity>,
    pub pods: Index<Pod>,
    nodes: Index<Node>,
    pub deployments: Index<Deployment>,
    replica_sets: Index<ReplicaSet>,
    stateful_sets: Index<StatefulSet>,
    daemon_sets: Index<DaemonSet>,
    pub readings: BTreeMap<Text, KpiReading>,
    pub alerts: Option<AlertList>,
    pub errors: Option<Box<ErrorWindow>>,
    healths: BTreeMap<SourceId, Health>,
    answered: BTreeSet<SourceId>,
    failures: BTreeMap<SourceId, Failures>,
    /// When no retry is waited for any more.
    ends: Option<Mono>,
    /// Servers' clock where one was seen.
    pub server_time: Option<DateTime<Utc>>,
}

impl Look {
    /// Gathers until all sources answered or failed, or the time is over.
    pub async fn gather(observations: &mut mpsc::Receiver<Observation>, limit: Duration) -> Self {
        let mut look = Self::default();
        let gathering = async {
            while !look.is_complete() {
                let Some(observation) = observations.recv().await else { break };
                look.ends.get_or_insert(observation.observed_at.plus(limit));
                look.apply(observation);
            }
        };
        // What was seen until then counts; what was not is said to be silent.
        let _ = tokio::time::timeout(limit, gathering).await;
        look
    }

    pub fn apply(&mut self, observation: Observation) {
        self.server_time = observation.server_time.or(self.server_time);
        let source = observation.source;
        match observation.what {
            What::Health(health) => {
                if let Health::Failed { why, cause: Cause::Server, retry_at, .. } = &health {
                    let count = self.failures.get(&source).map_or(0, |failures| failures.count) + 1;
                    self.failures.insert(source, Failures { count, why: why.clone(), retry_at: *retry_at });
                }
                self.healths.insert(source, health);
            }
            What::Identity(identity) => {
                self.identity = Some(identity);
                self.answered.insert(source);
            }
            What::Pods(deltas) => {
                fill(&mut self.pods, deltas);
                self.mark_lost();
            }
            What::Nodes(deltas) => {
                fill(&mut self.nodes, deltas);
                self.mark_lost();
            }
            What::Kpis(readings) => {
                for reading in readings {
                    self.readings.insert(reading.id.clone(), reading);
                }
                self.answered.insert(source);
            }
            What::Alerts(alerts) => {
                self.alerts = Some(alerts);
                self.answered.insert(source);
            }
            What::Errors(errors) => {
                self.errors = Some(errors);
                self.answered.insert(source);
            }
            What::Deployments(deltas) => fill(&mut self.deployments, deltas),
            What::ReplicaSets(deltas) => fill(&mut self.replica_sets, deltas),
            What::StatefulSets(deltas) => fill(&mut self.stateful_sets, deltas),
            What::DaemonSets(deltas) => fill(&mut self.daemon_sets, deltas),
            What::Jobs(_)
            | What::CronJobs(_)
            | What::Beat
            | What::Services(_)
            | What::Autoscalers(_)
            | What::ConfigMaps(_)
            | What::Events(_)
            | What::Rights(_) => {}
        }
    }

    /// Which pods are lost with their nodes, as far as those were listed.
    fn mark_lost(&mut self) {
        if self.nodes.is_complete && self.pods.is_complete {
            for pod in self.pods.objects.values_mut() {
                pod.is_node_lost = is_node_lost(&self.nodes, pod.node.as_ref());
            }
        }
    }

    fn is_complete(&self) -> bool {
        // Without the nodes nobody knows which pods were lost with theirs.
        let all = LOOKED_AT.into_iter().chain(WANTED).chain([SourceId::Nodes]);
        all.into_iter().all(|source| self.has_answered(source) || self.has_failed(source))
    }

    fn has_answered(&self, source: SourceId) -> bool {
        match source {
            SourceId::Pods => self.pods.is_complete,
            SourceId::Nodes => self.nodes.is_complete,
            SourceId::Deployments => self.deployments.is_complete,
            SourceId::ReplicaSets => self.replica_sets.is_complete,
            SourceId::StatefulSets => self.stateful_sets.is_complete,
            SourceId::DaemonSets => self.daemon_sets.is_complete,
            other => self.answered.contains(&other),
        }
    }

    /// Nothing more is to be expected of it. A server that refused once because it is busy, or broke off, is asked once more.
    fn has_failed(&self, source: SourceId) -> bool {
        let is_retried = |failures: &Failures| failures.count < ATTEMPTS && self.ends.is_none_or(|ends| failures.retry_at < ends);
        match self.healths.get(&source) {
            Some(Health::Failed { cause: Cause::Server, .. }) => !self.failures.get(&source).is_some_and(is_retried),
            Some(Health::Failed { .. } | Health::Forbidden { .. } | Health::Absent { .. }) => true,
            _ => false,
        }
    }

    pub fn answer(&self, source: SourceId) -> Answer {
        let health = self.healths.get(&source);
        if self.has_answered(source) {
            return match health {
                Some(Health::Lagging { why, .. }) if self.partial(source).is_none() => Answer::Partial(why.clone()),
                _ => self.partial(source).map_or(Answer::Answered, Answer::Partial),
            };
        }
        match health {
            Some(Health::Failed { why, .. }) => Answer::Missing(why.clone()),
            Some(Health::Forbidden { verb, resource, .. }) => Answer::Missing(Text::line(&format!("not allowed to {verb} {resource}"))),
            Some(Health::Absent { remedy, .. }) => Answer::Missing(remedy.clone()),
            Some(Health::Connecting { .. }) if self.failures.contains_key(&source) => Answer::Missing(self.failures[&source].why.clone()),
            Some(Health::Listing { so_far, .. }) => Answer::Silent(Text::line(&format!("listing, {so_far} so far"))),
            Some(Health::Connecting { what, .. }) => Answer::Silent(Text::line(&format!("no answer in time: {what}; sev1 doctor looks closer"))),
            Some(Health::LoggingIn { says, .. }) => Answer::Silent(says.clone()),
            Some(Health::Live { .. } | Health::Lagging { .. }) | None => Answer::Silent("no answer in time".into()),
        }
    }

    fn partial(&self, source: SourceId) -> Option<Text> {
        let errors = self.errors.as_ref().filter(|_| source == SourceId::Errors)?;
        if let Some(why) = &errors.unknown {
            return Some(Text::line(&format!("cannot tell whether there are errors: {why}")));
        }
        if !errors.is_partial() {
            return None;
        }
        let (answered, all, what) = errors.unanswered().unwrap_or((errors.shards.0, errors.shards.1, "shard"));
        let late = if errors.timed_out { ", timed out" } else { "" };
        Some(Text::line(&format!("{answered} of {} answered{late}", units::counted(u64::from(all), what))))
    }

    /// Errors of the last 15 minutes, at least; none where nobody knows whether there are any.
    pub fn errors_lately(&self) -> Option<u64> {
        let errors = self.errors.as_ref().filter(|errors| errors.unknown.is_none())?;
        (errors.recent > 0 || !errors.is_partial()).then_some(errors.recent)
    }

    /// What the list of sources names: those that one look is about, and of the others those that did not answer.
    pub fn listed(&self) -> impl Iterator<Item = SourceId> {
        let others = WANTED.into_iter().chain([SourceId::Nodes]);
        LOOKED_AT.into_iter().chain(others.filter(|source| self.answer(*source) != Answer::Answered))
    }

    /// The same as it stands in the list of sources: pods of a namespace that does not exist are none that are well.
    pub fn told(&self, source: SourceId) -> Answer {
        match (source, self.answer(source), self.answer(SourceId::Cluster)) {
            (SourceId::Pods, Answer::Answered, Answer::Partial(why)) if self.pods.is_empty() => Answer::Partial(why),
            (_, answer, _) => answer,
        }
    }

    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().flat_map(|list| list.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing))
    }

    /// The level of an indicator; a value whose query failed, or that is old, is no data.
    pub fn level(&self, kpi: &Kpi, now: DateTime<Utc>) -> Level {
        let reading =
            self.readings.get(&kpi.id).filter(|reading| self.age(reading, now) <= kpi.freshness_limit && !self.is_of_the_future(reading, now));
        kpi.level(reading.and_then(|reading| reading.value))
    }

    /// Why the value of an indicator cannot be relied on, and what to do; none where it is fresh and whole.
    pub fn doubt(&self, kpi: &Kpi, now: DateTime<Utc>) -> Option<Text> {
        let Some(reading) = self.readings.get(&kpi.id) else { return Some(Text::from(UNMEASURED)) };
        if let Some(doubt) = doubt(kpi, reading) {
            return Some(doubt);
        }
        if self.is_of_the_future(reading, now) {
            return Some("its newest sample is dated in the future: the clocks of Prometheus and of what it asks differ".into());
        }
        let age = self.age(reading, now);
        (age > kpi.freshness_limit).then(|| Text::line(&format!("its newest sample is {} old", units::age(age))))
    }

    /// How old its sample is by the servers' clock; one that is not dated is new.
    fn age(&self, reading: &KpiReading, now: DateTime<Utc>) -> Duration {
        let now = self.server_time.unwrap_or(now);
        reading.at.and_then(|at| now.signed_duration_since(at).to_std().ok()).unwrap_or_default()
    }

    /// Dated later than clocks differ that are kept: how old it is is not known.
    fn is_of_the_future(&self, reading: &KpiReading, now: DateTime<Utc>) -> bool {
        reading.at.is_some_and(|at| at > self.server_time.unwrap_or(now) + CLOCKS_DIFFER)
    }

    pub fn unhealthy(&self, now: DateTime<Utc>) -> Vec<&Pod> {
        let now = self.server_time.unwrap_or(now);
        self.pods.objects.values().filter(|pod| pod.is_unhealthy(now)).collect()
    }

    /// Workloads that have fewer pods than they want.
    pub fn missing(&self, now: DateTime<Utc>) -> Vec<Missing> {
        if !self.pods.is_complete {
            return Vec::new();
        }
        let mut of_sets: BTreeMap<Key, u32> = BTreeMap::new();
        for set in self.pods.objects.values().filter_map(missing::counts_for) {
            *of_sets.entry(set).or_default() += 1;
        }
        let mut of_owners: BTreeMap<&Text, u32> = BTreeMap::new();
        for owner in self.pods.objects.values().filter_map(missing::owner_of) {
            *of_owners.entry(owner).or_default() += 1;
        }
        let mut missing = missing::of(&self.deployments, &self.replica_sets, true, |set| of_sets.get(set).copied().unwrap_or(0));
        let has = |owner: &Text| of_owners.get(owner).copied().unwrap_or(0);
        let now = self.server_time.unwrap_or(now);
        missing.extend(missing::of_owners(&self.stateful_sets, &self.daemon_sets, &self.pods, has, now));
        missing
    }

    /// `Pods`, `Prometheus` …: what a person calls the source.
    pub fn name(&self, source: SourceId) -> String {
        match source {
            SourceId::Cluster => "Kubernetes".to_owned(),
            SourceId::Pods => "Pods".to_owned(),
            SourceId::Metrics => "Prometheus".to_owned(),
            SourceId::Alerts => match &self.alerts {
                Some(list) => format!("Alerts ({})", list.said_by),
                None => "Alerts".to_owned(),
            },
            SourceId::Errors => "Elasticsearch".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn said(source: SourceId, what: What) -> Observation {
        Observation { source, observed_at: Mono::ZERO, server_time: None, what }
    }

    fn failed(why: &str, cause: Cause, retry: Duration) -> What {
        What::Health(Health::Failed { why: why.into(), cause, since: Mono::ZERO, retry_at: Mono::ZERO.plus(retry) })
    }

    fn connecting() -> What {
        What::Health(Health::Connecting { what: "listing pods".into(), since: Mono::ZERO })
    }

    /// What one look hears of the pods, everything else being there; whether it waits for more.
    fn heard(pods: Vec<What>) -> (Answer, bool) {
        let mut look = Look { ends: Some(Mono::ZERO.plus(LIMIT)), ..Look::default() };
        for source in LOOKED_AT.into_iter().chain(WANTED).chain([SourceId::Nodes]).filter(|source| *source != SourceId::Pods) {
            look.apply(said(source, What::Health(Health::Absent { remedy: "".into(), since: Mono::ZERO })));
        }
        for what in pods {
            look.apply(said(SourceId::Pods, what));
        }
        (look.answer(SourceId::Pods), !look.is_complete())
    }

    #[test]
    fn a_server_that_is_busy_once_is_asked_once_more() {
        let second = Duration::from_secs(1);
        let busy = || failed("429: asked too often", Cause::Server, second);
        let missing = || Answer::Missing("429: asked too often".into());
        assert_eq!(heard(vec![busy()]), (missing(), true));
        assert_eq!(heard(vec![busy(), connecting()]), (missing(), true), "until it has answered it did not");
        assert_eq!(heard(vec![busy(), connecting(), What::Pods(vec![Delta::Listed])]), (Answer::Answered, false));
        assert_eq!(heard(vec![busy(), connecting(), busy()]), (missing(), false));
        let late = failed("429: asked too often", Cause::Server, LIMIT);
        assert_eq!(heard(vec![late]), (missing(), false), "it is asked again only once this look is over");
        assert!(!heard(vec![failed("no such path", Cause::Refusal, second)]).1, "that does not pass");
    }
}
