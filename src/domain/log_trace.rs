//! Lines of a crash as runtimes write them, which name no level: how they begin, and the frames of their stacks.

use std::ops::Range;

use super::log::LogLevel;

/// How a line begins that tells of a crash or of a failure: Go, Rust, Python, Java, .NET, and programs that write for a shell.
const BEGINNINGS: [&str; 16] = [
    "panic:",
    "fatal error:",
    "runtime error:",
    "[signal SIG",
    "error:",
    "fatal:",
    "fail:",
    "crit:",
    "Error:",
    "Fatal error:",
    "Exception in thread ",
    "Unhandled exception",
    "Caused by:",
    "Suppressed:",
    "Traceback (most recent call last):",
    "stack backtrace:",
];
/// The same of a warning.
const WARNINGS: [&str; 4] = ["warn:", "warning:", "Warning:", "WARNING:"];

/// What of the line says that it belongs to a crash, and how bad that is.
pub fn level(line: &str) -> Option<(Range<usize>, LogLevel)> {
    let text = line.trim_start();
    let start = line.len() - text.len();
    let spot = |length: usize, level| Some((start..start + length, level));
    if let Some(beginning) = BEGINNINGS.iter().find(|beginning| text.starts_with(**beginning)) {
        return spot(beginning.trim_end().trim_end_matches(':').len(), LogLevel::Error);
    }
    if let Some(beginning) = WARNINGS.iter().find(|beginning| text.starts_with(**beginning)) {
        return spot(beginning.len() - 1, LogLevel::Warning);
    }
    if let Some(length) = exception(text) {
        return spot(length, LogLevel::Error);
    }
    (is_panic_of_rust(text) || is_frame(text, start > 0)).then(|| (start..line.trim_end().len(), LogLevel::Error))
}

/// Length of the type of an exception that the line begins with: `ValueError: no such key`, `java.lang.IllegalStateException`.
fn exception(text: &str) -> Option<usize> {
    let end = text.find(|character: char| !(character.is_ascii_alphanumeric() || "._$".contains(character))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let last = name.rsplit(['.', '$']).next().unwrap_or_default();
    let is_type = ["Error", "Exception", "Warning"].iter().any(|ending| last.len() > ending.len() && last.ends_with(ending));
    (is_type && last.starts_with(|first: char| first.is_ascii_uppercase()) && (rest.is_empty() || rest.starts_with(": "))).then_some(end)
}

/// `thread 'main' panicked at src/main.rs:2:5:`
fn is_panic_of_rust(text: &str) -> bool {
    text.strip_prefix("thread '").is_some_and(|rest| rest.contains("' panicked at ") || rest.contains(") panicked at "))
}

/// One frame of a stack. Those of Java, .NET, JavaScript and Python stand further in than what they belong to.
fn is_frame(text: &str, is_indented: bool) -> bool {
    let is_goroutine =
        text.strip_prefix("goroutine ").is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()) && rest.contains(" ["));
    let is_at = text.strip_prefix("at ").is_some_and(|rest| rest.contains('(') || rest.contains(".js:"));
    let is_of_python = text.starts_with("File \"") && text.contains("\", line ");
    let is_of_go = text.starts_with('/') && text.contains(".go:");
    let is_rest = text.strip_prefix("... ").and_then(|rest| rest.split_once(' ')).is_some_and(|(count, rest)| {
        count.bytes().all(|digit| digit.is_ascii_digit()) && (rest == "more" || rest.starts_with("common frames omitted"))
    });
    is_goroutine || is_indented && (is_at || is_of_python || is_of_go || is_rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::go("panic: runtime error: index out of range [3]", "panic")]
    #[case::go_fatal("fatal error: all goroutines are asleep - deadlock!", "fatal error")]
    #[case::go_signal("[signal SIGSEGV: segmentation violation code=0x1]", "[signal SIG")]
    #[case::go_routine("goroutine 1 [running]:", "goroutine 1 [running]:")]
    #[case::go_frame("\t/src/main.go:12 +0x1d", "/src/main.go:12 +0x1d")]
    #[case::java("Exception in thread \"main\" java.lang.Error: x", "Exception in thread")]
    #[case::java_type("java.lang.IllegalStateException: no pool", "java.lang.IllegalStateException")]
    #[case::java_bare("org.x.Pool$TimeoutException", "org.x.Pool$TimeoutException")]
    #[case::java_frame("\tat com.x.Pool.take(Pool.java:12)", "at com.x.Pool.take(Pool.java:12)")]
    #[case::java_cause("Caused by: java.net.SocketException: reset", "Caused by")]
    #[case::java_rest("\t... 23 more", "... 23 more")]
    #[case::python("Traceback (most recent call last):", "Traceback (most recent call last)")]
    #[case::python_frame("  File \"/app/x.py\", line 3, in f", "File \"/app/x.py\", line 3, in f")]
    #[case::python_end("requests.exceptions.ConnectionError: refused", "requests.exceptions.ConnectionError")]
    #[case::rust("thread 'main' panicked at src/main.rs:2:5:", "thread 'main' panicked at src/main.rs:2:5:")]
    #[case::rust_named("thread 'worker' (71) panicked at src/main.rs:2:5:", "thread 'worker' (71) panicked at src/main.rs:2:5:")]
    #[case::node("TypeError: Cannot read properties of undefined", "TypeError")]
    #[case::node_frame(
        "    at process.processTicksAndRejections (node:internal/process:95:5)",
        "at process.processTicksAndRejections (node:internal/process:95:5)"
    )]
    #[case::shell("error: no such file", "error")]
    #[case::net("fail: Microsoft.AspNetCore.Server[13]", "fail")]
    fn lines_of_a_crash_are_errors(#[case] line: &str, #[case] word: &str) {
        let (range, level) = level(line).unwrap();
        assert_eq!((&line[range], level), (word, LogLevel::Error));
    }

    #[test]
    fn a_sentence_is_no_crash() {
        for line in [
            "panic is over",
            "at noon (local) all was well",
            "Error",
            "files: 3",
            "no TypeError: seen",
            "... 3 more pods",
            "/a.go:1",
            "the thread 'x' ended",
        ] {
            assert_eq!(level(line), None, "{line}");
        }
        assert_eq!(level("warning: unused").map(|(_, level)| level), Some(LogLevel::Warning));
    }

    proptest::proptest! {
        #[test]
        fn any_line_has_its_words_inside(line in "[ \tat(:.a-zE]{0,40}|.{0,80}") {
            if let Some((range, _)) = level(&line) {
                proptest::prop_assert!(line.get(range).is_some());
            }
        }
    }
}
