//! Regular expressions as Go reads them (RE2, `regexp/syntax` with its Perl flags), written as an equal one of Rust's engine.
//!
//! Differences that matter: a brace that begins no repetition is itself, `\Q…\E` quotes, `[` within a class is itself, `\d \s \w \b` are of
//! ASCII alone, and repetitions are neither stacked nor beyond 1,000.

use std::{collections::BTreeSet, fmt::Write as _};

/// Most times that a repetition may ask for.
const MOST_REPEATED: u32 = 1_000;

/// Why Go takes it for no expression.
pub type Refusal = &'static str;

/// An expression that means the same to Rust's engine over bytes. Names of groups and of Unicode classes are not checked.
pub fn translated(expression: &str) -> Result<String, Refusal> {
    let mut reading = Reading { rest: expression, out: String::with_capacity(expression.len() + 16), open: 0 };
    reading.all()?;
    Ok(reading.out)
}

struct Reading<'e> {
    rest: &'e str,
    out: String,
    /// Groups that are not closed yet.
    open: usize,
}

/// What stands before a repetition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that could be repeated.
    Nothing,
    Atom,
    Repetition,
}

impl Reading<'_> {
    fn all(&mut self) -> Result<(), Refusal> {
        let mut before = Before::Nothing;
        while let Some(first) = self.rest.chars().next() {
            before = match first {
                '(' => {
                    self.group()?;
                    Before::Nothing
                }
                '|' => {
                    self.copy('|');
                    Before::Nothing
                }
                ')' => {
                    self.open = self.open.checked_sub(1).ok_or("unexpected )")?;
                    self.copy(')');
                    Before::Atom
                }
                '^' | '$' | '.' => {
                    self.copy(first);
                    Before::Atom
                }
                '[' => {
                    self.class()?;
                    Before::Atom
                }
                '*' | '+' | '?' => self.repeated(before, &first.to_string(), 1)?,
                '{' => {
                    if let Some(length) = counted(self.rest)? {
                        let written = &self.rest[..length];
                        self.repeated(before, written, length)?
                    } else {
                        self.literal(first);
                        Before::Atom
                    }
                }
                '\\' => {
                    let length = self.out.len();
                    self.escape()?;
                    if self.out.len() > length { Before::Atom } else { before }
                }
                plain => {
                    self.literal(plain);
                    Before::Atom
                }
            };
        }
        if self.open > 0 { Err("missing closing )") } else { Ok(()) }
    }

    fn skip(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn copy(&mut self, character: char) {
        self.out.push(character);
        self.skip(character.len_utf8());
    }

    fn literal(&mut self, character: char) {
        self.push(character);
        self.skip(character.len_utf8());
    }

    fn push(&mut self, character: char) {
        if character.is_ascii_alphanumeric() || !character.is_ascii() {
            self.out.push(character);
        } else {
            let _ = write!(self.out, r"\x{:02X}", u32::from(character));
        }
    }

    fn repeated(&mut self, before: Before, written: &str, length: usize) -> Result<Before, Refusal> {
        match before {
            Before::Nothing => return Err("missing argument to repetition operator"),
            Before::Repetition => return Err("invalid nested repetition operator"),
            Before::Atom => {}
        }
        self.out.push_str(written);
        self.skip(length);
        if self.rest.starts_with('?') {
            self.copy('?');
        }
        Ok(Before::Repetition)
    }

    /// `(`, `(?:`, `(?flags)`, `(?flags:`, `(?P<name>`, `(?<name>`. Names are left out: nothing is asked by them.
    fn group(&mut self) -> Result<(), Refusal> {
        let Some(special) = self.rest.strip_prefix("(?") else {
            self.copy('(');
            self.open += 1;
            return Ok(());
        };
        if let Some(named) = special.strip_prefix("P<").or_else(|| special.strip_prefix('<')) {
            let (name, rest) = named.split_once('>').ok_or("invalid named capture")?;
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name {
                return Err("invalid named capture");
            }
            self.rest = rest;
            self.out.push_str("(?:");
            self.open += 1;
            return Ok(());
        }
        let end = special.find([':', ')']).ok_or("missing closing )")?;
        let (flags, closed_by) = (&special[..end], &special[end..=end]);
        let (on, off) = flags.split_once('-').map_or((flags, None), |(on, off)| (on, Some(off)));
        let are_flags = |flags: &str| flags.bytes().all(|byte| matches!(byte, b'i' | b'm' | b's' | b'U'));
        if !are_flags(on) || off.is_some_and(|off| off.is_empty() || !are_flags(off)) {
            return Err("invalid or unsupported Perl syntax");
        }
        if closed_by == ":" {
            self.open += 1;
        }
        // Rust knows neither `(?)` nor the same flag twice.
        let once = |flags: &str| flags.chars().collect::<BTreeSet<char>>();
        let (on, off) = (once(on), once(off.unwrap_or_default()));
        let on: String = on.difference(&off).collect();
        let off: String = off.into_iter().collect();
        let off = if off.is_empty() { off } else { format!("-{off}") };
        if closed_by == ":" || !(on.is_empty() && off.is_empty()) {
            let _ = write!(self.out, "(?{on}{off}{closed_by}");
        }
        self.rest = &special[end + 1..];
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let after = &self.rest[1..];
        if let Some(quoted) = after.strip_prefix('Q') {
            let (quoted, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            quoted.chars().for_each(|character| self.push(character));
            self.rest = rest;
            return Ok(());
        }
        let assertion = match after.chars().next() {
            Some('A') => Some(r"\A"),
            Some('z') => Some(r"\z"),
            Some('b') => Some(r"(?-u:\b)"),
            Some('B') => Some(r"(?-u:\B)"),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.out.push_str(assertion);
            self.skip(2);
            return Ok(());
        }
        if self.named_class()? {
            return Ok(());
        }
        let character = self.escaped()?;
        self.push(character);
        Ok(())
    }

    /// `\d`, `\W`, `\pN`, `\P{Greek}`: written as a class, which may stand within one.
    fn named_class(&mut self) -> Result<bool, Refusal> {
        let after = &self.rest[1..];
        let Some(kind) = after.chars().next() else { return Err("trailing backslash") };
        let ascii = match kind.to_ascii_lowercase() {
            'd' => "0-9",
            's' => r"\t\n\x0C\r\x20",
            'w' => "0-9A-Za-z_",
            'p' => {
                let (name, length) = match after[1..].chars().next() {
                    Some('{') => {
                        let end = after.find('}').ok_or("invalid character class range")?;
                        (&after[2..end], end + 1)
                    }
                    Some(one) => (&after[1..=one.len_utf8()], 1 + one.len_utf8()),
                    None => return Err("invalid character class range"),
                };
                let bare = name.strip_prefix('^').unwrap_or(name);
                let is_negated = (kind == 'P') != (bare.len() < name.len());
                if bare.is_empty() || !bare.chars().all(|character| character.is_alphanumeric() || character == '_') {
                    return Err("invalid character class range");
                }
                let _ = write!(self.out, r"\{}{{{bare}}}", if is_negated { 'P' } else { 'p' });
                self.skip(1 + length);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let _ = write!(self.out, "[{}{ascii}]", if kind.is_ascii_uppercase() { "^" } else { "" });
        self.skip(2);
        Ok(true)
    }

    /// One escaped character, read.
    fn escaped(&mut self) -> Result<char, Refusal> {
        self.skip(1);
        let first = self.rest.chars().next().ok_or("trailing backslash")?;
        self.skip(first.len_utf8());
        let wrong = "invalid escape sequence";
        let octal = |digit: char| digit.is_digit(8);
        match first {
            '1'..='7' if !self.rest.starts_with(octal) => Err(wrong),
            '0'..='7' => {
                let more = self.rest.chars().take(2).take_while(|digit| octal(*digit)).count();
                let digits = format!("{first}{}", &self.rest[..more]);
                self.skip(more);
                u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32).ok_or(wrong)
            }
            'x' => {
                let (digits, length) = match self.rest.strip_prefix('{') {
                    Some(inner) => inner.split_once('}').map(|(digits, _)| (digits, digits.len() + 2)).ok_or(wrong)?,
                    None => (self.rest.get(..2).ok_or(wrong)?, 2),
                };
                let is_hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex).ok_or(wrong)?;
                self.skip(length);
                // Half of a pair is no character that a label could have.
                char::from_u32(code).or_else(|| (code <= 0x0010_ffff).then_some(char::REPLACEMENT_CHARACTER)).ok_or(wrong)
            }
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            sign if sign.is_ascii() && !sign.is_ascii_alphanumeric() => Ok(sign),
            _ => Err(wrong),
        }
    }

    fn class(&mut self) -> Result<(), Refusal> {
        self.copy('[');
        if self.rest.starts_with('^') {
            self.copy('^');
        }
        let mut is_first = true;
        loop {
            let first = self.rest.chars().next().ok_or("missing closing ]")?;
            if first == ']' && !is_first {
                self.copy(']');
                return Ok(());
            }
            is_first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                const NAMES: [&str; 14] =
                    ["alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"];
                let name = self.rest.get(2..end).unwrap_or_default();
                if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
                    return Err("invalid character class range");
                }
                self.out.push_str(&self.rest[..end + 2]);
                self.skip(end + 2);
                continue;
            }
            if first == '\\' && self.named_class()? {
                continue;
            }
            let low = self.class_character()?;
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            self.push(low);
            if is_range {
                self.skip(1);
                let high = self.class_character()?;
                if high < low {
                    return Err("invalid character class range");
                }
                self.out.push('-');
                self.push(high);
            }
        }
    }

    fn class_character(&mut self) -> Result<char, Refusal> {
        match self.rest.chars().next() {
            None => Err("missing closing ]"),
            Some('\\') => self.escaped(),
            Some(plain) => {
                self.skip(plain.len_utf8());
                Ok(plain)
            }
        }
    }
}

/// Length of `{n}`, `{n,}` or `{n,m}` at the beginning; none where the brace is itself.
fn counted(text: &str) -> Result<Option<usize>, Refusal> {
    let Some((inner, _)) = text[1..].split_once('}') else { return Ok(None) };
    let is_count =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let (least, most) = inner.split_once(',').map_or((inner, Some(inner)), |(least, most)| (least, Some(most).filter(|most| !most.is_empty())));
    if !is_count(least) || !most.is_none_or(is_count) {
        return Ok(None);
    }
    let times = |digits: &str| digits.parse::<u32>().ok().filter(|times| *times <= MOST_REPEATED).ok_or("invalid repeat count");
    let least = times(least)?;
    if most.map(times).transpose()?.is_some_and(|most| most < least) {
        return Err("invalid repeat count");
    }
    Ok(Some(inner.len() + 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::*;

    fn go(expression: &str) -> Regex {
        let anchored = translated(expression).unwrap_or_else(|why| panic!("{expression}: {why}"));
        Regex::new(&format!("^(?:{anchored})$")).unwrap_or_else(|why| panic!("{expression}: {why}"))
    }

    /// As Alertmanager 0.34 takes them.
    #[rstest::rstest]
    #[case("/v1/users/{id}/.*", "/v1/users/{id}/keys", "/v1/users/7/keys")]
    #[case(r"\Q/v1/{x}\E.*", "/v1/{x}/y", "/v1/x/y")]
    #[case(r"\Qab\E+", "abbb", "abab")]
    #[case("[[]::1[]]:9100", "[::1]:9100", "::1:9100")]
    #[case("x{", "x{", "x")]
    #[case("node_(a|b){", "node_b{", "node_b")]
    #[case("{}", "{}", "")]
    #[case("api-{{ .svc }}", "api-{{ .svc }}", "api-core")]
    #[case("a{,2}", "a{,2}", "aa")]
    #[case("a{2,3}", "aaa", "a")]
    #[case("a{01}", "a{01}", "a")]
    #[case(r"(?P<x>a)(?<y>b)", "ab", "a")]
    #[case("(?P<1>a)", "a", "b")]
    #[case(r"\d+", "42", "٤٢")]
    #[case(r"\w+", "api_1", "größe")]
    #[case(r"[\w-]+", "a-b", "ä")]
    #[case(r"[^\d]", "x", "7")]
    #[case(r"[\D]", "x", "7")]
    #[case("[a&&b]+", "a&b", "c")]
    #[case("[a-z~~x]+", "~x", "A")]
    #[case("[]a]+", "]a", "b")]
    #[case("[^]a]", "b", "]")]
    #[case(r"\x41\x{42}\103", "ABC", "AB")]
    #[case(r"\_\-\<", "_-<", "x")]
    #[case("[[:alpha:]_]+", "a_b", "1")]
    #[case(r"\p{Greek}\pL\P{Greek}\p{^Greek}", "αabc", "aabc")]
    #[case("(?i)api", "API", "apis")]
    #[case("(?)a(?i-s:B)", "ab", "a")]
    #[case("(?P<a>.)(?P<a>.)", "ab", "a")]
    #[case(r"\Qa.b", "a.b", "acb")]
    #[case(r"a\b.c", "a-c", "abc")]
    #[case(r".\Bb", "ab", "-b")]
    #[case("a.c", "abc", "a\nc")]
    #[case("a$", "a", "a\n")]
    fn means_what_go_means(#[case] expression: &str, #[case] accepted: &str, #[case] refused: &str) {
        let regex = go(expression);
        assert!(regex.is_match(accepted.as_bytes()), "{expression} takes {accepted:?}: {regex}");
        assert!(!regex.is_match(refused.as_bytes()), "{expression} refuses {refused:?}: {regex}");
    }

    #[rstest::rstest]
    #[case("(")]
    #[case(")")]
    #[case("[a")]
    #[case("[]")]
    #[case("a**")]
    #[case("a+?*")]
    #[case("*a")]
    #[case("(|*)")]
    #[case("a)|(?:b")]
    #[case("(?i)*")]
    #[case(r"[a-\d]")]
    #[case(r"[\Q]")]
    #[case("(?i-)a")]
    #[case("{3}")]
    #[case("a{1001}")]
    #[case("a{3,2}")]
    #[case("a{2}{3}")]
    #[case(r"\1")]
    #[case(r"\C")]
    #[case(r"\Z")]
    #[case(r"\E")]
    #[case(r"a\")]
    #[case("(?=a)")]
    #[case("(?<!a)")]
    #[case("(?x)a")]
    #[case("[z-a]")]
    #[case("[[:nothing:]]")]
    #[case(r"\x{110000}")]
    fn what_go_refuses_is_refused(#[case] expression: &str) {
        assert!(translated(expression).is_err(), "{expression}");
    }

    proptest! {
        #[test]
        fn what_is_translated_compiles_and_a_quoted_text_is_itself(expression in r"[a-c(){}|*+?.,0-3\[\]\\^$QEdwx:-]{0,12}", text in "\\PC{0,12}") {
            if let Ok(rust) = translated(&expression) {
                prop_assert!(Regex::new(&rust).is_ok(), "{} became {}", expression, rust);
            }
            prop_assume!(!text.contains(r"\E") && !text.ends_with('\\'));
            let quoted = go(&format!(r"\Q{text}\E"));
            prop_assert!(quoted.is_match(text.as_bytes()));
        }
    }
}
