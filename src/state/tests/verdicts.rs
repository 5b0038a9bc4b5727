//! What becomes of mitigations that are done: watched, judged, taken back, done together; and how far a rollout is.

use std::time::Duration;

use super::play::*;
use crate::{
    actions::kinds,
    domain::{
        ask::{Finished, RequestKind, Undoable, Wish},
        asks::Scale,
        health::SourceId,
        log_pattern::ErrorWindow,
        mitigation::{ActionEvent, Check, CheckKind, CheckResult, Expectation, Friction, MitigationId, Outcome},
        object::{Kind, ObjectRef},
        observation::{Delta, What},
        pod::Pod,
        recorded::{Ended, Judged, Recorded},
        text::Text,
        verdict::Judgement,
        workload::{Deployment, Written},
    },
    state::{
        card::{Mitigation, Stage},
        msg::Msg,
        timeline::EntryKind,
    },
};

impl Play {
    /// Confirms what `keys` ask for and lets it be written and converge at once.
    fn done(&mut self, keys: &str) -> MitigationId {
        self.confirmed(keys, None);
        let id = self.state.mitigations.all.last().unwrap().id;
        self.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
        self.send(Msg::Action(ActionEvent::Converged { id, after: Duration::ZERO }));
        id
    }

    fn confirmed(&mut self, keys: &str, effect: Option<&str>) {
        self.press(keys).planned(Friction::Key);
        if let (Some(effect), Some(card)) = (effect, self.card().map(|card| card.id)) {
            let check = Check { what: CheckKind::Effect, result: CheckResult::Warn(effect.into()) };
            self.send(Msg::Action(ActionEvent::Checked { card, check }));
        }
        self.press("y");
    }

    /// Lets time pass in which an indicator goes from its last value to another.
    fn drift(&mut self, seconds: u32, id: &str, from: f64, to: f64) -> &mut Self {
        let steps = seconds / 15;
        for step in 1..=steps {
            self.wait(15).kpi(id, from + (to - from) * f64::from(step) / f64::from(steps));
        }
        self
    }

    fn judgement(&self, id: MitigationId) -> Option<Judgement> {
        let mitigation = self.state.mitigations.all.iter().find(|mitigation| mitigation.id == id).unwrap();
        mitigation.verdict.as_ref().map(|verdict| verdict.judgement)
    }

    fn verdicts_told(&self) -> Vec<String> {
        self.state.timeline.entries.iter().filter(|entry| entry.what == EntryKind::Verdict).map(|entry| entry.text.to_string()).collect()
    }
}

/// Six minutes of a flat error rate.
fn troubled() -> Play {
    let mut play = Play::new();
    play.bad_deploy().drift(360, "error_rate", 0.118, 0.118);
    play.live(crate::domain::health::SourceId::Cluster);
    play
}

#[test]
fn one_that_works_says_so_and_what_to_wait_for() {
    let mut play = troubled();
    let id = play.done("u");
    let mitigation = |play: &Play| play.state.mitigations.all[0].clone();
    assert!(!mitigation(&play).is_working());
    play.drift(105, "error_rate", 0.118, 0.081);
    assert_eq!(play.judgement(id), None);
    assert!(mitigation(&play).is_working());
    let outlook = mitigation(&play).outlook().unwrap();
    assert!(outlook.starts_with("error rate 11.8 → 8.1 %, judged by 22:"), "{outlook}");
    play.drift(105, "error_rate", 0.081, 0.03);
    assert_eq!(play.judgement(id), Some(Judgement::Helped));
    assert!(!mitigation(&play).is_working() && mitigation(&play).outlook().is_none(), "a verdict ends it");
}

#[test]
fn one_taken_back_ends_so_and_without_a_verdict() {
    let mut play = troubled();
    let first = play.done("u");
    play.drift(90, "error_rate", 0.118, 0.09);
    play.done("U");
    play.drift(600, "error_rate", 0.09, 0.001);
    let mitigation = &play.state.mitigations.all[0];
    assert_eq!((play.judgement(first), &mitigation.stage, mitigation.is_working()), (None, &Stage::Ended(Outcome::Done), false));
    assert_eq!(play.verdicts_told()[0], "Undo rollout · api-gateway: taken back before there was a verdict");
}

#[test]
fn a_write_that_has_no_effect_yet_gets_no_credit() {
    let why = "no effect until restarted: read as environment by deployment/api-gateway";
    let mut play = troubled();
    play.confirmed("b", Some(why));
    let id = play.state.mitigations.all[0].id;
    assert_eq!(play.state.mitigations.all[0].takes_effect_later.as_deref(), Some(why));
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    play.send(Msg::Action(ActionEvent::Converged { id, after: Duration::ZERO }));
    play.wait(120);
    let cure = play.done("u");
    play.drift(300, "error_rate", 0.118, 0.001);
    assert_eq!((play.judgement(id), play.judgement(cure)), (Some(Judgement::NoEffect), Some(Judgement::Helped)));
    assert!(play.verdicts_told().iter().any(|told| told.ends_with(why)), "{:?}", play.verdicts_told());
    assert!(play.verdicts_told().iter().all(|told| !told.contains("together")), "{:?}", play.verdicts_told());
}

#[test]
fn what_came_after_the_cure_is_not_the_cure() {
    let mut play = troubled();
    let first = play.done("u");
    play.drift(120, "error_rate", 0.118, 0.075);
    let second = play.done("r");
    play.drift(300, "error_rate", 0.075, 0.001);
    assert_eq!(play.judgement(first), Some(Judgement::Helped), "{:?}", play.verdicts_told());
    assert_eq!(play.judgement(second), Some(Judgement::AlreadyRecovering), "{:?}", play.verdicts_told());
}

#[test]
fn two_at_once_are_named_together() {
    let mut play = troubled();
    play.done("u");
    play.wait(20);
    play.done("r");
    play.drift(300, "error_rate", 0.118, 0.001);
    let told = play.verdicts_told();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|told| told.contains(": helped, together with Undo rollout · api-gateway: error rate 11.8 → ")), "{told:?}");
}

#[test]
fn earlier_verdicts_can_be_read_after_any_number_of_changes() {
    let mut play = troubled();
    play.done("u");
    play.drift(300, "error_rate", 0.118, 0.001);
    for second in 0..2_000 {
        play.state.timeline.add(at(second), EntryKind::Change, "shop rev 1 → 2".into());
    }
    assert_eq!(play.verdicts_told().len(), 1);
    assert!(play.state.timeline.own().count() >= 3);
}

#[test]
fn a_rollout_says_nothing_of_old_pods_and_does_not_go_back() {
    let mut play = troubled();
    play.confirmed("u", None);
    let id = play.state.mitigations.all[0].id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    let mut shown = |ready, of, old| {
        play.send(Msg::Action(ActionEvent::Converging { id, ready, of, old, stuck: None }));
        match play.state.mitigations.all[0].stage {
            Stage::Converging { ready, of, old, .. } => (ready, of, old),
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(shown(0, 0, 0), (0, 0, 0));
    assert_eq!(shown(2, 5, 3), (2, 5, 3));
    assert_eq!(shown(0, 0, 0), (2, 5, 3), "nothing is known of another write on the way");
    assert_eq!(shown(1, 5, 3), (1, 5, 3), "a new pod can be unready again");
    play.send(Msg::Action(ActionEvent::Converged { id, after: Duration::ZERO }));
    play.send(Msg::Action(ActionEvent::Converging { id, ready: 4, of: 5, old: 1, stuck: None }));
    assert!(matches!(play.state.mitigations.all[0].stage, Stage::Watching { .. }));
}

#[test]
fn a_workload_is_tied_to_the_trouble_by_its_pods_its_errors_or_advice_alone() {
    let mut play = troubled();
    let quiet = ErrorWindow { shards: (1, 1), ..ErrorWindow::default() };
    play.observe(SourceId::Errors, What::Errors(Box::new(quiet)));
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("audit-service", 3, 2, 2))]));
    let reference = |deployment: &str| ObjectRef { kind: Kind::Deployment, key: name(deployment), uid: "d".into() };
    assert!(!play.state.is_tied(&[reference("audit-service")]));
    assert!(play.state.is_tied(&[reference("audit-service"), reference("api-gateway")]));
    play.state.errors = None;
    assert!(play.state.is_tied(&[reference("audit-service")]), "the errors were not read");
    // Neither does a node that is lost tie whatever ran on it, and neither does the advice to replace its pods.
    let mut play = troubled();
    play.observe(SourceId::Errors, What::Errors(Box::new(ErrorWindow { shards: (1, 1), ..ErrorWindow::default() })));
    let set = replica_set("audit-service-1", 3, -9_000, "audit:1");
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("audit-service", 3, 2, 2))]));
    play.observe(SourceId::ReplicaSets, What::ReplicaSets(vec![Delta::Applied(set)]));
    play.observe(
        SourceId::Pods,
        What::Pods(vec![Delta::Applied(Pod { node: Some("node-8".into()), ..pod("audit-service-1-x", "audit-service-1") })]),
    );
    play.observe(SourceId::Nodes, What::Nodes(vec![Delta::Applied(node("node-8", Some(("NodeStatusUnknown".into(), Some(at(-600))))))]));
    assert!(titles_of(&play).iter().any(|title| title.starts_with("replace 1 pod of node-8")), "{:?}", titles_of(&play));
    assert!(!play.state.is_tied(&[reference("audit-service")]));
    // The pods of what is sick speak for themselves.
    let mut play = troubled();
    let cure = play.done("u");
    play.drift(240, "error_rate", 0.118, 0.001);
    assert_eq!(play.judgement(cure), Some(Judgement::Helped));
}

/// As [`troubled`], in a program that knows its mitigations.
fn troubled_and_able() -> Play {
    let mut play = troubled();
    play.state = std::mem::replace(&mut play.state, Play::new().state).with_kinds(kinds::catalogue());
    play
}

/// What the journal has of an undo that an earlier run did at the present moment of `play`.
fn undone_earlier(play: &Play) -> Recorded {
    let target = ObjectRef { kind: Kind::Deployment, key: name("api-gateway"), uid: "d".into() };
    Recorded {
        intent: 7,
        undoes: None,
        undoes_here: None,
        kind: "undo-rollout".into(),
        title: "Undo rollout · api-gateway".into(),
        targets: vec![target],
        by: "lead@gov".into(),
        expectation: Expectation { aim: Some("error_rate".into()), is_tied: true, effect_later: None },
        ended: Some(Ended { at: play.state.now.utc, outcome: Outcome::Done }),
        converged_at: None,
        verdict: None,
    }
}

#[test]
fn what_another_run_did_is_told_and_judged_on_from_here() {
    let mut play = troubled_and_able();
    let recorded = undone_earlier(&play);
    // It was done a minute before this run began to look.
    play.drift(60, "error_rate", 0.118, 0.11).send(Msg::Recorded(vec![recorded.clone()]));
    let told: Vec<String> = play.state.timeline.own().map(|entry| entry.text.to_string()).collect();
    assert_eq!(told, ["Undo rollout · api-gateway: done (lead@gov)"]);
    assert!(play.state.advice.waiting.is_some(), "nothing competes with it: {:?}", play.state.advice);
    play.drift(240, "error_rate", 0.11, 0.004).drift(60, "error_rate", 0.004, 0.004);
    let verdicts = play.verdicts_told();
    assert!(matches!(verdicts.as_slice(), [one] if one.starts_with("Undo rollout · api-gateway: helped: error rate 11.8 →")), "{verdicts:?}");
    play.send(Msg::Recorded(vec![recorded]));
    assert_eq!((play.verdicts_told().len(), play.state.mitigations.all.len()), (1, 1), "it is watched once");
}

#[test]
fn what_another_run_did_and_made_things_worse_is_offered_to_be_taken_back_here() {
    for (is_undo, key) in [(false, 'U'), (true, ' ')] {
        let mut play = troubled_and_able();
        let recorded = undone_earlier(&play);
        play.send(Msg::Recorded(vec![recorded]));
        let one = Undoable { is_undo, ..undoable(7, "Undo rollout · api-gateway") };
        play.send(Msg::Action(ActionEvent::Undoable { all: vec![one] }));
        play.drift(60, "error_rate", 0.118, 0.118).drift(300, "error_rate", 0.2, 0.6);
        let verdicts = play.verdicts_told();
        assert!(matches!(verdicts.as_slice(), [one] if one.contains("worse: error rate")), "{verdicts:?}");
        let offered = play.state.advice.suggestions.first().unwrap();
        assert_eq!((offered.title.as_str(), offered.key), ("take back: Undo rollout · api-gateway", key));
        assert_eq!(offered.request.kind, RequestKind::Undo { of: Finished::Recorded(7) });
        play.pods(vec![pod("api-gateway-1-x", "api-gateway-1")]).alerts(Vec::new()).live(SourceId::Alerts);
        let others: Vec<String> = play.state.kpis.iter().map(|kpi| kpi.spec.id.to_string()).collect();
        for other in others {
            play.kpi(&other, 0.001);
        }
        play.tick();
        assert!(titles_of(&play).iter().all(|title| !title.starts_with("take back")), "all is good: {:?}", titles_of(&play));
        let mut unable = troubled_and_able();
        let recorded = undone_earlier(&unable);
        unable.send(Msg::Recorded(vec![recorded])).drift(60, "error_rate", 0.118, 0.118).drift(300, "error_rate", 0.2, 0.6);
        assert!(titles_of(&unable).iter().all(|title| !title.starts_with("take back")), "what cannot be taken back is not offered");
    }
}

fn undoable(id: u64, title: &str) -> Undoable {
    Undoable {
        id,
        title: title.into(),
        time: "2023-11-14T22:13:00Z".into(),
        by: "lead@gov".into(),
        undo: "scale deployment/api-gateway 4".into(),
        is_undo: false,
    }
}

#[test]
fn what_another_run_set_is_in_force_until_it_is_taken_back() {
    let mut play = troubled_and_able();
    let scaled = Recorded { kind: "scale".into(), title: "Scale · api-gateway".into(), ..undone_earlier(&play) };
    play.wait(900).send(Msg::Recorded(vec![scaled]));
    let all = vec![undoable(7, "Scale · api-gateway")];
    play.send(Msg::Action(ActionEvent::Undoable { all })).wait(2);
    assert_eq!(play.state.in_force.iter().map(Text::as_str).collect::<Vec<_>>(), ["Scale · api-gateway"], "though it is judged no more");
    play.send(Msg::Action(ActionEvent::Undoable { all: Vec::new() })).wait(2);
    assert!(play.state.in_force.is_empty(), "{:?}", play.state.in_force);
}

#[test]
fn a_number_of_pods_that_was_brought_back_is_nothing_to_take_back() {
    let mut play = troubled();
    let written = Written { by: "kubectl".into(), at: Some(play.state.server_now()), exact: true };
    let scaled = |replicas| Deployment { replicas_written: Some(written.clone()), ..deployment("core-engine", 3, replicas, replicas) };
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("core-engine", 3, 6, 6))]));
    play.wait(5).observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(scaled(2))]));
    for (replicas, in_force) in [(6, 0), (9, 1)] {
        let mut mitigation =
            Mitigation::begun(MitigationId(9), "scale", "Scale · core-engine".into(), (play.state.now.mono, play.state.server_now()));
        mitigation.wish = Some(Wish::new(Scale::deployment(name("core-engine"), replicas)));
        (mitigation.done_at, mitigation.undoable) = (Some(play.state.now.mono), true);
        mitigation.stage = Stage::Ended(Outcome::Done);
        play.state.mitigations.all = vec![mitigation];
        assert_eq!(play.state.what_is_in_force().len(), in_force, "{replicas}");
    }
}

#[test]
fn what_another_run_cured_is_not_treated_once_more() {
    let mut play = troubled_and_able();
    let helped = Judged { at: play.state.now.utc, judgement: Some(Judgement::Helped), sentence: "helped: x".into() };
    let cure = Recorded { verdict: Some(helped), ..undone_earlier(&play) };
    let back = Recorded { intent: 8, undoes: Some(7), title: "Undo: Undo rollout".into(), ..undone_earlier(&play) };
    // It ended too long ago to be judged from here.
    play.wait(480).send(Msg::Recorded(vec![cure.clone()])).wait(2);
    assert!(play.state.mitigations.all.is_empty());
    assert!(play.state.was_cured());
    play.send(Msg::Recorded(vec![cure, back]));
    assert!(!play.state.was_cured(), "it was taken back");
}

#[test]
fn one_of_this_run_that_another_run_took_back_is_taken_back() {
    let mut play = troubled_and_able();
    let id = play.done("u");
    play.wait(20);
    let back = Recorded { intent: 8, undoes: Some(7), undoes_here: Some(id), title: "Undo: Undo rollout".into(), ..undone_earlier(&play) };
    play.send(Msg::Recorded(vec![back]));
    let mitigations = &play.state.mitigations.all;
    assert_eq!(mitigations.len(), 2);
    assert_eq!((mitigations[0].undone_by, mitigations[1].undoes), (Some(mitigations[1].id), Some(id)));
    assert!(play.verdicts_told().iter().any(|told| told.contains("taken back before there was a verdict")), "{:?}", play.verdicts_told());
}

#[test]
fn what_was_expected_at_the_confirmation_is_what_another_run_judges_it_by() {
    let mut play = troubled_and_able();
    let why: Text = "no effect until restarted: read as environment".into();
    let expectation = Expectation { effect_later: Some(why.clone()), ..undone_earlier(&play).expectation };
    let recorded = Recorded { expectation, ..undone_earlier(&play) };
    play.send(Msg::Recorded(vec![recorded])).drift(240, "error_rate", 0.118, 0.004).drift(60, "error_rate", 0.004, 0.004);
    let here = &play.state.mitigations.all[0];
    assert_eq!((here.aim.as_deref(), here.takes_effect_later.as_ref()), (Some("error_rate"), Some(&why)));
    assert!(play.verdicts_told().iter().all(|told| !told.contains("helped")), "{:?}", play.verdicts_told());
}

#[test]
fn what_another_run_judged_took_back_or_did_long_ago_is_not_watched_here() {
    let mut play = troubled_and_able();
    let open = undone_earlier(&play);
    let judged = Recorded {
        verdict: Some(Judged { at: play.state.now.utc, judgement: Some(Judgement::Helped), sentence: "helped: x".into() }),
        ..open.clone()
    };
    play.send(Msg::Recorded(vec![open.clone()]));
    assert_eq!(play.state.mitigations.all.len(), 1);
    play.send(Msg::Recorded(vec![judged]));
    assert_eq!(play.verdicts_told(), ["Undo rollout · api-gateway: helped: x"]);
    play.drift(240, "error_rate", 0.118, 0.004).drift(60, "error_rate", 0.004, 0.004);
    assert!(play.state.mitigations.all[0].verdict.is_some(), "what it did is known here too");
    assert_eq!((play.verdicts_told().len(), play.records("verdict")), (1, 0), "it was judged there");
    let back = Recorded { intent: 8, undoes: Some(7), title: "Undo: Undo rollout".into(), ..open.clone() };
    let mut taken = troubled_and_able();
    taken.send(Msg::Recorded(vec![open.clone(), back]));
    assert_eq!(taken.state.mitigations.all.iter().map(|one| one.recorded).collect::<Vec<_>>(), [Some(8)]);
    let back = Recorded { intent: 8, undoes: Some(7), title: "Undo: Undo rollout".into(), ..open.clone() };
    let mut watched = troubled_and_able();
    watched.send(Msg::Recorded(vec![open.clone()])).wait(1).send(Msg::Recorded(vec![open.clone(), back]));
    let mitigations = &watched.state.mitigations.all;
    let undone = mitigations.iter().find(|one| one.recorded == Some(7)).unwrap();
    assert_eq!(undone.undone_by, mitigations.iter().find(|one| one.recorded == Some(8)).map(|one| one.id), "it is credited with nothing");
    let mut late = troubled_and_able();
    late.wait(600).send(Msg::Recorded(vec![open]));
    assert_eq!((late.state.mitigations.all.len(), late.state.timeline.own().count()), (0, 1));
}

#[test]
fn what_somebody_did_in_the_same_minute_is_named_together_with_it() {
    let mut play = troubled();
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("core-engine", 3, 6, 6))]));
    play.wait(5);
    let written = Written { by: "kubectl".into(), at: Some(play.state.server_now()), exact: true };
    let scaled = Deployment { replicas_written: Some(written), ..deployment("core-engine", 3, 8, 6) };
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(scaled)]));
    assert!(titles_of(&play).iter().any(|title| title.starts_with("undo rollout")), "a scale hides no cause: {:?}", play.state.advice);
    play.wait(10).done("u");
    play.drift(150, "error_rate", 0.118, 0.08);
    let waiting = play.state.advice.waiting.clone().unwrap();
    assert!(waiting.contains("Undo rollout · api-gateway"), "{waiting}");
    play.drift(150, "error_rate", 0.08, 0.001);
    let told = play.verdicts_told();
    assert!(matches!(told.as_slice(), [one] if one.contains("helped, together with core-engine")), "{told:?}");
}

fn titles_of(play: &Play) -> Vec<&str> {
    play.state.advice.suggestions.iter().map(|suggestion| suggestion.title.as_str()).collect()
}

#[test]
fn what_gets_better_after_a_cure_was_taken_back_at_once_is_the_cures_doing() {
    let mut play = troubled();
    play.done("u");
    play.drift(60, "error_rate", 0.118, 0.11);
    let back = play.done("U");
    // The average falls for minutes by what the cure did in one, and then rises.
    for (from, to) in [(0.11, 0.095), (0.095, 0.085), (0.085, 0.08)] {
        play.drift(60, "error_rate", from, to);
        let waiting = play.state.advice.waiting.clone().unwrap_or_default();
        assert!(!waiting.contains("seems to help"), "{waiting}");
    }
    play.drift(300, "error_rate", 0.08, 0.118).drift(120, "error_rate", 0.118, 0.118);
    let judgement = play.judgement(back);
    assert!(judgement.is_some_and(|judgement| !judgement.is_better()), "{:?}", play.verdicts_told());
    assert!(titles_of(&play).iter().any(|title| title.contains("ndo rollout")), "{:?} {:?}", titles_of(&play), play.verdicts_told());
}

#[test]
fn one_that_no_longer_gets_worse_is_not_said_to_help() {
    let mut play = Play::new();
    play.bad_deploy().drift(360, "error_rate", 0.06, 0.118);
    play.live(SourceId::Cluster).done("u");
    play.drift(150, "error_rate", 0.118, 0.119);
    let waiting = play.state.advice.waiting.clone().unwrap_or_default();
    assert!(!waiting.contains("seems to help"), "{waiting}");
}
