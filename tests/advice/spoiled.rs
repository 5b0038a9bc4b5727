//! Breaks each rule once: a play as it was seen, with one thing in it spoiled, has to have more violations of that rule than
//! without. So no rule is kept only because it sees nothing.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use sev1::domain::alert::Severity;

use crate::{
    cases::Case,
    cockpit::Progress,
    invariants::{self, RULES},
    look::{LadderSeen, Look, Said, Suggested},
    play::Play,
    settings::Settings,
    table::Table,
    truth::{Act, Incident, undo},
};

/// The undo of the bad deploy is done after a minute, and judged by then.
const LENGTH: Duration = Duration::from_mins(6);

type Spoil = fn(&mut [Look]);

/// What is spoiled, and the rule that has to notice.
const SPOILED: [(&str, &str, Spoil); 9] = [
    ("back_to_the_bad_template", "towards-the-template-of-the-beginning", back_to_the_bad_template),
    ("our_undo_taken_back", "suggestions-that-undo-each-other", back_to_the_bad_template),
    ("breaker_on_and_off", "suggestions-that-undo-each-other", breaker_on_and_off),
    ("ladder_acknowledged", "ladder-not-the-most-urgent", ladder_acknowledged),
    ("ladder_due_later", "ladder-not-the-most-urgent", ladder_due_later),
    ("advice_in_peace", "suggested-while-all-is-good", advice_in_peace),
    ("beginning_drifts", "beginning-drifts", beginning_drifts),
    ("progress_counts_back", "progress-counts-backwards", progress_counts_back),
    ("trend_of_long_ago", "trend-contradicts-the-points", trend_of_long_ago),
];

pub fn trials(settings: &Settings) -> Vec<Trial> {
    let Some(incident) = settings.incidents.iter().find(|incident| incident.cause == "bad-deploy") else { return Vec::new() };
    let case = Arc::new(Case::new(incident.clone(), LENGTH, Arc::default()));
    // Seen once for all of them.
    let seen: Arc<OnceLock<(Vec<Look>, Vec<Look>)>> = Arc::default();
    let seen = move || seen.get_or_init(|| (case.looks(Play::Right), case.looks(Play::Nothing))).clone();
    let mut trials = Vec::new();
    for (name, rule, spoil) in SPOILED {
        let seen = seen.clone();
        trials.push(Trial::test(format!("noticed::{name}"), move || {
            let (honest, _) = seen();
            let mut spoiled = honest.clone();
            spoil(&mut spoiled);
            more(violations(rule, &spoiled), violations(rule, &honest))
        }));
    }
    let of_two = seen.clone();
    trials.push(Trial::test("noticed::cure_called_useless", move || {
        let (right, nothing) = of_two();
        let said = |word: &str| invariants::verdict::check(&judged(&right, &right, word), &nothing, true).len();
        more(said("no effect"), said("helped"))
    }));
    let of_two = seen.clone();
    trials.push(Trial::test("noticed::useless_called_cure", move || {
        let (right, nothing) = of_two();
        let said = |word: &str| invariants::verdict::check(&judged(&nothing, &right, word), &nothing, false).len();
        more(said("helped"), said("no effect"))
    }));
    let incident = incident.clone();
    trials.push(Trial::test("noticed::bars", move || bars(&incident, &seen().1)));
    trials
}

fn more(spoiled: usize, honest: usize) -> Result<(), Failed> {
    if spoiled > honest { Ok(()) } else { Err(Failed::from(format!("{honest} violations as it was, {spoiled} when it was spoiled"))) }
}

fn violations(name: &str, looks: &[Look]) -> usize {
    let rule = RULES.iter().find(|(known, _)| *known == name).map(|(_, rule)| rule).expect("a rule of this name");
    looks.iter().enumerate().map(|(index, look)| rule(&looks[..index], look).len()).sum()
}

fn suggested(act: Act) -> Suggested {
    Suggested { acts: vec![act], words: "spoiled".to_owned(), evidence: String::new(), to_revision: None, replicas: None }
}

fn back_to_the_bad_template(looks: &mut [Look]) {
    for look in looks {
        let running = &look.deployments["api-gateway"];
        let bad = running.templates.iter().find(|(_, template)| Some(*template) == running.at_beginning.as_ref());
        let to_revision = bad.map(|(revision, _)| *revision);
        look.suggestions.push(Suggested { to_revision, ..suggested(undo("api-gateway")) });
    }
}

fn advice_in_peace(looks: &mut [Look]) {
    for look in looks {
        look.is_all_good = true;
        look.suggestions = vec![suggested(Act::BreakerOn)];
    }
}

fn breaker_on_and_off(looks: &mut [Look]) {
    for look in looks {
        look.suggestions.extend([suggested(Act::BreakerOn), suggested(Act::BreakerOff)]);
    }
}

fn ladders(is_acked: bool) -> Vec<LadderSeen> {
    let ladder = |name: &str, is_acked, left| LadderSeen {
        fingerprint: name.to_owned(),
        name: name.to_owned(),
        severity: Severity::Critical,
        is_acked,
        left: Some(Duration::from_secs(left)),
    };
    vec![ladder("shown", is_acked, 200), ladder("other", false, if is_acked { 300 } else { 100 })]
}

fn show(looks: &mut [Look], ladders: &[LadderSeen]) {
    for look in looks {
        look.ladders = ladders.to_vec();
        look.ladder_shown = Some("shown".to_owned());
    }
}

fn ladder_acknowledged(looks: &mut [Look]) {
    show(looks, &ladders(true));
}

fn ladder_due_later(looks: &mut [Look]) {
    show(looks, &ladders(false));
}

fn beginning_drifts(looks: &mut [Look]) {
    for (minutes, look) in looks.iter_mut().enumerate() {
        let evidence = format!("rolled out {minutes} min before the trouble, 2 pods crash");
        look.suggestions.push(Suggested { evidence, ..suggested(undo("api-gateway")) });
    }
}

fn progress_counts_back(looks: &mut [Look]) {
    for (index, own) in looks.iter_mut().flat_map(|look| &mut look.own).enumerate() {
        own.stage = Progress::Converging(if index % 2 == 0 { 5 } else { 1 });
    }
}

/// The queue drains after the undo; what stands beside it says that it grows.
fn trend_of_long_ago(looks: &mut [Look]) {
    let backlogs = looks.iter_mut().flat_map(|look| &mut look.indicators).filter(|indicator| indicator.id == "sync_backlog");
    backlogs.for_each(|backlog| backlog.trend = Some(3.3));
}

/// A play in which the mitigation of another one is judged in these words at the end.
fn judged(looks: &[Look], of: &[Look], word: &str) -> Vec<Look> {
    let mut looks = looks.to_vec();
    let own = of.last().map(|look| look.own.clone()).unwrap_or_default();
    for look in &mut looks {
        look.own.clone_from(&own);
        look.own.iter_mut().for_each(|own| own.verdict = None);
    }
    let said = Said { word: word.to_owned(), indicator: "error_rate".to_owned(), sentence: word.to_owned() };
    if let Some(last) = looks.last_mut() {
        last.own.iter_mut().for_each(|own| own.verdict = Some(said.clone()));
    }
    looks
}

/// One that harms first, a useless one first, and advice where nothing helps: each breaks a bar.
fn bars(incident: &Incident, looks: &[Look]) -> Result<(), Failed> {
    let harmful = undo("core-engine");
    let mut looks = looks.to_vec();
    for look in &mut looks {
        look.suggestions = vec![suggested(harmful.clone())];
    }
    let is_kept = |helps: Vec<Act>, harms: Vec<Act>| {
        let table = Table::default();
        // One alone may be missed.
        for _ in 0..2 {
            table.add(&Incident { helps: helps.clone(), harms: harms.clone(), ..incident.clone() }, &looks);
        }
        table.is_kept()
    };
    if !is_kept(vec![harmful.clone()], Vec::new()) {
        return Err(Failed::from("what is right breaks a bar"));
    }
    let broken = [
        ("one that harms first", is_kept(vec![harmful.clone()], vec![harmful])),
        ("a useless one first", is_kept(vec![undo("api-gateway")], Vec::new())),
        ("advice where nothing helps", is_kept(Vec::new(), Vec::new())),
    ];
    let unnoticed: Vec<&str> = broken.into_iter().filter(|(_, is_kept)| *is_kept).map(|(what, _)| what).collect();
    if unnoticed.is_empty() { Ok(()) } else { Err(Failed::from(format!("not noticed: {}", unnoticed.join(", ")))) }
}
