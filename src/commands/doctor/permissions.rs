//! Which features the API server's access rules allow us.

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::{Finding, Patient};
use crate::connect::ConnectError;

/// One right, as an RBAC rule names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    pub verb: &'static str,
    pub group: &'static str,
    pub resource: &'static str,
    pub subresource: &'static str,
    pub is_namespaced: bool,
}

/// What a person wants to do, and the rights that it takes.
#[derive(Debug)]
pub struct Feature {
    pub name: &'static str,
    pub rights: &'static [Right],
    /// Whether it writes to the cluster.
    pub writes: bool,
}

const fn right(verb: &'static str, group: &'static str, resource: &'static str) -> Right {
    Right { verb, group, resource, subresource: "", is_namespaced: true }
}

const fn below(verb: &'static str, group: &'static str, resource: &'static str, subresource: &'static str) -> Right {
    Right { verb, group, resource, subresource, is_namespaced: true }
}

const fn of_cluster(verb: &'static str, resource: &'static str) -> Right {
    Right { verb, group: "", resource, subresource: "", is_namespaced: false }
}

/// Most important first. The README's table of permissions says the same.
pub const FEATURES: &[Feature] = &[
    Feature { name: "see pods", rights: &[right("list", "", "pods"), right("watch", "", "pods")], writes: false },
    Feature {
        name: "see rollouts",
        rights: &[
            right("list", "apps", "deployments"),
            right("watch", "apps", "deployments"),
            right("list", "apps", "replicasets"),
            right("watch", "apps", "replicasets"),
        ],
        writes: false,
    },
    Feature { name: "see nodes", rights: &[of_cluster("list", "nodes"), of_cluster("watch", "nodes")], writes: false },
    Feature { name: "see events", rights: &[right("list", "", "events"), right("watch", "", "events")], writes: false },
    Feature { name: "see services", rights: &[right("list", "", "services"), right("watch", "", "services")], writes: false },
    Feature {
        name: "see autoscalers",
        rights: &[right("list", "autoscaling", "horizontalpodautoscalers"), right("watch", "autoscaling", "horizontalpodautoscalers")],
        writes: false,
    },
    Feature { name: "see the breaker", rights: &[right("list", "", "configmaps"), right("watch", "", "configmaps")], writes: false },
    Feature { name: "read logs", rights: &[below("get", "", "pods", "log")], writes: false },
    Feature { name: "scale", rights: &[below("patch", "apps", "deployments", "scale")], writes: true },
    Feature { name: "undo a rollout", rights: &[right("patch", "apps", "deployments")], writes: true },
    Feature { name: "restart unhealthy pods", rights: &[right("delete", "", "pods")], writes: true },
    Feature { name: "switch the circuit breaker", rights: &[right("patch", "", "configmaps")], writes: true },
];

/// Reviews asked at the same time.
const AT_ONCE: usize = 4;

pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let read_only = patient.loaded.config.read_only;
    let features = FEATURES.iter().filter(|feature| !(read_only && feature.writes));
    let mut findings: Vec<Finding> = stream::iter(features).map(|feature| examine(patient, feature)).buffered(AT_ONCE).collect().await;
    if read_only {
        findings.push(Finding::ok("permissions", "read-only: mitigations are removed"));
    }
    findings
}

async fn examine(patient: &Patient<'_>, feature: &Feature) -> Finding {
    let mut missing = Vec::new();
    for right in feature.rights {
        match allowed(patient, right).await {
            Ok(true) => {}
            Ok(false) => missing.push(words(right)),
            Err(error) => return Finding::warn("permissions", &format!("{}: cannot be asked: {error}", feature.name), super::remedy(&error)),
        }
    }
    if missing.is_empty() {
        return Finding::ok("permissions", feature.name);
    }
    let says = format!("{}: not allowed to {}", feature.name, missing.join(", "));
    let remedy = "ask for a role with this; until then that part is empty or greyed";
    if feature.name == FEATURES[0].name { Finding::fail("permissions", &says, remedy) } else { Finding::warn("permissions", &says, remedy) }
}

async fn allowed(patient: &Patient<'_>, right: &Right) -> Result<bool, ConnectError> {
    let question = question(right, patient.scope.namespace());
    let answer = patient.reader.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &question).await?;
    Ok(answer.json.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
}

fn question(right: &Right, namespace: Option<&str>) -> Value {
    let mut attributes = json!({"verb": right.verb, "group": right.group, "resource": right.resource});
    if let Some(namespace) = namespace.filter(|_| right.is_namespaced) {
        attributes["namespace"] = json!(namespace);
    }
    if !right.subresource.is_empty() {
        attributes["subresource"] = json!(right.subresource);
    }
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}})
}

/// As `kubectl auth can-i` wants it: `patch deployments/scale.apps`.
pub fn words(right: &Right) -> String {
    let resource = if right.subresource.is_empty() { right.resource.to_owned() } else { format!("{}/{}", right.resource, right.subresource) };
    if right.group.is_empty() { format!("{} {resource}", right.verb) } else { format!("{} {resource}.{}", right.verb, right.group) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_the_namespace_only_where_there_is_one() {
        let scale = below("patch", "apps", "deployments", "scale");
        assert_eq!(
            question(&scale, Some("shop"))["spec"]["resourceAttributes"],
            json!({"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "shop", "subresource": "scale"})
        );
        assert_eq!(question(&of_cluster("list", "nodes"), Some("shop"))["spec"]["resourceAttributes"].get("namespace"), None);
        assert_eq!(words(&scale), "patch deployments/scale.apps");
    }
}
