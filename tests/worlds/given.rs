//! Makes what a scenario rests on, past sev1: objects by the Kubernetes API, series by the exporter, log lines by Elasticsearch.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{
    deployers,
    objects::{self, path},
    play::Play,
    script::Step,
    secure, somebody,
};

/// The index of a scenario's log lines, below the pattern that sev1 searches.
pub const INDEX: &str = "logstash-worlds";

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
        Step::StatefulSet { name, image, replicas } => {
            let set = objects::stateful_set(&namespace, name, image, *replicas);
            play.world.post(&collection(&namespace, "apis/apps/v1", "statefulsets"), &set);
            all_ready(play, name, *replicas);
        }
        Step::ReplicaSet { name, image, replicas } => {
            play.world.post(&collection(&namespace, "apis/apps/v1", "replicasets"), &objects::replica_set(&namespace, name, image, *replicas));
            all_ready(play, name, *replicas);
        }
        Step::WorkerPool { name, size } => {
            play.world.post(&collection(&namespace, "apis/sev1.dev/v1", "workerpools"), &objects::worker_pool(&namespace, name, *size));
        }
        Step::Deployer(deployer) => deployers::make(play, deployer),
        Step::Labelled { name, label, value } => {
            play.world.merge(&path(&namespace, &format!("deployment/{name}")), &json!({ "metadata": { "labels": { label: value } } }));
        }
        Step::AsksFor { name, amount, resource } => {
            let path = path(&namespace, &format!("deployment/{name}"));
            let mut containers = play.world.get(&path)["spec"]["template"]["spec"]["containers"].clone();
            containers[0]["resources"]["requests"][resource] = json!(amount);
            play.world.merge(&path, &json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
            settled(play, name);
        }
        Step::LimitRange { memory } => {
            play.world.post(&collection(&namespace, "api/v1", "limitranges"), &objects::limit_range(&namespace, memory));
        }
        Step::Service { name, selector } => {
            play.world.post(&collection(&namespace, "api/v1", "services"), &objects::service(&namespace, name, selector));
        }
        Step::Rollout { name, image, failing } => {
            play.world.merge(&path(&namespace, &format!("deployment/{name}")), &objects::rollout(name, image, failing.as_deref()));
            match failing {
                None => settled(play, name),
                Some(_) => {
                    play.until(&format!("a failing pod of {name}"), |play| pods_of(play, name).iter().any(|pod| runs(pod, image) && is_failing(pod)));
                }
            }
        }
        Step::SuspendedJob { name, image } => {
            play.world.post(&collection(&namespace, "apis/batch/v1", "jobs"), &objects::suspended_job(&namespace, name, image));
        }
        Step::SuspendedCronJob { name, image, schedule } => {
            let job = objects::suspended_cron_job(&namespace, name, image, schedule);
            play.world.post(&collection(&namespace, "apis/batch/v1", "cronjobs"), &job);
        }
        Step::ConfigMap { name, key, value } => config_map(play, name, key, value),
        Step::Autoscaler { name, min, max } => {
            play.world
                .post(&collection(&namespace, "apis/autoscaling/v2", "horizontalpodautoscalers"), &objects::autoscaler(&namespace, name, *min, *max));
        }
        Step::Quota { pods: most } => {
            play.world.post(&collection(&namespace, "api/v1", "resourcequotas"), &objects::quota(&namespace, *most));
            // Pods on their way out count until they are gone.
            play.until("a quota that counts what stays", |play| {
                let used = play.world.get(&path(&play.namespace, "quota/pods"))["status"]["used"]["pods"].clone();
                used.as_str().and_then(|used| used.parse().ok()) == Some(pods(play).len())
            });
        }
        Step::Budget { name, pods, of } => {
            let budgets = collection(&namespace, "apis/policy/v1", "poddisruptionbudgets");
            play.world.post(&budgets, &objects::budget(&namespace, name, *pods, of));
            play.until("the budget's status", |play| {
                let budget = play.world.get(&format!("{budgets}/{name}"));
                let all = u64::try_from(pods_of(play, of).len()).unwrap_or_default();
                budget["status"]["observedGeneration"] == budget["metadata"]["generation"] && budget["status"]["currentHealthy"] == all
            });
        }
        Step::BudgetGone { name } => {
            let path = format!("{}/{name}", collection(&namespace, "apis/policy/v1", "poddisruptionbudgets"));
            play.world.api("DELETE", &path, "", &Value::Null);
        }
        Step::BarePod { name, image, in_pool } => {
            if play.world.is_real() {
                let accounts = collection(&namespace, "api/v1", "serviceaccounts");
                play.until("the namespace's account", |play| play.world.get(&accounts)["items"].as_array().is_some_and(|found| !found.is_empty()));
            }
            let mut pod = objects::bare_pod(&namespace, name, image);
            if *in_pool {
                objects::put_into_pool(&namespace, &mut pod["spec"]);
            }
            play.world.post(&collection(&namespace, "api/v1", "pods"), &pod);
            play.until(&format!("{name} ready"), |play| pods(play).iter().any(|pod| pod["metadata"]["name"] == name.as_str() && is_ready(pod)));
        }
        Step::Node { name } => {
            let name = node_name(&namespace, name);
            play.nodes.push(name.clone());
            play.world.post("/api/v1/nodes", &objects::node(&namespace, &name));
            play.until(&format!("{name} ready"), |play| is_ready(&play.world.get(&format!("/api/v1/nodes/{name}"))));
        }
        Step::PoolDeployment { name, image, replicas } => {
            let mut deployment = objects::deployment(&namespace, name, image, *replicas);
            objects::put_into_pool(&namespace, &mut deployment["spec"]["template"]["spec"]);
            play.world.post(&collection(&namespace, "apis/apps/v1", "deployments"), &deployment);
            settled(play, name);
        }
        Step::PoolDaemonSet { name, image } => {
            play.world.post(&collection(&namespace, "apis/apps/v1", "daemonsets"), &objects::daemon_set(&namespace, name, image));
            let nodes = play.nodes.len();
            play.until(&format!("{name} everywhere"), |play| pods_of(play, name).iter().filter(|pod| is_ready(pod)).count() == nodes);
        }
        Step::Event { about, reason, message } => {
            let object = play.world.get(&path(&namespace, about));
            let at = object["metadata"]["creationTimestamp"].as_str().unwrap_or_default();
            play.world.post(&collection(&namespace, "api/v1", "events"), &objects::event(&object, reason, message, at));
        }
        Step::Series { name, value } => {
            play.touched.series = true;
            let url = format!("{}/set", play.stack().value("EXPORTER_URL"));
            play.world.http("POST", &url, "text/plain", format!("{name}={value}\n"));
        }
        Step::Hang { name, pods } => hang(play, name, *pods),
        Step::Alert { name, service, severity } => {
            let labels = json!({ "alertname": name, "service": service, "severity": severity });
            play.touched.alerts.push(labels.clone());
            fire(play, name, &labels);
        }
        Step::IdleSession if play.world.is_real() => idle_session(play),
        // A calm day of the simulation has its errors.
        Step::SomeErrors if play.world.is_real() => log(play, "core-engine", 5, "credential <n> rejected"),
        // The simulated database has sessions of its own.
        Step::SomeErrors | Step::IdleSession => {}
        Step::Errors { service, count, message } => log(play, service, *count, message),
        other => somebody::act(play, other),
    }
}

/// A node of the scenario's own, as it is called in the cluster.
pub fn node_name(namespace: &str, name: &str) -> String {
    format!("{namespace}-{name}")
}

/// Begins now by the clock of Alertmanager, which in the simulation is another one, and fires for as long as a scenario lasts.
/// An end without a start would be the start too.
fn fire(play: &Play, name: &str, labels: &Value) {
    let mut alert = json!({ "labels": labels, "annotations": { "summary": "a scenario's own" } });
    play.world.ask_alertmanager("POST", "/api/v2/alerts", &json!([alert]));
    let listed = || play.world.ask_alertmanager("GET", &format!("/api/v2/alerts?filter=alertname%3D{name}"), &Value::Null);
    play.until(&format!("{name} fires"), |_| listed()[0]["startsAt"].is_string());
    alert["startsAt"] = listed()[0]["startsAt"].clone();
    alert["endsAt"] = json!("2100-01-01T00:00:00Z");
    play.world.ask_alertmanager("POST", "/api/v2/alerts", &json!([alert]));
}

/// A psql that has asked once and waits for more, for longer than a second.
fn idle_session(play: &mut Play) {
    let of = |name: &str| play.stack().value(name).to_owned();
    // Scenarios share the database.
    let (host, port, own) = (of("PGHOST"), of("PGPORT"), play.namespace.clone());
    let psql = |arguments: &[&str], input: Stdio| {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-At", "-h", &host, "-p", &port, "-U", "postgres"]).args(arguments).env("PGAPPNAME", &own).stdin(input);
        psql
    };
    let mut client = psql(&[], Stdio::piped()).stdout(Stdio::null()).spawn().expect("psql");
    client.stdin.as_mut().expect("its input").write_all(b"SELECT 1;\n").expect("a question");
    play.clients.push(client);
    let question =
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{own}' AND state = 'idle' AND state_change < now() - interval '1s'");
    play.until("an idle session", |_| {
        let answer = psql(&["-c", &question], Stdio::null()).output().expect("psql");
        String::from_utf8_lossy(&answer.stdout).trim().parse::<u32>().is_ok_and(|idle| idle > 0)
    });
}

pub fn collection(namespace: &str, group: &str, plural: &str) -> String {
    format!("/{group}/namespaces/{namespace}/{plural}")
}

pub fn config_map(play: &Play, name: &str, key: &str, value: &str) {
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
pub fn settled(play: &Play, name: &str) {
    let path = path(&play.namespace, &format!("deployment/{name}"));
    play.until(&format!("{name} rolled out"), |play| {
        let object = play.world.get(&path);
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let wanted = number("/spec/replicas");
        number("/status/observedGeneration") >= number("/metadata/generation")
            && ["/status/updatedReplicas", "/status/availableReplicas", "/status/replicas"].iter().all(|pointer| number(pointer) == wanted)
    });
}

fn all_ready(play: &Play, name: &str, replicas: u64) {
    play.until(&format!("{replicas} ready pods of {name}"), |play| {
        let all = pods_of(play, name);
        all.len() as u64 == replicas && all.iter().all(is_ready)
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

pub fn uid(pod: &Value) -> &str {
    pod["metadata"]["uid"].as_str().unwrap_or_default()
}

/// They go on running and fail their readiness check, as a kubelet would say it.
fn hang(play: &mut Play, name: &str, pods: usize) {
    for mut pod in pods_of(play, name).into_iter().take(pods) {
        play.hung.insert(uid(&pod).to_owned());
        // By the world's own clock; a probe takes a second at least to fail.
        let started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].as_str().expect("a start");
        let started = chrono::DateTime::parse_from_rfc3339(started).expect("a time").to_utc();
        let since = (started + chrono::TimeDelta::seconds(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        for condition in pod["status"]["conditions"].as_array_mut().expect("conditions") {
            if ["Ready", "ContainersReady"].iter().any(|kind| condition["type"] == *kind) {
                condition["status"] = json!("False");
                condition["lastTransitionTime"] = since.clone().into();
            }
        }
        for container in pod["status"]["containerStatuses"].as_array_mut().expect("containers") {
            container["ready"] = json!(false);
        }
        let path = path(&play.namespace, &format!("pod/{}", pod["metadata"]["name"].as_str().expect("a name")));
        let status = json!({ "conditions": pod["status"]["conditions"], "containerStatuses": pod["status"]["containerStatuses"] });
        play.world.merge(&format!("{path}/status"), &json!({ "status": status }));
    }
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
    play.touched.logs = true;
    let now = chrono::Utc::now();
    let mut lines = String::new();
    for number in 0..count {
        let at = now - chrono::TimeDelta::seconds(i64::try_from(number % 240).unwrap_or_default());
        let line = json!({
            "@timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true), "level": "ERROR", "service": service,
            "message": message.replace("<n>", &(30_000 + number).to_string()), "kubernetes": { "pod": format!("{service}-{}", number % 3) },
        });
        lines.extend(["{\"index\":{}}\n", &line.to_string(), "\n"]);
    }
    let lines_of = "application/x-ndjson";
    let answer = if play.secure.is_some() {
        secure::ask(play, "POST", &format!("/{INDEX}-{}/_bulk?refresh=true", play.namespace), lines_of, lines)
    } else {
        play.world.http("POST", &format!("{}/{INDEX}/_bulk?refresh=true", play.stack().value("ELASTICSEARCH_URL")), lines_of, lines)
    };
    assert!(answer.contains("\"errors\":false"), "{answer}");
}
