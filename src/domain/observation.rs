//! What sources say, on its way to the state.

use chrono::{DateTime, Utc};

use super::{
    alert::AlertList,
    batch::{CronJob, Job},
    health::{Health, SourceId},
    kpi::KpiReading,
    log_pattern::ErrorWindow,
    mitigation::ClusterIdentity,
    object::Key,
    pod::Pod,
    rights::Rights,
    sets::{DaemonSet, StatefulSet},
    text::Text,
    time::Mono,
    workload::{Autoscaler, ConfigMap, Deployment, Event, Node, ReplicaSet, Service},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub source: SourceId,
    pub observed_at: Mono,
    /// The answering server's own clock (`Date`), for the offset.
    pub server_time: Option<DateTime<Utc>>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Health(Health),
    /// The server confirmed that what it said before still holds (bookmark, heartbeat, unchanged answer). A beat of
    /// `SourceId::Cluster` confirms every Kubernetes watch that is live.
    Beat,
    Identity(Identity),
    Pods(Vec<Delta<Pod>>),
    Deployments(Vec<Delta<Deployment>>),
    ReplicaSets(Vec<Delta<ReplicaSet>>),
    StatefulSets(Vec<Delta<StatefulSet>>),
    DaemonSets(Vec<Delta<DaemonSet>>),
    Jobs(Vec<Delta<Job>>),
    CronJobs(Vec<Delta<CronJob>>),
    Nodes(Vec<Delta<Node>>),
    Services(Vec<Delta<Service>>),
    Autoscalers(Vec<Delta<Autoscaler>>),
    ConfigMaps(Vec<Delta<ConfigMap>>),
    Events(Vec<Delta<Event>>),
    Kpis(Vec<KpiReading>),
    Alerts(AlertList),
    Errors(Box<ErrorWindow>),
    Rights(Rights),
}

/// One step of a list-then-watch. Applied in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta<T> {
    /// A listing starts over: objects not applied before `Listed` are gone.
    ListStarted,
    Applied(T),
    Deleted(Key),
    /// The listing is complete.
    Listed,
}

/// The cluster and who we are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub cluster: ClusterIdentity,
    /// `v1.36.3`.
    pub version: Text,
}
