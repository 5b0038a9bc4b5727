//! What an incident leaves behind for those who look: events, conditions, classes of errors, queues.

use serde_json::Value;
use sev1::sim::incident::{Cause, Incident};
use sev1::sim::kubernetes::kinds::Resource;
use sev1::sim::store::Query;
use sev1::sim::world::World;
use std::collections::BTreeSet;

/// Classes that are logged on a good day.
const EVERYDAY: [&str; 3] = ["UpstreamTimeout", "ValidationFailed", "SmtpTemporaryFailure"];

struct Traces<'a>(&'a World);

impl Traces<'_> {
    /// Service and class of all errors that are not everyday ones.
    fn errors(&self) -> BTreeSet<(String, String)> {
        let lines = self.0.logs().between(0, i64::MAX);
        let errors = lines.iter().filter(|line| line.document.level == "ERROR" && line.document.pod.starts_with(&line.document.service));
        let named = errors.filter_map(|line| Some((line.document.service.clone(), line.document.error.clone()?)));
        named.filter(|(_, class)| !EVERYDAY.contains(&class.as_str())).collect()
    }

    fn has_error(&self, service: &str, class: &str) -> bool {
        self.errors().iter().any(|(own, found)| (service.is_empty() || own == service) && (class.is_empty() || found == class))
    }

    fn objects(&self, resource: Resource) -> Vec<Value> {
        self.0.store().list(resource, &Query::default()).items.iter().map(|object| (**object).clone()).collect()
    }

    fn has_event(&self, reason: &str, words: &str) -> bool {
        let events = self.objects(Resource::Events);
        events.iter().any(|event| event["reason"] == reason && event["message"].as_str().is_some_and(|message| message.contains(words)))
    }

    /// Whether the text of some object of that type holds these words.
    fn says(&self, resource: Resource, words: &str) -> bool {
        self.objects(resource).iter().any(|object| object.to_string().contains(words))
    }

    fn silent_zones(&self) -> BTreeSet<String> {
        let nodes = self.objects(Resource::Nodes);
        let silent = nodes.iter().filter(|node| node["status"]["conditions"].to_string().contains("NodeStatusUnknown"));
        silent.map(|node| node["metadata"]["labels"]["topology.kubernetes.io/zone"].to_string()).collect()
    }

    fn queue(&self) -> f64 {
        let to = self.0.clock().now().timestamp_millis();
        let found = self.0.tsdb().read().select(Some("redis_queue_length"), |_| true, to - 900_000, to);
        found.iter().flat_map(|(_, samples)| samples).map(|sample| sample.value).fold(0.0, f64::max)
    }
}

/// What should be there and is not, some minutes after the launch of an incident in which nobody did anything.
pub fn missing(incident: &Incident, world: &World) -> Option<String> {
    let (traces, truth) = (Traces(world), &incident.truth);
    let own = truth.service.as_str();
    let is_there = match truth.cause {
        Cause::BadImage | Cause::BadEnvironment | Cause::ConfigKey | Cause::PartialRollout => traces.has_error(own, "") || own == "gov-connectors",
        Cause::SlowDependency | Cause::DeadDependency => traces.has_error("", ""),
        Cause::ScaleDown => traces.has_event("ScalingReplicaSet", &format!("Scaled down replica set {own}-")) && traces.has_error(own, "Overloaded"),
        Cause::AutoscalerBound => traces.says(Resource::HorizontalPodAutoscalers, "TooManyReplicas") && traces.has_error(own, "Overloaded"),
        Cause::Quota => traces.has_event("FailedCreate", "exceeded quota") && traces.has_error(own, "Overloaded"),
        Cause::NodeLost => traces.has_event("NodeNotReady", "") && traces.has_error("", "NoRouteToHost"),
        Cause::ZoneLost => traces.silent_zones().len() == 1 && traces.has_error("", "NoRouteToHost"),
        Cause::MemoryLeak => traces.says(Resource::Pods, "OOMKilled") || !truth.harms.is_empty(),
        Cause::TrafficSurge => !traces.has_error("", "") && traces.has_event("SuccessfulRescale", ""),
        Cause::DatabaseSlots => traces.has_error("core-engine", "TooManyConnections"),
        Cause::ConsumerStuck => traces.queue() > 1_000.0,
        Cause::Dns => {
            let who: BTreeSet<_> = traces.errors().into_iter().filter(|(_, class)| class == "DnsLookup").map(|(service, _)| service).collect();
            let pods = traces.objects(Resource::Pods);
            let names = pods.iter().filter(|pod| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("coredns-")));
            who.len() > 4 && names.into_iter().any(|pod| pod["status"]["containerStatuses"][0]["ready"] == false)
        }
        Cause::Certificate => traces.has_error("", "CertificateExpired"),
        Cause::NetworkPolicy => traces.has_error(own, "ConnectTimeout"),
    };
    (!is_there).then(|| format!("{} {}: its traces are missing, errors {:?}", truth.cause.name(), incident.seed, traces.errors()))
}
