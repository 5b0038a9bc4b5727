//! The simulated platform behind `demo`: one world behind four wire-compatible servers.

pub mod alertmanager;
pub mod elasticsearch;
pub mod log_store;
pub mod prometheus;
pub mod promql;
pub mod tsdb;
