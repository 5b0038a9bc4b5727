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
    play.state.escalation().unwrap().steps.iter().map(|step| step.state).collect()
}

#[test]
fn the_most_severe_oldest_alert_is_shown_and_counts_down() {
    let mut play = Play::new();
    play.alerts(vec![alert("Slow", Severity::Warning, -900), alert("Young", Severity::Critical, -10), alert("Old", Severity::Critical, -108)]);
    assert_eq!(play.state.escalation().unwrap().alert.name, "Old");
    let expected = [StepState::Told(at(-108)), StepState::In(Duration::from_secs(192)), StepState::In(Duration::from_secs(492))];
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
    play.alerts(vec![fires.clone()]).alerts(Vec::new());
    assert!(play.state.ladders.is_empty() && play.state.escalation().is_none());
    assert!(play.state.timeline.entries.iter().any(|entry| entry.text == "A resolved"));
    play.wait(60).alerts(vec![Alert { starts_at: at(60), ..fires }]);
    assert_eq!(steps(&play)[0], StepState::Told(at(60)), "firing anew starts anew");
}

#[test]
fn a_wall_clock_set_back_or_forward_moves_no_ladder() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -108)]);
    let before = play.records("escalation-step");
    for hours in [-24, 24, 24_000] {
        let utc = start() + chrono::Duration::hours(hours);
        play.send(Msg::Tick(Now { mono: Mono::ZERO, utc }));
        assert_eq!((steps(&play)[1], play.records("escalation-step")), (StepState::In(Duration::from_secs(192)), before));
        assert_eq!(steps(&play)[0], StepState::Told(at(-108)), "what was shown as due then stays so");
    }
}

#[test]
fn the_age_of_an_alert_is_counted_by_its_servers_clock() {
    let mut play = Play::new();
    let list = crate::domain::alert::AlertList { alerts: vec![alert("Old", Severity::Critical, 3_600)], said_by: "Alertmanager".into() };
    let observation = Observation { source: SourceId::Alerts, observed_at: Mono::ZERO, server_time: Some(at(3_660)), what: What::Alerts(list) };
    play.send(Msg::Observation(observation));
    assert_eq!(play.state.escalation().unwrap().age, Duration::from_mins(1));
    assert_eq!(steps(&play)[0], StepState::Told(at(3_600)));
}
