//! The house stands as drawn: which room may import which, no cycles, one clock, a first line in every file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "architecture/rust_source.rs"]
mod rust_source;
#[path = "architecture/table.rs"]
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use rust_source::Source;

/// The one file that may ask what time it is.
const CLOCK: &str = "runtime/clock.rs";

/// Calls that read a clock, and renamings that would hide one.
const CLOCK_CALLS: &[&[&str]] = &[
    &["Instant", "::", "now"],
    &["SystemTime", "::", "now"],
    &["Utc", "::", "now"],
    &["Local", "::", "now"],
    &["Timestamp", "::", "now"],
    &["Zoned", "::", "now"],
    &["clock_gettime"],
    &["now_utc"],
    &["Instant", "as"],
    &["SystemTime", "as"],
    &["Utc", "as"],
];

/// The room that opens files, and the one that reads only what it made itself.
const OPENERS: &[&str] = &["files", "sim"];

/// Calls that open a file for reading, or for writing without asking whose it is.
const FILE_CALLS: &[&[&str]] = &[
    &["fs", "::", "read"],
    &["fs", "::", "read_to_string"],
    &["fs", "::", "write"],
    &["fs", "::", "create_dir_all"],
    &["File", "::", "open"],
    &["File", "::", "create"],
    &["File", "::", "create_new"],
    &["File", "::", "options"],
    &["fs", "::", "DirBuilder"],
    &["OpenOptions", "::", "new"],
];

/// One file of `src/`.
struct File {
    /// Below `src/`, with `/`.
    name: String,
    text: String,
}

/// Every file that is compiled into the program, without those that only tests use.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(File { name: name(&path, &root), text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

fn name(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap().components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Files that some `#[cfg(test)] mod x;` brings in, with all below them.
fn of_tests(files: &[File]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        let path = PathBuf::from(&file.name);
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = path.parent().unwrap();
        let folder = if matches!(stem.as_str(), "mod" | "lib" | "main") { folder.to_owned() } else { folder.join(stem) };
        for module in Source::parse(&file.text).test_modules() {
            let own = name(&folder.join(module), Path::new(""));
            let below = format!("{own}/");
            let brought_in = files.iter().filter(|file| file.name == format!("{own}.rs") || file.name.starts_with(&below));
            names.extend(brought_in.map(|file| file.name.clone()));
        }
    }
    names
}

/// `ui` of `ui/pane.rs`; `cli` of `cli.rs`; none of `lib.rs` and `main.rs`.
fn room(file: &str) -> Option<&str> {
    let first = file.split('/').next().unwrap_or(file);
    let first = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(first, "lib" | "main")).then_some(first)
}

/// Modules from the crate's root to the file: `ui/mod.rs` 1, `ui/pane.rs` 2.
fn depth(file: &str) -> usize {
    let parts: Vec<&str> = file.split('/').collect();
    if parts.last() == Some(&"mod.rs") { parts.len() - 1 } else { parts.len() }
}

/// What is wrong with the arrows of these files.
fn wrong_arrows(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let Some(room) = room(&file.name) else { continue };
        let Some(allowed) = table::may_import(room) else {
            wrong.push(format!("src/{}: the room {room} is not in the table", file.name));
            continue;
        };
        for imported in Source::parse(&file.text).imports(depth(&file.name)) {
            if imported != room && !allowed.contains(&imported.as_str()) {
                wrong.push(format!("src/{}: {room} must not import {imported}", file.name));
            }
        }
    }
    wrong
}

/// A cycle of rooms, if there is one.
fn cycle(files: &[File]) -> Option<Vec<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let Some(room) = room(&file.name) else { continue };
        let imports = Source::parse(&file.text).imports(depth(&file.name));
        arrows.entry(room.to_owned()).or_default().extend(imports.into_iter().filter(|imported| imported != room));
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|start| follow(start, &arrows, &mut Vec::new(), &mut done))
}

fn follow(room: &str, arrows: &BTreeMap<String, BTreeSet<String>>, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|before| before == room) {
        return Some(path[start..].iter().cloned().chain([room.to_owned()]).collect());
    }
    if !done.insert(room.to_owned()) {
        return None;
    }
    path.push(room.to_owned());
    let found = arrows.get(room).into_iter().flatten().find_map(|next| follow(next, arrows, path, done));
    path.pop();
    found
}

fn clock_calls(files: &[File]) -> Vec<String> {
    let mut calls = Vec::new();
    for file in files.iter().filter(|file| file.name != CLOCK) {
        let source = Source::parse(&file.text);
        calls.extend(CLOCK_CALLS.iter().filter(|call| source.contains(call)).map(|call| format!("src/{}: {}", file.name, call.join(""))));
    }
    calls
}

fn file_calls(files: &[File]) -> Vec<String> {
    let mut calls = Vec::new();
    for file in files.iter().filter(|file| room(&file.name).is_none_or(|room| !OPENERS.contains(&room))) {
        let source = Source::parse(&file.text);
        let found = FILE_CALLS.iter().filter(|call| source.contains(call));
        calls.extend(found.map(|call| format!("src/{}: {} (open files by crate::files)", file.name, call.join(""))));
    }
    calls
}

fn without_first_line(files: &[File]) -> Vec<String> {
    files.iter().filter(|file| !file.text.starts_with("//! ")).map(|file| format!("src/{}", file.name)).collect()
}

fn of_program() -> Vec<File> {
    let all = files();
    let tests = of_tests(&all);
    all.into_iter().filter(|file| !tests.contains(&file.name)).collect()
}

#[test]
fn rooms_import_only_what_they_may() {
    let wrong = wrong_arrows(&of_program());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_no_cycle() {
    assert_eq!(cycle(&of_program()), None);
}

#[test]
fn only_the_clock_asks_what_time_it_is() {
    let calls = clock_calls(&of_program());
    assert!(calls.is_empty(), "{}", calls.join("\n"));
}

#[test]
fn only_one_room_opens_files() {
    let calls = file_calls(&of_program());
    assert!(calls.is_empty(), "{}", calls.join("\n"));
}

#[test]
fn every_file_says_its_subject_in_its_first_line() {
    let files = files();
    assert!(files.len() > 20, "only {} files were found", files.len());
    let missing = without_first_line(&files);
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_map_in_lib_says_the_same() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let map = table::of_map(&lib);
    for (room, allowed) in table::ROOMS.iter().filter(|(room, _)| *room != "cli") {
        let drawn = map.get(*room).unwrap_or_else(|| panic!("{room} is not on the map of src/lib.rs"));
        let allowed: BTreeSet<&str> = allowed.iter().copied().filter(|room| *room != "cli").collect();
        assert_eq!(drawn.iter().map(String::as_str).collect::<BTreeSet<_>>(), allowed, "{room}");
    }
    assert_eq!(map.len() + 1, table::ROOMS.len(), "the map has a room that the table has not: {:?}", map.keys());
}

/// Files and folders of this project that a document names in backticks, and that are not there.
fn named_and_gone(document: &str, root: &Path) -> Vec<String> {
    let rooms = ["src/", "tests/", "benches/", "docs/", "themes/", ".ci/"];
    let named = document.split('`').skip(1).step_by(2).filter(|name| rooms.iter().any(|room| name.starts_with(room)) && !name.contains(' '));
    named.filter(|name| !root.join(name).exists()).map(str::to_owned).collect()
}

#[test]
fn documents_name_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let papers = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    for document in papers.chain([root.join("README.md"), root.join("SECURITY.md")]) {
        let text = fs::read_to_string(&document).unwrap();
        assert_eq!(named_and_gone(&text, root), [""; 0], "{}", document.display());
        // What is linked starts from the document's own folder.
        let linked = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to).filter(|to| !to.contains("://"));
        let gone: Vec<&str> = linked.filter(|to| !document.parent().unwrap().join(to).exists()).collect();
        assert_eq!(gone, [""; 0], "{}", document.display());
    }
    assert_eq!(named_and_gone("see `src/nowhere.rs` and `src/lib.rs`", root), ["src/nowhere.rs"]);
}

mod this_test_can_fail {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        File { name: name.to_owned(), text: text.to_owned() }
    }

    fn arrows(name: &str, text: &str) -> Vec<String> {
        wrong_arrows(&[file(name, text)])
    }

    #[test]
    fn a_forbidden_import_is_found_however_it_is_written() {
        for text in [
            "use crate::state::State;",
            "use crate::{\n    domain::text::Text,\n    state::{State, msg},\n};",
            "use crate::{connect, state as s};",
            "fn f(s: &crate::state::State) {}",
            "use super::super::state::State;",
            "pub(in crate::state) fn f() {}",
            "macro_rules! m { () => { $crate::state::x() } }",
            "use crate :: /* here */ state :: State;",
        ] {
            assert_eq!(arrows("sources/pods.rs", text), ["src/sources/pods.rs: sources must not import state"], "{text}");
        }
        assert_eq!(arrows("sim/world.rs", "use crate::domain::text::Text;"), ["src/sim/world.rs: sim must not import domain"]);
        assert_eq!(arrows("sources/mod.rs", "use super::state::State;"), ["src/sources/mod.rs: sources must not import state"]);
        assert_eq!(arrows("ui/x.rs", "use crate as us;").len(), 1);
        assert_eq!(arrows("ui/x.rs", "use crate::*;").len(), 1);
    }

    #[test]
    fn what_is_no_import_is_not_taken_for_one() {
        for text in [
            "// use crate::state::State;",
            "/* use /* nested */ crate::state::State; */",
            "const S: &str = \"crate::state::State\";",
            "const S: &str = r#\"\"crate::state\"#;",
            "const C: char = '\"'; // crate::state",
            "fn f<'a>(x: &'a str) -> &'a str { x } // 'crate::state",
            "#[cfg(test)]\nmod tests { use crate::state::State; fn f() { if true { } } }",
            "#[cfg(test)]\nuse crate::state::State;\nfn g() {}",
            "use super::state::State;",
            "use crate::{connect::{state, ui}, domain::state};",
        ] {
            assert_eq!(arrows("sources/pods.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn code_after_a_test_module_counts_again() {
        let text = "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::ui::Theme;";
        assert_eq!(arrows("sources/pods.rs", text), ["src/sources/pods.rs: sources must not import ui"]);
    }

    #[test]
    fn an_unknown_room_is_found() {
        assert_eq!(arrows("attic/box.rs", ""), ["src/attic/box.rs: the room attic is not in the table"]);
    }

    #[test]
    fn a_cycle_is_found() {
        let files = [
            file("ui/a.rs", "use crate::state::State;"),
            file("state/b.rs", "use crate::config::Config;"),
            file("config/c.rs", "use crate::ui::Theme;"),
        ];
        assert_eq!(cycle(&files).unwrap(), ["config", "ui", "state", "config"]);
        assert_eq!(cycle(&files[..2]), None);
    }

    #[test]
    fn a_clock_call_is_found_outside_of_the_clock() {
        for text in ["fn f() { std::time::Instant::now(); }", "use chrono::Utc as Time;", "let t = SystemTime :: now ();"] {
            assert_eq!(clock_calls(&[file("ui/pane.rs", text)]).len(), 1, "{text}");
            assert_eq!(clock_calls(&[file(CLOCK, text)]).len(), 0, "{text}");
        }
        assert!(clock_calls(&[file("ui/pane.rs", "// Instant::now()\nlet text = \"Utc::now\";")]).is_empty());
    }

    #[test]
    fn a_file_opened_elsewhere_is_found() {
        for text in [
            "fn f() { std::fs::read(\"x\"); }",
            "fn f() { File::options().read(true); }",
            "fn f() { File::open(path); }",
            "fn f() { tokio::fs::read_to_string(path); }",
        ] {
            assert_eq!(file_calls(&[file("config/load.rs", text)]).len(), 1, "{text}");
            assert_eq!(file_calls(&[file("files/mod.rs", text)]).len(), 0, "{text}");
        }
        assert!(file_calls(&[file("config/load.rs", "fn f() { crate::files::read(path, 1); fs::rename(a, b); fs::read_dir(x); }")]).is_empty());
    }

    #[test]
    fn a_missing_first_line_is_found() {
        assert_eq!(without_first_line(&[file("a.rs", "use std::fmt;"), file("b.rs", "//! A subject.")]), ["src/a.rs"]);
    }

    #[test]
    fn files_of_tests_are_left_out() {
        let files = [
            file("journal/mod.rs", "#[cfg(test)]\nmod tests;"),
            file("journal/tests.rs", ""),
            file("ui/pane.rs", "#[cfg(test)]\nmod fixture;\nmod real;"),
            file("ui/pane/fixture/mod.rs", ""),
            file("ui/pane/fixture/rows.rs", ""),
            file("ui/pane/real.rs", ""),
        ];
        let names: Vec<_> = of_tests(&files).into_iter().collect();
        assert_eq!(names, ["journal/tests.rs", "ui/pane/fixture/mod.rs", "ui/pane/fixture/rows.rs"]);
    }
}
