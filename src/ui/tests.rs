//! Whole frames: snapshots with styles, and what must hold at every size and in every state.

mod controllers;
mod filtered;
mod room;
mod selection;
mod tables;
mod unknown;

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, style::Style};
use unicode_width::UnicodeWidthStr;

use super::{Theme, fixture, glyph, heights, hit_test, layout, render};
use crate::{
    domain::{
        change::ChangeKind,
        health::{Cause, Freshness, Health, SourceId},
        kpi::Unit,
        mitigation::{CheckResult, Friction, Outcome},
        object::{Key, Kind, Subject},
        observation::Delta,
        text::is_hostile,
        time::Mono,
        verdict::{Comparison, Judgement},
        warning::Warning,
    },
    state::{
        Notice, Screen, State,
        card::{CardContent, CardFocus, Stage},
        columns::KINDS,
        overlay::{LineEdit, Menu, MenuItem, Overlay, Palette, PaletteEntry, ReplicasPrompt, SwitchQuestion, Viewer, ViewerId, ViewerKind},
        rows,
        screens::cockpit::Pane,
        switch::Destination,
        table::Cursor,
    },
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const PANES: [Pane; 6] = [Pane::Tiles, Pane::Escalation, Pane::Pods, Pane::Errors, Pane::Changes, Pane::Suggestions];

fn draw(state: &State) -> Buffer {
    draw_in(state, "night")
}

fn draw_in(state: &State, theme: &str) -> Buffer {
    let theme = Theme::by_name(theme).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).unwrap();
    terminal.draw(|frame| render(frame, state, &theme)).unwrap();
    terminal.backend().buffer().clone()
}

/// Symbols as a terminal would show them: the cells that a wide character covers are left out.
fn text_of(buffer: &Buffer) -> String {
    rows_of(buffer).join("\n")
}

fn rows_of(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    buffer
        .content()
        .chunks(width)
        .map(|row| {
            let mut covered = 0;
            let mut line = String::new();
            for cell in row {
                if covered > 0 {
                    covered -= 1;
                    continue;
                }
                covered = cell.symbol().width().saturating_sub(1);
                line.push_str(cell.symbol());
            }
            line.trim_end().to_owned()
        })
        .collect()
}

/// The text, then one letter of style for each cell (`.` is plain), then what the letters mean.
fn written(buffer: &Buffer) -> String {
    let theme = Theme::by_name("night").unwrap();
    let meaning = |style: Style| {
        let on_plain = |meant: Style| theme.plain.patch(meant);
        let names: Vec<_> =
            theme.meanings().into_iter().filter(|(_, meant)| *meant == style || on_plain(*meant) == style).map(|(name, _)| name).collect();
        if names.is_empty() { format!("{:?} on {:?} {:?}", style.fg, style.bg, style.add_modifier) } else { names.join(" = ") }
    };
    let plain = buffer.content().iter().map(ratatui::buffer::Cell::style).map(bare).find(|style| *style == bare(theme.plain));
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut map = String::new();
    for row in buffer.content().chunks(usize::from(buffer.area.width).max(1)) {
        let mut line = String::new();
        for cell in row {
            let style = bare(cell.style());
            if Some(style) == plain {
                line.push('.');
                continue;
            }
            let next = char::from(b'a' + u8::try_from(letters.len()).unwrap());
            line.push(*letters.entry(meaning(style)).or_insert(next));
        }
        map.push_str(line.trim_end_matches('.'));
        map.push('\n');
    }
    let mut legend: Vec<_> = letters.into_iter().map(|(name, letter)| (letter, name)).collect();
    legend.sort_unstable();
    let mut out = text_of(buffer);
    out.push_str("\n\n");
    out.push_str(&map);
    for (letter, name) in legend {
        let _ = writeln!(out, "{letter} {name}");
    }
    out
}

/// Without what the buffer adds to every cell.
fn bare(style: Style) -> Style {
    Style { underline_color: None, sub_modifier: ratatui::style::Modifier::empty(), ..style }
}

fn snapshot(name: &str, state: &State) {
    let (width, height) = state.size;
    insta::assert_snapshot!(format!("{name}_{width}x{height}"), written(&draw(state)));
}

#[test]
fn cockpit_snapshots() {
    for size in SIZES {
        snapshot("healthy", &fixture::healthy(size));
        snapshot("bad_deploy", &fixture::bad_deploy(size));
        snapshot("troubled", &fixture::troubled(size));
        snapshot("loading", &fixture::loading(size));
    }
}

#[test]
fn small_cockpit_snapshots() {
    for size in [(60, 15), (48, 12), (19, 4)] {
        snapshot("bad_deploy", &fixture::bad_deploy(size));
    }
}

fn workloads(size: (u16, u16), kind: Kind) -> State {
    let mut state = fixture::bad_deploy(size);
    state.screen = Screen::Workloads;
    state.workloads.kind = kind;
    rows::rebuild(&state.cluster, &mut state.workloads);
    state
}

#[test]
fn workloads_snapshots() {
    for size in SIZES {
        snapshot("pods", &workloads(size, Kind::Pod));
    }
    for kind in [Kind::Deployment, Kind::Node, Kind::Service, Kind::HorizontalPodAutoscaler, Kind::Event] {
        snapshot(kind.resource(), &workloads((80, 24), kind));
    }
    let mut detail = workloads((120, 40), Kind::Pod);
    detail.workloads.detail = Some(Key::new(fixture::NAMESPACE, "api-gateway-7c9f6d5b8-x2xqk"));
    snapshot("pod_detail", &detail);
    detail.workloads.kind = Kind::Deployment;
    detail.workloads.detail = Some(Key::new(fixture::NAMESPACE, "api-gateway"));
    detail.size = (80, 24);
    snapshot("deployment_detail", &detail);
}

fn with_card(size: (u16, u16), friction: Friction) -> State {
    let mut state = fixture::bad_deploy(size);
    let card = fixture::card(&state, friction);
    state.overlays.push(Overlay::Card(Box::new(card)));
    state
}

fn card_of(state: &mut State) -> &mut crate::state::card::Card {
    match state.overlays.last_mut() {
        Some(Overlay::Card(card)) => card,
        other => panic!("no card on top but {other:?}"),
    }
}

/// The viewer of the overlays with something else in it, and nothing searched.
fn with_viewer(what: &ViewerKind) -> State {
    let mut state = fixture::bad_deploy((120, 40));
    for (_, overlay) in overlays() {
        if let Overlay::Viewer(mut viewer) = overlay {
            viewer.what = what.clone();
            (viewer.searching, viewer.search) = (false, LineEdit::default());
            state.overlays.push(Overlay::Viewer(viewer));
        }
    }
    state
}

#[test]
fn card_snapshots() {
    for size in SIZES {
        snapshot("card_word", &with_card(size, Friction::Word("prod".into())));
    }
    snapshot("card_key", &with_card((80, 24), Friction::Key));
    let mut blocked = with_card((80, 24), Friction::Word("prod".into()));
    card_of(&mut blocked).checks[3].result = CheckResult::Block("api-gateway was changed by ci-deployer since this plan: now revision 43".into());
    snapshot("card_blocked", &blocked);
    let mut early = with_card((80, 24), Friction::Word("prod".into()));
    let card = card_of(&mut early);
    card.checks.truncate(2);
    card.checks[1].result = CheckResult::Pending;
    card.typed = "pr".to_owned();
    card.complaint = Some("type prod to confirm".into());
    snapshot("card_checking", &early);
    let mut typed = with_card((80, 24), Friction::Word("prod".into()));
    card_of(&mut typed).typed = "prod".to_owned();
    card_of(&mut typed).focus = CardFocus::Word;
    snapshot("card_typed", &typed);
    // However long the word is, it is seen that checks are still running.
    let mut long = with_card((80, 24), Friction::Word("api-gateway-6d5f9c7b8-x2x4q prod-uk-1".into()));
    card_of(&mut long).checks.truncate(4);
    snapshot("card_checking_long_word", &long);
}

#[test]
fn overlay_snapshots() {
    for (name, overlay) in overlays() {
        let mut state = fixture::bad_deploy((80, 24));
        state.overlays.push(overlay);
        snapshot(name, &state);
    }
}

#[test]
fn mitigation_lines() {
    let cases = [
        (Stage::Converging { ready: 3, of: 5, old: 1, stuck: None }, None, "3/5 new pods ready, 1 old left"),
        (Stage::Watching { since: Mono::ZERO }, None, "watching whether it helps (Error rate was 11.8 %)"),
        (
            Stage::Watching { since: Mono::ZERO },
            Some(Judgement::Helped),
            " ✓ helped: error rate 11.8 → 0.4 % in 2 min  ◆ 02:12 Undo rollout · api-gateway  U undoes it",
        ),
        (Stage::Ended(Outcome::Done), Some(Judgement::NoEffect), " ! no effect after 2 min: error rate 11.8 → 0.4 %  ◆ 02:12 Undo rollout"),
        (Stage::Ended(Outcome::Unknown("no answer".into())), None, "! outcome unknown (no answer): being read from the cluster, not retried"),
        (Stage::Ended(Outcome::Refused("quota".into())), None, "✗ refused: quota"),
    ];
    for (stage, verdict, expected) in cases {
        let mut state = fixture::bad_deploy((120, 24));
        state.mitigations.all.push(fixture::mitigation(stage, verdict));
        let rows = rows_of(&draw(&state));
        let line = &rows[rows.len() - 2];
        assert!(line.contains("◆ 02:12 Undo rollout · api-gateway"), "{line}");
        assert!(line.contains(expected), "{line}\nmisses\n{expected}");
    }
}

/// The end of the line may be cut: the word that decides and its numbers may not.
#[test]
fn a_verdict_begins_with_its_word_at_every_width() {
    for width in [60, 80, 200] {
        for (judgement, says) in [
            (Judgement::Helped, " ✓ helped: error rate 11.8 → 0.4 %"),
            (Judgement::Worse, " ▲ worse: error rate 11.8 → 0.4 %"),
            (Judgement::NoEffect, " ! no effect after 2 min: error rate 11.8 → 0.4 %"),
            (Judgement::AlreadyRecovering, " · already recovering before it: error rate 11.8 → 0.4 %"),
        ] {
            let mut state = fixture::bad_deploy((width, 24));
            state.mitigations.all.push(fixture::mitigation(Stage::Ended(Outcome::Done), Some(judgement)));
            let rows = rows_of(&draw(&state));
            assert!(rows.iter().any(|row| row.starts_with(says)), "{says} at {width} columns:\n{}", rows.join("\n"));
            state.ascii = true;
            let rows = rows_of(&draw(&state));
            assert!(rows.iter().all(|row| row.is_ascii()) && rows.iter().any(|row| row.contains("error rate 11.8 -> 0.4 %")), "{}", rows.join("\n"));
        }
    }
}

/// What got worse is named with both its numbers at 80 columns, and with the time where there is room.
#[test]
fn a_verdict_leaves_out_its_time_before_a_number_is_cut() {
    for (width, says) in [(80, "5.9 %; worse: verification queue 21 → 12,324"), (200, "5.9 % in 2 min; worse: verification queue 21 → 12,324")] {
        let mut state = fixture::bad_deploy((width, 24));
        let mut mitigation = fixture::mitigation(Stage::Ended(Outcome::Done), Some(Judgement::Helped));
        if let Some(verdict) = &mut mitigation.verdict {
            let first = &mut verdict.comparisons[0];
            (first.before, first.after) = (Some(0.119), Some(0.059));
            let queue = Comparison {
                title: "Verification queue".into(),
                unit: Unit::Count,
                before: Some(21.0),
                after: Some(12_324.0),
                went_bad: true,
                ..first.clone()
            };
            verdict.comparisons.push(queue);
        }
        state.mitigations.all.push(mitigation);
        let rows = rows_of(&draw(&state));
        assert!(rows.iter().any(|row| row.contains(says)), "{says} at {width} columns:\n{}", rows.join("\n"));
    }
}

fn overlays() -> Vec<(&'static str, Overlay)> {
    let state = fixture::bad_deploy((80, 24));
    let line = |text: &str| LineEdit { text: text.to_owned(), caret: text.chars().count() };
    let request = state.advice.suggestions[0].request.clone();
    let item = |key, title: &str, disabled: Option<&str>| MenuItem {
        key: Some(key),
        title: title.into(),
        disabled: disabled.map(Into::into),
        compose: None,
        request: Some(request.clone()),
        command: None,
    };
    let entry =
        |title: &str, key: Option<&str>| PaletteEntry { title: title.into(), key: key.map(Into::into), command: crate::state::action::Command::Quit };
    let about = |name: &str| crate::domain::object::ObjectRef { kind: Kind::Pod, key: Key::new(fixture::NAMESPACE, name), uid: "u".into() };
    vec![
        ("help", Overlay::Help { scroll: 0 }),
        ("did", Overlay::Did { scroll: 0 }),
        (
            "palette",
            Overlay::Palette(Palette {
                line: line("un"),
                cursor: Cursor::default(),
                matches: vec![entry("undo rollout", Some("u")), entry("undo last", Some("U"))],
                is_chosen: true,
                complaint: None,
            }),
        ),
        (
            "palette_unknown",
            Overlay::Palette(Palette {
                line: line("rollout"),
                cursor: Cursor::default(),
                matches: vec![entry("undo-rollout: bring a deployment back to its previous revision", Some("u"))],
                is_chosen: false,
                complaint: Some("there is no command “rollout”; ↓ chooses one of these".into()),
            }),
        ),
        ("filter", Overlay::Filter(line("api !canary"))),
        ("note", Overlay::Note(line("rolled back, watching"))),
        (
            "menu",
            Overlay::Menu(Menu {
                title: "deployment/api-gateway".into(),
                items: vec![item('u', "undo rollout to rev 41", None), item('s', "scale", Some("you may not patch deployments/scale"))],
                cursor: Cursor::default(),
            }),
        ),
        (
            "viewer",
            Overlay::Viewer(Box::new(Viewer {
                id: ViewerId(1),
                about: about("api-gateway-7c9f6d5b8-x2xqk"),
                what: ViewerKind::Logs { container: Some("api-gateway".into()), previous: true },
                lines: (0..40)
                    .map(|index| {
                        format!("2026-11-23T02:13:{index:02}Z ERROR pool timed out after {index} ms waiting for connection to core-engine").into()
                    })
                    .collect(),
                times: (0..40).map(|index| Some(format!("2026-11-23T02:13:{index:02}.123456789Z").into())).collect(),
                containers: Vec::new(),
                container: None,
                dropped: 1200,
                cursor: Cursor { row: 5, top: 2 },
                follow: true,
                wrap: true,
                search: line("Pool"),
                searching: true,
                status: "following since 02:13".into(),
            })),
        ),
        ("quit", Overlay::QuitQuestion { why: "Undo rollout · api-gateway is still rolling out.".into() }),
        ("escalate", Overlay::EscalateQuestion { fingerprint: "f".into(), alert: "HighErrorRate".into(), who: "Team lead".into() }),
        (
            "switch",
            Overlay::SwitchQuestion(SwitchQuestion {
                to: Destination::Context("prod-uk-2".into()),
                word: Some("prod-uk-2".into()),
                line: line("prod"),
                complaint: None,
            }),
        ),
        (
            "replicas",
            Overlay::Replicas(ReplicasPrompt {
                workload: Subject { kind: Kind::Deployment, key: Key::new(fixture::NAMESPACE, "api-gateway") },
                current: 5,
                autoscaler: Some(("api-gateway-hpa".into(), 3, 20)),
                line: line("8"),
                reason: "".into(),
                complaint: Some("8 is what it has".into()),
            }),
        ),
    ]
}

/// Every state of the fixture under every overlay.
fn all_states() -> Vec<State> {
    let mut states = vec![fixture::healthy((80, 24)), fixture::bad_deploy((80, 24)), fixture::troubled((80, 24)), fixture::loading((80, 24))];
    let mut own = fixture::bad_deploy((80, 24));
    own.mitigations.all.push(fixture::mitigation(Stage::Converging { ready: 1, of: 3, old: 2, stuck: Some("ImagePullBackOff".into()) }, None));
    own.notice = Some(Notice { text: "acknowledged until 02:44. ".repeat(9).into(), is_error: true, until: Mono::ZERO });
    states.push(own);
    for kind in KINDS {
        states.push(workloads((80, 24), kind));
    }
    for (_, overlay) in overlays() {
        let mut state = fixture::bad_deploy((80, 24));
        state.overlays.push(overlay);
        states.push(state);
    }
    for friction in [Friction::Key, Friction::Word("digital-identity".into())] {
        for focus in [CardFocus::Cancel, CardFocus::Word, CardFocus::Reason, CardFocus::Details] {
            let mut state = with_card((80, 24), friction.clone());
            card_of(&mut state).focus = focus;
            card_of(&mut state).scroll = 3;
            states.push(state);
        }
    }
    for content in [CardContent::Planning, CardContent::Impossible("there is no earlier revision".into())] {
        let mut state = with_card((80, 24), Friction::Key);
        card_of(&mut state).content = content;
        states.push(state);
    }
    states
}

#[test]
fn no_size_is_too_small_and_every_row_that_is_counted_is_there() {
    for mut state in all_states() {
        for width in [0, 1, 2, 4, 19, 20, 43, 59, 60, 80, 120, 200, 250] {
            for height in [0, 1, 2, 4, 5, 7, 8, 14, 15, 24, 40, 60, 80] {
                check_size(&mut state, (width, height));
            }
        }
    }
}

fn check_size(state: &mut State, size: (u16, u16)) {
    state.size = size;
    for pane in PANES {
        state.cockpit.focus = pane;
        if pane != Pane::Pods && (size.0 > 60 || size.1 > 15) {
            continue;
        }
        draw(state);
    }
    state.cockpit.focus = Pane::Pods;
    let heights = heights(state);
    for rows in [heights.pods, heights.errors, heights.suggestions, heights.alerts, heights.changes, heights.table, heights.overlay, heights.viewer] {
        assert!(rows <= size.1, "{rows} rows at {size:?}");
    }
    for (column, row) in [(0, 0), (size.0 / 2, size.1 / 2), (size.0, size.1), (size.0 / 3, size.1.saturating_sub(1))] {
        hit_test(state, column, row);
    }
}

#[test]
fn a_change_says_who_it_was_before_which_images() {
    let mut state = fixture::bad_deploy((80, 24));
    let change = &mut state.cluster.changes[0];
    change.at = None;
    change.by = Some("kubectl-rollout".into());
    let ChangeKind::Rollout { brings_back, .. } = &mut change.what else { panic!("another change") };
    *brings_back = Some(40);
    let screen = text_of(&draw(&state));
    assert!(screen.contains("time unknown api-gateway rev 41 → 42, back to 40 by kubectl-rollout"), "{screen}");
    state.size = (200, 60);
    let screen = text_of(&draw(&state));
    assert!(screen.contains("rev 41 → 42, back to 40 (image 2.3.1 → 2.4.0) by kubectl-rollout"), "{screen}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_size_can_be_drawn(width in 0_u16..=250, height in 0_u16..=80, which in 0_usize..1000, full_screen: bool, ascii: bool) {
        let mut states = all_states();
        let index = which % states.len();
        let state = &mut states[index];
        state.cockpit.full_screen = full_screen;
        state.ascii = ascii;
        state.cockpit.focus = PANES[which % PANES.len()];
        check_size(state, (width, height));
        if ascii {
            let buffer = draw(state);
            let odd = buffer.content().iter().find(|cell| !cell.symbol().is_ascii());
            prop_assert!(odd.is_none(), "{odd:?} is not ASCII");
        }
    }

    /// Law 2: `●` beside a pane's data only while its source is live.
    #[test]
    fn stale_data_never_looks_live(age in 0_u64..4000, failed: bool, size in prop::sample::select(vec![(80, 24), (120, 40), (200, 60), (70, 18)])) {
        let mut state = fixture::bad_deploy(size);
        // An escalation step uses the same glyph; without alerts only the markers do.
        state.alerts = None;
        state.ladders.clear();
        state.now.mono = Mono(Duration::from_secs(100_000));
        for source in state.sources.values_mut() {
            source.confirmed = Some(state.now.mono.minus(Duration::from_secs(age)));
            if failed {
                source.health = Health::Failed { why: "refused".into(), cause: Cause::Server, since: Mono::ZERO, retry_at: Mono::ZERO };
            }
        }
        let is_live = |source| !failed && state.freshness(source) == Freshness::Live;
        let text = text_of(&draw(&state));
        // Of the errors only some shards answered, which their pane says in the place of the marker.
        let any = SourceId::ALL.into_iter().any(|source| source != SourceId::Errors && is_live(source));
        prop_assert_eq!(text.contains(glyph::LIVE), any, "{}", text);
        if !SourceId::ALL.into_iter().all(is_live) {
            prop_assert!(text.contains(glyph::WARNING));
        }
        // What was not checked just now has no check mark.
        if !is_live(SourceId::Metrics) {
            prop_assert!(!text.contains(glyph::OK), "{}", text);
        }
    }
}

/// Law 7, end to end: whatever names the cluster uses, no hostile code point is in a cell, and columns stay aligned.
#[test]
fn hostile_names_stay_in_their_columns() {
    let names = [
        "\u{1b}[2Jboo",
        "evil\u{202e}gpj.exe",
        "a\u{200b}b\u{2066}c",
        "名前-サービス-ポッド",
        "مرحبا-بالعالم",
        "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}x",
        "👩‍👩‍👧‍👦-family",
        "🇬🇧-flag",
        "❤\u{fe0f}",
        "\u{301}lonely",
        "क्षत्रिय",
    ];
    for size in [(80, 24), (120, 40), (200, 60), (61, 16)] {
        let mut state = workloads(size, Kind::Pod);
        let template = state.cluster.pods.objects.values().next().unwrap().clone();
        for name in names {
            let mut pod = template.clone();
            pod.key = Key::new(fixture::NAMESPACE, name);
            pod.node = Some(name.into());
            pod.is_ready = false;
            pod.status = "CrashLoopBackOff".into();
            state.cluster.unhealthy.insert(pod.key.clone());
            state.workloads.rows.insert(0, pod.key.clone());
            state.cluster.pods.apply(Delta::Applied(pod), |_, _| {});
        }
        for screen in [Screen::Workloads, Screen::Cockpit] {
            state.screen = screen;
            let buffer = draw(&state);
            for cell in buffer.content() {
                assert!(!cell.symbol().chars().any(is_hostile), "{:?}", cell.symbol());
            }
            let width = usize::from(size.0);
            let columns: std::collections::BTreeSet<_> = buffer
                .content()
                .chunks(width)
                // The status line repeats the chosen row where that is cut.
                .take(usize::from(layout::shell(size).status.y))
                .filter_map(|row| row.windows(9).position(|cells| cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() == "CrashLoop"))
                .collect();
            assert_eq!(columns.len(), 1, "the STATUS column is at {columns:?} at {size:?}");
        }
    }
}

#[test]
fn the_first_screen_answers_the_questions_of_the_night() {
    let state = fixture::bad_deploy((80, 24));
    let text = text_of(&draw(&state));
    for answer in [
        "PRODUCTION",
        "prod-uk-1",
        "02:14Z",
        "can write",
        "CRITICAL",
        "11.8 %  ▲ > 5 %",
        "since 02:0",
        "HighErrorRate",
        "▲ Team lead",
        "call by 02:14 · 20 s late",
        "○ Manager       in 04:40",
        "acked 0 of 3, 3 to call",
        "pages nobody",
        "C called",
        "40/42 ready",
        "CrashLoopBackOff",
        "partial 3/5",
        "×211",
        "rev 41 → 42",
        "undo rollout api-gateway to rev 41",
        "? help",
        "q quit",
        "DB connections",
    ] {
        assert!(text.contains(answer), "{answer:?} is missing:\n{text}");
    }
}

/// Laws 3 and 6: why nothing can be written is in the header, at every width that shows the whole cockpit.
#[test]
fn the_header_says_when_mitigations_are_off() {
    for width in [60, 80, 120, 200] {
        let mut state = fixture::troubled((width, 24));
        let header = |state: &State| rows_of(&draw(state)).swap_remove(0);
        assert!(header(&state).contains("! OFF: NO JOURNAL"), "{}", header(&state));
        state.identity_changed = Some("another cluster answers".into());
        assert!(header(&state).contains("! OFF: OTHER CLUSTER"), "{}", header(&state));
        assert!(header(&state).contains("prod-uk-1"), "{}", header(&state));
    }
}

/// How bad it is matters more than the time and the age, at every width that has one pane.
#[test]
fn the_header_says_how_bad_it_is_on_small_screens_too() {
    for width in 36..=60 {
        let state = fixture::bad_deploy((width, 10));
        let text = rows_of(&draw(&state)).swap_remove(0);
        assert!(text.contains("▲ CRITICAL") && text.contains("prod-uk-1"), "{text}");
    }
}

#[test]
fn a_card_never_loses_what_decides() {
    for size in [(80, 24), (80, 15), (60, 15), (50, 12), (44, 10)] {
        let mut state = with_card(size, Friction::Word("prod".into()));
        let card = card_of(&mut state);
        card.checks[2].result = CheckResult::Warn("the server's dry-run could not be made".into());
        if let CardContent::Planned(plan) = &mut card.content {
            let many = plan.diff.clone();
            plan.diff = std::iter::repeat_n(many, 30).flatten().collect();
        }
        let text = text_of(&draw(&state));
        for needed in ["prod-uk-1", "PRODUCTION", "Cancel", "Type prod to confirm", "more lines", "Reason", "What", "Checks"] {
            assert!(text.contains(needed) || (size.0 < 48 && needed == "Cancel"), "{needed:?} is missing at {size:?}:\n{text}");
        }
    }
}

#[test]
fn details_of_a_card_scroll_to_their_end() {
    let mut state = with_card((80, 15), Friction::Word("prod".into()));
    let card = card_of(&mut state);
    card.focus = CardFocus::Details;
    card.scroll = u16::MAX;
    assert!(text_of(&draw(&state)).contains("U brings revision 42 back"));
}

#[test]
fn a_table_of_many_rows_reads_only_what_is_seen() {
    let mut state = workloads((80, 24), Kind::Pod);
    let key = state.workloads.rows[0].clone();
    state.workloads.rows = vec![key; 50_000];
    state.workloads.cursor = Cursor { row: 49_999, top: 49_990 };
    let rows = rows_of(&draw(&state));
    assert_eq!(rows.iter().filter(|row| row.contains("▸ api-gateway")).count(), 1);
    assert!(rows[12].contains("▸"), "{}", rows[12]);
}

#[test]
fn the_pointer_finds_what_is_drawn() {
    use crate::state::{action::Command, msg::Hit};
    let state = fixture::bad_deploy((80, 24));
    let rows = rows_of(&draw(&state));
    let find = |needle: &str| {
        let row = rows.iter().position(|row| row.contains(needle)).unwrap_or_else(|| panic!("{needle} is not drawn"));
        let column = rows[row].split(needle).next().map_or(0, UnicodeWidthStr::width);
        (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
    };
    let hit = |needle| {
        let (column, row) = find(needle);
        hit_test(&state, column, row)
    };
    assert_eq!(hit("-x2xqk"), Some(Hit::Pane(Pane::Pods, Some(1))));
    assert_eq!(hit("×64"), Some(Hit::Pane(Pane::Errors, Some(1))));
    assert_eq!(hit("circuit breaker on"), Some(Hit::Pane(Pane::Suggestions, Some(2))));
    assert_eq!(hit("HighErrorRate"), Some(Hit::Pane(Pane::Escalation, None)));
    assert_eq!(hit("Error rate"), Some(Hit::Pane(Pane::Tiles, None)));
    assert_eq!(hit("? help"), Some(Hit::Command(Command::Help)));
    let card = with_card((80, 24), Friction::Word("prod".into()));
    let rows = rows_of(&draw(&card));
    let row = u16::try_from(rows.iter().position(|row| row.contains("[ Cancel ]")).unwrap()).unwrap();
    assert_eq!(hit_test(&card, 5, row), Some(Hit::Card(CardFocus::Cancel)));
    assert_eq!(hit_test(&card, 40, row), Some(Hit::Card(CardFocus::Word)));
    assert_eq!(hit_test(&card, 0, 0), Some(Hit::Outside));
}

/// At 80 columns a tile holds the value and its limit whole, and the line of the others no title without its value.
#[test]
fn no_number_of_an_indicator_is_cut() {
    let mut state = fixture::bad_deploy((80, 24));
    state.kpis[2].reading.as_mut().unwrap().value = Some(11_250.0);
    let rows = rows_of(&draw(&state));
    assert!(rows[2].contains("11,250 ▲ > 1,000"), "{}", rows[2]);
    for (kpi, value) in [(3, 2.5), (4, 1_886.0), (5, 1.0)] {
        state.kpis[kpi].reading.as_mut().unwrap().value = Some(value);
    }
    let text = text_of(&draw(&state));
    for whole in ["Sync p95 2.50 s ▲", "Verification queue 1,886 ▲", "DB connections 100.0 % ▲"] {
        assert!(text.contains(whole), "{whole:?} is missing:\n{text}");
    }
    state.size = (60, 15);
    let text = text_of(&draw(&state));
    let line = text.lines().find(|line| line.contains("p95 latency")).unwrap();
    assert!(line.ends_with(glyph::ELLIPSIS) || line.contains("DB connections 100.0 %"), "{line}");
}

#[test]
fn help_is_whole_at_80_columns() {
    let mut state = fixture::bad_deploy((80, 24));
    for scroll in 0..120 {
        state.overlays = vec![Overlay::Help { scroll }];
        let rows = rows_of(&draw(&state));
        assert!(!rows.iter().any(|row| row.contains(glyph::ELLIPSIS) && row.starts_with('│')), "{}", rows.join("\n"));
    }
}

#[test]
fn alerts_of_one_rule_say_what_they_are_about() {
    let mut state = fixture::bad_deploy((200, 60));
    let list = state.alerts.as_mut().unwrap();
    list.alerts[0].labels = [("service".into(), "core-engine".into())].into();
    let name = list.alerts[0].name.clone();
    let text = text_of(&draw(&state));
    assert!(text.contains(&format!("{name} core-engine")), "{text}");
}

#[test]
fn two_alerts_of_one_name_are_told_apart_at_80_columns() {
    let mut state = fixture::bad_deploy((80, 24));
    let list = state.alerts.as_mut().unwrap();
    list.alerts[1] = list.alerts[0].clone();
    list.alerts[1].fingerprint = "SlowResponseTime".into();
    list.alerts[0].labels = [("service".into(), "core-engine".into())].into();
    list.alerts[1].labels = [("service".into(), "api-gateway".into())].into();
    let text = text_of(&draw(&state));
    for needed in ["HighErrorRate ▲ CRITICAL", "▲ api-gateway: On-call", "call by 02:09", "pages nobody"] {
        assert!(text.contains(needed), "{needed:?} is missing:\n{text}");
    }
    for ladder in state.ladders.values_mut() {
        ladder.call("oncall@gov".into(), fixture::now().mono);
    }
    let text = text_of(&draw(&state));
    for needed in ["│ core-engine", "✓ Team lead called 02:14", "by oncall@gov", "○ Manager       in 04:40"] {
        assert!(text.contains(needed), "{needed:?} is missing:\n{text}");
    }
}

/// On-call was called, then the team lead was due and nobody noted a call.
#[test]
fn who_was_due_and_not_called_stays_on_an_acknowledged_ladder() {
    let mut state = fixture::bad_deploy((80, 24));
    let list = state.alerts.as_mut().unwrap();
    list.alerts.truncate(1);
    let now = fixture::now().mono;
    let ladder = state.ladders.get_mut(&list.alerts[0].fingerprint).unwrap();
    let second = ladder.taken.pop().unwrap();
    ladder.call("oncall@gov".into(), now);
    ladder.taken.push(second);
    ladder.acknowledge("oncall@gov".into(), now, std::time::Duration::from_mins(30));
    let text = text_of(&draw(&state));
    for needed in ["✓ On-call", "· Team lead no call noted", "✓ acked until 02:44"] {
        assert!(text.contains(needed), "{needed:?} is missing:\n{text}");
    }
}

#[test]
fn acknowledged_alerts_say_until_when_by_whom_and_how_many() {
    let mut state = fixture::bad_deploy((80, 24));
    for ladder in state.ladders.values_mut() {
        ladder.acknowledge("oncall@gov".into(), fixture::now().mono, std::time::Duration::from_mins(30));
    }
    let text = text_of(&draw(&state));
    for needed in ["✓ acked until 02:44", "  by oncall@gov", "all 3 acked; next to end", "▲ CRITICAL 6m"] {
        assert!(text.contains(needed), "{needed:?} is missing:\n{text}");
    }
    assert!(!text.contains("pages nobody") && !text.contains("call by") && !text.contains("C called"), "{text}");
}

#[test]
fn the_span_of_a_tile_does_not_read_as_how_long_it_lasted() {
    for size in [(80, 24), (100, 30), (120, 40), (140, 45), (200, 60)] {
        let text = text_of(&draw(&fixture::bad_deploy(size)));
        let moments = text.lines().flat_map(|row| ["since ", "before ", "from "].into_iter().flat_map(|word| row.split(word).skip(1)));
        for after in moments.filter_map(|rest| rest.get("02:08".len()..)) {
            let gap = after.len() - after.trim_start_matches(' ').len();
            let is_span = after.trim_start().starts_with(|first: char| first.is_ascii_digit());
            assert!(!is_span || gap >= 4, "{size:?}\n{text}");
        }
    }
}

#[test]
fn pods_that_only_start_are_told_as_such_and_missing_ones_are_no_good_news() {
    let mut state = fixture::healthy((80, 24));
    assert!(text_of(&draw(&state)).contains("✓ no unhealthy pod among 39"));
    let now = fixture::now().utc;
    let before = state.cluster.pods.objects.values().find(|pod| pod.is_ready).unwrap().clone();
    let (created, started) = (now - chrono::Duration::seconds(50), Some(now - chrono::Duration::seconds(40)));
    let young = crate::domain::pod::Pod { is_ready: false, unready_since: Some(created), created, started, restarts: 0, ..before.clone() };
    state.cluster.pods.apply(Delta::Applied(young), |_, _| {});
    state.cluster.recount(&before.key, Some(&before), now);
    let text = text_of(&draw(&state));
    assert!(text.contains("38/39 ready") && text.contains("  no unhealthy pod among 39 in digital-identity: 1 is starting"), "{text}");
    assert!(!text.contains("✓ no unhealthy"), "{text}");
    let deployment = crate::domain::workload::Deployment {
        refused: Some("exceeded quota: pods".into()),
        ..crate::state::tests::play::deployment("hist", 1, 5, 0)
    };
    let replica_set = crate::domain::workload::ReplicaSet { replicas: 0, ..crate::state::tests::play::replica_set("hist-1", 1, 0, "i") };
    for delta in [Delta::ListStarted, Delta::Applied(deployment), Delta::Listed] {
        state.cluster.deployments.apply(delta, |_, _| {});
    }
    for delta in [Delta::ListStarted, Delta::Applied(replica_set), Delta::Listed] {
        state.cluster.replica_sets.apply(delta, |_, _| {});
    }
    let text = text_of(&draw(&state));
    assert!(text.contains("5 missing: hist 0/5 (exceeded quota: pods)") && !text.contains("✓ no unhealthy"), "{text}");
}

#[test]
fn alerts_that_a_pane_has_no_row_for_are_counted() {
    let mut state = fixture::bad_deploy((120, 40));
    let list = state.alerts.as_mut().unwrap();
    let one = list.alerts[1].clone();
    list.alerts.extend((0..20).map(|number| crate::domain::alert::Alert { fingerprint: format!("more-{number}").into(), ..one.clone() }));
    let ladder = state.ladders[&one.fingerprint].clone();
    state.ladders.extend((0..20).map(|number| (format!("more-{number}").into(), ladder.clone())));
    let text = text_of(&draw(&state));
    assert!(text.contains("Firing  23, "), "{text}");
}

/// What needs somebody first is in the header too, and hides no critical alert there.
#[test]
fn the_header_means_the_alert_of_the_pane() {
    let mut state = fixture::bad_deploy((80, 24));
    if let Some(ladder) = state.ladders.get_mut(&"HighErrorRate".into()) {
        ladder.acknowledge("oncall@gov".into(), fixture::now().mono, std::time::Duration::from_mins(30));
    }
    let rows = rows_of(&draw(&state));
    assert!(rows[0].contains("▲ 1 CRITICAL acked  WARNING 6m"), "{}", rows[0]);
    assert!(rows[1].contains("SlowResponseTime"), "{}", rows[1]);
    // One that was called is not acknowledged.
    let mut state = fixture::bad_deploy((80, 24));
    if let Some(ladder) = state.ladders.get_mut(&"HighErrorRate".into()) {
        ladder.call("oncall@gov".into(), fixture::now().mono);
    }
    let rows = rows_of(&draw(&state));
    assert!(rows[0].contains("▲ 1 CRITICAL called  WARNING 6m"), "{}", rows[0]);
}

#[test]
fn every_theme_draws_every_state() {
    for theme in Theme::names() {
        for state in all_states() {
            draw_in(&state, theme);
        }
    }
}

/// With the warnings of its pods, as the state groups them.
fn warned(size: (u16, u16), count: usize) -> State {
    let mut state = fixture::bad_deploy(size);
    let reasons = ["BackOff", "Unhealthy", "FailedScheduling", "FailedMount"];
    state.warnings.list = reasons
        .iter()
        .take(count)
        .enumerate()
        .map(|(at, reason)| Warning {
            namespace: fixture::NAMESPACE.into(),
            reason: (*reason).into(),
            about: "api-gateway".into(),
            count: 34,
            last_seen: state.server_now() - chrono::TimeDelta::seconds(12),
            message: "Back-off restarting failed container".into(),
            is_past: at > 0,
        })
        .collect();
    state
}

#[test]
fn warnings_take_one_row_of_the_changes_and_nothing_else_moves() {
    let rows = |state: &State| written(&draw(state)).lines().map(str::to_owned).collect::<Vec<_>>();
    let one_change = |count: usize| {
        let mut state = warned((80, 24), count);
        state.cluster.changes.truncate(1);
        state
    };
    let (without, with) = (rows(&one_change(0)), rows(&one_change(4)));
    assert!(!without.iter().any(|row| row.contains("Warnings")), "{}", without.join("\n"));
    let row = with.iter().position(|row| row.starts_with(" Warnings")).unwrap();
    assert_eq!(with[row].trim_end(), " Warnings ! BackOff api-gateway ×34 10s  · Unhealthy api-gateway ×34 10s +2");
    let differ: Vec<usize> = (0..24).filter(|at| without[*at] != with[*at]).collect();
    assert!(differ.iter().all(|at| (row..=row + 1).contains(at)), "{differ:?}\n{}", with.join("\n"));
    assert!(!rows(&warned((80, 24), 4)).iter().any(|row| row.contains("Warnings")), "two rows are left to two changes");
    for size in [(120, 40), (140, 45), (200, 60)] {
        assert!(rows(&warned(size, 4)).iter().any(|row| row.contains("Warnings") && !row.contains('▸')), "{size:?}");
    }
}

#[test]
fn events_that_may_not_be_read_are_said_to_be_so() {
    let mut state = warned((80, 24), 0);
    state.cluster.changes.truncate(1);
    state.sources.get_mut(&SourceId::Events).unwrap().health =
        Health::Forbidden { verb: "list".into(), resource: "events".into(), since: Mono::ZERO };
    let screen = written(&draw(&state));
    assert!(screen.lines().any(|row| row.starts_with(" Warnings") && row.contains("not allowed to list events")), "{screen}");
}
