//! The log of an init container that crashes, by the key that chooses a container.

use std::{fs, sync::Arc};

use serde_json::{Value, json};
use sev1::sim::{self, Options};

use super::harness::Session;

#[test]
fn the_log_of_a_crashing_init_container_is_chosen_by_key() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    #[expect(clippy::disallowed_methods, reason = "the demo's clock is the real one, and a test binary has no runtime::clock")]
    let clock = Arc::new(chrono::Utc::now);
    let options = Options { scenario: "calm".to_owned(), seed: 11, speed: 10.0, pods: 0, clock };
    let mut platform = runtime.block_on(sim::start(options)).expect("a platform");
    runtime.block_on(platform.ready()).expect("a platform that is up");
    let config: Value = serde_saphyr::from_str(&platform.kubeconfig).expect("its kubeconfig");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = text(&config["contexts"][0]["context"]["namespace"]);
    let template = json!({
        "metadata": {"labels": {"app": "cashbook"}, "annotations": {"sev1.dev/fail": "init-crash-loop"}},
        "spec": {"initContainers": [{"name": "migrate", "image": "migrate:1"}], "containers": [{"name": "cashbook", "image": "cashbook:1"}]},
    });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cashbook", "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "cashbook"}}, "template": template},
    });
    let url = format!("{}/apis/apps/v1/namespaces/{namespace}/deployments", text(&config["clusters"][0]["cluster"]["server"]));
    let made = runtime.block_on(async {
        let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build()?;
        client.post(url).bearer_auth(text(&config["users"][0]["user"]["token"])).json(&deployment).send().await
    });
    assert_eq!(made.expect("an answer").status(), 201);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    fs::write(&path, &platform.kubeconfig).expect("the kubeconfig is written");
    let mut session = Session::start(120, 40, &["--kubeconfig", &path.display().to_string()]);
    session.see("Init:CrashLoopBackOff").press("2").see("deploy  no").press("/cashbook").enter().see("filter: cashbook");
    session.press("l").see("cashbook has not been started yet: PodInitializing; first comes migrate (init)");
    session.press("o").see("Containers of cashbook").press("1").see("waiting for the database: gave up");
    session.press("\u{1b}").press("q");
    drop(platform);
}
