//! A write that was done and whose answer never came: unknown, then resolved by reading, and sent exactly once.

use std::time::{Duration, Instant};

use super::{
    super::{
        proxy::{gate::Way, relay::Manner},
        session::Session,
        world::{Kind, World},
    },
    open_undo_card, press_help,
};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/digital-identity/deployments/api-gateway";

fn patches(world: &World) -> usize {
    world.written().len()
}

/// The card of the undo, confirmed.
fn undo(session: &mut Session) {
    open_undo_card(session);
    session.confirm("prod");
}

/// The next word comes from reading.
#[track_caller]
fn wait_until_resolved(session: &Session) {
    // Half a minute for the answer, and time to read.
    let deadline = Instant::now() + Duration::from_mins(2);
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
    let why = journal.iter().rev().find_map(|line| line["why"].as_str()).unwrap_or_default();
    assert_eq!(states, ["intent ", "outcome unknown", "resolved done"], "the last reason: {why}");
}

/// An answer that never comes is unknown until it is read.
pub fn resolved_by_reading() {
    let world = World::open(Kind::simulated(&[]));
    let before = world.get(DEPLOYMENT);
    let mut session = world.cockpit(120, 40);
    session.see("undo rollout api-gateway");
    world.kubernetes().relay.set(Manner::Swallows("PATCH".to_owned()));
    undo(&mut session);
    // The first look tells: the word stands on the screen for a moment only, and in the journal for good.
    wait_until_resolved(&session);
    session.see_gone("CrashLoopBackOff");
    assert_eq!(patches(&world), 1);
    assert_ne!(world.get(DEPLOYMENT)["spec"], before["spec"]);
    assert_told_honestly(&session);
}

/// A cluster lost after the write leaves it unknown until it is back.
pub fn lost_cluster() {
    let world = World::open(Kind::simulated(&["--speed", "5"]));
    let before = world.get(DEPLOYMENT);
    let mut session = world.cockpit(120, 40);
    session.see("undo rollout api-gateway");
    world.kubernetes().relay.set(Manner::Swallows("PATCH".to_owned()));
    undo(&mut session);
    // Done, and not only on its way: what is lost before the server has it was never done.
    while world.get(DEPLOYMENT)["spec"] == before["spec"] {
        std::thread::sleep(Duration::from_millis(20));
    }
    world.kubernetes().gate.set(Way::Shut);
    session.see("unknown");
    press_help(&mut session);
    world.kubernetes().relay.set(Manner::Honest);
    world.kubernetes().gate.set(Way::Open);
    wait_until_resolved(&session);
    assert_eq!(patches(&world), 1);
    assert_told_honestly(&session);
}
