//! What containers have read of config maps: variables when they start, mounted files then and when the kubelet brings
//! them up to date, which it does about once a minute.

use super::cluster::{Cluster, Due, Key, PodStep, key_of};
use super::stamp::Sec;
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Query, Store, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The kubelet's `syncFrequency`: a change of a mounted config map waits at most so long.
const SYNC_EVERY: Sec = 60;

/// Config map and key.
type Place = (String, String);

/// What one container has read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configuration {
    variables: BTreeMap<Place, String>,
    files: BTreeMap<Place, String>,
}

/// A value that decides how a service behaves.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    pub deployment: &'a str,
    pub config_map: &'a str,
    pub key: &'a str,
    pub value: &'a str,
}

impl Configuration {
    /// What a container reads when it starts.
    pub fn at_start(pod: &Value, store: &Store) -> Self {
        let container = &pod["spec"]["containers"][0];
        let whole = list(&container["envFrom"]).filter_map(|source| Some((source.pointer("/configMapRef/name")?.as_str()?, None)));
        let single = list(&container["env"]).filter_map(|variable| {
            let reference = variable.pointer("/valueFrom/configMapKeyRef")?;
            Some((reference["name"].as_str()?, Some(reference["key"].as_str()?)))
        });
        let namespace = text(pod, "namespace");
        let mut read = Self { files: files(pod, store), ..Self::default() };
        for (config_map, key) in whole.chain(single) {
            let values = values(store, namespace, config_map);
            read.variables.extend(values.into_iter().filter(|((_, name), _)| key.is_none_or(|key| key == name)));
        }
        read
    }

    /// The value that the container goes by: of the file where it has one, else of the variable.
    pub fn get(&self, config_map: &str, key: &str) -> Option<&str> {
        let place = (config_map.to_owned(), key.to_owned());
        self.files.get(&place).or_else(|| self.variables.get(&place)).map(String::as_str)
    }
}

impl Cluster {
    /// The share of the deployment's ready pods that go by this value.
    pub fn share_with(&self, setting: &Setting<'_>) -> f64 {
        let is_of = |key: &Key, deployment: &str| key.0 == super::platform::PRODUCTION && deployment == setting.deployment;
        let ready: Vec<_> = self.runs.iter().filter(|(key, run)| is_of(key, &run.deployment) && run.ready && !run.stopping).collect();
        let with = ready.iter().filter(|(_, run)| run.read.get(setting.config_map, setting.key) == Some(setting.value)).count();
        if ready.is_empty() { 0.0 } else { with as f64 / ready.len() as f64 }
    }

    /// Every pod that mounts it sees the change at its kubelet's next round.
    pub(super) fn config_map_changed(&mut self, config_map: &Key) {
        let now = self.now();
        let pods = self.store.list(Resource::Pods, &Query::namespace(&config_map.0)).items;
        for pod in pods.iter().filter(|pod| mounted(pod).any(|(name, _)| name == config_map.1)) {
            let key = key_of(pod);
            if self.runs.contains_key(&key) {
                // Kubelets have their own rhythm, by the pod: no lot is drawn, so that other lots fall as they would.
                let rhythm = text(pod, "uid").bytes().fold(7, |sum: Sec, byte| (sum * 31 + Sec::from(byte)) % SYNC_EVERY);
                let next = now + SYNC_EVERY - (now - rhythm).rem_euclid(SYNC_EVERY);
                self.at(next, Due::Pod { key, uid: text(pod, "uid").to_owned(), step: PodStep::Sync });
            }
        }
    }

    pub(super) fn sync_config(&mut self, key: &Key, pod: &Value) {
        let files = files(pod, &self.store);
        if let Some(run) = self.runs.get_mut(key).filter(|run| run.started.is_some()) {
            run.read.files = files;
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The config maps that the first container mounts, each with the keys that are chosen, or all.
fn mounted(pod: &Value) -> impl Iterator<Item = (&str, Option<Vec<&str>>)> {
    let mounts = &pod["spec"]["containers"][0]["volumeMounts"];
    // A file mounted by `subPath` is not brought up to date.
    let is_mounted = move |volume: &Value| list(mounts).any(|mount| mount["name"] == volume["name"] && mount["subPath"].is_null());
    list(&pod["spec"]["volumes"]).filter(move |volume| is_mounted(volume)).filter_map(|volume| {
        let source = volume.get("configMap")?;
        let chosen = source["items"].as_array().map(|items| items.iter().filter_map(|item| item["key"].as_str()).collect());
        Some((source["name"].as_str()?, chosen))
    })
}

fn files(pod: &Value, store: &Store) -> BTreeMap<Place, String> {
    let namespace = text(pod, "namespace");
    let of = |(config_map, chosen): (&str, Option<Vec<&str>>)| {
        let values = values(store, namespace, config_map).into_iter();
        values.filter(|((_, key), _)| chosen.as_ref().is_none_or(|chosen| chosen.contains(&key.as_str()))).collect::<Vec<_>>()
    };
    mounted(pod).flat_map(of).collect()
}

fn values(store: &Store, namespace: &str, config_map: &str) -> BTreeMap<Place, String> {
    let object = store.get(Resource::ConfigMaps, namespace, config_map);
    let data = object.as_ref().and_then(|object| object["data"].as_object());
    let pairs = data.into_iter().flatten().filter_map(|(key, value)| Some(((config_map.to_owned(), key.clone()), value.as_str()?.to_owned())));
    pairs.collect()
}
