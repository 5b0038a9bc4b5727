//! Restart, pause, resume, set-image, and what stateful sets and daemon sets have in their own way.

use rstest::rstest;
use serde_json::{Value, json};

use super::rig::{DEPLOYMENT, NS, Planned, Rig, asked, pod, pod_path};
use crate::domain::{
    ask::{Finished, RequestKind},
    mitigation::{ActionEvent, CheckKind, CheckResult, Friction, MitigationId, Outcome},
    text::Text,
};

pub const STATEFUL: &str = "/apis/apps/v1/namespaces/digital-identity/statefulsets/db";

fn lines(planned: &Planned) -> Vec<&str> {
    planned.plan.what.iter().map(Text::as_str).collect()
}

fn undo(id: u32) -> RequestKind {
    RequestKind::Undo { of: Finished::Here(MitigationId(id)) }
}

#[tokio::test]
async fn a_restart_is_kubectls_annotation_behind_two_tests_and_can_be_taken_back() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(asked("restart deployment/api-gateway at=2026-11-23T02:14:00Z")).await.unwrap();
    assert_eq!(planned.plan.friction, Friction::Word("prod".into()));
    assert_eq!(planned.plan.kubectl.as_str(), "kubectl rollout restart deployment/api-gateway -n digital-identity --context prod-uk-1");
    let crate::domain::mitigation::Write::Object(write) = &planned.plan.writes[0] else { panic!("another destination") };
    let steps = &write.body;
    let paths: Vec<_> = steps.as_array().unwrap().iter().map(|step| (step["op"].as_str().unwrap(), step["path"].as_str().unwrap())).collect();
    assert_eq!(paths, [("test", "/metadata/uid"), ("test", "/spec/template"), ("add", "/spec/template/metadata/annotations")]);
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    let after = rig.world().get(DEPLOYMENT).unwrap();
    assert_eq!(after["spec"]["template"]["metadata"]["annotations"], json!({"kubectl.kubernetes.io/restartedAt": "2026-11-23T02:14:00Z"}));
    let back = rig.plan(undo(1)).await.unwrap();
    assert!(back.plan.kubectl.contains("--to-revision=42"), "{}", back.plan.kubectl);
    assert_eq!(rig.execute(&back).await.0, Outcome::Done);
    assert!(rig.world().get(DEPLOYMENT).unwrap()["spec"]["template"]["metadata"].get("annotations").is_none());
}

#[tokio::test]
async fn a_restart_keeps_the_annotations_that_are_there() {
    let mut rig = Rig::new().await;
    rig.world().change(DEPLOYMENT, |object| object["spec"]["template"]["metadata"]["annotations"] = json!({"a": "b"}));
    let planned = rig.plan(asked("restart deployment/api-gateway at=2026-11-23T02:14:00Z")).await.unwrap();
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    let annotations = rig.world().get(DEPLOYMENT).unwrap()["spec"]["template"]["metadata"]["annotations"].clone();
    assert_eq!(annotations, json!({"a": "b", "kubectl.kubernetes.io/restartedAt": "2026-11-23T02:14:00Z"}));
}

#[tokio::test]
async fn a_restart_is_not_taken_back_over_a_later_change() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(asked("restart deployment/api-gateway")).await.unwrap();
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    rig.world().change(DEPLOYMENT, |object| object["spec"]["template"]["spec"]["containers"][0]["image"] = "api-gateway:2.5.0".into());
    let why = rig.plan(undo(1)).await.err().unwrap();
    assert!(why.contains("moved on since: the pod template changed by ci-deployer"), "{why}");
}

#[tokio::test]
async fn a_rollout_is_held_and_goes_on() {
    let mut rig = Rig::new().await;
    let pause = rig.plan(asked("pause deployment/api-gateway")).await.unwrap();
    assert_eq!(pause.plan.friction, Friction::Key);
    assert_eq!(rig.execute(&pause).await.0, Outcome::Done);
    assert_eq!(rig.world().get(DEPLOYMENT).unwrap()["spec"]["paused"], true);
    assert!(rig.plan(asked("pause deployment/api-gateway")).await.err().unwrap().contains("paused already"));
    assert!(rig.plan(asked("restart deployment/api-gateway")).await.err().unwrap().contains("resume it first"));
    rig.world().change(DEPLOYMENT, |object| object["spec"]["template"]["spec"]["containers"][0]["image"] = "api-gateway:2.5.0".into());
    let resume = rig.plan(asked("resume deployment/api-gateway")).await.unwrap();
    assert!(matches!(resume.check(CheckKind::Effect), CheckResult::Warn(why) if why.contains("changed while it was paused")));
    assert!(lines(&resume).contains(&"api-gateway  image api-gateway:2.4.0 → api-gateway:2.5.0"), "{:?}", lines(&resume));
    assert_eq!(rig.execute(&resume).await.0, Outcome::Done);
    assert!(rig.world().get(DEPLOYMENT).unwrap()["spec"].get("paused").is_none());
    let back = rig.plan(undo(4)).await.unwrap();
    assert_eq!(back.plan.kind, "pause");
}

#[tokio::test]
async fn images_are_set_by_container_and_taken_back() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(asked("set-image deployment/api-gateway api-gateway=api-gateway:2.4.1")).await.unwrap();
    assert_eq!(lines(&planned)[1], "api-gateway  image api-gateway:2.4.0 → api-gateway:2.4.1");
    assert_eq!(
        planned.plan.kubectl.as_str(),
        "kubectl set image deployment/api-gateway api-gateway=api-gateway:2.4.1 -n digital-identity --context prod-uk-1"
    );
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    let image = |rig: &Rig| rig.world().get(DEPLOYMENT).unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    assert_eq!(image(&rig), "api-gateway:2.4.1");
    // Something else of the template may change meanwhile: only the image is taken back.
    rig.world().change(DEPLOYMENT, |object| object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "warn".into());
    let back = rig.plan(undo(1)).await.unwrap();
    assert_eq!(rig.execute(&back).await.0, Outcome::Done);
    assert_eq!(image(&rig), "api-gateway:2.4.0");
    assert_eq!(rig.world().get(DEPLOYMENT).unwrap()["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"], "warn");
}

#[rstest]
#[case("set-image deployment/api-gateway nginx=x:1", "has no container nginx; it has: api-gateway")]
#[case("set-image deployment/api-gateway api-gateway=api-gateway:2.4.0", "already has api-gateway:2.4.0")]
#[case("resume deployment/api-gateway", "is not paused")]
#[case("restart deployment/nothing", "does not exist")]
#[tokio::test]
async fn what_cannot_be_done_says_why(#[case] words: &str, #[case] says: &str) {
    let mut rig = Rig::new().await;
    let why = rig.plan(asked(words)).await.err().unwrap();
    assert!(why.contains(says), "{why}");
}

/// A stateful set at revision 2 with its two controller revisions.
pub fn stateful(rig: &Rig, strategy: &Value) {
    let template = |image: &str| json!({"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": image}]}});
    rig.world().put(
        STATEFUL,
        json!({
            "metadata": {"name": "db", "namespace": NS, "uid": "uid-db", "generation": 2},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "db"}}, "template": template("db:2"), "updateStrategy": strategy},
            "status": {"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "currentRevision": "db-2", "updateRevision": "db-2"},
        }),
    );
    for (number, image) in [(1, "db:1"), (2, "db:2")] {
        let mut kept = template(image);
        kept["$patch"] = "replace".into();
        rig.world().put(
            &format!("/apis/apps/v1/namespaces/{NS}/controllerrevisions/db-{number}"),
            json!({
                "metadata": {
                    "name": format!("db-{number}"), "labels": {"app": "db"}, "creationTimestamp": "2026-11-20T02:05:00Z",
                    "ownerReferences": [{"kind": "StatefulSet", "name": "db", "uid": "uid-db", "controller": true}],
                },
                "revision": number, "data": {"spec": {"template": kept}},
            }),
        );
    }
}

#[tokio::test]
async fn a_stateful_set_goes_back_by_its_controller_revision() {
    let mut rig = Rig::new().await;
    stateful(&rig, &json!({"type": "RollingUpdate"}));
    let planned = rig.plan(asked("undo-rollout statefulset/db")).await.unwrap();
    assert_eq!(lines(&planned), ["statefulset/db  revision 2 → 1 in digital-identity", "db  image db:2 → db:1"]);
    assert_eq!(planned.plan.kubectl.as_str(), "kubectl rollout undo statefulset/db --to-revision=1 -n digital-identity --context prod-uk-1");
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    let template = rig.world().get(STATEFUL).unwrap()["spec"]["template"].clone();
    assert_eq!(template, json!({"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}));
    let back = rig.plan(undo(1)).await.unwrap();
    assert!(back.plan.kubectl.contains("--to-revision=2"));
}

#[tokio::test]
async fn a_strategy_that_holds_pods_back_is_said() {
    let mut rig = Rig::new().await;
    stateful(&rig, &json!({"type": "OnDelete"}));
    let planned = rig.plan(asked("restart statefulset/db")).await.unwrap();
    assert!(matches!(planned.check(CheckKind::Effect), CheckResult::Warn(why) if why.contains("OnDelete")));
    stateful(&rig, &json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}));
    let planned = rig.plan(asked("set-image statefulset/db db=db:3")).await.unwrap();
    assert!(matches!(planned.check(CheckKind::Effect), CheckResult::Warn(why) if why.contains("partition is 1")));
}

#[tokio::test]
async fn a_stateful_set_is_scaled_too() {
    let mut rig = Rig::new().await;
    stateful(&rig, &json!({"type": "RollingUpdate"}));
    let planned = rig.plan(asked("scale sts/db 3")).await.unwrap();
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    assert_eq!(rig.world().get(STATEFUL).unwrap()["spec"]["replicas"], 3);
}

/// A deployment without history, and one whose replica set of the present revision is gone.
#[tokio::test]
async fn no_revision_is_promised_that_will_not_be_kept() {
    let mut rig = Rig::new().await;
    let words = ["restart deployment/api-gateway", "undo-rollout deployment/api-gateway 41"];
    for words in words {
        assert!(rig.plan(asked(words)).await.unwrap().plan.undo.starts_with("U brings"), "{words}");
    }
    rig.world().change(DEPLOYMENT, |object| object["spec"]["revisionHistoryLimit"] = 0.into());
    for words in words {
        let undo = rig.plan(asked(words)).await.unwrap().plan.undo;
        let why = "nothing takes it back: its revisionHistoryLimit is 0, so revision 42 is deleted once the rollout is complete";
        assert_eq!(undo.as_str(), why, "{words}");
    }
    let image = rig.plan(asked("set-image deployment/api-gateway api-gateway=api-gateway:2.4.1")).await.unwrap();
    assert!(image.says(CheckKind::NotCovered).contains("undoing it sets the former images by name"));
    rig.world().change(DEPLOYMENT, |object| object["spec"]["revisionHistoryLimit"] = 1.into());
    rig.world().0.lock().unwrap().objects.remove(&format!("/apis/apps/v1/namespaces/{NS}/replicasets/api-gateway-42"));
    let undo = rig.plan(asked("restart deployment/api-gateway")).await.unwrap().plan.undo;
    assert_eq!(undo.as_str(), "nothing takes it back: what runs is not kept as revision 42");
    stateful(&rig, &json!({"type": "RollingUpdate"}));
    assert!(rig.plan(asked("restart statefulset/db")).await.unwrap().plan.undo.starts_with("U brings revision 2 back"));
    rig.world().change(STATEFUL, |object| object["spec"]["revisionHistoryLimit"] = 0.into());
    assert!(rig.plan(asked("restart statefulset/db")).await.unwrap().plan.undo.contains("revisionHistoryLimit is 0"));
    // Pods below the partition run on with it, and so it is kept.
    stateful(&rig, &json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}));
    rig.world().change(STATEFUL, |object| {
        object["spec"]["revisionHistoryLimit"] = 0.into();
        object["status"]["replicas"] = 2.into();
    });
    assert!(rig.plan(asked("restart statefulset/db")).await.unwrap().plan.undo.starts_with("U brings revision 2 back"));
}

/// Its pod db-1 crashes on revision 2; it is set back to revision 1.
#[tokio::test]
async fn a_stateful_set_behind_a_broken_pod_is_told_by_card_and_watch() {
    let mut rig = Rig::new().await;
    stateful(&rig, &json!({"type": "RollingUpdate"}));
    let mut broken = pod("db-1", None, false);
    broken["metadata"]["labels"] = json!({"app": "db", "controller-revision-hash": "db-2"});
    broken["metadata"]["ownerReferences"] = json!([{"kind": "StatefulSet", "name": "db", "uid": "uid-db", "controller": true}]);
    rig.world().put(&pod_path("db-1"), broken);
    let says = "db-1 is not ready (CrashLoopBackOff); a stateful set goes on only after it: delete it";
    for words in ["undo-rollout statefulset/db", "restart statefulset/db", "set-image statefulset/db db=db:3"] {
        let planned = rig.plan(asked(words)).await.unwrap();
        assert_eq!(planned.says(CheckKind::Effect), format!("! {says} once this is written"), "{words}");
    }
    let planned = rig.plan(asked("undo-rollout statefulset/db")).await.unwrap();
    let (_, events) = rig.execute(&planned).await;
    let stuck = events.iter().find_map(|event| if let ActionEvent::Converging { stuck, .. } = event { stuck.clone() } else { None });
    assert_eq!(stuck.unwrap().as_str(), says);
    stateful(&rig, &json!({"type": "RollingUpdate"}));
    rig.world().change(STATEFUL, |object| object["spec"]["podManagementPolicy"] = "Parallel".into());
    let planned = rig.plan(asked("undo-rollout statefulset/db")).await.unwrap();
    assert_eq!(planned.says(CheckKind::Effect), "✓ its rollout strategy replaces its pods");
}
