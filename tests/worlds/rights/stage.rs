//! A namespace with something of everything, and sev1 on it as users who have nothing but the roles that it prints.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::Failed;
use serde_json::{Value, json};
use sev1::{
    actions::{gitops, keda, kinds},
    domain::catalogue::Right,
};

use super::rule::{Rule, documents};
use crate::{
    given::{self, collection},
    kubeconfig::ADMINISTRATOR,
    objects::{self, path},
    play::{self, Play},
    scenario,
    script::Step,
    session::Session,
    world::Kind,
};

/// One way to ask for a kind of mitigation.
#[derive(Debug, Clone)]
pub struct Case {
    pub kind: &'static str,
    /// What stands after its name.
    pub words: Vec<String>,
}

pub struct Stage {
    pub play: Play,
    pub cases: Vec<Case>,
    pub sev1: Sev1,
    /// Roles and bindings outside of the namespace.
    roles: Vec<String>,
}

/// The built binary on this world's cluster, which is all that it is told of.
#[derive(Debug, Clone)]
pub struct Sev1 {
    arguments: Vec<String>,
    namespace: String,
    folder: PathBuf,
}

/// What a run of it left.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    /// Both outputs.
    pub said: String,
}

impl Sev1 {
    /// As this user, with a home of its own below `home`.
    pub fn run(&self, user: &str, home: &Path, words: &[&str]) -> Ran {
        self.ended(&["--as", user, "--namespace", &self.namespace], home, words)
    }

    /// The cockpit of this user.
    pub fn cockpit(&self, user: &str) -> Session {
        let arguments = self.arguments.iter().map(String::as_str).chain(["--as", user, "--namespace", &self.namespace]);
        Session::start(120, 40, &arguments.collect::<Vec<_>>())
    }

    fn ended(&self, whom: &[&str], home: &Path, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sev1"));
        command.args(&self.arguments).args(whom).args(words).env_clear().env("HOME", home).current_dir(&self.folder);
        let output = command.output().expect("sev1 runs");
        Ran { status: output.status.code(), said: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned() }
    }

    /// What `sev1 rbac` prints for a user, as objects.
    pub fn roles_of(&self, profile: &str, user: &str, more: &[&str]) -> Vec<Value> {
        let mut words = vec!["rbac", "--profile", profile, "--for-user", user, "--name", user];
        words.extend(more);
        let ran = self.ended(&[], &self.folder, &words);
        assert_eq!(ran.status, Some(0), "{}", ran.said);
        documents(&ran.said)
    }
}

impl Stage {
    /// What a text of this folder says, and no case yet.
    pub fn open(premises: &str, kind: Kind) -> Result<Self, Failed> {
        let file = scenario::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/rights").join(premises));
        let scenario = file.scenarios.into_iter().next().expect("one scenario");
        let play = play::prepared(&scenario, kind)?;
        let sev1 = Sev1 {
            arguments: [&play.world.arguments()[..2], play.configuration().as_slice(), &["--context", ADMINISTRATOR].map(str::to_owned)].concat(),
            namespace: play.namespace.clone(),
            folder: play.world.folder().to_owned(),
        };
        Ok(Self { play, cases: Vec::new(), sev1, roles: Vec::new() })
    }

    /// Something that each kind of mitigation can be done to.
    pub fn set(kind: Kind) -> Result<Self, Failed> {
        let mut stage = Self::open("given.txt", kind)?;
        let play = &mut stage.play;
        let namespace = play.namespace.clone();
        let at = |object: &str| path(&namespace, object);
        reads_config(play);
        for (object, name) in [("deployment/shop", "shop"), ("statefulset/queue", "queue"), ("daemonset/agent", "agent")] {
            play.world.merge(&at(object), &objects::rollout(name, &format!("{name}:2.0"), None));
        }
        play.world.merge(&at("deployment/held"), &json!({ "spec": { "paused": true } }));
        // What waits is rolled out when it is resumed.
        play.world.merge(&at("deployment/held"), &objects::rollout("held", "held:2.0", None));
        play.world.merge(&at("deployment/deployed"), &json!({ "metadata": { "labels": deployers() } }));
        let mut pooled = objects::stateful_set(&namespace, "pooledset", "pooledset:1.0", 1);
        objects::put_into_pool(&namespace, &mut pooled["spec"]["template"]["spec"]);
        play.world.post(&collection(&namespace, "apis/apps/v1", "statefulsets"), &pooled);
        for (kind, name) in [("StatefulSet", "queue"), ("ReplicaSet", "lone")] {
            let mut autoscaler = objects::autoscaler(&namespace, name, 1, 4);
            autoscaler["spec"]["scaleTargetRef"]["kind"] = json!(kind);
            play.world.post(&collection(&namespace, "apis/autoscaling/v2", "horizontalpodautoscalers"), &autoscaler);
        }
        for (app, pods) in [("shop", 2), ("queue", 2), ("agent", 1), ("pooledset", 1)] {
            play.until(&format!("{app} rolled out"), |play| is_rolled_out(play, app, pods));
        }
        // Nodes that come later get no pods of what is there but the daemon set's.
        for node in ["b", "c"] {
            given::make(play, &Step::Node { name: node.to_owned() });
        }
        play.until("agent everywhere", |play| is_rolled_out(play, "agent", 3));
        let cordoned = given::node_name(&namespace, "c");
        play.world.merge(&format!("/api/v1/nodes/{cordoned}"), &json!({ "spec": { "unschedulable": true } }));
        for app in ["sick", "queue", "agent"] {
            given::make(play, &Step::Hang { name: app.to_owned(), pods: 1 });
        }
        // Alerts of other scenarios are in the same Alertmanager.
        let alert = format!("Rights-{namespace}");
        given::make(play, &Step::Alert { name: alert.clone(), service: "shop".to_owned(), severity: "warning".to_owned() });
        let silence = silence_of_somebody(play, &alert);
        stage.cases = cases(play, &alert, &silence);
        Ok(stage)
    }

    /// Creates these roles and bindings, as `kubectl apply` would.
    pub fn apply(&mut self, documents: &[Value]) {
        for document in documents {
            let (kind, namespace) = (document["kind"].as_str().expect("a kind"), document["metadata"]["namespace"].as_str());
            let place = namespace.map_or_else(String::new, |namespace| format!("namespaces/{namespace}/"));
            let path = format!("/apis/rbac.authorization.k8s.io/v1/{place}{}s", kind.to_lowercase());
            self.play.world.administer("POST", &path, document);
            if namespace != Some(&self.play.namespace) {
                self.roles.push(format!("{path}/{}", document["metadata"]["name"].as_str().expect("a name")));
            }
        }
    }

    /// Waits until the API server knows that this user has this right: it hears of roles a moment later.
    pub fn await_right(&self, user: &str, rule: &Rule) {
        self.await_allowed(user, &rule.attributes(&self.play.namespace));
    }

    pub fn await_allowed(&self, user: &str, attributes: &Value) {
        self.play.until(&format!("{user} to be allowed {attributes}"), |play| play.world.may(user, attributes));
    }

    /// The name of one who has the rights of a profile, asked for with `more` arguments, and no others.
    pub fn user(&mut self, profile: &str, more: &[&str]) -> String {
        let user = format!("{profile}-{}-{}", self.roles.len(), self.play.namespace);
        let documents = self.sev1.roles_of(profile, &user, more);
        self.apply(&documents);
        let rules: Vec<_> = Rule::all(&documents);
        for rule in [rules.first(), rules.last()].into_iter().flatten() {
            self.await_right(&user, rule);
        }
        user
    }

    /// Requests that write, by whichever proxy, to whichever server.
    pub fn written(&self) -> Vec<String> {
        let reads = |method: &str, path: &str| method == "GET" || path.contains("dryRun") || path.contains("selfsubject");
        let passed = self.play.world.proxies().iter().flat_map(|proxy| proxy.relay.passed());
        passed.filter(|request| !reads(&request.method, &request.path)).map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.play.world.is_real() {
            for path in &self.roles {
                let deleting = || self.play.world.administer("DELETE", path, &Value::Null);
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(deleting));
            }
        }
    }
}

/// The former revision of shop reads a ConfigMap.
fn reads_config(play: &Play) {
    let shop = path(&play.namespace, "deployment/shop");
    let mut containers = play.world.get(&shop)["spec"]["template"]["spec"]["containers"].clone();
    containers[0]["envFrom"] = json!([{ "configMapRef": { "name": "api-config" } }]);
    play.world.merge(&shop, &json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
    play.until("shop with its ConfigMap", |play| is_rolled_out(play, "shop", 2));
}

/// The marks of Argo CD and Flux.
fn deployers() -> Value {
    json!({
        "argocd.argoproj.io/instance": "shop",
        "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        "helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "shop",
    })
}

/// Every pod of it is ready and runs the newest template.
fn is_rolled_out(play: &Play, app: &str, pods: usize) -> bool {
    let all = given::pods_of(play, app);
    let images: std::collections::BTreeSet<_> = all.iter().map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default()).collect();
    let wanted = ["deployment", "statefulset", "daemonset"].iter().find_map(|kind| template(play, kind, app));
    let is_new = wanted.is_some_and(|template| {
        let environment = &template["spec"]["containers"][0]["envFrom"];
        images.iter().all(|image| template["spec"]["containers"][0]["image"] == *image)
            && all.iter().all(|pod| pod["spec"]["containers"][0]["envFrom"] == *environment)
    });
    all.len() == pods && is_new && all.iter().all(given::is_ready)
}

fn template(play: &Play, kind: &str, name: &str) -> Option<Value> {
    let listed = play.world.get(&collection(&play.namespace, "apis/apps/v1", &format!("{kind}s")));
    listed["items"].as_array()?.iter().find(|item| item["metadata"]["name"] == name).map(|item| item["spec"]["template"].clone())
}

fn silence_of_somebody(play: &Play, alert: &str) -> String {
    let silence = json!({
        "matchers": [{ "name": "alertname", "value": format!("{alert}-other"), "isRegex": false, "isEqual": true }],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z", "createdBy": "somebody", "comment": "of a test",
    });
    let answer = play.world.ask_alertmanager("POST", "/api/v2/silences", &silence);
    answer["silenceID"].as_str().expect("the id of a silence").to_owned()
}

/// Every kind on everything that its rights are about.
fn cases(play: &Play, alert: &str, silence: &str) -> Vec<Case> {
    let pod = |app: &str| {
        let names = given::pods_of(play, app).into_iter().filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned));
        format!("pod/{}", names.min().unwrap_or_else(|| panic!("no pod of {app}")))
    };
    let node = |name: &str| format!("node/{}", given::node_name(&play.namespace, name));
    let case = |kind: &'static str, words: &[&str]| Case { kind, words: words.iter().map(|word| (*word).to_owned()).collect() };
    let mut cases = vec![
        case("scale", &["deployment/shop", "3"]),
        case("scale", &["statefulset/queue", "3"]),
        case("scale", &["replicaset/lone", "2"]),
        case("scale", &["deployment/deployed", "2"]),
        case("set-config-key", &["configmap/api-config", "circuit_breaker_enabled=true"]),
        case("pause", &["deployment/shop"]),
        case("resume", &["deployment/held"]),
        case("switch-service", &["service/front", "app=web"]),
        case("set-hpa-bounds", &["hpa/web-hpa", "max=6"]),
        case("set-hpa-bounds", &["hpa/queue-hpa", "max=6"]),
        case("set-hpa-bounds", &["hpa/lone-hpa", "max=6"]),
        case("restart-dns", &[]),
        case("cordon", &[&node("a")]),
        case("uncordon", &[&node("c")]),
        case("drain", &[&node("a")]),
        case("silence", &[&format!("alertname={alert}"), "for=1h"]),
        case("unsilence", &[silence]),
        case("run", &["end-idle", "age=1s"]),
    ];
    for (workload, name) in [("deployment", "shop"), ("statefulset", "queue"), ("daemonset", "agent")] {
        let object = format!("{workload}/{name}");
        let unhealthy = if name == "shop" { "deployment/sick" } else { &object };
        cases.extend([
            case("undo-rollout", &[&object]),
            case("restart", &[&object]),
            case("set-image", &[&object, &format!("{name}={name}:3.0")]),
            case("restart-unhealthy", &[unhealthy]),
            case("delete-pod", &[&pod(name)]),
            case("evict", &[&pod(name)]),
        ]);
    }
    cases
}

/// Every right that a mitigation is declared to need, with the kind. What `GitOps` tools and KEDA are asked for is every kind's: it is tried on one.
pub fn declared() -> Vec<(&'static str, Right)> {
    let own = kinds::catalogue().iter().flat_map(|entry| entry.spec.rights.iter().map(|right| (entry.spec.name, *right)));
    own.chain(gitops::RIGHTS.iter().chain(keda::RIGHTS).map(|right| ("scale", *right))).collect()
}
