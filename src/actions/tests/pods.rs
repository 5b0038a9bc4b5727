//! Plans of several pods: what becomes of each, and what a crash in the middle leaves to say.

use serde_json::json;

use super::{
    rig::{NS, Planned, Rig, asked, clock, pod, pod_path},
    rollouts::stateful,
};
use crate::{
    actions::record,
    domain::{
        mitigation::{CheckKind, CheckResult, Friction, Outcome},
        shell::KubectlFlags,
    },
    journal::Journal,
};

async fn delete(rig: &mut Rig, names: &[&str]) -> Planned {
    let pods: Vec<_> = names.iter().map(|name| format!("pod/{name}")).collect();
    rig.plan(asked(&format!("delete-pod {}", pods.join(" ")))).await.unwrap()
}

#[tokio::test]
async fn friction_follows_what_is_lost() {
    let mut rig = Rig::new().await;
    assert_eq!(delete(&mut rig, &["gw-a"]).await.plan.friction, Friction::Key, "unhealthy, and replaced");
    assert_eq!(delete(&mut rig, &["gw-a", "gw-c"]).await.plan.friction, Friction::Word("prod".into()), "one is healthy");
    let bare = delete(&mut rig, &["bare"]).await.plan;
    assert_eq!(bare.friction, Friction::Word("bare prod-uk-1".into()));
    let keep = "(umask 077; set -C; kubectl get pod bare -o yaml -n digital-identity --context prod-uk-1 > bare.yaml)";
    assert_eq!(*bare.undo, *format!("no way back; to keep the manifest first: {keep}"));
    assert!(bare.what[1].contains("NOTHING BRINGS IT BACK"), "{:?}", bare.what);
    rig.world().change(&pod_path("bare"), |pod| {
        pod["metadata"]["ownerReferences"] = json!([{"kind": "Node", "name": "node-1", "uid": "n", "controller": true}]);
    });
    let why = rig.plan(asked("delete-pod pod/bare")).await.err().unwrap();
    assert!(why.contains("its node runs it from a file"), "{why}");
}

#[tokio::test]
async fn a_quota_that_was_lowered_lets_no_other_come() {
    let mut rig = Rig::new().await;
    let quota =
        |hard: u64, used: u64| json!({"metadata": {"name": "q"}, "status": {"hard": {"pods": hard.to_string()}, "used": {"pods": used.to_string()}}});
    let path = format!("/api/v1/namespaces/{NS}/resourcequotas/q");
    rig.world().put(&path, quota(3, 4));
    let one = delete(&mut rig, &["gw-a"]).await;
    assert_eq!(one.says(CheckKind::Room), "! quota q allows 3 pods, 4 are used: no other comes");
    let both = delete(&mut rig, &["gw-a", "gw-b"]).await;
    assert_eq!(both.says(CheckKind::Room), "! quota q allows 3 pods, 4 are used: for 1 of 2 no other comes");
    rig.world().put(&path, quota(4, 4));
    let one = delete(&mut rig, &["gw-a"]).await;
    assert_eq!(one.says(CheckKind::Room), "✓ quota leaves room");
    let bare = delete(&mut rig, &["bare"]).await;
    assert!(bare.checks.iter().all(|check| check.what != CheckKind::Room), "nothing comes instead of it");
}

#[tokio::test]
async fn each_pod_has_a_line_of_its_own_in_the_journal() {
    let mut rig = Rig::new().await;
    let planned = delete(&mut rig, &["gw-a", "gw-b", "gw-c"]).await;
    rig.world().change(&pod_path("gw-b"), |pod| pod["metadata"]["uid"] = "uid-namesake".into());
    let (outcome, _) = rig.execute(&planned).await;
    assert_eq!(outcome, Outcome::Done);
    let steps: Vec<_> =
        rig.journal().into_iter().filter(|line| line["kind"] == "step").map(|line| (line["uid"].clone(), line["state"].clone())).collect();
    assert_eq!(steps, [(json!("uid-gw-a"), json!("done")), (json!("uid-gw-b"), json!("refused")), (json!("uid-gw-c"), json!("done"))]);
    assert!(rig.world().get(&pod_path("gw-b")).is_some(), "a namesake was deleted");
}

/// A lying server: the answer for one pod is another one, by its name, its namespace or its uid.
#[tokio::test]
async fn no_pod_goes_by_an_answer_about_another_one() {
    let lies = [("/metadata/name", "gw-b"), ("/metadata/namespace", "kube-system"), ("/metadata/name", ""), ("/metadata/uid", "uid-other")];
    for (field, lie) in lies {
        for words in ["delete-pod pod/gw-a", "delete-pod pod/gw-a force=yes", "evict pod/gw-a", "restart-unhealthy deployment/api-gateway"] {
            let mut rig = Rig::new().await;
            let planned = rig.plan(asked(words)).await.unwrap();
            rig.world().change(&pod_path("gw-a"), |pod| *pod.pointer_mut(field).unwrap() = lie.into());
            if words.starts_with("evict") {
                // This server knows no evictions, so that none is confirmed: what is read before one is asked for again.
                let why = rig.plan(asked(words)).await.err().map(|why| why.to_string()).unwrap_or_default();
                assert!(field == "/metadata/uid" || why.contains("another object for"), "{words} after {field}={lie}: {why}");
                continue;
            }
            let (outcome, _) = rig.execute(&planned).await;
            let wrote = rig.world().writes();
            if planned.plan.writes.len() > 1 && field == "/metadata/uid" {
                assert!(rig.world().get(&pod_path("gw-a")).is_some(), "{words}: the uid that was planned on goes with the write: {wrote:?}");
                continue;
            }
            assert!(wrote.is_empty(), "{words} after {field}={lie}: {wrote:?}");
            let why = format!("{outcome:?}");
            let is_said = if field == "/metadata/uid" { why.contains("gone already") } else { why.contains("another object for") };
            assert!(why.contains("nothing was sent") && is_said, "{words} after {field}={lie}: {why}");
            if field != "/metadata/uid" && !words.starts_with("restart-unhealthy") {
                let why = rig.plan(asked(words)).await.err().unwrap();
                assert!(why.contains("another object for"), "{words} after {field}={lie}: {why}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_stopped_sends_no_more() {
    let mut rig = Rig::new().await;
    let planned = delete(&mut rig, &["gw-a", "gw-b"]).await;
    rig.engine.stop(planned.plan.id);
    let (outcome, _) = rig.execute(&planned).await;
    assert_eq!(outcome, Outcome::Failed("nothing was done: stopped by you".into()));
    assert!(rig.world().writes().is_empty());
}

#[tokio::test]
async fn a_crash_in_the_middle_is_told_pod_by_pod() {
    let mut rig = Rig::new().await;
    let planned = delete(&mut rig, &["gw-a", "gw-b", "gw-c"]).await;
    let dead = Journal::new(rig.state.path().join("journal"), "uid-cluster".into(), "oncall@gov".into(), clock());
    dead.append(record::INTENT, &record::plan(&KubectlFlags::default(), &planned.plan, &"bad".into())).unwrap();
    drop(dead);
    rig.world().0.lock().unwrap().objects.remove(&pod_path("gw-a"));
    rig.restart();
    rig.recover().await;
    let text = rig.last_notice();
    let says = "done in part: 1 done (pod/gw-a); 2 not done (pod/gw-b, pod/gw-c)";
    assert!(text.contains(&format!("Delete 3 pods · {NS}")) && text.contains(says), "{text}");
    assert!(rig.world().writes().is_empty());
    let resolved = || rig.journal().iter().filter(|line| line["kind"] == "resolved").count();
    let before = resolved();
    assert!(rig.engine.recover().await.is_empty());
    assert_eq!(resolved(), before, "what is known is not looked into again");
}

/// What `restart-unhealthy deployment/api-gateway` names.
async fn unhealthy(rig: &mut Rig) -> String {
    match rig.plan(asked("restart-unhealthy deployment/api-gateway")).await {
        Ok(planned) => planned.plan.what[1..].iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Err(why) => why.to_string(),
    }
}

#[tokio::test]
async fn what_is_past_or_ended_or_just_begins_is_not_restarted_as_unhealthy() {
    let mut rig = Rig::new().await;
    for name in ["gw-a", "gw-b"] {
        rig.world().put(&pod_path(name), pod(name, Some("uid-rs-42"), true));
    }
    rig.world().change(&pod_path("gw-a"), |pod| {
        pod["status"]["containerStatuses"][0]["lastState"] =
            json!({"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2020-01-01T00:00:00Z"}});
    });
    rig.world().change(&pod_path("gw-b"), |pod| {
        pod["status"] = json!({"phase": "Failed", "reason": "Evicted", "conditions": [{"type": "Ready", "status": "False"}]});
    });
    rig.world().change(&pod_path("gw-c"), |pod| {
        // By the server's clock it was made a moment ago, whenever that is.
        pod["metadata"]["creationTimestamp"] = "2999-01-01T00:00:00Z".into();
        pod["status"] =
            json!({"phase": "Pending", "containerStatuses": [{"restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]});
    });
    assert_eq!(unhealthy(&mut rig).await, "no pod of deployment/api-gateway is unhealthy");
    let why = rig.plan(asked("restart-unhealthy pod/gw-a pod/gw-b pod/gw-c")).await.err().unwrap();
    let each = "gw-a: it is healthy now; gw-b: it has ended, and its controller made another; gw-c: it has only just started";
    assert!(why.contains(each), "{why}");
    rig.world().change(&pod_path("gw-c"), |pod| pod["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z".into());
    assert_eq!(unhealthy(&mut rig).await, "pod/gw-c  ContainerCreating, 0 restarts in digital-identity");
}

/// Listed as unhealthy elsewhere, and not to be restarted: the card says why, not that none is.
#[tokio::test]
async fn a_pod_that_does_not_go_is_named_where_no_other_is_unhealthy() {
    let mut rig = Rig::new().await;
    stateful(&rig, &json!({"type": "RollingUpdate"}));
    let mut stuck = pod("db-1", None, true);
    stuck["metadata"]["labels"] = json!({"app": "db"});
    stuck["metadata"]["ownerReferences"] = json!([{"kind": "StatefulSet", "name": "db", "uid": "uid-db", "controller": true}]);
    stuck["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
    rig.world().put(&pod_path("db-1"), stuck);
    let why = rig.plan(asked("restart-unhealthy statefulset/db")).await.err().unwrap();
    assert_eq!(why.as_str(), "restarting helps no unhealthy pod of statefulset/db: db-1: it is being deleted already");
}

#[tokio::test]
async fn a_pod_whose_node_is_lost_is_as_unhealthy_as_on_the_screen() {
    let mut rig = Rig::new().await;
    for name in ["gw-a", "gw-b", "gw-c"] {
        rig.world().put(&pod_path(name), pod(name, Some("uid-rs-42"), true));
    }
    for (name, node) in [("gw-a", "off"), ("gw-b", "gone"), ("gw-c", "up")] {
        rig.world().change(&pod_path(name), |pod| pod["spec"]["nodeName"] = node.into());
    }
    for (node, ready) in [("off", "Unknown"), ("up", "True")] {
        let status = json!({"conditions": [{"type": "Ready", "status": ready}]});
        rig.world().put(&format!("/api/v1/nodes/{node}"), json!({"metadata": {"name": node}, "status": status}));
    }
    let told = unhealthy(&mut rig).await;
    assert!(told.contains("pod/gw-a") && told.contains("pod/gw-b") && !told.contains("gw-c"), "{told}");
    // Its stateful set makes no other: a deletion would only hang.
    rig.world().change(&pod_path("gw-a"), |pod| pod["metadata"]["ownerReferences"][0]["kind"] = "StatefulSet".into());
    let why = rig.plan(asked("restart-unhealthy pod/gw-a pod/gw-c")).await.err().unwrap();
    assert!(why.contains("gw-a: its stateful set makes no other") && why.contains("gw-c: it is healthy now"), "{why}");
}

/// A pod of a stateful set whose node is off: it is being deleted, and nobody there confirms it.
#[tokio::test]
async fn force_is_a_choice_of_its_own_with_its_reason() {
    let mut rig = Rig::new().await;
    rig.world().change(&pod_path("gw-a"), |pod| {
        pod["metadata"]["ownerReferences"] = json!([{"kind": "StatefulSet", "name": "ledger", "uid": "s", "controller": true}]);
        pod["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
    });
    let why = rig.plan(asked("delete-pod pod/gw-a")).await.err().unwrap();
    assert!(why.contains("it is being deleted already"), "{why}");
    let forced = rig.plan(asked("delete-pod pod/gw-a force=yes")).await.unwrap();
    assert_eq!(forced.plan.friction, Friction::Word("gw-a prod-uk-1".into()));
    assert!(forced.plan.what[1].contains("no kubelet confirms that their containers ended"), "{:?}", forced.plan.what);
    assert!(forced.says(CheckKind::NotCovered).contains("else two of gw-a run at once"));
    assert!(forced.plan.kubectl.contains("kubectl delete pod gw-a --grace-period=0 --force"), "{}", forced.plan.kubectl);
    assert!(forced.checks.iter().all(|check| !matches!(check.result, CheckResult::Block(_))), "{:?}", forced.checks);
    let (outcome, _) = rig.execute(&forced).await;
    assert_eq!(outcome, Outcome::Done);
    let writes = rig.world().writes();
    assert_eq!((&writes[0].2["gracePeriodSeconds"], &writes[0].2["preconditions"]["uid"]), (&json!(0), &json!("uid-gw-a")));
    assert!(rig.world().get(&pod_path("gw-a")).is_none());
    let plain = delete(&mut rig, &["gw-b"]).await;
    assert!(!plain.plan.kubectl.contains("--force"));
}

#[tokio::test]
async fn of_many_unhealthy_pods_as_many_are_taken_as_a_plan_holds() {
    let mut rig = Rig::new().await;
    for number in 0..130 {
        rig.world().put(&pod_path(&format!("gw-{number}x")), pod(&format!("gw-{number}x"), Some("uid-rs-42"), false));
    }
    let planned = rig.plan(asked("restart-unhealthy deployment/api-gateway")).await.unwrap();
    assert_eq!(planned.plan.writes.len(), 100);
    assert!(planned.says(CheckKind::Effect).contains("32 more of them: run it again for those"));
}

#[tokio::test]
async fn an_evicted_pod_is_called_so() {
    let mut rig = Rig::new().await;
    rig.world().change(&pod_path("gw-a"), |pod| {
        pod["status"] = json!({"phase": "Failed", "reason": "Evicted", "conditions": [{"type": "Ready", "status": "False"}]});
    });
    let planned = delete(&mut rig, &["gw-a"]).await;
    assert!(planned.plan.what[1].contains("pod/gw-a  Evicted, 0 restarts; it has ended, and its controller made another"), "{:?}", planned.plan.what);
}
