//! What can be nothing but a secret by its form, or by the scheme it is sent with.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

use super::HIDDEN;

/// `text` with `mark` in the place of what can be nothing but a secret by its form: tokens and keys as their makers write them (each
/// maker's own documentation, and the rules that GitHub's secret scanning publishes), and hashes of passwords.
pub fn by_form(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let forms = [
            r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*",
            r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
            r"\bgh[pousr]_[A-Za-z0-9]{20,}",
            r"\bgithub_pat_[A-Za-z0-9_]{20,}",
            r"\bgl(?:pat|ptt|dt|rt)-[A-Za-z0-9_-]{16,}",
            r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
            r"hooks\.slack(?:-gov)?\.com/[a-z]+/[A-Za-z0-9/_-]+",
            r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/[A-Za-z0-9/_-]+",
            r"[A-Za-z0-9.-]+\.webhook\.office\.com/[A-Za-z0-9@/_-]+",
            r"outlook\.office(?:365)?\.com/webhook/[A-Za-z0-9@/_-]+",
            r"api\.telegram\.org/bot[A-Za-z0-9:_-]+",
            r"chat\.googleapis\.com/v1/spaces/[A-Za-z0-9/_?&=%.-]+",
            r"events\.pagerduty\.com/(?:integration|generic)/[A-Za-z0-9/_-]+",
            r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}",
            r"\bsk-[A-Za-z0-9_-]{20,}",
            r"\bAIza[A-Za-z0-9_-]{30,}",
            r"\bya29\.[A-Za-z0-9_-]{20,}",
            r"\bnpm_[A-Za-z0-9]{30,}",
            r"\bpypi-[A-Za-z0-9_-]{30,}",
            r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}",
            r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
            r"\bsha256~[A-Za-z0-9_-]{20,}",
            r"\bAGE-SECRET-KEY-1[A-Z0-9]{20,}",
            r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}",
            r"\$apr1\$[./A-Za-z0-9]+\$[./A-Za-z0-9]+",
        ];
        Regex::new(&forms.join("|")).ok()
    });
    let shown = schemes_as(text, mark);
    match &*FORM {
        Some(form) => form.replace_all(&shown, |found: &Captures<'_>| mark(&found[0])).into_owned(),
        None => shown.into_owned(),
    }
}

/// What stands after `Bearer`, `Basic` and `ApiKey`, unless it is a word.
pub(super) fn schemes(text: &str) -> Cow<'_, str> {
    schemes_as(text, &mut |_| HIDDEN.to_owned())
}

fn schemes_as<'a>(text: &'a str, mark: &mut impl FnMut(&str) -> String) -> Cow<'a, str> {
    static SCHEME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?i)\b(bearer|basic|apikey)([ :=]+['"]?)([A-Za-z0-9+/=._~%:-]{4,})"#).ok());
    let Some(scheme) = SCHEME.as_ref().filter(|_| memchr::memchr3(b' ', b':', b'=', text.as_bytes()).is_some()) else { return Cow::Borrowed(text) };
    scheme.replace_all(text, |found: &Captures<'_>| {
        let word = &found[3];
        if is_opaque(word) { format!("{}{}{}", &found[1], &found[2], mark(word)) } else { found[0].to_owned() }
    })
}

/// Digits, signs or capitals inside: no word. `realm=` and the like are parameters of a challenge.
pub(super) fn is_opaque(word: &str) -> bool {
    let is_parameter = ["realm=", "error=", "scope=", "charset=", "error_description="].iter().any(|name| word.starts_with(name));
    let inner = word.trim_end_matches(['.', ':', '-']);
    !is_parameter
        && inner.chars().skip(1).any(|character| character.is_ascii_uppercase() || character.is_ascii_digit() || "+/=_~%".contains(character))
}

#[cfg(test)]
mod tests {
    use crate::domain::secrecy::{hide, plain};

    #[rstest::rstest]
    #[case::bearer("got Bearer abc123.def, no", "got Bearer ***, no")]
    #[case::short_basic("Authorization: Basic dTpw", "Authorization: Basic ***")]
    #[case::api_key("header \"apikey: VnVhQ2ZH\"", "header \"apikey: ***\"")]
    #[case::words("no bearer token, Basic authentication, basic auth: failed", "no bearer token, Basic authentication, basic auth: failed")]
    #[case::challenge("Bearer realm=\"x\"", "Bearer realm=\"x\"")]
    fn what_stands_after_a_scheme_is_hidden_and_words_are_not(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(plain(text), shown);
        assert_eq!(hide(text), shown);
    }
}
