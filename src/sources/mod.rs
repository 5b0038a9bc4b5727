//! Read-only tasks, one folder per server: wire format to domain observations.
