//! `sev1 audit verify`: follows the journal's chain and says whether it holds.

use std::{io::Write, path::PathBuf};

use crate::journal::{self, VerifyError};

/// Which journals to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    File(PathBuf),
    /// By the uid of the cluster's namespace kube-system.
    Cluster(String),
    /// Every cluster's on this machine.
    All,
}

/// Checks them and writes one line for each to `out`. Returns the exit code: 0 all hold, 1 one is broken or cannot be
/// read, 2 there is none where one was named.
pub fn verify(which: &Which, out: &mut impl Write) -> std::io::Result<u8> {
    let files = match which {
        Which::File(path) => Ok(vec![path.clone()]),
        Which::Cluster(uid) => journal::directory(uid).map(|directory| vec![directory.join(journal::FILE_NAME)]),
        Which::All => journal::files(),
    };
    let files = match files {
        Ok(files) => files,
        Err(error) => {
            writeln!(out, "{error}")?;
            return Ok(1);
        }
    };
    if files.is_empty() {
        writeln!(out, "no journal on this machine yet: one begins with the first session on a cluster")?;
        return Ok(0);
    }
    let mut code = 0;
    for path in files {
        match journal::verify(&path) {
            Ok(summary) => {
                let span = match (summary.from, summary.to) {
                    (Some(from), Some(to)) => format!(", {from} to {to}"),
                    _ => String::new(),
                };
                let repaired = if summary.repaired == 0 { String::new() } else { format!(", {} cut by a crash and repaired", summary.repaired) };
                writeln!(out, "{}: intact, {} records{span}{repaired}, last hash {}", path.display(), summary.records, summary.last_hash)?;
            }
            Err(error) => {
                let is_missing = matches!(&error, VerifyError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
                code = code.max(if is_missing { 2 } else { 1 });
                writeln!(out, "{error}")?;
            }
        }
    }
    Ok(code)
}
