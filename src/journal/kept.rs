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
use crate::{domain::text::Text, files};

/// Kind of the record that has the hash of what is kept for an intent.
const KEPT: &str = "kept";
pub(super) const FOLDER: &str = "undo";
/// Most that are kept; the oldest go first.
const MOST: usize = 200;
/// Longest sentence about one of them, in characters.
const LONGEST: usize = 1_024;
/// Largest file that is read, in bytes: a ConfigMap holds at most a mebibyte.
const LARGEST: u64 = 4 << 20;

/// By intent, what was kept for it, latest last.
pub(super) type Hashes = BTreeMap<u64, Vec<String>>;

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

    /// What is kept for the intent. The error is a sentence: what lies there is not what the journal says was kept.
    pub fn kept_for(&self, intent: Seq) -> Result<Option<Value>, Text> {
        let path = self.kept_path(intent);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let hashes = self.hashes().and_then(|mut hashes| hashes.remove(&intent.0)).unwrap_or_default();
        match hashes.last().and_then(|hash| vouched(&path, hash)) {
            Some(kept) => Ok(Some(kept)),
            None if is_vouched(&path, &hashes) => Ok(None),
            None => Err(Text::bounded(&altered(&path, intent.0, !hashes.is_empty()), LONGEST)),
        }
    }

    /// Everything that is kept, oldest first. What cannot be read, or was altered, is left out.
    pub fn kept(&self) -> Vec<(Seq, Value)> {
        let Some(hashes) = self.hashes() else { return Vec::new() };
        let one = |number| Some((Seq(number), vouched(&self.kept_path(Seq(number)), hashes.get(&number)?.last()?)?));
        self.kept_numbers().into_iter().filter_map(one).collect()
    }

    /// What lies where things are kept and is not what was kept, in sentences, oldest first.
    pub fn altered(&self) -> Vec<Text> {
        let numbers = self.kept_numbers();
        let hashes = if numbers.is_empty() { None } else { self.hashes() }.unwrap_or_default();
        let is_whole = |number: &u64| hashes.get(number).is_some_and(|hashes| is_vouched(&self.kept_path(Seq(*number)), hashes));
        let others = numbers.into_iter().filter(|number| !is_whole(number));
        others.map(|number| Text::bounded(&altered(&self.kept_path(Seq(number)), number, hashes.contains_key(&number)), LONGEST)).collect()
    }

    fn kept_numbers(&self) -> Vec<u64> {
        numbers_in(&self.directory)
    }

    /// By intent, the hashes that this cluster's journal has, latest last.
    fn hashes(&self) -> Option<Hashes> {
        let file = files::open_own(&self.path(), files::To::Read).ok()?;
        let mut hashes = Hashes::new();
        for_each_late_line(file, |bytes| {
            // Most lines are something else: they are not worth a parse.
            if contains(bytes, b"\"kind\":\"kept\"")
                && let Ok(intact) = line::check(bytes.strip_suffix(b"\n").unwrap_or(bytes))
                && intact.record.get("cluster").and_then(Value::as_str) == Some(self.cluster.as_str())
                && let Some((intent, hash)) = hash_in(&intact)
            {
                hashes.entry(intent).or_default().push(hash.to_owned());
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
        path_in(&self.directory, intent.0)
    }
}

/// Where what takes this intent back is kept, beside the journal in this directory.
pub(super) fn path_in(directory: &Path, intent: u64) -> PathBuf {
    directory.join(FOLDER).join(format!("{intent}.json"))
}

/// The intent and the hash of what is kept for it, of such a record.
pub(super) fn hash_in(line: &line::Line) -> Option<(u64, &str)> {
    let field = |name: &str| line.record.get(name).filter(|_| line.kind == KEPT);
    Some((field("intent")?.as_u64()?, field("kept_sha256")?.as_str()?))
}

/// What is said of a file that is not what the journal says was kept, and what to do. `is_known`: the journal has a record of what was kept
/// for this intent.
pub(super) fn altered(path: &Path, intent: u64, is_known: bool) -> String {
    if !is_known {
        return format!(
            "{} does not match the journal, which has no record that anything was kept for mitigation {intent}; nothing is taken back by it. \
             Move it away, and keep it for whoever asks what happened here",
            path.display()
        );
    }
    let why = match read_own(path) {
        Ok(_) => "does not match the journal: it was altered, or another file was put in its place".to_owned(),
        Err(why) => format!("cannot be trusted: {why}"),
    };
    format!(
        "{} {why}; nothing is taken back by it. \
         Keep it for whoever asks what happened here, and take mitigation {intent} back by hand: its record in the journal says what was written",
        path.display()
    )
}

/// Whether it is one of what was kept for its intent. A crash in the middle leaves the one before the last, which takes nothing back.
pub(super) fn is_vouched(path: &Path, hashes: &[String]) -> bool {
    hashes.iter().any(|hash| vouched(path, hash).is_some())
}

/// What a file beside the journal holds, if it is ours and what the journal has this hash of.
pub(super) fn vouched(path: &Path, hash: &str) -> Option<Value> {
    let bytes = read_own(path).ok()?;
    (line::sha256(&bytes) == hash).then(|| serde_json::from_slice(&bytes).ok()).flatten()
}

/// The bytes of a file beside the journal that is ours alone.
fn read_own(path: &Path) -> std::io::Result<Vec<u8>> {
    if let Some(folder) = path.parent() {
        files::is_own_folder(folder)?;
    }
    files::up_to(files::open_own(path, files::To::Read)?, LARGEST)
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
        assert_eq!((open().kept().len(), open().kept_for(Seq(7))), (MOST, Ok(None)));
        open().forget(Seq(8));
        assert_eq!(open().kept_for(Seq(8)), Ok(None));
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
            let why = journal.kept_for(Seq(7)).unwrap_err();
            assert!(why.contains("undo/7.json does not match the journal") && why.contains("take mitigation 7 back by hand"), "{why}");
            assert_eq!((journal.kept().len(), journal.altered()), (1, vec![why]));
        }
        fs::write(at("7.json"), whole).unwrap();
        assert_eq!((journal.kept().len(), journal.altered()), (2, Vec::new()));
        let before = fs::read(at("8.json")).unwrap();
        journal.keep(Seq(8), &json!({"done": true})).unwrap();
        fs::write(at("8.json"), before).unwrap();
        assert_eq!((journal.kept_for(Seq(8)), journal.altered()), (Ok(None), Vec::new()), "as a crash in the middle of it leaves it");
        fs::copy(at("7.json"), at("9.json")).unwrap();
        let stray = journal.kept_for(Seq(9)).unwrap_err();
        assert!(stray.contains("undo/9.json does not match") && stray.contains("no record") && !stray.contains("by hand"), "{stray}");
        fs::hard_link(at("7.json"), state.path().join("other")).unwrap();
        let why = journal.kept_for(Seq(7)).unwrap_err();
        assert!(why.contains("undo/7.json cannot be trusted: it has 2 names") && !why.contains("altered"), "{why}");
    }
}
