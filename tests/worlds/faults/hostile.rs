//! Text that attacks the terminal or the reader: shown as `<U+001B>`, never obeyed, wherever it comes from.

use std::sync::Arc;

use serde_json::json;

use super::super::{
    proxy::relay::Manner,
    session::Session,
    world::{Kind, World},
};

/// A title for the window, red ink, a cleared screen, a turned reading direction, C1, a tag, a zero width space.
const ATTACK: &str = "\u{1b}]0;PWNED\u{7}\u{1b}[31mRED\u{1b}[2J\u{202e}desrever\u{9b}1m\u{e0041}\u{200b}";

/// The same as it stands in JSON.
fn in_json() -> String {
    let quoted = serde_json::to_string(ATTACK).expect("JSON");
    quoted.trim_matches('"').to_owned()
}

/// Nothing of the attack is in what the terminal got.
#[track_caller]
fn assert_unharmed(session: &Session) {
    let sent = session.sent();
    for hostile in ["\u{1b}]0;PWNED", "\u{1b}[31mRED", "RED\u{1b}", "PWNED\u{7}", "\u{202e}", "\u{9b}", "\u{e0041}", "\u{200b}"] {
        assert!(!sent.windows(hostile.len()).any(|bytes| bytes == hostile.as_bytes()), "{hostile:?} was sent to the terminal");
    }
}

fn attacked(path: &'static str, before: &'static str) -> Manner {
    Manner::Rewrites(Arc::new(move |asked, body| if asked.contains(path) { body.replace(before, &format!("{before}{}", in_json())) } else { body }))
}

pub fn in_answers() {
    let world = World::open(Kind::simulated(&[]));
    world.proxy("elasticsearch").relay.set(attacked("_search", "HMRC answered "));
    world.proxy("alertmanager").relay.set(attacked("/api/v2/alerts", r#""summary":""#));
    world.proxy("prometheus").relay.set(Manner::Says {
        status: 500,
        content_type: "text/plain",
        body: "\u{1b}]0;PWNED\u{7}\u{1b}[31mRED\u{1b}[2J\u{202e}\u{9b}1m".as_bytes(),
        retry_after: None,
    });
    let mut session = world.cockpit(200, 60);
    session.see("HMRC answered <U+001B>]<n>;PWNED").see("<U+001B>]0;PWNED<U+0007><U+001B>[31mRED");
    // The list of alerts has the cursor's alert's summary at this size.
    session.see("HighErrorRate");
    assert_unharmed(&session);
}

pub fn in_objects() {
    let world = World::open(Kind::simulated(&[]));
    let namespace = "digital-identity";
    let deployment = format!("/apis/apps/v1/namespaces/{namespace}/deployments/api-gateway");
    let found = world.merge(
        &deployment,
        &json!({ "metadata": { "annotations": {
        "kubernetes.io/change-cause": ATTACK, "example.org/note": ATTACK,
    } } }),
    );
    world.api(
        "POST",
        &format!("/api/v1/namespaces/{namespace}/events"),
        "application/json",
        &json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": { "name": "api-gateway.attack", "namespace": namespace },
            "involvedObject": {
                "apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": "api-gateway", "uid": found["metadata"]["uid"],
            },
            "type": "Warning", "reason": "Attack", "message": ATTACK, "count": 1,
            "source": { "component": "nobody" },
            "firstTimestamp": found["metadata"]["creationTimestamp"], "lastTimestamp": found["metadata"]["creationTimestamp"],
        }),
    );
    let mut session = world.cockpit(200, 60);
    session.see("CrashLoopBackOff").press("2").press("\t").see("gov-connectors");
    session.press("/").press("api-gateway").enter().see("1 of ");
    // In YAML the serializer has spelt the controls in its own way, which is as harmless.
    session.press("y").see(r"\e]0;PWNED\a\e[31mRED\e[2J<U+202E>desrever");
    session.esc().press("d").see("<U+001B>]0;PWNED<U+0007>");
    session.press("/").press("Attack").enter().see("Attack");
    assert_unharmed(&session);
}

pub fn in_log_lines() {
    let world = World::open(Kind::simulated(&[]));
    world.kubernetes().relay.set(Manner::Rewrites(Arc::new(|asked, body| {
        if !asked.contains("/log?") {
            return body;
        }
        body.lines().flat_map(|line| [line, " ", ATTACK, "\n"]).collect()
    })));
    let mut session = world.cockpit(200, 60);
    session.see("CrashLoopBackOff").press("l").see("<U+001B>]0;PWNED<U+0007>");
    session.press("w").press("g").press("G").press("/").press("PWNED").enter();
    session.see("<U+202E>");
    assert_unharmed(&session);
}
