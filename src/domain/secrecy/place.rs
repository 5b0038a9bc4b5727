//! What is a secret by the words before it: `client_secret: …`, `--password …`, `?token=…`.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{
    HIDDEN,
    form::is_opaque,
    names::{is_secret_name, words as words_of},
    random::{is_mixed, is_random},
};

/// Without the values that stand by the name of a secret.
pub(super) fn by_place(words: &str) -> String {
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"([A-Za-z0-9_.-]+)("?\s*=\s*"?|"\s*:\s*")([^\s&"',;)}\]]+)"#).ok());
    let words = told(words);
    let Some(named) = &*NAMED else { return words };
    let value = |found: &Captures<'_>| {
        let is_secret = is_secret_name(&found[1]) && !found[1].to_ascii_lowercase().ends_with("file");
        if is_secret { format!("{}{}{HIDDEN}", &found[1], &found[2]) } else { found[0].to_owned() }
    };
    named.replace_all(&words, value).into_owned()
}

/// Words that say what became of a secret, and are none.
const ABOUT_ONE: [&str; 40] = [
    "expired",
    "invalid",
    "missing",
    "required",
    "denied",
    "revoked",
    "rejected",
    "unknown",
    "empty",
    "none",
    "null",
    "nil",
    "not",
    "no",
    "is",
    "was",
    "has",
    "for",
    "from",
    "file",
    "path",
    "and",
    "or",
    "the",
    "of",
    "in",
    "on",
    "at",
    "by",
    "to",
    "with",
    "cannot",
    "could",
    "failed",
    "error",
    "wrong",
    "incorrect",
    "malformed",
    "context",
    "unauthorized",
];

/// Without what people are told by a secret's name: `token XYZ`, `client_secret: …`, `--password …`. A word of a sentence is none.
fn told(words: &str) -> String {
    static TOLD: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"([A-Za-z0-9_.-]*[A-Za-z0-9])("?'?\s*:\s*["']?|'?\s+(?:is\s+|was\s+|of\s+)?)([^\s"',;)}\]]+)"#).ok());
    let Some(told) = &*TOLD else { return words.to_owned() };
    let (mut shown, mut at) = (String::with_capacity(words.len()), 0);
    // One that is no secret's name may stand before one that is.
    while let Some(found) = told.captures_at(words, at) {
        let (Some(name), Some(between), Some(value)) = (found.get(1), found.get(2), found.get(3)) else { break };
        let is_hidden = is_secret_name(name.as_str()) && !name.as_str().to_ascii_lowercase().ends_with("file");
        if is_hidden && is_told(name.as_str(), between.as_str(), value.as_str(), &words[value.end()..]) {
            shown.push_str(&words[at..value.start()]);
            shown.push_str(HIDDEN);
            at = value.end();
        } else {
            shown.push_str(&words[at..name.end()]);
            at = name.end();
        }
    }
    shown + &words[at..]
}

/// Whether what follows a secret's name is the secret.
fn is_told(name: &str, between: &str, value: &str, after: &str) -> bool {
    let bare = value.trim_end_matches(['.', ':', '!', '?']);
    let is_about = ABOUT_ONE.contains(&bare.to_ascii_lowercase().as_str());
    let is_place = value.contains("://") || value.starts_with(['/', '~', '-']) || value.starts_with("./");
    if bare.len() < 3 || is_about || bare == HIDDEN || (is_place && !is_random(value)) {
        return false;
    }
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit()) && bare.len() < 6;
    let is_field = words_of(name).len() > 1 || name.starts_with('-');
    let is_alone = after.trim_start().is_empty() || after.starts_with([',', ';', '"', '\'', ')', '}', '\n']);
    if name.starts_with("--") || between.contains(':') {
        return is_field || is_opaque(bare) || is_alone;
    }
    // Objects of the kind Secret are told by their names.
    let is_kind = name.to_ascii_lowercase().trim_end_matches('s').ends_with("secret") && !is_field;
    is_opaque(bare) && !is_number && (!is_kind || is_random(bare) || is_mixed(bare))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secrecy::{by_form, hide, text};

    #[rstest::rstest]
    #[case("k8s://u:pw@shop/db:1 is wrong", "k8s://u:***@shop/db:1 is wrong")]
    #[case("http://u:p/w@host/x", "http://u:***@host/x")]
    #[case("docker://registry:5000/img@sha256:12", "docker://registry:5000/img@sha256:12")]
    #[case("GET /x?token=abc&y=1", "GET /x?token=***&y=1")]
    #[case("{\"password\": \"hunter\", \"user\": \"u\"}", "{\"password\": \"***\", \"user\": \"u\"}")]
    #[case("no eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln here", "no *** here")]
    #[case("bearer_token_file=/run/token", "bearer_token_file=/run/token")]
    fn words_about_an_error_hold_no_secret_by_its_place(#[case] words: &str, #[case] shown: &str) {
        assert_eq!(hide(words), shown);
    }

    #[rstest::rstest]
    #[case("refresh failed: token XYZ", "refresh failed: token ***")]
    #[case("client_secret: hunter2", "client_secret: ***")]
    #[case("client_secret: correct", "client_secret: ***")]
    #[case("clientSecret: 'correct'", "clientSecret: '***'")]
    #[case("password: correct", "password: ***")]
    #[case("called with --client-secret hunter, --user u", "called with --client-secret ***, --user u")]
    #[case("the token is q9w8e7 here", "the token is *** here")]
    #[case("refresh_token: abc def", "refresh_token: *** def")]
    #[case("api key: q9w8", "api key: q9w8")]
    #[case("token expired", "token expired")]
    #[case("token: expired", "token: expired")]
    #[case("could not fetch token: connection refused", "could not fetch token: connection refused")]
    #[case("password authentication failed for user x", "password authentication failed for user x")]
    #[case("secret db-1 not found", "secret db-1 not found")]
    #[case("secrets \"db-1\" is forbidden", "secrets \"db-1\" is forbidden")]
    #[case("no token in /run/secrets/token1", "no token in /run/secrets/token1")]
    #[case("auth 401", "auth 401")]
    #[case("credentials for https://host1:8443/x were refused", "credentials for https://host1:8443/x were refused")]
    #[case("GET https://h/api/v1/q9W8e7R6t5Y4u3I2o1P0/query", "GET https://h/api/v1/***/query")]
    #[case(
        "GET https://h/api/v1/namespaces/shop/pods/api-gateway-7d9f8b6c5d-abcde",
        "GET https://h/api/v1/namespaces/shop/pods/api-gateway-7d9f8b6c5d-abcde"
    )]
    #[case("post https://hooks.slack.com/workflows/T0/A0/x failed", "post https://*** failed")]
    #[case("post https://discord.com/api/webhooks/12/abc-d failed", "post https://*** failed")]
    #[case("post https://api.telegram.org/bot12:abc/send failed", "post https://***/send failed")]
    fn what_people_are_told_by_a_secret_s_name_is_hidden_and_sentences_are_not(#[case] words: &str, #[case] shown: &str) {
        // What other tests of this process made known is no matter here.
        let hidden = text(&by_form(words, &mut |_| HIDDEN.to_owned()), &mut |_| HIDDEN.to_owned());
        assert_eq!(by_place(&hidden), shown);
    }
}
