//! Events: their table, the way from one to what it is about, and the warnings of the cockpit.

use super::play::*;
use crate::{
    domain::{
        health::SourceId,
        object::{Key, Kind},
        observation::{Delta, What},
        workload::Event,
    },
    state::{Screen, msg::Effect, overlay::ViewerKind},
};

fn event(id: &str, about: (&str, &str, &str), reason: &str, seconds: i64) -> Event {
    Event {
        key: name(id),
        uid: id.into(),
        is_warning: reason != "Pulled",
        reason: reason.into(),
        message: "what happened".into(),
        count: 3,
        first_seen: Some(at(seconds)),
        last_seen: Some(at(seconds)),
        about: (about.0.into(), about.1.into(), about.2.into()),
    }
}

fn of_pod(id: &str, pod: &str, reason: &str, seconds: i64) -> Event {
    event(id, ("Pod", pod, pod), reason, seconds)
}

fn play_with(events: Vec<Event>) -> Play {
    let mut play = Play::new();
    play.bad_deploy();
    tell(&mut play, events);
    play
}

fn tell(play: &mut Play, events: Vec<Event>) {
    let deltas = events.into_iter().map(Delta::Applied).chain([Delta::Listed]).collect();
    play.observe(SourceId::Events, What::Events(deltas));
}

fn shown(play: &Play) -> Vec<&str> {
    play.state.workloads.rows.iter().map(|key| key.name.as_str()).collect()
}

fn warnings(play: &Play) -> Vec<String> {
    let told = play.state.warnings.list.iter().map(|one| {
        let past = if one.is_past { " past" } else { "" };
        format!("{} {} ×{}{past}", one.reason, one.about, one.count)
    });
    told.collect()
}

fn command(play: &mut Play, line: &str) {
    play.press(":").type_(line).enter();
}

#[test]
fn the_newest_event_is_on_top_however_they_come() {
    let mut play = play_with(vec![of_pod("e-2", "a", "Pulled", -60), of_pod("e-9", "a", "BackOff", -60), of_pod("e-1", "a", "BackOff", -120)]);
    command(&mut play, "events");
    assert_eq!((play.state.screen, play.state.workloads.kind), (Screen::Workloads, Kind::Event));
    assert_eq!(shown(&play), ["e-2", "e-9", "e-1"]);
    tell(&mut play, vec![of_pod("e-1", "a", "BackOff", -1), of_pod("e-9", "a", "BackOff", -60), of_pod("e-2", "a", "Pulled", -60)]);
    assert_eq!(shown(&play), ["e-1", "e-2", "e-9"]);
    play.press("/").type_("warning !e-1").enter();
    assert_eq!(shown(&play), ["e-1", "e-9"], "names of events are nobody's words");
    play.press("/ ctrl-u").type_("pulled").enter();
    assert_eq!(shown(&play), ["e-2"]);
}

#[test]
fn enter_goes_to_the_row_of_the_object_and_escape_back_to_the_event() {
    let mut play = play_with(vec![of_pod("e-1", "api-gateway-b-2", "BackOff", -60), of_pod("e-2", "api-gateway-b-1", "BackOff", -50)]);
    command(&mut play, "ev");
    play.press("/").type_("b-2").enter().press("enter");
    assert_eq!((play.state.workloads.kind, play.state.workloads.detail.clone()), (Kind::Pod, Some(name("api-gateway-b-2"))));
    assert_eq!(play.state.workloads.focused, Some(name("api-gateway-b-2")));
    play.press("esc");
    assert_eq!(
        (play.state.workloads.kind, play.state.workloads.filter.as_str(), play.state.workloads.focused.clone()),
        (Kind::Event, "b-2", Some(name("e-1")))
    );
    play.press("esc esc");
    assert_eq!(play.state.screen, Screen::Cockpit);
}

#[test]
fn what_has_no_row_is_described_or_said_to_be_gone() {
    let mut play = play_with(vec![event("e-1", ("StatefulSet", "redis", "s"), "FailedCreate", -60)]);
    command(&mut play, "events");
    play.enter();
    let described = |effect: &Effect| matches!(effect, Effect::Open { about, what: ViewerKind::Describe, .. } if about.kind == Kind::StatefulSet);
    assert!(play.take().iter().any(described));

    for (about, words) in [
        (("Pod", "gone-1", "g"), "pod/gone-1 is not in the cluster any more"),
        (("Pod", "api-gateway-b-1", "another uid"), "is not in the cluster any more"),
        (("Certificate", "tls", "c"), "nothing more is known here of a Certificate"),
    ] {
        let mut play = play_with(vec![event("e-1", about, "Failed", -60)]);
        command(&mut play, "events");
        play.enter();
        assert_eq!(play.state.workloads.kind, Kind::Event);
        assert!(play.state.notice.as_ref().is_some_and(|notice| notice.text.contains(words)), "{:?}", play.state.notice);
    }
}

#[test]
fn an_event_is_described_itself_and_its_pod_has_the_logs() {
    let mut play = play_with(vec![of_pod("e-1", "api-gateway-b-2", "BackOff", -60)]);
    command(&mut play, "events");
    play.press("d");
    assert!(play.take().iter().any(|effect| matches!(effect, Effect::Open { about, .. } if about.kind == Kind::Event)));
    play.press("esc l");
    let is_log =
        |effect: &Effect| matches!(effect, Effect::Open { about, what: ViewerKind::Logs { .. }, .. } if about.key == name("api-gateway-b-2"));
    assert!(play.take().iter().any(is_log));
}

#[test]
fn warnings_of_the_pods_of_a_deployment_are_one_and_fade() {
    let mut play = play_with(vec![
        of_pod("e-1", "api-gateway-b-1", "BackOff", -20),
        of_pod("e-2", "api-gateway-b-2", "BackOff", -10),
        of_pod("e-3", "api-gateway-a-9", "Unhealthy", -30),
        of_pod("e-4", "core-engine-x-1", "Pulled", -1),
        event("e-5", ("ReplicaSet", "api-gateway-b", "api-gateway-b"), "FailedCreate", -40),
    ]);
    assert_eq!(warnings(&play), ["BackOff api-gateway ×6", "FailedCreate api-gateway ×3", "Unhealthy api-gateway ×3 past"]);
    play.wait(400);
    assert!(warnings(&play).iter().all(|one| one.ends_with("past")), "{:?}", warnings(&play));
    play.wait(600);
    assert_eq!(warnings(&play), [""; 0]);
}

#[test]
fn the_warnings_of_a_storm_are_grouped_once_a_second() {
    let mut play = play_with(vec![of_pod("e-1", "api-gateway-b-1", "BackOff", -20)]);
    tell(&mut play, vec![of_pod("e-1", "api-gateway-b-1", "BackOff", -20), of_pod("e-2", "api-gateway-b-2", "BackOff", -10)]);
    assert_eq!(warnings(&play), ["BackOff api-gateway ×3"]);
    let wake = play.state.next_wake().unwrap();
    assert!(wake.since(play.state.now.mono) <= std::time::Duration::from_secs(1));
    play.wait(1);
    assert_eq!(warnings(&play), ["BackOff api-gateway ×6"]);
}

#[test]
fn an_event_about_a_node_leads_to_the_node() {
    let node = event("e-1", ("Node", "node-1", "node-1"), "NodeNotReady", -5);
    assert_eq!(node.object().map(|object| (object.kind, object.key)), Some((Kind::Node, Key::new("", "node-1"))));
}
