//! Columns of the workloads tables: what the table shows and what it can be sorted by.

use crate::domain::object::Kind;

/// The kinds of the screen, in `Tab` order.
pub const KINDS: [Kind; 11] = [
    Kind::Pod,
    Kind::Deployment,
    Kind::Node,
    Kind::Service,
    Kind::HorizontalPodAutoscaler,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::ConfigMap,
    Kind::Event,
];

/// Those of them that are watched only once their table was opened: nothing else needs them, and there may be many.
pub const ON_DEMAND: [Kind; 2] = [Kind::Job, Kind::CronJob];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    Name,
    /// Pods: ready of all containers. Deployments: ready of desired replicas.
    Ready,
    Status,
    Restarts,
    Age,
    Node,
    Ip,
    UpToDate,
    Available,
    Revision,
    Images,
    Roles,
    Cpu,
    Memory,
    Version,
    Type,
    ClusterIp,
    Ports,
    Endpoints,
    Reference,
    Metrics,
    /// Least and most replicas: `3..20`.
    Bounds,
    Replicas,
    /// Events: when it happened last.
    LastSeen,
    Reason,
    /// Events: what it happened to.
    Object,
    Count,
    Message,
    /// Daemon sets: nodes that should run a pod.
    Desired,
    Misscheduled,
    /// Stateful sets: what governs the names of their pods.
    Service,
    Completions,
    Duration,
    /// Jobs: what made them.
    Owner,
    Schedule,
    Suspended,
    Active,
    LastRun,
    LastSuccess,
    Keys,
    Size,
    /// ConfigMaps: when their content was last written.
    Changed,
    ChangedBy,
    Namespace,
}

/// Columns of a kind in the order of importance: a narrow screen leaves out the last ones. `Sort::column` counts these.
pub const fn columns(kind: Kind) -> &'static [Column] {
    use Column as C;
    match kind {
        Kind::Deployment => &[C::Name, C::Ready, C::UpToDate, C::Available, C::Age, C::Revision, C::Images, C::Namespace],
        Kind::Node => &[C::Name, C::Status, C::Roles, C::Cpu, C::Memory, C::Age, C::Version],
        Kind::Service => &[C::Name, C::Type, C::ClusterIp, C::Ports, C::Endpoints, C::Age, C::Namespace],
        Kind::HorizontalPodAutoscaler => &[C::Name, C::Reference, C::Metrics, C::Bounds, C::Replicas, C::Age, C::Namespace],
        Kind::Event => &[C::LastSeen, C::Type, C::Reason, C::Object, C::Count, C::Message, C::Namespace],
        Kind::StatefulSet => &[C::Name, C::Ready, C::UpToDate, C::Status, C::Age, C::Service, C::Images, C::Namespace],
        Kind::DaemonSet => &[C::Name, C::Desired, C::Ready, C::UpToDate, C::Status, C::Age, C::Misscheduled, C::Images, C::Namespace],
        Kind::Job => &[C::Name, C::Status, C::Completions, C::Duration, C::Age, C::Owner, C::Images, C::Namespace],
        Kind::CronJob => &[C::Name, C::Schedule, C::Suspended, C::Active, C::LastRun, C::LastSuccess, C::Age, C::Images, C::Namespace],
        Kind::ConfigMap => &[C::Name, C::Keys, C::Size, C::Age, C::Changed, C::ChangedBy, C::Namespace],
        _ => &[C::Name, C::Ready, C::Status, C::Restarts, C::Age, C::Node, C::Ip, C::Namespace],
    }
}

impl Column {
    pub const fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Ready => "READY",
            Self::Status => "STATUS",
            Self::Restarts => "RESTARTS",
            Self::Age => "AGE",
            Self::Node => "NODE",
            Self::Ip => "IP",
            Self::UpToDate => "UP-TO-DATE",
            Self::Available => "AVAILABLE",
            Self::Revision => "REVISION",
            Self::Images => "IMAGES",
            Self::Roles => "ROLES",
            Self::Cpu => "CPU",
            Self::Memory => "MEMORY",
            Self::Version => "VERSION",
            Self::Type => "TYPE",
            Self::ClusterIp => "CLUSTER-IP",
            Self::Ports => "PORTS",
            Self::Endpoints => "ENDPOINTS",
            Self::Reference => "REFERENCE",
            Self::Metrics => "METRICS",
            Self::Bounds => "MIN..MAX",
            Self::Replicas => "REPLICAS",
            Self::LastSeen => "LAST SEEN",
            Self::Reason => "REASON",
            Self::Object => "OBJECT",
            Self::Count => "COUNT",
            Self::Message => "MESSAGE",
            Self::Desired => "DESIRED",
            Self::Misscheduled => "MISPLACED",
            Self::Service => "SERVICE",
            Self::Completions => "COMPLETIONS",
            Self::Duration => "DURATION",
            Self::Owner => "OWNER",
            Self::Schedule => "SCHEDULE",
            Self::Suspended => "SUSPENDED",
            Self::Active => "ACTIVE",
            Self::LastRun => "LAST RUN",
            Self::LastSuccess => "SUCCEEDED",
            Self::Keys => "KEYS",
            Self::Size => "SIZE",
            Self::Changed => "CHANGED",
            Self::ChangedBy => "BY",
            Self::Namespace => "NAMESPACE",
        }
    }

    /// Numbers are right-aligned.
    pub const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Restarts
                | Self::Age
                | Self::UpToDate
                | Self::Available
                | Self::Revision
                | Self::Replicas
                | Self::LastSeen
                | Self::Count
                | Self::Desired
                | Self::Misscheduled
                | Self::Duration
                | Self::Active
                | Self::LastRun
                | Self::LastSuccess
                | Self::Keys
                | Self::Size
                | Self::Changed
        )
    }
}
