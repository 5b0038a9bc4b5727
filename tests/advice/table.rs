//! What stood first among the suggestions while nothing was done, against the truth: by cause, and as a whole.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{look::Look, truth::Incident};

/// The first suggestion has to come so soon after the launch, or after the beginning of the episode.
const WITHIN: Duration = Duration::from_mins(10);
/// One in so many of the incidents that an action can help may begin with another suggestion than a right one.
const BAR: usize = 10;

#[derive(Default)]
pub struct Table {
    states: AtomicUsize,
    rows: Mutex<BTreeMap<String, Row>>,
}

/// Of all incidents with one cause.
#[derive(Debug, Clone, Default)]
struct Row {
    incidents: usize,
    /// Those that an action can help.
    helpable: usize,
    /// Of them: the first suggestion was a right one, and no later one that stood first was not.
    right: usize,
    /// Nothing was suggested in time.
    silent: usize,
    /// One that harms stood first at some look.
    harmful: usize,
    /// Something was suggested where nothing helps.
    idle: usize,
    /// Seeds of those that were not as they should be, with what stood first.
    wrong: Vec<String>,
}

impl Table {
    pub fn count_state(&self) {
        self.states.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an incident in which nothing was done.
    pub fn add(&self, incident: &Incident, looks: &[Look]) {
        let firsts = || looks.iter().filter_map(|look| Some((look.at, look.suggestions.first()?)));
        let is_right = |suggestion: &crate::look::Suggested| suggestion.acts.iter().any(|act| incident.helps.contains(act));
        let began = looks.iter().find(|look| look.is_troubled).map_or(Duration::ZERO, |look| look.at);
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry(incident.cause.clone()).or_default();
        row.incidents += 1;
        // What no indicator and no alert shows, nobody is woken for.
        let is_noticed = looks.iter().any(|look| look.is_troubled);
        let wrong = if incident.helps.is_empty() || !is_noticed {
            let is_idle = |suggestion: &crate::look::Suggested| {
                !suggestion.acts.iter().any(|act| [&incident.helps, &incident.mixed].into_iter().flatten().any(|known| known == act))
            };
            let first = firsts().find(|(_, suggestion)| is_idle(suggestion));
            row.idle += usize::from(first.is_some());
            first
        } else {
            row.helpable += 1;
            let first = firsts().next().filter(|(at, _)| *at <= began + WITHIN);
            let wrong = firsts().find(|(_, suggestion)| !is_right(suggestion));
            row.silent += usize::from(first.is_none());
            row.right += usize::from(first.is_some() && wrong.is_none());
            wrong
        };
        let harmful = firsts().find(|(_, suggestion)| suggestion.acts.iter().any(|act| incident.harms.contains(act)));
        row.harmful += usize::from(harmful.is_some());
        for (at, suggestion) in wrong.into_iter().chain(harmful) {
            let seconds = at.as_secs();
            row.wrong.push(format!(
                "seed {} at {:02}:{:02}: {} ({})",
                incident.seed,
                seconds / 60,
                seconds % 60,
                suggestion.words,
                suggestion.evidence
            ));
        }
    }

    /// Whether the bars are kept. Of few incidents one may be missed.
    pub fn is_kept(&self) -> bool {
        let sum = self.sum();
        let missed = sum.helpable - sum.right;
        missed * BAR <= sum.helpable.max(BAR) && sum.harmful == 0 && sum.idle == 0
    }

    fn sum(&self) -> Row {
        let mut sum = Row::default();
        for row in self.rows.lock().unwrap_or_else(PoisonError::into_inner).values() {
            sum.incidents += row.incidents;
            sum.helpable += row.helpable;
            sum.right += row.right;
            sum.silent += row.silent;
            sum.harmful += row.harmful;
            sum.idle += row.idle;
        }
        sum
    }

    #[expect(clippy::print_stdout, reason = "the report of the matrix")]
    pub fn print(&self) {
        let sum = self.sum();
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |name: &str, row: &Row| {
            println!("{name:<18}{:>10}{:>10}{:>8}{:>8}{:>9}{:>18}", row.incidents, row.helpable, row.right, row.silent, row.harmful, row.idle);
        };
        if !rows.is_empty() {
            println!("\n{:<18}{:>10}{:>10}{:>8}{:>8}{:>9}{:>18}", "cause", "incidents", "helpable", "right", "silent", "harmful", "needless advice");
            rows.iter().for_each(|(name, row)| line(name, row));
            line("all", &sum);
        }
        for (name, row) in rows.iter() {
            row.wrong.iter().for_each(|wrong| println!("  {name}, {wrong}"));
        }
        println!("{} states checked", self.states.load(Ordering::Relaxed));
    }
}
