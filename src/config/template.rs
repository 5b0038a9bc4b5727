//! The file that `config init` writes: every setting, with its default, as a comment.
//!
//! A line that begins with `#` and a letter is a setting at its default: taking the `#` away changes nothing. A line that
//! begins with `# ` is for people.

use std::fmt::Write as _;

use super::{
    settings::{SECTIONS, Section, Setting, Stars, bare_or_quoted, commands},
    shape::Config,
};

const HEAD: &str = "\
# sev1. Every setting with its default. Take the # before a setting away to change it; `sev1 config check` reads it over,
# `sev1 config show` says where each value comes from. A flag beats the environment, that beats ./sev1.toml (looks, panes,
# queries and error fields only), and that beats this file. Secrets never stand here: name a file or a variable that holds one.
";

/// The whole file. It parses to [`Config::default`], with and without the comments on its settings.
pub fn text() -> String {
    let config = Config::default();
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        if section.name == commands::COMMANDS.name {
            write_examples(&mut text, section);
            continue;
        }
        // Settings are explained once, not for each indicator again.
        for (index, star) in names(section, &config).iter().enumerate() {
            write_section(&mut text, section, star, &config, index == 0);
        }
    }
    text
}

/// A section of which there is none by default: what its settings mean, and examples of it.
fn write_examples(text: &mut String, section: &Section) {
    let _ = writeln!(text, "\n# {}", section.about);
    for setting in section.settings {
        let _ = writeln!(text, "# {} = {}: {}", setting.name, setting.example, setting.about);
    }
    let _ = writeln!(text, "# For example:");
    for line in commands::EXAMPLES.trim().lines() {
        let _ = writeln!(text, "{}", format!("# {line}").trim_end());
    }
}

fn names(section: &Section, config: &Config) -> Vec<String> {
    let names = section.star_names(config);
    // A section whose own keys are free has one header, and none of them yet.
    if names.is_empty() { vec![String::new()] } else { names }
}

fn write_section(text: &mut String, section: &Section, star: &str, config: &Config, explain: bool) {
    text.push('\n');
    if explain && !section.about.is_empty() {
        let _ = writeln!(text, "# {}", section.about);
    }
    if !section.name.is_empty() {
        let _ = writeln!(text, "[{}]", section.name.replacen('*', &bare_or_quoted(star), 1));
    }
    for setting in section.settings {
        write_setting(text, section, setting, star, config, explain);
    }
}

fn write_setting(text: &mut String, section: &Section, setting: &Setting, star: &str, config: &Config, explain: bool) {
    if explain && !setting.about.is_empty() {
        let _ = writeln!(text, "# {}", setting.about);
    }
    let is_free = setting.name == "*" && matches!(section.stars, Stars::Any(_));
    match (setting.get)(config, star) {
        Some(value) => {
            let _ = writeln!(text, "#{} = {value}", setting.name);
        }
        None if is_free => {
            let _ = writeln!(text, "# {}", setting.example);
        }
        None if explain => {
            let _ = writeln!(text, "# {} = {}", setting.name, setting.example);
        }
        None => {}
    }
}

/// The same with every default in force.
pub fn uncommented() -> String {
    let mut out = String::new();
    for line in text().lines() {
        let setting = line.strip_prefix('#').filter(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()));
        out.push_str(setting.unwrap_or(line));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, load};

    fn read(text: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        let inputs = Inputs { explicit_file: Some(file), working_directory: folder.path().to_owned(), ..Inputs::default() };
        let loaded = load(&inputs).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        loaded.config
    }

    #[test]
    fn it_is_the_default_with_and_without_its_comments() {
        assert_eq!(read(&text()), Config::default());
        assert_eq!(read(&uncommented()), Config::default());
    }

    #[test]
    fn its_examples_of_commands_are_whole() {
        let examples = read(commands::EXAMPLES).mitigations.commands;
        assert_eq!(examples.len(), commands::EXAMPLES.matches("[commands.").count());
        assert_eq!(examples, commands::examples());
        for example in examples {
            assert!(!example.summary.is_empty() && !example.needs_values(), "{}", example.name);
        }
    }

    #[test]
    fn every_setting_is_in_it() {
        let text = text();
        for section in SECTIONS {
            for setting in section.settings.iter().filter(|setting| setting.name != "*") {
                assert!(text.contains(&format!("{} = ", setting.name)), "{}.{}", section.name, setting.name);
            }
        }
    }

    #[test]
    fn an_uncommented_value_counts() {
        let changed = text().replace("#theme = \"night\"", "theme = \"day\"");
        assert_eq!(read(&changed).looks.theme, "day");
    }
}
