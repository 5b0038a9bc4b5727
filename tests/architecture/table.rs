//! Which room may import which.

use std::collections::{BTreeMap, BTreeSet};

/// Every room with what it may import.
pub const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("files", &[]),
    ("sim", &[]),
    ("cli", &[]),
    ("config", &["domain", "files"]),
    ("journal", &["domain", "files"]),
    ("state", &["domain", "config"]),
    ("ui", &["domain", "state", "config"]),
    ("connect", &["domain", "config", "files"]),
    ("sources", &["domain", "config", "connect"]),
    ("actions", &["domain", "config", "connect", "journal"]),
    ("runtime", &["domain", "files", "config", "journal", "state", "ui", "connect", "sources", "actions"]),
    ("commands", &["domain", "files", "sim", "cli", "config", "journal", "state", "ui", "connect", "sources", "actions", "runtime"]),
];

pub fn may_import(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

/// The table in the doc comment of `src/lib.rs`: room to what it may import.
pub fn of_map(lib: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut map: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lib.lines() {
        let Some(row) = line.strip_prefix("//! | [`") else { continue };
        let (room, rest) = row.split_once('`').unwrap();
        let cell = rest.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap().trim();
        let named: BTreeSet<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let above = || map.keys().cloned();
        let mut allowed: BTreeSet<String> = match cell {
            "everything" => above().collect(),
            _ if cell.starts_with("all of the above but") => above().filter(|room| !named.contains(room)).collect(),
            _ if cell.starts_with("nothing") => BTreeSet::new(),
            _ => named,
        };
        if !cell.starts_with("nothing") {
            allowed.insert("domain".to_owned());
        }
        map.insert(room.to_owned(), allowed);
    }
    map
}
