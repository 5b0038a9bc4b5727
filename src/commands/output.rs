//! Lines to standard output and standard error. What came from a file or a server is cleaned first.

use std::io::{self, Write};

use super::Exit;
use crate::domain::text::Text;

/// Longest line that is printed, in characters.
const LINE: usize = 4_096;

/// One line for people, on standard error.
pub fn complain(line: &str) {
    let line = Text::bounded(line, LINE);
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "sev1: {line}");
}

/// Text for people that is not the answer itself, on standard error.
pub fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The whole answer of a command, on standard output. A reader that left (`| head`) is no failure.
pub fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::DONE,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::DONE,
        Err(error) => {
            complain(&format!("standard output cannot be written: {error}"));
            Exit::FAILED
        }
    }
}

/// The same as JSON, indented, with a newline.
pub fn print_json(value: &impl serde::Serialize) -> Exit {
    match serde_json::to_string_pretty(value) {
        Ok(json) => print(&(json + "\n")),
        Err(error) => {
            complain(&format!("the answer cannot be written as JSON: {error}"));
            Exit::FAILED
        }
    }
}
