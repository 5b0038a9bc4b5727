//! `sev1 demo`: an incident on the simulated platform, to try the program on. The feature `demo` brings it; a program built without
//! it has none of the platform's servers, and says so when it is asked for one.

pub mod folder;
#[cfg(feature = "demo")]
mod play;
#[cfg(feature = "demo")]
mod serve;

#[cfg(feature = "demo")]
pub use play::{run, scenarios};

#[cfg(not(feature = "demo"))]
pub use absent::{run, scenarios};

#[cfg(not(feature = "demo"))]
mod absent {
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
        output::complain(
            "this sev1 was built without the simulated platform; one built with the feature demo, which is on unless --no-default-features is given, has it",
        );
        Exit::USAGE
    }
}
