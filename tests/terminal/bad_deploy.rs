//! The whole story of the bad deploy: see it, acknowledge, undo it, see that it helped, take it back, quit.

use super::harness::Session;

#[test]
fn from_launch_to_a_mitigated_incident() {
    let mut session = Session::start(80, 24, &["demo", "--speed", "10"]);
    session.see("CrashLoopBackOff").see("undo rollout api-gateway to rev 41").see("PRODUCTION").see("HighErrorRate").see_gone("cannot write yet");

    session.press("a").see("acknowledged: its ladder is held");

    session.press("u").see("Undo rollout").see("42 → 41").see("prod-uk-1");
    session.see("✓ server dry-run").see("✓ allowed").see_gone("still running");
    // A wrong word does nothing and says so.
    session.press("dev").enter().see("type prod");
    session.press("\u{7f}\u{7f}\u{7f}").confirm("prod");

    session.see_gone("CrashLoopBackOff");
    session.see("helped");

    let journal = session.recorded("verdict");
    let kinds: Vec<&str> = journal.iter().filter_map(|line| line["kind"].as_str()).collect();
    let intent = kinds.iter().position(|kind| *kind == "intent").expect("an intent");
    let outcome = kinds.iter().position(|kind| *kind == "outcome").expect("an outcome");
    assert!(intent < outcome, "{kinds:?}");
    assert!(kinds.contains(&"ack"), "{kinds:?}");

    session.press("q");
    assert_eq!(session.ended(), 0);
    // It was a game: nothing of it is offered to the next one, or kept among what was done to real clusters.
    let left: Vec<_> = std::fs::read_dir(session.home.path()).expect("the home folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_read_only_cockpit_offers_no_mitigation() {
    let mut session = Session::start(80, 24, &["demo", "--read-only"]);
    session.see("CrashLoopBackOff").see("read-only");
    session.press("u");
    session.press("?").see("Keys ─").esc();
    assert!(!session.screen().contains("Type prod"), "{}", session.screen());
    assert!(session.recorded("session").iter().all(|line| line["kind"] != "intent"));
}

#[test]
fn escape_on_the_card_writes_nothing() {
    let mut session = Session::start(80, 24, &["demo"]);
    session.see("undo rollout api-gateway to rev 41").see_gone("cannot write yet").press("u").see("Type prod").esc().see_gone("Type prod");
    session.see("CrashLoopBackOff");
    assert!(session.recorded("session").iter().all(|line| line["kind"] != "intent"));
    session.press("q");
    assert_eq!(session.ended(), 0);
}
