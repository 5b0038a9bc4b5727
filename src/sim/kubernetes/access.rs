//! Who may do what: the two users of the demo, their tokens and rules.

use http::StatusCode;
use serde_json::{Value, json};

use super::status::ApiError;

/// One thing somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    pub verb: &'a str,
    pub group: &'a str,
    /// Plural, without the subresource.
    pub resource: &'a str,
    pub subresource: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
}

/// Verbs on resources; `*` is every one.
#[derive(Debug)]
struct Rule {
    verbs: &'static [&'static str],
    groups: &'static [&'static str],
    resources: &'static [&'static str],
}

const READ: &[&str] = &["get", "list", "watch"];
const EVERY_GROUP: &[&str] = &["", "apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "policy"];
const REVIEWS: Rule = Rule {
    verbs: &["create"],
    groups: &["authorization.k8s.io", "authentication.k8s.io"],
    resources: &["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"],
};
const VISIBLE: &[&str] = &[
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "nodes",
    "nodes/status",
    "pods",
    "pods/log",
    "pods/status",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
    "services/status",
    "daemonsets",
    "daemonsets/status",
    "deployments",
    "deployments/scale",
    "deployments/status",
    "replicasets",
    "replicasets/scale",
    "replicasets/status",
    "statefulsets",
    "statefulsets/scale",
    "statefulsets/status",
    "horizontalpodautoscalers",
    "horizontalpodautoscalers/status",
    "cronjobs",
    "cronjobs/status",
    "jobs",
    "jobs/status",
    "leases",
    "endpointslices",
    "poddisruptionbudgets",
    "poddisruptionbudgets/status",
];
const PROXY: Rule = Rule { verbs: &["get", "create"], groups: &[""], resources: &["services/proxy"] };
/// Silences are ended by DELETE.
const PROXY_TO_CHANGE: Rule = Rule { verbs: &["get", "create", "delete"], groups: &[""], resources: &["services/proxy"] };
/// A WebSocket is opened by GET and has to be allowed to create as well.
const EXEC: Rule = Rule { verbs: &["get", "create"], groups: &[""], resources: &["pods/exec"] };
/// Secrets too, and whatever there is not.
const EVERYTHING: Rule = Rule { verbs: READ, groups: &["*"], resources: &["*"] };
/// What was installed beside the platform; the cluster role `view` has nothing of it.
const CUSTOM: Rule = Rule {
    verbs: &["*"],
    groups: &["argoproj.io", "helm.toolkit.fluxcd.io", "keda.sh", "kustomize.toolkit.fluxcd.io", "sev1.dev"],
    resources: &["*"],
};

/// Somebody the API server knows.
#[derive(Debug)]
pub struct User {
    pub name: &'static str,
    pub groups: &'static [&'static str],
    rules: &'static [Rule],
}

/// The engineer on call: everything but writing secrets.
static ON_CALL: User = User {
    name: "oncall@gov",
    groups: &["sre-oncall", "system:authenticated"],
    rules: &[
        Rule { verbs: &["*"], groups: EVERY_GROUP, resources: VISIBLE },
        Rule { verbs: &["create"], groups: &[""], resources: &["pods/eviction"] },
        PROXY_TO_CHANGE,
        EXEC,
        EVERYTHING,
        CUSTOM,
        REVIEWS,
    ],
};

/// Somebody who may only look.
static VIEWER: User = User {
    name: "viewer@gov",
    groups: &["viewers", "system:authenticated"],
    rules: &[Rule { verbs: READ, groups: EVERY_GROUP, resources: VISIBLE }, PROXY, REVIEWS],
};

/// The bearer tokens of both users.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub on_call: String,
    pub viewer: String,
}

impl Tokens {
    /// Made from the seed, so that a kubeconfig printed once fits the next run with the same seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x746f_6b65_6e73);
        let mut token = |prefix: &str| format!("{prefix}-{:016x}{:016x}", random.u64(..), random.u64(..));
        Self { on_call: token("oncall"), viewer: token("viewer") }
    }

    /// Whose token an `Authorization` header carries.
    pub fn authenticate(&self, authorization: Option<&str>) -> Result<&'static User, ApiError> {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        match token {
            Some(token) if token == self.on_call => Ok(&ON_CALL),
            Some(token) if token == self.viewer => Ok(&VIEWER),
            _ => Err(ApiError::unauthorized()),
        }
    }
}

impl User {
    pub fn may(&self, access: &Access<'_>) -> bool {
        let wanted = if access.subresource.is_empty() { access.resource.to_owned() } else { format!("{}/{}", access.resource, access.subresource) };
        self.rules.iter().any(|rule| {
            (rule.verbs.contains(&"*") || rule.verbs.contains(&access.verb))
                && (access.group == "*" || rule.groups.contains(&"*") || rule.groups.contains(&access.group))
                && (rule.resources.contains(&"*") || rule.resources.contains(&wanted.as_str()))
        })
    }

    /// Refuses in the words of the real server.
    pub fn check(&self, access: &Access<'_>) -> Result<(), ApiError> {
        if self.may(access) {
            return Ok(());
        }
        let Access { verb, group, resource, subresource, namespace, name } = *access;
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let object = if name.is_empty() { qualified } else { format!("{qualified} \"{name}\"") };
        let resource_path = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        let place = if namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{namespace}\"") };
        let user = self.name;
        let message = format!("{object} is forbidden: User \"{user}\" cannot {verb} resource \"{resource_path}\" in API group \"{group}\" {place}");
        let mut details = json!({});
        for (field, value) in [("name", name), ("group", group), ("kind", resource)] {
            if !value.is_empty() {
                details[field] = json!(value);
            }
        }
        Err(ApiError::new(StatusCode::FORBIDDEN, "Forbidden", message).details(details))
    }

    /// What [`check`](Self::check) knows, as `SelfSubjectRulesReview` tells it.
    pub fn rules(&self) -> Vec<Value> {
        self.rules.iter().map(|rule| json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources})).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_viewer_reads_and_is_refused_in_the_servers_words() {
        let tokens = Tokens::from_seed(1);
        let viewer = tokens.authenticate(Some(&format!("Bearer {}", tokens.viewer))).unwrap();
        let listing = Access { verb: "list", group: "", resource: "pods", subresource: "", namespace: "", name: "" };
        assert!(viewer.may(&listing) && !viewer.may(&Access { group: "keda.sh", resource: "scaledobjects", ..listing }));
        let scaling = Access { verb: "patch", group: "apps", resource: "deployments", subresource: "scale", namespace: "x", name: "a" };
        let refused = viewer.check(&scaling).unwrap_err();
        assert_eq!(
            refused.status()["message"],
            "deployments.apps \"a\" is forbidden: User \"viewer@gov\" cannot patch resource \"deployments/scale\" in API group \"apps\" in the \
             namespace \"x\""
        );
        assert!(tokens.authenticate(Some("Bearer wrong")).is_err());
        assert!(tokens.authenticate(None).is_err());
    }
}
