//! The built binary in a pseudo-terminal, as a person uses it: keys go in, the screen is read back.

mod bad_deploy;
mod cockpit;
#[expect(dead_code, reason = "the fault tests use the rest")]
mod harness;
mod leaving;
mod sync_backlog;
