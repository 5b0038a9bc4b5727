//! The simulated platform behind `demo`: one world behind four wire-compatible servers.

pub mod kubernetes;
pub mod store;
