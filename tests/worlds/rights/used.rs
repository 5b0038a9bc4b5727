//! Somebody who may only look, and looks at everything, makes use of every right that this takes.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use sev1::sources::rights::{FEATURES, IDENTITY, SERVERS};

use super::{caught, rule::Rule, stage::Stage};
use crate::{
    session::{PATIENCE, Session},
    world::Kind,
};

/// Of the first screen.
const PANES: usize = 6;

/// The tables of the second screen, and what stands in one that has rows.
const TABLES: [(&str, &str); 11] = [
    (":events", "Scaling"),
    (":pods", "Running"),
    (":deploy", "UP-TO-DATE"),
    (":nodes", "VERSION"),
    (":services", "front"),
    (":hpa", "shop-hpa"),
    (":sts", "queue"),
    (":ds", "agent"),
    (":job", "migrate"),
    (":cj", "report"),
    (":cm", "api-config"),
];

pub fn by_a_viewer(kind: Kind) -> Result<(), Failed> {
    let mut stage = Stage::open("viewed.txt", kind)?;
    caught(|| {
        let user = stage.user("view", &[]);
        let mut session = stage.sev1.cockpit(&user);
        look_at_everything(&mut session);
        all_used(&stage);
        session.press("\u{3}\u{3}").ended();
    })
}

/// The words behind the marks of the pane with the focus. Its counts, and other text of the screen, change by themselves.
fn focus(screen: &str) -> Vec<String> {
    let words = screen.split('▸').skip(1).map(|rest| rest.chars().take_while(|letter| letter.is_alphabetic()).collect::<String>());
    words.filter(|word| !word.is_empty()).collect()
}

fn look_at_everything(session: &mut Session) {
    session.see("configmap/api-config changed");
    // Twice around: what else changes on the screen may have been taken for the focus.
    for _ in 0..2 * PANES {
        let screen = session.screen();
        if screen.contains("▸Changed") {
            break;
        }
        session.press("\t").wait("the focus on the next pane", |now| focus(now) != focus(&screen));
    }
    session.see("▸Changed").enter().see("circuit_breaker_enabled").esc().see_gone("circuit_breaker_enabled");
    session.press("2");
    for (table, row) in TABLES {
        session.press(table).enter().see(row).press("y").see("apiVersion: ").esc().see_gone("apiVersion: ");
    }
    session.press(":pods").enter().see("Running").press("l").see("Logs");
}

/// Waits until everything that the profile allows was asked for.
fn all_used(stage: &Stage) {
    let rights: Vec<_> = FEATURES.iter().flat_map(|feature| feature.rights).chain(SERVERS).chain([&IDENTITY]).collect();
    let unused = || {
        let asked: Vec<_> = stage.play.world.kubernetes().relay.passed().iter().filter_map(|one| Rule::of_request(&one.method, &one.path)).collect();
        rights.iter().filter(|right| !asked.iter().any(|rule| rule.is(right))).map(|right| right.words()).collect::<Vec<_>>()
    };
    let deadline = Instant::now() + PATIENCE;
    while !unused().is_empty() {
        assert!(Instant::now() < deadline, "nobody makes use of the right to {}", unused().join(", "));
        std::thread::sleep(Duration::from_millis(100));
    }
}
