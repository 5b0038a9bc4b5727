//! Workloads: a table of one kind, and what was opened from it.

use std::collections::BTreeSet;

use crate::{
    domain::object::{Key, Kind},
    state::table::{Cursor, Sort},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Workloads {
    /// One of [`KINDS`](crate::state::columns::KINDS).
    pub kind: Kind,
    pub cursor: Cursor,
    pub sort: Sort,
    /// What is typed after `/`; words are matched as substrings, `!word` excludes, `label=value` matches a label.
    pub filter: String,
    pub marks: BTreeSet<Key>,
    /// Keys of the rows that pass the filter, in the order of `sort`. Maintained incrementally.
    pub rows: Vec<Key>,
    /// The object under the cursor: the cursor follows it when rows move.
    pub focused: Option<Key>,
    /// `Enter`: the detail of one object beside or over the table.
    pub detail: Option<Key>,
    /// The table of events that an object was opened from: `Esc` on its detail goes back there.
    pub left: Option<Left>,
    /// Visible rows, as last told by the view; zero before the first frame.
    pub height: u16,
    /// `f`: no detail beside the table.
    pub full_screen: bool,
}

/// How the table of events was left.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    pub event: Option<Key>,
    pub sort: Sort,
    pub filter: String,
}

impl Default for Workloads {
    fn default() -> Self {
        Self {
            kind: Kind::Pod,
            cursor: Cursor::default(),
            sort: Sort::default(),
            filter: String::new(),
            marks: BTreeSet::new(),
            rows: Vec::new(),
            focused: None,
            detail: None,
            left: None,
            height: 0,
            full_screen: false,
        }
    }
}
