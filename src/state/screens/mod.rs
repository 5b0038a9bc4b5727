//! One file for the state of each screen.

pub mod cockpit;
pub mod workloads;
