//! What the sources need of the API server.

use crate::domain::catalogue::Right;

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
        name: "see nodes",
        rights: &[Right::of_cluster("get", "", "nodes"), Right::of_cluster("list", "", "nodes"), Right::of_cluster("watch", "", "nodes")],
    },
    Feature { name: "see events", rights: &[Right::on("list", "", "events"), Right::on("watch", "", "events")] },
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
        name: "see the breaker",
        rights: &[Right::on("get", "", "configmaps"), Right::on("list", "", "configmaps"), Right::on("watch", "", "configmaps")],
    },
    Feature { name: "read logs", rights: &[Right::below("get", "", "pods", "log")] },
];

/// To find Prometheus, Alertmanager and Elasticsearch in the cluster, and to read them through the API server's proxy.
pub const SERVERS: &[Right] = &[Right::on("list", "", "services"), Right::below("get", "", "services", "proxy")];

/// To read one namespace, [`IDENTITY_NAME`], whose uid tells clusters apart.
pub const IDENTITY: Right = Right::of_cluster("get", "", "namespaces");
pub const IDENTITY_NAME: &str = "kube-system";
