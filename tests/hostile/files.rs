//! Files of this program and of kubectl, spoiled: read, or refused with a sentence, and nothing else.

use std::{fs, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use fastrand::Rng;
use serde_json::{Value, json};
use sev1::{
    commands::headless::plan_file,
    config::{self, Inputs, template},
    connect::kubeconfig::{self, KubeOptions},
    domain::time::{Clock, Mono, Now},
    journal::{self, Journal, sha256},
};

use crate::{
    seeds::{note_panics, panics, seeds},
    spoil,
};

/// A clock that stands.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Mono::ZERO, utc: DateTime::<Utc>::from_timestamp(1_795_400_000, 0).unwrap_or_default() }
    }
}

const KUBECONFIG: &str = r#"apiVersion: v1
kind: Config
preferences: {}
current-context: prod
clusters:
- name: prod
  cluster:
    server: https://127.0.0.1:6443/prefix?x=y
    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=
    tls-server-name: kubernetes
    proxy-url: socks5://user:password@127.0.0.1:1080
    disable-compression: true
- name: other
  cluster: &other
    server: http://[::1]:8080
    insecure-skip-tls-verify: true
contexts:
- name: prod
  context: {cluster: prod, user: plugin, namespace: shop}
- name: other
  context: {cluster: other, user: token}
users:
- name: token
  user:
    token: abc.def
    tokenFile: token
    as: somebody
    as-groups: [one, two]
    as-user-extra: {reason: [why]}
- name: basic
  user: {username: me, password: "secret"}
- name: cert
  user: {client-certificate: cert.pem, client-key-data: LS0t}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./does-not-exist
      args: [get-token, --cluster, prod]
      env: [{name: A, value: B}]
      interactiveMode: Never
      provideClusterInfo: true
      installHint: install it
- name: provider
  user:
    auth-provider: {name: oidc, config: {id-token: a.b.c, refresh-token: r, client-id: c}}
"#;

/// Tries it on every seed, and names the seeds that broke something.
fn on_every_seed(mut of: impl FnMut(&mut Rng)) {
    note_panics();
    let mut broken = Vec::new();
    for seed in seeds(1_000, 1) {
        let mut rng = Rng::with_seed(seed);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| of(&mut rng)));
        if let Err(panic) = ended {
            let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            broken.push(format!("seed {seed}: {why} {}", panics().join("; ")));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A sentence that is fit for a terminal, whatever was in the file.
fn is_clean(sentence: &str) {
    let raw = sentence.chars().find(|character| character.is_control() && *character != '\n' || ('\u{202a}'..='\u{202e}').contains(character));
    assert_eq!(raw, None, "raw in a sentence: {sentence:?}");
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a file of the test");
}

#[test]
fn a_kubeconfig_is_read_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let clock: Arc<dyn Clock> = Arc::new(Still);
    // A client needs a runtime around it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    on_every_seed(|rng| {
        write(&path, &spoil::bytes(rng, KUBECONFIG.as_bytes()));
        for context in [None, Some("prod"), Some("other")] {
            let options = KubeOptions { kubeconfig: Some(path.clone()), context: context.map(str::to_owned), ..KubeOptions::default() };
            if let Err(error) = kubeconfig::load(&options, &clock) {
                is_clean(&error.text());
            }
        }
    });
}

#[test]
fn a_configuration_is_read_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    let whole = template::uncommented();
    let lines: Vec<&str> = whole.lines().collect();
    on_every_seed(|rng| {
        // The whole of it, or a part that may be wrong by where it begins.
        let from = rng.usize(0..lines.len());
        let part = lines[from..(from + rng.usize(1..60)).min(lines.len())].join("\n");
        let text = if rng.u8(0..4) == 0 { &whole } else { &part };
        write(&path, &spoil::bytes(rng, text.as_bytes()));
        let inputs = Inputs { explicit_file: Some(path.clone()), working_directory: folder.path().to_owned(), ..Inputs::default() };
        match config::load(&inputs) {
            Ok(loaded) => drop(loaded.listing()),
            Err(problems) => problems.iter().for_each(|problem| is_clean(&problem.to_string())),
        }
    });
}

#[test]
fn a_saved_plan_is_read_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json");
    let plan = json!({
        "kind": "scale", "namespace": "shop", "words": ["deployment/api-gateway", "6"], "level": "plain", "reason": "backlog", "title": "scale api-gateway 5 → 6",
        "cluster": { "uid": "u", "user": "me", "context": "prod", "server": "https://127.0.0.1" },
        "targets": [{ "object": "/apis/apps/v1/namespaces/shop/deployments/api-gateway", "name": "deployment/api-gateway", "uid": "1", "resource_version": "2", "wanted_sha256": "3" }],
        "writes": [{ "method": "PATCH", "path": "/apis/apps/v1/namespaces/shop/deployments/api-gateway", "content": "application/json-patch+json", "body_sha256": "4" }],
    });
    on_every_seed(|rng| {
        let spoiled = spoil::document(rng, plan.to_string().as_bytes());
        let text = match serde_json::from_slice::<Value>(&spoiled) {
            // With a hash that fits: everybody can make one.
            Ok(plan) => json!({ "sev1_plan": rng.u64(1..6), "sha256": sha256(plan.to_string().as_bytes()), "plan": plan }).to_string().into_bytes(),
            Err(_) => spoiled,
        };
        write(&path, &text);
        match plan_file::load(&path) {
            Ok(frozen) => {
                let _ = frozen.has_reason();
                if let Err(why) = frozen.wish(None) {
                    is_clean(&why);
                }
            }
            Err(refusal) => is_clean(&refusal.says),
        }
    });
}

#[test]
fn a_journal_is_verified_and_recalled_or_refused() {
    let alert = json!({
        "alert": "HighErrorRate", "subject": "api", "severity": "critical", "fingerprint": "f", "starts_at": "2026-11-23T02:00:00Z", "at": "2026-11-23T02:05:00Z",
        "step": 1, "who": "On-call", "by": "me", "expires_at": "2026-11-23T02:35:00Z", "text": "a note", "outcome": "done", "intent": 1, "kept_sha256": "",
    });
    let kinds =
        ["ack", "ack-renewed", "unack", "escalation-step", "alert-logged", "called", "uncalled", "note", "intent", "outcome", "kept", "session"];
    on_every_seed(|rng| {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Journal::open(folder.path().to_owned(), "uid".into(), "me".into(), Arc::new(Still)).expect("a journal");
        let written = open();
        for _ in 0..rng.usize(1..6) {
            let fields: Value = serde_json::from_slice(&spoil::document(rng, alert.to_string().as_bytes())).unwrap_or_default();
            let seq = written.append(kinds[rng.usize(0..kinds.len())], &fields);
            if let Ok(seq) = seq
                && rng.bool()
            {
                written.keep(seq, &fields).expect("it can be kept");
            }
        }
        journal::verify(&written.path()).expect("what was appended is whole");
        // Of another run, so that it is looked at.
        let other = open();
        drop((other.recall().expect("it can be read"), other.open_intents().expect("it can be read"), other.kept()));

        let bytes = fs::read(written.path()).expect("the journal");
        write(&written.path(), &spoil::bytes(rng, &bytes));
        if let Err(error) = journal::verify(&written.path()) {
            is_clean(&error.to_string());
        }
        let _ = (other.recall(), other.open_intents(), other.kept());
        // It goes on after whatever there was, or says why not.
        let _ = other.append("note", &json!({ "text": "after" }));
    });
}
