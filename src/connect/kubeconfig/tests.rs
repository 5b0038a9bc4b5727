//! Kubeconfigs as client-go reads them; `docs/kubeconfig.md` names the rules.

use std::{fs, path::Path};

use super::*;
use crate::connect::scripted::still;

fn load_in(options: &KubeOptions, surroundings: &Surroundings) -> Result<Target, ConnectError> {
    super::load_in(options, surroundings, &still())
}

const TWO: &str = "
apiVersion: v1
kind: Config
current-context: prod-uk-1
clusters:
- {name: uk, cluster: {server: 'https://alice:secret@127.0.0.1:6443/base', insecure-skip-tls-verify: true}}
- {name: de, cluster: {server: 'https://127.0.0.1:7443'}}
contexts:
- {name: prod-uk-1, context: {cluster: uk, user: oncall, namespace: digital-identity}}
- {name: staging, context: {cluster: de, user: oncall}}
- {name: far-away, context: {cluster: de, user: nobody}}
users:
- {name: oncall, user: {token: s3cr3t}}
";

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn nowhere() -> Surroundings {
    Surroundings {
        kubeconfig: None,
        home: Some(PathBuf::from("/nonexistent")),
        service: None,
        account: PathBuf::from("/nonexistent"),
        pod_namespace: None,
        proxies: Environment::default(),
    }
}

fn with(path: &Path) -> KubeOptions {
    KubeOptions { kubeconfig: Some(path.to_owned()), ..KubeOptions::default() }
}

#[test]
fn the_current_context_decides_unless_a_flag_does() {
    let (_folder, path) = written(TWO);
    let target = load_in(&with(&path), &nowhere()).unwrap();
    assert_eq!((&*target.context, &*target.cluster, &*target.namespace), ("prod-uk-1", "uk", "digital-identity"));
    assert!(target.insecure);
    let options = KubeOptions { context: Some("staging".into()), namespace: Some("shop".into()), ..with(&path) };
    let target = load_in(&options, &nowhere()).unwrap();
    assert_eq!((&*target.context, &*target.server, &*target.namespace), ("staging", "https://127.0.0.1:7443", "shop"));
}

#[test]
fn a_limit_of_requests_is_one_of_writes_too() {
    let (_folder, path) = written(TWO);
    let limits = |request_timeout| {
        let target = load_in(&KubeOptions { request_timeout, ..with(&path) }, &nowhere()).unwrap();
        (target.request_timeout, target.write_timeout)
    };
    assert_eq!(limits(None), (REQUEST_TIMEOUT, WRITE_TIMEOUT));
    assert_eq!(limits(Some(Duration::from_secs(3))), (Duration::from_secs(3), Duration::from_secs(3)));
    let without = Duration::from_hours(1);
    assert_eq!(limits(Some(Duration::ZERO)), (without, without));
}

#[test]
fn a_login_in_the_address_is_not_shown() {
    let (_folder, path) = written(TWO);
    let target = load_in(&with(&path), &nowhere()).unwrap();
    assert_eq!(&*target.server, "https://127.0.0.1:6443/base");
    assert!(!format!("{target:?}").contains("secret"));
}

#[test]
fn an_unknown_context_lists_the_known_ones_nearest_first() {
    let (_folder, path) = written(TWO);
    let options = KubeOptions { context: Some("stagign".into()), ..with(&path) };
    let message = load_in(&options, &nowhere()).unwrap_err().to_string();
    assert!(message.contains("no context \"stagign\"") && message.contains("use one of staging, "), "{message}");
    assert!(message.contains(&path.display().to_string()), "{message}");
}

#[test]
fn the_first_file_of_a_list_wins_and_missing_ones_are_skipped() {
    let (folder, path) = written(TWO);
    let other = folder.path().join("other");
    fs::write(&other, "apiVersion: v1\nkind: Config\ncurrent-context: staging\nclusters: []\ncontexts: []\nusers: []\n").unwrap();
    let list = std::env::join_paths([&folder.path().join("missing"), &other, &path]).unwrap();
    let target = load_in(&KubeOptions::default(), &Surroundings { kubeconfig: Some(list), ..nowhere() }).unwrap();
    assert_eq!(&*target.context, "staging");
    assert_eq!(target.files, [other, path]);
}

#[test]
fn broken_yaml_names_file_and_line_but_quotes_no_secret() {
    let (_folder, path) = written("apiVersion: v1\nusers:\n- name: a\n  user: {token: s3cr3t\n- [\n");
    let message = load_in(&with(&path), &nowhere()).unwrap_err().to_string();
    assert!(message.contains("line ") && message.contains(&path.display().to_string()), "{message}");
    assert!(!message.contains("s3cr3t"), "{message}");
}

#[test]
fn missing_files_are_named_with_a_remedy() {
    let message = load_in(&with(Path::new("/nonexistent/config")), &nowhere()).unwrap_err().to_string();
    assert!(message.contains("/nonexistent/config does not exist"), "{message}");
    let message = load_in(&KubeOptions::default(), &nowhere()).unwrap_err().to_string();
    assert!(message.contains("/nonexistent/.kube/config") && message.contains("--kubeconfig"), "{message}");
    let (folder, path) = written(&TWO.replace("{token: s3cr3t}", "{client-certificate: me.crt, client-key: me.key}"));
    let message = load_in(&with(&path), &nowhere()).unwrap_err().to_string();
    assert!(message.contains(&folder.path().join("me.crt").display().to_string()), "{message}");
}

#[test]
fn later_changes_of_the_file_change_nothing() {
    let (_folder, path) = written(TWO);
    let target = load_in(&with(&path), &nowhere()).unwrap();
    fs::write(&path, TWO.replace("current-context: prod-uk-1", "current-context: staging")).unwrap();
    assert_eq!((&*target.context, &*target.server), ("prod-uk-1", "https://127.0.0.1:6443/base"));
}

/// One context on one cluster with one user, their fields as given.
fn one(cluster: &str, user: &str) -> String {
    format!(
        "current-context: c\nclusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
    )
}

/// What a kubeconfig comes to.
fn read(text: &str, surroundings: &Surroundings) -> Result<Target, ConnectError> {
    let (_folder, path) = written(text);
    load_in(&with(&path), surroundings)
}

async fn authorization(target: &Target) -> Option<String> {
    let mut request = Request::new(());
    target.wire.credentials().current().await.unwrap().sign(&mut request);
    request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned())
}

#[test]
fn a_list_without_a_file_is_no_reason_to_look_at_home() {
    let (folder, path) = written(TWO);
    let home = folder.path().join("home");
    fs::create_dir_all(home.join(".kube")).unwrap();
    fs::copy(path, home.join(".kube/config")).unwrap();
    let at_home = || Surroundings { home: Some(home.clone()), ..nowhere() };
    let context =
        |list: &str| load_in(&KubeOptions::default(), &Surroundings { kubeconfig: Some(list.into()), ..at_home() }).map(|target| target.context);
    assert_eq!(context("").unwrap().as_str(), "prod-uk-1");
    assert!(context(":").is_err() && context("/nonexistent").is_err());
}

#[test]
fn kubectl_is_led_to_the_same_place_as_the_same_person() {
    let (_folder, path) = written(TWO);
    let flags = |options: KubeOptions| load_in(&options, &nowhere()).unwrap().kubectl.words().collect::<Vec<_>>().join(" ");
    let file = format!("--kubeconfig {}", path.display());
    assert_eq!(flags(with(&path)), format!("--context prod-uk-1 {file}"), "also when the kubeconfig has another current context later");
    let options = KubeOptions {
        context: Some("staging".into()),
        cluster: Some("uk".into()),
        user: Some("oncall".into()),
        impersonate: Some("bob o'neil".into()),
        impersonate_groups: vec!["a".into(), "system:masters".into()],
        insecure_skip_tls_verify: true,
        ..with(&path)
    };
    let said = "--cluster uk --user oncall --as 'bob o'\\''neil' --as-group a --as-group system:masters --insecure-skip-tls-verify";
    assert_eq!(flags(options), format!("--context staging {file} {said}"));
    let by_environment = Surroundings { kubeconfig: Some(path.clone().into()), ..nowhere() };
    assert_eq!(load_in(&KubeOptions::default(), &by_environment).unwrap().kubectl, KubectlFlags::of_context("prod-uk-1"));
}

#[test]
fn kubectl_is_told_of_no_context_where_there_is_none() {
    let (_folder, path) = written(&TWO.replace("current-context: prod-uk-1", "current-context: ''"));
    let options = KubeOptions { cluster: Some("uk".into()), ..with(&path) };
    let target = load_in(&options, &nowhere()).unwrap();
    let expected = KubectlFlags::default().with("--kubeconfig", path.to_str()).with("--cluster", Some("uk"));
    assert_eq!(target.kubectl, expected);
}

#[tokio::test]
async fn a_pod_without_a_kubeconfig_is_its_service_account() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["kubernetes".to_owned()]).unwrap();
    fs::write(folder.path().join("ca.crt"), signed.cert.pem()).unwrap();
    let in_pod = || Surroundings { service: Some(("fd00::1".into(), "443".into())), account: folder.path().to_owned(), ..nowhere() };
    assert!(load_in(&KubeOptions::default(), &in_pod()).is_err(), "a pod without a token is none");
    fs::write(folder.path().join("token"), "s3cr3t\n").unwrap();
    let target = load_in(&KubeOptions::default(), &in_pod()).unwrap();
    assert_eq!((&*target.context, &*target.server, &*target.namespace), ("in-cluster", "https://[fd00::1]", "default"));
    assert_eq!(target.kubectl, KubectlFlags::default(), "kubectl knows of no such context");
    assert_eq!(authorization(&target).await.as_deref(), Some("Bearer s3cr3t"));
    fs::write(folder.path().join("namespace"), "shop\n").unwrap();
    let namespace = |surroundings| load_in(&KubeOptions::default(), &surroundings).unwrap().namespace;
    assert_eq!(namespace(in_pod()).as_str(), "shop");
    assert_eq!(namespace(Surroundings { pod_namespace: Some("mine".into()), ..in_pod() }).as_str(), "mine");
    let (_folder, path) = written(TWO);
    assert_eq!(load_in(&with(&path), &in_pod()).unwrap().context.as_str(), "prod-uk-1", "a kubeconfig goes before it");
    // As `kubectl config set-context here --namespace=mine` writes it there.
    let context = "{name: here, context: {cluster: '', user: '', namespace: mine}}";
    let (_folder, path) = written(&format!("{{clusters: null, users: null, current-context: here, contexts: [{context}]}}"));
    let target = load_in(&with(&path), &in_pod()).unwrap();
    assert_eq!((&*target.context, &*target.namespace), ("in-cluster", "mine"));
    assert_eq!(authorization(&target).await.as_deref(), Some("Bearer s3cr3t"));
    let why = load_in(&with(&path), &nowhere()).unwrap_err().to_string();
    assert!(why.contains("the context \"here\" names no cluster: choose another with --context"), "{why}");
    let elsewhere = KubeOptions { server: Some("https://elsewhere".to_owned()), ..with(&path) };
    assert_eq!(load_in(&elsewhere, &in_pod()).unwrap().server.as_str(), "https://elsewhere", "as kubectl --server");
    // Of one that names a cluster and no namespace it is the pod's, as for kubectl.
    let (_folder, path) = written(&one("server: 'https://h'", "token: x"));
    let namespace = |surroundings| load_in(&with(&path), &surroundings).unwrap().namespace;
    assert_eq!((namespace(in_pod()).as_str(), namespace(nowhere()).as_str()), ("shop", "default"));
}

#[test]
fn a_first_document_of_comments_alone_names_nothing() {
    let one = one("server: 'https://h'", "token: x");
    for (text, is_read) in [(format!("# mine\n---\n{one}"), true), (format!("---\n# mine\n---\n{one}"), false), ("# mine\n".to_owned(), false)] {
        let ended = read(&text, &nowhere()).map_err(|why| why.to_string());
        assert_eq!(ended.is_ok(), is_read, "{text}");
        assert!(ended.is_ok() || ended.err().unwrap().contains("it holds no context"), "{text}");
    }
}

#[test]
fn a_login_that_there_is_no_more_is_one_beside_a_token_too() {
    for (provider, is_read) in [("oidc", true), ("azure", false), ("foo", false)] {
        let text = one("server: 'https://h'", &format!("token: x, auth-provider: {{name: {provider}}}"));
        assert_eq!(read(&text, &nowhere()).is_ok(), is_read, "{provider}");
    }
}

#[test]
fn a_file_that_is_called_as_a_secret_hides_no_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prod-token");
    fs::write(&path, one("server: 'https://h'", "token: x")).unwrap();
    let why = load_in(&KubeOptions { context: Some("c ".to_owned()), ..with(&path) }, &nowhere()).err().unwrap().to_string();
    assert!(why.contains("prod-token: there is no context \"c \""), "{why}");
}

#[test]
fn yaml_is_read_with_merges_and_yes_and_no() {
    let text = one("<<: *base, server: 'https://127.0.0.1:1'", "token: x");
    let target = read(&format!("base: &base {{insecure-skip-tls-verify: yes, server: 'https://elsewhere'}}\n{text}"), &nowhere()).unwrap();
    assert!(target.insecure);
    assert_eq!(target.server.as_str(), "https://127.0.0.1:1");
    assert!(read(&one("server: 'https://h', insecure-skip-tls-verify: perhaps", ""), &nowhere()).is_err());
}

/// What kubectl 1.36 takes, tried one by one.
#[test]
fn a_word_in_quotes_or_in_odd_letters_is_neither_true_nor_false() {
    let is_taken = |flag: &str| read(&one(&format!("server: 'https://h', insecure-skip-tls-verify: {flag}"), "token: x"), &nowhere());
    for flag in ["yes", "Yes", "YES", "y", "Y", "on", "ON", "true", "True", "TRUE", "!!bool yes"] {
        assert!(is_taken(flag).unwrap().insecure, "{flag}");
    }
    for flag in ["no", "N", "off", "false", "~", "null"] {
        assert!(!is_taken(flag).unwrap().insecure, "{flag}");
    }
    for flag in ["\"yes\"", "'on'", "\"true\"", "yEs", "oN", "tRUE", "!!str yes", "\"\"", "1", "0"] {
        assert!(is_taken(flag).is_err(), "{flag}");
    }
    let namespace = |name: &str| {
        let text = one("server: 'https://h'", "token: x").replacen("cluster: c", &format!("namespace: {name}, cluster: c"), 1);
        read(&text, &nowhere())
    };
    assert_eq!(namespace("'no'").unwrap().namespace, "no");
    assert_eq!(namespace("nO").unwrap().namespace, "nO");
    assert!(namespace("no").is_err() && namespace("on").is_err(), "true or false where text is due");
}

#[tokio::test]
async fn nothing_that_says_who_we_are_goes_over_plain_http_to_another_machine() {
    for server in ["http://h:8080", "h:8080", "10.0.0.1"] {
        let target = read(&one(&format!("server: '{server}'"), "token: s3cr3t"), &nowhere()).unwrap();
        assert!(target.server.starts_with("http://"), "{server}");
        assert_eq!(authorization(&target).await, None, "{server}");
        assert!(target.withholds, "{server}");
        assert!(!read(&one(&format!("server: '{server}'"), ""), &nowhere()).unwrap().withholds, "{server}: there is nothing to withhold");
    }
    let target = read(&one("server: 'http://me:p%40w@h'", ""), &nowhere()).unwrap();
    assert_eq!((authorization(&target).await, target.withholds), (None, true));
    for server in ["https://h", "http://127.0.0.1:8001", "localhost:8001", "http://[::1]"] {
        let target = read(&one(&format!("server: '{server}'"), "token: s3cr3t"), &nowhere()).unwrap();
        assert_eq!(authorization(&target).await.as_deref(), Some("Bearer s3cr3t"), "{server}");
        assert!(!target.withholds, "{server}");
    }
    let target = read(&one("server: 'https://me:p%40w@h'", ""), &nowhere()).unwrap();
    assert_eq!(authorization(&target).await.as_deref(), Some("Basic bWU6cEB3"));
}

#[test]
fn the_flag_for_insecure_connections_sets_the_authority_aside() {
    let (_folder, path) = written(&one("server: 'https://h', certificate-authority: /nonexistent", "token: x"));
    assert!(load_in(&with(&path), &nowhere()).is_err());
    let options = KubeOptions { insecure_skip_tls_verify: true, ..with(&path) };
    assert!(load_in(&options, &nowhere()).unwrap().insecure);
}

#[test]
fn of_a_bundle_what_can_be_read_counts() {
    let (folder, path) = written(&one("server: 'https://h', certificate-authority: ca", "token: x"));
    let good = rcgen::generate_simple_self_signed(["h".to_owned()]).unwrap().cert.pem();
    let bad = "-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n";
    fs::write(folder.path().join("ca"), format!("# ours\n{bad}{good}")).unwrap();
    assert!(load_in(&with(&path), &nowhere()).is_ok());
    fs::write(folder.path().join("ca"), bad).unwrap();
    let error = load_in(&with(&path), &nowhere()).unwrap_err().to_string();
    assert!(error.contains("there is no certificate"), "{error}");
}

#[test]
fn the_kubeconfigs_proxy_goes_before_the_environment() {
    let proxies = || Environment { https: "http://env:1".into(), no_proxy: "*".into(), ..Environment::default() };
    let proxy = |fields: &str| {
        let target = read(&one(fields, "token: x"), &Surroundings { proxies: proxies(), ..nowhere() })?;
        Ok::<_, ConnectError>(target.wire.proxy().map(ToString::to_string))
    };
    assert_eq!(proxy("server: 'https://h'").unwrap(), None);
    assert_eq!(proxy("server: 'https://localhost', proxy-url: 'https://p'").unwrap().as_deref(), Some("https://p/"));
    assert_eq!(proxy("server: 'https://h', proxy-url: 'socks5://me:pw@p'").unwrap().as_deref(), Some("socks5://me:pw@p:1080/"));
    assert!(proxy("server: 'https://h', proxy-url: 'p:3128'").is_err());
}

#[tokio::test]
async fn a_token_file_is_read_again_each_minute() {
    let (folder, path) = written(&one("server: 'https://h'", "token: beside, tokenFile: token"));
    let clock = crate::connect::scripted::Hands::default();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let target = super::load_in(&with(&path), &nowhere(), &shared).unwrap();
    let file = folder.path().join("token");
    let write = |text: &str| fs::write(&file, text).unwrap();
    assert_eq!(authorization(&target).await.as_deref(), Some("Bearer beside"));
    for (wait, text, expected) in [
        (0, "first\n", "first"),
        (40, "second", "first"),
        (20, "second", "second"),
        (60, "", "second"),
        (0, "a\u{1}b", "second"),
        (0, " third ", "third"),
    ] {
        clock.forward(Duration::from_secs(wait));
        write(text);
        assert_eq!(authorization(&target).await.unwrap(), format!("Bearer {expected}"), "{text:?} after {wait} s more");
    }
}

#[test]
fn a_plugin_is_told_of_its_cluster() {
    let cluster = Cluster {
        server: "https://h".into(),
        tls_server_name: "n".into(),
        certificate_authority_data: "eA\n==".into(),
        extensions: vec![file::Extension { name: "client.authentication.k8s.io/exec".into(), extension: serde_json::json!({"a": 1}) }],
        ..Cluster::default()
    };
    let expected = serde_json::json!({"server": "https://h", "tls-server-name": "n", "certificate-authority-data": "eA==", "config": {"a": 1}});
    assert_eq!(cluster::for_plugin(&cluster).unwrap(), expected);
}

#[test]
fn no_message_says_what_is_secret() {
    for user in [
        "token: \"s3cr3t\\n\"",
        "token: 12345",
        "username: me, password: s3cr3t, token: s3cr3t",
        "client-key-data: s3cr3t!, client-certificate-data: s3cr3t!",
    ] {
        let error = read(&one("server: 'https://h'", user), &nowhere()).unwrap_err().to_string();
        assert!(!error.contains("s3cr3t") && !error.contains("12345"), "{error}");
        assert!(error.contains("\"u\""), "{error}");
    }
}

#[test]
fn nothing_is_written_in_a_context_whose_name_is_not_what_is_shown() {
    for (name, is_clear) in [("prod-uk-1", true), ("my prod's", true), ("prod\tuk", false), ("prod\u{202e}", false), (" prod", false)] {
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": "c"}}, {"name": "prod    uk", "context": {"cluster": "c"}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}], "users": [],
        });
        let (_folder, path) = written(&text.to_string());
        let target = load_in(&with(&path), &nowhere()).unwrap();
        assert_eq!(target.unclear.is_none(), is_clear, "{name:?}");
        let says = target.unclear.unwrap_or_default();
        assert!(is_clear || says.contains("rename-context"), "{says}");
    }
}

#[test]
fn answers_of_other_machines_may_be_compressed_unless_the_kubeconfig_says_no() {
    for (cluster, may) in [
        ("server: 'https://api.corp'", true),
        ("server: 'https://api.corp', disable-compression: true", false),
        ("server: 'https://127.0.0.1:6443'", false),
        ("server: 'https://localhost'", false),
    ] {
        let target = read(&one(cluster, "token: t"), &nowhere()).unwrap();
        assert_eq!(target.wire.may_be_compressed(), may, "{cluster}");
    }
}
