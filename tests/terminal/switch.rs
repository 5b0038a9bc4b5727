//! Going to another namespace and to another context without leaving the terminal.

use std::{fs, sync::Arc};

use serde_json::{Value, json};
use sev1::sim::{self, Options, Running};

use super::harness::Session;

/// A simulated cluster, and contexts beside its own that lead nowhere.
struct Places {
    platform: Running,
    folder: tempfile::TempDir,
    config: Value,
}

impl Places {
    fn open(runtime: &tokio::runtime::Runtime) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the demo's clock is the real one, and a test binary has no runtime::clock")]
        let clock = Arc::new(chrono::Utc::now);
        let options = Options { scenario: "calm".to_owned(), seed: 11, speed: 1.0, pods: 0, clock };
        let mut platform = runtime.block_on(sim::start(options)).expect("a platform");
        runtime.block_on(platform.ready()).expect("a platform that is up");
        let good: Value = serde_saphyr::from_str(&platform.kubeconfig).expect("its kubeconfig");
        let (cluster, user) = (good["clusters"][0]["cluster"].clone(), good["users"][0]["user"].clone());
        let namespace = good["contexts"][0]["context"]["namespace"].clone();
        let stranger = json!({"server": cluster["server"], "tls-server-name": "elsewhere.example", "certificate-authority-data": cluster["certificate-authority-data"]});
        let failing = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "IfAvailable"}});
        let context =
            |name: &str, cluster: &str, user: &str| json!({"name": name, "context": {"cluster": cluster, "user": user, "namespace": namespace}});
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "staging",
            "clusters": [
                {"name": "good", "cluster": cluster}, {"name": "dead", "cluster": {"server": "https://127.0.0.1:1"}},
                {"name": "stranger", "cluster": stranger}, {"name": "broken", "cluster": {"server": "https://x", "certificate-authority-data": "%%%"}},
            ],
            "users": [{"name": "me", "user": user}, {"name": "nobody", "user": failing}],
            "contexts": [
                context("staging", "good", "me"), context("staging-dead", "dead", "me"), context("staging-locked", "good", "nobody"),
                context("staging-stranger", "stranger", "me"), context("staging-broken", "broken", "me"), context("staging-gone", "good", "me"),
            ],
        });
        let places = Self { platform, folder: tempfile::tempdir().expect("a folder"), config };
        places.write(&places.config);
        places
    }

    fn write(&self, config: &Value) {
        fs::write(self.path(), config.to_string()).expect("the kubeconfig is written");
    }

    fn path(&self) -> String {
        self.folder.path().join("config").display().to_string()
    }
}

fn go(session: &mut Session, to: &str) {
    session.press(&format!(":ctx {to}")).enter().see(&format!("Switch to context {to}?")).press("y");
}

#[test]
fn a_context_that_cannot_be_reached_says_why_and_is_left_again() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let places = Places::open(&runtime);
    let mut session = Session::start(120, 40, &["--kubeconfig", &places.path()]);
    session.see("48/48 ready").press(":theme day").enter();
    for (name, says) in [
        ("staging-dead", "connection refused: nothing listens there"),
        ("staging-locked", "the credential plugin false failed (exit code 1)"),
        ("staging-stranger", "its certificate is for another name"),
    ] {
        go(&mut session, name);
        session.see(&format!("of {name}")).see(says);
        go(&mut session, "staging");
        session.see("of staging").see("48/48 ready");
    }
    drop(places.platform);
    session.press("q");
    assert_eq!(session.ended(), 0);
}

#[test]
fn where_a_context_cannot_be_opened_the_cockpit_stays_where_it_is() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let places = Places::open(&runtime);
    let mut session = Session::start(140, 40, &["--kubeconfig", &places.path()]);
    session.see("48/48 ready");
    go(&mut session, "staging-broken");
    session.see("context staging-broken cannot be opened").see("certificate-authority-data that is not base64").see("48/48 ready");

    let mut without = places.config.clone();
    without["contexts"].as_array_mut().expect("contexts").retain(|context| context["name"] != "staging-gone");
    session.press(":ctx staging-gone").enter().see("Switch to context staging-gone?");
    places.write(&without);
    session.press("y").see("context staging-gone cannot be opened").see("there is no context").see("48/48 ready");

    session.press(":ctx staging-dead").enter().see("Switch to context staging-dead?");
    fs::remove_file(places.path()).expect("it is removed");
    session.press("y").see("context staging-dead cannot be opened").see("does not exist").see("48/48 ready");
    drop(places.platform);
    session.press("q");
    assert_eq!(session.ended(), 0);
}

#[test]
fn a_theme_that_was_chosen_is_kept_on_the_way() {
    let mut session = Session::start(120, 40, &["demo"]);
    session.see("CrashLoopBackOff").press(":theme mono").enter().see_gone(":theme mono");
    session.press(":ns").enter().see("ns digital-identity-staging");
    session.press("digital-identity-staging").enter().see("Switch to namespace digital-identity-staging?").press("y");
    session.see("this is namespace digital-identity-staging of prod-uk-1");
    let (sent, taken) = (session.sent(), b"\x1b[?1049h");
    let before = sent.windows(taken.len()).rposition(|bytes| bytes == taken).expect("the terminal was taken again");
    let has_colour = sent[before..].windows(5).any(|bytes| matches!(bytes, b"\x1b[38;" | b"\x1b[48;"));
    assert!(!has_colour, "the theme without colours draws none");
}

#[test]
fn another_namespace_and_another_context_are_opened_in_the_same_terminal() {
    let mut session = Session::start(120, 40, &["demo"]);
    session.see("prod-uk-1 · digital-identity").see("CrashLoopBackOff");
    session.press(":ns").enter().see("ns digital-identity-staging");
    session.press("digital-identity-staging").enter().see("Switch to namespace digital-identity-staging?").press("y");
    session.see("prod-uk-1 · digital-identity-staging").see("this is namespace digital-identity-staging of prod-uk-1");

    session.press(":ctx staging-uk-1").enter().see("Switch to context staging-uk-1?").press("y");
    session.see("staging-uk-1 · digital-identity-staging").see("of staging-uk-1");

    session.press(":ctx prod-uk-1").enter().see("Type prod-uk-1 to switch").press("y").enter().see("type prod-uk-1 to switch; Esc stays here");
    session.press("\u{15}prod-uk-1").enter();
    session.see("prod-uk-1 · digital-identity").see("CrashLoopBackOff").press("q");
    assert_eq!(session.ended(), 0);
}

#[test]
fn events_have_a_table_and_lead_to_their_pod() {
    let mut session = Session::start(120, 40, &["demo"]);
    session.see("CrashLoopBackOff").see("Warnings").see("BackOff api-gateway");
    session.press(":events").enter().see("LAST SEEN").press("/BackOff").enter().see("Back-off").enter().see("0/1 container");
    session.press("\u{1b}").see("LAST SEEN");
}
