//! Logs of containers: which containers a pod has, their lines, and how bad a line says it is.

use std::ops::Range;

use super::{log_trace, text::Text, units};

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
        let restarts = if self.restarts == 0 { String::new() } else { format!(", {}", units::counted(u64::from(self.restarts), "restart")) };
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
/// of a field called level or severity (`"level":"error"`, `level=warn`, pino's numbers), klog's first letter (`E1123 02:14:00`),
/// syslog's priority (`<3>`), or a line of a crash.
pub fn level(line: &str) -> Option<(Range<usize>, LogLevel)> {
    let head = &line[..line.floor_char_boundary(HEAD)];
    if let Some(level) = klog(head) {
        return Some((0..1, level));
    }
    if let Some(said) = syslog(head) {
        return Some(said);
    }
    // What a field says goes before a word in the message.
    if let Some(said) = field(head) {
        return said;
    }
    if let Some(said) = log_trace::level(head) {
        return Some(said);
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
    initial(head.get(..1).filter(|_| is_klog)?)
}

/// The priority before a message, as the kernel and RFC 5424 (6.2.1) write it: eight times the facility and the severity.
fn syslog(head: &str) -> Option<(Range<usize>, LogLevel)> {
    let (priority, _) = head.strip_prefix('<')?.split_once('>')?;
    let number: u8 = priority.parse().ok().filter(|number| *number <= 191 && priority.bytes().all(|digit| digit.is_ascii_digit()))?;
    let level = match number % 8 {
        0..=3 => LogLevel::Error,
        4 => LogLevel::Warning,
        _ => return None,
    };
    Some((0..priority.len() + 2, level))
}

/// Names of fields that hold a level, however they are written: dots, dashes and underscores aside.
const FIELDS: [&str; 9] = ["level", "severity", "lvl", "loglevel", "levelname", "severitytext", "severitynumber", "priority", "prio"];
/// `MongoDB`'s, in JSON alone: one letter elsewhere may mean anything.
const OF_MONGODB: &str = "\"s\":";

/// What the first field of that kind says; the inner none: a level that is no trouble.
#[expect(clippy::option_option, reason = "no such field is something else than one that says info")]
fn field(head: &str) -> Option<Option<(Range<usize>, LogLevel)>> {
    words(head).find_map(|range| {
        let bare = head[range.clone()].replace('_', "").to_ascii_lowercase();
        let is_of_mongodb = head[..range.end].ends_with("\"s") && head[range.start - 1..].starts_with(OF_MONGODB);
        let name = FIELDS.into_iter().find(|name| *name == bare).or_else(|| is_of_mongodb.then_some("s"))?;
        let rest = &head[range.end..];
        let value = rest.trim_start_matches(['"', '\'', ' ', '=', ':']);
        let between = &rest[..rest.len() - value.len()];
        if !between.contains(['=', ':']) {
            return None;
        }
        let start = head.len() - value.len();
        let end = start + value.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(value.len());
        let word = &head[start..end];
        let level = named(word).or_else(|| initial(word)).or_else(|| match (name, word.parse::<u32>().ok()?) {
            // OpenTelemetry's.
            ("severitynumber", 17..=24) => Some(LogLevel::Error),
            ("severitynumber", 13..=16) => Some(LogLevel::Warning),
            ("severitynumber", _) => None,
            // Those of pino and bunyan, and Google's; syslog's own run from 0 to 7.
            (_, 50..=69 | 500..=800 | 0..=3) => Some(LogLevel::Error),
            (_, 40..=49 | 400..=499 | 4) => Some(LogLevel::Warning),
            _ => None,
        });
        Some(level.map(|level| (start..end, level)))
    })
}

/// Words of ASCII letters and `_` that stand alone: no letter or digit beside them.
fn words(head: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + head[rest..].find(is_word)?;
        let end = start + head[start..].find(|character| !is_word(character)).unwrap_or(head.len() - start);
        rest = end;
        Some(start..end)
    })
    .filter(|range| head[range.clone()].bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_'))
}

/// A level by its first letter, as klog, glog, `MongoDB` and Android have it.
fn initial(word: &str) -> Option<LogLevel> {
    match word {
        "E" | "F" => Some(LogLevel::Error),
        "W" => Some(LogLevel::Warning),
        _ => None,
    }
}

fn named(word: &str) -> Option<LogLevel> {
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    if is(&["error", "err", "eror", "fatal", "critical", "crit", "panic", "severe", "emerg", "emergency", "alert", "dpanic", "ftl", "pnc"]) {
        Some(LogLevel::Error)
    } else if is(&["warn", "warning", "wrn"]) {
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
    #[case::letter(r#"{"level":"E","msg":"x"}"#, Some("E"))]
    #[case::letter_info(r#"{"level":"I","msg":"an ERROR is only mentioned"}"#, None)]
    #[case::mongodb(r#"{"t":{"$date":"2026-11-30T21:44:00Z"},"s":"E","c":"NETWORK","id":23016,"msg":"x"}"#, Some("E"))]
    #[case::mongodb_info(r#"{"t":{"$date":"2026-11-30T21:44:00Z"},"s":"I","c":"REPL","id":1,"msg":"x"}"#, None)]
    #[case::s_elsewhere("took 3 s: E is a letter", None)]
    #[case::klog_fatal("F0102 02:14:00.000000 1 main.go:1] no lease", Some("F"))]
    #[case::syslog_kernel("<3>oom-killer: gfp_mask=0x0", Some("<3>"))]
    #[case::syslog_facility("<11>1 2026-11-23T02:14:00Z host app - - - failed", Some("<11>"))]
    #[case::syslog_warning("<4>slow", Some("<4>"))]
    #[case::syslog_info("<14>1 2026-11-23T02:14:00Z host app all is well", None)]
    #[case::no_syslog("<300>no priority", None)]
    #[case::logfmt_err("ts=x level=err msg=x", Some("err"))]
    #[case::cloud(r#"{"severity":"CRITICAL","message":"x"}"#, Some("CRITICAL"))]
    #[case::cloud_number(r#"{"severity":500,"message":"x"}"#, Some("500"))]
    #[case::otel(r#"{"severity_text":"Error","body":"x"}"#, Some("Error"))]
    #[case::otel_number(r#"{"SeverityNumber":17,"body":"x"}"#, Some("17"))]
    #[case::zerolog("2:14AM ERR no pool", Some("ERR"))]
    #[case::trace("\tat com.x.Pool.take(Pool.java:12)", Some("at com.x.Pool.take(Pool.java:12)"))]
    #[case::info_of_a_crash(r#"{"level":"info","msg":"panic: none"}"#, None)]
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
