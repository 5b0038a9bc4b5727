//! Read-only tasks, one folder per server: wire format to domain observations.

mod backoff;
mod kubernetes;
mod report;
