//! What a person wants to know of an object, in the order in which it is usually asked for.

use serde_json::Value;

use crate::{connect::ConnectError, domain::object::Kind};

/// Column at which values begin.
const VALUES_AT: usize = 18;
/// Annotations that repeat the whole object.
const NOISE: [&str; 1] = ["kubectl.kubernetes.io/last-applied-configuration"];
const MOST_EVENTS: usize = 50;

/// Plain lines, not yet cleaned.
pub(super) fn lines(kind: Kind, json: &Value, events: Result<&[Value], &ConnectError>) -> Vec<String> {
    let mut page = Page::default();
    head(&mut page, json);
    match kind {
        Kind::Pod => pod(&mut page, json),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => workload(&mut page, json),
        Kind::Node => node(&mut page, json),
        Kind::Service => service(&mut page, json),
        Kind::HorizontalPodAutoscaler => autoscaler(&mut page, json),
        _ => anything(&mut page, json),
    }
    conditions(&mut page, json);
    self::events(&mut page, events);
    page.0
}

#[derive(Default)]
struct Page(Vec<String>);

impl Page {
    fn field(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            let label = format!("{name}:");
            let gap = if label.len() < VALUES_AT { "" } else { " " };
            self.0.push(format!("{label:<VALUES_AT$}{gap}{value}"));
        }
    }

    fn inner(&mut self, name: &str, value: &str) {
        self.field(&format!("  {name}"), value);
    }

    fn title(&mut self, title: &str) {
        self.0.push(String::new());
        self.0.push(title.to_owned());
    }

    fn line(&mut self, line: String) {
        self.0.push(line);
    }

    /// A map, one pair a line, the name on the first.
    fn map(&mut self, name: &str, map: Option<&Value>) {
        let pairs = map.and_then(Value::as_object).into_iter().flatten().filter(|(key, _)| !NOISE.contains(&key.as_str()));
        for (index, (key, value)) in pairs.enumerate() {
            let label = if index == 0 { format!("{name}:") } else { String::new() };
            let gap = if label.len() < VALUES_AT { "" } else { " " };
            self.0.push(format!("{label:<VALUES_AT$}{gap}{key}={}", plain(value)));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn at(json: &Value, pointer: &str) -> String {
    json.pointer(pointer).map(plain).unwrap_or_default()
}

fn list<'v>(json: &'v Value, pointer: &str) -> &'v [Value] {
    json.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn pairs(map: Option<&Value>) -> String {
    let pairs = map.and_then(Value::as_object).into_iter().flatten();
    pairs.map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(",")
}

fn head(page: &mut Page, json: &Value) {
    page.field("Name", &at(json, "/metadata/name"));
    page.field("Namespace", &at(json, "/metadata/namespace"));
    page.field("Created", &at(json, "/metadata/creationTimestamp"));
    page.field("Deleting since", &at(json, "/metadata/deletionTimestamp"));
    for owner in list(json, "/metadata/ownerReferences").iter().filter(|owner| owner["controller"] == true) {
        page.field("Controlled by", &format!("{}/{}", at(owner, "/kind"), at(owner, "/name")));
    }
    page.map("Labels", json.pointer("/metadata/labels"));
    page.map("Annotations", json.pointer("/metadata/annotations"));
}

fn pod(page: &mut Page, json: &Value) {
    page.field("Status", &at(json, "/status/phase"));
    page.field("Reason", &at(json, "/status/reason"));
    page.field("Message", &at(json, "/status/message"));
    page.field("Node", &at(json, "/spec/nodeName"));
    page.field("IP", &at(json, "/status/podIP"));
    page.field("QoS class", &at(json, "/status/qosClass"));
    page.field("Service account", &at(json, "/spec/serviceAccountName"));
    page.field("Node selector", &pairs(json.pointer("/spec/nodeSelector")));
    for (title, specs, statuses) in [
        ("Init containers", "/spec/initContainers", "/status/initContainerStatuses"),
        ("Containers", "/spec/containers", "/status/containerStatuses"),
    ] {
        if list(json, specs).is_empty() {
            continue;
        }
        page.title(title);
        for container in list(json, specs) {
            let status = list(json, statuses).iter().find(|status| status["name"] == container["name"]);
            self::container(page, container, status.unwrap_or(&Value::Null));
        }
    }
    if !list(json, "/spec/volumes").is_empty() {
        page.title("Volumes");
        for volume in list(json, "/spec/volumes") {
            let source = volume.as_object().into_iter().flatten().find(|(key, _)| *key != "name");
            page.inner(&at(volume, "/name"), &source.map(|(kind, value)| format!("{kind} {}", pairs(Some(value)))).unwrap_or_default());
        }
    }
}

fn container(page: &mut Page, spec: &Value, status: &Value) {
    page.line(format!(" {}", at(spec, "/name")));
    page.inner("Image", &at(spec, "/image"));
    page.inner("State", &state(&status["state"]));
    page.inner("Last state", &state(&status["lastState"]));
    page.inner("Ready", &at(status, "/ready"));
    page.inner("Restarts", &at(status, "/restartCount"));
    let ports = list(spec, "/ports").iter().map(|port| format!("{}/{}", at(port, "/containerPort"), at(port, "/protocol")));
    page.inner("Ports", &ports.collect::<Vec<_>>().join(", "));
    page.inner("Command", &list(spec, "/command").iter().chain(list(spec, "/args")).map(plain).collect::<Vec<_>>().join(" "));
    page.inner("Requests", &pairs(spec.pointer("/resources/requests")));
    page.inner("Limits", &pairs(spec.pointer("/resources/limits")));
    for (name, pointer) in [("Liveness", "/livenessProbe"), ("Readiness", "/readinessProbe"), ("Startup", "/startupProbe")] {
        if let Some(probe) = spec.pointer(pointer) {
            page.inner(name, &self::probe(probe));
        }
    }
    for (index, variable) in list(spec, "/env").iter().enumerate() {
        let value = match variable.get("valueFrom").and_then(Value::as_object).and_then(|from| from.iter().next()) {
            Some((kind, from)) => format!("<{kind} {}>", pairs(Some(from))),
            None => at(variable, "/value"),
        };
        page.inner(if index == 0 { "Environment" } else { "" }, &format!("{}={value}", at(variable, "/name")));
    }
    for source in list(spec, "/envFrom") {
        for (kind, from) in source.as_object().into_iter().flatten() {
            page.inner("Env from", &format!("{kind} {}", pairs(Some(from))));
        }
    }
    for (index, mount) in list(spec, "/volumeMounts").iter().enumerate() {
        page.inner(if index == 0 { "Mounts" } else { "" }, &format!("{} from {}", at(mount, "/mountPath"), at(mount, "/name")));
    }
}

fn state(state: &Value) -> String {
    let Some((name, detail)) = state.as_object().and_then(|state| state.iter().next()) else { return String::new() };
    let parts = [("", "reason"), ("exit code ", "exitCode"), ("since ", "startedAt"), ("until ", "finishedAt"), ("", "message")];
    let parts = parts.into_iter().map(|(label, key)| (label, at(detail, &format!("/{key}")))).filter(|(_, value)| !value.is_empty());
    let words = std::iter::once(name.clone()).chain(parts.map(|(label, value)| format!("{label}{value}")));
    words.collect::<Vec<_>>().join(", ")
}

fn probe(probe: &Value) -> String {
    let what =
        ["httpGet", "tcpSocket", "grpc", "exec"].into_iter().find_map(|kind| probe.get(kind).map(|detail| format!("{kind} {}", pairs(Some(detail)))));
    format!(
        "{}, every {} s, within {} s, after {} failures",
        what.unwrap_or_default(),
        at(probe, "/periodSeconds"),
        at(probe, "/timeoutSeconds"),
        at(probe, "/failureThreshold")
    )
}

fn workload(page: &mut Page, json: &Value) {
    page.field("Selector", &pairs(json.pointer("/spec/selector/matchLabels")));
    let counts = [
        ("desired", "/spec/replicas"),
        ("updated", "/status/updatedReplicas"),
        ("ready", "/status/readyReplicas"),
        ("available", "/status/availableReplicas"),
    ];
    let counts = counts.into_iter().filter(|(_, pointer)| json.pointer(pointer).is_some());
    page.field("Replicas", &counts.map(|(word, pointer)| format!("{} {word}", at(json, pointer))).collect::<Vec<_>>().join(", "));
    page.field("Strategy", &at(json, "/spec/strategy/type"));
    page.field("Max surge", &at(json, "/spec/strategy/rollingUpdate/maxSurge"));
    page.field("Max unavailable", &at(json, "/spec/strategy/rollingUpdate/maxUnavailable"));
    page.field("Paused", &at(json, "/spec/paused"));
    page.title("Pod template");
    page.map("  Annotations", json.pointer("/spec/template/metadata/annotations"));
    page.inner("Node selector", &pairs(json.pointer("/spec/template/spec/nodeSelector")));
    for container in list(json, "/spec/template/spec/initContainers").iter().chain(list(json, "/spec/template/spec/containers")) {
        self::container(page, container, &Value::Null);
    }
}

fn node(page: &mut Page, json: &Value) {
    page.field("Unschedulable", &at(json, "/spec/unschedulable"));
    for taint in list(json, "/spec/taints") {
        page.field("Taint", &format!("{}={}:{}", at(taint, "/key"), at(taint, "/value"), at(taint, "/effect")));
    }
    let addresses = list(json, "/status/addresses").iter().map(|address| format!("{} {}", at(address, "/type"), at(address, "/address")));
    page.field("Addresses", &addresses.collect::<Vec<_>>().join(", "));
    page.field("Capacity", &pairs(json.pointer("/status/capacity")));
    page.field("Allocatable", &pairs(json.pointer("/status/allocatable")));
    for (name, key) in [("Kubelet", "kubeletVersion"), ("Kernel", "kernelVersion"), ("System", "osImage"), ("Runtime", "containerRuntimeVersion")] {
        page.field(name, &at(json, &format!("/status/nodeInfo/{key}")));
    }
}

fn service(page: &mut Page, json: &Value) {
    page.field("Type", &at(json, "/spec/type"));
    page.field("Selector", &pairs(json.pointer("/spec/selector")));
    page.field("Cluster IP", &at(json, "/spec/clusterIP"));
    page.field("External name", &at(json, "/spec/externalName"));
    for port in list(json, "/spec/ports") {
        let words = format!("{} {}/{} to {}", at(port, "/name"), at(port, "/port"), at(port, "/protocol"), at(port, "/targetPort"));
        page.field("Port", words.trim());
    }
    for ingress in list(json, "/status/loadBalancer/ingress") {
        page.field("Load balancer", &pairs(Some(ingress)));
    }
}

fn autoscaler(page: &mut Page, json: &Value) {
    page.field("Target", &format!("{}/{}", at(json, "/spec/scaleTargetRef/kind"), at(json, "/spec/scaleTargetRef/name")));
    page.field("Replicas", &format!("{} now, {} wanted", at(json, "/status/currentReplicas"), at(json, "/status/desiredReplicas")));
    let least = at(json, "/spec/minReplicas");
    page.field("Bounds", &format!("{} to {}", if least.is_empty() { "1" } else { &least }, at(json, "/spec/maxReplicas")));
    page.field("Last scaled", &at(json, "/status/lastScaleTime"));
    for (title, pointer) in [("Metrics wanted", "/spec/metrics"), ("Metrics measured", "/status/currentMetrics")] {
        if !list(json, pointer).is_empty() {
            page.title(title);
            for metric in list(json, pointer) {
                let source = metric.as_object().into_iter().flatten().find(|(key, _)| *key != "type");
                if let Some((kind, detail)) = source {
                    page.line(format!("  {kind} {}", pairs(Some(detail))));
                }
            }
        }
    }
}

/// The top-level parts that the head did not show, as YAML.
fn anything(page: &mut Page, json: &Value) {
    let parts = json.as_object().into_iter().flatten().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "kind" | "apiVersion"));
    for (key, value) in parts {
        page.title(key);
        let text = super::yaml(value);
        page.0.extend(text.lines().map(|line| format!("  {line}")));
    }
}

fn conditions(page: &mut Page, json: &Value) {
    if list(json, "/status/conditions").is_empty() {
        return;
    }
    page.title("Conditions");
    for condition in list(json, "/status/conditions") {
        let words = [at(condition, "/status"), at(condition, "/lastTransitionTime"), at(condition, "/reason"), at(condition, "/message")];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        page.line(format!("  {:<23} {}", at(condition, "/type"), words.join("  ")));
    }
}

fn events(page: &mut Page, events: Result<&[Value], &ConnectError>) {
    page.title("Events");
    match events {
        Err(error) => page.line(format!("  unknown: {error}")),
        Ok([]) => page.line("  none".to_owned()),
        Ok(events) => {
            for event in &events[events.len().saturating_sub(MOST_EVENTS)..] {
                let time = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
                let time = time.into_iter().map(|pointer| at(event, pointer)).find(|time| !time.is_empty()).unwrap_or_default();
                let count = ["/series/count", "/count"].into_iter().map(|pointer| at(event, pointer)).find(|count| !count.is_empty());
                let count = count.filter(|count| count != "1").map_or_else(String::new, |count| format!(" ×{count}"));
                page.line(format!("  {time}  {:<7} {}{count}: {}", at(event, "/type"), at(event, "/reason"), at(event, "/message")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_side_by_side_have_a_blank_between_them() {
        let pod = json!({"status": {"conditions": [{"type": "PodReadyToStartContainers", "status": "True"}]}});
        let long = json!({"type": "A".repeat(40), "reason": "B"});
        let mut page = Page::default();
        conditions(&mut page, &pod);
        events(&mut page, Ok(&[long]));
        page.map(&"N".repeat(40), Some(&json!({"key": "value"})));
        assert!(page.0[2].contains("PodReadyToStartContainers True"), "{:?}", page.0);
        assert!(page.0.iter().any(|line| line.contains("AA B")) && page.0.iter().any(|line| line.contains("N: key=value")), "{:?}", page.0);
    }
}
