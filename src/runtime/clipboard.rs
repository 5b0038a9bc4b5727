//! Copying through the terminal (OSC 52), which also reaches the laptop's clipboard over SSH.

use crossterm::{Command, clipboard::CopyToClipboard};

use crate::domain::units;

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

/// `27 characters`, `3 lines, 1,204 characters`.
pub fn amount(text: &str) -> String {
    let characters = match text.chars().filter(|character| *character != '\n').count() {
        1 => "1 character".to_owned(),
        many => format!("{} characters", units::thousands(many as u64)),
    };
    match text.lines().count() {
        0 | 1 => characters,
        lines => format!("{} lines, {characters}", units::thousands(lines as u64)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn how_much_is_said_in_lines_and_characters() {
        assert_eq!(super::amount("é"), "1 character");
        assert_eq!(super::amount("api-gateway"), "11 characters");
        assert_eq!(super::amount(&"0123456789\n".repeat(120)), "120 lines, 1,200 characters");
    }

    #[test]
    fn text_travels_as_base64_so_that_it_cannot_break_out() {
        let sequence = super::sequence("pod\u{1b}[2J").unwrap_or_default();
        assert_eq!(sequence.matches('\u{1b}').count(), 2, "only the sequence's own start and end: {sequence:?}");
    }
}
