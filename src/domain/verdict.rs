//! Whether a mitigation helped: the indicators before it and after it.

use std::time::Duration;

use super::{kpi::Unit, text::Text};

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Judgement {
    Helped,
    NoEffect,
    Worse,
    /// Not enough time has passed to tell.
    TooEarly,
    /// The indicator has no values before or after.
    NoData,
}

/// One indicator before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub kpi: Text,
    pub title: Text,
    pub unit: Unit,
    pub before: Option<f64>,
    pub after: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub judgement: Judgement,
    /// Time since the write.
    pub after: Duration,
    /// The indicator that decided, then the others.
    pub comparisons: Vec<Comparison>,
}
