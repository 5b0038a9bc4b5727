//! The list of requests is complete: whatever sev1 and kubectl ask stands in it.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use sev1::sim::{self, Options, Running};
use tempfile::TempDir;

use crate::harness::Session;
use crate::recorder::{Asked, Recorder};
use crate::requests::{self, Server};

/// What an engineer types; with real files where one is named.
const KUBECTL: [&str; 34] = [
    "get pods -o wide",
    "get pods -o json",
    "get deployments,replicasets,services,configmaps,hpa,events,endpointslices,pdb",
    "get nodes -o wide",
    "get namespaces",
    "get pods --all-namespaces",
    "scale deployment core-engine --replicas=7",
    "rollout status deployment/core-engine --timeout=60s",
    "rollout history deployment/api-gateway",
    "rollout undo deployment/api-gateway --dry-run=server",
    "rollout undo deployment/api-gateway",
    "patch configmap api-config --patch={\"data\":{\"x\":\"y\"}}",
    "patch configmap api-config --dry-run=server --type=merge --patch={\"data\":{\"x\":\"y\"}}",
    "delete pod -l app=core-engine --field-selector=status.phase!=Failed",
    "auth can-i delete pods",
    "auth whoami",
    "logs deployment/core-engine --tail=3",
    "describe deployment api-gateway",
    "describe pods -l app=api-gateway",
    "describe node node-1",
    "events",
    "explain pods",
    "explain deployment.spec.replicas",
    "api-resources",
    "version",
    "drain node-3 --ignore-daemonsets --force --timeout=90s",
    "uncordon node-3",
    "annotate deployment core-engine note=x",
    "create configmap extra --from-literal=a=b",
    "delete configmap extra",
    "apply -f applied.json",
    "apply -f applied.json --dry-run=server",
    "apply -f applied.json --server-side --force-conflicts",
    "delete -f applied.json",
];

struct Platform {
    _running: Running,
    recorder: Recorder,
    folder: TempDir,
}

impl Platform {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Arc::new(chrono::Utc::now);
        let options = Options { scenario: "bad-deploy".to_owned(), seed: 11, speed: 10.0, pods: 0, clock };
        let running = sim::start(options).await.unwrap();
        let (recorder, url) = Recorder::before(&running).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), running.kubeconfig.replace(&running.kubernetes_url, &url)).unwrap();
        std::fs::write(
            folder.path().join("applied.json"),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"applied"},"data":{"a":"b"}}"#,
        )
        .unwrap();
        Self { _running: running, recorder, folder }
    }

    fn run(&self, program: &str, line: &str) -> String {
        let mut command = Command::new(program);
        command.args(line.split_whitespace()).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("KUBECONFIG", self.folder.path().join("kubeconfig")).env("HOME", self.folder.path());
        let output = command.output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    /// Complains about what was asked and is not listed.
    fn check(&self, by: &str) {
        let listed = listed();
        let asked = self.recorder.take();
        assert!(!asked.is_empty(), "{by} asked nothing");
        let missing: BTreeSet<String> = asked.iter().map(pattern).filter(|asked| !listed.iter().any(|listed| fits(listed, asked))).collect();
        println!("{by}: {} requests, {} kinds", asked.len(), asked.iter().map(pattern).collect::<BTreeSet<_>>().len());
        assert!(missing.is_empty(), "{by} asks what is not in tests/wire/requests:\n{}", missing.into_iter().collect::<Vec<_>>().join("\n"));
    }
}

/// Method, path, names of the parameters, form of the answer, and kind of the body; what a search asks for. What only says which
/// object is left out.
fn pattern(asked: &Asked) -> String {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let mut names: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !matches!(&**name, "fieldManager" | "labelSelector" | "timeout" | "timeoutSeconds" | "force"))
        .map(|(name, value)| if matches!(&*name, "watch" | "dryRun" | "follow") { format!("{name}={value}") } else { name.into_owned() })
        .collect();
    names.sort();
    // Whoever prefers protobuf takes JSON too, and the simulation always answers JSON.
    let form = asked.accept.replace("application/vnd.kubernetes.protobuf,", "");
    let form = ["as=Table", "as=APIGroupDiscoveryList", "as=PartialObjectMetadata"]
        .into_iter()
        .find(|form| asked.accept.contains(form))
        .unwrap_or(if form.starts_with("application/json") { "JSON" } else { &form });
    let content = asked.content_type.replace("application/vnd.kubernetes.protobuf", "application/json");
    let search = if path.ends_with("/_search") { parts(&asked.body) } else { String::new() };
    format!("{} {path} {} {form} {content} {search}", asked.method, names.join("&"))
}

/// The names in a JSON body, each with those above it.
fn parts(body: &str) -> String {
    fn within(value: &Value, place: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| within(value, &format!("{place}/{name}"), found)),
            Value::Array(items) => items.iter().for_each(|item| within(item, place, found)),
            _ => drop(found.insert(place.to_owned())),
        }
    }
    let mut found = BTreeSet::new();
    within(&serde_json::from_str(body).unwrap_or_default(), "", &mut found);
    found.into_iter().collect::<Vec<_>>().join(",")
}

/// The list in the same form, with `{name}` where something is kept.
fn listed() -> Vec<String> {
    let scripts = requests::all();
    let all = scripts.iter().flat_map(|script| script.request.iter().map(move |request| (script.server, request)));
    all.map(|(server, request)| {
        let base = match server {
            Server::Prometheus => "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy",
            Server::Alertmanager => "/api/v1/namespaces/monitoring/services/alertmanager:9093/proxy",
            Server::Elasticsearch => "/api/v1/namespaces/monitoring/services/elasticsearch:9200/proxy",
            Server::Kubernetes | Server::Etcd => "",
        };
        pattern(&Asked {
            method: request.method().to_owned(),
            target: format!("{base}{}", request.target()),
            accept: request.accepted().to_owned(),
            content_type: request.content.clone(),
            body: request.body.clone(),
        })
    })
    .collect()
}

/// Part by part of the path; a name stands for any other in its place.
fn fits(listed: &str, asked: &str) -> bool {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (listed, asked) = (words(listed), words(asked));
    let is_name = |before: &str| {
        matches!(
            before,
            "namespaces"
                | "pods"
                | "configmaps"
                | "deployments"
                | "replicasets"
                | "daemonsets"
                | "nodes"
                | "leases"
                | "services"
                | "poddisruptionbudgets"
        )
    };
    let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (ours, theirs) = (parts(&listed[1]), parts(&asked[1]));
    let same_path = ours.len() == theirs.len()
        && ours.iter().zip(&theirs).enumerate().all(|(at, (ours, other))| ours == other || (at > 0 && is_name(&theirs[at - 1]) && !ours.is_empty()));
    same_path && listed[0] == asked[0] && listed[2..] == asked[2..]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sev1_asks_is_listed() {
    let platform = Platform::start().await;
    assert!(platform.run(env!("CARGO_BIN_EXE_sev1"), "status").contains("HighErrorRate"));
    assert!(platform.run(env!("CARGO_BIN_EXE_sev1"), "doctor").contains("oncall@gov"));
    platform.check("status and doctor");

    let kubeconfig = platform.folder.path().join("kubeconfig").display().to_string();
    let cockpit = tokio::task::spawn_blocking(move || {
        let mut session = Session::start(80, 24, &["--kubeconfig", &kubeconfig]);
        session.see("CrashLoopBackOff").see("undo rollout api-gateway to rev 41");
        session.press("2").see("deploy  no").press("d").see("Containers").see("complete").esc();
        session.press("y").see("apiVersion").esc().press("l").see("Logs").esc();
        session.press("1").see("undo rollout api-gateway to rev 41").press("u");
        for check in ["✓ same cluster", "✓ allowed", "✓ server dry-run", "✓ unchanged", "✓ journal written", "Type prod"] {
            session.see(check);
        }
        session.confirm("prod").see_gone("Type prod").see_gone("CrashLoopBackOff");
        session.press("\u{3}\u{3}").ended()
    });
    // By Ctrl-C twice, so that nothing has to be in order by then.
    cockpit.await.unwrap();
    platform.check("the cockpit");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_asks_is_listed() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        eprintln!("SKIPPED: kubectl is not on PATH, its requests were not compared with the list");
        return;
    }
    let platform = Platform::start().await;
    for line in KUBECTL {
        platform.run("kubectl", line);
    }
    platform.check("kubectl");
}
