//! Append-only hash-chained record of what this program did.
//!
//! One file for each cluster, shared by every `sev1` on this machine: one JSON object a line, each carrying the hash of
//! the line before (`prev`) and of itself (`hash`). A record is on the disk when [`Journal::append`] returns. The chain
//! shows damage and careless edits; that its end was cut, or all of it written anew, shows by the head that is kept beside the folder.
//! Whoever can rewrite both can forge both.

mod error;
mod examine;
mod head;
mod intents;
mod kept;
mod line;
mod location;
mod plans;
mod recall;
mod tail;
mod verify;

pub use error::JournalError;
pub use examine::{Examination, examine};
pub use head::left_of;
pub use intents::{OpenIntent, open_intents, too_long};
pub use line::sha256;
pub use location::{FILE_NAME, Root};
pub use plans::{SavedPlan, saved_plan};
pub use recall::Recall;
pub use verify::{FirstBroken, Summary, VerifyError, verify};

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Map, Value};

use crate::{
    domain::{secrecy, text::Text, time::Clock},
    files,
};

/// How often, and how long between, another process's lock is waited for: 3 s in all. A process stopped in the middle of
/// an append must not freeze this one.
const LOCK_TRIES: u32 = 150;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Kind of the record of files that others could read until then.
const CLOSED: &str = "closed_to_others";

/// Number of a record in its file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// The record of one cluster. Cheap to share; every append opens the file anew, so that a file that was moved away is
/// noticed.
pub struct Journal {
    directory: PathBuf,
    cluster: Text,
    actor: Text,
    /// Names this run of the program, so that its unfinished intents are not taken for a crashed one's.
    run: String,
    /// Held locked as long as this run lives.
    alive: Mutex<Option<File>>,
    /// What was readable by others and was closed to them, in sentences that nobody has taken yet.
    closed: Mutex<Vec<Text>>,
    /// This run has recorded that the head was lost: where none can be kept, that is said once.
    told_of_head: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl Journal {
    /// The journal of a cluster in `directory` (see [`Root::directory`]), written as `actor`: who the API server says we are.
    /// Touches nothing yet.
    pub fn new(directory: PathBuf, cluster: Text, actor: Text, clock: Arc<dyn Clock>) -> Self {
        let run = format!("{}-{:08x}", std::process::id(), fastrand::u32(..));
        Self { directory, cluster, actor, run, alive: Mutex::new(None), closed: Mutex::default(), told_of_head: AtomicBool::new(false), clock }
    }

    /// [`Journal::new`], and makes sure that it can be written.
    pub fn open(directory: PathBuf, cluster: Text, actor: Text, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        let journal = Self::new(directory, cluster, actor, clock);
        let (_, closed) = journal.locked_file()?;
        journal.note_closed(closed);
        Ok(journal)
    }

    pub fn path(&self) -> PathBuf {
        self.directory.join(FILE_NAME)
    }

    /// Name of this run, as it stands in the records' `run`.
    /// Bytes of its file; none while there is no file that can be looked at.
    pub fn length(&self) -> Option<u64> {
        std::fs::symlink_metadata(self.path()).ok().map(|file| file.len())
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// Appends one record and returns once it is on the disk. Blocks: for the lock, at most 3 s, and for the disk.
    ///
    /// `fields` should be a JSON object; its members stand in the record beside `seq`, `time`, `actor`, `cluster`, `run`,
    /// `kind`, `prev` and `hash`. A member with one of these names gets an `x_` in front.
    pub fn append(&self, kind: &str, fields: &Value) -> Result<Seq, JournalError> {
        let path = self.path();
        let (mut file, closed) = self.locked_file()?;
        let failed = |doing| JournalError::io(doing, &path);
        let tail = tail::read(&mut file, &path)?;
        let mut bytes = Vec::new();
        let mut seq = tail.seq;
        let mut prev = tail.hash;
        // What was cut, and that nothing told of it, would be forgotten with the next head.
        let found = head::read(&self.directory);
        let cut = self.cut_before(&found, seq, &prev);
        let is_lost = seq > 0 && found.head().is_none() && !self.told_of_head.swap(true, Ordering::Relaxed);
        if let Some(repair) = tail.repair {
            bytes.extend_from_slice(repair.ending);
            let cut = serde_json::json!({ "cut_bytes": repair.cut_bytes, "cut_sha256": repair.cut_sha256 });
            self.push(&mut bytes, (&mut seq, &mut prev), line::REPAIRED, &cut)?;
        } else if tail.lacks_newline {
            bytes.push(b'\n');
        }
        if !closed.is_empty() {
            self.push(&mut bytes, (&mut seq, &mut prev), CLOSED, &serde_json::json!({ "files": closed }))?;
            self.note_closed(closed);
        }
        if let Some((had, hash)) = cut {
            let cut = serde_json::json!({ "had": had, "had_sha256": hash });
            self.push(&mut bytes, (&mut seq, &mut prev), head::CUT_FOUND, &cut)?;
        }
        if is_lost {
            let why = if let head::Found::Damaged(why) = &found { why } else { "missing" };
            self.push(&mut bytes, (&mut seq, &mut prev), head::LOST_FOUND, &serde_json::json!({ "why": why }))?;
        }
        self.push(&mut bytes, (&mut seq, &mut prev), kind, fields)?;
        // One write, so that a crash cuts it at one place.
        file.write_all(&bytes).map_err(failed("append to"))?;
        file.sync_all().map_err(failed("flush"))?;
        head::Head { seq: Seq(seq), hash: prev }.keep(&self.directory);
        Ok(Seq(seq))
    }

    /// How many records there were, with the last one's hash where it is known, if those that are there end before.
    fn cut_before(&self, found: &head::Found, seq: u64, prev: &str) -> Option<(u64, String)> {
        if let Some(head) = found.head() {
            return head.is_ahead_of(seq, prev).then(|| (head.seq.0, head.hash.clone()));
        }
        kept::numbers_in(&self.directory).pop().filter(|last| *last > seq).map(|last| (last, String::new()))
    }

    /// Adds a sealed line to `bytes`, after the record of this number and hash, which become its own.
    fn push(&self, bytes: &mut Vec<u8>, (seq, prev): (&mut u64, &mut String), kind: &str, fields: &Value) -> Result<(), JournalError> {
        *seq += 1;
        let sealed = self.seal(*seq, kind, fields, prev)?;
        *prev = line::sha256(sealed.as_bytes());
        bytes.extend_from_slice(sealed.as_bytes());
        bytes.push(b'\n');
        Ok(())
    }

    fn note_closed(&self, closed: Vec<Text>) {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).extend(closed);
    }

    /// What this run found readable by others and closed to them, in sentences; each is told once.
    pub fn take_closed(&self) -> Vec<Text> {
        std::mem::take(&mut *self.closed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Intents of runs that ended without saying what became of them.
    pub fn open_intents(&self) -> Result<Vec<OpenIntent>, JournalError> {
        open_intents(&self.directory)
    }

    /// See [`too_long`].
    pub fn too_long(&self) -> Option<String> {
        too_long(&self.directory)
    }

    fn seal(&self, seq: u64, kind: &str, fields: &Value, prev: &str) -> Result<String, JournalError> {
        let mut record = Map::new();
        record.insert("seq".into(), seq.into());
        record.insert("time".into(), self.clock.now().utc.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into());
        record.insert("actor".into(), self.actor.as_str().into());
        record.insert("cluster".into(), self.cluster.as_str().into());
        record.insert("run".into(), self.run.as_str().into());
        record.insert("kind".into(), kind.into());
        match &without_secrets(fields) {
            Value::Object(members) => {
                for (name, value) in members {
                    let taken = record.contains_key(name) || matches!(name.as_str(), "prev" | "hash");
                    record.insert(if taken { format!("x_{name}") } else { name.clone() }, value.clone());
                }
            }
            Value::Null => {}
            other => {
                record.insert("value".into(), other.clone());
            }
        }
        record.insert("prev".into(), prev.into());
        let sealed = line::seal(&Value::Object(record).to_string());
        if sealed.len() > line::MAX_LINE {
            return Err(JournalError::TooLong { kind: kind.to_owned(), bytes: sealed.len() });
        }
        Ok(sealed)
    }

    /// The file, made if needed, exclusively locked until it is dropped; and what had to be closed to others.
    fn locked_file(&self) -> Result<(File, Vec<Text>), JournalError> {
        files::own_folder(&self.directory).map_err(JournalError::io("create the directory", &self.directory))?;
        is_kept_folder_own(&self.directory)?;
        let closed = close_to_others(&self.directory)?;
        self.show_alive()?;
        let path = self.path();
        let is_new = !path.exists();
        let file = files::open_own(&path, files::To::Append).map_err(JournalError::io("open", &path))?;
        lock(&file, &path)?;
        if is_new {
            // The name of a new file is on the disk only once its directory is.
            sync_directory(&self.directory)?;
            if let Some(parent) = self.directory.parent() {
                sync_directory(parent)?;
            }
        }
        Ok((file, closed))
    }

    fn show_alive(&self) -> Result<(), JournalError> {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if alive.is_none() {
            let path = location::run_lock(&self.directory, &self.run);
            let file = files::open_own(&path, files::To::Hold).map_err(JournalError::io("create", &path))?;
            lock(&file, &path)?;
            *alive = Some(file);
        }
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if self.alive.get_mut().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            // Left behind, the file would only be swept by a later run.
            let _ = std::fs::remove_file(location::run_lock(&self.directory, &self.run));
        }
    }
}

/// Closes the journal, its folders and what is in them to others, and says of each what its mode was.
fn close_to_others(directory: &Path) -> Result<Vec<Text>, JournalError> {
    let mut all = vec![directory.to_owned(), directory.join(FILE_NAME), head::path(directory)];
    for folder in [kept::FOLDER, plans::FOLDER].map(|name| directory.join(name)) {
        all.extend(std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()));
        all.push(folder);
    }
    let closed = all.into_iter().map(|path| {
        let mode = files::close_to_others(&path).map_err(JournalError::io("close to others", &path))?;
        let (path, now) = (path.display(), if path.is_dir() { 0o700 } else { 0o600 });
        Ok(mode.map(|mode| Text::bounded(&format!("{path} could be read by others (mode {mode:04o}): it is closed to them, {now:04o}"), 1_024)))
    });
    closed.filter_map(Result::transpose).collect()
}

/// Whether a journal can be kept in the directory, which is made if needed: nobody else may write what is there. What others could read is
/// closed to them, and told.
pub fn usable(directory: &Path) -> Result<Vec<Text>, JournalError> {
    files::own_folder(directory).map_err(JournalError::io("create the directory", directory))?;
    tempfile::tempfile_in(directory).map_err(JournalError::io("write to", directory))?;
    match files::open_own(&directory.join(FILE_NAME), files::To::Read) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(JournalError::io("open", &directory.join(FILE_NAME))(error)),
        _ => Ok(()),
    }?;
    is_kept_folder_own(directory)?;
    close_to_others(directory)
}

/// Whether nobody else may write what takes mitigations back. The folder is made only with the first of them.
fn is_kept_folder_own(directory: &Path) -> Result<(), JournalError> {
    let kept = directory.join(kept::FOLDER);
    if kept.symlink_metadata().is_ok() { files::is_own_folder(&kept).map_err(JournalError::io("use the directory", &kept)) } else { Ok(()) }
}

/// A record is for people, who hand it on: what a server repeats of our credentials stays out of it.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) => secrecy::plain(text).into(),
        Value::Array(values) => values.iter().map(without_secrets).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), without_secrets(value))).collect(),
        other => other.clone(),
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    if waited_for(|| file.try_lock()).map_err(JournalError::io("lock", path))? { Ok(()) } else { Err(JournalError::Locked { path: path.to_owned() }) }
}

/// Takes a lock as soon as it is free; false where another process has had it for too long.
fn waited_for(take: impl Fn() -> Result<(), TryLockError>) -> std::io::Result<bool> {
    for _ in 0..LOCK_TRIES {
        match take() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(source),
        }
    }
    Ok(false)
}

fn sync_directory(path: &Path) -> Result<(), JournalError> {
    files::sync_folder(path).map_err(JournalError::io("flush the directory", path))
}

/// Reads `length` bytes at `offset`.
fn read_at(file: &mut File, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    Read::by_ref(file).take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
