//! Makes what a scenario rests on, past sev1: objects by the Kubernetes API, series by the exporter, log lines by Elasticsearch.

use serde_json::{Value, json};

use super::{
    objects::{self, path},
    play::Play,
    proxy::gate::Way,
    script::Step,
};

/// The index of a scenario's log lines, below the pattern that sev1 searches.
const INDEX: &str = "logstash-worlds";

pub fn make(play: &mut Play, step: &Step) {
    let namespace = play.namespace.clone();
    match step {
        Step::Label { name, value } => {
            play.world.merge(&format!("/api/v1/namespaces/{namespace}"), &json!({ "metadata": { "labels": { name: value } } }));
        }
        Step::Deployment { name, image, replicas } => {
            play.world.post(&collection(&namespace, "apis/apps/v1", "deployments"), &objects::deployment(&namespace, name, image, *replicas));
            settled(play, name);
        }
        Step::Rollout { name, image, failing } => {
            play.world.merge(&path(&namespace, &format!("deployment/{name}")), &objects::rollout(name, image, failing.as_deref()));
            match failing {
                None => settled(play, name),
                Some(_) => {
                    play.until(&format!("a failing pod of {name}"), |play| pods_of(play, name).iter().any(|pod| runs(pod, image) && is_failing(pod)))
                }
            }
        }
        Step::ScaledBySomebody { name, replicas } => {
            play.world.merge(&path(&namespace, &format!("deployment/{name}")), &json!({ "spec": { "replicas": replicas } }));
        }
        Step::TemplateChangedBySomebody { name } => {
            let change = json!({ "spec": { "template": { "metadata": { "annotations": { "example.org/by": "somebody else" } } } } });
            play.world.merge(&path(&namespace, &format!("deployment/{name}")), &change);
        }
        Step::ConfigMap { name, key, value } => config_map(play, name, key, value),
        Step::Autoscaler { name, min, max } => {
            play.world
                .post(&collection(&namespace, "apis/autoscaling/v2", "horizontalpodautoscalers"), &objects::autoscaler(&namespace, name, *min, *max));
        }
        Step::Quota { pods } => {
            play.world.post(&collection(&namespace, "api/v1", "resourcequotas"), &objects::quota(&namespace, *pods));
            play.until("the quota's status", |play| play.world.get(&path(&play.namespace, "quota/pods")).pointer("/status/used/pods").is_some());
        }
        Step::Event { about, reason, message } => {
            let object = play.world.get(&path(&namespace, about));
            let at = object["metadata"]["creationTimestamp"].as_str().unwrap_or_default();
            play.world.post(&collection(&namespace, "api/v1", "events"), &objects::event(&object, reason, message, at));
        }
        Step::Series { name, value } => {
            play.touched_series = true;
            let url = format!("{}/set", play.stack().value("EXPORTER_URL"));
            play.world.http("POST", &url, "text/plain", format!("{name}={value}\n"));
        }
        Step::Errors { service, count, message } => log(play, service, *count, message),
        other => panic!("{other:?} is no premise"),
    }
}

/// Takes back what other scenarios would meet.
pub fn put_back(play: &Play) {
    if play.touched_series {
        play.world.http("POST", &format!("{}/rest", play.stack().value("EXPORTER_URL")), "text/plain", String::new());
    }
    if play.touched_logs {
        play.world.http("DELETE", &format!("{}/{INDEX}", play.stack().value("ELASTICSEARCH_URL")), "text/plain", String::new());
    }
}

fn collection(namespace: &str, group: &str, plural: &str) -> String {
    format!("/{group}/namespaces/{namespace}/{plural}")
}

fn config_map(play: &Play, name: &str, key: &str, value: &str) {
    let maps = collection(&play.namespace, "api/v1", "configmaps");
    let listed = play.world.get(&maps);
    let exists = listed["items"].as_array().is_some_and(|items| items.iter().any(|item| item["metadata"]["name"] == name));
    if exists {
        play.world.merge(&format!("{maps}/{name}"), &json!({ "data": { key: value } }));
    } else {
        play.world.post(&maps, &objects::config_map(&play.namespace, name, key, value));
    }
}

/// Until the rollout is complete.
fn settled(play: &Play, name: &str) {
    let path = path(&play.namespace, &format!("deployment/{name}"));
    play.until(&format!("{name} rolled out"), |play| {
        let object = play.world.get(&path);
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let wanted = number("/spec/replicas");
        number("/status/observedGeneration") >= number("/metadata/generation")
            && ["/status/updatedReplicas", "/status/availableReplicas", "/status/replicas"].iter().all(|pointer| number(pointer) == wanted)
    });
}

/// Every pod of the namespace that is not on its way out.
pub fn pods(play: &Play) -> Vec<Value> {
    let listed = play.world.get(&collection(&play.namespace, "api/v1", "pods"));
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

pub fn pods_of(play: &Play, app: &str) -> Vec<Value> {
    pods(play).into_iter().filter(|pod| pod["metadata"]["labels"]["app"] == app).collect()
}

pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|conditions| conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True"))
}

/// Its container was there and is not well.
fn is_failing(pod: &Value) -> bool {
    let state = &pod["status"]["containerStatuses"][0]["state"];
    let waits = state["waiting"]["reason"].as_str().is_some_and(|reason| reason != "ContainerCreating");
    waits || (!state["running"].is_null() && !is_ready(pod))
}

fn runs(pod: &Value, image: &str) -> bool {
    pod["spec"]["containers"][0]["image"] == image
}

/// Error lines of a service, spread over the last minutes.
fn log(play: &mut Play, service: &str, count: u64, message: &str) {
    play.touched_logs = true;
    let url = format!("{}/{INDEX}/_bulk?refresh=true", play.stack().value("ELASTICSEARCH_URL"));
    let now = chrono::Utc::now();
    let lines: String = (0..count)
        .map(|number| {
            let at = now - chrono::TimeDelta::seconds(i64::try_from(number % 240).unwrap_or_default());
            let pod = format!("{service}-{}", number % 3);
            let line = json!({
                "@timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true), "level": "ERROR", "service": service,
                "message": message.replace("<n>", &(30_000 + number).to_string()), "kubernetes": { "pod": pod },
            });
            format!("{{\"index\":{{}}}}\n{line}\n")
        })
        .collect();
    let answer = play.world.http("POST", &url, "application/x-ndjson", lines);
    assert!(answer.contains("\"errors\":false"), "{answer}");
}

/// What a watch could go on from is forgotten: the history is compacted and the API server begins anew, while sev1 hears nothing.
pub fn expire_watches(play: &mut Play) {
    play.world.kubernetes().gate.set(Way::Shut);
    let probe = play.world.post(&collection(&play.namespace, "api/v1", "configmaps"), &objects::config_map(&play.namespace, "probe", "number", "0"));
    drop(probe);
    for number in 1..=20 {
        config_map(play, "probe", "number", &number.to_string());
    }
    let version = play.world.get(&path(&play.namespace, "configmap/probe"))["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    let etcd = play.stack().value("ETCD_URL").to_owned();
    play.world.http("POST", &format!("{etcd}/v3/kv/compaction"), "application/json", json!({ "revision": version, "physical": true }).to_string());
    play.stack().kill("kube-apiserver");
    play.stack().restart("kube-apiserver");
    play.world.kubernetes().heal();
}
