//! Whom a service sends to: the pods that a selector means, and what its endpoint slices have of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::{
    object::{Kind, ObjectRef, segment},
    text::Text,
};

use super::{api::Api, counted::Look, pods};

/// The pods that a selector means.
#[derive(Debug, Default)]
pub struct Meant {
    /// Names of those that get traffic.
    pub ready: BTreeSet<String>,
    pub not_ready: usize,
    /// Whether there are more than were read.
    pub is_partial: bool,
}

/// Reads which pods of the namespace a service with this selector would send to, by the rules of the endpoint slice
/// controller: an address, not on their way out, not ended, and ready unless the service publishes those that are not.
pub async fn meant(api: &Api, service: &Value, namespace: &str, selector: &Map<String, Value>) -> Result<Meant, Text> {
    let query: Vec<_> = selector.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    let (found, is_partial) = api.list(&Kind::Pod.collection_path(Some(namespace)), &query.join(",")).await.map_err(|error| error.text())?;
    let takes_all = service.pointer("/spec/publishNotReadyAddresses").and_then(Value::as_bool) == Some(true);
    let mut meant = Meant { is_partial, ..Meant::default() };
    for pod in found.iter().filter(|pod| !pods::is_deleting(pod) && !pods::has_ended(pod)) {
        let has_address = pod.pointer("/status/podIP").and_then(Value::as_str).is_some_and(|address| !address.is_empty());
        if has_address && (takes_all || pods::is_ready(pod)) {
            meant.ready.insert(pods::name(pod).to_owned());
        } else {
            meant.not_ready += 1;
        }
    }
    Ok(meant)
}

/// The labels of a service's selector; empty where it has none.
pub fn selector(service: &Value) -> Map<String, Value> {
    service.pointer("/spec/selector").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whether the endpoint slices have caught up with the selector.
pub async fn look(api: &Api, service: &ObjectRef) -> Result<Look, Text> {
    let object = api.get(&service.path()).await.map_err(|error| error.text())?;
    let meant = meant(api, &object, &service.key.namespace, &selector(&object)).await?;
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices", segment(&service.key.namespace));
    let query = format!("kubernetes.io/service-name={}", service.key.name);
    let (slices, _) = api.list(&path, &query).await.map_err(|error| error.text())?;
    let endpoints = slices.iter().filter_map(|slice| slice.get("endpoints")?.as_array()).flatten();
    // Unknown counts as ready: EndpointConditions of discovery.k8s.io/v1.
    let ready = endpoints.filter(|endpoint| endpoint.pointer("/conditions/ready").and_then(Value::as_bool) != Some(false));
    let sent_to: BTreeSet<String> = ready.filter_map(|endpoint| Some(endpoint.pointer("/targetRef/name")?.as_str()?.to_owned())).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (ready, of) = (sent_to.intersection(&meant.ready).count(), meant.ready.len());
    let old = sent_to.difference(&meant.ready).count();
    let why = (of == 0).then(|| "no ready pod has the labels of its selector".into());
    Ok(Look { ready: count(ready), of: count(of), old: count(old), stuck: why, is_complete: ready == of && old == 0 && of > 0 })
}
