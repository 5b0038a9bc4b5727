//! A server for tests that does exactly what it is told: answer, stall, cut, lie.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::DateTime;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};

use super::{KubeOptions, Target, credentials::Credentials, kubeconfig, wire::Wire};
use crate::domain::time::{Clock, Mono, Now};

/// One move of the server.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Goes on once so many requests are under way.
    Meet(Arc<Barrier>),
    /// Keeps the connection open and says nothing more.
    Hang,
    Close,
}

/// A whole answer with a length, connection kept.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<Step> {
    let head = format!("HTTP/1.1 {status} X\r\nDate: Mon, 23 Nov 2026 02:14:00 GMT\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    vec![Step::Send([head.as_bytes(), body.as_bytes()].concat())]
}

pub(crate) fn json(status: u16, body: &str) -> Vec<Step> {
    answer(status, "Content-Type: application/json\r\n", body)
}

/// The head of a stream and its first chunk; more follows by `chunk`.
pub(crate) fn stream(first: &str) -> Vec<Step> {
    let mut steps = vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec())];
    if !first.is_empty() {
        steps.push(chunk(first));
    }
    steps
}

pub(crate) fn chunk(text: &str) -> Step {
    Step::Send(format!("{:x}\r\n{text}\r\n", text.len()).into_bytes())
}

pub(crate) fn end() -> Step {
    Step::Send(b"0\r\n\r\n".to_vec())
}

/// Which request, and on which connection, each counted from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub request: usize,
    pub connection: usize,
}

/// A listening server; ends with the test's runtime.
pub(crate) struct Scripted {
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl Scripted {
    /// `script(request, n)` decides about the n-th request, counted over all connections from 0; `request` is its head and body.
    pub async fn start(script: impl Fn(&str, usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::by_connection(move |request, place| script(request, place.request)).await
    }

    /// For scripts to which it matters who asks over which connection.
    pub async fn by_connection(script: impl Fn(&str, Place) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (script, count) = (Arc::new(script), requests.clone());
        tokio::spawn(async move {
            let mut connections = 0..;
            while let (Ok((stream, _)), Some(connection)) = (listener.accept().await, connections.next()) {
                let (script, count) = (script.clone(), count.clone());
                tokio::spawn(serve(stream, move |request: &str| {
                    script(request, Place { request: count.fetch_add(1, Ordering::SeqCst), connection })
                }));
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn target(&self) -> Target {
        target(&self.url)
    }
}

/// A clock that a test sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hands(Arc<std::sync::Mutex<Duration>>);

impl Hands {
    pub fn forward(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hands {
    fn now(&self) -> Now {
        let passed = *self.0.lock().unwrap();
        Now { mono: Mono(passed), utc: DateTime::from_timestamp(1_800_000_000, 0).unwrap() + passed }
    }
}

/// A clock that nobody sets.
pub(crate) fn still() -> Arc<dyn Clock> {
    Arc::new(Hands::default())
}

/// A target at an address, as a kubeconfig would say it.
pub(crate) fn target(url: &str) -> Target {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster: {{server: '{url}'}}\n\
         contexts:\n- name: test\n  context: {{cluster: test, user: me, namespace: shop}}\nusers:\n- name: me\n  user: {{token: s3cr3t}}\n"
    );
    std::fs::write(&path, text).unwrap();
    let options = KubeOptions { kubeconfig: Some(path), request_timeout: Some(Duration::from_secs(2)), ..KubeOptions::default() };
    kubeconfig::load(&options, &still()).unwrap()
}

/// The same with credentials of the test's own.
pub(crate) fn target_with(url: &str, credentials: Credentials) -> Target {
    let config = kube::Config::new(url.parse().unwrap());
    let target = target(url);
    Target { wire: Arc::new(Wire::new(config, credentials, None, target.server.clone())), ..target }
}

async fn serve(mut connection: TcpStream, script: impl Fn(&str) -> Vec<Step>) {
    let mut buffer = Vec::new();
    loop {
        let Some(request) = request(&mut connection, &mut buffer).await else { return };
        for step in script(&request) {
            match step {
                Step::Send(bytes) => {
                    if connection.write_all(&bytes).await.is_err() {
                        return;
                    }
                    // Apart from the next step, so that pieces arrive as pieces.
                    tokio::task::yield_now().await;
                }
                Step::Meet(others) => {
                    others.wait().await;
                }
                Step::Hang => std::future::pending().await,
                Step::Close => return,
            }
        }
    }
}

async fn request(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let rest = buffer.split_off(end + 4 + length);
                let whole = std::mem::replace(buffer, rest);
                return Some(String::from_utf8_lossy(&whole).into_owned());
            }
        }
        let mut piece = [0; 4096];
        match connection.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => buffer.extend_from_slice(&piece[..length]),
        }
    }
}
