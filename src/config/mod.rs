//! Configuration: its shape, where each value came from, and its check.
//!
//! Flag > environment > `./sev1.toml` (looks, panes and queries only) > the user's file > default.

pub mod shape;

pub use shape::Config;
