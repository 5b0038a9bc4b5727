//! One value as it is written in a file, a variable or a flag, and what it is read as.

use std::{fmt, path::PathBuf, time::Duration};

use serde::Serialize;

/// Reasons are the second half of a sentence: `theme` *is "x", which is not …*.
pub type Read<T> = Result<T, String>;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<String>),
}

impl Value {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().to_owned())
    }

    pub fn duration(duration: Duration) -> Self {
        Self::Text(humantime::format_duration(duration).to_string().replace(' ', ""))
    }

    pub fn path(path: &std::path::Path) -> Self {
        Self::Text(path.display().to_string())
    }

    pub fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(|item| item.as_ref().to_owned()).collect())
    }

    /// From a variable or a flag, where everything is text: read as the kind of value that `like` is.
    pub fn from_words(words: &str, like: Option<&Self>) -> Self {
        let as_is = || Self::Text(words.to_owned());
        match like {
            Some(Self::Flag(_)) => match words.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Self::Flag(true),
                "0" | "false" | "no" | "off" => Self::Flag(false),
                _ => as_is(),
            },
            Some(Self::Integer(_)) => words.parse().map_or_else(|_| as_is(), Self::Integer),
            Some(Self::Number(_)) => words.parse().map_or_else(|_| as_is(), Self::Number),
            Some(Self::List(_)) => Self::list(words.split(',').map(str::trim).filter(|item| !item.is_empty())),
            Some(Self::Text(_)) | None => as_is(),
        }
    }

    pub fn read_text(&self) -> Read<&str> {
        match self {
            Self::Text(text) if text.trim().is_empty() => Err("is empty: give it a value, or leave it out".to_owned()),
            Self::Text(text) => Ok(text),
            other => Err(format!("is {}, but must be text in quotes", other.kind())),
        }
    }

    /// Text on one line, as a query or a title is sent and shown.
    pub fn read_line(&self) -> Read<String> {
        Ok(self.read_text()?.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    pub fn read_path(&self) -> Read<PathBuf> {
        self.read_text().map(PathBuf::from)
    }

    pub fn read_flag(&self) -> Read<bool> {
        match self {
            Self::Flag(flag) => Ok(*flag),
            other => Err(format!("is {}, but must be true or false", other.kind())),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "thresholds are far below 2^53")]
    pub fn read_number(&self) -> Read<f64> {
        match self {
            Self::Integer(number) => Ok(*number as f64),
            Self::Number(number) if number.is_finite() => Ok(*number),
            Self::Number(_) => Err("must be a finite number".to_owned()),
            other => Err(format!("is {}, but must be a number", other.kind())),
        }
    }

    pub fn read_integer(&self, range: std::ops::RangeInclusive<i64>) -> Read<i64> {
        match self {
            Self::Integer(number) if range.contains(number) => Ok(*number),
            Self::Integer(number) => Err(format!("is {number}, but must be from {} to {}", range.start(), range.end())),
            other => Err(format!("is {}, but must be a whole number from {} to {}", other.kind(), range.start(), range.end())),
        }
    }

    pub fn read_duration(&self, range: std::ops::RangeInclusive<Duration>) -> Read<Duration> {
        let remedy = "write it like 30s, 5m or 1h30m";
        let Self::Text(text) = self else { return Err(format!("is {}, but must be a duration in quotes: {remedy}", self.kind())) };
        let duration = humantime::parse_duration(text.trim()).map_err(|_| format!("is {self}, which is no duration: {remedy}"))?;
        if range.contains(&duration) {
            Ok(duration)
        } else {
            let limit = humantime::format_duration;
            Err(format!("is {self}, but must be from {} to {}", limit(*range.start()), limit(*range.end())))
        }
    }

    pub fn read_list(&self) -> Read<Vec<String>> {
        match self {
            Self::List(items) => match items.iter().find(|item| item.trim().is_empty()) {
                Some(_) => Err("has an empty entry: remove it".to_owned()),
                None => Ok(items.clone()),
            },
            other => Err(format!("is {}, but must be a list of texts: [\"one\", \"two\"]", other.kind())),
        }
    }

    fn kind(&self) -> String {
        match self {
            Self::Flag(flag) => format!("{flag}"),
            Self::Integer(number) => format!("the number {number}"),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(_) => format!("the text {self}"),
            Self::List(_) => "a list".to_owned(),
        }
    }
}

impl fmt::Display for Value {
    /// As TOML.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(formatter, "{flag}"),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Number(number) if number.fract() == 0.0 => write!(formatter, "{number:.0}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => write_text(formatter, text),
            Self::List(items) => {
                formatter.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    formatter.write_str(if index == 0 { "" } else { ", " })?;
                    write_text(formatter, item)?;
                }
                formatter.write_str("]")
            }
        }
    }
}

/// A literal string where that avoids escapes; hostile characters are always escaped.
fn write_text(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let needs_escape = |character: char| crate::domain::text::is_hostile(character);
    if text.contains(['"', '\\']) && !text.contains('\'') && !text.contains(needs_escape) {
        return write!(formatter, "'{text}'");
    }
    formatter.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(formatter, "\\{character}")?,
            hostile if needs_escape(hostile) => write!(formatter, "\\U{:08X}", u32::from(hostile))?,
            plain => write!(formatter, "{plain}")?,
        }
    }
    formatter.write_str("\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), items in proptest::collection::vec(any::<String>(), 0..4)) {
            for value in [Value::Text(text.clone()), Value::List(items.clone())] {
                let line = format!("key = {value}");
                let read = toml::from_str::<toml::Table>(&line).map_err(|error| TestCaseError::fail(format!("{line:?}: {error}")))?;
                match (&value, &read["key"]) {
                    (Value::Text(before), toml::Value::String(after)) => prop_assert_eq!(before, after),
                    (Value::List(before), toml::Value::Array(after)) => {
                        let after: Vec<_> = after.iter().filter_map(toml::Value::as_str).collect();
                        prop_assert_eq!(before, &after);
                    }
                    (before, after) => prop_assert!(false, "{before:?} became {after:?}"),
                }
            }
        }
    }

    #[test]
    fn durations_are_read_with_their_limits() {
        let range = Duration::from_secs(1)..=Duration::from_mins(1);
        assert_eq!(Value::text("5s").read_duration(range.clone()), Ok(Duration::from_secs(5)));
        let too_long = Value::text("2h").read_duration(range.clone()).unwrap_err();
        assert!(too_long.contains("from 1s to 1m"), "{too_long}");
        let nonsense = Value::text("5 parsecs").read_duration(range.clone()).unwrap_err();
        assert!(nonsense.contains("30s, 5m"), "{nonsense}");
        let number = Value::Integer(5).read_duration(range).unwrap_err();
        assert!(number.contains("in quotes"), "{number}");
    }

    #[test]
    fn words_become_what_the_setting_is() {
        assert_eq!(Value::from_words("yes", Some(&Value::Flag(false))), Value::Flag(true));
        assert_eq!(Value::from_words("maybe", Some(&Value::Flag(false))), Value::text("maybe"));
        assert_eq!(Value::from_words("a, b", Some(&Value::list(["x"]))), Value::list(["a", "b"]));
    }
}
