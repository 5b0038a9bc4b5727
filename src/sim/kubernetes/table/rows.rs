//! The rows of everything that is not a pod.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::super::kinds::Resource;
use super::{age, duration, selector_text};

pub fn cells(resource: Resource, object: &Value, now: DateTime<Utc>) -> Vec<Value> {
    let row = Row { object, now };
    match resource {
        Resource::Deployments => row.with_template(vec![
            row.name(),
            json!(format!("{}/{}", row.number("/status/readyReplicas"), row.number("/spec/replicas"))),
            json!(row.number("/status/updatedReplicas")),
            json!(row.number("/status/availableReplicas")),
            row.age(),
        ]),
        Resource::ReplicaSets => row.with_template(vec![
            row.name(),
            json!(row.number("/spec/replicas")),
            json!(row.number("/status/replicas")),
            json!(row.number("/status/readyReplicas")),
            row.age(),
        ]),
        Resource::StatefulSets => {
            let ready = json!(format!("{}/{}", row.number("/status/readyReplicas"), row.number("/spec/replicas")));
            let mut cells = row.with_template(vec![row.name(), ready, row.age()]);
            cells.pop();
            cells
        }
        Resource::DaemonSets => row.with_template(vec![
            row.name(),
            json!(row.number("/status/desiredNumberScheduled")),
            json!(row.number("/status/currentNumberScheduled")),
            json!(row.number("/status/numberReady")),
            json!(row.number("/status/updatedNumberScheduled")),
            json!(row.number("/status/numberAvailable")),
            json!(or_none(selector_text(object.pointer("/spec/template/spec/nodeSelector")))),
            row.age(),
        ]),
        Resource::Services => vec![
            row.name(),
            json!(row.text("/spec/type")),
            json!(or_none(row.text("/spec/clusterIP").to_owned())),
            json!(row.external_address()),
            json!(row.service_ports()),
            row.age(),
            json!(or_none(selector_text(object.pointer("/spec/selector")))),
        ],
        Resource::ConfigMaps => vec![row.name(), json!(row.count("/data") + row.count("/binaryData")), row.age()],
        Resource::Secrets => vec![row.name(), json!(row.text("/type")), json!(row.count("/data")), row.age()],
        Resource::Nodes => row.node(),
        Resource::Namespaces => vec![row.name(), json!(row.text("/status/phase")), row.age()],
        Resource::Events => row.event(),
        Resource::HorizontalPodAutoscalers => vec![
            row.name(),
            json!(format!("{}/{}", row.text("/spec/scaleTargetRef/kind"), row.text("/spec/scaleTargetRef/name"))),
            json!(row.autoscaler_targets()),
            json!(object.pointer("/spec/minReplicas").map_or_else(|| "<unset>".to_owned(), Value::to_string)),
            json!(row.number("/spec/maxReplicas")),
            json!(row.number("/status/currentReplicas")),
            row.age(),
        ],
        Resource::Endpoints => vec![row.name(), json!(row.endpoints()), row.age()],
        Resource::EndpointSlices => vec![
            row.name(),
            json!(row.text("/addressType")),
            json!(or_unset(joined(row.list("/ports").iter().filter_map(|port| port.get("port")).map(Value::to_string)))),
            json!(or_unset(joined(
                row.list("/endpoints").iter().filter_map(|endpoint| endpoint.pointer("/addresses/0")?.as_str()).map(str::to_owned)
            ))),
            row.age(),
        ],
        Resource::Leases => vec![row.name(), json!(row.text("/spec/holderIdentity")), row.age()],
        Resource::PodDisruptionBudgets => vec![
            row.name(),
            json!(row.amount("/spec/minAvailable")),
            json!(row.amount("/spec/maxUnavailable")),
            json!(row.number("/status/disruptionsAllowed")),
            row.age(),
        ],
        Resource::ResourceQuotas => {
            let (requests, limits) = row.quota();
            vec![row.name(), json!(requests), json!(limits), row.age()]
        }
        Resource::LimitRanges | Resource::ClusterRoles | Resource::Roles => vec![row.name(), json!(row.text("/metadata/creationTimestamp"))],
        Resource::ClusterRoleBindings | Resource::RoleBindings => {
            let subjects = |kind: &str| {
                let of_kind = row.list("/subjects").iter().filter(|subject| subject["kind"] == kind);
                json!(joined(of_kind.filter_map(|subject| subject["name"].as_str()).map(str::to_owned)))
            };
            let role = format!("{}/{}", row.text("/roleRef/kind"), row.text("/roleRef/name"));
            vec![row.name(), json!(role), row.age(), subjects("User"), subjects("Group"), subjects("ServiceAccount")]
        }
        Resource::Jobs => row.job(),
        Resource::CronJobs => {
            let cells = vec![
                row.name(),
                json!(row.text("/spec/schedule")),
                json!(or_none(row.text("/spec/timeZone").to_owned())),
                json!(if row.flag("/spec/suspend") { "True" } else { "False" }),
                json!(row.list("/status/active").len()),
                json!(object.pointer("/status/lastScheduleTime").map_or_else(|| "<none>".to_owned(), |time| age(Some(time), now))),
                row.age(),
            ];
            Row::with_containers(cells, object.pointer("/spec/jobTemplate/spec/template/spec"), json!("<none>"))
        }
        Resource::ControllerRevisions => {
            let owner = object.pointer("/metadata/ownerReferences/0");
            let text = |name: &str| owner.and_then(|owner| owner.get(name)).and_then(Value::as_str).unwrap_or_default();
            let controller = format!("{}.apps/{}", text("kind").to_lowercase(), text("name"));
            vec![row.name(), json!(controller), json!(object["revision"].as_i64().unwrap_or_default()), row.age()]
        }
        // Pods and custom resources have rows of their own, elsewhere.
        Resource::Pods
        | Resource::ServiceAccounts
        | Resource::Applications
        | Resource::HelmReleases
        | Resource::ScaledObjects
        | Resource::Kustomizations
        | Resource::WorkerPools => vec![row.name(), row.age()],
    }
}

struct Row<'a> {
    object: &'a Value,
    now: DateTime<Utc>,
}

impl<'a> Row<'a> {
    fn name(&self) -> Value {
        json!(self.text("/metadata/name"))
    }

    fn age(&self) -> Value {
        json!(age(self.object.pointer("/metadata/creationTimestamp"), self.now))
    }

    fn text(&self, path: &str) -> &'a str {
        self.object.pointer(path).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, path: &str) -> i64 {
        self.object.pointer(path).and_then(Value::as_i64).unwrap_or_default()
    }

    fn flag(&self, path: &str) -> bool {
        self.object.pointer(path).and_then(Value::as_bool).unwrap_or_default()
    }

    fn list(&self, path: &str) -> &'a [Value] {
        self.object.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn count(&self, path: &str) -> usize {
        self.object.pointer(path).and_then(Value::as_object).map_or(0, Map::len)
    }

    fn amount(&self, path: &str) -> String {
        match self.object.pointer(path) {
            Some(Value::String(text)) => text.clone(),
            Some(value) if !value.is_null() => value.to_string(),
            _ => "N/A".to_owned(),
        }
    }

    fn with_template(&self, cells: Vec<Value>) -> Vec<Value> {
        let selector = json!(selector_text(self.object.pointer("/spec/selector")));
        Self::with_containers(cells, self.object.pointer("/spec/template/spec"), selector)
    }

    fn with_containers(mut cells: Vec<Value>, pod: Option<&Value>, selector: Value) -> Vec<Value> {
        let containers = pod.and_then(|pod| pod.get("containers")).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for field in ["name", "image"] {
            let texts: Vec<&str> = containers.iter().filter_map(|container| container.get(field)?.as_str()).collect();
            cells.push(json!(texts.join(",")));
        }
        cells.push(selector);
        cells
    }

    fn external_address(&self) -> String {
        let ingress = self.list("/status/loadBalancer/ingress").iter();
        let balanced: Vec<&str> = ingress.filter_map(|entry| entry.get("ip").or_else(|| entry.get("hostname"))?.as_str()).collect();
        let external: Vec<&str> = self.list("/spec/externalIPs").iter().filter_map(Value::as_str).collect();
        match self.text("/spec/type") {
            "ExternalName" => self.text("/spec/externalName").to_owned(),
            "LoadBalancer" if balanced.is_empty() && external.is_empty() => "<pending>".to_owned(),
            _ => or_none([balanced, external].concat().join(",")),
        }
    }

    fn service_ports(&self) -> String {
        let ports = self.list("/spec/ports").iter().map(|port| {
            let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
            let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
            match port.get("nodePort").and_then(Value::as_i64).filter(|node_port| *node_port > 0) {
                Some(node_port) => format!("{number}:{node_port}/{protocol}"),
                None => format!("{number}/{protocol}"),
            }
        });
        or_none(ports.collect::<Vec<_>>().join(","))
    }

    fn node(&self) -> Vec<Value> {
        let ready = self.list("/status/conditions").iter().find(|condition| condition.get("type") == Some(&json!("Ready")));
        let mut status = match ready.and_then(|ready| ready.get("status")).and_then(Value::as_str) {
            Some("True") => "Ready".to_owned(),
            Some(_) => "NotReady".to_owned(),
            None => "Unknown".to_owned(),
        };
        if self.flag("/spec/unschedulable") {
            status.push_str(",SchedulingDisabled");
        }
        let labels = self.object.pointer("/metadata/labels").and_then(Value::as_object);
        let mut roles: Vec<&str> = labels.into_iter().flat_map(Map::keys).filter_map(|key| key.strip_prefix("node-role.kubernetes.io/")).collect();
        roles.sort_unstable();
        let address = |kind: &str| {
            let found = self.list("/status/addresses").iter().find(|address| address.get("type") == Some(&json!(kind)));
            or_none(found.and_then(|address| address.get("address")?.as_str()).unwrap_or_default().to_owned())
        };
        let info = |field: &str| {
            let text = self.text(&format!("/status/nodeInfo/{field}"));
            json!(if text.is_empty() { "<unknown>" } else { text })
        };
        vec![
            self.name(),
            json!(status),
            json!(or_none(roles.join(","))),
            self.age(),
            json!(self.text("/status/nodeInfo/kubeletVersion")),
            json!(address("InternalIP")),
            json!(address("ExternalIP")),
            info("osImage"),
            info("kernelVersion"),
            info("containerRuntimeVersion"),
        ]
    }

    fn event(&self) -> Vec<Value> {
        // The fields of both event versions, the older first.
        let first_of = |paths: [&str; 2]| paths.iter().find_map(|path| self.object.pointer(path).filter(|value| !value.is_null()));
        let text_of = |paths: [&str; 2]| first_of(paths).and_then(Value::as_str).unwrap_or_default();
        let first = first_of(["/firstTimestamp", "/deprecatedFirstTimestamp"]).or_else(|| self.object.pointer("/eventTime"));
        let last = first_of(["/series/lastObservedTime", "/lastTimestamp"]).or_else(|| first_of(["/deprecatedLastTimestamp", "/eventTime"]));
        let kind = text_of(["/involvedObject/kind", "/regarding/kind"]).to_lowercase();
        let name = text_of(["/involvedObject/name", "/regarding/name"]);
        let component = match text_of(["/source/component", "/deprecatedSource/component"]) {
            "" => text_of(["/reportingComponent", "/reportingController"]),
            component => component,
        };
        let host = text_of(["/source/host", "/deprecatedSource/host"]);
        let source = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
        let count = first_of(["/series/count", "/count"]).and_then(Value::as_i64).unwrap_or(1).max(1);
        vec![
            json!(age(last, self.now)),
            json!(self.text("/type")),
            json!(self.text("/reason")),
            json!(if name.is_empty() { kind } else { format!("{kind}/{name}") }),
            json!(text_of(["/involvedObject/fieldPath", "/regarding/fieldPath"])),
            json!(source),
            json!(text_of(["/message", "/note"]).trim()),
            json!(age(first, self.now)),
            json!(count),
            self.name(),
        ]
    }

    fn autoscaler_targets(&self) -> String {
        const SHOWN: usize = 2;
        let current = self.list("/status/currentMetrics");
        let mut targets: Vec<String> = Vec::new();
        for metric in self.list("/spec/metrics") {
            let kind = metric.get("type").and_then(Value::as_str).unwrap_or_default();
            let field = match kind {
                "ContainerResource" => "containerResource".to_owned(),
                _ => kind.to_lowercase(),
            };
            let Some(spec) = metric.get(&field) else { continue };
            let same = |status: &&Value| {
                status.get("type").and_then(Value::as_str) == Some(kind)
                    && status.get(&field).is_some_and(|status| {
                        status.get("name") == spec.get("name") && status.pointer("/metric/name") == spec.pointer("/metric/name")
                    })
            };
            let now = current.iter().find(same).and_then(|status| status.get(&field)?.get("current"));
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let unknown = "<unknown>".to_owned();
            let target = if let Some(wanted) = spec.pointer("/target/averageUtilization") {
                let now = now.and_then(|now| now.get("averageUtilization")).map_or(unknown, |now| format!("{now}%"));
                format!("{now}/{wanted}%")
            } else if let Some(wanted) = spec.pointer("/target/averageValue") {
                let now = now.and_then(|now| now.get("averageValue")).map_or(unknown, text);
                format!("{now}/{}", if kind == "External" { format!("{} (avg)", text(wanted)) } else { text(wanted) })
            } else {
                let now = now.and_then(|now| now.get("value")).map_or(unknown, text);
                format!("{now}/{}", spec.pointer("/target/value").map(text).unwrap_or_default())
            };
            match spec.get("name").and_then(Value::as_str).filter(|_| kind == "Resource") {
                Some(name) => targets.push(format!("{name}: {target}")),
                None => targets.push(target),
            }
        }
        if targets.is_empty() {
            return "<none>".to_owned();
        }
        let more = targets.len().saturating_sub(SHOWN);
        targets.truncate(SHOWN);
        if more > 0 { format!("{} + {more} more...", targets.join(", ")) } else { targets.join(", ") }
    }

    fn endpoints(&self) -> String {
        let mut all = Vec::new();
        for subset in self.list("/subsets") {
            let addresses = subset.get("addresses").and_then(Value::as_array);
            let ports = subset.get("ports").and_then(Value::as_array);
            for port in ports.into_iter().flatten() {
                for address in addresses.into_iter().flatten() {
                    let ip = address.get("ip").and_then(Value::as_str).unwrap_or_default();
                    all.push(format!("{ip}:{}", port.get("port").and_then(Value::as_i64).unwrap_or_default()));
                }
            }
        }
        or_none(joined(all.into_iter()))
    }

    fn quota(&self) -> (String, String) {
        let (mut requests, mut limits) = (Vec::new(), Vec::new());
        let hard = self.object.pointer("/status/hard").or_else(|| self.object.pointer("/spec/hard")).and_then(Value::as_object);
        for (resource, hard) in hard.into_iter().flatten() {
            let used = self.object.pointer("/status/used").and_then(|used| used.get(resource)).and_then(Value::as_str).unwrap_or("0");
            let text = format!("{resource}: {used}/{}", hard.as_str().unwrap_or_default());
            if resource.starts_with("limits") { limits.push(text) } else { requests.push(text) }
        }
        (requests.join(", "), limits.join(", "))
    }

    fn job(&self) -> Vec<Value> {
        let finished = |kind: &str| {
            let mut conditions = self.list("/status/conditions").iter();
            conditions.any(|condition| condition.get("type") == Some(&json!(kind)) && condition.get("status") == Some(&json!("True")))
        };
        let status = match (finished("Complete"), finished("Failed"), self.flag("/spec/suspend")) {
            (true, ..) => "Complete",
            (_, true, _) => "Failed",
            (.., true) => "Suspended",
            _ => "Running",
        };
        let wanted = self.object.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
        let time = |path: &str| DateTime::parse_from_rfc3339(self.text(path)).ok();
        let length = time("/status/startTime").map(|start| {
            let end = time("/status/completionTime").map_or(self.now, |end| end.with_timezone(&Utc));
            duration(end.signed_duration_since(start))
        });
        let completions = json!(format!("{}/{wanted}", self.number("/status/succeeded")));
        self.with_template(vec![self.name(), json!(status), completions, json!(length.unwrap_or_default()), self.age()])
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text }
}

fn or_unset(text: String) -> String {
    if text.is_empty() { "<unset>".to_owned() } else { text }
}

/// The first three, and how many more there are.
fn joined(texts: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = texts.collect();
    let shown = all.iter().take(3).cloned().collect::<Vec<_>>().join(",");
    if all.len() > 3 { format!("{shown} + {} more...", all.len() - 3) } else { shown }
}
