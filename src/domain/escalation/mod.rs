//! Escalation: who is called when nobody acknowledges, and which of several alerts needs it first.

mod ladder;
mod matrix;
mod past;
mod record;
mod urgency;

pub use ladder::{Ack, Advance, Call, Ladder, Step, Taken};
pub use matrix::{Matrix, Rung};
pub use past::{Event, Past, Recalled, is_same_start, replay};
pub use record::{LONGEST_NOTE, RECALLED_KINDS, SOMEONE};
pub use urgency::{Urgency, by_urgency, most_urgent};
