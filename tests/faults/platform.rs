//! `sev1 demo --serve` in a process of its own, a gate and a relay before each of its servers, and the cockpit on them.

use std::{
    io::{BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    gate::{Gate, Way},
    harness::Session,
    relay::Relay,
};

/// How the cockpit reaches the Kubernetes API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Its own TLS, through the gate.
    Direct,
    /// Plain HTTP to a relay, which speaks TLS to it.
    Relayed,
}

/// One server: the gate is what the cockpit connects to, the relay stands behind it.
pub struct Server {
    pub gate: Gate,
    pub relay: Relay,
}

pub struct Platform {
    served: Child,
    runtime: Runtime,
    _folder: tempfile::TempDir,
    kubeconfig: PathBuf,
    pub kubernetes: Server,
    pub prometheus: Server,
    pub alertmanager: Server,
    pub elasticsearch: Server,
    url: String,
    token: String,
    authority: Vec<u8>,
}

impl Platform {
    /// The platform with open gates.
    pub fn start(api: Api, more: &[&str]) -> Self {
        Self::start_as(api, Way::Open, more)
    }

    /// The same with every gate set so.
    pub fn start_as(api: Api, way: Way, more: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut served = Command::new(env!("CARGO_BIN_EXE_sev1"))
            .args(["demo", "--serve", "-o", "json"])
            .args(more)
            .env_clear()
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the platform starts");
        let printed = first_json(BufReader::new(served.stdout.take().expect("its output")));
        let url = |name: &str| printed[name].as_str().expect("a URL").to_owned();
        let text = std::fs::read_to_string(url("kubeconfig")).expect("the kubeconfig");
        let original: Value = serde_saphyr::from_str(&text).expect("the kubeconfig is YAML");
        let authority = original.pointer("/clusters/0/cluster/certificate-authority-data").and_then(Value::as_str).expect("an authority");
        let authority = BASE64_STANDARD.decode(authority).expect("base64");
        let token = original.pointer("/users/0/user/token").and_then(Value::as_str).expect("a token").to_owned();

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (kubernetes, prometheus, alertmanager, elasticsearch) = runtime.block_on(async {
            let pem = Some(authority.as_slice());
            let kubernetes = Relay::before(&url("kubernetes"), pem).await;
            let behind = if api == Api::Direct { address(&url("kubernetes")) } else { kubernetes.address() };
            let kubernetes = Server { gate: Gate::before(behind, way), relay: kubernetes };
            (kubernetes, plain(&url("prometheus"), way).await, plain(&url("alertmanager"), way).await, plain(&url("elasticsearch"), way).await)
        });

        let scheme = if api == Api::Direct { "https" } else { "http" };
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, text.replace(&url("kubernetes"), &format!("{scheme}://{}", kubernetes.gate.address()))).expect("a kubeconfig");
        let url = url("kubernetes");
        Self { served, runtime, _folder: folder, kubeconfig, kubernetes, prometheus, alertmanager, elasticsearch, url, token, authority }
    }

    /// The cockpit on this platform.
    pub fn cockpit(&self, columns: u16, rows: u16) -> Session {
        self.cockpit_with(columns, rows, &[], |_, _| {})
    }

    pub fn cockpit_with(
        &self,
        columns: u16,
        rows: u16,
        more: &[&str],
        prepare: impl FnOnce(&mut portable_pty::CommandBuilder, &std::path::Path),
    ) -> Session {
        let url = |server: &Server| format!("http://{}", server.gate.address());
        let (prometheus, alertmanager, elasticsearch) = (url(&self.prometheus), url(&self.alertmanager), url(&self.elasticsearch));
        let kubeconfig = self.kubeconfig.display().to_string();
        let mut args =
            vec!["--kubeconfig", &kubeconfig, "--prometheus", &prometheus, "--alertmanager", &alertmanager, "--elasticsearch", &elasticsearch];
        args.extend(more);
        Session::start_with(columns, rows, &args, prepare)
    }

    pub fn servers(&self) -> [&Server; 4] {
        [&self.kubernetes, &self.prometheus, &self.alertmanager, &self.elasticsearch]
    }

    pub fn set_all(&self, way: Way) {
        for server in self.servers() {
            server.gate.set(way);
        }
    }

    /// Something else than the cockpit asks the Kubernetes API, past gate and relay.
    pub fn api(&self, method: &str, path: &str, content_type: &str, body: &Value) -> Value {
        self.runtime.block_on(async {
            let authority = reqwest::Certificate::from_pem(&self.authority).expect("the authority's certificate");
            let client = reqwest::Client::builder().tls_certs_only([authority]).build().expect("a client");
            let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
            let mut request = client.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(&self.token);
            if method != reqwest::Method::GET {
                request = request.header("content-type", content_type).body(body.to_string());
            }
            let answer = request.send().await.expect("the API answers");
            let status = answer.status();
            let json: Value = answer.json().await.expect("the API answers JSON");
            assert!(status.is_success(), "{method} {path}: {json}");
            json
        })
    }

    pub fn get(&self, path: &str) -> Value {
        self.api("GET", path, "", &Value::Null)
    }

    pub fn merge(&self, path: &str, change: &Value) -> Value {
        self.api("PATCH", path, "application/merge-patch+json", change)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.served.kill();
        let _ = self.served.wait();
    }
}

async fn plain(url: &str, way: Way) -> Server {
    let relay = Relay::before(url, None).await;
    Server { gate: Gate::before(relay.address(), way), relay }
}

fn address(url: &str) -> SocketAddr {
    url.rsplit("//").next().and_then(|rest| rest.parse().ok()).expect("an address")
}

/// The one document that is printed; its end is not the end of the output.
fn first_json(output: impl Read) -> Value {
    serde_json::Deserializer::from_reader(output).into_iter().next().expect("an answer").expect("JSON")
}
