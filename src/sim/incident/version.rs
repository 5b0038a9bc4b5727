//! A change of a deployment's template: a bad image, a bad value in the environment, a leak, a version that only some pods fail.
//!
//! The bad version's own pods log what they have never logged before, and only they; the pods of the old version that still
//! run beside them do not. Whoever calls them logs the upstream's name. Undoing takes the pods away, and with them the errors.
//! Restarting or adding pods gives more of the same version. Half of these changes sleep: they were made up to twenty minutes
//! before something outside (a nightly job, a client's new release, an expired cache) wakes them.

use super::super::world::scenario::{Action, Cause as Why, Effect, Form, LogSpec, Sickness};
use super::draft::{Draft, restart, scale, undo, variable};
use super::services::{CORE, FRAUD, GATEWAY, GOV, SYNC, Service};
use super::truth::{Act, Cause, Truth};
use std::collections::BTreeMap;

/// New classes of errors, as a new version brings them.
const CLASSES: [(&str, &str); 6] = [
    ("NullReference", "request {id}: cannot read field of null in session middleware"),
    ("SerializationError", "cannot decode credential {id}: unknown variant at line 1 column {20..900}"),
    ("SchemaMismatch", "ERROR: column \"assurance_level\" does not exist, request {id}"),
    ("PanicRecovered", "recovered panic in handler: index out of range [{3..9}] with length {1..3}"),
    ("TokenRejected", "token of {user} rejected: issuer is not known"),
    ("UnsupportedVersion", "peer {ip} speaks protocol 3, at least 4 is needed"),
];

/// The change is rolled out this long before its pods serve.
const ROLLS: i64 = 20;

fn guarded(service: Service) -> Vec<Act> {
    if service.guarded { vec![Act::BreakerOn] } else { Vec::new() }
}

fn breaker(service: Service) -> f64 {
    if service.guarded { 0.85 } else { 0.0 }
}

fn roll_out(draft: &mut Draft, service: Service, at: i64) -> Why {
    let action = Action::Rollout { deployment: service.name.into(), tag: service.next.into(), env: BTreeMap::new(), by: "ci-deployer".into() };
    draft.fault("rollout", at, action);
    Why::Version { deployment: service.name.into(), tag: service.next.into() }
}

/// Failing and slow answers while `why` acts, more where few requests pass.
fn answers(draft: &mut Draft, service: Service, why: &Why, during: Option<&String>) {
    let is_small = matches!(service.name, GOV | FRAUD | SYNC);
    let (errors, slow) = match (is_small, draft.chance(0.3)) {
        (false, false) => (draft.between(0.15, 0.45), draft.between(0.0, 0.2)),
        (false, true) => (draft.between(0.01, 0.06), draft.between(0.4, 0.7)),
        (true, false) => (draft.between(0.5, 0.9), draft.between(0.0, 0.3)),
        (true, true) => (draft.between(0.2, 0.4), draft.between(0.5, 0.8)),
    };
    let slow_s = draft.between(2.6, 6.0);
    let status = draft.one_of(&[500, 500, 502, 503]);
    let mut effect = Effect { errors, slow, slow_s, status, breaker: breaker(service), ramp: 20, ..Effect::on(why.clone(), service.name) };
    effect.during = during.cloned();
    if service.name == SYNC {
        effect.consumers = draft.between(0.05, 0.4);
    }
    draft.effect(effect);
}

fn own_log(draft: &mut Draft, service: Service, why: &Why, during: Option<&String>, class: &str, message: &str) {
    let per_minute = draft.between(18.0, 60.0);
    draft.log(LogSpec { during: during.cloned(), ..LogSpec::error(why.clone(), service.name, class, message, per_minute) });
}

pub fn bad_image(draft: &mut Draft) -> Truth {
    let service = draft.takes(&[]);
    let (at, during) = draft.lead(ROLLS);
    let why = roll_out(draft, service, at);
    let (class, message) = draft.one_of(&CLASSES);
    answers(draft, service, &why, during.as_ref());
    own_log(draft, service, &why, during.as_ref(), class, message);
    if matches!(service.name, GATEWAY | CORE | GOV) && during.is_none() && draft.chance(0.4) {
        crashes(draft, service, Form::Crash, &[message]);
    }
    draft.spread(service.name, service.guarded);
    let helps = [vec![undo(service.name)], guarded(service)].concat();
    Truth::new(Cause::BadImage, service.name, helps, Vec::new()).with_unclear(draft.unclear_while_sick(service.name))
}

fn crashes(draft: &mut Draft, service: Service, form: Form, last_words: &[&str]) {
    let after = draft.rng.i64(8..=25);
    let exit_code = draft.one_of(&[1, 2, 101, 139]);
    draft.sickness(Sickness {
        deployment: service.name.into(),
        tag: service.next.into(),
        form,
        share: service.spare,
        after,
        later: after,
        again: None,
        exit_code,
        reason: "Error".into(),
        last_words: last_words.iter().map(|words| format!("FATAL {words}")).collect(),
    });
}

pub fn partial_rollout(draft: &mut Draft) -> Truth {
    let service = draft.takes(&[GATEWAY, CORE, GOV]);
    let (class, message) = draft.one_of(&CLASSES);
    let at = draft.symptom - ROLLS;
    roll_out(draft, service, at);
    let form = draft.one_of(&[Form::Crash, Form::Hang, Form::Limp]);
    crashes(draft, service, form, &[message]);
    let (why, errors) = match form {
        Form::Limp => (Why::Sick(service.name.into()), draft.between(0.55, 0.9)),
        // What the failing pods had taken in is lost, and what still reaches them.
        Form::Crash | Form::Hang => (Why::Unready(service.name.into()), draft.between(0.5, 0.75)),
    };
    let during = Some("rollout".to_owned());
    draft.effect(Effect { errors, status: 502, breaker: breaker(service), during: during.clone(), ..Effect::on(why.clone(), service.name) });
    own_log(draft, service, &Why::Sick(service.name.into()), during.as_ref(), class, message);
    own_log(draft, service, &why, during.as_ref(), class, message);
    draft.spread(service.name, service.guarded);
    let helps = [vec![undo(service.name)], guarded(service)].concat();
    Truth::new(Cause::PartialRollout, service.name, helps, Vec::new()).with_unclear(draft.unclear_while_sick(service.name))
}

/// What a person or a pipeline sets wrongly: service, variable, value, class and message of the errors.
const VARIABLES: [(&str, &str, &str, &str, &str); 7] = [
    (GATEWAY, "CORE_ENGINE_URL", "http://core-engine:8081", "ConnectionRefused", "dial tcp 10.96.12.21:8081: connect: connection refused"),
    (CORE, "DATABASE_POOL", "2", "PoolTimeout", "pool timed out after {5000..5040} ms waiting for connection"),
    (CORE, "SIGNING_KEY_ID", "2026-q1", "KeyNotFound", "signing key 2026-q1 not found, request {id}"),
    (GOV, "HMRC_TIMEOUT_MS", "100", "UpstreamTimeout", "HMRC did not answer within 100 ms, request {id}"),
    (FRAUD, "MODEL", "2026-11", "ModelNotFound", "model 2026-11 is not in the registry, request {id}"),
    (SYNC, "QUEUE", "sync-event", "QueueMissing", "queue sync-event does not exist"),
    (SYNC, "PREFETCH", "0", "ConsumerCancelled", "channel closed: PRECONDITION_FAILED prefetch 0, consumer {0..31}"),
];

pub fn bad_environment(draft: &mut Draft) -> Truth {
    let (name, variable_name, value, class, message) = draft.one_of(&VARIABLES);
    let service = draft.takes(&[name]);
    let (at, during) = draft.lead(ROLLS);
    let by = draft.one_of(&["kubectl-set", "kubectl-edit", "ci-deployer", "helm"]).to_owned();
    draft.fault("environment", at, Action::Environment { deployment: name.into(), env: variable(variable_name, value), by });
    let why = Why::Environment { deployment: name.into(), name: variable_name.into(), value: value.into() };
    answers(draft, service, &why, during.as_ref());
    own_log(draft, service, &why, during.as_ref(), class, message);
    draft.spread(name, service.guarded);
    let helps = [vec![undo(name)], guarded(service)].concat();
    Truth::new(Cause::BadEnvironment, name, helps, Vec::new())
}

/// The heap fills from each container's start: answers get slow as it nears the limit, then the kernel kills it. All pods of a
/// rollout are of one age, so they are killed within the same minute, and the delay before each restart grows.
pub fn memory_leak(draft: &mut Draft) -> Truth {
    let service = draft.takes(&[GATEWAY, CORE, GOV, FRAUD]);
    let life = draft.rng.i64(300..=540);
    let at = draft.symptom - life / 2;
    let why = roll_out(draft, service, at);
    draft.sickness(Sickness {
        deployment: service.name.into(),
        tag: service.next.into(),
        form: Form::Crash,
        share: 1.0,
        after: life,
        later: life,
        again: Some(life),
        exit_code: 137,
        reason: "OOMKilled".into(),
        last_words: vec!["WARN  heap {248..256} MiB of 256 MiB in use, collected {40..90} times in 60 s".into()],
    });
    let is_small = matches!(service.name, GOV | FRAUD);
    let errors = if is_small { 0.5 } else { 0.2 };
    draft.effect(Effect { errors, slow: 0.6, slow_s: 3.4, breaker: breaker(service), ramp: life, ..Effect::on(why.clone(), service.name) });
    draft.effect(Effect {
        memory: 0.3,
        ramp: life,
        factor: BTreeMap::from([("memory_usage_percent".into(), 1.18)]),
        ..Effect::on(why.clone(), service.name)
    });
    let heap = "garbage collection took {900..4200} ms, {220..256} of 256 MiB in use";
    draft.log(LogSpec { level: "WARN".into(), ..LogSpec::error(why.clone(), service.name, "GcPause", heap, 30.0) });
    own_log(draft, service, &why, None, "DeadlineExceeded", "deadline of 3000 ms exceeded after {3001..5090} ms, request {id}");
    draft.spread(service.name, service.guarded);
    let helps = [vec![undo(service.name), restart(service.name)], guarded(service)].concat();
    // Younger pods leak as well: what more of them bring hangs on the age of the others.
    Truth::new(Cause::MemoryLeak, service.name, helps, Vec::new()).with_unclear(vec![scale(service.name)])
}
