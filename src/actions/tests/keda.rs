//! What a card to scale says of KEDA: by its `ScaledObject`, with or without the autoscaler that it makes of one.

use rstest::rstest;
use serde_json::{Value, json};

use super::rig::{NS, Rig, scale};
use crate::domain::mitigation::{CheckKind, CheckResult};

const SCALED_OBJECTS: &str = "/apis/keda.sh/v1alpha1/namespaces/digital-identity/scaledobjects";
const NOBODY: &str = "✓ no autoscaler or GitOps tool will overwrite it";

fn put(rig: &Rig, annotations: &Value, bounds: &Value) {
    let mut spec = bounds.clone();
    spec["scaleTargetRef"] = json!({"name": "api-gateway"});
    rig.world().put(&format!("{SCALED_OBJECTS}/gateway"), json!({"metadata": {"name": "gateway", "annotations": annotations}, "spec": spec}));
}

/// The autoscaler that KEDA makes, with this least.
fn put_its_autoscaler(rig: &Rig, min: u64) {
    let owner = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "gateway", "uid": "uid-gateway", "controller": true});
    rig.world().put(
        &format!("/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers/keda-hpa-gateway"),
        json!({
            "metadata": {"name": "keda-hpa-gateway", "ownerReferences": [owner]},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api-gateway"}, "minReplicas": min, "maxReplicas": 8},
        }),
    );
}

async fn said_of(rig: &mut Rig, replicas: u32) -> String {
    let planned = rig.plan(scale(replicas)).await.unwrap();
    match planned.check(CheckKind::Overwritten) {
        CheckResult::Pass(says) => format!("✓ {says}"),
        CheckResult::Warn(says) => format!("! {says}"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(json!({"minReplicaCount": 2, "maxReplicaCount": 8}), 6, "! KEDA ScaledObject gateway decides between 2 and 8 and may set its own number within a minute")]
#[case(json!({"minReplicaCount": 2, "maxReplicaCount": 8}), 9, "! KEDA ScaledObject gateway will bring it back into 2..8 within a minute: change its own bounds instead")]
#[case(json!({"minReplicaCount": 2, "maxReplicaCount": 8}), 1, "! KEDA ScaledObject gateway will bring it back into 2..8 within a minute: change its own bounds instead")]
#[case(json!({"minReplicaCount": 2, "maxReplicaCount": 8}), 0, "! KEDA ScaledObject gateway will bring it back to 2 within a minute: change its own bounds instead")]
// Without bounds of its own: 0 to 100.
#[case(json!({}), 99, "! KEDA ScaledObject gateway decides between 0 and 100 and may set its own number within a minute")]
#[case(json!({}), 0, "! KEDA ScaledObject gateway brings it back from 0 as soon as one of its triggers is active")]
#[case(
    json!({"idleReplicaCount": 0, "minReplicaCount": 2, "maxReplicaCount": 8}),
    6,
    "! KEDA ScaledObject gateway decides between 2 and 8 (0 while no trigger is active) and may set its own number within a minute"
)]
#[case(
    json!({"idleReplicaCount": 0, "minReplicaCount": 2, "maxReplicaCount": 8}),
    0,
    "! KEDA ScaledObject gateway brings it back from 0 as soon as one of its triggers is active"
)]
#[tokio::test]
async fn the_bounds_are_those_of_the_scaled_object(
    #[case] bounds: Value,
    #[case] replicas: u32,
    #[case] expected: &str,
    #[values(false, true)] hpa: bool,
) {
    let mut rig = Rig::new().await;
    put(&rig, &json!({}), &bounds);
    if hpa {
        put_its_autoscaler(&rig, 1);
    }
    assert_eq!(said_of(&mut rig, replicas).await, expected);
}

#[rstest]
#[case(json!({"autoscaling.keda.sh/paused": "true"}), "! KEDA ScaledObject gateway is paused: it decides once it is resumed")]
#[case(json!({"autoscaling.keda.sh/paused": "yes"}), "! KEDA ScaledObject gateway is paused: it decides once it is resumed")]
#[case(json!({"autoscaling.keda.sh/paused": "false"}), "! KEDA ScaledObject gateway decides between 0 and 100 and may set its own number within a minute")]
#[case(
    json!({"autoscaling.keda.sh/paused-replicas": "2"}),
    "! KEDA ScaledObject gateway is paused at 2: it may set that again at any moment, and decides once it is resumed"
)]
#[case(json!({"autoscaling.keda.sh/paused-replicas": "6"}), "! KEDA ScaledObject gateway is paused: it decides once it is resumed")]
#[case(
    json!({"autoscaling.keda.sh/paused-scale-in": "true"}),
    "! KEDA ScaledObject gateway decides between 0 and 100 and may set its own number within a minute; it is told not to scale in"
)]
#[tokio::test]
async fn a_pause_is_said(#[case] annotations: Value, #[case] expected: &str) {
    let mut rig = Rig::new().await;
    put(&rig, &annotations, &json!({}));
    assert_eq!(said_of(&mut rig, 6).await, expected);
}

#[tokio::test]
async fn one_of_another_workload_is_none() {
    let mut rig = Rig::new().await;
    for target in [json!({"name": "other"}), json!({"name": "api-gateway", "kind": "StatefulSet"})] {
        rig.world().put(&format!("{SCALED_OBJECTS}/gateway"), json!({"metadata": {"name": "gateway"}, "spec": {"scaleTargetRef": target}}));
        assert_eq!(said_of(&mut rig, 6).await, NOBODY);
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_a_warning_only_where_keda_is_served() {
    let mut rig = Rig::new().await;
    let answer = |rig: &Rig, code: u16, words: &'static str| {
        rig.world().0.lock().unwrap().unreadable.insert(SCALED_OBJECTS.to_owned(), (code, words));
    };
    answer(&rig, 404, "404 page not found");
    assert_eq!(said_of(&mut rig, 6).await, NOBODY, "the group is not served");
    answer(
        &rig,
        403,
        "scaledobjects.keda.sh is forbidden: User \"oncall@gov\" cannot list resource \"scaledobjects\" in API group \"keda.sh\" in the namespace \"x\"",
    );
    assert_eq!(said_of(&mut rig, 7).await, NOBODY, "nor to those who may not look");
    rig.world().put("/apis/keda.sh", json!({"kind": "APIGroup", "name": "keda.sh"}));
    let said = said_of(&mut rig, 8).await;
    assert!(said.starts_with("! whether KEDA scales it is not known: not allowed to list scaledobjects"), "{said}");
    put_its_autoscaler(&rig, 2);
    let said = said_of(&mut rig, 9).await;
    assert!(
        said.starts_with(
            "! KEDA ScaledObject gateway will bring it back into 2..8 within a minute: change its own bounds instead; whether it is paused"
        ),
        "{said}"
    );
    assert!(said_of(&mut rig, 0).await.starts_with("! KEDA ScaledObject gateway may bring it back from 0; whether it is paused"));
}
