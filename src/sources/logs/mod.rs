//! One container's log, followed across its restarts.

mod look;
#[cfg(test)]
mod reported;
mod says;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use self::{
    look::{Look, look},
    says::{Told, in_the_stream, told},
};
use crate::{
    connect::{ConnectError, Reader, body::Lines, reader::Stream},
    domain::{
        log::{LogContainer, LogLine},
        object::{Key, Kind, Subject},
        text::Text,
    },
};

/// What a viewer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    pub pod: Key,
    /// None: the one that `kubectl logs` takes.
    pub container: Option<Text>,
    /// The run before the current one; then nothing is followed.
    pub previous: bool,
    /// Lines from the end to begin with.
    pub tail: u32,
}

/// What the viewer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The pod's containers, and the name of the one that is shown; again when one of them was seen to have changed.
    Containers { all: Vec<LogContainer>, shown: Text },
    /// In order; at most 256 at a time.
    Lines(Vec<LogLine>),
    /// Why no line comes just now.
    Waiting(Text),
    /// The last word: why it ended.
    Ended(Text),
}

const MOST_AT_ONCE: usize = 256;
/// Longest line shown, in characters.
const LONGEST: usize = 4_096;
/// Lines of this long travel together.
const WINDOW: Duration = Duration::from_millis(40);
/// A log may be quiet for long; the connection is renewed now and then.
const IDLE: Duration = Duration::from_mins(10);
/// Between looking for a restarted container.
const AGAIN: Duration = Duration::from_secs(1);
/// Before a stream that the server ended is opened again.
const REOPEN: Duration = Duration::from_millis(200);
/// A stream that lived so long was a good one, however it ends: load balancers cut those that are quiet.
const STEADY: Duration = Duration::from_secs(30);
/// Answers without a log, one after another, after which it is given up.
const FAILURES: u32 = 5;

/// The end of it all.
enum Over {
    /// The viewer was closed.
    Closed,
    Because(Text),
}

/// Why one stream ended.
enum End {
    /// As far as it went all was well: the container may have restarted.
    Well,
    Broken(ConnectError),
    /// A word of the node stood in place of a log.
    Told(Told),
}

/// Follows until the log ends for good or the viewer is gone. Dropping the future stops it.
pub async fn follow(reader: Reader, following: Following, out: mpsc::Sender<Said>) {
    let mut follower = Follower { reader, following, out, look: None, since: None, run: None, shown: 0, told: None, has_lines: false, failures: 0 };
    if let Over::Because(why) = follower.follow().await {
        let _ = follower.out.send(Said::Ended(why)).await;
    }
}

struct Follower {
    reader: Reader,
    following: Following,
    out: mpsc::Sender<Said>,
    /// The pod as it was seen last.
    look: Option<Look>,
    /// Time of the last line shown, to go on from.
    since: Option<DateTime<Utc>>,
    /// Which run of the container was followed last.
    run: Option<String>,
    /// Lines shown that carry the time `since`.
    shown: usize,
    /// What was said last of why no line comes.
    told: Option<Text>,
    has_lines: bool,
    /// One after another.
    failures: u32,
}

impl Follower {
    async fn follow(&mut self) -> Over {
        loop {
            if let Err(over) = self.once().await {
                return over;
            }
        }
    }

    /// Looks at the pod, and follows the log as far as one answer goes.
    async fn once(&mut self) -> Result<(), Over> {
        let look = match self.look().await {
            Ok(look) => look?,
            Err(ConnectError::NotFound { .. }) => {
                return Err(Over::Because(Text::line(&format!("pod {} is gone, and its log with it", self.following.pod.name))));
            }
            Err(error @ ConnectError::Forbidden { .. }) => return Err(Over::Because(error.text())),
            Err(error) => return self.trouble(error.text()).await,
        };
        let is_new_run = look.run != self.run;
        // One that could not be read is tried again, whether it runs or not.
        let was_read = self.run.is_some() && self.failures == 0;
        if !self.following.previous && was_read && !is_new_run && !look.is_running {
            if look.is_over {
                return Err(Over::Because(look.end.unwrap_or_else(|| "the container has ended".into())));
            }
            // Between two runs: wait for the next one.
            let words = format!("{} does not run just now: {}", look.meant().name, look.meant().state);
            return self.wait(Text::line(&words)).await;
        }
        if self.run.is_some() && is_new_run {
            self.remark("the container was restarted").await?;
        }
        self.run.clone_from(&look.run);
        match self.stream(&look).await? {
            End::Well if self.following.previous => {
                Err(Over::Because(if self.has_lines { "end of the previous run's log".into() } else { "the previous run wrote nothing".into() }))
            }
            End::Well => {
                self.failures = 0;
                tokio::time::sleep(REOPEN).await;
                Ok(())
            }
            End::Broken(error) => self.heed(told(&error, &look, self.following.previous)).await,
            End::Told(told) => self.heed(told).await,
        }
    }

    async fn heed(&mut self, told: Told) -> Result<(), Over> {
        match told {
            Told::End(why) => Err(Over::Because(why)),
            Told::Wait(why) => {
                self.run = None;
                self.failures = 0;
                self.wait(why).await
            }
            Told::Trouble(why) => self.trouble(why).await,
        }
    }

    async fn wait(&mut self, why: Text) -> Result<(), Over> {
        self.tell(why).await?;
        tokio::time::sleep(AGAIN).await;
        Ok(())
    }

    /// Tries again a few times, each time a little later.
    async fn trouble(&mut self, why: Text) -> Result<(), Over> {
        self.failures += 1;
        if self.failures > FAILURES {
            return Err(Over::Because(why));
        }
        self.tell(Text::line(&format!("{why}; sev1 tries again"))).await?;
        tokio::time::sleep(AGAIN * self.failures).await;
        Ok(())
    }

    /// The pod as it is; the inner error is a sentence for the viewer.
    async fn look(&mut self) -> Result<Result<Look, Over>, ConnectError> {
        let pod = self.reader.get_json(&path(&self.following.pod), &[]).await?.json;
        // Once one was taken it is stayed with, whatever is annotated later.
        let taken = self.look.as_ref().map(|look| look.meant().name.clone());
        let wanted = self.following.container.as_deref().or(taken.as_deref());
        Ok(match look(&pod, wanted) {
            Ok(look) => self.looked(look).await,
            Err(why) => Err(Over::Because(why)),
        })
    }

    async fn looked(&mut self, look: Look) -> Result<Look, Over> {
        let before = self.look.replace(look.clone());
        let shown = &look.meant().name;
        if before.as_ref().is_none_or(|before| before.containers != look.containers) {
            self.send(Said::Containers { all: look.containers.clone(), shown: shown.clone() }).await?;
        }
        match (&before, &look.mistaken) {
            (None, Some(name)) => self.remark(&format!("the pod's default-container {name} does not exist: this is {shown}")).await?,
            (Some(before), _) if before.uid != look.uid => {
                // Its times and runs have nothing to do with those before.
                (self.since, self.shown, self.run) = (None, 0, None);
                self.remark(&format!("a new pod took the name {}", look.pod)).await?;
            }
            _ => {}
        }
        Ok(look)
    }

    async fn stream(&mut self, look: &Look) -> Result<End, Over> {
        let path = format!("{}/log", path(&self.following.pod));
        let tail = self.following.tail.to_string();
        let since = self.since.map(|since| since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        let mut query = vec![("timestamps", "true"), ("container", &*look.meant().name)];
        match &since {
            Some(since) => query.push(("sinceTime", since)),
            None => query.push(("tailLines", &tail)),
        }
        query.push(if self.following.previous { ("previous", "true") } else { ("follow", "true") });
        let Stream { mut lines, mut given_up, .. } = match self.reader.logs(&path, &query, IDLE).await {
            Ok(stream) => stream,
            Err(error) => return Ok(End::Broken(error)),
        };
        if !self.has_lines && !self.following.previous {
            self.tell(Text::line(&format!("{} has written nothing yet", look.meant().name))).await?;
        }
        // `sinceTime` has whole seconds: lines up to the last one shown come again.
        let (resumed_at, mut again) = (self.since, self.shown);
        let steady = tokio::time::sleep(STEADY);
        tokio::pin!(steady);
        let mut is_steady = false;
        loop {
            let first = tokio::select! {
                () = &mut steady, if !is_steady => {
                    (is_steady, self.failures) = (true, 0);
                    continue;
                }
                line = lines.next() => line,
                () = self.out.closed() => return Err(Over::Closed),
                () = given_up.wait() => return Ok(End::Well),
            };
            let (batch, end) = gather(first, &mut lines).await;
            let mut fresh = Vec::with_capacity(batch.len());
            let mut said = None;
            for raw in batch {
                let (at, time, text) = split(&raw);
                if at.is_none() {
                    said = in_the_stream(text, look, self.following.previous);
                    if said.is_some() {
                        break;
                    }
                }
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
                fresh.push(LogLine { at: Text::line(time), text: Text::log(text, LONGEST) });
            }
            if !fresh.is_empty() {
                (self.told, self.has_lines, self.failures) = (None, true, 0);
                self.send(Said::Lines(fresh)).await?;
            }
            if let Some(said) = said {
                return Ok(End::Told(said));
            }
            match end {
                None => {}
                // Quiet for long is not over.
                Some(Ok(()) | Err(ConnectError::Timeout { .. })) => return Ok(End::Well),
                Some(Err(error)) => return Ok(End::Broken(error)),
            }
        }
    }

    /// Says why no line comes, unless that was the last thing said.
    async fn tell(&mut self, why: Text) -> Result<(), Over> {
        if self.told.as_ref() == Some(&why) {
            return Ok(());
        }
        self.told = Some(why.clone());
        self.send(Said::Waiting(why)).await
    }

    /// A line of our own between those of the log.
    async fn remark(&self, words: &str) -> Result<(), Over> {
        self.send(Said::Lines(vec![LogLine { at: Text::default(), text: Text::line(&format!("--- {words} ---")) }])).await
    }

    async fn send(&self, said: Said) -> Result<(), Over> {
        self.out.send(said).await.map_err(|_| Over::Closed)
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

/// The time that `timestamps=true` puts before a line, read and as it stands there; and the line.
fn split(line: &str) -> (Option<DateTime<Utc>>, &str, &str) {
    // Of an empty line some runtimes write the time alone.
    let (time, rest) = line.split_once(' ').unwrap_or((line, ""));
    match DateTime::parse_from_rfc3339(time) {
        Ok(at) => (Some(at.with_timezone(&Utc)), time, rest),
        Err(_) => (None, "", line),
    }
}
