//! Kubeconfigs of public bug reports about kubectl, client libraries, cockpits and login helpers, beside kubectl.

use std::{fs, os::unix::fs::PermissionsExt as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Beside, cluster, user};

const V1: &str = "client.authentication.k8s.io/v1";

fn token(beside: &Beside) -> String {
    beside.good["users"][0]["user"]["token"].as_str().unwrap().to_owned()
}

fn answer(token: &str) -> String {
    json!({"apiVersion": V1, "kind": "ExecCredential", "status": {"token": token}}).to_string()
}

/// A plugin in `folder` of the test's own that does what the script says.
fn plugin(beside: &Beside, folder: &str, name: &str, script: &str) {
    fs::create_dir_all(beside.folder.path().join(folder)).unwrap();
    let path = beside.write(&format!("{folder}/{name}"), format!("#!/bin/sh\n{script}\n").as_bytes());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn said(beside: &Beside, variables: &[(&str, &str)]) -> String {
    let mine = beside.run(env!("CARGO_BIN_EXE_sev1"), &["status"], variables);
    format!("{}{}", String::from_utf8_lossy(&mine.stdout), String::from_utf8_lossy(&mine.stderr))
}

/// A command is looked for on the caller's PATH, not on the one that the kubeconfig sets for it (kubenav 476, kubectl 1319).
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_looked_for_on_our_own_path() {
    let beside = Beside::new().await;
    plugin(&beside, "ours", "ours-login", &format!("printf '%s' '{}'", answer(&token(&beside))));
    plugin(&beside, "theirs", "theirs-login", &format!("printf '%s' '{}'", answer(&token(&beside))));
    let folder = beside.folder.path().display().to_string();
    let path = format!("{folder}/ours:/usr/bin:/bin");
    for (command, expected) in [("ours-login", true), ("theirs-login", false)] {
        let mut config = beside.good.clone();
        let env = json!([{"name": "PATH", "value": format!("{folder}/theirs:/usr/bin:/bin")}]);
        *user(&mut config) = json!({"exec": {"apiVersion": V1, "command": command, "interactiveMode": "Never", "env": env}});
        beside.write("config", config.to_string().as_bytes());
        // kubectl itself has to be found too.
        let path = std::env::var("PATH").map_or_else(|_| path.clone(), |own| format!("{folder}/ours:{own}"));
        assert_eq!(beside.is_taken(command, &[], &[("PATH", &path)]), expected, "{command}");
    }
}

/// Words before the answer, as of a helper that warns on standard output (aws-cli, gcloud), are no answer; on standard error they are none of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_prints_beside_its_answer_counts_as_with_kubectl() {
    let beside = Beside::new().await;
    let good = answer(&token(&beside));
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&good).unwrap()).unwrap();
    for (name, expected, script) in [
        ("warns-on-stdout", false, format!("echo 'WARNING: update available'; printf '%s' '{good}'")),
        ("warns-on-stderr", true, format!("echo 'WARNING: update available' >&2; printf '%s' '{good}'")),
        ("pretty", true, format!("echo; cat <<END\n{pretty}\nEND\necho")),
        ("says-more", true, format!("printf '%s' '{}'", good.replace("\"status\"", "\"spec\":{},\"more\":1,\"status\""))),
        ("without-expiry", true, format!("printf '%s' '{}'", good.replace("\"token\"", "\"expirationTimestamp\":null,\"token\""))),
        ("no-status", false, format!("printf '%s' '{}'", json!({"apiVersion": V1, "kind": "ExecCredential"}))),
        ("nothing", false, "true".to_owned()),
        ("another-kind", false, format!("printf '%s' '{}'", good.replace("ExecCredential", "Token"))),
    ] {
        plugin(&beside, "bin", name, &script);
        let entry = json!({"exec": {"apiVersion": V1, "command": format!("./bin/{name}"), "interactiveMode": "Never"}});
        beside.changed(name, expected, |config| *user(config) = entry);
        if !expected {
            let said = said(&beside, &[]);
            assert!(said.contains(name), "the plugin is not named: {said}");
        }
    }
}

/// A plugin asks for the cluster's information where the cluster has no authority of its own (kube-rs 1431).
#[tokio::test(flavor = "multi_thread")]
async fn cluster_information_needs_no_authority() {
    let beside = Beside::new().await;
    plugin(
        &beside,
        "bin",
        "informed",
        &format!("case $KUBERNETES_EXEC_INFO in *insecure-skip-tls-verify*) printf '%s' '{}';; esac", answer(&token(&beside))),
    );
    beside.changed("without certificate-authority-data", true, |config| {
        let server = cluster(config)["server"].clone();
        *cluster(config) = json!({"server": server, "insecure-skip-tls-verify": true});
        *user(config) = json!({"exec": {"apiVersion": V1, "command": "./bin/informed", "interactiveMode": "Never", "provideClusterInfo": true}});
    });
}

/// Contexts, clusters and users named by ARNs and paths.
#[tokio::test(flavor = "multi_thread")]
async fn names_with_slashes_colons_and_at_signs_are_names() {
    let beside = Beside::new().await;
    let name = "arn:aws:eks:eu-west-2:123456789012:cluster/prod@blue";
    beside.changed(name, true, |config| {
        for (list, field) in [("clusters", "cluster"), ("users", "user")] {
            config[list][0]["name"] = name.into();
            config["contexts"][0]["context"][field] = name.into();
        }
        config["contexts"][0]["name"] = name.into();
        config["current-context"] = name.into();
    });
    assert!(beside.is_taken(name, &["--context", name], &[]));
}

/// A kubeconfig that is a link, as tools that switch between files make it (kubectx, kubie, direnv): paths start from the link's folder.
#[tokio::test(flavor = "multi_thread")]
async fn relative_paths_start_from_the_folder_of_a_link() {
    let beside = Beside::new().await;
    fs::create_dir(beside.folder.path().join("real")).unwrap();
    beside.write("token", token(&beside).as_bytes());
    let mut config = beside.good.clone();
    *user(&mut config) = json!({"tokenFile": "token"});
    let real = beside.write("real/config", config.to_string().as_bytes());
    std::os::unix::fs::symlink(&real, beside.folder.path().join("config")).unwrap();
    assert!(beside.is_taken("a link beside the token", &[], &[]));
    let real = real.display().to_string();
    assert!(!beside.is_taken("the file that the link leads to", &[], &[("KUBECONFIG", &real)]));
}

/// Addresses as people type and generate them, with paths, a trailing slash or a blank.
#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_read_alike() {
    let beside = Beside::new().await;
    let good = beside.good["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
    for (what, expected, server) in [
        ("a slash at the end", true, format!("{good}/")),
        ("the scheme in capitals", true, good.replace("https", "HTTPS")),
        ("a blank at the end", false, format!("{good} ")),
        ("a blank before it", false, format!(" {good}")),
        ("a line break at the end", false, format!("{good}\n")),
        ("a path that is not there", false, format!("{good}/k8s/clusters/c-1")),
        ("a question", true, format!("{good}?x=1")),
        ("no port", false, "https://127.0.0.1:".to_owned()),
        ("a port that is none", false, "https://127.0.0.1:https".to_owned()),
    ] {
        beside.changed(what, expected, |config| cluster(config)["server"] = server.into());
    }
}

/// Keys and certificates as openssl writes them: words before the blocks, parameters of the curve, a key of another certificate.
#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_of_openssl_are_read_alike() {
    let beside = Beside::new().await;
    let token = token(&beside);
    let made = || {
        let key = rcgen::KeyPair::generate().unwrap();
        (rcgen::CertificateParams::new(vec!["oncall".to_owned()]).unwrap().self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let ((certificate, key), (_, other)) = (made(), made());
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    for (what, expected, certificate, key) in [
        ("as they are", true, certificate.clone(), key.clone()),
        ("Bag Attributes before the certificate", true, format!("Bag Attributes\n    friendlyName: oncall\n{certificate}"), key.clone()),
        ("parameters before the key", true, certificate.clone(), format!("{parameters}{key}")),
        ("certificate and key in one", true, format!("{key}{certificate}"), format!("{certificate}{key}")),
        ("CRLF", true, certificate.replace('\n', "\r\n"), key.replace('\n', "\r\n")),
        ("the key of another certificate", false, certificate.clone(), other),
        ("a key where the certificate is due", false, key.clone(), key.clone()),
        ("a certificate where the key is due", false, certificate.clone(), certificate.clone()),
        ("cut off", false, certificate[..certificate.len() / 2].to_owned(), key.clone()),
    ] {
        let (certificate, key) = (STANDARD.encode(certificate), STANDARD.encode(key));
        beside.changed(what, expected, |config| {
            *user(config) = json!({"token": token, "client-certificate-data": certificate, "client-key-data": key});
        });
    }
}

/// What YAML makes of a value counts, not what was meant (`yes` and `"yes"`, numbers, a tilde that no shell saw).
#[tokio::test(flavor = "multi_thread")]
async fn kinds_of_values_are_taken_strictly() {
    let beside = Beside::new().await;
    for (what, expected, value) in
        [("true in quotes", false, json!("true")), ("a number", false, json!(1)), ("nothing", true, Value::Null), ("false", true, json!(false))]
    {
        beside.changed(what, expected, |config| cluster(config)["disable-compression"] = value);
    }
    let server = beside.good["clusters"][0]["cluster"]["server"].as_str().unwrap();
    let token = token(&beside);
    let text = |flag: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\nclusters:\n- name: c\n  cluster:\n    server: {server}\n    insecure-skip-tls-verify: {flag}\nusers:\n- name: u\n  user: {{token: {token}}}\n"
        )
    };
    for (flag, expected) in [
        ("true", true),
        ("yes", true),
        ("On", true),
        ("Y", true),
        ("perhaps", false),
        ("1", false),
        ("\"yes\"", false),
        ("'on'", false),
        ("!!str yes", false),
        ("yEs", false),
        ("!!bool \"yes\"", true),
    ] {
        beside.written(&format!("insecure-skip-tls-verify: {flag}"), expected, text(flag).as_bytes());
    }
    beside.changed("as before", true, |_| {});
    assert!(!beside.is_taken("a tilde that no shell expanded", &[], &[("KUBECONFIG", "~/config")]));
    beside.changed("a namespace that is a number", false, |config| config["contexts"][0]["context"]["namespace"] = 123.into());
}

/// Fields that nobody reads refuse the file too, as their kinds are looked at first (kubernetes 60464, headlamp 1349).
#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_wrong_kind_are_refused_alike_and_named_with_their_line() {
    let beside = Beside::new().await;
    let text = format!("{}\n", beside.platform.kubeconfig.trim_end());
    let line = text.lines().count() + 1;
    let twice = "[{name: a, extension: {}}, {name: a, extension: {}}]";
    for (more, expected, field) in [
        ("preferences: []", false, "preferences is a list"),
        ("preferences: dark", false, "preferences is text"),
        ("preferences: {colors: 'yes'}", false, "preferences.colors is text"),
        ("preferences:", true, ""),
        ("preferences: {foo: 1}", true, ""),
        ("extensions: {a: 1}", false, "extensions is a set of fields"),
        ("extensions: [{name: a, extension: 5}, {extension: [1]}]", true, ""),
        ("extensions: [{name: 5}]", false, "extensions[0].name is a number"),
        (&format!("extensions: {twice}"), false, "extensions have \"a\" twice"),
        (&format!("preferences: {{extensions: {twice}}}"), false, "preferences.extensions has \"a\" twice"),
    ] {
        // A field that is there already would stand twice, and the last one counts.
        beside.written(more, expected, format!("{text}{more}\n").as_bytes());
        if !expected {
            let said = said(&beside, &[]);
            assert!(said.contains(&format!(", line {line}: {field}")), "{more}: {said}");
        }
    }
}

/// A value that cannot be read in an entry that nobody uses.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_not_used_may_hold_what_cannot_be_read() {
    let beside = Beside::new().await;
    let mut config = beside.good.clone();
    config["clusters"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "spare", "cluster": {"server": "https://x", "certificate-authority-data": "%%%"}}));
    beside.write("config", config.to_string().as_bytes());
    let said = said(&beside, &[]);
    assert!(!said.contains("spare"), "sev1 looks at what is used: {said}");
    config["clusters"].as_array_mut().unwrap().push(json!({"name": "other", "cluster": {"server": 12}}));
    beside.written("a field of the wrong kind in an entry that is not used", false, config.to_string().as_bytes());
}

/// No kubeconfig at all, an old one, and nobody to ask as: what kubectl does otherwise is said in `docs/kubeconfig.md`.
#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_login_the_server_decides() {
    let beside = Beside::new().await;
    beside.changed("a user entry that is empty", false, |config| *user(config) = json!({}));
    let words = said(&beside, &[]);
    assert!(words.contains("401") || words.contains("not allowed"), "{words}");
    fs::create_dir_all(beside.folder.path().join(".kube")).unwrap();
    beside.write(".kube/.kubeconfig", beside.platform.kubeconfig.as_bytes());
    let words = said(&beside, &[("KUBECONFIG", "")]);
    assert!(words.contains("no kubeconfig at"), "{words}");
    assert!(!beside.folder.path().join(".kube/config").exists(), "sev1 writes no kubeconfig");
}

/// A self-signed certificate that is its own authority and may sign others, as some installers make it (kube-rs 1767, 1522).
#[tokio::test(flavor = "multi_thread")]
async fn a_servers_own_certificate_can_be_its_authority() {
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{ServerConfig, pki_types::PrivateKeyDer},
    };
    let beside = Beside::new().await;
    for (what, is_ca) in [("no authority", false), ("an authority", true)] {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        if is_ca {
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let certificate = parameters.self_signed(&key).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, acceptor) = (listener.local_addr().unwrap(), TlsAcceptor::from(std::sync::Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                    let mut client = acceptor.accept(client).await?;
                    let _ = client.read(&mut [0; 4096]).await?;
                    client.write_all(b"HTTP/1.1 418 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
                    client.shutdown().await
                });
            }
        });
        let mut config = beside.good.clone();
        cluster(&mut config)["server"] = format!("https://{address}").into();
        cluster(&mut config)["certificate-authority-data"] = STANDARD.encode(certificate.pem()).into();
        beside.write("config", config.to_string().as_bytes());
        let said = said(&beside, &[]);
        assert!(said.contains("418"), "{what}: {said}");
    }
}
