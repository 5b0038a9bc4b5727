//! The HTTP stack under both clients: TLS, proxy and credentials as the kubeconfig says, and no retry layer at all.
//!
//! kube's own stack repeats any method on 429, 503 and 504, and hyper's pool may send a request a second time when a
//! kept connection turns out closed. Reads here use a pool; writes get a fresh connection each and are sent once.

use std::{sync::Arc, time::Duration};

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
    kept::{GivenUp, GivingUp, Kept, Pool},
};
use crate::domain::text::Text;

pub(crate) type Outgoing = Request<Full<Bytes>>;
pub(crate) type Incoming = Response<Body>;
pub(crate) type Stack = BoxCloneSyncService<Outgoing, Incoming, BoxError>;

/// A TCP and TLS handshake that takes longer is given up.
const CONNECT_WITHIN: Duration = Duration::from_secs(8);
/// Longest run of a credential plugin.
const CREDENTIALS_WITHIN: Duration = Duration::from_secs(30);

/// One cluster's stacks, made at the first request, because credential plugins run then and may take seconds.
pub(crate) struct Wire {
    config: kube::Config,
    server: Text,
    built: Mutex<Option<Stacks>>,
    giving_up: GivingUp,
}

#[derive(Clone)]
struct Stacks {
    read: Arc<Kept<Stack>>,
    write: Stack,
}

impl Wire {
    pub fn new(config: kube::Config, server: Text) -> Self {
        Self { config, server, built: Mutex::new(None), giving_up: GivingUp::new() }
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
        let stacks = Stacks { read: Arc::new(Kept::new(stack.clone(), || None)), write: stack };
        let config = kube::Config::new(http::Uri::from_static("http://in-process"));
        Self { config, server, built: Mutex::new(Some(stacks)), giving_up: GivingUp::new() }
    }

    pub fn server(&self) -> &Text {
        &self.server
    }

    /// With a pool of connections, for what may be asked again.
    pub async fn to_read(&self) -> Result<(Pool, Stack), ConnectError> {
        Ok(self.stacks().await?.read.client())
    }

    /// With a connection for each request.
    pub async fn to_write(&self) -> Result<Stack, ConnectError> {
        Ok(self.stacks().await?.write)
    }

    async fn stacks(&self) -> Result<Stacks, ConnectError> {
        let mut built = self.built.lock().await;
        if let Some(stacks) = &*built {
            return Ok(stacks.clone());
        }
        let config = self.config.clone();
        let making = tokio::task::spawn_blocking(move || build(&config));
        let stacks = match tokio::time::timeout(CREDENTIALS_WITHIN, making).await {
            Err(_) => return Err(self.credentials("the credential plugin did not finish within 30 s")),
            Ok(Err(_)) => return Err(self.credentials("the credential plugin crashed")),
            Ok(Ok(made)) => made.map_err(|error| self.not_built(&error))?,
        };
        Ok(built.insert(stacks).clone())
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

    /// After a 401: credentials that a plugin gave without an expiry are asked for anew at the next request.
    pub async fn forget_credentials(&self) {
        if self.config.auth_info.exec.is_some() {
            *self.built.lock().await = None;
        }
    }

    fn credentials(&self, why: &str) -> ConnectError {
        ConnectError::Credentials { server: self.server.clone(), why: Text::line(why) }
    }

    fn not_built(&self, error: &kube::Error) -> ConnectError {
        match error {
            kube::Error::Auth(error) => self.credentials(&credentials_words(error)),
            error => ConnectError::Tls { server: self.server.clone(), why: Text::line(&innermost(error)) },
        }
    }

    /// What a failed request means. Never says anything of a request's headers.
    pub fn failed(&self, error: &BoxError) -> ConnectError {
        let server = self.server.clone();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
        let mut connecting = false;
        while let Some(current) = cause {
            if let Some(error) = current.downcast_ref::<AuthError>() {
                return self.credentials(&credentials_words(error));
            }
            if let Some(error) = current.downcast_ref::<hyper_util::client::legacy::Error>() {
                connecting |= error.is_connect();
            }
            if let Some(error) = tls_error(current) {
                return ConnectError::Tls { server, why: tls_words(error) };
            }
            if let Some(error) = current.downcast_ref::<std::io::Error>()
                && error.kind() == std::io::ErrorKind::ConnectionRefused
            {
                return ConnectError::Unreachable { server, why: "connection refused: nothing listens there".into() };
            }
            cause = current.source();
        }
        let why = Text::line(&innermost(error.as_ref()));
        if connecting { ConnectError::Unreachable { server, why } } else { ConnectError::Cut { server, why } }
    }
}

fn build(config: &kube::Config) -> Result<Stacks, kube::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_WITHIN));
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    let Some(proxy) = config.proxy_url.clone() else { return over(tcp, config) };
    match proxy.scheme_str() {
        Some("socks5" | "socks5h") => over(SocksV5::new(proxy, tcp), config),
        Some("https") => over(with_login(Tunnel::new(proxy.clone(), config.rustls_https_connector_with_connector(tcp)?), &proxy), config),
        _ => over(with_login(Tunnel::new(proxy.clone(), tcp), &proxy), config),
    }
}

fn with_login<C>(tunnel: Tunnel<C>, proxy: &http::Uri) -> Tunnel<C> {
    use base64::Engine as _;
    let login = proxy.authority().and_then(|authority| authority.as_str().rsplit_once('@')).map(|(login, _)| login);
    let Some(login) = login else { return tunnel };
    let plain: Vec<u8> = url::form_urlencoded::parse(format!("x={}", login.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.as_bytes().to_vec())
        .unwrap_or_default();
    match format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(plain)).parse() {
        Ok(header) => tunnel.with_auth(header),
        Err(_) => tunnel,
    }
}

fn over<C>(connector: C, config: &kube::Config) -> Result<Stacks, kube::Error>
where
    C: Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let https = config.rustls_https_connector_with_connector(connector)?;
    let (base, auth, headers) = (config.base_uri_layer(), config.auth_layer()?, config.extra_headers_layer()?);
    let decompression = DecompressionLayer::new().gzip(!config.disable_compression);
    let around = move |client: hyper_util::client::legacy::Client<_, Full<Bytes>>| {
        let stack = ServiceBuilder::new()
            .layer(&base)
            .layer(&decompression)
            .option_layer(auth.as_ref())
            .layer(&headers)
            .map_err(BoxError::from)
            .service(client);
        BoxCloneSyncService::new(
            stack.map_response(|response: Response<_>| response.map(|body| BodyExt::map_err(body, BoxError::from).boxed_unsync())),
        )
    };
    let client = || hyper_util::client::legacy::Builder::new(TokioExecutor::new());
    let write = around(client().pool_max_idle_per_host(0).retry_canceled_requests(false).build(https.clone()));
    let pooled = move || around(client().pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(50)).build(https.clone()));
    Ok(Stacks { read: Arc::new(Kept::new(pooled(), move || Some(pooled()))), write })
}

/// A credential error without what the plugin printed on standard output, which may hold a token.
fn credentials_words(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
            format!("the credential plugin ended with {}: {said}; run `kubectl get ns` once in a shell", out.status)
        }
        AuthError::AuthExecStart(error) => format!("the credential plugin of the kubeconfig could not be started: {error}"),
        AuthError::AuthExecParse(_) => "the credential plugin printed something that is not a credential".to_owned(),
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
