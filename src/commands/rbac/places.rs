//! Which services rights on the service proxy are for, where the configuration says where the servers are.

use std::collections::BTreeSet;

use super::Merged;
use crate::{
    cli::Profile,
    config::shape::{Server, Servers},
    connect::Endpoint,
};

/// The servers that are reached through the API server, as far as the configuration says.
#[derive(Debug, Default)]
pub struct Places {
    /// Of all three; none where one of them has to be looked for.
    read: Option<Vec<Proxied>>,
    /// Alertmanager, which silences are written to.
    written: Option<Vec<Proxied>>,
}

/// Namespace and name by which the service proxy knows a server.
type Proxied = (String, String);

impl Places {
    /// An address that cannot be read limits nothing: `sev1 config check` says what is wrong with it.
    pub fn of(servers: &Servers) -> Self {
        let place = |server: &Option<Server>| {
            let endpoint: Endpoint = server.as_ref()?.url.parse().ok()?;
            Some(endpoint.proxied_service().map(|(namespace, service)| (namespace.to_owned(), service)).into_iter().collect::<Vec<_>>())
        };
        let all = [&servers.prometheus, &servers.alertmanager, &servers.elasticsearch].map(place);
        let written = all[1].clone();
        Self { read: all.into_iter().collect::<Option<Vec<_>>>().map(|all| all.concat()), written }
    }

    /// A right on the service proxy, on the servers that are known alone; one for reading, one for writing.
    pub fn limited(&self, right: Merged) -> Vec<Merged> {
        if right.path != "services/proxy" {
            return vec![right];
        }
        let (read, written): (Vec<_>, Vec<_>) = right.verbs.iter().partition(|verb| **verb == "get");
        let limited = [(read, &self.read), (written, &self.written)].into_iter().filter_map(|(verbs, places)| {
            let names: Vec<_> = places.iter().flatten().map(|(_, service)| service.clone()).collect();
            let is_needed = !verbs.is_empty() && places.as_ref().is_none_or(|places| !places.is_empty());
            is_needed.then(|| Merged { verbs, names, ..right.clone() })
        });
        limited.collect()
    }

    /// The namespaces of the servers: those that are known, and `named` where one has to be looked for.
    pub fn namespaces<'a>(&'a self, named: &'a [String]) -> BTreeSet<&'a str> {
        let known = self.read.iter().chain(&self.written).flatten().map(|(namespace, _)| namespace.as_str());
        let named = named.iter().map(String::as_str).filter(|_| self.read.is_none());
        known.chain(named).collect()
    }

    /// What else the rights on the service proxy reach.
    pub fn warning(&self, profile: Profile) -> Option<&'static str> {
        let is_named = if profile == Profile::Respond { self.written.is_some() } else { self.read.is_some() };
        let says = match profile {
            _ if is_named => return None,
            Profile::Respond => {
                "# create and delete on services/proxy are for silences, and write to every other service there as well. Where servers.alertmanager\n\
                 # is configured as k8s://NAMESPACE/SERVICE:PORT, they are for that service alone.\n"
            }
            Profile::View | Profile::Watch => {
                "# get on services/proxy reads every service there that answers to GET. Where all three servers are configured as\n\
                 # k8s://NAMESPACE/SERVICE:PORT, it is for these alone.\n"
            }
        };
        Some(says)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{cli::Rbac, commands::rbac::documents};

    #[test]
    fn servers_that_are_known_are_the_only_ones_that_are_reached() {
        let servers_in = vec!["monitoring".to_owned()];
        let rbac = Rbac { profile: Profile::Respond, groups: Vec::new(), users: Vec::new(), name: "sev1".to_owned(), servers_in };
        let at = |url: &str| Some(Server { url: url.to_owned(), auth: None, ca_file: None, insecure_skip_tls_verify: false, login_over_http: false });
        let rules = |servers: &Servers, namespace: Option<&str>| {
            let places = Places::of(servers);
            let roles = documents(&rbac, namespace, &[], &[], &places);
            let proxied: Vec<_> = roles
                .iter()
                .flat_map(|role| role["rules"].as_array().unwrap().iter().map(move |rule| (role["metadata"]["namespace"].clone(), rule.clone())))
                .filter(|(_, rule)| rule["resources"] == json!(["services/proxy"]))
                .map(|(namespace, rule)| (namespace, rule["verbs"].clone(), rule["resourceNames"].clone()))
                .collect();
            (proxied, places.warning(Profile::Respond).is_some(), places.warning(Profile::View).is_some())
        };
        let mut servers = Servers { alertmanager: at("k8s://obs/alerts:9093"), ..Servers::default() };
        let written = (json!(["create", "delete"]), json!(["alerts:9093"]));
        let (proxied, respond, view) = rules(&servers, None);
        assert_eq!(proxied, [(Value::Null, json!(["get"]), Value::Null), (Value::Null, written.0.clone(), written.1.clone())]);
        assert!(!respond && view);
        servers.prometheus = at("https://metrics.example");
        servers.elasticsearch = at("k8s://logs/https:elastic:9200");
        let (proxied, _, view) = rules(&servers, Some("shop"));
        let read = json!(["alerts:9093", "https:elastic:9200"]);
        let expected =
            ["logs", "obs"].map(|place| [(json!(place), json!(["get"]), read.clone()), (json!(place), written.0.clone(), written.1.clone())]);
        assert_eq!(proxied, expected.concat());
        assert!(!view);
        servers.alertmanager = at("https://alerts.example");
        let (proxied, respond, _) = rules(&servers, None);
        assert_eq!(proxied, [(Value::Null, json!(["get"]), json!(["https:elastic:9200"]))]);
        assert!(!respond);
    }
}
