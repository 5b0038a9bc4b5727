//! What a person does, as keys on the cockpit or as writes of somebody else; and what a suggestion amounts to.

use std::collections::BTreeSet;

use sev1::{
    domain::{
        ask::RequestKind,
        asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout, Unhealthy},
        object::Key,
        pod::Pod,
        suggestion::Suggestion,
    },
    sim::{
        kubernetes::kinds::Resource,
        store::{Query, Store, Writer, text},
        world::platform::PRODUCTION,
    },
    state::cluster::Cluster,
};

use crate::{cockpit::Cockpit, truth::Act};

/// Keys of the circuit breaker.
const BREAKER: (&str, &str) = ("api-config", "circuit_breaker_enabled");

/// What a suggestion would have one do, in each way that a truth may say it; nothing for what no truth speaks of.
pub fn of_suggestion(suggestion: &Suggestion, cluster: &Cluster) -> Vec<Act> {
    let request = &suggestion.request;
    if let Some(undo) = request.get::<UndoRollout>() {
        return vec![Act::Undo { deployment: undo.workload.key.name.to_string() }];
    }
    if let Some(restart) = request.get::<RestartUnhealthy>() {
        return of_restart(restart, cluster);
    }
    if let Some(scale) = request.get::<Scale>() {
        return vec![Act::Scale { deployment: scale.workload.key.name.to_string() }];
    }
    if let Some(set) = request.get::<SetConfigKey>() {
        let value = set.value.clone().unwrap_or_default();
        return vec![match (&*set.config_map.name, set.name.as_str()) {
            BREAKER if value == "true" => Act::BreakerOn,
            BREAKER => Act::BreakerOff,
            (config_map, key) => Act::SetKey { config_map: config_map.to_owned(), key: key.to_owned(), value },
        }];
    }
    let RequestKind::Do(wish) = &request.kind else { return Vec::new() };
    let name = || wish.objects().first().map(|object| object.key.name.to_string()).unwrap_or_default();
    match wish.kind() {
        "restart" => vec![Act::Restart { app: name() }],
        "restart-dns" => vec![Act::RestartDns],
        "drain" => vec![Act::ReplacePods { node: name() }],
        "set-hpa-bounds" => vec![Act::RaiseMax { autoscaler: name() }],
        _ => Vec::new(),
    }
}

/// Pods of one app, or pods of one node.
fn of_restart(restart: &RestartUnhealthy, cluster: &Cluster) -> Vec<Act> {
    let Unhealthy::Listed(listed) = &restart.pods else { return vec![Act::Restart { app: restart.app.to_string() }] };
    let pods: Vec<_> = listed.iter().filter_map(|object| cluster.pods.get(&object.key)).collect();
    let apps: BTreeSet<String> = pods.iter().map(|pod| cluster.app_of(pod).to_string()).collect();
    let nodes: BTreeSet<String> = pods.iter().map(|pod| pod.node.as_deref().unwrap_or_default().to_owned()).collect();
    let of_node = nodes.into_iter().map(|node| Act::ReplacePods { node });
    apps.into_iter().map(|app| Act::Restart { app }).chain(of_node).collect()
}

impl Cockpit {
    /// Does it as one does it on the cockpit: by the suggestion where there is one for it, else by its name.
    pub async fn act(&mut self, act: &Act) -> Result<(), String> {
        let suggested = self.state.advice.suggestions.iter().position(|suggestion| of_suggestion(suggestion, &self.state.cluster).contains(act));
        if let Some(place) = suggested.filter(|place| self.stands_first_of_its_key(*place)) {
            return self.follow(place).await;
        }
        if let Act::ReplacePods { node } = act
            && self.replaced_elsewhere(node).next().is_none()
        {
            // What was done first, or the cluster by itself, has left nothing to replace.
            return Ok(());
        }
        let line = self.line(act)?;
        self.mitigate(&line).await
    }

    /// Pods on a node that others would replace.
    fn replaced_elsewhere(&self, node: &str) -> impl Iterator<Item = &Pod> {
        let now = self.state.server_now();
        let on_it = self.state.cluster.pods.objects.values().filter(move |pod| pod.node.as_deref() == Some(node));
        on_it.filter(move |pod| pod.is_restartable(now))
    }

    fn stands_first_of_its_key(&self, place: usize) -> bool {
        let suggestions = &self.state.advice.suggestions;
        suggestions.iter().position(|suggestion| suggestion.key == suggestions[place].key) == Some(place)
    }

    /// The line of the palette.
    fn line(&self, act: &Act) -> Result<String, String> {
        let cluster = &self.state.cluster;
        Ok(match act {
            Act::Undo { deployment } => format!("undo {deployment}"),
            Act::Restart { app } => {
                let mut sick = cluster.unhealthy.iter().filter_map(|key| cluster.pods.get(key)).filter(|pod| pod.deleting_since.is_none());
                let is_sick = sick.any(|pod| *cluster.app_of(pod) == **app);
                if is_sick { format!("restart-unhealthy {app}") } else { format!("restart deployment/{app}") }
            }
            Act::BreakerOn => "breaker on".to_owned(),
            Act::BreakerOff => "breaker off".to_owned(),
            Act::Scale { deployment } => {
                let key = Key::new(PRODUCTION, deployment);
                let replicas = cluster.deployments.get(&key).map_or(0, |deployment| deployment.replicas);
                format!("scale {deployment} {}", replicas + (replicas / 2).max(2))
            }
            Act::SetKey { config_map, key, value } => format!("set-config-key configmap/{config_map} {key}={value}"),
            Act::RaiseMax { autoscaler } => {
                let max = cluster.autoscalers.get(&Key::new(PRODUCTION, autoscaler)).map_or(0, |autoscaler| autoscaler.max);
                format!("set-hpa-bounds hpa/{autoscaler} max={}", max * 2)
            }
            Act::ReplacePods { node } => {
                let pod = self.replaced_elsewhere(node).next().ok_or_else(|| format!("no pod on {node} that another would replace"))?;
                format!("restart-unhealthy {}", cluster.app_of(pod))
            }
            Act::RestartDns => "restart-dns".to_owned(),
        })
    }
}

/// As `kubectl rollout undo deployment/NAME`: the template of the revision before, written by kubectl.
pub fn undo_by_kubectl(store: &Store, deployment: &str) -> Result<(), String> {
    let object = store.get(Resource::Deployments, PRODUCTION, deployment).ok_or_else(|| format!("no deployment {deployment}"))?;
    let present = revision(&object);
    let sets = store.dependents(text(&object, "uid"));
    let before = sets.iter().map(|(_, set)| set).filter(|set| revision(set) < present).max_by_key(|set| revision(set));
    let before = before.ok_or_else(|| format!("{deployment} has no revision before {present}"))?;
    let mut template = before["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(serde_json::Value::as_object_mut) {
        labels.shift_remove("pod-template-hash");
    }
    let write = |deployment: &mut serde_json::Value| deployment["spec"]["template"] = template;
    store.modify(Resource::Deployments, PRODUCTION, deployment, Writer::update("kubectl"), write).map(drop).map_err(|error| format!("{error:?}"))
}

/// The number that the deployment's controller gave.
pub fn revision(object: &serde_json::Value) -> u64 {
    let annotation = object.pointer("/metadata/annotations/deployment.kubernetes.io~1revision");
    annotation.and_then(serde_json::Value::as_str).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Deployments of the production namespace that have a former revision, by name.
pub fn with_former_revision(store: &Store) -> Vec<String> {
    let deployments = store.list(Resource::Deployments, &Query::namespace(PRODUCTION)).items;
    let has_former = |deployment: &serde_json::Value| {
        let present = revision(deployment);
        store.dependents(text(deployment, "uid")).iter().any(|(_, set)| (1..present).contains(&revision(set)))
    };
    deployments.iter().filter(|deployment| has_former(deployment)).map(|deployment| text(deployment, "name").to_owned()).collect()
}
