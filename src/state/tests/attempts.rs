//! What counts as done about a trouble, and whose doing it is that it gets better.

use super::{
    advice::{cured_at, errors, in_trouble, titles},
    play::*,
};
use crate::{
    domain::{
        complaint::About,
        health::SourceId,
        log_pattern::{ErrorWindow, LogError},
        mitigation::{ActionEvent, Friction, Outcome},
        observation::{Delta, What},
        workload::{ConfigMap, Deployment, ReplicaSet},
    },
    state::msg::Msg,
};

impl Play {
    /// The errors of the logs are read, and nobody complains.
    fn nobody_complains(&mut self) -> &mut Self {
        self.observe(SourceId::Errors, What::Errors(Box::new(ErrorWindow { shards: (1, 1), ..ErrorWindow::default() })))
    }

    fn waiting(&self) -> String {
        self.state.advice.waiting.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// A ConfigMap as `by` leaves it at a second.
    fn setting(&mut self, map: &str, key: &str, value: &str, (by, second): (&str, i64)) -> &mut Self {
        let map = ConfigMap {
            key: name(map),
            uid: if map == "api-config" { "cm" } else { map }.into(),
            resource_version: second.to_string().into(),
            created: at(-9_000),
            keys: 1,
            size: 0,
            sizes: Box::default(),
            data: [(key.into(), value.into())].into(),
            drift: Box::default(),
            changed_at: Some(at(second)),
            changed_by: Some(by.into()),
        };
        self.observe(SourceId::ConfigMaps, What::ConfigMaps(vec![Delta::Applied(map)]))
    }

    /// Somebody takes a rollout of another service back, ten seconds ago at most.
    fn innocent_rollback(&mut self, second: i64) -> &mut Self {
        let again = ReplicaSet { revised_at: Some(at(second)), history: [6].into(), ..replica_set("notification-service-a", 8, -86_400, "n:1") };
        let again = ReplicaSet { changed_by: Some("kubectl".into()), ..again };
        self.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("notification-service", 8, 3, 3))]));
        let sets = vec![Delta::Applied(replica_set("notification-service-b", 7, -7_000, "n:2")), Delta::Applied(again)];
        self.observe(SourceId::ReplicaSets, What::ReplicaSets(sets))
    }

    fn undone(&mut self) -> &mut Self {
        self.press("u").planned(Friction::Key).press("y");
        let id = self.state.mitigations.all.last().unwrap().id;
        self.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
        self.send(Msg::Action(ActionEvent::Converged { id, after: std::time::Duration::ZERO }))
    }
}

/// A rollback while the error rate climbs: minutes later the rate falls, below what it was at that moment.
#[test]
fn what_was_done_on_the_climb_is_not_credited_with_the_fall_after_it() {
    let climbs = |second: i64| match second {
        ..-480 => 0.002,
        -480..0 => 0.12,
        0..300 => 0.12 + 0.5 * second as f64 / 300.0,
        _ => 0.62 * (1.0 - (second - 300) as f64 / 300.0).max(0.01),
    };
    let mut play = in_trouble();
    play.wait(30);
    play.innocent_rollback(30);
    errors(&mut play, climbs);
    for _ in 0..34 {
        play.wait(15);
        errors(&mut play, climbs);
        assert!(!play.waiting().contains("seems to help"), "after {} s: {}", play.clock.as_secs(), play.waiting());
    }
    assert!(play.state.kpis[0].reading.as_ref().unwrap().value.unwrap() < 0.13);
}

#[test]
fn what_comes_to_a_recovery_is_not_credited_with_it() {
    let mut play = in_trouble();
    play.nobody_complains().undone();
    play.wait(60);
    play.innocent_rollback(60);
    for _ in 0..20 {
        play.wait(10);
        errors(&mut play, cured_at(5));
        assert!(!play.waiting().contains("notification-service"), "after {} s: {}", play.clock.as_secs(), play.waiting());
    }
}

#[test]
fn an_image_that_somebody_sets_back_is_waited_for_and_credited() {
    let mut play = in_trouble();
    play.wait(30);
    let set = ReplicaSet { changed_by: Some("kubectl-set".into()), ..replica_set("api-gateway-c", 43, 30, "gw:2.3.1") };
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("api-gateway", 43, 3, 3))]));
    play.observe(SourceId::ReplicaSets, What::ReplicaSets(vec![Delta::Applied(set)]));
    play.pods(vec![pod("api-gateway-c-1", "api-gateway-c")]);
    errors(&mut play, cured_at(30));
    assert!(play.waiting().starts_with("api-gateway image back to 2.3.1 (rev 42 → 43) by kubectl-set at "), "{}", play.waiting());
    play.wait(150);
    errors(&mut play, cured_at(30));
    assert!(play.waiting().contains("image back to 2.3.1 (rev 42 → 43) by kubectl-set seems to help: "), "{}", play.waiting());
    assert_eq!(titles(&play), [""; 0]);
}

/// Settings are changed every day: only what has to do with the trouble is waited for.
#[test]
fn a_setting_counts_as_an_attempt_only_where_something_ties_it_to_the_trouble() {
    let begin = || {
        let mut play = in_trouble();
        play.nobody_complains().setting("feature-flags", "new_onboarding", "false", ("helm", -90_000)).wait(20);
        play
    };
    let mut play = begin();
    play.setting("feature-flags", "new_onboarding", "true", ("helm", 15));
    assert_eq!((play.waiting().as_str(), titles(&play)[0]), ("", "undo rollout api-gateway to rev 41"));
    play.setting("feature-flags", "new_onboarding", "false", ("kubectl", 18));
    assert!(play.waiting().contains("new_onboarding true → false by kubectl"), "it takes a change back: {}", play.waiting());
    let mut play = begin();
    play.setting("api-config", "circuit_breaker_enabled", "true", ("kubectl", 15));
    assert!(play.waiting().contains("circuit_breaker_enabled"), "the breaker: {}", play.waiting());
    let mut play = begin();
    let reader = Deployment { config_maps: ["feature-flags".into()].into(), ..deployment("api-gateway", 42, 3, 1) };
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(reader)]));
    play.setting("feature-flags", "new_onboarding", "true", ("helm", 15));
    assert!(play.waiting().contains("new_onboarding"), "whoever reads it is unhealthy: {}", play.waiting());
}

#[test]
fn what_fell_since_the_last_point_does_not_get_worse() {
    let turns = |second: i64| match second {
        ..-480 => 0.002,
        -480..100 => 0.12 + 0.0005 * (second + 480) as f64,
        _ => 0.41 - 0.0001 * (second - 100) as f64,
    };
    let mut play = in_trouble();
    play.wait(95);
    errors(&mut play, turns);
    assert!(play.state.got_worse().is_some());
    play.wait(10);
    errors(&mut play, turns);
    play.wait(10);
    errors(&mut play, turns);
    assert_eq!(play.state.got_worse(), None);
}

/// Nothing gets better yet, and nothing else speaks for anything: what was done here is what there is to say.
#[test]
fn while_ones_own_mitigation_is_not_judged_the_note_speaks_of_it() {
    let mut play = in_trouble();
    play.undone();
    play.pods(vec![pod("core-engine-x-1", "core-engine-x")]);
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("api-gateway", 43, 3, 3))]));
    let hardly = |second: i64| {
        if second < -480 {
            0.002
        } else if second < 0 {
            0.12
        } else {
            0.118
        }
    };
    for _ in 0..10 {
        play.wait(15);
        errors(&mut play, hardly);
    }
    assert_eq!((titles(&play), play.waiting().as_str()), (Vec::new(), ""));
    let note = play.state.advice.note.clone().unwrap();
    assert!(note.starts_with("Undo rollout · api-gateway is not judged yet: "), "{note}");
}

/// The newest point of the history may be the very sample that was read: what falls by then does not get worse.
#[test]
fn what_turned_does_not_get_worse_whatever_the_history_repeats() {
    let peak = |second: i64| if second < 100 { 0.12 + second.max(0) as f64 / 1_000.0 } else { 0.22 - (second - 100) as f64 / 500.0 };
    let mut play = in_trouble();
    for second in [90, 110, 120] {
        play.wait(second - play.clock.as_secs());
        errors(&mut play, peak);
        let worse = play.state.got_worse().map(|worse| worse.to_string());
        assert_eq!(worse.is_some(), second == 90, "at {second}: {worse:?}");
    }
}

/// The errors of the last minutes still name the pods that hung; they are gone.
#[test]
fn what_was_stuck_in_pods_that_are_gone_is_no_reason_any_more() {
    let said = "queue consumer: no progress for 120 s";
    let error = |pod: &str| LogError { at: at(0), service: "sync-service".into(), pod: Some(pod.into()), message: said.into(), error: None };
    let window = |pods: &[&str]| {
        let pattern = pattern("sync-service", said, 40);
        let newest = pods.iter().map(|pod| error(pod)).collect();
        ErrorWindow { recent: 40, total: 40, shards: (1, 1), patterns: vec![pattern], newest, ..ErrorWindow::default() }
    };
    let mut play = in_trouble();
    let stuck = |play: &mut Play, pods: &[&str]| {
        play.observe(SourceId::Errors, What::Errors(Box::new(window(pods))));
        play.state.complaints().iter().filter(|complaint| complaint.about == About::Stuck).count()
    };
    assert_eq!(stuck(&mut play, &["sync-service-a-1"]), 0, "it is gone");
    assert_eq!(stuck(&mut play, &[]), 1, "no pod is named");
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(pod("sync-service-a-1", "sync-service-a"))]));
    assert_eq!(stuck(&mut play, &["sync-service-a-1", "sync-service-a-2"]), 1, "one of them is there");
}

/// A replacement helped and still waits for pods of a dead node to go: what is done minutes later is not credited with its recovery.
#[test]
fn what_comes_minutes_after_a_cure_that_never_ends_is_not_credited_with_it() {
    let mut play = in_trouble();
    play.nobody_complains();
    play.press("u").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all.last().unwrap().id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    for _ in 0..40 {
        play.wait(10);
        errors(&mut play, cured_at(5));
    }
    let first = &play.state.mitigations.all[0];
    assert!(first.converged_at.is_none() && first.verdict.is_some(), "{first:?}");
    play.press("b").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all.last().unwrap().id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    play.send(Msg::Action(ActionEvent::Converged { id, after: std::time::Duration::ZERO }));
    for _ in 0..50 {
        play.wait(10);
        errors(&mut play, cured_at(5));
    }
    let second = play.state.mitigations.all.last().unwrap();
    assert!(second.id == id && second.verdict.is_some());
    assert!(!second.verdict.as_ref().unwrap().sentence().contains("helped"), "{}", second.verdict.as_ref().unwrap().sentence());
}

/// Nobody knows yet what fires: that is no good news.
#[test]
fn nothing_is_said_to_fire_not_before_the_alerts_answered() {
    let mut play = Play::new();
    for key in ["a", "C", "e"] {
        play.press(key);
        let said = play.state.notice.as_ref().unwrap().text.to_string();
        assert!(said.starts_with("it is not known what fires"), "{key}: {said}");
    }
    play.live(SourceId::Alerts).alerts(Vec::new()).press("a");
    assert!(play.state.notice.as_ref().unwrap().text.starts_with("nothing fires: "), "{:?}", play.state.notice);
}
