//! `sev1 demo` of a program that was built without the simulated platform.

use super::super::{Exit, output};
use crate::{
    cli::{Cli, Demo},
    config::Loaded,
};

/// For `demo --help`.
pub fn scenarios() -> String {
    "This sev1 was built without the simulated platform.\n".to_owned()
}

/// Says that there is nothing to play.
pub fn run(_: &Demo, _: &Cli, _: &str, _: Loaded) -> Exit {
    output::complain("this sev1 was built without the simulated platform: one that is built without --no-default-features has it");
    Exit::USAGE
}
