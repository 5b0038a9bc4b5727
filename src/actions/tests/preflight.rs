//! What a card says before a write: who will undo it, whether there is room, and what is found by its label or by discovery.

use rstest::rstest;
use serde_json::{Value, json};

use super::rig::{DEPLOYMENT, NS, Rig, asked, scale};
use crate::domain::mitigation::{CheckKind, Outcome};

const APPLICATION: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop";
const KUSTOMIZATION: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/shop";
const RELEASE: &str = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases/shop";

/// What a card to scale up says, with this spec at this path.
async fn of_scaling(rig: &mut Rig, path: &str, spec: Option<Value>) -> String {
    if let Some(spec) = spec {
        rig.world().put(path, json!({"metadata": {"name": "shop"}, "spec": spec}));
    }
    rig.plan(scale(6)).await.unwrap().says(CheckKind::Overwritten)
}

#[rstest]
#[case(None, "! Argo CD application shop may put its own version back: how it syncs is not known, it is not in argocd here")]
#[case(Some(json!({})), "! Argo CD application shop puts its own version back at its next sync, which somebody has to start")]
#[case(Some(json!({"syncPolicy": {"automated": {"enabled": false, "selfHeal": true}}})), "! Argo CD application shop puts its own version back at its next sync")]
#[case(Some(json!({"syncPolicy": {"automated": {}}})), "! Argo CD application shop puts its own version back when Git changes")]
#[case(Some(json!({"syncPolicy": {"automated": {"selfHeal": true}}})), "! Argo CD application shop heals itself: it puts its own version back within seconds")]
#[case(
    Some(json!({
        "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}],
        "syncPolicy": {"automated": {"selfHeal": true}},
    })),
    "! Argo CD application shop ignores a difference of this field, but its next sync"
)]
#[case(
    Some(json!({
        "ignoreDifferences": [{"group": "*", "kind": "*", "jsonPointers": ["/spec/replicas"]}],
        "syncPolicy": {"automated": {"selfHeal": true}, "syncOptions": ["RespectIgnoreDifferences=true"]},
    })),
    "✓ Argo CD application shop ignores this field"
)]
#[tokio::test]
async fn what_argo_cd_does_to_it_follows_from_the_sync_policy(#[case] spec: Option<Value>, #[case] expected: &str) {
    let mut rig = Rig::new().await;
    rig.world().change(DEPLOYMENT, |object| {
        object["apiVersion"] = "apps/v1".into();
        object["kind"] = "Deployment".into();
        object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:apps/Deployment:x/api-gateway".into();
    });
    let said = of_scaling(&mut rig, APPLICATION, spec).await;
    assert!(said.starts_with(expected), "{said}");
}

#[rstest]
#[case("kustomize", KUSTOMIZATION, None, "! Flux Kustomization shop may put its own version back: how often is not known")]
#[case(
    "kustomize",
    KUSTOMIZATION,
    Some(json!({"interval": "10m"})),
    "! Flux Kustomization shop puts its own version back within 10m; flux suspend kustomization shop -n flux-system holds it"
)]
#[case("kustomize", KUSTOMIZATION, Some(json!({"interval": "10m", "suspend": true})), "! Flux Kustomization shop is suspended")]
#[case("helm", RELEASE, Some(json!({"interval": "5m"})), "! Flux HelmRelease shop puts its own version back at its next upgrade")]
#[case("helm", RELEASE, Some(json!({"interval": "5m", "driftDetection": {"mode": "enabled"}})), "! Flux HelmRelease shop puts its own version back within 5m")]
#[case(
    "helm",
    RELEASE,
    Some(json!({"driftDetection": {"mode": "enabled", "ignore": [{"paths": ["/spec/replicas"]}]}})),
    "✓ Flux HelmRelease shop ignores this field"
)]
#[tokio::test]
async fn what_flux_does_to_it_follows_from_its_own_object(
    #[case] tool: &str,
    #[case] path: &str,
    #[case] spec: Option<Value>,
    #[case] expected: &str,
) {
    let mut rig = Rig::new().await;
    rig.world().change(DEPLOYMENT, |object| {
        for (label, value) in [("name", "shop"), ("namespace", "flux-system")] {
            object["metadata"]["labels"][format!("{tool}.toolkit.fluxcd.io/{label}")] = value.into();
        }
    });
    let said = of_scaling(&mut rig, path, spec).await;
    assert!(said.starts_with(expected), "{said}");
}

#[tokio::test]
async fn a_field_that_flux_does_not_set_is_left_alone() {
    let mut rig = Rig::new().await;
    rig.world().change(DEPLOYMENT, |object| {
        object["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "shop".into();
        object["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/namespace"] = "flux-system".into();
        object["metadata"]["managedFields"] = json!([
            {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {}}}}},
        ]);
    });
    assert_eq!(of_scaling(&mut rig, "", None).await, "✓ Flux Kustomization shop does not set this field");
    rig.world().change(DEPLOYMENT, |object| object["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/reconcile"] = "disabled".into());
    assert_eq!(of_scaling(&mut rig, "", None).await, "✓ Flux Kustomization shop is told to leave it alone (reconcile: disabled)");
}

#[tokio::test]
async fn a_hostile_mark_leads_to_no_request() {
    let mut rig = Rig::new().await;
    rig.world().change(DEPLOYMENT, |object| object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "../../secrets:x".into());
    let said = of_scaling(&mut rig, "", None).await;
    assert!(said.ends_with("its name on the object is no name"), "{said}");
}

#[tokio::test]
async fn a_replica_set_of_a_deployment_says_whom_to_scale() {
    let mut rig = Rig::new().await;
    let planned = rig.plan(asked("scale replicaset/api-gateway-42 5")).await.unwrap();
    assert!(planned.says(CheckKind::Overwritten).contains("deployment/api-gateway owns it and puts its own version back"));
}

#[tokio::test]
async fn what_does_not_fit_is_counted_before() {
    let mut rig = Rig::new().await;
    rig.world().change(DEPLOYMENT, |object| {
        object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "500m", "memory": "1Gi"}});
    });
    rig.world().put(
        "/api/v1/pods/busy",
        json!({"metadata": {"name": "busy"}, "spec": {"nodeName": "node-1", "containers": [{"resources": {"requests": {"cpu": "3"}}}]}}),
    );
    let planned = rig.plan(scale(6)).await.unwrap();
    assert_eq!(planned.says(CheckKind::Room), "! 1 of 3 would not fit: 1 of 1 node takes such pods");
    rig.world().put(
        &format!("/api/v1/namespaces/{NS}/limitranges/small"),
        json!({"metadata": {"name": "small"}, "spec": {"limits": [{"type": "Container", "min": {"memory": "2Gi"}}]}}),
    );
    rig.world().put(
        &format!("/api/v1/namespaces/{NS}/resourcequotas/q"),
        json!({"metadata": {"name": "q"}, "status": {"hard": {"requests.cpu": "4"}, "used": {"requests.cpu": "3500m"}}}),
    );
    let planned = rig.plan(scale(6)).await.unwrap();
    let said = planned.says(CheckKind::Room);
    assert!(said.contains("a limit range wants a container to ask for 2Gi memory, api-gateway asks for 1Gi: new pods are refused"), "{said}");
    assert!(said.contains("quota q allows 4 requests.cpu, 3500m are used: 2 of 3 more do not fit"), "{said}");
}

#[tokio::test]
async fn dns_is_found_by_its_label_and_never_guessed() {
    let mut rig = Rig::new().await;
    assert!(rig.plan(asked("restart-dns")).await.err().unwrap().contains("no deployment in kube-system has the label k8s-app=kube-dns"));
    let dns = |name: &str| {
        json!({
            "metadata": {"name": name, "namespace": "kube-system", "uid": format!("uid-{name}"), "labels": {"k8s-app": "kube-dns"}},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}, "template": {"metadata": {}, "spec": {"containers": []}}},
            "status": {"availableReplicas": 2},
        })
    };
    rig.world().put("/apis/apps/v1/namespaces/kube-system/deployments/rke2-coredns", dns("rke2-coredns"));
    let planned = rig.plan(asked("restart-dns")).await.unwrap();
    assert!(planned.plan.what[0].starts_with("deployment/rke2-coredns  in kube-system: every pod is replaced"), "{:?}", planned.plan.what);
    assert_eq!(planned.plan.inverse, None);
    assert_eq!(rig.execute(&planned).await.0, Outcome::Done);
    assert_eq!(rig.world().writes()[0].1, "/apis/apps/v1/namespaces/kube-system/deployments/rke2-coredns");
    rig.world().put("/apis/apps/v1/namespaces/kube-system/deployments/coredns", dns("coredns"));
    let why = rig.plan(asked("restart-dns")).await.err().unwrap();
    assert!(why.contains("several deployments") && why.contains("coredns, rke2-coredns"), "{why}");
}

#[tokio::test]
async fn anything_with_a_scale_is_found_by_discovery_and_scaled_through_it_alone() {
    let mut rig = Rig::new().await;
    let why = rig.plan(asked("scale workers.example.org/pool 4")).await.err().unwrap();
    assert!(why.contains("this cluster serves no API group example.org"), "{why}");
    let group = json!({"versions": [{"version": "v1beta1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}});
    rig.world().put("/apis/example.org", group);
    let resource = |name: &str| json!({"name": name, "singularName": "", "namespaced": true, "kind": "Worker"});
    rig.world().put("/apis/example.org/v1", json!({"resources": [resource("workers")]}));
    rig.world().put("/apis/example.org/v1beta1", json!({"resources": [resource("others")]}));
    let why = rig.plan(asked("scale workers.example.org/pool 4")).await.err().unwrap();
    assert!(why.contains("workers.example.org has no scale subresource"), "{why}");
    let why = rig.plan(asked("scale nothing.example.org/pool 4")).await.err().unwrap();
    assert!(why.contains("this cluster serves no nothing in the API group example.org"), "{why}");
    rig.world().put("/apis/example.org/v1", json!({"resources": [resource("workers"), resource("workers/scale")]}));
    let path = format!("/apis/example.org/v1/namespaces/{NS}/workers/pool");
    rig.world().put(&path, json!({"metadata": {"name": "pool", "uid": "uid-pool", "namespace": NS}, "spec": {"replicas": 2}}));
    let planned = rig.plan(asked("scale workers.example.org/pool 4")).await.unwrap();
    assert_eq!(planned.plan.what[0].as_str(), format!("workers.example.org/pool  replicas 2 → 4 in {NS}"));
    assert!(planned.plan.kubectl.starts_with("kubectl scale workers.example.org/pool --replicas=4 --current-replicas=2"));
    let (outcome, events) = rig.execute(&planned).await;
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(rig.world().writes()[0].1, format!("{path}/scale"));
    assert!(matches!(events.last(), Some(crate::domain::mitigation::ActionEvent::Converged { .. })), "{events:?}");
    let undoable = rig.engine.undoable().await;
    assert_eq!(undoable[0].undo.as_str(), "scale workers.example.org/pool 2");
    rig.restart();
    let undo = crate::domain::ask::RequestKind::Undo { of: crate::domain::ask::Finished::Recorded(undoable[0].id) };
    let undo = rig.plan(undo).await.unwrap();
    assert_eq!(rig.execute(&undo).await.0, Outcome::Done);
    assert_eq!(rig.world().get(&path).unwrap()["spec"]["replicas"], 2);
}
