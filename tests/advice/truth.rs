//! What helps against each of the named scenarios, and what harms: known to tests alone.

use sev1::sim::world::scenario::{self, Scenario};

/// What a responder can do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Back to the template that ran before the present one.
    Undo {
        deployment: String,
    },
    /// The pods with this label `app` are replaced: those that are not ready, or where all are ready all of them in turn.
    Restart {
        app: String,
    },
    BreakerOn,
    BreakerOff,
    /// Half as many pods again.
    Scale {
        deployment: String,
    },
    SetKey {
        config_map: String,
        key: String,
        value: String,
    },
    /// Twice as many at most.
    RaiseMax {
        autoscaler: String,
    },
    /// The production pods on this node are deleted, and started elsewhere.
    ReplacePods {
        node: String,
    },
    RestartDns,
}

/// An incident, and what only its maker knows.
#[derive(Clone)]
pub struct Incident {
    /// `bad-deploy`, or the cause of a generated one.
    pub name: String,
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
    pub fn title(&self) -> &str {
        &self.name
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

fn of_name(name: &str, seed: u64, scenario: Scenario) -> Incident {
    let node = |node: &str| Act::ReplacePods { node: node.to_owned() };
    let (helps, mixed) = match name {
        "bad-deploy" => (vec![undo("api-gateway")], vec![Act::BreakerOn, restart("api-gateway"), scale("sync-service")]),
        "db-connections" => (vec![undo("fraud-analytics"), restart("fraud-analytics")], vec![Act::BreakerOn]),
        "noisy-neighbour" => (vec![undo("web-portal"), scale("core-engine")], Vec::new()),
        "node-loss" => (
            vec![restart("core-engine"), restart("api-gateway"), scale("core-engine"), scale("api-gateway"), node("node-8"), node("node-10")],
            vec![Act::BreakerOn],
        ),
        "gov-feed-down" => (vec![Act::BreakerOn], Vec::new()),
        "sync-backlog" => (vec![restart("sync-service"), scale("sync-service")], Vec::new()),
        _ => (Vec::new(), Vec::new()),
    };
    Incident { name: name.to_owned(), seed, scenario, helps, harms: Vec::new(), mixed }
}
