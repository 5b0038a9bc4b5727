//! The HTTP stack under both clients: TLS, proxy and credentials as the kubeconfig says, and no retry layer at all.
//!
//! kube's own stack repeats any method on 429, 503 and 504, and hyper's pool may send a request a second time when a
//! kept connection turns out closed. Reads here use a pool; writes get a fresh connection each and are sent once.

use std::{sync::Arc, time::Duration};

use ::secrecy::ExposeSecret as _;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::connect::{
        Connection, HttpConnector,
        proxy::{SocksV5, Tunnel},
    },
    rt::{TokioExecutor, TokioTimer},
};
use kube::client::{AuthError, ConfigExt};
use tokio::sync::Mutex;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
use tower_http::decompression::DecompressionLayer;

use super::{
    ConnectError,
    body::{Body, innermost},
    budget::Budget,
    credentials::{Credential, Credentials, Identity, basic},
    endpoint::percent_decoded,
    informational::Few,
    kept::{GivenUp, GivingUp, Kept, Pool},
    plugin::Plugin,
    trust,
};
use crate::domain::{secrecy, text::Text, units};

pub(crate) type Outgoing = Request<Full<Bytes>>;
pub(crate) type Incoming = Response<Body>;
pub(crate) type Stack = BoxCloneSyncService<Outgoing, Incoming, BoxError>;

/// A TCP and TLS handshake that takes longer is given up.
const CONNECT_WITHIN: Duration = Duration::from_secs(8);

/// What hyper-util's tunnel says of a proxy's 407; its error has no type that could be named.
const PROXY_WANTS_LOGIN: &str = "tunnel error: proxy authorization required";

/// One cluster's stacks, made at the first request and again for another client certificate.
pub(crate) struct Wire {
    /// Without what [`Credentials`] stand for.
    config: kube::Config,
    credentials: Credentials,
    identity: Option<Identity>,
    server: Text,
    built: Mutex<Option<Stacks>>,
    giving_up: GivingUp,
    budget: Budget,
}

#[derive(Clone)]
struct Stacks {
    read: Arc<Kept<Stack>>,
    write: Stack,
    /// The plugin's client certificate that they were made with.
    identity: Option<Identity>,
}

/// What a request needs to be sent. To be had takes as long as a login; to be used does not.
pub(crate) struct Ready {
    stacks: Stacks,
    credential: Arc<Credential>,
}

impl Ready {
    /// With a pool of connections, for what may be asked again.
    pub fn to_read(&self) -> (Pool, Stack) {
        self.stacks.read.client()
    }

    /// With a connection for each request.
    pub fn to_write(&self) -> Stack {
        self.stacks.write.clone()
    }
}

impl Wire {
    /// `identity`: the kubeconfig's own client certificate.
    pub fn new(config: kube::Config, credentials: Credentials, identity: Option<Identity>, server: Text) -> Self {
        Self { config, credentials, identity, server, built: Mutex::new(None), giving_up: GivingUp::new(), budget: Budget::new() }
    }

    /// Over a service in this process in the place of connections: nothing is resolved, encrypted or logged in to.
    pub fn in_process<S, B>(server: Text, service: S) -> Self
    where
        S: Service<Outgoing, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let stack = service.map_err(Into::into).map_response(|response: Response<B>| response.map(|body| body.map_err(Into::into).boxed_unsync()));
        let stack = BoxCloneSyncService::new(stack);
        let stacks = Stacks { read: Arc::new(Kept::new(stack.clone(), || None)), write: stack, identity: None };
        let config = kube::Config::new(http::Uri::from_static("http://in-process"));
        Self {
            config,
            credentials: Credentials::none(),
            identity: None,
            server,
            built: Mutex::new(Some(stacks)),
            giving_up: GivingUp::new(),
            budget: Budget::new(),
        }
    }

    pub fn server(&self) -> &Text {
        &self.server
    }

    /// Credentials and a stack to send with. Waits as long as the credential plugin runs, which is no time of the server's: limits of
    /// requests begin after it.
    pub async fn ready(&self) -> Result<Ready, ConnectError> {
        let credential = self.credentials.current().await?;
        let mut built = self.built.lock().await;
        if let Some(stacks) = built.as_ref().filter(|stacks| stacks.identity == credential.identity) {
            return Ok(Ready { stacks: stacks.clone(), credential });
        }
        let (config, identity, own) = (self.config.clone(), credential.identity.clone(), self.identity.clone());
        let made = tokio::task::spawn_blocking(move || {
            Ok::<_, kube::Error>(Stacks { identity: identity.clone(), ..build(config, identity.as_ref().or(own.as_ref()))? })
        })
        .await;
        let stacks = made.map_err(|_| ConnectError::config("no connection can be made: its settings could not be read"))?;
        let stacks = built.insert(stacks.map_err(|error| self.not_built(&error))?).clone();
        Ok(Ready { stacks, credential })
    }

    /// The same for a write: what was confirmed is not sent long afterwards.
    pub async fn ready_within(&self, limit: Duration) -> Result<Ready, ConnectError> {
        let late = || self.no_credentials(&format!("{} within {}", self.waits_for().unwrap_or_else(|| "none were had".into()), units::limit(limit)));
        tokio::time::timeout(limit, self.ready()).await.unwrap_or_else(|_| Err(late()))
    }

    /// What a request that is not sent yet waits for: the credential plugin, while it runs.
    pub fn waits_for(&self) -> Option<Text> {
        self.plugin()?.waits_for()
    }

    /// Sends one request with its credentials, and takes note of whether they were taken.
    pub async fn send(&self, ready: &Ready, stack: Stack, mut request: Outgoing) -> Result<Incoming, ConnectError> {
        ready.credential.sign(&mut request);
        let response = stack.oneshot(request).await.map_err(|error| self.failed(&error))?;
        self.credentials.answered(&ready.credential, response.status());
        Ok(response)
    }

    /// For all that is read of this cluster.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    #[cfg(test)]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    #[cfg(test)]
    pub fn proxy(&self) -> Option<&http::Uri> {
        self.config.proxy_url.as_ref()
    }

    #[cfg(test)]
    pub fn may_be_compressed(&self) -> bool {
        !self.config.disable_compression
    }

    /// The credential plugin, where the kubeconfig has one that counts.
    pub fn plugin(&self) -> Option<&Arc<Plugin>> {
        self.credentials.plugin()
    }

    /// For a stream that is about to be asked for.
    pub fn given_up(&self) -> GivenUp {
        self.giving_up.subscribe()
    }

    /// After a request that had no answer in time: no other goes over the connections that are kept. Credentials stay.
    /// The pool of what is asked next, where there is one.
    pub async fn forget_kept(&self, pool: Pool) -> Option<Pool> {
        self.built.lock().await.as_ref().map(|stacks| stacks.read.forget(pool))
    }

    /// After silence of the API server itself: streams are opened again as well.
    pub async fn forget_connections(&self, pool: Pool) {
        if let Some(next) = self.forget_kept(pool).await {
            self.giving_up.all(pool, next);
        }
    }

    /// The same, whichever request it was that met the silence.
    pub async fn forget_all_connections(&self) {
        let pool = self.built.lock().await.as_ref().map(|stacks| stacks.read.client().0);
        if let Some(pool) = pool {
            self.forget_connections(pool).await;
        }
    }

    fn no_credentials(&self, why: &str) -> ConnectError {
        ConnectError::Credentials { server: self.server.clone(), why: Text::line(&secrecy::hide(why)), again: None }
    }

    fn not_built(&self, error: &kube::Error) -> ConnectError {
        match error {
            kube::Error::Auth(error) => self.no_credentials(&credentials_words(error)),
            error => ConnectError::Tls { server: self.server.clone(), why: Text::line(&secrecy::hide(&innermost(error))) },
        }
    }

    /// What a failed request means. Never says anything of a request's headers.
    pub fn failed(&self, error: &BoxError) -> ConnectError {
        let server = self.server.clone();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
        let mut connecting = false;
        while let Some(current) = cause {
            if let Some(error) = current.downcast_ref::<AuthError>() {
                return self.no_credentials(&credentials_words(error));
            }
            if let Some(error) = current.downcast_ref::<hyper_util::client::legacy::Error>() {
                connecting |= error.is_connect();
            }
            if let Some(error) = tls_error(current) {
                let why = tls_words(error);
                // Both are met with the same trust, and which of them it was is not told.
                let proxy = self.proxy_shown().filter(|proxy| proxy.starts_with("https:"));
                let why = proxy.map_or(why.clone(), |proxy| Text::line(&format!("{why} (or this is the certificate of the proxy {proxy})")));
                return ConnectError::Tls { server, why };
            }
            if let Some(error) = current.downcast_ref::<std::io::Error>()
                && error.kind() == std::io::ErrorKind::ConnectionRefused
            {
                // What a proxy meets on its own way it says in an answer.
                let why = match self.proxy_shown() {
                    Some(proxy) => Text::line(&format!("the proxy {proxy} refused the connection: nothing listens there")),
                    None => "connection refused: nothing listens there".into(),
                };
                return ConnectError::Unreachable { server, why };
            }
            cause = current.source();
        }
        let why = secrecy::hide(&innermost(error.as_ref()));
        match self.proxy_shown().filter(|_| connecting) {
            Some(proxy) if why == PROXY_WANTS_LOGIN => {
                let why = format!("the proxy {proxy} asks for a login (407): put one into its address, http://USER:PASSWORD@HOST:PORT");
                ConnectError::Unreachable { server, why: Text::line(&why) }
            }
            Some(proxy) => ConnectError::Unreachable { server, why: Text::line(&format!("through the proxy {proxy}: {why}")) },
            None if connecting => ConnectError::Unreachable { server, why: Text::line(&why) },
            None => ConnectError::Cut { server, why: Text::line(&why) },
        }
    }

    /// The proxy's address without the login in it.
    fn proxy_shown(&self) -> Option<String> {
        let proxy = self.config.proxy_url.as_ref()?;
        let place = proxy.authority()?.as_str();
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        Some(format!("{}://{place}", proxy.scheme_str().unwrap_or("http")))
    }
}

fn build(mut config: kube::Config, identity: Option<&Identity>) -> Result<Stacks, kube::Error> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    if let Some(identity) = identity {
        config.auth_info.client_certificate_data = Some(STANDARD.encode(&identity.certificate));
        config.auth_info.client_key_data = Some(STANDARD.encode(identity.key.expose_secret()).into());
    }
    connected(&config)
}

fn connected(config: &kube::Config) -> Result<Stacks, kube::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_WITHIN));
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    let Some(proxy) = config.proxy_url.clone() else { return over(tcp, config) };
    match proxy.scheme_str() {
        Some("socks5" | "socks5h") => {
            let socks = SocksV5::new(proxy.clone(), tcp);
            match login(&proxy) {
                Some((user, password)) => over(socks.with_auth(user, password), config),
                None => over(socks, config),
            }
        }
        Some("https") => over(with_login(Tunnel::new(proxy.clone(), trust::https(config, tcp)?), &proxy), config),
        _ => over(with_login(Tunnel::new(proxy.clone(), tcp), &proxy), config),
    }
}

fn with_login<C>(tunnel: Tunnel<C>, proxy: &http::Uri) -> Tunnel<C> {
    match login(proxy).map(|(user, password)| basic(&user, &password.into())) {
        Some(Ok(header)) => tunnel.with_auth(header),
        Some(Err(_)) | None => tunnel,
    }
}

/// The login in the proxy's address, as it is meant: `%40` is `@`.
fn login(proxy: &http::Uri) -> Option<(String, String)> {
    let (login, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    Some((percent_decoded(user), percent_decoded(password)))
}

fn over<C>(connector: C, config: &kube::Config) -> Result<Stacks, kube::Error>
where
    C: Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let https = trust::https(config, connector)?;
    let (base, auth, headers) = (config.base_uri_layer(), config.auth_layer()?, config.extra_headers_layer()?);
    let decompression = DecompressionLayer::new().gzip(!config.disable_compression);
    let around = move |client: hyper_util::client::legacy::Client<_, Full<Bytes>>| {
        let stack = ServiceBuilder::new()
            .layer(&base)
            .layer(&decompression)
            .option_layer(auth.as_ref())
            .layer(&headers)
            .map_request(with_known_token)
            .service(Few(client));
        BoxCloneSyncService::new(
            stack.map_response(|response: Response<_>| response.map(|body| BodyExt::map_err(body, BoxError::from).boxed_unsync())),
        )
    };
    let client = || hyper_util::client::legacy::Builder::new(TokioExecutor::new());
    let write = around(client().pool_max_idle_per_host(0).retry_canceled_requests(false).build(https.clone()));
    let pooled = move || around(client().pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(50)).build(https.clone()));
    Ok(Stacks { read: Arc::new(Kept::new(pooled(), move || Some(pooled()))), write, identity: None })
}

/// A login of kube's own renews its token by itself: each is made known as it is sent.
fn with_known_token<B>(request: http::Request<B>) -> http::Request<B> {
    let authorization = request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        secrecy::ours(token);
    }
    request
}

/// A credential error without what a command printed on standard output, which may hold a token.
fn credentials_words(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { cmd, out } => format!("{cmd} ended with {}", out.status),
        error => error.to_string(),
    }
}

/// The TLS error that this error is or carries. An I/O error names as its source what its content has as source, not the
/// content: what it carries has to be taken out, layer by layer.
pub(crate) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    let carried: &(dyn std::error::Error + 'static) = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    tls_error(carried)
}

pub(crate) fn tls_words(error: &rustls::Error) -> Text {
    use rustls::CertificateError as Bad;
    let words = match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => "its certificate is signed by an authority we do not trust".to_owned(),
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => "its certificate has expired".to_owned(),
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "its certificate is for another name".to_owned()
        }
        rustls::Error::InvalidMessage(_) => "it does not speak TLS: is the address http?".to_owned(),
        error => error.to_string(),
    };
    Text::line(&words)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_tls_error_is_found_however_often_it_was_wrapped() {
        let tls = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let once = io::Error::new(io::ErrorKind::InvalidData, tls());
        let twice = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls()));
        for error in [&tls() as &(dyn std::error::Error + 'static), &once, &twice] {
            assert_eq!(tls_error(error), Some(&tls()));
        }
        assert_eq!(tls_error(&io::Error::other("no")), None);
    }
}
