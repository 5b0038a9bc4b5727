//! Terminal, input, clock, the loop; runs effects.

pub mod app;
pub mod clipboard;
pub mod clock;
pub mod effects;
pub mod fault;
pub mod input;
pub mod records;
pub mod screen;
pub mod sequences;
pub mod signals;
pub mod terminal;
pub mod tty;
pub mod viewer;
