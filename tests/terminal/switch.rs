//! Going to another namespace and to another context without leaving the terminal.

use super::harness::Session;

#[test]
fn another_namespace_and_another_context_are_opened_in_the_same_terminal() {
    let mut session = Session::start(120, 40, &["demo"]);
    session.see("prod-uk-1 · digital-identity").see("CrashLoopBackOff");
    session.press(":ns").enter().see("ns digital-identity-staging");
    session.press("digital-identity-staging").enter().see("Switch to namespace digital-identity-staging?").press("y");
    session.see("prod-uk-1 · digital-identity-staging").see("this is namespace digital-identity-staging of prod-uk-1");

    session.press(":ctx staging-uk-1").enter().see("Switch to context staging-uk-1?").press("y");
    session.see("staging-uk-1 · digital-identity-staging").see("of staging-uk-1");

    session.press(":ctx prod-uk-1").enter().see("Type prod-uk-1 to switch").press("y").enter().see("type prod-uk-1 to switch; Esc stays here");
    session.press("\u{15}prod-uk-1").enter();
    session.see("prod-uk-1 · digital-identity").see("CrashLoopBackOff").press("q");
    assert_eq!(session.ended(), 0);
}

#[test]
fn events_have_a_table_and_lead_to_their_pod() {
    let mut session = Session::start(120, 40, &["demo"]);
    session.see("CrashLoopBackOff").see("Warnings").see("BackOff api-gateway");
    session.press(":events").enter().see("LAST SEEN").press("/BackOff").enter().see("Back-off").enter().see("containers");
    session.press("\u{1b}").see("LAST SEEN");
}
