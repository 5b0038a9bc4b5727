//! Two cockpits at once on one cluster and one journal: both see what one did, and the journal stays whole.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    super::{
        session::Session,
        world::{Kind, World},
    },
    open_undo_card,
};

/// Waits until a record of this kind is in the shared journal.
#[track_caller]
fn wait_for(session: &Session, journal: &Path, kind: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while Session::journal_in(journal).iter().all(|line| line["kind"] != kind) {
        assert!(Instant::now() < deadline, "no {kind}; the screen:\n{}", session.screen());
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn share() {
    let world = World::open(Kind::simulated(&["--speed", "5"]));
    let state = tempfile::tempdir().expect("a temporary folder");
    let shared = state.path().join("state");
    let open = || world.cockpit_with(120, 40, &[], |command, _| command.env("XDG_STATE_HOME", &shared));
    let (mut one, mut other) = (open(), open());
    open_undo_card(&mut one);
    open_undo_card(&mut other);
    one.confirm("prod");
    wait_for(&one, &shared.join("sev1"), "outcome");
    // The other's card was made before: what it would write is not there any more to be written.
    other.confirm("prod").see("nothing was sent: ");
    other.see_gone("CrashLoopBackOff");
    for note in ["first", "second", "third"] {
        one.press("n").press(note).enter();
        other.press("n").press(note).enter();
    }
    wait_for(&one, &shared.join("sev1"), "converged");
    // Its screen may hear of the convergence a moment after the journal: leave whatever it says.
    one.press("\u{3}\u{3}");
    other.press("q");
    one.ended();
    other.ended();

    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sev1"));
    let verified = command.args(["audit", "verify"]).env_clear().env("HOME", state.path()).env("XDG_STATE_HOME", &shared).output().expect("it runs");
    assert!(verified.status.success(), "{}{}", String::from_utf8_lossy(&verified.stdout), String::from_utf8_lossy(&verified.stderr));
    let journal = Session::journal_in(&shared.join("sev1"));
    let count = |kind: &str| journal.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((count("session"), count("intent"), count("not_sent"), count("note")), (2, 1, 1, 6), "{journal:#?}");
}
