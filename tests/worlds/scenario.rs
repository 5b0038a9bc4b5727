//! A file of `scenarios/`: one scenario, or an outline with a table of examples, each row of which is a scenario.
//!
//! An outline is a text with holes, as Gherkin's: after `Examples` comes a table, whose first row names the holes and whose
//! others fill them. `<given>` stands for what the row has in its column `given`; a line that is nothing but a hole becomes as
//! many sentences as the cell has, between semicolons, and none where it is empty. The first column is `kind`: a kind of `sev1 do`,
//! with a word after a slash where there are several rows of one. `Examples alone` is a table whose rows play alone. Which
//! kinds an outline leaves out it says before its first sentence, with the reason: `not for silence, run: nothing is tried`.

use std::{collections::BTreeSet, path::Path};

use super::{
    kubeconfig::ON_CALL,
    script::{Step, meaning},
};

/// One text that is played.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file's name without its ending; of an outline with the row's first cell.
    pub name: String,
    /// None for both.
    pub only: Option<String>,
    pub alone: bool,
    pub direct: bool,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub struct Line {
    /// `undo_rollout.txt:12`.
    pub at: String,
    pub text: String,
    pub step: Step,
}

/// Which kinds an outline is about.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The file's name without its ending.
    pub name: String,
    /// Kinds with a row.
    pub kinds: BTreeSet<String>,
    /// Kinds that are left out with a reason.
    pub exceptions: BTreeSet<String>,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub struct File {
    pub scenarios: Vec<Scenario>,
    /// None for one with a single scenario.
    pub outline: Option<Outline>,
}

/// Number of a line in its file, from 1, and the line without comment and indentation.
type Numbered<'a> = (usize, &'a str);

/// The rows of one table.
struct Examples<'a> {
    alone: bool,
    rows: Vec<(usize, Vec<&'a str>)>,
}

/// Every file of the folder, by name.
pub fn all(folder: &Path) -> Vec<File> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

pub fn read(path: &Path) -> File {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = path.file_name().expect("a file").to_string_lossy();
    let name = path.file_stem().expect("a file").to_string_lossy();
    let lines: Vec<Numbered<'_>> = text.lines().enumerate().skip(1).map(|(number, line)| (number + 1, without_comment(line))).collect();
    let end = lines.iter().position(|(_, line)| is_examples(line)).unwrap_or(lines.len());
    let (body, tables) = lines.split_at(end);
    if tables.is_empty() {
        let body = body.iter().map(|(number, line)| (*number, (*line).to_owned()));
        return File { scenarios: vec![Scenario::of(&name, &file, body)], outline: None };
    }
    let mut outline = Outline { name: name.to_string(), kinds: BTreeSet::new(), exceptions: exceptions(body) };
    let body: Vec<Numbered<'_>> = body.iter().filter(|(_, line)| !line.starts_with(EXCEPT)).copied().collect();
    let mut scenarios = Vec::new();
    for Examples { alone, rows } in examples(&file, tables) {
        let ((_, header), rows) = rows.split_first().unwrap_or_else(|| panic!("{file}: a table without a header"));
        assert_eq!(header[0], "kind", "{file}: the first column");
        let unused = header.iter().skip(1).find(|hole| body.iter().all(|(_, line)| !line.contains(&format!("<{hole}>"))));
        assert_eq!(unused, None, "{file}: no sentence has this hole");
        for (number, cells) in rows {
            assert_eq!(cells.len(), header.len(), "{file}:{number}: cells");
            outline.kinds.insert(cells[0].split('/').next().unwrap_or_default().to_owned());
            let row: Vec<_> = header.iter().copied().zip(cells.iter().copied()).collect();
            let filled = body.iter().flat_map(|(number, line)| filled(line, &row).into_iter().map(|line| (*number, line)));
            let mut scenario = Scenario::of(&format!("{name}::{}", cells[0]), &file, filled);
            scenario.alone |= alone;
            scenarios.push(scenario);
        }
    }
    File { scenarios, outline: Some(outline) }
}

const EXCEPT: &str = "not for ";

fn without_comment(line: &str) -> &str {
    let line = line.split(" # ").next().unwrap_or_default().trim();
    if line.starts_with('#') { "" } else { line }
}

fn is_examples(line: &str) -> bool {
    line == "Examples" || line == "Examples alone"
}

fn exceptions(body: &[Numbered<'_>]) -> BTreeSet<String> {
    let lines = body.iter().filter_map(|(_, line)| line.strip_prefix(EXCEPT));
    let kinds = lines.flat_map(|line| {
        let (kinds, why) = line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line:?}"));
        assert!(!why.is_empty(), "no reason: {line:?}");
        kinds.split(", ").map(str::to_owned).collect::<Vec<_>>()
    });
    kinds.collect()
}

fn examples<'a>(file: &str, lines: &[Numbered<'a>]) -> Vec<Examples<'a>> {
    let mut tables: Vec<Examples<'a>> = Vec::new();
    for (number, line) in lines {
        match (line.strip_prefix('|').and_then(|line| line.strip_suffix('|')), tables.last_mut()) {
            _ if line.is_empty() => {}
            _ if is_examples(line) => tables.push(Examples { alone: line.ends_with("alone"), rows: Vec::new() }),
            (Some(row), Some(table)) => table.rows.push((*number, row.split('|').map(str::trim).collect())),
            _ => panic!("{file}:{number}: no row of a table: {line:?}"),
        }
    }
    tables
}

/// The sentences of a line, with the holes filled by a row.
fn filled(line: &str, row: &[(&str, &str)]) -> Vec<String> {
    if let Some((_, cell)) = row.iter().find(|(hole, _)| line == format!("<{hole}>")) {
        return cell.split(';').map(str::trim).filter(|sentence| !sentence.is_empty()).map(str::to_owned).collect();
    }
    vec![row.iter().fold(line.to_owned(), |line, (hole, cell)| line.replace(&format!("<{hole}>"), cell))]
}

impl Scenario {
    fn of(name: &str, file: &str, lines: impl Iterator<Item = (usize, String)>) -> Self {
        let mut scenario = Self { name: name.to_owned(), only: None, alone: false, direct: false, lines: Vec::new() };
        for (number, line) in lines {
            match line.as_str() {
                "" | "Given" | "When" | "Then" => {}
                "alone" => scenario.alone = true,
                "direct" => scenario.direct = true,
                _ if line.starts_with("only ") => scenario.only = line.strip_prefix("only ").map(str::to_owned),
                _ => {
                    let at = format!("{file}:{number}");
                    let step = meaning(&line).unwrap_or_else(|| panic!("{at}: no sentence of the language: {line:?}"));
                    scenario.lines.push(Line { at, text: line, step });
                }
            }
        }
        scenario
    }

    pub fn is_for(&self, world: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == world)
    }

    /// The context in which sev1 starts.
    pub fn context(&self) -> &str {
        let found = self.lines.iter().find_map(|line| match &line.step {
            Step::Starts { context, .. } => Some(context.as_str()),
            _ => None,
        });
        found.unwrap_or(ON_CALL)
    }

    /// The incident that it is about, if it is about one.
    pub fn incident(&self) -> Option<&str> {
        self.lines.iter().find_map(|line| match &line.step {
            Step::Incident(name) => Some(name.as_str()),
            _ => None,
        })
    }
}
