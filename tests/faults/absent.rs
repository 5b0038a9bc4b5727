//! A server that is not there at start: its pane says so, the others are full, and it is found when it comes.

use rstest::rstest;

use super::{
    gate::Way,
    harness::Session,
    live,
    platform::{Api, Platform},
};

/// What each server fills, at a size where every pane says its whole sentence.
const FULL: [(&str, &str); 4] =
    [("kubernetes", "CrashLoopBackOff"), ("prometheus", "▲ > 5 %"), ("alertmanager", "HighErrorRate"), ("elasticsearch", " in 15 min")];

fn start(absent: &str) -> (Platform, Session) {
    let platform = Platform::start(Api::Direct, &[]);
    gate(&platform, absent).set(Way::Shut);
    let session = platform.cockpit(120, 40);
    (platform, session)
}

fn gate<'a>(platform: &'a Platform, name: &str) -> &'a super::gate::Gate {
    let index = FULL.iter().position(|(server, _)| *server == name).expect("a server");
    &platform.servers()[index].gate
}

#[rstest]
#[case::kubernetes("kubernetes", "the pod watch does not answer since ")]
#[case::prometheus("prometheus", "Prometheus does not answer since ")]
#[case::elasticsearch("elasticsearch", "Elasticsearch does not answer since ")]
fn an_absent_server_empties_its_own_pane_alone_until_it_comes(#[case] absent: &str, #[case] sentence: &str) {
    let (platform, mut session) = start(absent);
    session.see(sentence).see("connection refused");
    for (server, filling) in FULL {
        if server != absent {
            session.see(filling);
        }
    }
    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
    gate(&platform, absent).set(Way::Open);
    for (_, filling) in FULL {
        session.see(filling);
    }
    session.see_gone(sentence);
    session.press("q");
    assert_eq!(session.ended(), 0);
}

#[test]
fn without_alertmanager_prometheus_says_what_fires_and_that_silences_are_unknown() {
    let (platform, mut session) = start("alertmanager");
    session.see("HighErrorRate").see("silences unknown");
    gate(&platform, "alertmanager").set(Way::Open);
    session.see_gone("silences unknown").see("HighErrorRate");
}

#[test]
fn without_any_server_every_pane_says_so_and_keys_work() {
    let platform = Platform::start_as(Api::Direct, Way::Shut, &[]);
    let mut session = platform.cockpit(80, 24);
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
    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
    platform.set_all(Way::Open);
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min").see("armed").see_gone("does not answer");
    session.press("q");
    assert_eq!(session.ended(), 0);
}
