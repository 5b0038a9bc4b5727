//! Which plans were saved on this machine: a plan in a file says by whom and why it was made, and whoever has the file can alter that.
//! The journal has the hash of each saved plan and its reason. Words that the file must not show, as a ConfigMap's secret value, are beside
//! the journal in `plans/<hash of the plan>.json`, readable by their owner alone; the journal has the hash of that file too.

use std::{fs, io::Write as _, path::Path, time::SystemTime};

use serde_json::{Value, json};

use super::{FILE_NAME, Journal, JournalError, intents::contains, kept::vouched, line, sync_directory, verify::for_each_late_line};
use crate::{domain::text::Text, files};

/// Kind of the record of a saved plan.
const SAVED: &str = "plan_saved";
pub(super) const FOLDER: &str = "plans";
/// Most files of hidden words that are kept; the oldest go first.
const MOST: usize = 200;

/// A plan that was saved here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlan {
    /// When, and by whom, as the record says.
    pub time: Text,
    pub by: Text,
    pub reason: Text,
    /// The words of its ask that its file does not show.
    pub hidden_words: Option<Vec<String>>,
}

impl Journal {
    /// Records that the plan of this hash is saved, and returns once that is on the disk.
    pub fn plan_saved(&self, sha256: &str, title: &Text, reason: &Text, hidden_words: Option<&[String]>) -> Result<(), JournalError> {
        let mut record = json!({ "plan_sha256": sha256, "title": title, "reason": reason });
        if let Some(words) = hidden_words {
            let text = json!({ "words": words }).to_string();
            record["words_sha256"] = line::sha256(text.as_bytes()).into();
            self.keep_words(sha256, &text)?;
        }
        self.append(SAVED, &record).map(drop)
    }

    fn keep_words(&self, sha256: &str, text: &str) -> Result<(), JournalError> {
        let directory = self.directory.join(FOLDER);
        files::own_folder(&directory).map_err(JournalError::io("create the directory", &directory))?;
        let path = directory.join(format!("{sha256}.json"));
        // The same plan saved once more.
        let _ = fs::remove_file(&path);
        let written = files::create_private(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(JournalError::io("write", &path))?;
        forget_oldest(&directory);
        sync_directory(&directory)
    }
}

fn forget_oldest(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut all: Vec<_> =
        entries.map(|entry| (entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH), entry)).collect();
    all.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
    for (_, old) in all.iter().skip(MOST) {
        // One that stays behind is only bytes on the disk.
        let _ = fs::remove_file(old.path());
    }
}

/// What the journal in `directory` has of a plan of this cluster; none: it was not saved here.
pub fn saved_plan(directory: &Path, cluster: &str, sha256: &str) -> Option<SavedPlan> {
    let file = files::open_own(&directory.join(FILE_NAME), files::To::Read).ok()?;
    let mut found = None;
    for_each_late_line(file, |bytes| {
        // Most lines are something else: they are not worth a parse.
        if contains(bytes, b"\"kind\":\"plan_saved\"")
            && let Ok(intact) = line::check(bytes.strip_suffix(b"\n").unwrap_or(bytes))
            && intact.kind == SAVED
            && field(&intact.record, "cluster") == Some(cluster)
            && field(&intact.record, "plan_sha256") == Some(sha256)
        {
            found = Some(intact.record);
        }
    })
    .ok()?;
    let record = found?;
    let text = |name: &str| Text::line(field(&record, name).unwrap_or_default());
    let hidden_words = field(&record, "words_sha256").and_then(|hash| hidden_words(directory, sha256, hash));
    Some(SavedPlan { time: text("time"), by: text("actor"), reason: text("reason"), hidden_words })
}

fn field<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record.get(name).and_then(Value::as_str)
}

fn hidden_words(directory: &Path, plan: &str, hash: &str) -> Option<Vec<String>> {
    let kept = vouched(&directory.join(FOLDER).join(format!("{plan}.json")), hash)?;
    kept.get("words")?.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, sync::Arc};

    use super::*;
    use crate::journal::tests::Still;

    #[test]
    fn a_saved_plan_is_known_by_its_hash_on_its_cluster_with_its_reason() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("c");
        let journal = Journal::new(directory.clone(), "uid".into(), "me".into(), Arc::new(Still));
        assert_eq!(saved_plan(&directory, "uid", "abc"), None, "there is no journal yet");
        journal.plan_saved("abc", &"Scale".into(), &"backlog".into(), None).unwrap();
        let known = saved_plan(&directory, "uid", "abc").unwrap();
        assert_eq!((&*known.reason, &*known.by, known.hidden_words), ("backlog", "me", None));
        assert_eq!(saved_plan(&directory, "uid", "abd"), None);
        assert_eq!(saved_plan(&directory, "other", "abc"), None);
    }

    #[test]
    fn hidden_words_are_private_and_only_as_they_were_kept() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("c");
        let journal = Journal::new(directory.clone(), "uid".into(), "me".into(), Arc::new(Still));
        let words = ["configmap/app".to_owned(), "db_password=hunter2".to_owned()];
        journal.plan_saved("abc", &"Set".into(), &Text::default(), Some(&words)).unwrap();
        let path = directory.join("plans/abc.json");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(saved_plan(&directory, "uid", "abc").unwrap().hidden_words.as_deref(), Some(&words[..]));
        assert!(!fs::read_to_string(journal.path()).unwrap().contains("hunter2"));
        fs::write(&path, r#"{"words":["configmap/app","db_password=forged"]}"#).unwrap();
        assert_eq!(saved_plan(&directory, "uid", "abc").unwrap().hidden_words, None);
    }
}
