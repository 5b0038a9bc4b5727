//! `sev1 demo`: an incident on the simulated platform, to try the program on. The feature `demo` brings it; a program built without
//! it has none of the platform's servers, and says so when it is asked for one.

#[cfg(not(feature = "demo"))]
mod absent;
pub mod folder;
#[cfg(feature = "demo")]
mod play;
#[cfg(feature = "demo")]
mod serve;

#[cfg(feature = "demo")]
pub use play::{run, scenarios};

#[cfg(not(feature = "demo"))]
pub use absent::{run, scenarios};
