//! Taking back what another process did, by what it kept beside the journal.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::rig::{CONFIG_MAP, DEPLOYMENT, NS, Rig, asked, breaker, rollback, scale};
use crate::domain::{
    ask::{Finished, RequestKind},
    mitigation::{CheckKind, CheckResult, Outcome},
};

fn undo(recorded: u64) -> RequestKind {
    RequestKind::Undo { of: Finished::Recorded(recorded) }
}

#[tokio::test]
async fn a_later_process_takes_back_what_an_earlier_one_did() {
    let mut rig = Rig::new().await;
    for kind in [rollback(None), breaker("true"), scale(6)] {
        let planned = rig.plan(kind).await.unwrap();
        assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    }
    rig.restart();
    let all = rig.engine.undoable().await;
    let undone: Vec<_> = all.iter().map(|one| one.undo.as_str()).collect();
    assert_eq!(
        undone,
        ["scale deployment/api-gateway 3", "set-config-key configmap/api-config circuit_breaker_enabled", "undo-rollout deployment/api-gateway 42"]
    );
    for one in &all {
        let planned = rig.plan(undo(one.id)).await.unwrap_or_else(|why| panic!("{}: {why}", one.title));
        assert_eq!(planned.plan.undoes.map(|undoes| (undoes.recorded, undoes.here)), Some((one.id, None)));
        assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    }
    let deployment = rig.world().get(DEPLOYMENT).unwrap();
    assert_eq!(
        (&deployment["spec"]["replicas"], &deployment["spec"]["template"]["spec"]["containers"][0]["image"]),
        (&3.into(), &"api-gateway:2.4.0".into())
    );
    assert_eq!(rig.world().get(CONFIG_MAP).unwrap()["data"]["circuit_breaker_enabled"], "false");
    // Each is taken back once; the undo of it can be taken back in its turn.
    let left = rig.engine.undoable().await;
    assert!(left.iter().all(|one| all.iter().all(|old| old.id != one.id)), "{left:?}");
    assert!(rig.plan(undo(all[0].id)).await.err().unwrap().contains("nothing is kept"));
}

#[tokio::test]
async fn what_is_kept_is_private_and_holds_no_pod_template() {
    let mut rig = Rig::new().await;
    rig.world().change(DEPLOYMENT, |object| object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "hunter2".into());
    for words in ["undo-rollout deployment/api-gateway 41", "restart deployment/api-gateway"] {
        // As its controller keeps it.
        let template = rig.world().get(DEPLOYMENT).unwrap()["spec"]["template"].clone();
        rig.world().change(&format!("/apis/apps/v1/namespaces/{NS}/replicasets/api-gateway-42"), |set| set["spec"]["template"] = template);
        let planned = rig.plan(asked(words)).await.unwrap();
        assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    }
    let directory = rig.state.path().join("journal");
    let mut files = vec![directory.join(crate::journal::FILE_NAME)];
    files.extend(std::fs::read_dir(directory.join("undo")).unwrap().map(|entry| entry.unwrap().path()));
    assert!(files.len() > 2, "{files:?}");
    for file in files {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
        assert!(!std::fs::read_to_string(&file).unwrap().contains("containers"), "{}", file.display());
    }
}

#[tokio::test]
async fn an_undo_is_refused_when_the_object_moved_on_or_was_replaced() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.execute(&planned).await;
    rig.restart();
    let id = rig.engine.undoable().await[0].id;
    rig.world().change(DEPLOYMENT, |object| object["spec"]["replicas"] = 9.into());
    assert!(rig.plan(undo(id)).await.err().unwrap().contains("moved on since: replicas changed by ci-deployer"));
    rig.world().change(DEPLOYMENT, |object| object["spec"]["replicas"] = 3.into());
    assert!(rig.plan(undo(id)).await.err().unwrap().contains("already is as it was before"));
    rig.world().change(DEPLOYMENT, |object| object["metadata"]["uid"] = "uid-new".into());
    assert!(rig.plan(undo(id)).await.err().unwrap().contains("deleted and made again"));
}

#[tokio::test]
async fn a_refused_write_leaves_nothing_to_take_back() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.world().fail_with(super::fake::Fault::Status(403, "no"));
    rig.execute(&planned).await;
    assert!(rig.engine.undoable().await.is_empty());
    assert_eq!(std::fs::read_dir(rig.state.path().join("journal/undo")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_write_that_a_crash_cut_off_is_offered_once_it_is_known_to_be_done() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.execute(&planned).await;
    let file = std::fs::read_dir(rig.state.path().join("journal/undo")).unwrap().next().unwrap().unwrap().path();
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    kept["done"] = false.into();
    let id: u64 = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let crashed = crate::journal::Journal::new(rig.state.path().join("journal"), "uid-cluster".into(), "oncall@gov".into(), super::rig::clock());
    crashed.keep(crate::journal::Seq(id), &kept).unwrap();
    assert!(rig.engine.undoable().await.is_empty());
    assert!(rig.plan(undo(id)).await.err().unwrap().contains("outcome of mitigation"));
}

#[tokio::test]
async fn where_two_people_are_asked_for_one_is_refused_with_the_reason() {
    let mut rig = Rig::new().await;
    rig.mitigations.two_person.insert("prod-uk-1".to_owned(), crate::domain::catalogue::Level::Disruptive);
    rig.restart();
    let up = rig.plan(scale(6)).await.unwrap();
    assert!(up.checks.iter().all(|check| check.what != CheckKind::SecondPerson));
    let down = rig.plan(scale(1)).await.unwrap();
    let CheckResult::Block(why) = down.check(CheckKind::SecondPerson) else { panic!("{:?}", down.checks) };
    assert!(why.contains("a disruptive mitigation takes a second person") && why.contains("does not exist yet"), "{why}");
    assert!(down.plan.clone().confirm("prod", &down.checks, "x".into()).is_err());
    assert!(down.plan.clone().confirm_on("prod-uk-1", &down.checks, "x".into()).is_err());
}

#[tokio::test]
async fn a_kind_that_is_switched_off_is_not_planned() {
    let mut rig = Rig::new().await;
    rig.mitigations.disabled.push("scale".to_owned());
    rig.restart();
    assert!(rig.plan(scale(6)).await.err().unwrap().contains("switched off by mitigations.disabled"));
}

#[tokio::test]
async fn without_a_screen_the_context_is_the_word_and_no_other() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(1)).await.unwrap();
    let on = |context: &str| planned.plan.clone().confirm_on(context, &planned.checks, "x".into());
    assert!(on("prod-uk-1").is_ok());
    assert!(on("prod").is_err() && on("y").is_err() && on("").is_err());
}

#[tokio::test]
async fn an_undo_that_was_forged_is_refused_and_the_target_is_the_one_that_was_written() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(scale(6)).await.unwrap();
    rig.execute(&planned).await;
    let id = rig.engine.undoable().await[0].id;
    let file = rig.state.path().join(format!("journal/undo/{id}.json"));
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole.replace("\"3\"", "\"1\"")).unwrap();
    assert_ne!(std::fs::read_to_string(&file).unwrap(), whole);
    assert!(rig.engine.undoable().await.is_empty());
    let why = rig.plan(undo(id)).await.err().unwrap();
    assert!(why.contains(&format!("undo/{id}.json does not match the journal")) && why.contains("by hand"), "{why}");
    rig.restart();
    rig.recover().await;
    assert_eq!(rig.last_notice(), why, "it is said at the start");
    // Vouched for, as by a version that made a mistake: it goes to what was written, or nowhere.
    let mut kept: Value = serde_json::from_str(&whole).unwrap();
    let mut other = rig.world().get(DEPLOYMENT).unwrap();
    other["metadata"]["name"] = "other".into();
    rig.world().0.lock().unwrap().objects.insert(DEPLOYMENT.replace("api-gateway", "other"), other);
    let words = whole.replace("deployment/api-gateway\"", "deployment/other\"");
    assert_ne!(words, whole);
    kept["words"] = serde_json::from_str::<Value>(&words).unwrap()["words"].clone();
    let journal = crate::journal::Journal::new(rig.state.path().join("journal"), "uid-cluster".into(), "oncall@gov".into(), super::rig::clock());
    journal.keep(crate::journal::Seq(id), &kept).unwrap();
    let why = rig.plan(undo(id)).await.err().unwrap();
    assert!(why.contains("would change deployment/other, which that mitigation did not"), "{why}");
}
