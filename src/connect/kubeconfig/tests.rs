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
