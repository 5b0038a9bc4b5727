//! A cluster of any size for the benches.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sev1::{
    config::{Config, shape::Environment},
    domain::{
        health::{Health, SourceId},
        object::{Key, Scope},
        observation::{Delta, Observation, What},
        pod::{Container, Owner, Phase, Pod},
        text::Text,
        time::{Mono, Now, Speed},
    },
    state::{
        State,
        msg::{Key as Pressed, KeyCode, Msg},
        session::Session,
        update::update,
    },
    ui,
};

/// Deltas in one observation, as the sources bound them.
pub const PAGE: usize = 500;
const APPS: [&str; 8] =
    ["api-gateway", "core-engine", "sync-service", "fraud-analytics", "gov-connector", "identity-store", "notification-hub", "audit-writer"];
const BEGAN: i64 = 1_800_000_000;

pub fn now() -> Now {
    Now { mono: Mono(Duration::from_mins(8)), utc: born() + TimeDelta::hours(3) }
}

fn born() -> DateTime<Utc> {
    DateTime::from_timestamp(BEGAN, 0).unwrap_or_default()
}

/// The pod of this number. The first fifty are in trouble, so that clusters of all sizes show the same rows.
pub fn pod(number: usize) -> Pod {
    let app = APPS[number % APPS.len()];
    let replica_set = format!("{app}-66d4c9f7b");
    let is_ready = number >= 50;
    let status = if is_ready { "Running" } else { "CrashLoopBackOff" };
    let restarts = if is_ready { u32::from(number.is_multiple_of(11)) } else { 7 };
    Pod {
        key: Key::new(&format!("team-{:02}", number % 40), &format!("{replica_set}-{number:05}")),
        uid: Text::line(&format!("8d5e21c4-3a0b-4d8f-9b5e-{number:012x}")),
        created: born() - TimeDelta::minutes(i64::try_from(number % 9_973).unwrap_or(0)),
        deleting_since: None,
        delete_asked: None,
        status: status.into(),
        phase: Phase::Running,
        is_ready,
        unready_since: (!is_ready).then(born),
        ready_containers: u16::from(is_ready),
        containers: Box::new([Container {
            name: app.into(),
            image: Text::line(&format!("registry.example.org/digital-identity/{app}:2.4.0")),
            is_ready,
            restarts,
            state: status.into(),
            last_end: None,
        }]),
        restarts,
        last_restart: None,
        started: Some(born() - TimeDelta::hours(1)),
        patience: 30,
        is_node_lost: false,
        node: Some(Text::line(&format!("node-{}", number % 400))),
        ip: Some(Text::line(&format!("10.{}.{}.{}", 1 + number / 65_536, number / 256 % 256, number % 256))),
        owner: Some(Owner { kind: "ReplicaSet".into(), name: Text::line(&replica_set), uid: "5b1f9c9e-6a7b-4a60-8f0e-1d2c3b4a5f60".into() }),
        labels: Box::new([("app".into(), app.into()), ("pod-template-hash".into(), "66d4c9f7b".into()), ("tier".into(), "backend".into())]),
    }
}

/// What the source says when these pods were seen.
pub fn pods(deltas: Vec<Delta<Pod>>) -> Msg {
    Msg::Observation(Observation { source: SourceId::Pods, observed_at: now().mono, server_time: None, what: What::Pods(deltas) })
}

/// A cockpit of 200x50 on a cluster with so many pods, all listed.
pub fn cockpit(count: usize) -> State {
    let session = Session {
        context: "prod-uk-1".into(),
        cluster: "prod-uk-1".into(),
        scope: Scope::All,
        environment: Environment { is_production: true, banner: "PRODUCTION".into(), word: "prod".into() },
        identity: None,
        read_only: false,
        insecure: false,
        is_demo: false,
        speed: Speed::OF_LIFE,
        kubectl: sev1::domain::shell::KubectlFlags::of_context("bench"),
        journal_broken: None,
        unclear: None,
        clock_offset: TimeDelta::zero(),
    };
    let mut state = State::new(Config::default(), session, now(), (200, 50));
    let mut numbers = (0..count).peekable();
    update(&mut state, pods(vec![Delta::ListStarted]));
    while numbers.peek().is_some() {
        let page = numbers.by_ref().take(PAGE).map(|number| Delta::Applied(pod(number))).collect();
        update(&mut state, pods(page));
    }
    update(&mut state, pods(vec![Delta::Listed]));
    for source in SourceId::ALL {
        let health = What::Health(Health::Live { since: Mono::ZERO });
        update(&mut state, Msg::Observation(Observation { source, observed_at: now().mono, server_time: None, what: health }));
    }
    lay_out(&mut state);
    state
}

/// The same on the screen Workloads.
pub fn workloads(count: usize) -> State {
    let mut state = cockpit(count);
    press(&mut state, '2');
    assert_eq!(state.workloads.rows.len(), count, "the table shows every pod");
    state
}

pub fn press(state: &mut State, key: char) {
    type_key(state, key, false);
}

pub fn press_ctrl(state: &mut State, key: char) {
    type_key(state, key, true);
}

fn type_key(state: &mut State, key: char, ctrl: bool) {
    update(state, Msg::Key(Pressed { code: KeyCode::Char(key), ctrl, alt: false, shift: false }));
    lay_out(state);
}

/// What the loop does after each message.
fn lay_out(state: &mut State) {
    let heights = ui::heights(state);
    update(state, Msg::Layout(heights));
}
