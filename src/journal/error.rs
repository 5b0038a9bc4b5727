//! Why a record could not be written or read.

use std::path::{Path, PathBuf};

use crate::files::{self, NotOurs};

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "could not {doing} {}: {source}; mitigations stay off until the journal can be written: make it writable or set XDG_STATE_HOME to a place that is",
        path.display()
    )]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    /// Somebody else may have written it, or may write it.
    #[error("{} is not safe to keep a journal in: {why}; mitigations stay off until that is done", path.display())]
    NotOurs { path: PathBuf, why: NotOurs },
    #[error("could not lock {}: another sev1 has held it for 3 s; end it or continue it if it is stopped", path.display())]
    Locked { path: PathBuf },
    #[error(
        "could not append to {}: its last 16 MiB hold no intact record; move the file away, and keep it: a new one is begun",
        path.display()
    )]
    NoIntactRecord { path: PathBuf },
    #[error("could not journal a record of kind {kind}: {bytes} bytes are more than a line may have (256 KiB); split the action")]
    TooLong { kind: String, bytes: usize },
    #[error("could not find a place for the journal: {0}; set XDG_STATE_HOME or HOME")]
    NoPlace(String),
}

impl JournalError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + Copy {
        move |source| match source.get_ref().and_then(|inner| inner.downcast_ref::<NotOurs>()) {
            Some(why) => Self::NotOurs { path: path.to_owned(), why: why.clone() },
            None => Self::Io { doing, path: path.to_owned(), source: files::plain(source) },
        }
    }
}
