//! A responder's act, written to the world's store as the tools of responders write it.

use serde_json::{Value, json};
use sev1::sim::incident::Act;
use sev1::sim::kubernetes::kinds::Resource;
use sev1::sim::store::{Deletion, Query, Writer, text};
use sev1::sim::world::World;
use std::sync::Arc;

const NAMESPACE: &str = "digital-identity";

fn me() -> Writer<'static> {
    Writer::update("sev1")
}

fn revision(set: &Value) -> i64 {
    let annotation = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
    annotation.and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn pods(world: &World) -> Vec<Arc<Value>> {
    world.store().list(Resource::Pods, &Query::namespace(NAMESPACE)).items
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// The numbers of the nodes on which a deployment's pods stand, in any namespace.
pub fn nodes_of(world: &World, deployment: &str) -> Vec<usize> {
    let all = world.store().list(Resource::Pods, &Query::default()).items;
    let own =
        all.iter().filter(|pod| text(pod, "name").starts_with(&format!("{deployment}-")) && text(pod, "namespace") != "digital-identity-staging");
    let mut nodes: Vec<usize> = own.filter_map(|pod| pod["spec"]["nodeName"].as_str()?.strip_prefix("node-")?.parse().ok()).collect();
    nodes.sort_unstable();
    nodes
}

fn restart_in_turn(world: &World, namespace: &str, deployment: &str) {
    let _ = world.store().modify(Resource::Deployments, namespace, deployment, me(), |object| {
        object["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!("2026-11-23T02:07:00Z");
    });
}

pub fn perform(act: &Act, world: &World) {
    let store = world.store();
    let delete = |pod: &Value| drop(store.delete(Resource::Pods, NAMESPACE, text(pod, "name"), &Deletion::default()));
    let set_key = |config_map: &str, key: &str, value: &str| {
        store.modify(Resource::ConfigMaps, NAMESPACE, config_map, me(), |object| object["data"][key] = json!(value)).unwrap();
    };
    match act {
        Act::Undo { deployment } => {
            let Some(present) = store.get(Resource::Deployments, NAMESPACE, deployment) else { return };
            let mut sets: Vec<_> = store.dependents(text(&present, "uid")).into_iter().map(|(_, set)| set).collect();
            sets.sort_by_key(|set| revision(set));
            let Some(former) = sets.len().checked_sub(2).and_then(|place| sets.get(place)) else { return };
            let mut template = former["spec"]["template"].clone();
            template["metadata"]["labels"].as_object_mut().unwrap().shift_remove("pod-template-hash");
            store.modify(Resource::Deployments, NAMESPACE, deployment, me(), |object| object["spec"]["template"] = template).unwrap();
        }
        Act::Restart { app } => {
            let all = pods(world);
            let own: Vec<_> = all.iter().filter(|pod| pod["metadata"]["labels"]["app"] == app.as_str()).collect();
            let unready: Vec<_> = own.iter().filter(|pod| !is_ready(pod)).collect();
            for pod in &unready {
                delete(pod);
            }
            if unready.is_empty() {
                restart_in_turn(world, NAMESPACE, app);
            }
        }
        Act::BreakerOn => set_key("api-config", "circuit_breaker_enabled", "true"),
        Act::BreakerOff => set_key("api-config", "circuit_breaker_enabled", "false"),
        Act::Scale { deployment } => {
            let _ = store.modify(Resource::Deployments, NAMESPACE, deployment, me(), |object| {
                let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
                object["spec"]["replicas"] = json!(replicas + (replicas / 2).max(2));
            });
        }
        Act::SetKey { config_map, key, value } => set_key(config_map, key, value),
        Act::RaiseMax { autoscaler } => {
            store
                .modify(Resource::HorizontalPodAutoscalers, NAMESPACE, autoscaler, me(), |object| {
                    let most = object["spec"]["maxReplicas"].as_i64().unwrap_or(1);
                    object["spec"]["maxReplicas"] = json!(most * 2);
                })
                .unwrap();
        }
        Act::ReplacePods { node } => pods(world).iter().filter(|pod| pod["spec"]["nodeName"] == node.as_str()).for_each(|pod| delete(pod)),
        Act::RestartDns => restart_in_turn(world, "kube-system", "coredns"),
    }
}
