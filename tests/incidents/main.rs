//! Generated incidents, played in the simulated world alone: what their truth says is what happens.
//!
//! | file | job |
//! |---|---|
//! | `act` | a responder's act, as writes to the world's store |
//! | `measure` | how bad the minutes after it were |
//! | `traces` | what it leaves behind for those who look |

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod act;
mod measure;
mod traces;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use measure::{Change, Minutes};
use sev1::sim::incident::{Act, Cause, Incident, PLACES, generate};
use sev1::sim::world::World;
use sev1::sim::world::scenario::{Action, Cause as Why, Scenario};

/// How long the world is looked at after the act.
const WATCH: TimeDelta = TimeDelta::minutes(10);
/// A responder needs so long after the launch.
const HESITATION: TimeDelta = TimeDelta::seconds(10);

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_400_000, 0).unwrap()
}

/// The ten minutes after a responder's hesitation, with the act or without any, and the world after them.
fn play(launched: &World, act: Option<&Act>) -> (Minutes, World) {
    let mut world = launched.fork();
    let now = start() + HESITATION;
    if let Some(act) = act {
        act::perform(act, &world);
    }
    let mut minutes = Minutes::begin(&world);
    for seconds in (15..=WATCH.num_seconds()).step_by(15) {
        world.step(now + TimeDelta::seconds(seconds));
        minutes.look(&world);
    }
    minutes.end(&world);
    (minutes, world)
}

/// Acts that do nothing in this incident, the likeliest first.
fn idle(incident: &Incident) -> Vec<Act> {
    let service = || match incident.truth.service.as_str() {
        "postgres-primary" | "coredns" => "web-portal".to_owned(),
        name => name.to_owned(),
    };
    let candidates = [
        Act::Restart { app: service() },
        Act::Scale { deployment: service() },
        Act::BreakerOn,
        Act::Undo { deployment: service() },
        Act::RestartDns,
        Act::ReplacePods { node: "node-12".into() },
        Act::RaiseMax { autoscaler: "fraud-analytics-hpa".into() },
        Act::SetKey { config_map: "feature-flags".into(), key: "passport_nfc".into(), value: "true".into() },
    ];
    let truth = &incident.truth;
    candidates.into_iter().filter(|act| ![&truth.helps, &truth.harms, &truth.unclear].iter().any(|list| list.contains(act))).collect()
}

/// What the truth says against what happened: wrong lines, and a row of the table.
fn check(incident: &Incident, idle_acts: usize) -> (Vec<String>, String) {
    let (seed, truth) = (incident.seed, &incident.truth);
    let mut launched = World::brief(incident.scenario.clone(), incident.seed, start()).unwrap();
    launched.step(start() + HESITATION);
    let (without, alone) = play(&launched, None);
    let mut wrong: Vec<String> = traces::missing(incident, &alone).into_iter().collect();
    let mut row = format!("{:17} {seed:6} {:24} {without}", truth.cause.name(), truth.service);
    let idle = idle(incident);
    // Another sample of them for each seed.
    let turn = usize::try_from(seed).unwrap_or_default() % idle.len().max(1);
    let sample = idle.iter().cycle().skip(turn).take(idle_acts.min(idle.len()));
    let expected = truth.helps.iter().map(|act| (act, Change::Better));
    let expected = expected.chain(truth.harms.iter().map(|act| (act, Change::Worse))).chain(sample.map(|act| (act, Change::None)));
    for (act, expected) in expected {
        let (with, _) = play(&launched, Some(act));
        let change = with.against(&without);
        let mark = if change == expected { "" } else { " !!" };
        let _ = write!(row, "\n{:49} {expected:?}{mark} {act:?} {with}", "");
        if change != expected {
            wrong.push(format!("{} {seed}: {act:?} is {change:?}, not {expected:?}: {with} with it, {without} without", truth.cause.name()));
        }
    }
    (wrong, row)
}

fn check_all(seeds: impl Iterator<Item = u64>, idle_acts: usize) {
    let mut wrong = Vec::new();
    for seed in seeds {
        let (more, row) = check(&generate(seed), idle_acts);
        eprintln!("{row}");
        wrong.extend(more);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_truth_is_what_happens() {
    check_all(0..18, 1);
}

/// The same for the seeds of `SEV1_INCIDENTS=0..300`.
#[test]
#[ignore = "takes minutes"]
fn the_truth_is_what_happens_for_many_seeds() {
    let asked = std::env::var("SEV1_INCIDENTS").unwrap_or_else(|_| "18..90".to_owned());
    let (from, to) = asked.split_once("..").unwrap();
    check_all(from.parse().unwrap()..to.parse().unwrap(), 2);
}

#[test]
fn every_cause_is_among_the_first_seeds_and_a_seed_gives_one_incident() {
    let mut found: BTreeMap<Cause, usize> = BTreeMap::new();
    for seed in 0..180 {
        let incident = generate(seed);
        assert_eq!(format!("{incident:?}"), format!("{:?}", generate(seed)));
        *found.entry(incident.truth.cause).or_default() += 1;
    }
    assert!(Cause::ALL.iter().all(|cause| found.get(cause) == Some(&10)), "{found:?}");
}

/// What refers to a change of somebody else's would make it guilty.
#[test]
fn innocent_changes_are_innocent() {
    let mut changes = 0;
    for seed in 0..360 {
        let incident = generate(seed);
        let scenario = &incident.scenario;
        let causes: Vec<&Why> = scenario.effect.iter().map(|effect| &effect.cause).chain(scenario.log.iter().map(|log| &log.cause)).collect();
        for fault in scenario.fault.iter().filter(|fault| fault.name.starts_with("innocent")) {
            changes += 1;
            let is_guilty = |why: &Why| match (&fault.action, why) {
                (_, Why::Fault(name)) => *name == fault.name,
                (Action::Rollout { deployment, tag, .. }, Why::Version { deployment: bad, tag: bad_tag }) => deployment == bad && tag == bad_tag,
                (Action::Environment { deployment, .. }, Why::Environment { deployment: bad, .. }) => deployment == bad,
                (Action::ConfigMap { config_map, .. }, Why::ConfigKey { config_map: bad, .. }) => config_map == bad,
                _ => false,
            };
            assert!(!causes.iter().any(|why| is_guilty(why)), "seed {seed}: {fault:?}");
            let (Action::Rollout { deployment, .. } | Action::Environment { deployment, .. } | Action::Scale { deployment, .. }) = &fault.action
            else {
                continue;
            };
            assert_ne!(*deployment, incident.truth.service, "seed {seed}: {fault:?}");
        }
    }
    assert!(changes > 360, "{changes} innocent changes");
}

/// The player is told nothing: all incidents have one title and one description.
#[test]
fn title_and_description_give_nothing_away() {
    let said = |seed| (generate(seed).scenario.title, generate(seed).scenario.description);
    assert!((1..90).all(|seed| said(seed) == said(0)));
}

#[test]
fn the_first_symptom_comes_one_to_twelve_minutes_before_the_launch_and_its_cause_up_to_twenty_before_that() {
    for seed in 0..360 {
        let first = generate(seed).scenario.fault.iter().filter(|fault| !fault.name.starts_with("innocent")).map(|fault| fault.at).min();
        assert!(first.is_some_and(|at| (-32 * 60 - 30..=-60).contains(&at)), "seed {seed}: {first:?}");
    }
}

#[test]
fn services_stand_where_the_generator_believes() {
    for seed in [1, 2] {
        let world = World::brief(Scenario::named("calm").unwrap(), seed, start()).unwrap();
        for (service, places, _) in PLACES {
            assert_eq!(act::nodes_of(&world, service), places, "{service}");
        }
    }
}
