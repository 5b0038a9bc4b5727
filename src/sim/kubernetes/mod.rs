//! The simulated Kubernetes API server: what real clients (kubectl, kube-rs) expect on the wire, served from the [store](super::store).
//!
//! [`server`] authenticates, routes and authorizes; the modules beside it answer. Refusals are in the words of a real server
//! ([`status`]), tables have its columns ([`table`]).

pub mod access;
mod admission;
pub mod container_logs;
mod custom;
mod delete;
mod discovery;
mod eviction;
mod exec;
pub mod kinds;
pub mod kubeconfig;
mod logs;
mod openapi;
mod patch;
mod protobuf;
pub mod proxy;
mod rbac;
mod read;
mod render;
mod request;
mod reviews;
mod scale;
mod schemas;
pub mod selector;
pub mod server;
mod status;
mod strategic;
mod table;
#[cfg(test)]
mod tests;
mod validation;
mod versions;
mod watch;
mod write;
