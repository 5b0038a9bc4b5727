//! What holds a stateful set up, over made sets and pods.

use chrono::TimeDelta;
use rstest::rstest;

use super::*;
use crate::domain::pod::{Owner, Phase};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn set(replicas: u32, ready: u32, updated: u32) -> StatefulSet {
    StatefulSet {
        key: Key::new("shop", "db"),
        uid: "db".into(),
        created: now(),
        replicas,
        ready,
        updated,
        available: ready,
        first: 0,
        service: "db".into(),
        is_ordered: true,
        updates: Updates::Rolling { partition: 0 },
        current_revision: "db-1".into(),
        update_revision: "db-2".into(),
        generation: 2,
        observed_generation: 2,
        images: Box::default(),
        selector: Box::default(),
    }
}

/// `R` ready, `C` crashing, `S` started just now; `1` and `2` are its revision; `-` for no pod.
fn pods(states: &[&str]) -> Vec<Pod> {
    let made = |(ordinal, state): (usize, &&str)| {
        let (does, revision) = state.split_at_checked(1).filter(|(does, _)| *does != "-")?;
        Some(Pod {
            key: Key::new("shop", &format!("db-{ordinal}")),
            uid: "p".into(),
            created: now() - TimeDelta::seconds(if does == "S" { 5 } else { 500 }),
            deleting_since: None,
            delete_asked: None,
            status: if does == "C" { "CrashLoopBackOff" } else { "Running" }.into(),
            phase: Phase::Running,
            is_ready: does == "R",
            unready_since: None,
            ready_containers: u16::from(does == "R"),
            containers: Box::default(),
            restarts: 0,
            last_restart: None,
            started: Some(now() - TimeDelta::seconds(5)),
            patience: 0,
            is_node_lost: false,
            node: None,
            ip: None,
            owner: Some(Owner { kind: "StatefulSet".into(), name: "db".into(), uid: "db".into() }),
            labels: Box::new([(REVISION.into(), Text::line(&format!("db-{revision}")))]),
        })
    };
    states.iter().enumerate().filter_map(made).collect()
}

fn told(set: &StatefulSet, pods: &[Pod]) -> Option<(Weight, String)> {
    set.trouble(|key| pods.iter().find(|pod| pod.key == *key), now()).map(|said| (said.weight, said.words))
}

#[rstest]
#[case::whole(set(2, 2, 2), &["R2", "R2"], None)]
#[case::one_at_a_time(set(3, 0, 1), &["C2"], Some((Weight::Critical, "db-0 CrashLoopBackOff: db-1 waits for it")))]
#[case::starts(set(3, 1, 2), &["R2", "S2"], Some((Weight::Note, "db-1 not ready: db-2 waits for it")))]
#[case::not_made(set(3, 2, 2), &["R2", "R2"], Some((Weight::Warning, "db-2 does not exist")))]
#[case::updating(set(3, 3, 1), &["R1", "R1", "R2"], Some((Weight::Note, "updating, 2 to go")))]
#[case::updating_one_starts(set(3, 2, 1), &["R1", "R1", "S2"], Some((Weight::Note, "updating, 2 to go: db-2 starts")))]
#[case::update_stuck(set(3, 2, 1), &["R1", "R1", "C2"], Some((Weight::Critical, "update stuck at db-2 CrashLoopBackOff, 2 to go")))]
#[case::mended_but_stuck(
    set(3, 2, 0), &["R1", "R1", "C1"],
    Some((Weight::Critical, "db-2 CrashLoopBackOff with an old revision: the update goes on once it is deleted"))
)]
#[case::one_pod_down(set(2, 1, 2), &["C2", "R2"], Some((Weight::Critical, "db-0 CrashLoopBackOff")))]
#[case::two_pods_down(set(3, 1, 3), &["C2", "R2", "C2"], Some((Weight::Critical, "db-0 CrashLoopBackOff and 1 more")))]
fn what_holds_a_stateful_set_up_is_named(#[case] set: StatefulSet, #[case] states: &[&str], #[case] expected: Option<(Weight, &str)>) {
    assert_eq!(told(&set, &pods(states)), expected.map(|(weight, words)| (weight, words.to_owned())));
}

#[test]
fn a_parallel_set_waits_for_no_ordinal() {
    let parallel = StatefulSet { is_ordered: false, ..set(3, 1, 2) };
    assert_eq!(told(&parallel, &pods(&["C2", "-", "R2"])).unwrap().1, "db-1 does not exist");
    let updating = StatefulSet { is_ordered: false, ..set(3, 2, 1) };
    assert_eq!(told(&updating, &pods(&["C1", "R1", "R2"])).unwrap().1, "updating, 2 to go");
}

#[test]
fn an_update_that_somebody_holds_is_told_as_held() {
    let on_delete = StatefulSet { updates: Updates::OnDelete, ..set(2, 2, 0) };
    assert_eq!(told(&on_delete, &pods(&["R1", "R1"])).unwrap(), (Weight::Warning, "2 pods have the old revision until deleted (OnDelete)".into()));
    let partition = StatefulSet { updates: Updates::Rolling { partition: 1 }, ..set(2, 2, 1) };
    assert_eq!(told(&partition, &pods(&["R1", "R2"])).unwrap(), (Weight::Note, "1 pod has the old revision: partition 1 holds the update".into()));
    let later = StatefulSet { first: 5, updates: Updates::Rolling { partition: u32::MAX }, ..set(1, 1, 0) };
    assert_eq!(told(&later, &[]).unwrap().1, "db-5 does not exist");
}

#[test]
fn a_namesake_of_another_owner_is_no_pod_of_it() {
    let mut others = pods(&["R2", "R2"]);
    others[1].owner = None;
    assert_eq!(told(&set(2, 1, 1), &others).unwrap().1, "db-1 does not exist");
}

#[test]
fn a_set_of_absurdly_many_pods_is_looked_at_in_part() {
    assert_eq!(set(u32::MAX, 0, 0).pods().count(), 1_000);
    assert_eq!(StatefulSet { first: u32::MAX - 1, ..set(5, 0, 0) }.pods().count(), 1);
}

fn daemons(desired: u32, current: u32, ready: u32, updated: u32) -> DaemonSet {
    DaemonSet {
        key: Key::new("shop", "agent"),
        uid: "a".into(),
        created: now(),
        desired,
        current,
        ready,
        updated,
        available: ready,
        misscheduled: 0,
        updates: Updates::Rolling { partition: 0 },
        generation: 1,
        observed_generation: 1,
        images: Box::default(),
        selector: Box::default(),
    }
}

#[test]
fn a_daemon_set_tells_what_it_lacks() {
    assert_eq!(daemons(5, 5, 5, 5).trouble(), None);
    let said = |set: DaemonSet| set.trouble().map(|said| (said.weight, said.words)).unwrap();
    assert_eq!(said(daemons(5, 4, 3, 2)), (Weight::Warning, "1 missing, 1 not ready, updating, 3 to go".into()));
    assert_eq!(said(daemons(5, 5, 5, 2)), (Weight::Note, "updating, 3 to go".into()));
    let held = DaemonSet { updates: Updates::OnDelete, ..daemons(5, 5, 5, 2) };
    assert_eq!(said(held), (Weight::Warning, "3 of the old revision until deleted (OnDelete)".into()));
    let misplaced = DaemonSet { misscheduled: 1, ..daemons(5, 5, 5, 5) };
    assert_eq!(said(misplaced), (Weight::Warning, "1 where none should run".into()));
    assert_eq!(said(DaemonSet { generation: 2, ..daemons(5, 5, 5, 5) }).0, Weight::Note);
}
