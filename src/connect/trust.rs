//! Whose certificate the API server, and a proxy over TLS, may have: as Go's `crypto/x509` has it.
//!
//! To Go a certificate that is itself among the trusted ones is trusted, whoever signed it and whatever it may sign
//! (`Certificate.Verify`: a chain of one). webpki takes it for a name of an authority only, and refuses it as a server's.

use std::sync::Arc;

use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use kube::client::ConfigExt as _;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

/// TLS over these connections, as the kubeconfig says.
pub(super) fn https<C>(config: &kube::Config, connector: C) -> Result<HttpsConnector<C>, kube::Error> {
    let mut tls = config.rustls_client_config()?;
    if let Some(known) = config.root_cert.as_ref().filter(|_| !config.accept_invalid_certs && config.root_cert_file.is_none())
        && let Some(verifier) = Known::new(known)
    {
        tls.dangerous().set_certificate_verifier(Arc::new(verifier));
    }
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = config.tls_server_name.clone().and_then(|name| ServerName::try_from(name).ok()) {
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_http1().wrap_connector(connector))
}

/// By a chain to a trusted certificate, or by being one.
#[derive(Debug)]
struct Known {
    by_chain: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Known {
    fn new(known: &[Vec<u8>]) -> Option<Self> {
        let certificates: Vec<_> = known.iter().map(|certificate| CertificateDer::from(certificate.clone())).collect();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        let by_chain = WebPkiServerVerifier::builder(Arc::new(roots)).build().ok()?;
        Some(Self { by_chain, certificates })
    }
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.by_chain.verify_server_cert(server, between, name, stapled, now) {
            // Its dates are looked at before who signed it and what it may do, and have errors of their own.
            // One who is trusted under the same name as its issuer did not sign it: a bad signature.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_)))
                if self.certificates.contains(server) =>
            {
                verify_server_name(&ParsedCertificate::try_from(server)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        by: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_chain.verify_tls12_signature(message, by, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        by: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_chain.verify_tls13_signature(message, by, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_chain.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A certificate for `api.corp` whose authority nobody has, good until 2096.
    fn leaf(may_sign: bool) -> Vec<u8> {
        let (authority_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
        let issuer = rcgen::Issuer::new(rcgen::CertificateParams::new(Vec::new()).unwrap(), authority_key);
        let mut parameters = rcgen::CertificateParams::new(vec!["api.corp".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2096, 1, 1);
        if may_sign {
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        parameters.signed_by(&key, &issuer).unwrap().der().to_vec()
    }

    fn verdict(known: &[Vec<u8>], server: &[u8], name: &str, year: u64) -> Result<(), Error> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_556_952));
        let (server, name) = (CertificateDer::from(server.to_vec()), ServerName::try_from(name.to_owned()).unwrap());
        Known::new(known).unwrap().verify_server_cert(&server, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn a_certificate_that_is_trusted_itself_needs_nobody_who_signed_it() {
        for may_sign in [false, true] {
            let (own, other) = (leaf(may_sign), leaf(may_sign));
            let known = [own.clone()];
            assert_eq!(verdict(&known, &own, "api.corp", 2026), Ok(()));
            assert!(verdict(&known, &other, "api.corp", 2026).is_err(), "another certificate");
            assert!(verdict(&known, &own, "elsewhere.corp", 2026).is_err(), "another name");
            assert!(verdict(&known, &own, "api.corp", 2097).is_err(), "no longer good");
        }
    }
}
