//! The backend under ratatui: a frame is gathered and leaves in one write, and a frame that changes nothing leaves
//! nothing (law 8: a terminal byte costs something). Terminals that know synchronized output (private mode 2026) show it at
//! once, however many packets it came in; the others ignore what frames it.

use std::io::{self, Write};

use ratatui::{
    backend::{Backend, ClearType, CrosstermBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
};

/// Before a frame: nothing of it is shown...
const BEGIN: &[u8] = b"\x1b[?2026h";
/// ...before this.
pub const END: &[u8] = b"\x1b[?2026l";

/// Gathers a frame for `Output`.
#[derive(Debug)]
pub struct Screen<Output: Write> {
    frame: CrosstermBackend<Vec<u8>>,
    /// The frame as it is written.
    whole: Vec<u8>,
    output: Output,
    /// What the terminal was last told of its cursor; none: not known.
    cursor_visible: Option<bool>,
    cursor_at: Option<Position>,
    /// Bytes written so far, for the benches.
    written: u64,
}

impl<Output: Write> Screen<Output> {
    pub fn new(output: Output) -> Self {
        let frame = CrosstermBackend::new(Vec::with_capacity(16 * 1024));
        Self { frame, whole: Vec::new(), output, cursor_visible: None, cursor_at: None, written: 0 }
    }

    pub fn bytes_written(&self) -> u64 {
        self.written
    }

    /// Bytes that belong to no cell: bell, clipboard, notifications. They leave with the next flush.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.frame.write_all(bytes)
    }
}

impl<Output: Write> Backend for Screen<Output> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.cursor_at = None;
        self.frame.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_visible == Some(false) {
            return Ok(());
        }
        self.cursor_visible = Some(false);
        self.frame.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor_visible == Some(true) {
            return Ok(());
        }
        self.cursor_visible = Some(true);
        self.frame.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal would need its answer, which a slow link delays; nothing here depends on it.
        Ok(self.cursor_at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor_at == Some(position) {
            return Ok(());
        }
        self.cursor_at = Some(position);
        self.frame.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.cursor_at = None;
        self.frame.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.cursor_at = None;
        self.frame.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.frame.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.frame.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = self.frame.writer();
        if bytes.is_empty() {
            return Ok(());
        }
        self.whole.clear();
        for part in [BEGIN, bytes, END] {
            self.whole.extend_from_slice(part);
        }
        self.output.write_all(&self.whole)?;
        self.output.flush()?;
        self.written += self.whole.len() as u64;
        self.frame.writer_mut().clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_leaves_in_one_piece_and_nothing_leaves_for_nothing() {
        let mut screen = Screen::new(Vec::new());
        screen.flush().unwrap();
        assert_eq!(screen.bytes_written(), 0);
        screen.push(b"some").unwrap();
        screen.push(b"thing").unwrap();
        screen.flush().unwrap();
        assert_eq!(screen.output, [BEGIN, b"something", END].concat());
        assert_eq!(screen.bytes_written(), screen.output.len() as u64);
    }
}
