//! The API server asked over HTTP, without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use chrono::DateTime;
use futures::StreamExt;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::access::Tokens;
use super::kinds::Resource;
use super::proxy::Backends;
use super::server::{ApiServer, router};
use crate::sim::store::{Store, Writer};

const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/x/deployments/a";

struct Cluster {
    store: Store,
    router: Router,
    tokens: Tokens,
}

impl Cluster {
    /// Namespace `x` with deployment `a`, ConfigMap `c` and three pods, one of them pending.
    fn new() -> Self {
        let store = Store::new(1, Arc::new(|| DateTime::from_timestamp(1_800_000_000, 0).unwrap()));
        let me = Writer::update("test");
        store.create(Resource::Namespaces, me, json!({"metadata": {"name": "x"}, "status": {"phase": "Active"}})).unwrap();
        let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}});
        let spec = json!({"replicas": 2, "selector": {"matchLabels": {"app": "a"}}, "template": template});
        store.create(Resource::Deployments, me, json!({"metadata": {"name": "a", "namespace": "x"}, "spec": spec})).unwrap();
        store.create(Resource::ConfigMaps, me, json!({"metadata": {"name": "c", "namespace": "x"}, "data": {"k": "v"}})).unwrap();
        for (name, phase) in [("a-1", "Running"), ("a-2", "Running"), ("a-3", "Pending")] {
            let status = json!({"phase": phase, "conditions": [{"type": "Ready", "status": if phase == "Running" { "True" } else { "False" }}]});
            let spec = json!({"nodeName": "node-1", "containers": [{"name": "a", "image": "a:1"}]});
            store
                .create(
                    Resource::Pods,
                    me,
                    json!({"metadata": {"name": name, "namespace": "x", "labels": {"app": "a"}}, "spec": spec, "status": status}),
                )
                .unwrap();
        }
        let tokens = Tokens::from_seed(1);
        let echo = Router::new().fallback(async |request: Request<Body>| format!("{} {}", request.method(), request.uri()));
        let backends = Backends::new([("x", "prometheus", 9090, echo)]);
        for name in ["prometheus", "empty"] {
            let spec = json!({"ports": [{"name": "http", "port": 9090}]});
            store.create(Resource::Services, me, json!({"metadata": {"name": name, "namespace": "x"}, "spec": spec})).unwrap();
        }
        let router = router(ApiServer {
            store: store.clone(),
            tokens: tokens.clone(),
            backends,
            programs: crate::sim::programs::Programs::new(store.clone(), crate::sim::programs::Inside::default()),
            stop: CancellationToken::new(),
        });
        Self { store, router, tokens }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    fn request(&self, method: &str, path: &str, content_type: &str, body: &str) -> Request<Body> {
        let bearer = format!("Bearer {}", self.tokens.on_call);
        let request = Request::builder().method(method).uri(path).header("authorization", bearer).header("content-type", content_type);
        request.body(Body::from(body.to_owned())).unwrap()
    }

    async fn ask(&self, method: &str, path: &str, content_type: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, bytes) = self.send(self.request(method, path, content_type, &body)).await;
        (status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes))))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, "application/json", &Value::Null).await
    }

    async fn patch(&self, path: &str, content_type: &str, body: Value) -> (u16, Value) {
        self.ask("PATCH", path, content_type, &body).await
    }

    /// The first lines of a watch.
    async fn watch(&self, path: &str, lines: usize) -> Vec<Value> {
        let response = self.router.clone().oneshot(self.request("GET", path, "", "")).await.unwrap();
        let mut body = response.into_body().into_data_stream();
        let mut seen = Vec::new();
        while seen.len() < lines {
            let Some(chunk) = body.next().await else { break };
            let text = String::from_utf8(chunk.unwrap().to_vec()).unwrap();
            seen.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
        seen
    }
}

#[tokio::test]
async fn refusals_are_in_the_real_servers_words() {
    let cluster = Cluster::new();
    let cases = [
        ("GET", "/apis/apps/v1/namespaces/x/deployments/zz", MERGE, Value::Null, 404, "deployments.apps \"zz\" not found"),
        (
            "PATCH",
            DEPLOYMENT,
            MERGE,
            json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}),
            409,
            "Operation cannot be fulfilled on deployments.apps \"a\": the object has been modified; please apply your changes to the latest version \
             and try again",
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/x/deployments/a/scale",
            MERGE,
            json!({"spec": {"replicas": -1}}),
            422,
            "Scale.autoscaling \"a\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "PATCH",
            DEPLOYMENT,
            JSON_PATCH,
            json!([{"op": "test", "path": "/spec/replicas", "value": 7}]),
            422,
            "the server rejected our request due to an error in our request",
        ),
        ("PATCH", DEPLOYMENT, "text/plain", json!({}), 415, "415: Unsupported Media Type"),
        (
            "DELETE",
            DEPLOYMENT,
            "application/json",
            json!({"preconditions": {"resourceVersion": "1"}}),
            409,
            "Operation cannot be fulfilled on Deployment.apps \"a\": the ResourceVersion in the precondition (1) does not match the ResourceVersion in \
             record (1002). The object might have been modified",
        ),
        ("POST", "/api/v1/namespaces/x/configmaps", "application/json", json!({"metadata": {"name": "c"}}), 409, "configmaps \"c\" already exists"),
        ("POST", "/api/v1/namespaces/none/configmaps", "application/json", json!({"metadata": {"name": "c"}}), 404, "namespaces \"none\" not found"),
        (
            "PUT",
            "/api/v1/namespaces/x/configmaps/c",
            "application/json",
            json!({"metadata": {"name": "other"}}),
            400,
            "the name of the object (other) does not match the name on the URL (c)",
        ),
        ("GET", "/api/v1/pods?fieldSelector=foo%3Dbar", "", Value::Null, 400, "field label not supported: foo"),
        ("GET", "/apis/apps/v1/nothing", "", Value::Null, 404, "the server could not find the requested resource"),
        ("GET", "/api/v1/namespaces/x/services/zz:9/proxy/", "", Value::Null, 404, "services \"zz\" not found"),
        ("GET", "/api/v1/namespaces/x/services/empty:999/proxy/", "", Value::Null, 503, "no service port 999 found for service \"empty\""),
        ("GET", "/api/v1/namespaces/x/services/empty:http/proxy/", "", Value::Null, 503, "no endpoints available for service \"empty\""),
        ("GET", "/api/v1/namespaces/x/pods/a-1/log?container=no", "", Value::Null, 400, "container no is not valid for pod a-1"),
    ];
    for (method, path, content_type, body, code, message) in cases {
        let (status, answer) = cluster.ask(method, path, content_type, &body).await;
        assert_eq!((status, answer["message"].as_str()), (code, Some(message)), "{method} {path}: {answer}");
        assert_eq!((&answer["kind"], &answer["code"]), (&json!("Status"), &json!(code)));
    }
}

#[tokio::test]
async fn without_a_token_nobody_is_known() {
    let cluster = Cluster::new();
    let (status, body) = cluster.send(Request::builder().uri("/api/v1/pods").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["message"], "Unauthorized");
}

#[tokio::test]
async fn a_dry_run_shows_the_result_and_changes_nothing() {
    let cluster = Cluster::new();
    let before = cluster.store.resource_version();
    let path = format!("{DEPLOYMENT}?dryRun=All&fieldManager=me");
    let (status, answer) = cluster.patch(&path, STRATEGIC, json!({"spec": {"replicas": 7}})).await;
    assert_eq!((status, &answer["spec"]["replicas"], &answer["metadata"]["generation"]), (200, &json!(7), &json!(2)));
    let (status, _) = cluster.ask("DELETE", &path, "application/json", &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(cluster.store.resource_version(), before);
}

#[tokio::test]
async fn a_patch_of_the_wrong_type_is_refused() {
    let cluster = Cluster::new();
    let (status, answer) = cluster.patch("/api/v1/namespaces/x/configmaps/c", MERGE, json!({"data": {"k": true}})).await;
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with(" \"\" is invalid: patch: Invalid value: ") && status == 422, "{status} {message}");
    assert!(message.ends_with(": json: cannot unmarshal bool into Go struct field ConfigMap.data of type string"), "{message}");
}

#[tokio::test]
async fn status_and_object_are_written_apart() {
    let cluster = Cluster::new();
    let both = json!({"spec": {"replicas": 9}, "status": {"replicas": 9}});
    let (_, answer) = cluster.patch(&format!("{DEPLOYMENT}/status"), MERGE, both.clone()).await;
    assert_eq!((&answer["spec"]["replicas"], &answer["status"]["replicas"]), (&json!(2), &json!(9)));
    let (_, answer) = cluster.patch(DEPLOYMENT, MERGE, json!({"spec": {"replicas": 4}, "status": {"replicas": 4}})).await;
    assert_eq!((&answer["spec"]["replicas"], &answer["status"]["replicas"]), (&json!(4), &json!(9)));
    let managers = answer["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|entry| entry["subresource"] == "status"), "{managers:?}");
}

#[tokio::test]
async fn pages_continue_and_an_old_token_is_gone() {
    let cluster = Cluster::new();
    let (_, page) = cluster.get("/api/v1/namespaces/x/pods?limit=2").await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["metadata"]["remainingItemCount"]), (2, &json!(1)));
    assert_eq!(page["kind"], "PodList");
    let token = page["metadata"]["continue"].as_str().unwrap().to_owned();
    let (_, rest) = cluster.get(&format!("/api/v1/namespaces/x/pods?limit=2&continue={token}")).await;
    assert_eq!(rest["items"][0]["metadata"]["name"], "a-3");
    assert_eq!(rest["metadata"]["resourceVersion"], page["metadata"]["resourceVersion"]);
    for round in 0..5000 {
        cluster.store.modify(Resource::Pods, "x", "a-1", Writer::update("test"), |pod| pod["status"]["round"] = json!(round)).unwrap();
    }
    let (status, gone) = cluster.get(&format!("/api/v1/namespaces/x/pods?limit=2&continue={token}")).await;
    assert_eq!((status, &gone["reason"]), (410, &json!("Expired")));
    let fresh = gone["metadata"]["continue"].as_str().unwrap();
    let (status, rest) = cluster.get(&format!("/api/v1/namespaces/x/pods?limit=2&continue={fresh}")).await;
    assert_eq!((status, rest["items"].as_array().unwrap().len()), (200, 1));
}

#[tokio::test]
async fn a_watch_resumes_follows_selectors_and_expires() {
    let cluster = Cluster::new();
    let start = cluster.store.resource_version();
    let me = Writer::update("test");
    cluster.store.modify(Resource::Pods, "x", "a-3", me, |pod| pod["status"]["phase"] = json!("Running")).unwrap();
    cluster.store.modify(Resource::Pods, "x", "a-1", me, |pod| pod["status"]["phase"] = json!("Failed")).unwrap();
    let path = format!("/api/v1/namespaces/x/pods?watch=1&resourceVersion={start}&fieldSelector=status.phase%3DRunning");
    let seen = cluster.watch(&path, 2).await;
    let named: Vec<_> = seen.iter().map(|line| (line["type"].as_str().unwrap(), line["object"]["metadata"]["name"].as_str().unwrap())).collect();
    assert_eq!(named, [("ADDED", "a-3"), ("DELETED", "a-1")]);
    let initial =
        cluster.watch("/api/v1/namespaces/x/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", 4).await;
    assert_eq!(initial[3]["type"], "BOOKMARK");
    assert_eq!(initial[3]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    for round in 0..5000 {
        cluster.store.modify(Resource::Pods, "x", "a-1", me, |pod| pod["status"]["round"] = json!(round)).unwrap();
    }
    let expired = cluster.watch(&path, 1).await;
    assert_eq!((&expired[0]["type"], &expired[0]["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[tokio::test]
async fn a_watch_sees_what_is_written_after_it_began() {
    let cluster = Cluster::new();
    let version = cluster.store.resource_version();
    let store = cluster.store.clone();
    let path = format!("/api/v1/namespaces/x/configmaps?watch=1&resourceVersion={version}");
    let (seen, ()) = tokio::join!(cluster.watch(&path, 1), async move {
        tokio::task::yield_now().await;
        store.modify(Resource::ConfigMaps, "x", "c", Writer::update("test"), |map| map["data"]["k"] = json!("w")).unwrap();
    });
    assert_eq!((&seen[0]["type"], &seen[0]["object"]["data"]["k"]), (&json!("MODIFIED"), &json!("w")));
}

#[tokio::test]
async fn an_eviction_honours_the_budget() {
    let cluster = Cluster::new();
    let budget = json!({"metadata": {"name": "a", "namespace": "x"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "a"}}}});
    cluster.store.create(Resource::PodDisruptionBudgets, Writer::update("test"), budget).unwrap();
    let evict = async |name: &str, options: Value| {
        let path = format!("/api/v1/namespaces/x/pods/{name}/eviction");
        cluster.ask("POST", &path, "application/json", &json!({"metadata": {"name": name}, "deleteOptions": options})).await
    };
    let counted = |allowed: i64| {
        let status = json!({"observedGeneration": 1, "currentHealthy": 2, "desiredHealthy": 2 - allowed, "disruptionsAllowed": allowed});
        cluster.store.modify(Resource::PodDisruptionBudgets, "x", "a", Writer::status("test"), |pdb| pdb["status"] = status).unwrap();
    };
    let (status, answer) = evict("a-1", json!({})).await;
    assert_eq!((status, &answer["details"]["retryAfterSeconds"]), (429, &json!(10)), "not counted yet");
    counted(0);
    let (status, answer) = evict("a-1", json!({})).await;
    assert_eq!((status, answer["message"].as_str()), (429, Some("Cannot evict pod as it would violate the pod's disruption budget.")));
    assert_eq!(answer["details"]["causes"][0]["message"], "The disruption budget a needs 2 healthy pods and has 2 currently");
    counted(1);
    assert_eq!(evict("a-1", json!({"dryRun": ["All"]})).await.0, 201);
    assert_eq!(cluster.store.get(Resource::PodDisruptionBudgets, "x", "a").unwrap()["status"]["disruptionsAllowed"], 1);
    assert_eq!(evict("a-1", json!({})).await.0, 201);
    let evicted = cluster.store.get(Resource::Pods, "x", "a-1").unwrap();
    assert!(evicted["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(evicted["status"]["conditions"][1]["type"], "DisruptionTarget");
    assert_eq!(evict("a-2", json!({})).await.0, 429, "the one disruption is used up");
    assert_eq!(evict("a-3", json!({})).await.0, 201, "a pending pod serves nobody");
    let second = json!({"metadata": {"name": "b", "namespace": "x"}, "spec": {"selector": {"matchLabels": {"app": "a"}}}});
    cluster.store.create(Resource::PodDisruptionBudgets, Writer::update("test"), second).unwrap();
    let (status, answer) = evict("a-2", json!({})).await;
    assert_eq!((status, answer["message"].as_str().unwrap().starts_with("This pod has more than one PodDisruptionBudget")), (500, true));
}

#[tokio::test]
async fn an_eviction_of_a_namesake_is_refused() {
    let cluster = Cluster::new();
    let body = |uid: &str| json!({"metadata": {"name": "a-1"}, "deleteOptions": {"preconditions": {"uid": uid}}});
    let path = "/api/v1/namespaces/x/pods/a-1/eviction";
    assert_eq!(cluster.ask("POST", path, "application/json", &body("another")).await.0, 409);
    assert!(cluster.store.get(Resource::Pods, "x", "a-1").unwrap()["metadata"].get("deletionTimestamp").is_none());
    let uid = cluster.store.get(Resource::Pods, "x", "a-1").unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    assert_eq!(cluster.ask("POST", path, "application/json", &body(&uid)).await.0, 201);
}

#[tokio::test]
async fn the_proxy_keeps_method_path_and_query() {
    let cluster = Cluster::new();
    let (status, answer) = cluster.get("/api/v1/namespaces/x/services/http:prometheus:http/proxy/api/v1/query?query=up%7Bjob%3D%22a%22%7D").await;
    assert_eq!((status, answer), (200, json!("GET /api/v1/query?query=up%7Bjob%3D%22a%22%7D")));
}

#[tokio::test]
async fn a_table_has_rows_and_a_partial_list_metadata() {
    let cluster = Cluster::new();
    let mut request = cluster.request("GET", "/api/v1/namespaces/x/pods", "", "");
    request.headers_mut().insert("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json".parse().unwrap());
    let (_, body) = cluster.send(request).await;
    let table: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&table["kind"], &table["rows"][2]["cells"][2]), (&json!("Table"), &json!("Pending")));
    let mut request = cluster.request("GET", "/api/v1/namespaces/x/pods", "", "");
    request.headers_mut().insert("accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io".parse().unwrap());
    let (_, body) = cluster.send(request).await;
    let list: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&list["kind"], &list["items"][0]["metadata"]["name"]), (&json!("PartialObjectMetadataList"), &json!("a-1")));
    assert!(list["items"][0].get("spec").is_none());
}

#[tokio::test]
async fn a_patch_that_replaces_the_containers_gets_their_defaults_again() {
    let cluster = Cluster::new();
    let containers = json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "a:2"}]}}}});
    let (status, patched) = cluster.patch(DEPLOYMENT, MERGE, containers).await;
    assert_eq!(status, 200, "{patched}");
    assert_eq!(patched.pointer("/spec/template/spec/containers/0/imagePullPolicy"), Some(&json!("IfNotPresent")));
    assert_eq!(patched.pointer("/spec/template/spec/containers/0/terminationMessagePolicy"), Some(&json!("File")));
}

#[tokio::test]
async fn a_production_namespace_has_a_ceiling_of_replicas() {
    let cluster = Cluster::new();
    let many = || json!({"spec": {"replicas": 21}});
    assert_eq!(cluster.patch(DEPLOYMENT, MERGE, many()).await.0, 200);
    let label = json!({"metadata": {"labels": {"environment": "production"}}});
    assert_eq!(cluster.patch("/api/v1/namespaces/x", MERGE, label).await.0, 200);
    for path in [DEPLOYMENT.to_owned(), format!("{DEPLOYMENT}/scale"), format!("{DEPLOYMENT}/scale?dryRun=All")] {
        let (status, refusal) = cluster.patch(&path, MERGE, json!({"spec": {"replicas": 22}})).await;
        assert_eq!((status, &refusal["reason"]), (422, &json!("Invalid")), "{path}");
        let message = refusal["message"].as_str().unwrap();
        assert!(message.ends_with("denied request: more than 20 replicas need a capacity review"), "{message}");
    }
    assert_eq!(cluster.patch(DEPLOYMENT, MERGE, json!({"spec": {"replicas": 20}})).await.0, 200);
}
