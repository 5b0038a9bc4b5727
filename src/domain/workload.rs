//! Deployments, replica sets and what stands around them.

use chrono::{DateTime, Utc};

use super::{
    object::{Key, Kind, ObjectRef},
    pod::Owner,
    text::Text,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    /// Desired replicas.
    pub replicas: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
    pub paused: bool,
    /// `deployment.kubernetes.io/revision`.
    pub revision: u64,
    /// `name=image` of each container of the template.
    pub images: Box<[(Text, Text)]>,
    /// Names of the ConfigMaps that its pods read, in its namespace.
    pub config_maps: Box<[Text]>,
    /// `matchLabels` of the selector.
    pub selector: Box<[(Text, Text)]>,
    pub generation: u64,
    pub observed_generation: u64,
    /// Message of a condition that says that the rollout is stuck (`Progressing=False`).
    pub stuck: Option<Text>,
    /// Why no further pod could be made, as the server told its controller (`ReplicaFailure`): `exceeded quota: pods, requested: pods=1`.
    pub refused: Option<Text>,
    /// Who has a part of the pod template and wrote last.
    pub template_written: Option<Written>,
    /// Who set the desired replicas.
    pub replicas_written: Option<Written>,
}

/// Who wrote a field, by `managedFields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The field manager.
    pub by: Text,
    /// When it wrote this or another field of its own.
    pub at: Option<DateTime<Utc>>,
    /// It has no other field of the object: the time is that of this write.
    pub exact: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaSet {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    pub owner: Option<Owner>,
    pub revision: u64,
    /// `deployment.kubernetes.io/revision-history`: the revisions it had before, oldest first, at most 64.
    pub history: Box<[u64]>,
    /// When the revision was written, at the latest: the controller's later writes of the set move it.
    pub revised_at: Option<DateTime<Utc>>,
    pub replicas: u32,
    pub ready: u32,
    pub images: Box<[(Text, Text)]>,
    /// `kubernetes.io/change-cause`.
    pub change_cause: Option<Text>,
    /// Who last wrote the template, by `managedFields`, where that is known.
    pub changed_by: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    pub ready: bool,
    /// Reason of the Ready condition while it is not true, and since when.
    pub not_ready: Option<(Text, Option<DateTime<Utc>>)>,
    /// Its kubelet is not heard any more: the Ready condition is `Unknown`. One that says itself that it is not ready still answers, and
    /// so do its pods.
    pub is_silent: bool,
    pub cordoned: bool,
    /// `MemoryPressure`, `DiskPressure`, `PIDPressure`, `NetworkUnavailable` that are true.
    pub pressures: Box<[Text]>,
    pub version: Text,
    pub roles: Text,
    /// As written by the node: `4`, `3920m`.
    pub cpu: Text,
    /// As written by the node: `64Gi`.
    pub memory: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    pub kind: Text,
    pub cluster_ip: Text,
    /// `8081/TCP`, `http:8081/TCP`.
    pub ports: Box<[Text]>,
    pub selector: Box<[(Text, Text)]>,
    /// Ready and not ready endpoint addresses, from its slices; none before they were read.
    pub endpoints: Option<(u32, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaler {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    pub target_kind: Text,
    pub target_name: Text,
    pub min: u32,
    pub max: u32,
    pub current: u32,
    pub desired: u32,
    /// `cpu 96%/70%`; `cpu ?/70%` while unknown.
    pub metrics: Box<[Text]>,
    /// Message of a condition that keeps it from scaling.
    pub trouble: Option<Text>,
    /// Who set the bounds last.
    pub bounds_written: Option<Written>,
}

impl Autoscaler {
    pub fn reference(&self) -> ObjectRef {
        ObjectRef { kind: Kind::HorizontalPodAutoscaler, key: self.key.clone(), uid: self.uid.clone() }
    }
}

/// A watched ConfigMap: only the keys that an action may write, and sizes of the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMap {
    pub key: Key,
    pub uid: Text,
    pub resource_version: Text,
    pub created: DateTime<Utc>,
    /// All its keys, those of binary data among them.
    pub keys: u32,
    /// Of all its values, in bytes as the API server keeps them.
    pub size: u64,
    /// The first [`ConfigMap::MOST_KEYS`] keys, those of binary data after the others, and the bytes of each value.
    pub sizes: Box<[(Text, u64)]>,
    /// Values of at most 256 characters; longer ones are cut. At most [`ConfigMap::MOST_KEYS`] of them.
    pub data: Box<[(Text, Text)]>,
    /// Keys that are not as they were last applied by kubectl: (key, applied, present).
    pub drift: Box<[Difference]>,
    /// Last write, by `managedFields`.
    pub changed_at: Option<DateTime<Utc>>,
    pub changed_by: Option<Text>,
}

/// One key before and after; no value where there is no such key, or where it must not be shown.
pub type Difference = (Text, Option<Text>, Option<Text>);

impl ConfigMap {
    /// Keys kept of one map, in the order of the server.
    pub const MOST_KEYS: usize = 64;

    /// Whether all that it holds is known.
    pub fn is_whole(&self) -> bool {
        self.data.len() < Self::MOST_KEYS && !self.data.iter().any(|(_, value)| value.ends_with('…'))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub key: Key,
    pub uid: Text,
    pub is_warning: bool,
    pub reason: Text,
    pub message: Text,
    pub count: u32,
    pub first_seen: Option<DateTime<Utc>>,
    pub last_seen: Option<DateTime<Utc>>,
    /// Kind, name and uid of what it is about.
    pub about: (Text, Text, Text),
}

impl Event {
    /// As kubectl writes its type.
    pub fn type_word(&self) -> &'static str {
        if self.is_warning { "Warning" } else { "Normal" }
    }

    /// What it is about, where that is of a kind that this program knows.
    pub fn object(&self) -> Option<ObjectRef> {
        let (kind, name, uid) = &self.about;
        let kind = Kind::ALL.into_iter().find(|known| known.is_called(kind))?;
        // An event is in the namespace of its object; one of an object without a namespace is in `default`.
        let namespace = if kind.is_namespaced() { self.key.namespace.clone() } else { Text::default() };
        Some(ObjectRef { kind, key: Key { namespace, name: name.clone() }, uid: uid.clone() })
    }
}

/// Anything that lives in an index under its key.
pub trait Object {
    const KIND: Kind;
    fn key(&self) -> &Key;
    fn uid(&self) -> &Text;
}

macro_rules! objects {
    ($($kind:ident = $type:ty),* $(,)?) => {$(
        impl Object for $type {
            const KIND: Kind = Kind::$kind;
            fn key(&self) -> &Key { &self.key }
            fn uid(&self) -> &Text { &self.uid }
        }
    )*};
}

objects! {
    Pod = super::pod::Pod, Deployment = Deployment, ReplicaSet = ReplicaSet, Node = Node, Service = Service,
    StatefulSet = super::sets::StatefulSet, DaemonSet = super::sets::DaemonSet, Job = super::batch::Job, CronJob = super::batch::CronJob,
    HorizontalPodAutoscaler = Autoscaler, ConfigMap = ConfigMap, Event = Event,
}
