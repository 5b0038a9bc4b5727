//! What servers answer and files hold, spoiled in every way that chance finds: nothing of it may break the program.
//!
//! - `answers.rs`: the real cockpit on the simulated platform, with answers spoiled on their way: nothing panics, nothing raw reaches the
//!   screen, no server is asked without a pause, and nothing grows without a limit.
//! - `files.rs`: kubeconfig, configuration, saved plans, journal and what is kept for an undo.
//!
//! Bytes from a terminal are `tests/terminal/bytes.rs`, through a pseudo-terminal.
//!
//! Each is a loop over seeds. A failure prints its seed; what broke the program once stays in `corpus/` and is tried first.
//!
//! | variable | meaning |
//! |---|---|
//! | `SEV1_HOSTILE_CASES=20` | how many of each; answers are a twentieth as many, since each is a minute of a cockpit |
//! | `SEV1_HOSTILE_SEED=1` | the first seed |
//!
//! A long run: `SEV1_HOSTILE_CASES=100000 cargo test --release --test hostile`.

#![expect(clippy::disallowed_methods, reason = "the clock that is asked is the runtime's own, which jumps")]
#![expect(clippy::expect_used, reason = "a test that cannot go on should say why and stop")]

mod answers;
#[path = "../support/cockpit.rs"]
#[expect(dead_code, reason = "the matrix of advice uses the rest")]
mod cockpit;
mod files;
mod seeds;
mod spoil;
