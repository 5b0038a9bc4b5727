//! What the errors in the logs complain of: the service itself, another one, or something outside.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;

use super::{log_pattern::Pattern, text::Text};

/// A kind of error that is new, or far more frequent than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub service: Text,
    /// The message with `<n>`, `<id>`, `<ip>` in the place of what varies.
    pub shape: Text,
    /// How many of the last 15 minutes.
    pub recent: u64,
    pub first_seen: DateTime<Utc>,
    pub about: About,
}

/// Whom an error blames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The service that says it: a crash, a missing setting, a wrong answer of its own.
    Itself,
    /// Another deployment of the platform, which it names.
    Service(Text),
    /// Something that did not answer, or answered with an error, and is no deployment that is known.
    Remote,
    /// Names that do not resolve.
    Names,
    /// A certificate that is not accepted.
    Certificate,
    /// No connection to the database is left.
    DatabaseSlots,
    /// A process that runs and does nothing any more.
    Stuck,
    /// More requests than it takes.
    Overload,
}

/// Patterns that are believed to matter: the rarest of errors proves nothing.
const LEAST: u64 = 3;
/// In a storm that was not read whole, nobody knows how many there were before: one in so many of all errors is a surge.
const SURGE: u64 = 4;
/// What `recent` counts.
const RECENT: TimeDelta = TimeDelta::minutes(15);
/// Logs arrive a little late, and one quiet minute is no end.
const QUIET: TimeDelta = TimeDelta::minutes(3);

/// What is wrong by these words, wherever they stand. Each is compiled once.
struct Words {
    names: Regex,
    certificate: Regex,
    slots: Regex,
    stuck: Regex,
    overload: Regex,
    remote: Regex,
}

static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| {
    let words = |pattern: &str| Regex::new(&format!("(?i){pattern}")).ok();
    Some(Words {
        names: words(
            r"no such host|name resolution|name or service not known|nxdomain|server misbehaving|lookup \S+.*(timeout|failed)|getaddrinfo|enotfound|eai_again|could not resolve",
        )?,
        certificate: words(r"certificate|x509|tls handshake")?,
        slots: words(r"connection slots|too many (clients|connections)|max_connections|pool .*(timed out|exhausted)|waiting for (a )?connection")?,
        stuck: words(r"no progress|stalled|deadlock|stuck|(closed|lost) .*not (re-?opened|opened again)|heartbeat missed")?,
        overload: words(r"\bshed\b|in flight, limit|overloaded|queue (is )?full|too many requests|\b429\b|rate limit")?,
        remote: words(
            r"\b(502|503|504)\b|timed? ?out|timeout|(did|does) not (answer|respond)|no (answer|response)|refused|reset|unreachable|no route|unavailable|disconnected|broken pipe|upstream|deadline exceeded|circuit open",
        )?,
    })
});

/// Where the trouble comes from, as far as the complaints tell: the services that are blamed, or complain, and blame no other
/// service themselves.
pub fn roots(complaints: &[Complaint]) -> Vec<&Text> {
    let blames = |service: &Text| complaints.iter().any(|complaint| complaint.service == *service && matches!(complaint.about, About::Service(_)));
    let named = complaints.iter().flat_map(|complaint| {
        let other = if let About::Service(other) = &complaint.about { Some(other) } else { None };
        std::iter::once(&complaint.service).chain(other)
    });
    let mut roots: Vec<&Text> = named.filter(|service| !blames(service)).collect();
    roots.sort();
    roots.dedup();
    roots
}

impl Complaint {
    /// A pattern that is new or surges, of a window with so many errors of the last 15 minutes. `is_sampled`: not all of them
    /// were read. `deployments` are the names of what runs here. One that has stopped is none.
    pub fn of(pattern: &Pattern, (recent, is_sampled): (u64, bool), deployments: &[&str], now: DateTime<Utc>) -> Option<Self> {
        let is_surging = if is_sampled { pattern.recent * SURGE >= recent } else { pattern.is_surging };
        let is_news = pattern.recent >= LEAST && (pattern.is_new || is_surging) && !is_past(pattern, now);
        is_news.then(|| Self {
            service: pattern.service.clone(),
            shape: pattern.shape.clone(),
            recent: pattern.recent,
            first_seen: pattern.first_seen,
            about: about(&pattern.shape, &pattern.service, deployments),
        })
    }
}

/// Whether it has stopped: quiet for some minutes, and for much longer than it usually is between two of them.
fn is_past(pattern: &Pattern, now: DateTime<Utc>) -> bool {
    let usual = TimeDelta::seconds(RECENT.num_seconds() / i64::try_from(pattern.recent.max(1)).unwrap_or(i64::MAX));
    now - pattern.last_seen > QUIET.max(usual * 3)
}

fn about(shape: &str, service: &str, deployments: &[&str]) -> About {
    let Some(words) = WORDS.as_ref() else { return About::Itself };
    if words.names.is_match(shape) {
        return About::Names;
    }
    if words.certificate.is_match(shape) {
        return About::Certificate;
    }
    if words.slots.is_match(shape) {
        return About::DatabaseSlots;
    }
    if words.stuck.is_match(shape) {
        return About::Stuck;
    }
    if words.overload.is_match(shape) {
        return About::Overload;
    }
    let named = deployments.iter().filter(|name| **name != service && mentions(shape, name)).max_by_key(|name| name.len());
    match named {
        Some(name) => About::Service((*name).into()),
        None if words.remote.is_match(shape) => About::Remote,
        None => About::Itself,
    }
}

/// Whether a name stands there as a word of its own: `api` is not in `api-gateway`.
pub fn mentions(text: &str, name: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
    !name.is_empty()
        && text.match_indices(name).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [&str; 3] = ["api-gateway", "core-engine", "postgres-primary"];

    #[test]
    fn an_error_says_whom_it_blames() {
        let cases = [
            ("panicked at 'index out of bounds'", "core-engine", About::Itself),
            ("upstream core-engine: 503 (circuit open: false)", "api-gateway", About::Service("core-engine".into())),
            ("request <id> shed: <n> in flight, limit <n>", "core-engine", About::Overload),
            ("consumer <n>: no progress for <n> ms, lease held by <id>", "core-engine", About::Stuck),
            ("credit bureau did not answer within <n> ms", "core-engine", About::Remote),
            ("pool timed out after <n> ms waiting for connection", "core-engine", About::DatabaseSlots),
            ("HMRC answered 504 after <n> ms", "gov-connectors", About::Remote),
            ("dial tcp: lookup core-engine on <ip>:<n>: no such host", "api-gateway", About::Names),
            ("x509: certificate has expired or is not yet valid", "core-engine", About::Certificate),
            ("FATAL: remaining connection slots are reserved", "core-engine", About::DatabaseSlots),
            ("core-engine refuses to start: LOG_LEVEL is empty", "core-engine", About::Itself),
        ];
        for (shape, service, expected) in cases {
            assert_eq!(about(shape, service, &HERE), expected, "{shape}");
        }
    }

    #[test]
    fn the_root_is_who_is_blamed_and_blames_nobody() {
        let complaint =
            |service: &str, about| Complaint { service: service.into(), shape: "".into(), recent: 9, first_seen: DateTime::UNIX_EPOCH, about };
        let engine = || About::Service("core-engine".into());
        assert_eq!(roots(&[complaint("api-gateway", engine()), complaint("core-engine", About::Remote)]), [&Text::from("core-engine")]);
        assert_eq!(roots(&[complaint("api-gateway", engine())]), [&Text::from("core-engine")]);
        let both = [complaint("api-gateway", engine()), complaint("api-gateway", About::Itself), complaint("gov", About::Remote)];
        assert_eq!(roots(&both), [&Text::from("core-engine"), &Text::from("gov")]);
    }

    #[test]
    fn a_name_counts_only_as_a_word() {
        assert!(mentions("upstream core-engine: 503", "core-engine"));
        assert!(!mentions("core-engine-canary failed", "core-engine"));
        assert!(!mentions("anything", ""));
    }

    #[test]
    fn the_noise_of_every_day_is_no_complaint() {
        let at = DateTime::UNIX_EPOCH;
        let pattern = |recent: u64, read: u64, is_new| Pattern {
            service: "gov".into(),
            shape: "HMRC answered 504".into(),
            recent,
            read,
            first_seen: at,
            last_seen: at,
            is_new,
            is_surging: recent > read - recent,
            quiet_minutes: None,
            example: "".into(),
        };
        assert_eq!(Complaint::of(&pattern(14, 54, false), (20, false), &HERE, at), None);
        assert_eq!(Complaint::of(&pattern(2, 2, true), (20, false), &HERE, at), None);
        assert!(Complaint::of(&pattern(300, 340, false), (320, false), &HERE, at).is_some());
        assert_eq!(Complaint::of(&pattern(14, 14, false), (900, true), &HERE, at), None, "in a storm that was read in part");
        assert!(Complaint::of(&pattern(400, 400, false), (900, true), &HERE, at).is_some());
        assert!(Complaint::of(&pattern(5, 5, true), (20, false), &HERE, at).is_some());
    }

    #[test]
    fn what_has_stopped_is_no_complaint_any_more() {
        let seen = DateTime::UNIX_EPOCH;
        let pattern = |recent| Pattern {
            service: "sync-service".into(),
            shape: "consumer <n>: no progress".into(),
            recent,
            read: recent,
            first_seen: seen,
            last_seen: seen,
            is_new: true,
            is_surging: false,
            quiet_minutes: None,
            example: "".into(),
        };
        let after = |recent, minutes| Complaint::of(&pattern(recent), (200, false), &HERE, seen + TimeDelta::minutes(minutes)).is_some();
        assert!(after(180, 2) && !after(180, 4), "one every five seconds");
        assert!(after(5, 8) && !after(5, 10), "one every three minutes");
    }
}
