//! Text that came from a server, made safe to show: the only way from a wire string to the screen.

use std::fmt::{self, Write as _};

/// Longest single-line field kept, in characters; the rest is cut and marked with `…`.
pub const LINE_LIMIT: usize = 1_024;

/// A cleaned single line. Control characters, bidirectional controls, zero-width and tag characters are spelled out as
/// `<U+202E>`; it is bounded in length. There is no way to build one without cleaning.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Box<str>);

impl Text {
    /// Cleans one field: a name, a label, a reason, one log line.
    pub fn line(raw: &str) -> Self {
        Self::bounded(raw, LINE_LIMIT)
    }

    /// Cleans with another limit, in characters of the input.
    pub fn bounded(raw: &str, limit: usize) -> Self {
        if raw.len() <= limit && raw.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Self(raw.into());
        }
        let mut clean = String::with_capacity(raw.len().min(limit) + 8);
        for (count, character) in raw.chars().enumerate() {
            if count == limit {
                clean.push('…');
                break;
            }
            match character {
                '\t' => clean.push_str("    "),
                hostile if is_hostile(hostile) => {
                    let _ = write!(clean, "<U+{:04X}>", u32::from(hostile));
                }
                plain => clean.push(plain),
            }
        }
        Self(clean.into_boxed_str())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a terminal or a reader could be misled by this character: C0, C1, bidirectional controls, invisible
/// formatting, line separators, variation selectors of the supplement, tags (Unicode TR36, TR55).
pub fn is_hostile(character: char) -> bool {
    matches!(character,
        '\u{00}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl From<&str> for Text {
    fn from(raw: &str) -> Self {
        Self::line(raw)
    }
}

impl From<String> for Text {
    fn from(raw: String) -> Self {
        Self::line(&raw)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl serde::Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
