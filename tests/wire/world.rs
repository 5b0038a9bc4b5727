//! The two worlds a request is played in: the real servers and the simulated ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kube::client::ConfigExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Map, Value as Json, json};
use sev1::sim::elasticsearch::{Elasticsearch, Failing, SHARDS_PER_INDEX};
use sev1::sim::{self, Options, Running};

use crate::requests::{Request, Scene, Server, Who, filled};
use crate::shape::Shape;
use crate::stack::Stack;

/// How long an answer or an effect may take. A bound, never a wait.
const PATIENCE: Duration = Duration::from_mins(4);

/// An answer, reduced to what is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    /// Nothing for an answer that is no JSON.
    pub shape: Option<Shape>,
}

/// Servers and who is known to them.
pub struct World {
    kubernetes: BTreeMap<&'static str, (reqwest::Client, String, Option<String>)>,
    urls: BTreeMap<Server, String>,
    plain: reqwest::Client,
    /// The simulated one, which can be told to fail.
    elasticsearch: Option<Elasticsearch>,
    now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    _platforms: Vec<Running>,
}

fn clock() -> DateTime<Utc> {
    Utc::now()
}

impl World {
    pub async fn real(stack: &Stack) -> Self {
        let kubeconfig = Kubeconfig::read_from(stack.program("KUBECONFIG")).unwrap();
        let mut kubernetes = BTreeMap::new();
        for (who, context) in [("oncall", "prod-uk-1"), ("viewer", "prod-uk-1-viewer")] {
            kubernetes.insert(who, user(kubeconfig.clone(), context).await);
        }
        let urls = [(Server::Prometheus, "PROMETHEUS_URL"), (Server::Alertmanager, "ALERTMANAGER_URL"), (Server::Elasticsearch, "ELASTICSEARCH_URL")];
        let mut urls: BTreeMap<Server, String> = urls.map(|(server, name)| (server, stack.value(name).to_owned())).into();
        urls.extend(stack.get("ETCD_URL").map(|url| (Server::Etcd, url.to_owned())));
        let plain = crate::stack::client();
        // Something that fires, so that there are alerts to look at.
        let incident = "verification_queue_size=5000\nup:fraud-analytics=0\n";
        plain.post(format!("{}/set", stack.value("EXPORTER_URL"))).body(incident).send().await.unwrap().error_for_status().unwrap();
        Self { kubernetes, urls, plain, elasticsearch: None, now: Box::new(clock), _platforms: Vec::new() }
    }

    /// The cluster at rest; the other servers in the middle of an incident, when there is something to tell.
    pub async fn simulated() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = |scenario: &str| Options { scenario: scenario.to_owned(), seed: 11, speed: 5.0, pods: 0, clock: Arc::new(clock) };
        let (calm, incident) = (sim::start(options("calm")).await.unwrap(), sim::start(options("bad-deploy")).await.unwrap());
        let kubeconfig = Kubeconfig::from_yaml(&calm.kubeconfig).unwrap();
        let mut kubernetes = BTreeMap::new();
        for (who, context) in [("oncall", "prod-uk-1"), ("viewer", "prod-uk-1-viewer")] {
            kubernetes.insert(who, user(kubeconfig.clone(), context).await);
        }
        let urls = [
            (Server::Prometheus, incident.prometheus_url.clone()),
            (Server::Alertmanager, incident.alertmanager_url.clone()),
            (Server::Elasticsearch, incident.elasticsearch_url.clone()),
        ];
        let elasticsearch = Some(incident.elasticsearch.clone());
        Self { kubernetes, urls: urls.into(), plain: crate::stack::client(), elasticsearch, now: Box::new(clock), _platforms: vec![calm, incident] }
    }

    /// What every script may use.
    pub fn known(&self) -> BTreeMap<String, String> {
        let now = (self.now)();
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let steps = (now.timestamp() / 30) * 30;
        [
            ("ns", "digital-identity".to_owned()),
            ("now", time(now)),
            ("hour_ago", time(now - TimeDelta::hours(1))),
            ("in_an_hour", time(now + TimeDelta::hours(1))),
            ("end", steps.to_string()),
            ("start", (steps - 600).to_string()),
            // The index of which no shard answers, in a scene of that.
            ("lost", if self.elasticsearch.is_some() { "logstash-*" } else { "logstash-lost" }.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Sends one request, and keeps of the answer what later ones need.
    pub async fn play(&self, server: Server, request: &Request, kept: &mut BTreeMap<String, String>) -> Option<Answer> {
        let server = request.server.unwrap_or(server);
        if server == Server::Etcd && !self.urls.contains_key(&server) {
            return None;
        }
        if let (Some(scene), Some(elasticsearch)) = (request.simulated, &self.elasticsearch) {
            elasticsearch.fail(failing(scene));
            return None;
        }
        let asked = async {
            let mut pace = tokio::time::interval(Duration::from_millis(250));
            loop {
                pace.tick().await;
                let (answer, body) = self.ask(server, request, kept).await;
                if request.until.is_empty() || body.pointer(&request.until).is_some_and(is_something) {
                    return (answer, body);
                }
            }
        };
        let (answer, body) = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{}: no answer in time", request.name));
        for (name, pointer) in &request.keep {
            let value = body.pointer(pointer).unwrap_or_else(|| panic!("{}: nothing at {pointer} of {body}", request.name));
            kept.insert(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        (!request.scene).then_some(answer)
    }

    async fn ask(&self, server: Server, request: &Request, kept: &BTreeMap<String, String>) -> (Answer, Json) {
        let target = filled(request.target(), kept);
        let (client, base, token) = match server {
            Server::Kubernetes => {
                let (client, base, token) = &self.kubernetes[if request.who == Who::Viewer { "viewer" } else { "oncall" }];
                (client, base, if request.who == Who::Stranger { Some("nobody-knows-this") } else { token.as_deref() })
            }
            other => (&self.plain, &self.urls[&other], None),
        };
        let mut sent = client.request(request.method().parse().unwrap(), format!("{base}{target}")).header("accept", request.accepted());
        if let Some(token) = token {
            sent = sent.bearer_auth(token);
        }
        if !request.content.is_empty() {
            sent = sent.header("content-type", &request.content);
        }
        let mut reply = sent.body(filled(&request.body, kept)).send().await.unwrap_or_else(|why| panic!("{}: {why}", request.name));
        let status = reply.status().as_u16();
        let content_type = reply.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let body = if request.lines > 0 { lines(&mut reply, request.lines).await } else { reply.bytes().await.unwrap().to_vec() };
        let body = if request.lines > 0 && content_type.starts_with("application/json") && status == 200 {
            events(&body)
        } else {
            serde_json::from_slice(&body).unwrap_or(Json::Null)
        };
        let shape = content_type.starts_with("application/json").then(|| Shape::of(&body));
        (Answer { status, content_type, shape }, body)
    }
}

fn failing(scene: Scene) -> Failing {
    match scene {
        Scene::Whole => Failing::default(),
        Scene::SomeShards => Failing { shards: 1, ..Failing::default() },
        Scene::NoShards => Failing { shards: SHARDS_PER_INDEX, ..Failing::default() },
        Scene::Overloaded => Failing { overloaded: true, ..Failing::default() },
    }
}

/// The first so many lines of a stream.
async fn lines(reply: &mut reqwest::Response, count: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.split(|byte| *byte == b'\n').count() <= count {
        match reply.chunk().await.unwrap() {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => break,
        }
    }
    body
}

/// A watch's events by their type.
fn events(body: &[u8]) -> Json {
    let mut by_type: Map<String, Json> = Map::new();
    for line in body.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let event: Json = serde_json::from_slice(line).unwrap();
        let list = by_type.entry(event["type"].as_str().unwrap()).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(event["object"].clone());
    }
    Json::Object(by_type)
}

fn is_something(value: &Json) -> bool {
    !value.is_null() && value != &json!("") && value != &json!([]) && value != &json!(0)
}

/// Client, address and bearer token of a context.
async fn user(kubeconfig: Kubeconfig, context: &str) -> (reqwest::Client, String, Option<String>) {
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    let tls = config.rustls_client_config().unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
    let token = config.auth_info.token.as_ref().map(|token| secrecy::ExposeSecret::expose_secret(token).to_owned());
    (client, config.cluster_url.to_string().trim_end_matches('/').to_owned(), token)
}

/// Where a recording of a subject lies.
pub fn recording(subject: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/recorded").join(format!("{subject}.txt"))
}
