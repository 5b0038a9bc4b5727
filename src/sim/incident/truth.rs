//! What is known of an incident by those who made it: its cause, what helps, what harms.

/// Known to tests alone: nothing that the demo or a server says holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    pub cause: Cause,
    /// Where it began: a deployment of the production namespace, or `coredns`.
    pub service: String,
    /// Each of these alone makes it clearly better, for minutes or for good.
    pub helps: Vec<Act>,
    /// Each of these makes it clearly worse.
    pub harms: Vec<Act>,
    /// These do a little, or help only now and then. What is in none of the three lists does nothing.
    pub unclear: Vec<Act>,
}

impl Truth {
    pub(super) fn new(cause: Cause, service: &str, helps: Vec<Act>, harms: Vec<Act>) -> Self {
        Self { cause, service: service.to_owned(), helps, harms, unclear: Vec::new() }
    }

    pub(super) fn with_unclear(self, unclear: Vec<Act>) -> Self {
        Self { unclear, ..self }
    }
}

/// What began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    BadImage,
    BadEnvironment,
    ConfigKey,
    ScaleDown,
    AutoscalerBound,
    Quota,
    NodeLost,
    ZoneLost,
    MemoryLeak,
    TrafficSurge,
    SlowDependency,
    DeadDependency,
    DatabaseSlots,
    ConsumerStuck,
    Dns,
    Certificate,
    NetworkPolicy,
    PartialRollout,
}

impl Cause {
    pub const ALL: [Self; 18] = [
        Self::BadImage,
        Self::BadEnvironment,
        Self::ConfigKey,
        Self::ScaleDown,
        Self::AutoscalerBound,
        Self::Quota,
        Self::NodeLost,
        Self::ZoneLost,
        Self::MemoryLeak,
        Self::TrafficSurge,
        Self::SlowDependency,
        Self::DeadDependency,
        Self::DatabaseSlots,
        Self::ConsumerStuck,
        Self::Dns,
        Self::Certificate,
        Self::NetworkPolicy,
        Self::PartialRollout,
    ];

    /// For tables: `bad-image`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadImage => "bad-image",
            Self::BadEnvironment => "bad-environment",
            Self::ConfigKey => "config-key",
            Self::ScaleDown => "scale-down",
            Self::AutoscalerBound => "autoscaler-bound",
            Self::Quota => "quota",
            Self::NodeLost => "node-lost",
            Self::ZoneLost => "zone-lost",
            Self::MemoryLeak => "memory-leak",
            Self::TrafficSurge => "traffic-surge",
            Self::SlowDependency => "slow-dependency",
            Self::DeadDependency => "dead-dependency",
            Self::DatabaseSlots => "database-slots",
            Self::ConsumerStuck => "consumer-stuck",
            Self::Dns => "dns",
            Self::Certificate => "certificate",
            Self::NetworkPolicy => "network-policy",
            Self::PartialRollout => "partial-rollout",
        }
    }
}

/// What a responder can do, all in the production namespace but for `RestartDns`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Back to the template that ran before the present one.
    Undo {
        deployment: String,
    },
    /// The pods with this label `app` are replaced: those that are not ready, or where all are ready all of them in turn.
    Restart {
        app: String,
    },
    BreakerOn,
    BreakerOff,
    /// Half as many pods again, at least two more.
    Scale {
        deployment: String,
    },
    SetKey {
        config_map: String,
        key: String,
        value: String,
    },
    /// Twice as many at most.
    RaiseMax {
        autoscaler: String,
    },
    /// The production pods on this node are deleted, and started elsewhere.
    ReplacePods {
        node: String,
    },
    /// A rolling restart of `CoreDNS`.
    RestartDns,
}
