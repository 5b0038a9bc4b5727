//! The matrix of advice: every incident with every play, and what has to hold at each look.
//!
//! An incident is played on the simulated platform for half an hour of its own time, inside the process and on a clock that
//! jumps; the cockpit on it is the real one, from the sources to the engine, only without a terminal (`cockpit.rs`). Seven things are
//! done about it, one a play (`play.rs`). Every five seconds the rules are checked (`invariants/`), and what stood first among
//! the suggestions is counted against the truth (`table.rs`).
//!
//! `cargo test --test advice bad-deploy::right` plays one. Without any argument a part is played that takes about two minutes of one
//! core: the named scenarios and a few generated incidents, eight minutes of each, with three of the plays. That the rules notice
//! what they are for is tried too (`spoiled.rs`). What else can be set:
//!
//! | variable | meaning |
//! |---|---|
//! | `SEV1_ADVICE=all` | all of it: the named scenarios and 300 generated incidents, half an hour each with all plays |
//! | `SEV1_ADVICE_SEEDS=1000..1300` | the same with these generated incidents; one seed alone is written `1000` |
//! | `SEV1_ADVICE_MINUTES=30` | how long each is played after the launch |
//!
//! The whole of it is for `cargo test --release`: it is 2,100 plays, of half a minute each without optimization.
//!
//! A failure names the seed, the play and the time since the launch, and shows the screen of that moment.

#![expect(clippy::disallowed_methods, reason = "the clock that is asked is the runtime's own, which jumps")]
#![expect(clippy::expect_used, reason = "a test that cannot go on should say why and stop")]

mod acts;
mod cards;
mod cases;
#[path = "../support/cockpit.rs"]
mod cockpit;
mod episode;
mod invariants;
mod look;
mod play;
mod running;
mod screen;
mod settings;
mod spoiled;
mod table;
mod truth;

use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    let settings = settings::Settings::from_environment();
    let (trials, table) = cases::trials(&settings);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.list {
        return;
    }
    table.print();
    if conclusion.has_failed() || !table.is_kept() {
        std::process::exit(101);
    }
}
