//! Which features the API server's access rules allow us.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::{Finding, Patient};
use crate::{
    actions::kinds,
    commands::rbac::switched_off,
    connect::{ConnectError, Endpoint, access},
    domain::catalogue::Right,
    sources::rights::{self, FEATURES},
};

/// What a person wants to do, and the rights that it takes. Most important first; `docs/permissions.md` says the same.
pub fn features() -> impl Iterator<Item = (&'static str, &'static [Right])> {
    let seen = FEATURES.iter().map(|feature| (feature.name, feature.rights));
    seen.chain(kinds::catalogue().iter().map(|entry| (entry.spec.name, entry.spec.rights)))
}

/// Reviews asked at the same time.
const AT_ONCE: usize = 4;

/// `alertmanager` is where silences are made, where that is known.
pub(super) async fn check(patient: &Patient<'_>, alertmanager: Option<&Endpoint>) -> Vec<Finding> {
    let config = &patient.loaded.config;
    let switched_off = switched_off(&config.mitigations);
    let off = |name: &str| kinds::find(name).is_some() && (config.read_only || switched_off.iter().any(|off| off == name));
    let wanted: Vec<_> = features().filter(|(name, _)| !off(name)).collect();
    let places = Places { namespace: patient.scope.namespace(), proxied: alertmanager.and_then(Endpoint::proxied_service) };
    // A server with an address of its own is no matter of the API server.
    let is_asked = |right: &Right| !right.is_of_servers() || places.proxied.is_some() || alertmanager.is_none();
    let distinct: BTreeSet<Right> = wanted.iter().flat_map(|(_, rights)| *rights).copied().filter(is_asked).collect();
    let places = &places;
    let answers: BTreeMap<Right, Result<bool, ConnectError>> =
        stream::iter(distinct).map(|right| async move { (right, allowed(patient, &right, places).await) }).buffered(AT_ONCE).collect().await;
    if let Some(error) = unasked(&answers) {
        return vec![Finding::fail("permissions", &format!("none can be asked: {error}"), super::remedy(error))];
    }
    let mut findings: Vec<Finding> = wanted.iter().map(|(name, rights)| judge(name, rights, places, &answers)).collect();
    if config.read_only {
        findings.push(Finding::ok("permissions", "read-only: mitigations are removed"));
    }
    findings
}

/// Why not a single right could be asked, said once for all; none where one could.
fn unasked(answers: &BTreeMap<Right, Result<bool, ConnectError>>) -> Option<&ConnectError> {
    if answers.values().any(Result::is_ok) { None } else { answers.values().find_map(|answer| answer.as_ref().err()) }
}

/// Where rights are needed.
struct Places<'a> {
    /// Where sev1 works; none for everywhere.
    namespace: Option<&'a str>,
    /// Namespace and name of the service by which Alertmanager is reached, where it is.
    proxied: Option<(&'a str, String)>,
}

impl Places<'_> {
    /// Of the one service that a right is about.
    fn service(&self, right: &Right) -> Option<(&str, &str)> {
        let (namespace, service) = self.proxied.as_ref().filter(|_| right.is_of_servers())?;
        Some((namespace, service))
    }

    /// With the namespace, where it is another one.
    fn words(&self, right: &Right) -> String {
        self.service(right).map_or_else(|| right.words(), |(namespace, _)| format!("{} in {namespace}", right.words()))
    }
}

/// A right that was not asked for is not needed.
fn judge(name: &str, rights: &[Right], places: &Places<'_>, answers: &BTreeMap<Right, Result<bool, ConnectError>>) -> Finding {
    let mut missing = Vec::new();
    for right in rights {
        match answers.get(right) {
            Some(Ok(true)) | None => {}
            Some(Ok(false)) => missing.push(places.words(right)),
            Some(Err(error)) => return Finding::warn("permissions", &format!("{name}: cannot be asked: {error}"), super::remedy(error)),
        }
    }
    if missing.is_empty() {
        return Finding::ok("permissions", name);
    }
    let says = format!("{name}: not allowed to {}", missing.join(", "));
    let remedy = "ask for a role with this (sev1 rbac prints one); until then that part is empty or greyed";
    if name == FEATURES[0].name { Finding::fail("permissions", &says, remedy) } else { Finding::warn("permissions", &says, remedy) }
}

async fn allowed(patient: &Patient<'_>, right: &Right, places: &Places<'_>) -> Result<bool, ConnectError> {
    access::refused(&patient.reader, &question(right, places)).await.map(|why| why.is_none())
}

fn question(right: &Right, places: &Places<'_>) -> Value {
    let mut attributes = rights::attributes(right, places.namespace);
    if let Some((namespace, service)) = places.service(right) {
        attributes["namespace"] = json!(namespace);
        attributes["name"] = json!(service);
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_the_namespace_only_where_there_is_one() {
        let places = Places { namespace: Some("shop"), proxied: Some(("monitoring", "alertmanager:9093".to_owned())) };
        let scale = Right::below("patch", "apps", "deployments", "scale");
        assert_eq!(
            question(&scale, &places),
            json!({"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "shop", "subresource": "scale"})
        );
        assert_eq!(question(&Right::of_cluster("list", "", "nodes"), &places).get("namespace"), None);
        assert_eq!(scale.words(), "patch deployments/scale.apps");
        let elsewhere = Right::within("kube-system", "patch", "apps", "deployments");
        assert_eq!(question(&elsewhere, &places)["namespace"], "kube-system");
        assert_eq!(elsewhere.words(), "patch deployments.apps in kube-system");
    }

    #[test]
    fn rights_that_cannot_be_asked_at_all_are_one_failure() {
        let refused = || Err(ConnectError::Forbidden { verb: "impersonate".into(), resource: "user nobody (--as)".into(), says: "no".into() });
        let (pods, nodes) = (Right::on("list", "", "pods"), Right::of_cluster("list", "", "nodes"));
        let answers = |nodes_may| BTreeMap::from([(pods, refused()), (nodes, nodes_may)]);
        assert!(unasked(&answers(refused())).is_some());
        assert!(unasked(&answers(Ok(false))).is_none());
        assert!(unasked(&BTreeMap::new()).is_none());
    }

    #[test]
    fn what_a_silence_takes_is_asked_where_alertmanager_is() {
        let silence = Right::below("create", "", "services", "proxy");
        let mut places = Places { namespace: Some("shop"), proxied: Some(("monitoring", "alertmanager:9093".to_owned())) };
        assert_eq!(
            question(&silence, &places),
            json!({
                "verb": "create", "group": "", "resource": "services", "namespace": "monitoring", "name": "alertmanager:9093", "subresource": "proxy",
            })
        );
        assert_eq!(places.words(&silence), "create services/proxy in monitoring");
        places.proxied = None;
        assert_eq!(question(&silence, &places)["namespace"], "shop");
    }
}
