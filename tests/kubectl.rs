//! The real kubectl on the simulated cluster: what an engineer types must work there.
//!
//! Where kubectl is not on PATH each test says that it was skipped.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test's helper fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use sev1::sim::{self, Options, Running};
use tempfile::TempDir;

const SEED: u64 = 11;

/// A simulated platform and a kubectl pointed at it.
struct Kubectl {
    _platform: Running,
    folder: TempDir,
}

struct Output {
    ok: bool,
    stdout: String,
    stderr: String,
}

impl Kubectl {
    /// None, and a word about it, where there is no kubectl.
    async fn on(scenario: &str) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
            eprintln!("SKIPPED: kubectl is not on PATH, the simulated cluster was not tried with it");
            return None;
        }
        eprintln!("scenario {scenario}, seed {SEED}");
        #[expect(clippy::disallowed_methods, reason = "the demo's clock is the real one, and a test binary has no runtime::clock")]
        let clock = Arc::new(chrono::Utc::now);
        let options = Options { scenario: scenario.to_owned(), seed: SEED, speed: 10.0, pods: 0, clock };
        let platform = sim::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), &platform.kubeconfig).unwrap();
        Some(Self { _platform: platform, folder })
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("kubectl");
        command.args(line.split_whitespace()).env("KUBECONFIG", self.folder.path().join("kubeconfig")).env("HOME", self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Output {
        let output = self.command(line).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Output { ok: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What a command that must succeed prints.
    fn prints(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.ok, "kubectl {line}\n{}{}", output.stdout, output.stderr);
        output.stdout
    }

    /// The answer of `sev1 do`, whose verdict is not waited for.
    fn sev1_do(&self, words: &str, more: &[&str]) -> serde_json::Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sev1"));
        command.arg("do").args(words.split_whitespace()).args(["--reason", "a test", "-o", "json"]).args(more);
        command.env("KUBECONFIG", self.folder.path().join("kubeconfig")).env("HOME", self.folder.path()).stdin(Stdio::null());
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("sev1 do {words}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Runs a line as a shell would that it is pasted into.
    fn pastes(&self, line: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).env("KUBECONFIG", self.folder.path().join("kubeconfig")).env("HOME", self.folder.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What a command that must fail complains.
    fn complains(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(!output.ok, "kubectl {line} succeeded\n{}", output.stdout);
        output.stderr
    }

    fn shows(&self, line: &str, words: &[&str]) {
        let printed = self.prints(line);
        for word in words {
            assert!(printed.contains(word), "kubectl {line}: no {word:?} in\n{printed}");
        }
    }

    /// Runs a command that goes on, until a line of its output is as wanted.
    fn follow_until(&self, line: &str, mut wanted: impl FnMut(&str) -> bool, meanwhile: impl FnOnce()) {
        let mut child = self.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("a first line").unwrap();
        meanwhile();
        let found = wanted(&first) || lines.any(|line| wanted(&line.unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found, "kubectl {line} ended without the wanted line");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_looks_around() {
    let Some(kubectl) = Kubectl::on("bad-deploy").await else { return };
    kubectl.shows("get pods -o wide", &["NAME", "RESTARTS", "NODE", "NOMINATED NODE", "api-gateway-", "CrashLoopBackOff"]);
    kubectl.shows(
        "get deployments,replicasets,services,configmaps,hpa",
        &["deployment.apps/api-gateway", "configmap/api-config", "service/api-gateway"],
    );
    kubectl.shows("get all", &["pod/core-engine-", "horizontalpodautoscaler.autoscaling/api-gateway-hpa"]);
    kubectl.shows("get nodes -o wide", &["node-12", "Ready", "containerd://"]);
    kubectl.shows("get namespaces", &["digital-identity-staging", "Active"]);
    kubectl.shows("get events", &["BackOff", "Back-off restarting failed container"]);
    kubectl.shows("get pods --all-namespaces --chunk-size=5", &["monitoring", "kube-system"]);
    kubectl.shows("get pods -l app=core-engine -o name", &["pod/core-engine-"]);
    kubectl.shows("describe pods -l app=api-gateway --show-events", &["Back-off restarting failed container", "Controlled By:  ReplicaSet/"]);
    kubectl.shows("describe deployment api-gateway", &["RollingUpdate", "NewReplicaSet"]);
    kubectl.shows("api-resources", &["deployments", "poddisruptionbudgets", "endpointslices"]);
    kubectl.shows("version", &["Server Version: v1.36"]);
    kubectl.shows("rollout history deployment/api-gateway", &["REVISION", "api-gateway 2.3.1", "api-gateway 2.4.0"]);
    kubectl.shows("auth whoami", &["oncall@gov"]);
    kubectl.shows("auth can-i patch deployments --subresource=scale", &["yes"]);
    kubectl.shows("logs deployment/core-engine --tail=5 --timestamps", &["Z "]);
    kubectl.shows(
        "get --raw /api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=up",
        &["\"status\":\"success\"", "api-gateway"],
    );
    kubectl.shows("get --raw /api/v1/namespaces/monitoring/services/alertmanager:9093/proxy/api/v2/alerts", &["alertname"]);
    kubectl.shows("get --raw /api/v1/namespaces/monitoring/services/elasticsearch:9200/proxy/", &["You Know, for Search"]);
    assert!(kubectl.complains("get deployment nosuch").contains("deployments.apps \"nosuch\" not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_mitigates() {
    let Some(kubectl) = Kubectl::on("bad-deploy").await else { return };
    kubectl.shows("scale deployment core-engine --replicas=7", &["scaled"]);
    kubectl.shows("rollout status deployment/core-engine --timeout=60s", &["successfully rolled out"]);
    kubectl.shows("get deployment core-engine", &["7/7"]);
    let image = "get deployment api-gateway -o jsonpath={.spec.template.spec.containers[0].image}";
    kubectl.shows("rollout undo deployment/api-gateway --dry-run=server", &["rolled back (server dry run)"]);
    kubectl.shows(image, &["2.4.0"]);
    kubectl.shows("delete pod -l app=api-gateway --field-selector=status.phase!=Running", &[]);
    kubectl.shows("rollout undo deployment/api-gateway", &["rolled back"]);
    kubectl.shows("rollout status deployment/api-gateway --timeout=60s", &["successfully rolled out"]);
    kubectl.shows(image, &["2.3.1"]);
    kubectl.shows("rollout restart deployment/gov-connectors", &["restarted"]);
    kubectl.shows("rollout status deployment/gov-connectors --timeout=60s", &["successfully rolled out"]);
    let breaker = r#"{"data":{"circuit_breaker_enabled":"true"}}"#;
    let value = "get configmap api-config -o jsonpath={.data.circuit_breaker_enabled}";
    kubectl.shows(&format!("patch configmap api-config --dry-run=server --patch={breaker}"), &["patched"]);
    assert_eq!(kubectl.prints(value), "false");
    kubectl.shows(&format!("patch configmap api-config --patch={breaker}"), &["patched"]);
    assert_eq!(kubectl.prints(value), "true");
    kubectl.shows("annotate deployment core-engine note=x", &["annotated"]);
    kubectl.shows("set image deployment/fraud-analytics *=digital-identity/fraud-analytics:9", &["image updated"]);
    kubectl.shows("create deployment extra --image=a:1 --replicas=1", &["created"]);
    kubectl.shows("delete deployment extra", &["deleted"]);
    kubectl.shows("drain node-3 --ignore-daemonsets --force --timeout=90s", &["drained"]);
    kubectl.shows("uncordon node-3", &["uncordoned"]);
}

/// What of an object says that a mitigation was done, after `sev1 do` and after the command that it printed.
#[tokio::test(flavor = "multi_thread")]
async fn the_printed_command_does_what_the_plan_does() {
    // Alike, but for the moments at which things happen.
    let (Some(by_sev1), Some(by_kubectl)) = (Kubectl::on("bad-deploy").await, Kubectl::on("bad-deploy").await) else { return };
    let cases = [
        ("scale deployment/core-engine 7", "deployment core-engine", "{.spec.replicas}"),
        ("set-config-key configmap/api-config circuit_breaker_enabled=true", "configmap api-config", "{.data}"),
        ("set-config-key configmap/api-config circuit_breaker_enabled-", "configmap api-config", "{.data}"),
        ("set-image deployment/core-engine core-engine=core-engine:9", "deployment core-engine", "{.spec.template.spec}"),
        ("restart deployment/gov-connectors", "deployment gov-connectors", "{.spec.template.metadata.annotations}"),
        ("pause deployment/gov-connectors", "deployment gov-connectors", "{.spec.paused}"),
        ("resume deployment/gov-connectors", "deployment gov-connectors", "{.spec.paused}"),
        ("restart-unhealthy deployment/api-gateway", "pods -l app=api-gateway", "{.items[*].metadata.name}"),
        ("undo-rollout deployment/api-gateway", "deployment api-gateway", "{.spec.template.spec}"),
    ];
    for (words, object, path) in cases {
        let look = format!("get {object} -o jsonpath={path}");
        let before = by_kubectl.prints(&look);
        let printed = by_kubectl.sev1_do(words, &[])["plan"]["kubectl"].as_str().expect("a command").to_owned();
        by_kubectl.pastes(&printed);
        assert_eq!(by_sev1.sev1_do(words, &["--yes-on", "prod-uk-1"])["outcome"], "done", "{words}");
        let (mut seen, mut expected) = (by_kubectl.prints(&look), by_sev1.prints(&look));
        if words.starts_with("restart-unhealthy") {
            // The pods' names are as random as a cluster's: that those are gone is what can be said.
            let deleted: Vec<_> = printed.split_whitespace().skip(3).take_while(|word| !word.starts_with('-')).collect();
            assert!(!deleted.is_empty() && deleted.iter().all(|name| before.contains(name) && !seen.contains(name)), "{printed}: {seen}");
            continue;
        }
        if words.starts_with("restart ") {
            (seen, expected) = (without_times(&seen), without_times(&expected));
        }
        assert_ne!(seen, before, "{printed} changed nothing");
        assert_eq!(seen, expected, "{words} against {printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_command_of_pods_and_nodes_does_what_the_plan_does() {
    let Some(kubectl) = Kubectl::on("bad-deploy").await else { return };
    let printed = |words: &str| kubectl.sev1_do(words, &[])["plan"]["kubectl"].as_str().expect("a command").to_owned();
    let first = |app: &str| kubectl.prints(&format!("get pods -l app={app} -o jsonpath={{.items[0].metadata.name}}"));
    for kind in ["delete-pod", "evict"] {
        let pod = first("core-engine");
        kubectl.pastes(&printed(&format!("{kind} pod/{pod}")));
        kubectl.shows(&format!("wait --for=delete pod/{pod} --timeout=60s"), &[]);
        kubectl.shows("wait pods -l app=core-engine --for=condition=Ready --timeout=60s", &["condition met"]);
    }
    let cordoned = "get node node-3 -o jsonpath={.spec.unschedulable}";
    let of_daemon_sets_alone = || {
        let owners = "get pods --all-namespaces --field-selector spec.nodeName=node-3 -o jsonpath={.items[*].metadata.ownerReferences[*].kind}";
        kubectl.prints(owners).split_whitespace().all(|kind| kind == "DaemonSet")
    };
    kubectl.pastes(&printed("cordon node/node-3"));
    assert_eq!(kubectl.prints(cordoned), "true");
    kubectl.pastes(&printed("uncordon node/node-3"));
    assert_eq!(kubectl.prints(cordoned), "");
    assert!(!of_daemon_sets_alone(), "there is nothing to drain");
    kubectl.pastes(&printed("drain node/node-3"));
    assert_eq!(kubectl.prints(cordoned), "true");
    assert!(of_daemon_sets_alone(), "not drained");
}

/// Times differ from run to run, and kubectl's are to the second.
fn without_times(text: &str) -> String {
    text.chars().filter(|character| !character.is_ascii_digit() && *character != '.').collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_as_by_a_real_server() {
    let Some(kubectl) = Kubectl::on("calm").await else { return };
    let viewer = "--context prod-uk-1-viewer";
    let refused = kubectl.complains(&format!("{viewer} scale deployment core-engine --replicas=1"));
    let forbidden = "deployments.apps \"core-engine\" is forbidden: User \"viewer@gov\" cannot patch resource \"deployments/scale\" in API group \"apps\" in \
                     the namespace \"digital-identity\"";
    assert!(refused.contains(forbidden), "{refused}");
    kubectl.shows(&format!("{viewer} get pods"), &["Running"]);
    assert!(kubectl.complains(&format!("{viewer} auth can-i delete pods")).is_empty());
    let negative = r#"patch deployment core-engine --patch={"spec":{"replicas":-1}}"#;
    let refused = kubectl.complains(negative);
    assert!(refused.contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0"), "{refused}");
    let stale = r#"patch deployment core-engine --patch={"metadata":{"resourceVersion":"1"},"spec":{"replicas":9}}"#;
    let refused = kubectl.complains(stale);
    assert!(refused.contains("the object has been modified; please apply your changes to the latest version and try again"), "{refused}");
    let other = kubectl.complains("--token=wrong get pods");
    assert!(other.contains("Unauthorized"), "{other}");
    kubectl.shows("--context staging-uk-1 get deployments", &["api-gateway"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_follows() {
    let Some(kubectl) = Kubectl::on("calm").await else { return };
    kubectl.follow_until(
        "get pods -w -l app=core-engine",
        |line| line.contains("Terminating"),
        || {
            kubectl.shows("delete pod -l app=core-engine --wait=false", &["deleted"]);
        },
    );
    let mut lines = 0;
    let third = |_: &str| {
        lines += 1;
        lines == 3
    };
    kubectl.follow_until("logs -f deployment/sync-service --tail=1", third, || {});
    kubectl.shows("wait deployment/core-engine --for=condition=Available --timeout=60s", &["condition met"]);
}
