//! Servers besides the API server: by address, or through the API server's service proxy.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use ::secrecy::SecretString;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method};
use serde_json::Value;
use url::{Host, Url};

use super::{
    ConnectError, Reader,
    body::innermost,
    budget::{Budget, checked},
    credentials::PEM_LIMIT,
    kept::Kept,
    login::Login,
    reader::{Answer, Query, date, not_json},
    refusal::{OUR_CREDENTIALS, Refused, begins},
    writer::WriteError,
};
use crate::{
    config::shape::Server,
    domain::{
        secrecy,
        text::{LINE_LIMIT, Text},
    },
    files,
};

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub enum Endpoint {
    Url(Url),
    ServiceProxy {
        namespace: String,
        service: String,
        /// Number or name.
        port: String,
        /// Whether the API server speaks TLS to the service.
        tls: bool,
    },
}

impl FromStr for Endpoint {
    type Err = ConnectError;

    /// `http(s)://host:port/path`, `k8s://namespace/service:port`, `k8s://namespace/https:service:port`.
    fn from_str(text: &str) -> Result<Self, ConnectError> {
        let shown = shown(text);
        let wrong = |why: &str| ConnectError::config(&format!("address {shown:?}: {why}: write http(s)://host:port or k8s://namespace/service:port"));
        if let Some(rest) = text.strip_prefix("k8s://") {
            let (namespace, service) = rest.trim_end_matches('/').split_once('/').ok_or_else(|| wrong("no service is named"))?;
            let parts: Vec<&str> = service.split(':').collect();
            let (tls, service, port) = match parts.as_slice() {
                [service, port] => (false, *service, *port),
                [scheme @ ("http" | "https"), service, port] => (*scheme == "https", *service, *port),
                _ => return Err(wrong("it needs service:port")),
            };
            let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
            if ![namespace, service, port].into_iter().all(is_name) {
                return Err(wrong("a name in it is not a Kubernetes name"));
            }
            return Ok(Self::ServiceProxy { namespace: namespace.to_owned(), service: service.to_owned(), port: port.to_owned(), tls });
        }
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("neither http nor https"));
        }
        // What looks like a path is the end of a password then, and what looks like a host its user.
        if url.username().is_empty() && url.path().contains('@') {
            return Err(wrong("what stands before its @ holds a / or ?, which must be written %2F or %3F"));
        }
        Ok(Self::Url(url))
    }
}

/// An address as typed, without what stands before an `@` and after a `?`.
fn shown(text: &str) -> String {
    let host = |rest: &'_ str| rest.rsplit_once('@').map_or(rest, |(_, host)| host).split(['?', '#']).next().unwrap_or_default().to_owned();
    match text.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", host(rest)),
        None => host(text),
    }
}

impl Endpoint {
    /// Whether a login sent there could be read on the way: plain http to another machine.
    pub fn is_readable(&self) -> bool {
        match self {
            Self::ServiceProxy { .. } => false,
            Self::Url(url) => {
                let is_here = match url.host() {
                    Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
                    Some(Host::Ipv4(address)) => address.is_loopback(),
                    Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
                    None => false,
                };
                url.scheme() == "http" && !is_here
            }
        }
    }

    /// Where the API server's service proxy has it; none for a server with an address of its own.
    pub fn proxy_path(&self) -> Option<String> {
        let (namespace, service) = self.proxied_service()?;
        Some(format!("/api/v1/namespaces/{namespace}/services/{service}/proxy"))
    }

    /// Namespace and the name by which the proxy, and an access review, know the service: `https:elastic:9200`.
    pub fn proxied_service(&self) -> Option<(&str, String)> {
        match self {
            Self::Url(_) => None,
            Self::ServiceProxy { namespace, service, port, tls } => {
                Some((namespace, format!("{}{service}:{port}", if *tls { "https:" } else { "" })))
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => {
                let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
                let whole = format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path().trim_end_matches('/'));
                // A key may stand in the path.
                formatter.write_str(&secrecy::text(&whole, &mut |_| secrecy::HIDDEN.to_owned()))
            }
            Self::ServiceProxy { namespace, service, port, tls } => {
                write!(formatter, "k8s://{namespace}/{}{service}:{port}", if *tls { "https:" } else { "" })
            }
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({self})")
    }
}

/// An answer of any status.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    pub status: u16,
    pub date: Option<DateTime<Utc>>,
    pub content_type: Text,
    pub headers: HeaderMap,
    pub body: Bytes,
    server: Text,
    method: &'static str,
    path: String,
    /// The credentials it was asked with, in words.
    credentials: Text,
}

impl HttpAnswer {
    /// The answer decoded, if it is a success and JSON of that shape.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, ConnectError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refused());
        }
        checked(&self.server, &self.body)?;
        serde_json::from_slice(&self.body).map_err(|error| {
            if error.is_data() {
                return self.misshapen(&error.to_string());
            }
            not_json(&self.server, &self.headers, &self.body)
        })
    }

    /// A success in JSON that does not hold what was asked for.
    pub fn misshapen(&self, why: &str) -> ConnectError {
        let message = Text::of_error(&format!("its answer has another shape than expected: {why}"), LINE_LIMIT);
        ConnectError::Server { server: self.server.clone(), status: self.status, message }
    }

    /// What an answer that is not a success means.
    pub fn refused(&self) -> ConnectError {
        let refused =
            Refused { server: &self.server, method: self.method, path: &self.path, status: self.status, headers: &self.headers, body: &self.body };
        match refused.error() {
            ConnectError::Unauthorized { server, says, .. } => ConnectError::Unauthorized { server, credentials: self.credentials.clone(), says },
            error => error,
        }
    }
}

/// A client for one endpoint. Never retries, follows no redirect, and shows no secret.
#[derive(Clone)]
pub struct HttpReader {
    name: Text,
    way: Way,
}

/// A request without a whole answer.
struct Broken {
    /// False where no byte of it can have left.
    was_sent: bool,
    error: ConnectError,
}

#[derive(Clone)]
enum Way {
    Direct { client: Arc<Kept<reqwest::Client>>, base: Url, login: Box<Login>, ca_file: Option<PathBuf>, budget: Budget },
    Proxied { reader: Reader, base: String },
}

impl fmt::Debug for HttpReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HttpReader({})", self.name)
    }
}

impl HttpReader {
    /// A server as configured.
    pub fn configured(server: &Server, reader: &Reader) -> Result<Self, ConnectError> {
        let endpoint = server.url.parse()?;
        Self::new(&endpoint, Some(server), reader, client)
    }

    /// A service found in the cluster.
    pub fn found(endpoint: &Endpoint, reader: &Reader) -> Result<Self, ConnectError> {
        Self::new(endpoint, None, reader, client)
    }

    /// One whose requests go over a connection of their own, and never twice: for [`HttpWriter`](super::HttpWriter).
    pub(super) fn unrepeated(endpoint: &Endpoint, server: Option<&Server>, reader: &Reader) -> Result<Self, ConnectError> {
        Self::new(endpoint, server, reader, writing_client)
    }

    fn new(endpoint: &Endpoint, server: Option<&Server>, reader: &Reader, client: MakeClient) -> Result<Self, ConnectError> {
        let name = Text::line(&endpoint.to_string());
        let way = match endpoint {
            Endpoint::ServiceProxy { .. } => Way::Proxied { reader: reader.behind(), base: endpoint.proxy_path().unwrap_or_default() },
            Endpoint::Url(url) => {
                let mut base = url.clone();
                let in_address = (!url.username().is_empty()).then(|| {
                    let plain = |text: &str| percent_decoded(text);
                    (plain(url.username()), SecretString::from(plain(url.password().unwrap_or_default())))
                });
                // An address that can carry a login can also lose it.
                let _ = base.set_username("");
                let _ = base.set_password(None);
                base.set_query(None);
                base.set_fragment(None);
                let is_withheld = endpoint.is_readable() && !server.is_some_and(|server| server.login_over_http);
                let login = Box::new(Login { configured: server.and_then(|server| server.auth.clone()), in_address, is_withheld });
                let again = {
                    let (name, server) = (name.clone(), server.cloned());
                    move || client(&name, server.as_ref()).ok()
                };
                let client = Arc::new(Kept::new(client(&name, server)?, again));
                Way::Direct { client, base, login, ca_file: server.and_then(|server| server.ca_file.clone()), budget: reader.budget().clone() }
            }
        };
        Ok(Self { name, way })
    }

    /// Whether its login is sent although it can be read on the way, as somebody allowed.
    pub fn sends_login_readably(&self) -> bool {
        match &self.way {
            Way::Direct { base, login, .. } => login.is_one() && !login.is_withheld && Endpoint::Url(base.clone()).is_readable(),
            Way::Proxied { .. } => false,
        }
    }

    /// The address for messages.
    pub fn name(&self) -> &Text {
        &self.name
    }

    pub async fn get(&self, path: &str, query: Query<'_>, max_bytes: usize, timeout: Duration) -> Result<HttpAnswer, ConnectError> {
        self.ask(Method::GET, path, query, None, max_bytes, timeout).await
    }

    /// A read whose question is a JSON document, as Elasticsearch's searches are.
    ///
    /// Asked by POST; through the API server by GET, which Elasticsearch takes alike: there the method decides which right it
    /// takes, and one to `create` would let its holder write to every server behind the proxy.
    pub async fn search(&self, path: &str, query: Query<'_>, body: &Value, max_bytes: usize, timeout: Duration) -> Result<HttpAnswer, ConnectError> {
        let method = if matches!(self.way, Way::Proxied { .. }) { Method::GET } else { Method::POST };
        self.ask(method, path, query, Some(body), max_bytes, timeout).await
    }

    /// Sends it once to a server with an address of its own. Any complete answer is `Ok`.
    pub(super) async fn send_once(
        &self,
        method: Method,
        path: &str,
        json: Option<&Value>,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<Answer, WriteError> {
        let Way::Direct { client, base, login, budget, .. } = &self.way else {
            return Err(WriteError::NotSent(ConnectError::config(&format!("{} is reached through the API server", self.name))));
        };
        let (_, client) = client.client();
        let asking = self.direct(&client, base, login, budget, method, path, &[], json, max_bytes);
        let late = ConnectError::Timeout { server: self.name.clone(), after: timeout };
        match tokio::time::timeout(timeout, asking).await {
            Err(_) => Err(WriteError::NoAnswer(late)),
            Ok(Err(Broken { was_sent: false, error })) => Err(WriteError::NotSent(error)),
            Ok(Err(Broken { error, .. })) => Err(WriteError::NoAnswer(error)),
            Ok(Ok((status, date, _, body))) => {
                let json = serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(begins(&body).to_string()));
                Ok(Answer { status, date, json })
            }
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: Query<'_>,
        json: Option<&Value>,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<HttpAnswer, ConnectError> {
        let name = if method == Method::POST { "POST" } else { "GET" };
        let (status, date, headers, body, credentials) = match &self.way {
            Way::Proxied { reader, base } => {
                let answer = reader.raw(method, &format!("{base}{path}"), query, json, max_bytes, timeout).await?;
                (answer.status, answer.date, answer.headers, answer.body, OUR_CREDENTIALS.into())
            }
            Way::Direct { client, base, login, budget, .. } => {
                let (pool, now) = client.client();
                let asking = self.direct(&now, base, login, budget, method, path, query, json, max_bytes);
                let Ok(answer) = tokio::time::timeout(timeout, asking).await else {
                    client.forget(pool);
                    return Err(ConnectError::Timeout { server: self.name.clone(), after: timeout });
                };
                let (status, date, headers, body) = answer.map_err(|broken| broken.error)?;
                (status, date, headers, body, login.words())
            }
        };
        let content_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content_type = Text::bounded(content_type, 60);
        Ok(HttpAnswer { status, date, content_type, headers, body, server: self.name.clone(), method: name, path: path.to_owned(), credentials })
    }

    #[expect(clippy::too_many_arguments, reason = "one request, spelled out")]
    async fn direct(
        &self,
        client: &reqwest::Client,
        base: &Url,
        login: &Login,
        budget: &Budget,
        method: Method,
        path: &str,
        query: Query<'_>,
        json: Option<&Value>,
        max_bytes: usize,
    ) -> Result<(u16, Option<DateTime<Utc>>, HeaderMap, Bytes), Broken> {
        let unsent = |error| Broken { was_sent: false, error };
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
        let mut request = client.request(method, url).query(query);
        if let Some(json) = json {
            request = request.json(json);
        }
        request = login.of(request, &self.name).await.map_err(unsent)?;
        let mut response = request.send().await.map_err(|error| Broken { was_sent: !error.is_connect(), error: self.failed(&error) })?;
        let cut = |error| Broken { was_sent: true, error };
        let headers = std::mem::take(response.headers_mut());
        let (mut body, mut share) = (BytesMut::new(), budget.share());
        while let Some(chunk) = response.chunk().await.map_err(|error| cut(self.failed(&error)))? {
            if body.len() + chunk.len() > max_bytes {
                return Err(cut(ConnectError::TooLarge { server: self.name.clone(), limit: max_bytes }));
            }
            share.grow(body.len() + chunk.len()).await;
            body.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), date(&headers), headers, share.of(body.freeze())))
    }

    /// The authority that signed its certificate is none of ours.
    fn untrusted(&self) -> Text {
        match &self.way {
            Way::Direct { ca_file: Some(path), .. } => {
                Text::line(&format!("the authority that signed its certificate is not in its ca_file {}", path.display()))
            }
            _ => "no ca_file names the authority that signed its certificate".into(),
        }
    }

    /// reqwest's own message names the URL with its query; ours names the server and the last cause.
    fn failed(&self, error: &reqwest::Error) -> ConnectError {
        let server = self.name.clone();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(current) = cause {
            if current.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
                return ConnectError::Unreachable { server, why: "connection refused: nothing listens there".into() };
            }
            if let Some(tls) = super::wire::tls_error(current) {
                let why = match tls {
                    rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => self.untrusted(),
                    tls => super::wire::tls_words(tls),
                };
                return ConnectError::Tls { server, why };
            }
            cause = current.source();
        }
        let why = Text::line(&innermost(error));
        if error.is_connect() { ConnectError::Unreachable { server, why } } else { ConnectError::Cut { server, why } }
    }
}

type MakeClient = fn(&Text, Option<&Server>) -> Result<reqwest::Client, ConnectError>;

fn client(name: &Text, server: Option<&Server>) -> Result<reqwest::Client, ConnectError> {
    finished(name, client_builder(name, server)?)
}

/// A connection for each request, and none sent twice.
fn writing_client(name: &Text, server: Option<&Server>) -> Result<reqwest::Client, ConnectError> {
    finished(name, client_builder(name, server)?.pool_max_idle_per_host(0).retry(reqwest::retry::never()))
}

fn finished(name: &Text, builder: reqwest::ClientBuilder) -> Result<reqwest::Client, ConnectError> {
    builder.build().map_err(|error| ConnectError::config(&format!("{name}: no client can be made: {}", innermost(&error))))
}

fn client_builder(name: &Text, server: Option<&Server>) -> Result<reqwest::ClientBuilder, ConnectError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .pool_max_idle_per_host(4)
        .user_agent(concat!("sev1/", env!("CARGO_PKG_VERSION")));
    if let Some(server) = server {
        if server.insecure_skip_tls_verify {
            builder = builder.danger_accept_invalid_certs(true);
        }
        if let Some(path) = &server.ca_file {
            let wrong = |why: &str| ConnectError::config(&format!("{name}: its CA file {}: {why}", path.display()));
            let pem = files::read(path, PEM_LIMIT).map_err(|error| wrong(&error.to_string()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| wrong("no PEM certificate in it"))?;
            if certificates.is_empty() {
                return Err(wrong("no PEM certificate in it"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
    }
    Ok(builder)
}

/// Of a part of an address.
pub(super) fn percent_decoded(text: &str) -> String {
    let escaped = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map(|(key, _)| key.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_logins() {
        for (typed, expected) in [
            ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
            ("https://bob:pw@prom.example/base/?x=1", "https://prom.example/base"),
            ("k8s://monitoring/prometheus:9090", "k8s://monitoring/prometheus:9090"),
            ("k8s://monitoring/https:es:web", "k8s://monitoring/https:es:web"),
        ] {
            let endpoint: Endpoint = typed.parse().unwrap();
            assert_eq!(endpoint.to_string(), expected);
            assert!(!format!("{endpoint:?}").contains("pw"));
        }
        assert_eq!("http://h:9090/api/key/pw".parse::<Endpoint>().unwrap().to_string(), "http://h:9090/api/key/***");
    }

    #[test]
    fn a_login_could_be_read_on_the_way_to_another_machine_without_tls() {
        for (address, is_readable) in [
            ("http://prometheus:9090", true),
            ("http://10.0.0.1:9090", true),
            ("http://localhost.example:9090", true),
            ("https://prometheus:9090", false),
            ("http://localhost:9090", false),
            ("http://127.0.0.9:9090", false),
            ("http://[::1]:9090", false),
            ("k8s://monitoring/prometheus:9090", false),
        ] {
            assert_eq!(address.parse::<Endpoint>().unwrap().is_readable(), is_readable, "{address}");
        }
    }

    #[test]
    fn wrong_addresses_say_what_to_write() {
        for typed in [
            "prometheus:9090",
            "ftp://x",
            "k8s://monitoring",
            "k8s://monitoring/prometheus",
            "k8s://a/../b:1",
            "http://bob:pw@",
            "k8s://bob:pw@a/b:1",
            "ftp://h/?token=pw",
            "http://bob:pw/x@h",
            "http://bob:1/pw@h:9090/x",
            "",
        ] {
            let message = typed.parse::<Endpoint>().unwrap_err().to_string();
            assert!(message.contains("k8s://namespace/service:port"), "{message}");
            assert!(!message.contains("pw"), "{message}");
        }
    }
}
