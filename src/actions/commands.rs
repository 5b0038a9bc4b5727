//! Commands of the list: where one is run, and the running of those that only read.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{checks, engine::Core, pods, record};
use crate::{
    connect::{End, ExecError, Ran},
    domain::{
        ask::is_name,
        asks::Run,
        command::CommandEntry,
        mitigation::{CheckResult, CommandOutput, CommandRun},
        object::{Key, Kind, ObjectRef},
        text::Text,
    },
    journal::sha256,
};

/// Lines of output that are shown.
const MOST_LINES: usize = 5_000;
const LONGEST_LINE: usize = 4_096;

/// The entry that is meant.
pub fn entry<'a>(core: &'a Core, name: &str) -> Result<&'a CommandEntry, Text> {
    let all = &core.mitigations.commands;
    all.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|entry| entry.name.as_str()).collect();
        Text::line(&if known.is_empty() {
            "no command is configured: sev1 config init writes examples of [commands.NAME]".to_owned()
        } else {
            format!("{name:?} is no command of the list: {}", known.join(", "))
        })
    })
}

/// Where exactly it is run: the pod that is named, or one that fits and is ready.
pub async fn place(core: &Core, entry: &CommandEntry, ask: &Run) -> Result<(CommandRun, Value), Text> {
    let argv = entry.argv_with(&ask.values).map_err(|why| Text::line(&why))?;
    let namespace = entry.namespace.as_deref().unwrap_or(&ask.namespace);
    if !is_name(namespace) {
        return Err(Text::line(&format!("{} names no namespace: give one by -n, or in its entry", entry.name)));
    }
    let path = Kind::Pod.collection_path(Some(namespace));
    let (found, _) = core.api.list(&path, &entry.selector).await.map_err(|error| Text::line(&format!("the pods could not be read: {error}")))?;
    let is_meant = |pod: &&Value| ask.pod.as_ref().is_none_or(|name| pods::name(pod) == name.as_str());
    let mut fitting: Vec<&Value> = found.iter().filter(is_meant).filter(|pod| is_running(pod, entry.container.as_deref())).collect();
    fitting.sort_by_key(|pod| (!pods::is_ready(pod), pods::name(pod).to_owned()));
    let Some(pod) = fitting.first() else {
        let named = ask.pod.as_ref().map_or_else(String::new, |name| format!(" called {name}"));
        return Err(Text::line(&format!("{} has nowhere to run: no running pod{named} with {} in {namespace}", entry.name, entry.selector)));
    };
    let container = entry.container.clone().or_else(|| Some(pod.pointer("/spec/containers/0/name")?.as_str()?.to_owned()));
    let pod_ref = ObjectRef { kind: Kind::Pod, key: Key::new(namespace, pods::name(pod)), uid: Text::line(pods::uid(pod)) };
    let run = CommandRun {
        entry: Text::line(&entry.name),
        pod: pod_ref,
        container: container.unwrap_or_default(),
        argv,
        time_limit: entry.time_limit,
        output_limit: entry.output_limit,
    };
    Ok((run, (*pod).clone()))
}

/// Whether the pod, and the container where one is named, is there and runs.
pub fn is_running(pod: &Value, container: Option<&str>) -> bool {
    let is_up = pod.pointer("/status/phase").and_then(Value::as_str) == Some("Running") && !pods::is_deleting(pod);
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let runs = |status: &Value| status.pointer("/state/running").is_some();
    let meant = statuses.into_iter().flatten().filter(|status| container.is_none_or(|name| status.get("name").and_then(Value::as_str) == Some(name)));
    is_up && meant.clone().count() > 0 && meant.take(1).all(runs)
}

pub async fn exec(core_api: &super::api::Api, run: &CommandRun) -> Result<Ran, ExecError> {
    let path = format!("{}/exec", run.pod.path());
    let mut query = vec![("container", run.container.as_str()), ("stdout", "true"), ("stderr", "true")];
    query.extend(run.argv.iter().map(|argument| ("command", argument.as_str())));
    core_api.writer.exec(&path, &query, run.output_limit, run.time_limit).await
}

/// Why there is no output, in words.
pub fn words(run: &CommandRun, error: &ExecError) -> Text {
    Text::line(&match error {
        ExecError::NotSent(error) => format!("nothing was run: {error}"),
        ExecError::Refused { says, .. } => format!("nothing was run: {says}"),
        ExecError::NoEnd { error, .. } => format!("{} was started in {}, and how it ended is not known: {error}", run.entry, run.pod),
    })
}

/// Runs an entry that only reads, and journals who ran what and the hash of what it wrote.
pub async fn read(core: &Arc<Core>, ask: &Run) -> Result<CommandOutput, Text> {
    if let Some(why) = core.never_writes() {
        return Err(Text::line(&format!("{why}: nothing is run in a container")));
    }
    if core.mitigations.disabled.iter().any(|name| name == Run::NAME) {
        return Err("run is switched off by mitigations.disabled".into());
    }
    let entry = entry(core, &ask.entry)?;
    if entry.writes() {
        return Err(Text::line(&format!("{} writes: it is run from its card alone", entry.name)));
    }
    if let CheckResult::Block(why) = checks::identity(core).await {
        return Err(why);
    }
    let (run, _) = place(core, entry, ask).await?;
    let ran = match exec(&core.api, &run).await {
        Ok(ran) => ran,
        Err(error) => return Err(words(&run, &error)),
    };
    core.journal(record::RAN, fields(&run, &ran)).await.map_err(|why| Text::line(&format!("it was run, and that is not in the journal: {why}")))?;
    Ok(output(&run, &ran))
}

/// For the journal: what was run where, and of what it wrote the hash alone.
pub fn fields(run: &CommandRun, ran: &Ran) -> Value {
    json!({
        "command": run.entry, "argv": run.shown_argv(), "pod": run.pod.path(), "container": run.container,
        "end": ended(&ran.end), "bytes": ran.stdout.len() + ran.stderr.len(), "cut": ran.is_cut, "sha256": hash(ran),
    })
}

fn hash(ran: &Ran) -> String {
    sha256(&[ran.stdout.as_slice(), &ran.stderr].concat())
}

fn ended(end: &End) -> String {
    match end {
        End::Code(code) => format!("exit code {code}"),
        End::Broken(says) => says.to_string(),
    }
}

/// What it wrote, for a person: standard output, then what it complained of.
pub fn output(run: &CommandRun, ran: &Ran) -> CommandOutput {
    let cleaned =
        |bytes: &[u8]| -> Vec<Text> { String::from_utf8_lossy(bytes).lines().take(MOST_LINES).map(|line| Text::log(line, LONGEST_LINE)).collect() };
    let mut lines = cleaned(&ran.stdout);
    lines.extend(cleaned(&ran.stderr));
    let bytes = ran.stdout.len() + ran.stderr.len();
    let cut = if ran.is_cut { format!(", cut at {bytes} bytes") } else { format!(", {bytes} bytes") };
    CommandOutput {
        title: Text::line(&format!("{} in {}", run.entry, run.pod)),
        lines,
        summary: Text::line(&format!("{}{cut}, sha256 {}", ended(&ran.end), &hash(ran)[..12])),
        is_success: ran.end == End::Code(0),
    }
}
