//! Copying through the terminal (OSC 52), which also reaches the laptop's clipboard over SSH.

use crossterm::{Command, clipboard::CopyToClipboard};

/// Longest text that is sent: some terminals drop longer sequences whole.
pub const LIMIT: usize = 74_000;

/// The escape sequence that asks the terminal to copy `text`; none if it is too long for it.
pub fn sequence(text: &str) -> Option<String> {
    if text.len() > LIMIT {
        return None;
    }
    let mut sequence = String::new();
    CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence).ok()?;
    Some(sequence)
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_travels_as_base64_so_that_it_cannot_break_out() {
        let sequence = super::sequence("pod\u{1b}[2J").unwrap_or_default();
        assert_eq!(sequence.matches('\u{1b}').count(), 2, "only the sequence's own start and end: {sequence:?}");
    }
}
