//! A fault of the program itself: the terminal is given back at once, with one message, and nothing runs on half dead.

use std::time::{Duration, Instant};

use rstest::rstest;

use super::harness::Session;

/// The program promises a second; a loaded machine gets another two.
const SOON: Duration = Duration::from_secs(3);

#[rstest]
#[case::in_the_loop("loop")]
#[case::in_a_background_task("task")]
fn a_panic_ends_the_program_and_restores_the_terminal(#[case] place: &str) {
    let mut session = Session::start_with(80, 24, &["demo", "--scenario", "calm"], |command, _| command.env("SEV1_PANIC", place));
    session.see("nothing fires").see("Suggested");
    let struck = Instant::now();
    session.signal("USR1");
    assert_eq!(session.ended(), 101);
    assert!(struck.elapsed() < SOON, "it took {:?}", struck.elapsed());
    assert!(!session.on_alternate_screen() && !session.cursor_hidden(), "the terminal was not restored:\n{}", session.screen());
    let screen = session.screen();
    assert_eq!(screen.matches("sev1 ends: a fault of its own").count(), 1, "{screen}");
    assert_eq!(screen.matches("a panic that was asked for").count(), 1, "{screen}");
    // Whatever is drawn after the terminal was given back would lie over the shell.
    assert!(!screen.contains("Error rate"), "{screen}");
}
