//! The simulated platform behind `demo`: one world behind four wire-compatible servers.

pub mod kubernetes;
pub mod log_store;
pub mod promql;
pub mod store;
pub mod tsdb;
pub mod world;
