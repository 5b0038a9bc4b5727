//! Pods that go on restarting: so many a second, written through the API of the simulated platform as a kubelet would.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

/// Between two handfuls of writes.
const BEAT: Duration = Duration::from_millis(10);

/// Writes until it is dropped.
pub struct Churn {
    written: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Churn {
    /// Raises the restarts of `per_second` pods a second, in turn, of those whose name is `wanted`.
    pub fn start(kubeconfig: &str, per_second: u32, wanted: impl Fn(&str) -> bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(client(kubeconfig));
        let mut paths = runtime.block_on(paths(&client));
        paths.retain(|path| path.rsplit('/').nth(1).is_some_and(&wanted));
        assert!(!paths.is_empty(), "no pod to change");
        let (written, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let writer = thread::spawn({
            let (written, ends) = (Arc::clone(&written), Arc::clone(&ends));
            move || runtime.block_on(write(&client, &paths, per_second, &written, &ends))
        });
        Self { written, ends, writer: Some(writer) }
    }

    /// Writes that were answered so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

async fn client(kubeconfig: &str) -> Client {
    // The process may have one already; either serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a cluster");
    Client::try_from(config).expect("a client")
}

/// The status of every pod that has a container which says something, as paths.
async fn paths(client: &Client) -> Vec<String> {
    let request = http::Request::get("/api/v1/pods").body(Vec::new()).expect("a request");
    let list: Value = client.request(request).await.expect("the pods");
    let pods = list["items"].as_array().expect("a list").iter();
    pods.filter(|pod| pod.pointer("/status/containerStatuses/0/restartCount").is_some())
        .filter_map(|pod| {
            let (namespace, name) = (pod["metadata"]["namespace"].as_str()?, pod["metadata"]["name"].as_str()?);
            Some(format!("/api/v1/namespaces/{namespace}/pods/{name}/status"))
        })
        .collect()
}

async fn write(client: &Client, paths: &[String], per_second: u32, written: &AtomicU64, ends: &AtomicBool) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let in_a_beat = f64::from(per_second) * BEAT.as_secs_f64();
    let (mut due, mut turn) = (0.0, 0_usize);
    while !ends.load(Ordering::Relaxed) {
        beats.tick().await;
        due += in_a_beat;
        while due >= 1.0 {
            due -= 1.0;
            let path = &paths[turn % paths.len()];
            let restarts = 1 + turn / paths.len();
            let change = json!([{ "op": "replace", "path": "/status/containerStatuses/0/restartCount", "value": restarts }]).to_string();
            let request = http::Request::patch(path).header("content-type", "application/json-patch+json").body(change.into_bytes());
            // A pod may have been replaced meanwhile.
            if client.request_text(request.expect("a request")).await.is_ok() {
                written.fetch_add(1, Ordering::Relaxed);
            }
            turn += 1;
        }
    }
}
