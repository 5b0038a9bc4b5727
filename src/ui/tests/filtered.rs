//! `/` on the cockpit: the pane says what it is narrowed to and what it hides, and marks what matches.

use super::*;
use crate::state::{
    msg::{Key as Pressed, Msg},
    update::update,
};

fn press(state: &mut State, name: &str) {
    let told = heights(state);
    update(state, Msg::Layout(told));
    update(state, Msg::Key(Pressed::parse(name).unwrap()));
}

fn narrow(state: &mut State, pane: Pane, words: &str) {
    state.cockpit.focus = pane;
    press(state, "/");
    for letter in words.chars() {
        press(state, &letter.to_string());
    }
}

#[test]
fn the_panes_of_the_cockpit_say_their_filter_and_what_it_hides() {
    for size in SIZES {
        let mut state = fixture::bad_deploy(size);
        narrow(&mut state, Pane::Pods, "core");
        let text = text_of(&draw(&state));
        assert!(text.contains("40/42 ready · 2 unhealthy not shown · filter: core (1 of 3)"), "{text}");
        assert!(text.contains("oom1k") && !text.contains("x2xqk"), "{text}");
        press(&mut state, "Esc");
        let text = text_of(&draw(&state));
        assert!(text.contains("3 unhealthy") && !text.contains("filter:") && text.contains("x2xqk"), "{text}");
        narrow(&mut state, Pane::Errors, "hmrc");
        press(&mut state, "Enter");
        let text = text_of(&draw(&state));
        assert!(text.contains("4 patterns · filter: hmrc (1 of 4)") && text.contains("HMRC answered") && !text.contains("×211"), "{text}");
        narrow(&mut state, Pane::Changes, "kubectl");
        press(&mut state, "Enter");
        let text = text_of(&draw(&state));
        assert!(text.contains("filter: kubectl (1 of 2)") && text.contains("configmap/api-config"), "{text}");
    }
}

#[test]
fn what_matches_a_filter_is_marked() {
    let theme = Theme::by_name("night").unwrap();
    for screen in [Screen::Cockpit, Screen::Workloads] {
        let mut state = fixture::bad_deploy((120, 40));
        if screen == Screen::Workloads {
            press(&mut state, "2");
        }
        narrow(&mut state, Pane::Pods, "CRASH");
        let buffer = draw(&state);
        let marked = |cell: &&ratatui::buffer::Cell| bare(cell.style()).bg == theme.found.bg && bare(cell.style()).fg == theme.found.fg;
        let text: String = buffer.content().iter().filter(marked).map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(text, "CrashCrash", "{screen:?}\n{}", text_of(&buffer));
    }
}

#[test]
fn a_filter_that_nothing_passes_says_so_and_how_it_ends() {
    let mut state = fixture::bad_deploy((80, 24));
    narrow(&mut state, Pane::Pods, "nosuchpod");
    let text = text_of(&draw(&state));
    assert!(
        text.contains("3 unhealthy not shown") && text.contains("None of 3 unhealthy pods passes the filter \"nosuchpod\". Esc clears it."),
        "{text}"
    );
    press(&mut state, "Enter");
    press(&mut state, "2");
    narrow(&mut state, Pane::Pods, "core");
    let text = text_of(&draw(&state));
    assert!(text.contains("2 unhealthy not shown"), "{text}");
}

#[test]
fn the_pointer_finds_the_rows_that_pass() {
    let mut state = fixture::bad_deploy((80, 24));
    narrow(&mut state, Pane::Pods, "core");
    press(&mut state, "Enter");
    let rows = rows_of(&draw(&state));
    let row = u16::try_from(rows.iter().position(|row| row.contains("oom1k")).unwrap()).unwrap();
    assert_eq!(hit_test(&state, 10, row), Some(crate::state::msg::Hit::Pane(Pane::Pods, Some(0))));
    assert_eq!(hit_test(&state, 10, row + 1), Some(crate::state::msg::Hit::Pane(Pane::Pods, None)));
}

/// At 80 columns too what a filter hides and what it is are read whole; without one the kinds are.
#[test]
fn the_table_says_its_filter_and_what_it_hides_at_every_width() {
    for size in [(80, 24), (100, 30), (120, 40)] {
        let mut state = fixture::bad_deploy(size);
        press(&mut state, "2");
        assert!(text_of(&draw(&state)).contains("  deploy  "), "{size:?}");
        narrow(&mut state, Pane::Pods, "core");
        let text = text_of(&draw(&state));
        assert!(text.contains("2 unhealthy not shown  filter: core ("), "{text}");
        let title = rows_of(&draw(&state)).into_iter().find(|row| row.contains("filter:")).unwrap();
        assert!(title.contains("Pods") && title.split("filter: core (").nth(1).unwrap().contains(')'), "{title}");
    }
}
