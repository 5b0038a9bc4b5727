//! Servers that freeze together, or are lost behind a gateway, while the cockpit runs: what is shown ages visibly, stays, and
//! comes back.

use std::time::Duration;

use super::{
    super::{
        proxy::{Path, gate::Way},
        world::{Kind, World},
    },
    live, press_help,
};

/// Data of a frozen server is past its limit after at most 90 s; two heartbeats of slack.
const PAST_ITS_LIMIT: Duration = Duration::from_secs(115);

/// The line of the screen that begins a pane.
fn title<'a>(screen: &'a str, pane: &str) -> &'a str {
    screen.lines().find(|line| line.trim_start_matches([' ', '▸']).starts_with(pane)).unwrap_or_default()
}

/// Frozen servers leave old data that says how old it is.
pub fn all() {
    let world = World::open_as(Kind::simulated(&[]), Path::Direct, Way::Open);
    let mut session = world.cockpit(80, 24);
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min").see_gone("cannot write yet");
    session.wait("all panes live", |screen| title(screen, "Pods").contains('●') && title(screen, "Errors").contains('●'));
    world.set_all(Way::Silent);

    press_help(&mut session);
    session.wait_at_most(PAST_ITS_LIMIT, "no pane live", |screen| !live(screen));
    session.press("2").see("api-gateway").see_gone("Suggested").press("1").see("Suggested");
    session.wait_at_most(PAST_ITS_LIMIT, "stale pods", |screen| title(screen, "Pods").contains("stale "));
    // The last that was known stays on the screen.
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min");
    press_help(&mut session);
    assert!(!live(&session.screen()), "{}", session.screen());

    world.set_all(Way::Open);
    session.wait("all panes live again", |screen| title(screen, "Pods").contains('●') && title(screen, "Errors").contains('●'));
    session.see_gone("stale");
    session.press("q");
    assert_eq!(session.ended(), 0);
}

/// Connections that a gateway lost without a word are replaced.
pub fn lost() {
    let world = World::open_as(Kind::simulated(&[]), Path::Direct, Way::Open);
    let mut session = world.cockpit(80, 24);
    session.see("CrashLoopBackOff").see("HighErrorRate").see(" in 15 min");
    session.wait("pods live", |screen| title(screen, "Pods").contains('●'));
    for proxy in world.proxies() {
        proxy.gate.lose_connections();
    }
    // Only new connections pass: what is new is seen again only if the watches were opened anew.
    let pods = "/api/v1/namespaces/digital-identity/pods";
    let name = "lost-and-found-0";
    world.api(
        "POST",
        pods,
        "application/json",
        &serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "digital-identity" },
            "spec": { "containers": [{ "name": "main", "image": "nowhere/at-all:1", "resources": { "requests": { "cpu": "900" } } }] }
        }),
    );
    session.press("2").press("/").press(name).enter().see("unhealthy not shown");
    session.see("Pending").see_gone("CrashLoopBackOff");
}
