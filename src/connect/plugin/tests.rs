//! Credential plugins that are slow, fail, lie or are not there.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::Method;

use super::*;
use crate::connect::{
    Reader,
    credentials::Credentials,
    scripted::{Hands, Scripted, json, target_with},
};

const V1: &str = "client.authentication.k8s.io/v1";

/// A plugin that counts its runs, and does what its script says then.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    clock: Hands,
    plugin: Arc<Plugin>,
}

impl Rig {
    fn new(script: &str) -> Self {
        Self::with(script, |_| {})
    }

    fn with(script: &str, change: impl FnOnce(&mut Spec)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (command, clock) = (folder.path().join("login-helper"), Hands::default());
        fs::write(&command, format!("#!/bin/sh\ncd {}\necho run >> runs\n{script}\n", folder.path().display())).unwrap();
        fs::set_permissions(&command, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut spec = Spec {
            command: command.display().to_string(),
            args: Vec::new(),
            env: Vec::new(),
            api_version: V1.to_owned(),
            install_hint: Some("Install it with: brew install login-helper\n".to_owned()),
            asks: Asks::IfAvailable,
            cluster: None,
        };
        change(&mut spec);
        let plugin = Arc::new(Plugin::new(spec, "https://api".into(), Arc::new(clock.clone())));
        Self { folder, clock, plugin }
    }

    /// One that waits for [`Self::go`] before it prints its token.
    pub fn slow() -> Self {
        let rig = Self::new(&format!("echo 'open https://sso and type ABCD' >&2\nread word < go\n{}", token("good", "")));
        let made = std::process::Command::new("mkfifo").arg(rig.path("go")).status().unwrap();
        assert!(made.success());
        rig
    }

    /// Lets a slow one end.
    pub fn go(&self) {
        let go = self.path("go");
        // A thread of its own: opening waits for the reader.
        std::thread::spawn(move || fs::OpenOptions::new().write(true).open(go).unwrap().write_all(b"on\n").unwrap());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs")).map_or(0, |runs| runs.lines().count())
    }

    pub fn reader(&self, server: &Scripted) -> Reader {
        Reader::new(&target_with(&server.url, Credentials::Plugin(self.plugin.clone())))
    }

    async fn error(&self) -> String {
        self.plugin.credential().await.unwrap_err().to_string()
    }
}

fn token(token: &str, more: &str) -> String {
    format!(r#"printf '%s' '{{"apiVersion":"{V1}","kind":"ExecCredential","status":{{"token":"{token}"{more}}}}}'"#)
}

/// Takes `good` alone, while it is told to.
async fn server(takes: &Arc<AtomicBool>) -> Scripted {
    let takes = takes.clone();
    Scripted::start(move |request, _| {
        let is_good = takes.load(Ordering::SeqCst) && request.to_lowercase().contains("authorization: bearer good");
        if is_good { json(200, "{}") } else { json(401, r#"{"message":"Unauthorized"}"#) }
    })
    .await
}

/// Polls until it is so; the processes of the rigs need real time.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
}

#[tokio::test]
async fn a_slow_plugin_runs_once_for_all_and_is_no_time_of_the_servers() {
    let (rig, server) = (Rig::slow(), server(&Arc::new(AtomicBool::new(true))).await);
    let reader = rig.reader(&server);
    let limit = Duration::from_millis(300);
    let ask = || reader.raw(Method::GET, "/x", &[], None, 1_000, limit);
    // Gives up long before the plugin is done, and later than its own limit.
    assert!(tokio::time::timeout(2 * limit, ask()).await.is_err(), "a request has no limit before it can be sent");
    until(|| reader.waits_for().is_some_and(|words| words.contains("ABCD"))).await;
    rig.clock.forward(Duration::from_secs(12));
    assert_eq!(&*reader.waits_for().unwrap(), "waiting for the credential plugin login-helper, 12 s: open https://sso and type ABCD");
    let all = async { tokio::join!(ask(), ask(), reader.watch("/x", &[], limit)) };
    let (all, ()) = tokio::join!(all, async { rig.go() });
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
    assert_eq!((rig.runs(), reader.waits_for()), (1, None));
}

#[tokio::test]
async fn a_failed_plugin_rests_longer_each_time_and_its_words_are_kept() {
    let rig = Rig::new("echo first >&2\necho 'password=hunter2 at https://me:hunter2@sso' >&2\nprintf 'expired \\033[31msession' >&2\nexit 3");
    let error = rig.error().await;
    assert!(
        error.contains("the credential plugin login-helper failed (exit code 3): first") && error.contains("expired <U+001B>[31msession"),
        "{error}"
    );
    assert!(!error.contains("me:hunter2"), "{error}");
    for (wait, runs) in [(0, 1), (9, 1), (1, 2), (19, 2), (1, 3), (3_600, 4)] {
        rig.clock.forward(Duration::from_secs(wait));
        let error = rig.plugin.credential().await.unwrap_err();
        assert_eq!(rig.runs(), runs, "after {wait} s more");
        assert!(error.retry_after().is_some_and(|again| again > Duration::ZERO), "{error:?}");
    }
    rig.plugin.try_again();
    rig.error().await;
    assert_eq!(rig.runs(), 5);
}

#[tokio::test]
async fn a_credential_that_ran_out_is_had_again_once() {
    // The clock of the test begins at 2027-01-15T08:00:00Z.
    let rig = Rig::new(&format!(
        "if [ $(wc -l < runs) = 1 ]; then {}; else {}; fi",
        token("good", r#","expirationTimestamp":"2027-01-15T08:10:00Z""#),
        token("new", "")
    ));
    for (wait, runs) in [(0, 1), (600, 1), (1, 2), (10_000, 2)] {
        rig.clock.forward(Duration::from_secs(wait));
        let (a, b) = tokio::join!(rig.plugin.credential(), rig.plugin.credential());
        assert!(Arc::ptr_eq(&a.unwrap(), &b.unwrap()));
        assert_eq!(rig.runs(), runs, "after {wait} s more");
    }
    let stale = Rig::new(&token("old", r#","expirationTimestamp":"2020-01-01T00:00:00Z""#));
    for _ in 0..5 {
        stale.plugin.credential().await.unwrap();
    }
    assert_eq!(stale.runs(), 1, "what has run out before it was had is no reason for a run each");
}

#[tokio::test]
async fn a_refused_credential_is_had_again_at_once_and_then_after_a_rest() {
    let (rig, takes) = (Rig::new(&token("good", "")), Arc::new(AtomicBool::new(true)));
    let server = server(&takes).await;
    let reader = rig.reader(&server);
    reader.get_json("/x", &[]).await.unwrap();
    takes.store(false, Ordering::SeqCst);
    for runs in [1, 2, 2, 2] {
        assert!(reader.get_json("/x", &[]).await.is_err());
        assert_eq!(rig.runs(), runs);
    }
    takes.store(true, Ordering::SeqCst);
    rig.clock.forward(Duration::from_mins(1));
    reader.get_json("/x", &[]).await.unwrap();
    assert_eq!(rig.runs(), 3);
}

#[tokio::test]
async fn one_that_is_not_installed_is_named_with_the_hint() {
    let rig = Rig::with("", |spec| spec.command = "no-such-plugin-xyz".to_owned());
    let error = rig.error().await;
    let expected =
        "the credential plugin no-such-plugin-xyz is not installed: no-such-plugin-xyz is not on PATH. Install it with: brew install login-helper";
    assert!(error.ends_with(expected), "{error}");
    let rig = Rig::with("", |spec| spec.command = "/nonexistent/helper".to_owned());
    let error = rig.error().await;
    assert!(error.contains("the credential plugin helper is not installed: there is no /nonexistent/helper. Install"), "{error}");
    let rig = Rig::new("exec no-such-inner-tool");
    assert!(rig.error().await.contains("brew install"), "a script that does not find its tool");
}

#[tokio::test]
async fn it_is_told_what_the_kubeconfig_says() {
    let rig = Rig::with(&format!("echo \"$KUBERNETES_EXEC_INFO\" > told\necho \"$1 $WHO\" >> told\n{}", token("good", "")), |spec| {
        spec.args = vec!["token".to_owned()];
        spec.env = vec![("WHO".to_owned(), "oncall".to_owned())];
        spec.cluster = Some(serde_json::json!({"server": "https://api"}));
    });
    rig.plugin.credential().await.unwrap();
    let told = fs::read_to_string(rig.path("told")).unwrap();
    let (info, rest) = told.split_once('\n').unwrap();
    let info: Value = serde_json::from_str(info).unwrap();
    let expected =
        serde_json::json!({"kind": "ExecCredential", "apiVersion": V1, "spec": {"interactive": false, "cluster": {"server": "https://api"}}});
    assert_eq!((info, rest), (expected, "token oncall\n"));
}

#[tokio::test]
async fn what_is_no_credential_is_said_and_not_quoted() {
    let about = |status: &str| format!(r#"echo '{{"apiVersion":"{V1}","kind":"ExecCredential"{status}}}'"#);
    for (script, expected) in [
        ("echo s3cr3t".to_owned(), "printed something that is not an ExecCredential"),
        (":".to_owned(), "printed something that is not an ExecCredential"),
        (about(""), "answered without a status"),
        (about(r#","status":{}"#), "gave neither a token nor a client certificate"),
        (about(r#","status":{"clientKeyData":"s3cr3t"}"#), "gave a client certificate or its key, but not both"),
        (about(r#","status":{"clientKeyData":"s3cr3t","clientCertificateData":"x"}"#), "gave a client certificate that is not PEM"),
        (token("s3cr3t\\n", ""), "gave a token with a character that a header cannot carry"),
        (token("s3cr3t", "").replace("/v1", "/v1beta1"), "answered in apiVersion client.authentication.k8s.io/v1beta1"),
    ] {
        let error = Rig::new(&script).error().await;
        assert!(error.contains("the credential plugin login-helper") && error.contains(expected), "{script}: {error}");
        assert!(!error.contains("s3cr3t"), "{script}: {error}");
    }
    let rig = Rig::with(&token("good", ""), |spec| spec.asks = Asks::Always);
    assert!(rig.error().await.contains("interactiveMode: Always"));
    assert_eq!(rig.runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_never_ends_is_stopped() {
    let rig = Rig::new("echo 'open https://sso' >&2\nexec sleep 3600");
    let why = rig.error().await;
    assert!(why.contains("login-helper did not end within 5 minutes and was stopped"), "{why}");
}

#[tokio::test]
async fn a_run_that_hangs_is_ended_by_hand_with_all_that_it_started_and_runs_again_at_once() {
    let rig = Rig::new("if [ $(wc -l < runs) = 1 ]; then mkfifo hold; (exec 3<> hold; echo here > child; read word <&3) & cat hold; fi");
    let waiting = tokio::spawn({
        let plugin = rig.plugin.clone();
        async move { plugin.credential().await.map(drop) }
    });
    until(|| rig.path("child").exists()).await;
    rig.clock.forward(Duration::from_secs(42));
    rig.plugin.end();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("the credential plugin login-helper was ended by hand after 42 s"), "{error}");
    // A pipe that nobody holds open any more cannot be opened for writing without waiting.
    let hold = rig.path("hold");
    until(|| rustix::fs::open(&hold, rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK, rustix::fs::Mode::empty()).is_err()).await;
    rig.error().await;
    assert_eq!(rig.runs(), 2, "no rest");
}

#[tokio::test]
async fn what_a_plugin_leaves_behind_may_hold_its_output_open() {
    let rig = Rig::new(&format!("mkfifo hold; (exec 3<> hold; read word <&3) &\n{}", token("good", "")));
    assert!(rig.plugin.credential().await.is_ok());
    // Lets it end.
    fs::OpenOptions::new().write(true).open(rig.path("hold")).unwrap().write_all(b"on\n").unwrap();
}
