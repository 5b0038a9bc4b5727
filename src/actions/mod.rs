//! The only code that writes to a cluster: plan, preflight, execute, verify, undo.

pub mod kinds;
