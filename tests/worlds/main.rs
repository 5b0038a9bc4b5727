//! The same scenarios in two worlds: the simulated platform, or the real servers where `SEV1_STACK` names the file that says
//! where they are (`tests/stack/run` does). The built binary in a pseudo-terminal, a fault proxy of ours before each server.
//!
//! `cargo test --test worlds simulated::undo_rollout` plays one scenario. A new one is a text in `scenarios/`; its language is in
//! `script.rs`, and what a text with a table of examples is in `scenario.rs`. How long every fault took to be noticed and to be got over, and how old the data became, is printed at the end.

#![expect(clippy::disallowed_methods, reason = "a deadline of a test is real time")]
#![expect(clippy::expect_used, reason = "a test that cannot go on should say why and stop")]

mod api;
mod deployers;
mod disasters;
mod expected;
mod faults;
mod files;
mod given;
mod headless;
mod kubeconfig;
mod objects;
mod outlines;
mod play;
#[path = "../support/proxy/mod.rs"]
mod proxy;
mod rights;
mod scenario;
mod script;
mod secure;
#[path = "../support/session.rs"]
#[expect(dead_code, reason = "made for the terminal tests, which use the rest")]
mod session;
mod somebody;
mod stack;
mod trials;
mod world;

use std::path::Path;

use libtest_mimic::{Arguments, Trial};

use stack::Stack;
use trials::Trials;
use world::Kind;

fn main() {
    let arguments = Arguments::from_args();
    let stack = Stack::from_environment();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/scenarios");
    let kind = stack.map_or_else(|| Kind::simulated(&[]), Kind::Real);
    let mut trials = Trials::default();
    trials.extend(faults::trials(&kind));
    trials.extend(rights::trials(&kind));
    let files = scenario::all(&folder);
    let outlines: Vec<_> = files.iter().filter_map(|file| file.outline.clone()).collect();
    trials.among_others.push(Trial::test("outlines_name_every_kind", move || outlines::name_every_kind(&outlines)));
    for scenario in files.into_iter().flat_map(|file| file.scenarios).filter(|scenario| scenario.is_for(kind.name())) {
        let kind = kind.clone();
        let together = if scenario.alone { &mut trials.alone } else { &mut trials.among_others };
        together.push(Trial::test(format!("{}::{}", kind.name(), scenario.name), move || play::play(&scenario, kind)));
    }
    // The simulated platforms are each scenario's own; the real servers are one.
    if matches!(kind, Kind::Simulated(_)) {
        trials.among_others.append(&mut trials.alone);
    }
    let passed = trials.run(&arguments);
    faults::table::print();
    if !passed {
        std::process::exit(101);
    }
}
