//! Taking back a finished mitigation, of this run or an earlier one: a plan of its own, refused when the object moved on.
//!
//! Kept for each is an ask, in words, and hashes of what was written: enough for another process, and no pod template.
//! Templates are where they always are, in the cluster's own revisions.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    domain::{
        ask::{Finished, Undoable, Wish},
        mitigation::{MitigationId, Plan, Undoes, Write},
        object::ObjectRef,
        text::Text,
    },
    journal::{Journal, Seq},
};

use super::{draft::Draft, engine::Core, kinds, write};

/// Form of the kept files.
const VERSION: u64 = 1;

/// What a plan that is about to be sent needs to be taken back; none where nothing does.
pub fn kept(plan: &Plan, reason: &Text, time: &str) -> Option<Value> {
    let inverse = plan.inverse.as_ref()?;
    // Pods that are gone come back by their controllers, or not at all: what takes a plan back is about the rest.
    let taken_back = plan.writes.iter().filter(|write| !write.removes());
    let writes: Vec<_> = taken_back.map(|write| write::kept(write, None)).collect();
    Some(json!({
        "version": VERSION,
        "done": false,
        "title": plan.title,
        "reason": reason,
        "time": time,
        "by": plan.cluster.user,
        "undoes": plan.undoes.map(|undoes| undoes.recorded),
        "kind": inverse.kind(),
        "namespace": inverse.namespace(),
        "words": inverse.words(),
        "writes": writes,
    }))
}

/// What happens to what is kept of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What it takes back was done.
    Offered,
    /// That is not known.
    Open,
    /// It was not done.
    Forgotten,
}

/// Settles what is kept of an intent. `stored` is the object as the last change of its fields left it.
pub fn settle(journal: &Journal, intent: Seq, kept: Kept, stored: Option<(&Write, &Value)>) {
    match kept {
        Kept::Offered => {
            let Ok(Some(mut kept)) = journal.kept_for(intent) else { return };
            let Some(members) = kept.as_object_mut() else { return };
            members.insert("done".into(), true.into());
            if let Some((write, answer)) = stored
                && let Some([one]) = kept.get_mut("writes").and_then(Value::as_array_mut).map(Vec::as_mut_slice)
            {
                *one = write::kept(write, Some(answer));
            }
            // What could not be written stays as not done, and is not offered.
            let _ = journal.keep(intent, &kept);
        }
        Kept::Open => {}
        Kept::Forgotten => journal.forget(intent),
    }
}

/// Everything that can be taken back, latest first.
pub fn list(journal: &Journal) -> Vec<Undoable> {
    let mut all: Vec<_> = journal.kept().iter().filter_map(|(seq, kept)| undoable(*seq, kept)).collect();
    all.reverse();
    all
}

fn undoable(seq: Seq, kept: &Value) -> Option<Undoable> {
    let text = |name: &str| Text::line(kept.get(name).and_then(Value::as_str).unwrap_or_default());
    if kept.get("done") != Some(&Value::Bool(true)) || kept.get("version").and_then(Value::as_u64) != Some(VERSION) {
        return None;
    }
    let words = words(kept);
    // The value of a key is nobody's business in a list.
    let shown: Vec<_> = words.iter().map(|word| word.split_once('=').map_or(word.as_str(), |(name, _)| name)).collect();
    let shows_values = text("kind").as_str() != "set-config-key";
    let shown = if shows_values { words.join(" ") } else { shown.join(" ") };
    let undo = Text::line(&format!("{} {shown}", text("kind")));
    let is_undo = kept.get("undoes").is_some_and(Value::is_u64);
    Some(Undoable { id: seq.0, title: text("title"), time: text("time"), by: text("by"), undo, is_undo })
}

fn words(kept: &Value) -> Vec<String> {
    let words = kept.get("words").and_then(Value::as_array);
    words.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub async fn draft(core: &Arc<Core>, id: MitigationId, of: Finished) -> Result<(Draft, Undoes), Text> {
    let recorded = match of {
        Finished::Recorded(seq) => Some(seq),
        Finished::Here(of) => core.intent_of(of),
    };
    let Some(seq) = recorded else { return Err("nothing to undo: that mitigation was not done in this session".into()) };
    let Some(kept) = core.kept(Seq(seq)).await? else {
        return Err(Text::line(&format!("nothing to undo: nothing is kept that takes back mitigation {seq}; it was undone, or cannot be")));
    };
    if kept.get("done") != Some(&Value::Bool(true)) {
        return Err(Text::line(&format!("the outcome of mitigation {seq} is not known: there is nothing to undo until it is")));
    }
    for part in kept.get("writes").and_then(Value::as_array).into_iter().flatten() {
        write::unmoved(core, part).await?;
    }
    let wish = inverse(&kept)?;
    let mut draft = kinds::draft(core, id, &wish).await?;
    if let Some(other) = draft.writes.iter().find_map(|write| elsewhere(write, &kept)) {
        return Err(Text::line(&format!("what is kept of mitigation {seq} would change {other}, which that mitigation did not: nothing is undone")));
    }
    draft.title = Text::line(&title(kept.get("title").and_then(Value::as_str).unwrap_or_default()));
    Ok((draft, Undoes { recorded: seq, here: core.session_id(seq) }))
}

/// What a write is about, where that is an object and none of those that were written.
fn elsewhere(write: &Write, kept: &Value) -> Option<ObjectRef> {
    // A command is run in any pod of its kind.
    let Write::Object(write) = write else { return None };
    let mut written = kept.get("writes").and_then(Value::as_array).into_iter().flatten().filter_map(|part| part.get("target"));
    let subject = json!(write.target.subject());
    let is_written = written.any(|target| ["kind", "key"].iter().all(|part| target.get(part) == subject.get(part)));
    (!is_written).then(|| write.target.clone())
}

/// The ask that takes it back.
fn inverse(kept: &Value) -> Result<Wish, Text> {
    let text = |name: &str| kept.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = kinds::find(text("kind")).ok_or_else(|| Text::line(&format!("this version knows no mitigation {:?}", text("kind"))))?;
    let words = words(kept);
    kind.entry.ask(text("namespace"), &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// How what is taken back is brought forth again, in words for the card: `U` only goes further back. `words` say it as of `U`.
pub fn of_taking_back(title: &str, words: &Text) -> Text {
    Text::line(&match words.strip_prefix("U ") {
        Some(does) => format!("“{title}” in the list of :undo {does}; U only goes further back"),
        None => format!("{words}; by “{title}” in the list of :undo, as U only goes further back"),
    })
}

/// What takes an undo back is a redo, and no undo of an undo of an undo.
fn title(of: &str) -> String {
    match of.strip_prefix("Undo: ") {
        Some(original) => format!("Redo: {original}"),
        None => format!("Undo: {}", of.strip_prefix("Redo: ").unwrap_or(of)),
    }
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn back_and_forth_is_undo_and_redo() {
        assert_eq!(title("Scale · gw"), "Undo: Scale · gw");
        assert_eq!(title("Undo: Scale · gw"), "Redo: Scale · gw");
        assert_eq!(title("Redo: Scale · gw"), "Undo: Scale · gw");
    }
}
