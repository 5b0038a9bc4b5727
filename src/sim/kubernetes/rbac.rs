//! What stored roles give by stored bindings: the rules of the RBAC authorizer
//! (`plugin/pkg/auth/authorizer/rbac`, `pkg/apis/rbac/v1/evaluation_helpers.go`).

use std::sync::Arc;

use serde_json::Value;

use super::access::{Access, User};
use super::kinds::Resource;
use crate::sim::store::{Query, Store};

/// One binding that names the user, and the rules of its role.
struct Grant {
    /// In the words of the authorizer: `ClusterRoleBinding "a" of ClusterRole "b" to User "c"`.
    by: String,
    role: Arc<Value>,
}

/// Why it is allowed; none where no role allows it.
pub fn allowed(user: &User, access: &Access<'_>, store: &Store) -> Option<String> {
    let grant = grants(user, access.namespace, store).into_iter().find(|grant| of(&grant.role).any(|rule| allows(rule, access)))?;
    Some(format!("RBAC: allowed by {}", grant.by))
}

/// Every rule that holds for the user in a namespace.
pub fn rules(user: &User, namespace: &str, store: &Store) -> Vec<Value> {
    grants(user, namespace, store).iter().flat_map(|grant| of(&grant.role).cloned().collect::<Vec<_>>()).collect()
}

fn of(role: &Value) -> impl Iterator<Item = &Value> {
    role["rules"].as_array().into_iter().flatten()
}

/// Bindings of the cluster hold everywhere, those of a namespace there alone.
fn grants(user: &User, namespace: &str, store: &Store) -> Vec<Grant> {
    let mut bindings = store.list(Resource::ClusterRoleBindings, &Query::default()).items;
    if !namespace.is_empty() {
        bindings.extend(store.list(Resource::RoleBindings, &Query::namespace(namespace)).items);
    }
    let grant = |binding: &Arc<Value>| {
        let subject = binding["subjects"].as_array()?.iter().find(|subject| is(subject, user))?;
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let (kind, name) = (text(&binding["roleRef"], "kind"), text(&binding["roleRef"], "name"));
        let role = match kind.as_str() {
            "ClusterRole" => store.get(Resource::ClusterRoles, "", &name),
            _ => store.get(Resource::Roles, namespace, &name),
        };
        let own = text(&binding["metadata"], "name");
        let of_cluster = binding["metadata"]["namespace"].is_null();
        let binding = if of_cluster { format!("ClusterRoleBinding {own:?}") } else { format!("RoleBinding \"{own}/{namespace}\"") };
        let whom = format!("{} {:?}", text(subject, "kind"), text(subject, "name"));
        Some(Grant { by: format!("{binding} of {kind} {name:?} to {whom}"), role: role? })
    };
    bindings.iter().filter_map(grant).collect()
}

fn is(subject: &Value, user: &User) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("User") => name == user.name,
        Some("Group") => user.groups.iter().any(|group| group == name),
        _ => false,
    }
}

fn allows(rule: &Value, access: &Access<'_>) -> bool {
    let texts = |name: &str| rule[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    covers(&texts("verbs"), &texts("apiGroups"), &texts("resources"), &texts("resourceNames"), access)
}

/// Whether a rule of these parts covers it. Without names it is about every object, and about collections.
pub fn covers(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str], access: &Access<'_>) -> bool {
    let has = |all: &[&str], wanted: &str| all.iter().any(|one| *one == "*" || *one == wanted);
    let path = access.path();
    // `*/scale` is the subresource of everything.
    let of_everything = |one: &str| !access.subresource.is_empty() && one.strip_prefix("*/") == Some(access.subresource);
    has(verbs, access.verb)
        && has(groups, access.group)
        && (has(resources, &path) || resources.iter().any(|one| of_everything(one)))
        && (names.is_empty() || names.contains(&access.name))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::super::access::Tokens;
    use super::*;
    use crate::sim::store::Writer;

    fn world() -> (Store, User) {
        let store = Store::new(1, Arc::new(chrono::DateTime::default));
        let tokens = Tokens::from_seed(1);
        let admin = tokens.authenticate(Some(&format!("Bearer {}", tokens.administrator))).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("impersonate-user", "dev".parse().unwrap());
        headers.insert("impersonate-group", "team".parse().unwrap());
        let dev = admin.speaking_for(&headers, &store).unwrap();
        (store, dev)
    }

    fn put(store: &Store, resource: Resource, object: Value) {
        store.create(resource, Writer::update("test"), object).unwrap();
    }

    fn get(name: &'static str, namespace: &'static str) -> Access<'static> {
        Access { verb: "get", group: "", resource: "pods", subresource: "log", namespace, name }
    }

    #[test]
    fn a_role_holds_where_it_is_bound_for_whom_it_names() {
        let (store, dev) = world();
        let rule = |resource: &str| json!([{"verbs": ["get"], "apiGroups": [""], "resources": [resource]}]);
        put(&store, Resource::ClusterRoles, json!({"metadata": {"name": "logs"}, "rules": rule("pods/log")}));
        assert!(allowed(&dev, &get("a", "x"), &store).is_none());
        let binding = |subject: &str, kind: &str| {
            json!({
                "metadata": {"name": "b", "namespace": "x"}, "roleRef": {"kind": "ClusterRole", "name": "logs"},
                "subjects": [{"kind": kind, "name": subject}],
            })
        };
        put(&store, Resource::RoleBindings, binding("team", "Group"));
        assert_eq!(
            allowed(&dev, &get("a", "x"), &store).as_deref(),
            Some(r#"RBAC: allowed by RoleBinding "b/x" of ClusterRole "logs" to Group "team""#)
        );
        assert!(allowed(&dev, &get("a", "y"), &store).is_none());
        assert_eq!(rules(&dev, "x", &store).len(), 1);
        assert!(rules(&dev, "y", &store).is_empty());
    }

    #[test]
    fn parts_of_a_rule_mean_what_they_mean_to_the_server() {
        let covered = |resources: &[&str], names: &[&str], access: &Access<'_>| covers(&["get"], &[""], resources, names, access);
        assert!(covered(&["*"], &[], &get("a", "x")) && covered(&["*/log"], &[], &get("a", "x")) && covered(&["pods/log"], &["a"], &get("a", "x")));
        assert!(!covered(&["pods"], &[], &get("a", "x")) && !covered(&["*/scale"], &[], &get("a", "x")));
        assert!(!covered(&["pods/log"], &["b"], &get("a", "x")) && !covered(&["pods/log"], &["b"], &get("", "x")));
        assert!(!covers(&["list"], &["*"], &["*"], &[], &get("a", "x")) && covers(&["*"], &["*"], &["*"], &[], &get("a", "x")));
        assert!(!covers(&["get"], &["apps"], &["*"], &[], &get("a", "x")));
    }
}
