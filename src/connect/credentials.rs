//! Who we are to the API server: what each request carries, and the client certificate of its connections.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ::secrecy::{ExposeSecret as _, SecretString};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, StatusCode, header, header::InvalidHeaderValue};
use tokio::sync::Mutex;

use super::{ConnectError, plugin::Plugin};
use crate::{
    domain::{
        secrecy,
        text::Text,
        time::{Clock, Mono},
    },
    files,
};

/// A token file is read again after so long, as by client-go (`transport.NewCachedFileTokenSource`: a minute, ten seconds early).
const READ_AGAIN: Duration = Duration::from_secs(50);
/// Tokens and passwords are a few kilobytes.
const TOKEN_LIMIT: u64 = 1 << 20;
/// Largest file of certificates or a key, in bytes: the bundle of a whole operating system has a quarter of a mebibyte.
pub(super) const PEM_LIMIT: u64 = 8 << 20;

/// What one request goes with.
#[derive(Debug, Default)]
pub(crate) struct Credential {
    pub authorization: Option<HeaderValue>,
    pub identity: Option<Identity>,
}

/// A client certificate with its chain, and its key, in PEM.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub certificate: String,
    pub key: SecretString,
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.certificate == other.certificate && self.key.expose_secret() == other.key.expose_secret()
    }
}

impl Identity {
    /// Keeps of each text what belongs there, as OpenSSL puts parameters and requests beside a key. Says what is missing.
    pub fn new(certificate: &str, key: &SecretString) -> Result<Self, String> {
        let certificate = pem(certificate, |label| label == "CERTIFICATE");
        let key = pem(key.expose_secret(), |label| label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY"));
        if certificate.is_empty() {
            return Err("a client certificate that is not PEM".to_owned());
        }
        if key.is_empty() {
            return Err("a client key that is not PEM".to_owned());
        }
        secrecy::ours_for_good(&key);
        // Its lines as one, as they stand in other files.
        secrecy::ours_for_good(&key.lines().filter(|line| !line.starts_with("-----")).collect::<String>());
        Ok(Self { certificate, key: SecretString::from(key) })
    }
}

/// The sections of these labels, each from its first to its last line.
pub(super) fn pem(text: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let mut wanted = String::new();
    let mut within: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            within = is_wanted(label).then(|| label.to_owned());
        }
        if let Some(label) = &within {
            wanted.push_str(line);
            wanted.push('\n');
            if line.strip_prefix("-----END ").and_then(|rest| rest.strip_suffix("-----")) == Some(label) {
                within = None;
            }
        }
    }
    wanted
}

/// Where they come from. By the order of client-go: a token or a login before a plugin.
pub(crate) enum Credentials {
    Fixed(Arc<Credential>),
    TokenFile(TokenFile),
    Plugin(Arc<Plugin>),
}

impl Credentials {
    pub fn none() -> Self {
        Self::Fixed(Arc::default())
    }

    pub fn fixed(authorization: HeaderValue) -> Self {
        Self::Fixed(Arc::new(Credential { authorization: Some(authorization), identity: None }))
    }

    /// Waits for a plugin that has to run first.
    pub async fn current(&self) -> Result<Arc<Credential>, ConnectError> {
        match self {
            Self::Fixed(credential) => Ok(credential.clone()),
            Self::TokenFile(file) => file.credential().await,
            Self::Plugin(plugin) => plugin.credential().await,
        }
    }

    /// How the API server answered a request with it.
    pub fn answered(&self, used: &Arc<Credential>, status: StatusCode) {
        if let Self::Plugin(plugin) = self {
            plugin.answered(used, status);
        }
    }

    pub fn plugin(&self) -> Option<&Arc<Plugin>> {
        match self {
            Self::Plugin(plugin) => Some(plugin),
            Self::Fixed(_) | Self::TokenFile(_) => None,
        }
    }
}

impl Credential {
    pub fn sign<B>(&self, request: &mut Request<B>) {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
    }
}

/// A token that somebody renews in a file. While that cannot be read the last one counts, or the one beside it in the kubeconfig.
pub(crate) struct TokenFile {
    path: PathBuf,
    beside: Option<Arc<Credential>>,
    server: Text,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<(Mono, Arc<Credential>)>>,
}

impl TokenFile {
    pub fn new(path: PathBuf, beside: Option<HeaderValue>, server: Text, clock: Arc<dyn Clock>) -> Self {
        let beside = beside.map(|authorization| Arc::new(Credential { authorization: Some(authorization), identity: None }));
        Self { path, beside, server, clock, last: Mutex::new(None) }
    }

    async fn credential(&self) -> Result<Arc<Credential>, ConnectError> {
        let mut last = self.last.lock().await;
        let now = self.clock.now().mono;
        if let Some((read, credential)) = &*last
            && self.clock.speed().real(now.since(*read)) < READ_AGAIN
        {
            return Ok(credential.clone());
        }
        match self.read().await {
            Ok(authorization) => {
                let credential = Arc::new(Credential { authorization: Some(authorization), identity: None });
                *last = Some((now, credential.clone()));
                Ok(credential)
            }
            Err(why) => last.as_ref().map(|(_, credential)| credential).or(self.beside.as_ref()).cloned().ok_or_else(|| {
                let why = format!("its tokenFile {} {why}", self.path.display());
                ConnectError::Credentials { server: self.server.clone(), why: Text::line(&why), again: None }
            }),
        }
    }

    async fn read(&self) -> Result<HeaderValue, String> {
        let token = secret_file(self.path.clone()).await.map_err(|error| format!("cannot be read: {error}"))?;
        match token.trim() {
            "" => Err("is empty".to_owned()),
            token => bearer(token).map_err(|_| "holds a character that a header cannot carry".to_owned()),
        }
    }
}

/// Off the async threads: a disk may be slow, and a pipe or device is refused.
pub(super) async fn secret_file(path: PathBuf) -> std::io::Result<String> {
    tokio::task::spawn_blocking(move || files::text(&path, TOKEN_LIMIT)).await.map_err(std::io::Error::other)?
}

pub(super) fn bearer(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    secrecy::ours(token);
    sensitive(format!("Bearer {token}"))
}

/// By RFC 7617.
pub(super) fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, InvalidHeaderValue> {
    sensitive(format!("Basic {}", login(user, password)))
}

/// User and password as they are sent.
pub(super) fn login(user: &str, password: &SecretString) -> String {
    let login = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
    secrecy::ours(password.expose_secret());
    secrecy::ours(login.trim_end_matches('='));
    login
}

fn sensitive(text: String) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::try_from(text)?;
    value.set_sensitive(true);
    Ok(value)
}
