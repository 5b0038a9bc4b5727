//! The first screen at every size.

use rstest::rstest;

use super::harness::Session;

#[rstest]
#[case(80, 24)]
#[case(120, 40)]
#[case(200, 60)]
fn what_is_broken_is_on_the_first_screen_without_a_key(#[case] columns: u16, #[case] rows: u16) {
    let mut session = Session::start(columns, rows, &["demo"]);
    session.see("CrashLoopBackOff").see("HighErrorRate").see("undo rollout api-gateway").see("api-gateway rev 41 → 42");
    for fact in ["prod-uk-1", "digital-identity", "Error rate", "p95 latency", "Sync backlog", "Team lead", "unhealthy", "image 2.3.1 → 2.4.0"] {
        session.see(fact);
    }
}

#[test]
fn any_size_is_survived() {
    let mut session = Session::start(80, 24, &["demo"]);
    session.see("Error rate");
    for (columns, rows) in [(200, 60), (59, 14), (19, 4), (1, 1), (30, 2), (120, 40), (80, 10), (80, 24)] {
        session.resize(columns, rows);
    }
    session.see("Error rate").see("Suggested").press("q");
    assert_eq!(session.ended(), 0);
}

/// Law 8, seen from the terminal: whatever is sent changes something that can be seen.
#[test]
fn no_byte_is_sent_for_nothing() {
    let mut session = Session::start(80, 24, &["demo", "--scenario", "calm"]);
    session.see("nothing fires").see("ready").see("patterns");
    let (_, futile) = session.frames();
    session.see_frames(8);
    let (_, after) = session.frames();
    assert_eq!(after, futile, "frames that changed nothing; the screen:\n{}", session.screen());
}
