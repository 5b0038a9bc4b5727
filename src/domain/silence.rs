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

    /// Matchers as `amtool` reads them: one, or several with commas between them, with or without `{ }` around all of them. Each is
    /// `name=value`, `name!=value`, `name=~regex` or `name!~regex`; name and value may stand in double quotes, as they must where they
    /// hold what would end them. A comma in a value without quotes ends it only where another matcher follows. None: no matchers.
    pub fn parse_list(text: &str) -> Option<Result<Vec<Self>, String>> {
        let text = text.trim();
        let mut rest = match text.strip_prefix('{') {
            Some(inner) => inner.strip_suffix('}')?.trim(),
            None => text,
        };
        let mut matchers = Vec::new();
        while !rest.is_empty() {
            let (name, operator, after) = head(rest)?;
            let (value, left) = match value(after) {
                Ok(read) => read,
                Err(why) => return Some(Err(why)),
            };
            match Self::new(&name, operator.is_regex(), operator.is_equal(), &value) {
                Ok(matcher) => matchers.push(matcher),
                Err(why) => return Some(Err(why)),
            }
            rest = left;
        }
        (!matchers.is_empty()).then_some(Ok(matchers))
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

    /// Whether it names values of a label, and takes alerts that lack the label as well.
    pub fn is_optional(&self) -> bool {
        self.operator.is_equal() && self.accepts("") == Some(true) && self.accepts(NOBODYS) == Some(false)
    }

    /// With name and value in quotes, as `amtool` reads every name and value.
    pub fn in_quotes(&self) -> String {
        let name = if is_bare(&self.name) { self.name.clone() } else { quoted(&self.name) };
        format!("{name}{}{}", self.operator.word(), quoted(&self.value))
    }
}

/// `alertname="StockLow" and service="api"`: matchers for people, each beyond doubt.
pub fn in_words(matchers: &[Matcher]) -> String {
    matchers.iter().map(Matcher::in_quotes).collect::<Vec<_>>().join(" and ")
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

/// Name and operator that the text begins with, and what follows.
fn head(text: &str) -> Option<(String, Operator, &str)> {
    let (name, rest) = if let Some(quoted) = text.strip_prefix('"') {
        let end = closing(quoted)?;
        (unescaped(&quoted[..end]), quoted[end + 1..].trim_start())
    } else {
        let end = text.find(is_reserved)?;
        (text[..end].to_owned(), text[end..].trim_start())
    };
    let operator = Operator::ALL.into_iter().find(|operator| rest.starts_with(operator.word()))?;
    (!name.is_empty()).then(|| (name, operator, rest[operator.word().len()..].trim_start()))
}

/// The value that the text begins with, and what follows its comma.
fn value(text: &str) -> Result<(String, &str), String> {
    if let Some(inner) = text.strip_prefix('"') {
        let end = closing(inner).ok_or_else(|| format!("the quote of {text:?} is not closed"))?;
        let left = inner[end + 1..].trim_start();
        let left = if left.is_empty() { left } else { left.strip_prefix(',').ok_or_else(|| format!("a comma is missing before {left:?}"))? };
        return Ok((unescaped(&inner[..end]), left.trim_start()));
    }
    let ends = text.match_indices(',').map(|(at, _)| (at, text[at + 1..].trim_start())).find(|(_, left)| left.is_empty() || head(left).is_some());
    let (end, left) = ends.unwrap_or((text.len(), ""));
    Ok((text[..end].trim_end().to_owned(), left))
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
    /// Read again by [`Matcher::parse_list`]; in quotes only where it has to be.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if is_bare(&self.name) && !KEYWORDS.contains(&self.name.as_str()) { self.name.clone() } else { quoted(&self.name) };
        let is_plain = !self.value.starts_with(['"', '~']) && self.value.trim() == self.value && !self.value.contains(['\n', ',']);
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
        let [matcher] = <[Matcher; 1]>::try_from(read_all(text)).unwrap();
        matcher
    }

    fn read_all(text: &str) -> Vec<Matcher> {
        Matcher::parse_list(text).unwrap().unwrap()
    }

    #[rstest::rstest]
    #[case::quoted(r#"a="b",c="d""#, &[r#"a="b""#, r#"c="d""#])]
    #[case::bare("a=b,c=d", &[r#"a="b""#, r#"c="d""#])]
    #[case::braces(r#"{a="b", c=~"d|e"}"#, &[r#"a="b""#, r#"c=~"d|e""#])]
    #[case::comma_at_the_end("{a=b,}", &[r#"a="b""#])]
    #[case::utf_8_names(r#"{"service.name"="x","größe"!="7", k8s.io/name!~"y"}"#, &[r#"service.name="x""#, r#"größe!="7""#, r#"k8s.io/name!~"y""#])]
    #[case::comma_in_quotes(r#"a="b,c=d",e=f"#, &[r#"a="b,c=d""#, r#"e="f""#])]
    #[case::comma_in_a_bare_value("a=~x{1,2},b=c", &[r#"a=~"x{1,2}""#, r#"b="c""#])]
    #[case::brace_in_a_bare_value("a=~x{2}", &[r#"a=~"x{2}""#])]
    #[case::blanks(r#" a = "b" , c = "d" "#, &[r#"a="b""#, r#"c="d""#])]
    #[case::empty_value("a=,b=c", &[r#"a="""#, r#"b="c""#])]
    fn a_list_is_read_as_amtool_reads_it(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(read_all(text).iter().map(Matcher::in_quotes).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_follows_a_quote_is_no_part_of_the_value() {
        for (text, why) in [(r#"a="b" c="d""#, "comma is missing"), (r#"a="b"#, "not closed"), (r#"a="b"|"c""#, "comma is missing")] {
            assert!(Matcher::parse_list(text).unwrap().unwrap_err().contains(why), "{text}");
        }
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
        for none in ["service", "=api", "a b=c", "for", "\"a", "\"\"=x", "{a=b", "{}", ",a=b", ""] {
            assert!(Matcher::parse_list(none).is_none(), "{none}");
        }
        for refused in ["service=~(", r"service=~\Qa.b", "service=~a)|(?:b"] {
            assert!(Matcher::parse_list(refused).unwrap().is_err(), "{refused}");
        }
    }

    #[test]
    fn what_would_do_for_anything_is_not_specific() {
        for general in ["a=~.+", "a=~.*", "a!=b", "a!~b.*", "a=", "a=~b|", "a=~(?s).+"] {
            assert!(!read(general).is_specific(), "{general}");
            assert_eq!(read(general).is_optional(), matches!(general, "a=~b|" | "a="), "{general}");
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
            prop_assert_eq!(read(&matcher.to_string()), matcher.clone());
            prop_assert_eq!(read_all(&format!("{{{matcher}, {}}}", matcher.in_quotes())), vec![matcher.clone(), matcher]);
        }

        #[test]
        fn an_expression_is_read_back(value in r"[a-c(){}|*+?.,0-3\[\]\\^$QEdwx:\x22 -]{0,12}") {
            if let Ok(matcher) = Matcher::new("path", true, false, &value) {
                prop_assert_eq!(read(&matcher.to_string()), matcher);
            }
        }
    }
}
