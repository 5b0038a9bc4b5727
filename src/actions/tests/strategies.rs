//! What a card says of the pods, by the strategy of their workload.

use serde_json::json;

use super::{
    rig::{DEPLOYMENT, Rig, asked},
    rollouts::{STATEFUL, stateful},
};
use crate::domain::{
    catalogue::Level,
    mitigation::{ActionEvent, CheckKind, Outcome},
};

/// Every kind that writes a template.
#[tokio::test]
async fn a_deployment_that_recreates_its_pods_is_out_meanwhile() {
    let mut rig = Rig::new().await;
    let writes = [
        "restart deployment/api-gateway",
        "set-image deployment/api-gateway api-gateway=api-gateway:2.4.1",
        "undo-rollout deployment/api-gateway 41",
    ];
    for words in writes {
        assert_eq!(rig.plan(asked(words)).await.unwrap().plan.level, Level::Disruptive, "{words}");
    }
    rig.world().change(DEPLOYMENT, |object| {
        object["spec"]["strategy"] = json!({"type": "Recreate"});
        object["spec"]["replicas"] = 3.into();
        object["status"]["availableReplicas"] = 3.into();
    });
    for words in writes {
        let planned = rig.plan(asked(words)).await.unwrap();
        assert_eq!(
            planned.says(CheckKind::Outage),
            "! this is an outage until new pods are ready: all 3 pods end at once, before any new one comes",
            "{words}"
        );
        assert_eq!(planned.plan.level, Level::Destructive, "{words}");
    }
    let restart = rig.plan(asked(writes[0])).await.unwrap().plan;
    assert!(restart.what[0].contains("all 3 pods end at once"), "{:?}", restart.what);
    assert!(restart.undo.ends_with("which ends all its pods once more"), "{}", restart.undo);
}

#[tokio::test]
async fn where_nothing_is_replaced_card_and_end_say_so() {
    let mut rig = Rig::new().await;
    for (strategy, replicas, why) in [
        (json!({"type": "OnDelete"}), 2, "its update strategy is OnDelete: each pod changes only when it is deleted"),
        (
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
            2,
            "its partition is 2: pods below that number keep what they run, and it has no other",
        ),
        (json!({"type": "RollingUpdate"}), 0, "it is scaled to 0: there is no pod to replace"),
    ] {
        stateful(&rig, &strategy);
        rig.world().change(STATEFUL, |object| object["spec"]["replicas"] = replicas.into());
        let planned = rig.plan(asked("restart statefulset/db")).await.unwrap();
        assert!(planned.plan.what[0].ends_with(": no pod is replaced"), "{:?}", planned.plan.what);
        assert_eq!(planned.says(CheckKind::Effect), format!("! {why}"));
        assert!(planned.plan.undo.ends_with("back; no pod is replaced then either"), "{}", planned.plan.undo);
        let (outcome, events) = rig.execute(&planned).await;
        assert_eq!(outcome, Outcome::Done);
        let said = events.iter().find_map(|event| if let ActionEvent::Notice { text, .. } = event { Some(text.to_string()) } else { None });
        assert_eq!(said.unwrap(), format!("Restart · db: written, and no pod is replaced: {why}"));
    }
    stateful(&rig, &json!({"rollingUpdate": {"partition": 1}}));
    let planned = rig.plan(asked("restart statefulset/db")).await.unwrap();
    assert!(planned.plan.what[0].contains("only the pods from db-1 up are replaced"), "{:?}", planned.plan.what);
}
