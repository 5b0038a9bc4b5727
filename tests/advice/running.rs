//! What runs on the platform, as its store has it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sev1::sim::{
    kubernetes::kinds::Resource,
    store::{Query, Store, text},
    world::platform::PRODUCTION,
};

use crate::acts::revision;

/// A deployment as the store has it.
#[derive(Clone, Default)]
pub struct Running {
    pub revision: u64,
    /// Hash of the template that it has.
    pub template: String,
    /// Template of each revision that there is a replica set for.
    pub templates: BTreeMap<u64, String>,
    /// The template when the episode began; none where that is not known.
    pub at_beginning: Option<String>,
    pub replicas: u32,
    /// Pods of the present template that exist for half a minute and are not ready.
    pub unhealthy: usize,
    /// Pods of the present template that were ready and are so no longer.
    pub fell_back: usize,
}

/// A replica set: when it was made, and its template.
pub struct Set {
    created: Option<DateTime<Utc>>,
    template: String,
}

pub fn breaker_is_on(store: &Store) -> bool {
    let map = store.get(Resource::ConfigMaps, PRODUCTION, "api-config");
    map.is_some_and(|map| map.pointer("/data/circuit_breaker_enabled").and_then(serde_json::Value::as_str) == Some("true"))
}

fn hash(object: &serde_json::Value) -> String {
    object.pointer("/metadata/labels/pod-template-hash").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn created(object: &serde_json::Value) -> Option<DateTime<Utc>> {
    let text = object.pointer("/metadata/creationTimestamp")?.as_str()?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc))
}

/// Whether a pod is ready, and since when.
fn readiness(pod: &serde_json::Value) -> Option<(bool, Option<DateTime<Utc>>)> {
    let condition = pod.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == "Ready")?;
    let since = condition["lastTransitionTime"].as_str().and_then(|since| DateTime::parse_from_rfc3339(since).ok());
    Some((condition["status"] == "True", since.map(|since| since.with_timezone(&Utc))))
}

pub fn deployments(store: &Store, now: DateTime<Utc>) -> BTreeMap<String, Running> {
    let pods = store.list(Resource::Pods, &Query::namespace(PRODUCTION)).items;
    let mut found = BTreeMap::new();
    for deployment in store.list(Resource::Deployments, &Query::namespace(PRODUCTION)).items {
        let revision_now = revision(&deployment);
        let sets = store.dependents(text(&deployment, "uid"));
        let templates: BTreeMap<u64, String> = sets.iter().map(|(_, set)| (revision(set), hash(set))).collect();
        let template = templates.get(&revision_now).cloned().unwrap_or_default();
        let is_ready = |pod: &serde_json::Value| readiness(pod).is_some_and(|(is_ready, _)| is_ready);
        let was_ready = |pod: &serde_json::Value| match (readiness(pod), created(pod)) {
            (Some((false, Some(since))), Some(created)) => (since - created).num_seconds() >= 3,
            _ => false,
        };
        let is_present = |pod: &serde_json::Value| !template.is_empty() && hash(pod) == template;
        let is_settled = |pod: &serde_json::Value| created(pod).is_some_and(|created| (now - created).num_seconds() >= 30);
        let unhealthy = pods.iter().filter(|pod| is_present(pod) && is_settled(pod) && !is_ready(pod)).count();
        let fell_back = pods.iter().filter(|pod| is_present(pod) && was_ready(pod)).count();
        let replicas = deployment.pointer("/spec/replicas").and_then(serde_json::Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let (at_beginning, replicas) = (None, replicas.unwrap_or(1));
        let running = Running { revision: revision_now, template, templates, at_beginning, replicas, unhealthy, fell_back };
        found.insert(text(&deployment, "name").to_owned(), running);
    }
    found
}

pub fn replica_sets(store: &Store) -> BTreeMap<String, Vec<Set>> {
    let mut found = BTreeMap::new();
    for deployment in store.list(Resource::Deployments, &Query::namespace(PRODUCTION)).items {
        let mut sets: Vec<_> = store.dependents(text(&deployment, "uid")).into_iter().map(|(_, set)| set).collect();
        sets.sort_by_key(|set| revision(set));
        found.insert(text(&deployment, "name").to_owned(), sets.iter().map(|set| Set { created: created(set), template: hash(set) }).collect());
    }
    found
}

/// The template that ran before anybody looked: of the newest replica set that there was. Where one was taken into use again, its
/// age says nothing, and nothing is known.
pub fn template_at(sets: &[Set], began: DateTime<Utc>) -> Option<String> {
    if !sets.is_sorted_by_key(|set| set.created) {
        return None;
    }
    sets.iter().rfind(|set| set.created.is_some_and(|created| created <= began)).map(|set| set.template.clone())
}
