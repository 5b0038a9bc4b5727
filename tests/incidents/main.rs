//! Generated incidents, played in the simulated world alone: what their truth says is what happens.
//!
//! | file | job |
//! |---|---|
//! | `act` | a responder's act, as writes to the world's store |
//! | `measure` | how bad the minutes after it were |

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod act;
mod measure;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use measure::{Change, Minutes};
use sev1::sim::incident::{Act, Cause, Incident, PLACES, generate};
use sev1::sim::world::World;
use sev1::sim::world::scenario::Scenario;

/// How long the world is looked at after the act.
const WATCH: TimeDelta = TimeDelta::minutes(10);
/// A responder needs so long after the launch.
const HESITATION: TimeDelta = TimeDelta::seconds(10);

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_400_000, 0).unwrap()
}

/// The ten minutes after the launch, with the act or without any.
fn play(launched: &World, act: Option<&Act>) -> Minutes {
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
    minutes
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
    candidates.into_iter().filter(|act| !truth.helps.contains(act) && !truth.harms.contains(act)).collect()
}

/// What the truth says against what happened: wrong lines, and a row of the table.
fn check(incident: &Incident, idle_acts: usize) -> (Vec<String>, String) {
    let (seed, truth) = (incident.seed, &incident.truth);
    let mut launched = World::brief(incident.scenario.clone(), incident.seed, start()).unwrap();
    launched.step(start() + HESITATION);
    let without = play(&launched, None);
    let mut wrong = Vec::new();
    let mut row = format!("{:17} {seed:6} {:24} {without}", truth.cause.name(), truth.service);
    let idle = idle(incident);
    // Another sample of them for each seed.
    let turn = usize::try_from(seed).unwrap_or_default() % idle.len().max(1);
    let sample = idle.iter().cycle().skip(turn).take(idle_acts.min(idle.len()));
    let expected = truth.helps.iter().map(|act| (act, Change::Better));
    let expected = expected.chain(truth.harms.iter().map(|act| (act, Change::Worse))).chain(sample.map(|act| (act, Change::None)));
    for (act, expected) in expected {
        let with = play(&launched, Some(act));
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
        assert_eq!(format!("{:?}", incident), format!("{:?}", generate(seed)));
        *found.entry(incident.truth.cause).or_default() += 1;
    }
    assert!(Cause::ALL.iter().all(|cause| found.get(cause) == Some(&10)), "{found:?}");
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
