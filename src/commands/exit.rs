//! Exit codes of every command.

use std::process::ExitCode;

/// What the program says to the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    pub const DONE: Self = Self(0);
    pub const FAILED: Self = Self(1);
    /// Wrong usage or configuration. `status`: cannot tell.
    pub const USAGE: Self = Self(2);
    /// A write whose outcome is not known.
    pub const OUTCOME_UNKNOWN: Self = Self(3);
    pub const INTERRUPTED: Self = Self(130);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
