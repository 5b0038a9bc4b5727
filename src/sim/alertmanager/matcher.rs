//! Matchers of silences and filters: `name="value"`, `!=`, `=~`, `!~`.

use regex::bytes::Regex;
use serde_json::{Value as Json, json};

use super::dialect;
use crate::sim::tsdb::Labels;

/// One condition on one label; an absent label has the value "".
#[derive(Debug, Clone)]
pub struct Matcher {
    pub name: String,
    pub value: String,
    pub is_equal: bool,
    /// Compiled and anchored, when the matcher is a regular expression.
    regex: Option<Regex>,
}

impl Matcher {
    pub fn new(name: &str, value: &str, is_regex: bool, is_equal: bool) -> Result<Self, String> {
        if name.is_empty() {
            return Err("invalid label name".into());
        }
        let anchored = || dialect::compile(value).ok_or_else(|| format!("invalid regular expression {value:?}"));
        let regex = is_regex.then(anchored).transpose()?;
        Ok(Self { name: name.to_owned(), value: value.to_owned(), is_equal, regex })
    }

    /// From the text of a `filter=` parameter; the value may be quoted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("bad matcher format: {text}");
        let trimmed = text.trim();
        let (name, rest) = if let Some(quoted) = trimmed.strip_prefix('"') {
            let (name, rest) = quoted.split_once('"').ok_or_else(wrong)?;
            (name, rest.trim_start())
        } else {
            let ends = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
            let end = trimmed.find(ends).filter(|end| *end > 0).ok_or_else(wrong)?;
            (&trimmed[..end], trimmed[end..].trim_start())
        };
        let operators = [("=~", true, true), ("!~", true, false), ("!=", false, false), ("=", false, true)];
        let (operator, is_regex, is_equal) = operators.into_iter().find(|(operator, ..)| rest.starts_with(operator)).ok_or_else(wrong)?;
        let value = rest[operator.len()..].trim();
        let unquoted = match value.strip_prefix('"') {
            None if value.contains('"') => return Err(wrong()),
            None => value.to_owned(),
            Some(inner) => unescape(inner.strip_suffix('"').ok_or_else(wrong)?),
        };
        Self::new(name, &unquoted, is_regex, is_equal)
    }

    /// A silence's matcher; `isEqual` is true when absent.
    pub fn from_json(json: &Json) -> Option<Result<Self, String>> {
        let text = |key: &str| json.get(key).and_then(Json::as_str);
        let is_equal = json.get("isEqual").and_then(Json::as_bool).unwrap_or(true);
        Some(Self::new(text("name")?, text("value")?, json.get("isRegex")?.as_bool()?, is_equal))
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.value(&self.name))
    }

    pub fn accepts(&self, value: &str) -> bool {
        let found = match &self.regex {
            Some(regex) => regex.is_match(value.as_bytes()),
            None => self.value == value,
        };
        found == self.is_equal
    }

    pub fn json(&self) -> Json {
        json!({ "isEqual": self.is_equal, "isRegex": self.regex.is_some(), "name": self.name, "value": self.value })
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        let key = |matcher: &Self| (matcher.name.clone(), matcher.value.clone(), matcher.is_equal, matcher.regex.is_some());
        key(self) == key(other)
    }
}

fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => result.push('\n'),
                Some(escaped) => result.push(escaped),
                None => result.push('\\'),
            },
            plain => result.push(plain),
        }
    }
    result
}
