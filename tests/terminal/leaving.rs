//! However the program ends, the terminal is left as it was found, within a second.

use std::time::{Duration, Instant};

use rstest::rstest;

use super::harness::Session;

fn demo() -> Session {
    let mut session = Session::start(80, 24, &["demo", "--scenario", "calm"]);
    session.see("Error rate");
    session
}

fn assert_restored(session: &Session) {
    assert!(!session.on_alternate_screen(), "still on the alternate screen:\n{}", session.screen());
    assert!(!session.cursor_hidden(), "the cursor is still hidden");
}

#[rstest]
#[case::terminated("TERM", 143)]
#[case::hung_up("HUP", 129)]
#[case::interrupted("INT", 130)]
fn a_signal_restores_the_terminal(#[case] signal: &str, #[case] code: u32) {
    let mut session = demo();
    let sent = Instant::now();
    session.signal(signal);
    assert_eq!(session.ended(), code);
    assert!(sent.elapsed() < Duration::from_secs(5), "it took {:?}", sent.elapsed());
    assert_restored(&session);
}

#[test]
fn q_leaves_with_success() {
    let mut session = demo();
    session.press("q");
    assert_eq!(session.ended(), 0);
    assert_restored(&session);
}

#[test]
fn control_c_twice_always_leaves() {
    let mut session = demo();
    session.press("\u{3}").see("Ctrl-C again").press("\u{3}");
    assert_eq!(session.ended(), 130);
    assert_restored(&session);
}

#[test]
fn escape_control_d_and_control_k_do_nothing_dangerous() {
    let mut session = demo();
    session.press("\u{4}").press("\u{b}").esc();
    session.press("?").see("Keys ─");
    session.esc().see_gone("Keys ─");
    assert!(session.recorded("session").iter().all(|line| line["kind"] != "intent"), "no write was started");
    session.press("q");
    assert_eq!(session.ended(), 0);
}
