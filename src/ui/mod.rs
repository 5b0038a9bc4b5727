//! Pure rendering of the state: the same state, size and theme always give the same cells.
//!
//! [`render`] draws a frame; [`heights`] and [`hit_test`] answer from the same layout how many rows each list has and
//! what the pointer is on; [`selected_text`] says what stands in the cells of a selection.

pub mod canvas;
pub mod card;
pub mod clock;
pub mod cockpit;
pub mod footer;
pub mod glyph;
pub mod header;
pub mod help;
mod hit;
pub mod layout;
pub mod line;
pub mod menu;
pub mod palette;
pub mod prompt;
pub mod root;
mod selection;
pub mod status;
pub mod theme;
pub mod viewer;
pub mod widgets;
pub mod workloads;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use hit::{heights, hit_test};
pub use selection::{pane_at, selected_text};
pub use theme::{Depth, Theme, UnknownTheme};

use crate::state::State;

/// Draws one frame. Nothing is read but the state; a size of the state that differs from the terminal's is drawn as far
/// as it fits.
pub fn render(frame: &mut ratatui::Frame<'_>, state: &State, theme: &Theme) {
    let mut canvas = canvas::Canvas::new(frame.buffer_mut(), theme, state.ascii);
    root::render(&mut canvas, state);
    selection::render(&mut canvas, state);
}
