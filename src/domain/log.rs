//! Logs of containers: which containers a pod has, their lines, and how bad a line says it is.

use std::ops::Range;

use super::text::Text;

/// One line as the node keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogLine {
    /// When it was written, in the server's own words (RFC 3339); empty where it said no time.
    pub at: Text,
    pub text: Text,
}

/// A container of a pod whose log can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogContainer {
    pub name: Text,
    pub role: ContainerRole,
    /// `Running`, or why it waits or how it ended: `CrashLoopBackOff`, `Completed (exit code 0)`.
    pub state: Text,
    pub restarts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerRole {
    Main,
    /// Runs to its end before the main ones start.
    Init,
    /// An init container that goes on running beside the main ones.
    Sidecar,
    /// Added to debug a running pod.
    Ephemeral,
}

impl ContainerRole {
    /// The word before `container`; none for a main one.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Main => None,
            Self::Init => Some("init"),
            Self::Sidecar => Some("sidecar"),
            Self::Ephemeral => Some("debug"),
        }
    }
}

impl LogContainer {
    /// `migrate (init): CrashLoopBackOff, 12 restarts`
    pub fn sentence(&self) -> String {
        let role = self.role.word().map_or(String::new(), |word| format!(" ({word})"));
        let restarts = match self.restarts {
            0 => String::new(),
            1 => ", 1 restart".to_owned(),
            many => format!(", {many} restarts"),
        };
        format!("{}{role}: {}{restarts}", self.name, self.state)
    }
}

/// How bad a line says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Warning,
    Error,
}

/// How far into a line its level is looked for, in bytes.
const HEAD: usize = 400;

/// Where a line names its level, if that is a warning or worse: a word in capitals (`ERROR`), one in brackets (`[warn]`), the value
/// of a field called level or severity (`"level":"error"`, `level=warn`, pino's numbers), or klog's first letter (`E1123 02:14:00`).
pub fn level(line: &str) -> Option<(Range<usize>, LogLevel)> {
    let head = &line[..line.floor_char_boundary(HEAD)];
    if let Some(level) = klog(head) {
        return Some((0..1, level));
    }
    // What a field says goes before a word in the message.
    if let Some(said) = field(head) {
        return said;
    }
    words(head).find_map(|range| {
        let word = &head[range.clone()];
        let is_capital = word.bytes().all(|byte| byte.is_ascii_uppercase());
        let before = head[..range.start].chars().next_back();
        let is_bracketed = before == Some('[') && head[range.end..].starts_with(']');
        let level = named(word).filter(|_| is_capital || is_bracketed)?;
        Some((range, level))
    })
}

fn klog(head: &str) -> Option<LogLevel> {
    let bytes = head.as_bytes();
    let is_klog = bytes.len() > 6 && bytes[1..5].iter().all(u8::is_ascii_digit) && bytes[5] == b' ' && bytes[6].is_ascii_digit();
    match bytes.first().filter(|_| is_klog)? {
        b'E' | b'F' => Some(LogLevel::Error),
        b'W' => Some(LogLevel::Warning),
        _ => None,
    }
}

/// What the first field of that kind says; the inner none: a level that is no trouble.
#[expect(clippy::option_option, reason = "no such field is something else than one that says info")]
fn field(head: &str) -> Option<Option<(Range<usize>, LogLevel)>> {
    words(head).find_map(|range| {
        let is_level = ["level", "severity", "lvl", "loglevel", "levelname"].iter().any(|name| head[range.clone()].eq_ignore_ascii_case(name));
        if !is_level {
            return None;
        }
        let rest = &head[range.end..];
        let value = rest.trim_start_matches(['"', '\'', ' ', '=', ':']);
        let between = &rest[..rest.len() - value.len()];
        if !between.contains(['=', ':']) {
            return None;
        }
        let start = head.len() - value.len();
        let end = start + value.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(value.len());
        let word = &head[start..end];
        let level = named(word).or_else(|| match word.parse::<u32>().ok()? {
            // Those of pino and bunyan; syslog's own run from 0 to 7.
            50..=69 | 0..=3 => Some(LogLevel::Error),
            40..=49 | 4 => Some(LogLevel::Warning),
            _ => None,
        });
        Some(level.map(|level| (start..end, level)))
    })
}

/// Words of ASCII letters that stand alone: no letter, digit or `_` beside them.
fn words(head: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + head[rest..].find(is_word)?;
        let end = start + head[start..].find(|character| !is_word(character)).unwrap_or(head.len() - start);
        rest = end;
        Some(start..end)
    })
    .filter(|range| head[range.clone()].bytes().all(|byte| byte.is_ascii_alphabetic()))
}

fn named(word: &str) -> Option<LogLevel> {
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    if is(&["error", "err", "eror", "fatal", "critical", "crit", "panic", "severe", "emerg", "emergency", "alert"]) {
        Some(LogLevel::Error)
    } else if is(&["warn", "warning"]) {
        Some(LogLevel::Warning)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::word("18:00:00 ERROR pool: timed out", Some("ERROR"))]
    #[case::warning("WARN slow", Some("WARN"))]
    #[case::bracketed("2026/11/23 [warn] 7#7: slow upstream", Some("warn"))]
    #[case::json(r#"{"ts":"x","level":"error","msg":"WARN is only mentioned"}"#, Some("error"))]
    #[case::spaced_json(r#"{ "severity" : "WARNING", "message": "x" }"#, Some("WARNING"))]
    #[case::ecs(r#"{"log.level":"ERROR","message":"x"}"#, Some("ERROR"))]
    #[case::pino(r#"{"level":50,"msg":"x"}"#, Some("50"))]
    #[case::logfmt("time=x level=warn msg=slow", Some("warn"))]
    #[case::klog("E1123 02:14:00.000000       1 reflector.go:1] failed", Some("E"))]
    #[case::says_info(r#"{"level":"info","msg":"ERROR rate is 0"}"#, None)]
    #[case::in_a_sentence("the error is gone, no warning", None)]
    #[case::part_of_a_word("ERRORS_TOTAL 5, TERROR", None)]
    #[case::level_of_something_else("water level rose", None)]
    #[case::empty("", None)]
    fn a_line_says_how_bad_it_is(#[case] line: &str, #[case] word: Option<&str>) {
        assert_eq!(level(line).map(|(range, _)| &line[range]), word, "{line}");
    }

    proptest::proptest! {
        #[test]
        fn any_line_has_a_level_inside_or_none(line in ".{0,500}") {
            if let Some((range, _)) = level(&line) {
                proptest::prop_assert!(line.get(range).is_some());
            }
        }
    }
}
