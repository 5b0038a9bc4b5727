//! Cards: what opens one, what confirms one and what does not, and what becomes of it.

use super::play::*;
use crate::{
    config::Config,
    domain::{
        alert::Severity,
        ask::{Finished, RequestKind},
        asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout, Unhealthy},
        health::SourceId,
        kpi::{History, KpiReading},
        mitigation::{ActionEvent, CardId, Check, CheckKind, CheckResult, ClusterIdentity, Friction, MitigationId, Outcome},
        object::Kind,
        observation::{Delta, Identity, What},
        time::Mono,
        verdict::Judgement,
    },
    state::{
        card::{CardContent, CardFocus, Stage},
        msg::{Effect, Key, KeyCode, Msg},
        overlay::{Overlay, ViewerKind},
        timeline::EntryKind,
    },
};

fn word() -> Friction {
    Friction::Word("prod".into())
}

#[test]
fn the_right_card_is_one_key_away_and_the_word_confirms_it() {
    let mut play = Play::new();
    play.bad_deploy().press("u");
    let Some(Effect::Plan { request, .. }) = play.effects.last().cloned() else { panic!("no plan") };
    assert_eq!(request.kind, RequestKind::of(UndoRollout::deployment(name("api-gateway"), Some(41))));
    play.planned(word()).type_("prod").enter();
    assert_eq!((play.executed(), play.card()), (1, None));
    assert!(matches!(play.state.mitigations.all[..], [ref one] if matches!(one.stage, Stage::Executing { .. })));
}

#[test]
fn anything_but_the_word_does_nothing_and_says_so() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word()).enter();
    assert_eq!(play.card().unwrap().complaint.as_ref().unwrap(), &"type prod to confirm");
    play.type_("prd").enter().type_("y").enter();
    assert_eq!(play.executed(), 0);
    play.press("ctrl-u").type_("prod").enter();
    assert_eq!(play.executed(), 1);
}

#[test]
fn what_a_small_window_does_not_show_is_not_confirmed_there() {
    for (columns, rows) in [(39, 24), (80, 9), (20, 5)] {
        let mut play = Play::new();
        play.bad_deploy().press("u").planned(word());
        play.send(Msg::Resize { columns, rows }).type_("prod").enter();
        assert_eq!(play.executed(), 0);
        assert!(play.card().unwrap().complaint.as_ref().unwrap().contains("too small"));
        play.send(Msg::Resize { columns: 40, rows: 10 }).enter();
        assert_eq!(play.executed(), 1);
    }
}

#[test]
fn a_stray_enter_cancels_a_card_that_asks_for_one_key() {
    let mut play = Play::new();
    play.bad_deploy().press("r").planned(Friction::Key);
    assert_eq!(play.card().unwrap().focus, CardFocus::Cancel);
    play.enter();
    assert_eq!((play.executed(), play.card()), (0, None));
    assert!(matches!(play.take().last(), Some(Effect::Abandon { .. })));
    play.press("r").planned(Friction::Key).press("y");
    assert_eq!(play.executed(), 1);
}

#[test]
fn keys_before_the_card_was_drawn_do_not_count() {
    let mut play = Play::new();
    play.bad_deploy().press("r y enter");
    let card = play.answer(Friction::Key);
    play.press("y");
    assert_eq!((play.executed(), play.card().is_some()), (0, true));
    play.shown(card).press("y");
    assert_eq!(play.executed(), 1);
}

#[test]
fn a_frame_of_the_unplanned_card_does_not_count_for_the_plan() {
    let mut play = Play::new();
    play.bad_deploy().press("r");
    play.shown(CardId(1));
    play.answer(Friction::Key);
    play.press("y");
    assert_eq!(play.executed(), 0);
}

#[test]
fn unfinished_and_blocking_checks_hold_the_card() {
    let mut play = Play::new();
    play.bad_deploy().press("r").planned(Friction::Key);
    let card = play.card().unwrap().id;
    let told = |play: &mut Play, result: CheckResult| {
        play.send(Msg::Action(ActionEvent::Checked { card, check: Check { what: CheckKind::DryRun, result } }));
        play.press("y");
        play.card().map(|card| card.complaint.clone().unwrap().to_string())
    };
    assert_eq!(told(&mut play, CheckResult::Pending).as_deref(), Some("still checking: server dry-run"));
    play.send(Msg::Action(ActionEvent::Checked { card, check: Check { what: CheckKind::DryRun, result: CheckResult::Block("no".into()) } }));
    assert_eq!(play.card().unwrap().complaint, None, "what is checked is not called still checked");
    assert_eq!(told(&mut play, CheckResult::Block("forbidden".into())).as_deref(), Some("blocked: forbidden"));
    assert_eq!(play.card().unwrap().checks.len(), 5, "one check of each kind");
    assert_eq!(told(&mut play, CheckResult::Pass("ok".into())), None);
    assert_eq!(play.executed(), 1);
}

#[test]
fn a_wrong_word_is_said_while_checks_are_running() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word());
    let card = play.card().unwrap().id;
    let dry_run = |result| Msg::Action(ActionEvent::Checked { card, check: Check { what: CheckKind::DryRun, result } });
    play.send(dry_run(CheckResult::Pending));
    play.press("p enter");
    let complaint = |play: &mut Play| play.card().unwrap().complaint.clone().map(|complaint| complaint.to_string());
    assert_eq!(complaint(&mut play).as_deref(), Some("type prod to confirm"));
    play.send(dry_run(CheckResult::Pass("accepted".into())));
    assert_eq!(complaint(&mut play).as_deref(), Some("type prod to confirm"), "the end of a check makes no word right");
}

#[test]
fn a_late_answer_does_not_land_on_another_card() {
    let mut play = Play::new();
    play.bad_deploy().press("u Esc r");
    let late = plan(MitigationId(1), word());
    play.send(Msg::Action(ActionEvent::Planned { card: CardId(1), plan: Box::new(late) }));
    assert_eq!(play.card().unwrap().content, CardContent::Planning);
}

#[test]
fn the_word_is_typed_not_pasted() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word());
    play.send(Msg::Paste("prod".to_owned())).enter();
    assert_eq!(play.executed(), 0);
    play.press("tab");
    play.send(Msg::Paste("bad\ndeploy".to_owned()));
    assert!(play.card().unwrap().reason.ends_with("bad deploy"));
}

#[test]
fn tab_goes_round_the_card() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word());
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(play.card().unwrap().focus);
        play.press("tab");
    }
    assert_eq!(seen, [CardFocus::Word, CardFocus::Reason, CardFocus::Details, CardFocus::Cancel]);
    play.press("shift-tab").enter();
    assert!(play.card().is_none(), "enter on cancel cancels");
}

#[test]
fn the_whole_diff_lies_over_its_card_and_d_in_a_field_is_a_letter() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word()).type_("d");
    assert_eq!(play.card().unwrap().typed, "d");
    play.press("tab tab");
    play.take();
    play.press("d");
    assert!(matches!(&play.take()[..], [Effect::Open { what: ViewerKind::Diff { writes }, .. }] if writes.len() == 1));
    assert!(matches!(play.state.overlays.last(), Some(Overlay::Viewer(_))));
    play.press("y enter");
    assert_eq!(play.executed(), 0, "nothing is confirmed from above it");
    play.press("Esc");
    assert_eq!(play.card().unwrap().focus, CardFocus::Details);
}

#[test]
fn y_in_the_reason_is_a_letter() {
    let mut play = Play::new();
    play.bad_deploy().press("r").planned(Friction::Key).press("tab ctrl-u").type_("why").enter();
    assert_eq!(play.executed(), 0);
    assert_eq!(play.card().unwrap().reason, "why");
    play.press("y");
    let Some(Effect::Execute(confirmed)) = play.effects.last() else { panic!("not executed") };
    assert_eq!(confirmed.reason(), &"why");
}

#[test]
fn a_required_reason_is_asked_for() {
    let mut config = Config::default();
    config.mitigations.reason_required = true;
    let mut play = Play::with(config, false);
    play.bad_deploy().press("b Esc :").type_("undo api-gateway").enter().planned(Friction::Key).press("y");
    assert_eq!(play.executed(), 0);
    play.press("tab").type_("bad deploy").enter().press("y");
    assert_eq!(play.executed(), 1);
}

#[test]
fn nothing_opens_while_disarmed_and_an_open_card_says_why() {
    let mut play = Play::new();
    play.bad_deploy().press("r").planned(Friction::Key);
    play.send(Msg::Action(ActionEvent::Journal { broken: Some("disk full".into()) }));
    play.press("y");
    assert_eq!(play.executed(), 0);
    assert!(play.card().unwrap().complaint.as_ref().unwrap().contains("disk full"));
    play.press("Esc u");
    assert!(play.card().is_none());
    assert!(play.state.footer().iter().any(|entry| entry.title == "mitigate" && entry.disabled.is_some()));
    play.send(Msg::Action(ActionEvent::Journal { broken: None })).press("u");
    assert!(play.card().is_some());
}

#[test]
fn another_cluster_under_the_same_name_is_never_written_to() {
    let mut play = Play::new();
    play.bad_deploy().press("r").planned(Friction::Key);
    let other = ClusterIdentity { uid: "uid-2".into(), ..cluster() };
    play.observe(SourceId::Cluster, What::Identity(Identity { cluster: other.clone(), version: "v1".into() }));
    play.press("y");
    assert_eq!(play.executed(), 0);
    assert!(play.state.disarmed().unwrap().contains("another cluster"));
    play.observe(SourceId::Cluster, What::Identity(Identity { cluster: cluster(), version: "v1".into() })).press("y");
    assert_eq!(play.executed(), 1);
}

#[test]
fn a_plan_for_another_cluster_cannot_be_confirmed() {
    let mut play = Play::new();
    play.bad_deploy().press("r");
    let mut foreign = plan(MitigationId(1), Friction::Key);
    foreign.cluster.uid = "uid-2".into();
    play.send(Msg::Action(ActionEvent::Planned { card: CardId(1), plan: Box::new(foreign) }));
    play.passed(CardId(1)).shown(CardId(1)).press("y");
    assert_eq!(play.executed(), 0);
    assert!(matches!(play.card().unwrap().content, CardContent::Impossible(_)));
}

#[test]
fn one_write_at_a_time_to_one_target() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(Friction::Key).press("y").press("u");
    assert!(play.card().is_none());
    assert!(play.state.notice.as_ref().unwrap().text.contains("still being written"));
    let id = play.state.mitigations.all[0].id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true })).press("u");
    assert!(play.card().is_some());
}

#[test]
fn scaling_asks_for_the_number_first() {
    let mut play = Play::new();
    play.bad_deploy().press("2").press("s");
    let Some(Overlay::Replicas(prompt)) = play.state.overlays.last() else { panic!("no prompt") };
    assert_eq!((prompt.current, prompt.line.text.as_str()), (3, "4"));
    play.press("ctrl-u").type_("x").enter();
    assert!(matches!(play.state.overlays.last(), Some(Overlay::Replicas(prompt)) if prompt.complaint.is_some()));
    play.press("ctrl-u").type_("6").enter();
    let Some(Effect::Plan { request, .. }) = play.effects.last() else { panic!("no plan") };
    assert_eq!(request.kind, RequestKind::of(Scale::deployment(name("api-gateway"), 6)));
}

#[test]
fn the_menu_offers_what_can_be_done_and_says_why_not() {
    let mut play = Play::new();
    play.bad_deploy().press("m");
    let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no menu") };
    let disabled: String = menu.items.iter().filter(|item| item.disabled.is_some()).filter_map(|item| item.key).collect();
    assert_eq!(disabled, "U");
    play.press("U");
    assert!(matches!(play.state.overlays.last(), Some(Overlay::Menu(_))));
    play.press("b");
    assert!(
        matches!(play.effects.last(), Some(Effect::Plan { request, .. }) if request.get::<SetConfigKey>().is_some_and(|ask| ask.value.as_deref() == Some("true")))
    );
}

#[test]
fn another_way_to_the_same_end_has_a_card_of_its_own() {
    use crate::domain::{ask::Wish, asks::Scale, mitigation::Alternative};
    let mut play = Play::new();
    let other = Wish::new(Scale::deployment(name("api-gateway"), 9));
    play.bad_deploy().press("u");
    play.answer_with(Friction::Key, |plan| plan.alternative = Some(Alternative { words: "by force".into(), wish: other.clone() }));
    let id = match play.state.overlays.last() {
        Some(Overlay::Card(card)) => card.id,
        _ => panic!("no card"),
    };
    play.press("f");
    let [.., Effect::Abandon { card }, Effect::Plan { request, .. }] = play.effects.as_slice() else { panic!("{:?}", play.effects) };
    assert_eq!((*card, &request.kind), (id, &RequestKind::Do(other)));
    assert_eq!(play.executed(), 0);
    play.press("Esc").bad_deploy().press("u").planned(Friction::Key).press("f");
    assert!(matches!(play.state.overlays.last(), Some(Overlay::Card(_))), "without one the key does nothing");
}

#[test]
fn marked_pods_are_what_a_restart_means() {
    let mut play = Play::new();
    play.bad_deploy().press("2 j space r");
    let Some(Effect::Plan { request, .. }) = play.effects.last() else { panic!("no plan") };
    let Some(RestartUnhealthy { pods: Unhealthy::Listed(pods), .. }) = request.get() else { panic!("{request:?}") };
    assert_eq!(pods.iter().map(|pod| pod.key.clone()).collect::<Vec<_>>(), [name("api-gateway-b-2")]);
    play.press("Esc Esc j j space r");
    assert!(play.state.notice.as_ref().unwrap().text.contains("none of the marked pods"), "{:?}", play.state.notice);
}

/// Confirms the undo of the bad deploy and lets it be written.
fn undone() -> (Play, MitigationId) {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all[0].id;
    play.send(Msg::Action(ActionEvent::Started { id }));
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    (play, id)
}

#[test]
fn a_verdict_is_told_kept_and_journalled() {
    let (mut play, id) = undone();
    play.send(Msg::Action(ActionEvent::Converging { id, ready: 1, of: 3, old: 2, stuck: None }));
    play.wait(40).send(Msg::Action(ActionEvent::Converged { id, after: std::time::Duration::from_secs(40) }));
    play.error_rate(0.118);
    assert_eq!(play.records("verdict"), 0);
    play.wait(80).error_rate(0.004);
    assert_eq!(play.records("verdict"), 1);
    let mitigation = &play.state.mitigations.all[0];
    assert_eq!(mitigation.verdict.as_ref().unwrap().judgement, Judgement::Helped);
    assert_eq!(mitigation.stage, Stage::Ended(Outcome::Done));
    let told = play.state.timeline.entries.iter().find(|entry| entry.what == EntryKind::Verdict).unwrap();
    assert_eq!(told.text, "Undo rollout · api-gateway: helped: error rate 11.8 → 0.4 % in 2 min");
    play.wait(200).error_rate(0.5);
    assert_eq!(play.records("verdict"), 1, "once");
}

#[test]
fn what_was_not_known_at_the_confirmation_is_read_from_the_history() {
    let mut play = Play::new();
    play.bad_deploy().wait(150).live(SourceId::Cluster).press("u").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all[0].id;
    assert!(play.state.mitigations.all[0].before.iter().all(|comparison| comparison.before.is_none()), "too old to count");
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Done, undoable: true }));
    play.send(Msg::Action(ActionEvent::Converged { id, after: std::time::Duration::ZERO }));
    let before = play.state.server_now() - chrono::Duration::seconds(30);
    play.wait(80);
    let history = History { start: before, step: std::time::Duration::from_mins(1), values: vec![Some(0.118), Some(0.004)] };
    let reading = KpiReading { id: "error_rate".into(), value: Some(0.004), trend: None, at: None, history: Some(history), problem: None };
    play.observe(SourceId::Metrics, What::Kpis(vec![reading]));
    let verdict = play.state.mitigations.all[0].verdict.clone().unwrap();
    assert_eq!((verdict.judgement, verdict.comparisons[0].before), (Judgement::Helped, Some(0.118)));
}

#[test]
fn a_silent_prometheus_gives_no_verdict_but_no_data() {
    let (mut play, id) = undone();
    play.send(Msg::Action(ActionEvent::Converged { id, after: std::time::Duration::ZERO }));
    play.wait(181);
    assert_eq!(play.state.mitigations.all[0].verdict.as_ref().unwrap().judgement, Judgement::NoData);
}

#[test]
fn the_last_mitigation_is_taken_back_once() {
    let (mut play, id) = undone();
    play.press("U");
    assert!(matches!(play.effects.last(), Some(Effect::Plan { request, .. }) if request.kind == RequestKind::Undo { of: Finished::Here(id) }));
    play.planned(Friction::Key).press("y");
    let undo = play.state.mitigations.all[1].id;
    play.state.mitigations.all[1].undoes = Some(id);
    play.send(Msg::Action(ActionEvent::Ended { id: undo, outcome: Outcome::Done, undoable: true }));
    assert_eq!(play.state.mitigations.all[0].undone_by, Some(undo));
    play.take();
    play.press("U");
    assert!(play.card().is_none() && play.take().is_empty(), "a second U must not bring the bad revision back");
}

/// What a person means by `U` is what they did last: while that is not known to be done, the one before must not be offered in its place.
#[test]
fn an_earlier_mitigation_is_not_taken_back_in_place_of_one_whose_outcome_is_not_known() {
    let offered = |play: &Play| play.state.footer().iter().any(|entry| entry.title == "undo last");
    assert!(!offered(&Play::new()));
    let (mut play, first) = undone();
    assert!(offered(&play));
    play.press("u").planned(Friction::Key).press("y");
    let second = play.state.mitigations.all[1].id;
    let refused = |play: &mut Play, why: &str| {
        play.take();
        play.press("U");
        let notice = play.state.notice.as_ref().unwrap();
        assert!(notice.is_error && notice.text.contains(why), "{notice:?}");
        assert!(play.card().is_none() && play.take().is_empty());
        assert!(!offered(play), "a footer that offers it while it does nothing");
    };
    refused(&mut play, "is being written");
    play.send(Msg::Action(ActionEvent::Ended { id: second, outcome: Outcome::Unknown("no answer".into()), undoable: false }));
    refused(&mut play, "is not known");
    play.send(Msg::Action(ActionEvent::Resolved { id: second, outcome: Outcome::Failed("not done".into()), undoable: false }));
    assert!(offered(&play));
    play.press("U");
    assert!(matches!(play.effects.last(), Some(Effect::Plan { request, .. }) if request.kind == RequestKind::Undo { of: Finished::Here(first) }));
}

#[test]
fn an_unknown_outcome_is_neither_done_nor_failed_until_it_is_read() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(Friction::Key).press("y");
    let id = play.state.mitigations.all[0].id;
    play.send(Msg::Action(ActionEvent::Ended { id, outcome: Outcome::Unknown("no answer".into()), undoable: false }));
    assert_eq!(play.state.mitigations.all[0].stage, Stage::Ended(Outcome::Unknown("no answer".into())));
    assert_eq!(play.executed(), 1);
    play.wait(400);
    assert_eq!((play.executed(), play.state.mitigations.all[0].verdict.is_none()), (1, true));
    play.send(Msg::Action(ActionEvent::Resolved { id, outcome: Outcome::Done, undoable: true }));
    assert!(matches!(play.state.mitigations.all[0].stage, Stage::Converging { .. }));
    assert_eq!(play.state.mitigations.last_undoable().map(|last| last.id), Some(id));
}

#[test]
fn suggestions_carry_their_evidence_and_follow_it() {
    let mut play = Play::new();
    play.bad_deploy();
    let keys: String = play.state.advice.suggestions.iter().map(|suggestion| suggestion.key).collect();
    assert_eq!(keys, "urb");
    assert_eq!(play.state.advice.suggestions[0].evidence, "2 pods crash, rolled out 2 min before the trouble");
    play.alerts(Vec::new()).error_rate(0.001);
    play.pods(vec![pod("api-gateway-b-1", "api-gateway-b")]);
    assert_eq!(play.state.advice.suggestions, []);
}

#[test]
fn a_backlog_speaks_for_more_replicas_up_to_the_autoscalers_end() {
    let mut play = Play::new();
    let scaled = |play: &mut Play, max: u32| {
        play.observe(SourceId::Autoscalers, What::Autoscalers(vec![Delta::Applied(autoscaler("sync-service", 2, max))]));
        play.state.advice.suggestions.iter().map(|suggestion| suggestion.title.to_string()).collect::<Vec<_>>()
    };
    play.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("sync-service", 1, 4, 4))]));
    play.kpi("sync_backlog", 4_210.0);
    assert_eq!(scaled(&mut play, 10), ["scale sync-service 4 → 6"]);
    assert_eq!(scaled(&mut play, 4), [""; 0]);
}

#[test]
fn changes_are_told_once_in_the_timeline() {
    let mut play = Play::new();
    play.bad_deploy().wait(120);
    play.observe(SourceId::ReplicaSets, What::ReplicaSets(vec![Delta::Applied(replica_set("api-gateway-b", 42, -600, "gw:2.4.0"))]));
    let changes: Vec<_> = play.state.timeline.entries.iter().filter(|entry| entry.what == EntryKind::Change).collect();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].text, "api-gateway rev 41 → 42 (image 2.3.1 → 2.4.0) by ci-deployer");
    assert_eq!(changes[0].at, at(-600));
}

#[test]
fn the_focus_of_a_pane_decides_what_is_described() {
    let mut play = Play::new();
    play.bad_deploy();
    play.state.cockpit.focus = crate::state::screens::cockpit::Pane::Changes;
    assert_eq!(play.state.focused().map(|focused| (focused.kind, focused.key)), Some((Kind::Deployment, name("api-gateway"))));
    assert_eq!(play.state.freshness(SourceId::Errors), crate::domain::health::Freshness::Never);
    assert_eq!(play.state.now.mono, Mono::ZERO);
}

fn hasty(code: KeyCode) -> Msg {
    Msg::HastyKey(Key::plain(code))
}

#[test]
fn a_word_that_came_as_in_a_paste_confirms_nothing_at_any_delay_until_it_is_typed() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word());
    for letter in "prod".chars() {
        play.send(hasty(KeyCode::Char(letter)));
    }
    play.send(hasty(KeyCode::Enter)).send(hasty(KeyCode::Enter));
    assert_eq!(play.executed(), 0);
    let pasted = "the word came as in a paste: Ctrl-U clears it, then type it";
    assert_eq!(play.card().unwrap().complaint.as_ref().unwrap(), &pasted);
    // A lone Enter, however late.
    play.enter();
    assert_eq!((play.executed(), play.card().unwrap().complaint.as_ref().unwrap().as_str()), (0, pasted));
    // Its end typed by hand does not make it a typed one, and neither does one letter of its beginning.
    play.send(Msg::Key(Key::plain(KeyCode::Backspace))).send(Msg::Key(Key::char('d'))).enter();
    assert_eq!(play.executed(), 0);
    play.send(Msg::Key(Key::ctrl('u'))).send(Msg::Key(Key::char('p')));
    for letter in "rod".chars() {
        play.send(hasty(KeyCode::Char(letter)));
    }
    play.enter();
    assert_eq!(play.executed(), 0);
    play.send(Msg::Key(Key::ctrl('u')));
    for letter in "prod".chars() {
        play.send(Msg::Key(Key::char(letter)));
    }
    play.enter();
    assert_eq!((play.executed(), play.card()), (1, None));
}

#[test]
fn a_word_of_which_one_key_came_fast_is_typed_and_its_hasty_enter_is_pressed_again() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word());
    for (letter, is_fast) in [('p', false), ('r', true), ('o', false), ('d', false)] {
        play.send(if is_fast { hasty(KeyCode::Char(letter)) } else { Msg::Key(Key::char(letter)) });
    }
    play.send(hasty(KeyCode::Enter));
    assert_eq!(play.card().unwrap().complaint.as_ref().unwrap(), &"Enter came too close to another key, as in a paste: press Enter again");
    play.enter();
    assert_eq!((play.executed(), play.card()), (1, None));
}

#[test]
fn what_else_is_wrong_is_said_first_of_a_hasty_enter() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(word()).type_("dev").send(hasty(KeyCode::Enter));
    assert_eq!(play.card().unwrap().complaint.as_ref().unwrap(), &"type prod to confirm");
}

#[test]
fn a_hasty_y_confirms_nothing_and_one_more_y_does() {
    let mut play = Play::new();
    play.bad_deploy().press("r").planned(Friction::Key).send(hasty(KeyCode::Char('y')));
    assert_eq!(play.executed(), 0);
    assert_eq!(play.card().unwrap().complaint.as_ref().unwrap(), &"y came too close to another key, as in a paste: press y again");
    play.press("y");
    assert_eq!(play.executed(), 1);
}

#[test]
fn a_hasty_y_answers_no_question() {
    let mut play = Play::new();
    play.alerts(vec![alert("Old", Severity::Critical, -10)]).press("e").take();
    play.send(hasty(KeyCode::Char('y')));
    assert_eq!(play.take(), []);
    assert!(matches!(play.state.overlays.last(), Some(Overlay::EscalateQuestion { .. })));
    assert!(play.state.notice.as_ref().is_some_and(|notice| notice.text.contains("press y again")));
    play.press("y");
    assert!(play.take().iter().any(|effect| matches!(effect, Effect::Record { .. })));
}

#[test]
fn in_a_context_whose_name_is_not_what_is_shown_nothing_is_armed_and_no_line_can_be_pasted() {
    let mut play = Play::new();
    play.state.session.unclear = Some("the context \"prod\\tuk\" cannot be told: kubectl config rename-context".into());
    play.bad_deploy().press("r");
    assert!(play.card().is_none());
    assert!(play.state.disarmed().unwrap().contains("rename-context"));
    assert!(play.state.advice.suggestions.iter().all(|suggestion| suggestion.kubectl.is_empty()));
}
