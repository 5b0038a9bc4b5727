//! What the services log: the noise of a normal day, and what the scenario's faults add.

use super::scenario::{Cause, LogSpec};
use fastrand::Rng;
use std::fmt::Write;

/// Fills the holes of a text: `{from..to}` a number, `{id}`, `{ip}`, `{user}`.
pub fn fill(text: &str, rng: &mut Rng) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        out.push_str(&rest[..open]);
        let hole = &rest[open + 1..open + length];
        let _ = match hole {
            "id" => write!(out, "{:08x}", rng.u32(..)),
            "ip" => write!(out, "10.244.{}.{}", rng.u8(1..13), rng.u8(2..250)),
            "user" => write!(out, "user-{:06}", rng.u32(1..999_999)),
            range => match range.split_once("..").and_then(|(from, to)| Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?))) {
                Some((from, to)) if from <= to => write!(out, "{}", rng.u64(from..=to)),
                _ => write!(out, "{{{hole}}}"),
            },
        };
        rest = &rest[open + length + 1..];
    }
    out.push_str(rest);
    out
}

/// The lines of a normal day: some information, and a few errors that nobody wakes up for.
pub fn everyday() -> Vec<LogSpec> {
    let line = |service: &str, level: &str, error: Option<&str>, per_minute: f64, message: &str| LogSpec {
        cause: Cause::Always,
        during: None,
        service: service.into(),
        level: level.into(),
        error: error.map(str::to_owned),
        message: message.into(),
        per_minute,
        breaker_off: false,
    };
    vec![
        line("api-gateway", "INFO", None, 26.0, "POST /v1/verify 200 in {40..240} ms request {id}"),
        line("api-gateway", "INFO", None, 14.0, "GET /v1/credentials/{id} 200 in {20..160} ms"),
        line("core-engine", "INFO", None, 16.0, "verified {user} at level {1..3} in {15..180} ms"),
        line("sync-service", "INFO", None, 9.0, "batch of {8..64} events applied in {20..140} ms"),
        line("fraud-analytics", "INFO", None, 6.0, "scored {user}: 0.0{10..99}"),
        line("gov-connectors", "INFO", None, 5.0, "HMRC answered 200 after {120..900} ms"),
        line("audit-service", "INFO", None, 3.0, "segment {1000..9999} sealed, {400..900} records"),
        line("gov-connectors", "WARN", None, 1.2, "DVLA slow: {2000..4500} ms"),
        line("gov-connectors", "ERROR", Some("UpstreamTimeout"), 0.9, "HMRC answered 504 after {10000..10012} ms"),
        line("core-engine", "ERROR", Some("ValidationFailed"), 0.35, "credential {id} rejected: signature does not verify"),
        line("notification-service", "ERROR", Some("SmtpTemporaryFailure"), 0.3, "421 try again later, message {id} queued, attempt {1..4}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_and_other_braces_stay() {
        let mut rng = Rng::with_seed(3);
        let text = fill("waited {10..12} ms for {id} in {a,b} {", &mut rng);
        assert!(text.starts_with("waited 1") && text.ends_with("in {a,b} {"), "{text}");
        assert!(!text.contains("{id}"));
    }

    #[test]
    fn a_broken_range_is_left_as_it_is() {
        assert_eq!(fill("{9..1} {x..2}", &mut Rng::with_seed(1)), "{9..1} {x..2}");
    }
}
