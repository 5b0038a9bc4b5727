//! Which mitigation the evidence speaks for. Ranked and shown, never run by itself.

use super::{mitigation::Request, text::Text};

#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The key that opens its card on the cockpit: `u`, `r`, `b`, `s`.
    pub key: char,
    /// `undo rollout api-gateway to rev 41`.
    pub title: Text,
    /// `rolled out 2 min before errors began`.
    pub evidence: Text,
    /// Higher is stronger.
    pub weight: u32,
    pub request: Request,
}
