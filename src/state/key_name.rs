//! Names of keys as people write them: `ctrl-u`, `F5`, `space`, `shift-tab`, `?`.

use super::msg::{Key, KeyCode};

impl Key {
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    pub const fn char(character: char) -> Self {
        Self::plain(KeyCode::Char(character))
    }

    pub const fn ctrl(character: char) -> Self {
        Self { code: KeyCode::Char(character), ctrl: true, alt: false, shift: false }
    }

    /// One form for each key: terminals differ in whether they report shift with an upper-case letter, and whether
    /// shift-tab is a key of its own.
    #[must_use]
    pub fn normal(mut self) -> Self {
        match self.code {
            KeyCode::Tab if self.shift => {
                self.code = KeyCode::BackTab;
                self.shift = false;
            }
            KeyCode::BackTab => self.shift = false,
            KeyCode::Char(character) => {
                if self.ctrl {
                    self.code = KeyCode::Char(character.to_ascii_lowercase());
                } else if self.shift {
                    self.code = KeyCode::Char(character.to_ascii_uppercase());
                }
                self.shift = false;
            }
            _ => {}
        }
        self
    }

    /// Reads a name. Modifiers are `ctrl-`/`C-`/`^`, `alt-`/`M-`, `shift-`/`S-` in any order; names are not case-sensitive,
    /// single characters are.
    pub fn parse(name: &str) -> Option<Self> {
        let mut key = Self::plain(KeyCode::Esc);
        let mut rest = name.trim();
        while rest.chars().count() > 1 {
            let Some((modifier, after)) = MODIFIERS.iter().find_map(|(prefix, modifier)| {
                let head = rest.get(..prefix.len())?;
                let matches = if prefix.len() == 2 { head == *prefix } else { head.eq_ignore_ascii_case(prefix) };
                (matches && rest.len() > prefix.len()).then(|| (*modifier, &rest[prefix.len()..]))
            }) else {
                break;
            };
            match modifier {
                Modifier::Ctrl => key.ctrl = true,
                Modifier::Alt => key.alt = true,
                Modifier::Shift => key.shift = true,
            }
            rest = after;
        }
        let mut characters = rest.chars();
        key.code = match (characters.next(), characters.next()) {
            (Some(character), None) if !character.is_control() && character != ' ' => KeyCode::Char(character),
            (None, _) => return None,
            _ => named(&rest.to_ascii_lowercase())?,
        };
        Some(key.normal())
    }

    /// The name shown to people, which `parse` reads back.
    pub fn name(self) -> String {
        let mut name = String::new();
        if self.ctrl {
            name.push_str("Ctrl-");
        }
        if self.alt {
            name.push_str("Alt-");
        }
        if self.shift {
            name.push_str("Shift-");
        }
        match self.code {
            KeyCode::Char(' ') => name.push_str("Space"),
            KeyCode::Char(character) if self.ctrl => name.push(character.to_ascii_uppercase()),
            KeyCode::Char(character) => name.push(character),
            KeyCode::F(number) => name = format!("{name}F{number}"),
            KeyCode::Enter => name.push_str("Enter"),
            KeyCode::Esc => name.push_str("Esc"),
            KeyCode::Tab => name.push_str("Tab"),
            KeyCode::BackTab => name.push_str("Shift-Tab"),
            KeyCode::Backspace => name.push_str("Backspace"),
            KeyCode::Delete => name.push_str("Delete"),
            KeyCode::Up => name.push_str("Up"),
            KeyCode::Down => name.push_str("Down"),
            KeyCode::Left => name.push_str("Left"),
            KeyCode::Right => name.push_str("Right"),
            KeyCode::Home => name.push_str("Home"),
            KeyCode::End => name.push_str("End"),
            KeyCode::PageUp => name.push_str("PgUp"),
            KeyCode::PageDown => name.push_str("PgDn"),
        }
        name
    }
}

#[derive(Clone, Copy)]
enum Modifier {
    Ctrl,
    Alt,
    Shift,
}

const MODIFIERS: [(&str, Modifier); 9] = [
    ("ctrl-", Modifier::Ctrl),
    ("ctrl+", Modifier::Ctrl),
    ("alt-", Modifier::Alt),
    ("alt+", Modifier::Alt),
    ("shift-", Modifier::Shift),
    ("shift+", Modifier::Shift),
    ("C-", Modifier::Ctrl),
    ("M-", Modifier::Alt),
    ("S-", Modifier::Shift),
];

fn named(name: &str) -> Option<KeyCode> {
    Some(match name {
        "space" => KeyCode::Char(' '),
        "minus" => KeyCode::Char('-'),
        "enter" | "return" => KeyCode::Enter,
        "esc" | "escape" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "delete" | "del" => KeyCode::Delete,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pgup" | "pageup" => KeyCode::PageUp,
        "pgdn" | "pagedown" => KeyCode::PageDown,
        function => {
            let number = function.strip_prefix('f')?.parse().ok()?;
            (1..=24).contains(&number).then_some(KeyCode::F(number))?
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (name, key) in [
            ("ctrl-u", Key::ctrl('u')),
            ("C-u", Key::ctrl('u')),
            ("Ctrl-U", Key::ctrl('u')),
            ("F5", Key::plain(KeyCode::F(5))),
            ("space", Key::char(' ')),
            ("U", Key::char('U')),
            ("shift-u", Key::char('U')),
            ("S-Tab", Key::plain(KeyCode::BackTab)),
            ("-", Key::char('-')),
            ("ctrl--", Key::ctrl('-')),
            ("C", Key::char('C')),
        ] {
            assert_eq!(Key::parse(name), Some(key), "{name}");
        }
    }

    #[test]
    fn refuses_what_is_no_key() {
        for name in ["", " ", "ctrl-", "F0", "F25", "hyper-x", "uu", "f-5"] {
            assert_eq!(Key::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_every_name(character in any::<char>(), ctrl: bool, alt: bool, shift: bool) {
            prop_assume!(!(character.is_control() || character.is_whitespace() && character != ' '));
            let key = Key { code: KeyCode::Char(character), ctrl, alt, shift }.normal();
            prop_assert_eq!(Key::parse(&key.name()), Some(key), "{}", key.name());
        }

        #[test]
        fn never_panics(name in "\\PC{0,12}") {
            let _ = Key::parse(&name);
        }
    }
}
