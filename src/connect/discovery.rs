//! Finds Prometheus, Alertmanager and Elasticsearch among the cluster's services by their usual labels and names.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use tokio::sync::Mutex;

use super::{
    ConnectError, Endpoint, HttpReader, HttpWriter, Reader, Writer,
    pages::{PAGE_LIMIT, Pages},
};
use crate::{
    config::shape::{Server, Servers},
    domain::{
        object::{Scope, segment},
        time::{Clock, Mono},
    },
};

/// How long a look at the services is shared by those who ask.
const FRESH: Duration = Duration::from_secs(20);
/// Services of one list that are looked at. Kubernetes itself is built for 10,000.
const MOST: usize = 50_000;
/// A service below this score is not taken for the server.
const ENOUGH: u32 = 20;
/// Where such servers usually live, likeliest first.
const USUAL_NAMESPACES: [&str; 8] =
    ["monitoring", "observability", "prometheus", "logging", "elastic-system", "kube-prometheus-stack", "kube-system", "default"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Prometheus,
    Alertmanager,
    Elasticsearch,
}

const ALL: [Which; 3] = [Which::Prometheus, Which::Alertmanager, Which::Elasticsearch];

impl Which {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Prometheus => &["prometheus"],
            Self::Alertmanager => &["alertmanager"],
            Self::Elasticsearch => &["elasticsearch", "opensearch"],
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Prometheus => 9090,
            Self::Alertmanager => 9093,
            Self::Elasticsearch => 9200,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::Alertmanager => "Alertmanager",
            Self::Elasticsearch => "Elasticsearch",
        }
    }

    /// What to say when there is none.
    pub fn remedy(self, forbidden: bool) -> String {
        let key = self.names()[0];
        let why = if forbidden { " (not allowed to list the services of all namespaces)" } else { "" };
        format!("no {} found{why}: start with --{key} URL or set servers.{key}.url", self.title())
    }
}

/// What a look at the services found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub prometheus: Option<Endpoint>,
    pub alertmanager: Option<Endpoint>,
    pub elasticsearch: Option<Endpoint>,
    /// Services could not be listed everywhere: only the usual namespaces were looked at, as far as allowed.
    pub forbidden: bool,
}

impl Found {
    pub fn get(&self, which: Which) -> Option<&Endpoint> {
        match which {
            Which::Prometheus => self.prometheus.as_ref(),
            Which::Alertmanager => self.alertmanager.as_ref(),
            Which::Elasticsearch => self.elasticsearch.as_ref(),
        }
    }
}

/// Looks once at all services, or, where that is not allowed, at those of the usual namespaces.
pub async fn find(reader: &Reader, scope: &Scope) -> Result<Found, ConnectError> {
    let (services, forbidden) = match services(reader, "/api/v1/services", scope).await {
        Ok(services) => (services, false),
        // Whoever may not act as somebody may do nothing: that is the reason, and not the services.
        Err(error @ ConnectError::Forbidden { .. }) if error.is_of_impersonation() => return Err(error),
        Err(ConnectError::Forbidden { .. }) => {
            let mut namespaces: Vec<&str> = scope.namespace().into_iter().collect();
            namespaces.extend(USUAL_NAMESPACES);
            let mut seen = Vec::new();
            for namespace in namespaces {
                match services(reader, &format!("/api/v1/namespaces/{}/services", segment(namespace)), scope).await {
                    Ok(some) => seen.extend(some),
                    Err(ConnectError::Forbidden { .. } | ConnectError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            (seen, true)
        }
        Err(error) => return Err(error),
    };
    let best = |which| best(which, &services, scope);
    Ok(Found { prometheus: best(Which::Prometheus), alertmanager: best(Which::Alertmanager), elasticsearch: best(Which::Elasticsearch), forbidden })
}

#[derive(Deserialize)]
struct List {
    metadata: Option<ListMeta>,
    items: Option<Vec<Service>>,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
}

#[derive(Deserialize, Default)]
struct Service {
    #[serde(default)]
    metadata: Meta,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize, Default)]
struct Meta {
    name: Option<String>,
    namespace: Option<String>,
    labels: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
struct Spec {
    #[serde(rename = "type")]
    kind: Option<String>,
    ports: Option<Vec<Port>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Port {
    name: Option<String>,
    #[serde(rename = "port")]
    number: Option<u16>,
    app_protocol: Option<String>,
}

/// Of all services those that may be one of the servers.
async fn services(reader: &Reader, path: &str, scope: &Scope) -> Result<Vec<Service>, ConnectError> {
    let (mut likely, mut pages) = (Vec::new(), Pages::default());
    let mut next: Option<String> = None;
    loop {
        let mut query = vec![("limit", "500")];
        query.extend(next.as_deref().map(|token| ("continue", token)));
        let answer = reader.list_page(path, &query, PAGE_LIMIT).await?;
        let list: List = serde_json::from_slice(&answer.body).map_err(|_| reader.not_json(&answer))?;
        let items = list.items.unwrap_or_default();
        next = pages.next(reader.server(), "services", list.metadata.and_then(|metadata| metadata.next), items.len())?;
        likely.extend(items);
        keep_best(&mut likely, scope);
        if next.is_none() || pages.entries() > MOST {
            return Ok(likely);
        }
    }
}

/// Leaves one service for each server: a page may be large, and there are many.
fn keep_best(services: &mut Vec<Service>, scope: &Scope) {
    let chosen = ALL.map(|which| best_service(which, services, scope).map(std::ptr::from_ref));
    services.retain(|service| chosen.contains(&Some(std::ptr::from_ref(service))));
}

fn best_service<'s>(which: Which, services: &'s [Service], scope: &Scope) -> Option<&'s Service> {
    let candidates = services.iter().filter_map(|service| Some((score(which, service, scope)?, service)));
    let (_, service) = candidates.filter(|(score, _)| *score >= ENOUGH).max_by(|(one, a), (other, b)| {
        // Equal scores: by name, so that every cockpit finds the same one.
        one.cmp(other).then_with(|| (&b.metadata.namespace, &b.metadata.name).cmp(&(&a.metadata.namespace, &a.metadata.name)))
    })?;
    Some(service)
}

fn best(which: Which, services: &[Service], scope: &Scope) -> Option<Endpoint> {
    let service = best_service(which, services, scope)?;
    let port = port(which, service)?;
    let by_word = |word: &Option<String>| word.as_deref().is_some_and(|word| word.contains("https"));
    let tls = by_word(&port.name) || by_word(&port.app_protocol) || port.number == Some(443);
    Some(Endpoint::ServiceProxy {
        namespace: service.metadata.namespace.clone()?,
        service: service.metadata.name.clone()?,
        port: port.number?.to_string(),
        tls,
    })
}

/// How likely a service is the server; none when it cannot be.
fn score(which: Which, service: &Service, scope: &Scope) -> Option<u32> {
    /// Neighbours that carry the server's name.
    const NOT_IT: [&str; 12] = [
        "exporter",
        "operator",
        "pushgateway",
        "adapter",
        "kube-state",
        "node-",
        "webhook",
        "kibana",
        "curator",
        "transport",
        "dashboards",
        "reloader",
    ];
    if service.spec.kind.as_deref() == Some("ExternalName") {
        return None;
    }
    port(which, service)?;
    let name = service.metadata.name.as_deref()?;
    let label = |key: &str| service.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str);
    let component = label("app.kubernetes.io/component");
    let others = ALL.into_iter().filter(|other| *other != which);
    let is_neighbour =
        |word: &str| NOT_IT.iter().any(|not| word.contains(not)) || others.clone().flat_map(Which::names).any(|other| word.ends_with(other));
    if is_neighbour(name) || is_neighbour(component) {
        return None;
    }
    let matches = |text: &str| which.names().contains(&text);
    let mut points = 0;
    points += if matches(label("app.kubernetes.io/name")) { 40 } else { 0 };
    points += if matches(label("app")) || matches(label("k8s-app")) { 30 } else { 0 };
    points += if matches(label("common.k8s.elastic.co/type")) && name.ends_with("-http") { 40 } else { 0 };
    points += if matches(name) {
        30
    } else if which.names().iter().any(|usual| name.ends_with(usual) || name.starts_with(usual)) {
        25
    } else if which.names().iter().any(|usual| name.contains(usual)) {
        10
    } else {
        0
    };
    let namespace = service.metadata.namespace.as_deref()?;
    if let Some(place) = USUAL_NAMESPACES.iter().position(|usual| *usual == namespace) {
        points += u32::try_from(USUAL_NAMESPACES.len() - place).unwrap_or(0);
    }
    points += if scope.namespace() == Some(namespace) { 5 } else { 0 };
    // The operator's headless twin of a service works as well, but the service proper is the better one.
    points -= if name.ends_with("-operated") || name.ends_with("-headless") { 8.min(points) } else { 0 };
    Some(points)
}

fn port(which: Which, service: &Service) -> Option<&Port> {
    let ports = service.spec.ports.as_deref()?;
    let named = |port: &&Port| matches!(port.name.as_deref(), Some("web" | "http-web" | "http" | "https" | "http-es" | "api"));
    let by_number = ports.iter().find(|port| port.number == Some(which.port()));
    by_number.or_else(|| ports.iter().find(named)).or_else(|| ports.first().filter(|_| ports.len() == 1))
}

/// Gives each its server: the configured one, or the one found.
pub struct Finder {
    reader: Reader,
    scope: Scope,
    servers: Servers,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<(Mono, Found)>>,
}

/// A server, or what to say instead.
pub enum Place {
    At(Located),
    Nowhere { remedy: String },
}

/// A server to read, or what to say instead.
pub enum Source {
    At(HttpReader),
    Nowhere { remedy: String },
}

/// Where a server is, and how it is reached.
#[derive(Debug, Clone)]
pub struct Located {
    pub endpoint: Endpoint,
    /// What is configured besides the address.
    server: Option<Server>,
}

impl Located {
    pub fn reader(&self, reader: &Reader) -> Result<HttpReader, ConnectError> {
        match &self.server {
            Some(server) => HttpReader::configured(server, reader),
            None => HttpReader::found(&self.endpoint, reader),
        }
    }

    pub fn writer(&self, reader: &Reader, writer: &Writer) -> Result<HttpWriter, ConnectError> {
        HttpWriter::new(&self.endpoint, self.server.as_ref(), reader, writer)
    }
}

impl Finder {
    /// The cluster in which servers are looked for.
    pub fn cluster(&self) -> &Reader {
        &self.reader
    }

    pub fn new(reader: Reader, scope: Scope, servers: Servers, clock: Arc<dyn Clock>) -> Self {
        Self { reader, scope, servers, clock, last: Mutex::new(None) }
    }

    fn configured(&self, which: Which) -> Option<&Server> {
        match which {
            Which::Prometheus => self.servers.prometheus.as_ref(),
            Which::Alertmanager => self.servers.alertmanager.as_ref(),
            Which::Elasticsearch => self.servers.elasticsearch.as_ref(),
        }
    }

    pub async fn place(&self, which: Which) -> Result<Place, ConnectError> {
        if let Some(server) = self.configured(which) {
            return Ok(Place::At(Located { endpoint: server.url.parse()?, server: Some(server.clone()) }));
        }
        let mut last = self.last.lock().await;
        let now = self.clock.now().mono;
        let found = match &*last {
            Some((at, found)) if self.clock.speed().real(now.since(*at)) < FRESH => found.clone(),
            _ => {
                let found = find(&self.reader, &self.scope).await?;
                *last = Some((self.clock.now().mono, found.clone()));
                found
            }
        };
        match found.get(which) {
            Some(endpoint) => Ok(Place::At(Located { endpoint: endpoint.clone(), server: None })),
            None => Ok(Place::Nowhere { remedy: which.remedy(found.forbidden) }),
        }
    }

    /// The same, ready to be read.
    pub async fn source(&self, which: Which) -> Result<Source, ConnectError> {
        match self.place(which).await? {
            Place::At(located) => located.reader(&self.reader).map(Source::At),
            Place::Nowhere { remedy } => Ok(Source::Nowhere { remedy }),
        }
    }

    /// Whether a failing server may have moved: then it is looked for again.
    pub fn may_move(&self, which: Which) -> bool {
        self.configured(which).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::scripted::{Scripted, json};

    fn service(namespace: &str, name: &str, labels: &str, ports: &str) -> Service {
        serde_json::from_str(&format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}","labels":{{{labels}}}}},"spec":{{"type":"ClusterIP","ports":[{ports}]}}}}"#
        ))
        .unwrap()
    }

    fn found(which: Which, services: &[Service]) -> Option<String> {
        best(which, services, &Scope::All).map(|endpoint| endpoint.to_string())
    }

    #[test]
    fn the_server_is_told_from_its_neighbours() {
        let services = [
            service("monitoring", "kube-prometheus-stack-prometheus-node-exporter", r#""app":"prometheus""#, r#"{"port":9100}"#),
            service("monitoring", "kube-prometheus-stack-operator", r#""app":"kube-prometheus-stack-operator""#, r#"{"port":443}"#),
            service("monitoring", "prometheus-operated", r#""operated-prometheus":"true""#, r#"{"port":9090,"name":"http-web"}"#),
            service(
                "monitoring",
                "kube-prometheus-stack-prometheus",
                r#""app":"kube-prometheus-stack-prometheus""#,
                r#"{"port":9090,"name":"http-web"},{"port":8080}"#,
            ),
            service("monitoring", "kube-prometheus-stack-alertmanager", "", r#"{"port":9093,"name":"http-web"},{"port":8080}"#),
            service("logging", "logs-es-http", r#""common.k8s.elastic.co/type":"elasticsearch""#, r#"{"port":9200,"name":"https"}"#),
            service("logging", "logs-es-transport", r#""common.k8s.elastic.co/type":"elasticsearch""#, r#"{"port":9300}"#),
        ];
        assert_eq!(found(Which::Prometheus, &services).as_deref(), Some("k8s://monitoring/kube-prometheus-stack-prometheus:9090"));
        assert_eq!(found(Which::Alertmanager, &services).as_deref(), Some("k8s://monitoring/kube-prometheus-stack-alertmanager:9093"));
        assert_eq!(found(Which::Elasticsearch, &services).as_deref(), Some("k8s://logging/https:logs-es-http:9200"));
    }

    #[tokio::test]
    async fn a_list_of_services_without_an_end_is_an_error() {
        let page = |next: &str| json(200, &format!(r#"{{"metadata":{{"continue":"{next}"}},"items":[]}}"#));
        let same = Scripted::start(move |_, _| page("same")).await;
        let two = Scripted::start(move |request, _| page(if request.contains("continue=B") { "A" } else { "B" })).await;
        for server in [same, two] {
            let error = find(&Reader::new(&server.target()), &Scope::All).await.unwrap_err().to_string();
            assert!(error.contains("its list of services cannot be read: its pages go on for ever"), "{error}");
            assert!(server.requests() <= 3);
        }
    }

    #[tokio::test]
    async fn whoever_may_not_act_as_somebody_is_told_that() {
        let says = r#"{"kind":"Status","message":"users \"nobody\" is forbidden: User \"me\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope","code":403}"#;
        let server = Scripted::start(move |_, _| json(403, says)).await;
        let error = find(&Reader::new(&server.target()), &Scope::All).await.unwrap_err();
        assert!(error.is_of_impersonation() && error.to_string().contains("user nobody (--as)"), "{error}");
        assert_eq!(server.requests(), 1);
    }

    #[test]
    fn the_usual_namespace_wins_and_nothing_is_nothing() {
        let services = [
            service("shop", "prometheus", r#""app":"prometheus""#, r#"{"port":9090}"#),
            service("monitoring", "prometheus", r#""app":"prometheus""#, r#"{"port":9090}"#),
        ];
        assert_eq!(found(Which::Prometheus, &services).as_deref(), Some("k8s://monitoring/prometheus:9090"));
        assert_eq!(found(Which::Elasticsearch, &services), None);
    }
}
