//! Selecting text with the mouse: where it begins, what ends it, and that it costs no frame which shows nothing.

use super::play::*;
use crate::{
    domain::mitigation::Friction,
    state::{
        msg::{Cells, Effect, Hit, Mouse, MouseKind, Msg},
        overlay::Overlay,
        screens::cockpit::Pane,
        selection::Selection,
    },
};

const PANE: Cells = Cells { column: 10, row: 5, width: 20, height: 4 };

fn mouse(play: &mut Play, what: MouseKind, column: u16, row: u16) -> bool {
    play.state.dirty = false;
    play.send(Msg::Mouse(Mouse { column, row, what, hit: Some(Hit::Pane(Pane::Tiles, None)), pane: Some(PANE) }));
    play.state.dirty
}

fn drag(play: &mut Play, from: (u16, u16), to: (u16, u16)) {
    mouse(play, MouseKind::Click, from.0, from.1);
    mouse(play, MouseKind::Drag, to.0, to.1);
    mouse(play, MouseKind::Release, to.0, to.1);
}

fn runs(play: &Play) -> Vec<(u16, u16, u16)> {
    play.state.selection.iter().flat_map(Selection::runs).collect()
}

fn copies(play: &mut Play) -> usize {
    play.take().iter().filter(|effect| **effect == Effect::CopySelected).count()
}

#[test]
fn a_drag_selects_line_by_line_inside_the_pane_and_letting_go_copies() {
    let mut play = Play::new();
    play.take();
    drag(&mut play, (25, 6), (14, 8));
    assert_eq!(runs(&play), [(6, 25, 30), (7, 10, 30), (8, 10, 15)]);
    assert_eq!(copies(&mut play), 1);
    // The same from below, and beyond the pane.
    drag(&mut play, (14, 8), (70, 2));
    assert_eq!(runs(&play), [(5, 29, 30), (6, 10, 30), (7, 10, 30), (8, 10, 15)]);
    drag(&mut play, (14, 8), (0, 23));
    assert_eq!(runs(&play), [(8, 10, 15)]);
}

#[test]
fn a_click_selects_nothing_and_takes_a_selection_away() {
    let mut play = Play::new();
    play.take();
    drag(&mut play, (14, 6), (14, 6));
    assert_eq!((runs(&play), copies(&mut play)), (vec![], 0));
    drag(&mut play, (14, 6), (15, 6));
    assert_eq!(copies(&mut play), 1);
    assert!(mouse(&mut play, MouseKind::Click, 20, 7));
    assert_eq!(runs(&play), []);
    mouse(&mut play, MouseKind::Release, 20, 7);
    assert_eq!(copies(&mut play), 0);
}

#[test]
fn a_second_click_on_the_spot_selects_a_word_and_a_late_one_does_not() {
    let mut play = Play::new();
    play.take();
    drag(&mut play, (14, 6), (14, 6));
    drag(&mut play, (14, 6), (14, 6));
    assert!(play.state.selection.is_some_and(|selection| selection.by_words));
    assert_eq!(copies(&mut play), 1);
    play.press("Esc");
    drag(&mut play, (14, 6), (14, 6));
    play.wait(1);
    drag(&mut play, (14, 6), (14, 6));
    assert_eq!((runs(&play), copies(&mut play)), (vec![], 0));
    drag(&mut play, (15, 6), (15, 6));
    assert_eq!(runs(&play), [], "another cell");
}

#[test]
fn escape_takes_the_selection_away_and_does_nothing_else() {
    let mut play = Play::new();
    play.press("?");
    drag(&mut play, (14, 6), (20, 6));
    play.press("Esc");
    assert_eq!(runs(&play), []);
    assert!(matches!(play.state.overlays.last(), Some(Overlay::Help { .. })));
    play.press("Esc");
    assert!(play.state.overlays.is_empty());
}

#[test]
fn escape_on_a_card_cancels_it_whatever_is_selected() {
    let mut play = Play::new();
    play.bad_deploy().press("u").planned(Friction::Key);
    drag(&mut play, (14, 6), (20, 6));
    play.press("Esc");
    assert_eq!((play.card(), runs(&play)), (None, vec![]));
}

#[test]
fn whatever_moves_what_is_selected_takes_the_selection_away() {
    for message in [
        Msg::Key(crate::state::msg::Key::char('j')),
        Msg::Key(crate::state::msg::Key::char('2')),
        Msg::Key(crate::state::msg::Key::char('?')),
        Msg::Resize { columns: 100, rows: 30 },
        Msg::Mouse(Mouse { column: 14, row: 6, what: MouseKind::WheelDown, hit: None, pane: Some(PANE) }),
    ] {
        let mut play = Play::new();
        drag(&mut play, (14, 6), (20, 6));
        assert_ne!(runs(&play), []);
        play.send(message.clone());
        assert_eq!(runs(&play), [], "{message:?}");
    }
}

#[test]
fn the_copy_key_copies_what_is_selected() {
    let mut play = Play::new();
    play.bad_deploy();
    drag(&mut play, (14, 6), (20, 6));
    play.take();
    play.press("c");
    assert_eq!(play.take(), [Effect::CopySelected]);
    assert_ne!(runs(&play), []);
    play.press("Esc c");
    assert!(matches!(play.take()[..], [Effect::Copy(_)]));
}

/// Law 8.
#[test]
fn only_a_pointer_in_another_cell_draws() {
    let mut play = Play::new();
    mouse(&mut play, MouseKind::Click, 14, 6);
    assert!(!mouse(&mut play, MouseKind::Drag, 14, 6));
    assert!(mouse(&mut play, MouseKind::Drag, 15, 6));
    assert!(!mouse(&mut play, MouseKind::Drag, 15, 6));
    assert!(mouse(&mut play, MouseKind::Drag, 29, 6));
    assert!(!mouse(&mut play, MouseKind::Drag, 70, 6), "beyond the pane it ends at the same cell");
    assert!(!mouse(&mut play, MouseKind::Release, 70, 6));
}
