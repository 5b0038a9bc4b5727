//! The words on the screen, for what a test has to say.

use ratatui::{Terminal, backend::TestBackend};
use sev1::{
    state::State,
    ui::{self, Theme},
};

/// The frame as lines of text.
pub fn words(state: &State) -> Vec<String> {
    let theme = Theme::by_name("night").expect("a built-in theme");
    let (columns, rows) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal in memory");
    terminal.draw(|frame| ui::render(frame, state, &theme)).expect("a frame in memory");
    let buffer = terminal.backend().buffer().clone();
    let line = |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned();
    buffer.content().chunks(usize::from(columns).max(1)).map(line).collect()
}
