//! Each incident and play as a named case.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, OnceLock},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use sev1::sim::world::World;

use crate::{
    invariants::{self, RULES},
    look::Look,
    play::{self, Play, Played},
    screen,
    settings::Settings,
    spoiled,
    table::Table,
    truth::Incident,
};

/// An incident with those of its plays that others are compared with. Gone with the last of its cases.
pub struct Case {
    pub incident: Incident,
    length: Duration,
    table: Arc<Table>,
    /// Each play has a copy of its own.
    launched: OnceLock<World>,
    nothing: OnceLock<Arc<Outcome>>,
    right: OnceLock<Arc<Outcome>>,
}

/// A play, and what was wrong with it.
struct Outcome {
    played: Option<Played>,
    wrong: Violations,
}

/// By rule: the first of its kind with the screen, and how many there were.
#[derive(Default)]
struct Violations(BTreeMap<&'static str, Violation>);

struct Violation {
    at: Duration,
    what: String,
    screen: Vec<String>,
    count: usize,
}

pub fn trials(settings: &Settings) -> (Vec<Trial>, Arc<Table>) {
    let table = Arc::new(Table::default());
    let mut trials = Vec::new();
    for (place, incident) in settings.incidents.iter().enumerate() {
        let case = Arc::new(Case::new(incident.clone(), settings.length, Arc::clone(&table)));
        for play in settings.plays(place) {
            let case = Arc::clone(&case);
            let name = format!("{}::{}", incident.title(), play.name());
            trials.push(Trial::test(name, move || case.check(play)));
        }
    }
    trials.extend(spoiled::trials(settings));
    (trials, table)
}

impl Case {
    pub fn new(incident: Incident, length: Duration, table: Arc<Table>) -> Self {
        Self { incident, length, table, launched: OnceLock::new(), nothing: OnceLock::new(), right: OnceLock::new() }
    }

    /// What was seen in a play.
    pub fn looks(&self, play: Play) -> Vec<Look> {
        self.outcome(play).played.as_ref().map(|played| played.looks.clone()).unwrap_or_default()
    }

    fn check(&self, play: Play) -> Result<(), Failed> {
        let outcome = self.outcome(play);
        let Some(played) = &outcome.played else { return Ok(()) };
        let mut wrong = Violations::default();
        if let Some(without) = play.without().map(|without| self.outcome(without))
            && let Some(without) = &without.played
        {
            for (at, what) in invariants::verdict::check(&played.looks, &without.looks, play.ends_with_a_right_one()) {
                wrong.add(invariants::VERDICT, at, what, Vec::new);
            }
        }
        let said: Vec<String> =
            [&outcome.wrong, &wrong].into_iter().filter(|wrong| !wrong.0.is_empty()).map(|wrong| wrong.text(&self.incident, play)).collect();
        let not_done: Vec<String> = played.not_done.iter().map(|why| format!("could not be done: {why}\n")).collect();
        if said.is_empty() && not_done.is_empty() { Ok(()) } else { Err(Failed::from(format!("{}{}", said.concat(), not_done.concat()))) }
    }

    fn outcome(&self, play: Play) -> Arc<Outcome> {
        match play {
            Play::Nothing => Arc::clone(self.nothing.get_or_init(|| Arc::new(self.played(play)))),
            Play::Right => Arc::clone(self.right.get_or_init(|| Arc::new(self.played(play)))),
            _ => Arc::new(self.played(play)),
        }
    }

    fn played(&self, which: Play) -> Outcome {
        let mut wrong = Violations::default();
        let launched = self.launched.get_or_init(|| play::launched(&self.incident));
        let played = play::play(&self.incident, launched, which, self.length, |cockpit, past, look| {
            self.table.count_state();
            for (name, rule) in RULES {
                for what in rule(past, look) {
                    wrong.add(name, look.at, what, || screen::words(&cockpit.state));
                }
            }
        });
        if let Some(played) = played.as_ref().filter(|_| which == Play::Nothing) {
            self.table.add(&self.incident, &played.looks);
        }
        Outcome { played, wrong }
    }
}

impl Violations {
    fn add(&mut self, rule: &'static str, at: Duration, what: String, screen: impl FnOnce() -> Vec<String>) {
        if let Some(known) = self.0.get_mut(rule) {
            known.count += 1;
            return;
        }
        self.0.insert(rule, Violation { at, what, screen: screen(), count: 1 });
    }

    fn text(&self, incident: &Incident, play: Play) -> String {
        let mut text = String::new();
        for (rule, Violation { at, what, screen, count }) in &self.0 {
            let seconds = at.as_secs();
            let _ = writeln!(
                text,
                "{rule}, {count} times; first at {:02}:{:02} of {} (seed {}), play {}: {what}",
                seconds / 60,
                seconds % 60,
                incident.title(),
                incident.seed,
                play.name()
            );
            for line in screen {
                let _ = writeln!(text, "    {line}");
            }
        }
        text
    }
}
