//! The end of the file: the last intact record, and what a crash left after it.

use std::{fs::File, path::Path};

use sha2::{Digest, Sha256};

use super::{JournalError, line, read_at};

/// First part of the file's end that is read; doubled until an intact record is in it.
const FIRST_LOOK: u64 = 64 * 1024;
/// How far back an intact record is looked for.
const FARTHEST_LOOK: u64 = 16 * 1024 * 1024;
/// Ends a cut line: CAN ("cancel") and a newline. CAN tells a repair that a crash cut off from a whole line that was altered.
const CANCEL: &[u8] = b"\x18\n";

/// What the next record follows.
#[derive(Debug)]
pub struct Tail {
    /// Of the last intact record; 0 in an empty file.
    pub seq: u64,
    /// Hash of the last intact line.
    pub hash: String,
    /// The last record is whole, only its newline is missing.
    pub lacks_newline: bool,
    pub repair: Option<Repair>,
}

/// A line that a crash cut, to be ended and named by a `repaired` record.
#[derive(Debug)]
pub struct Repair {
    /// What must be appended before the `repaired` record.
    pub ending: &'static [u8],
    /// Bytes between the last intact line and the `repaired` record, `ending` included, and their hash.
    pub cut_bytes: u64,
    pub cut_sha256: String,
}

pub fn read(file: &mut File, path: &Path) -> Result<Tail, JournalError> {
    let length = file.metadata().map_err(JournalError::io("measure", path))?.len();
    let mut look = FIRST_LOOK;
    loop {
        let start = length.saturating_sub(look);
        let bytes = read_at(file, start, look).map_err(JournalError::io("read", path))?;
        if let Some(tail) = last_intact(&bytes, start == 0) {
            return Ok(tail);
        }
        if start == 0 {
            return Ok(after(0, line::NO_LINE.to_owned(), &bytes));
        }
        if look >= FARTHEST_LOOK {
            return Err(JournalError::NoIntactRecord { path: path.to_owned() });
        }
        look *= 2;
    }
}

/// The whole lines in the last `length` bytes; a last one that has no end yet is among them.
pub fn last_lines(file: &mut File, length: u64) -> std::io::Result<Vec<u8>> {
    let start = file.metadata()?.len().saturating_sub(length);
    let mut bytes = read_at(file, start, length)?;
    if start > 0 {
        // Where the first line begins is not known.
        let first = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1);
        bytes.drain(..first);
    }
    Ok(bytes)
}

/// The last intact line of `bytes`. The first line counts only if they begin at a line's start.
fn last_intact(bytes: &[u8], from_start: bool) -> Option<Tail> {
    let mut end = bytes.len();
    loop {
        let start = bytes[..end].iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        if (start > 0 || from_start)
            && start < end
            && let Ok(intact) = line::check(&bytes[start..end])
        {
            let rest = &bytes[end..];
            return Some(match rest.split_first() {
                Some((_newline, rest)) => after(intact.seq, intact.hash, rest),
                None => Tail { seq: intact.seq, hash: intact.hash, lacks_newline: true, repair: None },
            });
        }
        if start == 0 {
            return None;
        }
        end = start - 1;
    }
}

fn after(seq: u64, hash: String, rest: &[u8]) -> Tail {
    let ending: &[u8] = if rest.is_empty() || (rest.ends_with(b"\n") && !rest.ends_with(CANCEL)) {
        // Nothing was cut, or a whole line was altered: that is no crash, and `verify` must go on naming it.
        return Tail { seq, hash, lacks_newline: false, repair: None };
    } else if rest.ends_with(CANCEL) {
        b""
    } else if rest.ends_with(b"\x18") {
        b"\n"
    } else {
        CANCEL
    };
    let cut = Sha256::new().chain_update(rest).chain_update(ending).finalize();
    let repair = Repair { ending, cut_bytes: (rest.len() + ending.len()) as u64, cut_sha256: line::hexadecimal(&cut) };
    Tail { seq, hash, lacks_newline: false, repair: Some(repair) }
}
