//! Lines to standard output and standard error. What came from a file or a server is cleaned first.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::Exit;
use crate::{
    domain::{
        secrecy,
        text::{self, Text},
    },
    files,
};

/// Longest line that is printed, in characters.
const LINE: usize = 4_096;

/// One line for people, on standard error.
pub fn complain(line: &str) {
    let line = Text::bounded(&secrecy::hide(line), LINE);
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "sev1: {line}");
}

/// Text for people that is not the answer itself, on standard error.
pub fn say(text: &str) {
    let _ = io::stderr().write_all(text::lines(text).as_bytes());
}

/// The whole answer of a command, on standard output. A reader that left (`| head`) is no failure.
pub fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text::lines(text).as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::DONE,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::DONE,
        Err(error) => {
            complain(&format!("standard output cannot be written: {}", files::plain(error)));
            Exit::FAILED
        }
    }
}

/// The same as JSON, indented, with a newline.
pub fn print_json(value: &impl serde::Serialize) -> Exit {
    match serde_json::to_string_pretty(value) {
        Ok(json) => print(&(escaped(json) + "\n")),
        Err(error) => {
            complain(&format!("the answer cannot be written as JSON: {error}"));
            Exit::FAILED
        }
    }
}

/// What would mislead a terminal, as JSON itself may write it. All of it stands inside strings: `serde_json` writes none between them.
fn escaped(json: String) -> String {
    if !json.chars().any(|character| character != '\n' && text::is_hostile(character)) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !text::is_hostile(character) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_and_misleads_no_terminal() {
        let value = serde_json::json!({ "a\u{202e}b": "c\u{9b}d\u{e0041}\u{1b}\n" });
        let json = escaped(serde_json::to_string_pretty(&value).unwrap());
        assert!(!json.chars().any(|character| character != '\n' && text::is_hostile(character)), "{json:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
