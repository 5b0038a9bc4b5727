//! The scenarios as stories: what a responder finds, does, and what then happens.

use super::cluster::controller;
use super::deployment::revision;
use super::*;
use crate::sim::store::{Deletion, Writer, text};
use crate::sim::tsdb::is_stale;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;

const SEED: u64 = 42;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_400_000, 0).unwrap()
}

fn world(name: &str) -> World {
    World::launch(Scenario::named(name).unwrap(), SEED, 0, start()).unwrap()
}

impl World {
    fn run(&mut self, seconds: i64) {
        let end = self.last + seconds;
        while self.last < end {
            self.step(DateTime::from_timestamp(self.last + 1, 0).unwrap());
        }
    }

    fn window(&self, name: &str, seconds: i64) -> Vec<(super::super::tsdb::Labels, f64, f64)> {
        let to = self.last * 1000;
        let found = self.tsdb.read().select(Some(name), |_| true, to - seconds * 1000 - 1, to);
        found.into_iter().map(|(labels, samples)| (labels, samples[0].value, samples[samples.len() - 1].value)).collect()
    }

    /// Share of 5xx answers in the last seconds.
    fn error_ratio(&self, seconds: i64) -> f64 {
        let (mut bad, mut all) = (0.0, 0.0);
        for (labels, first, last) in self.window("http_requests_total", seconds) {
            all += last - first;
            if labels.value("status").starts_with('5') {
                bad += last - first;
            }
        }
        bad / all
    }

    /// The bound below which 95 % of the last seconds' requests were answered (interpolated).
    fn p95(&self, metric: &str, seconds: i64) -> f64 {
        let mut sums: Vec<(f64, f64)> = Vec::new();
        for (labels, first, last) in self.window(metric, seconds) {
            let bound: f64 = labels.value("le").replace("+Inf", "inf").parse().unwrap();
            match sums.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some(sum) => sum.1 += last - first,
                None => sums.push((bound, last - first)),
            }
        }
        sums.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rank = sums.last().unwrap().1 * 0.95;
        let at = sums.iter().position(|(_, count)| *count >= rank).unwrap();
        let (below, before) = if at == 0 { (0.0, 0.0) } else { sums[at - 1] };
        let (bound, count) = sums[at];
        if bound.is_infinite() { below } else { below + (bound - below) * (rank - before) / (count - before) }
    }

    fn latest(&self, name: &str, label: &str, value: &str) -> f64 {
        self.window(name, 20).into_iter().find(|(labels, ..)| labels.value(label) == value).unwrap().2
    }

    fn deployment(&self, name: &str) -> Arc<Value> {
        self.store.get(Resource::Deployments, PRODUCTION, name).unwrap()
    }

    fn pods(&self, app: &str) -> Vec<Arc<Value>> {
        let pods = self.store.list(Resource::Pods, &Query::namespace(PRODUCTION)).items;
        pods.into_iter().filter(|pod| app.is_empty() || pod["metadata"]["labels"]["app"] == app).collect()
    }

    fn unhealthy(&self, app: &str) -> Vec<Arc<Value>> {
        self.pods(app).into_iter().filter(|pod| !pod::is_ready(pod)).collect()
    }

    fn delete_pods(&self, pods: &[Arc<Value>]) {
        for pod in pods {
            self.store.delete(Resource::Pods, PRODUCTION, text(pod, "name"), &Deletion::default()).unwrap();
        }
    }

    /// As `kubectl rollout undo --to-revision`.
    fn undo(&self, name: &str, to: i64) {
        let deployment = self.deployment(name);
        let sets = self.store.dependents(text(&deployment, "uid"));
        let old = sets.iter().map(|(_, set)| set).find(|set| revision(set) == to).unwrap();
        let mut template = old["spec"]["template"].clone();
        template["metadata"]["labels"].as_object_mut().unwrap().shift_remove("pod-template-hash");
        self.patch(name, |deployment| deployment["spec"]["template"] = template);
    }

    fn patch(&self, name: &str, change: impl FnOnce(&mut Value)) {
        self.store.modify(Resource::Deployments, PRODUCTION, name, Writer::update("test"), change).unwrap();
    }

    fn scale(&self, name: &str, replicas: i64) {
        self.patch(name, |deployment| deployment["spec"]["replicas"] = json!(replicas));
    }
}

#[test]
fn a_calm_world_is_well_and_quiet() {
    let mut world = world("calm");
    assert_eq!(world.pods("").len(), 48);
    assert!(world.unhealthy("").is_empty());
    assert!(world.error_ratio(300) < 0.01, "{}", world.error_ratio(300));
    assert!(world.p95("http_request_duration_seconds_bucket", 300) < 0.8);
    assert!(world.p95("sync_request_duration_seconds_bucket", 300) < 0.6);
    let before = world.store.resource_version();
    world.run(600);
    let writes = world.store.resource_version() - before;
    assert!(writes <= 40, "{writes} writes in ten quiet minutes");
    assert!(world.latest("redis_queue_length", "queue", "sync-events") < 200.0);
    assert!(world.latest("verification_queue_size", "service", "core-engine") < 200.0);
    assert!(world.connections() < 0.7, "{}", world.connections());
    for (labels, _, up) in world.window("up", 20) {
        assert!(up > 0.5, "{labels}");
    }
    for metric in ["cpu_usage_percent", "memory_usage_percent"] {
        let nodes = world.window(metric, 20);
        assert_eq!(nodes.len(), 12);
        assert!(nodes.iter().all(|(_, _, value)| *value > 5.0 && *value < 78.0), "{nodes:?}");
    }
}

#[test]
fn a_bad_deploy_is_seen_at_launch() {
    let world = world("bad-deploy");
    let errors = world.error_ratio(300);
    assert!((0.10..0.14).contains(&errors), "{errors}");
    let p95 = world.p95("http_request_duration_seconds_bucket", 300);
    assert!((2.3..3.3).contains(&p95), "{p95}");
    let backlog = world.latest("redis_queue_length", "queue", "sync-events");
    assert!((1_050.0..4_500.0).contains(&backlog), "{backlog}");
    let deployment = world.deployment("api-gateway");
    assert_eq!(revision(&deployment), 42);
    assert_eq!(world.pods("api-gateway").len(), 5);
    let sick = world.unhealthy("api-gateway");
    assert_eq!(sick.len(), 2, "{sick:#?}");
    for pod in sick {
        let status = &pod["status"]["containerStatuses"][0];
        assert!(status["restartCount"].as_i64().unwrap() >= 4, "{status}");
        assert_eq!(status["lastState"]["terminated"]["exitCode"], 137);
        let lines = world.store.logs().previous(PRODUCTION, text(&pod, "name"), "api-gateway").unwrap();
        assert!(lines.iter().any(|line| line.text.contains("heap")), "{lines:?}");
    }
    let managers = deployment["metadata"]["managedFields"].to_string();
    assert!(managers.contains("ci-deployer"), "{managers}");
    let from = (start() - TimeDelta::minutes(15)).timestamp_millis();
    let errors = world.logs.between(from, i64::MAX).iter().filter(|doc| doc.document.level == "ERROR").count();
    assert!((150..600).contains(&errors), "{errors}");
    let deploy = (start() - TimeDelta::seconds(500)).timestamp_millis();
    let early = world.logs.between(0, deploy).iter().filter(|doc| doc.document.error.as_deref() == Some("PoolTimeout")).count();
    assert_eq!(early, 0);
    let events = world.store.list(Resource::Events, &Query::namespace(PRODUCTION)).items;
    let counted = |reason: &str| events.iter().any(|event| event["reason"] == reason);
    for reason in ["BackOff", "ScalingReplicaSet", "Scheduled", "Pulled", "Started", "Killing", "SuccessfulCreate"] {
        assert!(counted(reason), "{reason}");
    }
}

#[test]
fn the_numbers_of_a_bad_deploy_do_not_hang_on_the_seed() {
    for seed in [0, 1, 7, 1_000_003] {
        let world = World::launch(Scenario::named("bad-deploy").unwrap(), seed, 0, start()).unwrap();
        let errors = world.error_ratio(300);
        assert!((0.10..0.14).contains(&errors), "seed {seed}: {errors}");
        let p95 = world.p95("http_request_duration_seconds_bucket", 300);
        assert!((2.3..3.3).contains(&p95), "seed {seed}: {p95}");
        let backlog = world.latest("redis_queue_length", "queue", "sync-events");
        assert!((1_050.0..4_500.0).contains(&backlog), "seed {seed}: {backlog}");
        assert_eq!((world.pods("api-gateway").len(), world.unhealthy("api-gateway").len()), (5, 2), "seed {seed}");
    }
}

#[test]
fn high_error_rate_has_been_firing_for_some_minutes_at_launch() {
    let mut world = world("calm");
    world = World::launch(Scenario::named("bad-deploy").unwrap(), SEED, 0, world.clock.now()).unwrap();
    // The alert waits two minutes above 5 % of the five-minute ratio.
    let end = world.last;
    let crossed = (0..600)
        .rev()
        .step_by(5)
        .map(|ago| end - ago)
        .find(|at| {
            let (mut bad, mut all) = (0.0, 0.0);
            for (labels, samples) in world.tsdb.read().select(Some("http_requests_total"), |_| true, (at - 300) * 1000, at * 1000) {
                let grown = samples[samples.len() - 1].value - samples[0].value;
                all += grown;
                bad += if labels.value("status").starts_with('5') { grown } else { 0.0 };
            }
            bad / all > 0.05
        })
        .unwrap();
    let firing = end - crossed - 120;
    assert!((170..=270).contains(&firing), "firing for {firing} s");
}

#[test]
fn undo_ends_the_errors_and_takes_a_new_revision() {
    let mut world = world("bad-deploy");
    let good: Vec<String> = {
        let uid = text(&world.deployment("api-gateway"), "uid").to_owned();
        world.store.dependents(&uid).iter().filter(|(_, set)| revision(set) == 41).map(|(_, set)| text(set, "name").to_owned()).collect()
    };
    world.undo("api-gateway", 41);
    world.run(1);
    a_taken_up_set_is_told_by_its_history(&world);
    world.run(199);
    assert!(world.error_ratio(60) < 0.01, "{}", world.error_ratio(60));
    let deployment = world.deployment("api-gateway");
    assert_eq!(revision(&deployment), 43);
    assert_eq!(deployment["status"]["availableReplicas"], 5);
    assert_eq!(deployment["status"]["observedGeneration"], deployment["metadata"]["generation"]);
    let pods = world.pods("api-gateway");
    assert!(pods.iter().all(|pod| pod::is_ready(pod) && pod::tag(pod) == "2.3.1" && controller(pod, "ReplicaSet") == Some(&good[0])));
    world.run(400);
    assert!(world.latest("redis_queue_length", "queue", "sync-events") < 200.0);
    assert!(world.p95("http_request_duration_seconds_bucket", 120) < 0.8);
}

/// As the deployment controller notes it: the former revision beside the new one, by its own name and at that time; the
/// deployment's revision goes with its status.
fn a_taken_up_set_is_told_by_its_history(world: &World) {
    let deployment = world.deployment("api-gateway");
    let sets = world.store.dependents(text(&deployment, "uid"));
    let set = sets.iter().map(|(_, set)| set).find(|set| revision(set) == 43).unwrap();
    assert_eq!(set["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"], "41");
    let holders = |object: &Value| -> Vec<(String, String, String)> {
        let entries = object["metadata"]["managedFields"].as_array().unwrap().iter();
        let held = entries.filter(|entry| entry.pointer("/fieldsV1/f:metadata/f:annotations/f:deployment.kubernetes.io~1revision").is_some());
        let field = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        held.map(|entry| (field(entry, "manager"), field(entry, "subresource"), field(entry, "time"))).collect()
    };
    let now = super::stamp::rfc3339(world.last);
    assert_eq!(holders(set), [("kube-controller-manager".to_owned(), String::new(), now.clone())]);
    assert_eq!(holders(&deployment), [("kube-controller-manager".to_owned(), "status".to_owned(), now)]);
}

#[test]
fn scaling_up_does_not_cure_a_bad_deploy() {
    let mut world = world("bad-deploy");
    world.scale("api-gateway", 8);
    world.run(280);
    assert!(world.pods("api-gateway").len() >= 7, "{}", world.pods("api-gateway").len());
    assert!(world.error_ratio(60) > 0.06, "{}", world.error_ratio(60));
}

#[test]
fn the_breaker_trades_errors_for_queued_work() {
    let mut world = world("bad-deploy");
    let queue = world.latest("verification_queue_size", "service", "core-engine");
    world
        .store
        .modify(Resource::ConfigMaps, PRODUCTION, "api-config", Writer::update("test"), |map| map["data"]["circuit_breaker_enabled"] = json!("true"))
        .unwrap();
    // Seen without a restart, but not at once: the kubelets bring mounted files up to date about once a minute.
    assert!(world.cluster.share_with(&super::BREAKER) < 0.1);
    world.run(30);
    let meanwhile = world.cluster.share_with(&super::BREAKER);
    assert!(meanwhile > 0.1 && meanwhile < 0.9, "{meanwhile}");
    world.run(180);
    assert!(world.cluster.share_with(&super::BREAKER) > 0.99);
    assert!(world.error_ratio(60) < 0.05, "{}", world.error_ratio(60));
    let queued = world.latest("verification_queue_size", "service", "core-engine");
    assert!(queued > queue + 1_000.0, "{queue} then {queued}");
}

#[test]
fn a_restart_buys_minutes_only() {
    let mut world = world("bad-deploy");
    let before = world.error_ratio(60);
    world.delete_pods(&world.pods("api-gateway"));
    world.run(60);
    let relief = world.error_ratio(30);
    world.run(240);
    let after = world.error_ratio(60);
    assert!(relief < before * 0.8 && after > before * 0.7, "{before} {relief} {after}");
    assert_eq!(world.unhealthy("api-gateway").len(), 2);
}

#[test]
fn the_sync_backlog_drains_when_the_hung_pods_are_deleted() {
    let mut world = world("sync-backlog");
    let at_launch = world.latest("redis_queue_length", "queue", "sync-events");
    assert!((2_500.0..7_000.0).contains(&at_launch), "{at_launch}");
    assert!(world.p95("sync_request_duration_seconds_bucket", 300) > 0.5);
    let hung = world.unhealthy("sync-service");
    assert_eq!(hung.len(), 2);
    assert!(hung.iter().all(|pod| pod::phase(pod) == "Running"));
    world.run(60);
    assert!(world.latest("redis_queue_length", "queue", "sync-events") > at_launch + 300.0);
    world.delete_pods(&hung);
    world.run(300);
    assert!(world.unhealthy("sync-service").is_empty());
    assert!(world.latest("redis_queue_length", "queue", "sync-events") < 500.0);
}

#[test]
fn more_sync_pods_drain_the_backlog_too() {
    let mut world = world("sync-backlog");
    world.scale("sync-service", 8);
    world.run(240);
    assert!(world.latest("redis_queue_length", "queue", "sync-events") < 500.0);
}

impl World {
    fn connections(&self) -> f64 {
        self.latest("postgresql_connections_active", "instance", "postgres-primary")
            / self.latest("postgresql_connections_max", "instance", "postgres-primary")
    }
}

#[test]
fn leaked_connections_come_back_after_a_restart_and_are_cured_by_undo() {
    let mut world = world("db-connections");
    assert!(world.connections() > 0.95, "{}", world.connections());
    assert!(world.error_ratio(120) > 0.05, "{}", world.error_ratio(120));
    world.delete_pods(&world.pods("fraud-analytics"));
    world.run(60);
    assert!(world.connections() < 0.8, "{}", world.connections());
    assert!(world.error_ratio(20) < 0.01, "{}", world.error_ratio(20));
    world.run(540);
    assert!(world.connections() > 0.95, "{}", world.connections());
    world.undo("fraud-analytics", 18);
    world.run(120);
    assert!(world.connections() < 0.7, "{}", world.connections());
    assert!(world.error_ratio(30) < 0.01);
}

#[test]
fn lost_nodes_are_noticed_and_their_pods_rescheduled() {
    let mut world = world("node-loss");
    for name in ["node-8", "node-10"] {
        let node = world.store.get(Resource::Nodes, "", name).unwrap();
        let ready = node["status"]["conditions"].as_array().unwrap().iter().find(|condition| condition["type"] == "Ready").unwrap();
        assert_eq!(ready["status"], "Unknown");
        assert!(node["spec"]["taints"].to_string().contains("NoExecute"));
        assert!(
            world
                .window("cpu_usage_percent", 20)
                .iter()
                .find(|(labels, ..)| labels.value("node") == name)
                .is_some_and(|(_, _, value)| is_stale(*value))
        );
    }
    let lost = world.unhealthy("");
    assert!(lost.len() >= 4 && lost.iter().all(|pod| matches!(pod::node(pod), Some("node-8" | "node-10"))), "{}", lost.len());
    assert!(lost.iter().all(|pod| !text(pod, "name").contains("primary")), "a singleton on a lost node");
    assert!(world.error_ratio(120) > 0.05, "{}", world.error_ratio(120));
    world.run(120);
    let pods = world.pods("");
    let (gone, alive): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| pod::is_terminating(pod));
    assert_eq!(gone.len(), lost.len());
    assert_eq!(alive.len(), 48);
    assert!(alive.iter().all(|pod| pod::is_ready(pod)));
    assert!(world.error_ratio(30) < 0.02, "{}", world.error_ratio(30));
}

#[test]
fn the_later_scenarios_show_what_their_titles_say() {
    let feed = world("gov-feed-down");
    assert!(feed.error_ratio(300) > 0.05 && feed.unhealthy("").is_empty());
    assert!(feed.latest("verification_queue_size", "service", "core-engine") > 1_000.0);
    assert!(feed.latest("up", "job", "government-feed-connector") < 0.5);
    let breach = world("breach");
    assert!(breach.error_ratio(300) < 0.01);
    assert!(breach.latest("database_queries_sensitive", "instance", "postgres-primary") > 3_000.0);
    let noisy = world("noisy-neighbour");
    assert!(noisy.p95("http_request_duration_seconds_bucket", 300) > 2.0);
    assert!(noisy.latest("cpu_usage_percent", "node", "node-1") > 60.0);
}

#[test]
fn one_seed_gives_one_world_however_it_is_stepped() {
    let trace = |strides: &[i64]| {
        let mut world = world("bad-deploy");
        let mut now = start();
        while now < start() + TimeDelta::seconds(60) {
            for stride in strides {
                now += TimeDelta::milliseconds(*stride);
                world.step(now);
            }
        }
        world.step(start() + TimeDelta::seconds(60));
        let read = world.tsdb.read();
        let mut samples: Vec<String> = read
            .select(None, |_| true, 0, (start() + TimeDelta::seconds(60)).timestamp_millis())
            .into_iter()
            .flat_map(|(labels, samples)| samples.into_iter().map(move |sample| format!("{labels} {} {}", sample.t_ms, sample.value)))
            .collect();
        samples.sort();
        let pods: Vec<String> = world.pods("").iter().map(|pod| pod["metadata"].to_string()).collect();
        let logs: Vec<String> = world.logs.between(0, i64::MAX).iter().map(|doc| doc.document.message.clone()).collect();
        (samples, pods, logs)
    };
    let (a, b) = (trace(&[200]), trace(&[1000]));
    assert_eq!(a.0, b.0);
    assert_eq!(a.1.len(), b.1.len());
    assert_eq!(a.2, b.2);
}

#[test]
fn a_rolling_update_never_leaves_too_few() {
    for seed in 0..4 {
        let mut world = World::launch(Scenario::named("calm").unwrap(), seed, 0, start()).unwrap();
        world.patch("core-engine", |d| d["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "x"}));
        let mut done = 0;
        for _ in 0..180 {
            world.run(1);
            let status = &world.deployment("core-engine")["status"];
            let available = status["availableReplicas"].as_i64().unwrap_or_default();
            assert!(available >= 5, "seed {seed}: {available} of 6 available");
            assert!(status["replicas"].as_i64().unwrap() <= 8, "seed {seed}: {status}");
            done = status["updatedReplicas"].as_i64().unwrap_or_default();
        }
        assert_eq!(done, 6, "seed {seed}");
        assert_eq!(revision(&world.deployment("core-engine")), 28);
    }
}

#[test]
fn a_rollout_that_gets_nowhere_is_said_to_have_failed() {
    let mut world = world("calm");
    world.patch("audit-service", |d| d["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("64"));
    world.run(620);
    let conditions = world.deployment("audit-service")["status"]["conditions"].to_string();
    assert!(conditions.contains("ProgressDeadlineExceeded"), "{conditions}");
    let pending = world.unhealthy("audit-service");
    assert!(!pending.is_empty() && pending.iter().all(|pod| pod::node(pod).is_none()));
    world.patch("audit-service", |d| d["spec"]["paused"] = json!(true));
    world.run(5);
    let conditions = world.deployment("audit-service")["status"]["conditions"].to_string();
    assert!(conditions.contains("DeploymentPaused"), "{conditions}");
}

#[test]
fn objects_are_what_typed_clients_expect() {
    use k8s_openapi::api::{apps::v1, autoscaling::v2, core::v1 as core, discovery::v1 as discovery, policy::v1 as policy};
    fn decode<T: serde::de::DeserializeOwned>(world: &World, resource: Resource) -> Vec<T> {
        let items = world.store.list(resource, &Query::default()).items;
        assert!(!items.is_empty(), "{resource}");
        items.iter().map(|item| serde_json::from_value((**item).clone()).unwrap_or_else(|why| panic!("{resource}: {why}: {item:#}"))).collect()
    }
    let mut world = world("node-loss");
    world.run(90);
    let pods: Vec<core::Pod> = decode(&world, Resource::Pods);
    assert!(pods.iter().all(|pod| pod.spec.is_some() && pod.metadata.uid.is_some()));
    decode::<v1::Deployment>(&world, Resource::Deployments);
    decode::<v1::ReplicaSet>(&world, Resource::ReplicaSets);
    decode::<core::Node>(&world, Resource::Nodes);
    decode::<core::Service>(&world, Resource::Services);
    decode::<core::Event>(&world, Resource::Events);
    decode::<core::Namespace>(&world, Resource::Namespaces);
    decode::<core::ConfigMap>(&world, Resource::ConfigMaps);
    decode::<core::Endpoints>(&world, Resource::Endpoints);
    decode::<discovery::EndpointSlice>(&world, Resource::EndpointSlices);
    decode::<v2::HorizontalPodAutoscaler>(&world, Resource::HorizontalPodAutoscalers);
    let budgets: Vec<policy::PodDisruptionBudget> = decode(&world, Resource::PodDisruptionBudgets);
    assert!(budgets.iter().any(|budget| budget.status.as_ref().is_some_and(|status| status.disruptions_allowed > 0)));
}

#[test]
fn pods_go_to_a_tainted_node_only_where_they_tolerate_it() {
    let mut world = world("calm");
    let taint = json!([{"key": "pool", "value": "a", "effect": "NoSchedule"}]);
    for node in world.store.list(Resource::Nodes, &Query::default()).items {
        world.store.modify(Resource::Nodes, "", text(&node, "name"), Writer::update("test"), |node| node["spec"]["taints"] = taint.clone()).unwrap();
    }
    world.run(1);
    let pod = |name: &str, tolerations: Value| {
        let spec = json!({"containers": [{"name": "a", "image": "a:1"}], "tolerations": tolerations});
        json!({"metadata": {"name": name, "namespace": "digital-identity"}, "spec": spec, "status": {"phase": "Pending"}})
    };
    for (name, tolerations) in [("shut-out", json!([])), ("let-in", json!([{"key": "pool", "operator": "Exists"}]))] {
        world.store.create(Resource::Pods, Writer::update("test"), pod(name, tolerations)).unwrap();
    }
    world.run(5);
    let found = |name: &str| world.store.get(Resource::Pods, "digital-identity", name).unwrap();
    assert!(pod::node(&found("let-in")).is_some());
    let made = pod::from_template(&json!({"spec": {"template": {"spec": {"tolerations": [{"key": "pool", "operator": "Exists"}]}}}}));
    assert_eq!(made["spec"]["tolerations"][0]["key"], "pool");
    let conditions = found("shut-out")["status"]["conditions"].to_string();
    assert!(pod::node(&found("shut-out")).is_none() && conditions.contains("12 node(s) had untolerated taint {pool: a}"), "{conditions}");
}

#[test]
fn many_extra_pods_do_not_make_a_tick_slow_and_are_replaced_like_any_other() {
    let mut world = World::launch(Scenario::named("calm").unwrap(), SEED, 2_000, start()).unwrap();
    let batch = |world: &World| world.store.list(Resource::Pods, &Query::namespace("batch")).items;
    assert_eq!(batch(&world).len(), 2_000);
    let before = world.store.resource_version();
    world.run(30);
    assert!(world.store.resource_version() - before < 10);
    let victim = text(&batch(&world)[7], "name").to_owned();
    world.store.delete(Resource::Pods, "batch", &victim, &Deletion::default()).unwrap();
    world.run(30);
    let pods = batch(&world);
    assert_eq!(pods.len(), 2_000);
    assert!(pods.iter().all(|pod| pod::is_ready(pod) && text(pod, "name") != victim));
}

/// A namespace of somebody's own with one deployment; its template's annotations may ask for a failure.
fn own_deployment(world: &World, replicas: u64, annotations: &Value) {
    let me = Writer::update("me");
    let metadata = json!({"labels": {"app": "shop"}, "annotations": annotations});
    let template = json!({"metadata": metadata, "spec": {"containers": [{"name": "shop", "image": "shop:1"}]}});
    let spec = json!({"replicas": replicas, "selector": {"matchLabels": {"app": "shop"}}, "template": template});
    let store = &world.cluster.store;
    let _ = store.create(Resource::Namespaces, me, json!({"metadata": {"name": "own"}}));
    store.create(Resource::Deployments, me, json!({"metadata": {"name": "shop", "namespace": "own"}, "spec": spec})).unwrap();
}

fn own_pods(world: &World) -> Vec<Arc<Value>> {
    world.cluster.store.list(Resource::Pods, &crate::sim::store::Query::namespace("own")).items
}

#[test]
fn a_pod_fails_as_its_annotation_asks() {
    for (word, pointer, wanted) in [
        ("crash-loop", "/lastState/terminated/reason", "Error"),
        ("oom", "/lastState/terminated/reason", "OOMKilled"),
        ("image-pull", "/state/waiting/reason", "ImagePullBackOff"),
    ] {
        let mut world = world("calm");
        own_deployment(&world, 1, &json!({"sev1.dev/fail": word}));
        world.run(40);
        let pods = own_pods(&world);
        let status = &pods[0]["status"]["containerStatuses"][0];
        assert_eq!(status.pointer(pointer), Some(&json!(wanted)), "{word}: {status}");
        assert_eq!(pods[0]["status"]["phase"], if word == "image-pull" { "Pending" } else { "Running" }, "{word}");
    }
    let mut world = world("calm");
    own_deployment(&world, 1, &json!({"sev1.dev/fail": "not-ready"}));
    world.run(40);
    let status = own_pods(&world)[0]["status"]["containerStatuses"][0].clone();
    assert!(status["ready"] == false && status["state"].get("running").is_some(), "{status}");
}

/// As a kubelet reports a pod whose init container crashes, and one whose init container is done beside a sidecar.
#[test]
fn init_containers_have_statuses_of_their_own() {
    let with_init = |word: &str| {
        let mut world = world("calm");
        own_deployment(&world, 1, &json!({"sev1.dev/fail": word}));
        let me = Writer::update("me");
        let init = json!([{"name": "migrate", "image": "migrate:1"}, {"name": "shipper", "image": "shipper:1", "restartPolicy": "Always"}]);
        let store = world.cluster.store.clone();
        store.modify(Resource::Deployments, "own", "shop", me, |object| object["spec"]["template"]["spec"]["initContainers"] = init).unwrap();
        world.run(60);
        let pods = own_pods(&world);
        let pod = pods.iter().find(|pod| pod["spec"].get("initContainers").is_some()).unwrap().clone();
        let log: Vec<String> = store.logs().since("own", text(&pod, "name"), "migrate", 0).iter().map(|line| line.text.to_string()).collect();
        (pod, log)
    };
    let (pod, log) = with_init("init-crash-loop");
    let status = &pod["status"];
    assert_eq!(
        (&status["phase"], &status["initContainerStatuses"][0]["state"]["waiting"]["reason"]),
        (&json!("Pending"), &json!("CrashLoopBackOff"))
    );
    assert!(status["initContainerStatuses"][0]["restartCount"].as_i64() > Some(0), "{status}");
    assert_eq!(status["initContainerStatuses"][0]["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(status["containerStatuses"][0]["state"], json!({"waiting": {"reason": "PodInitializing"}}));
    assert_eq!(super::pod::condition(&pod, "Initialized").unwrap()["status"], "False");
    assert!(log.iter().any(|line| line.contains("waiting for the database")), "{log:?}");

    let (pod, _) = with_init("");
    let status = &pod["status"];
    assert_eq!((&status["phase"], &status["initContainerStatuses"][0]["state"]["terminated"]["reason"]), (&json!("Running"), &json!("Completed")));
    assert!(status["initContainerStatuses"][1]["state"].get("running").is_some(), "{status}");
    assert_eq!(super::pod::condition(&pod, "Ready").unwrap()["status"], "True");
}

#[test]
fn a_quota_keeps_out_the_pods_beyond_it_and_lets_them_in_when_it_is_raised() {
    let mut world = world("calm");
    own_deployment(&world, 3, &json!({}));
    let quota = |pods: &str| json!({"pods": pods});
    let me = Writer::update("me");
    world
        .cluster
        .store
        .create(Resource::ResourceQuotas, me, json!({"metadata": {"name": "q", "namespace": "own"}, "spec": {"hard": quota("2")}}))
        .unwrap();
    world.run(20);
    assert_eq!(own_pods(&world).len(), 2);
    let object = world.cluster.store.get(Resource::ResourceQuotas, "own", "q").unwrap();
    assert_eq!(object["status"], json!({"hard": {"pods": "2"}, "used": {"pods": "2"}}));
    world.cluster.store.modify(Resource::ResourceQuotas, "own", "q", me, |object| object["spec"]["hard"] = quota("5")).unwrap();
    world.run(20);
    assert_eq!(own_pods(&world).len(), 3);
}
