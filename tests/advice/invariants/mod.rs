//! What has to hold at every look, one rule a file. Each gives the violations in words.

mod backwards;
mod beginning;
mod contradiction;
mod ladder;
mod opposites;
mod quiet;
mod trend;
pub mod verdict;

use crate::look::Look;

/// How the rule on verdicts is called, which needs two plays.
pub const VERDICT: &str = "verdict-against-the-truth";

/// What is wrong at a look, given those before it.
pub type Rule = fn(&[Look], &Look) -> Vec<String>;

/// The rules by name.
pub const RULES: [(&str, Rule); 7] = [
    ("towards-the-template-of-the-beginning", contradiction::check),
    ("suggestions-that-undo-each-other", opposites::check),
    ("ladder-not-the-most-urgent", ladder::check),
    ("beginning-drifts", beginning::check),
    ("progress-counts-backwards", backwards::check),
    ("suggested-while-all-is-good", quiet::check),
    ("trend-contradicts-the-points", trend::check),
];
