//! A relay before the simulated API server that keeps what was asked. Services behind the service proxy are asked through it too.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{StatusCode, header};
use sev1::sim::Running;

/// One request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub accept: String,
    pub content_type: String,
    pub body: String,
}

#[derive(Clone)]
pub struct Recorder {
    upstream: String,
    token: String,
    client: reqwest::Client,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Recorder {
    /// Listens on loopback without TLS. kubectl sends no token without TLS, so everything is asked as the engineer on call.
    pub async fn before(platform: &Running) -> (Self, String) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = reqwest::Certificate::from_pem(platform.ca_pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
        let recorder = Self { upstream: platform.kubernetes_url.clone(), token: platform.token.clone(), client, asked: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(relay).with_state(recorder.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (recorder, url)
    }

    /// What was asked since the last time.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn relay(State(recorder): State<Recorder>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: header::HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let target = parts.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default();
    recorder.asked.lock().unwrap().push(Asked {
        method: parts.method.to_string(),
        target: target.clone(),
        accept: header(header::ACCEPT),
        content_type: header(header::CONTENT_TYPE),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let mut forwarded = recorder.client.request(parts.method, format!("{}{target}", recorder.upstream)).bearer_auth(&recorder.token).body(body);
    for name in [header::ACCEPT, header::CONTENT_TYPE] {
        if let Some(value) = parts.headers.get(&name) {
            forwarded = forwarded.header(name, value);
        }
    }
    let Ok(answer) = forwarded.send().await else {
        return Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap();
    };
    let mut response = Response::builder().status(answer.status());
    for name in [header::CONTENT_TYPE, header::DATE, header::WARNING] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    response.body(Body::new(reqwest::Body::from(answer))).unwrap()
}
