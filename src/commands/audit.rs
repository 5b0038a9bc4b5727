//! `sev1 audit verify`: follows the journal's chain and says whether it holds.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::{
    domain::{text::Text, units},
    journal::{self, Root, VerifyError},
};

/// Longest line, in characters.
const LINE: usize = 8_192;

/// Which journals to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    File(PathBuf),
    /// By the uid of the cluster's namespace kube-system.
    Cluster(String),
    /// Every cluster's.
    All,
}

/// Checks them and gives one line for each, or one for each thing that is wrong with it; `root` is where journals are, `now` the time at which
/// it is asked. Returns the exit code as well: 0 all hold, 1 one is broken or cannot be read, 2 there is none where one was named.
pub fn verify(which: &Which, root: &Root, now: DateTime<Utc>) -> (u8, String) {
    let files = match which {
        Which::File(path) => Ok(vec![path.clone()]),
        Which::Cluster(uid) => root.directory(uid).map(|directory| vec![directory.join(journal::FILE_NAME)]),
        Which::All => root.files(),
    };
    let files = match files {
        Ok(files) => files,
        Err(error) => {
            return (1, said(&error));
        }
    };
    if files.is_empty() {
        return (0, said(&"no journal here yet: one begins with the first session on a cluster"));
    }
    let (mut code, mut lines) = (0, String::new());
    for path in files {
        match journal::verify(&path).and_then(|summary| Ok((summary, journal::examine(&path, root, now)?))) {
            Ok((_, found)) if !found.wrong.is_empty() => {
                code = code.max(1);
                for wrong in found.wrong {
                    lines += &said(&format!("{}: not intact: {wrong}", path.display()));
                }
            }
            Ok((summary, found)) => {
                let span = match (summary.from, summary.to) {
                    (Some(from), Some(to)) => format!(", {from} to {to}"),
                    _ => String::new(),
                };
                let repaired = if summary.repaired == 0 { String::new() } else { format!(", {} cut by a crash and repaired", summary.repaired) };
                let alone = if found.has_head || summary.records == 0 { "" } else { "; nothing beside it says whether this was its end" };
                lines += &said(&format!(
                    "{}: intact, {}{span}{repaired}, last hash {}{alone}",
                    path.display(),
                    units::counted(summary.records, "record"),
                    summary.last_hash
                ));
            }
            Err(error) => {
                let is_missing = matches!(&error, VerifyError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
                if let Some(left) = journal::left_of(&path).filter(|_| is_missing) {
                    code = code.max(1);
                    lines += &said(&format!("{}: not intact: {left}", path.display()));
                    continue;
                }
                code = code.max(if is_missing { 2 } else { 1 });
                lines += &said(&error);
            }
        }
    }
    (code, lines)
}

/// A line, whatever is in the name of a file.
fn said(what: &dyn std::fmt::Display) -> String {
    let mut line = Text::bounded(&what.to_string(), LINE).to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(which: &Which) -> (u8, String) {
        verify(which, &Root::OfUser, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_broken_journal_is_named_by_its_first_broken_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let which = Which::File(path.clone());
        assert_eq!(run(&which).0, 2);
        std::fs::write(&path, "").unwrap();
        let (code, text) = run(&which);
        assert!(code == 0 && text.contains("intact, 0 records"), "{text}");
        std::fs::write(&path, "{\"seq\":1}\n").unwrap();
        let (code, text) = run(&which);
        assert!(code == 1 && text.contains("journal.jsonl: line 1: "), "{text}");
    }
}
