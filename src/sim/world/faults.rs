//! Plays a scenario's faults on the cluster, each at its moment.

use super::cluster::Cluster;
use super::scenario::{Action, Fault};
use super::stamp::Sec;
use std::collections::BTreeMap;

/// The faults still to come and those that hold.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Moments of beginning and end, in order of time.
    moments: Vec<(Sec, Fault, bool)>,
    next: usize,
    /// Since when each named fault holds.
    pub active: BTreeMap<String, Sec>,
}

impl Timeline {
    pub fn new(faults: Vec<Fault>, launch: Sec) -> Self {
        let mut moments = Vec::new();
        for fault in faults {
            if let Some(until) = fault.until {
                moments.push((launch + until, fault.clone(), false));
            }
            moments.push((launch + fault.at, fault, true));
        }
        moments.sort_by_key(|(at, _, begins)| (*at, !*begins));
        Self { moments, next: 0, active: BTreeMap::new() }
    }

    /// Begins and ends what is due; true when something was.
    pub fn play(&mut self, cluster: &mut Cluster, now: Sec) -> bool {
        let before = self.next;
        while let Some((at, fault, begins)) = self.moments.get(self.next)
            && *at <= now
        {
            if *begins {
                self.active.insert(fault.name.clone(), *at);
            } else {
                self.active.remove(&fault.name);
            }
            act(cluster, &fault.action, *begins);
            self.next += 1;
        }
        self.next > before
    }
}

fn act(cluster: &mut Cluster, action: &Action, begins: bool) {
    if let Action::NodeDown { nodes } = action {
        return nodes.iter().for_each(|node| cluster.set_node_silent(node, begins));
    }
    if !begins {
        return;
    }
    match action {
        Action::Rollout { deployment, tag, env, by } => cluster.roll_out(deployment, tag, env, by),
        Action::Environment { deployment, env, by } => cluster.set_environment(deployment, env, by),
        Action::Restart { deployment, by } => cluster.restart(deployment, by),
        Action::Rollback { deployment, by } => cluster.roll_back(deployment, by),
        Action::Scale { deployment, replicas, by } => cluster.scale(deployment, *replicas, by),
        Action::AutoscalerBounds { autoscaler, least, most, by } => cluster.set_bounds(autoscaler, *least, *most, by),
        Action::Quota { name, pods, by } => cluster.limit_pods(name, *pods, by),
        Action::DeletePods { deployment, pods } => cluster.delete_pods(deployment, *pods),
        Action::Hang { namespace, deployment, pods } => cluster.hang(namespace, deployment, *pods),
        Action::ConfigMap { config_map, key, value, by } => cluster.write_setting(config_map, key, value, by),
        Action::NodeDown { .. } | Action::Condition => {}
    }
}
