//! Rollouts of stateful sets and daemon sets, as a responder sees them.

use chrono::DateTime;
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::sim::store::Writer;

fn world() -> World {
    World::launch(Scenario::named("calm").unwrap(), 42, 0, DateTime::from_timestamp(1_795_400_000, 0).unwrap()).unwrap()
}

fn set(name: &str, replicas: i64, strategy: &Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": PRODUCTION},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}}, "updateStrategy": strategy,
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "db:1"}]}},
        },
        "status": {"replicas": 0},
    })
}

/// Lets time pass until it holds.
fn until(world: &mut World, what: &str, holds: impl Fn(&World) -> bool) {
    for _ in 0..900 {
        if holds(world) {
            return;
        }
        world.step(DateTime::from_timestamp(world.last + 1, 0).unwrap());
    }
    panic!("not within 15 minutes: {what}");
}

fn find(world: &World, resource: Resource, name: &str) -> Arc<Value> {
    world.store.get(resource, PRODUCTION, name).unwrap()
}

fn images(world: &World, app: &str) -> Vec<String> {
    let pods = world.store.list(Resource::Pods, &Query::namespace(PRODUCTION)).items;
    let own = pods.iter().filter(|pod| pod["metadata"]["labels"]["app"] == app);
    own.map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()).collect()
}

fn set_image(world: &World, resource: Resource, name: &str, image: &str) {
    let change = |object: &mut Value| object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    world.store.modify(resource, PRODUCTION, name, Writer::update("kubectl-set"), change).unwrap();
}

#[test]
fn a_stateful_set_rolls_out_and_back_by_its_revisions() {
    let mut world = world();
    world.store.create(Resource::StatefulSets, Writer::update("kubectl"), set("db", 2, &json!({"type": "RollingUpdate"}))).unwrap();
    let is_ready = |world: &World| {
        let status = &find(world, Resource::StatefulSets, "db")["status"];
        status["readyReplicas"] == 2 && status["currentRevision"] == status["updateRevision"]
    };
    until(&mut world, "two ready pods", is_ready);
    assert!(world.store.get(Resource::Pods, PRODUCTION, "db-0").is_some() && world.store.get(Resource::Pods, PRODUCTION, "db-1").is_some());
    set_image(&world, Resource::StatefulSets, "db", "db:2");
    until(&mut world, "the new image", |world| images(world, "db") == ["db:2", "db:2"] && is_ready(world));
    let number = |world: &World| {
        let name = find(world, Resource::StatefulSets, "db")["status"]["updateRevision"].as_str().unwrap().to_owned();
        find(world, Resource::ControllerRevisions, &name)["revision"].as_i64()
    };
    assert_eq!(number(&world), Some(2));
    set_image(&world, Resource::StatefulSets, "db", "db:1");
    until(&mut world, "the old image", |world| images(world, "db") == ["db:1", "db:1"] && is_ready(world));
    assert_eq!(number(&world), Some(3), "an old template that runs again has the newest number");
}

/// kubectl reads a template into its own types and writes `1024Mi` back as `1Gi`.
#[test]
fn a_rollback_that_writes_amounts_otherwise_takes_the_former_replica_set_again() {
    let mut world = world();
    let of_it = |world: &World| {
        let sets = world.store.list(Resource::ReplicaSets, &Query::namespace(PRODUCTION)).items;
        sets.iter().filter(|set| set["metadata"]["ownerReferences"][0]["name"] == "api-gateway").count()
    };
    let running = |world: &World| images(world, "api-gateway");
    let write = |world: &World, image: &str, memory: &str| {
        let change = |object: &mut Value| {
            let container = &mut object["spec"]["template"]["spec"]["containers"][0];
            container["image"] = json!(image);
            container["resources"]["limits"]["memory"] = json!(memory);
        };
        world.store.modify(Resource::Deployments, PRODUCTION, "api-gateway", Writer::update("kubectl-rollout"), change).unwrap();
    };
    write(&world, "gw:1", "1024Mi");
    until(&mut world, "the first image", |world| running(world).iter().all(|image| image == "gw:1"));
    write(&world, "gw:2", "1024Mi");
    until(&mut world, "the second image", |world| running(world).iter().all(|image| image == "gw:2"));
    let before = of_it(&world);
    write(&world, "gw:1", "1Gi");
    until(&mut world, "the first image again", |world| running(world).iter().all(|image| image == "gw:1"));
    assert_eq!(of_it(&world), before);
}

#[test]
fn a_daemon_set_runs_on_every_node_and_rolls_out_one_by_one() {
    let mut world = world();
    world.store.create(Resource::DaemonSets, Writer::update("kubectl"), set("agent", 0, &json!({"type": "RollingUpdate"}))).unwrap();
    let nodes = world.store.list(Resource::Nodes, &Query::default()).items.len();
    let available = |world: &World| find(world, Resource::DaemonSets, "agent")["status"]["numberAvailable"].as_u64().unwrap_or(0);
    until(&mut world, "a pod on every node", |world| available(world) == nodes as u64);
    set_image(&world, Resource::DaemonSets, "agent", "db:2");
    until(&mut world, "the new image everywhere", |world| {
        assert!(available(world) + 1 >= nodes as u64, "more than one at a time");
        available(world) == nodes as u64 && images(world, "agent").iter().all(|image| image == "db:2")
    });
}

#[test]
fn on_delete_replaces_nothing_by_itself() {
    let mut world = world();
    world.store.create(Resource::StatefulSets, Writer::update("kubectl"), set("db", 1, &json!({"type": "OnDelete"}))).unwrap();
    until(&mut world, "a ready pod", |world| find(world, Resource::StatefulSets, "db")["status"]["readyReplicas"] == 1);
    set_image(&world, Resource::StatefulSets, "db", "db:2");
    for _ in 0..60 {
        world.step(DateTime::from_timestamp(world.last + 1, 0).unwrap());
    }
    assert_eq!(images(&world, "db"), ["db:1"]);
}

/// Nothing but the end of the last old pod tells its controller that new ones can come.
#[test]
fn a_deployment_that_recreates_its_pods_goes_on_by_itself() {
    let mut world = world();
    let mut app = set("app", 2, &Value::Null);
    app["spec"]["strategy"] = json!({"type": "Recreate"});
    world.store.create(Resource::Deployments, Writer::update("kubectl"), app).unwrap();
    let ready = |world: &World| find(world, Resource::Deployments, "app")["status"]["readyReplicas"].as_u64().unwrap_or(0);
    until(&mut world, "two ready pods", |world| ready(world) == 2);
    set_image(&world, Resource::Deployments, "app", "db:2");
    let began = world.last;
    until(&mut world, "new pods", |world| {
        let images = images(world, "app");
        assert!(images.iter().all(|image| image == "db:1") || images.iter().all(|image| image == "db:2"), "one beside the other: {images:?}");
        ready(world) == 2 && images == ["db:2", "db:2"]
    });
    assert!(world.last - began < 180, "only after {} s: whatever looked at it then", world.last - began);
}
