//! What takes a mitigation back, beside the journal: `undo/<number of its intent>.json`, readable by its owner alone.
//!
//! It is kept apart because it may hold a value that the journal must not (a ConfigMap's former one), and because it goes
//! away when it is used. Losing it loses the undo, never the record. The journal has the hash of each, so that an altered one, or another's
//! in its place, takes nothing back.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Journal, JournalError, Seq, intents::contains, line, sync_directory, verify::for_each_late_line};
use crate::files;

/// Kind of the record that has the hash of what is kept for an intent.
const KEPT: &str = "kept";
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
        let text = value.to_string();
        // Of a run that crashed here and had the same name.
        let _ = fs::remove_file(&aside);
        let written = files::create_private(&aside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        let written = written.map_err(JournalError::io("write", &aside)).and_then(|()| {
            // First: a crash in between loses the undo, where the other order would leave one that nobody vouches for.
            self.append(KEPT, &json!({ "intent": intent.0, "kept_sha256": line::sha256(text.as_bytes()) }))?;
            fs::rename(&aside, &path).map_err(JournalError::io("write", &path))
        });
        if written.is_err() {
            let _ = fs::remove_file(&aside);
            return written;
        }
        sync_directory(&directory)?;
        for old in self.kept_numbers().into_iter().rev().skip(MOST) {
            self.forget(Seq(old));
        }
        Ok(())
    }

    /// What is kept for the intent, if it is what the journal says was kept.
    pub fn kept_for(&self, intent: Seq) -> Option<Value> {
        self.vouched(intent, &self.hashes()?)
    }

    /// Everything that is kept, oldest first. What cannot be read, or was altered, is left out.
    pub fn kept(&self) -> Vec<(Seq, Value)> {
        let Some(hashes) = self.hashes() else { return Vec::new() };
        self.kept_numbers().into_iter().filter_map(|number| Some((Seq(number), self.vouched(Seq(number), &hashes)?))).collect()
    }

    fn vouched(&self, intent: Seq, hashes: &BTreeMap<u64, String>) -> Option<Value> {
        vouched(&self.kept_path(intent), hashes.get(&intent.0)?)
    }

    fn kept_numbers(&self) -> Vec<u64> {
        numbers_in(&self.directory)
    }

    /// By intent, the last hash that this cluster's journal has.
    fn hashes(&self) -> Option<BTreeMap<u64, String>> {
        let file = files::open_own(&self.path(), files::To::Read).ok()?;
        let mut hashes = BTreeMap::new();
        for_each_late_line(file, |bytes| {
            // Most lines are something else: they are not worth a parse.
            if contains(bytes, b"\"kind\":\"kept\"")
                && let Ok(intact) = line::check(bytes.strip_suffix(b"\n").unwrap_or(bytes))
                && intact.kind == KEPT
                && intact.record.get("cluster").and_then(Value::as_str) == Some(self.cluster.as_str())
                && let (Some(intent), Some(hash)) =
                    (intact.record.get("intent").and_then(Value::as_u64), intact.record.get("kept_sha256").and_then(Value::as_str))
            {
                hashes.insert(intent, hash.to_owned());
            }
        })
        .ok()?;
        Some(hashes)
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

/// What a file beside the journal holds, if it is ours and what the journal has this hash of.
pub(super) fn vouched(path: &Path, hash: &str) -> Option<Value> {
    files::is_own_folder(path.parent()?).ok()?;
    let bytes = files::up_to(files::open_own(path, files::To::Read).ok()?, LARGEST).ok()?;
    (line::sha256(&bytes) == hash).then(|| serde_json::from_slice(&bytes).ok()).flatten()
}

/// Numbers of the intents for which something is kept beside the journal in this directory, in order.
pub(super) fn numbers_in(directory: &Path) -> Vec<u64> {
    let files = fs::read_dir(directory.join(FOLDER)).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".json")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::journal::tests::Still;

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

    #[test]
    fn what_was_altered_or_is_another_s_takes_nothing_back() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path().join("c"), "c".into(), "me".into(), Arc::new(Still));
        let at = |name: &str| state.path().join("c/undo").join(name);
        journal.keep(Seq(7), &json!({"words": ["deployment/sync-service", "3"]})).unwrap();
        journal.keep(Seq(8), &json!({"words": ["deployment/core-engine", "6"]})).unwrap();
        let whole = fs::read(at("7.json")).unwrap();
        for forged in [&b"{\"words\":[\"deployment/core-engine\",\"1\"]}"[..], &fs::read(at("8.json")).unwrap(), &[&whole[..], b" "].concat()] {
            fs::write(at("7.json"), forged).unwrap();
            assert_eq!(journal.kept_for(Seq(7)), None);
            assert_eq!(journal.kept().len(), 1);
        }
        fs::write(at("7.json"), whole).unwrap();
        assert_eq!(journal.kept().len(), 2);
        fs::copy(at("7.json"), at("9.json")).unwrap();
        assert_eq!(journal.kept_for(Seq(9)), None, "the journal never heard of it");
    }
}
