//! The only code that writes to a cluster: plan, preflight, execute, verify, undo.
//!
//! [`Engine::plan`] freezes a plan and checks it, [`Engine::execute`] takes nothing but a confirmed one. Between the two
//! stands a person.

mod alertmanager;
mod api;
mod capacity;
mod changed;
mod checks;
mod commands;
mod converge;
mod counted;
mod diff;
mod disruption;
mod draft;
mod endpoints;
mod engine;
mod execute;
mod expect;
mod full_diff;
pub mod gitops;
pub mod keda;
pub mod kinds;
mod kubectl;
mod load;
mod named_pods;
mod nodes;
mod overwriters;
mod pods;
mod record;
mod recover;
mod replacing;
mod requests;
mod resolve;
mod revisions;
mod room;
mod scalable;
mod sending;
mod undo;
mod watched;
mod workload;
mod write;

pub use engine::{Engine, Pace, Setup};
#[cfg(test)]
pub(crate) use pods::vitals;

#[cfg(test)]
mod tests;
