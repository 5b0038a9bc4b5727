//! The card as text and as JSON.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};

use super::{
    Ending,
    session::{Ended, Planned, Session},
};
use crate::{
    config::shape::Environment,
    domain::{
        ask::Undoable,
        mitigation::{Basis, Check, CheckResult, CommandOutput, Outcome},
        shell::{KubectlFlags, quoted},
        text::{Text, is_clear},
    },
};

/// The card without its question.
pub fn text(planned: &Planned, environment: &Environment) -> String {
    let plan = &planned.plan;
    let mut card = format!("{}  [{} {} as {}]\n", plan.title, environment.banner, plan.cluster.context, plan.cluster.user);
    let mut part = |name: &str, lines: &[String]| {
        for (index, line) in lines.iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            let _ = writeln!(card, "{name:<8}{line}");
        }
    };
    let mut what: Vec<String> = plan.what.iter().map(|line| by_commands(line)).collect();
    what.extend(plan.diff.iter().map(ToString::to_string));
    part("What", &what);
    part("Checks", &planned.checks.iter().map(check_line).collect::<Vec<_>>());
    part("Same as", &[plan.kubectl.to_string()]);
    part("Undo", &[by_commands(&plan.undo)]);
    part("Level", &[plan.level.word().to_owned()]);
    if !plan.reason.is_empty() {
        part("Reason", &[plan.reason.to_string()]);
    }
    match &planned.full_diff {
        None => {}
        Some(Ok(lines)) => part("Diff", &lines.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Some(Err(why)) => part("Diff", &[format!("not known: {why}")]),
    }
    card
}

/// A line of the card with commands in the place of the cockpit's keys.
fn by_commands(line: &str) -> String {
    let of_redo = || line.strip_prefix("“")?.strip_suffix("; U only goes further back")?.split_once("” in the list of :undo ");
    let again = || line.split_once("; by “").filter(|(_, rest)| rest.ends_with("” in the list of :undo, as U only goes further back"));
    let by_number = "sev1 undo with its number (sev1 undo --list shows it)";
    if let Some((_, does)) = of_redo() {
        return format!("{by_number} {does}");
    }
    if let Some((words, _)) = again() {
        return format!("{words}; by {by_number}");
    }
    if let Some(does) = line.strip_prefix("U ") {
        return format!("sev1 undo {does}");
    }
    line.strip_suffix("; x stops it").map_or_else(|| line.to_owned(), |line| format!("{line}; Ctrl-C stops it"))
}

fn check_line(check: &Check) -> String {
    let (word, says) = result(check);
    format!("{word:<5} {says}")
}

fn result(check: &Check) -> (&'static str, String) {
    match &check.result {
        CheckResult::Pending => ("wait", check.what.word().to_owned()),
        CheckResult::Pass(says) => ("ok", says.to_string()),
        CheckResult::Warn(says) => ("warn", says.to_string()),
        CheckResult::Block(says) => ("BLOCK", says.to_string()),
    }
}

/// After a plan that was not carried out. `place` is as this program was called.
pub fn next_step(saved: Option<&Path>, planned: Option<&Planned>, blocked: Option<&Text>, place: &KubectlFlags) -> String {
    let context = planned.map(|planned| quoted(&planned.plan.cluster.context)).unwrap_or_default();
    match (blocked, saved) {
        (Some(why), _) => format!("\nNothing was written. It cannot be: {why}\n"),
        (None, Some(path)) => match path.to_str().filter(|path| is_clear(path)) {
            Some(path) => {
                let flags = place.words().fold(String::new(), |all, flag| all + &flag + " ");
                format!("\nNothing was written. Saved; carry it out by: sev1 do --plan {} {flags}--yes-on {context}\n", quoted(path))
            }
            None => format!("\nNothing was written. Saved; carry it out by sev1 do --plan with this file, and --yes-on {context}\n"),
        },
        (None, None) => format!("\nNothing was written. To carry it out, add: --yes-on {context}\n"),
    }
}

/// One line for how it ended, one for how to take it back.
pub fn ending(ended: &Ended) -> String {
    let mut text = String::new();
    match &ended.outcome {
        None => text.push_str("outcome unknown: left before the write was answered; the next start of sev1 looks what became of it\n"),
        Some(outcome) => {
            let _ = write!(text, "{outcome}");
            match (&ended.unfinished, ended.converged) {
                (Some(why), _) => {
                    let _ = write!(text, "; the rollout is not complete: {why}");
                }
                (None, Some(after)) if !after.is_zero() => {
                    let _ = write!(text, "; complete after {} s", after.as_secs());
                }
                _ => {}
            }
            text.push('\n');
        }
    }
    if let Some(output) = &ended.output {
        for line in &output.lines {
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(text, "{}", output.summary);
    }
    if let (Some(Outcome::Done | Outcome::Partly(_)), true, Some(recorded)) = (&ended.outcome, ended.undoable, ended.recorded) {
        let _ = writeln!(text, "to take it back: sev1 undo {recorded}");
    }
    text
}

/// What a command wrote.
pub fn output(output: &CommandOutput) -> Value {
    json!({ "command": output.title, "summary": output.summary, "success": output.is_success, "output": output.lines })
}

/// The last mitigation that was no undo itself: taking that back would do again what was just taken back.
pub fn last(undoable: &[Undoable]) -> Option<&Undoable> {
    undoable.iter().find(|one| !one.is_undo)
}

pub fn list(undoable: &[Undoable]) -> String {
    if undoable.is_empty() {
        return "nothing that sev1 did on this cluster, from this machine, can be taken back\n".to_owned();
    }
    let mut text = format!("{:>6}  {:<20}  {:<40}  UNDO\n", "ID", "TIME", "MITIGATION");
    for one in undoable {
        let _ = writeln!(text, "{:>6}  {:<20}  {:<40}  {}", one.id, one.time.as_str(), one.title.as_str(), one.undo);
    }
    text
}

/// Everything as one object. Its member `outcome` is one of planned, blocked, `not_planned`, `not_confirmed`, done, partly,
/// refused, failed, unknown.
pub fn document(planned: Option<&Planned>, session: &Session, ending: &Ending) -> Value {
    let (outcome, why) = match ending {
        Ending::Planned { blocked: None } => ("planned", None),
        Ending::Planned { blocked: Some(why) } => ("blocked", Some(why)),
        Ending::NotPlanned(why) => ("not_planned", Some(why)),
        Ending::NotConfirmed(why) => ("not_confirmed", Some(why)),
        Ending::Ended(ended) => ended.outcome.as_ref().map_or(("unknown", None), Outcome::parts),
    };
    let mut document = json!({
        "outcome": outcome, "why": why, "exit": super::code(ending).0,
        "cluster": session.cluster(), "production": session.environment().is_production,
    });
    if let Some(planned) = planned {
        document["plan"] = plan(planned);
    }
    if let Ending::Ended(ended) = ending {
        document["id"] = json!(ended.recorded);
        document["undoable"] = json!(ended.undoable);
        document["notes"] = json!(ended.notes);
        document["converged_after_s"] = json!(ended.converged.map(|after| after.as_secs()));
        document["unfinished"] = json!(ended.unfinished);
        document["ran"] = json!(ended.output.as_ref().map(output));
    }
    document
}

fn plan(planned: &Planned) -> Value {
    let plan = &planned.plan;
    let diff: Vec<_> = plan.diff.iter().map(ToString::to_string).collect();
    let checks: Vec<_> = planned
        .checks
        .iter()
        .map(|check| {
            let (word, says) = result(check);
            json!({ "check": check.what.word(), "result": word.to_lowercase(), "says": says })
        })
        .collect();
    let targets: Vec<_> = plan
        .targets
        .iter()
        .map(|Basis { object, version, .. }| {
            json!({ "object": object.to_string(), "namespace": object.key.namespace, "uid": object.uid, "resource_version": version })
        })
        .collect();
    let mut document = json!({
        "kind": plan.kind, "title": plan.title, "words": plan.wish.shown_words(), "level": plan.level, "reason": plan.reason,
        "targets": targets, "what": plan.what, "diff": diff, "checks": checks, "kubectl": plan.kubectl,
        "undo": by_commands(&plan.undo), "undoable": plan.inverse.is_some(), "undoes": plan.undoes.map(|undoes| undoes.recorded),
    });
    match &planned.full_diff {
        None => {}
        Some(Ok(lines)) => document["full_diff"] = lines.iter().map(ToString::to_string).collect(),
        Some(Err(why)) => document["full_diff_failed"] = json!(why),
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_speaks_of_commands_and_not_of_keys() {
        let again = "“Undo: Scale · gw” in the list of :undo brings 3 replicas back; U only goes further back";
        let whole = "nothing takes it back; by “Undo: Scale · gw” in the list of :undo, as U only goes further back";
        for (line, expected) in [
            ("U brings 3 replicas back", "sev1 undo brings 3 replicas back"),
            (again, "sev1 undo with its number (sev1 undo --list shows it) brings 3 replicas back"),
            (whole, "nothing takes it back; by sev1 undo with its number (sev1 undo --list shows it)"),
            ("node/n  cordon it, then evict 1 pod; x stops it", "node/n  cordon it, then evict 1 pod; Ctrl-C stops it"),
            ("nothing takes it back", "nothing takes it back"),
        ] {
            assert_eq!(by_commands(line), expected);
        }
    }

    #[test]
    fn the_last_one_is_none_that_took_another_back() {
        let one = |id, is_undo| Undoable { id, title: "t".into(), time: "t".into(), by: "b".into(), undo: "u".into(), is_undo };
        assert_eq!(last(&[one(9, true), one(5, false), one(3, false)]).map(|one| one.id), Some(5));
        assert_eq!(last(&[one(9, true)]), None);
    }
}
