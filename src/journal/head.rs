//! Where a journal ended, kept in a second place: `<cluster>.head` beside the journal's folder, readable by its owner alone.
//!
//! A chain of hashes cannot show that its last lines were cut off, nor that the whole of it was written anew. The number and the hash of the
//! last record, outside of the folder, can. They are written after each append, once the record is on the disk: a crash in between leaves
//! them behind the journal, which is no alarm; a journal that is behind them was cut. Whoever can write both places can still forge both:
//! a copy of the head in the cluster, out of reach of this machine, is to come.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Seq, kept};
use crate::{domain::units, files};

/// Kind of the record that says that the journal went on after its end was cut.
pub const CUT_FOUND: &str = "cut_found";
/// Kind of the record that says that the journal went on though nothing told any more where it had ended.
pub const LOST_FOUND: &str = "head_lost";
/// Largest that is read, in bytes.
const LARGEST: u64 = 4_096;

/// Number and hash of a last record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub seq: Seq,
    pub hash: String,
}

impl Head {
    /// Whether a journal that ends with this record lacks some that were written.
    pub fn is_ahead_of(&self, seq: u64, hash: &str) -> bool {
        self.seq.0 > seq || (self.seq.0 == seq && self.hash != hash)
    }

    /// Keeps it for the journal in `directory`. That it cannot be kept is no reason to keep no journal.
    pub fn keep(&self, directory: &Path) {
        let path = path(directory);
        let aside = path.with_extension("head.new");
        let text = json!({ "seq": self.seq.0, "hash": self.hash }).to_string();
        // Of a run that crashed here: the journal is locked, so nobody else writes it.
        let _ = fs::remove_file(&aside);
        let written = files::create_private(&aside).and_then(|mut file| file.write_all(text.as_bytes()));
        // Not flushed: a head that a power cut takes back is only behind.
        let _ = written.and_then(|()| fs::rename(&aside, &path));
    }
}

/// What stands where the head is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Found {
    Whole(Head),
    #[default]
    Missing,
    /// Why it tells nothing.
    Damaged(String),
}

impl Found {
    pub fn head(&self) -> Option<&Head> {
        match self {
            Self::Whole(head) => Some(head),
            Self::Missing | Self::Damaged(_) => None,
        }
    }
}

pub fn read(directory: &Path) -> Found {
    let bytes = match files::open_own(&path(directory), files::To::Read).and_then(|file| files::up_to(file, LARGEST)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Missing,
        Err(error) => return Found::Damaged(error.to_string()),
    };
    let head = |bytes: &[u8]| {
        let kept: Value = serde_json::from_slice(bytes).ok()?;
        Some(Head { seq: Seq(kept.get("seq")?.as_u64()?), hash: kept.get("hash")?.as_str()?.to_owned() })
    };
    head(&bytes).map_or_else(|| Found::Damaged("it does not hold the number and the hash of a record".to_owned()), Found::Whole)
}

/// `…/sev1/7f2c` of `…/sev1/7f2c.head`.
pub fn folder_of(path: &Path) -> Option<PathBuf> {
    (path.extension()? == "head" && path.is_file()).then(|| path.with_extension(""))
}

/// What is left of a journal that is gone: how it is known that there was one.
pub fn left_of(journal: &Path) -> Option<String> {
    let directory = journal.parent()?;
    match read(directory) {
        Found::Whole(head) => Some(format!("it is gone, and had {}", units::counted(head.seq.0, "record"))),
        Found::Damaged(why) => Some(format!("it is gone, and {}, which told where it ended, is damaged: {why}", path(directory).display())),
        Found::Missing => {
            let last = kept::numbers_in(directory).pop()?;
            Some(format!("it is gone: {}/{last}.json takes back its record {last}, so it had at least as many", kept::FOLDER))
        }
    }
}

/// `…/sev1/7f2c.head` of `…/sev1/7f2c`.
pub fn path(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}
