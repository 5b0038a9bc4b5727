//! The simulation's PromQL against a real Prometheus on the same samples: the guide's expressions and random ones.
//!
//! With `SEV1_STACK` a Prometheus of its own is asked, and with `SEV1_RECORD=1` its answers are kept in `recorded.json`; without, those
//! answers are the truth.

mod answers;
mod expressions;
mod real;
mod samples;

use std::path::PathBuf;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::stack::{self, Stack};
use answers::{Answer, Moment};
use real::Prometheus;

/// Of samples and expressions. `SEV1_SEED` asks the real Prometheus about others.
const SEED: u64 = 2;
const GENERATED: usize = 240;
const STEPS: i64 = 4;

/// One question.
struct Case {
    query: String,
    moment: Moment,
}

/// Each expression at one moment and over one range. Every other one on the scrapes of the job `aligned`, where only a Prometheus
/// whose windows are open on the left agrees; the rest between all scrapes.
fn cases(seed: u64) -> Vec<Case> {
    let generated = expressions::generate(seed, GENERATED);
    let queries = expressions::GUIDE.iter().map(|query| (*query).to_owned()).chain(generated);
    let both = |(place, query): (usize, String)| {
        let end = if place % 2 == 0 { samples::END_MS } else { samples::END_MS - 13 };
        let step = [30_000, 60_000, 75_000][place % 3];
        [Moment::Instant(end), Moment::Range { start: end - STEPS * step, end, step }].map(|moment| Case { query: query.clone(), moment })
    };
    queries.enumerate().flat_map(both).collect()
}

/// Whether a Prometheus before version 3 answers otherwise: where a window's left end may lie on a sample (at a scrape, at a fixed time,
/// within a subquery, which steps on multiples of its step), and the spread of infinities.
fn has_changed(case: &Case) -> bool {
    let (Moment::Instant(t) | Moment::Range { end: t, .. }) = case.moment;
    let query = &case.query;
    t % samples::INTERVAL_MS == 0 || query.contains(['@', ':']) || (query.contains("std") && query.contains("odd"))
}

fn recording() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/promql/recorded.json")
}

fn digest(series: &[samples::Series]) -> String {
    Sha256::digest(samples::open_metrics(series)).iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The truth for each case: of a real Prometheus, or recorded. None where it cannot be had.
async fn truths(seed: u64, series: &[samples::Series], cases: &[Case]) -> (String, Vec<Option<Answer>>) {
    let Some(stack) = Stack::named() else {
        let recorded: Json = serde_json::from_slice(&std::fs::read(recording()).unwrap()).unwrap();
        assert_eq!(recorded["samples"], digest(series), "the recorded answers are about other samples: record them again");
        let asked: Vec<&str> = recorded["cases"].as_array().unwrap().iter().map(|case| case[0].as_str().unwrap()).collect();
        assert_eq!(asked, cases.iter().map(|case| case.query.as_str()).collect::<Vec<_>>(), "other expressions were recorded: record them again");
        let answers = recorded["cases"].as_array().unwrap().iter().zip(cases).map(|(recorded, case)| {
            assert_eq!(recorded[1], case.moment.to_json(), "{}", case.query);
            Some(Answer::from_json(&recorded[2]))
        });
        return (format!("recorded of {}", recorded["prometheus"]), answers.collect());
    };
    let server = Prometheus::start(&stack.program("PROMETHEUS_BIN"), &stack.program("PROMTOOL"), series).await;
    let mut answers = Vec::new();
    for case in cases {
        let is_comparable = server.is_left_open || !has_changed(case);
        answers.push(if is_comparable { Some(server.answer(&case.query, case.moment).await) } else { None });
    }
    if stack::is_recording() {
        assert!(server.is_left_open && seed == SEED, "recorded are answers of Prometheus 3 or newer to seed {SEED}");
        let kept =
            |(case, answer): (&Case, &Option<Answer>)| json!([case.query, case.moment.to_json(), answer.as_ref().unwrap().to_json()]).to_string();
        let lines: Vec<String> = cases.iter().zip(&answers).map(kept).collect();
        let head = format!("{{\"prometheus\": \"{}\", \"seed\": {seed}, \"samples\": \"{}\", \"cases\": [\n", server.version, digest(series));
        std::fs::write(recording(), head + &lines.join(",\n") + "\n]}\n").unwrap();
    }
    (format!("of Prometheus {}", server.version), answers)
}

#[tokio::test]
async fn the_simulated_evaluator_agrees_with_prometheus() {
    let seed = if Stack::named().is_some() { stack::number("SEV1_SEED").unwrap_or(SEED) } else { SEED };
    let (series, cases) = (samples::generate(seed), cases(seed));
    let store = samples::store(&series);
    let (whose, truths) = truths(seed, &series, &cases).await;
    let (mut compared, mut empty, mut failed, mut differences) = (0, 0, 0, Vec::new());
    for (case, truth) in cases.iter().zip(&truths) {
        let Some(truth) = truth else { continue };
        compared += 1;
        empty += usize::from(truth.is_empty());
        failed += usize::from(matches!(truth, Answer::Error(_)));
        if let Some(how) = truth.differs(&Answer::simulated(&store, &case.query, case.moment)) {
            differences.push(format!("{}  {:?}\n    {how}", case.query, case.moment));
        }
    }
    println!(
        "PromQL, seed {seed}, answers {whose}: {} questions, {compared} compared ({empty} empty, {failed} errors), {} not comparable with a \
         Prometheus before 3, {} differ",
        cases.len(),
        cases.len() - compared,
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared > 0 && empty * 3 < compared && failed * 8 < compared, "too few answers say anything");
}
