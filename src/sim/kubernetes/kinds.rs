//! The resource types the simulated API server knows, custom ones among them: names, groups, and what each of them supports.

use std::fmt;

/// A type of object, by its plural name. The order is that of `kubectl api-resources`: core group first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    ConfigMaps,
    Endpoints,
    Events,
    LimitRanges,
    Namespaces,
    Nodes,
    Pods,
    ResourceQuotas,
    Secrets,
    ServiceAccounts,
    Services,
    ControllerRevisions,
    DaemonSets,
    Deployments,
    ReplicaSets,
    StatefulSets,
    HorizontalPodAutoscalers,
    CronJobs,
    Jobs,
    Leases,
    EndpointSlices,
    PodDisruptionBudgets,
    ClusterRoleBindings,
    ClusterRoles,
    RoleBindings,
    Roles,
    // Of custom resource definitions; what these say besides is in `custom`.
    Applications,
    HelmReleases,
    ScaledObjects,
    Kustomizations,
    WorkerPools,
}

/// What discovery says about a resource type.
#[expect(clippy::struct_excessive_bools, reason = "independent marks of a table row")]
#[derive(Debug)]
pub struct Definition {
    pub resource: Resource,
    /// Empty for the core group.
    pub group: &'static str,
    /// The version objects are stored in.
    pub version: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    pub short_names: &'static [&'static str],
    /// Member of the category `all`.
    pub in_all: bool,
    pub has_status: bool,
    /// Has the `scale` subresource.
    pub has_scale: bool,
    /// `metadata.generation` counts changes of `spec`.
    pub has_generation: bool,
}

#[expect(clippy::too_many_arguments, reason = "one row of the table below")]
const fn row(
    resource: Resource,
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short_names: &'static [&'static str],
    marks: &str,
) -> Definition {
    Definition {
        resource,
        group,
        version,
        plural,
        singular,
        kind,
        namespaced: !has(marks, b'c'),
        short_names,
        in_all: has(marks, b'a'),
        has_status: has(marks, b's'),
        has_scale: has(marks, b'n'),
        has_generation: has(marks, b'g'),
    }
}

const fn has(marks: &str, mark: u8) -> bool {
    let bytes = marks.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == mark {
            return true;
        }
        at += 1;
    }
    false
}

pub const RBAC: &str = "rbac.authorization.k8s.io";

/// Marks: `c` cluster-scoped, `a` in category all, `s` status subresource, `n` scale subresource, `g` generation. In the order of [`Resource`].
pub static DEFINITIONS: [Definition; 31] = [
    row(Resource::ConfigMaps, "", "v1", "configmaps", "configmap", "ConfigMap", &["cm"], ""),
    row(Resource::Endpoints, "", "v1", "endpoints", "endpoints", "Endpoints", &["ep"], ""),
    row(Resource::Events, "", "v1", "events", "event", "Event", &["ev"], ""),
    row(Resource::LimitRanges, "", "v1", "limitranges", "limitrange", "LimitRange", &["limits"], ""),
    row(Resource::Namespaces, "", "v1", "namespaces", "namespace", "Namespace", &["ns"], "cs"),
    row(Resource::Nodes, "", "v1", "nodes", "node", "Node", &["no"], "cs"),
    row(Resource::Pods, "", "v1", "pods", "pod", "Pod", &["po"], "asg"),
    row(Resource::ResourceQuotas, "", "v1", "resourcequotas", "resourcequota", "ResourceQuota", &["quota"], "s"),
    row(Resource::Secrets, "", "v1", "secrets", "secret", "Secret", &[], ""),
    row(Resource::ServiceAccounts, "", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", &["sa"], ""),
    row(Resource::Services, "", "v1", "services", "service", "Service", &["svc"], "as"),
    row(Resource::ControllerRevisions, "apps", "v1", "controllerrevisions", "controllerrevision", "ControllerRevision", &[], ""),
    row(Resource::DaemonSets, "apps", "v1", "daemonsets", "daemonset", "DaemonSet", &["ds"], "asg"),
    row(Resource::Deployments, "apps", "v1", "deployments", "deployment", "Deployment", &["deploy"], "asng"),
    row(Resource::ReplicaSets, "apps", "v1", "replicasets", "replicaset", "ReplicaSet", &["rs"], "asng"),
    row(Resource::StatefulSets, "apps", "v1", "statefulsets", "statefulset", "StatefulSet", &["sts"], "asng"),
    row(
        Resource::HorizontalPodAutoscalers,
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "horizontalpodautoscaler",
        "HorizontalPodAutoscaler",
        &["hpa"],
        "as",
    ),
    row(Resource::CronJobs, "batch", "v1", "cronjobs", "cronjob", "CronJob", &["cj"], "asg"),
    row(Resource::Jobs, "batch", "v1", "jobs", "job", "Job", &[], "asg"),
    row(Resource::Leases, "coordination.k8s.io", "v1", "leases", "lease", "Lease", &[], ""),
    row(Resource::EndpointSlices, "discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice", &[], "g"),
    row(Resource::PodDisruptionBudgets, "policy", "v1", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", &["pdb"], "sg"),
    row(Resource::ClusterRoleBindings, RBAC, "v1", "clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding", &[], "c"),
    row(Resource::ClusterRoles, RBAC, "v1", "clusterroles", "clusterrole", "ClusterRole", &[], "c"),
    row(Resource::RoleBindings, RBAC, "v1", "rolebindings", "rolebinding", "RoleBinding", &[], ""),
    row(Resource::Roles, RBAC, "v1", "roles", "role", "Role", &[], ""),
    row(Resource::Applications, "argoproj.io", "v1alpha1", "applications", "application", "Application", &["app", "apps"], "g"),
    row(Resource::HelmReleases, "helm.toolkit.fluxcd.io", "v2", "helmreleases", "helmrelease", "HelmRelease", &["hr"], "sg"),
    row(Resource::ScaledObjects, "keda.sh", "v1alpha1", "scaledobjects", "scaledobject", "ScaledObject", &["so"], "sg"),
    row(Resource::Kustomizations, "kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "kustomization", "Kustomization", &["ks"], "sg"),
    row(Resource::WorkerPools, "sev1.dev", "v1", "workerpools", "workerpool", "WorkerPool", &[], "sng"),
];

impl Resource {
    pub fn definition(self) -> &'static Definition {
        &DEFINITIONS[self as usize]
    }

    /// The type with this plural name in this group.
    pub fn find(group: &str, plural: &str) -> Option<Self> {
        DEFINITIONS.iter().find(|d| d.group == group && d.plural == plural).map(|d| d.resource)
    }

    pub fn of_kind(group: &str, kind: &str) -> Option<Self> {
        DEFINITIONS.iter().find(|d| d.group == group && d.kind == kind).map(|d| d.resource)
    }
}

impl Definition {
    /// `v1`, or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// As in the API server's messages: `pods`, `deployments.apps`.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let definition = self.definition();
        if definition.group.is_empty() { f.write_str(definition.plural) } else { write!(f, "{}.{}", definition.plural, definition.group) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_definition_stands_at_its_own_place() {
        for definition in &DEFINITIONS {
            assert_eq!(definition.resource.definition().plural, definition.plural);
            assert_eq!(Resource::find(definition.group, definition.plural), Some(definition.resource));
        }
        assert_eq!(Resource::Deployments.to_string(), "deployments.apps");
    }
}
