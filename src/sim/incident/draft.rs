//! A scenario in the making: chance, times, and what is put into it.

use super::super::world::scenario::{Action, Effect, Fault, LogSpec, Scenario};
use fastrand::Rng;

/// Seconds, relative to the launch.
type Offset = i64;

pub struct Draft {
    pub rng: Rng,
    /// When the first symptom shows: one to twelve minutes before the launch.
    pub symptom: Offset,
    scenario: Scenario,
}

impl Draft {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x696e_6369_6465_6e74);
        let symptom = -rng.i64(60..=720);
        let scenario = Scenario {
            title: "An incident".into(),
            description: "Something is wrong. Find out what, and what helps.".into(),
            fault: Vec::new(),
            sickness: Vec::new(),
            effect: Vec::new(),
            log: Vec::new(),
        };
        Self { rng, symptom, scenario }
    }

    pub fn fault(&mut self, name: &str, at: Offset, until: Option<Offset>, action: Action) {
        self.scenario.fault.push(Fault { name: name.to_owned(), at, until, action });
    }

    pub fn effect(&mut self, effect: Effect) {
        self.scenario.effect.push(effect);
    }

    pub fn log(&mut self, log: LogSpec) {
        self.scenario.log.push(log);
    }

    /// A number between these.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.rng.f64()
    }

    pub fn finish(mut self) -> Scenario {
        self.scenario.fault.sort_by_key(|fault| fault.at);
        self.scenario
    }
}
