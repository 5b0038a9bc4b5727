//! The tables and details of stateful sets, daemon sets, jobs, cron jobs and ConfigMaps.

use chrono::TimeDelta;

use super::{draw, rows_of, snapshot, workloads};
use crate::{
    domain::{
        batch::{CronJob, Job, JobState},
        health::{Health, SourceId},
        object::{Key, Kind},
        observation::Delta,
        pod::{Owner, Pod},
        sets::{DaemonSet, StatefulSet, Updates},
        time::Mono,
        workload::ConfigMap,
    },
    state::{
        State,
        columns::KINDS,
        msg::Hit,
        rows::{self, Indexed},
        tests::controllers::{cron, daemons, job, owned, stateful},
        tests::play::{crash_looping, pod},
    },
    ui::{fixture, hit_test, layout},
};

const SIZES: [(u16, u16); 5] = [(80, 24), (100, 30), (120, 40), (140, 45), (200, 60)];
const KINDS_HERE: [Kind; 5] = [Kind::StatefulSet, Kind::DaemonSet, Kind::Job, Kind::CronJob, Kind::ConfigMap];

fn name(name: &str) -> Key {
    Key::new(fixture::NAMESPACE, name)
}

fn list<T: Indexed>(state: &mut State, objects: impl IntoIterator<Item = T>) {
    let index = T::index_mut(&mut state.cluster);
    for object in objects {
        index.apply(Delta::Applied(object), |_, _| {});
    }
    index.apply(Delta::Listed, |_, _| {});
}

fn of_set(of: Pod, state: &State, revision: &str) -> Pod {
    let owner = Owner { kind: "StatefulSet".into(), name: "ledger".into(), uid: "ledger".into() };
    Pod {
        key: name(&of.key.name),
        created: state.server_now() - TimeDelta::hours(3),
        labels: [("controller-revision-hash".into(), revision.into())].into(),
        owner: Some(owner),
        ..of
    }
}

/// An update that is stuck, a daemon set that lacks pods, jobs in every state.
fn filled(size: (u16, u16), kind: Kind) -> State {
    let mut state = workloads(size, kind);
    let now = state.server_now();
    let created = now - TimeDelta::days(40);
    let pods = [
        of_set(pod("ledger-0", "x"), &state, "ledger-a"),
        of_set(pod("ledger-1", "x"), &state, "ledger-a"),
        of_set(crash_looping("ledger-2", "x"), &state, "ledger-b"),
    ];
    list(&mut state, pods);
    let sets = [
        StatefulSet {
            key: name("ledger"),
            created,
            updated: 1,
            update_revision: "ledger-b".into(),
            current_revision: "ledger-a".into(),
            images: [("ledger".into(), "digital-identity/ledger:4.1.0".into())].into(),
            ..stateful("ledger", 3, 2)
        },
        StatefulSet { key: name("search"), created, ..stateful("search", 3, 3) },
        StatefulSet { key: name("archive"), created, ..stateful("archive", 0, 0) },
        StatefulSet { key: name("queue"), created, ..stateful("queue", 2, 1) },
    ];
    list(&mut state, sets);
    let sets = [
        DaemonSet { key: name("log-shipper"), created, misscheduled: 1, current: 11, updated: 5, ..daemons("log-shipper", 12, 10) },
        DaemonSet { key: name("node-agent"), created, ..daemons("node-agent", 12, 12) },
        DaemonSet { key: name("gpu-driver"), created, updates: Updates::OnDelete, updated: 1, ..daemons("gpu-driver", 3, 3) },
    ];
    list(&mut state, sets);
    let failed = JobState::Failed { reason: "BackoffLimitExceeded".into(), message: "Job has reached the specified backoff limit".into() };
    let owner = Owner { kind: "CronJob".into(), name: "ledger-reconcile".into(), uid: "ledger-reconcile".into() };
    let started = Some(now - TimeDelta::seconds(90));
    let jobs = [
        Job { key: name("schema-migration-2-3"), created, started, failed: 2, ..job("m", JobState::Running) },
        Job { key: name("ledger-backfill"), created, started: None, failed: 7, ..job("b", failed) },
        Job {
            owner: Some(owner),
            key: name("ledger-reconcile-29401440"),
            created,
            started,
            ended: Some(now),
            succeeded: 1,
            ..job("r", JobState::Done)
        },
        Job { key: name("import"), created, started: None, completions: None, parallelism: 5, ..job("i", JobState::Suspended) },
    ];
    list(&mut state, jobs);
    let crons = [
        CronJob {
            key: name("ledger-reconcile"),
            uid: "ledger-reconcile".into(),
            created,
            time_zone: Some("Europe/London".into()),
            last_run: Some(now - TimeDelta::minutes(20)),
            last_success: Some(now - TimeDelta::hours(8)),
            ..cron("ledger-reconcile")
        },
        CronJob { key: name("cleanup"), created, is_suspended: true, last_run: None, last_success: None, ..cron("cleanup") },
    ];
    list(&mut state, crons);
    let map = ConfigMap {
        key: name("api-config"),
        uid: "api-config".into(),
        resource_version: "1".into(),
        created,
        keys: 66,
        size: 41_318,
        sizes: [("circuit_breaker_enabled".into(), 5), ("db_password".into(), 12), ("logo.png".into(), 40_960)].into(),
        data: [("circuit_breaker_enabled".into(), "nevershown".into()), ("db_password".into(), "hunter2".into())].into(),
        drift: [("db_password".into(), None, None)].into(),
        changed_at: Some(now - TimeDelta::minutes(12)),
        changed_by: Some("ci-deployer".into()),
    };
    let root =
        ConfigMap { key: name("kube-root-ca.crt"), keys: 1, size: 1_099, changed_at: None, changed_by: None, drift: Box::default(), ..map.clone() };
    list(&mut state, [map, root]);
    rows::rebuild(&state.cluster, &mut state.workloads);
    state
}

fn detail(size: (u16, u16), kind: Kind, of: &str) -> State {
    let mut state = filled(size, kind);
    state.workloads.detail = Some(name(of));
    state
}

fn text(state: &State) -> String {
    rows_of(&draw(state)).join("\n")
}

#[test]
fn snapshots() {
    for kind in KINDS_HERE {
        snapshot(kind.resource(), &filled((80, 24), kind));
    }
    snapshot("statefulsets", &filled((120, 40), Kind::StatefulSet));
    snapshot("cronjobs", &filled((200, 60), Kind::CronJob));
    snapshot("statefulset_detail", &detail((120, 40), Kind::StatefulSet, "ledger"));
    snapshot("job_detail", &detail((80, 24), Kind::Job, "ledger-backfill"));
    snapshot("cronjob_detail", &detail((80, 24), Kind::CronJob, "ledger-reconcile"));
    snapshot("configmap_detail", &detail((80, 24), Kind::ConfigMap, "api-config"));
}

#[test]
fn what_is_wrong_can_be_read_at_every_size() {
    for size in SIZES {
        for (kind, words) in [
            (Kind::StatefulSet, "update stuck at ledger-2"),
            (Kind::DaemonSet, "1 missing, 1 not"),
            (Kind::Job, "Failed: Backoff"),
            (Kind::CronJob, "! 20m"),
            (Kind::ConfigMap, "ci-deployer"),
        ] {
            let screen = text(&filled(size, kind));
            assert!(screen.contains(words), "{size:?} {words}\n{screen}");
        }
    }
}

#[test]
fn no_value_of_a_config_map_is_in_its_table_or_detail() {
    for size in SIZES {
        for state in [filled(size, Kind::ConfigMap), detail(size, Kind::ConfigMap, "api-config")] {
            let screen = text(&state);
            assert!(!screen.contains("nevershown") && !screen.contains("hunter2"), "{screen}");
        }
    }
}

#[test]
fn a_kind_that_may_not_be_read_says_so_in_its_table() {
    for (kind, source) in [
        (Kind::StatefulSet, SourceId::StatefulSets),
        (Kind::DaemonSet, SourceId::DaemonSets),
        (Kind::Job, SourceId::Jobs),
        (Kind::CronJob, SourceId::CronJobs),
    ] {
        let mut state = workloads((80, 24), kind);
        state.sources.get_mut(&source).unwrap().health =
            Health::Forbidden { verb: "list".into(), resource: kind.resource().into(), since: Mono::ZERO };
        let screen = text(&state);
        assert!(screen.contains(&format!("not allowed to list {}", kind.resource())), "{screen}");
    }
}

#[test]
fn every_kind_has_a_tab_that_opens_it_at_every_size() {
    for size in SIZES {
        for kind in KINDS {
            let state = filled(size, kind);
            let rule = layout::workloads(&state).rule;
            let tabs = crate::ui::workloads::tabs::tabs(&state, rule);
            assert_eq!(tabs.iter().map(|tab| tab.kind).collect::<Vec<_>>(), KINDS, "{size:?}");
            for tab in tabs {
                assert!(tab.end < rule.right(), "{size:?} {:?}", tab.kind);
                assert_eq!(hit_test(&state, tab.start + 1, rule.y), Some(Hit::Tab(tab.kind)));
            }
        }
    }
}

#[test]
fn without_the_pods_nobody_says_which_one_holds_a_set_up() {
    let mut state = workloads((120, 40), Kind::StatefulSet);
    state.cluster.pods = crate::state::cluster::Index::default();
    list(&mut state, [StatefulSet { key: name("ledger"), ..stateful("ledger", 3, 2) }]);
    rows::rebuild(&state.cluster, &mut state.workloads);
    let screen = text(&state);
    assert!(screen.contains("pods not read") && !screen.contains("does not exist"), "{screen}");
    let known = owned(pod("ledger-0", "x"), "StatefulSet", "ledger");
    list(&mut state, [Pod { key: name("ledger-0"), ..known }]);
    assert!(text(&state).contains("ledger-1 does not exist"));
}
