//! Names of Kubernetes objects.

use std::{borrow::Cow, fmt};

use super::{scaled::Scaled, text::Text};

/// The kinds this program shows or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Pod,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
    Node,
    Service,
    HorizontalPodAutoscaler,
    ConfigMap,
    Event,
    Namespace,
    /// The scale of an object of another kind: of those nothing else is read or written.
    Scale(Scaled),
}

/// In records: `Deployment`, or the full name of a resource.
impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scale(scaled) => serializer.collect_str(scaled),
            known => serializer.collect_str(&format_args!("{known:?}")),
        }
    }
}

impl Kind {
    /// The kind that a record means.
    pub fn recorded(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| format!("{kind:?}") == word).or_else(|| Scaled::named(word).map(Self::Scale))
    }

    /// Plural lower-case resource name, as in URLs and RBAC rules.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::Deployment => "deployments",
            Self::ReplicaSet => "replicasets",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Job => "jobs",
            Self::CronJob => "cronjobs",
            Self::Node => "nodes",
            Self::Service => "services",
            Self::HorizontalPodAutoscaler => "horizontalpodautoscalers",
            Self::ConfigMap => "configmaps",
            Self::Event => "events",
            Self::Namespace => "namespaces",
            Self::Scale(scaled) => scaled.resource(),
        }
    }

    /// API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::ReplicaSet | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::Job | Self::CronJob => "batch",
            Self::HorizontalPodAutoscaler => "autoscaling",
            Self::Scale(scaled) => scaled.group(),
            _ => "",
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::HorizontalPodAutoscaler => "v2",
            Self::Scale(scaled) => scaled.version(),
            _ => "v1",
        }
    }

    /// What kubectl calls it in `kind/name`.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Deployment => "deployment",
            Self::ReplicaSet => "replicaset",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::Job => "job",
            Self::CronJob => "cronjob",
            Self::Node => "node",
            Self::Service => "service",
            Self::HorizontalPodAutoscaler => "hpa",
            Self::ConfigMap => "configmap",
            Self::Event => "event",
            Self::Namespace => "namespace",
            Self::Scale(scaled) => scaled.name(),
        }
    }

    /// What the API calls it, as far as this program knows: `Deployment`.
    pub fn is_called(self, kind: &str) -> bool {
        match self {
            Self::Scale(scaled) => scaled.kind() == kind,
            Self::HorizontalPodAutoscaler => kind == "HorizontalPodAutoscaler",
            known => known.singular().eq_ignore_ascii_case(kind),
        }
    }

    /// The part of an object that stands for it.
    pub fn subresource(self) -> &'static str {
        if matches!(self, Self::Scale(_)) { "scale" } else { "" }
    }

    /// kubectl's short names.
    const SHORT: [(&str, Self); 11] = [
        ("po", Self::Pod),
        ("deploy", Self::Deployment),
        ("rs", Self::ReplicaSet),
        ("sts", Self::StatefulSet),
        ("ds", Self::DaemonSet),
        ("cj", Self::CronJob),
        ("no", Self::Node),
        ("svc", Self::Service),
        ("cm", Self::ConfigMap),
        ("ev", Self::Event),
        ("ns", Self::Namespace),
    ];

    /// kubectl's short name, or what it calls one of it where it has none: `deploy`, `job`.
    pub fn short(self) -> &'static str {
        Self::SHORT.iter().find(|(_, kind)| *kind == self).map_or(self.singular(), |(short, _)| short)
    }

    /// The kind that a word means, by kubectl's names: `deployment`, `deployments`, `deploy`.
    pub fn named(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let by_name = Self::ALL
            .into_iter()
            .find(|kind| word == kind.singular() || word == kind.resource() || Some(&*word) == kind.resource().strip_suffix('s'));
        by_name.or_else(|| Self::SHORT.iter().find(|(short, _)| *short == word).map(|(_, kind)| *kind))
    }

    pub const ALL: [Self; 13] = [
        Self::Pod,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::CronJob,
        Self::Node,
        Self::Service,
        Self::HorizontalPodAutoscaler,
        Self::ConfigMap,
        Self::Event,
        Self::Namespace,
    ];

    pub fn is_namespaced(self) -> bool {
        !matches!(self, Self::Node | Self::Namespace)
    }

    /// `/api/v1/namespaces/NS/pods`, `/apis/apps/v1/namespaces/NS/deployments`, without a name.
    pub fn collection_path(self, namespace: Option<&str>) -> String {
        let root = if self.group().is_empty() { format!("/api/{}", self.version()) } else { format!("/apis/{}/{}", self.group(), self.version()) };
        match namespace {
            Some(namespace) if self.is_namespaced() => format!("{root}/namespaces/{}/{}", segment(namespace), self.resource()),
            _ => format!("{root}/{}", self.resource()),
        }
    }
}

/// A name as one part of a path and no more: what no name of Kubernetes has in it is written as `%XX`, by which such a path is told and
/// refused before anything is sent.
pub fn segment(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    let is_only_dots = matches!(name, "." | "..");
    if !name.is_empty() && !is_only_dots && name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    if name.is_empty() {
        return Cow::Borrowed("%00");
    }
    let escaped = |byte: u8| if is_plain(byte) && !is_only_dots { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    Cow::Owned(name.bytes().map(escaped).collect())
}

/// Namespace and name, the key of an index. The namespace is empty for cluster-scoped kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Key {
    pub namespace: Text,
    pub name: Text,
}

impl Key {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: Text::line(namespace), name: Text::line(name) }
    }
}

/// One object by kind and name, whichever has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Subject {
    pub kind: Kind,
    pub key: Key,
}

impl Subject {
    /// Without a uid: it was not read yet.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef { kind: self.kind, key: self.key.clone(), uid: Text::default() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind.singular(), self.key.name)
    }
}

/// One object as it was seen: name and identity, so that a namesake that replaced it is not mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct ObjectRef {
    pub kind: Kind,
    pub key: Key,
    pub uid: Text,
}

impl ObjectRef {
    /// As a record of the journal has it; none where that is not as this program writes it.
    pub fn recorded(record: &serde_json::Value) -> Option<Self> {
        let text = |pointer: &str| record.pointer(pointer).and_then(serde_json::Value::as_str);
        let kind = Kind::recorded(text("/kind")?)?;
        Some(Self { kind, key: Key::new(text("/key/namespace")?, text("/key/name")?), uid: Text::line(text("/uid")?) })
    }

    pub fn subject(&self) -> Subject {
        Subject { kind: self.kind, key: self.key.clone() }
    }

    pub fn path(&self) -> String {
        let path = self.object_path();
        if self.kind.subresource().is_empty() { path } else { format!("{path}/{}", self.kind.subresource()) }
    }

    /// Of the whole object, where [`path`](Self::path) is a part of it.
    pub fn object_path(&self) -> String {
        let namespace = (!self.key.namespace.is_empty()).then(|| self.key.namespace.as_str());
        format!("{}/{}", self.kind.collection_path(namespace), segment(&self.key.name))
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind.singular(), self.key.name)
    }
}

/// Which namespaces are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    One(Text),
    All,
}

impl Scope {
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::One(namespace) => Some(namespace),
            Self::All => None,
        }
    }
}
