//! Reading what an attacker put there: devices, pipes, files without an end, links, files of others.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    process::Command,
};

use super::*;

const LIMIT: u64 = 1 << 10;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn pipe(&self) -> PathBuf {
        let path = self.at("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    fn file(&self, bytes: &[u8], mode: u32) -> PathBuf {
        let path = self.at("file");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn link(&self, to: &Path) -> PathBuf {
        let path = self.at("link");
        symlink(to, &path).unwrap();
        path
    }
}

fn why<T>(result: io::Result<T>) -> String {
    result.map(|_| "taken").unwrap_err().to_string()
}

#[test]
fn a_regular_file_is_read_up_to_its_limit_through_links_too() {
    let folder = Folder::new();
    let file = folder.file(&[b'x'; 1 << 10], 0o644);
    assert_eq!(read(&folder.link(&file), LIMIT).unwrap().len(), 1 << 10);
    assert_eq!(why(read(&file, LIMIT - 1)), "it is larger than 0 KiB");
    assert_eq!(text(&file, LIMIT).unwrap().len(), 1 << 10);
    // The kernel says length 0 of these.
    assert_eq!(why(read(Path::new("/proc/self/smaps"), 16)), "it is larger than 0 KiB");
}

#[test]
fn what_never_ends_or_never_begins_is_refused_at_once() {
    let folder = Folder::new();
    assert_eq!(why(read(&folder.link(Path::new("/dev/zero")), LIMIT)), "it is a device, not a regular file: name a regular file");
    assert_eq!(why(read_or_pipe(&folder.at("link"), LIMIT)), "it is a device, not a regular file: name a regular file");
    assert_eq!(why(read(&folder.pipe(), LIMIT)), "it is a pipe, not a regular file: name a regular file");
    assert_eq!(why(open(&folder.at("pipe"))), "it is a pipe, not a regular file: name a regular file");
    assert_eq!(why(read_or_pipe(&folder.at("pipe"), LIMIT)), "it is a pipe that nobody writes to");
    assert_eq!(why(read(folder.0.path(), LIMIT)), "it is a directory: name a file");
    let sparse = folder.at("sparse");
    fs::File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(why(read(&sparse, LIMIT)), "it is larger than 1 KiB");
}

#[test]
fn a_pipe_named_on_the_command_line_is_read_whole_and_no_further_than_its_limit() {
    let folder = Folder::new();
    let path = folder.pipe();
    // Both ends, so that neither side waits for the other.
    let mut both = fs::File::options().read(true).write(true).open(&path).unwrap();
    both.write_all(b"apiVersion: v1\n").unwrap();
    let reading = std::thread::spawn({
        let path = path.clone();
        move || read_or_pipe(&path, LIMIT)
    });
    while !reading.is_finished()
        && fs::read_dir("/proc/self/fd").unwrap().flatten().filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == path)).count() < 2
    {
        std::thread::yield_now();
    }
    both.write_all(b"kind: Config\n").unwrap();
    drop(both);
    assert_eq!(reading.join().unwrap().unwrap(), b"apiVersion: v1\nkind: Config\n");
    let mut both = fs::File::options().read(true).write(true).open(&path).unwrap();
    both.write_all(&[b'x'; 2 << 10]).unwrap();
    assert_eq!(why(read_or_pipe(&path, LIMIT)), "it is larger than 1 KiB");
}

#[test]
fn a_file_of_ours_is_private_and_no_link_pipe_or_file_that_others_write() {
    let folder = Folder::new();
    open_own(&folder.at("new"), To::Append).unwrap();
    assert_eq!(fs::metadata(folder.at("new")).unwrap().permissions().mode() & 0o777, 0o600);
    let shared = folder.file(b"", 0o666);
    assert_eq!(why(open_own(&shared, To::Append)), "it can be written by others (mode 0666): run chmod go-w on it");
    let link = folder.link(&folder.at("new"));
    assert_eq!(why(open_own(&link, To::Append)), "it is a symbolic link, which is not followed here: move it away");
    let pipe = folder.pipe();
    for to in [To::Append, To::Hold, To::TryLock, To::Read] {
        assert_eq!(why(open_own(&pipe, to)), "it is a pipe, not a regular file: move it away");
    }
    fs::hard_link(folder.at("new"), folder.at("other name")).unwrap();
    for to in [To::Append, To::Hold, To::TryLock, To::Read] {
        let refused = why(open_own(&folder.at("new"), to));
        assert!(refused.starts_with("it has 2 names (hard links)"), "{to:?}: {refused}");
    }
    let error = open_own(&link, To::Append).unwrap_err();
    assert!(error.get_ref().and_then(|inner| inner.downcast_ref::<NotOurs>()).is_some());
}

#[test]
fn a_file_or_folder_of_another_user_is_refused() {
    let folder = Folder::new();
    let file = folder.file(b"", 0o600);
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
        // Only root can give files away.
        return;
    }
    let theirs = "it belongs to another user (uid 12345), who could rewrite it: make it belong to you";
    assert_eq!(why(open_own(&file, To::Append)), theirs);
    fs::create_dir(folder.at("theirs")).unwrap();
    std::os::unix::fs::chown(folder.at("theirs"), Some(12_345), None).unwrap();
    assert_eq!(why(own_folder(&folder.at("theirs"))), theirs);
    assert!(why(own_folder(&folder.at("theirs/within"))).contains("the folder above it"));
}

#[test]
fn a_folder_of_ours_is_private_and_so_is_the_one_above() {
    let folder = Folder::new();
    own_folder(&folder.at("a/b")).unwrap();
    assert_eq!(fs::metadata(folder.at("a")).unwrap().permissions().mode() & 0o777, 0o700);
    symlink(folder.at("a"), folder.at("linked")).unwrap();
    assert_eq!(why(own_folder(&folder.at("linked"))), "it is a symbolic link, which is not followed here: move it away");
    fs::set_permissions(folder.at("a"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(why(own_folder(&folder.at("a"))), "it can be written by others (mode 0777): run chmod go-w on it");
    assert!(why(own_folder(&folder.at("a/b"))).starts_with("the folder above it, "));
}

#[test]
fn a_link_of_ours_on_the_way_is_followed_and_one_of_another_is_not() {
    let folder = Folder::new();
    fs::create_dir(folder.at("disk")).unwrap();
    symlink("disk", folder.at("state")).unwrap();
    let below = folder.at("state/sev1/uid");
    own_folder(&below).unwrap();
    assert_eq!(fs::metadata(folder.at("disk/sev1/uid")).unwrap().permissions().mode() & 0o777, 0o700);
    symlink(folder.at("state/sev1"), folder.at("second")).unwrap();
    own_folder(&folder.at("second/uid")).unwrap();
    // As a link in a folder that others may write to: it leads where its owner likes.
    if std::os::unix::fs::lchown(folder.at("state"), Some(12_345), None).is_err() {
        // Only root can give files away.
        return;
    }
    for path in [&below, &folder.at("state/sev1/new"), &folder.at("second/uid"), &folder.at("second/new")] {
        let refused = why(own_folder(path));
        assert!(refused.starts_with("the link on the way to it, ") && refused.contains("/state, belongs to another user"), "{refused}");
    }
    assert!(!folder.at("disk/sev1/new").exists(), "nothing is made where it leads");
}

#[test]
fn links_that_lead_in_a_ring_are_refused() {
    let folder = Folder::new();
    symlink("b", folder.at("a")).unwrap();
    symlink("a", folder.at("b")).unwrap();
    assert!(why(own_folder(&folder.at("a/uid"))).contains("more than 40 links"));
}

#[test]
fn where_a_link_leads_is_looked_at_too() {
    let folder = Folder::new();
    fs::create_dir_all(folder.at("open/disk")).unwrap();
    fs::set_permissions(folder.at("open"), fs::Permissions::from_mode(0o777)).unwrap();
    symlink("open/disk", folder.at("state")).unwrap();
    assert!(why(own_folder(&folder.at("state/sev1"))).contains("/open, can be written by others (mode 0777)"));
}

#[test]
fn what_others_could_read_is_closed_and_its_mode_told() {
    let folder = Folder::new();
    let file = folder.file(b"", 0o644);
    assert_eq!(close_to_others(&file).unwrap(), Some(0o644));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(close_to_others(&file).unwrap(), None);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o646)).unwrap();
    assert_eq!(close_to_others(&file).unwrap(), None, "others may have written it");
    assert_eq!(close_to_others(&folder.at("nothing")).unwrap(), None);
}
