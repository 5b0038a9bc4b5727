//! The second screen: the objects of the cluster, one kind at a time.

pub mod chosen;
mod config_maps;
pub mod detail;
mod jobs;
mod sets;
pub mod table;
pub mod tabs;

use super::{canvas::Canvas, layout};
use crate::{
    domain::{health::SourceId, object::Kind},
    state::State,
};

pub fn render(canvas: &mut Canvas<'_>, state: &State) {
    let panes = layout::workloads(state);
    table::render(canvas, &panes, state);
    detail::render(canvas, panes.detail, state);
}

/// Which source a kind's rows rest on.
pub fn source(kind: Kind) -> SourceId {
    match kind {
        Kind::Deployment => SourceId::Deployments,
        Kind::ReplicaSet => SourceId::ReplicaSets,
        Kind::StatefulSet => SourceId::StatefulSets,
        Kind::DaemonSet => SourceId::DaemonSets,
        Kind::Job => SourceId::Jobs,
        Kind::CronJob => SourceId::CronJobs,
        Kind::Node => SourceId::Nodes,
        Kind::Service => SourceId::Services,
        Kind::HorizontalPodAutoscaler => SourceId::Autoscalers,
        Kind::ConfigMap => SourceId::ConfigMaps,
        Kind::Event => SourceId::Events,
        _ => SourceId::Pods,
    }
}

pub fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Deployment => "Deployments",
        Kind::StatefulSet => "StatefulSets",
        Kind::DaemonSet => "DaemonSets",
        Kind::Job => "Jobs",
        Kind::CronJob => "CronJobs",
        Kind::ConfigMap => "ConfigMaps",
        Kind::Node => "Nodes",
        Kind::Service => "Services",
        Kind::HorizontalPodAutoscaler => "HPAs",
        Kind::Event => "Events",
        _ => "Pods",
    }
}
