//! `sev1 rbac`: the least rights, as YAML, computed from what the sources and the enabled mitigations say they need.

mod places;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::places::Places;
use super::{Exit, output};
use crate::{
    actions::{gitops, keda, kinds},
    cli::{Cli, Profile, Rbac},
    config::{Loaded, shape::Mitigations},
    domain::{ask::is_name, asks::Run, catalogue::Right},
    sources::rights::{FEATURES, IDENTITY, IDENTITY_NAME, SERVERS},
};

/// Verbs on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merged {
    pub group: &'static str,
    /// With its subresource.
    pub path: String,
    pub is_namespaced: bool,
    /// The one namespace that they are needed in; empty: where sev1 works.
    pub namespace: &'static str,
    pub verbs: Vec<&'static str>,
    /// The only objects that they are needed on; empty: any.
    pub names: Vec<String>,
}

/// Whom a role is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom<'a> {
    Group(&'a str),
    User(&'a str),
}

pub fn run(rbac: &Rbac, cli: &Cli, loaded: &Loaded) -> Exit {
    let namespace = cli.cluster.namespace.as_deref();
    let names = namespace.into_iter().chain([rbac.name.as_str()]).chain(rbac.servers_in.iter().map(String::as_str));
    if let Some(wrong) = names.into_iter().find(|name| !is_name(name)) {
        output::complain(&format!("{wrong:?} cannot be the name of a Kubernetes object"));
        return Exit::USAGE;
    }
    let groups = rbac.groups.iter().map(|name| Whom::Group(name));
    let whom: Vec<_> = groups.chain(rbac.users.iter().map(|name| Whom::User(name))).collect();
    let places = Places::of(&loaded.config.servers);
    let documents = documents(rbac, namespace, &whom, &switched_off(&loaded.config.mitigations), &places);
    let mut yaml = format!("# The least rights for sev1, profile {}.\n{}", rbac.profile.word(), places.warning(rbac.profile).unwrap_or_default());
    for document in documents {
        match serde_saphyr::to_string(&document) {
            Ok(text) => yaml.extend(["---\n", text.trim_end(), "\n"]),
            Err(error) => {
                output::complain(&format!("the roles cannot be written as YAML: {error}"));
                return Exit::FAILED;
            }
        }
    }
    output::print(&yaml)
}

/// Kinds that cannot be used: those that are disabled, and `run` while no command is configured.
pub fn switched_off(mitigations: &Mitigations) -> Vec<String> {
    let unused = mitigations.commands.is_empty().then(|| Run::NAME.to_owned());
    mitigations.disabled.iter().cloned().chain(unused).collect()
}

impl Profile {
    fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Respond => "respond",
            Self::Watch => "watch",
        }
    }
}

/// Rights with the verbs of each resource together.
pub fn merged(rights: impl IntoIterator<Item = Right>) -> Vec<Merged> {
    let mut by_resource: BTreeMap<(bool, &'static str, &'static str, String), Vec<&'static str>> = BTreeMap::new();
    for right in rights {
        let verbs = by_resource.entry((right.is_namespaced, right.namespace, right.group, right.path())).or_default();
        if !verbs.contains(&right.verb) {
            verbs.push(right.verb);
        }
    }
    let merged = by_resource.into_iter().map(|((is_namespaced, namespace, group, path), mut verbs)| {
        verbs.sort_unstable_by_key(|verb| VERBS.iter().position(|known| known == verb).unwrap_or(VERBS.len()));
        Merged { group, path, is_namespaced, namespace, verbs, names: Vec::new() }
    });
    merged.collect()
}

/// In the order in which they are usually written.
const VERBS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];

impl Merged {
    /// `get, patch deployments/scale.apps`.
    pub fn words(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let place = if self.namespace.is_empty() { String::new() } else { format!(" in {}", self.namespace) };
        format!("{} {}{group}{place}", self.verbs.join(", "), self.path)
    }

    fn rule(&self) -> Value {
        let mut rule = json!({ "apiGroups": [self.group], "resources": [self.path], "verbs": self.verbs });
        if !self.names.is_empty() {
            rule["resourceNames"] = json!(self.names);
        }
        rule
    }
}

/// Everything a profile needs in the namespaces it works in; without the servers and the identity.
fn rights(profile: Profile, disabled: &[String]) -> Vec<Merged> {
    let seen = FEATURES.iter().flat_map(|feature| feature.rights).copied();
    match profile {
        Profile::View => merged(seen),
        Profile::Respond => {
            let done = of_kinds(disabled).filter(|right| !right.is_of_servers());
            merged(seen.chain(done).chain(gitops::RIGHTS.iter().chain(keda::RIGHTS).copied()))
        }
        Profile::Watch => Vec::new(),
    }
}

/// What it needs where the servers are.
fn rights_on_servers(profile: Profile, disabled: &[String], places: &Places) -> Vec<Merged> {
    let done = of_kinds(disabled).filter(|right| profile == Profile::Respond && right.is_of_servers());
    merged(SERVERS.iter().copied().chain(done)).into_iter().flat_map(|right| places.limited(right)).collect()
}

/// Of the kinds that are not switched off.
fn of_kinds(disabled: &[String]) -> impl Iterator<Item = Right> {
    let enabled = kinds::catalogue().iter().filter(|entry| !disabled.iter().any(|name| name == entry.spec.name));
    enabled.flat_map(|entry| entry.spec.rights).copied()
}

fn documents(rbac: &Rbac, namespace: Option<&str>, whom: &[Whom<'_>], disabled: &[String], places: &Places) -> Vec<Value> {
    let rights = rights(rbac.profile, disabled);
    let servers = rights_on_servers(rbac.profile, disabled, places);
    let mut identity = merged([IDENTITY])[0].rule();
    identity["resourceNames"] = json!([IDENTITY_NAME]);
    let (inside, of_cluster): (Vec<_>, Vec<_>) = rights.iter().partition(|right| right.is_namespaced);
    let mut cluster_rules = vec![identity];
    cluster_rules.extend(of_cluster.into_iter().map(Merged::rule));
    let mut documents = Vec::new();
    match namespace {
        None => {
            let all = inside.into_iter().cloned().chain(servers);
            cluster_rules.extend(together(all).iter().map(Merged::rule));
            documents.extend(role(&rbac.name, None, &cluster_rules, whom));
        }
        Some(namespace) => {
            documents.extend(role(&rbac.name, None, &cluster_rules, whom));
            let mut servers_in = places.namespaces(&rbac.servers_in);
            let is_here = servers_in.remove(namespace);
            let (here, elsewhere): (Vec<_>, Vec<_>) = inside.into_iter().cloned().partition(|right| ["", namespace].contains(&right.namespace));
            let here = here.into_iter().chain(servers.iter().filter(|_| is_here).cloned());
            let rules: Vec<_> = together(here).iter().map(Merged::rule).collect();
            if !rules.is_empty() {
                documents.extend(role(&rbac.name, Some(namespace), &rules, whom));
            }
            for place in elsewhere.iter().map(|right| right.namespace).collect::<BTreeSet<_>>() {
                let rules: Vec<_> = elsewhere.iter().filter(|right| right.namespace == place).map(Merged::rule).collect();
                documents.extend(role(&rbac.name, Some(place), &rules, whom));
            }
            for other in servers_in {
                let rules: Vec<_> = servers.iter().map(Merged::rule).collect();
                documents.extend(role(&format!("{}-servers", rbac.name), Some(other), &rules, whom));
            }
        }
    }
    documents
}

/// Joins entries of the same resource.
fn together(all: impl Iterator<Item = Merged>) -> Vec<Merged> {
    let mut joined: Vec<Merged> = Vec::new();
    for one in all {
        match joined.iter_mut().find(|known| (known.group, &known.path, &known.names) == (one.group, &one.path, &one.names)) {
            Some(known) => known.verbs.extend(one.verbs.iter().filter(|verb| !known.verbs.contains(verb)).copied().collect::<Vec<_>>()),
            None => joined.push(one),
        }
    }
    joined
}

/// The role, and its binding where somebody is named.
fn role(name: &str, namespace: Option<&str>, rules: &[Value], whom: &[Whom<'_>]) -> Vec<Value> {
    let (role, binding) = if namespace.is_some() { ("Role", "RoleBinding") } else { ("ClusterRole", "ClusterRoleBinding") };
    let mut metadata = json!({ "name": name });
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    let api = "rbac.authorization.k8s.io";
    let mut documents = vec![json!({ "apiVersion": format!("{api}/v1"), "kind": role, "metadata": metadata, "rules": rules })];
    if !whom.is_empty() {
        let subjects: Vec<_> = whom
            .iter()
            .map(|whom| {
                let (kind, name) = match whom {
                    Whom::Group(name) => ("Group", name),
                    Whom::User(name) => ("User", name),
                };
                json!({ "apiGroup": api, "kind": kind, "name": name })
            })
            .collect();
        documents.push(json!({
            "apiVersion": format!("{api}/v1"), "kind": binding, "metadata": metadata,
            "roleRef": { "apiGroup": api, "kind": role, "name": name }, "subjects": subjects,
        }));
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::CommandEntry;

    fn asked(profile: Profile) -> Rbac {
        Rbac { profile, groups: vec!["oncall".to_owned()], users: Vec::new(), name: "sev1".to_owned(), servers_in: vec!["monitoring".to_owned()] }
    }

    fn made(profile: Profile, namespace: Option<&str>, disabled: &[&str]) -> Vec<Value> {
        let disabled: Vec<_> = disabled.iter().map(|name| (*name).to_owned()).collect();
        documents(&asked(profile), namespace, &[Whom::Group("oncall")], &disabled, &Places::default())
    }

    fn allows(document: &Value, verb: &str, group: &str, path: &str) -> bool {
        let has = |rule: &Value, member: &str, wanted: &str| rule[member].as_array().unwrap().iter().any(|one| one == wanted);
        document["rules"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|rule| has(rule, "verbs", verb) && has(rule, "apiGroups", group) && has(rule, "resources", path))
    }

    #[test]
    fn a_viewer_writes_nothing() {
        let roles = made(Profile::View, None, &[]);
        assert_eq!(roles.iter().map(|role| role["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["ClusterRole", "ClusterRoleBinding"]);
        for rule in roles[0]["rules"].as_array().unwrap() {
            let writes = rule["verbs"].as_array().unwrap().iter().any(|verb| !matches!(verb.as_str(), Some("get" | "list" | "watch")));
            assert!(!writes, "{rule}");
        }
        assert!(allows(&roles[0], "get", "", "services/proxy"));
        assert_eq!(roles[1]["subjects"][0]["name"], "oncall");
    }

    #[test]
    fn every_right_of_every_kind_is_in_the_responder_s_role() {
        let roles = made(Profile::Respond, None, &[]);
        for entry in kinds::catalogue() {
            for right in entry.spec.rights {
                assert!(allows(&roles[0], right.verb, right.group, &right.path()), "{}: {}", entry.spec.name, right.words());
            }
        }
        assert!(!allows(&roles[0], "patch", "", "secrets") && !allows(&roles[0], "get", "", "secrets"));
    }

    #[test]
    fn a_responder_may_read_what_argo_cd_flux_and_keda_will_do() {
        let roles = made(Profile::Respond, None, &[]);
        for right in gitops::RIGHTS.iter().chain(keda::RIGHTS) {
            assert!(allows(&roles[0], right.verb, right.group, &right.path()), "{}", right.words());
        }
    }

    #[test]
    fn a_kind_that_is_switched_off_takes_its_rights_away() {
        let with = made(Profile::Respond, None, &[]);
        let without = made(Profile::Respond, None, &["restart-unhealthy", "delete-pod"]);
        assert!(allows(&with[0], "delete", "", "pods") && !allows(&without[0], "delete", "", "pods"));
    }

    #[test]
    fn a_command_may_be_run_only_where_one_is_configured() {
        let exec = |mitigations: &Mitigations| {
            let roles = documents(&asked(Profile::Respond), None, &[Whom::Group("oncall")], &switched_off(mitigations), &Places::default());
            allows(&roles[0], "create", "", "pods/exec") && allows(&roles[0], "get", "", "pods/exec")
        };
        let none = Mitigations::default();
        let one = Mitigations { commands: vec![CommandEntry::new("now")], ..Mitigations::default() };
        assert!(!exec(&none) && exec(&one));
        let off = Mitigations { disabled: vec![Run::NAME.to_owned()], ..one };
        assert!(!exec(&off));
    }

    #[test]
    fn in_one_namespace_only_what_has_none_is_of_the_cluster() {
        let roles = made(Profile::Respond, Some("shop"), &[]);
        let kinds: Vec<_> = roles.iter().map(|role| (role["kind"].as_str().unwrap(), role["metadata"]["namespace"].as_str())).collect();
        assert_eq!(
            kinds,
            [
                ("ClusterRole", None),
                ("ClusterRoleBinding", None),
                ("Role", Some("shop")),
                ("RoleBinding", Some("shop")),
                ("Role", Some("kube-system")),
                ("RoleBinding", Some("kube-system")),
                ("Role", Some("monitoring")),
                ("RoleBinding", Some("monitoring")),
            ]
        );
        assert!(allows(&roles[0], "list", "", "nodes") && !allows(&roles[0], "list", "", "pods"));
        assert_eq!(roles[0]["rules"][0]["resourceNames"], json!(["kube-system"]));
        assert!(allows(&roles[4], "patch", "apps", "deployments") && !allows(&roles[4], "patch", "", "configmaps"));
        assert!(allows(&roles[6], "get", "", "services/proxy"));
        // A silence is made and ended where Alertmanager is.
        assert!(allows(&roles[6], "create", "", "services/proxy") && allows(&roles[6], "delete", "", "services/proxy"));
        assert!(!allows(&roles[2], "delete", "", "services/proxy"));
    }

    #[test]
    fn a_watcher_reaches_the_servers_and_nothing_else() {
        let roles = made(Profile::Watch, None, &[]);
        assert_eq!(roles[0]["rules"].as_array().unwrap().len(), 3, "{}", roles[0]["rules"]);
        assert!(allows(&roles[0], "get", "", "namespaces") && allows(&roles[0], "list", "", "services"));
    }
}
