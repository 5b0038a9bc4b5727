//! A tiny API server: objects by path, JSON and merge patches, preconditions, dry-run, and faults on real writes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

/// What goes wrong with the next real write.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Done, and the connection is cut before the answer.
    CutAfter,
    /// Not done, and the connection is cut.
    CutBefore,
    /// Done, and no answer ever comes.
    SilentAfter,
    Status(u16, &'static str),
    /// Not done, and answered with 200 and this body.
    SaysDone(&'static str),
    /// Not done, and answered with 200 and the object as it is.
    ShowsOld,
}

#[derive(Default)]
pub struct World {
    pub objects: BTreeMap<String, Value>,
    pub version: u64,
    pub fault: Option<Fault>,
    /// Method, path and body of every write that was no dry-run.
    pub writes: Vec<(String, String, Value)>,
    pub dry_runs: Vec<(String, String, Value)>,
    pub denied: Vec<&'static str>,
    /// Reads of these paths are answered with this status and these words.
    pub unreadable: BTreeMap<String, (u16, &'static str)>,
    /// Where every real write must have its intent before it comes.
    pub journal: Option<PathBuf>,
    /// Writes that had none.
    pub unannounced: Vec<String>,
    /// New pods of a replica set are ready at once.
    pub replaces: bool,
}

#[derive(Clone, Default)]
pub struct Fake(pub Arc<Mutex<World>>);

pub struct Served {
    pub world: Fake,
    pub address: String,
    pub task: tokio::task::JoinHandle<()>,
}

impl Fake {
    pub async fn serve(self) -> Served {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(self.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Served { world: self, address, task }
    }

    pub fn put(&self, path: &str, mut object: Value) {
        let mut world = self.0.lock().unwrap();
        world.version += 1;
        if let Some((namespace, rest)) = path.split_once("/namespaces/").and_then(|(_, rest)| rest.split_once('/'))
            && object["metadata"].get("namespace").is_none()
            && rest.contains('/')
        {
            object["metadata"]["namespace"] = namespace.into();
        }
        object["metadata"]["resourceVersion"] = world.version.to_string().into();
        world.objects.insert(path.to_owned(), object);
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(path).cloned()
    }

    pub fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path).unwrap();
        change(&mut object);
        self.put(path, object);
    }

    pub fn fail_with(&self, fault: Fault) {
        self.0.lock().unwrap().fault = Some(fault);
    }

    pub fn writes(&self) -> Vec<(String, String, Value)> {
        self.0.lock().unwrap().writes.clone()
    }
}

async fn answer(State(fake): State<Fake>, method: Method, uri: Uri, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let query = query.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match method {
        Method::GET => read(&fake, &path, &query),
        Method::POST if path.ends_with("selfsubjectreviews") => reply(201, &json!({"status": {"userInfo": {"username": "oncall@gov"}}})),
        Method::POST if path.ends_with("selfsubjectaccessreviews") => {
            let verb = body.pointer("/spec/resourceAttributes/verb").and_then(Value::as_str).unwrap_or_default().to_owned();
            let allowed = !fake.0.lock().unwrap().denied.contains(&verb.as_str());
            reply(201, &json!({"status": {"allowed": allowed}}))
        }
        _ => {
            // As the real one: the body of a DELETE hides its query.
            let dry = if method == Method::DELETE && body.is_object() { body.get("dryRun").is_some() } else { query.contains("dryRun=All") };
            let fault = {
                let mut world = fake.0.lock().unwrap();
                let seen = (method.to_string(), path.clone(), body.clone());
                if dry {
                    world.dry_runs.push(seen);
                } else {
                    if world.journal.as_deref().is_some_and(|journal| !is_announced(journal, &path)) {
                        world.unannounced.push(format!("{method} {path}"));
                    }
                    world.writes.push(seen);
                }
                if dry { None } else { world.fault.take() }
            };
            let cut = || -> Response { std::panic::resume_unwind(Box::new("cut")) };
            match fault {
                Some(Fault::CutBefore) => return cut(),
                Some(Fault::Status(code, message)) => return status(code, message),
                Some(Fault::SaysDone(body)) => {
                    return (StatusCode::OK, [("content-type", "application/json")], body).into_response();
                }
                Some(Fault::ShowsOld) => return read(&fake, path.trim_end_matches("/eviction"), ""),
                _ => {}
            }
            let response = write(&fake, &method, &path, &body, dry);
            match fault {
                Some(Fault::CutAfter) => cut(),
                Some(Fault::SilentAfter) => std::future::pending().await,
                _ => response,
            }
        }
    }
}

/// Whether the last intent of the journal names a write of this path and nothing is said of its end.
fn is_announced(journal: &Path, path: &str) -> bool {
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    let records: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let Some(intent) = records.iter().rposition(|record| record["kind"] == "intent") else { return false };
    let names = records[intent]["writes"].as_array().is_some_and(|writes| writes.iter().any(|write| write["path"] == path));
    names && !records[intent..].iter().any(|record| record["kind"] == "outcome")
}

fn reply(code: u16, json: &Value) -> Response {
    (StatusCode::from_u16(code).unwrap(), [("content-type", "application/json")], json.to_string()).into_response()
}

fn status(code: u16, message: &str) -> Response {
    reply(code, &json!({"kind": "Status", "status": "Failure", "code": code, "message": message}))
}

fn read(fake: &Fake, path: &str, query: &str) -> Response {
    if let Some((code, words)) = fake.0.lock().unwrap().unreadable.get(path) {
        return status(*code, words);
    }
    if path == "/version" {
        return reply(200, &json!({"gitVersion": "v1.36.3"}));
    }
    if let Some(deployment) = path.strip_suffix("/scale").and_then(|path| fake.get(path)) {
        return reply(200, &scale_of(&deployment));
    }
    if let Some(object) = fake.get(path) {
        return reply(200, &object);
    }
    if path.rsplit('/').next().is_some_and(|last| last.ends_with('s') && !last.contains('-')) {
        let selector = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "labelSelector").map(|(_, value)| value.into_owned());
        let is_selected = |object: &Value| {
            selector.iter().flat_map(|selector| selector.split(',')).all(|wanted| {
                let label = |name: &str| object.pointer("/metadata/labels").and_then(|labels| labels.get(name)).and_then(Value::as_str);
                wanted.split_once('=').map_or_else(|| label(wanted).is_some(), |(name, value)| label(name) == Some(value))
            })
        };
        let world = fake.0.lock().unwrap();
        let prefix = format!("{path}/");
        let items: Vec<_> =
            world.objects.iter().filter(|(key, object)| key.starts_with(&prefix) && is_selected(object)).map(|(_, object)| object).collect();
        return reply(200, &json!({"items": items, "metadata": {}}));
    }
    status(404, &format!("{path} not found"))
}

fn scale_of(deployment: &Value) -> Value {
    let mut scale = json!({"kind": "Scale", "metadata": deployment["metadata"], "spec": {}});
    if deployment["spec"]["replicas"] != 0 {
        scale["spec"]["replicas"] = deployment["spec"]["replicas"].clone();
    }
    scale["status"] = json!({"replicas": deployment["status"]["replicas"]});
    scale
}

fn write(fake: &Fake, method: &Method, path: &str, body: &Value, dry: bool) -> Response {
    let object_path = path.strip_suffix("/scale").unwrap_or(path);
    let Some(mut object) = fake.get(object_path) else { return status(404, "not found") };
    if method == Method::DELETE {
        if body.pointer("/preconditions/uid").is_some_and(|uid| *uid != object["metadata"]["uid"]) {
            return status(409, "Precondition failed: UID in precondition does not match");
        }
        if !dry {
            let mut world = fake.0.lock().unwrap();
            world.objects.remove(object_path);
            if world.replaces {
                let name = format!("{}-new{}", object["metadata"]["name"].as_str().unwrap(), world.writes.len());
                object["metadata"]["name"] = name.clone().into();
                object["metadata"]["uid"] = format!("uid-{name}").into();
                object["status"] = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
                let (collection, _) = object_path.rsplit_once('/').unwrap();
                world.objects.insert(format!("{collection}/{name}"), object);
            }
        }
        return reply(200, &json!({"kind": "Status", "status": "Success"}));
    }
    let is_scale = path.ends_with("/scale");
    let mut patched = if is_scale { scale_of(&object) } else { object.clone() };
    if let Some(steps) = body.as_array() {
        let steps: json_patch::Patch = serde_json::from_value(Value::Array(steps.clone())).unwrap();
        if let Err(error) = json_patch::patch(&mut patched, &steps) {
            return status(422, &format!("the server rejected our request due to an error in our request: {error}"));
        }
    } else {
        let version = body.pointer("/metadata/resourceVersion");
        if version.is_some_and(|version| *version != object["metadata"]["resourceVersion"]) {
            return status(409, "the object has been modified; please apply your changes to the latest version and try again");
        }
        json_patch::merge(&mut patched, body);
    }
    if is_scale {
        object["spec"]["replicas"] = patched["spec"]["replicas"].clone();
        patched = object;
    }
    if patched.get("spec").is_some() {
        let replicas = patched["spec"]["replicas"].clone();
        let generation = patched["metadata"]["generation"].as_u64().unwrap_or(1) + 1;
        patched["metadata"]["generation"] = generation.into();
        patched["status"] =
            json!({"observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas});
    }
    let answer = if is_scale { scale_of(&patched) } else { patched.clone() };
    if !dry {
        fake.put(object_path, patched);
    }
    reply(200, &answer)
}
