//! A server that is not there at start: its pane says so, the others are full, and it is found when it comes.

use super::{
    super::{
        proxy::{Path, gate::Way},
        session::Session,
        world::{Kind, World},
    },
    live, press_help,
};

/// What each server fills, at a size where every pane says its whole sentence.
const FULL: [(&str, &str); 4] =
    [("kubernetes", "CrashLoopBackOff"), ("prometheus", "▲ > 5 %"), ("alertmanager", "HighErrorRate"), ("elasticsearch", " in 15 min")];

fn start(absent: &str) -> (World, Session) {
    let world = World::open_as(Kind::simulated(&[]), Path::Direct, Way::Open);
    world.proxy(absent).gate.set(Way::Shut);
    let session = world.cockpit(120, 40);
    (world, session)
}

/// An absent server empties its own pane alone, until it comes.
pub fn one(absent: &str, sentence: &str) {
    let (world, mut session) = start(absent);
    session.see(sentence).see("connection refused");
    for (server, filling) in FULL {
        if server != absent {
            session.see(filling);
        }
    }
    press_help(&mut session);
    world.proxy(absent).gate.set(Way::Open);
    for (_, filling) in FULL {
        session.see(filling);
    }
    session.see_gone(sentence);
    session.press("q");
    assert_eq!(session.ended(), 0);
}

/// An acknowledgement made before the API server said which cluster it is gets into its journal.
pub fn acknowledged() {
    let (world, mut session) = start("kubernetes");
    session.see("HighErrorRate").press("a").see("acknowledged: its ladder is held");
    assert_eq!(session.journal(), Vec::<serde_json::Value>::new(), "no cluster, no journal");
    world.proxy("kubernetes").gate.set(Way::Open);
    session.see_gone("cannot write yet").press("q");
    assert_eq!(session.ended(), 0);
    let journal = session.journal();
    let kinds: Vec<&str> = journal.iter().filter_map(|line| line["kind"].as_str()).collect();
    assert!(kinds.first() == Some(&"session") && kinds.contains(&"ack"), "{kinds:?}");
}

/// Without Alertmanager Prometheus says what fires, and that silences are unknown.
pub fn alertmanager() {
    let (world, mut session) = start("alertmanager");
    session.see("HighErrorRate").see("silences unknown");
    world.proxy("alertmanager").gate.set(Way::Open);
    session.see_gone("silences unknown").see("HighErrorRate");
}

/// Without any server every pane says so, and keys work.
pub fn all() {
    let world = World::open_as(Kind::simulated(&[]), Path::Direct, Way::Shut);
    let mut session = world.cockpit(80, 24);
    session
        .see("Prometheus does not answer since ")
        .see("the pod watch does not answer since ")
        .see("Elasticsearch does not answer since ")
        .see("alerts unknown");
    // Nothing was checked, so nothing is well and nothing is live.
    assert!(!live(&session.screen()) && !session.screen().contains('✓'), "{}", session.screen());
    for key in ["?", "2", "1", "u", "m", ":"] {
        session.press(key).esc();
    }
    press_help(&mut session);
    world.set_all(Way::Open);
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min").see_gone("cannot write yet").see_gone("does not answer");
    session.press("q");
    assert_eq!(session.ended(), 0);
}
