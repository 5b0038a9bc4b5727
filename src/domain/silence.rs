//! Matchers of Alertmanager's silences, and what they hide.

use std::fmt;

use regex::Regex;

/// One condition on one label. An absent label has the value "".
#[derive(Debug, Clone)]
pub struct Matcher {
    pub name: String,
    pub operator: Operator,
    pub value: String,
    /// Anchored at both ends, for the two operators that take one.
    pattern: Option<Regex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
}

impl Operator {
    /// The longer ones first: `=` begins `=~`.
    const ALL: [Self; 4] = [Self::Matches, Self::MatchesNot, Self::NotEqual, Self::Equal];

    pub fn word(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }

    pub fn is_regex(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesNot)
    }

    pub fn is_equal(self) -> bool {
        matches!(self, Self::Equal | Self::Matches)
    }

    fn of(is_regex: bool, is_equal: bool) -> Self {
        match (is_regex, is_equal) {
            (false, true) => Self::Equal,
            (false, false) => Self::NotEqual,
            (true, true) => Self::Matches,
            (true, false) => Self::MatchesNot,
        }
    }
}

/// A value that no label has: what accepts it says nothing of what a label is.
const NOBODYS: &str = "\u{7f}sev1 asks whether anything would do\u{7f}";

impl Matcher {
    pub fn new(name: &str, is_regex: bool, is_equal: bool, value: &str) -> Result<Self, String> {
        let pattern = is_regex.then(|| Regex::new(&format!("^(?:{value})$"))).transpose();
        let pattern = pattern.map_err(|_| format!("{value:?} is no regular expression"))?;
        Ok(Self { name: name.to_owned(), operator: Operator::of(is_regex, is_equal), value: value.to_owned(), pattern })
    }

    /// The label is exactly this.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), operator: Operator::Equal, value: value.to_owned(), pattern: None }
    }

    /// `name=value`, `name!=value`, `name=~regex`, `name!~regex`; the value may stand in double quotes. None: no matcher.
    pub fn parse(text: &str) -> Option<Result<Self, String>> {
        let end = text.find(['=', '!'])?;
        let (name, rest) = (text[..end].trim(), &text[end..]);
        let operator = Operator::ALL.into_iter().find(|operator| rest.starts_with(operator.word()))?;
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
        if !is_name {
            return None;
        }
        let value = rest[operator.word().len()..].trim();
        let quoted = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
        Some(Self::new(name, operator.is_regex(), operator.is_equal(), &quoted.map_or_else(|| value.to_owned(), unescaped)))
    }

    pub fn accepts(&self, value: &str) -> bool {
        let found = match &self.pattern {
            Some(pattern) => pattern.is_match(value),
            None => self.value == value,
        };
        found == self.operator.is_equal()
    }

    /// Whether it leaves nothing out but labels of a few values: neither an absent label nor just any value will do.
    pub fn is_specific(&self) -> bool {
        !self.accepts("") && !self.accepts(NOBODYS) && self.operator.is_equal()
    }
}

/// Whether all of them accept an alert of these labels.
pub fn all_accept<'a>(matchers: &[Matcher], label: impl Fn(&str) -> &'a str) -> bool {
    matchers.iter().all(|matcher| matcher.accepts(label(&matcher.name)))
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.operator, &self.value) == (&other.name, other.operator, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    /// Read again by [`Matcher::parse`]; in quotes only where it has to be.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = !self.value.starts_with(['"', '~']) && self.value.trim() == self.value;
        let value = if is_plain { self.value.clone() } else { format!("\"{}\"", self.value.replace('\\', r"\\").replace('"', "\\\"")) };
        write!(formatter, "{}{}{value}", self.name, self.operator.word())
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        plain.extend(if character == '\\' { rest.next() } else { Some(character) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Matcher {
        Matcher::parse(text).unwrap().unwrap()
    }

    #[test]
    fn the_four_operators_are_read_and_mean_what_alertmanager_means() {
        for (text, accepted, refused) in [
            ("service=api", "api", "apis"),
            ("service!=api", "", "api"),
            ("service=~api|core", "core", "core-engine"),
            ("service!~api.*", "core", "api-gateway"),
            ("service=\"a b\"", "a b", "\"a b\""),
        ] {
            let matcher = read(text);
            assert!(matcher.accepts(accepted) && !matcher.accepts(refused), "{text}");
        }
        for none in ["service", "=api", "9x=1", "a b=c", "for"] {
            assert!(Matcher::parse(none).is_none(), "{none}");
        }
        assert!(Matcher::parse("service=~(").unwrap().is_err());
    }

    #[test]
    fn what_would_do_for_anything_is_not_specific() {
        for general in ["a=~.+", "a=~.*", "a!=b", "a!~b.*", "a=", "a=~b|", "a=~(?s).+"] {
            assert!(!read(general).is_specific(), "{general}");
        }
        for specific in ["a=b", "a=~b|c", "a=~api-.+"] {
            assert!(read(specific).is_specific(), "{specific}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "[a-z_][a-z0-9_]{0,8}", value in any::<String>()) {
            let matcher = Matcher::equal(&name, &value);
            prop_assert_eq!(Matcher::parse(&matcher.to_string()).unwrap().unwrap(), matcher);
        }
    }
}
