//! An object that changes while a person reads the card: refused with what changed, and nothing is written.

use serde_json::json;

use super::open_undo_card;
use super::platform::{Api, Platform};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/digital-identity/deployments/api-gateway";

#[test]
fn a_template_changed_between_plan_and_confirmation_is_refused() {
    let platform = Platform::start(Api::Relayed, &[]);
    let mut session = platform.cockpit(120, 40);
    open_undo_card(&mut session);
    let changed =
        platform.merge(DEPLOYMENT, &json!({ "spec": { "template": { "metadata": { "annotations": { "example.org/by": "someone else" } } } } }));
    session.press("prod").enter();
    session.see("nothing was sent: ").see("changed since planned");

    let now = platform.get(DEPLOYMENT);
    assert_eq!(now["spec"], changed["spec"], "the deployment is as the other one left it");
    let written = platform.kubernetes.relay.passed();
    let written: Vec<_> =
        written.iter().filter(|(method, path)| method != "GET" && !path.contains("dryRun") && !path.contains("selfsubject")).collect();
    assert!(written.is_empty(), "{written:?}");
    let journal = session.journal();
    assert!(journal.iter().any(|line| line["kind"] == "not_sent" && line["why"].as_str().is_some_and(|why| why.contains("changed"))), "{journal:#?}");
    assert!(journal.iter().all(|line| line["kind"] != "intent" && line["state"] != "done"), "{journal:#?}");
}
