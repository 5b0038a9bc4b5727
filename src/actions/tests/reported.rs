//! Undoing and watching rollouts as public bug reports about other tools have it.

use serde_json::json;

use super::{
    rig::{DEPLOYMENT, NS, Rig, asked, pod, pod_path},
    rollouts::{STATEFUL, stateful},
};
use crate::{
    actions::converge,
    domain::{
        ask::{Finished, RequestKind},
        mitigation::{CheckKind, Converge, MitigationId, Outcome},
        object::{Key, Kind, Subject},
    },
};

fn undo(id: u32) -> RequestKind {
    RequestKind::Undo { of: Finished::Here(MitigationId(id)) }
}

/// The broken pod of a stateful set whose selector has expressions.
#[tokio::test]
async fn a_broken_pod_is_found_by_a_selector_with_expressions() {
    let mut rig = Rig::new().await;
    stateful(&rig, &json!({"type": "RollingUpdate"}));
    rig.world().change(STATEFUL, |object| object["spec"]["selector"] = json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}));
    let mut broken = pod("db-0", None, false);
    broken["metadata"]["ownerReferences"] = json!([{"kind": "StatefulSet", "name": "db", "uid": "uid-db", "controller": true}]);
    rig.world().put(&pod_path("db-0"), broken);
    let planned = rig.plan(asked("undo-rollout statefulset/db")).await.unwrap();
    assert!(planned.says(CheckKind::Effect).contains("db-0 is not ready"), "{}", planned.says(CheckKind::Effect));
}

/// A deployment says of its former template that it made no progress until its controller has seen the new one (kubernaut 199).
#[tokio::test]
async fn a_watch_does_not_repeat_what_was_said_of_the_template_before() {
    let rig = Rig::new().await;
    let subject = Subject { kind: Kind::Deployment, key: Key::new(NS, "api-gateway") };
    let stale = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out progressing"}]);
    for (observed, expected) in [(7, None), (8, Some("has timed out progressing"))] {
        rig.world().change(DEPLOYMENT, |object| {
            object["metadata"]["generation"] = 8.into();
            object["status"] = json!({"observedGeneration": observed, "replicas": 3, "updatedReplicas": 1, "conditions": stale});
        });
        let core = &rig.engine.core;
        let look = converge::rollout(&core.api, &subject, core.clock.now().utc).await.unwrap();
        assert_eq!((look.is_complete, look.stuck.as_deref()), (false, expected), "observed {observed}");
    }
}

/// What holds a rollout back is said before, and then nothing is waited for (kubernetes 91676 and 23022, azure-pipelines-tasks 12589).
#[tokio::test]
async fn a_rollout_that_is_held_back_is_not_watched() {
    let mut rig = Rig::new().await;
    for (strategy, says) in [
        (json!({"type": "OnDelete"}), "OnDelete: each pod changes only when it is deleted"),
        (json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}), "its partition is 2: pods below that number keep what they run"),
    ] {
        stateful(&rig, &strategy);
        let planned = rig.plan(asked("undo-rollout statefulset/db")).await.unwrap();
        assert!(planned.says(CheckKind::Effect).contains(says), "{}", planned.says(CheckKind::Effect));
        assert!(matches!(&planned.plan.converge, Converge::Held { says: held } if held.contains(says)), "{:?}", planned.plan.converge);
    }
    rig.world().change(DEPLOYMENT, |object| object["spec"]["paused"] = true.into());
    let why = rig.plan(asked("undo-rollout deployment/api-gateway")).await.err().unwrap();
    assert!(why.contains("is paused: resume it first"), "{why}");
}

/// A container that is called otherwise meanwhile (helm 13346): nothing is written beside it.
#[tokio::test]
async fn an_undo_of_an_image_whose_container_is_gone_says_so() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(asked("set-image deployment/api-gateway api-gateway=api-gateway:2.4.1")).await.unwrap();
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    rig.world().change(DEPLOYMENT, |object| object["spec"]["template"]["spec"]["containers"][0]["name"] = "gateway".into());
    let why = rig.plan(undo(1)).await.err().unwrap();
    assert!(why.contains("api-gateway") && (why.contains("has no container") || why.contains("moved on since")), "{why}");
}

/// The replica set that an undo goes back to was deleted after it was promised (kubernetes 50021, helm 1587).
#[tokio::test]
async fn an_undo_whose_revision_was_deleted_meanwhile_says_what_is_kept() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(asked("undo-rollout deployment/api-gateway 41")).await.unwrap();
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    rig.world().0.lock().unwrap().objects.remove(&format!("/apis/apps/v1/namespaces/{NS}/replicasets/api-gateway-42"));
    let why = rig.plan(undo(1)).await.err().unwrap();
    assert!(why.contains("has no revision 42; kept are: 41"), "{why}");
}
