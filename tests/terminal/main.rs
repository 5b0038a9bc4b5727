//! The built binary in a pseudo-terminal, as a person uses it: keys go in, the screen is read back.

#![expect(clippy::disallowed_methods, reason = "a deadline of a test is real time")]
#![expect(clippy::expect_used, reason = "a test that cannot go on should say why and stop")]

mod bad_deploy;
mod bytes;
mod cockpit;
mod containers;
#[path = "../support/session.rs"]
mod harness;
mod jobs;
mod leaving;
mod login;
mod mouse;
mod panic;
mod paste;
mod switch;
mod sync_backlog;
