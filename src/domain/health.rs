//! How far what a source last said can be trusted.

use std::time::Duration;

use super::{
    text::Text,
    time::{Mono, Speed},
};

/// The read-only feeds. One pane may rest on several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceId {
    /// Which cluster this is and who we are there: read once, kept alive by a watch on the namespace.
    Cluster,
    Pods,
    Deployments,
    ReplicaSets,
    StatefulSets,
    DaemonSets,
    /// Asked for when their table is first opened: finished ones can be many, and nothing else needs them.
    Jobs,
    /// As jobs are.
    CronJobs,
    Nodes,
    Services,
    Autoscalers,
    ConfigMaps,
    Events,
    /// Prometheus: KPI values and their histories.
    Metrics,
    /// Alertmanager, or Prometheus where there is none.
    Alerts,
    /// Elasticsearch: errors of the last hour.
    Errors,
}

impl SourceId {
    pub const ALL: [Self; 16] = [
        Self::Cluster,
        Self::Pods,
        Self::Deployments,
        Self::ReplicaSets,
        Self::StatefulSets,
        Self::DaemonSets,
        Self::Jobs,
        Self::CronJobs,
        Self::Nodes,
        Self::Services,
        Self::Autoscalers,
        Self::ConfigMaps,
        Self::Events,
        Self::Metrics,
        Self::Alerts,
        Self::Errors,
    ];

    /// How long after the last word from its server data counts as live: of a machine that stands still every pane that is asked every
    /// 5 s says so within 10 s. Watches rest on the Kubernetes heartbeat (a watch that ends every 5 s), the indicators and alerts on
    /// their refresh; both have 4 s for a slow link. The search for errors costs its server more and is made less often.
    pub fn expected_within(self) -> Duration {
        Duration::from_secs(if self == Self::Errors { 30 } else { 9 })
    }

    /// From this age on the data is visibly stale, not only marked with its age.
    pub fn stale_after(self) -> Duration {
        Duration::from_secs(match self {
            Self::Metrics | Self::Alerts => 45,
            Self::Errors => 90,
            _ => 27,
        })
    }
}

/// What a source task says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// First contact is being made; `what` is waited for ("listing pods", "looking for Prometheus").
    Connecting {
        what: Text,
        since: Mono,
    },
    /// A first listing is under way: so many so far. Shown, or a big cluster looks empty.
    Listing {
        so_far: usize,
        since: Mono,
    },
    Live {
        since: Mono,
    },
    /// Nobody is asked yet: `says` names what a login waits for, and how long already.
    LoggingIn {
        says: Text,
        since: Mono,
    },
    /// Connected and answering, but behind or incomplete ("watch restarted", "3 of 5 shards").
    Lagging {
        why: Text,
        since: Mono,
    },
    /// Not answering. Tried again at `retry_at`.
    Failed {
        why: Text,
        cause: Cause,
        since: Mono,
        retry_at: Mono,
    },
    /// Allowed to connect, not to read: names the verb and resource that are missing.
    Forbidden {
        verb: Text,
        resource: Text,
        since: Mono,
    },
    /// Nothing to connect to was found or configured; `remedy` says how to connect it.
    Absent {
        remedy: Text,
        since: Mono,
    },
}

/// Whose failure it is that a source has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server was asked, and did not answer as it should.
    Server,
    /// The server answered, and refuses what it is asked: there is no such thing, or it cannot be searched.
    Refusal,
    /// It could not be asked: there are no credentials for it.
    Credentials,
}

/// How a value should be drawn. Derived from the age of the last word of its source; never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing was ever received.
    Never,
    Live,
    /// An expected refresh was missed; the age since the last word.
    Aging(Duration),
    /// Past its limit.
    Stale(Duration),
}

impl Freshness {
    /// Pure rule: `confirmed` is when the source last said or confirmed what is shown. How long a server may take is real
    /// time, whatever the speed of the clock that the ages are counted by.
    pub fn of(source: SourceId, confirmed: Option<Mono>, now: Mono, speed: Speed) -> Self {
        let Some(confirmed) = confirmed else { return Self::Never };
        let age = now.since(confirmed);
        if age <= speed.counted(source.expected_within()) {
            Self::Live
        } else if age <= speed.counted(source.stale_after()) {
            Self::Aging(age)
        } else {
            Self::Stale(age)
        }
    }

    pub fn is_live(self) -> bool {
        self == Self::Live
    }
}
