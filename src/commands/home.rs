//! What on this machine goes with a cluster: where its journal is, and which clock it is watched by. A demo has its own.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::demo::folder;
use crate::{
    config::{Config, Loaded, Place, example_commands, shape::Servers},
    connect::Target,
    domain::time::{Clock, Speed},
    journal::Root,
    runtime::clock::{Paced, SystemClock},
};

/// Real time from a value's measurement to the screen, at a speed at which that is much of the incident's.
const FETCHED_WITHIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Home {
    pub journals: Root,
    pub clock: Arc<dyn Clock>,
    pub is_demo: bool,
}

impl Home {
    /// A demo's where the target is one that is served from its own kubeconfig, else the user's.
    pub fn of(target: &Target) -> Self {
        match folder::of_kubeconfig(&target.files, &target.server) {
            Some((about, state)) => Self { journals: Root::At(state), clock: Arc::new(demo_clock(about.begin, about.speed)), is_demo: true },
            None => Self { journals: Root::OfUser, clock: Arc::new(SystemClock::new()), is_demo: false },
        }
    }

    /// The configuration as it is meant for this cluster: the servers of the user's files are not a demo's, and a demo has
    /// commands to try where there are none.
    pub fn settle(&self, loaded: &mut Loaded) {
        if !self.is_demo {
            return;
        }
        let servers = std::mem::take(&mut loaded.config.servers);
        let typed = |name: &str| matches!(loaded.origin(&format!("servers.{name}.url")), Place::Flag(_) | Place::Environment(_));
        let servers = Servers {
            prometheus: servers.prometheus.filter(|_| typed("prometheus")),
            alertmanager: servers.alertmanager.filter(|_| typed("alertmanager")),
            elasticsearch: servers.elasticsearch.filter(|_| typed("elasticsearch")),
        };
        loaded.config.servers = servers;
        suit(&mut loaded.config, self.clock.speed());
    }
}

/// The clock of a demo that began then: its seconds are the incident's.
pub fn demo_clock(begin: DateTime<Utc>, speed: f64) -> Paced<SystemClock> {
    Paced::since(begin, Speed::new(speed), SystemClock::new())
}

/// A demo's configuration: commands to try, and values that are not old because the clock ran on while they were fetched.
pub fn suit(config: &mut Config, speed: Speed) {
    for kpi in &mut config.kpis {
        kpi.freshness_limit = kpi.freshness_limit.max(speed.counted(FETCHED_WITHIN));
    }
    if config.mitigations.commands.is_empty() {
        config.mitigations.commands = example_commands();
    }
}
