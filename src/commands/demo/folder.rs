//! The folder of one running demo: its kubeconfig, and the journal of everything that is done to it.
//!
//! ```text
//! $TMPDIR/sev1-demo-XXXXXX/   0700, removed when the demo ends
//!     demo.json               which demo this is; locked as long as that lives
//!     kubeconfig              0600: it holds tokens
//!     state/CLUSTER/          as $XDG_STATE_HOME/sev1 is for a real cluster
//! ```
//!
//! Whoever uses this kubeconfig finds the rest beside it, so that `sev1 do`, `sev1 undo` and `sev1 audit verify` share one
//! journal with the demo, and neither touches the user's own. A demo that was killed leaves its folder; the next one
//! removes it.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::files;

const PREFIX: &str = "sev1-demo-";
const ABOUT: &str = "demo.json";
const KUBECONFIG: &str = "kubeconfig";
const STATE: &str = "state";
/// Largest that it may be, in bytes: it has three short fields.
const ABOUT_LIMIT: u64 = 64 << 10;
/// Only its owner may look into it.
const PRIVATE: u32 = 0o700;

/// Which demo it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Address of its API server.
    pub server: String,
    /// When the incident's time and the real one were the same.
    pub begin: DateTime<Utc>,
    /// Seconds of the incident in a real second.
    pub speed: f64,
}

/// Removed with everything in it when it is dropped.
#[derive(Debug)]
pub struct Folder {
    held: TempDir,
    /// Shows other processes that this one lives.
    _alive: File,
}

impl Folder {
    /// Makes one in `temporary`, and removes those of demos that were killed.
    pub fn make(temporary: &Path, about: &About, kubeconfig: &str) -> io::Result<Self> {
        let held = tempfile::Builder::new().prefix(PREFIX).permissions(Permissions::from_mode(PRIVATE)).tempdir_in(temporary)?;
        sweep(temporary, held.path())?;
        // Locked before it has its name: nobody finds it unlocked while this process lives.
        let unnamed = held.path().join("demo.json.new");
        let mut alive = private_file(&unnamed)?;
        alive.lock()?;
        serde_json::to_writer(&alive, about)?;
        alive.flush()?;
        fs::rename(&unnamed, held.path().join(ABOUT))?;
        private_file(&held.path().join(KUBECONFIG))?.write_all(kubeconfig.as_bytes())?;
        Ok(Self { held, _alive: alive })
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.held.path().join(KUBECONFIG)
    }

    /// Where its journals are.
    pub fn state(&self) -> PathBuf {
        self.held.path().join(STATE)
    }
}

/// The demo that one of these kubeconfig files belongs to and whose API server has this address, and where its journals are.
pub fn of_kubeconfig(files: &[PathBuf], server: &str) -> Option<(About, PathBuf)> {
    files.iter().find_map(|file| {
        let folder = fs::canonicalize(file).ok()?.parent()?.to_owned();
        let about = about(&folder)?;
        (about.server.trim_end_matches('/') == server.trim_end_matches('/')).then(|| (about, folder.join(STATE)))
    })
}

/// What a demo's folder says of it; none of any other folder.
fn about(folder: &Path) -> Option<About> {
    let is_ours = folder.file_name()?.to_str()?.starts_with(PREFIX) && is_private(&fs::symlink_metadata(folder).ok()?);
    let text = is_ours.then(|| files::read(&folder.join(ABOUT), ABOUT_LIMIT).ok())??;
    serde_json::from_slice(&text).ok()
}

fn is_private(folder: &fs::Metadata) -> bool {
    folder.is_dir() && folder.mode() & 0o777 == PRIVATE
}

fn private_file(path: &Path) -> io::Result<File> {
    files::create_private(path)
}

/// Removes what demos left that were killed: folders with a demo's name and file, of this user, private, whose process is
/// gone. `own` is the folder of this one.
fn sweep(temporary: &Path, own: &Path) -> io::Result<()> {
    let user = fs::symlink_metadata(own)?.uid();
    for folder in fs::read_dir(temporary)?.flatten().map(|entry| entry.path()) {
        let is_this_user_s = || fs::symlink_metadata(&folder).is_ok_and(|found| found.uid() == user);
        if folder == own || about(&folder).is_none() || !is_this_user_s() {
            continue;
        }
        // The lock is held until all is gone, so that two that sweep do not meet.
        if let Ok(alive) = files::open(&folder.join(ABOUT))
            && alive.try_lock().is_ok()
        {
            // What cannot be removed stays for the next time.
            let _ = fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> About {
        About { server: "https://127.0.0.1:4".into(), begin: DateTime::UNIX_EPOCH, speed: 20.0 }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn only_its_owner_can_look_into_it_and_it_ends_with_the_demo() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::make(temporary.path(), &some(), "token: t").unwrap();
        assert_eq!(mode(folder.held.path()), 0o700);
        assert_eq!(mode(&folder.kubeconfig()), 0o600);
        fs::create_dir(folder.state()).unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    }

    #[test]
    fn its_kubeconfig_leads_to_its_journals() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::make(temporary.path(), &some(), "").unwrap();
        let other = temporary.path().join("config");
        fs::write(&other, "").unwrap();
        let files = [other.clone(), folder.kubeconfig()];
        let found = of_kubeconfig(&files, "https://127.0.0.1:4/").unwrap();
        assert_eq!((found.0, fs::canonicalize(temporary.path()).unwrap()), (some(), found.1.parent().unwrap().parent().unwrap().to_owned()));
        assert_eq!(of_kubeconfig(&files, "https://prod:6443"), None, "another cluster of the merged files");
        assert_eq!(of_kubeconfig(&[other], "https://127.0.0.1:4"), None);
    }

    #[test]
    fn what_a_killed_demo_left_goes_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        let make = |name: &str, mode: u32, file: Option<&str>| {
            fs::create_dir(at(name)).unwrap();
            if let Some(file) = file {
                fs::write(at(name).join(file), serde_json::to_vec(&some()).unwrap()).unwrap();
            }
            fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
        };
        make("sev1-demo-killed", 0o700, Some(ABOUT));
        make("sev1-demo-open", 0o755, Some(ABOUT));
        make("sev1-demo-mine", 0o700, Some("notes"));
        make("another", 0o700, Some(ABOUT));
        std::os::unix::fs::symlink(at("another"), at("sev1-demo-link")).unwrap();
        let living = Folder::make(temporary.path(), &some(), "").unwrap();
        assert!(!at("sev1-demo-killed").exists());
        let _second = Folder::make(temporary.path(), &some(), "").unwrap();
        assert!(living.kubeconfig().exists(), "it lives");
        for name in ["sev1-demo-open", "sev1-demo-mine", "another", "sev1-demo-link"] {
            assert!(at(name).exists(), "{name}");
        }
    }
}
