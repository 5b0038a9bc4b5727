//! Where journals are.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{JournalError, head, kept, line};

pub const FILE_NAME: &str = "journal.jsonl";

/// The folder that holds one folder for each cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// `$XDG_STATE_HOME/sev1`.
    OfUser,
    /// A folder of its own: a demo's, which ends with it.
    At(PathBuf),
}

impl Root {
    /// Where a cluster's journal is. The uid comes from a server: anything but letters, digits and dashes is hashed, so that
    /// it names a directory here and nowhere else.
    pub fn directory(&self, cluster_uid: &str) -> Result<PathBuf, JournalError> {
        let is_plain =
            !cluster_uid.is_empty() && cluster_uid.len() <= 64 && cluster_uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let name = if is_plain { cluster_uid.to_owned() } else { line::sha256(cluster_uid.as_bytes()) };
        Ok(self.path()?.join(name))
    }

    /// Every cluster's journal, sorted by path; also those that are gone and have left their head or what takes mitigations back.
    pub fn files(&self) -> Result<Vec<PathBuf>, JournalError> {
        let root = self.path()?;
        let entries = match std::fs::read_dir(&root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(JournalError::io("list", &root)(error)),
        };
        let mut found: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                // One that is gone is looked for by its head, or by what is kept beside it.
                if let Some(folder) = head::folder_of(&entry.path()) {
                    return Some(folder.join(FILE_NAME));
                }
                let folder = entry.path();
                let is_left = !kept::numbers_in(&folder).is_empty();
                Some(folder.join(FILE_NAME)).filter(|path| path.symlink_metadata().is_ok() || is_left)
            })
            .collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Whether the folder is one of a cluster here.
    pub(super) fn is_above(&self, folder: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().ok();
        self.path().ok().and_then(|root| real(&root)).is_some_and(|root| folder.parent().and_then(real) == Some(root))
    }

    fn path(&self) -> Result<PathBuf, JournalError> {
        match self {
            Self::OfUser => {
                let strategy = etcetera::choose_base_strategy().map_err(|error| JournalError::NoPlace(error.to_string()))?;
                let state = strategy.state_dir().ok_or_else(|| JournalError::NoPlace("this system has no state directory".into()))?;
                Ok(state.join("sev1"))
            }
            Self::At(path) => Ok(path.clone()),
        }
    }
}

/// The file that a run holds locked while it lives.
pub fn run_lock(directory: &Path, run: &str) -> PathBuf {
    directory.join(format!("run-{run}.lock"))
}
