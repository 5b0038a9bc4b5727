//! A terminal byte costs something: what did not change is not drawn again (law 8), and what grew old is (law 2).

use std::time::Duration;

use super::play::*;
use crate::{
    domain::{
        alert::Severity,
        health::{Cause, Freshness, Health, SourceId},
        mitigation::ClusterIdentity,
        observation::{Delta, Identity, Observation, What},
        time::{Mono, Speed},
    },
    state::msg::Msg,
};

/// Whether a message would cause a frame.
fn draws(play: &mut Play, message: Msg) -> bool {
    play.state.dirty = false;
    play.send(message);
    play.state.dirty
}

fn said(play: &Play, source: SourceId, what: What) -> Msg {
    let since = chrono::Duration::from_std(Mono(play.clock).since(play.state.now.mono)).unwrap();
    Msg::Observation(Observation { source, observed_at: Mono(play.clock), server_time: Some(play.state.server_now() + since), what })
}

#[test]
fn the_same_observation_again_draws_nothing() {
    let mut play = Play::new();
    play.bad_deploy();
    for screen in ["1", "2"] {
        play.press(screen).wait(6);
        let since = Mono(play.clock);
        let list = play.state.alerts.clone().unwrap();
        let kpi = play.state.kpis[0].reading.clone().unwrap();
        let identity = Identity { cluster: ClusterIdentity { ..cluster() }, version: "v1.36.3".into() };
        let same = [
            (SourceId::Pods, What::Pods(vec![Delta::Applied(crash_looping("api-gateway-b-1", "api-gateway-b"))])),
            (SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("api-gateway", 42, 3, 1))])),
            (SourceId::Alerts, What::Alerts(list)),
            (SourceId::Metrics, What::Kpis(vec![kpi])),
            (SourceId::Cluster, What::Identity(identity)),
            (SourceId::Cluster, What::Beat),
            (SourceId::Errors, What::Health(Health::Live { since })),
        ];
        for (source, what) in same {
            let message = said(&play, source, what);
            play.send(message.clone());
            assert!(!draws(&mut play, message.clone()), "screen {screen}: {message:?}");
        }
    }
}

#[test]
fn a_relisting_of_the_same_objects_draws_nothing() {
    let mut play = Play::new();
    let pods = || vec![crash_looping("a-1", "a"), pod("b-1", "b")];
    play.pods(pods()).pods(pods());
    play.state.dirty = false;
    play.pods(pods());
    assert!(!play.state.dirty);
}

#[test]
fn a_pod_that_is_not_on_the_screen_draws_nothing() {
    let mut play = Play::new();
    play.pods((0..100).map(|number| pod(&format!("p-{number:03}"), "p")).collect()).press("2");
    let changed = |number: usize| What::Pods(vec![Delta::Applied(crate::domain::pod::Pod { restarts: 1, ..pod(&format!("p-{number:03}"), "p") })]);
    let (far, near) = (said(&play, SourceId::Pods, changed(90)), said(&play, SourceId::Pods, changed(3)));
    assert!(!draws(&mut play, far));
    assert!(draws(&mut play, near));
}

/// How often what is quiet is confirmed: watches by the heartbeat, the others at their own refresh.
const CONFIRMED_EVERY: Duration = Duration::from_secs(5);

/// In a quiet minute a tick comes when something shown changes, and at no other time: the servers go on confirming, so that
/// nothing ages, and each confirmation puts off the moment at which something would.
#[test]
fn every_wake_up_draws_and_there_are_few() {
    let mut play = Play::new();
    play.pods(vec![crash_looping("a-1", "a")]);
    for source in SourceId::ALL {
        play.live(source);
    }
    let (mut wakes, mut drawn) = (0, 0);
    let mut beat_at = play.clock + CONFIRMED_EVERY;
    while play.clock < Duration::from_mins(10) {
        let next = play.state.next_wake().unwrap();
        assert!(next > play.state.now.mono && next.since(play.state.now.mono) <= Duration::from_mins(1));
        if next.0 <= beat_at {
            play.clock = next.0;
            play.state.dirty = false;
            play.tick();
            wakes += 1;
            drawn += usize::from(play.state.dirty);
            continue;
        }
        play.clock = beat_at;
        beat_at += CONFIRMED_EVERY;
        for source in SourceId::ALL {
            let beat = said(&play, source, What::Beat);
            assert!(!draws(&mut play, beat), "a beat of {source:?} draws");
        }
    }
    println!("{wakes} wake-ups in 10 quiet minutes, of which {drawn} draw");
    assert!(wakes <= 50, "{wakes} wake-ups in 10 quiet minutes");
}

/// It accepts and answers nothing: no watch says so by itself.
#[test]
fn a_frozen_api_server_is_seen_within_ten_seconds_on_every_pane_of_it() {
    let watches = SourceId::ALL.into_iter().filter(|source| !matches!(source, SourceId::Metrics | SourceId::Alerts | SourceId::Errors));
    for source in watches {
        let mut play = Play::new();
        play.live(SourceId::Cluster).live(source).wait(4).observe(SourceId::Cluster, What::Beat);
        play.wait(9);
        assert_eq!(play.state.freshness(source), Freshness::Live, "{source:?}: a slow link is no frozen server");
        let wake = play.state.next_wake().unwrap();
        assert!(wake.since(play.state.now.mono) < Duration::from_secs(1), "{source:?}");
        play.state.dirty = false;
        play.wait(1);
        assert!(play.state.dirty, "{source:?}");
        assert_eq!(play.state.freshness(source), Freshness::Aging(Duration::from_secs(10)), "{source:?}");
    }
}

#[test]
fn a_tick_on_which_no_text_changes_draws_nothing() {
    let mut play = Play::new();
    play.wait(3);
    play.state.dirty = false;
    play.wait(1);
    assert!(!play.state.dirty);
}

#[test]
fn a_running_countdown_draws_once_a_second_and_a_held_one_does_not() {
    let mut play = Play::new();
    play.alerts(vec![alert("A", Severity::Critical, -100)]);
    let next = play.state.next_wake().unwrap();
    assert!(next.since(play.state.now.mono) <= Duration::from_secs(1));
    play.state.dirty = false;
    play.wait(1);
    assert!(play.state.dirty);
    play.press("2").wait(6);
    play.state.dirty = false;
    play.wait(1);
    assert!(!play.state.dirty, "no countdown is shown there");
    play.press("1 a").wait(6);
    play.state.dirty = false;
    play.wait(1);
    assert!(!play.state.dirty);
}

#[test]
fn whatever_falls_silent_is_marked_within_ten_seconds_but_for_the_search_for_errors() {
    for source in SourceId::ALL.into_iter().filter(|source| *source != SourceId::Errors) {
        let mut play = Play::new();
        play.live(source).wait(10);
        assert!(!play.state.freshness(source).is_live(), "{source:?}");
        let refresh = &play.state.config.refresh;
        for every in [refresh.metrics, refresh.alerts] {
            assert!(every + Duration::from_secs(4) <= source.expected_within(), "an answer may take 4 s");
        }
    }
}

#[test]
fn silence_is_drawn_as_age_and_then_as_stale() {
    let mut play = Play::new();
    play.live(SourceId::Errors).wait(30);
    assert_eq!(play.state.freshness(SourceId::Errors), Freshness::Live);
    play.state.dirty = false;
    let wake = play.state.next_wake().unwrap();
    assert!(wake.since(play.state.now.mono) < Duration::from_secs(1));
    play.wait(1);
    assert!(play.state.dirty);
    assert_eq!(play.state.freshness(SourceId::Errors), Freshness::Aging(Duration::from_secs(31)));
    play.wait(60);
    assert!(matches!(play.state.freshness(SourceId::Errors), Freshness::Stale(_)));
}

#[test]
fn the_clusters_heartbeat_vouches_for_live_watches_only() {
    let mut play = Play::new();
    play.live(SourceId::Pods).live(SourceId::Nodes).live(SourceId::Metrics);
    let why = "refused".into();
    play.observe(SourceId::Nodes, What::Health(Health::Failed { why, cause: Cause::Server, since: Mono(play.clock), retry_at: Mono(play.clock) }));
    play.wait(25).observe(SourceId::Cluster, What::Beat);
    assert_eq!(play.state.freshness(SourceId::Pods), Freshness::Live);
    assert!(!play.state.freshness(SourceId::Nodes).is_live());
    assert!(!play.state.freshness(SourceId::Metrics).is_live());
}

#[test]
fn in_a_fast_demo_what_a_person_waits_for_is_real_time() {
    let mut play = Play::new();
    play.state.session.speed = Speed::new(20.0);
    play.press("7");
    play.wait(99);
    assert!(play.state.notice.is_some(), "99 s of the incident are not 5 s");
    play.wait(1);
    assert!(play.state.notice.is_none());
    // A server may be silent for 30 s before its data counts as late, however much happens meanwhile.
    play.live(SourceId::Errors).wait(600);
    assert_eq!(play.state.freshness(SourceId::Errors), Freshness::Live);
    play.wait(1);
    assert_eq!(play.state.freshness(SourceId::Errors), Freshness::Aging(Duration::from_secs(601)));
}

#[test]
fn a_notice_goes_by_itself_or_with_the_next_key() {
    let mut play = Play::new();
    play.press("7");
    assert!(play.state.notice.is_some());
    play.state.dirty = false;
    play.wait(5);
    assert!(play.state.notice.is_none() && play.state.dirty);
    play.press("7 j");
    assert!(play.state.notice.is_none());
}

/// One answer that was long on the way is no clock that was set: what the header says never goes back for it.
#[test]
fn the_clock_of_a_server_is_only_known_anew_when_two_answers_agree() {
    let mut play = Play::new();
    let heard = |play: &mut Play, offset: i64| {
        let server_time = Some(play.state.now.utc + chrono::Duration::seconds(offset));
        let observation = Observation { source: SourceId::Pods, observed_at: Mono(play.clock), server_time, what: What::Pods(Vec::new()) };
        play.send(Msg::Observation(observation));
        (play.state.server_now() - play.state.now.utc).num_seconds()
    };
    assert_eq!(heard(&mut play, 60), 60, "the first one is all there is");
    assert_eq!(heard(&mut play, 20), 60);
    assert_eq!(heard(&mut play, 61), 60);
    assert_eq!(heard(&mut play, 20), 60);
    assert_eq!(heard(&mut play, 20), 20);
    let mut fast = Play::new();
    fast.state.session.speed = Speed::new(20.0);
    assert_eq!((heard(&mut fast, -70), heard(&mut fast, -70)), (0, 0), "in a demo both clocks are one");
}
