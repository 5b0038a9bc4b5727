//! What is a secret by its name, by its shape or because this program uses it, and how it is hidden.
//!
//! A server may repeat in its refusal what it was asked with, and a credential plugin may print what it was given. So every credential is
//! made known here where it is read ([`ours`]), and is replaced in all text that is made for people: by [`Text`](super::text::Text) what
//! can be nothing else, by [`hide`] in words about an error also what could be a word.

mod address;
mod form;
mod names;
mod ours;
mod place;
mod random;

use std::borrow::Cow;

pub use address::{address, text};
pub use form::by_form;
pub use names::{NAMES_OF_OBJECTS, is_address_name, is_secret_name};
pub use ours::{ours, ours_for_good};
pub use random::random_words;

use form::schemes;
use ours::{without, without_altered};
use place::by_place;

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";

/// Any text without the secrets in it that can be nothing else: ours, and what is sent by the name of a scheme (`Bearer WORD`).
pub fn plain(text: &str) -> Cow<'_, str> {
    match without(text, |known| known.anywhere.as_ref()) {
        Some(hidden) => Cow::Owned(schemes(&hidden).into_owned()),
        None => schemes(text),
    }
}

/// Words about an error without any secret: also those of ours that could be words, passwords of addresses, and values by the name of a
/// secret.
pub fn hide(words: &str) -> String {
    // First: what is left of one that was found in part is not known again.
    let whole = without_altered(words);
    let words = whole.as_deref().unwrap_or(words);
    let mut words = text(&by_form(words, &mut |_| HIDDEN.to_owned()), &mut |_| HIDDEN.to_owned());
    if let Some(hidden) = without(&words, |known| known.in_words.as_ref()) {
        words = hidden;
    }
    by_place(&words)
}
