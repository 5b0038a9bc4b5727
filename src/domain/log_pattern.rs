//! Errors in the logs, grouped by what they say once numbers, ids and addresses are taken out.

use chrono::{DateTime, Utc};

use super::text::{Text, is_hostile};

/// One error document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogError {
    pub at: DateTime<Utc>,
    pub service: Text,
    pub pod: Option<Text>,
    pub message: Text,
    /// The `error` field, where there is one.
    pub error: Option<Text>,
}

impl LogError {
    /// Whether it is one of the pattern of this service and shape.
    pub fn is_of(&self, service: &Text, of: &Text) -> bool {
        self.service == *service && shape(&self.message) == *of
    }
}

/// A group of errors of one service with one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub service: Text,
    /// The message with `<n>`, `<id>`, `<ip>` in the place of what varies.
    pub shape: Text,
    /// How many there were in the last 15 minutes; an estimate where the window was sampled.
    pub recent: u64,
    /// Documents of the whole window that were read and have this shape.
    pub read: u64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    /// As frequent as it is, it would have been read earlier, too, had it been there: `first_seen` is when it began, and not merely how
    /// far was read.
    pub is_dated: bool,
    /// Not seen in the part of the window before the last 15 minutes, and would have been.
    pub is_new: bool,
    /// Not new, and the last 15 minutes have more of them than the 45 before: over three times as many as usual.
    pub is_surging: bool,
    /// Whole minutes since the last one, once it is a while ago; none where not all were read that could be younger.
    pub quiet_minutes: Option<u32>,
    /// One whole message.
    pub example: Text,
}

/// What one refresh of Elasticsearch said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorWindow {
    /// Errors of the last 15 minutes.
    pub recent: u64,
    /// Errors of the whole window (1 h).
    pub total: u64,
    /// Whether `total` is a lower bound (`track_total_hits` relation `gte`).
    pub total_is_lower_bound: bool,
    /// Errors a minute over the window, oldest first.
    pub per_minute: Vec<u64>,
    /// Newest first, bounded.
    pub newest: Vec<LogError>,
    /// Most of the last 15 minutes first.
    pub patterns: Vec<Pattern>,
    /// How many errors of the last 15 minutes the patterns were made from, when fewer than `recent`: the newest ones. Their
    /// counts are then estimates.
    pub sampled: Option<u64>,
    /// Shards that answered, and all of them; fewer is a partial answer and is said.
    pub shards: (u32, u32),
    /// The same of the clusters of a search across several.
    pub clusters: (u32, u32),
    pub timed_out: bool,
    /// Why none could have been found, where none was: then nobody knows whether there are any.
    pub unknown: Option<Text>,
}

impl ErrorWindow {
    /// Errors of 15 minutes before a moment, by the histogram, whose last minute is that of `now`; none where it shows too little of that time.
    pub fn usual_before(&self, moment: DateTime<Utc>, now: DateTime<Utc>) -> Option<f64> {
        const FEWEST: usize = 5;
        let ago = usize::try_from((now - moment).num_minutes().max(0)).ok()?;
        // The first minute is not whole, the moment's own may be of what came then, and errors come a little before the indicators.
        let end = self.per_minute.len().checked_sub(ago + 3).filter(|end| *end > FEWEST)?;
        let before = &self.per_minute[1..end];
        Some(before.iter().map(|count| *count as f64).sum::<f64>() * 15.0 / before.len() as f64)
    }

    /// How many answered, of how many, and of what: where some did not.
    pub fn unanswered(&self) -> Option<(u32, u32, &'static str)> {
        let parts = [(self.clusters, "cluster"), (self.shards, "shard")];
        parts.into_iter().find(|((answered, all), _)| answered < all).map(|((answered, all), what)| (answered, all, what))
    }

    pub fn is_partial(&self) -> bool {
        self.timed_out || self.unanswered().is_some()
    }
}

/// Longest shape, in characters.
const SHAPE_LIMIT: usize = 200;

/// What a message says once what varies is taken out: numbers become `<n>`, hex ids and uuids `<id>`, IP addresses `<ip>`.
/// A common HTTP error status stays where the words before and behind it say that it is one: a 503 is another error than a 504.
/// Words keep their digits (`api2`, `s3`); a quoted string that holds digits becomes `"<id>"` or `"<n>"` by the same rules inside.
///
/// The shape of a shape is itself, unless it was cut.
pub fn shape(message: &str) -> Text {
    let mut out = String::with_capacity(message.len().min(2 * SHAPE_LIMIT));
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        if out.len() > 4 * SHAPE_LIMIT {
            break;
        }
        if let Some(length) = mark(rest) {
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        if is_word(first) {
            let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after;
            push_word(&mut out, word, after);
        } else {
            let is_space = first.is_whitespace();
            if !(is_space && out.ends_with(' ')) {
                // What is spelled out elsewhere would bring digits of its own.
                out.push(if is_space {
                    ' '
                } else if is_hostile(first) {
                    char::REPLACEMENT_CHARACTER
                } else {
                    first
                });
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    Text::bounded(out.trim(), SHAPE_LIMIT)
}

/// Length of a mark of ours, or of a character that cleaning spelled out (`<U+202E>`), at the beginning.
fn mark(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('<')?.split_once('>')?.0;
    let is_code = |code: &str| (4..=6).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    (matches!(inner, "n" | "id" | "ip") || inner.strip_prefix("U+").is_some_and(is_code)).then_some(inner.len() + 2)
}

/// Characters that hang together: a number with its point, an address, an id with its dashes.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | ':' | '-' | '_')
}

/// Statuses that servers commonly answer errors with.
const STATUSES: [&str; 20] =
    ["400", "401", "403", "404", "405", "408", "409", "410", "413", "415", "422", "423", "424", "429", "499", "500", "501", "502", "503", "504"];

/// Whether it is an HTTP status that tells one error from another: one of the common ones, announced by a word that speaks of an answer,
/// and no number of something, as `503 rows` or `429 ms`.
fn is_http_error(before: &str, core: &str, tail: &str, after: &str) -> bool {
    const ANNOUNCED_BY: [&str; 7] = ["answered", "returned", "responded", "status", "HTTP", "http", "code"];
    /// Where one of these stands before, a colon or a plain word announces it too.
    const TALK_OF_ANSWERS: [&str; 7] = ["upstream", "http", "HTTP", "status", "response", "gateway", "answer"];
    const PLAIN: [&str; 3] = [":", "got", "with"];
    /// Words that may follow a status, where any other in small letters would be what is counted.
    const FOLLOW: [&str; 18] =
        ["after", "and", "at", "because", "but", "by", "for", "from", "in", "instead", "on", "or", "since", "to", "try", "when", "while", "within"];
    if !STATUSES.contains(&core) {
        return false;
    }
    let before = before.trim_end_matches(|character: char| character.is_whitespace() || matches!(character, '=' | '"' | '('));
    let ends_with = |words: &[&str]| words.iter().any(|announcing| before.ends_with(announcing));
    let is_announced =
        ends_with(&ANNOUNCED_BY) || ends_with(&["status:", "code:"]) || ends_with(&PLAIN) && TALK_OF_ANSWERS.iter().any(|word| before.contains(word));
    let next = after.trim_start();
    let next = &next[..next.find(|character: char| !character.is_alphanumeric()).unwrap_or(next.len())];
    let is_counted = tail.is_empty() && next.starts_with(char::is_lowercase) && !FOLLOW.contains(&next);
    is_announced && !is_counted
}

fn push_word(out: &mut String, word: &str, after: &str) {
    // Punctuation at the end belongs to the sentence.
    let core = word.trim_end_matches(['.', ':', '-', '_']);
    let tail = &word[core.len()..];
    let lead_len = core.len() - core.trim_start_matches(['.', ':', '-', '_']).len();
    let (lead, core) = core.split_at(lead_len);
    out.push_str(lead);
    if is_ip(core) {
        out.push_str("<ip>");
    } else if is_timestamp(core) {
        out.push_str("<n>");
    } else if is_id(core) {
        out.push_str("<id>");
    } else if lead.is_empty() && is_http_error(out, core, tail, after) {
        out.push_str(core);
    } else {
        push_parts(out, core);
    }
    out.push_str(tail);
}

/// A compound, part by part: `timeout:3000`, `api-gateway-7c9f6d5b8-x2xqk`, `node-3`, `pods.v1`.
fn push_parts(out: &mut String, core: &str) {
    let mut rest = core;
    let mut earlier_id = false;
    while !rest.is_empty() {
        let end = rest.find(['.', ':', '-', '_']).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        if is_number(part) {
            out.push_str("<n>");
            // A decimal number is one number.
            if let Some(fraction) = after.strip_prefix('.') {
                let digits = fraction.len() - fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
                if digits > 0 && fraction[digits..].chars().next().is_none_or(|next| !next.is_alphanumeric()) {
                    rest = &fraction[digits..];
                    if let Some(separator) = rest.chars().next() {
                        out.push(separator);
                        rest = &rest[separator.len_utf8()..];
                    }
                    continue;
                }
            }
        } else if is_id(part) || is_generated(part, earlier_id) {
            earlier_id = true;
            out.push_str("<id>");
        } else if let Some(unit) = unit_of(part) {
            out.push_str("<n>");
            out.push_str(unit);
        } else {
            out.push_str(part);
        }
        rest = after;
        if let Some(separator) = rest.chars().next() {
            out.push(separator);
            rest = &rest[separator.len_utf8()..];
        }
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// `3000ms`, `15s`, `12MiB`: digits with a short unit; gives the unit.
fn unit_of(part: &str) -> Option<&str> {
    let unit = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let is_unit = unit.len() < part.len() && unit.len() <= 3 && unit.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_unit.then_some(unit)
}

/// Hex of at least eight digits, dashes allowed: uuids, hashes, trace ids; also `0x…`. No word of English is so long of these letters
/// alone; what has digits alone is a number.
fn is_id(word: &str) -> bool {
    if let Some(hex) = word.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    letters > 0
        && digits + letters >= 8
        && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && (word.contains('-') == (word.len() == 36) || !word.contains('-'))
}

/// The five characters at the end of a pod's name, after its template's hash.
fn is_generated(part: &str, after_hash: bool) -> bool {
    const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let all_safe = part.bytes().all(|byte| SAFE.contains(&byte));
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    all_safe && ((after_hash && part.len() == 5) || (part.len() >= 8 && part.len() <= 10 && digits > 0))
}

/// IPv4 or IPv6, with or without a port.
fn is_ip(word: &str) -> bool {
    let host = word.rsplit_once(':').filter(|(_, port)| is_number(port)).map_or(word, |(host, _)| host);
    host.parse::<std::net::Ipv4Addr>().is_ok() || (word.matches(':').count() >= 2 && word.parse::<std::net::Ipv6Addr>().is_ok())
}

/// `2026-11-23T02:05:07.123Z`, `02:05:07`, `2026-11-23`.
fn is_timestamp(word: &str) -> bool {
    let separators = word.bytes().filter(|byte| matches!(byte, b':' | b'-')).count();
    separators >= 2
        && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'-' | b'.' | b'T' | b'Z' | b'+'))
        && word.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rstest::rstest]
    #[case("pool timed out after 3000 ms waiting for connection", "pool timed out after <n> ms waiting for connection")]
    #[case("pool timed out after 3000ms.", "pool timed out after <n>ms.")]
    #[case("upstream core-engine: 503 (circuit open: false)", "upstream core-engine: 503 (circuit open: false)")]
    #[case("HMRC answered 504 after 2.5 s", "HMRC answered 504 after <n> s")]
    #[case("batch of 450 rows answered 200 after 12 ms", "batch of <n> rows answered <n> after <n> ms")]
    #[case("retried with 404 rows left, pool: 503 ms", "retried with <n> rows left, pool: <n> ms")]
    #[case("queue holds: 451", "queue holds: <n>")]
    #[case("took: 503", "took: <n>")]
    #[case("answered 437 after 3 s", "answered <n> after <n> s")]
    #[case("upstream answered 503 rows", "upstream answered <n> rows")]
    #[case("GET /x status=503 Service Unavailable", "GET /x status=503 Service Unavailable")]
    #[case("status code: 429.", "status code: 429.")]
    #[case("dial tcp 10.0.3.7:5432: connect refused", "dial tcp <ip>: connect refused")]
    #[case("no route to fe80::1", "no route to <ip>")]
    #[case("user 550e8400-e29b-41d4-a716-446655440000 not found", "user <id> not found")]
    #[case("trace=4bf92f3577b34da6 span 0x1f", "trace=<id> span <id>")]
    #[case("pod api-gateway-7c9f6d5b8-x2xqk failed", "pod api-gateway-<id>-<id> failed")]
    #[case("node-3 lost at 2026-11-23T02:05:07.123Z", "node-<n> lost at <n>")]
    #[case("bucket s3 of \"alice\" has \"4711\" items", "bucket s3 of \"alice\" has \"<n>\" items")]
    #[case("request fbabcadc shed", "request <id> shed")]
    #[case("facade is a word, deface too", "facade is a word, deface too")]
    #[case("a  b\t\nc", "a b c")]
    #[case("red <U+001B>[31m at <U+12>", "red <U+001B>[<n>m at <U+<n>>")]
    fn shapes(#[case] message: &str, #[case] expected: &str) {
        assert_eq!(&*shape(message), expected);
    }

    #[test]
    fn the_histogram_tells_what_was_usual_before_a_moment() {
        let per_minute = (0..61).map(|minute| if minute < 40 { 2 } else { 90 }).collect();
        let window = ErrorWindow { per_minute, ..ErrorWindow::default() };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let before = |minutes: i64| window.usual_before(now - chrono::Duration::minutes(minutes), now);
        assert_eq!((before(20), before(30)), (Some(30.0), Some(30.0)));
        assert_eq!((before(56), before(90)), (None, None), "too long ago");
    }

    #[test]
    fn a_message_that_differs_in_a_number_is_one_pattern() {
        let all = ["request failed with {}", "pool: {}", "batch got {}", "user {} not found", "code {} of the form", "upstream sent: {} bytes"];
        for message in all {
            let shapes: std::collections::BTreeSet<_> = (400..600).map(|number| shape(&message.replace("{}", &number.to_string()))).collect();
            assert_eq!(shapes.len(), 1, "{shapes:?}");
        }
    }

    proptest! {
        #[test]
        fn the_shape_of_a_shape_is_itself(message in "\\PC{0,120}") {
            let once = shape(&message);
            prop_assert_eq!(shape(&once), once);
        }

        #[test]
        fn numbers_never_tell_shapes_apart(first in 0u64.., second in 0u64..) {
            let message = |number: u64| format!("request {number} failed after {number} ms on host-{number}");
            prop_assert_eq!(shape(&message(first)), shape(&message(second)));
        }

        #[test]
        fn shapes_are_bounded_and_clean(message in any::<String>()) {
            let shape = shape(&message);
            prop_assert!(!shape.chars().any(is_hostile));
            prop_assert!(shape.chars().count() <= SHAPE_LIMIT + 1);
        }
    }
}
