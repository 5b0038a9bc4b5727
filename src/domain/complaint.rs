//! What the errors in the logs complain of: the service itself, another one, or something outside.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::LazyLock,
};

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
    /// Something that did not answer at an address that is in the cluster, or may be: the service or the app that has it, where that is
    /// known.
    Inside(Option<Text>),
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

impl About {
    /// Whom else it blames.
    pub fn other(&self) -> Option<&Text> {
        match self {
            Self::Service(other) | Self::Inside(Some(other)) => Some(other),
            _ => None,
        }
    }
}

/// Where the trouble comes from, as far as the complaints tell: the services that are blamed, or complain, and blame no other
/// service themselves.
pub fn roots(complaints: &[Complaint]) -> Vec<&Text> {
    let blames = |service: &Text| complaints.iter().any(|complaint| complaint.service == *service && complaint.about.other().is_some());
    let named = complaints.iter().flat_map(|complaint| std::iter::once(&complaint.service).chain(complaint.about.other()));
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
    /// All errors of 15 minutes before the present trouble, where that is known.
    pub usual: Option<f64>,
    /// Not all of them were read.
    pub is_sampled: bool,
    pub heard: &'a Heard,
    /// Names of what runs here.
    pub deployments: &'a [&'a str],
    /// Who has which of the addresses that the examples name.
    pub addresses: &'a BTreeMap<IpAddr, Text>,
}

impl Complaint {
    /// A pattern that is new, surges, or came with the present trouble and goes on.
    pub fn of(pattern: &Pattern, around: Around<'_>) -> Option<Self> {
        let Around { now, began, .. } = around;
        // More than all errors together were before the trouble: not as many of it can have been there.
        let is_above = around.usual.map(|usual| pattern.recent as f64 > usual + 3.0 * usual.sqrt());
        let is_large = around.is_sampled && pattern.recent.saturating_mul(SURGE) >= around.recent && is_above != Some(false);
        let is_surging = if around.is_sampled { is_large } else { pattern.is_surging };
        let is_dated = pattern.is_dated || is_above == Some(true);
        let came_with_it = began.is_some_and(|began| is_dated && pattern.first_seen >= began - AHEAD && pattern.first_seen >= now - READ_BACK);
        let is_of_it = pattern.is_new || is_surging || came_with_it || around.heard.has(pattern);
        let is_news = pattern.recent >= LEAST && is_of_it && !is_past(pattern, now);
        is_news.then(|| Self {
            service: pattern.service.clone(),
            shape: pattern.shape.clone(),
            recent: pattern.recent,
            first_seen: pattern.first_seen,
            about: about(pattern, around),
        })
    }
}

/// Whether it has stopped: quiet for some minutes, and for much longer than it usually is between two of them.
fn is_past(pattern: &Pattern, now: DateTime<Utc>) -> bool {
    let usual = TimeDelta::seconds(RECENT.num_seconds() / i64::try_from(pattern.recent.max(1)).unwrap_or(i64::MAX));
    now - pattern.last_seen > QUIET.max(usual * 3)
}

fn about(pattern: &Pattern, around: Around<'_>) -> About {
    let (shape, service) = (pattern.shape.as_str(), pattern.service.as_str());
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
    let named = around.deployments.iter().filter(|name| **name != service && mentions(shape, name)).max_by_key(|name| name.len());
    match named {
        Some(name) => About::Service((*name).into()),
        None if words.remote.is_match(shape) => somewhere(&pattern.example, service, around.addresses),
        None => About::Itself,
    }
}

/// Where it is that does not answer, by the addresses in a message: outside where one of them cannot be of the cluster, or none is named.
fn somewhere(message: &str, service: &str, known: &BTreeMap<IpAddr, Text>) -> About {
    let all = addresses(message);
    if all.is_empty() || all.iter().any(|address| !known.contains_key(address) && !may_be_inside(*address)) {
        return About::Remote;
    }
    let mut others = all.iter().filter_map(|address| known.get(address)).filter(|owner| owner.as_str() != service);
    About::Inside(others.next().cloned())
}

/// The IP addresses in a message, with or without a port.
pub fn addresses(message: &str) -> Vec<IpAddr> {
    let is_of_one = |character: char| character.is_ascii_hexdigit() || matches!(character, '.' | ':' | '[' | ']');
    let words = message.split(|character| !is_of_one(character)).map(|word| word.trim_end_matches(['.', ':']));
    let without_port = |word: &str| {
        let bare = word.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(inside, _)| inside);
        bare.or_else(|| word.split_once(':').map(|(host, _)| host)).and_then(|host| host.parse().ok())
    };
    words.filter(|word| word.len() > 2).filter_map(|word| word.parse().ok().or_else(|| without_port(word))).collect()
}

/// Whether an address is of a range that clusters give to pods, services and nodes: private, shared, of the link, of the machine itself.
fn may_be_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private() || address.is_loopback() || address.is_link_local() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
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

    static NOBODY: BTreeMap<IpAddr, Text> = BTreeMap::new();
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
            assert_eq!(blamed(shape, service), expected, "{shape}");
        }
    }

    fn blamed(message: &str, service: &str) -> About {
        let at = DateTime::UNIX_EPOCH;
        let pattern = Pattern {
            service: service.into(),
            shape: super::super::log_pattern::shape(message),
            recent: 9,
            read: 9,
            first_seen: at,
            last_seen: at,
            is_dated: true,
            is_new: true,
            is_surging: false,
            quiet_minutes: None,
            example: message.into(),
        };
        let heard = Heard::default();
        let known = [("10.96.12.29", "postgres-primary"), ("10.244.1.7", "gov"), ("34.1.2.3", "edge")];
        let known = known.into_iter().map(|(address, name)| (address.parse().unwrap(), name.into())).collect();
        about(&pattern, Around { addresses: &known, ..around((20, false), at, &heard) })
    }

    #[test]
    fn an_address_of_the_cluster_is_not_outside_it() {
        let inside = |name: &str| About::Inside(Some(name.into()));
        let cases = [
            ("dial tcp 10.96.12.29:5432: connect: no route to host", inside("postgres-primary")),
            ("dial tcp 10.96.12.29:5432: i/o timeout after 3000 ms, request 0a1b2c3d4e", inside("postgres-primary")),
            ("read tcp 10.244.1.7:40112->10.96.12.29:5432: connection reset by peer", inside("postgres-primary")),
            ("read tcp 10.244.1.7:40112->10.0.0.9:5432: connection reset by peer", About::Inside(None)),
            ("connect to 10.96.77.1 timed out", About::Inside(None)),
            ("connect to 100.64.3.2 timed out.", About::Inside(None)),
            ("dial tcp [fd00:10:96::1]:443: connection refused", About::Inside(None)),
            ("dial tcp 34.1.2.3:443: connection refused", inside("edge")),
            ("dial tcp 51.140.2.9:443: connection refused", About::Remote),
            ("dial tcp [2a01:111:f100::1]:443: connection refused", About::Remote),
            ("HMRC answered 504 after 2 ms", About::Remote),
            ("10:32:07 upstream timed out", About::Remote),
        ];
        for (message, expected) in cases {
            assert_eq!(blamed(message, "gov"), expected, "{message}");
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
            is_dated: true,
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
        Around { now, began: None, recent, usual: None, is_sampled, heard, deployments: &HERE, addresses: &NOBODY }
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
            is_dated: true,
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

    /// A quiet service whose few errors are a quarter of what was read, and were there before as often.
    #[test]
    fn what_was_as_frequent_before_the_trouble_is_no_complaint() {
        let (began, heard) = (DateTime::UNIX_EPOCH, Heard::default());
        let now = began + TimeDelta::minutes(10);
        let pattern = |recent: u64, first_seen: i64, is_dated| Pattern {
            service: "gov".into(),
            shape: "HMRC answered 504 after <n> ms".into(),
            recent,
            read: recent,
            first_seen: began + TimeDelta::minutes(first_seen),
            last_seen: now,
            is_dated,
            is_new: false,
            is_surging: false,
            quiet_minutes: None,
            example: "".into(),
        };
        let is_one = |pattern: &Pattern, usual| {
            let around = Around { began: Some(began), usual, ..around((90, true), now, &heard) };
            Complaint::of(pattern, around).is_some()
        };
        assert!(!is_one(&pattern(26, -40, true), Some(31.0)), "a quarter of all");
        assert!(is_one(&pattern(60, -40, true), Some(31.0)), "more than all together before");
        assert!(!is_one(&pattern(12, -5, false), Some(31.0)), "nobody knows when it began");
        assert!(is_one(&pattern(12, -5, true), Some(31.0)), "it came with the trouble");
        assert!(is_one(&pattern(26, -40, true), None), "what was before is not known");
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
            is_dated: true,
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
