//! The workloads table: filter, sort, and rows that are kept rather than made again.

use super::play::*;
use crate::{
    domain::{
        health::SourceId,
        object::{Key, Kind},
        observation::{Delta, What},
    },
    state::{Screen, rows},
};

fn shown(play: &Play) -> Vec<&str> {
    play.state.workloads.rows.iter().map(|key| key.name.as_str()).collect()
}

#[test]
fn a_filter_works_while_it_is_typed_and_escape_takes_it_back() {
    let mut play = Play::new();
    play.bad_deploy().press("2 /").type_("gateway !b-2");
    assert_eq!(shown(&play), ["api-gateway-b-1"]);
    play.press("Esc");
    assert_eq!(shown(&play).len(), 3);
    play.press("/").type_("app=core-engine").enter();
    assert_eq!(shown(&play), ["core-engine-x-1"]);
    play.press("/ ctrl-u").type_("CRASH").enter();
    assert_eq!(shown(&play), ["api-gateway-b-1", "api-gateway-b-2"]);
}

/// Typed letter by letter as well as taken back, whatever the words: labels, exclusions, parts of each.
#[test]
fn what_a_filter_leaves_does_not_depend_on_how_it_was_typed() {
    let mut play = Play::new();
    play.bad_deploy().press("2 /");
    let mut typed = String::new();
    for letter in "gate !b-2 app=api-gateway g !app=core x=!".chars().chain("\u{8}".repeat(41).chars()).chain("!core !core-e".chars()) {
        if letter == '\u{8}' {
            play.press("Backspace");
            typed.pop();
        } else {
            play.type_(&letter.to_string());
            typed.push(letter);
        }
        assert_eq!(play.state.workloads.filter, typed);
        let kept = play.state.workloads.rows.clone();
        rows::rebuild(&play.state.cluster, &mut play.state.workloads);
        assert_eq!(kept, play.state.workloads.rows, "{typed:?}");
    }
}

#[test]
fn the_cursor_follows_its_object_through_sorts_and_changes() {
    let mut play = Play::new();
    play.bad_deploy().press("2 j j");
    assert_eq!(play.state.workloads.focused, Some(name("core-engine-x-1")));
    play.press("I");
    assert_eq!((play.state.workloads.cursor.row, play.state.workloads.focused.clone()), (0, Some(name("core-engine-x-1"))));
    play.press("I");
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(pod("aaa-1", "aaa"))]));
    assert_eq!((play.state.workloads.cursor.row, play.state.workloads.focused.clone()), (3, Some(name("core-engine-x-1"))));
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Deleted(name("core-engine-x-1"))]));
    assert_eq!((play.state.workloads.cursor.row, play.state.workloads.focused.clone()), (2, Some(name("api-gateway-b-2"))));
}

#[test]
fn sorting_by_restarts_puts_the_worst_on_top() {
    let mut play = Play::new();
    play.bad_deploy().press("2 > > > I");
    assert_eq!(shown(&play)[0], "api-gateway-b-1");
    assert_eq!(shown(&play)[2], "core-engine-x-1");
}

#[test]
fn replicas_stand_in_the_order_of_their_numbers() {
    let mut play = Play::new();
    play.pods(["db-10", "db-2", "db-1"].map(|of| pod(of, "db")).to_vec()).press("2");
    assert_eq!(shown(&play), ["db-1", "db-2", "db-10"]);
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(pod("db-9", "db"))]));
    assert_eq!(shown(&play), ["db-1", "db-2", "db-9", "db-10"]);
    play.press("I");
    assert_eq!(shown(&play), ["db-10", "db-9", "db-2", "db-1"]);
}

#[test]
fn enter_on_an_unhealthy_pod_shows_its_detail() {
    let mut play = Play::new();
    play.bad_deploy().press("j").enter();
    assert_eq!((play.state.screen, play.state.workloads.detail.clone()), (Screen::Workloads, Some(name("api-gateway-b-2"))));
    play.press("Esc Esc");
    assert_eq!(play.state.screen, Screen::Cockpit);
}

#[test]
fn each_kind_has_its_table() {
    let mut play = Play::new();
    play.bad_deploy().press("2");
    for kind in crate::state::columns::KINDS.into_iter().skip(1).chain([Kind::Pod]) {
        play.press("tab");
        assert_eq!(play.state.workloads.kind, kind);
    }
    assert_eq!(shown(&play).len(), 3);
}

/// Rows, counts and health kept by single steps are what counting from scratch gives.
#[test]
fn what_is_kept_equals_what_is_counted_from_scratch() {
    let seed = 7;
    let mut random = Random(seed);
    for round in 0..30 {
        let mut play = Play::new();
        play.press("2");
        for _ in 0..random.below(8) {
            play.press(">");
        }
        if random.below(2) == 0 {
            play.press("I");
        }
        if random.below(2) == 0 {
            play.press("/").type_(["a", "crash", "!b", "app=b"][random.below(4)]).enter();
        }
        for step in 0..120 {
            let most = if random.below(10) == 0 { 90 } else { 3 };
            let deltas = (0..=random.below(most)).map(|_| random.delta()).collect();
            play.observe(SourceId::Pods, What::Pods(deltas));
            let kept = (play.state.workloads.rows.clone(), play.state.workloads.focused.clone());
            let cursor = play.state.workloads.cursor;
            assert_eq!(kept.1, kept.0.get(cursor.row).cloned(), "seed {seed} round {round} step {step}");
            rows::rebuild(&play.state.cluster, &mut play.state.workloads);
            assert_eq!(kept.0, play.state.workloads.rows, "seed {seed} round {round} step {step}");
            let cluster = &play.state.cluster;
            let now = play.state.server_now();
            let pods = || cluster.pods.objects.values();
            assert_eq!(cluster.ready_pods(), pods().filter(|pod| pod.is_ready).count(), "seed {seed} round {round} step {step}");
            let unhealthy: Vec<&Key> = pods().filter(|pod| pod.is_unhealthy(now)).map(|pod| &pod.key).collect();
            assert_eq!(cluster.unhealthy.iter().collect::<Vec<_>>(), unhealthy, "seed {seed} round {round} step {step}");
        }
    }
}

/// A pod that does not become ready counts as unhealthy once it is no longer young, without a word from the cluster.
#[test]
fn a_young_pod_matures() {
    let mut play = Play::new();
    let young = crate::domain::pod::Pod { status: "Pending".into(), created: at(-5), started: None, restarts: 0, ..crash_looping("a-1", "a") };
    play.pods(vec![young]);
    assert!(play.state.cluster.unhealthy.is_empty());
    assert!(play.state.next_wake().unwrap().0.as_secs() <= 55);
    play.wait(56);
    assert_eq!(play.state.cluster.unhealthy.len(), 1);
}

/// A container that was killed for memory and runs on is a past matter after ten minutes, without a word from the cluster.
#[test]
fn a_kill_for_memory_passes() {
    use crate::domain::pod::{Container, End, Pod};
    let mut play = Play::new();
    let killed = |seconds| {
        let last_end = Some(End { reason: "OOMKilled".into(), code: 137, at: Some(at(seconds)) });
        let container = Container { name: "main".into(), image: "i".into(), is_ready: true, restarts: 1, state: "Running".into(), last_end };
        Pod { restarts: 1, containers: [container].into(), ..pod("a-1", "a") }
    };
    play.pods(vec![killed(-20 * 86_400)]);
    assert!(play.state.cluster.unhealthy.is_empty());
    play.pods(vec![killed(-590)]);
    assert_eq!(play.state.cluster.unhealthy.len(), 1);
    play.wait(11);
    assert!(play.state.cluster.unhealthy.is_empty());
}

/// Pods that were evicted and replaced are neither missing nor unhealthy, however many they are; what a replica set lacks is.
#[test]
fn evicted_pods_stand_apart_and_counts_compare_with_what_is_wanted() {
    use crate::domain::pod::{Phase, Pod};
    let mut play = Play::new();
    let evicted = |number| Pod { status: "Evicted".into(), phase: Phase::Failed, is_ready: false, ..pod(&format!("a-old-{number}"), "a") };
    let mut pods: Vec<Pod> = (0..12_500).map(evicted).collect();
    pods.extend((0..4).map(|number| pod(&format!("a-{number}"), "a")));
    play.pods(pods);
    let counts = |play: &Play| (play.state.cluster.ready_pods(), play.state.cluster.expected_pods());
    assert_eq!((counts(&play), play.state.cluster.unhealthy.len()), ((4, 4), 0));
    assert_eq!(play.state.cluster.counts.ended().unwrap(), "12,500 evicted");
    let set = crate::domain::workload::ReplicaSet { replicas: 6, ..replica_set("a", 1, -9_000, "a:1") };
    play.observe(SourceId::ReplicaSets, What::ReplicaSets(vec![Delta::ListStarted, Delta::Applied(set), Delta::Listed]));
    assert_eq!(counts(&play), (4, 6), "two that should run are not there at all");
}

/// Pods of a node that does not answer are lost with it, until it is back or others came; what stays of those for ever is apart.
#[test]
fn pods_of_a_lost_node_are_lost_and_replaced_once() {
    use crate::domain::pod::{Owner, Pod};
    let mut play = Play::new();
    let on = |name: &str, node: &str| Pod { node: Some(node.into()), is_ready: false, ready_containers: 0, ..pod(name, "a-1") };
    let stateful = Pod { owner: Some(Owner { kind: "StatefulSet".into(), name: "db".into(), uid: "s".into() }), ..on("db-0", "node-8") };
    let going = |pod: Pod| Pod { deleting_since: Some(at(-300)), ..pod };
    play.pods(vec![pod("a-1-x", "a-1"), on("a-1-y", "node-8"), going(on("a-1-z", "node-8")), going(stateful)]);
    let lost = |play: &Play| {
        let now = play.state.server_now();
        let cells = play.state.cluster.pods.objects.values().map(|pod| format!("{} {}", pod.key.name, pod.status_cell(now)));
        (cells.collect::<Vec<_>>().join(", "), play.state.cluster.unhealthy.iter().map(|key| key.name.to_string()).collect::<Vec<_>>().join(" "))
    };
    let nodes = |ready: bool| {
        let down = (!ready).then(|| ("NodeStatusUnknown".into(), Some(at(-600))));
        let all = [node("node-1", None), node("node-8", down)].map(Delta::Applied);
        What::Nodes([Delta::ListStarted].into_iter().chain(all).chain([Delta::Listed]).collect())
    };
    play.observe(SourceId::Nodes, nodes(false));
    let cells = "a-1-x Running, a-1-y node lost, a-1-z node lost, Running, db-0 node lost";
    assert_eq!(lost(&play), (cells.to_owned(), "a-1-y db-0".to_owned()));
    let first = &play.state.advice.suggestions[0];
    assert_eq!(first.title, "replace 1 pod of node-8 (down since 22:03)");
    assert!(first.kubectl.contains("delete pod a-1-y -n"), "{}", first.kubectl);
    play.observe(SourceId::Nodes, nodes(true));
    assert!(!lost(&play).0.contains("node lost"));
    play.observe(SourceId::Nodes, What::Nodes(vec![Delta::Deleted(Key::new("", "node-8"))]));
    assert!(lost(&play).0.contains("a-1-y node lost"), "it is gone altogether");
}

#[test]
fn fifty_thousand_rows_are_filtered_and_sorted() {
    let mut play = Play::new();
    let pods = (0..50_000).map(|number| pod(&format!("app-{}-{number:05}", number % 97), "app-a")).collect();
    play.pods(pods).press("2 /").type_("app-13-");
    assert_eq!(shown(&play).len(), 50_000 / 97 + usize::from(50_000 % 97 > 13));
}

/// A small linear generator, so that a failure can be replayed from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn delta(&mut self) -> Delta<crate::domain::pod::Pod> {
        let app = ["a", "b", "c"][self.below(3)];
        let pod_name = format!("{app}-x-{}", self.below(12));
        match self.below(12) {
            0 | 1 => Delta::Deleted(name(&pod_name)),
            2 => Delta::ListStarted,
            3 => Delta::Listed,
            _ => {
                let mut pod = if self.below(2) == 0 { pod(&pod_name, app) } else { crash_looping(&pod_name, app) };
                pod.restarts = u32::try_from(self.below(4)).unwrap();
                pod.created = at(-i64::try_from(self.below(100)).unwrap());
                Delta::Applied(pod)
            }
        }
    }
}

/// A quota lets in two of five; a deployment whose pods all have to end first has none.
#[test]
fn pods_that_should_run_and_do_not_exist_are_missing() {
    let mut play = Play::new();
    play.pods(vec![pod("hist-1-a", "hist-1"), pod("hist-1-b", "hist-1"), pod("web-1-a", "web-1")]);
    let named = |name: &str, wants: u32, ready: u32, why: Option<&str>| crate::domain::workload::Deployment {
        uid: name.into(),
        refused: why.map(Into::into),
        ..super::play::deployment(name, 1, wants, ready)
    };
    let set = |name: &str, of: &str, replicas: u32| {
        let mut set = replica_set(name, 1, -9_000, "i");
        (set.replicas, set.owner.as_mut().unwrap().uid) = (replicas, of.into());
        set
    };
    let listed =
        |deployments: Vec<_>| [Delta::ListStarted].into_iter().chain(deployments.into_iter().map(Delta::Applied)).chain([Delta::Listed]).collect();
    let all = vec![named("hist", 5, 2, Some("exceeded quota: pods")), named("web", 1, 1, None), named("recreated", 2, 0, None)];
    play.observe(SourceId::Deployments, What::Deployments(listed(all)));
    let told = |play: &Play| crate::state::missing::in_words(&play.state.cluster.missing(play.state.server_now()));
    assert_eq!(told(&play), None, "which sets they have is not known yet");
    let sets = [set("hist-1", "hist", 5), set("web-1", "web", 1), set("recreated-2", "recreated", 0)].map(Delta::Applied);
    play.observe(SourceId::ReplicaSets, What::ReplicaSets([Delta::ListStarted].into_iter().chain(sets).chain([Delta::Listed]).collect()));
    assert_eq!(told(&play).unwrap(), "5 missing: hist 2/5 (exceeded quota: pods), recreated 0/2");
    let cluster = &play.state.cluster;
    assert_eq!((cluster.ready_pods(), cluster.should_run(&cluster.missing(play.state.server_now()))), (3, 8));
    let gone = What::Pods(vec![Delta::Deleted(name("web-1-a"))]);
    play.observe(SourceId::Pods, gone);
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(named("web", 1, 0, None))]));
    assert!(told(&play).unwrap().starts_with("6 missing:"));
}
