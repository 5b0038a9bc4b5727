//! The walk over the pages of a list: each names the next one by a token, and a server that is sick or lies names one for ever.
//!
//! One rule for whoever follows such tokens. An API server gives each token once within a list, since it says where in the list the next
//! page begins, and fills its pages as long as there is more.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
};

use super::ConnectError;
use crate::domain::text::Text;

/// Largest page that is read, in bytes.
pub(crate) const PAGE_LIMIT: usize = 20 << 20;
/// Fewest objects of a page that anybody asks for: etcd keeps none larger than 1.5 MiB, so that many always fit.
pub(crate) const FEWEST: usize = 10;
/// Pages without an entry, in a row, before a list that says that there is more is refused: an API server sends none.
const EMPTY_PAGES: usize = 10;
/// Pages after which it counts whether they hold [`FEWEST`] entries on average.
const POOR_PAGES: usize = 50;
/// Longest token of a next page, in bytes. Those of API servers have some hundred.
const TOKEN_LIMIT: usize = 16 << 10;

/// The pages of one list, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    count: usize,
    entries: usize,
    empty: usize,
    /// Hashes of the tokens that were followed.
    seen: HashSet<u64>,
    hashes: RandomState,
}

impl Pages {
    /// The token to go on with after a page of so many entries, none after the last one. Fails where the list would have no end.
    /// `what` is the plural of what is listed: `pods`.
    pub fn next(&mut self, server: &Text, what: &str, token: Option<String>, entries: usize) -> Result<Option<String>, ConnectError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        let strange = |why: &str| {
            let message = Text::line(&format!("its list of {what} cannot be read: {why}"));
            Err(ConnectError::Server { server: server.clone(), status: 200, message })
        };
        if token.len() > TOKEN_LIMIT {
            return strange("the token of its next page is longer than 16 KiB");
        }
        self.count += 1;
        self.entries += entries;
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        let is_poor = self.count > POOR_PAGES && self.entries < self.count * FEWEST;
        if !self.seen.insert(self.hashes.hash_one(&token)) || self.empty > EMPTY_PAGES || is_poor {
            return strange("its pages go on for ever");
        }
        Ok(Some(token))
    }

    /// Entries of all pages but the last.
    pub fn entries(&self) -> usize {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages are read of a server that gives these tokens, each with so many entries; all of them in the end, or why not.
    fn read(tokens: impl Iterator<Item = String>, entries: usize) -> (usize, Option<String>) {
        let mut pages = Pages::default();
        for (at, token) in tokens.take(10_000).enumerate() {
            match pages.next(&"prod".into(), "pods", Some(token), entries) {
                Ok(None) => return (at + 1, None),
                Ok(Some(_)) => {}
                Err(error) => return (at + 1, Some(error.to_string())),
            }
        }
        (10_000, None)
    }

    #[test]
    fn a_list_that_never_ends_is_refused_however_its_tokens_go() {
        let numbers = || (0..).map(|at: u64| at.to_string());
        for (tokens, entries, most) in [
            (Box::new(std::iter::repeat("same".to_owned())) as Box<dyn Iterator<Item = String>>, 0, 2),
            (Box::new(std::iter::repeat("same".to_owned())), 500, 2),
            (Box::new((0..).map(|at: u64| ["A", "B"][usize::from(at % 2 == 1)].to_owned())), 500, 3),
            (Box::new(numbers()), 0, EMPTY_PAGES + 1),
            (Box::new(numbers()), 1, POOR_PAGES + 1),
            (Box::new(std::iter::once("x".repeat(TOKEN_LIMIT + 1))), 500, 1),
        ] {
            let (pages, why) = read(tokens, entries);
            assert!(pages <= most && why.is_some(), "{pages} {why:?}");
        }
        assert_eq!(read(numbers().take(300).chain([String::new()]), 10), (301, None), "a long list is none without an end");
    }
}
