//! Keys: the table, overrides, leaving, palette, viewers, lines.

use std::collections::BTreeMap;

use super::play::*;
use crate::{
    domain::{
        health::SourceId,
        log::{ContainerRole, LogContainer, LogLine},
        mitigation::Friction,
        object::Kind,
        observation::{Delta, What},
    },
    state::{
        Screen,
        action::{ACTIONS, CONFIRM_KEY, Place},
        keymap::{Keymap, KeymapError},
        msg::{Effect, Heights, Hit, Key, KeyCode, LogNews, Mouse, MouseKind, Msg},
        overlay::{Overlay, ViewerKind},
    },
};

fn keymap(overrides: &[(&str, &str)]) -> (Keymap, Vec<KeymapError>) {
    let overrides: BTreeMap<String, Vec<String>> =
        overrides.iter().map(|(id, keys)| ((*id).to_owned(), keys.split_whitespace().map(ToOwned::to_owned).collect())).collect();
    Keymap::new(&overrides)
}

#[test]
fn every_key_of_the_table_has_a_name_and_one_meaning() {
    for (index, action) in ACTIONS.iter().enumerate() {
        for key in action.keys {
            assert!(Key::parse(key).is_some(), "{}: {key}", action.id);
        }
        for other in &ACTIONS[index + 1..] {
            assert_ne!(action.id, other.id);
            let clash = action.keys.iter().find(|key| other.keys.contains(key));
            assert!(clash.is_none() || !action.place.overlaps(other.place), "{} and {} share {clash:?}", action.id, other.id);
        }
    }
}

#[test]
fn a_key_that_opens_a_confirmation_is_never_the_one_that_confirms_it() {
    for action in ACTIONS.iter().filter(|action| action.asks) {
        assert!(!action.keys.contains(&CONFIRM_KEY), "{}", action.id);
        let (_, mistakes) = keymap(&[(action.id, CONFIRM_KEY)]);
        assert!(matches!(mistakes[..], [KeymapError::WouldConfirm { .. }]), "{}: {mistakes:?}", action.id);
    }
}

#[test]
fn an_override_replaces_the_default_keys() {
    let (keymap, mistakes) = keymap(&[("ack", "F5 ctrl-u")]);
    assert_eq!(mistakes, []);
    assert_eq!(keymap.keys_of("ack"), ["F5", "Ctrl-U"]);
    assert_eq!(keymap.action(Key::char('a'), &[Place::Screens]), None);
    assert_eq!(keymap.action(Key::ctrl('u'), &[Place::Screens]).map(|action| action.id), Some("ack"));
}

#[test]
fn mistakes_in_overrides_name_the_key_of_the_configuration() {
    for (id, keys, expected) in [
        ("akc", "x", "keys.akc: there is no such action"),
        ("ack", "hyper-x", "keys.ack: “hyper-x” is not the name of a key"),
        ("ack", "e", "keys.ack: e already means “escalate”"),
        ("ack", "ctrl-c", "keys.ack: Ctrl-C is fixed"),
        ("ack", "ctrl-d", "keys.ack: Ctrl-D is fixed"),
        ("ack", "", "keys.ack: at least one key"),
    ] {
        let (keymap, mistakes) = keymap(&[(id, keys)]);
        assert!(mistakes.len() == 1 && mistakes[0].to_string().starts_with(expected), "{id}={keys}: {mistakes:?}");
        assert_eq!(keymap.keys_of("ack"), ["a"], "the default stays");
    }
}

#[test]
fn two_keys_can_be_swapped() {
    let (keymap, mistakes) = keymap(&[("ack", "e"), ("escalate", "a")]);
    assert_eq!(mistakes, []);
    assert_eq!(keymap.keys_of("ack"), ["e"]);
}

#[test]
fn escape_never_quits_and_q_does() {
    let mut play = Play::new();
    play.press("2 / a enter Esc Esc Esc Esc Esc");
    assert!(!play.effects.iter().any(|effect| matches!(effect, Effect::Quit { .. })));
    assert_eq!(play.state.screen, Screen::Cockpit);
    play.press("q");
    assert_eq!(play.take().last(), Some(&Effect::Quit { code: 0 }));
}

#[test]
fn interrupt_leaves_only_when_pressed_twice_within_two_seconds() {
    let mut play = Play::new();
    play.press("ctrl-c").wait(3).press("ctrl-c j ctrl-c");
    assert_eq!(play.take(), []);
    play.wait(1).press("ctrl-c");
    assert_eq!(play.take(), [Effect::Quit { code: 130 }]);
}

#[test]
fn interrupt_leaves_from_under_a_card() {
    let mut play = Play::new();
    play.bad_deploy().press("u ctrl-c ctrl-c");
    assert!(play.effects.contains(&Effect::Quit { code: 130 }));
}

#[test]
fn ctrl_d_and_ctrl_k_do_nothing_at_all() {
    let mut play = Play::new();
    play.bad_deploy().take();
    for opener in ["", "u", "?", ":", "/"] {
        play.press(opener);
        play.take();
        play.state.dirty = false;
        let overlays = play.state.overlays.clone();
        play.press("ctrl-d ctrl-k");
        assert_eq!((play.take(), play.state.dirty), (Vec::new(), false), "after {opener:?}");
        assert_eq!(play.state.overlays, overlays);
        play.press("Esc");
    }
}

#[test]
fn leaving_asks_while_something_is_in_flight() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(Friction::Key).press("y").press("q");
    assert!(matches!(play.state.overlays.last(), Some(Overlay::QuitQuestion { .. })));
    play.press("q enter");
    assert!(!play.effects.iter().any(|effect| matches!(effect, Effect::Quit { .. })));
    play.press("q y");
    assert!(play.effects.contains(&Effect::Quit { code: 0 }));
}

#[test]
fn the_palette_finds_by_parts_of_a_name_and_takes_arguments() {
    let mut play = Play::new();
    play.bad_deploy().press(":").type_("dep").enter();
    assert_eq!((play.state.screen, play.state.workloads.kind), (Screen::Workloads, Kind::Deployment));
    play.press(":").type_("theme day").enter();
    assert_eq!(play.state.theme, "day");
    assert_eq!(play.take().last(), Some(&Effect::Theme("day".to_owned())));
    play.press(":").type_("scale api-gateway 6").enter();
    assert!(matches!(play.take().last(), Some(Effect::Plan { .. })));
    play.press("Esc :").type_("scale nothing 6").enter();
    assert!(play.card().is_none());
}

#[test]
fn unbuilt_screens_say_so() {
    let mut play = Play::new();
    play.press("7");
    assert_eq!(play.state.screen, Screen::Cockpit);
    assert!(play.state.notice.as_ref().unwrap().text.contains("not in this version"));
}

#[test]
fn a_log_is_followed_until_someone_moves_up() {
    let mut play = Play::new();
    play.bad_deploy().press("l");
    let Some(Effect::Open { viewer, what: ViewerKind::Logs { previous: false, .. }, about }) = play.take().pop() else { panic!("no logs") };
    assert_eq!(about.key, name("api-gateway-b-1"));
    let lines = |count: usize| (0..count).map(|line| format!("line {line}").into()).collect::<Vec<_>>();
    play.send(Msg::Lines { viewer, lines: lines(10_500), ended: None });
    let open = |play: &Play| match play.state.overlays.last() {
        Some(Overlay::Viewer(viewer)) => (**viewer).clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((open(&play).lines.len(), open(&play).dropped, open(&play).cursor.row), (10_000, 500, 9_999));
    play.press("k").send(Msg::Lines { viewer, lines: lines(5), ended: None });
    assert_eq!((open(&play).follow, open(&play).lines[open(&play).cursor.row].as_str()), (false, "line 10498"));
    play.press("/").type_("LINE 777").enter();
    assert_eq!(open(&play).lines[open(&play).cursor.row], "line 777");
    play.press("n");
    assert_eq!(open(&play).lines[open(&play).cursor.row], "line 7770");
    play.press("N c");
    assert_eq!(play.take().last(), Some(&Effect::Copy("line 777".to_owned())));
    play.press("0");
    assert!(open(&play).follow);
    play.press("p");
    assert!(matches!(play.take()[..], [Effect::Close { .. }, Effect::Open { what: ViewerKind::Logs { previous: true, .. }, .. }]));
    play.press("Esc");
    assert!(play.state.overlays.is_empty());
    play.send(Msg::Lines { viewer, lines: lines(1), ended: None });
    assert!(play.state.overlays.is_empty(), "late lines land nowhere");
}

#[test]
fn a_log_goes_on_under_what_lies_over_it() {
    let mut play = Play::new();
    play.bad_deploy().press("l");
    let Some(Effect::Open { viewer, .. }) = play.take().pop() else { panic!("no logs") };
    let lines = |count: usize| (0..count).map(|line| format!("line {line}").into()).collect::<Vec<_>>();
    play.send(Msg::Lines { viewer, lines: lines(50), ended: None }).press(":");
    play.send(Msg::Layout(Heights { overlay: 0, ..play.state.heights })).send(Msg::Lines { viewer, lines: lines(1), ended: None });
    let Some(Overlay::Viewer(shown)) = play.state.overlays.first() else { panic!("no viewer") };
    assert_eq!((shown.cursor.row, shown.cursor.top), (50, 41), "as many lines as before");
}

#[test]
fn the_footer_names_what_has_a_use() {
    let titles = |play: &Play| play.state.footer().iter().map(|entry| entry.title).collect::<Vec<_>>();
    let mut play = Play::new();
    play.alerts(Vec::new());
    for title in ["ack", "escalate", "logs", "describe"] {
        assert!(!titles(&play).contains(&title), "{title}: {:?}", titles(&play));
    }
    play.bad_deploy();
    for title in ["ack", "escalate", "logs", "describe", "filter"] {
        assert!(titles(&play).contains(&title), "{title}: {:?}", titles(&play));
    }
    play.press("?");
    assert!(!titles(&play).contains(&"filter"), "{:?}", titles(&play));
    play.press("esc l");
    assert!(titles(&play).contains(&"search") && !titles(&play).contains(&"filter"), "{:?}", titles(&play));
}

#[test]
fn control_z_stops_the_program_unless_a_mitigation_is_under_way() {
    let mut play = Play::new();
    play.bad_deploy().take();
    play.press("ctrl-z");
    assert_eq!(play.take(), [Effect::Suspend]);
    play.press("/ ctrl-z");
    assert_eq!(play.take(), [Effect::Suspend], "also while something is typed");
    play.press("Esc u").planned(Friction::Key).press("y");
    play.take();
    play.press("ctrl-z").send(Msg::Suspend);
    assert!(!play.take().contains(&Effect::Suspend));
    assert!(play.state.notice.as_ref().unwrap().text.contains("is being written: Ctrl-Z works once that is done"), "{:?}", play.state.notice);
}

#[test]
fn another_container_is_chosen_by_a_list_or_by_name() {
    let mut play = Play::new();
    play.bad_deploy().press("l");
    let Some(Effect::Open { viewer, what: ViewerKind::Logs { container: None, .. }, .. }) = play.take().pop() else { panic!("no logs") };
    let of = |name: &str, role, state: &str| LogContainer { name: name.into(), role, state: state.into(), restarts: 0 };
    let all = vec![
        of("migrate", ContainerRole::Init, "Error (exit code 1)"),
        of("proxy", ContainerRole::Main, "Running"),
        of("app", ContainerRole::Main, "PodInitializing"),
    ];
    play.press("o");
    assert!(play.state.notice.as_ref().unwrap().text.contains("has not said yet"));
    play.send(Msg::Log { viewer, news: LogNews::Containers { all, shown: "app".into() } });
    play.press("o");
    let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no list") };
    let titles: Vec<&str> = menu.items.iter().map(|item| &*item.title).collect();
    assert_eq!((titles, menu.cursor.row), (vec!["migrate (init): Error (exit code 1)", "proxy: Running", "app: PodInitializing"], 2));
    let opened = |play: &mut Play| match play.take().pop() {
        Some(Effect::Open { what: ViewerKind::Logs { container, previous }, .. }) => (container.map(|name| name.to_string()), previous),
        other => panic!("{other:?}"),
    };
    play.press("1");
    assert_eq!(opened(&mut play), (Some("migrate".to_owned()), false));
    play.press("p");
    assert_eq!(opened(&mut play), (Some("migrate".to_owned()), true));
    play.press(":").type_("container proxy").enter();
    assert_eq!(opened(&mut play), (Some("proxy".to_owned()), false));
    assert_eq!(play.state.overlays.len(), 1, "one log lies open");
}

#[test]
fn times_of_log_lines_come_and_go_to_the_millisecond() {
    let mut play = Play::new();
    play.bad_deploy().press("l");
    let Some(Effect::Open { viewer, .. }) = play.take().pop() else { panic!("no logs") };
    let line = |at: &str, text: &str| LogLine { at: at.into(), text: text.into() };
    let lines = vec![line("2026-11-29T18:00:00.000000001Z", "ERROR pool"), line("", "--- the container was restarted ---")];
    play.send(Msg::Log { viewer, news: LogNews::Lines(lines) }).press("g c");
    assert_eq!(play.take().last(), Some(&Effect::Copy("ERROR pool".to_owned())));
    play.press("t c");
    assert_eq!(play.take().last(), Some(&Effect::Copy("2026-11-29T18:00:00.000Z ERROR pool".to_owned())));
    play.press("j c");
    assert_eq!(play.take().last(), Some(&Effect::Copy("--- the container was restarted ---".to_owned())));
    assert!(!play.state.absolute_times, "the times of the screens are another matter");
}

#[test]
fn a_note_goes_to_the_timeline_and_the_journal() {
    let mut play = Play::new();
    play.press("n").type_("called the database team").enter();
    assert_eq!(play.records("note"), 1);
    assert!(play.state.timeline.entries.iter().any(|entry| entry.text == "called the database team"));
}

#[test]
fn read_only_runs_no_mitigation_anywhere_and_says_how_it_is_done_by_kubectl() {
    let mut play = Play::with(crate::config::Config::default(), true);
    play.bad_deploy().take();
    assert_eq!(play.state.advice.suggestions[0].kubectl, "kubectl rollout undo deploy/api-gateway --to-revision=41 -n n --context prod-uk-1");
    play.press("u");
    let notice = play.state.notice.clone().unwrap();
    assert!(notice.text.ends_with(play.state.advice.suggestions[0].kubectl.as_str()), "{notice:?}");
    assert!(play.state.footer().iter().all(|entry| entry.title != "mitigate"));
    assert!(play.state.help().iter().all(|group| !group.title.starts_with("Mitigate")));
    play.press("u Esc r Esc b Esc s Esc m Esc U Esc :").type_("scale api-gateway 6").enter();
    assert!(
        matches!(play.state.overlays.last(), Some(Overlay::Palette(palette)) if palette.complaint.as_ref().is_some_and(|why| why.contains("read-only")))
    );
    play.press("Esc");
    assert!(play.take().iter().all(|effect| !matches!(effect, Effect::Plan { .. })));
    assert!(play.state.overlays.is_empty());
}

#[test]
fn a_click_focuses_sorts_and_never_confirms() {
    let mut play = Play::new();
    let click = |play: &mut Play, hit: Hit| {
        play.send(Msg::Mouse(Mouse { column: 0, row: 0, what: MouseKind::Click, hit: Some(hit), pane: None }));
    };
    play.bad_deploy().press("2");
    click(&mut play, Hit::Row(1));
    assert_eq!(play.state.workloads.focused, Some(name("api-gateway-b-2")));
    click(&mut play, Hit::Column(3));
    click(&mut play, Hit::Column(3));
    assert_eq!((play.state.workloads.sort.column, play.state.workloads.sort.descending), (3, true));
    click(&mut play, Hit::Tab(Kind::Node));
    assert_eq!(play.state.workloads.kind, Kind::Node);
    play.press("1 u").planned(Friction::Key);
    for focus in [crate::state::card::CardFocus::Details, crate::state::card::CardFocus::Reason, crate::state::card::CardFocus::Cancel] {
        click(&mut play, Hit::Card(focus));
    }
    assert_eq!((play.executed(), play.card()), (0, None));
}

#[test]
fn the_cockpit_cursor_stays_on_its_pod() {
    let mut play = Play::new();
    play.bad_deploy().press("j");
    assert_eq!(play.state.cockpit.pod, Some(name("api-gateway-b-2")));
    let first = crash_looping("aaa-1", "aaa");
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(first)]));
    assert_eq!((play.state.cockpit.pod.clone(), play.state.cockpit.pods.row), (Some(name("api-gateway-b-2")), 2));
    play.observe(SourceId::Pods, What::Pods(vec![Delta::Deleted(name("api-gateway-b-2"))]));
    assert_eq!((play.state.cockpit.pod.clone(), play.state.cockpit.pods.row), (Some(name("api-gateway-b-1")), 1));
}

#[test]
fn a_mouse_wheel_scrolls_the_list_under_it() {
    let mut play = Play::new();
    play.bad_deploy().press("2");
    play.send(Msg::Mouse(Mouse { column: 0, row: 0, what: MouseKind::WheelDown, hit: None, pane: None }));
    assert_eq!(play.state.workloads.cursor.row, 2);
}

#[test]
fn shift_is_told_in_two_ways_by_terminals() {
    let mut play = Play::new();
    play.press("2");
    play.send(Msg::Key(Key { code: KeyCode::Tab, ctrl: false, alt: false, shift: true }));
    assert_eq!(play.state.workloads.kind, Kind::Event);
}
