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
/// Words of a name that say so where they stand last, as in `DB_PASS`, `redis.auth`, `otpSeed`: within another word they say nothing, and
/// before another, as in `jwt_issuer`, what follows says what it is.
const SECRET_WORDS: [&str; 41] = [
    "PASS",
    "PWD",
    "PW",
    "DSN",
    "AUTH",
    "APPKEY",
    "PAT",
    "CREDS",
    "CRED",
    "SAS",
    "SIG",
    "BEARER",
    "PGPASS",
    "NETRC",
    "KEYTAB",
    "JWT",
    "JWE",
    "OTP",
    "TOTP",
    "HOTP",
    "MFA",
    "SEED",
    "SALT",
    "PEPPER",
    "PIN",
    "PINCODE",
    "PUK",
    "CVV",
    "CVC",
    "PSK",
    "COOKIE",
    "MNEMONIC",
    "KEYSTORE",
    "HMAC",
    "DBPW",
    "DBPASS",
    "USERPASS",
    "LOGIN",
    "SESSIONID",
    "PASSCODE",
    "NTLM",
];
/// What an address is of where it has a login in it, in front of `_url`, `_uri`, `.dsn` and the like.
const ADDRESS_OF: [&str; 33] = [
    "DATABASE",
    "DATABASES",
    "DB",
    "REDIS",
    "VALKEY",
    "MONGO",
    "MONGODB",
    "POSTGRES",
    "POSTGRESQL",
    "PG",
    "MYSQL",
    "MARIADB",
    "MSSQL",
    "SQLSERVER",
    "SQLALCHEMY",
    "JDBC",
    "DATASOURCE",
    "AMQP",
    "RABBIT",
    "RABBITMQ",
    "NATS",
    "KAFKA",
    "BROKER",
    "CELERY",
    "CACHE",
    "QUEUE",
    "SMTP",
    "MAIL",
    "LDAP",
    "SENTRY",
    "WEBHOOK",
    "HOOK",
    "STORAGE",
];
/// The last word of such a name.
const ADDRESS: [&str; 8] = ["URL", "URI", "URLS", "URIS", "CONNECTION", "CONN", "ENDPOINT", "ADDRESS"];
/// Makers of chats and pagers, whose addresses are the key to a room.
const WEBHOOKS: [&str; 8] = ["WEBHOOK", "WEBHOOKS", "HOOK", "SLACK", "TEAMS", "DISCORD", "PAGERDUTY", "TELEGRAM"];
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
    let last = words(name).pop().unwrap_or_default();
    let by_word = SECRET_WORDS.contains(&last.as_str()) && !NO_SECRETS.contains(&name);
    let by_word = by_word || SECRET_FILES.contains(&name) || is_key(name);
    !NAMES_OF_OBJECTS.contains(&name) && (by_word || SECRET_NAMES.iter().any(|part| bare.contains(part)))
}

/// The words of a name in capitals, split at its signs and where small letters become large: `otpSeed` and `otp_seed2` are OTP and SEED.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_small = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && is_small) {
            words.push(String::new());
        }
        is_small = character.is_lowercase();
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_uppercase());
        }
    }
    let bare = words.iter().map(|word| word.trim_end_matches(|character: char| character.is_ascii_digit()).to_owned());
    bare.filter(|word| !word.is_empty()).collect()
}

/// Whether what has this name is an address that may hold a login or a key: `DATABASE_URL`, `redisUri`, `slack-webhook`.
pub fn is_address_name(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    let is_of = |word: &String| ADDRESS_OF.contains(&word.as_str()) || WEBHOOKS.contains(&word.as_str());
    is_webhook_name(name) || (ADDRESS.contains(&last.as_str()) && before.iter().any(is_of))
}

/// Whether it is one whose path is the key: who has it may write there.
fn is_webhook_name(name: &str) -> bool {
    let words = words(name);
    let is_one = |word: &String| WEBHOOKS.contains(&word.as_str());
    words.last().is_some_and(|last| ["WEBHOOK", "WEBHOOKS", "HOOK"].contains(&last.as_str()))
        || (words.last().is_some_and(|last| ADDRESS.contains(&last.as_str())) && words.iter().any(is_one))
}

/// Shortest that is taken for a secret by its letters alone.
const LEAST_RANDOM: usize = 20;

/// Whether nobody would have thought of such a word: long, of letters and digits that change all the time. A UUID is a name.
pub fn is_random(word: &str) -> bool {
    let letters: Vec<u8> = word.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let is_uuid = word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    if letters.len() < LEAST_RANDOM || is_uuid {
        return false;
    }
    let class = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
    let changes = letters.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    letters.iter().any(u8::is_ascii_digit) && letters.iter().any(u8::is_ascii_alphabetic) && changes * 4 >= letters.len()
}

/// A value with `mark` in the place of each random word in it. What says itself that it is a digest is none.
pub fn random_words(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let is_of_word = |character: char| character.is_ascii_alphanumeric() || "+/=_-".contains(character);
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(is_of_word) {
        let (before, after) = rest.split_at(start);
        let word = &after[..after.find(|character| !is_of_word(character)).unwrap_or(after.len())];
        done.push_str(before);
        let is_digest = ["sha256:", "sha512:", "sha1:", "md5:"].iter().any(|name| done.ends_with(name));
        let is_path = word.starts_with('/') || done.ends_with(['.', '@']);
        let segments = || word.split(['/', '-', '_', '+', '=']);
        let is_key = !is_digest && (segments().any(is_random) || (!is_path && !word.contains("//") && is_random(word) && is_mixed(word)));
        done += &if is_key { mark(word) } else { word.to_owned() };
        rest = &after[word.len()..];
    }
    done + rest
}

/// Small and large letters: no name of an object has both.
fn is_mixed(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_uppercase()) && word.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// The value of such a name as it may be shown: the scheme and the host; none where it is no address with a scheme.
pub fn address(name: &str, value: &str, mark: &mut impl FnMut(&str) -> String) -> Option<String> {
    let (scheme, rest) = value.trim().split_once("://")?;
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(login, rest)| (login, rest));
    let mut shown = format!("{scheme}://");
    match login.split_once(':') {
        _ if login.is_empty() => {}
        Some((user, password)) => shown += &[user, ":", &mark(password), "@"].concat(),
        None => shown += &(mark(login) + "@"),
    }
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    shown += host;
    let behind = &rest[host.len()..];
    if is_webhook_name(name) && behind.len() > 1 {
        return Some(shown + "/" + &mark(behind));
    }
    let (path, query) = behind.split_once('?').map_or((behind, None), |(path, query)| (path, Some(query)));
    shown += &segments(path, mark);
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        let parameter = |parameter: &str, mark: &mut dyn FnMut(&str) -> String| match parameter.split_once('=') {
            Some((name, value)) if is_secret_name(name) || is_random(value) => format!("{name}={}", mark(value)),
            _ => parameter.to_owned(),
        };
        shown.push('?');
        shown += &query.split('&').map(|one| parameter(one, mark)).collect::<Vec<_>>().join("&");
    }
    Some(shown)
}

/// A path with `mark` in the place of each part that is a key by its letters.
fn segments(path: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let shown: Vec<String> = path
        .split('/')
        .map(|part| if part.split(['-', '_', '.', ':']).any(is_random) || (is_random(part) && is_mixed(part)) { mark(part) } else { part.to_owned() })
        .collect();
    shown.join("/")
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

/// `text` with `mark` in the place of what is secret in it: the password of an address, and the parts of its path that are keys. Rather too
/// much than too little is taken for one.
pub fn text(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let (before, after) = rest.split_at(start);
        done.push_str(before);
        let Some((user, password)) = login(after) else {
            let word = &after[..after.find([' ', '"', '\'', '?', '\n', ',', ')']).unwrap_or(after.len())];
            let host = word.find('/').unwrap_or(word.len());
            done.push_str(&word[..host]);
            done += &segments(&word[host..], mark);
            rest = &after[word.len()..];
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
    /// Letters and digits alone, in small letters, of each form: however a server spaces, wraps or capitalises it.
    flat: Vec<Vec<u8>>,
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
    known.flat = known.secrets.iter().flat_map(|secret| flat_forms(&secret.word)).collect();
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

/// A shorter one is found in ordinary words once its signs are left out.
const SHORTEST_FLAT: usize = 10;

/// As it may be repeated by who means to get it past us: as it is, in hex, in base64 wherever in what was encoded it stood.
fn flat_forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex = bytes.iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
    let mut forms = vec![flat(secret).0, hex.into_bytes()];
    for (before, affected) in [(0, 0), (1, 2), (2, 3)] {
        let encoded = STANDARD_NO_PAD.encode([&[0; 2][..before], bytes].concat());
        // What stands after it is in its last letter too.
        let whole = encoded.get(affected..encoded.len().saturating_sub(1)).unwrap_or_default();
        forms.push(flat(whole).0);
        forms.push(flat(&whole.replace(['+', '/'], "")).0);
    }
    forms.retain(|form| form.len() >= SHORTEST_FLAT);
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// The letters and digits of a text in small letters, and where each stands. What colours a terminal is none of them, full-width letters
/// are letters, and of a byte that is written by its number the number alone counts.
fn flat(text: &str) -> (Vec<u8>, Vec<usize>) {
    let (mut letters, mut places) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text.as_bytes()[at..];
        if let Some(sign) = ["\u{1b}[", "<U+001B>["].iter().find(|sign| rest.starts_with(sign.as_bytes())) {
            let end = rest[sign.len()..].iter().take_while(|byte| !(0x40..=0x7e).contains(*byte)).count();
            at = text.ceil_char_boundary((at + sign.len() + end + 1).min(text.len()));
            continue;
        }
        if let Some(sign) = ["\\x", "0x", "\\u00", "U+00"].iter().find(|sign| rest.starts_with(sign.as_bytes())) {
            at += sign.len();
            continue;
        }
        let narrow = match character {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
            other => other,
        };
        if let Ok(byte) = u8::try_from(narrow)
            && byte.is_ascii_alphanumeric()
        {
            letters.push(byte.to_ascii_lowercase());
            places.push(at);
        }
        at += character.len_utf8();
    }
    (letters, places)
}

/// Without ours in other letters, with breaks and signs in between, or encoded.
fn without_altered(text: &str) -> Option<String> {
    if !ARE_KNOWN.load(Ordering::Acquire) {
        return None;
    }
    let (letters, places) = flat(text);
    let mut found: Vec<(usize, usize)> = Vec::new();
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    for form in &known.flat {
        let telling = &form[..form.len().min(TELLING)];
        for at in memchr::memmem::find_iter(&letters, telling) {
            let more = letters[at..].iter().zip(form).take_while(|(one, other)| one == other).count();
            found.push((places[at], text.ceil_char_boundary(places[at + more - 1] + 1)));
        }
    }
    if found.is_empty() {
        return None;
    }
    found.sort_unstable();
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for (from, to) in found {
        if from >= at {
            shown.push_str(&text[at..from]);
            shown.push_str(HIDDEN);
        }
        at = at.max(to);
    }
    Some(shown + &text[at..])
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
    // First: what is left of one that was found in part is not known again.
    let whole = without_altered(words);
    let words = whole.as_deref().unwrap_or(words);
    let mut words = text(&by_form(words, &mut |_| HIDDEN.to_owned()), &mut |_| HIDDEN.to_owned());
    if let Some(hidden) = without(&words, |known| known.in_words.as_ref()) {
        words = hidden;
    }
    by_place(&words)
}

/// Without the values that stand by the name of a secret.
fn by_place(words: &str) -> String {
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
    let is_field = words(name).len() > 1 || name.starts_with('-');
    let is_alone = after.trim_start().is_empty() || after.starts_with([',', ';', '"', '\'', ')', '}', '\n']);
    if name.starts_with("--") || between.contains(':') {
        return is_field || is_opaque(bare) || is_alone;
    }
    // Objects of the kind Secret are told by their names.
    let is_kind = name.to_ascii_lowercase().trim_end_matches('s').ends_with("secret") && !is_field;
    is_opaque(bare) && !is_number && (!is_kind || is_random(bare) || is_mixed(bare))
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

    #[test]
    fn ours_are_hidden_however_a_server_alters_them() {
        const OURS: &str = "kQ7-altered/tokenOf+Ours_0123456789-and-its-end";
        // Other tests of this process make many known, and the latest stay.
        ours_for_good(OURS);
        let hex = OURS.bytes().fold(String::new(), |all, byte| format!("{all}{byte:02X}"));
        let spaced = hex.as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
        let standard = base64::engine::general_purpose::STANDARD;
        let numbers = format!(" {}", spaced.to_lowercase());
        let wrapped = format!("{}\n{}", &OURS[..30], &OURS[30..]);
        let pieces = OURS.chars().map(String::from).collect::<Vec<_>>().join(" ");
        for altered in [
            OURS.to_uppercase(),
            OURS.to_lowercase(),
            wrapped,
            pieces,
            hex.clone(),
            hex.to_lowercase(),
            spaced,
            standard.encode(OURS),
            standard.encode(format!("Bearer {OURS}")),
            standard.encode(format!("a {OURS} b")),
            URL_SAFE_NO_PAD.encode(format!("ab {OURS}")),
            standard.encode(OURS).as_bytes().chunks(20).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n"),
            format!("{}\u{1b}[0m{}<U+001B>[31m{}", &OURS[..9], &OURS[9..20], &OURS[20..]),
            numbers.replace(' ', "\\x"),
            numbers.trim_start().replace(' ', " 0x"),
            numbers.replace(' ', "\\u00"),
            OURS.chars().map(|letter| char::from_u32(u32::from(letter) + 0xfee0).unwrap()).collect(),
            OURS.replace('-', "%2D").replace('/', "%2F").replace('+', "%2B").replace('_', "%5f"),
        ] {
            let shown = hide(&format!("no {altered}, sorry"));
            let (left, _) = flat(&shown);
            let (whole, _) = flat(&altered);
            let longest =
                (0..whole.len()).filter(|at| whole.get(*at..at + 12).is_some_and(|part| memchr::memmem::find(&left, part).is_some())).count();
            assert!(shown.contains("***") && shown.starts_with("no ") && shown.ends_with(", sorry") && longest == 0, "{altered}: {shown}");
        }
    }

    #[rstest::rstest]
    #[case("q9W8e7R6t5Y4u3I2o1P0", true)]
    #[case("5f4dcc3b5aa765d61d8327deb882cf99", true)]
    #[case("KafkaConsumerConfiguration2", false)]
    #[case("123e4567-e89b-12d3-a456-426614174000", false)]
    #[case("ip-10-0-0-1.eu-west-1.compute.internal", false)]
    #[case("2026-11-23T02:00:00.000Z", false)]
    #[case("12345678901234567890123", false)]
    fn a_word_that_nobody_thought_of_is_random(#[case] word: &str, #[case] is: bool) {
        assert_eq!(is_random(word), is);
    }

    #[test]
    fn ours_are_hidden_in_every_form() {
        const OURS: &str = "Zw-9/kQ%3 \"+x";
        ours_for_good(&format!(" {OURS}\n"));
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
        ours_for_good(&token);
        assert_eq!(plain(&format!("token {token} is old")), "token *** is old");
        assert_eq!(plain(&format!("token {}… is old", &token[..50])), "token ***… is old");
    }

    #[test]
    fn one_that_is_a_word_is_hidden_in_words_about_errors_only() {
        ours_for_good("gateway-pw");
        ours_for_good("pw");
        assert_eq!((&*plain("pod gateway-pw-1"), &*hide("no gateway-pw, pw")), ("pod gateway-pw-1", "no ***, pw"));
    }
}
