//! Watches: changes as JSON lines, from a version on, with bookmarks.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use http::{HeaderValue, header};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::render::{self, Include};
use super::request::{Form, Target, form};
use super::server::{Answer, ApiServer, Call};
use super::status::{ApiError, Fault};
use super::versions::outgoing;
use crate::sim::store::{Change, ChangeKind, Query};

const BOOKMARK_EVERY: Duration = Duration::from_secs(15);
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);
/// Lines in flight to one client; when it does not read, its watch waits and at last finds its version expired.
const LINES_IN_FLIGHT: usize = 64;

/// One client's watch.
struct Watch {
    server: ApiServer,
    target: Target,
    query: Query,
    form: Form,
    include: Include,
    bookmarks: bool,
    lines: mpsc::Sender<Bytes>,
    described: bool,
}

/// The client is gone or was told that its watch has ended.
struct Ended;

pub fn answer(call: &Call<'_>) -> Answer {
    let form = form(&call.parts.headers)?;
    let query = call.query()?;
    let asked = call.parameters.resource_version()?;
    let initial = call.parameters.flag("sendInitialEvents");
    if initial && call.parameters.text("resourceVersionMatch") != "NotOlderThan" {
        let fault = Fault {
            field: "resourceVersionMatch".to_owned(),
            reason: "FieldValueForbidden",
            message: "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan".to_owned(),
        };
        return Err(ApiError::invalid("ListOptions", "meta.k8s.io", "", &[fault]));
    }
    let timeout = call.parameters.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    let (lines, receiver) = mpsc::channel(LINES_IN_FLIGHT);
    let watch = Watch {
        server: call.server.clone(),
        target: call.target.clone(),
        query,
        form,
        include: Include::parse(call.parameters.text("includeObject")),
        bookmarks: call.parameters.flag("allowWatchBookmarks"),
        lines,
        described: false,
    };
    let from = if initial { None } else { asked.filter(|version| *version > 0) };
    tokio::spawn(watch.run(from, initial, timeout.map_or(DEFAULT_TIMEOUT, Duration::from_secs)));
    Ok(streamed(receiver, "application/json"))
}

/// A body made of what comes out of a channel.
pub fn streamed(receiver: mpsc::Receiver<Bytes>, content_type: &'static str) -> Response {
    let body = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|bytes| (Ok::<_, Infallible>(bytes), receiver)) });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

impl Watch {
    async fn run(mut self, from: Option<u64>, initial: bool, timeout: Duration) {
        let stop = self.server.stop.clone();
        let lines = self.lines.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(timeout) => {}
            () = lines.closed() => {}
            _ = self.follow(from, initial) => {}
        }
    }

    async fn follow(&mut self, from: Option<u64>, initial: bool) -> Result<(), Ended> {
        let mut latest = self.server.store.subscribe(self.target.resource);
        let mut version = match from {
            Some(version) => version,
            None => self.send_current(initial).await?,
        };
        let mut bookmark = tokio::time::interval(BOOKMARK_EVERY);
        bookmark.reset();
        loop {
            latest.mark_unchanged();
            match self.server.store.changes_since(self.target.resource, version) {
                Ok((changes, seen)) => {
                    for change in changes {
                        self.send_change(&change).await?;
                    }
                    // From a version that is yet to come nothing is told until then.
                    version = version.max(seen);
                }
                Err(expired) => return self.send("ERROR", &gone(&expired.to_string())).await,
            }
            tokio::select! {
                changed = latest.changed() => changed.map_err(|_| Ended)?,
                _ = bookmark.tick(), if self.bookmarks => {
                    // What was written up to here has been sent only once changes_since says so.
                    let Ok((changes, seen)) = self.server.store.changes_since(self.target.resource, version) else { continue };
                    for change in changes {
                        self.send_change(&change).await?;
                    }
                    version = version.max(seen);
                    self.send_bookmark(version, false).await?;
                }
            }
        }
    }

    async fn send_current(&mut self, initial: bool) -> Result<u64, Ended> {
        let listing = self.server.store.list(self.target.resource, &self.query);
        for object in listing.items {
            let shaped = self.shape(&outgoing(&self.target, &object));
            self.send("ADDED", &shaped).await?;
        }
        if initial && self.bookmarks {
            self.send_bookmark(listing.resource_version, true).await?;
        }
        Ok(listing.resource_version)
    }

    /// As the client's selectors see the change: an object may enter or leave what they select.
    async fn send_change(&mut self, change: &Change) -> Result<(), Ended> {
        let is = change.kind != ChangeKind::Deleted && self.query.wants(&change.object);
        let was = change.previous.as_ref().is_some_and(|previous| self.query.wants(previous));
        let kind = match (was, is) {
            (false, false) => return Ok(()),
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
        };
        let shaped = self.shape(&outgoing(&self.target, &change.object));
        self.send(kind, &shaped).await
    }

    async fn send_bookmark(&mut self, version: u64, initial_end: bool) -> Result<(), Ended> {
        let definition = self.target.resource.definition();
        let mut object = json!({
            "kind": definition.kind, "apiVersion": self.target.api_version(),
            "metadata": {"resourceVersion": version.to_string()},
        });
        if initial_end {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        if definition.has_generation || definition.has_status {
            object["spec"] = json!({});
            object["status"] = json!({});
        }
        let shaped = self.shape(&object);
        self.send("BOOKMARK", &shaped).await
    }

    fn shape(&mut self, object: &Value) -> Value {
        let mut shaped = render::shaped(&self.target, self.form, self.include, object, self.server.store.now());
        // Only a watch's first table describes its columns.
        if self.form == Form::Table && std::mem::replace(&mut self.described, true) {
            shaped["columnDefinitions"] = Value::Null;
        }
        shaped
    }

    async fn send(&mut self, kind: &str, object: &Value) -> Result<(), Ended> {
        let mut line = json!({"type": kind, "object": object}).to_string();
        line.push('\n');
        self.lines.send(Bytes::from(line)).await.map_err(|_| Ended)
    }
}

fn gone(message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "Expired", "code": 410})
}
