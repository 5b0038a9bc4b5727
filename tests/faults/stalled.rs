//! A server that freezes, dies or is lost behind a gateway while the cockpit runs: what is shown ages visibly, stays, and
//! comes back.

use std::time::Duration;

use super::{
    gate::Way,
    live,
    platform::{Api, Platform},
};

/// Data of a frozen server is past its limit after at most 90 s; two heartbeats of slack.
const PAST_ITS_LIMIT: Duration = Duration::from_secs(115);

/// The line of the screen that begins a pane.
fn title<'a>(screen: &'a str, pane: &str) -> &'a str {
    screen.lines().find(|line| line.trim_start_matches([' ', '▸']).starts_with(pane)).unwrap_or_default()
}

#[test]
fn frozen_servers_leave_old_data_that_says_how_old_it_is() {
    let platform = Platform::start(Api::Direct, &[]);
    let mut session = platform.cockpit(80, 24);
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min").see("armed");
    session.wait("all panes live", |screen| title(screen, "Pods").contains('●') && title(screen, "Errors").contains('●'));
    platform.set_all(Way::Silent);

    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
    session.wait_at_most(PAST_ITS_LIMIT, "no pane live", |screen| !live(screen));
    session.press("2").see("api-gateway").see_gone("Suggested").press("1").see("Suggested");
    session.wait_at_most(PAST_ITS_LIMIT, "stale pods", |screen| title(screen, "Pods").contains("stale "));
    // The last that was known stays on the screen.
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min");
    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
    assert!(!live(&session.screen()), "{}", session.screen());

    platform.set_all(Way::Open);
    session.wait("all panes live again", |screen| title(screen, "Pods").contains('●') && title(screen, "Errors").contains('●'));
    session.see_gone("stale");
    session.press("q");
    assert_eq!(session.ended(), 0);
}

#[test]
fn killed_servers_are_said_to_fail_and_come_back() {
    let platform = Platform::start(Api::Direct, &[]);
    let mut session = platform.cockpit(80, 24);
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min");
    platform.set_all(Way::Shut);
    session.wait("failing pods", |screen| title(screen, "Pods").contains("! failing"));
    session.wait("failing errors", |screen| title(screen, "Errors").contains("! failing"));
    session.wait("no pane live", |screen| !live(screen));
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min");
    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
    platform.set_all(Way::Open);
    session.wait("all panes live again", |screen| title(screen, "Pods").contains('●') && title(screen, "Errors").contains('●'));
    session.see_gone("failing");
}

#[test]
fn connections_that_a_gateway_lost_without_a_word_are_replaced() {
    let platform = Platform::start(Api::Direct, &[]);
    let mut session = platform.cockpit(80, 24);
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min");
    session.wait("pods live", |screen| title(screen, "Pods").contains('●'));
    for server in platform.servers() {
        server.gate.lose_connections();
    }
    // Only new connections pass: what is new is seen again only if the watches were opened anew.
    let pods = "/api/v1/namespaces/digital-identity/pods";
    let name = "lost-and-found-0";
    platform.api(
        "POST",
        pods,
        "application/json",
        &serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "digital-identity" },
            "spec": { "containers": [{ "name": "main", "image": "nowhere/at-all:1", "resources": { "requests": { "cpu": "900" } } }] }
        }),
    );
    session.press("2").press("/").press(name).enter().see("1 of ");
    session.see(name);
}
