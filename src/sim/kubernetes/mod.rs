//! The simulated Kubernetes API server: what real clients (kubectl, kube-rs) expect on the wire, served from the [store](super::store).

pub mod container_logs;
pub mod kinds;
pub mod selector;
