//! The engine against a fake API server: what was sent, what was said, what was journalled.

mod catalogue;
mod cuts;
mod fake;
mod keda;
mod kinds;
mod laws;
mod pods;
mod preflight;
mod reported;
mod rig;
mod rollouts;
mod strategies;
mod undoing;

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use self::{
    fake::Fault,
    rig::{CONFIG_MAP, DEPLOYMENT, NS, Rig, breaker, rollback, scale, world},
};
use crate::domain::{
    ask::{Finished, RequestKind},
    asks::SetConfigKey,
    mitigation::{ActionEvent, CheckKind, CheckResult, MitigationId, Outcome},
    object::Key,
    shell::KubectlFlags,
};

fn resolved(events: &[ActionEvent]) -> Option<&Outcome> {
    events.iter().find_map(|event| match event {
        ActionEvent::Resolved { outcome, .. } => Some(outcome),
        _ => None,
    })
}

#[tokio::test]
async fn a_confirmed_plan_is_journalled_sent_once_journalled_and_watched() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    assert!(planned.checks.iter().all(|check| matches!(check.result, CheckResult::Pass(_))), "{:?}", planned.checks);
    assert!(rig.world().writes().is_empty(), "planning writes nothing");
    let (outcome, events) = rig.execute(&planned).await;
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(rig.world().writes().len(), 1);
    assert_eq!(rig.world().get(DEPLOYMENT).unwrap()["spec"]["replicas"], 6);
    assert_eq!(rig.journal_kinds(), ["planned", "intent", "outcome", "converged"]);
    let journal = rig.journal();
    assert_eq!((&journal[1]["reason"], &journal[2]["state"], &journal[2]["intent"]), (&json!("bad deploy"), &json!("done"), &json!(2)));
    assert!(matches!(events[0], ActionEvent::Started { .. }));
    assert!(matches!(events.last(), Some(ActionEvent::Converged { .. })), "{events:?}");
}

#[rstest]
#[case::cut_after_commit(Fault::CutAfter)]
#[case::silent_after_commit(Fault::SilentAfter)]
#[case::gateway_timeout_before_commit(Fault::Status(504, "gateway timeout"))]
#[case::cut_before_commit(Fault::CutBefore)]
#[case::an_empty_success(Fault::SaysDone(""))]
#[case::a_login_page(Fault::SaysDone("<html>login</html>"))]
#[case::an_empty_object(Fault::SaysDone("{}"))]
#[case::a_failure_as_success(Fault::SaysDone(r#"{"kind":"Status","status":"Failure","code":403}"#))]
#[case::another_object(Fault::SaysDone(r#"{"kind":"Deployment","metadata":{"name":"core-engine","namespace":"kube-system","uid":"x"}}"#))]
#[case::the_object_as_it_was(Fault::ShowsOld)]
#[tokio::test]
async fn an_unanswered_write_is_resolved_by_reading_and_never_repeated(
    #[case] fault: Fault,
    #[values(scale(6), breaker("true"), rollback(None))] kind: RequestKind,
) {
    let mut rig = Rig::new().await;
    let planned = rig.plan(kind).await.unwrap();
    let was_done = matches!(fault, Fault::CutAfter | Fault::SilentAfter);
    rig.world().fail_with(fault);
    let (outcome, events) = rig.execute(&planned).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    let found = resolved(&events).unwrap();
    assert!(if was_done { *found == Outcome::Done } else { matches!(found, Outcome::Failed(_)) }, "{found:?}");
    assert_eq!(rig.world().writes().len(), 1, "sent exactly once");
    let state = if was_done { "done" } else { "failed" };
    let journal = rig.journal();
    assert_eq!(journal[2]["state"], "unknown");
    assert_eq!((&journal[3]["kind"], &journal[3]["state"]), (&json!("resolved"), &json!(state)));
    // What turned out to be done can be undone.
    let undo = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await;
    assert_eq!(undo.is_ok(), was_done, "{:?}", undo.err());
}

#[tokio::test]
async fn an_object_that_went_its_own_way_leaves_the_outcome_unknown() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.world().fail_with(Fault::CutBefore);
    let world = rig.world().clone();
    let meanwhile = tokio::spawn(async move {
        while world.writes().is_empty() {
            tokio::task::yield_now().await;
        }
        world.change(DEPLOYMENT, |object| object["spec"]["replicas"] = 9.into());
    });
    let (_, events) = rig.execute(&planned).await;
    meanwhile.await.unwrap();
    let Some(Outcome::Unknown(why)) = resolved(&events) else { panic!("{events:?}") };
    assert!(why.contains("replicas 3 → 9"), "{why}");
}

#[rstest]
#[case(403, "deployments.apps \"api-gateway\" is forbidden: exceeded quota")]
#[case(409, "the object has been modified")]
#[case(422, "Deployment is invalid: spec.replicas: must be less than 5")]
#[case(429, "too many requests")]
#[tokio::test]
async fn a_refusal_is_the_servers_words_and_nothing_else(#[case] code: u16, #[case] words: &'static str) {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.world().fail_with(Fault::Status(code, words));
    let (outcome, events) = rig.execute(&planned).await;
    assert_eq!(outcome, Outcome::Refused(words.into()));
    assert_eq!(rig.world().writes().len(), 1);
    assert!(matches!(events.last(), Some(ActionEvent::Ended { undoable: false, .. })), "{events:?}");
    assert_eq!(rig.journal()[2]["state"], "refused");
}

#[tokio::test]
async fn a_dead_server_fails_before_anything_is_sent() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.served.task.abort();
    while tokio::net::TcpStream::connect(rig.served.address.trim_start_matches("http://")).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let (outcome, _) = rig.execute(&planned).await;
    let Outcome::Failed(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.starts_with("nothing was sent"), "{why}");
    assert_eq!(rig.journal_kinds(), ["planned", "not_sent"]);
}

#[tokio::test]
async fn another_cluster_behind_the_same_address_gets_no_write() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.world().change("/api/v1/namespaces/kube-system", |object| object["metadata"]["uid"] = "uid-other".into());
    let (outcome, _) = rig.execute(&planned).await;
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("another cluster")), "{outcome:?}");
    assert!(rig.world().writes().is_empty());
    let planned = rig.plan(scale(7)).await.unwrap();
    assert!(matches!(planned.check(CheckKind::Identity), CheckResult::Block(_)));
}

#[tokio::test]
async fn without_a_journal_nothing_is_sent_and_it_comes_back_by_itself() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    let directory = rig.state.path().join("journal");
    let aside = rig.state.path().join("aside");
    std::fs::rename(&directory, &aside).unwrap();
    std::fs::write(&directory, "in the way").unwrap();
    rig.engine.execute(planned.confirm()).await.unwrap();
    let ActionEvent::Journal { broken: Some(why) } = rig.event().await else { panic!() };
    assert!(why.contains("XDG_STATE_HOME"), "{why}");
    assert!(matches!(rig.event().await, ActionEvent::Ended { outcome: Outcome::Failed(why), .. } if why.contains("nothing was sent")));
    assert!(rig.world().writes().is_empty());
    std::fs::remove_file(&directory).unwrap();
    std::fs::rename(&aside, &directory).unwrap();
    assert_eq!(rig.event().await, ActionEvent::Journal { broken: None });
    assert_eq!(rig.journal_kinds().last().unwrap(), "journal_works");
}

#[rstest]
#[case(scale(6), DEPLOYMENT, "/spec/replicas", json!(5), "replicas 3 → 5 by ci-deployer at 02:05:00Z")]
#[case(rollback(None), DEPLOYMENT, "/spec/template/spec/containers/0/image", json!("api-gateway:2.5.0"), "the pod template changed")]
#[case(breaker("true"), CONFIG_MAP, "/data/circuit_breaker_enabled", json!("maybe"), "\"false\" → <5 characters>")]
#[case(breaker("true"), CONFIG_MAP, "/data/other", json!("y"), "another part of configmap/api-config was written by kubectl-edit")]
#[case(scale(6), DEPLOYMENT, "/metadata/uid", json!("uid-new"), "was deleted and made again")]
#[tokio::test]
async fn a_change_after_planning_is_refused_and_named(
    #[case] kind: RequestKind,
    #[case] path: &str,
    #[case] field: &str,
    #[case] value: serde_json::Value,
    #[case] says: &str,
) {
    let mut rig = Rig::new().await;
    let planned = rig.plan(kind).await.unwrap();
    rig.world().change(path, |object| *object.pointer_mut(field).unwrap() = value);
    let (outcome, _) = rig.execute(&planned).await;
    let Outcome::Refused(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains(says), "{why}");
    assert!(rig.world().writes().is_empty());
}

/// A value that looks like a secret is on no card; any value is nowhere in the journal.
#[tokio::test]
async fn values_of_a_config_map_are_journalled_by_length_and_hash() {
    let mut rig = Rig::new().await;
    let (old, new) = ("old-hunter2-Zq", "postgres://app:s3cr3t@db/identity");
    rig.world().change(CONFIG_MAP, |object| object["data"]["other"] = old.into());
    let kind = RequestKind::of(SetConfigKey::set(Key::new(NS, "api-config"), "other", new));
    let planned = rig.plan(kind).await.unwrap();
    assert!(planned.plan.what[0].contains(old) && planned.plan.what[0].contains("app:(hidden)@db/identity"), "{:?}", planned.plan);
    assert!(!planned.plan.what[0].contains("s3cr3t") && !planned.plan.kubectl.contains("s3cr3t"), "{:?}", planned.plan);
    rig.execute(&planned).await;
    let undo = rig.plan(RequestKind::Undo { of: Finished::Here(MitigationId(1)) }).await.unwrap();
    rig.world().change(CONFIG_MAP, |object| object["data"]["other"] = "a third, s3cr3t too".into());
    assert!(matches!(rig.execute(&undo).await.0, Outcome::Refused(_)));
    let journal = rig.journal();
    let written = serde_json::to_string(&journal).unwrap();
    for value in [old, new, "s3cr3t"] {
        assert!(!written.contains(value), "{value} is in {written}");
    }
    let intent = journal.iter().find(|record| record["kind"] == "intent").unwrap();
    assert_eq!(intent["what"][0], "configmap/api-config  other: <14 characters> → <33 characters> in digital-identity");
    let command =
        r#"kubectl patch configmap api-config --type=merge -p '{"data":{"other":"<33 characters>"}}' -n digital-identity --context prod-uk-1"#;
    assert_eq!(intent["kubectl"], command);
    let hash = crate::journal::sha256(json!(new).to_string().as_bytes());
    assert_eq!(intent["writes"][0]["after"]["fields"][0], json!({"path": "/data/other", "sha256": hash}));

    let breaker = rig.plan(breaker("true")).await.unwrap();
    rig.execute(&breaker).await;
    let journal = rig.journal();
    let intent = journal.iter().rfind(|record| record["kind"] == "intent").unwrap();
    assert_eq!(intent["what"][0], breaker.plan.what[0].as_str());
    assert_eq!(intent["kubectl"], breaker.plan.kubectl.as_str());
}

#[tokio::test]
async fn a_crash_loop_that_moves_the_version_stops_nothing() {
    let mut rig = Rig::new().await;
    for kind in [scale(6), rollback(None)] {
        let planned = rig.plan(kind).await.unwrap();
        rig.world().change(DEPLOYMENT, |object| object["status"]["availableReplicas"] = 0.into());
        assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    }
}

#[tokio::test]
async fn a_change_in_the_last_moment_is_caught_by_the_server() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    // The patch itself, without the look before it.
    let crate::domain::mitigation::Write::Object(write) = &planned.plan.writes[0] else { panic!("another destination") };
    rig.world().change(DEPLOYMENT, |object| object["spec"]["replicas"] = 5.into());
    let options = crate::connect::KubeOptions { kubeconfig: Some(rig.state.path().join("kubeconfig")), ..crate::connect::KubeOptions::default() };
    let target = crate::connect::kubeconfig::load(&options, &crate::connect::scripted::still());
    let writer = crate::connect::Writer::new(&target.unwrap());
    let answer = writer.send(http::Method::PATCH, &write.path, &[], write.content.header(), &write.body, Duration::from_secs(5)).await.unwrap();
    assert_eq!(answer.status, 422);
    assert_eq!(rig.world().get(DEPLOYMENT).unwrap()["spec"]["replicas"], 5);
}

#[tokio::test]
async fn a_screen_that_is_gone_loses_no_record() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.events.close();
    drop(rig.engine.execute(planned.confirm()));
    assert!(rig.engine.settled(Duration::from_secs(10)).await);
    assert_eq!(rig.journal()[2]["state"], "done");
}

#[tokio::test]
async fn a_read_only_session_plans_nothing() {
    let mut rig = Rig::with(world(), true).await;
    assert!(rig.plan(scale(6)).await.err().unwrap().contains("read-only"));
}

#[tokio::test]
async fn a_missing_permission_names_verb_and_resource() {
    let mut rig = Rig::new().await;
    rig.world().0.lock().unwrap().denied.push("patch");
    let planned = rig.plan(scale(6)).await.unwrap();
    let CheckResult::Block(why) = planned.check(CheckKind::Permission) else { panic!("{:?}", planned.checks) };
    assert_eq!(why.as_str(), "oncall@gov lacks the verb patch on deployments/scale in apps, namespace digital-identity");
    assert!(planned.plan.clone().confirm("y", &planned.checks, "x".into()).is_err());
}

/// Plans to scale, and dies right after the intent.
async fn die_before_sending(rig: &mut Rig, replicas: u32) {
    let planned = rig.plan(scale(replicas)).await.unwrap();
    let record = super::record::plan(&KubectlFlags::default(), &planned.plan, &"bad deploy".into());
    let dead = crate::journal::Journal::new(rig.state.path().join("journal"), "uid-cluster".into(), "oncall@gov".into(), rig::clock());
    dead.append("intent", &record).unwrap();
}

fn resolved_states(rig: &Rig) -> Vec<Value> {
    rig.journal().iter().filter(|record| record["kind"] == "resolved").map(|record| record["state"].clone()).collect()
}

#[tokio::test]
async fn what_a_crash_left_open_is_read_journalled_and_said() {
    let mut rig = Rig::new().await;
    // Three runs that died after their intent: done, not done, and overtaken.
    for (replicas, after) in [(6, 6), (7, 6), (8, 9)] {
        die_before_sending(&mut rig, replicas).await;
        rig.world().change(DEPLOYMENT, |object| object["spec"]["replicas"] = after.into());
        rig.recover().await;
        let text = rig.last_notice();
        let says = match (replicas, after) {
            (6, 6) => "done",
            (7, 6) => "failed: it was not done",
            _ => "outcome unknown: the object was changed since by ci-deployer",
        };
        assert!(text.contains("Scale · api-gateway") && text.contains(says), "{text}");
    }
    assert_eq!(resolved_states(&rig), ["done", "unknown", "failed", "unknown"]);
    assert!(rig.world().writes().is_empty());
}

#[tokio::test]
async fn a_request_that_still_arrives_after_a_crash_is_told_as_done() {
    let mut rig = Rig::new().await;
    die_before_sending(&mut rig, 7).await;
    let late = rig.engine.recover().await;
    let ActionEvent::Notice { text, .. } = rig.event().await else { panic!() };
    assert!(text.contains("outcome unknown: 1 not done (deployment/api-gateway); a request may still arrive: known in"), "{text}");
    rig.world().change(DEPLOYMENT, |object| object["spec"]["replicas"] = 7.into());
    rig.engine.recover_late(late).await;
    assert!(rig.last_notice().ends_with("without saying how: done"));
    assert_eq!(resolved_states(&rig), ["unknown", "done"]);
}

#[tokio::test]
async fn what_was_not_done_a_day_after_is_not_waited_for() {
    let mut rig = Rig::new().await;
    die_before_sending(&mut rig, 7).await;
    rig.restart_later(TimeDelta::hours(25));
    assert!(rig.engine.recover().await.is_empty());
    assert_eq!(resolved_states(&rig), ["failed"]);
}
