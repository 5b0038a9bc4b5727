//! Text that came from a server, made safe to show: the only way from a wire string to the screen.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use super::secrecy;

/// Longest single-line field kept, in characters; the rest is cut and marked with `…`.
pub const LINE_LIMIT: usize = 1_024;

/// So much after the end of what is shown may belong to a secret that begins before it, in characters.
const LONGEST_SECRET: usize = 4_096;

/// A cleaned single line without our secrets. Control characters, bidirectional controls, zero-width and tag characters are spelled out as
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
        // Before it is cut, or a part of a secret could be left; but not all of what is much too long is looked through.
        let all = if raw.len() <= limit { None } else { raw.char_indices().nth(limit.saturating_add(LONGEST_SECRET)) };
        let raw = &*secrecy::plain(all.map_or(raw, |(end, _)| &raw[..end]));
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

    /// Cleans what a server says about an error, which may hold what it was asked with: without our secrets however it altered them, and
    /// without what is a secret by its form, its name or its place. `limit` as for [`Self::bounded`].
    pub fn of_error(words: &str, limit: usize) -> Self {
        let end = words.char_indices().nth(limit.saturating_add(LONGEST_SECRET)).map_or(words.len(), |(end, _)| end);
        Self::bounded(&secrecy::hide(&words[..end]), limit)
    }

    /// Cleans one line that a program wrote for people: colours and bold type (SGR sequences) are left out, since they carry no text.
    pub fn log(raw: &str, limit: usize) -> Self {
        Self::bounded(&without_colours(raw), limit)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text without its SGR sequences (ECMA-48, 8.3.117): `ESC [` or the one character CSI, digits with `;` and `:` between them, and `m`.
/// All other control sequences stay.
pub fn without_colours(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['\u{1b}', '\u{9b}']) {
        return Cow::Borrowed(raw);
    }
    let mut plain = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find(['\u{1b}', '\u{9b}']) {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = colour(rest).unwrap_or_else(|| {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            plain.push_str(&rest[..length]);
            length
        });
        rest = &rest[length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Length of the SGR sequence that the text begins with.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[").or_else(|| text.strip_prefix('\u{9b}'))?;
    let rest = parameters.trim_start_matches(|character: char| character.is_ascii_digit() || matches!(character, ';' | ':'));
    Some(text.len() - rest.strip_prefix('m')?.len())
}

/// Lines for a terminal, cleaned as [`Text`] is: of control characters only newline and tabulator stay.
pub fn lines(raw: &str) -> Cow<'_, str> {
    let plain = secrecy::plain(raw);
    if !plain.chars().any(is_hostile_in_lines) {
        return plain;
    }
    let mut clean = String::with_capacity(plain.len() + 8);
    for character in plain.chars() {
        if is_hostile_in_lines(character) {
            let _ = write!(clean, "<U+{:04X}>", u32::from(character));
        } else {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

fn is_hostile_in_lines(character: char) -> bool {
    is_hostile(character) && !matches!(character, '\n' | '\t')
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

/// Whether people read this name as it is: nothing of it is shown otherwise, cut off, or a blank that is taken for another one. Only of
/// such a name what is shown may be compared, typed again or pasted.
pub fn is_clear(name: &str) -> bool {
    Text::line(name) == *name && name.trim() == name && name.chars().all(|character| character == ' ' || !is_unseen(character))
}

/// Whether nothing, or a blank, or what each font has of its own, is drawn for it: variation selectors, the empty braille cell, characters
/// for private use, those that are none.
fn is_unseen(character: char) -> bool {
    let is_none = u32::from(character) & 0xfffe == 0xfffe;
    character.is_whitespace()
        || is_none
        || matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{2800}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_clear_if_it_is_what_is_shown() {
        for clear in [
            "prod-uk-1",
            "my prod's",
            "arn:aws:eks:eu-west-2:1:cluster/prod",
            "gke_p_europe_c",
            "ctx1 (aws)",
            "default/c:6443/Eckl Máté",
            "a/../..",
            "прод",
            "",
        ] {
            assert!(is_clear(clear), "{clear:?}");
        }
        let long = "x".repeat(LINE_LIMIT + 1);
        for unclear in [
            "prod\tuk",
            "prod\nuk",
            "prod\u{202e}ku",
            "pr\u{200b}od",
            " prod",
            "prod\u{a0}uk",
            "prod\u{2003}",
            "prod\u{1b}[2J",
            "prod\u{fe0f}uk",
            "prod\u{2800}",
            "\u{e000}",
            "\u{10ffff}",
            &long,
        ] {
            assert!(!is_clear(unclear), "{unclear:?}");
        }
    }

    #[rstest::rstest]
    #[case::colour("\u{1b}[31mERROR\u{1b}[0m pool", "ERROR pool")]
    #[case::bare("\u{1b}[mx", "x")]
    #[case::of_256_and_true_colour("\u{1b}[1;38;5;196ma\u{1b}[38:2::255:0:0mb", "ab")]
    #[case::one_character_csi("\u{9b}33mWARN\u{9b}0m", "WARN")]
    #[case::other_sequences("\u{1b}[2Ja\u{1b}]0;t\u{7}", "<U+001B>[2Ja<U+001B>]0;t<U+0007>")]
    #[case::private("\u{1b}[?25hm", "<U+001B>[?25hm")]
    #[case::unfinished("a\u{1b}[31", "a<U+001B>[31")]
    #[case::one_made_of_two("\u{1b}\u{1b}[0m[31mx", "<U+001B>[31mx")]
    fn colours_are_left_out_of_logs_and_nothing_else(#[case] raw: &str, #[case] shown: &str) {
        assert_eq!(Text::log(raw, LINE_LIMIT), shown);
    }
}
