//! What changed: seen between two looks, and told once.

use crate::{
    domain::{
        change::Change,
        health::SourceId,
        object::Key,
        observation::{Delta, What},
        pod::Pod,
        workload::{ConfigMap, Deployment, Event, Node, ReplicaSet, Written},
    },
    state::timeline::EntryKind,
};

use super::play::{Play, at, autoscaler, deployment, name, pod, replica_set};

fn written(by: &str, seconds: i64) -> Written {
    Written { by: by.into(), at: Some(at(seconds)), exact: true }
}

fn scaled(replicas: u32, by: &str, seconds: i64) -> Deployment {
    Deployment { replicas_written: Some(written(by, seconds)), ..deployment("shop", 1, replicas, replicas) }
}

impl Play {
    fn deployments(&mut self, deltas: Vec<Delta<Deployment>>) -> &mut Self {
        self.observe(SourceId::Deployments, What::Deployments(deltas))
    }

    fn sets(&mut self, deltas: Vec<Delta<ReplicaSet>>) -> &mut Self {
        self.observe(SourceId::ReplicaSets, What::ReplicaSets(deltas))
    }

    fn told(&self) -> Vec<(Option<i64>, String)> {
        let line = |change: &Change| (change.at.map(|time| (time - at(0)).num_seconds()), change.sentence().to_string());
        self.state.cluster.changes.iter().map(line).collect()
    }

    fn in_timeline(&self) -> Vec<(i64, String)> {
        let changes = self.state.timeline.entries.iter().filter(|entry| entry.what == EntryKind::Change);
        changes.map(|entry| ((entry.at - at(0)).num_seconds(), entry.text.to_string())).collect()
    }
}

fn line(seconds: i64, words: &str) -> (Option<i64>, String) {
    (Some(seconds), words.to_owned())
}

#[test]
fn a_scale_before_the_start_is_told_and_its_event_tells_from_where() {
    let mut play = Play::new();
    play.deployments(vec![Delta::Applied(scaled(6, "kubectl", -300)), Delta::Listed]);
    assert_eq!(play.told(), [line(-300, "shop scaled to 6 by kubectl")]);
    let event = Event {
        key: name("shop.1"),
        uid: "e".into(),
        is_warning: false,
        reason: "ScalingReplicaSet".into(),
        message: "Scaled up replica set shop-a from 3 to 6".into(),
        count: 1,
        first_seen: Some(at(-299)),
        last_seen: Some(at(-299)),
        about: ("Deployment".into(), "shop".into(), "d".into()),
    };
    play.observe(SourceId::Events, What::Events(vec![Delta::Applied(event)]));
    assert_eq!(play.told(), [line(-300, "shop scaled 3 → 6 by kubectl")]);
    assert_eq!(play.in_timeline(), [(-300, "shop scaled 3 → 6 by kubectl".to_owned())], "once");
}

#[test]
fn people_and_programs_scale_and_an_autoscaler_is_left_out() {
    let mut play = Play::new();
    play.deployments(vec![Delta::Applied(scaled(2, "ci", -100_000)), Delta::Listed]);
    play.deployments(vec![Delta::Applied(scaled(4, "kubectl", -60))]);
    play.deployments(vec![Delta::Applied(scaled(9, "kube-controller-manager", -40))]);
    play.deployments(vec![Delta::Applied(scaled(5, "sev1", -20))]);
    assert_eq!(play.told(), [line(-20, "shop scaled 9 → 5 by sev1"), line(-60, "shop scaled 2 → 4 by kubectl")]);
    assert!(play.state.cluster.changes[0].is_own());
}

#[test]
fn a_list_made_anew_tells_nothing_twice_and_nothing_at_another_time() {
    let mut play = Play::new();
    let sets = |revised_at: i64| {
        let back = ReplicaSet { history: [17].into(), revised_at: Some(at(revised_at)), ..replica_set("shop-a", 19, -9_000, "shop:1") };
        vec![Delta::ListStarted, Delta::Applied(back), Delta::Applied(replica_set("shop-b", 18, -600, "shop:2")), Delta::Listed]
    };
    let deployments = |template_at: i64| {
        let shop = Deployment { revision: 19, template_written: Some(written("kubectl-rollout", template_at)), ..scaled(4, "kubectl", -60) };
        vec![Delta::ListStarted, Delta::Applied(shop), Delta::Listed]
    };
    play.deployments(deployments(-300)).sets(sets(-290));
    let (told, timeline) = (play.told(), play.in_timeline());
    assert_eq!(told[1], line(-300, "shop rev 18 → 19, back to 17 (image 2 → 1) by ci-deployer"));
    play.deployments(deployments(-5)).sets(sets(-2));
    assert_eq!((play.told(), play.in_timeline()), (told, timeline));
}

#[test]
fn bounds_are_told_with_both_ends() {
    let mut play = Play::new();
    play.observe(SourceId::Autoscalers, What::Autoscalers(vec![Delta::Applied(autoscaler("shop", 2, 20)), Delta::Listed]));
    let mut lowered = autoscaler("shop", 2, 4);
    lowered.bounds_written = Some(written("kubectl-edit", -30));
    play.observe(SourceId::Autoscalers, What::Autoscalers(vec![Delta::Applied(lowered)]));
    assert_eq!(play.told(), [line(-30, "hpa/shop-hpa 2..20 → 2..4 by kubectl-edit")]);
}

/// The cluster of a deletion: a node, a replica set of three, and its pods.
fn three_pods() -> Play {
    let mut play = Play::new();
    play.observe(SourceId::Nodes, nodes());
    play.sets(vec![Delta::Applied(replica_set("shop-a", 1, -9_000, "shop:1")), Delta::Listed]);
    play.pods((1..=3).map(|number| pod(&format!("shop-a-{number}"), "shop-a")).collect());
    play
}

fn nodes() -> What {
    let node = Node {
        key: Key::new("", "node-1"),
        uid: "node".into(),
        created: at(-9_000),
        ready: true,
        not_ready: None,
        is_silent: false,
        cordoned: false,
        pressures: Box::default(),
        version: "".into(),
        roles: "".into(),
        cpu: "".into(),
        memory: "".into(),
    };
    What::Nodes(vec![Delta::Applied(node), Delta::Listed])
}

/// Each of the pods as it is from then on.
fn see(play: &mut Play, pods: Vec<Pod>) {
    play.observe(SourceId::Pods, What::Pods(pods.into_iter().map(Delta::Applied).collect()));
}

fn deleted(number: u32, seconds: i64) -> Pod {
    let (asked, gone) = (at(seconds), at(seconds + 30));
    let pod = pod(&format!("shop-a-{number}"), "shop-a");
    Pod { node: Some("node-1".into()), deleting_since: Some(gone), delete_asked: Some(asked), ..pod }
}

fn made(number: u32, seconds: i64) -> Pod {
    Pod { created: at(seconds), ..pod(&format!("shop-a-{number}"), "shop-a") }
}

#[test]
fn pods_that_somebody_deletes_are_counted_together() {
    let mut play = three_pods();
    see(&mut play, vec![deleted(1, -20)]);
    assert_eq!(play.told(), [], "its set may have done it");
    see(&mut play, vec![made(4, -19)]);
    assert_eq!(play.told(), [line(-20, "shop 1 pod deleted")]);
    see(&mut play, vec![deleted(2, -10), made(5, -9)]);
    assert_eq!(play.told(), [line(-20, "shop 2 pods deleted")]);
    assert_eq!(play.in_timeline(), [(-20, "shop 2 pods deleted".to_owned())]);
}

#[test]
fn a_deletion_in_the_first_moment_is_told_once_nodes_and_sets_are_listed() {
    for is_made_early in [true, false] {
        let mut play = Play::new();
        play.pods((1..=3).map(|number| pod(&format!("shop-a-{number}"), "shop-a")).collect());
        see(&mut play, vec![deleted(1, -20)]);
        if is_made_early {
            see(&mut play, vec![made(4, -19)]);
        }
        play.sets(vec![Delta::Applied(replica_set("shop-a", 1, -9_000, "shop:1")), Delta::Listed]);
        assert_eq!(play.told(), [], "its node may be lost");
        play.observe(SourceId::Nodes, nodes());
        if !is_made_early {
            see(&mut play, vec![made(4, -19)]);
        }
        assert_eq!(play.told(), [line(-20, "shop 1 pod deleted")]);
    }
}

#[test]
fn pods_that_their_set_a_drain_or_a_lost_node_takes_are_nobodys_deletion() {
    // A set that asks for fewer makes none anew.
    let mut play = three_pods();
    see(&mut play, vec![deleted(1, -20)]);
    play.sets(vec![Delta::Applied(ReplicaSet { replicas: 2, ..replica_set("shop-a", 1, -9_000, "shop:1") })]);
    see(&mut play, vec![made(4, -5)]);
    assert_eq!(play.told(), []);
    // Evicted.
    let mut play = three_pods();
    see(&mut play, vec![Pod { delete_asked: None, ..deleted(1, -20) }, made(4, -19)]);
    assert_eq!(play.told(), []);
    // Its node is not known to be well.
    let mut play = three_pods();
    see(&mut play, vec![Pod { node: Some("node-9".into()), ..deleted(1, -20) }, made(4, -19)]);
    assert_eq!(play.told(), []);
}

#[test]
fn a_map_that_is_written_all_the_time_takes_no_others_place() {
    let mut play = Play::new();
    play.deployments(vec![Delta::Applied(scaled(6, "kubectl", -3_000)), Delta::Listed]);
    play.bad_deploy();
    let map = |number: i64| {
        let map = play_map(&play, number);
        What::ConfigMaps(vec![Delta::Applied(map)])
    };
    let maps: Vec<What> = (0..40).map(map).collect();
    for map in maps {
        play.observe(SourceId::ConfigMaps, map);
    }
    let told = play.told();
    assert_eq!(told.iter().filter(|(_, words)| words.starts_with("configmap/api-config")).count(), 5);
    assert!(told.contains(&line(-3_000, "shop scaled to 6 by kubectl")), "{told:?}");
}

fn play_map(play: &Play, number: i64) -> ConfigMap {
    let map = play.state.cluster.config_maps.objects.values().next().unwrap().clone();
    ConfigMap {
        data: [("status".into(), format!("{number}").into())].into(),
        changed_at: Some(at(-100 + number)),
        changed_by: Some("status-writer".into()),
        ..map
    }
}
