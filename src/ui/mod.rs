//! Pure rendering of the state.
