//! What the sources need of the API server, and what it says that this user may do.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    backoff::Backoff,
    report::{Closed, Report},
};
use crate::{
    connect::{ConnectError, Reader, access},
    domain::{catalogue::Right, observation::What, rights::Rights, text::Text},
};

/// How often it is asked again: somebody may be given a role during an incident.
const EVERY: Duration = Duration::from_mins(1);
/// Questions asked at the same time.
const AT_ONCE: usize = 4;

/// Something a person sees, and the rights that it takes.
#[derive(Debug)]
pub struct Feature {
    pub name: &'static str,
    pub rights: &'static [Right],
}

/// Most important first.
pub const FEATURES: &[Feature] = &[
    Feature { name: "see pods", rights: &[Right::on("get", "", "pods"), Right::on("list", "", "pods"), Right::on("watch", "", "pods")] },
    Feature {
        name: "see rollouts",
        rights: &[
            Right::on("get", "apps", "deployments"),
            Right::on("list", "apps", "deployments"),
            Right::on("watch", "apps", "deployments"),
            Right::on("list", "apps", "replicasets"),
            Right::on("watch", "apps", "replicasets"),
        ],
    },
    Feature {
        name: "see stateful sets and daemon sets",
        rights: &[
            Right::on("get", "apps", "statefulsets"),
            Right::on("list", "apps", "statefulsets"),
            Right::on("watch", "apps", "statefulsets"),
            Right::on("get", "apps", "daemonsets"),
            Right::on("list", "apps", "daemonsets"),
            Right::on("watch", "apps", "daemonsets"),
        ],
    },
    Feature {
        name: "see jobs",
        rights: &[
            Right::on("get", "batch", "jobs"),
            Right::on("list", "batch", "jobs"),
            Right::on("watch", "batch", "jobs"),
            Right::on("get", "batch", "cronjobs"),
            Right::on("list", "batch", "cronjobs"),
            Right::on("watch", "batch", "cronjobs"),
        ],
    },
    Feature {
        name: "see nodes",
        rights: &[Right::of_cluster("get", "", "nodes"), Right::of_cluster("list", "", "nodes"), Right::of_cluster("watch", "", "nodes")],
    },
    Feature { name: "see events", rights: &[Right::on("get", "", "events"), Right::on("list", "", "events"), Right::on("watch", "", "events")] },
    Feature {
        name: "see services",
        rights: &[
            Right::on("get", "", "services"),
            Right::on("list", "", "services"),
            Right::on("watch", "", "services"),
            Right::on("list", "discovery.k8s.io", "endpointslices"),
            Right::on("watch", "discovery.k8s.io", "endpointslices"),
        ],
    },
    Feature {
        name: "see autoscalers",
        rights: &[
            Right::on("get", "autoscaling", "horizontalpodautoscalers"),
            Right::on("list", "autoscaling", "horizontalpodautoscalers"),
            Right::on("watch", "autoscaling", "horizontalpodautoscalers"),
        ],
    },
    Feature {
        name: "see ConfigMaps and the breaker",
        rights: &[Right::on("get", "", "configmaps"), Right::on("list", "", "configmaps"), Right::on("watch", "", "configmaps")],
    },
    Feature { name: "read logs", rights: &[Right::below("get", "", "pods", "log")] },
];

/// To find Prometheus, Alertmanager and Elasticsearch in the cluster, and to read them through the API server's proxy.
pub const SERVERS: &[Right] = &[Right::on("list", "", "services"), Right::below("get", "", "services", "proxy")];

/// To read one namespace, [`IDENTITY_NAME`], whose uid tells clusters apart.
pub const IDENTITY: Right = Right::of_cluster("get", "", "namespaces");
pub const IDENTITY_NAME: &str = "kube-system";

/// Asks what this user may write, at start and once a minute.
pub(super) struct Reviews {
    pub reader: Reader,
    /// Where sev1 works; none for all namespaces. There, what is refused in all of them may still be allowed in some: then
    /// only rights of the cluster or of one certain namespace are known to be refused.
    pub namespace: Option<Text>,
    pub rights: Vec<Right>,
    pub wake: Arc<Notify>,
    pub report: Report,
}

impl Reviews {
    pub async fn run(self) {
        let _: Result<(), Closed> = self.for_ever().await;
    }

    async fn for_ever(&self) -> Result<(), Closed> {
        let backoff = Backoff::new(self.wake.clone());
        loop {
            let began = self.report.now();
            let rights = match self.refused().await {
                Ok(refused) => Rights::Known { refused },
                Err(_) => Rights::Unknown,
            };
            self.report.say(What::Rights(rights), None).await?;
            backoff.pause(self.report.next_round(began, EVERY)).await;
        }
    }

    async fn refused(&self) -> Result<BTreeSet<Right>, ConnectError> {
        let is_certain = |right: &&Right| self.namespace.is_some() || !right.is_namespaced || !right.namespace.is_empty();
        let asked = self.rights.iter().filter(is_certain).map(|right| async move { (*right, self.allows(right).await) });
        let asked: Vec<_> = asked.collect();
        let answers: Vec<(Right, Result<bool, ConnectError>)> = stream::iter(asked).buffered(AT_ONCE).collect().await;
        let mut refused = BTreeSet::new();
        for (right, is_allowed) in answers {
            if !is_allowed? {
                refused.insert(right);
            }
        }
        Ok(refused)
    }

    async fn allows(&self, right: &Right) -> Result<bool, ConnectError> {
        access::refused(&self.reader, &attributes(right, self.namespace.as_deref())).await.map(|why| why.is_none())
    }
}

/// A right as a `SelfSubjectAccessReview` takes it. `namespace` is where sev1 works, none for all of them.
pub fn attributes(right: &Right, namespace: Option<&str>) -> Value {
    let mut attributes = json!({"verb": right.verb, "group": right.group, "resource": right.resource});
    let own = Some(right.namespace).filter(|own| !own.is_empty());
    if let Some(namespace) = own.or(namespace).filter(|_| right.is_namespaced) {
        attributes["namespace"] = json!(namespace);
    }
    if !right.subresource.is_empty() {
        attributes["subresource"] = json!(right.subresource);
    }
    attributes
}
