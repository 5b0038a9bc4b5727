//! What is advised after something was done: one minute after it, after it was taken back, after somebody else acted.

use super::play::*;
use crate::{
    config::Config,
    domain::{
        ask::{RequestKind, Wish},
        asks::UndoRollout,
        health::SourceId,
        kpi::{History, KpiReading, Role},
        mitigation::{ActionEvent, Friction, Outcome},
        observation::{Delta, What},
        suspect::Confidence,
        verdict::{Judgement, Verdict},
        workload::ReplicaSet,
    },
    state::{
        card::Stage,
        msg::{Effect, Msg},
    },
};

/// The error rate of the last half hour, a point each 30 s, ending now.
pub(super) fn errors(play: &mut Play, value: impl Fn(i64) -> f64) {
    let now = i64::try_from(play.clock.as_secs()).unwrap();
    let end = now.div_euclid(30) * 30;
    let step = std::time::Duration::from_secs(30);
    let values = (0..=60).map(|index| Some(value(end - 1_800 + index * 30))).collect();
    let history = Some(History { start: at(end - 1_800), step, values });
    let reading = KpiReading { id: "error_rate".into(), value: Some(value(now)), trend: None, at: Some(at(now)), history, problem: None };
    play.live(SourceId::Alerts).live(SourceId::Metrics).observe(SourceId::Metrics, What::Kpis(vec![reading]));
}

/// Bad since eight minutes before the start; from `cured` on it falls as an average over five minutes does.
pub(super) fn cured_at(cured: i64) -> impl Fn(i64) -> f64 {
    move |second| {
        if second < -480 {
            0.002
        } else if second < cured {
            0.12
        } else {
            0.12 * (1.0 - (second - cured) as f64 / 300.0).max(0.01)
        }
    }
}

pub(super) fn in_trouble() -> Play {
    let mut play = Play::new();
    errors(&mut play, cured_at(i64::MAX));
    play.bad_deploy();
    errors(&mut play, cured_at(i64::MAX));
    play
}

pub(super) fn titles(play: &Play) -> Vec<&str> {
    play.state.advice.suggestions.iter().map(|suggestion| suggestion.title.as_str()).collect()
}

/// Revision 43 runs the template of 41 again, as after an undo by this manager.
fn brought_back(play: &mut Play, second: i64, by: &str) {
    let (history, revised_at) = ([41].into(), Some(at(second)));
    let again = ReplicaSet { changed_by: Some(by.into()), history, revised_at, ..replica_set("api-gateway-a", 43, -86_400, "gw:2.3.1") };
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("api-gateway", 43, 3, 3))]));
    play.observe(SourceId::ReplicaSets, What::ReplicaSets(vec![Delta::Applied(again)]));
    play.pods(vec![pod("api-gateway-a-1", "api-gateway-a"), pod("core-engine-x-1", "core-engine-x")]);
    assert_eq!(i64::try_from(play.clock.as_secs()).unwrap(), second);
}

#[test]
fn after_the_right_undo_nothing_leads_back_to_the_bad_revision() {
    let mut play = in_trouble();
    assert_eq!(titles(&play)[0], "undo rollout api-gateway to rev 41");
    assert_eq!(play.state.advice.suggestions[0].confidence, Confidence::Likely);
    play.press("u").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all[0].id;
    play.wait(5).send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    brought_back(&mut play, 5, "sev1");
    for _ in 0..150 {
        play.wait(5);
        let now = i64::try_from(play.clock.as_secs()).unwrap();
        errors(&mut play, cured_at(5));
        if now == 200 {
            play.alerts(Vec::new());
        }
        if now == 40 {
            let after = std::time::Duration::from_secs(35);
            play.send(Msg::Action(ActionEvent::Converged { id, after }));
        }
        assert!(titles(&play).iter().all(|title| !title.contains("undo rollout")), "after {now} s: {:?}", titles(&play));
        // While it works nothing competes with it.
        if (10..150).contains(&now) {
            assert_eq!(titles(&play), [""; 0], "after {now} s");
            assert!(play.state.advice.waiting.is_some(), "after {now} s");
        }
    }
    assert_eq!(play.state.trouble_began(), None, "ten minutes later it is over");
}

#[test]
fn when_somebody_else_takes_the_rollout_back_it_is_waited_for() {
    let mut play = in_trouble();
    play.wait(30);
    brought_back(&mut play, 30, "kubectl-rollout");
    errors(&mut play, cured_at(30));
    assert!(play.state.advice.waiting.as_ref().unwrap().contains("by kubectl-rollout"), "{:?}", play.state.advice);
    play.wait(150);
    errors(&mut play, cured_at(30));
    let waiting = play.state.advice.waiting.clone().unwrap();
    assert!(waiting.contains("seems to help: Error rate 12.0 % → "), "{waiting}");
    assert_eq!(titles(&play), [""; 0]);
}

#[test]
fn what_does_nothing_is_not_waited_for_any_longer() {
    let mut play = in_trouble();
    play.press("b").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all[0].id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    errors(&mut play, cured_at(i64::MAX));
    assert_eq!(titles(&play), [""; 0], "{:?}", play.state.advice);
    play.wait(200);
    errors(&mut play, cured_at(i64::MAX));
    assert_eq!(titles(&play)[0], "undo rollout api-gateway to rev 41");
}

#[test]
fn the_beginning_does_not_drift_while_the_history_moves_on() {
    let mut play = in_trouble();
    let began = play.state.trouble_began();
    assert_eq!(began, Some(at(-480)));
    for _ in 0..60 {
        play.wait(45);
        errors(&mut play, cured_at(i64::MAX));
        assert_eq!(play.state.trouble_began(), began);
        assert_eq!(play.state.bad_since(&play.state.kpis[0]), Some((at(-480), false)));
    }
}

#[test]
fn a_card_that_takes_back_ones_own_mitigation_says_so() {
    let mut play = in_trouble();
    play.kpi("sync_backlog", 20.0).press("u");
    let back = Wish::new(UndoRollout::deployment(name("api-gateway"), Some(42)));
    play.answer_with(Friction::Key, |plan| plan.inverse = Some(back.clone()));
    play.press("y");
    let id = play.state.mitigations.all[0].id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    play.wait(150);
    errors(&mut play, cured_at(0));
    play.kpi("sync_backlog", 90_000.0).press("U");
    assert!(matches!(play.effects.last(), Some(Effect::Plan { .. })));
    play.planned(Friction::Key);
    let said = play.state.takes_back(play.card().unwrap()).unwrap();
    assert_eq!(said, "this takes back “Undo rollout · api-gateway” of 22:13 (Error rate 12.0 % → 6.0 %, Sync backlog 20 → 90,000 since)");
    play.press("Esc Esc : ").type_("undo api-gateway 42").enter();
    play.answer_with(Friction::Key, |plan| plan.wish = back);
    assert!(play.state.takes_back(play.card().unwrap()).is_some(), "the same asked for in another way");
}

/// What helped, was taken back, and was followed by the same trouble again is suggested once more.
#[test]
fn what_helped_and_was_taken_back_is_suggested_again_when_the_trouble_is_back() {
    let mut play = in_trouble();
    let done = |play: &mut Play| {
        let id = play.state.mitigations.all.last().unwrap().id;
        play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
        play.send(Msg::Action(ActionEvent::Converged { id, after: std::time::Duration::ZERO }));
    };
    play.press("u").planned(Friction::Key).press("y");
    done(&mut play);
    for _ in 0..16 {
        play.wait(15);
        errors(&mut play, cured_at(0));
    }
    let helped = play.state.mitigations.all[0].verdict.clone().unwrap();
    assert_eq!(helped.judgement, Judgement::Helped);
    let again = Wish::new(UndoRollout::deployment(name("api-gateway"), Some(43)));
    play.press("U");
    play.answer_with(Friction::Key, |plan| plan.inverse = Some(again.clone()));
    play.press("y");
    done(&mut play);
    assert!(titles(&play).iter().all(|title| !title.starts_with("again")), "{:?}", titles(&play));
    let judge = |play: &mut Play, judgement| {
        let verdict = Verdict { judgement, ..helped.clone() };
        play.state.mitigations.all[1].verdict = Some(verdict);
        play.state.mitigations.all[1].stage = Stage::Ended(Outcome::Done);
        play.wait(30);
        errors(play, cured_at(i64::MAX));
    };
    judge(&mut play, Judgement::Worse);
    let first = &play.state.advice.suggestions[0];
    assert_eq!((first.title.as_str(), first.key), ("again: Undo rollout · api-gateway", 'u'));
    assert!(first.evidence.contains("helped: error rate") && first.evidence.contains("taken back at"), "{}", first.evidence);
    play.press("u");
    let Some(Effect::Plan { request, .. }) = play.effects.last() else { panic!("no card is asked for") };
    assert_eq!(request.kind, RequestKind::Do(again));
}

/// What helped needs its time: nothing else is suggested while what was bad gets better.
#[test]
fn after_a_verdict_the_recovery_is_waited_for() {
    let mut play = in_trouble();
    play.press("u").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all[0].id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    let helped = Verdict {
        judgement: Judgement::Helped,
        after: std::time::Duration::from_secs(75),
        comparisons: Vec::new(),
        getting_better: true,
        is_stopped: false,
        together_with: Vec::new(),
        without_effect: None,
        after_unjudged: None,
    };
    play.state.mitigations.all[0].verdict = Some(helped);
    play.state.mitigations.all[0].stage = Stage::Ended(Outcome::Done);
    play.state.cluster.unhealthy.clear();
    play.wait(120);
    errors(&mut play, cured_at(0));
    let waiting = play.state.advice.waiting.clone().unwrap_or_else(|| panic!("{:?}", play.state.advice));
    assert_eq!(waiting, "Undo rollout · api-gateway helped: wait, error rate gets better still (7.2 %)");
    // It stands still: more has to be done.
    play.wait(120);
    errors(&mut play, |second| if second < 0 { 0.12 } else { 0.072 });
    assert_eq!(play.state.advice.waiting, None);
}

/// What an indicator means is a setting: no letters of its name count.
#[test]
fn the_role_of_an_indicator_decides_and_not_its_name() {
    let suggested = |id: &str, role: Role, of: Option<&str>| {
        let mut config = Config::default();
        let kpi = config.kpis.iter_mut().find(|kpi| kpi.id == "sync_backlog").unwrap();
        (kpi.id, kpi.role, kpi.deployment) = (id.into(), role, of.map(Into::into));
        let mut play = Play::with(config, false);
        let both = ["errors-queue", "sync-service"].map(|name| Delta::Applied(deployment(name, 1, 4, 4)));
        play.observe(SourceId::Deployments, What::Deployments(both.into_iter().chain([Delta::Listed]).collect()));
        play.kpi(id, 4_210.0);
        play.state.advice.suggestions.iter().map(|suggestion| suggestion.title.to_string()).collect::<Vec<_>>()
    };
    let scaled = ["scale sync-service 4 → 6"];
    assert_eq!(suggested("x", Role::Queue, Some("sync-service")), scaled);
    assert_eq!(suggested("errors_queue", Role::Latency, Some("sync-service")), scaled);
    for role in [Role::Errors, Role::Traffic, Role::Saturation, Role::Other] {
        assert_eq!(suggested("sync_backlog_p95_lag", role, Some("sync-service")), [""; 0], "{role:?}");
    }
    assert_eq!(suggested("sync_backlog", Role::Queue, None), [""; 0], "its name names no deployment");
}
