//! Terminal, input, clock, the loop; runs effects.
