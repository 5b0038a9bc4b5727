//! What an answer that is not a success means: the API server's `Status`, Prometheus' and Elasticsearch's errors, pages.

use std::time::Duration;

use http::{HeaderMap, header};
use serde::Deserialize;

use super::{ConnectError, error::IMPERSONATE};
use crate::domain::{secrecy, text::Text};

/// Longest piece of a server's words in a message, in characters.
const WORDS: usize = 240;

/// Where nothing more is known of them.
pub(crate) const OUR_CREDENTIALS: &str = "our credentials";

/// Request and answer as far as a refusal depends on them.
pub(crate) struct Refused<'a> {
    pub server: &'a str,
    /// `GET`, `POST` …
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The parts of a Kubernetes `Status` that say why.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub message: Option<String>,
    pub reason: Option<String>,
    pub details: Option<Details>,
    pub code: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Details {
    pub retry_after_seconds: Option<u64>,
}

/// Whether an API server has not come as far as it is asked to go on from, in its own words: it was set back to an older backup, or
/// it is a replica that lags. It answers so (504, `Timeout`) for as long as it is asked for that version.
pub(crate) fn is_from_the_future(says: &str) -> bool {
    says.contains("Too large resource version")
}

impl Refused<'_> {
    pub fn error(&self) -> ConnectError {
        let server = Text::line(self.server);
        let says = self.words();
        match self.status {
            401 => ConnectError::Unauthorized { server, credentials: OUR_CREDENTIALS.into(), says },
            403 => {
                let (verb, resource) = missing_right(&says).unwrap_or_else(|| self.missing_privilege());
                ConnectError::Forbidden { verb, resource, says }
            }
            404 => ConnectError::NotFound { what: Text::line(self.path), says },
            410 => ConnectError::Gone { says },
            504 if is_from_the_future(&says) => ConnectError::Gone { says },
            429 => ConnectError::TooManyRequests { server, retry_after: self.retry_after() },
            300..=399 => {
                let place = self.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("elsewhere");
                let place = secrecy::hide(place.split('?').next().unwrap_or_default());
                ConnectError::Server { server, status: self.status, message: Text::line(&format!("redirects to {place}; a login page in between?")) }
            }
            status => ConnectError::Server { server, status, message: says },
        }
    }

    /// What was asked for, where the server does not say which right it takes. A search is a reading whatever its method is:
    /// Elasticsearch asks for the index privilege `read`.
    fn missing_privilege(&self) -> (Text, Text) {
        match self.path.trim_matches('/').strip_suffix("/_search") {
            Some(index) => ("read".into(), Text::line(&format!("{index} (it takes the index privilege read)"))),
            None => (verb_of(self.method).into(), Text::line(self.path)),
        }
    }

    /// The server's own words, whichever of the known envelopes they are in; else how the body begins.
    fn words(&self) -> Text {
        if let Ok(json) = serde_json::from_slice::<serde_json::Value>(self.body) {
            let pointers = ["/message", "/error/reason", "/error/root_cause/0/reason", "/error", ""];
            for pointer in pointers {
                if let Some(words) = json.pointer(pointer).and_then(serde_json::Value::as_str).filter(|words| !words.is_empty()) {
                    // Elasticsearch goes on with the whole request, which says nothing new and hides what follows.
                    let words = words.split(" for REST request [").next().unwrap_or(words);
                    return Text::of_error(words, WORDS);
                }
            }
        }
        begins(self.body)
    }

    fn retry_after(&self) -> Option<Duration> {
        let header = self.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|value| value.trim().parse().ok());
        let detail = || serde_json::from_slice::<Status>(self.body).ok().and_then(|status| status.details?.retry_after_seconds);
        header.or_else(detail).map(|seconds: u64| Duration::from_secs(seconds.min(3_600)))
    }
}

/// How a body begins, for a message; says when there is none.
pub(crate) fn begins(body: &[u8]) -> Text {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * WORDS)]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { Text::from("no explanation") } else { Text::of_error(&text, WORDS / 2) }
}

/// Verb and resource from the authorizer's sentence: `User "x" cannot list resource "pods" in API group "apps" …`. Of a refusal to act as
/// somebody (`users "x" is forbidden: User "y" cannot impersonate resource "users" …`) it says as whom: `impersonate`, `user x (--as)`.
fn missing_right(says: &str) -> Option<(Text, Text)> {
    let (before, after) = says.split_once(" cannot ")?;
    let verb = after.split_whitespace().next()?;
    if verb == IMPERSONATE
        && let Some((kinds, rest)) = before.split_once(" \"")
        && let Some((whom, _)) = rest.split_once('"')
    {
        let kind = kinds.split('.').next().unwrap_or(kinds);
        let (kind, flag) = match kind.strip_suffix('s').unwrap_or(kind) {
            "userextra" => ("user extra", "as-user-extra of the kubeconfig"),
            "uid" => ("uid", "as-uid of the kubeconfig"),
            "group" => ("group", "--as-group"),
            "serviceaccount" => ("service account", "--as"),
            kind => (kind, "--as"),
        };
        return Some((Text::line(verb), Text::line(&format!("{kind} {whom} ({flag})"))));
    }
    let resource = after.split_once("resource \"")?.1.split('"').next()?;
    let group = after.split_once("API group \"").and_then(|(_, rest)| rest.split('"').next()).filter(|group| !group.is_empty());
    let resource = group.map_or_else(|| resource.to_owned(), |group| format!("{resource}.{group}"));
    Some((Text::line(verb), Text::line(&resource)))
}

fn verb_of(method: &str) -> &'static str {
    match method {
        "POST" => "create",
        "PATCH" => "patch",
        "PUT" => "update",
        "DELETE" => "delete",
        _ => "get",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> ConnectError {
        Refused { server: "prod", method: "GET", path: "/api/v1/pods", status, headers: &HeaderMap::new(), body: body.as_bytes() }.error()
    }

    #[test]
    fn a_forbidden_list_names_verb_and_resource() {
        let body = r#"{"kind":"Status","message":"deployments.apps is forbidden: User \"dev\" cannot list resource \"deployments\" in API group \"apps\" in the namespace \"shop\"","code":403}"#;
        let ConnectError::Forbidden { verb, resource, .. } = refused(403, body) else { panic!("not forbidden") };
        assert_eq!((&*verb, &*resource), ("list", "deployments.apps"));
    }

    #[test]
    fn a_search_that_is_refused_names_the_privilege_to_read() {
        let body = br#"{"error":{"reason":"action [indices:data/read/search] is unauthorized for user [me]"},"status":403}"#;
        let asked = Refused { server: "logs", method: "POST", path: "/app-*/_search", status: 403, headers: &HeaderMap::new(), body };
        let ConnectError::Forbidden { verb, resource, .. } = asked.error() else { panic!("not forbidden") };
        assert_eq!((&*verb, &*resource), ("read", "app-* (it takes the index privilege read)"));
    }

    #[test]
    fn who_may_not_act_as_another_is_told_as_whom() {
        let told = |kind: &str, name: &str| {
            let body = format!(
                r#"{{"kind":"Status","message":"{kind} \"{name}\" is forbidden: User \"me\" cannot impersonate resource \"{kind}\" in API group \"\" at the cluster scope","code":403}}"#
            );
            match refused(403, &body) {
                ConnectError::Forbidden { verb, resource, .. } => format!("{verb} {resource}"),
                other => panic!("{other}"),
            }
        };
        assert_eq!(told("users", "nobody"), "impersonate user nobody (--as)");
        assert_eq!(told("groups", "ops"), "impersonate group ops (--as-group)");
        assert_eq!(told("serviceaccounts", "bot"), "impersonate service account bot (--as)");
        assert_eq!(told("userextras.authentication.k8s.io", "JTI=1"), "impersonate user extra JTI=1 (as-user-extra of the kubeconfig)");
    }

    #[test]
    fn a_page_in_place_of_json_is_quoted_cleaned_and_cut() {
        let page = format!("<html>\u{1b}[31m{}</html>", "x".repeat(5_000));
        let ConnectError::Server { message, .. } = refused(502, &page) else { panic!("not a server error") };
        assert!(message.starts_with("<html><U+001B>[31m"), "{message}");
        assert!(message.len() < 300);
    }

    #[test]
    fn every_known_envelope_is_read() {
        for body in [
            r#"{"message":"boom"}"#,
            r#"{"error":{"reason":"boom","root_cause":[]},"status":500}"#,
            r#"{"status":"error","errorType":"x","error":"boom"}"#,
            r#"{"error":{"reason":"boom for REST request [/logstash-*/_search?filter_path=hits]"},"status":401}"#,
        ] {
            let ConnectError::Server { message, .. } = refused(500, body) else { panic!("{body}") };
            assert_eq!(&*message, "boom", "{body}");
        }
    }
}
