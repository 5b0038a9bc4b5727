//! The four mitigations against a real API server: run by hand with `SEV1_TEST_KUBECONFIG` set to a cluster that may be
//! written to, `cargo test --lib actions::tests::real -- --ignored`. Makes and removes a namespace of its own.

use std::{process::Command, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::mpsc;

use super::rig::clock;
use crate::{
    actions::{Engine, Pace, Setup},
    config::shape::{Breaker, Environment, Mitigations},
    connect::{KubeOptions, Reader, Writer, identity, kubeconfig},
    domain::{
        ask::{Finished, Request, RequestKind},
        asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout, Unhealthy},
        mitigation::{ActionEvent, CardId, Check, CheckResult, MitigationId, Outcome},
        object::{Key, Kind, ObjectRef},
        text::Text,
    },
    journal::Journal,
};

struct Real {
    engine: Engine,
    events: mpsc::Receiver<ActionEvent>,
    namespace: String,
    kubectl: String,
    config: String,
    next: u32,
}

impl Real {
    fn kubectl(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.kubectl).args(["--kubeconfig", &self.config, "-n", &self.namespace]).args(arguments).output().unwrap();
        assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn run(&mut self, kind: RequestKind) -> Vec<ActionEvent> {
        let (id, card) = (MitigationId(self.next), CardId(self.next));
        self.next += 1;
        self.engine.plan(card, id, Request { kind, reason: "test".into() }).await;
        let (mut plan, mut checks): (_, Vec<Check>) = (None, Vec::new());
        while let Ok(event) = self.events.try_recv() {
            match event {
                ActionEvent::Planned { plan: made, .. } => plan = Some(made),
                ActionEvent::Checked { check, .. } => {
                    checks.retain(|known| known.what != check.what);
                    checks.push(check);
                }
                other => panic!("{other:?}"),
            }
        }
        let plan = plan.unwrap();
        println!("{}\n{:#?}\n{:#?}\n{}", plan.title, plan.what, plan.diff, plan.kubectl);
        for check in &checks {
            println!("  {check:?}");
        }
        assert!(!checks.iter().any(|check| matches!(check.result, CheckResult::Block(_) | CheckResult::Pending)));
        self.engine.execute(plan.confirm("y", &checks, Text::default()).unwrap()).await.unwrap();
        let mut events = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            println!("  {event:?}");
            events.push(event);
        }
        assert!(events.iter().any(|event| matches!(event, ActionEvent::Ended { outcome: Outcome::Done, .. })), "{events:?}");
        events
    }
}

#[tokio::test]
#[ignore = "needs a real cluster: SEV1_TEST_KUBECONFIG, and kubectl in KUBECTL or the path"]
async fn the_four_mitigations_on_a_real_api_server() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = std::env::var("SEV1_TEST_KUBECONFIG").expect("SEV1_TEST_KUBECONFIG");
    let namespace = format!("sev1-test-{}", std::process::id());
    let target = kubeconfig::load(&KubeOptions { kubeconfig: Some(config.clone().into()), ..KubeOptions::default() }).unwrap();
    let reader = Reader::new(&target);
    let (identity, _) = identity::read(&reader).await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let (sender, events) = mpsc::channel(1_000);
    let journal = Arc::new(Journal::open(state.path().to_owned(), identity.cluster.uid.clone(), identity.cluster.user.clone(), clock()).unwrap());
    let engine = Engine::new(Setup {
        reader,
        writer: Writer::new(&target),
        journal: journal.clone(),
        cluster: identity.cluster,
        environment: Environment { is_production: false, banner: "TEST".into(), word: "test".into() },
        mitigations: Mitigations {
            breaker: Breaker { config_map: "api-config".into(), key: "k".into(), on: "true".into(), off: "false".into() },
            restart_at_once: 2,
            reason_required: false,
            ..Mitigations::default()
        },
        read_only: false,
        clock: clock(),
        events: sender,
        pace: Pace { look_every: Duration::from_millis(300), converge_for: Duration::from_mins(1), ..Pace::default() },
    });
    let kubectl = std::env::var("KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let mut real = Real { engine, events, namespace: namespace.clone(), kubectl, config, next: 1 };
    real.kubectl(&["create", "namespace", &namespace]);
    real.kubectl(&["create", "configmap", "api-config", "--from-literal=circuit_breaker_enabled=false"]);
    real.kubectl(&["create", "deployment", "gw", "--image=gw:1", "--replicas=2"]);
    real.kubectl(&["set", "env", "deployment/gw", "--from=configmap/api-config"]);
    real.kubectl(&["rollout", "status", "deployment/gw", "--timeout=60s"]);
    real.kubectl(&["set", "image", "deployment/gw", "gw=gw:2"]);
    real.kubectl(&["rollout", "status", "deployment/gw", "--timeout=60s"]);
    let deployment = Key::new(&namespace, "gw");
    let image = |real: &Real| real.kubectl(&["get", "deployment", "gw", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]);
    let converged = |events: &[ActionEvent]| matches!(events.last(), Some(ActionEvent::Converged { .. }));

    assert!(converged(&real.run(RequestKind::of(UndoRollout::deployment(deployment.clone(), None))).await));
    assert_eq!(image(&real), "gw:1");
    assert!(converged(&real.run(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await));
    assert_eq!(image(&real), "gw:2");

    for replicas in [4, 0, 2] {
        assert!(converged(&real.run(RequestKind::of(Scale::deployment(deployment.clone(), replicas))).await));
        assert_eq!(real.kubectl(&["get", "deployment", "gw", "-o", "jsonpath={.spec.replicas}"]), replicas.to_string());
    }
    real.run(RequestKind::Undo { of: Finished::Here(MitigationId(5)) }).await;
    real.run(RequestKind::of(Scale::deployment(deployment, 3))).await;

    real.run(RequestKind::of(SetConfigKey::set(Key::new(&namespace, "api-config"), "circuit_breaker_enabled", "true"))).await;
    let data = |real: &Real| real.kubectl(&["get", "configmap", "api-config", "-o", "jsonpath={.data}"]);
    assert_eq!(data(&real), r#"{"circuit_breaker_enabled":"true"}"#);
    real.run(RequestKind::Undo { of: Finished::Here(MitigationId(8)) }).await;
    assert_eq!(data(&real), r#"{"circuit_breaker_enabled":"false"}"#);

    // Pods that are not ready: their Ready condition is taken away as a kubelet would.
    let pods: Value = serde_json::from_str(&real.kubectl(&["get", "pods", "-l", "app=gw", "-o", "json"])).unwrap();
    let sick: Vec<_> = pods["items"].as_array().unwrap().iter().take(2).collect();
    let patch = r#"{"status":{"conditions":[{"type":"Ready","status":"False"}]}}"#;
    let listed: Vec<_> = sick
        .iter()
        .map(|pod| {
            let name = pod["metadata"]["name"].as_str().unwrap();
            real.kubectl(&["patch", "pod", name, "--subresource=status", "--type=strategic", "-p", patch]);
            ObjectRef { kind: Kind::Pod, key: Key::new(&namespace, name), uid: pod["metadata"]["uid"].as_str().unwrap().into() }
        })
        .collect();
    assert!(converged(&real.run(RequestKind::of(RestartUnhealthy { app: "gw".into(), pods: Unhealthy::Listed(listed), at_once: Some(1) })).await));
    println!("{}", std::fs::read_to_string(journal.path()).unwrap());
    crate::journal::verify(&journal.path()).unwrap();
    real.kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
}
