//! A Prometheus of our own, on blocks that its promtool wrote.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::answers::{Answer, Moment};
use super::samples::{self, Series};

/// How long it may take to answer. A bound, never a wait.
const PATIENCE: u32 = 600;

/// Ends with this value.
pub struct Prometheus {
    child: Child,
    url: String,
    pub version: String,
    /// Whether windows are open on the left, as since version 3.
    pub is_left_open: bool,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Prometheus {
    /// Writes the blocks, starts the server over them and waits until it answers.
    pub async fn start(binary: &Path, promtool: &Path, series: &[Series]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (text, data, config) = (folder.path().join("samples.om"), folder.path().join("data"), folder.path().join("prometheus.yml"));
        std::fs::write(&text, samples::open_metrics(series)).unwrap();
        std::fs::write(&config, "global: {evaluation_interval: 15s}\n").unwrap();
        let written = Command::new(promtool).args(["tsdb", "create-blocks-from", "openmetrics"]).args([&text, &data]).output().unwrap();
        assert!(written.status.success(), "promtool: {}", String::from_utf8_lossy(&written.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (url, client) = (format!("http://127.0.0.1:{port}"), crate::stack::client());
        let child = Command::new(binary)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--storage.tsdb.retention.time=100y", "--log.level=error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, url, version: String::new(), is_left_open: false, client, _folder: folder };
        server.ready().await;
        let version = server.get("/api/v1/status/buildinfo", &[]).await["data"]["version"].as_str().unwrap().to_owned();
        server.version = version;
        // A window of two intervals that begins at a scrape holds two samples, or three where its left end is closed.
        let two = format!("count_over_time(up{{job=\"aligned\"}}[{}ms])", 2 * samples::INTERVAL_MS);
        let counted = server.get("/api/v1/query", &[("query", &two), ("time", &(samples::END_MS / 1000).to_string())]).await;
        server.is_left_open = counted["data"]["result"][0]["value"][1] == "2";
        server
    }

    async fn ready(&mut self) {
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..PATIENCE {
            if self.client.get(format!("{}/-/ready", self.url)).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "Prometheus ended before it was ready");
            pace.tick().await;
        }
        panic!("Prometheus is not ready");
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Json {
        let answer = self.client.get(format!("{}{path}", self.url)).query(parameters).send().await.unwrap();
        answer.json().await.unwrap()
    }

    pub async fn answer(&self, query: &str, moment: Moment) -> Answer {
        let (path, mut parameters) = moment.asked();
        parameters.push(("query", query.to_owned()));
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Answer::of_api(&self.get(path, &parameters).await)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
