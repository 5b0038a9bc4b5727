//! The action table: each action once, with its id, words and keys. Footer, help, palette and man page read it.

/// Something a person can do, by key or by name.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Quit,
}
