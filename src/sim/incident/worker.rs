//! What goes wrong inside a process that runs on: a stuck consumer, a setting that was read anew.
//!
//! A stuck consumer fails nobody's request: the queue grows, its pods are idle or not ready, and new pods work. A setting in a
//! mounted ConfigMap is read by running processes within about a minute, no pod is replaced and no revision is made: who looks
//! at rollouts alone finds nothing. Only setting it back helps.

use super::super::world::platform::SettingsSpec;
use super::super::world::scenario::{Action, Cause as Why, Effect, LogSpec};
use super::draft::{Draft, restart, scale, undo};
use super::services::{CORE, FRAUD, GATEWAY, GOV, SYNC};
use super::truth::{Act, Cause, Truth};
use std::collections::BTreeMap;

pub fn consumer_stuck(draft: &mut Draft) -> Truth {
    draft.takes(&[SYNC]);
    if draft.chance(0.5) {
        let pods = draft.one_of(&[2, 3]);
        draft.fault("hang", draft.symptom, Action::Hang { namespace: "digital-identity".into(), deployment: SYNC.into(), pods });
        let why = || Why::Unready(SYNC.into());
        draft.effect(Effect { slow: 0.5, slow_s: 2.2, during: Some("hang".into()), ..Effect::on(why(), SYNC) });
        let stalled = "consumer {0..31}: no progress for {60000..240000} ms, lease on sync-events held by {id}";
        draft.log(LogSpec { during: Some("hang".into()), ..LogSpec::error(why(), SYNC, "ConsumerStalled", stalled, 36.0) });
    } else {
        draft.fault("wedge", draft.symptom, Action::Condition);
        let why = || Why::Older { deployment: SYNC.into(), than: "wedge".into() };
        let consumers = draft.between(0.02, 0.2);
        draft.effect(Effect { consumers, ..Effect::of(why()) });
        let lost = "consumer {0..31}: channel closed by peer, not opened again";
        draft.log(LogSpec::error(why(), SYNC, "ChannelClosed", lost, 5.0));
        draft.log(LogSpec { level: "WARN".into(), error: None, ..LogSpec::error(why(), SYNC, "", "sync-events: no batch for {20..900} s", 8.0) });
    }
    // Whatever replaces its pods helps, an undo too.
    Truth::new(Cause::ConsumerStuck, SYNC, vec![restart(SYNC), scale(SYNC), undo(SYNC)], Vec::new())
}

/// Service, key, good value, bad value, class and message, whether answers fail or get slow.
const KEYS: [(&str, &str, &str, &str, &str, &str, bool); 7] = [
    (GATEWAY, "session_ttl_s", "3600", "0", "SessionExpired", "session of {user} expired 0 s after login", true),
    (GATEWAY, "upstream_retries", "2", "40", "RetryBudget", "gave up after 40 attempts in {4000..9000} ms, request {id}", false),
    (CORE, "statement_timeout_ms", "5000", "5", "StatementTimeout", "ERROR: canceling statement due to statement timeout, request {id}", true),
    (CORE, "signature_cache", "on", "off", "SlowRequest", "signature chain verified in {2500..6000} ms, cache off, request {id}", false),
    (
        GOV,
        "hmrc_base_url",
        "https://api.hmrc.example",
        "https://test-api.hmrc.example",
        "Unauthorized",
        "HMRC answered 401: application is not subscribed",
        true,
    ),
    (
        FRAUD,
        "feature_store",
        "redis://redis-primary:6379",
        "redis://redis-primary:6380",
        "ConnectionRefused",
        "dial tcp 10.96.12.31:6380: connect: connection refused",
        true,
    ),
    (SYNC, "lease_ttl_ms", "30000", "30", "LeaseLost", "consumer {0..31}: lease on sync-events lost after 30 ms", true),
];

pub fn config_key(draft: &mut Draft) -> Truth {
    let (name, key, good, bad, class, message, fails) = draft.one_of(&KEYS);
    let service = draft.takes(&[name]);
    let config_map = format!("{name}-settings");
    let mut data = BTreeMap::from([("log_sampling".to_owned(), "0.1".to_owned()), ("max_in_flight".to_owned(), "200".to_owned())]);
    data.insert(key.to_owned(), good.to_owned());
    draft.settings(SettingsSpec { deployment: name.into(), config_map: config_map.clone(), data });
    let (at, during) = draft.lead(15);
    let by = draft.somebody();
    draft.fault("setting", at, Action::ConfigMap { config_map: config_map.clone(), key: key.into(), value: bad.into(), by });
    let why = || Why::ConfigKey { deployment: name.into(), config_map: config_map.clone(), key: key.into(), value: bad.into() };
    let is_small = matches!(name, GOV | FRAUD | SYNC);
    let extent = draft.between(0.7, 1.1);
    let (errors, slow) = match (fails, is_small) {
        (true, true) => (0.75, 0.05),
        (true, false) => (0.3, 0.05),
        (false, _) => (0.03, 0.6),
    };
    let breaker = if service.guarded { 0.85 } else { 0.0 };
    let consumers = if name == SYNC { 0.08 } else { 1.0 };
    let effect =
        Effect { errors: errors * extent, slow: slow * extent, slow_s: 3.6, status: 500, breaker, consumers, ramp: 10, ..Effect::on(why(), name) };
    draft.effect(Effect { during: during.clone(), ..effect });
    draft.log(LogSpec { during, ..LogSpec::error(why(), name, class, message, 40.0) });
    draft.spread(name, service.guarded);
    let mut helps = vec![Act::SetKey { config_map: config_map.clone(), key: key.into(), value: good.into() }];
    if service.guarded {
        helps.push(Act::BreakerOn);
    }
    Truth::new(Cause::ConfigKey, name, helps, Vec::new())
}
