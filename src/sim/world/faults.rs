//! Plays a scenario's faults on the cluster, each at its moment.

use super::cluster::Cluster;
use super::platform::PRODUCTION;
use super::scenario::{Action, Fault};
use super::stamp::Sec;
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::Writer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The faults still to come and those that hold.
#[derive(Debug)]
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
    match action {
        Action::Rollout { deployment, tag, env, by } if begins => roll_out(cluster, deployment, tag, env, by),
        Action::Hang { deployment, pods } if begins => cluster.hang(deployment, *pods),
        Action::NodeDown { nodes } => nodes.iter().for_each(|node| cluster.set_node_silent(node, begins)),
        Action::ConfigMap { config_map, key, value, by } if begins => {
            let _ = cluster.store.modify(Resource::ConfigMaps, PRODUCTION, config_map, Writer::update(by), |object| {
                object["data"][key] = json!(value);
            });
        }
        Action::Rollout { .. } | Action::Hang { .. } | Action::ConfigMap { .. } | Action::Condition => {}
    }
}

fn roll_out(cluster: &mut Cluster, name: &str, tag: &str, env: &BTreeMap<String, String>, by: &str) {
    let _ = cluster.store.modify(Resource::Deployments, PRODUCTION, name, Writer::update(by), |deployment| {
        deployment["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!(format!("{name} {tag}"));
        let template = &mut deployment["spec"]["template"];
        template["metadata"]["labels"]["version"] = json!(tag);
        let container = &mut template["spec"]["containers"][0];
        let image = container["image"].as_str().unwrap_or_default().to_owned();
        let repository = image.rsplit_once(':').map_or(image.as_str(), |(repository, _)| repository);
        container["image"] = json!(format!("{repository}:{tag}"));
        for (variable, value) in env {
            let entry = json!({"name": variable, "value": value});
            match container["env"].as_array_mut() {
                Some(entries) => match entries.iter_mut().find(|present| present["name"] == variable.as_str()) {
                    Some(present) => *present = entry,
                    None => entries.push(entry),
                },
                None => container["env"] = Value::Array(vec![entry]),
            }
        }
    });
}
