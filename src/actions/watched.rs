//! What it takes to see the effect of a write, beyond what its plan has read already.

use serde_json::{Value, json};

use crate::domain::{
    mitigation::Converge,
    object::{Kind, Subject},
};

/// Attributes of the access reviews that ask for it.
pub fn questions(converge: &Converge) -> Vec<Value> {
    match converge {
        Converge::Rollout { workload } | Converge::Bounds { workload, .. } => of_rollout(workload),
        Converge::Replaced { pods, controllers } => {
            let mut questions: Vec<_> = pods.iter().map(|pod| question("list", Kind::Pod, &pod.key.namespace)).collect();
            questions.extend(controllers.iter().map(|controller| question("get", controller.kind, &controller.key.namespace)));
            once(questions)
        }
        Converge::Endpoints { service } => {
            let namespace = &service.key.namespace;
            let slices = json!({ "verb": "list", "group": "discovery.k8s.io", "resource": "endpointslices", "namespace": namespace });
            vec![question("list", Kind::Pod, namespace), slices]
        }
        Converge::Immediately | Converge::Held { .. } => Vec::new(),
    }
}

/// Why a rollout does not go on is read from its newest pods, which for a deployment are known by their replica set.
fn of_rollout(workload: &Subject) -> Vec<Value> {
    let namespace = &workload.key.namespace;
    match workload.kind {
        // A scale says how many there are, and of which pods nothing.
        Kind::Scale(_) => Vec::new(),
        Kind::Deployment => vec![question("list", Kind::Pod, namespace), question("list", Kind::ReplicaSet, namespace)],
        _ => vec![question("list", Kind::Pod, namespace)],
    }
}

fn question(verb: &str, kind: Kind, namespace: &str) -> Value {
    json!({ "verb": verb, "group": kind.group(), "resource": kind.resource(), "namespace": namespace })
}

fn once(questions: Vec<Value>) -> Vec<Value> {
    questions.into_iter().fold(Vec::new(), |mut all, question| {
        if !all.contains(&question) {
            all.push(question);
        }
        all
    })
}
