//! The client that only reads. Never retries by itself: every caller knows better when to ask again.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::Full;
use serde_json::Value;

use super::{
    ConnectError, Target,
    body::{self, Body, Lines, Overlong},
    budget::{Budget, checked},
    kept::{GivenUp, Pool},
    path::ApiPath,
    refusal::{Refused, begins},
    wire::{Ready, Wire},
};
use crate::domain::{text::Text, time::plausible};

/// Largest answer of a single object or a small list.
const OBJECT_LIMIT: usize = 8 << 20;
/// Largest error body that is looked at.
const REFUSAL_LIMIT: usize = 64 << 10;
/// Longest line of a watch: etcd keeps objects of at most 1.5 MiB, written as JSON with room to spare.
const WATCH_LINE_LIMIT: usize = 4 << 20;
/// Largest answer of a review. The rules of a user with a thousand roles are some hundred KiB.
const REVIEW_LIMIT: usize = 1 << 20;
/// Longest log line that is kept whole.
const LOG_LINE_LIMIT: usize = 16 << 10;

/// Query parameters; values are encoded here.
pub type Query<'a> = &'a [(&'a str, &'a str)];

/// A JSON answer with what its headers say.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// The server's clock.
    pub date: Option<DateTime<Utc>>,
    pub json: Value,
}

/// An answer of any status, not looked into.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    pub status: u16,
    pub date: Option<DateTime<Utc>>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Reads one cluster. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Reader {
    wire: Arc<Wire>,
    target: Arc<Target>,
    answers: Answers,
}

impl Reader {
    /// Connects at the first request.
    pub fn new(target: &Target) -> Self {
        Self { wire: target.wire.clone(), target: Arc::new(target.clone()), answers: Answers::ApiServer }
    }

    /// For servers that the API server passes requests on to.
    #[must_use]
    pub fn behind(&self) -> Self {
        Self { answers: Answers::Behind, ..self.clone() }
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The API server's address, for messages.
    pub fn server(&self) -> &Text {
        self.wire.server()
    }

    /// What all that is read beside it shares.
    pub(super) fn budget(&self) -> &Budget {
        self.wire.budget()
    }

    /// Has the credentials that the next request goes with. Waits as long as the credential plugin runs.
    pub async fn log_in(&self) -> Result<(), ConnectError> {
        self.wire.ready().await.map(drop)
    }

    /// Whether the credential plugin may ask the person at the terminal, which nobody else may use then.
    pub fn lend_terminal(&self, lends: bool) {
        if let Some(plugin) = self.wire.plugin() {
            plugin.lend_terminal(lends);
        }
    }

    /// Whether there is a credential plugin that cannot do without the terminal.
    pub fn needs_terminal(&self) -> bool {
        self.wire.plugin().is_some_and(|plugin| plugin.must_ask())
    }

    /// What requests wait for that are not sent yet, in words for people: the credential plugin, while it runs.
    pub fn waits_for(&self) -> Option<Text> {
        self.wire.waits_for()
    }

    /// Ends when [`Self::waits_for`] may say something else.
    pub async fn login_changed(&self) {
        match self.wire.plugin() {
            Some(plugin) => plugin.changed().await,
            None => std::future::pending().await,
        }
    }

    /// A credential plugin that failed is run again by the next request, not only after its rest.
    pub fn try_login_again(&self) {
        if let Some(plugin) = self.wire.plugin() {
            plugin.try_again();
        }
    }

    /// A credential plugin that still runs is ended.
    pub fn end_login(&self) {
        if let Some(plugin) = self.wire.plugin() {
            plugin.end();
        }
    }

    /// One object or small list, at most 8 MiB.
    pub async fn get_json(&self, path: &str, query: Query<'_>) -> Result<Answer, ConnectError> {
        let answer = self.raw(Method::GET, path, query, None, OBJECT_LIMIT, self.target.request_timeout).await?;
        self.json(&Method::GET, path, answer)
    }

    /// Questions that are asked by POST and change nothing: access and identity reviews. At most 1 MiB is answered.
    pub async fn review(&self, path: &str, question: &Value) -> Result<Answer, ConnectError> {
        let answer = self.raw(Method::POST, path, &[], Some(question), REVIEW_LIMIT, self.target.request_timeout).await?;
        self.json(&Method::POST, path, answer)
    }

    /// The bytes of one page of a list, for decoding only what is needed of it.
    pub async fn list_page(&self, path: &str, query: Query<'_>, max_bytes: usize) -> Result<RawAnswer, ConnectError> {
        let answer = self.raw(Method::GET, path, query, None, max_bytes, self.target.request_timeout.max(Duration::from_secs(30))).await?;
        self.accept(&Method::GET, path, answer)
    }

    /// A watch as JSON lines. Fails when no byte came for `idle`.
    pub async fn watch(&self, path: &str, query: Query<'_>, idle: Duration) -> Result<Stream, ConnectError> {
        self.stream(path, query, WATCH_LINE_LIMIT, Overlong::Fail, idle, self.target.request_timeout).await
    }

    /// A log as text lines; overlong ones are cut at 16 KiB.
    pub async fn logs(&self, path: &str, query: Query<'_>, idle: Duration) -> Result<Stream, ConnectError> {
        self.stream(path, query, LOG_LINE_LIMIT, Overlong::Cut, idle, self.target.request_timeout).await
    }

    /// Any answer at all, whatever its status, at most `max_bytes` and within `timeout`.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        query: Query<'_>,
        json: Option<&Value>,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<RawAnswer, ConnectError> {
        let (through, ready) = (OnceLock::new(), self.wire.ready().await?);
        let asking = async {
            let response = self.ask(&ready, &through, method, path, query, json).await?;
            let (parts, body) = response.into_parts();
            let limit = if parts.status.is_success() { max_bytes } else { max_bytes.max(REFUSAL_LIMIT) };
            let body = body::whole(body, limit, self.server(), self.wire.budget()).await?;
            Ok(RawAnswer { status: parts.status.as_u16(), date: date(&parts.headers), headers: parts.headers, body })
        };
        self.within(timeout, &through, asking).await
    }

    /// Gives up the kept connections with a request that had no answer in time: those beside its own may be as dead.
    async fn within<T>(
        &self,
        timeout: Duration,
        through: &OnceLock<Pool>,
        asking: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        if let Ok(done) = tokio::time::timeout(timeout, asking).await {
            return done;
        }
        match (through.get(), self.answers) {
            (Some(pool), Answers::ApiServer) => self.wire.forget_connections(*pool).await,
            // It may as well be the one behind that is slow: no reason to open every watch again, each time that it is.
            (Some(pool), Answers::Behind) => _ = self.wire.forget_kept(*pool).await,
            (None, _) => {}
        }
        Err(ConnectError::Timeout { server: self.server().clone(), after: timeout })
    }

    /// For who noticed in another way that the server is silent.
    pub async fn forget_connections(&self) {
        self.wire.forget_all_connections().await;
    }

    /// Says `through` which pool.
    async fn ask(
        &self,
        ready: &Ready,
        through: &OnceLock<Pool>,
        method: Method,
        path: &str,
        query: Query<'_>,
        json: Option<&Value>,
    ) -> Result<Response<Body>, ConnectError> {
        let request = request(method, ApiPath::new(path)?, query, json).map_err(|error| ConnectError::config(&format!("request {path}: {error}")))?;
        let (pool, stack) = ready.to_read();
        through.get_or_init(|| pool);
        self.wire.send(ready, stack, request).await
    }

    async fn stream(
        &self,
        path: &str,
        query: Query<'_>,
        limit: usize,
        overlong: Overlong,
        idle: Duration,
        timeout: Duration,
    ) -> Result<Stream, ConnectError> {
        let (through, ready) = (OnceLock::new(), self.wire.ready().await?);
        let given_up = self.wire.given_up();
        let asking = async {
            let response = self.ask(&ready, &through, Method::GET, path, query, None).await?;
            let (parts, body) = response.into_parts();
            if parts.status.is_success() {
                let lines = Lines::new(body, limit, overlong, idle, self.server().clone(), self.wire.budget());
                return Ok(Stream { date: date(&parts.headers), lines, given_up });
            }
            let body = body::whole(body, REFUSAL_LIMIT, self.server(), self.wire.budget()).await?;
            let answer = RawAnswer { status: parts.status.as_u16(), date: None, headers: parts.headers, body };
            Err(self.refused(&Method::GET, path, &answer))
        };
        self.within(timeout, &through, asking).await
    }

    fn accept(&self, method: &Method, path: &str, answer: RawAnswer) -> Result<RawAnswer, ConnectError> {
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(method, path, &answer)) }
    }

    fn json(&self, method: &Method, path: &str, answer: RawAnswer) -> Result<Answer, ConnectError> {
        let answer = self.accept(method, path, answer)?;
        checked(self.server(), &answer.body)?;
        match serde_json::from_slice(&answer.body) {
            Ok(json) => Ok(Answer { status: answer.status, date: answer.date, json }),
            Err(_) => Err(self.not_json(&answer)),
        }
    }

    /// For callers that decode by themselves and found that it is no JSON.
    pub(crate) fn not_json(&self, answer: &RawAnswer) -> ConnectError {
        not_json(self.server(), &answer.headers, &answer.body)
    }

    fn refused(&self, method: &Method, path: &str, answer: &RawAnswer) -> ConnectError {
        let refused =
            Refused { server: self.server(), method: method.as_str(), path, status: answer.status, headers: &answer.headers, body: &answer.body };
        match (refused.error(), &self.target().impersonates) {
            (error, _) if error.is_of_impersonation() => error,
            // It is the other one who lacks the right: whoever asks may well have it.
            (ConnectError::Forbidden { verb, resource, says }, Some(whom)) => {
                ConnectError::Forbidden { verb, resource: Text::line(&format!("{resource} as {whom}")), says }
            }
            (error, _) => error,
        }
    }
}

/// A stream of lines, and the server's clock when it began.
pub struct Stream {
    pub date: Option<DateTime<Utc>>,
    pub lines: Lines,
    /// Whether the connections of its time were given up.
    pub given_up: GivenUp,
}

/// Whose silence a request without an answer is.
#[derive(Debug, Clone, Copy)]
enum Answers {
    ApiServer,
    Behind,
}

pub(crate) fn request(method: Method, path: ApiPath<'_>, query: Query<'_>, json: Option<&Value>) -> Result<Request<Full<Bytes>>, http::Error> {
    let body = json.map_or_else(Vec::new, |json| json.to_string().into_bytes());
    let mut builder = Request::builder().method(method).uri(with_query(path, query)).header(header::ACCEPT, "application/json");
    builder = builder.header(header::USER_AGENT, concat!("sev1/", env!("CARGO_PKG_VERSION")));
    if json.is_some() {
        builder = builder.header(header::CONTENT_TYPE, "application/json");
    }
    builder.body(Full::new(Bytes::from(body)))
}

/// Path and encoded query.
pub(crate) fn with_query(path: ApiPath<'_>, query: Query<'_>) -> String {
    let path = path.as_str();
    if query.is_empty() {
        return path.to_owned();
    }
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{encoded}")
}

pub(crate) fn not_json(server: &Text, headers: &HeaderMap, body: &[u8]) -> ConnectError {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("no content type");
    ConnectError::NotJson { server: server.clone(), content_type: Text::of_error(content_type, 60), begins: begins(body) }
}

/// The `Date` header.
pub(crate) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().and_then(|date| plausible(date.with_timezone(&Utc)))
}
