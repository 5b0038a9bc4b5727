//! The services an incident can begin in, and who calls whom.

/// A service that answers requests.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    pub name: &'static str,
    /// The next version that its pipeline would roll out.
    pub next: &'static str,
    /// Share of its pods that can fail while the others still serve everything.
    pub spare: f64,
    /// Who calls it, and which share of the caller's requests needs it.
    pub callers: &'static [(&'static str, f64)],
    /// Whether the gateway's circuit breaker guards the calls to it.
    pub guarded: bool,
}

pub const GATEWAY: &str = "api-gateway";
pub const CORE: &str = "core-engine";
pub const GOV: &str = "gov-connectors";
pub const FRAUD: &str = "fraud-analytics";
pub const SYNC: &str = "sync-service";

pub const SERVICES: [Service; 5] = [
    Service { name: GATEWAY, next: "2.4.0", spare: 0.4, callers: &[], guarded: false },
    Service { name: CORE, next: "1.8.5", spare: 0.34, callers: &[(GATEWAY, 0.6)], guarded: true },
    Service { name: GOV, next: "3.1.0", spare: 0.5, callers: &[(CORE, 0.12), (GATEWAY, 0.1)], guarded: true },
    Service { name: FRAUD, next: "0.9.8", spare: 0.25, callers: &[(CORE, 0.25)], guarded: false },
    Service { name: SYNC, next: "1.2.1", spare: 0.25, callers: &[(GATEWAY, 0.08)], guarded: false },
];

/// Names of the services that the gateway's circuit breaker guards.
pub fn guarded() -> Vec<String> {
    SERVICES.into_iter().filter(|service| service.guarded).map(|service| service.name.to_owned()).collect()
}

/// Those that serve no requests that are counted: name, next version, replicas.
pub const QUIET: [(&str, &str, i64); 4] =
    [("web-portal", "5.1.1", 4), ("notification-service", "1.4.8", 3), ("audit-service", "2.0.6", 3), ("government-feed-connector", "1.1.4", 2)];

pub fn service(name: &str) -> Service {
    SERVICES.into_iter().find(|service| service.name == name).unwrap_or(SERVICES[0])
}
