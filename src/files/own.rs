//! Files and folders that this program keeps: nobody else may write them, and none is a link to somewhere else.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt,
    fs::{DirBuilder, File, Metadata, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use rustix::fs::OFlags;

use super::{flags, plain, regular};

/// Writable by the group or by everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// What the group and everybody may do.
const FOR_OTHERS: u32 = 0o077;
/// In a folder with this bit only the owner of a file may rename or remove it: `/tmp` has it.
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

/// Why a file or folder is not trusted, as by OpenSSH's `StrictModes`, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOurs {
    why: String,
}

impl fmt::Display for NotOurs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.why)
    }
}

impl Error for NotOurs {}

impl NotOurs {
    fn error(why: String) -> io::Error {
        io::Error::new(ErrorKind::PermissionDenied, Self { why })
    }
}

/// Makes the folder, and those above it that lack, for their owner alone (0700), and checks that nobody else can write it or replace it
/// in the folder above. Errors of the check hold a [`NotOurs`].
pub fn own_folder(path: &Path) -> io::Result<()> {
    private_folders(path)?;
    is_own_folder(path)
}

/// The check of [`own_folder`], which makes nothing.
pub fn is_own_folder(path: &Path) -> io::Result<()> {
    let found = std::fs::symlink_metadata(path).map_err(plain)?;
    if found.is_symlink() {
        return Err(link());
    }
    trusted(&found, "it")?;
    // Whoever can write one of them can put another in the place of the next. By its name and where links lead.
    let (named, real) = (std::path::absolute(path)?, std::fs::canonicalize(path)?);
    let above = named.ancestors().skip(1).chain(real.ancestors().skip(1));
    above.map(Path::to_owned).collect::<BTreeSet<_>>().iter().rev().try_for_each(|above| may_be_above(above))
}

fn may_be_above(folder: &Path) -> io::Result<()> {
    let found = std::fs::metadata(folder).map_err(plain)?;
    let what = format!("the folder above it, {},", folder.display());
    if found.mode() & STICKY == 0 { trusted(&found, &what) } else { of_ours(&found, &what) }
}

/// What a file of ours is opened for. None truncates: nothing is checked before the file is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Read,
    /// Also to read; made where there is none.
    Append,
    /// To hold a lock on it; made where there is none.
    Hold,
    /// To try the lock that another holds on it.
    TryLock,
}

/// Opens a file, made for its owner alone (0600) where it may be made. Errors of the check hold a [`NotOurs`].
pub fn open_own(path: &Path, to: To) -> io::Result<File> {
    let mut options = OpenOptions::new();
    match to {
        To::Read => options.read(true),
        To::Append => options.read(true).append(true).create(true),
        To::Hold => options.write(true).create(true).truncate(false),
        To::TryLock => options.write(true),
    };
    let opened = options.mode(0o600).custom_flags(flags(OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW)).open(path);
    let file = match opened {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Err(link()),
        // What a pipe that nobody reads says to who opens it for writing.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Err(NotOurs::error("it is a pipe, not a regular file: move it away".to_owned()));
        }
        opened => opened.map_err(plain)?,
    };
    let found = file.metadata().map_err(plain)?;
    regular(&found).map_err(|error| NotOurs::error(error.to_string().replace("name a regular file", "move it away")))?;
    trusted(&found, "it")?;
    // One that was made by hand, or put back from a backup, may be readable by everybody.
    if found.mode() & FOR_OTHERS != 0 && found.uid() == us() && to != To::Read {
        file.set_permissions(Permissions::from_mode(found.mode() & !FOR_OTHERS & 0o7777)).map_err(plain)?;
    }
    Ok(file)
}

/// A new file for its owner alone (0600), whatever the umask. Fails where something has the name already, be it a link.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => io::Error::new(ErrorKind::NotFound, "the folder that it would be in does not exist: make it, or name another"),
        ErrorKind::AlreadyExists => io::Error::new(ErrorKind::AlreadyExists, format!("{}: name another file", plain(error))),
        _ => plain(error),
    })
}

/// The folder and those above it that lack, for their owner alone (0700).
pub fn private_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(plain)
}

/// Writes to the disk which names are in a folder.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(plain)
}

fn link() -> io::Error {
    NotOurs::error("it is a symbolic link, which is not followed here: move it away".to_owned())
}

fn of_ours(found: &Metadata, what: &str) -> io::Result<()> {
    let owner = found.uid();
    if owner == us() || owner == ROOT {
        return Ok(());
    }
    Err(NotOurs::error(format!("{what} belongs to another user (uid {owner}), who could rewrite it: make it belong to you")))
}

fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn trusted(found: &Metadata, what: &str) -> io::Result<()> {
    of_ours(found, what)?;
    if found.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(NotOurs::error(format!("{what} can be written by others (mode {:04o}): run chmod go-w on it", found.mode() & 0o7777)));
    }
    Ok(())
}
