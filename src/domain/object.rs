//! Names of Kubernetes objects.

use std::fmt;

use super::text::Text;

/// The kinds this program shows or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Kind {
    Pod,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Node,
    Service,
    HorizontalPodAutoscaler,
    ConfigMap,
    Event,
    Namespace,
}

impl Kind {
    /// Plural lower-case resource name, as in URLs and RBAC rules.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::Deployment => "deployments",
            Self::ReplicaSet => "replicasets",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Node => "nodes",
            Self::Service => "services",
            Self::HorizontalPodAutoscaler => "horizontalpodautoscalers",
            Self::ConfigMap => "configmaps",
            Self::Event => "events",
            Self::Namespace => "namespaces",
        }
    }

    /// API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::ReplicaSet | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::HorizontalPodAutoscaler => "autoscaling",
            _ => "",
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::HorizontalPodAutoscaler => "v2",
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
            Self::Node => "node",
            Self::Service => "service",
            Self::HorizontalPodAutoscaler => "hpa",
            Self::ConfigMap => "configmap",
            Self::Event => "event",
            Self::Namespace => "namespace",
        }
    }

    /// The kind that a word means, by kubectl's names: `deployment`, `deployments`, `deploy`.
    pub fn named(word: &str) -> Option<Self> {
        const SHORT: [(&str, Kind); 9] = [
            ("po", Kind::Pod),
            ("deploy", Kind::Deployment),
            ("rs", Kind::ReplicaSet),
            ("sts", Kind::StatefulSet),
            ("ds", Kind::DaemonSet),
            ("no", Kind::Node),
            ("svc", Kind::Service),
            ("cm", Kind::ConfigMap),
            ("ns", Kind::Namespace),
        ];
        let word = word.to_ascii_lowercase();
        let by_name = Self::ALL
            .into_iter()
            .find(|kind| word == kind.singular() || word == kind.resource() || Some(&*word) == kind.resource().strip_suffix('s'));
        by_name.or_else(|| SHORT.iter().find(|(short, _)| *short == word).map(|(_, kind)| *kind))
    }

    pub const ALL: [Self; 11] = [
        Self::Pod,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
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
            Some(namespace) if self.is_namespaced() => format!("{root}/namespaces/{namespace}/{}", self.resource()),
            _ => format!("{root}/{}", self.resource()),
        }
    }
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
    pub fn subject(&self) -> Subject {
        Subject { kind: self.kind, key: self.key.clone() }
    }

    pub fn path(&self) -> String {
        let namespace = (!self.key.namespace.is_empty()).then(|| self.key.namespace.as_str());
        format!("{}/{}", self.kind.collection_path(namespace), self.key.name)
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
