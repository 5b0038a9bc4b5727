//! The simulated platform held to the truth: what it answers against what the real servers answer.
//!
//! `SEV1_STACK` names a file of `NAME=value` lines that says where the real servers are; then they are asked. Without it the answers
//! recorded from them take their place. `SEV1_RECORD=1` records anew.

#![expect(clippy::disallowed_methods, reason = "a deadline of a test is real time")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test's helper fails by panicking")]

mod conformance;
#[expect(dead_code, reason = "the terminal tests use more of it")]
#[path = "../support/session.rs"]
mod harness;
mod listed;
mod promql;
mod recorder;
mod requests;
mod shape;
mod stack;
mod world;
