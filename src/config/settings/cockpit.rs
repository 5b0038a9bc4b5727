//! What the cockpit looks like and which keys it takes.

use crate::config::value::Value;

use super::{Section, Setting, Stars};

/// The themes in the binary.
pub const THEMES: &[&str] = &["night", "day", "high-contrast", "colour-blind", "mono", "war-room"];

pub static TOP: Section = Section {
    name: "",
    about: "",
    project_may_set: false,
    stars: Stars::None,
    settings: &[Setting {
        name: "read_only",
        about: "Whether mitigations are removed altogether.",
        example: "",
        get: |config, _| Some(Value::Flag(config.read_only)),
        set: |draft, _, value| {
            draft.config.read_only = value.read_flag()?;
            Ok(())
        },
    }],
};

pub static LOOKS: Section = Section {
    name: "looks",
    about: "What it looks like.",
    project_may_set: true,
    stars: Stars::None,
    settings: &[
        Setting {
            name: "theme",
            about: "night, day, high-contrast, colour-blind, mono or war-room. NO_COLOR means mono.",
            example: "",
            get: |config, _| Some(Value::text(&config.looks.theme)),
            set: |draft, _, value| {
                let name = value.read_text()?;
                if !THEMES.contains(&name) {
                    return Err(format!("is {value}, which is no theme: {}", crate::config::problem::suggest(name, THEMES.iter().copied())));
                }
                name.clone_into(&mut draft.config.looks.theme);
                Ok(())
            },
        },
        Setting {
            name: "ascii",
            about: "Draw with ASCII characters only. Without it the locale decides.",
            example: "true",
            get: |config, _| config.looks.ascii.map(Value::Flag),
            set: |draft, _, value| {
                draft.config.looks.ascii = Some(value.read_flag()?);
                Ok(())
            },
        },
        Setting {
            name: "mouse",
            about: "Whether clicks, the wheel and dragging (which copies text of a pane) are taken. Without it the terminal selects by itself.",
            example: "",
            get: |config, _| Some(Value::Flag(config.looks.mouse)),
            set: |draft, _, value| {
                draft.config.looks.mouse = value.read_flag()?;
                Ok(())
            },
        },
    ],
};

pub static KEYS: Section = Section {
    name: "keys",
    about: "Keys of an action, in the place of its own. `?` in the cockpit lists the actions.",
    project_may_set: false,
    stars: Stars::Any(|config| config.keys.keys().cloned().collect()),
    settings: &[Setting {
        name: "*",
        about: "",
        example: "ack = [\"a\", \"F5\"]",
        get: |config, star| config.keys.get(star).map(Value::list),
        set: |draft, star, value| {
            draft.config.keys.insert(star.to_owned(), value.read_list()?);
            Ok(())
        },
    }],
};
