//! The API server behind real proxies, beside kubectl.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer};

use super::{
    Beside, cluster,
    proxy_server::{Proxy, Speaks},
};

/// A name that only a proxy can find.
const FAR: &str = "api.corp.invalid:6443";

/// What a certificate of the simulated API server is for.
const NAME: &str = "127.0.0.1";

fn server(beside: &Beside) -> SocketAddr {
    beside.good["clusters"][0]["cluster"]["server"].as_str().unwrap().trim_start_matches("https://").parse().unwrap()
}

/// Writes a kubeconfig for a server at `address` that is known by its certificate, reached through `proxy`.
fn behind(beside: &Beside, address: &str, proxy: &str, more: impl FnOnce(&mut Value)) {
    let mut config = beside.good.clone();
    let entry = cluster(&mut config);
    entry["server"] = format!("https://{address}").into();
    entry["tls-server-name"] = NAME.into();
    entry["proxy-url"] = proxy.into();
    more(entry);
    beside.write("config", serde_json::to_string(&config).unwrap().as_bytes());
}

/// What `sev1 status` says where it has no answer.
fn complaint(beside: &Beside) -> String {
    let mine = beside.run(env!("CARGO_BIN_EXE_sev1"), &["status", "-o", "json"], &[]);
    format!("{}{}", String::from_utf8_lossy(&mine.stdout), String::from_utf8_lossy(&mine.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_proxy_is_gone_through_with_its_login_and_named_when_it_refuses() {
    let beside = Beside::new().await;
    let open = Proxy::start(Speaks::Http(None), server(&beside)).await;
    behind(&beside, FAR, &format!("http://{}", open.address), |_| {});
    assert!(beside.is_taken("a proxy for everybody", &[], &[]));
    assert_eq!(open.asked(), [FAR]);

    let guarded = Proxy::start(Speaks::Http(Some("night:p@ss word")), server(&beside)).await;
    for (login, expected) in [("night:p%40ss%20word@", true), ("night:wrong-word@", false), ("", false)] {
        behind(&beside, FAR, &format!("http://{login}{}", guarded.address), |_| {});
        assert_eq!(beside.is_taken(login, &[], &[]), expected, "{login}");
        assert_eq!(guarded.asked(), [FAR], "{login}");
        if !expected {
            let said = complaint(&beside);
            assert!(said.contains(&format!("the proxy http://{} asks for a login (407)", guarded.address)), "{said}");
            assert!(!said.contains("wrong-word"), "{said}");
        }
    }
    behind(&beside, FAR, "http://127.0.0.1:1", |_| {});
    assert!(!beside.is_taken("a proxy that is not there", &[], &[]));
    let said = complaint(&beside);
    assert!(said.contains("the proxy http://127.0.0.1:1 refused the connection: nothing listens there"), "{said}");
}

/// An authority and a proxy's certificate for the name that the API server has too: kubectl looks for that one alone.
fn certified() -> (String, Arc<ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    (pem, Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_over_tls_is_trusted_by_the_kubeconfigs_authority() {
    let beside = Beside::new().await;
    let (authority, config) = certified();
    let proxy = Proxy::start(Speaks::Https(config), server(&beside)).await;
    let address = format!("https://{}", proxy.address);
    behind(&beside, FAR, &address, |entry| {
        let known = STANDARD.decode(entry["certificate-authority-data"].as_str().unwrap()).unwrap();
        entry["certificate-authority-data"] = STANDARD.encode([&known, authority.as_bytes()].concat()).into();
    });
    assert!(beside.is_taken("both authorities", &[], &[]));
    assert_eq!(proxy.asked(), [FAR]);
    behind(&beside, FAR, &address, |_| {});
    assert!(!beside.is_taken("a proxy that nobody vouches for", &[], &[]));
    assert!(proxy.asked().is_empty());
    let said = complaint(&beside);
    assert!(said.contains("certificate is signed by an authority we do not trust"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socks_proxy_looks_the_name_up_itself() {
    let beside = Beside::new().await;
    let open = Proxy::start(Speaks::Socks5(None), server(&beside)).await;
    behind(&beside, FAR, &format!("socks5://{}", open.address), |_| {});
    assert!(beside.is_taken("socks5", &[], &[]));
    assert_eq!(open.asked(), [format!("name {FAR}")]);
    behind(&beside, FAR, &format!("socks5h://{}", open.address), |_| {});
    assert!(!beside.is_taken("a kubeconfig knows no socks5h", &[], &[]));
    behind(&beside, FAR, "", |_| {});
    for scheme in ["socks5", "socks5h"] {
        let proxy = format!("{scheme}://{}", open.address);
        assert!(beside.is_taken(scheme, &[], &[("HTTPS_PROXY", &proxy)]), "{scheme} in the environment");
        assert_eq!(open.asked(), [format!("name {FAR}")], "{scheme}");
    }
    let guarded = Proxy::start(Speaks::Socks5(Some("night:pass")), server(&beside)).await;
    for (login, expected) in [("night:pass@", true), ("night:wrong@", false), ("", false)] {
        behind(&beside, FAR, &format!("socks5://{login}{}", guarded.address), |_| {});
        assert_eq!(beside.is_taken(login, &[], &[]), expected, "socks5 with {login:?}");
    }
}

/// `0.0.0.0` leads to this machine, and is no address of it to either program: so it is seen whether a proxy was asked.
#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_decides_alike_whether_a_proxy_is_asked() {
    let beside = Beside::new().await;
    let proxy = Proxy::start(Speaks::Http(None), server(&beside)).await;
    let (address, port) = (format!("http://{}", proxy.address), server(&beside).port());
    let here = format!("0.0.0.0:{port}");
    let (with_port, other_port) = (here.clone(), "0.0.0.0:1".to_owned());
    for (server, no_proxy, is_asked) in [
        (here.as_str(), "", true),
        (&here, "0.0.0.0/8", false),
        (&here, "10.0.0.0/8, 0.0.0.0/32", false),
        (&here, "0.0.0.0/8:6443", true),
        (&here, "0.0.0.*", true),
        (&here, with_port.as_str(), false),
        (&here, other_port.as_str(), true),
        (&here, "*", false),
        (&here, "corp,*", false),
        (FAR, "corp.invalid", false),
        (FAR, ".corp.invalid", false),
        (FAR, "*.corp.invalid", false),
        (FAR, ".invalid:6443", false),
        (FAR, ".invalid:443", true),
        (FAR, "orp.invalid", true),
        (FAR, "https://api.corp.invalid", true),
        (FAR, "10.0.0.0/8,,", true),
    ] {
        behind(&beside, server, "", |_| {});
        let variables = [("HTTPS_PROXY", address.as_str()), ("NO_PROXY", no_proxy)];
        let mut both = Vec::new();
        for (program, arguments) in
            [(env!("CARGO_BIN_EXE_sev1"), ["status", "--timeout", "5s"]), ("kubectl", ["get", "pods", "--request-timeout=5s"])]
        {
            if program != "kubectl" || beside.has_kubectl {
                beside.run(program, &arguments, &variables);
                both.push(!proxy.asked().is_empty());
            }
        }
        assert!(both.iter().all(|asked| *asked == is_asked), "{server} NO_PROXY={no_proxy:?}: sev1 and kubectl asked the proxy: {both:?}");
    }
    behind(&beside, &here, &address, |_| {});
    assert!(beside.is_taken("the kubeconfig's proxy", &[], &[("NO_PROXY", "*")]));
    assert!(!proxy.asked().is_empty(), "NO_PROXY says nothing of the kubeconfig's proxy");
}
