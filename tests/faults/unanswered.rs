//! A write that was done and whose answer never came: unknown, then resolved by reading, and sent exactly once.

use std::time::{Duration, Instant};

use super::{
    gate::Way,
    harness::Session,
    open_undo_card,
    platform::{Api, Platform},
    relay::Manner,
};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/digital-identity/deployments/api-gateway";

fn patches(platform: &Platform) -> usize {
    platform.kubernetes.relay.passed().iter().filter(|(method, path)| method == "PATCH" && !path.contains("dryRun")).count()
}

/// The card of the undo, confirmed.
fn undo(session: &mut Session) {
    open_undo_card(session);
    session.press("prod").enter();
}

/// The next word comes from reading.
#[track_caller]
fn wait_until_resolved(session: &Session) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while session.journal().iter().all(|line| line["kind"] != "resolved") {
        assert!(Instant::now() < deadline, "never resolved; the screen:\n{}", session.screen());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[track_caller]
fn assert_told_honestly(session: &Session) {
    let journal = session.journal();
    let states: Vec<_> = journal
        .iter()
        .filter(|line| ["intent", "outcome", "resolved"].iter().any(|kind| line["kind"] == *kind))
        .map(|line| format!("{} {}", line["kind"].as_str().unwrap_or_default(), line["state"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(states, ["intent ", "outcome unknown", "resolved done"], "{journal:#?}");
}

#[test]
fn an_answer_that_never_comes_is_unknown_until_it_is_read() {
    let platform = Platform::start(Api::Relayed, &[]);
    let before = platform.get(DEPLOYMENT);
    let mut session = platform.cockpit(120, 40);
    session.see("undo rollout api-gateway");
    platform.kubernetes.relay.set(Manner::Swallows("PATCH"));
    undo(&mut session);
    session.wait_at_most(Duration::from_secs(50), "an unknown outcome", |screen| screen.contains("unknown"));
    wait_until_resolved(&session);
    session.see_gone("CrashLoopBackOff");
    assert_eq!(patches(&platform), 1);
    assert_ne!(platform.get(DEPLOYMENT)["spec"], before["spec"]);
    assert_told_honestly(&session);
}

#[test]
fn a_cluster_lost_after_the_write_leaves_it_unknown_until_it_is_back() {
    let platform = Platform::start(Api::Relayed, &["--speed", "5"]);
    let mut session = platform.cockpit(120, 40);
    session.see("undo rollout api-gateway");
    platform.kubernetes.relay.set(Manner::Swallows("PATCH"));
    undo(&mut session);
    while patches(&platform) == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    platform.kubernetes.gate.set(Way::Shut);
    session.see("unknown");
    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
    platform.kubernetes.relay.set(Manner::Honest);
    platform.kubernetes.gate.set(Way::Open);
    wait_until_resolved(&session);
    assert_eq!(patches(&platform), 1);
    assert_told_honestly(&session);
}
