//! Typing into a line.

use super::{
    msg::{Key, KeyCode},
    overlay::LineEdit,
};

/// Longest line that can be typed, in characters.
const LIMIT: usize = 512;

impl LineEdit {
    /// With the caret at the end.
    pub fn of(text: &str) -> Self {
        Self { text: text.to_owned(), caret: text.chars().count() }
    }

    /// Applies an editing key; says whether it was one that means something here.
    pub fn edit(&mut self, key: Key) -> bool {
        if key.alt {
            return false;
        }
        let length = self.text.chars().count();
        match key.code {
            KeyCode::Char('u') if key.ctrl => *self = Self::default(),
            KeyCode::Char('w') if key.ctrl => self.delete_word(),
            KeyCode::Char('a') if key.ctrl => self.caret = 0,
            KeyCode::Char('e') if key.ctrl => self.caret = length,
            KeyCode::Char(_) if key.ctrl => return false,
            KeyCode::Char(character) => self.insert(character),
            KeyCode::Backspace if self.caret > 0 => {
                self.caret -= 1;
                self.text.remove(self.offset());
            }
            KeyCode::Delete if self.caret < length => {
                self.text.remove(self.offset());
            }
            KeyCode::Left => self.caret = self.caret.saturating_sub(1),
            KeyCode::Right => self.caret = (self.caret + 1).min(length),
            KeyCode::Home => self.caret = 0,
            KeyCode::End => self.caret = length,
            _ => return false,
        }
        true
    }

    /// Pasted text on one line, without control characters.
    pub fn paste(&mut self, text: &str) {
        for character in text.chars() {
            self.insert(if character.is_whitespace() { ' ' } else { character });
        }
    }

    fn insert(&mut self, character: char) {
        if crate::domain::text::is_hostile(character) || self.text.chars().count() >= LIMIT {
            return;
        }
        self.text.insert(self.offset(), character);
        self.caret += 1;
    }

    fn delete_word(&mut self) {
        let before = self.text[..self.offset()].trim_end();
        let kept = before.rfind(' ').map_or(0, |space| space + 1);
        let rest = self.text[self.offset()..].to_owned();
        self.text.truncate(kept);
        self.caret = self.text.chars().count();
        self.text.push_str(&rest);
    }

    /// Byte offset of the caret.
    fn offset(&self) -> usize {
        self.text.char_indices().nth(self.caret).map_or(self.text.len(), |(offset, _)| offset)
    }
}
