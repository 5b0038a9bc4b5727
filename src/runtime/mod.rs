//! Terminal, input, clock, the loop; runs effects.

pub mod clipboard;
pub mod clock;
pub mod input;
pub mod screen;
pub mod signals;
pub mod terminal;
