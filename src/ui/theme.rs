//! Styles by meaning. A pane asks for `theme.critical`, never for a colour.
//!
//! A theme is a TOML file in `themes/`, embedded in the binary; every meaning must be given, so that a new one cannot be
//! forgotten in any theme.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// File name and content of each embedded theme. The first is the default.
const EMBEDDED: [(&str, &str); 6] = [
    ("night", include_str!("../../themes/night.toml")),
    ("day", include_str!("../../themes/day.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("war-room", include_str!("../../themes/war-room.toml")),
];

macro_rules! meanings {
    ($($(#[$doc:meta])* $meaning:ident),* $(,)?) => {
        /// One style for each meaning.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Theme {
            pub name: String,
            $($(#[$doc])* pub $meaning: Style,)*
        }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inks {
            $($meaning: Ink,)*
        }

        impl Inks {
            const NAMES: &[&str] = &[$(stringify!($meaning),)*];
        }

        impl Theme {
            fn from_inks(name: &str, inks: &Inks) -> Result<Self, BadTheme> {
                Ok(Self { name: name.to_owned(), $($meaning: inks.$meaning.style(name, stringify!($meaning))?,)* })
            }

            /// Every meaning by name, in the order of the declaration.
            pub fn meanings(&self) -> Vec<(&'static str, Style)> {
                vec![$((stringify!($meaning), self.$meaning),)*]
            }

            #[must_use]
            fn map(mut self, change: impl Fn(Style) -> Style) -> Self {
                $(self.$meaning = change(self.$meaning);)*
                self
            }
        }
    };
}

meanings! {
    /// Facts, and the ground of the whole screen.
    plain,
    /// Names of things and notes beside them.
    label,
    /// Titles of panes.
    title,
    /// The one thing to look at first.
    strong,
    /// Lines between panes.
    rule,
    /// Beyond a critical threshold. Goes with `▲`.
    critical,
    /// A warning. Goes with `!`.
    warning,
    /// Only for what was checked. Goes with `✓`.
    ok,
    /// Where the keys go.
    focus,
    /// What this program did itself.
    own,
    /// Data past its limit: not to be trusted as current.
    stale,
    /// Ground of the row with the cursor.
    selection,
    /// Ground of the header line.
    header,
    /// Ground of the footer line.
    footer,
    /// Names of keys.
    key,
    /// A field that is typed into.
    input,
    /// Added and removed lines of a change.
    added,
    removed,
    /// What a search found.
    found,
    banner_production,
    /// Known not to be production.
    banner_other,
}

/// One style as a theme file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ink {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    underline: bool,
    #[serde(default)]
    reverse: bool,
}

/// A theme that was asked for and does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no theme {asked:?}; did you mean {nearest:?}? (all: night, day, high-contrast, colour-blind, mono, war-room)")]
pub struct UnknownTheme {
    pub asked: String,
    pub nearest: &'static str,
}

/// A theme file with a mistake.
#[derive(Debug, thiserror::Error)]
pub enum BadTheme {
    #[error("theme {theme}: {source}")]
    Shape { theme: String, source: toml::de::Error },
    #[error("theme {theme}: {meaning} has the colour {colour:?}; write it as #rrggbb, as an index, or by name")]
    Colour { theme: String, meaning: &'static str, colour: String },
}

/// How many colours the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    True,
    /// The 256 colours of xterm.
    Indexed,
}

impl Theme {
    /// Names of the embedded themes, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// An embedded theme. The spelling `color-blind` is understood too.
    pub fn by_name(asked: &str) -> Result<Self, UnknownTheme> {
        let wanted = asked.trim().to_ascii_lowercase().replace([' ', '_'], "-").replace("color", "colour");
        let found = EMBEDDED.iter().find(|(name, _)| *name == wanted).and_then(|(name, text)| Self::parse(name, text).ok());
        found.ok_or_else(|| UnknownTheme { asked: asked.to_owned(), nearest: nearest(&wanted) })
    }

    /// For `NO_COLOR` and terminals without any.
    pub fn mono() -> Self {
        Self::by_name("mono").unwrap_or_else(|_| Self::bare())
    }

    /// Parses a theme file: a table of styles by meaning.
    pub fn parse(name: &str, text: &str) -> Result<Self, BadTheme> {
        let inks: Inks = toml::from_str(text).map_err(|source| BadTheme::Shape { theme: name.to_owned(), source })?;
        Self::from_inks(name, &inks)
    }

    /// The same theme in the colours that the terminal has.
    #[must_use]
    pub fn at_depth(self, depth: Depth) -> Self {
        match depth {
            Depth::True => self,
            Depth::Indexed => self.map(|style| Style { fg: style.fg.map(indexed), bg: style.bg.map(indexed), ..style }),
        }
    }

    /// The banner of an environment.
    pub fn banner(&self, is_production: bool) -> Style {
        if is_production { self.banner_production } else { self.banner_other }
    }

    fn bare() -> Self {
        let inks = format!("{} = {{}}\n", Inks::NAMES.join(" = {}\n"));
        Self::parse("mono", &inks).unwrap_or_else(|error| unreachable!("an empty theme is complete: {error}"))
    }
}

impl Ink {
    fn style(&self, theme: &str, meaning: &'static str) -> Result<Style, BadTheme> {
        let colour = |text: &Option<String>| {
            text.as_ref()
                .map(|text| text.parse::<Color>().map_err(|_| BadTheme::Colour { theme: theme.to_owned(), meaning, colour: text.clone() }))
                .transpose()
        };
        let mut modifier = Modifier::empty();
        modifier.set(Modifier::BOLD, self.bold);
        modifier.set(Modifier::UNDERLINED, self.underline);
        modifier.set(Modifier::REVERSED, self.reverse);
        Ok(Style { fg: colour(&self.fg)?, bg: colour(&self.bg)?, add_modifier: modifier, ..Style::new() })
    }
}

fn nearest(wanted: &str) -> &'static str {
    let distance = |name: &&str| strsim::damerau_levenshtein(name, wanted);
    Theme::names().min_by_key(distance).unwrap_or(EMBEDDED[0].0)
}

/// The nearest colour of xterm's 6x6x6 cube (16–231) or its grey ramp (232–255).
fn indexed(colour: Color) -> Color {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let Color::Rgb(red, green, blue) = colour else { return colour };
    let step = |value: u8| (0_u8..6).min_by_key(|index| STEPS[usize::from(*index)].abs_diff(value)).unwrap_or(0);
    let distance = |to: [u8; 3]| [red, green, blue].iter().zip(to).map(|(from, to)| u32::from(from.abs_diff(to)).pow(2)).sum::<u32>();
    let cube = [step(red), step(green), step(blue)];
    let in_cube = distance(cube.map(|index| STEPS[usize::from(index)]));
    let grey = (0_u8..24).min_by_key(|index| distance([8 + 10 * index; 3])).unwrap_or(0);
    if distance([8 + 10 * grey; 3]) < in_cube { Color::Indexed(232 + grey) } else { Color::Indexed(16 + 36 * cube[0] + 6 * cube[1] + cube[2]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Theme> {
        EMBEDDED.iter().map(|(name, text)| Theme::parse(name, text).unwrap_or_else(|error| panic!("{error}"))).collect()
    }

    /// WCAG 2.2 relative luminance.
    fn luminance(colour: Color) -> Option<f64> {
        let Color::Rgb(red, green, blue) = colour else { return None };
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        Some(0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue))
    }

    fn contrast(one: Color, other: Color) -> Option<f64> {
        let (one, other) = (luminance(one)?, luminance(other)?);
        Some((one.max(other) + 0.05) / (one.min(other) + 0.05))
    }

    #[test]
    fn every_embedded_theme_is_complete() {
        assert_eq!(all().len(), EMBEDDED.len());
    }

    #[test]
    fn a_missing_meaning_and_an_unknown_one_are_mistakes() {
        let whole = EMBEDDED[0].1;
        let missing: String = whole.lines().filter(|line| !line.starts_with("critical")).collect::<Vec<_>>().join("\n");
        assert!(Theme::parse("t", &missing).unwrap_err().to_string().contains("critical"));
        assert!(Theme::parse("t", &format!("{whole}\nglitter = {{}}\n")).unwrap_err().to_string().contains("glitter"));
        let odd = whole.replacen("critical = { fg = \"", "critical = { fg = \"x", 1);
        assert!(Theme::parse("t", &odd).unwrap_err().to_string().contains("#rrggbb"));
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        assert_eq!(Theme::by_name("nigth").unwrap_err().nearest, "night");
        assert_eq!(Theme::by_name("color_blind").unwrap().name, "colour-blind");
    }

    /// WCAG 2.2 success criterion 1.4.3: 4.5 to 1 for text, on its own ground and on that of the selected row.
    #[test]
    fn text_can_be_read_in_every_coloured_theme() {
        for theme in all().into_iter().filter(|theme| theme.name != "mono") {
            let ground = theme.plain.bg.expect("a coloured theme sets its ground");
            let selected = theme.selection.bg.expect("and that of the selected row");
            for (meaning, style) in theme.meanings() {
                let Some(ink) = style.fg else { continue };
                for below in style.bg.map_or_else(|| vec![ground, selected], |own| vec![own]) {
                    if meaning == "rule" {
                        continue;
                    }
                    let ratio = contrast(ink, below).expect("truecolour");
                    assert!(ratio >= 4.5, "{} {meaning}: {ratio:.2} of {ink} on {below}", theme.name);
                }
            }
        }
    }

    #[test]
    fn mono_has_no_colour_and_still_tells_the_alarms_apart() {
        let mono = Theme::mono();
        for (meaning, style) in mono.meanings() {
            assert!(matches!(style.fg, None | Some(Color::Reset)), "{meaning}");
            assert!(matches!(style.bg, None | Some(Color::Reset)), "{meaning}");
        }
        assert_ne!(mono.critical, mono.plain);
        assert_ne!(mono.selection, mono.plain);
        assert_ne!(mono.critical, mono.stale);
        assert_eq!(Theme::bare().plain, Style::new());
    }

    #[test]
    fn fewer_colours_stay_close() {
        assert_eq!(indexed(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(indexed(Color::Rgb(18, 18, 18)), Color::Indexed(233));
        assert_eq!(indexed(Color::Reset), Color::Reset);
    }
}
