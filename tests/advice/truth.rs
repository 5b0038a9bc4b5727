//! The incidents, and what helps against each of them and what harms: known to tests alone.

use std::ops::Range;

pub use sev1::sim::incident::Act;
use sev1::sim::{
    incident,
    world::scenario::{self, Scenario},
};

/// An incident, and what only its maker knows.
#[derive(Clone)]
pub struct Incident {
    /// `bad-deploy`, or the cause of a generated one.
    pub cause: String,
    /// Whether it is one of many with its cause.
    pub is_generated: bool,
    pub seed: u64,
    pub scenario: Scenario,
    /// Each of these alone makes it better, for minutes or for good. What is in neither list does nothing, or has two sides.
    pub helps: Vec<Act>,
    /// Each of these makes it worse.
    pub harms: Vec<Act>,
    /// What lowers one indicator and raises another: no right suggestion to come first, and no wrong verdict.
    pub mixed: Vec<Act>,
}

impl Incident {
    /// `bad-deploy`, or `dns-1042` for one of many.
    pub fn title(&self) -> String {
        if self.is_generated { format!("{}-{}", self.cause, self.seed) } else { self.cause.clone() }
    }
}

pub fn undo(deployment: &str) -> Act {
    Act::Undo { deployment: deployment.to_owned() }
}

pub fn restart(app: &str) -> Act {
    Act::Restart { app: app.to_owned() }
}

pub fn scale(deployment: &str) -> Act {
    Act::Scale { deployment: deployment.to_owned() }
}

/// The scenarios that `demo` knows by name, with one seed each.
pub fn named(seed: u64) -> Vec<Incident> {
    scenario::names().into_iter().filter_map(|name| Some(of_name(name, seed, Scenario::named(name).ok()?))).collect()
}

/// The incidents that these seeds make.
pub fn generated(seeds: Range<u64>) -> Vec<Incident> {
    let of_seed = |seed| {
        let incident::Incident { seed, scenario, truth } = incident::generate(seed);
        let incident::Truth { cause, helps, harms, unclear, .. } = truth;
        Incident { cause: cause.name().to_owned(), is_generated: true, seed, scenario, helps, harms, mixed: unclear }
    };
    seeds.map(of_seed).collect()
}

fn of_name(name: &str, seed: u64, scenario: Scenario) -> Incident {
    let node = |node: &str| Act::ReplacePods { node: node.to_owned() };
    let (helps, mixed) = match name {
        "bad-deploy" => (vec![undo("api-gateway")], vec![Act::BreakerOn, restart("api-gateway"), scale("sync-service")]),
        "db-connections" => (vec![undo("fraud-analytics"), restart("fraud-analytics")], vec![Act::BreakerOn]),
        "noisy-neighbour" => (vec![undo("web-portal"), scale("core-engine")], Vec::new()),
        "node-loss" => (
            vec![scale("core-engine"), restart("core-engine"), restart("api-gateway"), scale("api-gateway"), node("node-8"), node("node-10")],
            vec![Act::BreakerOn],
        ),
        "gov-feed-down" => (vec![Act::BreakerOn], Vec::new()),
        "sync-backlog" => (vec![restart("sync-service"), scale("sync-service")], Vec::new()),
        _ => (Vec::new(), Vec::new()),
    };
    Incident { cause: name.to_owned(), is_generated: false, seed, scenario, helps, harms: Vec::new(), mixed }
}
