//! One container's log, followed across its restarts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::{
    connect::{ConnectError, Reader, body::Lines, reader::Stream},
    domain::{
        object::{Key, Kind, Subject},
        text::Text,
    },
};

/// What a viewer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    pub pod: Key,
    /// None: the first container.
    pub container: Option<Text>,
    /// The run before the current one; then nothing is followed.
    pub previous: bool,
    /// Lines from the end to begin with.
    pub tail: u32,
}

/// What the viewer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// In order; at most 256 at a time.
    Lines(Vec<Text>),
    /// The last word: why it ended.
    Ended(Text),
}

const MOST_AT_ONCE: usize = 256;
/// Lines of this long travel together.
const WINDOW: Duration = Duration::from_millis(40);
/// A log may be quiet for long; the connection is renewed now and then.
const IDLE: Duration = Duration::from_mins(10);
/// Between looking for a restarted container.
const AGAIN: Duration = Duration::from_secs(1);

/// Why one stream ended.
enum End {
    /// The viewer was closed.
    Closed,
    Because(Text),
    /// The server ended it, or it broke off: the container may have restarted.
    Maybe(Option<ConnectError>),
}

/// Follows until the log ends for good or the viewer is gone. Dropping the future stops it.
pub async fn follow(reader: Reader, following: Following, out: mpsc::Sender<Said>) {
    let mut follower = Follower { reader, following, out, container: None, since: None, run: None, shown: 0 };
    if let End::Because(why) = follower.run().await {
        let _ = follower.out.send(Said::Ended(why)).await;
    }
}

struct Follower {
    reader: Reader,
    following: Following,
    out: mpsc::Sender<Said>,
    container: Option<String>,
    /// Time of the last line shown, to go on from.
    since: Option<DateTime<Utc>>,
    /// Which run of the container was followed last.
    run: Option<String>,
    /// Lines shown that carry the time `since`.
    shown: usize,
}

/// What the pod says of the container.
struct Look {
    run: Option<String>,
    is_running: bool,
    /// It will not be started again.
    is_over: bool,
    end: Option<Text>,
}

impl Follower {
    async fn run(&mut self) -> End {
        let mut failures: u32 = 0;
        loop {
            let look = match self.look().await {
                Ok(look) => look,
                Err(ConnectError::NotFound { .. }) => return End::Because(Text::line(&format!("pod {} is gone", self.following.pod.name))),
                Err(error @ ConnectError::Forbidden { .. }) => return End::Because(error.text()),
                Err(error) => {
                    failures += 1;
                    if failures > 5 {
                        return End::Because(error.text());
                    }
                    tokio::time::sleep(AGAIN * failures).await;
                    continue;
                }
            };
            let look = match look {
                Ok(look) => look,
                Err(why) => return End::Because(why),
            };
            let is_new_run = look.run != self.run;
            if !self.following.previous && self.run.is_some() && !is_new_run && !look.is_running {
                if look.is_over {
                    return End::Because(look.end.unwrap_or_else(|| "the container has ended".into()));
                }
                // Between two runs: wait for the next one.
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            if self.run.is_some() && is_new_run && self.say(vec![Text::from("--- the container was restarted ---")]).await.is_err() {
                return End::Closed;
            }
            self.run.clone_from(&look.run);
            match self.stream().await {
                End::Maybe(None) if self.following.previous => return End::Because("end of the previous run's log".into()),
                End::Maybe(Some(ConnectError::Forbidden { verb, resource, .. })) => {
                    return End::Because(Text::line(&format!("not allowed to {verb} {resource}")));
                }
                End::Maybe(Some(ConnectError::Server { message, status: 400, .. })) => {
                    // `previous terminated container not found`, `is waiting to start`: the second passes.
                    if self.following.previous || !message.contains("waiting") {
                        return End::Because(message);
                    }
                    self.run = None;
                    tokio::time::sleep(AGAIN).await;
                }
                End::Maybe(Some(error)) => {
                    failures += 1;
                    if failures > 5 {
                        return End::Because(error.text());
                    }
                    tokio::time::sleep(AGAIN * failures).await;
                }
                End::Maybe(None) => {
                    failures = 0;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                end => return end,
            }
        }
    }

    /// The container's state; the inner error is a sentence for the viewer.
    async fn look(&mut self) -> Result<Result<Look, Text>, ConnectError> {
        let Key { name, .. } = &self.following.pod;
        let pod = self.reader.get_json(&path(&self.following.pod), &[]).await?.json;
        let names: Vec<&str> = ["containers", "initContainers", "ephemeralContainers"]
            .into_iter()
            .filter_map(|part| pod.pointer(&format!("/spec/{part}"))?.as_array())
            .flatten()
            .filter_map(|container| container.get("name")?.as_str())
            .collect();
        let wanted = self.following.container.as_deref().or(self.container.as_deref()).or(names.first().copied()).unwrap_or_default().to_owned();
        if !names.contains(&wanted.as_str()) {
            return Ok(Err(Text::line(&format!("there is no container {wanted} in pod {name}: it has {}", names.join(", ")))));
        }
        let status = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"]
            .into_iter()
            .filter_map(|part| pod.pointer(&format!("/status/{part}"))?.as_array())
            .flatten()
            .find(|status| status.get("name").and_then(|name| name.as_str()) == Some(&wanted));
        let text = |pointer: &str| status.and_then(|status| status.pointer(pointer)?.as_str()).filter(|text| !text.is_empty());
        let phase_over = matches!(pod.pointer("/status/phase").and_then(|phase| phase.as_str()), Some("Succeeded" | "Failed"));
        let end = text("/state/terminated/reason").map(|reason| {
            let code = status.and_then(|status| status.pointer("/state/terminated/exitCode")?.as_i64()).unwrap_or(0);
            Text::line(&format!("the container has ended: {reason} (exit code {code})"))
        });
        let look = Look {
            run: text("/containerID").map(str::to_owned),
            is_running: status.is_some_and(|status| status.pointer("/state/running").is_some()),
            is_over: phase_over,
            end,
        };
        self.container = Some(wanted);
        Ok(Ok(look))
    }

    async fn stream(&mut self) -> End {
        let path = format!("{}/log", path(&self.following.pod));
        let tail = self.following.tail.to_string();
        let since = self.since.map(|since| since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        let mut query = vec![("timestamps", "true"), ("container", self.container.as_deref().unwrap_or_default())];
        match &since {
            Some(since) => query.push(("sinceTime", since)),
            None => query.push(("tailLines", &tail)),
        }
        query.push(if self.following.previous { ("previous", "true") } else { ("follow", "true") });
        let Stream { mut lines, mut given_up, .. } = match self.reader.logs(&path, &query, IDLE).await {
            Ok(stream) => stream,
            Err(error) => return End::Maybe(Some(error)),
        };
        // `sinceTime` has whole seconds: lines up to the last one shown come again.
        let (resumed_at, mut again) = (self.since, self.shown);
        loop {
            let first = tokio::select! {
                line = lines.next() => line,
                () = self.out.closed() => return End::Closed,
                () = given_up.wait() => return End::Maybe(None),
            };
            let (batch, end) = gather(first, &mut lines).await;
            let mut fresh = Vec::with_capacity(batch.len());
            for raw in batch {
                let (at, text) = split(&raw);
                if let (Some(at), Some(resumed_at)) = (at, resumed_at) {
                    if at < resumed_at {
                        continue;
                    }
                    if at == resumed_at && again > 0 {
                        again -= 1;
                        continue;
                    }
                }
                if at.is_some() && at == self.since {
                    self.shown += 1;
                } else if at > self.since {
                    (self.since, self.shown) = (at, 1);
                }
                fresh.push(Text::bounded(text, 4_096));
            }
            if !fresh.is_empty() && self.say(fresh).await.is_err() {
                return End::Closed;
            }
            match end {
                None => {}
                // Quiet for long is not over.
                Some(Ok(()) | Err(ConnectError::Timeout { .. })) => return End::Maybe(None),
                Some(Err(error)) => return End::Maybe(Some(error)),
            }
        }
    }

    async fn say(&self, lines: Vec<Text>) -> Result<(), ()> {
        self.out.send(Said::Lines(lines)).await.map_err(|_| ())
    }
}

fn path(pod: &Key) -> String {
    Subject { kind: Kind::Pod, key: pod.clone() }.reference().path()
}

type Line = Option<Result<bytes::Bytes, ConnectError>>;

/// The line and those that follow at once; and how the stream ended, if it did.
async fn gather(first: Line, lines: &mut Lines) -> (Vec<String>, Option<Result<(), ConnectError>>) {
    let mut batch = Vec::new();
    let window = tokio::time::sleep(WINDOW);
    tokio::pin!(window);
    let mut next = first;
    loop {
        match next {
            None => return (batch, Some(Ok(()))),
            Some(Err(error)) => return (batch, Some(Err(error))),
            Some(Ok(line)) => batch.push(String::from_utf8_lossy(&line).into_owned()),
        }
        if batch.len() >= MOST_AT_ONCE {
            return (batch, None);
        }
        next = tokio::select! {
            biased;
            line = lines.next() => line,
            () = &mut window => return (batch, None),
        };
    }
}

/// The time that `timestamps=true` puts before a line, and the line.
fn split(line: &str) -> (Option<DateTime<Utc>>, &str) {
    match line.split_once(' ') {
        Some((time, rest)) => match DateTime::parse_from_rfc3339(time) {
            Ok(at) => (Some(at.with_timezone(&Utc)), rest),
            Err(_) => (None, line),
        },
        None => (None, line),
    }
}
