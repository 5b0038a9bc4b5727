//! The fields of a log document as dynamic mapping makes them: a date, a number, and texts with a `keyword` beside each.

use unicode_segmentation::UnicodeSegmentation;

use crate::sim::log_store::Document;

/// Longer texts are not in their `keyword` field (`ignore_above` of the default dynamic mapping).
pub const IGNORE_ABOVE: usize = 256;

/// The text fields, by their path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    Level,
    Service,
    Message,
    Error,
    Namespace,
    Pod,
}

impl Text {
    pub const ALL: [(&'static str, Self); 6] = [
        ("level", Self::Level),
        ("service", Self::Service),
        ("message", Self::Message),
        ("error", Self::Error),
        ("kubernetes.namespace", Self::Namespace),
        ("kubernetes.pod", Self::Pod),
    ];

    pub fn of(self, document: &Document) -> Option<&str> {
        match self {
            Self::Level => Some(&document.level),
            Self::Service => Some(&document.service),
            Self::Message => Some(&document.message),
            Self::Error => document.error.as_deref(),
            Self::Namespace => Some(&document.namespace),
            Self::Pod => Some(&document.pod),
        }
    }
}

/// A field that can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `@timestamp`, milliseconds.
    Timestamp,
    /// `duration_ms`.
    Duration,
    /// Analysed into words.
    Text(Text),
    /// The exact text.
    Keyword(Text),
}

impl Field {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "@timestamp" => Some(Self::Timestamp),
            "duration_ms" => Some(Self::Duration),
            _ => {
                let text = |path: &str| Text::ALL.into_iter().find(|(known, _)| *known == path).map(|(_, text)| text);
                match name.strip_suffix(".keyword") {
                    Some(path) => text(path).map(Self::Keyword),
                    None => text(name).map(Self::Text),
                }
            }
        }
    }

    pub fn is_present(self, document: &Document) -> bool {
        match self {
            Self::Timestamp => true,
            Self::Duration => document.duration_ms.is_some(),
            Self::Text(text) => text.of(document).is_some_and(|value| words(value).next().is_some()),
            Self::Keyword(_) => self.keyword(document).is_some(),
        }
    }

    /// Of a keyword field the text, unless it is too long to be in it.
    pub fn keyword(self, document: &Document) -> Option<&str> {
        match self {
            Self::Keyword(text) => text.of(document).filter(|value| value.len() <= IGNORE_ABOVE || value.chars().count() <= IGNORE_ABOVE),
            _ => None,
        }
    }

    pub fn number(self, document: &Document) -> Option<f64> {
        match self {
            Self::Timestamp => Some(document.timestamp.timestamp_millis() as f64),
            Self::Duration => document.duration_ms,
            Self::Text(_) | Self::Keyword(_) => None,
        }
    }
}

/// The standard analyser: words by Unicode's rules, in lower case.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(str::to_lowercase)
}
