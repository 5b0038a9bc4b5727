//! Files and folders that this program keeps: nobody else may write them, and none is a link to somewhere else.

use std::{
    error::Error,
    fmt,
    fs::{DirBuilder, File, Metadata, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Component, Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{flags, named, plain, regular};

/// Writable by the group or by everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// What the group and everybody may do.
const FOR_OTHERS: u32 = 0o077;
/// In a folder with this bit only the owner of a file may rename or remove it: `/tmp` has it.
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;
/// Most links on the way to one folder, as the kernel follows (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

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
    // Before anything is made: nothing is made where another's link leads.
    may_be_above(path)?;
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
    may_be_above(path)
}

/// Goes the way to `path` as the kernel does, as far as there is one: whoever can write a folder on it can put another in the place of the
/// next, and whoever owns a link decides where it leads. A link of ours is fine, as of `~/.local/state` to another disk.
fn may_be_above(path: &Path) -> io::Result<()> {
    let whole = std::path::absolute(path)?;
    let mut left: Vec<PathBuf> = whole.parent().into_iter().flat_map(Path::components).map(|part| part.as_os_str().into()).rev().collect();
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = left.pop() {
        match part.components().next() {
            Some(Component::RootDir) => at = PathBuf::from("/"),
            Some(Component::ParentDir) => drop(at.pop()),
            Some(Component::Normal(name)) => at.push(name),
            _ => continue,
        }
        let found = match std::fs::symlink_metadata(&at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        if !found.is_symlink() {
            let what = format!("the folder above it, {},", at.display());
            if found.mode() & STICKY == 0 {
                trusted(&found, &what)?;
            } else {
                of_ours(&found, &what)?;
            }
            continue;
        }
        of_ours(&found, &format!("the link on the way to it, {},", at.display()))?;
        links += 1;
        if links > MOST_LINKS {
            return Err(NotOurs::error(format!("there are more than {MOST_LINKS} links on the way to it: name the folder itself")));
        }
        let to = std::fs::read_link(&at)?;
        at.pop();
        left.extend(to.components().map(|part| part.as_os_str().into()).rev());
    }
    Ok(())
}

/// Takes from the group and everybody what they may do with a file or folder of ours, made by hand or put back from a backup. The mode it
/// had, where that was anything; nothing where it is none of ours or a link.
pub fn close_to_others(path: &Path) -> io::Result<Option<u32>> {
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let mode = found.mode() & 0o7777;
    // What others could write is refused elsewhere: they may have.
    if found.is_symlink() || found.uid() != us() || mode & FOR_OTHERS == 0 || mode & WRITABLE_BY_OTHERS != 0 {
        return Ok(None);
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode & !FOR_OTHERS))?;
    Ok(Some(mode))
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
        // What a pipe that nobody reads says to who opens it for writing, and a socket to everybody.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            let kind = std::fs::symlink_metadata(path).map_or("no regular file", |found| named(found.file_type()));
            return Err(NotOurs::error(format!("it is {kind}, not a regular file: move it away")));
        }
        opened => opened.map_err(plain)?,
    };
    let found = file.metadata().map_err(plain)?;
    regular(&found).map_err(|error| NotOurs::error(error.to_string().replace("name a regular file", "move it away")))?;
    trusted(&found, "it")?;
    if found.nlink() > 1 {
        return Err(NotOurs::error(format!(
            "it has {} names (hard links), so that it may be written or kept by another one: make a copy of it, and put that in its place",
            found.nlink()
        )));
    }
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
