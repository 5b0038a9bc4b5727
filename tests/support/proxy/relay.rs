//! An HTTP relay before a server: passes requests on, or answers in its place, or changes what it says.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use chrono::{DateTime, TimeDelta};
use futures::{StreamExt as _, stream};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncReadExt as _, sync::watch};

/// What the relay does with a request.
#[derive(Clone)]
pub enum Manner {
    /// Passes it on and the answer back.
    Honest,
    /// This status, content type and body, with this `Retry-After`.
    Says { status: u16, content_type: &'static str, body: &'static [u8], retry_after: Option<u32> },
    /// A JSON document that never ends.
    Endless,
    /// A byte now and then, for ever.
    Dripping,
    /// Answers are changed by this function of path and body. Streams are changed piece by piece.
    Rewrites(Rewrite),
    /// Of every body the first half passes, and the connection ends.
    CutsShort,
    /// Answers say in `Date` that it is so much later.
    Dated(TimeDelta),
    /// Requests of this method are passed on, and their answers kept back for ever.
    Swallows(String),
    /// Requests of this method never get there.
    Keeps(&'static str),
    /// Writes wait until the manner is another, and are passed on then, also when their sender is gone.
    HoldsWrites,
    /// Watches from before this version are told that it is forgotten, as by a server whose history was compacted.
    Forgot(u64),
    /// GETs of this path are passed on until so many were; later ones wait until the manner is another.
    Holds(String, Arc<AtomicUsize>),
    /// Connections that switch protocols, as commands in containers do, end with the first byte from the server.
    CutsCommands,
}

type Rewrite = Arc<dyn Fn(&str, String) -> String + Send + Sync>;

/// A request that was passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub method: String,
    /// With query.
    pub path: String,
}

/// How the relay speaks to its server.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Who signed the server's certificate, PEM.
    pub authority: Option<Vec<u8>>,
    /// Certificate and key of a client that is known by them, PEM.
    pub identity: Option<Vec<u8>>,
}

impl Access {
    pub fn client(&self) -> reqwest::ClientBuilder {
        let mut client = reqwest::Client::builder().no_proxy().http1_only().redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &self.authority {
            client = client.tls_certs_only([reqwest::Certificate::from_pem(pem).expect("the authority's certificate")]);
        }
        if let Some(pem) = &self.identity {
            client = client.identity(reqwest::Identity::from_pem(pem).expect("a client's certificate"));
        }
        client
    }
}

pub struct Relay {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    server: String,
    client: reqwest::Client,
    /// By HTTP/1.1, which alone can switch protocols.
    switching: reqwest::Client,
    manner: watch::Sender<Manner>,
    passed: Mutex<Vec<Passed>>,
    /// Writes that are held.
    waiting: AtomicUsize,
}

impl Relay {
    /// A relay before the server at `server` (`http://…` or `https://…`).
    pub async fn before(server: &str, access: &Access) -> Self {
        let inner = Arc::new(Inner {
            server: server.trim_end_matches('/').to_owned(),
            client: access.client().no_gzip().build().expect("a client"),
            switching: access.client().http1_only().build().expect("a client"),
            manner: watch::Sender::new(Manner::Honest),
            passed: Mutex::default(),
            waiting: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let answering = Arc::clone(&inner);
        let router = Router::new().fallback(move |request: Request| {
            let inner = Arc::clone(&answering);
            async move { inner.answer(request).await }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inner }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, manner: Manner) {
        self.inner.manner.send_replace(manner);
    }

    /// How many writes are held by now.
    pub fn waiting(&self) -> usize {
        self.inner.waiting.load(Ordering::SeqCst)
    }

    /// Every request so far that was passed on.
    pub fn passed(&self) -> Vec<Passed> {
        self.inner.passed.lock().expect("the requests").clone()
    }
}

/// A request of this method that is no dry-run.
fn is_in_earnest(request: &Request, method: &str) -> bool {
    let is_review = request.uri().path().contains("selfsubject");
    request.method() == method && !is_review && !request.uri().query().unwrap_or_default().contains("dryRun")
}

fn is_write(request: &Request) -> bool {
    ["POST", "PUT", "PATCH", "DELETE"].iter().any(|method| is_in_earnest(request, method))
}

impl Inner {
    async fn answer(self: Arc<Self>, request: Request) -> Response {
        let manner = self.manner.borrow().clone();
        match manner {
            Manner::Says { status, content_type, body, retry_after } => {
                let mut answer = Response::builder().status(status).header("content-type", content_type);
                if let Some(seconds) = retry_after {
                    answer = answer.header("retry-after", seconds);
                }
                answer.body(Body::from(body)).expect("an answer")
            }
            Manner::Endless => json(Body::from_stream(stream::iter(
                std::iter::once(r#"{"status":""#.to_owned()).chain(std::iter::repeat_with(|| "x".repeat(64 * 1024))).map(Ok::<_, Infallible>),
            ))),
            Manner::Dripping => json(Body::from_stream(stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Some((Ok::<_, Infallible>(" "), ()))
            }))),
            Manner::CutsShort => half(self.pass(request, None).await),
            Manner::Dated(later) => dated(self.pass(request, None).await, later),
            Manner::Rewrites(rewrite) => self.pass(request, Some(rewrite)).await,
            Manner::Swallows(method) => {
                let is_swallowed = is_in_earnest(&request, &method);
                let answer = self.pass(request, None).await;
                if is_swallowed { std::future::pending().await } else { answer }
            }
            Manner::Keeps(method) if is_in_earnest(&request, method) => std::future::pending().await,
            Manner::HoldsWrites if is_write(&request) => self.hold(request).await,
            Manner::Honest | Manner::Keeps(_) | Manner::HoldsWrites | Manner::CutsCommands => self.pass(request, None).await,
            Manner::Forgot(version) => match watched_from(&request).filter(|from| *from < version) {
                Some(from) => json(Body::from(expired(from, version))),
                None => self.pass(request, None).await,
            },
            Manner::Holds(path, left) => {
                let is_meant = request.method() == "GET" && request.uri().path() == path;
                let one_less = |left: usize| left.checked_sub(1);
                if is_meant && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err() {
                    self.until_manner(|manner| !matches!(manner, Manner::Holds(..))).await;
                }
                self.pass(request, None).await
            }
        }
    }

    async fn hold(self: Arc<Self>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        // A task of its own: what waits for the answer may end before.
        let passing = tokio::spawn(async move {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            self.until_manner(|manner| !matches!(manner, Manner::HoldsWrites)).await;
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            self.pass(Request::from_parts(parts, Body::from(body)), None).await
        });
        passing.await.expect("an answer")
    }

    async fn until_manner(&self, is_meant: impl FnMut(&Manner) -> bool) {
        // The relay outlives its requests.
        let _ = self.manner.subscribe().wait_for(is_meant).await;
    }

    async fn pass(&self, request: Request, rewrite: Option<Rewrite>) -> Response {
        if request.headers().contains_key("upgrade") {
            return self.tunnel(request).await;
        }
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        self.passed.lock().expect("the requests").push(Passed { method: parts.method.to_string(), path: path.clone() });
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let mut headers = parts.headers;
        for name in ["host", "connection", "content-length", "transfer-encoding", "accept-encoding"] {
            headers.remove(name);
        }
        let sending = self.client.request(parts.method, format!("{}{path}", self.server)).headers(headers).body(body).send();
        let Ok(mut answer) = sending.await else {
            return Response::builder().status(502).body(Body::from("the relay cannot reach its server")).expect("an answer");
        };
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            if !["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
                response = response.header(name, value);
            }
        }
        let is_stream = path.contains("watch=true") || path.contains("follow=true");
        let Some(rewrite) = rewrite else {
            return response.body(streamed(answer, |bytes| bytes)).expect("an answer");
        };
        let change = move |bytes: Bytes| Bytes::from(rewrite(&path, String::from_utf8_lossy(&bytes).into_owned()));
        if is_stream {
            return response.body(streamed(answer, change)).expect("an answer");
        }
        let mut whole = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            whole.extend_from_slice(&chunk);
        }
        response.body(Body::from(change(Bytes::from(whole)))).expect("an answer")
    }
}

impl Inner {
    /// A connection that switches protocols: both sides are joined once the server has agreed.
    async fn tunnel(&self, mut request: Request) -> Response {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        self.passed.lock().expect("the requests").push(Passed { method: request.method().to_string(), path: path.clone() });
        let near = hyper::upgrade::on(&mut request);
        let mut headers = request.headers().clone();
        headers.remove("host");
        let sending = self.switching.request(request.method().clone(), format!("{}{path}", self.server)).headers(headers).send();
        let Ok(answer) = sending.await else {
            return Response::builder().status(502).body(Body::from("the relay cannot reach its server")).expect("an answer");
        };
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            if !["content-length", "transfer-encoding"].contains(&name.as_str()) {
                response = response.header(name, value);
            }
        }
        if answer.status() != 101 {
            let whole = answer.bytes().await.unwrap_or_default();
            return response.body(Body::from(whole)).expect("an answer");
        }
        let is_cut = matches!(*self.manner.borrow(), Manner::CutsCommands);
        tokio::spawn(async move {
            let (Ok(near), Ok(mut far)) = (near.await, answer.upgrade().await) else { return };
            if is_cut {
                let _ = far.read_u8().await;
                return;
            }
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(near), &mut far).await;
        });
        response.body(Body::empty()).expect("an answer")
    }
}

fn json(body: Body) -> Response {
    Response::builder().header("content-type", "application/json").body(body).expect("an answer")
}

/// The version from which a watch goes on.
fn watched_from(request: &Request) -> Option<u64> {
    let query = request.uri().query().filter(|query| query.contains("watch=true"))?;
    query.split('&').find_map(|parameter| parameter.strip_prefix("resourceVersion="))?.parse().ok()
}

fn expired(from: u64, version: u64) -> String {
    format!(
        r#"{{"type":"ERROR","object":{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"too old resource version: {from} ({version})","reason":"Expired","code":410}}}}"#
    ) + "\n"
}

/// The rest of a stream counts as its second half.
fn half(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let broken = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    let cut = body.into_data_stream().take(1).flat_map(move |piece| {
        let piece = piece.map(|piece| piece.slice(..piece.len() / 2)).map_err(|_| broken());
        stream::iter([piece, Err(broken())])
    });
    Response::from_parts(parts, Body::from_stream(cut))
}

fn dated(mut answer: Response, later: TimeDelta) -> Response {
    let date = answer.headers().get("date").and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
    if let Some(date) = date {
        let date = (date.to_utc() + later).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.headers_mut().insert("date", date.parse().expect("a header"));
    }
    answer
}

fn streamed(answer: reqwest::Response, change: impl Fn(Bytes) -> Bytes + Send + 'static) -> Body {
    Body::from_stream(stream::unfold((answer, change), |(mut answer, change)| async move {
        match answer.chunk().await {
            Ok(Some(chunk)) => Some((Ok(change(chunk)), (answer, change))),
            Ok(None) => None,
            Err(error) => Some((Err(error), (answer, change))),
        }
    }))
}
