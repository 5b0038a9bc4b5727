//! Selecting with the mouse: from the press on a cell to the text that is copied.

use super::*;
use crate::{
    state::{
        msg::{Effect, Mouse, MouseKind, Msg},
        update::update,
    },
    ui::{pane_at, selected_text},
};

fn point(state: &mut State, what: MouseKind, (column, row): (u16, u16)) -> Vec<Effect> {
    let hit = hit_test(state, column, row);
    let pane = pane_at(state, column, row);
    update(state, Msg::Mouse(Mouse { column, row, what, hit, pane }))
}

/// Drags from one cell to another and returns what is copied.
fn drag(state: &mut State, from: (u16, u16), to: (u16, u16)) -> String {
    let told = heights(state);
    update(state, Msg::Layout(told));
    point(state, MouseKind::Click, from);
    point(state, MouseKind::Drag, to);
    let effects = point(state, MouseKind::Release, to);
    assert!(effects.contains(&Effect::CopySelected), "{effects:?}");
    selected_text(state, &Theme::mono()).unwrap()
}

/// Where a text is drawn.
fn find(state: &State, needle: &str) -> (u16, u16) {
    let rows = rows_of(&draw(state));
    let row = rows.iter().position(|row| row.contains(needle)).unwrap_or_else(|| panic!("{needle} is not drawn:\n{}", rows.join("\n")));
    let column = rows[row].split(needle).next().map_or(0, UnicodeWidthStr::width);
    (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
}

fn right_of(state: &State, needle: &str) -> (u16, u16) {
    let (column, row) = find(state, needle);
    (column + u16::try_from(needle.width()).unwrap() - 1, row)
}

#[test]
fn lines_of_a_pane_are_copied_without_the_pane_beside_it() {
    let mut state = fixture::bad_deploy((200, 60));
    let (from, to) = (find(&state, "p9d4r"), right_of(&state, "oom1k"));
    assert!(from.1 + 1 < to.1);
    let text = drag(&mut state, from, to);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("p9d4r ") && lines[0].ends_with("node-7"), "{text}");
    assert!(lines[1].contains("x2xqk ") && lines[2].ends_with("oom1k"), "{text}");
    assert!(!text.contains("fires") && !text.contains("by ci-deployer"), "{text}");
}

#[test]
fn what_is_selected_shows_in_every_theme_and_in_ascii() {
    for (theme, ascii) in Theme::names().flat_map(|theme| [(theme, false), (theme, true)]) {
        let mut state = fixture::bad_deploy((80, 24));
        state.ascii = ascii;
        let (from, to) = (find(&state, "HighErrorRate"), right_of(&state, "HighErrorRate"));
        drag(&mut state, from, to);
        state.notice = None;
        let after = draw_in(&state, theme);
        state.selection = None;
        let plain = draw_in(&state, theme);
        for column in from.0..=to.0 {
            let cells = [&plain, &after].map(|buffer| buffer.cell((column, from.1)).unwrap().clone());
            assert_eq!(cells[0].symbol(), cells[1].symbol());
            let [off, on] = cells.map(|cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED));
            assert_ne!(off, on, "{theme}, ascii {ascii}, column {column}");
        }
        let beyond = [&plain, &after].map(|buffer| buffer.cell((to.0 + 1, to.1)).unwrap().clone());
        assert_eq!(beyond[0], beyond[1]);
    }
}

#[test]
fn both_halves_of_a_wide_character_belong_to_it() {
    let mut state = workloads((80, 24), Kind::Pod);
    let mut pod = state.cluster.pods.objects.values().next().unwrap().clone();
    pod.key = Key::new(fixture::NAMESPACE, "名前-サービス");
    state.workloads.rows.insert(0, pod.key.clone());
    state.cluster.pods.apply(Delta::Applied(pod), |_, _| {});
    let (column, row) = find(&state, "名前-サービス");
    assert_eq!(drag(&mut state, (column + 1, row), (column + 5, row)), "名前-サ");
}

#[test]
fn a_double_click_takes_the_word() {
    let mut state = fixture::bad_deploy((200, 60));
    let at = find(&state, "7c9f6d5b8-x2xqk");
    point(&mut state, MouseKind::Click, at);
    point(&mut state, MouseKind::Release, at);
    point(&mut state, MouseKind::Click, at);
    point(&mut state, MouseKind::Release, at);
    assert_eq!(selected_text(&state, &Theme::mono()).unwrap(), "api-gateway-7c9f6d5b8-x2xqk");
}

fn viewer(wrap: bool, lines: &[&str]) -> State {
    let mut state = fixture::bad_deploy((60, 20));
    let about = crate::domain::object::ObjectRef { kind: Kind::Pod, key: Key::new(fixture::NAMESPACE, "api"), uid: "u".into() };
    state.overlays.push(Overlay::Viewer(Box::new(Viewer {
        id: ViewerId(1),
        about,
        what: ViewerKind::Logs { container: None, previous: false },
        lines: lines.iter().map(|line| (*line).into()).collect(),
        times: lines.iter().map(|_| None).collect(),
        containers: Vec::new(),
        container: None,
        dropped: 0,
        cursor: Cursor { row: lines.len() - 1, top: 0 },
        follow: true,
        wrap,
        search: LineEdit::default(),
        searching: false,
        status: "".into(),
    })));
    state
}

const LONG: &str = "2026-11-23T02:13:00Z ERROR pool timed out after 30 ms waiting for a connection to core-engine, giving up";

#[test]
fn of_a_viewer_the_lines_themselves_are_copied_however_they_are_drawn() {
    for wrap in [false, true] {
        let mut state = viewer(wrap, &["first", LONG, "third line"]);
        let (from, to) = (find(&state, "ERROR"), right_of(&state, "third"));
        assert_eq!(drag(&mut state, from, to), format!("{}\nthird", &LONG[21..]), "wrap {wrap}");
        let (from, to) = (find(&state, "2026-11"), right_of(&state, "02:13"));
        assert_eq!(drag(&mut state, from, to), "2026-11-23T02:13", "wrap {wrap}");
    }
}

#[test]
fn lines_that_come_in_do_not_move_what_is_being_selected() {
    let mut state = viewer(false, &["one", "two", "three"]);
    let (from, to) = (find(&state, "two"), right_of(&state, "three"));
    point(&mut state, MouseKind::Click, from);
    point(&mut state, MouseKind::Drag, to);
    let told = heights(&state);
    update(&mut state, Msg::Layout(told));
    update(&mut state, Msg::Lines { viewer: ViewerId(1), lines: vec!["more".into(); 100], ended: None });
    assert_eq!(selected_text(&state, &Theme::mono()).unwrap(), "two\nthree");
}

#[test]
fn every_cell_of_every_state_can_be_dragged_from() {
    for mut state in all_states() {
        for size in [(0, 0), (1, 1), (19, 4), (50, 12), (80, 24), (200, 60)] {
            state.size = size;
            for cell in [(0, 0), (size.0 / 2, size.1 / 2), (size.0 / 3, size.1.saturating_sub(1)), (size.0, size.1)] {
                let Some(pane) = pane_at(&state, cell.0, cell.1) else { continue };
                assert!(pane.column + pane.width <= size.0 && pane.row + pane.height <= size.1, "{pane:?} at {size:?}");
                point(&mut state, MouseKind::Click, cell);
                point(&mut state, MouseKind::Drag, (size.0 / 4, size.1 / 4));
                draw(&state);
                selected_text(&state, &Theme::mono());
                state.selection = None;
            }
        }
    }
}

#[test]
fn levels_are_coloured_in_logs_and_a_search_is_marked_over_them() {
    let theme = Theme::by_name("night").unwrap();
    let style_of = |state: &State, word: &str| {
        let (column, row) = find(state, word);
        crate::ui::tests::draw(state)[(column, row)].fg
    };
    let mut state = viewer(false, &["18:00 ERROR pool: timed out", r#"{"level":"warn","msg":"slow"}"#, "last INFO line"]);
    assert_eq!(Some(style_of(&state, "ERROR")), theme.critical.fg);
    assert_eq!(Some(style_of(&state, "warn")), theme.warning.fg);
    assert_eq!(Some(style_of(&state, "INFO")), theme.plain.fg);
    let Some(Overlay::Viewer(open)) = state.overlays.last_mut() else { panic!() };
    open.search = LineEdit::of("error pool");
    open.times = [Some("2026-11-29T18:00:00Z".into()), None, None].into();
    state.log_times = true;
    assert_eq!(Some(style_of(&state, "ERROR pool")), theme.found.fg.or(theme.plain.fg));
    assert!(crate::ui::tests::text_of(&crate::ui::tests::draw(&state)).contains("2026-11-29T18:00:00Z 18:00 ERROR pool"));
    if let Some(Overlay::Viewer(open)) = state.overlays.last_mut() {
        open.search = LineEdit::default();
    }
    assert_eq!(Some(style_of(&state, "ERROR")), theme.critical.fg);
}
