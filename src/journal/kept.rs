//! What takes a mitigation back, beside the journal: `undo/<number of its intent>.json`, readable by its owner alone.
//!
//! It is kept apart because it may hold a value that the journal must not (a ConfigMap's former one), and because it goes
//! away when it is used. Losing it loses the undo, never the record.

use std::{fs, io::Write as _, path::PathBuf};

use serde_json::Value;

use super::{Journal, JournalError, Seq, sync_directory};
use crate::files;

pub(super) const FOLDER: &str = "undo";
/// Most that are kept; the oldest go first.
const MOST: usize = 200;
/// Largest file that is read, in bytes: a ConfigMap holds at most a mebibyte.
const LARGEST: u64 = 4 << 20;

impl Journal {
    /// Keeps `value` for the intent, in the place of what was kept for it, and returns once it is on the disk.
    pub fn keep(&self, intent: Seq, value: &Value) -> Result<(), JournalError> {
        let directory = self.kept_directory();
        files::own_folder(&directory).map_err(JournalError::io("create the directory", &directory))?;
        let path = self.kept_path(intent);
        let aside = path.with_extension(format!("{}.new", self.run()));
        // Of a run that crashed here and had the same name.
        let _ = fs::remove_file(&aside);
        let written = files::create_private(&aside).and_then(|mut file| {
            file.write_all(value.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &path)
        });
        if let Err(error) = written {
            let _ = fs::remove_file(&aside);
            return Err(JournalError::io("write", &path)(error));
        }
        sync_directory(&directory)?;
        for old in self.kept().iter().rev().skip(MOST) {
            self.forget(old.0);
        }
        Ok(())
    }

    /// What is kept for the intent.
    pub fn kept_for(&self, intent: Seq) -> Option<Value> {
        let path = self.kept_path(intent);
        files::is_own_folder(&self.kept_directory()).ok()?;
        let file = files::open_own(&path, files::To::Read).ok()?;
        serde_json::from_slice(&files::up_to(file, LARGEST).ok()?).ok()
    }

    /// Everything that is kept, oldest first. What cannot be read is left out.
    pub fn kept(&self) -> Vec<(Seq, Value)> {
        let files = fs::read_dir(self.kept_directory()).into_iter().flatten().flatten();
        let mut numbers: Vec<u64> = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".json")?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers.into_iter().filter_map(|number| Some((Seq(number), self.kept_for(Seq(number))?))).collect()
    }

    /// It was used, or is of no use.
    pub fn forget(&self, intent: Seq) {
        // One that stays behind is refused when it is tried: its object is no longer as it says.
        let _ = fs::remove_file(self.kept_path(intent));
    }

    fn kept_directory(&self) -> PathBuf {
        self.directory.join(FOLDER)
    }

    fn kept_path(&self, intent: Seq) -> PathBuf {
        self.kept_directory().join(format!("{}.json", intent.0))
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::domain::time::{Clock, Mono, Now};

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Now {
            Now { mono: Mono::ZERO, utc: chrono::DateTime::UNIX_EPOCH }
        }
    }

    #[test]
    fn what_is_kept_is_private_survives_and_is_bounded() {
        let state = tempfile::tempdir().unwrap();
        let open = || Journal::new(state.path().join("c"), "c".into(), "me".into(), Arc::new(Still));
        open().keep(Seq(7), &json!({"words": ["x"]})).unwrap();
        open().keep(Seq(7), &json!({"words": ["y"]})).unwrap();
        let mode = fs::metadata(state.path().join("c/undo/7.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(open().kept(), [(Seq(7), json!({"words": ["y"]}))]);
        for number in 8..8 + MOST as u64 {
            open().keep(Seq(number), &json!({})).unwrap();
        }
        assert_eq!((open().kept().len(), open().kept_for(Seq(7))), (MOST, None));
        open().forget(Seq(8));
        assert_eq!(open().kept_for(Seq(8)), None);
        fs::write(state.path().join("c/undo/9.json"), "{").unwrap();
        assert_eq!(open().kept().len(), MOST - 2, "a broken one is left out");
    }
}
