//! A pod, reduced to what is shown and decided on (about 1.4 KB each: FACTS of a 50,000-pod list).

use chrono::{DateTime, Utc};

use super::{object::Key, text::Text};

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
    pub ready_containers: u16,
    pub containers: Box<[Container]>,
    pub restarts: u32,
    /// When the most recent restart's predecessor ended.
    pub last_restart: Option<DateTime<Utc>>,
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
    /// Reason and exit code of the run before, such as `OOMKilled` 137.
    pub last_end: Option<(Text, i32)>,
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

    /// Whether someone on call should look at it: not ready although it should be, waiting with an error, or killed
    /// for memory in its last run. Completed jobs and pods that started less than 30 s ago are not.
    pub fn is_unhealthy(&self, server_now: DateTime<Utc>) -> bool {
        if self.phase == Phase::Succeeded {
            return false;
        }
        if self.phase == Phase::Failed || self.phase == Phase::Unknown {
            return true;
        }
        if self.out_of_memory() {
            return true;
        }
        let young = server_now - self.created < chrono::Duration::seconds(30);
        !(self.is_ready || young && self.waits_normally())
    }

    /// Whether a container's last run ended for lack of memory.
    pub fn out_of_memory(&self) -> bool {
        self.containers.iter().any(|container| container.last_end.as_ref().is_some_and(|(reason, _)| reason == "OOMKilled"))
    }

    /// The STATUS cell: as kubectl prints it, with `(OOMKilled)` where a running pod was last killed for memory.
    pub fn status_cell(&self) -> String {
        if self.out_of_memory() && self.status == "Running" { format!("{} (OOMKilled)", self.status) } else { self.status.to_string() }
    }

    pub fn label(&self, name: &str) -> Option<&Text> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn waits_normally(&self) -> bool {
        matches!(&*self.status, "ContainerCreating" | "Pending" | "PodInitializing" | "Running" | "Terminating") || self.status.starts_with("Init:")
    }
}
