//! Who is asking: the users of the demo, their tokens, what they may without a role, and for whom they may speak.

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::rbac;
use super::request::Asked;
use super::status::ApiError;
use crate::sim::store::Store;

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

impl Asked {
    pub fn access(&self) -> Access<'_> {
        let Self { verb, group, resource, subresource, namespace, name } = self;
        Access { verb, group, resource, subresource, namespace, name }
    }
}

/// What one of the demo's users may without a role. `*` is everything.
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
const PROXY: Rule = Rule { verbs: &["get"], groups: &[""], resources: &["services/proxy"] };
/// Silences are made by POST and ended by DELETE.
const PROXY_TO_CHANGE: Rule = Rule { verbs: &["get", "create", "delete"], groups: &[""], resources: &["services/proxy"] };
/// A WebSocket is opened by GET and has to be allowed to create as well.
const EXEC: Rule = Rule { verbs: &["get", "create"], groups: &[""], resources: &["pods/exec"] };
const ANYTHING: &[&str] = &["*"];
/// What was installed beside the platform; the cluster role `view` has nothing of it.
const CUSTOM: Rule = Rule {
    verbs: &["*"],
    groups: &["argoproj.io", "helm.toolkit.fluxcd.io", "keda.sh", "kustomize.toolkit.fluxcd.io", "sev1.dev"],
    resources: &["*"],
};

/// Somebody the API server knows.
#[derive(Debug, Clone)]
pub struct User {
    pub name: String,
    pub groups: Vec<String>,
    rules: &'static [Rule],
}

/// Everybody who is known is in it.
const AUTHENTICATED: &str = "system:authenticated";
/// What the demo gives its users without a role.
pub const DEMO: &str = "RBAC: allowed by the demo's rules";

/// The engineer on call: reads everything, and changes everything but secrets and who may do what.
const ON_CALL: (&str, &str, &[Rule]) = (
    "oncall@gov",
    "sre-oncall",
    &[
        Rule { verbs: READ, groups: ANYTHING, resources: ANYTHING },
        Rule { verbs: &["*"], groups: EVERY_GROUP, resources: VISIBLE },
        Rule { verbs: &["create"], groups: &[""], resources: &["pods/eviction"] },
        PROXY_TO_CHANGE,
        EXEC,
        CUSTOM,
        REVIEWS,
    ],
);

/// Somebody who may only look.
const VIEWER: (&str, &str, &[Rule]) = ("viewer@gov", "viewers", &[Rule { verbs: READ, groups: EVERY_GROUP, resources: VISIBLE }, PROXY, REVIEWS]);

/// Whoever gives others their roles.
const ADMINISTRATOR: (&str, &str, &[Rule]) = ("admin@gov", "system:masters", &[Rule { verbs: ANYTHING, groups: ANYTHING, resources: ANYTHING }]);

/// The bearer tokens of the users.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub on_call: String,
    pub viewer: String,
    pub administrator: String,
}

impl Tokens {
    /// Made from the seed, so that a kubeconfig printed once fits the next run with the same seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x746f_6b65_6e73);
        let mut token = |prefix: &str| format!("{prefix}-{:016x}{:016x}", random.u64(..), random.u64(..));
        Self { on_call: token("oncall"), viewer: token("viewer"), administrator: token("admin") }
    }

    /// Whose token an `Authorization` header carries.
    pub fn authenticate(&self, authorization: Option<&str>) -> Result<User, ApiError> {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        let known = [(&self.on_call, ON_CALL), (&self.viewer, VIEWER), (&self.administrator, ADMINISTRATOR)];
        let found = known.into_iter().find(|(own, _)| token == Some(own.as_str()));
        let (_, (name, group, rules)) = found.ok_or_else(ApiError::unauthorized)?;
        Ok(User { name: name.to_owned(), groups: vec![group.to_owned(), AUTHENTICATED.to_owned()], rules })
    }
}

impl User {
    /// Whoever the headers of impersonation name, if this user may speak for them; else this user.
    ///
    /// A user who is spoken for has what roles give them, and nothing of the demo's own rules.
    pub fn speaking_for(self, headers: &HeaderMap, store: &Store) -> Result<Self, ApiError> {
        let named = |name: &str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect::<Vec<_>>();
        let mut groups = named("impersonate-group");
        let Some(name) = named("impersonate-user").pop() else { return Ok(self) };
        let subjects = std::iter::once(("users", &name)).chain(groups.iter().map(|group| ("groups", group)));
        for (resource, name) in subjects {
            self.check(&Access { verb: "impersonate", group: "", resource, subresource: "", namespace: "", name }, store)?;
        }
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Ok(Self { name, groups, rules: &[REVIEWS] })
    }

    /// Why it is allowed; none where it is not.
    pub fn may(&self, access: &Access<'_>, store: &Store) -> Option<String> {
        let by_demo = self.rules.iter().any(|rule| rbac::covers(rule.verbs, rule.groups, rule.resources, &[], access));
        if by_demo { Some(DEMO.to_owned()) } else { rbac::allowed(self, access, store) }
    }

    /// Refuses in the words of the real server.
    pub fn check(&self, access: &Access<'_>, store: &Store) -> Result<(), ApiError> {
        if self.may(access, store).is_some() {
            return Ok(());
        }
        let Access { verb, group, resource, namespace, name, .. } = *access;
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let object = if name.is_empty() { qualified } else { format!("{qualified} \"{name}\"") };
        let resource_path = access.path();
        let place = if namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{namespace}\"") };
        let user = &self.name;
        let message = format!("{object} is forbidden: User \"{user}\" cannot {verb} resource \"{resource_path}\" in API group \"{group}\" {place}");
        let mut details = json!({});
        for (field, value) in [("name", name), ("group", group), ("kind", resource)] {
            if !value.is_empty() {
                details[field] = json!(value);
            }
        }
        Err(ApiError::new(StatusCode::FORBIDDEN, "Forbidden", message).details(details))
    }

    /// What [`check`](Self::check) knows of a namespace, as `SelfSubjectRulesReview` tells it.
    pub fn rules(&self, namespace: &str, store: &Store) -> Vec<Value> {
        let own = self.rules.iter().map(|rule| json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources}));
        own.chain(rbac::rules(self, namespace, store)).collect()
    }
}

impl Access<'_> {
    /// `deployments/scale`, as rules have it.
    pub fn path(&self) -> String {
        if self.subresource.is_empty() { self.resource.to_owned() } else { format!("{}/{}", self.resource, self.subresource) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn store() -> Store {
        Store::new(1, Arc::new(chrono::DateTime::default))
    }

    fn access<'a>(verb: &'a str, group: &'a str, resource: &'a str, subresource: &'a str, namespace: &'a str, name: &'a str) -> Access<'a> {
        Access { verb, group, resource, subresource, namespace, name }
    }

    #[test]
    fn the_viewer_reads_and_is_refused_in_the_servers_words() {
        let (tokens, store) = (Tokens::from_seed(1), store());
        let viewer = tokens.authenticate(Some(&format!("Bearer {}", tokens.viewer))).unwrap();
        assert!(viewer.may(&access("list", "", "pods", "", "", ""), &store).is_some());
        assert!(viewer.may(&access("list", "keda.sh", "scaledobjects", "", "", ""), &store).is_none());
        let refused = viewer.check(&access("patch", "apps", "deployments", "scale", "x", "a"), &store).unwrap_err();
        assert_eq!(
            refused.status()["message"],
            "deployments.apps \"a\" is forbidden: User \"viewer@gov\" cannot patch resource \"deployments/scale\" in API group \"apps\" in the \
             namespace \"x\""
        );
        assert!(tokens.authenticate(Some("Bearer wrong")).is_err());
        assert!(tokens.authenticate(None).is_err());
    }

    #[test]
    fn only_who_may_speaks_for_another() {
        let (tokens, store) = (Tokens::from_seed(1), store());
        let user = |token: &str| tokens.authenticate(Some(&format!("Bearer {token}"))).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("impersonate-user", "dev@gov".parse().unwrap());
        let dev = user(&tokens.administrator).speaking_for(&headers, &store).unwrap();
        assert_eq!((dev.name.as_str(), dev.groups.as_slice()), ("dev@gov", [AUTHENTICATED.to_owned()].as_slice()));
        assert!(dev.may(&access("list", "", "pods", "", "", ""), &store).is_none());
        let refused = user(&tokens.on_call).speaking_for(&headers, &store).unwrap_err();
        assert_eq!(
            refused.status()["message"],
            "users \"dev@gov\" is forbidden: User \"oncall@gov\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"
        );
        assert_eq!(user(&tokens.viewer).speaking_for(&HeaderMap::new(), &store).unwrap().name, "viewer@gov");
    }
}
