//! Where new pods would find a place: what nodes have left, and which of them a pod may go to.
//!
//! What the scheduler goes by besides (affinity between pods, spread, volumes, devices, pods that could be preempted) is not
//! judged, and said to be so. Counted are processor, memory and the number of pods, by requests, as its `NodeResourcesFit` does.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    connect::pages::{PAGE_LIMIT, Pages},
    domain::{
        quantity,
        requests::{Asked, Init, resized},
        secrecy, units,
    },
};

use super::{
    api::Api,
    pods,
    room::{Need, Room},
};

/// Pages of 500 pods that are looked at: more take longer than a card is read.
const PAGES: usize = 20;

/// What is taken or left on a node: processor and memory in thousandths, and pods.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Amount {
    cpu: u64,
    memory: u64,
    pods: u64,
}

/// Whether the nodes have room for `more` pods of this spec.
pub async fn on_nodes(api: &Api, spec: &Value, need: &Need, more: u64) -> Room {
    let unknown = |why: String| Room::Short(format!("whether nodes have room is not known: {why}"));
    let (nodes, taken) = tokio::join!(api.list("/api/v1/nodes", ""), taken(api));
    let nodes = match nodes {
        Ok((nodes, false)) => nodes,
        Ok((_, true)) => return unknown("there are more than 500 nodes".into()),
        Err(error) => return unknown(format!("nodes could not be read: {error}")),
    };
    if nodes.is_empty() {
        return unknown("the server lists none".into());
    }
    let taken = match taken {
        Ok(taken) => taken,
        Err(why) => return unknown(why),
    };
    let open: Vec<_> = nodes.iter().filter(|node| is_open(node) && takes(node, spec)).collect();
    let fit: u64 =
        open.iter().map(|node| places(left(node, taken.get(pods::name(node)).copied().unwrap_or_default()), need)).fold(0, u64::saturating_add);
    let unjudged = unjudged(spec);
    let aside = if unjudged.is_empty() { String::new() } else { format!(" (not judged: {})", unjudged.join(", ")) };
    if fit < more {
        let of = format!("{} of {} {} such pods", open.len(), units::counted(nodes.len() as u64, "node"), units::verb(open.len() as u64, "take"));
        return Room::Short(format!("{} of {more} would not fit: {of}{aside}", more - fit));
    }
    if unjudged.is_empty() { Room::Enough(format!("nodes have room for {more} more")) } else { unknown(format!("room for {more} is there{aside}")) }
}

/// How many pods with this need find a place in what is left.
fn places(left: Amount, need: &Need) -> u64 {
    let by = |left: u64, need: Option<u64>| left.checked_div(need.unwrap_or(0)).unwrap_or(u64::MAX);
    left.pods.min(by(left.cpu, need.cpu)).min(by(left.memory, need.memory))
}

fn left(node: &Value, taken: Amount) -> Amount {
    let allocatable = |name: &str| {
        let amount = node.pointer("/status/allocatable").and_then(|all| all.get(name)?.as_str().and_then(quantity::thousandths));
        amount.unwrap_or(0)
    };
    Amount {
        cpu: allocatable("cpu").saturating_sub(taken.cpu),
        memory: allocatable("memory").saturating_sub(taken.memory),
        pods: (allocatable("pods") / 1_000).saturating_sub(taken.pods),
    }
}

fn is_open(node: &Value) -> bool {
    node.pointer("/spec/unschedulable").and_then(Value::as_bool) != Some(true) && pods::is_ready(node) && !pods::is_deleting(node)
}

/// Whether a node's taints are tolerated, and a pod's selector and required affinity mean it.
fn takes(node: &Value, spec: &Value) -> bool {
    let list = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
    let tolerations = list(spec, "/tolerations");
    let keeps_out = |taint: &&Value| matches!(taint.get("effect").and_then(Value::as_str), Some("NoSchedule" | "NoExecute"));
    let is_tolerated = list(node, "/spec/taints").iter().filter(keeps_out).all(|taint| tolerations.iter().any(|one| tolerates(one, taint)));
    let label = |name: &str| node.pointer("/metadata/labels").and_then(|labels| labels.get(name)?.as_str());
    let selector = spec.get("nodeSelector").and_then(Value::as_object);
    let is_selected = selector.into_iter().flatten().all(|(name, value)| label(name) == value.as_str());
    let terms = list(spec, "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    let is_meant = terms.is_empty()
        || terms.iter().any(|term| {
            let (labels, fields) = (list(term, "/matchExpressions"), list(term, "/matchFields"));
            let is_empty = labels.is_empty() && fields.is_empty();
            !is_empty && labels.iter().all(|one| holds(one, label)) && fields.iter().all(|one| holds(one, |_| Some(pods::name(node))))
        });
    is_tolerated && is_selected && is_meant
}

/// `Toleration.ToleratesTaint` of the core API.
fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (effect, key) = (text(toleration, "effect"), text(toleration, "key"));
    let is_about = (effect.is_empty() || effect == text(taint, "effect")) && (key.is_empty() || key == text(taint, "key"));
    match text(toleration, "operator").as_str() {
        "Exists" => is_about,
        "" | "Equal" => is_about && !key.is_empty() && text(toleration, "value") == text(taint, "value"),
        _ => false,
    }
}

/// One requirement of a node selector term.
fn holds<'a>(requirement: &Value, label: impl Fn(&str) -> Option<&'a str>) -> bool {
    let found = requirement.get("key").and_then(Value::as_str).and_then(label);
    let values: Vec<_> = requirement.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let compared = number(found).zip(number(values.first().copied()));
    match requirement.get("operator").and_then(Value::as_str) {
        Some("In") => found.is_some_and(|found| values.contains(&found)),
        Some("NotIn") => found.is_none_or(|found| !values.contains(&found)),
        Some("Exists") => found.is_some(),
        Some("DoesNotExist") => found.is_none(),
        Some("Gt") => compared.is_some_and(|(found, bound)| found > bound),
        Some("Lt") => compared.is_some_and(|(found, bound)| found < bound),
        _ => false,
    }
}

/// What of a pod's spec the scheduler goes by and this does not.
fn unjudged(spec: &Value) -> Vec<&'static str> {
    let has = |path: &str| spec.pointer(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let mut spread = spec.pointer("/topologySpreadConstraints").and_then(Value::as_array).into_iter().flatten();
    let spreads = spread.any(|one| one.get("whenUnsatisfiable").and_then(Value::as_str) != Some("ScheduleAnyway"));
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let claims = spec.get("volumes").and_then(Value::as_array).into_iter().flatten().any(|volume| volume.get("persistentVolumeClaim").is_some());
    let other = |container: &Value| {
        let requests = container.pointer("/resources/requests").and_then(Value::as_object);
        requests.into_iter().flatten().any(|(name, _)| !matches!(name.as_str(), "cpu" | "memory"))
    };
    let devices = spec.get("containers").and_then(Value::as_array).into_iter().flatten().any(other);
    [
        (has(&format!("/affinity/podAntiAffinity/{required}")) || has(&format!("/affinity/podAffinity/{required}")), "affinity between pods"),
        (spreads, "spread"),
        (claims, "volumes"),
        (devices, "other resources"),
    ]
    .into_iter()
    .filter_map(|(is_there, what)| is_there.then_some(what))
    .collect()
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Continued,
    #[serde(default)]
    items: Vec<Pod>,
}

#[derive(Deserialize, Default)]
struct Continued {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

/// Of a pod only what it takes of a node.
#[derive(Deserialize)]
struct Pod {
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    conditions: Vec<Condition>,
    container_statuses: Vec<ContainerStatus>,
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    reason: String,
}

/// What a container has been given, which a resize of it may lag behind.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    resources: Option<Resources>,
    allocated_resources: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    node_name: String,
    #[serde(default)]
    containers: Vec<Container>,
    #[serde(default)]
    init_containers: Vec<Container>,
    #[serde(default)]
    overhead: BTreeMap<String, String>,
    /// For the whole pod.
    #[serde(default)]
    resources: Resources,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    name: String,
    #[serde(default)]
    resources: Resources,
    restart_policy: Option<String>,
}

#[derive(Deserialize, Default)]
struct Resources {
    #[serde(default)]
    requests: BTreeMap<String, String>,
}

impl Pod {
    /// As `requests::of_pod`, of a pod that exists: its requests were filled in, and may be on their way to others.
    fn takes(&self, resource: &str) -> u64 {
        let read = |amounts: &BTreeMap<String, String>| amounts.get(resource).and_then(|text| quantity::thousandths(text));
        let is_infeasible = self.status.conditions.iter().any(|one| one.kind == "PodResizePending" && one.reason == "Infeasible");
        let amount = |container: &Container, statuses: &[ContainerStatus]| {
            let wanted = read(&container.resources.requests);
            let status = statuses.iter().find(|status| status.name == container.name);
            let given = status.and_then(|status| Some((status.resources.as_ref()?, &status.allocated_resources)));
            given.map_or(wanted, |(has, promised)| resized(wanted, read(&has.requests), read(promised), is_infeasible))
        };
        let init = self.spec.init_containers.iter().map(|container| {
            let is_sidecar = container.restart_policy.as_deref() == Some("Always");
            let statuses: &[ContainerStatus] = if is_sidecar { &self.status.init_container_statuses } else { &[] };
            Init { amount: amount(container, statuses), is_sidecar }
        });
        let main = self.spec.containers.iter().map(|container| Some(amount(container, &self.status.container_statuses).unwrap_or(0)));
        let mut asked = Asked {
            main: main.collect(),
            init: init.collect(),
            pod: read(&self.spec.resources.requests),
            overhead: read(&self.spec.overhead).unwrap_or(0),
        };
        for init in &mut asked.init {
            init.amount = Some(init.amount.unwrap_or(0));
        }
        asked.effective().unwrap_or(0)
    }
}

/// What the pods of all namespaces take, by node. Ended pods take nothing.
async fn taken(api: &Api) -> Result<BTreeMap<String, Amount>, String> {
    let mut taken: BTreeMap<String, Amount> = BTreeMap::new();
    let (mut pages, mut next) = (Pages::default(), None::<String>);
    for _ in 0..PAGES {
        let running = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";
        let mut query = vec![("limit", "500"), ("fieldSelector", running)];
        query.extend(next.as_deref().map(|token| ("continue", token)));
        let unread = |error: &dyn std::fmt::Display| format!("the pods of all namespaces could not be read: {error}");
        let answer = api.reader.list_page("/api/v1/pods", &query, PAGE_LIMIT).await.map_err(|error| unread(&error))?;
        let page: Page = serde_json::from_slice(&answer.body).map_err(|error| unread(&secrecy::hide(&error.to_string())))?;
        next = pages.next(api.reader.server(), "pods", page.metadata.token, page.items.len()).map_err(|error| unread(&error))?;
        for pod in page.items {
            let amount = taken.entry(pod.spec.node_name.clone()).or_default();
            amount.cpu += pod.takes("cpu");
            amount.memory += pod.takes("memory");
            amount.pods += 1;
        }
        if next.is_none() {
            return Ok(taken);
        }
    }
    Err(format!("there are more than {} pods: what they take was not added up", PAGES * 500))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(taints: &Value) -> Value {
        json!({
            "metadata": {"name": "node-1", "labels": {"zone": "a", "disk": "5"}}, "spec": {"taints": taints},
            "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "3"}, "conditions": [{"type": "Ready", "status": "True"}]},
        })
    }

    #[test]
    fn a_node_has_as_many_places_as_its_scarcest_resource() {
        let need =
            |cpu: &str, memory: &str| Need::of(Some(&json!({"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]})), &[]);
        let free = left(&node(&json!([])), Amount { cpu: 500, memory: 0, pods: 1 });
        assert_eq!(places(free, &need("1", "1Gi")), 1);
        assert_eq!(places(free, &need("100m", "3Gi")), 1);
        assert_eq!(places(free, &need("100m", "1Mi")), 2);
        assert_eq!(places(free, &Need::default()), 2);
        assert_eq!(places(free, &need("2", "1Mi")), 0);
    }

    #[test]
    fn taints_selectors_and_affinity_keep_pods_away() {
        let tainted = node(&json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}, {"key": "soft", "effect": "PreferNoSchedule"}]));
        assert!(!takes(&tainted, &json!({})));
        assert!(takes(&tainted, &json!({"tolerations": [{"key": "gpu", "operator": "Exists"}]})));
        assert!(takes(&tainted, &json!({"tolerations": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]})));
        assert!(!takes(&tainted, &json!({"tolerations": [{"key": "gpu", "value": "no"}]})));
        let open = node(&json!([]));
        assert!(takes(&open, &json!({"nodeSelector": {"zone": "a"}})) && !takes(&open, &json!({"nodeSelector": {"zone": "b"}})));
        let affinity = |key: &str, operator: &str, values: Value| {
            let term = json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}})
        };
        assert!(takes(&open, &affinity("zone", "In", json!(["a", "b"]))) && !takes(&open, &affinity("zone", "NotIn", json!(["a"]))));
        assert!(takes(&open, &affinity("disk", "Gt", json!(["4"]))) && !takes(&open, &affinity("disk", "Lt", json!(["5"]))));
    }

    #[test]
    fn a_pod_that_is_resized_takes_the_most_of_what_it_has_and_is_to_have() {
        let pod = |status: Value, whole: Value| -> Pod {
            let container = json!({"name": "a", "resources": {"requests": {"cpu": "2"}}});
            serde_json::from_value(json!({"spec": {"containers": [container], "resources": whole}, "status": status})).unwrap()
        };
        let given = json!([{"name": "a", "resources": {"requests": {"cpu": "1"}}, "allocatedResources": {"cpu": "1500m"}}]);
        assert_eq!(pod(json!({}), json!({})).takes("cpu"), 2_000);
        assert_eq!(pod(json!({"containerStatuses": given}), json!({})).takes("cpu"), 2_000);
        let infeasible = json!([{"type": "PodResizePending", "reason": "Infeasible"}]);
        assert_eq!(pod(json!({"containerStatuses": given, "conditions": infeasible}), json!({})).takes("cpu"), 1_500);
        assert_eq!(pod(json!({}), json!({"requests": {"cpu": "4"}})).takes("cpu"), 4_000);
    }

    #[test]
    fn what_cannot_be_judged_is_named() {
        let spec = json!({
            "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}},
            "topologySpreadConstraints": [{"whenUnsatisfiable": "ScheduleAnyway"}],
            "volumes": [{"persistentVolumeClaim": {"claimName": "c"}}],
        });
        assert_eq!(unjudged(&spec), ["affinity between pods", "volumes"]);
    }
}
