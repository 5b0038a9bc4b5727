//! What is a secret by its name, by its shape or because this program uses it, and how it is hidden.
//!
//! A server may repeat in its refusal what it was asked with, and a credential plugin may print what it was given. So every credential is
//! made known here where it is read ([`ours`]), and is replaced in all text that is made for people: by [`Text`](super::text::Text) what
//! can be nothing else, by [`hide`] in words about an error also what could be a word.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{
        LazyLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use regex::{Captures, Regex};

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";

/// A shorter one is found by what stands before it only: it would be found in ordinary words.
const SHORTEST: usize = 6;
/// So much of a long one is compared, and all that may belong to it goes with it: an answer may cut it short.
const TELLING: usize = 20;
/// The oldest go first: tokens are renewed all day.
const MOST: usize = 64;

/// Parts of a name that say that the value is nobody's business; without `-` and `_`.
const SECRET_NAMES: [&str; 18] = [
    "PASSW",
    "KEYDATA",
    "ERLANGCOOKIE",
    "HMACKEY",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "APIKEY",
    "PRIVATEKEY",
    "AUTHORIZATION",
    "ACCESSKEY",
    "ACCOUNTKEY",
    "SIGNINGKEY",
    "ENCRYPTIONKEY",
    "CONNECTIONSTRING",
    "CONNSTR",
    "HTPASS",
];
/// Words of a name that say so where they stand alone, as in `DB_PASS`, `redis.auth`, `dsn`: within another word they say nothing.
const SECRET_WORDS: [&str; 13] = ["PASS", "PWD", "DSN", "AUTH", "APPKEY", "PAT", "CREDS", "SAS", "SIG", "BEARER", "PGPASS", "NETRC", "KEYTAB"];
/// Names of files that are one.
const SECRET_FILES: [&str; 6] = [".dockerconfigjson", ".dockercfg", "id_rsa", "id_ecdsa", "id_ed25519", "id_dsa"];
/// A `…_key` is a secret's name, but for what is called so where things are counted, sorted and sent.
const PLAIN_KEYS: [&str; 26] = [
    "PUBLIC",
    "PUB",
    "PARTITION",
    "ROUTING",
    "SORT",
    "PRIMARY",
    "FOREIGN",
    "CACHE",
    "GROUP",
    "HASH",
    "TOPOLOGY",
    "LABEL",
    "ANNOTATION",
    "CONFIG",
    "SEARCH",
    "INDEX",
    "ROW",
    "MESSAGE",
    "OBJECT",
    "LOOKUP",
    "SHARD",
    "UNIQUE",
    "REDIS",
    "FEATURE",
    "HEADER",
    "QUERY",
];
/// Whose `.key` is a file with a private key in it.
const KEY_FILES: [&str; 10] = ["TLS", "SERVER", "CLIENT", "CA", "SSL", "PEER", "ETCD", "KAFKA", "WEBHOOK", "APISERVER"];
/// The folder a program is in.
const NO_SECRETS: [&str; 2] = ["PWD", "OLDPWD"];

/// They name an object that holds secrets, and hold none.
pub const NAMES_OF_OBJECTS: [&str; 2] = ["secretName", "secretProviderClass"];

/// Whether what has this name is nobody's business.
pub fn is_secret_name(name: &str) -> bool {
    let bare: String = name.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_uppercase).collect();
    let last = name.rsplit(['-', '_', '.', '/', '[', ']']).find(|word| !word.is_empty()).unwrap_or_default().to_uppercase();
    let by_word = SECRET_WORDS.contains(&last.as_str()) && !NO_SECRETS.contains(&name);
    let by_word = by_word || SECRET_FILES.contains(&name) || is_key(name);
    !NAMES_OF_OBJECTS.contains(&name) && (by_word || SECRET_NAMES.iter().any(|part| bare.contains(part)))
}

/// Whether it ends as `STRIPE_KEY`, `app.master-key` or `tls.key` do.
fn is_key(name: &str) -> bool {
    let upper = name.to_uppercase();
    let Some(before) = upper.strip_suffix("KEY") else { return false };
    let word = before.trim_end_matches(['-', '_', '.']).rsplit(['-', '_', '.', '/', '[', ']']).next().unwrap_or_default();
    match before.chars().next_back() {
        Some('-' | '_') => !word.is_empty() && !PLAIN_KEYS.contains(&word),
        Some('.') => KEY_FILES.contains(&word),
        _ => false,
    }
}

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
            r"hooks\.slack\.com/services/[A-Za-z0-9/_-]+",
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

/// `text` with `mark` in the place of what is secret in it: the password of an address. Rather too much than too little is
/// taken for one.
pub fn text(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let (before, after) = rest.split_at(start);
        done.push_str(before);
        let Some((user, password)) = login(after) else {
            rest = after;
            continue;
        };
        done.push_str(user);
        done.push(':');
        done.push_str(&mark(password));
        rest = &after[user.len() + 1 + password.len()..];
    }
    done + rest
}

/// User and password of the address that goes on with `after`. A password with a `/` in it is one too, but no port is.
fn login(after: &str) -> Option<(&str, &str)> {
    let word = &after[..after.find([' ', '"', '\'']).unwrap_or(after.len())];
    let authority = &word[..word.find('/').unwrap_or(word.len())];
    let split = |text: &'_ str| text.rsplit_once('@').map(|(login, _)| login.len());
    let length = split(authority).or_else(|| {
        let (_, port) = authority.split_once(':')?;
        split(word).filter(|_| !port.bytes().all(|byte| byte.is_ascii_digit()))
    })?;
    word[..length].split_once(':').filter(|(_, password)| !password.is_empty())
}

struct Secret {
    word: Box<str>,
    /// Read once, at the start: it is in use for as long as this program runs.
    is_fixed: bool,
}

/// The secrets that are in use, latest last.
#[derive(Default)]
struct Known {
    secrets: VecDeque<Secret>,
    /// Those that are no word of any language and no name of an object.
    anywhere: Option<Regex>,
    in_words: Option<Regex>,
}

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);
static ARE_KNOWN: AtomicBool = AtomicBool::new(false);

/// Takes note of a token, key or password that is used from here on, and said again each time it is read.
pub fn ours(secret: &str) {
    learn(secret, false);
}

/// The same of one that is read once.
pub fn ours_for_good(secret: &str) {
    learn(secret, true);
}

fn learn(secret: &str, is_fixed: bool) {
    let secret = secret.trim();
    if secret.chars().count() < SHORTEST {
        return;
    }
    let place = |known: &Known| known.secrets.iter().position(|known| *known.word == *secret && (known.is_fixed || !is_fixed));
    // One that is among the latest, or stays anyway, is left where it is.
    let stays = |known: &Known| place(known).is_some_and(|at| known.secrets[at].is_fixed || at * 2 >= known.secrets.len());
    if stays(&KNOWN.read().unwrap_or_else(PoisonError::into_inner)) {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(again) = place(&known).and_then(|at| known.secrets.remove(at)) {
        return known.secrets.push_back(again);
    }
    known.secrets.retain(|known| *known.word != *secret);
    if known.secrets.len() == MOST {
        let oldest = known.secrets.iter().position(|known| !known.is_fixed).unwrap_or(0);
        known.secrets.remove(oldest);
    }
    known.secrets.push_back(Secret { word: secret.into(), is_fixed });
    let mut forms: Vec<String> = known.secrets.iter().flat_map(|secret| forms(&secret.word)).collect();
    // Of two that begin alike the longer one is meant.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    known.in_words = any_of(&forms);
    forms.retain(|form| !could_be_a_word(form));
    known.anywhere = any_of(&forms);
    ARE_KNOWN.store(true, Ordering::Release);
}

/// As it may be repeated: as it is, and in base64.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), STANDARD_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(secret)];
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// A pattern for the text as it is, percent-encoded as far as anybody encodes it, and inside a JSON string.
fn however_written(text: &str) -> String {
    let one = |character: char| {
        if character.is_ascii_alphanumeric() {
            return character.to_string();
        }
        let plain = regex::escape(&character.to_string());
        let mut bytes = [0; 4];
        let percent = character.encode_utf8(&mut bytes).bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02x}"));
        let escaped = match character {
            ' ' => r"|\+",
            '\n' => r"|\\n",
            '\r' => r"|\\r",
            '\t' => r"|\\t",
            '"' => r#"|\\""#,
            '\\' => r"|\\\\",
            '/' => r"|\\/",
            _ => "",
        };
        format!("(?:{plain}{escaped}|(?i:{percent}))")
    };
    text.chars().map(one).collect()
}

fn any_of(forms: &[String]) -> Option<Regex> {
    let pattern = |form: &String| match form.char_indices().nth(TELLING) {
        Some((at, _)) if form.chars().all(is_of_a_token) => format!("{}[A-Za-z0-9+/=._~%-]*", however_written(&form[..at])),
        _ => however_written(form),
    };
    let patterns: Vec<String> = forms.iter().map(pattern).collect();
    if patterns.is_empty() { None } else { Regex::new(&patterns.join("|")).ok() }
}

/// RFC 7235's token68, and `%` of what was encoded.
fn is_of_a_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+/=._~%-".contains(character)
}

/// A password may be the name of what it is for: taken out everywhere, that would take the names of objects out.
fn could_be_a_word(form: &str) -> bool {
    let is_name = form.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '.'));
    form.len() < TELLING && (is_name || form.chars().all(char::is_alphabetic))
}

fn without(text: &str, which: impl Fn(&Known) -> Option<&Regex>) -> Option<String> {
    if !ARE_KNOWN.load(Ordering::Acquire) {
        return None;
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    match which(&known)?.replace_all(text, HIDDEN) {
        Cow::Borrowed(_) => None,
        Cow::Owned(hidden) => Some(hidden),
    }
}

/// Any text without the secrets in it that can be nothing else: ours, and what is sent by the name of a scheme (`Bearer WORD`).
pub fn plain(text: &str) -> Cow<'_, str> {
    match without(text, |known| known.anywhere.as_ref()) {
        Some(hidden) => Cow::Owned(schemes(&hidden).into_owned()),
        None => schemes(text),
    }
}

/// Words about an error without any secret: also those of ours that could be words, passwords of addresses, and values by the name of a
/// secret.
pub fn hide(words: &str) -> String {
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"([A-Za-z0-9_.-]+)("?\s*=\s*"?|"\s*:\s*")([^\s&"',;)}\]]+)"#).ok());
    let mut words = text(&by_form(words, &mut |_| HIDDEN.to_owned()), &mut |_| HIDDEN.to_owned());
    if let Some(hidden) = without(&words, |known| known.in_words.as_ref()) {
        words = hidden;
    }
    if let Some(named) = &*NAMED {
        let value = |found: &Captures<'_>| {
            let is_secret = is_secret_name(&found[1]) && !found[1].to_ascii_lowercase().ends_with("file");
            if is_secret { format!("{}{}{HIDDEN}", &found[1], &found[2]) } else { found[0].to_owned() }
        };
        words = named.replace_all(&words, value).into_owned();
    }
    words
}

/// What stands after `Bearer`, `Basic` and `ApiKey`, unless it is a word.
fn schemes(text: &str) -> Cow<'_, str> {
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
fn is_opaque(word: &str) -> bool {
    let is_parameter = ["realm=", "error=", "scope=", "charset=", "error_description="].iter().any(|name| word.starts_with(name));
    let inner = word.trim_end_matches(['.', ':', '-']);
    !is_parameter
        && inner.chars().skip(1).any(|character| character.is_ascii_uppercase() || character.is_ascii_digit() || "+/=_~%".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn ours_are_hidden_in_every_form() {
        const OURS: &str = "Zw-9/kQ%3 \"+x";
        ours(&format!(" {OURS}\n"));
        let encoded = base64::engine::general_purpose::STANDARD.encode(OURS);
        for form in [OURS, &encoded, "Zw-9%2FkQ%253%20%22%2Bx", "Zw-9%2FkQ%253+%22%2Bx", "Zw-9/kQ%3 \\\"+x"] {
            let text = format!("no {form}, sorry");
            assert!(plain(&text).starts_with("no ***") && plain(&text).ends_with(", sorry"), "{form}: {}", plain(&text));
            assert_eq!(*crate::domain::text::Text::line(&text), *plain(&text));
        }
    }

    #[test]
    fn ours_are_hidden_however_they_are_encoded() {
        const OURS: &str = "Qz7/xW+v k=";
        ours_for_good(OURS);
        for form in ["Qz7%2fxW%2bv%20k%3d", "Qz7/xW%2Bv k=", "Qz7%2FxW+v+k%3D", r"Qz7\/xW+v k="] {
            assert_eq!(plain(&format!("no {form}, sorry")), "no ***, sorry", "{form}");
        }
        let twice = URL_SAFE_NO_PAD.encode(OURS);
        assert_eq!(plain(&twice), "***");
        let standard = base64::engine::general_purpose::STANDARD.encode("Qz8?>~x/+?>~y");
        ours_for_good("Qz8?>~x/+?>~y");
        assert_eq!(plain(&format!("a {} b", standard.replace('+', "%2b").replace('/', "%2f"))), "a ***== b");
    }

    #[test]
    fn one_that_stays_in_use_is_hidden_however_many_come_and_go() {
        ours_for_good("Fixed-0123456789");
        ours("Read-again-0123456789");
        for number in 0..3 * MOST {
            ours(&format!("Rotated-{number:08}-Q"));
            ours("Read-again-0123456789");
        }
        let last = format!("Rotated-{:08}-Q", 3 * MOST - 1);
        for known in ["Fixed-0123456789", "Read-again-0123456789", &last] {
            assert_eq!(plain(&format!("no {known}.")).trim_end_matches('.'), "no ***", "{known}");
        }
    }

    #[test]
    fn a_long_one_is_hidden_where_it_is_cut_too() {
        let token = "sha256~Qx7".repeat(40);
        ours(&token);
        assert_eq!(plain(&format!("token {token} is old")), "token *** is old");
        assert_eq!(plain(&format!("token {}… is old", &token[..50])), "token ***… is old");
    }

    #[test]
    fn one_that_is_a_word_is_hidden_in_words_about_errors_only() {
        ours("gateway-pw");
        ours("pw");
        assert_eq!((&*plain("pod gateway-pw-1"), &*hide("no gateway-pw, pw")), ("pod gateway-pw-1", "no ***, pw"));
    }
}
