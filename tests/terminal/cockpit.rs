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
    let screen = session.screen();
    for fact in ["prod-uk-1", "digital-identity", "Error rate", "p95 latency", "Sync backlog", "Team lead", "unhealthy", "image 2.3.1 → 2.4.0"] {
        assert!(screen.contains(fact), "{fact:?} is missing:\n{screen}");
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

#[test]
fn an_unchanged_screen_sends_nothing() {
    let mut session = Session::start(80, 24, &["demo", "--scenario", "calm"]);
    session.see("nothing fires").see("ready");
    // Quiet is an absence, so this one test has to look at a stretch of time: the longest silence within it must span
    // several refreshes of every source.
    let mut longest = std::time::Duration::ZERO;
    let begun = std::time::Instant::now();
    let (mut last, mut since) = (session.bytes(), begun);
    while begun.elapsed() < std::time::Duration::from_secs(40) && longest < std::time::Duration::from_secs(12) {
        std::thread::sleep(std::time::Duration::from_millis(50));
        if session.bytes() != last {
            (last, since) = (session.bytes(), std::time::Instant::now());
        }
        longest = longest.max(since.elapsed());
    }
    assert!(longest >= std::time::Duration::from_secs(12), "never quiet for 12 s; the screen:\n{}", session.screen());
}
