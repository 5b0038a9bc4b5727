//! Files of this machine, opened so that none of them can hang, flood or mislead the program.
//!
//! Anybody may have put a file where this program looks: a cloned repository holds a link to `/dev/zero`, a shared folder a
//! pipe that nobody writes to. So whatever is read is a regular file, is opened without waiting and is read up to a limit.
//! No other room opens a file by itself; `tests/architecture.rs` checks that.

mod own;
mod plain;

pub use own::{NotOurs, To, close_to_others, create_private, is_own_folder, open_own, own_folder, private_folders, sync_folder};
pub use plain::plain;

use std::{
    fs::{File, FileType, Metadata, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use rustix::fs::OFlags;

/// How often, and how long between, a pipe without bytes is looked at again: 5 s in all, enough for a command in `<(…)`.
const PIPE_TRIES: u32 = 250;
const PIPE_PAUSE: Duration = Duration::from_millis(20);

/// All of a regular file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata().map_err(plain)?.len();
    if length > limit {
        return Err(too_large(limit));
    }
    up_to(file, limit)
}

/// The same as text in UTF-8.
pub fn text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not text in UTF-8"))
}

/// A file that somebody named on the command line: it may also be a pipe, as a shell makes of `<(command)`, with 5 s for its next bytes.
pub fn read_or_pipe(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path).map_err(plain)?.file_type().is_fifo() {
        return read(path, limit);
    }
    let file = without_waiting(OpenOptions::new().read(true)).open(path).map_err(plain)?;
    if !file.metadata().map_err(plain)?.file_type().is_fifo() {
        return read(path, limit);
    }
    let bytes = up_to(Patient { pipe: file }, limit)?;
    if bytes.is_empty() { Err(io::Error::new(ErrorKind::UnexpectedEof, "it is a pipe that nobody writes to")) } else { Ok(bytes) }
}

/// A regular file, for reading piece by piece.
pub fn open(path: &Path) -> io::Result<File> {
    // Asked before as well: to open a device can already do something.
    regular(&std::fs::metadata(path).map_err(plain)?)?;
    let file = without_waiting(OpenOptions::new().read(true)).open(path).map_err(plain)?;
    regular(&file.metadata().map_err(plain)?)?;
    Ok(file)
}

/// A pipe is opened at once even if nobody is at its other end, and no terminal becomes ours.
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(flags(OFlags::NONBLOCK | OFlags::NOCTTY))
}

#[expect(clippy::cast_possible_wrap, reason = "open flags are bits: the C call takes them as an int")]
fn flags(flags: OFlags) -> i32 {
    flags.bits() as i32
}

fn regular(found: &Metadata) -> io::Result<()> {
    match found.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_dir() => Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory: name a file")),
        kind => Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {}, not a regular file: name a regular file", named(kind)))),
    }
}

fn named(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {} KiB", limit >> 10))
}

/// All that is left of it, at most `limit` bytes. Some files say length 0 and have bytes all the same, and others grow: what is read is counted.
pub fn up_to(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(plain)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// Waits for the next bytes of a pipe, not for ever.
struct Patient {
    pipe: File,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..PIPE_TRIES {
            match self.pipe.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(PIPE_PAUSE),
                read => return read,
            }
        }
        Err(io::Error::new(ErrorKind::TimedOut, "it is a pipe that gave nothing for 5 s"))
    }
}

#[cfg(test)]
mod tests;
