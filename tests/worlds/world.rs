//! A world to play in: a cluster and its three servers, each behind a fault proxy, whatever they are made of.

use std::{
    io::{BufReader, Read},
    path::{Path as File, PathBuf},
    process::{Child, Command, Stdio},
};

use portable_pty::CommandBuilder;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    api::Api,
    kubeconfig::{ADMINISTRATOR, Kubeconfig, ON_CALL},
    proxy::{
        Path, Proxy,
        gate::Way,
        relay::{Access, Passed},
    },
    session::Session,
    stack::Stack,
};

/// The servers, in the order in which they are always named.
pub const SERVERS: [&str; 4] = ["kubernetes", "prometheus", "alertmanager", "elasticsearch"];

/// What a world is made of.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `sev1 demo --serve` in a process of its own, with these arguments.
    Simulated(Vec<String>),
    /// The real servers.
    Real(Stack),
}

impl Kind {
    pub fn simulated(arguments: &[&str]) -> Self {
        Self::Simulated(arguments.iter().map(|argument| (*argument).to_owned()).collect())
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Simulated(_) => "simulated",
            Self::Real(_) => "real",
        }
    }
}

pub struct World {
    pub kind: Kind,
    served: Option<Child>,
    runtime: Runtime,
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
    proxies: [Proxy; 4],
    urls: [String; 4],
    api: Api,
    administrator: Api,
}

impl World {
    /// A world with everything in order, the Kubernetes API by the relay.
    pub fn open(kind: Kind) -> Self {
        Self::open_for(kind, ON_CALL, Path::Relayed, Way::Open)
    }

    /// The same for a cockpit in this context, and by this way to the Kubernetes API.
    pub fn open_in(kind: Kind, context: &str, path: Path) -> Self {
        Self::open_for(kind, context, path, Way::Open)
    }

    /// The same with this way to the Kubernetes API, and every gate set so.
    pub fn open_as(kind: Kind, path: Path, way: Way) -> Self {
        Self::open_for(kind, ON_CALL, path, way)
    }

    fn open_for(kind: Kind, context: &str, path: Path, way: Way) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (served, original, urls) = match &kind {
            Kind::Simulated(arguments) => serve(folder.path(), arguments),
            Kind::Real(stack) => (None, Kubeconfig::read(&stack.kubeconfig), stack.urls.clone()),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (access, own) = (original.access(context), original.access(ON_CALL));
        let (proxies, api, administrator) = runtime.block_on(async {
            let [kubernetes, prometheus, alertmanager, elasticsearch] = &urls;
            let plain = Access::default();
            let proxies = [
                Proxy::before(kubernetes, &access, path, way).await,
                Proxy::before(prometheus, &plain, Path::Relayed, way).await,
                Proxy::before(alertmanager, &plain, Path::Relayed, way).await,
                Proxy::before(elasticsearch, &plain, Path::Relayed, way).await,
            ];
            let api = |context: &str| Api::new(kubernetes, &own, original.token(context));
            (proxies, api(ON_CALL), api(ADMINISTRATOR))
        });
        let scheme = if path == Path::Direct { "https" } else { "http" };
        let kubeconfig = folder.path().join("kubeconfig");
        original.write_for(&format!("{scheme}://{}", proxies[0].address()), &kubeconfig);
        Self { kind, served, runtime, folder, kubeconfig, proxies, urls, api, administrator }
    }

    pub fn is_real(&self) -> bool {
        matches!(self.kind, Kind::Real(_))
    }

    pub fn proxy(&self, server: &str) -> &Proxy {
        let index = SERVERS.iter().position(|name| *name == server).unwrap_or_else(|| panic!("no server {server}: there are {SERVERS:?}"));
        &self.proxies[index]
    }

    pub fn kubernetes(&self) -> &Proxy {
        &self.proxies[0]
    }

    pub fn proxies(&self) -> &[Proxy; 4] {
        &self.proxies
    }

    pub fn set_all(&self, way: Way) {
        for proxy in &self.proxies {
            proxy.gate.set(way);
        }
    }

    /// Arguments by which sev1 finds everything behind its proxies.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--kubeconfig".to_owned(), self.kubeconfig.display().to_string()];
        for (name, proxy) in SERVERS.iter().zip(&self.proxies).skip(1) {
            arguments.extend([format!("--{name}"), format!("http://{}", proxy.address())]);
        }
        arguments
    }

    /// The cockpit on this world.
    pub fn cockpit(&self, columns: u16, rows: u16) -> Session {
        self.cockpit_with(columns, rows, &[], |_, _| {})
    }

    pub fn cockpit_with(&self, columns: u16, rows: u16, more: &[&str], prepare: impl FnOnce(&mut CommandBuilder, &File)) -> Session {
        let arguments = self.arguments();
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        arguments.extend(more);
        Session::start_with(columns, rows, &arguments, prepare)
    }

    /// Something else than sev1 asks the Kubernetes API, past the proxy.
    pub fn api(&self, method: &str, path: &str, content_type: &str, body: &Value) -> Value {
        self.runtime.block_on(self.api.ask(method, path, content_type, body))
    }

    /// The same as whoever gives others their roles.
    pub fn administer(&self, method: &str, path: &str, body: &Value) -> Value {
        self.runtime.block_on(self.administrator.ask(method, path, "application/json", body))
    }

    /// Whether a user is allowed what these attributes of an access review say.
    pub fn may(&self, user: &str, attributes: &Value) -> bool {
        let kind = "SelfSubjectAccessReview";
        let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": { "resourceAttributes": attributes } });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.runtime.block_on(self.administrator.ask_for(Some(user), "POST", path, "application/json", &review));
        answer["status"]["allowed"] == true
    }

    pub fn get(&self, path: &str) -> Value {
        self.api("GET", path, "", &Value::Null)
    }

    pub fn merge(&self, path: &str, change: &Value) -> Value {
        self.api("PATCH", path, "application/merge-patch+json", change)
    }

    pub fn post(&self, path: &str, object: &Value) -> Value {
        self.api("POST", path, "application/json", object)
    }

    /// A request without TLS to a server beside the cluster.
    pub fn http(&self, method: &str, url: &str, content_type: &str, body: String) -> String {
        self.runtime.block_on(super::api::ask(&Access::default(), None, method, url, content_type, body))
    }

    /// The same with TLS and a login.
    pub fn https(&self, access: &Access, login: (&str, &str), method: &str, url: &str, content_type: &str, body: String) -> String {
        self.runtime.block_on(super::api::ask(access, Some(login), method, url, content_type, body))
    }

    /// Something else than sev1 asks Alertmanager, past the proxy.
    pub fn ask_alertmanager(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.http(method, &format!("{}{path}", self.urls[2].trim_end_matches('/')), "application/json", body);
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }

    /// What was written to the Kubernetes API through the proxy: neither reviews nor dry runs.
    pub fn written(&self) -> Vec<Passed> {
        let is_write = |request: &Passed| request.method != "GET" && !request.path.contains("dryRun") && !request.path.contains("selfsubject");
        // Searches of Elasticsearch by the service proxy are POST, and read.
        let is_proxied = |request: &Passed| request.path.contains("/proxy/");
        self.kubernetes().relay.passed().into_iter().filter(|request| is_write(request) && !is_proxied(request)).collect()
    }

    /// A folder that lives as long as the world.
    pub fn folder(&self) -> &File {
        self.folder.path()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(served) = &mut self.served {
            let _ = served.kill();
            let _ = served.wait();
        }
    }
}

fn serve(folder: &File, arguments: &[String]) -> (Option<Child>, Kubeconfig, [String; 4]) {
    let mut served = Command::new(env!("CARGO_BIN_EXE_sev1"))
        .args(["demo", "--serve", "-o", "json"])
        .args(arguments)
        .env_clear()
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the platform starts");
    let printed = first_json(BufReader::new(served.stdout.take().expect("its output")));
    let of = |name: &str| printed[name].as_str().expect("a URL").to_owned();
    let kubeconfig = Kubeconfig::read(File::new(&of("kubeconfig")));
    (Some(served), kubeconfig, SERVERS.map(of))
}

/// The one document that is printed; its end is not the end of the output.
fn first_json(output: impl Read) -> Value {
    serde_json::Deserializer::from_reader(output).into_iter().next().expect("an answer").expect("JSON")
}
