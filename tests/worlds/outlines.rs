//! Whether every outline is about every kind: a new kind without its row, or a reason for having none, fails here.

use std::{collections::BTreeSet, process::Command};

use libtest_mimic::Failed;

use super::scenario::Outline;

/// The kinds that `sev1 do --help` lists.
fn kinds() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_sev1")).args(["do", "--help"]).env_clear().output().expect("sev1 runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let (_, listed) = help.split_once("Kinds (").unwrap_or_else(|| panic!("no list of kinds in:\n{help}"));
    let lines = listed.lines().skip(1).take_while(|line| !line.trim().is_empty());
    // What a summary has on a second line is indented further.
    let entries = lines.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let kinds: BTreeSet<_> = entries.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert!(kinds.contains("scale"), "{listed}");
    kinds
}

/// Each has a row for every kind, or says why it has none, and not both.
pub fn name_every_kind(outlines: &[Outline]) -> Result<(), Failed> {
    let kinds = kinds();
    assert!(!outlines.is_empty(), "no outlines");
    for outline in outlines {
        let Outline { name, kinds: with_row, exceptions } = outline;
        let missing: Vec<_> = kinds.iter().filter(|kind| !with_row.contains(*kind) && !exceptions.contains(*kind)).collect();
        let unknown: Vec<_> = with_row.union(exceptions).filter(|kind| !kinds.contains(*kind)).collect();
        let both: Vec<_> = with_row.intersection(exceptions).collect();
        if [&missing, &unknown, &both].iter().any(|list| !list.is_empty()) {
            return Err(format!("{name}.txt: neither row nor reason: {missing:?}; no kinds: {unknown:?}; both: {both:?}").into());
        }
    }
    Ok(())
}
