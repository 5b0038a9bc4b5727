//! `sev1 demo`: the simulated platform, and the cockpit on it.

use super::{Exit, output};
use crate::{
    cli::{Cli, Demo},
    config::Loaded,
};

/// Starts the platform and opens the cockpit on it, or serves it.
pub fn run(demo: &Demo, cli: &Cli, loaded: Loaded) -> Exit {
    let _ = (demo, cli, loaded);
    output::complain("the demo is not part of this build");
    Exit::FAILED
}
