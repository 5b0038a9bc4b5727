//! The cluster entry that counts, as connections need it: address, authority and proxy (`client-go/tools/clientcmd/validation.go`,
//! `client-go/transport`, `client-go/rest/url_utils.go`).

use std::{net::IpAddr, path::Path};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderValue, Uri};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::{
    file::Cluster,
    proxy::{self, Environment, is_loose},
};
use crate::{
    connect::{
        credentials::{PEM_LIMIT, basic},
        endpoint::percent_decoded,
    },
    files,
};

/// The extension of a cluster that is meant for credential plugins.
const FOR_PLUGINS: &str = "client.authentication.k8s.io/exec";

/// Go's decoder passes over line breaks, wants padding, and does not mind bits of the last character that count for nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Where the API server is.
pub(super) struct Server {
    pub uri: Uri,
    /// A login in the address counts where there is no other.
    pub login: Option<HeaderValue>,
}

impl Server {
    /// An address without a scheme is one of plain HTTP, as for kubectl.
    pub fn of(cluster: &Cluster) -> Result<Self, String> {
        if cluster.server.is_empty() {
            return Err("has no server address".to_owned());
        }
        let wrong = || "has a server address that is none: write https://HOST:PORT".to_owned();
        if is_loose(&cluster.server) {
            return Err("has a server address with a blank or a line break around it: take that out".to_owned());
        }
        let mut url = match Url::parse(&cluster.server) {
            Ok(url) if url.has_host() => url,
            _ => Url::parse(&format!("http://{}", cluster.server)).ok().filter(|url| matches!(url.path(), "" | "/")).ok_or_else(wrong)?,
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("has a server address with the scheme {}, must be http or https", url.scheme()));
        }
        let plain = |text: &str| percent_decoded(text);
        proxy::learn_login(&url);
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => basic(&plain(user), &SecretString::from(plain(password.unwrap_or_default()))).ok(),
        };
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| wrong())?;
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { uri: url.as_str().parse().map_err(|_| wrong())?, login })
    }

    /// On this machine: what is sent there passes nobody.
    pub fn is_here(&self) -> bool {
        let host = self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    pub fn is_encrypted(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}

/// The certificates of its authority in DER; none: those that the system trusts.
pub(super) fn authority(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, String> {
    let pem = match authority_pem(cluster)? {
        None => return Ok(None),
        Some(_) if cluster.insecure_skip_tls_verify => {
            return Err("names a certificate authority and insecure-skip-tls-verify: take one out".to_owned());
        }
        Some(pem) => pem,
    };
    let is_good = |certificate: &CertificateDer<'_>| RootCertStore::empty().add(certificate.clone()).is_ok();
    let certificates = CertificateDer::pem_slice_iter(&pem).flatten().filter(is_good);
    let certificates: Vec<_> = certificates.map(|certificate| certificate.to_vec()).collect();
    if certificates.is_empty() {
        Err("has a certificate authority in which there is no certificate (PEM)".to_owned())
    } else {
        Ok(Some(certificates))
    }
}

fn authority_pem(cluster: &Cluster) -> Result<Option<Vec<u8>>, String> {
    match (cluster.certificate_authority.as_str(), cluster.certificate_authority_data.as_str()) {
        ("", "") => Ok(None),
        ("", data) => Ok(Some(decoded(data, "certificate-authority-data")?).filter(|pem| !pem.is_empty())),
        (path, "") => Ok(Some(read(path, "certificate-authority")?).filter(|pem| !pem.is_empty())),
        _ => Err("names certificate-authority and certificate-authority-data: take one out".to_owned()),
    }
}

/// The proxy of the kubeconfig goes before every rule of the environment, `NO_PROXY` too.
pub(super) fn proxy(cluster: &Cluster, server: &Uri, environment: &Environment) -> Result<Option<Uri>, String> {
    let proxy = if cluster.proxy_url.is_empty() {
        environment.proxy(server)?
    } else {
        let url = Url::parse(&cluster.proxy_url)
            .ok()
            .filter(|url| url.has_host() && !is_loose(&cluster.proxy_url))
            .ok_or("has a proxy-url that is no address")?;
        if !matches!(url.scheme(), "http" | "https" | "socks5") {
            return Err(format!("has a proxy-url with the scheme {}, must be http, https or socks5", url.scheme()));
        }
        Some(url)
    };
    let Some(mut proxy) = proxy else { return Ok(None) };
    proxy::learn_login(&proxy);
    if proxy.scheme().starts_with("socks5") && proxy.port().is_none() {
        // The URL crate knows no port of this scheme, RFC 1928 does.
        _ = proxy.set_port(Some(1080));
    }
    proxy.as_str().parse().map(Some).map_err(|_| "has a proxy whose address cannot be read".to_owned())
}

/// As a plugin is told of it (`client-go/rest/exec.go`).
pub(super) fn for_plugin(cluster: &Cluster) -> Result<Value, String> {
    let mut told = json!({"server": cluster.server});
    let mut tell = |field: &str, value: Value| told[field] = value;
    for (field, text) in [("tls-server-name", &cluster.tls_server_name), ("proxy-url", &cluster.proxy_url)] {
        if !text.is_empty() {
            tell(field, json!(text));
        }
    }
    for (field, is_so) in [("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify), ("disable-compression", cluster.disable_compression)] {
        if is_so {
            tell(field, json!(true));
        }
    }
    if let Some(pem) = authority_pem(cluster)? {
        tell("certificate-authority-data", json!(BASE64.encode(pem)));
    }
    let config = cluster.extensions.iter().find(|extension| extension.name == FOR_PLUGINS).map(|extension| &extension.extension);
    tell("config", config.cloned().unwrap_or_default());
    Ok(told)
}

pub(super) fn decoded(data: &str, field: &str) -> Result<Vec<u8>, String> {
    let data: String = data.chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    BASE64.decode(data).map_err(|_| format!("has {field} that is not base64"))
}

pub(super) fn read(path: &str, field: &str) -> Result<Vec<u8>, String> {
    files::read(Path::new(path), PEM_LIMIT)
        .map_err(|error| format!("has {field} {path}, which cannot be read ({error}): log in again or correct the path"))
}
