//! A frozen plan in a file. It holds the ask and what was planned from it, bodies as hashes: it is planned anew when it is
//! applied, and refused unless that gives the very same writes on the very same objects, told in the same words. Its hash shows damage;
//! whether it was altered, only the journal of the machine on which it was saved can tell.

use std::{io::Write as _, path::Path};

use serde_json::{Value, json};

use super::compare;
use crate::{
    actions::kinds,
    commands::Exit,
    domain::{
        ask::Wish,
        mitigation::{Basis, Plan, SilenceChange, SilenceWrite, Write},
        text::Text,
    },
    files,
    journal::{SavedPlan, saved_plan, sha256},
};

const VERSION: u64 = 4;
const MEMBERS: [&str; 3] = ["sev1_plan", "sha256", "plan"];
/// Largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// A plan as it was saved.
#[derive(Debug)]
pub struct Frozen {
    plan: Value,
}

/// Why a file is no plan, and the exit code for it.
#[derive(Debug)]
pub struct Refusal {
    pub exit: Exit,
    pub says: Text,
}

/// Writes it for its owner alone. Overwrites nothing.
pub fn save(path: &Path, plan: &Plan) -> Result<(), String> {
    let plan = frozen(plan);
    let document = json!({ "sev1_plan": VERSION, "sha256": hash(&plan), "plan": plan });
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())? + "\n";
    let written = files::create_private(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let written = written.map_err(files::plain);
    written.map_err(|error| format!("the plan cannot be saved as {}: {error}", path.display()))
}

pub fn load(path: &Path) -> Result<Frozen, Refusal> {
    let unreadable = |why: &str| Refusal {
        exit: Exit::USAGE,
        says: Text::line(&format!("{} is no plan of sev1: {why}; --plan takes a file that --plan-out wrote", path.display())),
    };
    let bytes = files::read(path, LARGEST).map_err(|error| unreadable(&error.to_string()))?;
    if bytes.is_empty() {
        return Err(unreadable("it is empty"));
    }
    let document: Value = serde_json::from_slice(&bytes).map_err(|error| unreadable(&format!("it is not JSON from line {} on", error.line())))?;
    if document.get("sev1_plan").and_then(Value::as_u64) != Some(VERSION) {
        return Err(unreadable("its form is not known to this version"));
    }
    if let Some(name) = document.as_object().into_iter().flat_map(|members| members.keys()).find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(unreadable(&format!("it has a member {name:?} that no saved plan has")));
    }
    let plan = document.get("plan").cloned().unwrap_or_default();
    if document.get("sha256").and_then(Value::as_str) != Some(&hash(&plan)) {
        let says = Text::line(&format!("{} was altered since it was saved: its hash does not match; plan again", path.display()));
        return Err(Refusal { exit: Exit::FAILED, says });
    }
    Ok(Frozen { plan })
}

impl Frozen {
    fn text(&self, pointer: &str) -> &str {
        self.plan.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// What the journal in `directory` has of it, where it was saved on this machine.
    pub fn known(&self, directory: &Path) -> Option<SavedPlan> {
        saved_plan(directory, self.text("/cluster/uid"), &hash(&self.plan))
    }

    /// Uid of the cluster that it says it is for.
    pub fn cluster(&self) -> &str {
        self.text("/cluster/uid")
    }

    /// Whether it gives a reason, which may be anybody's.
    pub fn has_reason(&self) -> bool {
        !self.text("/reason").is_empty()
    }

    /// Whether its words stand there without a value that is not to be shown.
    pub fn is_hidden(&self) -> bool {
        self.plan.get("hidden") == Some(&Value::Bool(true))
    }

    /// What was asked for; `hidden` are the words that the file does not show.
    pub fn wish(&self, hidden: Option<&[String]>) -> Result<Wish, Text> {
        let name = self.text("/kind");
        let kind = kinds::find(name).ok_or_else(|| Text::line(&format!("this version knows no mitigation {name:?}")))?;
        let shown: Vec<&str> = self.plan.get("words").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let words = hidden.map_or(shown, |words| words.iter().map(String::as_str).collect());
        kind.entry.ask(self.text("/namespace"), &words)
    }

    /// Why a plan made now is not this one. `is_known`: it is what was saved here, so that its sentences were true then.
    pub fn differs(&self, plan: &Plan, is_known: bool) -> Option<String> {
        compare::differs(&self.plan, &frozen(plan), is_known)
    }
}

fn frozen(plan: &Plan) -> Value {
    let targets: Vec<_> = plan
        .targets
        .iter()
        .map(|Basis { object, version, wanted }| {
            json!({ "object": object.path(), "name": object.to_string(), "uid": object.uid, "resource_version": version, "wanted_sha256": wanted })
        })
        .collect();
    let writes: Vec<_> = plan
        .writes
        .iter()
        .map(|write| match write {
            Write::Object(write) => json!({
                "method": write.method, "path": write.path, "content": write.content,
                "body_sha256": sha256(write.body.to_string().as_bytes()),
            }),
            Write::Command(run) => json!({ "pod": run.pod.path(), "container": run.container, "argv": run.argv }),
            // When it begins is the moment it is sent.
            Write::Silence(SilenceWrite { server, change: SilenceChange::Create(silence) }) => json!({
                "server": server, "mark": silence.mark, "ends_at": silence.ends_at.to_rfc3339(), "created_by": silence.created_by,
                "matchers": silence.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }),
            Write::Silence(SilenceWrite { server, change: SilenceChange::Expire { id, updated_at } }) => {
                json!({ "server": server, "id": id, "updated_at": updated_at })
            }
        })
        .collect();
    json!({
        "kind": plan.kind,
        "namespace": plan.wish.namespace(),
        "words": plan.wish.shown_words(),
        "hidden": plan.wish.shown_words() != plan.wish.words(),
        "cluster": plan.cluster,
        "title": plan.title,
        "what": plan.what,
        "kubectl": plan.kubectl,
        "undo": plan.undo,
        "level": plan.level,
        "reason": plan.reason,
        "targets": targets,
        "writes": writes,
    })
}

/// The hash by which the journal knows the plan.
pub fn hash_of(plan: &Plan) -> String {
    hash(&frozen(plan))
}

fn hash(plan: &Value) -> String {
    sha256(plan.to_string().as_bytes())
}
