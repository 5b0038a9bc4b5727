//! Requests to the API server as the actions need them: one object, a small list, a write sent once.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::Value;

use crate::{
    connect::{ConnectError, Ran, Reader, WriteError, Writer, discovery::Finder, writer::words},
    domain::{
        change::OWN_MANAGER,
        mitigation::{ObjectWrite, Outcome, WriteMethod},
        object::{Kind, ObjectRef},
        text::Text,
    },
};

use super::engine::Pace;

/// Most objects of one list that are looked at.
const LIST_LIMIT: &str = "500";

/// Reader and writer of one cluster.
#[derive(Clone)]
pub struct Api {
    pub reader: Reader,
    pub writer: Writer,
    /// Where the servers beside it are.
    pub finder: Arc<Finder>,
    pub pace: Pace,
    /// The server's clock as its newest answer told it, in seconds since 1970; zero before.
    pub told: Arc<AtomicI64>,
}

/// How the API server took one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// Its answer: the object as written, or a `Status`.
    Done(Value),
    /// The command was run and ended well.
    Ran(Ran),
    Refused {
        status: u16,
        says: Text,
    },
    Failed(Text),
    Unknown(Text),
}

impl Sent {
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Done(_) | Self::Ran(_) => Outcome::Done,
            Self::Refused { says, .. } => Outcome::Refused(says.clone()),
            Self::Failed(why) => Outcome::Failed(why.clone()),
            Self::Unknown(why) => Outcome::Unknown(why.clone()),
        }
    }
}

impl Api {
    /// The answer for one object, which has to be of the very object that the path names: a write is planned on it, or refused by it.
    pub async fn get(&self, path: &str) -> Result<Value, ConnectError> {
        let answer = self.read(path, &[]).await?;
        is_answer_for(path, &answer)?;
        Ok(answer)
    }

    async fn read(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, ConnectError> {
        let answer = self.reader.get_json(path, query).await?;
        if let Some(date) = answer.date {
            self.told.store(date.timestamp(), Ordering::Relaxed);
        }
        Ok(answer.json)
    }

    /// What the server's clock said in the answer that was read last; `else_now` where none told.
    pub fn server_now(&self, else_now: DateTime<Utc>) -> DateTime<Utc> {
        let told = self.told.load(Ordering::Relaxed);
        DateTime::from_timestamp(told, 0).filter(|_| told != 0).unwrap_or(else_now)
    }

    /// The object; none when it does not exist.
    pub async fn find(&self, target: &ObjectRef) -> Result<Option<Value>, ConnectError> {
        match self.get(&target.path()).await {
            Ok(object) => Ok(Some(object)),
            Err(ConnectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Items of a collection, at most 500. `true` when there are more.
    pub async fn list(&self, path: &str, selector: &str) -> Result<(Vec<Value>, bool), ConnectError> {
        self.list_by(path, &[("labelSelector", selector)]).await
    }

    /// The same by fields.
    pub async fn list_where(&self, path: &str, fields: &str) -> Result<(Vec<Value>, bool), ConnectError> {
        self.list_by(path, &[("fieldSelector", fields)]).await
    }

    /// Pods of a namespace that have not ended: an eviction storm leaves thousands that have, and a list is cut.
    pub async fn pods(&self, namespace: &str, selector: &str) -> Result<(Vec<Value>, bool), ConnectError> {
        let path = Kind::Pod.collection_path(Some(namespace));
        self.list_by(&path, &[("labelSelector", selector), ("fieldSelector", "status.phase!=Failed,status.phase!=Succeeded")]).await
    }

    async fn list_by(&self, path: &str, selectors: &[(&str, &str)]) -> Result<(Vec<Value>, bool), ConnectError> {
        let mut query = vec![("limit", LIST_LIMIT)];
        query.extend(selectors.iter().filter(|(_, selector)| !selector.is_empty()));
        let mut json = self.read(path, &query).await?;
        let is_partial = json.pointer("/metadata/continue").and_then(Value::as_str).is_some_and(|rest| !rest.is_empty());
        match json.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok((items, is_partial)),
            _ => Ok((Vec::new(), is_partial)),
        }
    }

    /// Sends the write once.
    pub async fn send(&self, write: &ObjectWrite) -> Sent {
        self.request(write, false).await
    }

    /// Asks the server to do everything but keep the result.
    pub async fn dry_run(&self, write: &ObjectWrite) -> Sent {
        self.request(write, true).await
    }

    async fn request(&self, write: &ObjectWrite, dry: bool) -> Sent {
        let mut query = Vec::new();
        let mut body = write.body.clone();
        let method = match write.method {
            WriteMethod::Patch => Method::PATCH,
            WriteMethod::Post => Method::POST,
            WriteMethod::Delete => Method::DELETE,
        };
        if write.method != WriteMethod::Delete {
            query.push(("fieldManager", OWN_MANAGER));
        }
        if dry {
            query.push(("dryRun", "All"));
            if write.method == WriteMethod::Delete {
                // The API server ignores the query of a DELETE that has a body: without this it would really delete.
                let Value::Object(options) = &mut body else { return Sent::Failed("a delete without options cannot be tried".into()) };
                options.insert("dryRun".into(), serde_json::json!(["All"]));
            }
        }
        match self.writer.send(method, &write.path, &query, write.content.header(), &body, self.pace.write_timeout).await {
            Ok(answer) => match answer.status {
                200..=299 => Sent::Done(answer.json),
                408 => Sent::Unknown(words(&answer)),
                400..=499 => Sent::Refused { status: answer.status, says: words(&answer) },
                // A webhook is asked before anything is stored.
                500 if words(&answer).contains("failed calling webhook") => Sent::Failed(words(&answer)),
                // Budgets are counted before the pod is touched (`pkg/registry/core/pod/storage/eviction.go`).
                500 if words(&answer).contains("more than one PodDisruptionBudget") => Sent::Refused { status: 500, says: words(&answer) },
                // Errors of a server, or of a proxy before it, may come after the object was stored.
                500.. => Sent::Unknown(Text::line(&format!("the server answered {}: {}", answer.status, words(&answer)))),
                status => Sent::Failed(Text::line(&format!("the server answered {status}: {}", words(&answer)))),
            },
            Err(WriteError::NotSent(error)) => Sent::Failed(Text::line(&format!("nothing was sent: {error}"))),
            Err(WriteError::NoAnswer(error)) => Sent::Unknown(error.text()),
        }
    }
}

/// Whether an answer is about the object whose path was asked: by its name and its namespace. Paths of groups and collections name none.
fn is_answer_for(path: &str, answer: &Value) -> Result<(), ConnectError> {
    let mut parts = path.split('/').skip(1);
    match parts.next() {
        Some("api") => drop(parts.next()),
        Some("apis") => drop((parts.next(), parts.next())),
        _ => return Ok(()),
    }
    let parts: Vec<&str> = parts.collect();
    let (namespace, name) = match *parts.as_slice() {
        ["namespaces", namespace, _, name, ..] => (namespace, name),
        ["namespaces", _, _] => return Ok(()),
        [_, name, ..] => ("", name),
        _ => return Ok(()),
    };
    for (field, asked) in [("name", name), ("namespace", namespace)] {
        let is = answer.pointer(&format!("/metadata/{field}")).and_then(Value::as_str).unwrap_or_default();
        if is != asked {
            return Err(ConnectError::Another { path: Text::line(path), field, is: Text::line(is) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_about_the_object_that_was_asked_for() {
        let pod = json!({"metadata": {"name": "a", "namespace": "shop"}});
        let node = json!({"metadata": {"name": "n"}});
        for (path, answer) in [
            ("/api/v1/namespaces/shop/pods/a", &pod),
            ("/apis/apps/v1/namespaces/shop/deployments/a/scale", &pod),
            ("/api/v1/nodes/n", &node),
            ("/api/v1/namespaces/n", &node),
            ("/api/v1/namespaces/shop/pods", &node),
            ("/apis/keda.sh", &pod),
            ("/apis/keda.sh/v1alpha1", &pod),
            ("/version", &pod),
        ] {
            assert!(is_answer_for(path, answer).is_ok(), "{path}");
        }
        for (path, answer) in [
            ("/api/v1/namespaces/shop/pods/b", &pod),
            ("/api/v1/namespaces/other/pods/a", &pod),
            ("/apis/apps/v1/namespaces/shop/deployments/b/scale", &pod),
            ("/api/v1/nodes/m", &node),
            ("/api/v1/nodes/a", &pod),
            ("/api/v1/namespaces/shop/pods/a", &json!({"kind": "Status"})),
        ] {
            let why = is_answer_for(path, answer).unwrap_err().to_string();
            assert!(why.contains("another object"), "{path}: {why}");
        }
    }
}
