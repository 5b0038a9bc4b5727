//! What the errors in the logs complain of: the service itself, another one, or something outside.

use std::{collections::BTreeSet, sync::LazyLock};

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
/// An error may come so long before the first indicator that shows it.
const AHEAD: TimeDelta = TimeDelta::minutes(15);
/// The logs are read as far back as this: when something older began is not known.
pub const READ_BACK: TimeDelta = TimeDelta::minutes(55);
/// Kinds of errors that are kept in mind of one episode.
const KEPT: usize = 500;

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

/// The kinds of errors that were news at some moment of the present episode. Each stays a complaint while it goes on: half an
/// hour into a trouble what it says is no news any more, and still speaks of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// By service and shape.
    kinds: BTreeSet<(Text, Text)>,
}

impl Heard {
    /// Keeps these in mind as long as a trouble lasts, and none after it.
    pub fn hear(&mut self, complaints: &[Complaint], is_trouble: bool) {
        if !is_trouble {
            self.kinds.clear();
            return;
        }
        for complaint in complaints {
            let kind = (complaint.service.clone(), complaint.shape.clone());
            if self.kinds.len() < KEPT {
                self.kinds.insert(kind);
            }
        }
    }

    fn has(&self, pattern: &Pattern) -> bool {
        // A tuple of owned texts is asked for: kinds are few.
        !self.kinds.is_empty() && self.kinds.contains(&(pattern.service.clone(), pattern.shape.clone()))
    }
}

/// What a pattern is held against.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    pub now: DateTime<Utc>,
    /// When the present trouble began.
    pub began: Option<DateTime<Utc>>,
    /// All errors of the last 15 minutes.
    pub recent: u64,
    /// Not all of them were read.
    pub is_sampled: bool,
    pub heard: &'a Heard,
    /// Names of what runs here.
    pub deployments: &'a [&'a str],
}

impl Complaint {
    /// A pattern that is new, surges, or came with the present trouble and goes on.
    pub fn of(pattern: &Pattern, around: Around<'_>) -> Option<Self> {
        let Around { now, began, deployments, .. } = around;
        let is_surging = if around.is_sampled { pattern.recent.saturating_mul(SURGE) >= around.recent } else { pattern.is_surging };
        let came_with_it = began.is_some_and(|began| pattern.first_seen >= began - AHEAD && pattern.first_seen >= now - READ_BACK);
        let is_of_it = pattern.is_new || is_surging || came_with_it || around.heard.has(pattern);
        let is_news = pattern.recent >= LEAST && is_of_it && !is_past(pattern, now);
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
        let heard = Heard::default();
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
        assert_eq!(Complaint::of(&pattern(14, 54, false), around((20, false), at, &heard)), None);
        assert_eq!(Complaint::of(&pattern(2, 2, true), around((20, false), at, &heard)), None);
        assert!(Complaint::of(&pattern(300, 340, false), around((320, false), at, &heard)).is_some());
        assert_eq!(Complaint::of(&pattern(14, 14, false), around((900, true), at, &heard)), None, "in a storm that was read in part");
        assert!(Complaint::of(&pattern(400, 400, false), around((900, true), at, &heard)).is_some());
        assert!(Complaint::of(&pattern(u64::MAX, u64::MAX, false), around((900, true), at, &heard)).is_some(), "a number that no log can hold");
        assert!(Complaint::of(&pattern(5, 5, true), around((20, false), at, &heard)).is_some());
    }

    fn around((recent, is_sampled): (u64, bool), now: DateTime<Utc>, heard: &Heard) -> Around<'_> {
        Around { now, began: None, recent, is_sampled, heard, deployments: &HERE }
    }

    /// A storm that was read in part, of many kinds: none of them is a quarter of it.
    #[test]
    fn what_came_with_a_trouble_is_a_complaint_as_long_as_it_goes_on() {
        let began = DateTime::UNIX_EPOCH;
        let pattern = |first_seen: DateTime<Utc>, last_seen: DateTime<Utc>| Pattern {
            service: "core-engine".into(),
            shape: "lookup redis-primary on <ip>:<n>: no such host".into(),
            recent: 90,
            read: 12,
            first_seen,
            last_seen,
            is_new: false,
            is_surging: false,
            quiet_minutes: None,
            example: "".into(),
        };
        let none = Heard::default();
        let at = |minutes: i64| began + TimeDelta::minutes(minutes);
        let seen = |pattern: &Pattern, minutes: i64, heard: &Heard| {
            Complaint::of(pattern, Around { began: Some(began), ..around((1_800, true), at(minutes), heard) })
        };
        assert!(seen(&pattern(at(-2), at(40)), 40, &none).is_some(), "it began with it");
        assert_eq!(seen(&pattern(at(-20), at(30)), 30, &none), None, "it was there before");
        assert_eq!(seen(&pattern(at(10), at(70)), 70, &none), None, "as far back as anybody can see");
        let complaint = seen(&pattern(at(-2), at(40)), 40, &none).unwrap();
        let mut heard = Heard::default();
        heard.hear(std::slice::from_ref(&complaint), true);
        assert!(seen(&pattern(at(10), at(70)), 70, &heard).is_some(), "it was heard while it was news");
        assert_eq!(seen(&pattern(at(10), at(60)), 70, &heard), None, "it has stopped");
        heard.hear(&[], false);
        assert_eq!(seen(&pattern(at(10), at(70)), 70, &heard), None, "another trouble");
    }

    #[test]
    fn what_has_stopped_is_no_complaint_any_more() {
        let heard = Heard::default();
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
        let after = |recent, minutes| Complaint::of(&pattern(recent), around((200, false), seen + TimeDelta::minutes(minutes), &heard)).is_some();
        assert!(after(180, 2) && !after(180, 4), "one every five seconds");
        assert!(after(5, 8) && !after(5, 10), "one every three minutes");
    }
}
