//! However the program ends while its servers are frozen, the terminal is left as it was found, within a second.

use std::time::{Duration, Instant};

use super::{
    super::{
        proxy::{Path, gate::Way},
        world::{Kind, World},
    },
    open_undo_card, press_help,
};

/// The program promises a second; a loaded machine gets another two.
const SOON: Duration = Duration::from_secs(3);

/// A signal is obeyed while every server is frozen.
pub fn by_signal(signal: &str, code: u32) {
    let world = World::open_as(Kind::simulated(&[]), Path::Direct, Way::Open);
    let mut session = world.cockpit(80, 24);
    open_undo_card(&mut session);
    world.set_all(Way::Silent);
    // Confirmed, so that the last check before the write is on its way and will not be answered.
    session.confirm("prod");
    let asked = Instant::now();
    session.signal(signal);
    assert_eq!(session.ended(), code);
    assert!(asked.elapsed() < SOON, "it took {:?}", asked.elapsed());
    assert!(!session.on_alternate_screen() && !session.cursor_hidden(), "the terminal was not restored:\n{}", session.screen());
}

/// It starts, and is left, while nobody ever answered.
pub fn unanswered() {
    let world = World::open_as(Kind::simulated(&[]), Path::Direct, Way::Silent);
    let mut session = world.cockpit(80, 24);
    session.see("listing pods since ").see("looking for Prometheus since ").see("cannot write yet");
    press_help(&mut session);
    let asked = Instant::now();
    session.press("q");
    assert_eq!(session.ended(), 0);
    assert!(asked.elapsed() < SOON, "it took {:?}", asked.elapsed());
    assert!(!session.on_alternate_screen() && !session.cursor_hidden(), "the terminal was not restored:\n{}", session.screen());
}
