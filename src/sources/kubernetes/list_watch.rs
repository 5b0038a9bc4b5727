//! List, then watch, for ever: one kind of object as a stream of deltas.
//!
//! Lists ask for the most recent state (no `resourceVersion`), so that a list is never older than what was shown before;
//! since 1.31 the API server answers these from its watch cache as fast as `resourceVersion=0`, which ignores `limit`
//! on many versions. The first page is small, so that a screenful is there at once; the later ones are larger, because each page
//! costs a round trip, as far as memory allows. A page travels while the one before is applied.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::wire::Str;
use crate::{
    connect::{
        ConnectError, Reader,
        body::Lines,
        reader::{RawAnswer, Stream},
    },
    domain::{
        health::SourceId,
        object::{Key, Kind},
        observation::{Delta, What},
        text::Text,
        workload::Object,
    },
    sources::{
        backoff::Backoff,
        login::logged_in,
        report::{Closed, Report},
    },
};

/// Objects of the first page.
const FIRST_PAGE: usize = 500;
/// Most objects of a later page.
const LATER_PAGES: usize = 4_000;
/// What a later page should weigh: it is in memory whole while it is decoded.
const PAGE_WEIGHT: usize = 8 << 20;
/// Largest page: the objects after the first page may be much larger than those on it.
const PAGE_LIMIT: usize = 256 << 20;
/// Most deltas in one observation, so that applying one never takes long.
const MOST_DELTAS: usize = 500;
/// Events of this long are one observation.
const WINDOW: Duration = Duration::from_millis(25);
/// A watch without a byte for this long is opened again: bookmarks come about once a minute.
const IDLE: Duration = Duration::from_secs(75);
/// A watch that ends sooner than this after it was opened is not opened again at once.
const TOO_SHORT: Duration = Duration::from_secs(1);

/// One kind: how to decode it, and which observation carries it.
pub(super) trait Watched: Send + Sync + 'static {
    const SOURCE: SourceId;
    type Wire<'a>: Deserialize<'a>;
    type Object: Object + Send + 'static;

    /// None for what is not shown.
    fn object(&self, wire: Self::Wire<'_>) -> Option<Self::Object>;
    fn what(deltas: Vec<Delta<Self::Object>>) -> What;

    fn kind() -> Kind {
        Self::Object::KIND
    }
}

/// Where deltas go. For most kinds straight into the channel.
pub(super) trait Sink<T>: Send + 'static {
    fn deliver(&mut self, deltas: Vec<Delta<T>>, server_time: Option<DateTime<Utc>>) -> impl Future<Output = Result<(), Closed>> + Send;
}

/// What the tasks of one cluster share.
#[derive(Clone)]
pub(super) struct Shared {
    pub reader: Reader,
    /// Wakes every back-off.
    pub wake: Arc<Notify>,
    /// Counts how often the connection came back: watches opened before that are opened again.
    pub generation: watch::Receiver<u64>,
}

/// Why a list or a watch ended.
enum Ended {
    Closed,
    /// The place in history is gone: list again.
    Gone,
    Failed(ConnectError),
}

impl From<Closed> for Ended {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<ConnectError> for Ended {
    fn from(error: ConnectError) -> Self {
        if matches!(error, ConnectError::Gone { .. }) { Self::Gone } else { Self::Failed(error) }
    }
}

/// One list-then-watch.
pub(super) struct ListWatch<K: Watched, S> {
    pub kind: Arc<K>,
    /// Collection path, below the API server.
    pub path: String,
    pub shared: Shared,
    pub report: Report,
    pub sink: S,
}

impl<K: Watched, S: Sink<K::Object>> ListWatch<K, S> {
    /// Runs until the receiver is gone.
    pub async fn run(mut self) {
        let _: Result<(), Closed> = self.for_ever().await;
    }

    async fn for_ever(&mut self) -> Result<(), Closed> {
        let mut backoff = Backoff::new(self.shared.wake.clone());
        let mut version: Option<String> = None;
        let listing = format!("listing {}", K::kind().resource());
        self.report.connecting(&listing).await?;
        loop {
            logged_in(&self.shared.reader, &self.report, &listing).await?;
            let result = match &version {
                None => self.list().await.map(Some),
                Some(from) => self.watch(from.clone(), &mut backoff, &mut version).await.map(|()| version.clone()),
            };
            match result {
                Ok(next) => version = next,
                Err(Ended::Closed) => return Err(Closed),
                Err(Ended::Gone) => {
                    tracing::info!(kind = K::kind().resource(), "history is gone, listing again");
                    if version.take().is_none() {
                        // A list whose pages expired: begin it again, but not in a tight circle.
                        backoff.pause(Duration::from_millis(500)).await;
                    }
                }
                Err(Ended::Failed(error)) => backoff.after(&error, &self.report).await?,
            }
        }
    }

    /// Returns the version to watch from.
    async fn list(&mut self) -> Result<String, Ended> {
        let mut so_far = 0;
        let mut answer = Self::fetch(self.shared.reader.clone(), self.path.clone(), None, FIRST_PAGE).await?;
        self.report.listing(0).await?;
        let mut begun = vec![Delta::ListStarted];
        loop {
            let (date, weight) = (answer.date, answer.body.len());
            let page = self.decode(answer).await?;
            let more = page.next.filter(|next| !next.is_empty());
            let next = more.clone().map(|token| {
                let limit = next_page(page.objects.len(), weight);
                let fetching = Self::fetch(self.shared.reader.clone(), self.path.clone(), Some(token), limit);
                Fetching(tokio::spawn(fetching))
            });
            so_far += page.objects.len();
            let mut deltas = std::mem::take(&mut begun);
            for object in page.objects {
                deltas.push(Delta::Applied(object));
                if deltas.len() >= MOST_DELTAS {
                    self.sink.deliver(std::mem::take(&mut deltas), date).await?;
                }
            }
            match next {
                None => {
                    deltas.push(Delta::Listed);
                    self.sink.deliver(deltas, date).await?;
                    self.report.live().await?;
                    return page.version.ok_or_else(|| {
                        Ended::Failed(ConnectError::Server {
                            server: self.shared.reader.server().clone(),
                            status: 200,
                            message: "its list has no resourceVersion".into(),
                        })
                    });
                }
                Some(mut fetching) => {
                    self.sink.deliver(deltas, date).await?;
                    self.report.listing(so_far).await?;
                    answer = match (&mut fetching.0).await {
                        Ok(answer) => answer?,
                        Err(_) => return Err(Ended::Closed),
                    };
                }
            }
        }
    }

    async fn fetch(reader: Reader, path: String, token: Option<String>, limit: usize) -> Result<RawAnswer, ConnectError> {
        let limit = limit.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(token.as_deref().map(|token| ("continue", token)));
        reader.list_page(&path, &query, PAGE_LIMIT).await
    }

    /// Off the async threads when it is worth it.
    async fn decode(&self, answer: RawAnswer) -> Result<Decoded<K::Object>, ConnectError> {
        let kind = self.kind.clone();
        let body = answer.body.clone();
        let decoded = if body.len() < 256 << 10 {
            decode_page(&*kind, &body)
        } else {
            tokio::task::spawn_blocking(move || decode_page(&*kind, &body)).await.unwrap_or(Err(None))
        };
        decoded.map_err(|shape| match shape {
            Some(why) => self.strange(&why),
            None => self.shared.reader.not_json(&answer),
        })
    }

    fn strange(&self, why: &str) -> ConnectError {
        let message = Text::line(&format!("its {} have another shape than expected: {why}", K::kind().resource()));
        ConnectError::Server { server: self.shared.reader.server().clone(), status: 200, message }
    }

    /// Follows changes from `from` on, and keeps `version` at the last one delivered. Ends quietly when the watch is to be
    /// opened again.
    async fn watch(&mut self, from: String, backoff: &mut Backoff, version: &mut Option<String>) -> Result<(), Ended> {
        let lifetime = (280 + fastrand::u32(0..20)).to_string();
        let query = [("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", from.as_str()), ("timeoutSeconds", lifetime.as_str())];
        self.shared.generation.mark_unchanged();
        let opened = self.report.now();
        let stream = self.shared.reader.watch(&self.path, &query, IDLE).await?;
        let Stream { date, mut lines, mut given_up } = stream;
        backoff.succeeded();
        self.report.live().await?;
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                changed = self.shared.generation.changed() => {
                    return if changed.is_err() { Err(Ended::Closed) } else { Ok(()) };
                }
                // Another request met silence. This watch may only seem to be quiet.
                () = given_up.wait() => return Ok(()),
            };
            let mut batch = Batch::default();
            let end = self.gather(line, &mut lines, &mut batch).await;
            let Batch { deltas, bookmark, version: seen } = batch;
            if !deltas.is_empty() {
                self.sink.deliver(newest(deltas), None).await?;
            } else if bookmark {
                self.report.beat(None).await?;
            }
            // Only what was delivered counts as seen.
            if let Some(seen) = seen {
                *version = Some(seen);
            }
            match end {
                None => {}
                Some(Ok(())) => {
                    if self.report.real_since(opened) < TOO_SHORT {
                        backoff.pause(TOO_SHORT).await;
                    }
                    return Ok(());
                }
                // A watch that fell silent or broke off goes on from where it was; only if that fails it is said.
                Some(Err(Ended::Failed(ConnectError::Timeout { .. } | ConnectError::Cut { .. }))) => {
                    if self.report.real_since(opened) < TOO_SHORT {
                        backoff.pause(TOO_SHORT).await;
                    }
                    tracing::debug!(kind = K::kind().resource(), ?date, "watch broke off, opening it again");
                    return Ok(());
                }
                Some(Err(end)) => return Err(end),
            }
        }
    }

    /// Takes the line and all that follow within the window. Returns how the watch ended, if it did.
    async fn gather(&self, first: Option<Result<Bytes, ConnectError>>, lines: &mut Lines, batch: &mut Batch<K::Object>) -> Option<Result<(), Ended>> {
        let mut next = first;
        let window = tokio::time::sleep(WINDOW);
        tokio::pin!(window);
        loop {
            match next {
                None => return Some(Ok(())),
                Some(Err(error)) => return Some(Err(error.into())),
                Some(Ok(line)) => {
                    if let Err(end) = self.take(&line, batch) {
                        return Some(Err(end));
                    }
                }
            }
            if batch.deltas.len() >= MOST_DELTAS {
                return None;
            }
            next = tokio::select! {
                biased;
                line = lines.next() => line,
                () = &mut window => return None,
            };
        }
    }

    /// One watch event.
    fn take(&self, line: &[u8], batch: &mut Batch<K::Object>) -> Result<(), Ended> {
        let event: Event<'_> = serde_json::from_slice(line).map_err(|error| self.strange(&error.to_string()))?;
        match &*event.kind.0 {
            "BOOKMARK" => batch.bookmark = true,
            "ADDED" | "MODIFIED" | "DELETED" => {
                let wire: Change<K::Wire<'_>> = serde_json::from_slice(line).map_err(|error| self.strange(&error.to_string()))?;
                if let Some(object) = self.kind.object(wire.object) {
                    let is_gone = event.kind.is("DELETED");
                    batch.deltas.push(if is_gone { Delta::Deleted(object.key().clone()) } else { Delta::Applied(object) });
                }
            }
            "ERROR" => return Err(self.said_no(&event)),
            _ => {}
        }
        if let Some(seen) = event.object.metadata.and_then(|metadata| metadata.version) {
            batch.version = Some(seen.0.into_owned());
        }
        Ok(())
    }

    fn said_no(&self, event: &Event<'_>) -> Ended {
        let says = event.object.message.as_ref().map(Str::text).unwrap_or_default();
        let code = event.object.code.unwrap_or(500);
        if code == 410 || event.object.reason.as_ref().is_some_and(|reason| reason.is("Expired") || reason.is("Gone")) {
            return Ended::Gone;
        }
        Ended::Failed(ConnectError::Server { server: self.shared.reader.server().clone(), status: code, message: says })
    }
}

/// How many objects to ask for after a page of so many that weighed so much.
fn next_page(objects: usize, weight: usize) -> usize {
    let each = weight / objects.max(1);
    (PAGE_WEIGHT / each.max(1)).clamp(FIRST_PAGE, LATER_PAGES)
}

/// A page on its way; dropped with the task that waits for it.
struct Fetching(tokio::task::JoinHandle<Result<RawAnswer, ConnectError>>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Batch<T> {
    deltas: Vec<Delta<T>>,
    bookmark: bool,
    version: Option<String>,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { deltas: Vec::new(), bookmark: false, version: None }
    }
}

pub(super) struct Decoded<T> {
    pub objects: Vec<T>,
    version: Option<String>,
    next: Option<String>,
}

/// An error is the shape that was wrong, or none when it is not JSON at all.
pub(super) fn decode_page<K: Watched>(kind: &K, body: &[u8]) -> Result<Decoded<K::Object>, Option<String>> {
    let page: Page<'_, K::Wire<'_>> = serde_json::from_slice(body).map_err(|error| error.is_data().then(|| error.to_string()))?;
    Ok(Decoded {
        objects: page.items.unwrap_or_default().into_iter().filter_map(|wire| kind.object(wire)).collect(),
        version: page.metadata.version.map(|version| version.0.into_owned()),
        next: page.metadata.next.map(|token| token.0.into_owned()),
    })
}

#[derive(Deserialize)]
#[serde(bound = "'de: 'a, T: Deserialize<'de>")]
struct Page<'a, T> {
    metadata: ListMeta<'a>,
    items: Option<Vec<T>>,
}

#[derive(Deserialize)]
struct ListMeta<'a> {
    #[serde(borrow, rename = "resourceVersion")]
    version: Option<Str<'a>>,
    #[serde(rename = "continue")]
    next: Option<Str<'a>>,
}

/// A watch event without its object, except for what all objects and a `Status` have.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(default)]
    object: Anything<'a>,
}

#[derive(Deserialize, Default)]
struct Anything<'a> {
    #[serde(borrow)]
    metadata: Option<EventMeta<'a>>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<Str<'a>>,
    #[serde(default, deserialize_with = "lenient")]
    reason: Option<Str<'a>>,
    code: Option<u16>,
}

/// `message` and `reason` mean other things in other kinds; all that have them have strings.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Str<'de>>, D::Error> {
    Option::deserialize(deserializer)
}

#[derive(Deserialize)]
struct EventMeta<'a> {
    #[serde(borrow, rename = "resourceVersion")]
    version: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct Change<T> {
    object: T,
}

/// Drops what a later delta of the same batch replaces.
fn newest<T: Object>(deltas: Vec<Delta<T>>) -> Vec<Delta<T>> {
    if deltas.len() < 2 {
        return deltas;
    }
    let mut seen: HashSet<Key> = HashSet::with_capacity(deltas.len());
    let mut kept: Vec<_> = deltas
        .into_iter()
        .rev()
        .filter(|delta| match delta {
            Delta::Applied(object) => seen.insert(object.key().clone()),
            Delta::Deleted(key) => seen.insert(key.clone()),
            Delta::ListStarted | Delta::Listed => true,
        })
        .collect();
    kept.reverse();
    kept
}

/// Straight into the channel.
pub(super) struct Straight<K>(pub Report, std::marker::PhantomData<fn() -> K>);

impl<K> Straight<K> {
    pub fn new(report: Report) -> Self {
        Self(report, std::marker::PhantomData)
    }
}

impl<K: Watched> Sink<K::Object> for Straight<K> {
    async fn deliver(&mut self, deltas: Vec<Delta<K::Object>>, server_time: Option<DateTime<Utc>>) -> Result<(), Closed> {
        self.0.say(K::what(deltas), server_time).await
    }
}

/// Gives a future a little time; its result or nothing.
pub(super) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    timeout(limit, future).await.ok()
}

#[cfg(test)]
mod page_tests {
    use super::*;

    #[rstest::rstest]
    #[case(500, 500 * 1_000, 4_000)]
    #[case(500, 500 * 9_600, 873)]
    #[case(4_000, 4_000 * 60_000, 500)]
    #[case(0, 200, 4_000)]
    fn pages_of_large_objects_have_fewer(#[case] objects: usize, #[case] weight: usize, #[case] expected: usize) {
        assert_eq!(next_page(objects, weight), expected);
    }
}
