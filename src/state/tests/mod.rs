//! Tests of the state: a test's input is what a person does and what servers say, its output what is kept and asked for.

mod advice;
mod attempts;
mod cards;
mod changes;
pub mod controllers;
mod detail;
mod events;
mod keys;
mod kinds;
mod ladders;
mod narrowed;
mod one_rule;
mod palette;
pub mod play;
mod pointer;
mod quiet;
mod random;
mod rights;
mod switch;
mod table;
mod verdicts;
