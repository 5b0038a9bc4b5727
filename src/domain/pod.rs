//! A pod, reduced to what is shown and decided on (about 1.4 KB each: FACTS of a 50,000-pod list).

use chrono::{DateTime, Utc};

use super::{
    ailment::Ailment,
    object::Key,
    standing::{Standing, Vitals},
    text::Text,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    /// Set once deletion was asked for.
    pub deleting_since: Option<DateTime<Utc>>,
    /// When a request to delete it came; not where it was evicted, preempted, or lost with its node (`DisruptionTarget`).
    pub delete_asked: Option<DateTime<Utc>>,
    /// What `kubectl get pods` prints in STATUS: `Running`, `CrashLoopBackOff`, `Init:0/1`, `Terminating` …
    pub status: Text,
    pub phase: Phase,
    /// The Ready condition.
    pub is_ready: bool,
    /// When that condition became false, while it is.
    pub unready_since: Option<DateTime<Utc>>,
    pub ready_containers: u16,
    pub containers: Box<[Container]>,
    pub restarts: u32,
    /// When the most recent restart's predecessor ended.
    pub last_restart: Option<DateTime<Utc>>,
    /// When the newest of the containers that run was started.
    pub started: Option<DateTime<Utc>>,
    /// Seconds that its start-up and readiness probes give a container until it is ready; zero without such probes.
    pub patience: u16,
    /// Its node does not answer, or is gone. Known once the nodes are.
    pub is_node_lost: bool,
    pub node: Option<Text>,
    pub ip: Option<Text>,
    /// The controller: for pods of a Deployment, its ReplicaSet.
    pub owner: Option<Owner>,
    /// Labels, at most 32 of them.
    pub labels: Box<[(Text, Text)]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub name: Text,
    pub image: Text,
    pub is_ready: bool,
    pub restarts: u32,
    /// `Running`, or the reason it waits or ended for.
    pub state: Text,
    /// How the run before ended.
    pub last_end: Option<End>,
}

/// The end of a container's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// `OOMKilled`, `Error`.
    pub reason: Text,
    pub code: i32,
    pub at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub kind: Text,
    pub name: Text,
    pub uid: Text,
}

impl Pod {
    pub fn total_containers(&self) -> u16 {
        u16::try_from(self.containers.len()).unwrap_or(u16::MAX)
    }

    /// What the rule of health goes by.
    pub fn vitals(&self) -> Vitals<'_> {
        Vitals {
            phase: self.phase,
            word: &self.status,
            is_ready: self.is_ready,
            unready_since: self.unready_since,
            restarts: self.restarts,
            created: self.created,
            started: self.started,
            patience: self.patience,
            killed: self.killed(),
            gone_by: self.deleting_since,
            controller: self.owner.as_ref().map(|owner| owner.kind.as_str()),
            is_node_lost: self.is_node_lost,
        }
    }

    pub fn standing(&self, server_now: DateTime<Utc>) -> Standing {
        self.vitals().standing(server_now)
    }

    /// Whether someone on call should look at it.
    pub fn is_unhealthy(&self, server_now: DateTime<Utc>) -> bool {
        self.vitals().is_unhealthy(server_now)
    }

    /// Whether another one in its place is what it needs, and comes.
    pub fn is_restartable(&self, server_now: DateTime<Utc>) -> bool {
        self.vitals().spared(server_now).is_none()
    }

    /// Its containers ended, and are not started again.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// When a container's last run was ended for memory, the newest.
    pub fn killed(&self) -> Option<DateTime<Utc>> {
        let ends = self.containers.iter().filter_map(|container| container.last_end.as_ref());
        ends.filter(|end| end.reason == "OOMKilled").filter_map(|end| end.at).max()
    }

    /// The STATUS cell: as kubectl prints it, but for what it does not tell: a lost node, and a container that was killed for
    /// memory not long ago.
    pub fn status_cell(&self, server_now: DateTime<Utc>) -> String {
        match self.standing(server_now) {
            Standing::Ill(Ailment::NodeLost) => "node lost".to_owned(),
            Standing::Leaving if self.is_node_lost => format!("node lost, {}", self.status),
            Standing::Ill(Ailment::OutOfMemory) if self.status == "Running" => "Running (OOMKilled)".to_owned(),
            _ => self.status.to_string(),
        }
    }

    pub fn label(&self, name: &str) -> Option<&Text> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}
