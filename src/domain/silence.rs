//! Matchers of Alertmanager's silences, and what they hide.

use std::fmt;

use regex::bytes::Regex;

use super::go_regex;

/// One condition on one label, as Alertmanager takes it: any name that is UTF-8, and Go's regular expressions. An absent label has
/// the value "".
#[derive(Debug, Clone)]
pub struct Matcher {
    pub name: String,
    pub operator: Operator,
    pub value: String,
    pattern: Pattern,
}

/// What a value is held against.
#[derive(Debug, Clone)]
enum Pattern {
    Exact,
    /// Anchored at both ends, for the two operators that take one.
    Anchored(Regex),
    /// An expression of Alertmanager's of which only it knows what it matches.
    Foreign,
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
    /// One that is asked for: an expression that Alertmanager would refuse is refused with Go's reason.
    pub fn new(name: &str, is_regex: bool, is_equal: bool, value: &str) -> Result<Self, String> {
        // What is right alone and not between its anchors, as a quote that is not closed, Alertmanager takes, and then silences nothing
        // any more (seen of 0.34: "Querying silences failed").
        let anchored = format!("^(?:{value})$");
        if is_regex && let Err(why) = go_regex::translated(value).and_then(|_| go_regex::translated(&anchored)) {
            return Err(format!("{value:?} is no regular expression that Alertmanager takes: {why}"));
        }
        Ok(Self::held(name, is_regex, is_equal, value))
    }

    /// One that Alertmanager holds, whatever it is.
    pub fn held(name: &str, is_regex: bool, is_equal: bool, value: &str) -> Self {
        // Checked by itself and anchored then, as Alertmanager does.
        let compiled = || Regex::new(&format!("^(?:{})$", go_regex::translated(value).ok()?)).ok();
        let pattern = if is_regex { compiled().map_or(Pattern::Foreign, Pattern::Anchored) } else { Pattern::Exact };
        Self { name: name.to_owned(), operator: Operator::of(is_regex, is_equal), value: value.to_owned(), pattern }
    }

    /// The label is exactly this.
    pub fn equal(name: &str, value: &str) -> Self {
        Self::held(name, false, true, value)
    }

    /// `name=value`, `name!=value`, `name=~regex`, `name!~regex`; name and value may stand in double quotes, as they must where they
    /// hold what would end them. None: no matcher.
    pub fn parse(text: &str) -> Option<Result<Self, String>> {
        let text = text.trim();
        let (name, rest) = if let Some(quoted) = text.strip_prefix('"') {
            let end = closing(quoted)?;
            (unescaped(&quoted[..end]), quoted[end + 1..].trim_start())
        } else {
            let end = text.find(is_reserved)?;
            (text[..end].to_owned(), text[end..].trim_start())
        };
        let operator = Operator::ALL.into_iter().find(|operator| rest.starts_with(operator.word()))?;
        if name.is_empty() {
            return None;
        }
        let value = rest[operator.word().len()..].trim();
        let quoted = value.strip_prefix('"').filter(|inner| closing(inner).is_some_and(|end| end + 1 == inner.len()));
        let value = quoted.map_or_else(|| value.to_owned(), |inner| unescaped(&inner[..inner.len() - 1]));
        Some(Self::new(&name, operator.is_regex(), operator.is_equal(), &value))
    }

    /// None where only Alertmanager knows.
    pub fn accepts(&self, value: &str) -> Option<bool> {
        let found = match &self.pattern {
            Pattern::Anchored(pattern) => pattern.is_match(value.as_bytes()),
            Pattern::Exact => self.value == value,
            Pattern::Foreign => return None,
        };
        Some(found == self.operator.is_equal())
    }

    /// Whether it leaves nothing out but labels of a few values: neither an absent label nor just any value will do. What only
    /// Alertmanager knows counts as such.
    pub fn is_specific(&self) -> bool {
        self.accepts("") != Some(true) && self.accepts(NOBODYS) != Some(true) && self.operator.is_equal()
    }

    /// With name and value in quotes, as `amtool` reads every name and value.
    pub fn in_quotes(&self) -> String {
        let name = if is_bare(&self.name) { self.name.clone() } else { quoted(&self.name) };
        format!("{name}{}{}", self.operator.word(), quoted(&self.value))
    }
}

/// Whether all of them accept an alert of these labels; none where only Alertmanager knows.
pub fn all_accept<'a>(matchers: &[Matcher], label: impl Fn(&str) -> &'a str) -> Option<bool> {
    let each: Vec<_> = matchers.iter().map(|matcher| matcher.accepts(label(&matcher.name))).collect();
    if each.contains(&Some(false)) { Some(false) } else { each.into_iter().collect::<Option<Vec<_>>>().map(|_| true) }
}

/// What ends a name that does not stand in quotes.
fn is_reserved(character: char) -> bool {
    character.is_whitespace() || matches!(character, '{' | '}' | '!' | '=' | '~' | ',' | '\\' | '"' | '\'' | '`')
}

/// Words that `silence` takes for something else than a label's name.
const KEYWORDS: [&str; 6] = ["for", "until", "from", "of", "mark", "again"];

fn is_bare(name: &str) -> bool {
    !name.is_empty() && !name.contains(is_reserved)
}

/// Where the quote that closes is.
fn closing(inner: &str) -> Option<usize> {
    let mut is_escaped = false;
    inner.char_indices().find_map(|(at, character)| {
        let closes = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        closes.then_some(at)
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
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
        let name = if is_bare(&self.name) && !KEYWORDS.contains(&self.name.as_str()) { self.name.clone() } else { quoted(&self.name) };
        let is_plain = !self.value.starts_with(['"', '~']) && self.value.trim() == self.value && !self.value.contains('\n');
        let value = if is_plain { self.value.clone() } else { quoted(&self.value) };
        write!(formatter, "{name}{}{value}", self.operator.word())
    }
}

/// Of what stood in quotes. A backslash before anything that it does not escape is itself, as Alertmanager reads it.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match (character, character == '\\') {
            (plain_one, false) => plain.push(plain_one),
            (_, true) => match rest.next() {
                Some('n') => plain.push('\n'),
                Some(escaped @ ('"' | '\\')) => plain.push(escaped),
                Some(other) => plain.extend(['\\', other]),
                None => plain.push('\\'),
            },
        }
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
            ("service.name=api", "api", "apis"),
            ("\"service name\" != \"a\"", "b", "a"),
            ("größe=\"x\\ny\"", "x\ny", "x"),
            (r"path=~/v1/users/{id}/.*", "/v1/users/{id}/keys", "/v1/users/7/keys"),
            (r"path=~\Q/v1/{x}\E.*", "/v1/{x}/y", "/v1/x"),
            ("instance=~[[]::1[]]:9100", "[::1]:9100", "::1:9100"),
        ] {
            let matcher = read(text);
            assert_eq!((matcher.accepts(accepted), matcher.accepts(refused)), (Some(true), Some(false)), "{text}");
        }
        for none in ["service", "=api", "a b=c", "for", "\"a", "\"\"=x", "{a=b}"] {
            assert!(Matcher::parse(none).is_none(), "{none}");
        }
        for refused in ["service=~(", r"service=~\Qa.b", "service=~a)|(?:b"] {
            assert!(Matcher::parse(refused).unwrap().is_err(), "{refused}");
        }
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

    #[test]
    fn a_name_that_silence_takes_for_something_else_stands_in_quotes() {
        assert_eq!(Matcher::equal("for", "2h").to_string(), "\"for\"=2h");
        assert_eq!(Matcher::equal("a b", "\"x\ny\\").to_string(), r#""a b"="\"x\ny\\""#);
    }

    #[test]
    fn what_only_alertmanager_knows_is_neither_accepted_nor_refused() {
        let foreign = Matcher::held("a", true, true, "(?#what Go may learn)");
        assert_eq!(foreign.accepts("x"), None);
        assert_eq!(all_accept(&[foreign.clone(), Matcher::equal("b", "1")], |_| "1"), None);
        assert_eq!(all_accept(&[foreign, Matcher::equal("b", "1")], |_| "2"), Some(false));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "\\PC{1,8}|[a-z_][a-z0-9_.]{0,8}|for|mark", value in any::<String>(), equal in any::<bool>()) {
            prop_assume!(!name.is_empty());
            let matcher = Matcher::new(&name, false, equal, &value).unwrap();
            prop_assert_eq!(Matcher::parse(&matcher.to_string()).unwrap().unwrap(), matcher.clone());
            prop_assert_eq!(Matcher::parse(&matcher.in_quotes()).unwrap().unwrap(), matcher);
        }

        #[test]
        fn an_expression_is_read_back(value in r"[a-c(){}|*+?.,0-3\[\]\\^$QEdwx:\x22 -]{0,12}") {
            if let Ok(matcher) = Matcher::new("path", true, false, &value) {
                prop_assert_eq!(Matcher::parse(&matcher.to_string()).unwrap().unwrap(), matcher);
            }
        }
    }
}
