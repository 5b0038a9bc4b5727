//! The simulated platform behind `demo`: one world behind four wire-compatible servers.

pub mod log_store;
pub mod promql;
pub mod tsdb;
