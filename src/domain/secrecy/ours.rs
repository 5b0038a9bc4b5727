//! The secrets that this program uses, and how they are found however they are written.

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
use regex::Regex;

use super::HIDDEN;

/// A shorter one is found by what stands before it only: it would be found in ordinary words.
const SHORTEST: usize = 6;
/// So much of a long one is compared, and all that may belong to it goes with it: an answer may cut it short.
const TELLING: usize = 20;
/// The oldest go first: tokens are renewed all day.
const MOST: usize = 64;

struct Secret {
    word: Box<str>,
    /// Read once, at the start: it is in use for as long as this program runs.
    is_fixed: bool,
}

/// The secrets that are in use, latest last.
#[derive(Default)]
pub(super) struct Known {
    secrets: VecDeque<Secret>,
    /// Those that are no word of any language and no name of an object.
    pub(super) anywhere: Option<Regex>,
    pub(super) in_words: Option<Regex>,
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
pub(super) fn without_altered(text: &str) -> Option<String> {
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

pub(super) fn without(text: &str, which: impl Fn(&Known) -> Option<&Regex>) -> Option<String> {
    if !ARE_KNOWN.load(Ordering::Acquire) {
        return None;
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    match which(&known)?.replace_all(text, HIDDEN) {
        Cow::Borrowed(_) => None,
        Cow::Owned(hidden) => Some(hidden),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secrecy::{hide, plain};

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
