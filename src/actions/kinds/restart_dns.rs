//! Restarting cluster DNS, found by its label and not by its name.
//!
//! Whatever serves DNS in a cluster has the label `k8s-app=kube-dns` in kube-system: `CoreDNS` kept it from kube-dns, so that
//! the service of that name finds it (kubernetes/cluster/addons/dns). Distributions name the deployment otherwise.

use std::sync::Arc;

use serde_json::Value;

use super::{Mitigation, restart};
use crate::{
    actions::{
        draft::{Draft, Undo},
        engine::Core,
        pods, replacing, workload,
    },
    domain::{
        ask::{Wish, Words},
        asks::RestartDns,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, MitigationId},
        object::{Key, Kind, Subject},
        text::Text,
    },
};

const NAMESPACE: &str = "kube-system";
const LABEL: &str = "k8s-app=kube-dns";

static SPEC: Spec = Spec {
    name: RestartDns::NAME,
    key: 'N',
    summary: "restart cluster DNS, found in kube-system by its label",
    on: &[],
    takes_several: false,
    parameters: &[Parameter { name: "at=TIME", about: "the time to note, RFC 3339; without it now", presence: Presence::Optional }],
    level: Level::Disruptive,
    more: workload::MORE,
    rights: &[
        Right::within(NAMESPACE, "get", "apps", "deployments"),
        Right::within(NAMESPACE, "list", "apps", "deployments"),
        Right::within(NAMESPACE, "patch", "apps", "deployments"),
        Right::within(NAMESPACE, "list", "apps", "replicasets"),
        Right::within(NAMESPACE, "list", "", "pods"),
        Right::within(NAMESPACE, "list", "", "resourcequotas"),
        Right::within(NAMESPACE, "list", "", "limitranges"),
        Right::within(NAMESPACE, "list", "autoscaling", "horizontalpodautoscalers"),
    ],
    undo: "nothing: the same pods run again",
};

impl Mitigation for RestartDns {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        Ok(Self { at: restart::time(words)? })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (workload, object) = found(core).await?;
        let at = restart::at(core, self.at.as_deref());
        let again = Wish::new(Self { at: Some(at.clone()) });
        let mut draft = restart::again(core, id, (again, "Restart cluster DNS"), &workload, &at).await?;
        draft.undo = Undo::Nothing("nothing to undo: the same pods run again".into());
        let meanwhile = meanwhile(&object);
        draft.check(CheckKind::Disruption, async { meanwhile });
        Ok(draft)
    }
}

/// The one deployment that serves DNS.
async fn found(core: &Core) -> Result<(Subject, Value), Text> {
    let path = Kind::Deployment.collection_path(Some(NAMESPACE));
    let (mut found, is_partial) =
        core.api.list(&path, LABEL).await.map_err(|error| Text::line(&format!("cluster DNS could not be looked for: {error}")))?;
    let names: Vec<_> = found.iter().map(pods::name).collect();
    let why = match names.as_slice() {
        [_] if !is_partial => None,
        [] => Some(format!("no deployment in {NAMESPACE} has the label {LABEL}: cluster DNS runs in another way here")),
        _ => Some(format!(
            "several deployments in {NAMESPACE} have the label {LABEL}: {}; restart the right one by its name: sev1 do restart deployment/NAME -n {NAMESPACE}",
            names.join(", ")
        )),
    };
    match (why, found.pop()) {
        (None, Some(object)) => Ok((Subject { kind: Kind::Deployment, key: Key::new(NAMESPACE, pods::name(&object)) }, object)),
        (why, _) => Err(Text::line(&why.unwrap_or_default())),
    }
}

/// Who answers while its pods are replaced.
fn meanwhile(object: &Value) -> CheckResult {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
    let replicas = number("/spec/replicas").unwrap_or(1);
    let available = number("/status/availableReplicas").unwrap_or(0);
    let away = replacing::away(Kind::Deployment, object, replicas);
    let left = available.saturating_sub(away);
    if left == 0 {
        return CheckResult::Warn(Text::line(&format!(
            "{available} of {replicas} pods answer and {away} may be away at once: names may not resolve for some seconds"
        )));
    }
    CheckResult::Pass(Text::line(&format!("at least {left} of {replicas} pods keep answering")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_answers_meanwhile_follows_from_the_strategy() {
        let dns = |replicas: u64, most: Value| json!({"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": most}}}, "status": {"availableReplicas": replicas}});
        assert_eq!(meanwhile(&dns(2, json!(1))), CheckResult::Pass("at least 1 of 2 pods keep answering".into()));
        assert_eq!(meanwhile(&dns(2, json!("25%"))), CheckResult::Pass("at least 2 of 2 pods keep answering".into()));
        assert!(matches!(meanwhile(&dns(1, json!(1))), CheckResult::Warn(_)));
        assert!(matches!(meanwhile(&dns(2, json!("100%"))), CheckResult::Warn(_)));
        let mut recreated = dns(3, json!(0));
        recreated["spec"]["strategy"] = json!({"type": "Recreate"});
        assert!(matches!(meanwhile(&recreated), CheckResult::Warn(_)));
    }
}
