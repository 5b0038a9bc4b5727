//! What the cockpit must withstand: servers that are absent, die, freeze, refuse, lie and attack. The built binary in a
//! pseudo-terminal on the simulated servers, with a gate of ours before each.

#![expect(clippy::expect_used, reason = "a test that cannot go on should say why and stop")]

mod absent;
mod changed;
mod gate;
#[path = "../terminal/harness.rs"]
#[expect(dead_code, reason = "made for the terminal tests, which use the rest")]
mod harness;
mod hostile;
mod leaving;
mod nonsense;
mod platform;
mod relay;
mod stalled;
mod two;
mod unanswered;

/// Whether any pane claims to be live. The steps of the escalation ladder use the same sign.
fn live(screen: &str) -> bool {
    let steps = ["● On-call", "● Team lead", "● Manager"];
    steps.iter().fold(screen.to_owned(), |screen, step| screen.replace(step, "")).contains('●')
}

/// Waits until the cockpit is connected and may act, and opens the card of the suggested undo with all its checks done.
fn open_undo_card(session: &mut harness::Session) {
    session.wait("armed, with its suggestion", |screen| {
        screen.contains("armed") && !screen.contains("not armed") && screen.contains("undo rollout api-gateway")
    });
    session.press("u");
    for check in ["✓ same cluster", "✓ allowed", "✓ server dry-run", "✓ unchanged", "✓ journal written", "Type prod"] {
        session.see(check);
    }
}
