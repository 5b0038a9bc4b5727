//! `pods/log`: what a container wrote, and goes on writing.

use std::time::Duration;

use axum::body::Bytes;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::container_logs::LogLine;
use super::kinds::Resource;
use super::server::{Answer, ApiServer, Call};
use super::status::{ApiError, Fault};
use super::watch::streamed;
use crate::sim::store::{Store, text};

const CHUNKS_IN_FLIGHT: usize = 64;
/// How often a followed container without output of its own, and the pod's existence, are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A container about which the world says nothing reports itself healthy this often (simulated).
const HEARTBEAT: i64 = 15;
const HEARTBEATS_SHOWN: i64 = 200;

struct Options {
    container: String,
    previous: bool,
    timestamps: bool,
    tail: Option<usize>,
    since: Option<DateTime<Utc>>,
    limit_bytes: Option<usize>,
}

pub fn answer(call: &Call<'_>) -> Answer {
    let pod = call.current()?;
    let options = options(call, &pod)?;
    let (namespace, name) = (call.target.namespace.as_str(), call.target.name());
    let store = &call.server.store;
    let mut lines = if options.previous {
        store.logs().previous(namespace, name, &options.container).ok_or_else(|| {
            let message = format!("previous terminated container \"{}\" in pod \"{name}\" not found", options.container);
            ApiError::bad_request(message)
        })?
    } else {
        let lines = store.logs().since(namespace, name, &options.container, 0);
        if lines.is_empty() {
            check_started(&pod, &options.container)?;
            heartbeats(&pod, &options.container, None, store.now())
        } else {
            lines
        }
    };
    if let Some(since) = options.since {
        lines.retain(|line| line.time >= since);
    }
    if let Some(tail) = options.tail {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut first = String::new();
    for line in &lines {
        write(&mut first, line, options.timestamps);
    }
    if !call.parameters.flag("follow") || options.previous {
        let mut body = first.into_bytes();
        body.truncate(options.limit_bytes.unwrap_or(usize::MAX));
        let mut response = Response::new(axum::body::Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        return Ok(response);
    }
    let (chunks, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
    let follower = Follower {
        server: call.server.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: text(&pod, "uid").to_owned(),
        container: options.container,
        timestamps: options.timestamps,
        last: lines.last().cloned(),
        chunks,
    };
    tokio::spawn(follower.run(first));
    Ok(streamed(receiver, "text/plain"))
}

fn options(call: &Call<'_>, pod: &Value) -> Result<Options, ApiError> {
    let name = call.target.name();
    let containers: Vec<&str> = ["/spec/initContainers", "/spec/containers"]
        .iter()
        .filter_map(|path| pod.pointer(path)?.as_array())
        .flatten()
        .filter_map(|container| container.get("name")?.as_str())
        .collect();
    let asked = call.parameters.text("container");
    let container = if !asked.is_empty() {
        if !containers.contains(&asked) {
            return Err(ApiError::bad_request(format!("container {asked} is not valid for pod {name}")));
        }
        asked
    } else if let [only] = containers.as_slice() {
        only
    } else {
        let choice = containers.join(" ");
        return Err(ApiError::bad_request(format!("a container name must be specified for pod {name}, choose one of: [{choice}]")));
    };
    let count = |parameter: &str, least: i64| -> Result<Option<i64>, ApiError> {
        let number = call.parameters.number(parameter)?;
        if let Some(number) = number.filter(|number| *number < least) {
            let why = format!("must be greater than or equal to {least}");
            let why = if least == 1 { "must be greater than 0" } else { why.as_str() };
            return Err(ApiError::invalid("PodLogOptions", "", name, &[Fault::invalid(parameter, &json!(number), why)]));
        }
        Ok(number)
    };
    let since_time = DateTime::parse_from_rfc3339(call.parameters.text("sinceTime")).ok().map(|time| time.with_timezone(&Utc));
    let since_seconds =
        count("sinceSeconds", 1)?.map(|seconds| call.server.store.now() - TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX / 2));
    Ok(Options {
        container: container.to_owned(),
        previous: call.parameters.flag("previous"),
        timestamps: call.parameters.flag("timestamps"),
        tail: count("tailLines", 0)?.and_then(|lines| usize::try_from(lines).ok()),
        since: since_seconds.or(since_time),
        limit_bytes: count("limitBytes", 1)?.and_then(|bytes| usize::try_from(bytes).ok()),
    })
}

/// A container that never ran has no log, and the kubelet says so.
fn check_started(pod: &Value, container: &str) -> Result<(), ApiError> {
    let status = status(pod, container);
    let name = text(pod, "name");
    let waiting = match status {
        // A pod without a node has no log yet, and nobody who could say why.
        None if pod.pointer("/spec/nodeName").is_none() => return Ok(()),
        None => "ContainerCreating",
        Some(status) if status.pointer("/lastState/terminated").is_some() => return Ok(()),
        Some(status) => match status.pointer("/state/waiting/reason").and_then(Value::as_str) {
            Some("ImagePullBackOff") => "trying and failing to pull image",
            Some("ErrImagePull") => "image can't be pulled",
            Some(reason) => reason,
            None => return Ok(()),
        },
    };
    Err(ApiError::bad_request(format!("container \"{container}\" in pod \"{name}\" is waiting to start: {waiting}")))
}

fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"].into_iter();
    let mut statuses = lists.filter_map(|list| pod.pointer(list)?.as_array()).flatten();
    statuses.find(|status| status.get("name").and_then(Value::as_str) == Some(container))
}

/// Lines of a running container that the world says nothing about, after `after` and up to `now`.
fn heartbeats(pod: &Value, container: &str, after: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Vec<LogLine> {
    if pod.pointer("/spec/nodeName").is_none() {
        return Vec::new();
    }
    let started = pod.pointer("/status/startTime").or_else(|| pod.pointer("/metadata/creationTimestamp"));
    let started = started.and_then(Value::as_str).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let Some(started) = started.map(|time| time.with_timezone(&Utc)).filter(|started| *started <= now) else { return Vec::new() };
    // One that has ended wrote that it had started, and no more.
    let has_ended = status(pod, container).is_some_and(|status| status.pointer("/state/terminated").is_some());
    let beats = if has_ended { 0 } else { (now - started).num_seconds() / HEARTBEAT };
    let lines = ((beats - HEARTBEATS_SHOWN).max(0)..=beats).map(|beat| {
        let message = if beat == 0 { format!("INFO  {container} started") } else { "INFO  health check ok".to_owned() };
        LogLine { number: 0, time: started + TimeDelta::seconds(beat * HEARTBEAT), text: message.into() }
    });
    lines.filter(|line| after.is_none_or(|after| line.time > after)).collect()
}

fn write(out: &mut String, line: &LogLine, timestamps: bool) {
    if timestamps {
        out.push_str(&line.time.to_rfc3339_opts(SecondsFormat::Nanos, true));
        out.push(' ');
    }
    out.push_str(&line.text);
    out.push('\n');
}

struct Follower {
    server: ApiServer,
    namespace: String,
    name: String,
    uid: String,
    container: String,
    timestamps: bool,
    last: Option<LogLine>,
    chunks: mpsc::Sender<Bytes>,
}

impl Follower {
    async fn run(mut self, first: String) {
        let (stop, chunks) = (self.server.stop.clone(), self.chunks.clone());
        tokio::select! {
            () = stop.cancelled() => {}
            () = chunks.closed() => {}
            () = self.follow(first) => {}
        }
    }

    async fn follow(&mut self, first: String) {
        let store: Store = self.server.store.clone();
        let mut latest = store.logs().subscribe();
        if !first.is_empty() && self.chunks.send(Bytes::from(first)).await.is_err() {
            return;
        }
        loop {
            latest.mark_unchanged();
            let mut written = String::new();
            for line in self.fresh(&store) {
                write(&mut written, &line, self.timestamps);
                self.last = Some(line);
            }
            if !written.is_empty() && self.chunks.send(Bytes::from(written)).await.is_err() {
                return;
            }
            let pod = store.get(Resource::Pods, &self.namespace, &self.name);
            if pod.is_none_or(|pod| text(&pod, "uid") != self.uid) {
                return;
            }
            tokio::select! {
                _ = latest.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn fresh(&self, store: &Store) -> Vec<LogLine> {
        let after = self.last.as_ref().map_or(0, |line| line.number);
        let lines = store.logs().since(&self.namespace, &self.name, &self.container, after);
        let silent = lines.is_empty() && after == 0;
        let pod = store.get(Resource::Pods, &self.namespace, &self.name).filter(|_| silent);
        match pod {
            Some(pod) => heartbeats(&pod, &self.container, self.last.as_ref().map(|line| line.time), store.now()),
            None => lines,
        }
    }
}
