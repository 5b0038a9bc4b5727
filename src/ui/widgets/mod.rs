//! Parts that several panes are made of.

pub mod chart;
pub mod columns;
pub mod dialog;
pub mod filtered;
pub mod fold;
pub mod freshness;
pub mod rule;
pub mod sparkline;
