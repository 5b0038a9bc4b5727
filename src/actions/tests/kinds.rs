//! Each kind of mitigation: its card, its request, its undo.

use rstest::rstest;
use serde_json::{Value, json};

use super::rig::{CONFIG_MAP, DEPLOYMENT, NS, Planned, Rig, asked, breaker, pod_path, rollback, scale, template};
use crate::domain::{
    ask::{Finished, RequestKind},
    asks::{RestartUnhealthy, Scale, SetConfigKey, Unhealthy},
    mitigation::{ActionEvent, CheckKind, CheckResult, DiffSign, Friction, MitigationId, Outcome},
    object::{Key, Kind, ObjectRef},
};

fn what(planned: &Planned) -> Vec<&str> {
    planned.plan.what.iter().map(crate::domain::text::Text::as_str).collect()
}

fn warning(planned: &Planned, kind: CheckKind) -> String {
    match planned.check(kind) {
        CheckResult::Warn(why) => why.to_string(),
        other => panic!("{kind:?}: {other:?}"),
    }
}

fn restart(names: &[&str], at_once: u8) -> RequestKind {
    let pods = names.iter().map(|name| ObjectRef { kind: Kind::Pod, key: Key::new(NS, name), uid: format!("uid-{name}").into() }).collect();
    RequestKind::of(RestartUnhealthy { app: "api-gateway".into(), pods: Unhealthy::Listed(pods), at_once: Some(at_once), is_lost: false })
}

#[tokio::test]
async fn pods_of_lost_nodes_are_replaced_by_name_and_by_force_only_as_a_choice_of_its_own() {
    let mut rig = Rig::new().await;
    let lose = |name: &'static str, node: &'static str| {
        move |pod: &mut Value| {
            assert_eq!(pod["metadata"]["name"], name);
            pod["spec"]["nodeName"] = node.into();
            pod["status"]["containerStatuses"][0]["state"] = json!({"running": {}});
            pod["status"]["conditions"][0]["status"] = "False".into();
        }
    };
    rig.world().change(&pod_path("gw-a"), lose("gw-a", "node-10"));
    rig.world().change(&pod_path("gw-b"), lose("gw-b", "node-8"));
    let planned = rig.plan(asked("restart-unhealthy pod/gw-a pod/gw-b pod/gw-c node=lost")).await.unwrap();
    assert_eq!(planned.plan.title, "Replace 2 pods · node-8, node-10");
    let wanted = [
        "delete 2 pods of node-8, node-10, at most 2 at once, waiting for replacements",
        "pod/gw-a  node-10 lost, in digital-identity",
        "pod/gw-b  node-8 lost, in digital-identity",
        "not gw-c: it is healthy now",
    ];
    assert_eq!(what(&planned), wanted);
    assert_eq!(planned.plan.friction, Friction::Key);
    let force = planned.plan.alternative.clone().unwrap();
    assert!(force.words.starts_with("by force: the cluster forgets them at once"), "{}", force.words);
    assert_eq!(force.wish.words(), ["pod/gw-a", "pod/gw-b", "force=yes"]);
    let forced = rig.plan(RequestKind::Do(force.wish)).await.unwrap();
    assert_eq!(forced.plan.friction, Friction::Word("2 pods prod-uk-1".into()), "one name of many says nothing");
    assert_eq!(forced.plan.title, "Delete 2 pods by force · digital-identity");
    assert_eq!(rig.plan(restart(&["gw-a"], 1)).await.unwrap().plan.alternative, None, "its node answers");
    rig.world().change(&pod_path("gw-a"), |pod| pod["metadata"]["ownerReferences"][0]["kind"] = "StatefulSet".into());
    let left_out = rig.plan(asked("restart-unhealthy pod/gw-a pod/gw-b node=lost")).await.unwrap();
    assert!(what(&left_out).iter().any(|line| line.contains("its stateful set makes no other until it is gone")), "{:?}", what(&left_out));
}

#[tokio::test]
async fn scaling_up_asks_for_a_key_and_down_for_the_word() {
    let mut rig = Rig::new().await;
    let up = rig.plan(scale(6)).await.unwrap();
    assert_eq!(up.plan.friction, Friction::Key);
    assert_eq!(what(&up), ["deployment/api-gateway  replicas 3 → 6 in digital-identity"]);
    assert_eq!(
        up.plan.kubectl.as_str(),
        "kubectl scale deployment/api-gateway --replicas=6 --current-replicas=3 -n digital-identity --context prod-uk-1"
    );
    assert_eq!(rig.plan(scale(1)).await.unwrap().plan.friction, Friction::Word("prod".into()));
    assert!(rig.plan(scale(3)).await.err().unwrap().contains("already has 3 replicas"));
}

#[tokio::test]
async fn scaling_to_zero_is_an_outage_and_asks_for_the_name() {
    let mut rig = Rig::new().await;
    let zero = rig.plan(scale(0)).await.unwrap();
    assert_eq!(zero.plan.friction, Friction::Word("api-gateway prod-uk-1".into()));
    assert_eq!(
        warning(&zero, CheckKind::Outage),
        "this is an outage: no pod of deployment/api-gateway is left, and it serves nobody until it is scaled up"
    );
}

#[tokio::test]
async fn scaling_down_says_whether_what_is_left_carries_the_load() {
    let mut rig = Rig::new().await;
    let unknown = rig.plan(scale(2)).await.unwrap();
    assert_eq!(warning(&unknown, CheckKind::Effect), "2 of 3 pods are left, each with 1.5 times the load: whether that is enough is not known");
    let autoscaler = |desired: u64| {
        json!({
            "metadata": {"name": "gw"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api-gateway"}, "minReplicas": 1, "maxReplicas": 20},
            "status": {"desiredReplicas": desired},
        })
    };
    let path = format!("/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers/gw");
    rig.world().put(&path, autoscaler(3));
    let fewer = rig.plan(scale(2)).await.unwrap();
    assert_eq!(warning(&fewer, CheckKind::Effect), "2 of 3 pods are too few for the present load: HPA gw wants 3 for it");
    rig.world().put(&path, autoscaler(2));
    let enough = rig.plan(scale(2)).await.unwrap();
    let passed = CheckResult::Pass("2 pods are enough for the present load: HPA gw wants 2".into());
    assert!(enough.checks.iter().any(|check| check.what == CheckKind::Effect && check.result == passed), "{:?}", enough.checks);
}

#[tokio::test]
async fn the_card_of_a_taking_back_promises_no_undo_that_its_key_denies() {
    let mut rig = Rig::new().await;
    let up = rig.plan(scale(6)).await.unwrap();
    assert_eq!(up.plan.undo, "U brings 3 replicas back");
    rig.execute(&up).await;
    let back = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await.unwrap();
    assert_eq!(back.plan.undo, "“Undo: Scale · api-gateway” in the list of :undo brings 6 replicas back; U only goes further back");
    assert!(back.plan.inverse.is_some());
}

#[tokio::test]
async fn scaling_says_who_will_overwrite_it() {
    let mut rig = Rig::new().await;
    rig.world().put(
        &format!("/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers/gw"),
        json!({"metadata": {"name": "gw"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api-gateway"}, "minReplicas": 3, "maxReplicas": 20}}),
    );
    let inside = rig.plan(scale(6)).await.unwrap();
    assert!(warning(&inside, CheckKind::Overwritten).contains("HPA gw decides between 3 and 20"));
    rig.world().change(DEPLOYMENT, |object| object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:apps/Deployment:x".into());
    let outside = rig.plan(scale(30)).await.unwrap();
    let why = warning(&outside, CheckKind::Overwritten);
    assert!(why.contains("will bring it back into 3..20") && why.contains("Argo CD application shop"), "{why}");
}

#[tokio::test]
async fn scaling_from_and_to_zero_and_back() {
    let mut rig = Rig::new().await;
    let down = rig.plan(scale(0)).await.unwrap();
    assert_eq!(rig.execute(&down).await.0, Outcome::Done);
    let up = rig.plan(scale(2)).await.unwrap();
    assert_eq!(rig.execute(&up).await.0, Outcome::Done);
    let undo = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(2)) }).await.unwrap();
    assert_eq!(undo.plan.undoes.and_then(|undoes| undoes.here), Some(MitigationId(2)));
    assert_eq!(rig.execute(&undo).await.0, Outcome::Done);
    assert_eq!(rig.world().get(DEPLOYMENT).unwrap()["spec"]["replicas"], 0);
    assert_eq!(rig.world().writes().len(), 3);
}

#[tokio::test]
async fn an_undo_is_refused_once_the_object_moved_on() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.execute(&planned).await;
    rig.world().change(DEPLOYMENT, |object| object["spec"]["replicas"] = 12.into());
    let why = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await.err().unwrap();
    assert!(why.contains("moved on since: replicas changed by ci-deployer"), "{why}");
    assert!(rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(77)) }).await.is_err());
}

#[tokio::test]
async fn pods_are_deleted_by_uid_a_few_at_a_time() {
    let mut rig = Rig::new().await;
    rig.world().0.lock().unwrap().replaces = true;
    let planned = rig.plan(restart(&["gw-a", "gw-b", "gw-c", "bare"], 1)).await.unwrap();
    let lines = what(&planned);
    assert_eq!(lines[0], "delete 2 unhealthy pods, at most 1 at once, waiting for replacements");
    assert_eq!(lines[1], "pod/gw-a  CrashLoopBackOff, 7 restarts in digital-identity");
    assert!(warning(&planned, CheckKind::Effect).contains("bare: nothing would bring it back"));
    assert!(rig.world().get(&pod_path("gw-a")).is_some(), "the dry-run deleted a pod");
    assert_eq!(rig.world().0.lock().unwrap().dry_runs.len(), 2);
    assert_eq!(planned.plan.kubectl.as_str(), "kubectl delete pod gw-a gw-b -n digital-identity --context prod-uk-1");
    let (outcome, events) = rig.execute(&planned).await;
    assert_eq!(outcome, Outcome::Done);
    let writes = rig.world().writes();
    assert_eq!(writes.len(), 2);
    assert_eq!(writes[0].2["preconditions"]["uid"], "uid-gw-a");
    assert!(events.iter().any(|event| matches!(event, ActionEvent::Progress { done: 2, of: 2, .. })), "{events:?}");
    assert!(matches!(events.last(), Some(ActionEvent::Converged { .. })), "{events:?}");
}

#[tokio::test]
async fn without_replacements_the_rest_is_left_alone() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(restart(&["gw-a", "gw-b"], 1)).await.unwrap();
    let (outcome, _) = rig.execute(&planned).await;
    let Outcome::Partly(how) = outcome else { panic!("{outcome:?}") };
    assert!(how.starts_with("1 of 2 were done, the others were left alone: the replacements are not ready"), "{how}");
    assert_eq!(rig.world().writes().len(), 1);
    let records = rig.journal();
    let last = records.iter().rfind(|record| record["kind"] == "outcome").unwrap();
    assert_eq!((&last["state"], &last["why"]), (&json!("partly"), &json!(how)));
}

#[tokio::test]
async fn a_pod_that_recovered_or_was_replaced_meanwhile_is_left_out() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(restart(&["gw-a", "gw-b"], 2)).await.unwrap();
    rig.world().put(&pod_path("gw-a"), super::rig::pod("gw-a", Some("uid-rs-42"), true));
    rig.world().change(&pod_path("gw-b"), |pod| pod["metadata"]["uid"] = "uid-namesake".into());
    let (outcome, events) = rig.execute(&planned).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    assert!(rig.world().writes().is_empty(), "{events:?}");
    assert!(rig.plan(restart(&["bare"], 1)).await.err().unwrap().contains("no controller"));
}

#[tokio::test]
async fn budgets_without_room_are_said() {
    let mut rig = Rig::new().await;
    rig.world().put(
        &format!("/apis/policy/v1/namespaces/{NS}/poddisruptionbudgets/gw"),
        json!({"metadata": {"name": "gw"}, "spec": {"selector": {"matchLabels": {"app": "api-gateway"}}}, "status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 2}}),
    );
    let planned = rig.plan(restart(&["gw-a"], 1)).await.unwrap();
    assert!(warning(&planned, CheckKind::Disruption).contains("PDB gw allows no disruption now (1 healthy, 2 needed)"));
}

/// What the eviction API lets go by itself is no reason to warn: pods that serve nobody take no disruption.
#[tokio::test]
async fn budgets_are_asked_as_the_eviction_api_asks_them() {
    let mut rig = Rig::new().await;
    let path = format!("/apis/policy/v1/namespaces/{NS}/poddisruptionbudgets/gw");
    let budget = |healthy: u64, policy: &str| {
        json!({
            "metadata": {"name": "gw"},
            "spec": {"selector": {"matchLabels": {"app": "api-gateway"}}, "unhealthyPodEvictionPolicy": policy},
            "status": {"disruptionsAllowed": 0, "currentHealthy": healthy, "desiredHealthy": 2},
        })
    };
    let room = "✓ disruption budgets leave room";
    for (healthy, policy, pod, says) in [
        (2, "IfHealthyBudget", "gw-a", room),
        (1, "IfHealthyBudget", "gw-a", "! PDB gw allows 0 of these 1 now (1 healthy, 2 needed)"),
        (1, "AlwaysAllow", "gw-a", room),
        (2, "AlwaysAllow", "gw-c", "! PDB gw allows 0 of these 1 now (2 healthy, 2 needed)"),
    ] {
        rig.world().put(&path, budget(healthy, policy));
        let planned = rig.plan(super::rig::asked(&format!("evict pod/{pod}"))).await.unwrap();
        assert_eq!(planned.says(CheckKind::Disruption), says, "{healthy} {policy} {pod}");
    }
    rig.world().put(&path, budget(0, "IfHealthyBudget"));
    for phase in ["Pending", "Failed"] {
        rig.world().change(&pod_path("gw-a"), |pod| pod["status"]["phase"] = phase.into());
        let planned = rig.plan(super::rig::asked("evict pod/gw-a")).await.unwrap();
        assert_eq!(planned.says(CheckKind::Disruption), room, "{phase}");
    }
}

#[tokio::test]
async fn the_breaker_says_who_needs_a_restart_and_can_be_taken_back() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(breaker("true")).await.unwrap();
    assert_eq!(planned.plan.friction, Friction::Word("prod".into()));
    assert_eq!(what(&planned), [r#"configmap/api-config  circuit_breaker_enabled: "false" → "true" in digital-identity"#]);
    assert!(warning(&planned, CheckKind::Effect).contains("no effect until restarted: read as environment by deployment/api-gateway"));
    assert_eq!(
        planned.plan.kubectl.as_str(),
        r#"kubectl patch configmap api-config --type=merge -p '{"data":{"circuit_breaker_enabled":"true"}}' -n digital-identity --context prod-uk-1"#
    );
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    assert_eq!(rig.world().get(CONFIG_MAP).unwrap()["data"], json!({"circuit_breaker_enabled": "true", "other": "x"}));
    let undo = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await.unwrap();
    assert_eq!(rig.execute(&undo).await.0, Outcome::Done);
    assert_eq!(rig.world().get(CONFIG_MAP).unwrap()["data"]["circuit_breaker_enabled"], "false");
}

#[tokio::test]
async fn a_key_that_was_not_there_is_removed_by_undo() {
    let mut rig = Rig::new().await;
    let new = RequestKind::of(SetConfigKey::set(Key::new(NS, "api-config"), "fresh", "1"));
    let planned = rig.plan(new).await.unwrap();
    assert_eq!(planned.plan.undo.as_str(), "U removes fresh again");
    rig.execute(&planned).await;
    let undo = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await.unwrap();
    assert!(undo.plan.kubectl.contains(r#"'{"data":{"fresh":null}}'"#), "{}", undo.plan.kubectl);
    assert_eq!(rig.execute(&undo).await.0, Outcome::Done);
    assert!(rig.world().get(CONFIG_MAP).unwrap()["data"].get("fresh").is_none());
}

#[tokio::test]
async fn an_undone_rollout_is_kubectls_patch_behind_two_tests() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(rollback(None)).await.unwrap();
    assert_eq!(
        what(&planned),
        ["deployment/api-gateway  revision 42 → 41 in digital-identity", "api-gateway  image api-gateway:2.4.0 → api-gateway:2.3.1"]
    );
    let diff: Vec<_> = planned.plan.diff.iter().map(|line| (line.sign, line.text.as_str())).collect();
    assert_eq!(diff, [(DiffSign::Removed, "LOG_LEVEL=debug"), (DiffSign::Added, "LOG_LEVEL=info")]);
    assert_eq!(planned.plan.friction, Friction::Word("prod".into()));
    assert!(warning(&planned, CheckKind::NotCovered).contains("ConfigMap api-config changed after rev 41 (by kubectl-edit"));
    assert_eq!(planned.plan.kubectl.as_str(), "kubectl rollout undo deployment/api-gateway --to-revision=41 -n digital-identity --context prod-uk-1");
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    let steps = rig.world().writes()[0].2.clone();
    let paths: Vec<_> = steps.as_array().unwrap().iter().map(|step| (step["op"].as_str().unwrap(), step["path"].as_str().unwrap())).collect();
    assert_eq!(paths, [("test", "/metadata/uid"), ("test", "/spec/template"), ("replace", "/spec/template"), ("add", "/metadata/annotations")]);
    assert_eq!(steps[2]["value"]["metadata"]["labels"], json!({"app": "api-gateway"}));
    assert_eq!(steps[3]["value"], json!({"deployment.kubernetes.io/revision": "42", "kubernetes.io/change-cause": "deploy 2.3.1"}));

    let undo = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await.unwrap();
    assert!(undo.plan.kubectl.contains("--to-revision=42"), "{}", undo.plan.kubectl);
    assert_eq!(rig.execute(&undo).await.0, Outcome::Done);
    let deployment = rig.world().get(DEPLOYMENT).unwrap();
    assert_eq!(deployment["spec"]["template"]["spec"], template("api-gateway:2.4.0", "debug")["spec"]);
    assert_eq!(deployment["metadata"]["annotations"]["kubernetes.io/change-cause"], "deploy 2.4.0");
}

#[rstest]
#[case(Some(40), None, "has no revision 40; kept are: 41, 42")]
#[case(Some(42), None, "already runs the template of revision 42")]
#[case(None, Some(("/spec/paused", json!(true))), "resume it first")]
#[tokio::test]
async fn a_rollout_that_cannot_be_undone_says_why(#[case] to: Option<u64>, #[case] change: Option<(&str, Value)>, #[case] says: &str) {
    let mut rig = Rig::new().await;
    if let Some((_, value)) = change {
        rig.world().change(DEPLOYMENT, |object| object["spec"]["paused"] = value);
    }
    let why = rig.plan(rollback(to)).await.err().unwrap();
    assert!(why.contains(says), "{why}");
}

#[tokio::test]
async fn hostile_names_never_become_a_path() {
    let mut rig = Rig::new().await;
    let kind = RequestKind::of(Scale::deployment(Key::new(NS, "../../../api/v1/namespaces/x"), 1));
    assert!(rig.plan(kind).await.err().unwrap().contains("is not a name"));
}

#[tokio::test]
async fn a_secret_of_a_config_map_is_on_no_card_and_comes_back_all_the_same() {
    let mut rig = Rig::new().await;
    for (key, value) in [("db_password", "hunter2"), ("dsn", "app:hunter2@tcp(db)/app"), ("url", "pg://app:hunter2@db")] {
        let set = |value: &str| RequestKind::of(SetConfigKey::set(Key::new(NS, "api-config"), key, value));
        let planned = rig.plan(set(value)).await.unwrap();
        let plan = &planned.plan;
        let shown = format!("{:?} {:?} {:?} {:?} {:?} {:?}", plan.title, plan.what, plan.diff, plan.kubectl, plan.undo, plan.wish.shown_words());
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(plan.kubectl.starts_with("# the command holds a secret") && plan.kubectl.contains("kubectl edit configmap api-config"), "{shown}");
        assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
        let changed = rig.plan(set(&value.replace("hunter2", "hunter3"))).await.unwrap();
        assert!(!format!("{:?} {:?} {:?}", changed.plan.what, changed.plan.diff, changed.plan.undo).contains("hunter"));
        assert_eq!(rig.execute(&changed).await.0, Outcome::Done);
        let back = rig.plan(RequestKind::Undo { of: Finished::Here(changed.plan.id) }).await.unwrap();
        assert!(!format!("{:?} {:?} {:?} {:?}", back.plan.what, back.plan.diff, back.plan.kubectl, back.plan.undo).contains("hunter"));
        assert_eq!(rig.execute(&back).await.0, Outcome::Done);
        assert_eq!(rig.world().get(CONFIG_MAP).unwrap()["data"][key], value);
    }
    assert!(!format!("{:?}", rig.journal()).contains("hunter"));
}
