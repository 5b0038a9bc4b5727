//! Whatever comes in whatever order: no panic, cursors in range, nothing written without a confirmed card (law 3).

use proptest::prelude::*;

use super::play::*;
use crate::{
    domain::{
        alert::Severity,
        health::{Cause, Health, SourceId},
        mitigation::{ActionEvent, CardId, Check, CheckKind, CheckResult, Friction, MitigationId, Outcome},
        observation::{Delta, What},
        time::Mono,
    },
    state::{
        Screen,
        card::CardContent,
        msg::{Cells, Effect, Heights, Hit, Key, KeyCode, Mouse, MouseKind, Msg},
        overlay::{Overlay, ViewerId},
        screens::cockpit::Pane,
    },
};

#[derive(Debug, Clone)]
enum Act {
    Key(Key),
    Type(&'static str),
    Wait(u16),
    Pod(u8, bool),
    Gone(u8),
    Errors(f64),
    Alert(bool),
    Planned(bool),
    Passed,
    Shown,
    Ended(u8, bool),
    Converged(u8),
    Journal(bool),
    Failed(u8),
    Click(u8, usize),
    Lines(u8),
    Paste,
    Height(u16),
    Resize(u16, u16),
}

fn key() -> impl Strategy<Value = Key> {
    let named = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
    ]);
    let letters: Vec<char> = "urbsmUaACeny/:?q12dylpcftw0@jkgG<>I N".chars().collect();
    prop_oneof![
        4 => prop::sample::select(letters).prop_map(Key::char),
        3 => named.prop_map(Key::plain),
        1 => (any::<char>(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(character, ctrl, alt, shift)| Key { code: KeyCode::Char(character), ctrl, alt, shift }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => key().prop_map(Act::Key),
        2 => prop::sample::select(vec!["prod", "y", "scale api-gateway 5", "api", "6"]).prop_map(Act::Type),
        2 => (0u16..400).prop_map(Act::Wait),
        3 => (0u8..20, any::<bool>()).prop_map(|(pod, ready)| Act::Pod(pod, ready)),
        1 => (0u8..20).prop_map(Act::Gone),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), 0.0..0.3].prop_map(Act::Errors),
        1 => any::<bool>().prop_map(Act::Alert),
        2 => any::<bool>().prop_map(Act::Planned),
        2 => Just(Act::Passed),
        3 => Just(Act::Shown),
        2 => (0u8..5, any::<bool>()).prop_map(|(id, done)| Act::Ended(id, done)),
        1 => (0u8..5).prop_map(Act::Converged),
        1 => any::<bool>().prop_map(Act::Journal),
        1 => (0u8..12).prop_map(Act::Failed),
        2 => (0u8..9, 0usize..30).prop_map(|(hit, row)| Act::Click(hit, row)),
        1 => (0u8..4).prop_map(Act::Lines),
        1 => Just(Act::Paste),
        1 => (0u16..20).prop_map(Act::Height),
        1 => (0u16..300, 0u16..100).prop_map(|(columns, rows)| Act::Resize(columns, rows)),
    ]
}

/// What has to be true of the topmost card for a confirmation to count.
fn is_confirmable(play: &Play) -> bool {
    play.card().is_some_and(|card| card.shown_at.is_some() && matches!(card.content, CardContent::Planned(_))) && play.state.disarmed().is_none()
}

fn perform(play: &mut Play, act: &Act) {
    match act {
        Act::Key(key) => {
            play.send(Msg::Key(*key));
        }
        Act::Type(text) => {
            play.type_(text);
        }
        Act::Wait(seconds) => {
            play.wait((*seconds).into());
        }
        Act::Pod(number, ready) => {
            let pod_name = format!("api-gateway-b-{number}");
            let pod = if *ready { pod(&pod_name, "api-gateway-b") } else { crash_looping(&pod_name, "api-gateway-b") };
            play.observe(SourceId::Pods, What::Pods(vec![Delta::Applied(pod)]));
        }
        Act::Gone(number) => {
            play.observe(SourceId::Pods, What::Pods(vec![Delta::Deleted(name(&format!("api-gateway-b-{number}")))]));
        }
        Act::Errors(value) => {
            play.error_rate(*value);
        }
        Act::Alert(fires) => {
            play.alerts(if *fires { vec![alert("A", Severity::Critical, -60), alert("B", Severity::Warning, 10)] } else { Vec::new() });
        }
        Act::Planned(asks_word) => {
            if let Some(card) = play.card().map(|card| card.id) {
                let friction = if *asks_word { Friction::Word("prod".into()) } else { Friction::Key };
                let frozen = Box::new(plan(MitigationId(card.0), friction));
                play.send(Msg::Action(ActionEvent::Planned { card, plan: frozen }));
            }
        }
        Act::Passed => {
            if let Some(card) = play.card().map(|card| card.id) {
                play.passed(card);
                let check = Check { what: CheckKind::Overwritten, result: CheckResult::Warn("an HPA".into()) };
                play.send(Msg::Action(ActionEvent::Checked { card, check }));
            }
        }
        Act::Shown => {
            let card = play.card().map_or(CardId(0), |card| card.id);
            play.shown(card);
        }
        Act::Ended(id, done) => {
            let outcome = if *done { Outcome::Done } else { Outcome::Unknown("cut".into()) };
            play.send(Msg::Action(ActionEvent::Ended { id: MitigationId((*id).into()), outcome, undoable: *done }));
        }
        Act::Converged(id) => {
            play.send(Msg::Action(ActionEvent::Converged { id: MitigationId((*id).into()), after: std::time::Duration::ZERO }));
        }
        Act::Journal(broken) => {
            play.send(Msg::Action(ActionEvent::Journal { broken: broken.then(|| "full".into()) }));
        }
        Act::Failed(source) => {
            let now = Mono(play.clock);
            play.observe(
                SourceId::ALL[usize::from(*source)],
                What::Health(Health::Failed { why: "cut".into(), cause: Cause::Server, since: now, retry_at: now }),
            );
        }
        Act::Click(hit, row) => {
            let hit = match hit {
                0 => Some(Hit::Row(*row)),
                1 => Some(Hit::Pane(Pane::Pods, Some(*row))),
                2 => Some(Hit::Pane(Pane::Suggestions, Some(*row))),
                3 => Some(Hit::Column(*row)),
                4 => Some(Hit::OverlayRow(*row)),
                5 => Some(Hit::Outside),
                6 => Some(Hit::Card(crate::state::card::CardFocus::Details)),
                7 => play.state.footer().first().map(|entry| Hit::Command(entry.command.clone())),
                _ => None,
            };
            let kinds = [MouseKind::WheelDown, MouseKind::Click, MouseKind::Drag, MouseKind::Click, MouseKind::Release];
            let pane = Some(Cells { column: 0, row: 0, width: 30, height: 1 }).filter(|_| row.is_multiple_of(2));
            let column = u16::try_from(*row).unwrap();
            play.send(Msg::Mouse(Mouse { column, row: 0, what: kinds[row % kinds.len()], hit, pane }));
        }
        Act::Lines(viewer) => {
            play.send(Msg::Lines { viewer: ViewerId((*viewer).into()), lines: vec!["one".into(), "two".into()], ended: None });
        }
        Act::Paste => {
            play.send(Msg::Paste("pro\u{202e}d\n".to_owned()));
        }
        Act::Height(rows) => {
            let rows = *rows;
            let heights =
                Heights { pods: rows, errors: rows, suggestions: rows, alerts: rows, changes: rows, table: rows, overlay: rows, viewer: rows };
            play.send(Msg::Layout(heights));
        }
        Act::Resize(columns, rows) => {
            play.send(Msg::Resize { columns: *columns, rows: *rows });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_breaks_and_nothing_is_written_unconfirmed(acts in prop::collection::vec(act(), 1..120)) {
        let mut play = Play::new();
        play.bad_deploy();
        for act in &acts {
            play.take();
            let confirmable = is_confirmable(&play);
            perform(&mut play, act);
            let executed = play.executed();
            let by_hand = matches!(act, Act::Key(key) if matches!(key.normal().code, KeyCode::Enter | KeyCode::Char('y'))) || matches!(act, Act::Type(_));
            prop_assert!(executed == 0 || (executed == 1 && confirmable && by_hand), "{act:?} wrote");
            let state = &play.state;
            let rows = &state.workloads.rows;
            prop_assert!(state.workloads.cursor.row < rows.len().max(1));
            if state.screen == Screen::Workloads {
                prop_assert_eq!(&state.workloads.focused, &rows.get(state.workloads.cursor.row).cloned());
            }
            prop_assert!(state.cockpit.pods.row < state.narrowed(crate::state::screens::cockpit::Pane::Pods).1.max(1));
            prop_assert_eq!(&state.cockpit.pod, &state.shown_pods().nth(state.cockpit.pods.row).cloned());
            prop_assert!(state.cockpit.suggestions.row < state.advice.suggestions.len().max(1));
            if let Some(Overlay::Viewer(viewer)) = state.overlays.last() {
                prop_assert!(viewer.cursor.row < viewer.lines.len().max(1));
            }
            prop_assert!(state.overlays.iter().filter(|overlay| matches!(overlay, Overlay::Card(_))).count() <= 1);
            prop_assert!(state.next_wake().unwrap() > state.now.mono);
            prop_assert!(play.effects.iter().all(|effect| !matches!(effect, Effect::Execute(plan) if plan.plan().cluster != cluster())));
        }
    }
}
