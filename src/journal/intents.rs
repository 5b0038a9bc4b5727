//! Intents that were journalled and whose end is not.

use std::{
    collections::BTreeMap,
    fs::{Metadata, TryLockError},
    path::Path,
};

use serde_json::Value;

use super::{
    FILE_NAME, JournalError, Seq, line, location,
    verify::{LOOKED_THROUGH, for_each_late_line},
};
use crate::files;

/// An `intent` without `outcome`, or with the outcome `unknown` and no `resolved` that says more or that it is the `last`.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenIntent {
    pub seq: Seq,
    /// The whole record.
    pub record: Value,
}

/// Oldest first. Records `outcome` and `resolved` name their intent's number in `intent`; `state` says how it ended.
/// Intents of runs that are still alive are theirs to finish and not listed. Of a journal that is [`too_long`] only the end is looked through.
pub fn open_intents(directory: &Path) -> Result<Vec<OpenIntent>, JournalError> {
    let path = directory.join(FILE_NAME);
    let file = match files::open_own(&path, files::To::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::io("read", &path)(error)),
    };
    let mut open = BTreeMap::new();
    for_each_late_line(file, |bytes| note(&mut open, bytes)).map_err(JournalError::io("read", &path))?;
    let mut alive = BTreeMap::new();
    open.retain(|_, record: &mut Value| {
        let run = text(record, "run").to_owned();
        !*alive.entry(run.clone()).or_insert_with(|| is_alive(directory, &run))
    });
    Ok(open.into_iter().map(|(seq, record)| OpenIntent { seq: Seq(seq), record }).collect())
}

/// Why not all of the journal in `directory` is looked through for what earlier runs left, and what to do; none where all of it is.
pub fn too_long(directory: &Path) -> Option<String> {
    let path = directory.join(FILE_NAME);
    let length = path.symlink_metadata().ok().filter(Metadata::is_file)?.len();
    (length > LOOKED_THROUGH).then(|| {
        format!(
            "{} has {} MiB, and only its last {} MiB are looked through for mitigations that were not finished or can be taken back: move it away, and keep it; a new one is begun",
            path.display(),
            length >> 20,
            LOOKED_THROUGH >> 20
        )
    })
}

fn note(open: &mut BTreeMap<u64, Value>, bytes: &[u8]) {
    // Most lines are something else: they are not worth a parse.
    let is_candidate = ["\"kind\":\"intent\"", "\"kind\":\"outcome\"", "\"kind\":\"resolved\""].iter().any(|kind| contains(bytes, kind.as_bytes()));
    if !is_candidate {
        return;
    }
    let Ok(intact) = line::check(bytes.strip_suffix(b"\n").unwrap_or(bytes)) else { return };
    let of = intact.record.get("intent").and_then(Value::as_u64);
    match (intact.kind.as_str(), of) {
        ("intent", _) => {
            open.insert(intact.seq, intact.record);
        }
        ("outcome" | "resolved", Some(of)) if text(&intact.record, "state") != "unknown" || is_last(&intact.record) => {
            open.remove(&of);
        }
        _ => {}
    }
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// It is unknown, and no look will tell.
fn is_last(record: &Value) -> bool {
    record.get("last") == Some(&Value::Bool(true))
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Whether the run still holds its lock. The file of a dead one is removed.
fn is_alive(directory: &Path, run: &str) -> bool {
    let is_plain = run.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if run.is_empty() || !is_plain {
        return false;
    }
    let path = location::run_lock(directory, run);
    let Ok(file) = files::open_own(&path, files::To::TryLock) else { return false };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(_)) => false,
        Ok(()) => {
            let _ = std::fs::remove_file(&path);
            false
        }
    }
}
