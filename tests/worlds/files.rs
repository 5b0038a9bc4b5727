//! Files that sev1 wrote: a saved plan that somebody alters, a journal that is another machine's.

use serde_json::{Value, json};
use sev1::journal::sha256;

use super::play::Play;

impl Play {
    /// Alters a field of a saved plan, and its hash with it, as whoever has the file can.
    pub fn forge(&self, file: &str, field: &str, value: &str) {
        let path = self.world.folder().join(file);
        let mut document: Value = serde_json::from_slice(&std::fs::read(&path).expect("a plan")).expect("JSON");
        let field = document["plan"].get_mut(field).unwrap_or_else(|| panic!("the plan has no {field}"));
        *field = if field.is_array() { json!([value]) } else { json!(value) };
        document["sha256"] = sha256(document["plan"].to_string().as_bytes()).into();
        std::fs::write(path, document.to_string()).expect("the plan is written");
    }

    pub fn lose_journal(&self) {
        std::fs::remove_dir_all(self.home().join(".local/state/sev1")).expect("a journal");
    }

    /// `journal`: that of what was done without a screen.
    pub fn file_without(&self, file: &str, text: &str) {
        let said = match file {
            "the journal" => super::session::Session::journal_in(&self.home().join(".local/state/sev1")).iter().map(Value::to_string).collect(),
            file => std::fs::read_to_string(self.world.folder().join(file)).expect("a file"),
        };
        assert!(!said.contains(text), "{text:?} is in {file}:\n{said}");
    }
}
