//! What other runs wrote down that matters here: about ladders, notes, and mitigations.

use std::path::Path;

use serde_json::Value;

use super::{FILE_NAME, Journal, JournalError, intents::contains, line, tail};
use crate::{
    domain::{
        escalation::{RECALLED_KINDS, Recalled},
        recorded::{RECORDED_KINDS, Recorded, gather},
    },
    files,
};

/// How much of the file's end is read: thousands of such records, and weeks where nobody runs drains every hour.
const READ: u64 = 4 * 1024 * 1024;

/// What other runs on this cluster wrote down, in the order they did.
#[derive(Debug, Default)]
pub struct Recall {
    /// About ladders, and notes.
    pub told: Vec<Recalled>,
    pub mitigations: Vec<Recorded>,
}

impl Journal {
    /// What this run wrote is left out, but for its verdicts: it may have judged what an earlier one did. Lines that are damaged, of another
    /// cluster, or say something else are passed over. Nothing is locked: a line that is being written is not there yet.
    pub fn recall(&self) -> Result<Recall, JournalError> {
        let mut records = last_records(&self.directory.join(FILE_NAME))?;
        records.retain(|record| self.is_here(record) && (!self.is_own(record) || record["kind"] == "verdict"));
        Ok(Recall { told: records.iter().filter_map(Recalled::read).collect(), mitigations: gather(&records) })
    }

    fn is_here(&self, record: &Value) -> bool {
        record.get("cluster").and_then(Value::as_str) == Some(self.cluster.as_str())
    }

    fn is_own(&self, record: &Value) -> bool {
        record.get("run").and_then(Value::as_str) == Some(self.run())
    }
}

fn last_records(path: &Path) -> Result<Vec<Value>, JournalError> {
    let mut file = match files::open_own(path, files::To::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::io("read", path)(error)),
    };
    let bytes = tail::last_lines(&mut file, READ).map_err(JournalError::io("read", path))?;
    // Most lines are something else: they are not worth a parse.
    let kinds: Vec<String> = RECALLED_KINDS.iter().chain(&RECORDED_KINDS).map(|kind| format!("\"kind\":\"{kind}\"")).collect();
    let may_matter = |bytes: &&[u8]| kinds.iter().any(|kind| contains(bytes, kind.as_bytes()));
    let lines = bytes.split(|&byte| byte == b'\n').filter(may_matter);
    Ok(lines.filter_map(|bytes| line::check(bytes).ok()).map(|intact| intact.record).collect())
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write as _, sync::Arc};

    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::journal::{Seq, tests::Still};

    fn journal(directory: &Path, cluster: &str) -> Journal {
        Journal::new(directory.join("c"), cluster.into(), "oncall@gov".into(), Arc::new(Still))
    }

    fn note(text: &str) -> Value {
        Recalled::note(DateTime::UNIX_EPOCH, &"oncall@gov".into(), &text.into())
    }

    fn recalled(journal: &Journal) -> Vec<String> {
        let texts = journal.recall().unwrap().told.into_iter().map(|recalled| match recalled {
            Recalled::Note { text, .. } => text.to_string(),
            Recalled::Alert(past) => format!("{:?}", past.event),
        });
        texts.collect()
    }

    #[test]
    fn notes_of_earlier_runs_on_this_cluster_are_read_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let this = journal(directory.path(), "uid-1");
        assert_eq!(recalled(&this), [""; 0], "there is no file yet");
        let earlier = journal(directory.path(), "uid-1");
        earlier.append("note", &note("first")).unwrap();
        earlier.append("intent", &json!({ "title": "\"kind\":\"note\"" })).unwrap();
        journal(directory.path(), "uid-2").append("note", &note("of another cluster")).unwrap();
        this.append("note", &note("of this run")).unwrap();
        earlier.append("note", &note("second")).unwrap();
        assert_eq!(recalled(&this), ["first", "second"]);
    }

    #[test]
    fn mitigations_of_other_runs_are_heard_and_what_this_one_says_of_them() {
        let directory = tempfile::tempdir().unwrap();
        let (this, earlier) = (journal(directory.path(), "uid-1"), journal(directory.path(), "uid-1"));
        let intent = |title: &str| json!({ "id": 1, "mitigation": "scale", "title": title, "writes": [] });
        let Seq(of_earlier) = earlier.append("intent", &intent("Scale · cart")).unwrap();
        earlier.append("outcome", &json!({ "intent": of_earlier, "state": "done" })).unwrap();
        this.append("intent", &intent("of this run")).unwrap();
        journal(directory.path(), "uid-2").append("intent", &intent("of another cluster")).unwrap();
        this.append("verdict", &json!({ "mitigation": 9, "intent": of_earlier, "sentence": "helped: x" })).unwrap();
        let heard = this.recall().unwrap().mitigations;
        assert_eq!(heard.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), ["Scale · cart"]);
        assert!(heard[0].ended.is_some());
        assert_eq!(heard[0].verdict.as_ref().map(|judged| judged.sentence.as_str()), Some("helped: x"));
    }

    #[test]
    fn damaged_and_forged_lines_are_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let (this, earlier) = (journal(directory.path(), "uid-1"), journal(directory.path(), "uid-1"));
        earlier.append("note", &note("whole")).unwrap();
        let mut file = File::options().append(true).open(earlier.path()).unwrap();
        file.write_all(b"{\"kind\":\"note\",\"cluster\":\"uid-1\",\"text\":\"forged\"}\n\xff\xfe\"kind\":\"note\"\n").unwrap();
        file.write_all(format!("\"kind\":\"note\"{}", "x".repeat(line::MAX_LINE)).as_bytes()).unwrap();
        assert_eq!(recalled(&this), ["whole"]);
    }

    #[test]
    fn only_the_end_of_a_long_journal_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let (this, earlier) = (journal(directory.path(), "uid-1"), journal(directory.path(), "uid-1"));
        earlier.append("note", &note("long ago")).unwrap();
        let padding = "x".repeat(200 * 1024);
        for _ in 0..=READ / (200 * 1024) {
            earlier.append("planned", &json!({ "what": padding })).unwrap();
        }
        earlier.append("note", &note("just so")).unwrap();
        assert_eq!(recalled(&this), ["just so"]);
    }
}
