//! Every setting once: its name, what it means, how it is read and written. Files, variables, flags, `config show`,
//! `config init`, `docs/configuration.md` and the check of unknown names all rest on this table.

mod cluster;
mod cockpit;
pub mod commands;
mod kpis;
pub mod servers;

use super::{
    problem,
    shape::Config,
    value::{Read, Value},
};

pub use cockpit::THEMES;
pub use servers::ServerDraft;

/// A part of the file: `[looks]`, or one of many, `[kpis.*]`.
#[derive(Debug)]
pub struct Section {
    /// Dotted; empty for what stands above the first header.
    pub name: &'static str,
    pub about: &'static str,
    /// Whether `./sev1.toml` may set it: only what changes how things look and what is asked, never where or whether.
    pub project_may_set: bool,
    pub stars: Stars,
    pub settings: &'static [Setting],
}

/// What may stand in the place of a section's `*`.
#[derive(Debug, Clone, Copy)]
pub enum Stars {
    None,
    Fixed(&'static [&'static str]),
    /// Any name; the function lists those that a configuration has.
    Any(fn(&Config) -> Vec<String>),
}

/// One value.
#[derive(Debug)]
pub struct Setting {
    /// Name within its section. `*` when the names themselves are free (`keys`, `production.words`).
    pub name: &'static str,
    pub about: &'static str,
    /// For what has no default: how it is written.
    pub example: &'static str,
    /// None while it is not set.
    pub get: fn(&Config, &str) -> Option<Value>,
    pub set: fn(&mut Draft, &str, &Value) -> Read<()>,
}

/// A configuration being put together: what needs several settings before it makes sense waits here.
#[derive(Debug, Default)]
pub struct Draft {
    pub config: Config,
    pub servers: std::collections::BTreeMap<&'static str, ServerDraft>,
    pub tiles: Option<Vec<String>>,
}

/// Which setting of which section, with what stands in the place of `*`.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub section: &'static Section,
    pub setting: &'static Setting,
}

pub static SECTIONS: &[&Section] = &[
    &cockpit::TOP,
    &servers::SERVERS,
    &cockpit::LOOKS,
    &cockpit::KEYS,
    &kpis::KPIS,
    &kpis::PANES,
    &cluster::ESCALATION,
    &cluster::ESCALATION_RUNGS,
    &cluster::PRODUCTION,
    &cluster::PRODUCTION_WORDS,
    &cluster::MITIGATIONS,
    &cluster::BREAKER,
    &cluster::TWO_PERSON,
    &commands::COMMANDS,
    &cluster::ALERTS,
    &cluster::ERRORS,
    &cluster::REFRESH,
];

impl Section {
    /// Names that this configuration has in the place of `*`; one empty name for a section without.
    pub fn star_names(&self, config: &Config) -> Vec<String> {
        match self.stars {
            Stars::None => vec![String::new()],
            Stars::Fixed(names) => names.iter().map(|&name| name.to_owned()).collect(),
            Stars::Any(list) => list(config),
        }
    }
}

/// Full name of a setting: `kpis.error_rate.query`.
pub fn path(section: &Section, setting: &Setting, star: &str) -> String {
    let pattern = if section.name.is_empty() { setting.name.to_owned() } else { format!("{}.{}", section.name, setting.name) };
    pattern.replacen('*', &bare_or_quoted(star), 1)
}

/// A key as TOML wants it.
pub fn bare_or_quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'));
    if is_bare { key.to_owned() } else { Value::text(key).to_string() }
}

/// What a dotted name means.
#[derive(Debug)]
pub enum Meaning {
    Setting(Found, String),
    /// A section, or the beginning of one.
    Section,
    /// The sentence says what to write instead.
    Unknown(String),
}

/// Looks a name up, given in its parts.
pub fn meaning(parts: &[String]) -> Meaning {
    let mut is_beginning = false;
    for section in SECTIONS {
        for setting in section.settings {
            let pattern: Vec<&str> = segments(section.name).chain([setting.name]).collect();
            let (matches, star) = compare(section, &pattern, parts);
            match matches {
                Match::Whole => return Meaning::Setting(Found { section, setting }, star.unwrap_or_default()),
                Match::Beginning => is_beginning = true,
                Match::No => {}
            }
        }
    }
    if is_beginning { Meaning::Section } else { Meaning::Unknown(remedy(parts)) }
}

#[derive(PartialEq)]
enum Match {
    Whole,
    Beginning,
    No,
}

fn segments(name: &'static str) -> impl Iterator<Item = &'static str> {
    name.split('.').filter(|part| !part.is_empty())
}

fn compare(section: &Section, pattern: &[&str], parts: &[String]) -> (Match, Option<String>) {
    let mut star = None;
    if parts.len() > pattern.len() {
        return (Match::No, None);
    }
    for (expected, part) in pattern.iter().zip(parts) {
        let fits = if *expected == "*" {
            star = Some(part.clone());
            match section.stars {
                Stars::Fixed(names) => names.contains(&part.as_str()),
                Stars::Any(_) | Stars::None => true,
            }
        } else {
            expected == part
        };
        if !fits {
            return (Match::No, None);
        }
    }
    (if parts.len() == pattern.len() { Match::Whole } else { Match::Beginning }, star)
}

/// Names that may follow the given parts.
fn names_after(parts: &[String]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for section in SECTIONS {
        for setting in section.settings {
            let pattern: Vec<&'static str> = segments(section.name).chain([setting.name]).collect();
            if compare(section, &pattern, parts).0 != Match::Beginning {
                continue;
            }
            match (pattern[parts.len()], section.stars) {
                ("*", Stars::Fixed(fixed)) => names.extend(fixed),
                ("*", _) => {}
                (name, _) => names.push(name),
            }
        }
    }
    names.dedup();
    names
}

fn remedy(parts: &[String]) -> String {
    let Some((last, before)) = parts.split_last() else { return "write a key".to_owned() };
    let here = names_after(before);
    if let Some(near) = problem::nearest(last, here.iter().copied()) {
        return format!("did you mean {near}?");
    }
    let elsewhere = SECTIONS.iter().flat_map(|section| section.settings.iter().map(move |setting| (section, setting)));
    for (section, setting) in elsewhere {
        if setting.name != "*" && setting.name == last {
            return format!("{last} belongs under [{}]", section.name);
        }
    }
    format!("known here: {}", here.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> Vec<String> {
        name.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn every_default_can_be_written_and_read_back() {
        let config = Config::default();
        let mut draft = Draft::default();
        for section in SECTIONS {
            for star in section.star_names(&config) {
                for setting in section.settings {
                    let Some(value) = (setting.get)(&config, &star) else { continue };
                    (setting.set)(&mut draft, &star, &value).unwrap_or_else(|why| panic!("{} {why}", path(section, setting, &star)));
                }
            }
        }
        assert_eq!(draft.config, config);
    }

    #[test]
    fn a_setting_without_default_has_an_example() {
        let config = Config::default();
        for section in SECTIONS.iter().filter(|section| !matches!(section.stars, Stars::Any(_))) {
            for setting in section.settings {
                let has_default = section.star_names(&config).iter().all(|star| (setting.get)(&config, star).is_some());
                assert!(has_default || !setting.example.is_empty(), "{}.{}", section.name, setting.name);
            }
        }
    }

    #[test]
    fn names_are_found_and_unknown_ones_are_led_home() {
        assert!(matches!(meaning(&parts("looks.theme")), Meaning::Setting(..)));
        assert!(matches!(meaning(&parts("kpis.anything.query")), Meaning::Setting(_, star) if star == "anything"));
        assert!(matches!(meaning(&parts("servers")), Meaning::Section));
        let unknown = |name: &str| match meaning(&parts(name)) {
            Meaning::Unknown(remedy) => remedy,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(unknown("looks.them"), "did you mean theme?");
        assert_eq!(unknown("lokos"), "did you mean looks?");
        assert_eq!(unknown("servers.promethues"), "did you mean prometheus?");
        assert_eq!(unknown("theme"), "theme belongs under [looks]");
        assert!(unknown("looks.zebra").contains("theme, ascii, mouse"));
    }
}
