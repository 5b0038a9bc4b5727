//! Services, joined with the ready counts of their endpoint slices.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    list_watch::{Sink, Watched},
    wire::{Few, Meta, Pairs, Str, text, texts},
};
use crate::{
    domain::{
        health::SourceId,
        object::{Key, Kind},
        observation::{Delta, What},
        text::Text,
        workload::{Object, Service},
    },
    sources::report::{Closed, Report},
};

pub(super) struct Services;
pub(super) struct Slices;

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    #[serde(default)]
    spec: Spec<'a>,
}

#[derive(Deserialize, Default)]
struct Spec<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Str<'a>>,
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<Str<'a>>,
    ports: Option<Few<Port<'a>>>,
    selector: Option<Pairs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(rename = "port")]
    number: Option<i64>,
    protocol: Option<Str<'a>>,
}

impl Watched for Services {
    const SOURCE: SourceId = SourceId::Services;
    /// Here for its slices, and where it is shown.
    const COPIES: usize = 2;
    type Wire<'a> = Wire<'a>;
    type Object = Service;

    fn object(&self, wire: Wire<'_>) -> Option<Service> {
        let Wire { metadata, spec } = wire;
        let port = |port: &Port<'_>| {
            let number = format!("{}/{}", port.number.unwrap_or(0), port.protocol.as_ref().map_or("TCP", |protocol| &*protocol.0));
            Text::line(&match port.name.as_ref().filter(|name| !name.0.is_empty()) {
                Some(name) => format!("{}:{number}", name.0),
                None => number,
            })
        };
        Some(Service {
            key: metadata.key()?,
            uid: metadata.uid(),
            created: metadata.created(),
            kind: text(spec.kind.as_ref()),
            cluster_ip: text(spec.cluster_ip.as_ref()),
            ports: spec.ports.iter().flatten().take(32).map(port).collect(),
            selector: texts(spec.selector.as_ref(), 32),
            endpoints: None,
        })
    }

    fn what(deltas: Vec<Delta<Service>>) -> What {
        What::Services(deltas)
    }
}

/// One endpoint slice, reduced to counts.
#[derive(Debug)]
pub(super) struct Slice {
    key: Key,
    uid: Text,
    service: Key,
    ready: u32,
    not_ready: u32,
    /// `IPv4`, `IPv6`, `FQDN`: each has a slice of its own for the same pods.
    family: Text,
    /// Whether it has a port at all: pods without the port that the service names are listed without any.
    has_ports: bool,
}

impl Object for Slice {
    const KIND: Kind = Kind::Service;
    fn key(&self) -> &Key {
        &self.key
    }
    fn uid(&self) -> &Text {
        &self.uid
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SliceWire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    endpoints: Option<Few<Endpoint>>,
    address_type: Option<Str<'a>>,
    ports: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Deserialize)]
struct Endpoint {
    addresses: Option<Vec<serde::de::IgnoredAny>>,
    conditions: Option<Conditions>,
}

#[derive(Deserialize)]
struct Conditions {
    ready: Option<bool>,
}

impl Watched for Slices {
    const SOURCE: SourceId = SourceId::Services;
    type Wire<'a> = SliceWire<'a>;
    type Object = Slice;

    fn object(&self, wire: SliceWire<'_>) -> Option<Slice> {
        let key = wire.metadata.key()?;
        let name = wire.metadata.labels.as_ref()?.get("kubernetes.io/service-name")?.text();
        let mut slice = Slice {
            uid: wire.metadata.uid(),
            service: Key { namespace: key.namespace.clone(), name },
            key,
            ready: 0,
            not_ready: 0,
            family: text(wire.address_type.as_ref()),
            has_ports: wire.ports.is_some_and(|ports| !ports.is_empty()),
        };
        for endpoint in wire.endpoints.iter().flatten() {
            // Several addresses of one endpoint are the same endpoint.
            let addresses = u32::from(endpoint.addresses.as_ref().is_some_and(|addresses| !addresses.is_empty()));
            // Unknown counts as ready: EndpointConditions of discovery.k8s.io/v1.
            let is_ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true);
            let count = if is_ready { &mut slice.ready } else { &mut slice.not_ready };
            *count = count.saturating_add(addresses);
        }
        Some(slice)
    }

    fn what(_: Vec<Delta<Slice>>) -> What {
        What::Beat
    }
}

/// Services and slices as they stand, so that a change of either can be told.
#[derive(Default)]
struct Joined {
    services: HashMap<Key, Service>,
    slices: HashMap<Key, Slice>,
    by_service: HashMap<Key, HashSet<Key>>,
    slices_listed: bool,
    /// Slices of a listing under way that were not seen again.
    unseen: Option<HashSet<Key>>,
}

impl Joined {
    fn endpoints(&self, service: &Key) -> Option<(u32, u32)> {
        if !self.slices_listed {
            return None;
        }
        let takes_port = self.services.get(service).is_some_and(|service| !service.ports.is_empty());
        let mut families: BTreeMap<&Text, (u32, u32)> = BTreeMap::new();
        for slice in self.by_service.get(service).into_iter().flatten().filter_map(|key| self.slices.get(key)) {
            let sum = families.entry(&slice.family).or_default();
            let ready = if takes_port && !slice.has_ports { 0 } else { slice.ready };
            sum.0 = sum.0.saturating_add(ready);
            sum.1 = sum.1.saturating_add(slice.not_ready).saturating_add(slice.ready - ready);
        }
        // The same pods, in each family once.
        Some(families.into_values().max().unwrap_or_default())
    }

    fn with_endpoints(&mut self, mut service: Service) -> Service {
        self.services.insert(service.key.clone(), service.clone());
        service.endpoints = self.endpoints(&service.key);
        self.services.insert(service.key.clone(), service.clone());
        service
    }

    fn put(&mut self, slice: Slice) -> Vec<Key> {
        let mut touched = self.remove(&slice.key.clone());
        touched.push(slice.service.clone());
        self.by_service.entry(slice.service.clone()).or_default().insert(slice.key.clone());
        self.slices.insert(slice.key.clone(), slice);
        touched
    }

    fn remove(&mut self, key: &Key) -> Vec<Key> {
        let Some(slice) = self.slices.remove(key) else { return Vec::new() };
        if let Some(keys) = self.by_service.get_mut(&slice.service) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_service.remove(&slice.service);
            }
        }
        vec![slice.service]
    }

    /// Takes a change of the slices; `touched` gets the services that they belong to.
    fn told(&mut self, delta: Delta<Slice>, touched: &mut Vec<Key>) {
        match delta {
            Delta::ListStarted => self.unseen = Some(self.slices.keys().cloned().collect()),
            Delta::Applied(slice) => {
                if let Some(unseen) = &mut self.unseen {
                    unseen.remove(&slice.key);
                }
                touched.extend(self.put(slice));
            }
            Delta::Deleted(key) => touched.extend(self.remove(&key)),
            Delta::Listed => {
                for key in self.unseen.take().unwrap_or_default() {
                    touched.extend(self.remove(&key));
                }
                if !std::mem::replace(&mut self.slices_listed, true) {
                    touched.extend(self.services.keys().cloned());
                }
            }
        }
    }

    /// The services among `touched` whose counts changed.
    fn changed(&mut self, mut touched: Vec<Key>) -> Vec<Delta<Service>> {
        touched.sort_unstable();
        touched.dedup();
        let mut deltas = Vec::new();
        for key in touched {
            let endpoints = self.endpoints(&key);
            if let Some(service) = self.services.get_mut(&key).filter(|service| service.endpoints != endpoints) {
                service.endpoints = endpoints;
                deltas.push(Delta::Applied(service.clone()));
            }
        }
        deltas
    }
}

/// Both watches deliver here; only services come out.
#[derive(Clone)]
pub(super) struct Join {
    joined: Arc<Mutex<Joined>>,
    /// Held while delivering, so that the two watches cannot overtake each other.
    turn: Arc<tokio::sync::Mutex<()>>,
    report: Report,
}

impl Join {
    pub fn new(report: Report) -> Self {
        Self { joined: Arc::default(), turn: Arc::default(), report }
    }

    fn services(&self, deltas: Vec<Delta<Service>>) -> Vec<Delta<Service>> {
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        let each = deltas.into_iter().map(|delta| match delta {
            Delta::Applied(service) => Delta::Applied(joined.with_endpoints(service)),
            Delta::Deleted(key) => {
                joined.services.remove(&key);
                Delta::Deleted(key)
            }
            Delta::ListStarted => {
                joined.services.clear();
                Delta::ListStarted
            }
            Delta::Listed => Delta::Listed,
        });
        each.collect()
    }

    fn slices(&self, deltas: Vec<Delta<Slice>>) -> Vec<Delta<Service>> {
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched = Vec::new();
        for delta in deltas {
            joined.told(delta, &mut touched);
        }
        joined.changed(touched)
    }
}

impl Sink<Service> for Join {
    async fn deliver(&mut self, deltas: Vec<Delta<Service>>, server_time: Option<DateTime<Utc>>) -> Result<(), Closed> {
        let _turn = self.turn.lock().await;
        let deltas = self.services(deltas);
        self.report.say(What::Services(deltas), server_time).await
    }
}

impl Sink<Slice> for Join {
    async fn deliver(&mut self, deltas: Vec<Delta<Slice>>, server_time: Option<DateTime<Utc>>) -> Result<(), Closed> {
        let _turn = self.turn.lock().await;
        let deltas = self.slices(deltas);
        if deltas.is_empty() { Ok(()) } else { self.report.say(What::Services(deltas), server_time).await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(ports: &str) -> Service {
        let json = format!(r#"{{"metadata":{{"name":"front","namespace":"n"}},"spec":{{"ports":{ports}}}}}"#);
        Services.object(serde_json::from_str(&json).unwrap()).unwrap()
    }

    fn slice(name: &str, family: &str, ports: &str, ready: &[bool]) -> Slice {
        let endpoints: Vec<_> = ready.iter().map(|ready| format!(r#"{{"addresses":["a"],"conditions":{{"ready":{ready}}}}}"#)).collect();
        let json = format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"n","labels":{{"kubernetes.io/service-name":"front"}}}},
                "addressType":"{family}","ports":{ports},"endpoints":[{}]}}"#,
            endpoints.join(",")
        );
        Slices.object(serde_json::from_str(&json).unwrap()).unwrap()
    }

    fn counted(service: Service, slices: Vec<Slice>) -> Option<(u32, u32)> {
        let mut joined = Joined { slices_listed: true, ..Joined::default() };
        for slice in slices {
            joined.put(slice);
        }
        joined.with_endpoints(service).endpoints
    }

    #[test]
    fn many_slices_of_one_service_are_joined_in_one_go() {
        const MANY: usize = 20_000;
        let http = r#"[{"name":"http","port":8081}]"#;
        let join = |joined: &mut Joined, deltas: Vec<Delta<Slice>>| deltas.into_iter().for_each(|delta| joined.told(delta, &mut Vec::new()));
        let mut joined = Joined { slices_listed: true, ..Joined::default() };
        joined.with_endpoints(service(http));
        for _ in 0..2 {
            let slices = (0..MANY).map(|at| Delta::Applied(slice(&at.to_string(), "IPv4", http, &[true])));
            join(&mut joined, [Delta::ListStarted].into_iter().chain(slices).chain([Delta::Listed]).collect());
        }
        assert_eq!(joined.with_endpoints(service(http)).endpoints, Some((20_000, 0)));
        join(&mut joined, vec![Delta::ListStarted, Delta::Listed]);
        assert_eq!((joined.slices.len(), joined.by_service.len()), (0, 0));
    }

    #[test]
    fn endpoints_are_pods_that_have_the_port_and_each_counts_once() {
        let http = r#"[{"name":"http","port":8081}]"#;
        let served = |family: &str| slice(family, family, http, &[true, true, false]);
        assert_eq!(counted(service(http), vec![served("IPv4"), served("IPv6")]), Some((2, 1)), "both families are the same pods");
        let without = slice("other", "IPv4", "[]", &[true]);
        assert_eq!(counted(service(http), vec![served("IPv4"), without]), Some((2, 2)), "nothing listens there for this service");
        assert_eq!(counted(service("[]"), vec![slice("other", "IPv4", "[]", &[true])]), Some((1, 0)), "a headless service may have no port");
    }
}
