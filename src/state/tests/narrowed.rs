//! `/` on the cockpit: the focused pane is narrowed where it stands, and what it hides is counted.

use super::play::*;
use crate::{
    domain::{
        change::Change,
        health::SourceId,
        log_pattern::{ErrorWindow, Pattern},
        object::Key,
        observation::{Delta, What},
    },
    state::{Screen, screens::cockpit::Pane},
};

fn pods(play: &Play) -> Vec<String> {
    play.state.shown_pods().map(|key| key.name.to_string()).collect()
}

#[test]
fn slash_narrows_the_pods_of_the_cockpit_and_escape_takes_it_back() {
    let mut play = Play::new();
    play.bad_deploy();
    let all = pods(&play);
    assert!(all.len() >= 2, "{all:?}");
    play.press("/").type_("b-2");
    assert_eq!((play.state.screen, pods(&play)), (Screen::Cockpit, vec!["api-gateway-b-2".to_owned()]));
    assert_eq!(play.state.cockpit.pod, Some(name("api-gateway-b-2")));
    assert_eq!(play.state.narrowed(Pane::Pods), (all.len(), 1));
    assert_eq!(play.state.unhealthy_not_shown("b-2"), all.len() - 1);
    play.press("Esc");
    assert_eq!(pods(&play), all);
    // Kept by Enter, and gone with Esc; the pod that was found keeps the cursor.
    play.press("/").type_("b-2").enter();
    assert_eq!(pods(&play), ["api-gateway-b-2"]);
    play.press("Esc");
    assert_eq!(pods(&play), all);
    assert_eq!(play.state.cockpit.pod, Some(name("api-gateway-b-2")));
    assert_eq!(all.get(play.state.cockpit.pods.row).map(String::as_str), Some("api-gateway-b-2"));
    assert_eq!(play.state.screen, Screen::Cockpit);
}

#[test]
fn a_filter_of_the_cockpit_has_the_words_of_the_tables() {
    let mut play = Play::new();
    play.bad_deploy();
    for (typed, left) in [("app=api-gateway !b-1", vec!["api-gateway-b-2"]), ("CRASH b-1", vec!["api-gateway-b-1"]), ("no-such-pod", vec![])] {
        play.press("/ ctrl-u").type_(typed).enter();
        assert_eq!(pods(&play), left, "{typed}");
    }
    assert_eq!(play.state.cockpit.pod, None);
    play.press("j G d l");
    // Without a pod under the cursor nothing is opened, and what is focused is none that is hidden.
    assert!(play.state.focused().is_none());
}

#[test]
fn each_pane_has_its_own_filter() {
    let mut play = Play::new();
    play.bad_deploy();
    let pattern = |service: &str| Pattern { service: service.into(), ..pattern_of_errors() };
    let patterns = vec![pattern("core-engine"), pattern("api-gateway")];
    play.state.errors = Some(ErrorWindow { recent: 4, patterns, ..ErrorWindow::default() });
    play.state.cockpit.focus = Pane::Errors;
    play.press("/").type_("gateway").enter();
    assert_eq!(play.state.shown_patterns().map(|pattern| pattern.service.to_string()).collect::<Vec<_>>(), ["api-gateway"]);
    assert_eq!(play.state.filter_of(Pane::Pods), "");
    assert_eq!(play.state.pattern_under_cursor().map(|pattern| pattern.service.to_string()), Some("api-gateway".to_owned()));
    play.state.cockpit.focus = Pane::Suggestions;
    // A pane without a list to be narrowed hands over to the pods.
    play.press("/").type_("b-1").enter();
    assert_eq!((play.state.cockpit.focus, play.state.filter_of(Pane::Pods)), (Pane::Pods, "b-1"));
    assert_eq!(play.state.filter_of(Pane::Errors), "gateway");
    play.press("Esc Esc");
    assert_eq!((play.state.filter_of(Pane::Pods), play.state.filter_of(Pane::Errors)), ("", ""));
}

#[test]
fn a_pod_that_falls_ill_under_a_filter_is_counted_and_moves_no_cursor() {
    let mut play = Play::new();
    play.bad_deploy().press("/").type_("b-2").enter();
    let hidden = play.state.unhealthy_not_shown("b-2");
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(crash_looping("aaa-1", "aaa"))]));
    assert_eq!(play.state.unhealthy_not_shown("b-2"), hidden + 1);
    assert_eq!((play.state.cockpit.pod.clone(), play.state.cockpit.pods.row), (Some(name("api-gateway-b-2")), 0));
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(crash_looping("aab-2", "aab"))]));
    assert_eq!((play.state.cockpit.pod.clone(), play.state.cockpit.pods.row), (Some(name("api-gateway-b-2")), 1));
}

#[test]
fn changes_are_found_by_what_happened_and_by_whom() {
    let mut play = Play::new();
    play.bad_deploy();
    let all = play.state.cluster.changes.len();
    assert!(all > 0);
    play.state.cockpit.focus = Pane::Changes;
    let first: Change = play.state.cluster.changes[0].clone();
    play.press("/").type_(&first.object.key.name).enter();
    assert!(play.state.shown_changes().all(|change| change.in_short().contains(first.object.key.name.as_str())));
    assert!(play.state.shown_changes().next().is_some());
    play.press("/ ctrl-u").type_("nobody-did-this").enter();
    assert_eq!(play.state.narrowed(Pane::Changes), (all, 0));
    assert_eq!(play.state.focused().map(|focused| focused.key), None::<Key>);
}

fn pattern_of_errors() -> Pattern {
    Pattern {
        service: "core-engine".into(),
        shape: "pool timed out after <n> ms".into(),
        recent: 2,
        read: 2,
        first_seen: at(0),
        last_seen: at(60),
        is_dated: true,
        is_new: false,
        is_surging: false,
        quiet_minutes: None,
        example: "pool timed out after 30 ms".into(),
    }
}
