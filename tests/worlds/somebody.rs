//! What somebody else does to the cluster, and to Alertmanager, past sev1.

use serde_json::{Value, json};

use super::{
    given::{is_ready, node_name},
    objects::{self, path},
    play::Play,
    script::{Place, Step},
};

/// The label by which changes are frozen, and by which the policies of both worlds are bound.
const FREEZE: &str = "change-freeze";
const DNS: &str = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";

pub fn act(play: &mut Play, step: &Step) {
    let merge = |play: &Play, object: &str, change: Value| play.world.merge(&path(&play.namespace, object), &change);
    match step {
        Step::ScaledBySomebody { name, replicas } => {
            // As `kubectl scale` does it.
            let scale = format!("{}/scale?fieldManager=kubectl", path(&play.namespace, &format!("deployment/{name}")));
            play.world.merge(&scale, &json!({ "spec": { "replicas": replicas } }));
        }
        Step::TemplateChangedBySomebody { name } => {
            merge(play, &format!("deployment/{name}"), annotated_template("somebody-else"));
        }
        Step::PausedBySomebody { name, is } => {
            merge(play, &format!("deployment/{name}"), json!({ "spec": { "paused": is } }));
        }
        Step::SwitchedBySomebody { name, selector } => {
            merge(play, &format!("service/{name}"), json!({ "spec": { "selector": objects::labels(selector) } }));
        }
        Step::BoundsSetBySomebody { name, min, max } => {
            let autoscaler = format!("{}?fieldManager=somebody", path(&play.namespace, &format!("hpa/{name}-hpa")));
            play.world.merge(&autoscaler, &json!({ "spec": { "minReplicas": min, "maxReplicas": max } }));
        }
        Step::DnsRestartedBySomebody => {
            // Other scenarios' changes of it stay.
            play.world.merge(DNS, &annotated_template(&play.namespace));
        }
        Step::StatusMoves(object) => move_status(play, &object.as_ref().map_or_else(|| DNS.to_owned(), |object| path(&play.namespace, object))),
        Step::PodDeletedBySomebody { name } => {
            play.world.api("DELETE", &path(&play.namespace, &format!("pod/{name}")), "", &Value::Null);
        }
        Step::CordonedBySomebody { node, is } => {
            merge(play, &format!("node/{node}"), json!({ "spec": { "unschedulable": is } }));
        }
        Step::NodeMadeAnew { name } => make_anew(play, name),
        Step::SilencedBySomebody { alert } => silence(play, alert),
        Step::SilenceProlonged { alert } => {
            let mut silence = silence_of(play, alert);
            silence["endsAt"] = json!("2100-01-01T00:00:00.000Z");
            play.world.ask_alertmanager("POST", "/api/v2/silences", &silence);
        }
        Step::Frozen(place) => {
            let label = json!({ "metadata": { "labels": { FREEZE: "on" } } });
            let path = match place {
                Place::OwnNamespace => format!("/api/v1/namespaces/{}", play.namespace),
                Place::Namespace(name) => format!("/api/v1/namespaces/{name}"),
                Place::Node(name) => format!("/api/v1/nodes/{name}"),
            };
            play.world.merge(&path, &label);
            if let Place::Namespace(_) = place {
                play.touched.frozen.push(path);
            }
        }
        other => panic!("{other:?} is nothing that somebody does"),
    }
}

/// Changes are possible again.
pub fn thaw(play: &Play) {
    for path in &play.touched.frozen {
        play.world.merge(path, &json!({ "metadata": { "labels": { FREEZE: null } } }));
    }
}

/// The one silence of an alert that has not ended.
pub fn silence_of(play: &Play, alert: &str) -> Value {
    let silences = play.world.ask_alertmanager("GET", &format!("/api/v2/silences?filter=alertname%3D{alert}"), &Value::Null);
    let mut open: Vec<_> = silences.as_array().into_iter().flatten().filter(|silence| silence["status"]["state"] != "expired").cloned().collect();
    assert_eq!(open.len(), 1, "silences of {alert}: {open:?}");
    open.remove(0)
}

fn annotated_template(by: &str) -> Value {
    json!({ "spec": { "template": { "metadata": { "annotations": { "changed-by": by } } } } })
}

/// As a controller does it, several times a minute in a crash loop.
fn move_status(play: &Play, path: &str) {
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    let before = version(&play.world.get(path));
    let noticed = json!({ "status": { "conditions": [{ "type": "Noticed", "status": "True", "reason": play.namespace }] } });
    let after = play.world.api("PATCH", &format!("{path}/status"), "application/strategic-merge-patch+json", &noticed);
    assert_ne!(before, version(&after), "{path} has another resourceVersion: {after}");
}

/// For a day of the simulation, whose clock is another one.
fn silence(play: &Play, alert: &str) {
    let silence = json!({
        "matchers": [{ "name": "alertname", "value": alert, "isRegex": false, "isEqual": true }],
        "startsAt": "2020-01-01T00:00:00.000Z", "endsAt": "2099-01-01T00:00:00.000Z", "createdBy": "somebody", "comment": "a scenario's own",
    });
    play.world.ask_alertmanager("POST", "/api/v2/silences", &silence);
    play.until(&format!("{alert} silenced"), |play| {
        let alerts = play.world.ask_alertmanager("GET", &format!("/api/v2/alerts?filter=alertname%3D{alert}"), &Value::Null);
        alerts.as_array().is_some_and(|alerts| alerts.iter().any(|alert| alert["status"]["state"] == "suppressed"))
    });
}

fn make_anew(play: &Play, name: &str) {
    let full = node_name(&play.namespace, name);
    let path = format!("/api/v1/nodes/{full}");
    let uid = play.world.get(&path)["metadata"]["uid"].clone();
    play.world.api("DELETE", &path, "", &Value::Null);
    play.world.post("/api/v1/nodes", &objects::node(&play.namespace, &full));
    play.until(&format!("another {full}, ready"), |play| {
        let node = play.world.get(&path);
        node["metadata"]["uid"] != uid && is_ready(&node)
    });
}
