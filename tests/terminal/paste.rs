//! What is pasted confirms nothing, with or without the brackets that terminals put around it.

use rstest::rstest;

use super::harness::Session;

fn at_the_word() -> Session {
    let mut session = Session::start(80, 24, &["demo"]);
    session.see("undo rollout api-gateway to rev 41").see_gone("cannot write yet").press("u");
    session.see("Type prod").see("✓ server dry-run").see("✓ allowed").see_gone("still running");
    session
}

fn has_intent(session: &Session) -> bool {
    session.recorded("session").iter().any(|line| line["kind"] == "intent")
}

#[rstest]
#[case::without_brackets("prod\r")]
#[case::with_more_of_them("prod\r\r\r")]
#[case::with_brackets_of_its_own("\u{1b}[200~x\u{1b}[201~prod\r\u{1b}[201~")]
fn a_word_that_is_pasted_with_its_enter_confirms_nothing(#[case] pasted: &str) {
    let mut session = at_the_word();
    session.at_once(pasted).see("came as in a paste");
    assert!(!has_intent(&session), "{}", session.screen());
}

/// That no delay changes this is tried beside the state, to which a key is one of a paste or not, whenever the next one comes.
#[test]
fn a_word_that_was_pasted_does_not_count_when_its_enter_is_typed_after_it() {
    let mut session = at_the_word();
    session.at_once("prod");
    session.press("\r").see("Ctrl-U clears it, then type it");
    assert!(!has_intent(&session), "{}", session.screen());
    // Neither does one of which the last letter was typed.
    session.press("\u{7f}").see_gone("Ctrl-U clears it").press("d").press("\r").see("Ctrl-U clears it, then type it");
    assert!(!has_intent(&session), "{}", session.screen());
    session.press("\u{15}").see_gone("Ctrl-U clears it").confirm("prod");
    session.recorded("intent");
}

#[test]
fn a_card_without_a_word_takes_no_y_among_other_letters() {
    let mut session = Session::start(120, 40, &["demo", "--scenario", "sync-backlog"]);
    session.see("restart 2 unhealthy sync-service").see_gone("cannot write yet").press("r");
    session.see("Restart unhealthy").see("✓ server dry-run").see_gone("still running").at_once("yes\r").see_gone("Restart unhealthy");
    assert!(!has_intent(&session), "{}", session.screen());
}
