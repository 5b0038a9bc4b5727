//! Routers on loopback ports, plain or with TLS, each answer dated by the simulated clock.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::response::Response;
use axum::serve::Listener;
use http::{HeaderValue, header};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::store::Clock;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const HANDSHAKES_WAITING: usize = 64;
/// After a refused accept (no file descriptors left, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Configuration(#[from] rustls::Error),
}

/// A certificate for loopback, and the authority that signed it.
pub struct Identity {
    pub ca_pem: String,
    acceptor: TlsAcceptor,
}

impl Identity {
    /// Makes a new authority, whose key is forgotten at once, and one certificate.
    pub fn generate() -> Result<Self, TlsError> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "sev1 demo CA");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut own = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        own.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        let certificate = own.signed_by(&key, &authority)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { ca_pem: authority.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// A free loopback port. Who connects waits until it is served.
pub async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until stopped. Needs a Tokio runtime.
pub fn plain(listener: TcpListener, router: Router, clock: Clock, stop: CancellationToken) {
    run(listener, router, clock, stop);
}

/// The same with TLS; `address` is where it listens.
pub fn with_tls((listener, address): (TcpListener, SocketAddr), router: Router, identity: &Identity, clock: Clock, stop: CancellationToken) {
    let (connections, ready) = mpsc::channel(HANDSHAKES_WAITING);
    tokio::spawn(accept(listener, identity.acceptor.clone(), connections, stop.clone()));
    run(TlsListener { ready, address }, router, clock, stop);
}

fn run<L>(listener: L, router: Router, clock: Clock, stop: CancellationToken)
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let router = dating(router, clock);
    tokio::spawn(async move {
        // Ends only by the stop token: a listener on loopback has no other end.
        let _ = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    });
}

/// The router with each answer dated by the simulated clock.
pub fn dating(router: Router, clock: Clock) -> Router {
    router.layer(middleware::map_response(move |response: Response| {
        let date = clock();
        async move { dated(response, date) }
    }))
}

fn dated(mut response: Response, date: chrono::DateTime<chrono::Utc>) -> Response {
    if let Ok(value) = HeaderValue::from_str(&date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        response.headers_mut().insert(header::DATE, value);
    }
    response
}

type Connection = (TlsStream<TcpStream>, SocketAddr);

/// Shakes hands with each client in a task of its own, so that a slow one holds nobody up.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, connections: mpsc::Sender<Connection>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (acceptor, connections) = (acceptor.clone(), connections.clone());
        tokio::spawn(async move {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                // Fails only when the server has stopped.
                let _ = connections.send((stream, peer)).await;
            }
        });
    }
}

struct TlsListener {
    ready: mpsc::Receiver<Connection>,
    address: SocketAddr,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // Stopped: the graceful shutdown drops this future.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
