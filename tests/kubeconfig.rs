//! Kubeconfigs and proxies beside the real kubectl: what it takes sev1 takes, and what it refuses sev1 refuses.
//!
//! `docs/kubeconfig.md` names the rules. Where kubectl is not on PATH sev1 alone is tried, and each test says so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "kubeconfig/proxies.rs"]
mod proxies;
#[path = "kubeconfig/proxy_server.rs"]
mod proxy_server;
#[path = "kubeconfig/reported.rs"]
mod reported;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use serde_json::{Value, json};
use sev1::sim::{self, Options, Running};

struct Beside {
    platform: Running,
    folder: tempfile::TempDir,
    /// The simulated cluster's own kubeconfig.
    good: Value,
    has_kubectl: bool,
}

impl Beside {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the demo's clock is the real one, and a test binary has no runtime::clock")]
        let clock = Arc::new(chrono::Utc::now);
        let platform = sim::start(Options { scenario: "calm".to_owned(), seed: 11, speed: 10.0, pods: 0, clock }).await.unwrap();
        let good = serde_saphyr::from_str(&platform.kubeconfig).unwrap();
        let has_kubectl = Command::new("kubectl").args(["version", "--client"]).output().is_ok();
        if !has_kubectl {
            eprintln!("SKIPPED: kubectl is not on PATH, sev1 was tried without it");
        }
        Self { platform, folder: tempfile::tempdir().unwrap(), good, has_kubectl }
    }

    fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("KUBECONFIG", self.folder.path().join("config")).envs(variables.iter().copied());
        command.current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }

    /// Whether each of both gets an answer of the cluster to the kubeconfig `config` in the folder; asserts that they agree.
    fn is_taken(&self, what: &str, more: &[&str], variables: &[(&str, &str)]) -> bool {
        let mine = self.run(env!("CARGO_BIN_EXE_sev1"), &[&["status", "-o", "json"], more].concat(), variables);
        let answer: Value = serde_json::from_slice(&mine.stdout).unwrap_or_default();
        let is_taken = answer["cluster"].is_object();
        if self.has_kubectl {
            let kubectl = self.run("kubectl", &[&["get", "pods", "-o", "name", "--request-timeout=10s"], more].concat(), variables);
            let (said, says) = (String::from_utf8_lossy(&kubectl.stderr), String::from_utf8_lossy(&mine.stderr));
            assert_eq!(is_taken, kubectl.status.success(), "{what}\nkubectl: {said}\nsev1: {says}{}", String::from_utf8_lossy(&mine.stdout));
        }
        let panicked = String::from_utf8_lossy(&mine.stderr).contains("panicked");
        assert!(!panicked, "{what}");
        is_taken
    }

    /// The same with a kubeconfig in which something was changed.
    fn changed(&self, what: &str, expected: bool, change: impl FnOnce(&mut Value)) {
        let mut config = self.good.clone();
        change(&mut config);
        self.write("config", serde_json::to_string(&config).unwrap().as_bytes());
        assert_eq!(self.is_taken(what, &[], &[]), expected, "{what}");
    }

    /// The same with a kubeconfig whose text was changed.
    fn written(&self, what: &str, expected: bool, text: &[u8]) {
        self.write("config", text);
        assert_eq!(self.is_taken(what, &[], &[]), expected, "{what}");
    }
}

fn cluster(config: &mut Value) -> &mut Value {
    &mut config["clusters"][0]["cluster"]
}

fn user(config: &mut Value) -> &mut Value {
    &mut config["users"][0]["user"]
}

fn folded(data: &Value, width: usize, end: &str) -> Value {
    let data: Vec<char> = data.as_str().unwrap().chars().collect();
    data.chunks(width).map(|line| line.iter().collect::<String>() + end).collect::<String>().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_cluster_entry_is_read_alike() {
    let beside = Beside::new().await;
    let ca = cluster(&mut beside.good.clone())["certificate-authority-data"].clone();
    beside.changed("as it is", true, |_| {});
    beside.changed("authority in lines of 64", true, |config| cluster(config)["certificate-authority-data"] = folded(&ca, 64, "\n"));
    beside.changed("authority in lines of 76, CRLF", true, |config| cluster(config)["certificate-authority-data"] = folded(&ca, 76, "\r\n"));
    beside.changed("authority with blanks", false, |config| cluster(config)["certificate-authority-data"] = folded(&ca, 64, " "));
    beside.changed("authority that is no base64", false, |config| cluster(config)["certificate-authority-data"] = "%%%".into());
    beside.changed("authority and insecure", false, |config| cluster(config)["insecure-skip-tls-verify"] = true.into());
    beside.changed("insecure alone", true, |config| {
        let server = cluster(config)["server"].clone();
        *cluster(config) = json!({"server": server, "insecure-skip-tls-verify": true});
    });
    beside.changed("no authority", false, |config| {
        cluster(config).as_object_mut().unwrap().remove("certificate-authority-data");
    });
    beside.changed("a file beside the data", false, |config| cluster(config)["certificate-authority"] = "ca.crt".into());
    beside.changed("another name in the certificate", false, |config| cluster(config)["tls-server-name"] = "elsewhere.example".into());
    beside.changed("an unknown field", true, |config| cluster(config)["colour"] = json!({"red": 1}));
    beside.changed("no server", false, |config| cluster(config)["server"] = "".into());
    beside.changed("fields without a value", true, |config| cluster(config)["proxy-url"] = Value::Null);
    beside.changed("a proxy that is not there", false, |config| cluster(config)["proxy-url"] = "http://127.0.0.1:1".into());
    beside.changed("a proxy of an unknown scheme", false, |config| cluster(config)["proxy-url"] = "ftp://127.0.0.1:1".into());
    beside.changed("a proxy without a scheme", false, |config| cluster(config)["proxy-url"] = "127.0.0.1:1".into());
    let pem = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, ca.as_str().unwrap()).unwrap();
    beside.write("ca.crt", &pem);
    beside.changed("authority in a file beside the kubeconfig", true, |config| {
        cluster(config).as_object_mut().unwrap().remove("certificate-authority-data");
        cluster(config)["certificate-authority"] = "./ca.crt".into();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_user_entry_is_read_alike() {
    let beside = Beside::new().await;
    let token = user(&mut beside.good.clone())["token"].as_str().unwrap().to_owned();
    beside.write("token", format!(" {token}\n").as_bytes());
    beside.write("empty", b"\n");
    for (what, expected, entry) in [
        ("a stale token beside a good file", true, json!({"token": "stale", "tokenFile": "token"})),
        ("a good token beside a missing file", true, json!({"token": token, "tokenFile": "missing"})),
        ("a good token beside an empty file", true, json!({"token": token, "tokenFile": "empty"})),
        ("a token file that ends with a line break", true, json!({"tokenFile": "token"})),
        ("a token file that is missing", false, json!({"tokenFile": "missing"})),
        ("a token that ends with a line break", false, json!({"token": format!("{token}\n")})),
        ("a token with a control character", false, json!({"token": format!("{token}\u{1}")})),
        ("a token and a login", false, json!({"token": token, "username": "me", "password": "pw"})),
        ("an empty login beside a token", true, json!({"token": token, "username": "", "password": ""})),
        ("a key without a certificate", true, json!({"token": token, "client-key-data": "eA=="})),
        ("a certificate without a key", false, json!({"token": token, "client-certificate-data": "eA=="})),
        ("groups without a user", false, json!({"token": token, "as-groups": ["x"]})),
        ("a token that is a number", false, json!({"token": 12345})),
        (
            "a token before a plugin",
            true,
            json!({"token": token, "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}}),
        ),
        ("a provider that is no more", false, json!({"auth-provider": {"name": "gcp", "config": {}}})),
    ] {
        beside.changed(what, expected, |config| *user(config) = entry);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credential_plugins_are_read_alike() {
    let beside = Beside::new().await;
    let token = user(&mut beside.good.clone())["token"].as_str().unwrap().to_owned();
    let plugin = |version: &str| {
        format!(
            "#!/bin/sh\necho run >> {}/runs\nprintf '%s' '{{\"apiVersion\":\"client.authentication.k8s.io/{version}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{token}\"}}}}'\n",
            beside.folder.path().display()
        )
    };
    for (name, version) in [("plugin", "v1"), ("older", "v1beta1")] {
        let path = beside.write(name, plugin(version).as_bytes());
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let v1 = "client.authentication.k8s.io/v1";
    for (what, expected, exec) in [
        ("a plugin beside the kubeconfig", true, json!({"apiVersion": v1, "command": "./plugin", "interactiveMode": "IfAvailable"})),
        ("an older one without interactiveMode", true, json!({"apiVersion": format!("{v1}beta1"), "command": "./older"})),
        ("one without interactiveMode", false, json!({"apiVersion": v1, "command": "./plugin"})),
        ("an unknown interactiveMode", false, json!({"apiVersion": v1, "command": "./plugin", "interactiveMode": "Sometimes"})),
        ("one that must ask, without a terminal", false, json!({"apiVersion": v1, "command": "./plugin", "interactiveMode": "Always"})),
        ("another version answered", false, json!({"apiVersion": v1, "command": "./older", "interactiveMode": "Never"})),
        ("an unknown version", false, json!({"apiVersion": format!("{v1}alpha1"), "command": "./plugin", "interactiveMode": "Never"})),
        ("no version", false, json!({"command": "./plugin", "interactiveMode": "Never"})),
        ("no command", false, json!({"apiVersion": v1, "interactiveMode": "Never"})),
        ("not installed", false, json!({"apiVersion": v1, "command": "no-such-plugin-xyz", "interactiveMode": "Never"})),
        (
            "cluster information",
            true,
            json!({"apiVersion": v1, "command": "./plugin", "interactiveMode": "Never", "provideClusterInfo": true, "args": null, "env": null}),
        ),
        ("a variable without a name", false, json!({"apiVersion": v1, "command": "./plugin", "interactiveMode": "Never", "env": [{"value": "x"}]})),
    ] {
        beside.changed(what, expected, |config| *user(config) = json!({"exec": exec}));
    }
    let runs = beside.folder.path().join("runs");
    fs::remove_file(&runs).unwrap();
    beside.changed("once", true, |config| *user(config) = json!({"exec": {"apiVersion": v1, "command": "./plugin", "interactiveMode": "Never"}}));
    let expected = if beside.has_kubectl { 2 } else { 1 };
    assert_eq!(fs::read_to_string(&runs).unwrap().lines().count(), expected, "one run of sev1 beside one of kubectl");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_how_they_are_merged_are_read_alike() {
    let beside = Beside::new().await;
    let text = beside.platform.kubeconfig.clone();
    let bytes = |text: &str| text.as_bytes().to_vec();
    beside.written("with a byte order mark", true, &[b"\xEF\xBB\xBF", text.as_bytes()].concat());
    beside.written("with CRLF", true, &bytes(&text.replace('\n', "\r\n")));
    beside.written("a second document", true, &bytes(&format!("{text}\n---\ncurrent-context: elsewhere\n")));
    beside.written("an unknown version", false, &bytes(&text.replace("apiVersion: v1", "apiVersion: v2")));
    beside.written("empty", false, b"");
    let flow = serde_json::to_string(&beside.good).unwrap();
    let context = &flow[flow.find("\"contexts\":").unwrap()..];
    let context = context[..=context.find(']').unwrap()].to_owned();
    beside.changed("a context without a cluster, not used", true, |config| {
        config["contexts"].as_array_mut().unwrap().push(json!({"name": "half", "context": {"user": "x"}}));
    });
    beside.changed("a name twice", false, |config| {
        let again = config["users"][0].clone();
        config["users"].as_array_mut().unwrap().push(again);
    });
    beside.changed("a user that is not there", false, |config| config["contexts"][0]["context"]["user"] = "nobody".into());
    beside.changed("a cluster that is not there", false, |config| config["contexts"][0]["context"]["cluster"] = "nowhere".into());
    beside.changed("a context that is not there", false, |config| config["current-context"] = "nowhere".into());
    beside.changed("a key twice, the last counts", true, |_| {});
    beside.written("a key twice", true, flow.replace(&context, &format!("\"contexts\":[],{context}")).as_bytes());

    beside.write("config", text.as_bytes());
    let good = beside.folder.path().join("config").display().to_string();
    let other = beside.write("other", b"apiVersion: v1\nkind: Config\ncurrent-context: ''\nusers: null\n").display().to_string();
    let broken = beside.write("broken", b"clusters: {").display().to_string();
    let elsewhere = beside.write("elsewhere", b"current-context: nowhere\n").display().to_string();
    for (what, expected, list) in [
        ("missing and empty entries, and one twice", true, format!(":/nonexistent::{other}:{good}:{good}:")),
        ("the first context wins", false, format!("{elsewhere}:{good}")),
        ("the other way round", true, format!("{good}:{elsewhere}")),
        ("a broken file in the list", false, format!("{good}:{broken}")),
        ("a folder in the list", false, format!("{good}:{}", beside.folder.path().display())),
    ] {
        assert_eq!(beside.is_taken(what, &[], &[("KUBECONFIG", &list)]), expected, "{what}");
    }
    let (name, user) = (beside.good["clusters"][0]["name"].as_str().unwrap(), beside.good["users"][0]["name"].as_str().unwrap());
    beside.write(
        "config",
        serde_json::to_string(&{
            let mut config = beside.good.clone();
            config["current-context"] = "".into();
            config
        })
        .unwrap()
        .as_bytes(),
    );
    assert!(beside.is_taken("no context but a cluster and a user", &["--cluster", name, "--user", user], &[]));
    assert!(!beside.is_taken("an unknown user", &["--cluster", name, "--user", "nobody"], &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_of_the_environment_are_read_alike() {
    let beside = Beside::new().await;
    // This machine is never asked through a proxy, by any name but this.
    beside.changed("an address of this machine", true, |_| {});
    for no_proxy in ["localhost,127.0.0.1,", "10.0.0.0/8,,.corp", "localhost 127.0.0.1", "%zz,[", ""] {
        let variables = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", no_proxy)];
        assert!(beside.is_taken(no_proxy, &[], &variables), "NO_PROXY={no_proxy:?}");
    }
    assert!(beside.is_taken("a proxy that is no address", &[], &[("HTTPS_PROXY", "%zz")]));
    beside.changed("a server elsewhere", false, |config| cluster(config)["server"] = "https://api.corp.invalid:6443".into());
}
