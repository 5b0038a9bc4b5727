//! Without a single rule of the printed ones something is refused or doubted, and what is missing is named; nobody who may only look
//! writes.

use std::collections::BTreeSet;

use libtest_mimic::Failed;
use serde_json::{Value, json};
use sev1::sources::rights::{FEATURES, IDENTITY, IDENTITY_NAME, SERVERS};

use super::{
    caught,
    rule::{Rule, misses_something},
    side_by_side,
    stage::{Case, Sev1, Stage, declared},
    unless_wrong,
};
use crate::{kubeconfig::ADMINISTRATOR, world::Kind};

pub fn none_too_many(kind: Kind) -> Result<(), Failed> {
    let mut stage = Stage::set(kind)?;
    caught(|| whole_respond(&mut stage))??;
    caught(|| respond_without_one(&mut stage))??;
    caught(|| view(&mut stage))??;
    caught(|| in_one_namespace(&mut stage))?
}

/// With every rule nothing is missing: so what is missing later is missing for the rule that was taken out.
fn whole_respond(stage: &mut Stage) -> Result<(), Failed> {
    let user = stage.user("respond", &[]);
    let wrong = side_by_side(stage.cases.clone(), |case| {
        let planned = planned(&stage.sev1, &user, &case);
        let is_fine = planned.status == Some(0) && !misses_something(&planned.said);
        if is_fine { Ok(()) } else { Err(format!("{} (exit status {:?}):\n{}", named(&case), planned.status, planned.said)) }
    });
    unless_wrong("a plan lacks a right with all that are printed", wrong)
}

/// One user for each rule that a mitigation is said to need.
fn respond_without_one(stage: &mut Stage) -> Result<(), Failed> {
    let printed = stage.sev1.roles_of("respond", "whole", &[]);
    let rules = Rule::all(&printed);
    let identity =
        Rule { verb: IDENTITY.verb.to_owned(), group: IDENTITY.group.to_owned(), path: IDENTITY.path(), name: Some(IDENTITY_NAME.to_owned()) };
    // Every rule is somebody's.
    let seen: Vec<_> = FEATURES.iter().flat_map(|feature| feature.rights).chain(SERVERS).copied().collect();
    let declared = declared();
    let whose = |rule: &&Rule| **rule == identity || seen.iter().chain(declared.iter().map(|(_, right)| right)).any(|right| rule.is(right));
    let nobodys: Vec<_> = rules.iter().filter(|rule| !whose(rule)).map(ToString::to_string).collect();
    unless_wrong("a rule is nobody's", nobodys)?;

    let mut work: Vec<(&'static str, Rule)> = vec![("pause", identity)];
    for (kind, right) in declared {
        let rule = rules.iter().find(|rule| rule.is(&right));
        work.push((kind, rule.ok_or_else(|| Failed::from(format!("{kind} needs {}, which is not printed", right.words())))?.clone()));
    }
    let taken_out: Vec<Rule> = work.iter().map(|(_, rule)| rule.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let namespace = stage.play.namespace.clone();
    let user = |rule: &Rule| format!("without-{}-{namespace}", taken_out.iter().position(|other| other == rule).expect("a rule"));
    for rule in &taken_out {
        stage.apply(&rule.taken_out_of(&printed, &user(rule)));
    }
    for rule in &taken_out {
        let kept = rules.iter().rev().find(|kept| *kept != rule).expect("another rule");
        stage.await_right(&user(rule), kept);
    }
    let wrong = side_by_side(work, |(kind, rule)| {
        let resource = rule.path.split('/').next().unwrap_or_default();
        let mut cases: Vec<_> = stage.cases.iter().filter(|case| case.kind == kind).collect();
        // What is about the resource itself is most likely to miss it.
        cases.sort_by_key(|case| !case.words.concat().starts_with(resource.trim_end_matches('s')));
        for case in cases {
            let planned = planned(&stage.sev1, &user(&rule), case);
            if !rule.is_missed_in(&planned.said) {
                continue;
            }
            if planned.status == Some(0) {
                return Ok(());
            }
            let confirmed = confirmed(&stage.sev1, &user(&rule), case);
            let is_refused = confirmed.status == Some(1) && rule.is_missed_in(&confirmed.said);
            return if is_refused { Ok(()) } else { Err(format!("{} without {rule}: {}", named(case), confirmed.said)) };
        }
        Err(format!("{kind}: nothing tells that the right to {rule} is missing"))
    });
    unless_wrong("a rule is too many, or its lack is not told", wrong)?;
    unless_wrong("something was written without a right", stage.written())
}

/// Who may only look sees everything, and is told of every mitigation which right is missing.
fn view(stage: &mut Stage) -> Result<(), Failed> {
    let user = stage.user("view", &[]);
    let home = tempfile::tempdir()?;
    let status = stage.sev1.run(&user, home.path(), &["status"]);
    // 0 nothing fires, 1 something fires, 2 cannot tell.
    assert!(matches!(status.status, Some(0 | 1)) && !misses_something(&status.said), "{:?}: {}", status.status, status.said);
    let wrong = side_by_side(stage.cases.clone(), |case| {
        for ran in [planned(&stage.sev1, &user, &case), confirmed(&stage.sev1, &user, &case)] {
            if ran.status != Some(1) || !misses_something(&ran.said) {
                return Err(format!("{} (exit status {:?}):\n{}", named(&case), ran.status, ran.said));
            }
        }
        Ok(())
    });
    unless_wrong("a viewer is not refused", wrong)?;
    // Not past sev1 either.
    for (verb, service) in [("create", "alertmanager:9093"), ("delete", "alertmanager:9093"), ("create", "elasticsearch:9200")] {
        assert!(!stage.play.world.may(&user, &on_proxy(verb, service)), "a viewer may {verb} {service}");
    }
    unless_wrong("a viewer wrote", stage.written())
}

/// With rights in one namespace, and where the servers are, sev1 finds nothing amiss, and of what is in other namespaces says so.
fn in_one_namespace(stage: &mut Stage) -> Result<(), Failed> {
    let namespace = stage.play.namespace.clone();
    let user = stage.user("respond", &["--namespace", &namespace]);
    stage.await_allowed(&user, &on_proxy("create", "alertmanager:9093"));
    let home = tempfile::tempdir()?;
    let doctor = stage.sev1.run(&user, home.path(), &["doctor"]);
    let doubts: Vec<_> = doctor.said.lines().filter(|line| line.contains("permissions") && !line.starts_with("ok")).map(str::to_owned).collect();
    unless_wrong("the doctor finds a right missing", doubts)?;
    let drain = planned(&stage.sev1, &user, case(stage, "drain"));
    assert!(drain.status == Some(1) && drain.said.contains("not allowed to list pods"), "{}", drain.said);

    // Told where Alertmanager is, the role reaches it and no other server by what writes.
    let user = stage.user("respond", &["--namespace", &namespace, "--alertmanager", "k8s://monitoring/alertmanager:9093"]);
    stage.await_allowed(&user, &on_proxy("create", "alertmanager:9093"));
    assert!(!stage.play.world.may(&user, &on_proxy("create", "prometheus:9090")));
    let silence = planned(&stage.sev1, &user, case(stage, "silence"));
    assert!(silence.status == Some(0) && silence.said.contains("allowed for"), "{}", silence.said);
    Ok(())
}

/// The attributes of an access review about a server behind the service proxy.
fn on_proxy(verb: &str, service: &str) -> Value {
    json!({ "verb": verb, "group": "", "resource": "services", "subresource": "proxy", "namespace": "monitoring", "name": service })
}

fn case<'a>(stage: &'a Stage, kind: &str) -> &'a Case {
    stage.cases.iter().find(|case| case.kind == kind).expect("a case of each kind")
}

fn planned(sev1: &Sev1, user: &str, case: &Case) -> super::stage::Ran {
    run(sev1, user, case, &[])
}

fn confirmed(sev1: &Sev1, user: &str, case: &Case) -> super::stage::Ran {
    run(sev1, user, case, &["--yes-on", ADMINISTRATOR, "--reason", "rehearsal"])
}

/// At home where nothing was done before.
fn run(sev1: &Sev1, user: &str, case: &Case, more: &[&str]) -> super::stage::Ran {
    let home = tempfile::tempdir().expect("a temporary folder");
    let words: Vec<_> = ["do", case.kind].into_iter().chain(case.words.iter().map(String::as_str)).chain(more.iter().copied()).collect();
    sev1.run(user, home.path(), &words)
}

fn named(case: &Case) -> String {
    format!("sev1 do {} {}", case.kind, case.words.join(" "))
}
