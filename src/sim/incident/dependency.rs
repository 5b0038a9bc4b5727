//! Something that the services need does not answer: a partner, the database's slots, names, a certificate, a closed path.
//!
//! No change of ours precedes most of these. The pods are ready, their version is old, and what they log names the other side:
//! the partner, `10.96.0.10:53`, an expired certificate, a connect time-out to one address. Undoing and restarting change
//! nothing, unless it is our own process that holds something old. The breaker spares callers of a guarded service.

use super::super::world::scenario::{Action, Cause as Why, Effect, LogSpec};
use super::draft::{Draft, restart, scale, undo};
use super::services::{CORE, FRAUD, GATEWAY, GOV, SERVICES, SYNC};
use super::truth::{Act, Cause, Truth};
use std::collections::BTreeMap;

/// Who depends on whom outside of the platform.
const PARTNERS: [(&str, &str); 5] = [(GOV, "HMRC"), (GOV, "DVLA"), (GOV, "Passport Office"), (FRAUD, "credit bureau"), (CORE, "signing module")];

fn partner(draft: &mut Draft) -> (&'static str, &'static str, Vec<Act>, f64) {
    let (name, partner) = draft.one_of(&PARTNERS);
    let service = draft.takes(&[name]);
    draft.fault("outside", draft.symptom, Action::Condition);
    let helps = if service.guarded { vec![Act::BreakerOn] } else { Vec::new() };
    (name, partner, helps, if service.guarded { 0.85 } else { 0.0 })
}

fn outside() -> Why {
    Why::Fault("outside".into())
}

pub fn dead(draft: &mut Draft) -> Truth {
    let (name, partner, helps, breaker) = partner(draft);
    let errors = if name == CORE { draft.between(0.25, 0.5) } else { draft.between(0.6, 0.9) };
    let slow = (1.0 - errors) * 0.5;
    let ramp = draft.rng.i64(5..=90);
    let factor = if name == GOV { BTreeMap::from([("government_api_requests_failed_total".into(), 60.0)]) } else { BTreeMap::new() };
    draft.effect(Effect { errors, status: 504, slow, slow_s: 8.0, breaker, ramp, factor, ..Effect::on(outside(), name) });
    let (class, text) = draft.one_of(&[
        ("UpstreamTimeout", "did not answer within 10000 ms, request {id}"),
        ("ConnectionReset", "reset the connection after {20..900} ms, request {id}"),
        ("UpstreamUnavailable", "answered 503, try again in {1..60} s"),
    ]);
    draft.log(LogSpec::error(outside(), name, class, &format!("{partner} {text}"), 34.0));
    draft.spread(name, breaker > 0.0);
    Truth::new(Cause::DeadDependency, name, helps, Vec::new())
}

pub fn slow(draft: &mut Draft) -> Truth {
    let (name, partner, helps, breaker) = partner(draft);
    let (slow, slow_s) = (draft.between(0.5, 0.85), draft.between(2.8, 8.0));
    let (errors, ramp) = (draft.between(0.04, 0.12), draft.rng.i64(30..=240));
    draft.effect(Effect { errors, status: 504, slow, slow_s, breaker, ramp, ..Effect::on(outside(), name) });
    let message = format!("{partner} slow: {{2500..9000}} ms, request {{id}}");
    draft.log(LogSpec { level: "WARN".into(), ..LogSpec::error(outside(), name, "SlowUpstream", &message, 30.0) });
    let message = format!("{partner} did not answer within 10000 ms, request {{id}}");
    draft.log(LogSpec::error(outside(), name, "UpstreamTimeout", &message, 7.0));
    draft.spread(name, breaker > 0.0);
    Truth::new(Cause::SlowDependency, name, helps, Vec::new())
}

/// A version that keeps its connections, or a report that takes them. Whoever needs the database logs it, most of all those who
/// are not to blame; the pods that hold the slots are well. More pods ask for more slots.
pub fn database_slots(draft: &mut Draft) -> Truth {
    let full = || Why::DatabaseFull;
    let (errors, slow) = (draft.between(0.25, 0.4), draft.between(0.3, 0.5));
    draft.effect(Effect { errors, status: 500, slow, slow_s: 3.0, verifiers: 0.6, consumers: 0.8, ..Effect::on(full(), CORE) });
    draft.effect(Effect { errors: errors * 0.4, status: 500, slow: 0.3, slow_s: 2.5, ..Effect::on(full(), FRAUD) });
    let slots = "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute (backend {1000..32000})";
    draft.log(LogSpec::error(full(), CORE, "TooManyConnections", slots, 30.0));
    draft.log(LogSpec::error(full(), FRAUD, "TooManyConnections", slots, 6.0));
    draft.log(LogSpec::error(full(), CORE, "PoolTimeout", "pool timed out after {5000..5040} ms waiting for connection", 18.0));
    draft.spread(CORE, false);
    draft.taken.push(CORE.into());
    draft.is_tight = true;
    if draft.chance(0.3) {
        draft.fault("report", draft.symptom - 100, Action::Condition);
        draft.effect(Effect { connections: 126.0, ramp: 120, ..Effect::of(Why::Fault("report".into())) });
        draft.taken.push(FRAUD.into());
        return Truth::new(Cause::DatabaseSlots, "postgres-primary", Vec::new(), vec![scale(CORE), scale(FRAUD)]);
    }
    let service = draft.takes(&[FRAUD, GOV, SYNC]);
    // The slots are used up about seven minutes after the rollout.
    let at = draft.symptom - 420;
    let env = BTreeMap::from([("DB_POOL_RECYCLE".to_owned(), "0".to_owned())]);
    draft.fault("rollout", at, Action::Rollout { deployment: service.name.into(), tag: service.next.into(), env, by: "ci-deployer".into() });
    let why = || Why::Version { deployment: service.name.into(), tag: service.next.into() };
    draft.effect(Effect { leak_per_minute: 4.2, leak_cap: 31.5, ..Effect::of(why()) });
    let idle = "pool recycle disabled, {6..36} idle connections kept open";
    draft.log(LogSpec { level: "WARN".into(), error: None, ..LogSpec::error(why(), service.name, "", idle, 5.0) });
    Truth::new(Cause::DatabaseSlots, service.name, vec![undo(service.name), restart(service.name)], vec![scale(service.name), scale(CORE)])
}

/// The pods of `CoreDNS` hang. Names fail everywhere at once, whoever is asked for; what nobody looks up goes on.
pub fn names(draft: &mut Draft) -> Truth {
    let pods = draft.one_of(&[2, 2, 1]);
    draft.fault("names", draft.symptom, Action::Hang { namespace: "kube-system".into(), deployment: "coredns".into(), pods });
    let why = || Why::Unready("kube-system/coredns".into());
    let extent = draft.between(0.5, 1.0);
    for (name, errors) in [(GATEWAY, 0.3), (CORE, 0.35), (GOV, 0.8), (FRAUD, 0.4), (SYNC, 0.4)] {
        let consumers = if name == SYNC { 0.6 } else { 1.0 };
        draft.effect(Effect { errors: errors * extent, slow: 0.3, slow_s: 5.1, consumers, ..Effect::on(why(), name) });
    }
    let hosts = ["core-engine", "postgres-primary", "api.hmrc.example", "redis-primary", "redis-primary", "smtp.gov.example"];
    let who = SERVICES.iter().map(|service| service.name).chain(["notification-service"]);
    for (name, host) in who.zip(hosts) {
        let missing = format!("lookup {host} on 10.96.0.10:53: no such host");
        draft.log(LogSpec::error(why(), name, "DnsLookup", &missing, 14.0));
        let late = format!("lookup {host} on 10.96.0.10:53: read udp {{ip}}:{{32768..60999}}->10.96.0.10:53: i/o timeout");
        draft.log(LogSpec::error(why(), name, "DnsLookup", &late, 18.0));
    }
    Truth::new(Cause::Dns, "coredns", vec![Act::RestartDns], Vec::new())
}

/// Either a process still holds the certificate that was renewed on disk long ago, so that new pods are well; or nobody renewed it.
pub fn certificate(draft: &mut Draft) -> Truth {
    draft.fault("expiry", draft.symptom, Action::Condition);
    let expired = "x509: certificate has expired or is not yet valid, request {id}";
    if draft.chance(0.5) {
        let name = draft.takes(&[CORE]).name;
        let why = || Why::Older { deployment: name.into(), than: "expiry".into() };
        let errors = draft.between(0.35, 0.75);
        draft.effect(Effect { errors, status: 502, breaker: 0.85, ..Effect::on(why(), GATEWAY) });
        draft.log(LogSpec::error(why(), GATEWAY, "CertificateExpired", &format!("Post \"https://{name}:8443/verify\": {expired}"), 44.0));
        draft.log(LogSpec::error(why(), name, "TlsHandshake", "remote error: tls: expired certificate, peer {ip}", 20.0));
        let helps = vec![restart(name), undo(name), scale(name), Act::BreakerOn];
        return Truth::new(Cause::Certificate, name, helps, Vec::new());
    }
    let service = draft.takes(&[GOV, FRAUD]);
    let (partner, breaker) = if service.guarded { ("HMRC", 0.85) } else { ("credit bureau", 0.0) };
    let why = || Why::Fault("expiry".into());
    let errors = draft.between(0.6, 0.95);
    draft.effect(Effect { errors, status: 502, breaker, ..Effect::on(why(), service.name) });
    draft.log(LogSpec::error(why(), service.name, "CertificateExpired", &format!("{partner}: {expired}"), 40.0));
    draft.spread(service.name, service.guarded);
    let helps = if service.guarded { vec![Act::BreakerOn] } else { Vec::new() };
    Truth::new(Cause::Certificate, service.name, helps, Vec::new())
}

/// A policy of the cluster's network closes the path between two services. Both are well; one of them waits for the other until
/// its connect time-out. Nobody in the namespace can open it again.
pub fn network_policy(draft: &mut Draft) -> Truth {
    // Who calls, the address, which share of the caller's answers fails, whether the breaker guards that path.
    let (caller, address, port, errors, guarded) = draft.one_of(&[
        (CORE, "10.96.12.23", 8083, 0.22, true),
        (GATEWAY, "10.96.12.21", 8080, 0.6, true),
        (CORE, "10.96.12.29", 5432, 0.7, true),
        (FRAUD, "10.96.12.29", 5432, 0.85, false),
        (SYNC, "10.96.12.31", 6379, 0.5, false),
    ]);
    draft.takes(&[caller]);
    draft.fault("path", draft.symptom, Action::Condition);
    let why = || Why::Fault("path".into());
    let (breaker, extent) = (if guarded { 0.85 } else { 0.0 }, draft.between(0.75, 1.1));
    let consumers = if caller == SYNC { 0.03 } else { 1.0 };
    let errors = errors * extent;
    draft.effect(Effect { errors, status: 504, slow: errors * 0.4, slow_s: 3.1, breaker, consumers, ramp: 30, ..Effect::on(why(), caller) });
    draft.log(LogSpec::error(
        why(),
        caller,
        "ConnectTimeout",
        &format!("dial tcp {address}:{port}: i/o timeout after 3000 ms, request {{id}}"),
        32.0,
    ));
    draft.spread(caller, guarded);
    let helps = if guarded { vec![Act::BreakerOn] } else { Vec::new() };
    Truth::new(Cause::NetworkPolicy, caller, helps, Vec::new())
}
