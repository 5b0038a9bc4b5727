//! How the writes of a plan follow one another: which are left out, what is waited for, what a refusal means.

use std::time::Duration;

/// Writes of a plan that are treated alike. Phases go one after the other, each with so many of the plan's writes, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    pub writes: usize,
    pub left_out: LeftOut,
    pub wait: Wait,
    pub refusal: Refusal,
}

/// When a write is not sent after all, by a look at its object right before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It was looked at together with all others, before the first.
    Never,
    /// Its object is gone, being deleted, or another one of the same name.
    Gone,
    /// Its object is gone, or another one of the same name; one that is being deleted is not.
    Erased,
    /// As [`LeftOut::Gone`], or it is a pod that got well.
    GoneOrHealthy,
}

/// What is waited for before more is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Each answer is enough.
    Nothing,
    /// After so many deleted pods: ready replacements. If none come in time, the rest is left alone.
    Replacements { after: u8 },
    /// After so many deleted pods: that they are gone.
    Gone { after: u8 },
}

/// What it means that the server refuses a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What follows rests on it: nothing more is sent.
    Ends,
    /// It is said; the others do not depend on it.
    Noted,
    /// The same; but where a disruption budget refuses, the server is asked again, in turn, until the phase has lasted so long.
    AskedAgain { within: Duration },
}

impl Refusal {
    /// Whether a refusal with this HTTP status may end by itself: 429 is a disruption budget's, anything else, as an admission
    /// policy's, stays.
    pub fn is_asked_again(self, status: u16) -> bool {
        status == 429 && matches!(self, Self::AskedAgain { .. })
    }
}

impl Phase {
    /// Each after the other, every one needed by the next.
    pub fn in_order(writes: usize) -> Self {
        Self { writes, left_out: LeftOut::Never, wait: Wait::Nothing, refusal: Refusal::Ends }
    }
}

impl Wait {
    /// How many writes are sent before it.
    pub fn after(self) -> Option<usize> {
        match self {
            Self::Nothing => None,
            Self::Replacements { after } | Self::Gone { after } => Some(usize::from(after.max(1))),
        }
    }
}
