//! Following the chain of a journal from its first line.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    line::{self, Line},
    waited_for,
};
use crate::files;

/// A chain that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub records: u64,
    /// Lines that a crash had cut and a later record names.
    pub repaired: u64,
    /// Times of the first and the last record, as written.
    pub from: Option<String>,
    pub to: Option<String>,
    /// Hash of the last line: kept elsewhere, it shows later that nothing before was rewritten.
    pub last_hash: String,
}

/// The first line, from 1, at which the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct FirstBroken {
    pub line: u64,
    pub why: String,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("could not read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {broken}", path.display())]
    Broken { path: PathBuf, broken: FirstBroken },
}

/// Reads the file once, a line at a time, as it is at the beginning: what is written meanwhile is another's and still goes on.
pub fn verify(path: &Path) -> Result<Summary, VerifyError> {
    let io = |source| VerifyError::Io { path: path.to_owned(), source };
    let file = files::open(path).map_err(io)?;
    let length = whole_length(&file).map_err(io)?;
    let mut reader = BufReader::new(file.take(length));
    let mut chain = Chain::default();
    for_each_line(&mut reader, |bytes| chain.follow(bytes))
        .map_err(io)?
        .and_then(|()| chain.finish())
        .map_err(|broken| VerifyError::Broken { path: path.to_owned(), broken })
}

/// How long a file is while nobody is in the middle of a record; as it is at the moment where a writer has it for too long, or where it
/// cannot be locked. Writers are held up for no longer than that takes.
fn whole_length(file: &File) -> std::io::Result<u64> {
    let locked = waited_for(|| file.try_lock_shared()).unwrap_or(false);
    let length = file.metadata().map(|metadata| metadata.len());
    if locked {
        file.unlock()?;
    }
    length
}

/// Most of a journal that is looked through for what earlier runs left, in bytes: its end, some ten thousand mitigations. Only
/// [`verify`] reads all of one.
pub(super) const LOOKED_THROUGH: u64 = 64 << 20;

/// Hands over each line at the end of a journal with its newline, as far back as one is looked through. A line that begins before that is
/// left out.
pub(super) fn for_each_late_line(mut file: File, mut each: impl FnMut(&[u8])) -> std::io::Result<()> {
    let start = file.metadata()?.len().saturating_sub(LOOKED_THROUGH);
    file.seek(SeekFrom::Start(start))?;
    // What is written meanwhile is another's and still goes on.
    let mut reader = BufReader::new(file.take(LOOKED_THROUGH));
    if start > 0 {
        reader.skip_until(b'\n')?;
    }
    let Ok(()) = for_each_line(&mut reader, |bytes| {
        each(bytes);
        Ok::<_, std::convert::Infallible>(())
    })?;
    Ok(())
}

/// Hands over each line with its newline; a line longer than a record can be comes in pieces. Stops at the first error.
pub(super) fn for_each_line<E>(reader: &mut impl BufRead, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> std::io::Result<Result<(), E>> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let limit = line::MAX_LINE as u64 + 2;
        if Read::by_ref(reader).take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(Ok(()));
        }
        if let Err(stop) = each(&bytes) {
            return Ok(Err(stop));
        }
    }
}

#[derive(Default)]
struct Chain {
    lines: u64,
    last: Option<(u64, String)>,
    /// Bytes since the last intact line that are none: where they begin, why, and their running hash.
    cut: Option<(FirstBroken, Sha256)>,
    records: u64,
    repaired: u64,
    from: Option<String>,
    to: Option<String>,
}

impl Chain {
    fn follow(&mut self, bytes: &[u8]) -> Result<(), FirstBroken> {
        let number = self.lines + 1;
        let whole = bytes.strip_suffix(b"\n");
        if whole.is_some() {
            self.lines = number;
        }
        match line::check(whole.unwrap_or(bytes)) {
            Ok(intact) => self.link(number, intact),
            Err(why) => {
                let why =
                    if whole.is_none() { "cut off by a crash or damaged: it has no end; if it was cut, the next record repairs it" } else { why };
                let (_, hash) = self.cut.get_or_insert_with(|| (FirstBroken { line: number, why: why.to_owned() }, Sha256::new()));
                hash.update(bytes);
                Ok(())
            }
        }
    }

    fn link(&mut self, number: u64, intact: Line) -> Result<(), FirstBroken> {
        let broken = |why: String| FirstBroken { line: number, why };
        let named = (intact.kind == line::REPAIRED).then(|| intact.record.get("cut_sha256").and_then(Value::as_str).unwrap_or_default());
        match (self.cut.take(), named) {
            (None, None) => {}
            (Some((_, hash)), Some(named)) if line::hexadecimal(&hash.clone().finalize()) == named => self.repaired += 1,
            (Some((first, _)), _) => return Err(first),
            (None, Some(_)) => return Err(broken("says that it repairs a cut line, but there is none before it".into())),
        }
        let (last_seq, last_hash) = self.last.as_ref().map_or((0, line::NO_LINE), |(seq, hash)| (*seq, hash.as_str()));
        if intact.prev != last_hash {
            return Err(broken("does not follow the line before it: a line was altered, removed or inserted".into()));
        }
        if Some(intact.seq) != last_seq.checked_add(1) {
            return Err(broken(format!("has number {} where {} is due", intact.seq, last_seq.saturating_add(1))));
        }
        let time = intact.record.get("time").and_then(Value::as_str).map(str::to_owned);
        if self.from.is_none() {
            self.from.clone_from(&time);
        }
        self.to = time;
        self.records += 1;
        self.last = Some((intact.seq, intact.hash));
        Ok(())
    }

    fn finish(self) -> Result<Summary, FirstBroken> {
        match self.cut {
            Some((first, _)) => Err(first),
            None => Ok(Summary {
                records: self.records,
                repaired: self.repaired,
                from: self.from,
                to: self.to,
                last_hash: self.last.map_or_else(|| line::NO_LINE.to_owned(), |(_, hash)| hash),
            }),
        }
    }
}
