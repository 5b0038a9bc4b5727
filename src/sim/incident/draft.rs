//! A scenario in the making: chance, times, and what is put into it.

use super::super::world::platform::{AutoscalerSpec, SettingsSpec};
use super::super::world::scenario::{Action, Cause as Why, Effect, Fault, LogSpec, Scenario, Sickness};
use super::services::{SERVICES, Service, service};
use super::truth::Act;
use fastrand::Rng;
use std::collections::BTreeMap;

/// Seconds, relative to the launch.
pub type Offset = i64;

pub struct Draft {
    pub rng: Rng,
    /// When the first symptom shows: one to twelve minutes before the launch.
    pub symptom: Offset,
    /// Services that nobody else touches: those that the truth speaks of.
    pub taken: Vec<String>,
    /// Pods are short: a rollout of a busy service would not be innocent.
    pub is_tight: bool,
    /// No pod can be added: not even the rollout of a quiet service gets anywhere.
    pub is_closed: bool,
    scenario: Scenario,
}

impl Draft {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x696e_6369_6465_6e74);
        let symptom = -rng.i64(60..=720);
        let scenario = Scenario {
            title: "Something is wrong".into(),
            description: "Find out what is wrong, since when and why. Then do what helps, and nothing that harms.".into(),
            settings: Vec::new(),
            autoscaler: Vec::new(),
            fault: Vec::new(),
            sickness: Vec::new(),
            effect: Vec::new(),
            log: Vec::new(),
        };
        Self { rng, symptom, taken: Vec::new(), is_tight: false, is_closed: false, scenario }
    }

    pub fn fault(&mut self, name: &str, at: Offset, action: Action) {
        self.scenario.fault.push(Fault { name: name.to_owned(), at, until: None, action });
    }

    pub fn effect(&mut self, effect: Effect) {
        self.scenario.effect.push(effect);
    }

    pub fn log(&mut self, log: LogSpec) {
        self.scenario.log.push(log);
    }

    pub fn sickness(&mut self, sickness: Sickness) {
        self.scenario.sickness.push(sickness);
    }

    pub fn settings(&mut self, settings: SettingsSpec) {
        self.scenario.settings.push(settings);
    }

    pub fn autoscaler(&mut self, autoscaler: AutoscalerSpec) {
        self.scenario.autoscaler.push(autoscaler);
    }

    /// A number between these.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.rng.f64()
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.rng.f64() < share
    }

    pub fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.rng.usize(..list.len())]
    }

    /// One of the services with these names; nobody else touches it.
    pub fn takes(&mut self, names: &[&str]) -> Service {
        let chosen = if names.is_empty() { SERVICES[self.rng.usize(..SERVICES.len())] } else { service(names[self.rng.usize(..names.len())]) };
        self.taken.push(chosen.name.to_owned());
        chosen
    }

    /// Who changes things: the pipeline, or people with their tools.
    pub fn somebody(&mut self) -> String {
        self.one_of(&["ci-deployer", "ci-deployer", "kubectl-edit", "kubectl-patch", "helm"]).to_owned()
    }

    /// A cause that sleeps: it acts only while something outside lasts, which begins with the first symptom. Returns when the
    /// change behind it is made and the name of what it waits for, if it does.
    pub fn lead(&mut self, awake: Offset) -> (Offset, Option<String>) {
        if self.chance(0.5) {
            return (self.symptom - awake, None);
        }
        let begin = self.symptom;
        self.fault("trigger", begin, Action::Condition);
        (begin - self.rng.i64(120..=1_200), Some("trigger".into()))
    }

    /// More traffic than usual from the first symptom on. Queues are worked off faster, as batches fill up.
    pub fn surge(&mut self, load: f64, ramp: Offset) {
        self.fault("traffic", self.symptom, Action::Condition);
        self.effect(Effect { load, ramp, consumers: load, verifiers: load * 1.1, ..Effect::of(Why::Fault("traffic".into())) });
        self.is_tight = true;
    }

    /// What the failing and the slowness of a service do to those who call it, and to their callers. `guarded`: the calls end
    /// before they are made once the gateway's circuit breaker is on.
    pub fn spread(&mut self, of: &str, guarded: bool) {
        self.reach(of, guarded, true);
    }

    /// The same without a word: refusals that callers pass on as they are.
    pub fn spread_quietly(&mut self, of: &str) {
        self.reach(of, false, false);
    }

    fn reach(&mut self, of: &str, guarded: bool, is_logged: bool) {
        let mut done: Vec<&str> = Vec::new();
        let mut next = vec![service(of)];
        while let Some(callee) = next.pop() {
            if done.contains(&callee.name) {
                continue;
            }
            done.push(callee.name);
            for (caller, share) in callee.callers {
                let reach = share * self.between(0.5, 1.25);
                let breaker = if guarded { 0.85 } else { 0.0 };
                let failing = || Why::Failing(callee.name.into());
                let slow = || Why::Slow(callee.name.into());
                self.effect(Effect { errors: reach, status: 502, breaker, ..Effect::on(failing(), caller) });
                self.effect(Effect { slow: reach * 0.9, slow_s: 3.2, breaker, ..Effect::on(slow(), caller) });
                next.push(service(caller));
                if !is_logged {
                    continue;
                }
                let upstream = format!("upstream {}: 503 after {{40..900}} ms, request {{id}}", callee.name);
                self.log(LogSpec::error(failing(), caller, "UpstreamUnavailable", &upstream, 90.0));
                let late = format!("call to {} took {{3000..9000}} ms, request {{id}}", callee.name);
                self.log(LogSpec { level: "WARN".into(), ..LogSpec::error(slow(), caller, "SlowUpstream", &late, 40.0) });
            }
        }
    }

    /// Where pods of a service fail, more of them do a little for its queues.
    pub fn unclear_while_sick(&self, service: &str) -> Vec<Act> {
        if self.scenario.sickness.is_empty() { Vec::new() } else { vec![scale(service)] }
    }

    /// What was put into the scenario so far.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    pub fn finish(mut self) -> Scenario {
        self.scenario.fault.sort_by_key(|fault| fault.at);
        self.scenario
    }
}

/// One variable.
pub fn variable(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
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
