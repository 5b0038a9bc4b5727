//! Ladders on the screen: acknowledging, escalating, and a clock that someone moves.

use std::time::Duration;

use super::play::*;
use crate::{
    domain::{
        alert::{Alert, AlertStatus, Severity},
        health::SourceId,
        observation::{Observation, What},
        time::{Mono, Now},
    },
    state::{
        escalation::StepState,
        msg::{Effect, Msg},
        overlay::Overlay,
    },
};

fn steps(play: &Play) -> Vec<StepState> {
    play.state.escalation().unwrap().steps.into_iter().map(|step| step.state).collect()
}

/// To be called since then, which is so many seconds ago.
fn due(since: i64, ago: u64) -> StepState {
    StepState::Due { at: at(since), ago: Duration::from_secs(ago) }
}

fn shown(play: &Play) -> String {
    play.state.escalation().map(|shown| shown.alert.name.to_string()).unwrap_or_default()
}

/// Of `service`, as another alert of the same rule is of another.
fn of_service(service: &str, severity: Severity, starts: i64) -> Alert {
    let labels = [("service".into(), service.into())].into();
    Alert { fingerprint: service.into(), labels, ..alert("HighErrorRate", severity, starts) }
}

fn did(play: &Play) -> Vec<String> {
    play.state.timeline.own().map(|entry| entry.text.to_string()).collect()
}

fn bells(play: &Play) -> usize {
    play.effects.iter().filter(|effect| **effect == Effect::Bell).count()
}

#[test]
fn of_alerts_with_a_call_due_the_most_severe_oldest_is_shown_and_counts_down() {
    let mut play = Play::new();
    play.alerts(vec![alert("Slow", Severity::Warning, -900), alert("Young", Severity::Critical, -10), alert("Old", Severity::Critical, -108)]);
    assert_eq!(play.state.escalation().unwrap().alert.name, "Old");
    let expected = [due(-108, 108), StepState::In(Duration::from_secs(192)), StepState::In(Duration::from_secs(492))];
    assert_eq!(steps(&play), expected);
    play.wait(2);
    assert_eq!(steps(&play)[1], StepState::In(Duration::from_secs(190)));
}

#[test]
fn steps_behind_us_at_launch_are_journalled_once_and_say_so() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -400)]);
    assert_eq!(play.records("escalation-step"), 2);
    let late = |effect: &Effect| matches!(effect, Effect::Record { fields, .. } if fields["before_launch"] == true && fields["paged"] == false);
    assert_eq!(play.effects.iter().filter(|effect| late(effect)).count(), 2);
    play.alerts(vec![alert("Old", Severity::Critical, -400), alert("New", Severity::Info, 0)]).wait(10);
    assert_eq!(play.records("escalation-step"), 2);
    play.wait(190);
    assert_eq!(play.records("escalation-step"), 3);
}

#[test]
fn an_ack_holds_the_ladder_and_keys_renew_it() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -108)]).press("a");
    assert_eq!(play.records("ack"), 1);
    assert_eq!(steps(&play)[1], StepState::Held(Duration::from_secs(192)));
    play.wait(1_700).press("j").wait(1_700);
    assert!(play.state.escalation().unwrap().ack.is_some());
    play.wait(101);
    assert_eq!((play.state.escalation().unwrap().ack, play.records("ack-expired")), (None, 1));
    play.wait(193);
    assert_eq!(play.records("escalation-step"), 2);
}

#[test]
fn escalating_asks_first_and_e_is_not_the_answer() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -10)]).press("e e");
    assert!(matches!(play.state.overlays.last(), Some(Overlay::EscalateQuestion { who, .. }) if who == "Team lead"));
    play.enter().press("e y");
    assert_eq!(play.records("escalation-step"), 2);
    play.press("e y e y");
    assert_eq!(play.records("escalation-step"), 3, "the ladder has three steps");
}

#[test]
fn a_resolved_or_silenced_alert_drops_its_ladder() {
    let mut play = Play::new();
    let fires = alert("A", Severity::Critical, 0);
    play.alerts(vec![fires.clone()]);
    play.alerts(vec![Alert { status: AlertStatus::Suppressed, ..fires.clone() }]);
    assert!(play.state.ladders.is_empty());
    play.alerts(vec![fires.clone()]).wait(15).alerts(Vec::new());
    assert!(play.state.ladders.is_empty() && play.state.escalation().is_none());
    assert!(play.state.timeline.entries.iter().any(|entry| entry.text == "A resolved"));
    play.wait(60).alerts(vec![Alert { starts_at: at(60), ..fires }]);
    assert_eq!(steps(&play)[0], due(60, 15), "firing anew starts anew");
}

#[test]
fn a_wall_clock_set_back_or_forward_moves_no_ladder() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -108)]);
    let before = play.records("escalation-step");
    for hours in [-24, 24, 24_000] {
        let utc = start() + chrono::Duration::hours(hours);
        play.send(Msg::Tick(Now { mono: Mono::ZERO, utc }));
        assert_eq!((steps(&play)[1].clone(), play.records("escalation-step")), (StepState::In(Duration::from_secs(192)), before));
        assert_eq!(steps(&play)[0], due(-108, 108), "what was shown as due then stays so");
    }
}

#[test]
fn the_age_of_an_alert_is_counted_by_its_servers_clock() {
    let mut play = Play::new();
    let list =
        crate::domain::alert::AlertList { alerts: vec![alert("Old", Severity::Critical, 3_600)], apart: Vec::new(), said_by: "Alertmanager".into() };
    let observation = Observation { source: SourceId::Alerts, observed_at: Mono::ZERO, server_time: Some(at(3_660)), what: What::Alerts(list) };
    play.send(Msg::Observation(observation));
    assert_eq!(play.state.escalation().unwrap().age, Duration::from_mins(1));
    assert_eq!(steps(&play)[0], due(3_600, 60));
}

#[test]
fn acknowledging_goes_from_one_alert_to_the_next_and_back_to_the_one_that_ends_first() {
    let mut play = Play::new();
    play.alerts(vec![alert("A", Severity::Critical, -30), alert("B", Severity::Critical, -20), alert("C", Severity::Critical, -10)]);
    for (name, acked) in [("A", 1), ("B", 2), ("C", 3)] {
        assert_eq!(shown(&play), name);
        play.press("a").wait(60);
        assert_eq!(play.state.tally().acked, acked);
    }
    assert_eq!((shown(&play), play.state.escalation().unwrap().urgency.is_held()), ("A".to_owned(), true));
    // A key renews them all alike, so the one that was acknowledged first no longer ends first.
    play.press("j").wait(1_799);
    assert_eq!(play.state.tally().acked, 3);
    play.wait(1);
    assert_eq!((play.state.tally().acked, play.state.tally().to_call), (0, 3));
}

#[test]
fn the_ladder_whose_next_call_is_due_first_is_shown_and_a_due_call_that_is_not_noted_before_it() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -30), alert("Young", Severity::Critical, -5)]).press("C").wait(2);
    assert_eq!(shown(&play), "Young", "nobody is called for it yet");
    play.press("C").wait(2);
    assert_eq!((shown(&play), &steps(&play)[1]), ("Old".to_owned(), &StepState::In(Duration::from_secs(266))));
    assert_eq!(steps(&play)[0], StepState::Called { at: at(0), by: "oncall@gov".into() });
    assert_eq!((play.state.tally().to_call, play.records("called")), (0, 2));
    play.wait(266);
    assert_eq!((shown(&play), steps(&play)[1].clone()), ("Old".to_owned(), due(270, 0)));
}

#[test]
fn a_key_pressed_twice_in_haste_notes_no_call_for_another_alert() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -30), alert("Young", Severity::Critical, -5)]).press("C C");
    assert_eq!((play.records("called"), play.state.overlays.len()), (1, 0));
}

#[test]
fn the_key_notes_the_call_on_the_pane_and_takes_it_back_after_a_question() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -310), alert("Young", Severity::Critical, -5)]).press("shift-tab C");
    assert_eq!((play.records("called"), shown(&play).as_str()), (1, "Old"), "the pane stays on what was answered");
    assert_eq!(steps(&play)[..2], [StepState::Passed(at(-310)), StepState::Called { at: at(0), by: "oncall@gov".into() }]);
    play.wait(5).press("C");
    assert!(matches!(play.state.overlays.last(), Some(Overlay::UncallQuestion { who, .. }) if who == "Team lead"));
    play.enter();
    assert_eq!((play.state.overlays.len(), play.records("uncalled")), (0, 0), "Enter is no answer");
    play.press("C y");
    assert_eq!((play.records("uncalled"), steps(&play)[1].clone()), (1, due(-10, 15)));
    assert_eq!(did(&play), ["Team lead called for Old, noted by oncall@gov", "oncall@gov took back that Team lead was called for Old"]);
}

#[test]
fn the_cursor_of_the_pane_stays_on_its_alert_while_the_order_changes() {
    let mut play = Play::new();
    play.alerts(vec![alert("A", Severity::Critical, -30), alert("B", Severity::Critical, -20), alert("C", Severity::Critical, -10)]);
    play.press("shift-tab j");
    assert_eq!(shown(&play), "B");
    play.alerts(vec![alert("B", Severity::Critical, -20), alert("C", Severity::Critical, -10)]);
    assert_eq!(shown(&play), "B", "A resolved, and B is the first");
    play.press("j a");
    assert_eq!((play.state.tally().acked, shown(&play).as_str()), (1, "B"), "C is acknowledged, and what needs somebody is shown");
}

#[test]
fn an_ack_and_a_call_are_taken_back_also_where_another_alert_is_shown() {
    let mut play = Play::new();
    play.alerts(vec![alert("A", Severity::Critical, -30), alert("B", Severity::Critical, -20)]).press("C").wait(2).press("a a").wait(5);
    play.press("A");
    assert_eq!((play.records("unack"), shown(&play).as_str(), play.state.tally().acked), (1, "A", 1), "of two made at once the shown one");
    play.wait(5).press("A");
    assert_eq!((play.records("unack"), play.state.tally().acked), (2, 0));
    play.press("A");
    assert_eq!(play.records("unack"), 2);
    play.press(":").type_("uncall").enter();
    assert!(matches!(play.state.overlays.last(), Some(Overlay::UncallQuestion { alert, .. }) if alert == "A"));
    play.press("y");
    assert_eq!(play.records("uncalled"), 1);
}

#[test]
fn alerts_of_one_name_are_told_apart_by_what_they_are_about() {
    let mut play = Play::new();
    play.alerts(vec![of_service("core-engine", Severity::Critical, -30), of_service("api-gateway", Severity::Critical, -30)]);
    let first = play.state.escalation().unwrap().alert;
    assert_eq!(play.state.alert_in_words(&first), "api-gateway HighErrorRate");
    play.press("a");
    let second = play.state.escalation().unwrap().alert;
    assert_eq!(play.state.alert_in_words(&second), "core-engine HighErrorRate");
    assert_eq!(did(&play), ["oncall@gov acknowledged api-gateway HighErrorRate"]);
    play.alerts(vec![of_service("core-engine", Severity::Critical, -30)]);
    assert_eq!(play.state.alert_in_words(&second), "HighErrorRate");
}

#[test]
fn a_silence_holds_a_ladder_and_a_list_that_lost_an_alert_forgets_nothing() {
    let mut play = Play::new();
    let fires = alert("A", Severity::Critical, 0);
    let hidden = Alert { status: AlertStatus::Suppressed, ..fires.clone() };
    play.alerts(vec![fires.clone()]).wait(100).press("C").alerts(vec![hidden]).wait(7_200).alerts(vec![fires.clone()]);
    assert_eq!(steps(&play)[1], StepState::In(Duration::from_secs(200)), "nobody was to be called while it was silenced");
    assert_eq!((play.records("escalation-step"), steps(&play)[0].clone()), (1, StepState::Called { at: at(100), by: "oncall@gov".into() }));
    play.press("a").alerts(Vec::new()).wait(45).alerts(vec![Alert { starts_at: at(3), ..fires.clone() }]);
    assert!(play.state.escalation().unwrap().ack.is_some(), "Alertmanager was restarted, or Prometheus stands in for it");
    play.alerts(Vec::new()).wait(60).alerts(vec![Alert { starts_at: at(7_400), ..fires }]);
    assert!(play.state.escalation().unwrap().ack.is_none(), "it fires anew");
}

#[test]
fn an_alert_that_was_silenced_all_along_calls_the_first_first() {
    let mut play = Play::new();
    let fires = alert("A", Severity::Critical, -7_200);
    play.alerts(vec![Alert { status: AlertStatus::Suppressed, ..fires.clone() }]).wait(5).alerts(vec![fires]);
    assert_eq!((play.records("escalation-step"), steps(&play)[0].clone()), (1, due(5, 0)));
}

/// A run of ten minutes with an acknowledgement, calls, a step by hand and a note; and what it showed in the end.
fn ten_minutes() -> (Vec<Alert>, Play) {
    let alerts = vec![alert("A", Severity::Critical, -400), alert("B", Severity::Critical, -20), alert("C", Severity::Info, -20)];
    let mut play = Play::new();
    play.alerts(alerts.clone()).press("C").wait(60).press("e y").wait(60).press("n").type_("db is slow").enter();
    play.wait(60).press("C").wait(60).press("a").wait(360);
    (alerts, play)
}

#[test]
fn a_restart_in_the_middle_shows_the_same_ladders_whatever_comes_first() {
    let (alerts, before) = ten_minutes();
    for journal_first in [true, false] {
        let mut after = before.started_again();
        if journal_first {
            after.send(Msg::Recalled(before.journal())).alerts(alerts.clone());
        } else {
            after.alerts(alerts.clone());
            assert_eq!(after.records("escalation-step") + bells(&after), 0, "nothing is told before it is known what was");
            after.send(Msg::Recalled(before.journal()));
        }
        let all = |play: &Play| play.state.firing().map(|(alert, ladder)| play.state.escalation_of(alert, ladder)).collect::<Vec<_>>();
        assert_eq!(all(&after), all(&before));
        let with_author = |entry: String| if entry == "db is slow" { format!("{entry} (oncall@gov)") } else { entry };
        assert_eq!(did(&after), did(&before).into_iter().map(with_author).collect::<Vec<_>>());
        assert_eq!(did(&after).len(), 5);
        assert_eq!((after.records("escalation-step"), after.records("alert-logged"), bells(&after)), (0, 0, 0), "none of it is news");
        after.wait(2_000);
        assert_eq!(after.state.tally().acked, 0, "the restart renewed nothing");
    }
}

#[test]
fn what_is_done_before_the_journal_was_read_comes_after_what_it_says() {
    let (alerts, before) = ten_minutes();
    let mut after = before.started_again();
    after.alerts(alerts).press("shift-tab j a").send(Msg::Recalled(before.journal()));
    assert_eq!(after.state.tally().acked, 2);
}

#[test]
fn an_alert_that_fires_anew_inherits_nothing_and_its_first_step_rings() {
    let (_, before) = ten_minutes();
    let mut after = before.started_again();
    after.send(Msg::Recalled(before.journal())).alerts(vec![alert("A", Severity::Critical, 595)]);
    assert_eq!((steps(&after)[0].clone(), after.state.tally().acked), (due(595, 5), 0));
    assert_eq!((after.records("escalation-step"), bells(&after)), (1, 1));
}

#[test]
fn the_journal_learns_how_long_an_acknowledgement_is_kept_alive() {
    let mut play = Play::new();
    play.alerts(vec![alert("A", Severity::Critical, -10)]).press("a");
    for _ in 0..40 {
        play.wait(60).press("j");
    }
    assert_eq!(play.records("ack-renewed"), 8, "every five minutes and not with each key");
    let mut after = play.started_again();
    after.send(Msg::Recalled(play.journal())).alerts(vec![alert("A", Severity::Critical, -10)]);
    assert_eq!(after.state.tally().acked, 1);
}

#[test]
fn the_last_of_long_notes_is_reached_at_80_columns() {
    let mut play = Play::new();
    for _ in 0..4 {
        play.wait(1).press("n").type_(&"the database is slow and nobody knows why. ".repeat(10)).enter();
    }
    play.press("@ G");
    // Each has eight lines of the 54 that are beside the time there, and ten are visible.
    assert!(matches!(play.state.overlays.last(), Some(Overlay::Did { scroll }) if *scroll >= 4 * 8 - 10), "{:?}", play.state.overlays);
}

/// A clock that someone sets neither moves a ladder nor what is written down of it.
#[test]
fn a_clock_that_was_set_is_not_in_what_a_restart_reads() {
    let alerts = vec![alert("A", Severity::Critical, -10)];
    let mut play = Play::new();
    play.alerts(alerts.clone()).wait(60);
    play.send(Msg::Tick(Now { mono: Mono(Duration::from_mins(1)), utc: at(90_000) }));
    play.press("a C").wait(60);
    let mut after = play.started_again();
    after.send(Msg::Recalled(play.journal())).alerts(alerts);
    assert_eq!(after.state.escalation(), play.state.escalation());
    assert_eq!(after.state.tally().acked, 1);
}
