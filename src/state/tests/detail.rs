//! `Enter` on an alert and on a pattern of errors: all that is known of it.

use super::play::*;
use crate::{
    domain::{
        alert::Severity,
        health::SourceId,
        log_pattern::{ErrorWindow, LogError},
        observation::What,
    },
    state::{
        msg::Effect,
        overlay::{Overlay, Viewer},
        screens::cockpit::Pane,
    },
};

fn viewer(play: &Play) -> &Viewer {
    match play.state.overlays.last() {
        Some(Overlay::Viewer(viewer)) => viewer,
        other => panic!("{other:?}"),
    }
}

fn text(play: &Play) -> String {
    viewer(play).lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_alert_shows_all_that_is_known_and_copies_its_runbook() {
    let mut play = Play::new();
    let mut fires = alert("HighErrorRate", Severity::Critical, -120);
    fires.annotations = [("impact".into(), "logins fail".into()), ("runbook_url".into(), "https://run.gov/high-error-rate".into())].into();
    fires.labels = [("service".into(), "api-gateway".into()), ("team".into(), "identity".into())].into();
    fires.value = Some("1.18673662784878e-01".into());
    play.alerts(vec![fires]).take();
    play.state.cockpit.focus = Pane::Escalation;
    play.enter();
    for expected in ["critical, firing", "(2m ago)", "value    0.119, of", "impact: logins fail", "team: identity", "https://run.gov/high-error-rate"]
    {
        assert!(text(&play).contains(expected), "{expected} is missing:\n{}", text(&play));
    }
    play.press("c");
    assert_eq!(play.take(), [Effect::Copy("https://run.gov/high-error-rate".to_owned())]);
    play.press("Esc");
    assert!(play.state.overlays.is_empty());
}

#[test]
fn an_alert_says_what_it_does_not_have() {
    let mut play = Play::new();
    play.alerts(vec![alert("HighErrorRate", Severity::Critical, 0)]);
    play.state.cockpit.focus = Pane::Escalation;
    play.enter();
    assert!(text(&play).contains("no annotation runbook_url") && text(&play).contains("value    not known"), "{}", text(&play));
}

#[test]
fn a_pattern_of_errors_shows_whole_messages_and_their_pods() {
    let mut play = Play::new();
    let said = |pod: &str, message: &str| LogError {
        at: at(0),
        service: "core-engine".into(),
        pod: Some(pod.into()),
        message: message.into(),
        error: Some("SQLSTATE 53300".into()),
    };
    let message = "pool timed out after 3000 ms waiting for connection to postgres-primary of the identity database";
    let pattern = pattern("core-engine", message, 211);
    let window = ErrorWindow {
        recent: 211,
        total: 211,
        total_is_lower_bound: false,
        per_minute: Vec::new(),
        newest: vec![
            said("core-1", message),
            said("core-2", "pool timed out after 9 ms waiting for connection to postgres-primary of the identity database"),
            said("core-1", message),
            said("core-3", "something else"),
        ],
        patterns: vec![pattern],
        sampled: None,
        shards: (5, 5),
        timed_out: false,
        clusters: (0, 0),
        unknown: None,
    };
    play.observe(SourceId::Errors, What::Errors(Box::new(window))).take();
    play.state.cockpit.focus = Pane::Errors;
    play.enter();
    for expected in ["211 in the last 15 min, new", message, "2 × core-1", "1 × core-2", "SQLSTATE 53300"] {
        assert!(text(&play).contains(expected), "{expected} is missing:\n{}", text(&play));
    }
    assert!(!text(&play).contains("something else"));
    assert!(viewer(&play).wrap);
    assert_eq!(play.take(), []);
}
