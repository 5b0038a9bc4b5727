//! What kind of environment a context is, and which word a disruptive card asks for there.

use crate::domain::text::Text;

use super::shape::{Config, Environment, Production};

/// The word where none is configured for the context.
const DEFAULT_WORD: &str = "prod";

impl Config {
    pub fn environment(&self, context: &str) -> Environment {
        self.production.environment(context)
    }
}

impl Production {
    /// A production pattern anywhere in the name wins; then a whole word of the list of others; what is in neither list
    /// counts as production, and its banner asks.
    fn environment(&self, context: &str) -> Environment {
        let name = context.to_lowercase();
        let word = Text::line(self.words.get(context).map_or(DEFAULT_WORD, String::as_str));
        if self.patterns.iter().any(|pattern| name.contains(&pattern.to_lowercase())) {
            return Environment { is_production: true, banner: "PRODUCTION".into(), word };
        }
        match self.non_production.iter().find(|pattern| has_word(&name, &pattern.to_lowercase())) {
            Some(pattern) => Environment { is_production: false, banner: banner(pattern), word },
            None => Environment { is_production: true, banner: "PRODUCTION?".into(), word },
        }
    }
}

/// Whether `word` stands in `name` between separators, with a number after it at most: `dev` is in `eu-dev2`, not in
/// `devon-1`, which nobody said is safe.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(start, _)| {
        let begins = name[..start].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        let rest = name[start + word.len()..].trim_start_matches(|after: char| after.is_ascii_digit());
        begins && rest.chars().next().is_none_or(|after| !after.is_alphanumeric())
    })
}

fn banner(pattern: &str) -> Text {
    match pattern.to_lowercase().as_str() {
        "staging" | "stage" => "STAGING".into(),
        "dev" | "development" => "DEVELOPMENT".into(),
        "test" | "testing" => "TEST".into(),
        "minikube" | "kind" | "k3d" | "docker-desktop" | "rancher-desktop" | "orbstack" | "colima" | "local" | "localhost" => "LOCAL".into(),
        other => Text::line(&other.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("prod-uk-1", true, "PRODUCTION")]
    #[case("LIVE-blue", true, "PRODUCTION")]
    #[case("preprod-staging", true, "PRODUCTION")]
    #[case("eu-staging", false, "STAGING")]
    #[case("kind-sev1", false, "LOCAL")]
    #[case("arn:aws:eks:eu-west-2:1:cluster/dev2-uk", false, "DEVELOPMENT")]
    #[case("sev1-demo", false, "DEMO")]
    #[case("docker-desktop", false, "LOCAL")]
    #[case("qa", false, "QA")]
    #[case("devon-1", true, "PRODUCTION?")]
    #[case("localgov", true, "PRODUCTION?")]
    #[case("uk-1", true, "PRODUCTION?")]
    #[case("", true, "PRODUCTION?")]
    fn contexts_are_production_until_known_otherwise(#[case] context: &str, #[case] is_production: bool, #[case] banner: &str) {
        let environment = Config::default().environment(context);
        assert_eq!((environment.is_production, &*environment.banner), (is_production, banner), "{context}");
        assert_eq!(environment.word, "prod");
    }

    #[test]
    fn the_word_is_set_per_context() {
        let mut config = Config::default();
        config.production.words.insert("prod-uk-1".to_owned(), "citizens".to_owned());
        assert_eq!(config.environment("prod-uk-1").word, "citizens");
        assert_eq!(config.environment("prod-uk-2").word, "prod");
    }

    #[test]
    fn a_hostile_context_name_is_cleaned_or_plain() {
        let environment = Config::default().environment("dev\u{202e}");
        assert!(!environment.banner.contains('\u{202e}'));
    }
}
