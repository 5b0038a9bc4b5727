//! Servers that refuse, or answer something that is no answer: a sentence in the pane, everything else lives.

use super::{
    super::{
        expected::{run_together, see},
        proxy::{Path, gate::Way, relay::Manner},
        session::Session,
        world::{Kind, World},
    },
    press_help,
};

const LOGIN: &[u8] = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>";
const FORBIDDEN: &[u8] = br#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"pods is forbidden: User \"oncall@gov\" cannot list resource \"pods\" in API group \"\" in the namespace \"digital-identity\"","reason":"Forbidden","code":403}"#;

const fn says(status: u16, content_type: &'static str, body: &'static [u8]) -> Manner {
    Manner::Says { status, content_type, body, retry_after: None }
}

/// What a server may say, and what the pane says of it. The last two take the seconds that a time limit takes.
fn cases() -> Vec<(Manner, &'static str)> {
    vec![
        (says(401, "application/json", br#"{"message":"token expired"}"#), "(401): token expired"),
        (says(500, "text/plain", b"out of cheese"), "answered 500: out of cheese"),
        (says(502, "text/html", b"<html>Bad gateway</html>"), "answered 502: <html>Bad"),
        (says(200, "application/json", b"\x00\xff{]garbage"), "not JSON (application/json): "),
        (says(200, "text/html", LOGIN), "not JSON (text/html): <!DOCTYPE"),
        (says(200, "application/json", b""), "not JSON (application/json): no"),
        (says(200, "application/json", b"[1,2,3]"), "another shape than expected"),
        (says(200, "application/json", b"{}"), "another shape than expected"),
        (says(302, "text/html", LOGIN), "a login page in between?"),
        (Manner::Says { status: 429, content_type: "text/plain", body: b"slow down", retry_after: Some(240) }, "asks to wait (429)"),
        (Manner::Endless, "MiB: refused"),
        (Manner::Dripping, "gave no answer within"),
    ]
}

/// The next fault begins with another sentence on the screen.
fn between(world: &World, session: &mut Session, server: &str, sentence: &str) {
    world.proxy(server).relay.set(says(500, "text/plain", b"in between"));
    session.press("\u{12}");
    let gone = run_together(sentence);
    session.wait("the next fault", |screen| !run_together(screen).contains(&gone));
}

/// Whatever Prometheus or Elasticsearch answers is said in its pane.
pub fn of_one(server: &str, name: &str) {
    let world = World::open(Kind::simulated(&[]));
    world.proxy(server).relay.set(says(500, "text/plain", b"at first"));
    let mut session = world.cockpit(200, 60);
    session.see("CrashLoopBackOff").see("HighErrorRate");
    for (manner, sentence) in cases() {
        world.proxy(server).relay.set(manner.clone());
        // Not as long as the server asked for: Ctrl-R is asked by a person.
        session.press("\u{12}");
        see(&mut session, &format!("{name} does not answer since "));
        see(&mut session, sentence);
        press_help(&mut session);
        between(&world, &mut session, server, sentence);
    }
    world.proxy(server).relay.set(says(403, "text/plain", b"not you"));
    session.press("\u{12}");
    see(&mut session, "You are not allowed to ");
    session.see("CrashLoopBackOff").see("HighErrorRate");

    world.proxy(server).heal();
    session.press("\u{12}").see("▲ > 5 %").see(" in 15 min").see_gone("does not answer");
}

/// Whatever Alertmanager answers, Prometheus stands in.
pub fn of_alertmanager() {
    let world = World::open(Kind::simulated(&[]));
    let mut session = world.cockpit(200, 60);
    session.see("HighErrorRate");
    for (manner, sentence) in [
        (says(401, "application/json", br#"{"message":"token expired"}"#), "(401): token expired"),
        (says(200, "text/html", LOGIN), "(text/html)"),
        (says(200, "application/json", b"{}"), "another shape than expected"),
    ] {
        world.proxy("alertmanager").relay.set(manner);
        session.press("\u{12}");
        see(&mut session, "silences unknown: ");
        see(&mut session, sentence);
        session.see("HighErrorRate");
        press_help(&mut session);
    }
    world.proxy("alertmanager").relay.set(Manner::Honest);
    session.press("\u{12}").see_gone("silences unknown").see("HighErrorRate");
}

/// Whatever the Kubernetes API answers is said, and the last pods stay.
pub fn of_kubernetes() {
    let world = World::open(Kind::simulated(&[]));
    world.kubernetes().relay.set(says(403, "application/json", FORBIDDEN));
    let mut session = world.cockpit(200, 60);
    see(&mut session, "You are not allowed to list pods");
    press_help(&mut session);
    for (manner, sentence) in cases() {
        // The client waits longer for a page of a big list than this test would.
        if matches!(manner, Manner::Dripping | Manner::Endless) {
            continue;
        }
        world.kubernetes().relay.set(manner);
        session.press("\u{12}");
        see(&mut session, "the pod watch does not answer since ");
        see(&mut session, sentence);
        session.see("▲ > 5 %").see("HighErrorRate");
        press_help(&mut session);
        between(&world, &mut session, "kubernetes", sentence);
    }
    world.kubernetes().relay.set(Manner::Honest);
    session.press("\u{12}").see("CrashLoopBackOff").see_gone("cannot write yet");

    // Once they were seen they stay.
    world.kubernetes().relay.set(says(503, "text/html", LOGIN));
    world.kubernetes().gate.close_connections();
    session.see("! failing").see("CrashLoopBackOff");
    press_help(&mut session);
}

/// Bytes that are no protocol are said, and never shown raw.
pub fn of_bytes() {
    let world = World::open_as(Kind::simulated(&[]), Path::Direct, Way::Babbling);
    let mut session = world.cockpit(200, 60);
    see(&mut session, "Prometheus does not answer since ");
    see(&mut session, "Elasticsearch does not answer since ");
    see(&mut session, "TLS with ");
    see(&mut session, "it does not speak TLS: is the address http?");
    press_help(&mut session);
    world.set_all(Way::Open);
    session.press("\u{12}").see("CrashLoopBackOff").see("▲ > 5 %").see("HighErrorRate").see(" in 15 min");
    let sent = session.sent();
    assert!(!sent.windows(5).any(|bytes| bytes == b"owned"), "what a server babbled reached the terminal");
}
