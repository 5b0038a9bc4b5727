//! What is wrong with a setting, and where it was written.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use crate::domain::text::Text;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Default,
    /// Lines and columns count from 1; columns count characters.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    /// A file that could not be read at all.
    WholeFile(PathBuf),
    /// Name of an environment variable.
    Environment(String),
    /// A flag with its dashes.
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(formatter, "default"),
            Self::File { path, line, column } => write!(formatter, "{}:{line}:{column}", path.display()),
            Self::WholeFile(path) => write!(formatter, "{}", path.display()),
            Self::Environment(name) => write!(formatter, "environment {name}"),
            Self::Flag(name) => write!(formatter, "flag {name}"),
        }
    }
}

/// One sentence about one place: what is wrong and what to write in its stead. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    pub place: Place,
    pub message: String,
}

impl Problem {
    /// What is said of it may repeat what a file or a variable holds: nothing of it reaches a terminal raw.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: Text::line(&message.into()).to_string() }
    }
}

/// The nearest of `known` to what was typed, if it is near enough to be meant.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let most = (typed.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ` did you mean "night"?` or, with nothing near, the whole list.
pub fn suggest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, known.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("them", ["theme", "mouse"]), Some("theme"));
        assert_eq!(nearest("qeury", ["query", "title"]), Some("query"));
        assert_eq!(nearest("zzz", ["theme", "mouse"]), None);
    }

    #[test]
    fn a_problem_is_one_sentence_with_its_place() {
        let problem = Problem::new(Place::File { path: "a.toml".into(), line: 3, column: 9 }, "unknown key");
        assert_eq!(problem.to_string(), "a.toml:3:9: unknown key");
        // Found by 100,000 spoiled configurations.
        assert_eq!(Problem::new(Place::Default, "names s\u{202e}ync\n").message, "names s<U+202E>ync<U+000A>");
    }
}
