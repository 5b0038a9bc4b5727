//! Kinds of mitigation on the screen: menu and palette offer them by what they say of themselves.

use super::play::*;
use crate::{
    actions::kinds,
    config::Config,
    domain::{
        alert::Severity,
        ask::{Finished, RequestKind, Undoable},
        command::{CommandEffect, CommandEntry},
        health::SourceId,
        mitigation::ActionEvent,
        mitigation::Friction,
        observation::{Delta, What},
    },
    state::{
        msg::{Effect, Msg},
        overlay::{Overlay, ViewerKind},
    },
};

fn play_with(config: Config) -> Play {
    let mut play = Play::with(config, false);
    play.state = std::mem::replace(&mut play.state, Play::new().state).with_kinds(kinds::catalogue());
    play.bad_deploy();
    play
}

fn play() -> Play {
    play_with(Config::default())
}

/// Kind and words of the last plan that was asked for.
fn asked(play: &Play) -> (&'static str, Vec<String>) {
    let Some(Effect::Plan { request, .. }) = play.effects.last() else { panic!("no plan was asked for") };
    let RequestKind::Do(wish) = &request.kind else { panic!("{request:?}") };
    (wish.kind(), wish.words())
}

fn palette(play: &Play) -> (String, Vec<String>) {
    let Some(Overlay::Palette(palette)) = play.state.overlays.last() else { panic!("no palette") };
    (palette.line.text.clone(), palette.matches.iter().map(|entry| entry.title.to_string()).collect())
}

#[test]
fn the_menu_offers_what_can_be_done_to_the_deployment_behind_the_focus() {
    let mut play = play();
    play.press("m");
    let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no menu") };
    let titles: Vec<_> = menu.items.iter().map(|item| item.title.as_str()).collect();
    for title in ["restart deployment/api-gateway", "pause the rollout of deployment/api-gateway", "set the images of deployment/api-gateway"] {
        assert!(titles.contains(&title), "{titles:?}");
    }
    play.press("R");
    assert_eq!(asked(&play), ("restart", vec!["deployment/api-gateway".to_owned()]));
}

/// With this many commands that only look, in any pod that is not of a database.
fn play_with_commands(count: usize) -> Play {
    let mut config = Config::default();
    let command = |index| CommandEntry {
        selector: "tier!=database".to_owned(),
        summary: "look".to_owned(),
        argv: vec!["date".to_owned()],
        effect: Some(CommandEffect::Reads),
        ..CommandEntry::new(&format!("look-{index}"))
    };
    config.mitigations.commands = (1..=count).map(command).collect();
    play_with(config)
}

#[test]
fn no_key_of_the_menu_means_two_lines() {
    let mut play = play_with_commands(11);
    play.press("2 m");
    let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no menu") };
    let keys: Vec<char> = menu.items.iter().filter_map(|item| item.key).collect();
    let distinct: std::collections::BTreeSet<char> = keys.iter().copied().collect();
    assert_eq!(distinct.len(), keys.len(), "{keys:?}");
    let keyless: Vec<_> = menu.items.iter().filter(|item| item.key.is_none()).map(|item| item.title.as_str()).collect();
    assert_eq!(keyless, ["run look-10: look", "run look-11: look"]);
    play.press("3");
    let Some(Effect::Open { what: ViewerKind::Command { run: Some(run), .. }, .. }) = play.effects.last() else { panic!("{:?}", play.effects) };
    assert_eq!(run.entry, "look-3");
}

#[test]
fn the_name_of_a_kind_with_a_space_is_the_beginning_of_no_longer_name() {
    let mut play = play_with_commands(2);
    play.press(":").type_("run ");
    assert_eq!(palette(&play).1[..2], ["run look-1: look", "run look-2: look"]);
}

#[test]
fn a_kind_of_several_pods_takes_the_marked_ones() {
    let mut play = play();
    play.press("2 space j space m");
    let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no menu") };
    let titles: Vec<_> = menu.items.iter().map(|item| item.title.as_str()).collect();
    assert!(titles.contains(&"delete 2 marked pods") && titles.contains(&"evict 2 marked pods"), "{titles:?}");
    play.press("D");
    let (kind, words) = asked(&play);
    let marked: Vec<_> = play.state.workloads.marks.iter().map(|pod| format!("pod/{}", pod.name)).collect();
    assert_eq!((kind, words), ("delete-pod", marked));
}

#[test]
fn there_is_nothing_to_stop_where_nothing_is_written() {
    let mut play = play();
    play.press("x");
    assert!(play.effects.iter().all(|effect| !matches!(effect, Effect::Stop(_))));
    assert!(play.state.notice.as_ref().is_some_and(|notice| notice.text.contains("nothing to stop")), "{:?}", play.state.notice);
}

#[test]
fn a_kind_with_arguments_is_finished_in_the_palette() {
    let mut play = play();
    play.press("m i");
    assert_eq!(palette(&play).0, "set-image n:deployment/api-gateway ");
    play.type_("main=i:2").enter();
    assert_eq!(asked(&play), ("set-image", vec!["deployment/api-gateway".to_owned(), "main=i:2".to_owned()]));
}

#[test]
fn a_kind_is_found_by_name_and_goes_on_to_its_objects() {
    let mut play = play();
    play.press(":").type_("pause").enter();
    let (line, titles) = palette(&play);
    assert_eq!((line.as_str(), titles.first().map(String::as_str)), ("pause ", Some("pause n:deployment/api-gateway")));
    play.press("down").enter();
    assert_eq!(asked(&play), ("pause", vec!["deployment/api-gateway".to_owned()]));
}

#[test]
fn a_kind_that_is_typed_wrongly_says_what_it_lacks_and_the_line_stays() {
    for (typed, complaint) in [
        ("set-image api-gateway main=i:2", "api-gateway says no kind: write deployment/api-gateway"),
        ("set-image deployment/api-gateway i:2", "CONTAINER=IMAGE"),
        ("cordon node/a b", "b"),
    ] {
        let mut play = play();
        play.press(":").type_(typed).enter();
        let Some(Overlay::Palette(palette)) = play.state.overlays.last() else { panic!("{typed}: no palette") };
        let said = palette.complaint.as_ref().unwrap_or_else(|| panic!("{typed}: no complaint"));
        assert!(said.contains(complaint), "{typed}: {said}");
        assert_eq!(palette.line.text, typed);
    }
}

#[test]
fn where_only_one_kind_is_possible_its_name_is_enough() {
    let mut play = play();
    play.press(":").type_("cordon a").enter();
    assert_eq!(asked(&play), ("cordon", vec!["node/a".to_owned()]));
    // Of several kinds one has to be said, also where others begin alike.
    let mut play = self::play();
    play.press(":").type_("restart api-gateway").enter();
    let Some(Overlay::Palette(palette)) = play.state.overlays.last() else { panic!("no palette") };
    let said = palette.complaint.as_ref().unwrap();
    assert!(said.starts_with("api-gateway says no kind: write deployment/api-gateway or"), "{said}");
}

#[test]
fn a_silence_is_chosen_among_the_alerts_that_fire() {
    let mut play = play();
    play.alerts(vec![alert("A", Severity::Critical, 0)]);
    play.press(":").type_("silence").enter();
    let (line, titles) = palette(&play);
    assert_eq!(line, "silence ");
    assert!(titles[0].starts_with("silence A") && titles[0].ends_with("for=1h"), "{titles:?}");
    play.enter();
    let Some(Overlay::Palette(shown)) = play.state.overlays.last() else { panic!("it writes: it is chosen first") };
    assert!(shown.complaint.is_some());
    play.press("down").enter();
    assert_eq!(asked(&play).0, "silence");
    // Without an alert it says what it takes, in words for people.
    let mut play = self::play();
    play.alerts(Vec::new()).press(":").type_("silence ").enter();
    let Some(Overlay::Palette(shown)) = play.state.overlays.last() else { panic!("no palette") };
    let said = shown.complaint.as_ref().unwrap();
    assert!(said.contains("names no alert") && !said.contains("FINGERPRINT"), "{said}");
}

#[test]
fn the_menu_greys_what_would_do_nothing() {
    let mut play = play();
    let why = |play: &Play, kind: &str| {
        let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no menu") };
        let item = menu.items.iter().find(|item| item.title.starts_with(kind)).unwrap_or_else(|| panic!("{kind} is not in the menu"));
        item.disabled.as_ref().map(ToString::to_string)
    };
    play.press("m");
    assert_eq!(why(&play, "pause "), None);
    assert_eq!(why(&play, "resume ").as_deref(), Some("it is not paused"));
    let mut paused = play.state.cluster.deployments.objects.values().next().unwrap().clone();
    paused.paused = true;
    play.press("esc").observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(paused)])).press("m");
    assert_eq!(why(&play, "pause ").as_deref(), Some("it is paused already"));
    assert_eq!(why(&play, "resume "), None);
}

#[test]
fn a_kind_that_finds_its_object_by_itself_is_asked_for_by_name() {
    let mut play = play();
    play.press(":").type_("restart-dns").enter();
    assert_eq!(asked(&play), ("restart-dns", Vec::new()));
}

#[test]
fn a_kind_that_is_switched_off_is_not_offered() {
    let mut config = Config::default();
    config.mitigations.disabled.push("pause".to_owned());
    let mut play = play_with(config);
    play.press(":").type_("pause n:deployment/api-gateway").enter();
    assert!(!play.effects.iter().any(|effect| matches!(effect, Effect::Plan { .. })));
}

#[test]
fn what_earlier_runs_did_can_be_taken_back_by_name() {
    let mut play = play();
    let one = Undoable {
        id: 12,
        title: "Scale · api-gateway".into(),
        time: "02:14".into(),
        by: "me".into(),
        undo: "scale deployment/api-gateway 3".into(),
        is_undo: false,
    };
    play.send(Msg::Action(ActionEvent::Undoable { all: vec![one] }));
    play.press(":").type_("undo #12");
    assert_eq!(palette(&play).1[0], "undo #12 Scale · api-gateway: scale deployment/api-gateway 3");
    play.enter();
    let Some(Effect::Plan { request, .. }) = play.effects.last() else { panic!("no plan") };
    assert_eq!(request.kind, RequestKind::Undo { of: Finished::Recorded(12) });
    play.planned(Friction::Key);
    let said = play.state.takes_back(play.card().unwrap()).unwrap();
    assert_eq!(said, "this takes back “Scale · api-gateway” of 02:14 by me");
}

#[test]
fn a_name_typed_in_full_wins_over_longer_ones_and_the_beginning_of_one_that_writes_chooses_nothing() {
    for name in ["restart", "evict", "delete-pod"] {
        let mut play = play();
        play.press(":").type_(name).enter();
        let (line, offered) = palette(&play);
        assert_eq!(line, format!("{name} "));
        assert!(offered[0].starts_with(&format!("{name} ")), "{offered:?}");
    }
    for beginning in ["del", "evi", "set-im"] {
        let mut play = play();
        play.press(":").type_(beginning);
        let Some(Overlay::Palette(shown)) = play.state.overlays.last() else { panic!("no palette") };
        assert!(!shown.is_chosen, "{beginning}");
        play.enter();
        assert_eq!(palette(&play).0, beginning);
    }
}
