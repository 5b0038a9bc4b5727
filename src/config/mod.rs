//! Configuration: its shape, where each value came from, and its check.
//!
//! Flag > environment > `./sev1.toml` (looks, panes and queries only) > the user's file > default.

pub mod defaults;
pub mod environment;
pub mod file;
pub mod load;
pub mod problem;
pub mod rules;
pub mod settings;
pub mod shape;
pub mod template;
pub mod value;

pub use load::{Inputs, Loaded, load};
pub use problem::{Place, Problem};
pub use settings::commands::examples as example_commands;
pub use shape::Config;
