//! `update`: the only function that changes the state.

use super::{
    State,
    msg::{Effect, Msg},
};

/// Applies one message. Never blocks, never fails; what has to be done outside comes back as effects.
pub fn update(state: &mut State, message: Msg) -> Vec<Effect> {
    let _ = (state, message);
    Vec::new()
}
