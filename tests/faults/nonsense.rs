//! Servers that refuse, or answer something that is no answer: a sentence in the pane, everything else lives.

use super::{
    gate::Way,
    harness::Session,
    platform::{Api, Platform},
    relay::Manner,
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

/// The screen as running text, so that a sentence is found however it is wrapped.
fn text(screen: &str) -> String {
    screen.split(|character: char| character.is_whitespace() || character == '│').collect()
}

#[track_caller]
fn see_sentence(session: &mut Session, sentence: &str) {
    let wanted = text(sentence);
    session.wait(&format!("{sentence:?} in a pane"), |screen| text(screen).contains(&wanted));
}

/// A key is answered at once, whatever the servers do.
fn press_help(session: &mut Session) {
    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
}

#[test]
fn whatever_prometheus_and_elasticsearch_answer_is_said_in_their_panes() {
    let platform = Platform::start(Api::Direct, &[]);
    platform.prometheus.relay.set(says(500, "text/plain", b"at first"));
    platform.elasticsearch.relay.set(says(500, "text/plain", b"at first"));
    let mut session = platform.cockpit(200, 60);
    session.see("CrashLoopBackOff").see("HighErrorRate");
    for (manner, sentence) in cases() {
        for (server, name) in [(&platform.prometheus, "Prometheus"), (&platform.elasticsearch, "Elasticsearch")] {
            server.relay.set(manner.clone());
            // Not as long as the server asked for: Ctrl-R is asked by a person.
            session.press("\u{12}");
            see_sentence(&mut session, &format!("{name} does not answer since "));
            see_sentence(&mut session, sentence);
            press_help(&mut session);
            server.relay.set(says(500, "text/plain", b"in between"));
            session.press("\u{12}");
            session.wait("the next fault", |screen| !text(screen).contains(&text(sentence)));
        }
    }
    platform.prometheus.relay.set(says(403, "text/plain", b"not you"));
    session.press("\u{12}");
    see_sentence(&mut session, "not allowed to get /api/v1/query");
    session.see("CrashLoopBackOff").see("HighErrorRate");

    platform.prometheus.relay.set(Manner::Honest);
    platform.elasticsearch.relay.set(Manner::Honest);
    session.press("\u{12}").see("▲ > 5 %").see(" in 15 min").see_gone("does not answer");
}

#[test]
fn whatever_alertmanager_answers_prometheus_stands_in() {
    let platform = Platform::start(Api::Direct, &[]);
    let mut session = platform.cockpit(200, 60);
    session.see("HighErrorRate");
    for (manner, sentence) in [
        (says(401, "application/json", br#"{"message":"token expired"}"#), "(401): token expired"),
        (says(200, "text/html", LOGIN), "not JSON (text/html)"),
        (says(200, "application/json", b"{}"), "another shape than expected"),
    ] {
        platform.alertmanager.relay.set(manner);
        session.press("\u{12}");
        see_sentence(&mut session, "silences unknown: ");
        see_sentence(&mut session, sentence);
        session.see("HighErrorRate");
        press_help(&mut session);
    }
    platform.alertmanager.relay.set(Manner::Honest);
    session.press("\u{12}").see_gone("silences unknown").see("HighErrorRate");
}

#[test]
fn whatever_the_kubernetes_api_answers_is_said_and_the_last_pods_stay() {
    let platform = Platform::start(Api::Relayed, &[]);
    platform.kubernetes.relay.set(says(403, "application/json", FORBIDDEN));
    let mut session = platform.cockpit(200, 60);
    see_sentence(&mut session, "You are not allowed to list pods");
    press_help(&mut session);
    for (manner, sentence) in cases() {
        // The client waits longer for a page of a big list than this test would.
        if matches!(manner, Manner::Dripping | Manner::Endless) {
            continue;
        }
        platform.kubernetes.relay.set(manner);
        session.press("\u{12}");
        see_sentence(&mut session, "the pod watch does not answer since ");
        see_sentence(&mut session, sentence);
        session.see("▲ > 5 %").see("HighErrorRate");
        press_help(&mut session);
        platform.kubernetes.relay.set(says(500, "text/plain", b"in between"));
        session.press("\u{12}");
        session.wait("the next fault", |screen| !text(screen).contains(&text(sentence)));
    }
    platform.kubernetes.relay.set(Manner::Honest);
    session.press("\u{12}").see("CrashLoopBackOff").see("armed");

    // Once they were seen they stay.
    platform.kubernetes.relay.set(says(503, "text/html", LOGIN));
    platform.kubernetes.gate.set(Way::Shut);
    platform.kubernetes.gate.set(Way::Open);
    session.see("! failing").see("CrashLoopBackOff");
    press_help(&mut session);
}

#[test]
fn bytes_that_are_no_protocol_are_said_and_never_shown_raw() {
    let platform = Platform::start_as(Api::Direct, Way::Babbling, &[]);
    let mut session = platform.cockpit(200, 60);
    see_sentence(&mut session, "Prometheus does not answer since ");
    see_sentence(&mut session, "Elasticsearch does not answer since ");
    see_sentence(&mut session, "TLS with ");
    see_sentence(&mut session, "it does not speak TLS: is the address http?");
    press_help(&mut session);
    platform.set_all(Way::Open);
    session.press("\u{12}").see("CrashLoopBackOff").see("▲ > 5 %").see("HighErrorRate").see(" in 15 min");
    let sent = session.sent();
    assert!(!sent.windows(5).any(|bytes| bytes == b"owned"), "what a server babbled reached the terminal");
}
