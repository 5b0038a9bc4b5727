//! Running a command of the list that writes, in one container. Those that only read are run without a card.
//!
//! What it would do is shown by a reading entry with the same values (`shows_first`), which is run while the plan is made. It
//! is sent once; if the connection is lost, what it did cannot be read, and that is said.

use std::sync::Arc;

use super::Mitigation;
use crate::{
    actions::{
        commands::{self, entry, place},
        draft::{Draft, Undo},
        engine::Core,
        kubectl,
    },
    domain::{
        ask::{Wish, Words, is_name},
        asks::Run,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, DiffLine, DiffSign, MitigationId, Write},
        text::Text,
        units,
    },
};

/// Lines of what is shown first.
const SHOWN: usize = 60;

static SPEC: Spec = Spec {
    name: Run::NAME,
    key: 'x',
    summary: "run a command of the configured list in a container",
    on: &[],
    takes_several: false,
    parameters: &[
        Parameter { name: "ENTRY", about: "its name under [commands] in the configuration", presence: Presence::Required },
        Parameter { name: "FIELD=VALUE", about: "a value for each of its fields that has no default", presence: Presence::Optional },
        Parameter { name: "pod/NAME", about: "in this pod; without it in a ready one that fits its selector", presence: Presence::Optional },
    ],
    level: Level::Narrow,
    more: "one that writes is disruptive; one that only reads is run at once, without a card",
    rights: &[
        Right::on("get", "", "pods"),
        Right::on("list", "", "pods"),
        Right::below("get", "", "pods", "exec"),
        Right::below("create", "", "pods", "exec"),
    ],
    undo: "nothing: what a command did is not known to sev1",
};

impl Mitigation for Run {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let entry = words.required()?.to_owned();
        let mut run = Self { entry, values: Vec::new(), namespace: words.namespace().into(), pod: None };
        while let Some(word) = words.optional() {
            match (word.strip_prefix("pod/"), word.split_once('=')) {
                (Some(name), _) if is_name(name) => run.pod = Some(name.into()),
                (None, Some((name, value))) => run.values.push((name.to_owned(), value.to_owned())),
                _ => return Err(words.wrong(&format!("takes FIELD=VALUE and pod/NAME, not {word:?}"))),
            }
        }
        Ok(run)
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let entry = entry(core, &self.entry)?;
        if !entry.writes() {
            return Err(Text::line(&format!("{} only reads: it is run at once, without a card", entry.name)));
        }
        let (run, pod) = place(core, entry, self).await?;
        let again = Self { namespace: run.pod.key.namespace.clone(), pod: Some(run.pod.key.name.clone()), ..self.clone() };
        let mut draft = Draft::about(id, Wish::new(again), &format!("Run {}", entry.name), (&run.pod, &pod));
        draft.level = Level::Disruptive;
        draft.what = vec![
            Text::line(&format!("{} in {}, container {}", entry.summary, run.pod, run.container)),
            Text::line(&format!("for {} at most; what it writes is shown and kept as a hash", units::spoken(run.time_limit))),
        ];
        draft.kubectl = kubectl::exec(&run, &core.kubectl);
        draft.undo = Undo::Nothing("nothing takes back what a command did".into());
        if let Some(first) = &entry.shows_first {
            let fields = core.mitigations.commands.iter().find(|entry| entry.name == *first).map(|entry| entry.fields.as_slice()).unwrap_or_default();
            let values = self.values.iter().filter(|(name, _)| fields.iter().any(|field| field.name == *name)).cloned().collect();
            let twin = Self { entry: first.clone(), values, namespace: run.pod.key.namespace.clone(), pod: Some(run.pod.key.name.clone()) };
            let verdict = match commands::read(core, &twin).await {
                Ok(output) => {
                    let lines = output.lines.iter().take(SHOWN).map(|line| DiffLine { sign: DiffSign::Context, text: line.clone() });
                    draft.diff = lines.collect();
                    // The last line counts what was found.
                    let last =
                        output.lines.iter().rev().find(|line| !line.trim().is_empty()).map_or_else(String::new, |line| format!(": {}", line.trim()));
                    let words = format!("{first} shows what it is about by now{last}");
                    if output.is_success {
                        CheckResult::Pass(Text::line(&words))
                    } else {
                        CheckResult::Warn(Text::line(&format!("{first} failed: {}", output.summary)))
                    }
                }
                Err(why) => CheckResult::Warn(Text::line(&format!("what it is about could not be shown: {why}"))),
            };
            draft.check(CheckKind::Effect, async { verdict });
        }
        draft.writes = vec![Write::Command(run)];
        Ok(draft)
    }
}
