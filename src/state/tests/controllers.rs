//! Stateful sets, daemon sets, jobs, cron jobs and ConfigMaps: their tables, what is watched for them, and what they are missing.

use std::time::Duration;

use super::play::*;
use crate::{
    domain::{
        asks::{Scale, UndoRollout},
        batch::{CronJob, Job, JobState},
        health::SourceId,
        object::{Kind, Subject},
        observation::{Delta, What},
        pod::{Owner, Pod},
        sets::{DaemonSet, StatefulSet, Updates},
        workload::{ConfigMap, Event},
    },
    state::{
        Screen, missing,
        msg::Effect,
        overlay::{Overlay, ViewerKind},
    },
};

pub fn stateful(set: &str, replicas: u32, ready: u32) -> StatefulSet {
    StatefulSet {
        key: name(set),
        uid: set.into(),
        created: at(-9_000),
        replicas,
        ready,
        updated: replicas,
        available: ready,
        first: 0,
        service: set.into(),
        is_ordered: true,
        updates: Updates::Rolling { partition: 0 },
        current_revision: "a".into(),
        update_revision: "a".into(),
        generation: 1,
        observed_generation: 1,
        images: [("main".into(), "db:1".into())].into(),
        selector: [("app".into(), set.into())].into(),
    }
}

pub fn daemons(set: &str, desired: u32, ready: u32) -> DaemonSet {
    DaemonSet {
        key: name(set),
        uid: set.into(),
        created: at(-9_000),
        desired,
        current: ready,
        ready,
        updated: desired,
        available: ready,
        misscheduled: 0,
        updates: Updates::Rolling { partition: 0 },
        generation: 1,
        observed_generation: 1,
        images: [("main".into(), "agent:1".into())].into(),
        selector: [("app".into(), set.into())].into(),
    }
}

pub fn owned(pod: Pod, kind: &str, owner: &str) -> Pod {
    Pod { owner: Some(Owner { kind: kind.into(), name: owner.into(), uid: owner.into() }), labels: [("app".into(), owner.into())].into(), ..pod }
}

pub fn job(of: &str, state: JobState) -> Job {
    Job {
        key: name(of),
        uid: of.into(),
        created: at(-600),
        owner: None,
        completions: Some(1),
        parallelism: 1,
        active: u32::from(state == JobState::Running),
        succeeded: 0,
        failed: 0,
        started: Some(at(-90)),
        ended: None,
        state,
        failed_indexes: None,
        images: [("main".into(), "migrate:1".into())].into(),
    }
}

pub fn cron(of: &str) -> CronJob {
    CronJob {
        key: name(of),
        uid: of.into(),
        created: at(-9_000),
        schedule: "*/5 * * * *".into(),
        time_zone: None,
        is_suspended: false,
        concurrency: "Allow".into(),
        active: 0,
        last_run: Some(at(-240)),
        last_success: Some(at(-200)),
        images: [("main".into(), "report:1".into())].into(),
    }
}

pub fn listed<T>(objects: impl IntoIterator<Item = T>) -> Vec<Delta<T>> {
    [Delta::ListStarted].into_iter().chain(objects.into_iter().map(Delta::Applied)).chain([Delta::Listed]).collect()
}

fn shown(play: &Play) -> Vec<&str> {
    play.state.workloads.rows.iter().map(|key| key.name.as_str()).collect()
}

fn command(play: &mut Play, line: &str) {
    play.press(":").type_(line).enter();
}

/// One of each.
fn play() -> Play {
    let mut play = Play::new();
    play.bad_deploy();
    play.observe(SourceId::StatefulSets, What::StatefulSets(listed([stateful("db", 2, 1), stateful("cache", 1, 1)])));
    play.observe(SourceId::DaemonSets, What::DaemonSets(listed([daemons("agent", 2, 2)])));
    let going = owned(crash_looping("db-1", "x"), "StatefulSet", "db");
    let pods = [owned(pod("db-0", "x"), "StatefulSet", "db"), going, owned(pod("cache-0", "x"), "StatefulSet", "cache")];
    play.observe(SourceId::Pods, What::Pods(pods.into_iter().map(Delta::Applied).collect()));
    play.take();
    play
}

#[test]
fn each_kind_has_a_table_that_is_filtered_and_sorted() {
    let mut play = play();
    command(&mut play, "sts");
    assert_eq!((play.state.workloads.kind, shown(&play)), (Kind::StatefulSet, vec!["cache", "db"]));
    play.press("/").type_("db:1 !cache").enter();
    assert_eq!(shown(&play), ["db"]);
    command(&mut play, "ds");
    assert_eq!(shown(&play), ["agent"]);
    command(&mut play, "cm");
    assert_eq!(shown(&play), ["api-config"]);
    command(&mut play, "job");
    let failed = JobState::Failed { reason: "BackoffLimitExceeded".into(), message: "too often".into() };
    let done = job("done", JobState::Done);
    play.observe(SourceId::Jobs, What::Jobs(listed([done, job("runs", JobState::Running), job("bad", failed)])));
    assert_eq!(shown(&play), ["bad", "done", "runs"]);
    play.press(">");
    assert_eq!(shown(&play), ["bad", "runs", "done"], "what failed comes first");
    play.press("/").type_("backoff").enter();
    assert_eq!(shown(&play), ["bad"]);
    command(&mut play, "cj");
    play.observe(SourceId::CronJobs, What::CronJobs(listed([cron("report"), CronJob { is_suspended: true, ..cron("held") }])));
    assert_eq!(shown(&play), ["held", "report"]);
    play.press("/").type_("suspended").enter();
    assert_eq!(shown(&play), ["held"]);
}

#[test]
fn a_table_of_config_maps_finds_keys_and_never_values() {
    let mut play = play();
    let map = play.state.cluster.config_maps.objects.values().next().unwrap().clone();
    let map = ConfigMap { key: name("pool"), data: [("size".into(), "hunter2".into())].into(), sizes: [("size".into(), 7)].into(), ..map };
    play.observe(SourceId::ConfigMaps, What::ConfigMaps(vec![Delta::Applied(map)]));
    command(&mut play, "configmaps");
    assert_eq!(shown(&play), ["api-config", "pool"], "one that comes later has a row at once");
    play.press("/").type_("size").enter();
    assert_eq!(shown(&play), ["pool"]);
    play.press("esc /").type_("hunter2").enter();
    assert_eq!(shown(&play), Vec::<&str>::new());
}

#[test]
fn jobs_are_watched_from_when_their_table_is_first_opened() {
    let mut play = play();
    command(&mut play, "sts");
    assert_eq!(play.take(), []);
    command(&mut play, "jobs");
    assert_eq!(play.take(), [Effect::Watch(Kind::Job)]);
    command(&mut play, "pods");
    command(&mut play, "jobs");
    assert_eq!(play.take(), [], "they are watched already");
    play.press("tab");
    assert_eq!((play.state.workloads.kind, play.take()), (Kind::CronJob, vec![Effect::Watch(Kind::CronJob)]));
}

#[test]
fn the_time_of_a_job_that_runs_goes_on_whatever_ages_show() {
    let mut play = play();
    command(&mut play, "job");
    play.observe(SourceId::Jobs, What::Jobs(listed([job("runs", JobState::Running)])));
    play.state.heights.table = 10;
    for times in [false, true] {
        play.state.absolute_times = times;
        play.state.dirty = false;
        play.wait(11);
        assert!(play.state.dirty, "absolute times: {times}");
    }
    play.observe(SourceId::Jobs, What::Jobs(listed([job("runs", JobState::Suspended)])));
    play.state.dirty = false;
    let wake = play.state.next_wake().unwrap();
    assert!(wake.since(play.state.now.mono) > Duration::from_secs(1), "nothing runs by the second any more");
}

#[test]
fn pods_that_a_stateful_set_or_daemon_set_lacks_are_missing() {
    let mut play = Play::new();
    let pods = [owned(pod("db-0", "x"), "StatefulSet", "db"), owned(pod("agent-x", "x"), "DaemonSet", "agent")];
    play.pods(pods.into());
    let told = |play: &Play| missing::in_words(&play.state.cluster.missing(play.state.server_now()));
    let should = |play: &Play| play.state.cluster.should_run(&play.state.cluster.missing(play.state.server_now()));
    assert_eq!((told(&play), should(&play)), (None, 2), "whose they are is not known");
    play.observe(SourceId::StatefulSets, What::StatefulSets(listed([stateful("db", 3, 1)])));
    play.observe(SourceId::DaemonSets, What::DaemonSets(listed([daemons("agent", 2, 1)])));
    assert_eq!((told(&play).unwrap().as_str(), should(&play)), ("3 missing: db 1/3, agent 1/2", 5));
    let crashing = owned(crash_looping("db-0", "x"), "StatefulSet", "db");
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(crashing)]));
    assert_eq!(told(&play).unwrap(), "3 missing: db 1/3 (db-0 CrashLoopBackOff: db-1 waits for it), agent 1/2");
    let starts = Pod { is_ready: false, created: at(0), started: Some(at(0)), ..owned(pod("db-0", "x"), "StatefulSet", "db") };
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(starts)]));
    assert_eq!(told(&play).unwrap(), "1 missing: agent 1/2", "the first has only just started, and the others wait for it");
    let ended = What::Pods(vec![Delta::Deleted(name("db-0")), Delta::Deleted(name("agent-x"))]);
    play.observe(SourceId::Pods, ended);
    assert_eq!((told(&play).unwrap().as_str(), should(&play)), ("5 missing: db 0/3, agent 0/2", 5));
}

/// Other groups have kinds of the same name: what such a set wants is not known.
#[test]
fn pods_of_a_namesake_kind_count_for_themselves() {
    let mut play = Play::new();
    play.pods(vec![owned(pod("a-0", "x"), "StatefulSet", "of-another-group")]);
    play.observe(SourceId::StatefulSets, What::StatefulSets(listed([])));
    assert_eq!((play.state.cluster.ready_pods(), play.state.cluster.expected_pods()), (1, 1));
}

#[test]
fn a_pod_that_changes_is_seen_in_the_table_of_its_set() {
    let mut play = play();
    command(&mut play, "sts");
    play.state.dirty = false;
    let pulling = Pod { status: "ImagePullBackOff".into(), ..owned(crash_looping("db-1", "x"), "StatefulSet", "db") };
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(pulling)]));
    assert!(play.state.dirty);
}

#[test]
fn mitigations_of_a_row_are_those_of_its_kind() {
    let mut play = play();
    command(&mut play, "sts");
    play.press("j m");
    let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no menu") };
    let open: Vec<_> = menu.items.iter().filter(|item| item.disabled.is_none()).map(|item| item.title.to_string()).collect();
    assert_eq!(open[..3], ["undo rollout to the previous revision", "restart unhealthy pods", "scale"], "{open:?}");
    let requests = |of: usize| menu.items[of].request.clone().unwrap();
    let db = Subject { kind: Kind::StatefulSet, key: name("db") };
    assert_eq!(requests(0).get::<UndoRollout>().unwrap().workload, db);
    assert_eq!(requests(2).get::<Scale>().unwrap().workload, db);
    play.press("s");
    let Some(Overlay::Replicas(prompt)) = play.state.overlays.last() else { panic!("no prompt") };
    assert_eq!((&prompt.workload, prompt.current), (&db, 2));
    play.press("esc");
    command(&mut play, "ds");
    play.press("s");
    assert!(play.state.notice.as_ref().unwrap().text.contains("has no replicas to set"), "{:?}", play.state.notice);
}

#[test]
fn logs_of_a_set_are_those_of_its_worst_pod() {
    let mut play = play();
    command(&mut play, "sts");
    play.press("j l");
    let opened = play.take();
    let is_log = |effect: &Effect| matches!(effect, Effect::Open { about, what: ViewerKind::Logs { .. }, .. } if about.key == name("db-1"));
    assert!(opened.iter().any(is_log), "{opened:?}");
}

#[test]
fn an_event_leads_to_the_table_of_its_object_once_that_is_listed() {
    let mut play = play();
    let event = |id: &str, kind: &str, about: &str| Event {
        key: name(id),
        uid: id.into(),
        is_warning: true,
        reason: "FailedCreate".into(),
        message: "what happened".into(),
        count: 1,
        first_seen: None,
        last_seen: Some(at(-5)),
        about: (kind.into(), about.into(), about.into()),
    };
    play.observe(SourceId::Events, What::Events(listed([event("e-1", "StatefulSet", "db"), event("e-2", "Job", "migrate")])));
    command(&mut play, "events");
    play.press("enter");
    assert_eq!((play.state.workloads.kind, play.state.workloads.detail.clone()), (Kind::StatefulSet, Some(name("db"))));
    play.press("esc");
    assert_eq!(play.state.workloads.kind, Kind::Event);
    play.take();
    play.press("j enter");
    let described = |effect: &Effect| matches!(effect, Effect::Open { about, what: ViewerKind::Describe, .. } if about.kind == Kind::Job);
    assert!(play.take().iter().any(described), "jobs are not watched yet: nobody knows whether it is there");
    assert_eq!(play.state.screen, Screen::Workloads);
}
