//! An engine on a fake API server, driven as the cockpit drives it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::fake::{Fake, Served};
use crate::{
    actions::{Engine, Pace, Setup, kinds},
    config::shape::{Breaker, Environment, Mitigations, Servers},
    connect::{KubeOptions, Reader, Writer, kubeconfig},
    domain::{
        ask::{Request, RequestKind},
        asks::{Scale, SetConfigKey, UndoRollout},
        mitigation::{ActionEvent, CardId, Check, CheckKind, CheckResult, ClusterIdentity, ConfirmedPlan, MitigationId, Outcome, Plan},
        object::{Key, Scope},
        shell::KubectlFlags,
        text::Text,
        time::{Clock, Mono, Now},
    },
    journal::Journal,
};

pub const NS: &str = "digital-identity";
pub const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/digital-identity/deployments/api-gateway";
pub const CONFIG_MAP: &str = "/api/v1/namespaces/digital-identity/configmaps/api-config";

/// Moves with the tests' real waiting; the time of day stands.
struct Running {
    started: std::time::Instant,
    utc: DateTime<Utc>,
}

impl Clock for Running {
    fn now(&self) -> Now {
        Now { mono: Mono(self.started.elapsed()), utc: self.utc }
    }
}

pub fn clock() -> Arc<dyn Clock> {
    clock_at(TimeDelta::zero())
}

/// So much later than the others.
#[expect(clippy::disallowed_methods, reason = "tests wait in real time")]
fn clock_at(later: TimeDelta) -> Arc<dyn Clock> {
    Arc::new(Running { started: std::time::Instant::now(), utc: DateTime::UNIX_EPOCH + later })
}

pub struct Rig {
    pub engine: Engine,
    pub events: mpsc::Receiver<ActionEvent>,
    pub served: Served,
    pub state: tempfile::TempDir,
    pub mitigations: Mitigations,
    pace: Pace,
    next: u32,
}

pub struct Planned {
    pub plan: Plan,
    pub checks: Vec<Check>,
}

impl Planned {
    pub fn check(&self, what: CheckKind) -> &CheckResult {
        &self.checks.iter().find(|check| check.what == what).unwrap().result
    }

    /// As the card has it.
    pub fn says(&self, what: CheckKind) -> String {
        match self.check(what) {
            CheckResult::Pass(says) => format!("✓ {says}"),
            CheckResult::Warn(says) => format!("! {says}"),
            CheckResult::Block(says) => format!("✗ {says}"),
            CheckResult::Pending => "…".to_owned(),
        }
    }

    pub fn confirm(&self) -> ConfirmedPlan {
        let typed = match &self.plan.friction {
            crate::domain::mitigation::Friction::Key => "y".to_owned(),
            crate::domain::mitigation::Friction::Word(word) => word.to_string(),
        };
        self.plan.clone().confirm(&typed, &self.checks, "bad deploy".into()).unwrap()
    }
}

pub fn quick() -> Pace {
    Pace {
        // Long enough for a busy machine: only a test of silence waits for it.
        write_timeout: Duration::from_secs(2),
        look_every: Duration::from_millis(10),
        converge_for: Duration::from_millis(300),
        batch_for: Duration::from_millis(300),
        not_done_after: Duration::from_millis(120),
        resolve_for: Duration::from_millis(400),
        journal_every: Duration::from_millis(20),
        ask_again_after: Duration::from_millis(20),
    }
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(world(), false).await
    }

    pub async fn with(world: Fake, read_only: bool) -> Self {
        let served = world.serve().await;
        let address = served.address.clone();
        Self::at(served, &address, quick(), read_only)
    }

    /// The server is reached at `address`.
    pub fn reaching(served: Served, address: &str, pace: Pace) -> Self {
        Self::at(served, address, pace, false)
    }

    fn at(served: Served, address: &str, pace: Pace, read_only: bool) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "prod-uk-1",
            "contexts": [{"name": "prod-uk-1", "context": {"cluster": "c", "user": "u", "namespace": NS}}],
            "clusters": [{"name": "c", "cluster": {"server": address}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        });
        std::fs::write(file, config.to_string()).unwrap();
        let mitigations = Mitigations {
            breaker: Breaker {
                config_map: "api-config".into(),
                key: "circuit_breaker_enabled".into(),
                on: "true".into(),
                off: "false".into(),
                guards: Vec::new(),
            },
            restart_at_once: 2,
            ..Mitigations::default()
        };
        let (engine, events) = engine(state.path(), &mitigations, read_only, pace, clock());
        Self { engine, events, served, state, mitigations, pace, next: 1 }
    }

    /// Another process on the same journal.
    pub fn restart(&mut self) {
        self.restart_later(TimeDelta::zero());
    }

    /// The same, so long after the tests' one time of day.
    pub fn restart_later(&mut self, later: TimeDelta) {
        (self.engine, self.events) = engine(self.state.path(), &self.mitigations, false, self.pace, clock_at(later));
        self.next = 1;
    }

    /// Looks for what a crash left open until it is known.
    pub async fn recover(&self) {
        let late = self.engine.recover().await;
        self.engine.recover_late(late).await;
    }

    /// The last of the notices that were said so far.
    pub fn last_notice(&mut self) -> Text {
        let events = std::iter::from_fn(|| self.events.try_recv().ok());
        let notices = events.filter_map(|event| if let ActionEvent::Notice { text, .. } = event { Some(text) } else { None });
        notices.last().expect("a notice")
    }

    pub fn world(&self) -> &Fake {
        &self.served.world
    }

    pub async fn event(&mut self) -> ActionEvent {
        tokio::time::timeout(Duration::from_secs(10), self.events.recv()).await.expect("an event in 10 s").unwrap()
    }

    /// Plans and waits for every check. The plan runs as a task, as it does in the cockpit.
    pub async fn plan(&mut self, kind: RequestKind) -> Result<Planned, Text> {
        let id = MitigationId(self.next);
        let card = CardId(self.next);
        self.next += 1;
        let engine = self.engine.clone();
        tokio::spawn(async move { engine.plan(card, id, Request { kind, reason: Text::default() }).await }).await.unwrap();
        let mut planned: Option<Planned> = None;
        while let Ok(event) = self.events.try_recv() {
            match event {
                ActionEvent::Planned { plan, .. } => planned = Some(Planned { plan: *plan, checks: Vec::new() }),
                ActionEvent::NotPlanned { why, .. } => return Err(why),
                ActionEvent::Checked { check, .. } => {
                    let checks = &mut planned.as_mut().expect("a plan before its checks").checks;
                    if let Some(known) = checks.iter_mut().find(|known| known.what == check.what) {
                        *known = check;
                    } else {
                        assert_eq!(check.result, CheckResult::Pending, "pending first");
                        checks.push(check);
                    }
                }
                ActionEvent::Undoable { .. } => {}
                other => panic!("unexpected while planning: {other:?}"),
            }
        }
        Ok(planned.expect("planned or not"))
    }

    /// Executes and returns the outcome and every event, after the engine is done with it.
    pub async fn execute(&mut self, planned: &Planned) -> (Outcome, Vec<ActionEvent>) {
        self.engine.execute(planned.confirm()).await.unwrap();
        let mut all = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if !matches!(event, ActionEvent::Undoable { .. }) {
                all.push(event);
            }
        }
        let outcome = all.iter().find_map(|event| match event {
            ActionEvent::Ended { outcome, .. } => Some(outcome.clone()),
            _ => None,
        });
        (outcome.expect("an end"), all)
    }

    /// Records of the journal, whose chain must hold; without those that vouch for what is kept to undo.
    pub fn journal(&self) -> Vec<Value> {
        let path = self.state.path().join("journal").join(crate::journal::FILE_NAME);
        crate::journal::verify(&path).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        // A record that is being written has no end yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|record| record["kind"] != "kept").collect()
    }

    pub fn journal_kinds(&self) -> Vec<String> {
        self.journal().iter().map(|record| record["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn engine(
    state: &std::path::Path,
    mitigations: &Mitigations,
    read_only: bool,
    pace: Pace,
    clock: Arc<dyn Clock>,
) -> (Engine, mpsc::Receiver<ActionEvent>) {
    let mut target = kubeconfig::load(&KubeOptions { kubeconfig: Some(state.join("kubeconfig")), ..KubeOptions::default() }, &clock).unwrap();
    target.kubectl = KubectlFlags::of_context("prod-uk-1");
    let (sender, events) = mpsc::channel(256);
    let engine = Engine::new(Setup {
        reader: Reader::new(&target),
        writer: Writer::new(&target),
        journal: Arc::new(Journal::new(state.join("journal"), "uid-cluster".into(), "oncall@gov".into(), Arc::clone(&clock))),
        servers: Servers::default(),
        scope: Scope::One(NS.into()),
        cluster: ClusterIdentity { context: "prod-uk-1".into(), cluster: "c".into(), uid: "uid-cluster".into(), user: "oncall@gov".into() },
        environment: Environment { is_production: true, banner: "PRODUCTION".into(), word: "prod".into() },
        mitigations: mitigations.clone(),
        read_only,
        clock,
        events: sender,
        pace,
    });
    (engine, events)
}

/// What `sev1 do` makes of these words.
pub fn asked(words: &str) -> RequestKind {
    let words: Vec<_> = words.split_whitespace().collect();
    RequestKind::Do(kinds::find(words[0]).unwrap().entry.ask(NS, &words[1..]).unwrap())
}

pub fn scale(replicas: u32) -> RequestKind {
    RequestKind::of(Scale::deployment(Key::new(NS, "api-gateway"), replicas))
}

pub fn breaker(value: &str) -> RequestKind {
    RequestKind::of(SetConfigKey::set(Key::new(NS, "api-config"), "circuit_breaker_enabled", value))
}

pub fn rollback(to_revision: Option<u64>) -> RequestKind {
    RequestKind::of(UndoRollout::deployment(Key::new(NS, "api-gateway"), to_revision))
}

pub fn template(image: &str, level: &str) -> Value {
    json!({
        "metadata": {"creationTimestamp": null, "labels": {"app": "api-gateway"}},
        "spec": {"containers": [{
            "name": "api-gateway", "image": image,
            "env": [{"name": "LOG_LEVEL", "value": level}],
            "envFrom": [{"configMapRef": {"name": "api-config"}}],
        }]},
    })
}

pub fn pod(name: &str, owner: Option<&str>, ready: bool) -> Value {
    let owners = owner.map(|uid| vec![json!({"kind": "ReplicaSet", "name": "api-gateway-42", "uid": uid, "controller": true})]).unwrap_or_default();
    let state = if ready { json!({"running": {}}) } else { json!({"waiting": {"reason": "CrashLoopBackOff"}}) };
    json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"), "namespace": NS, "labels": {"app": "api-gateway", "pod-template-hash": "42"}, "ownerReferences": owners},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
            "containerStatuses": [{"restartCount": 7, "state": state}],
        },
    })
}

pub fn pod_path(name: &str) -> String {
    format!("/api/v1/namespaces/{NS}/pods/{name}")
}

/// The platform's gateway at revision 42, its two replica sets, its ConfigMap and its pods.
pub fn world() -> Fake {
    let fake = Fake::default();
    fake.put(
        "/api/v1/nodes/node-1",
        json!({
            "metadata": {"name": "node-1"},
            "status": {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"}, "conditions": [{"type": "Ready", "status": "True"}]},
        }),
    );
    fake.put("/api/v1/namespaces/kube-system", json!({"metadata": {"name": "kube-system", "uid": "uid-cluster"}}));
    fake.put(
        DEPLOYMENT,
        json!({
            "metadata": {
                "name": "api-gateway", "namespace": NS, "uid": "uid-deployment", "generation": 7,
                "annotations": {"deployment.kubernetes.io/revision": "42", "kubernetes.io/change-cause": "deploy 2.4.0"},
                "managedFields": [{"manager": "ci-deployer", "time": "2026-11-23T02:05:00Z", "operation": "Update"}],
            },
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "api-gateway"}}, "template": template("api-gateway:2.4.0", "debug")},
            "status": {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 1},
        }),
    );
    for (revision, image, level, cause) in [(41, "api-gateway:2.3.1", "info", "deploy 2.3.1"), (42, "api-gateway:2.4.0", "debug", "deploy 2.4.0")] {
        let mut template = template(image, level);
        template["metadata"]["labels"]["pod-template-hash"] = revision.to_string().into();
        fake.put(
            &format!("/apis/apps/v1/namespaces/{NS}/replicasets/api-gateway-{revision}"),
            json!({
                "metadata": {
                    "name": format!("api-gateway-{revision}"), "uid": format!("uid-rs-{revision}"), "creationTimestamp": "2026-11-20T02:05:00Z",
                    "labels": {"app": "api-gateway", "pod-template-hash": revision.to_string()},
                    "annotations": {"deployment.kubernetes.io/revision": revision.to_string(), "kubernetes.io/change-cause": cause, "deployment.kubernetes.io/desired-replicas": "3"},
                    "ownerReferences": [{"kind": "Deployment", "name": "api-gateway", "uid": "uid-deployment", "controller": true}],
                },
                "spec": {"replicas": if revision == 42 { 3 } else { 0 }, "selector": {"matchLabels": {"app": "api-gateway", "pod-template-hash": revision.to_string()}}, "template": template},
            }),
        );
    }
    fake.put(
        CONFIG_MAP,
        json!({
            "metadata": {
                "name": "api-config", "uid": "uid-config",
                "managedFields": [{"manager": "kubectl-edit", "time": "2026-11-22T01:00:00Z", "operation": "Update"}],
            },
            "data": {"circuit_breaker_enabled": "false", "other": "x"},
        }),
    );
    for (name, owner, ready) in
        [("gw-a", Some("uid-rs-42"), false), ("gw-b", Some("uid-rs-42"), false), ("gw-c", Some("uid-rs-42"), true), ("bare", None, false)]
    {
        fake.put(&pod_path(name), pod(name, owner, ready));
    }
    fake
}
