//! One file for each kind of mitigation: how its plan is made and what only it has to check.
//!
//! A kind is a `draft` function and a line in the engine's list of requests. Everything else (general checks, journal,
//! sending, resolving, converging, undo) works from the plan it returns.

pub mod config_key;
pub mod restart_unhealthy;
pub mod scale;
pub mod undo_rollout;
