//! The indices of the cluster by the type and by the kind of their objects.

use super::cluster::{Cluster, Index};
use crate::domain::{
    batch::{CronJob, Job},
    pod::Pod,
    sets::{DaemonSet, StatefulSet},
    workload::{Autoscaler, ConfigMap, Deployment, Event, Node, Object, ReplicaSet, Service},
};

/// Objects that the cluster keeps an index of.
pub trait Indexed: Object + PartialEq + Sized {
    fn index(cluster: &Cluster) -> &Index<Self>;
    fn index_mut(cluster: &mut Cluster) -> &mut Index<Self>;
}

macro_rules! indexed {
    ($($kind:ty = $field:ident),* $(,)?) => {$(
        impl Indexed for $kind {
            fn index(cluster: &Cluster) -> &Index<Self> { &cluster.$field }
            fn index_mut(cluster: &mut Cluster) -> &mut Index<Self> { &mut cluster.$field }
        }
    )*};
}

indexed! {
    Pod = pods, Deployment = deployments, ReplicaSet = replica_sets, StatefulSet = stateful_sets, DaemonSet = daemon_sets, Job = jobs,
    CronJob = cron_jobs, Node = nodes, Service = services, Autoscaler = autoscalers, ConfigMap = config_maps, Event = events,
}

/// Evaluates an expression on the index of a kind that has a table; of any other kind, on that of pods.
macro_rules! with_index {
    ($cluster:expr, $kind:expr, $index:ident => $does:expr) => {{
        let cluster = &$cluster;
        with_index! { cluster, $kind, $index, $does,
            Deployment = deployments, StatefulSet = stateful_sets, DaemonSet = daemon_sets, Job = jobs, CronJob = cron_jobs, Node = nodes,
            Service = services, HorizontalPodAutoscaler = autoscalers, ConfigMap = config_maps, Event = events }
    }};
    ($cluster:ident, $kind:expr, $index:ident, $does:expr, $($of:ident = $field:ident),*) => {
        match $kind {
            $($crate::domain::object::Kind::$of => {
                let $index = &$cluster.$field;
                $does
            })*
            _ => {
                let $index = &$cluster.pods;
                $does
            }
        }
    };
}

pub(crate) use with_index;
