//! Somebody with the printed rights alone does everything, and takes it back.

use std::collections::BTreeSet;

use libtest_mimic::Failed;
use sev1::actions::kinds;

use super::{
    rule::misses_something,
    side_by_side,
    stage::{Case, Sev1, Stage},
    unless_wrong,
};
use crate::{kubeconfig::ADMINISTRATOR, world::Kind};

/// What stands in no other's way; the mitigations of one line follow one another.
const LINES: [&[&str]; 4] = [
    &["undo-rollout", "scale", "pause"],
    &["restart", "set-image", "set-hpa-bounds", "resume"],
    &["restart-unhealthy", "switch-service", "delete-pod", "evict", "silence", "unsilence", "run"],
    &["cordon", "drain", "uncordon", "set-config-key", "restart-dns"],
];

pub fn of_a_responder(kind: Kind) -> Result<(), Failed> {
    let mut stage = Stage::set(kind)?;
    let user = super::caught(|| stage.user("respond", &[]))?;
    let all: BTreeSet<_> = kinds::catalogue().iter().map(|entry| entry.spec.name).collect();
    let tried: BTreeSet<_> = LINES.concat().into_iter().collect();
    assert_eq!(tried, all, "every kind is tried");
    let homes = tempfile::tempdir()?;
    let lines: Vec<(usize, Vec<Case>)> = LINES.iter().map(|line| line.iter().map(|kind| case(&stage.cases, kind)).collect()).enumerate().collect();
    let wrong = side_by_side(lines, |(number, line)| {
        let home = homes.path().join(number.to_string());
        line.iter().try_for_each(|case| done_and_taken_back(&stage.sev1, &user, &home, case))
    });
    unless_wrong("what the printed rights are for does not work with them", wrong)
}

/// Each line works on objects of its own.
fn case(cases: &[Case], kind: &str) -> Case {
    let mut case = cases.iter().find(|case| case.kind == kind).unwrap_or_else(|| panic!("no case of {kind}")).clone();
    let own: &[&str] = match kind {
        "restart" => &["deployment/web"],
        "set-image" => &["deployment/web", "web=web:3.0"],
        "delete-pod" => &["pod/queue-0"],
        "evict" => &["pod/queue-1"],
        _ => return case,
    };
    case.words = own.iter().map(|word| (*word).to_owned()).collect();
    case
}

fn done_and_taken_back(sev1: &Sev1, user: &str, home: &std::path::Path, case: &Case) -> Result<(), String> {
    let spec = kinds::find(case.kind).map(|kind| kind.entry.spec).expect("a kind");
    let mut words = vec!["do", case.kind];
    words.extend(case.words.iter().map(String::as_str));
    words.extend(["--yes-on", ADMINISTRATOR, "--reason", "rehearsal"]);
    let mut runs = vec![words];
    if !spec.undo.starts_with("nothing") {
        runs.push(vec!["undo", "--yes-on", ADMINISTRATOR]);
    }
    for words in runs {
        let ran = sev1.run(user, home, &words);
        if ran.status != Some(0) || misses_something(&ran.said) {
            return Err(format!("sev1 {} (exit status {:?}):\n{}", words.join(" "), ran.status, ran.said));
        }
    }
    Ok(())
}
