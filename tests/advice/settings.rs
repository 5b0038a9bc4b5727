//! How much is played.

use std::{env, ops::Range, time::Duration};

use crate::truth::{self, Incident};

/// Of the named scenarios.
const NAMED_SEED: u64 = 42;

/// Seeds of generated incidents: all, and those of the part.
const ALL: Range<u64> = 1000..1300;
const SAMPLE: Range<u64> = 1000..1004;

pub struct Settings {
    pub incidents: Vec<Incident>,
    /// Of each play, after the launch.
    pub length: Duration,
}

impl Settings {
    pub fn from_environment() -> Self {
        let minutes = env::var("SEV1_ADVICE_MINUTES").ok().map_or(30, |text| text.parse().expect("SEV1_ADVICE_MINUTES is a number"));
        let seeds = env::var("SEV1_ADVICE_SEEDS").ok().map(|text| range(&text));
        let is_all = env::var("SEV1_ADVICE").is_ok_and(|text| text == "all");
        let seeds = seeds.unwrap_or(if is_all { ALL } else { SAMPLE });
        let mut incidents = truth::named(NAMED_SEED);
        incidents.extend(truth::generated(seeds));
        Self { incidents, length: Duration::from_mins(minutes) }
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
