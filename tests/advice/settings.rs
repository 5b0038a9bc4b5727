//! How much is played.

use std::{env, ops::Range, time::Duration};

use crate::{
    play::Play,
    truth::{self, Incident},
};

/// Minutes of each play of the part.
const PART: u64 = 8;

/// Of the named scenarios.
const NAMED_SEED: u64 = 42;

/// Seeds of generated incidents: all, and those of the part.
const ALL: Range<u64> = 1000..1300;
const SAMPLE: Range<u64> = 1000..1004;

pub struct Settings {
    pub incidents: Vec<Incident>,
    /// Of each play, after the launch.
    pub length: Duration,
    /// All of it, or a part.
    is_all: bool,
}

impl Settings {
    pub fn from_environment() -> Self {
        let seeds = env::var("SEV1_ADVICE_SEEDS").ok().map(|text| range(&text));
        let is_all = env::var("SEV1_ADVICE").is_ok_and(|text| text == "all");
        // Who names seeds wants to see all of them.
        let is_all = is_all || seeds.is_some();
        let minutes = env::var("SEV1_ADVICE_MINUTES").ok().map(|text| text.parse().expect("SEV1_ADVICE_MINUTES is a number"));
        let length = Duration::from_mins(minutes.unwrap_or(if is_all { 30 } else { PART }));
        let seeds = seeds.unwrap_or(if is_all { ALL } else { SAMPLE });
        let mut incidents = truth::named(NAMED_SEED);
        incidents.extend(truth::generated(seeds));
        Self { incidents, length, is_all }
    }

    /// Of the incident at this place: all, or what would happen, what should be done, and one of the others in turn.
    pub fn plays(&self, place: usize) -> Vec<Play> {
        let [nothing, right, others @ ..] = Play::ALL;
        if self.is_all { Play::ALL.to_vec() } else { vec![nothing, right, others[place % others.len()]] }
    }
}

/// `1000..1300`, or one seed.
fn range(text: &str) -> Range<u64> {
    let number = |text: &str| text.trim().parse::<u64>().expect("SEV1_ADVICE_SEEDS is written 1000..1300");
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(text)..number(text) + 1,
    }
}
