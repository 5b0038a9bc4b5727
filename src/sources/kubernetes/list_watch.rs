//! List, then watch, for ever: one kind of object as a stream of deltas.
//!
//! Lists ask for the most recent state (no `resourceVersion`), so that a list is never older than what was shown before;
//! since 1.31 the API server answers these from its watch cache as fast as `resourceVersion=0`, which ignores `limit`
//! on many versions. The first page is small, so that a screenful is there at once; the later ones are larger, because each page
//! costs a round trip, as far as memory allows. A page travels while the one before is applied.

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{
    ceiling::{Ceiling, Full, Limits, Total, Weighed},
    wire::Str,
};
use crate::{
    connect::{
        ConnectError, Reader,
        body::Lines,
        is_from_the_future,
        pages::{FEWEST, PAGE_LIMIT, Pages},
        reader::{RawAnswer, Stream},
    },
    domain::{
        health::SourceId,
        object::{Key, Kind},
        observation::{Delta, What},
        text::{LINE_LIMIT, Text},
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
/// Most entries of one list, those that are not shown among them: one that goes on longer is no list of a cluster.
const MOST_ENTRIES: usize = 2_000_000;
/// A page whose objects take more than so many times its own bytes, and some more, is none of a cluster.
const PAGE_GROWS: usize = 2;
const PAGE_GROWS_BY: usize = 1 << 20;
/// Most deltas in one observation, so that applying one never takes long.
const MOST_DELTAS: usize = 500;
/// What one observation may weigh, in bytes: they wait for the loop, and are counted there, not weighed.
const MOST_WEIGHT: usize = 1 << 20;
/// Bytes of watch events that become one observation.
const MOST_BYTES: usize = 1 << 20;
/// Events of this long are one observation.
const WINDOW: Duration = Duration::from_millis(25);
/// A watch without a byte for this long is opened again: bookmarks come about once a minute.
const IDLE: Duration = Duration::from_secs(75);
/// A watch that ends sooner than this after it was opened is not opened again at once, and has not proved that it works.
const TOO_SHORT: Duration = Duration::from_secs(1);
/// How many such watches in a row are passed over in silence: servers end them when they restart.
const SHORT_IN_SILENCE: u32 = 2;
/// History that is gone sooner than this after it was last gone is listed anew only after a pause that grows: each list is the whole cluster.
const CALM: Duration = Duration::from_mins(2);

/// One kind: how to decode it, and which observation carries it.
pub(super) trait Watched: Send + Sync + 'static {
    const SOURCE: SourceId;
    /// How often each object is kept.
    const COPIES: usize = 1;
    type Wire<'a>: Deserialize<'a>;
    type Object: Object + fmt::Debug + Send + 'static;

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
    /// What is kept of all kinds.
    pub total: Arc<Total>,
}

/// Why a list or a watch ended.
enum Ended {
    Closed,
    /// The place in history is gone: list again.
    Gone(ConnectError),
    Failed(ConnectError),
    /// There are more than are kept.
    Full,
}

impl From<Full> for Ended {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl From<Closed> for Ended {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<ConnectError> for Ended {
    fn from(error: ConnectError) -> Self {
        if matches!(error, ConnectError::Gone { .. }) { Self::Gone(error) } else { Self::Failed(error) }
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
    pub ceiling: Ceiling,
    /// Watches in a row that ended as soon as they were opened.
    pub short: u32,
}

impl<K: Watched, S: Sink<K::Object>> ListWatch<K, S> {
    /// Runs until the receiver is gone.
    pub async fn run(mut self) {
        let _: Result<(), Closed> = self.for_ever().await;
    }

    async fn for_ever(&mut self) -> Result<(), Closed> {
        let mut backoff = Backoff::new(self.shared.wake.clone());
        // Apart, because a list that succeeds says nothing of whether its history will last.
        let mut relisting = Backoff::new(self.shared.wake.clone());
        let mut gone_at = None;
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
                Err(Ended::Gone(error)) => {
                    tracing::info!(kind = K::kind().resource(), "history is gone, listing again");
                    version = None;
                    let before = gone_at.replace(self.report.now());
                    if before.is_none_or(|before| self.report.real_since(before) > CALM) {
                        relisting.succeeded();
                    } else {
                        relisting.after(&error, &self.report).await?;
                    }
                }
                Err(Ended::Full) => {
                    version = None;
                    let Limits { objects, bytes } = self.ceiling.limits();
                    backoff.after(&ConnectError::TooMany { what: K::kind().resource().into(), objects, bytes }, &self.report).await?;
                    // What the next list names comes on top of what is there until that list ends: there is no room for both.
                    self.deliver(vec![Delta::ListStarted.into(), Delta::Listed.into()], None).await.or_else(|end| match end {
                        Ended::Closed => Err(Closed),
                        _ => Ok(()),
                    })?;
                }
                Err(Ended::Failed(error)) => backoff.after(&error, &self.report).await?,
            }
        }
    }

    /// Hands on as much as there is room for.
    async fn deliver(&mut self, mut deltas: Vec<Weighed<K::Object>>, server_time: Option<DateTime<Utc>>) -> Result<(), Ended> {
        let taken = self.ceiling.take(&mut deltas);
        let mut deltas = deltas.into_iter().peekable();
        while deltas.peek().is_some() {
            let (mut some, mut weight) = (Vec::new(), 0);
            while let Some(next) = deltas.next_if(|next| some.is_empty() || (some.len() < MOST_DELTAS && weight + next.weight <= MOST_WEIGHT)) {
                weight += next.weight;
                some.push(next.delta);
            }
            self.sink.deliver(some, server_time).await?;
        }
        Ok(taken?)
    }

    /// Returns the version to watch from.
    async fn list(&mut self) -> Result<String, Ended> {
        let (mut so_far, mut pages) = (0, Pages::default());
        let mut answer = Self::fetch(self.shared.reader.clone(), self.path.clone(), None, FIRST_PAGE).await?;
        self.report.listing(0).await?;
        let mut begun = vec![Weighed::from(Delta::ListStarted)];
        loop {
            let (date, weight) = (answer.date, answer.body.len());
            let page = self.decode(&answer).await?;
            if pages.entries() + page.entries > MOST_ENTRIES {
                return Err(Ended::Full);
            }
            let more = pages.next(self.shared.reader.server(), K::kind().resource(), page.next, page.entries)?;
            let next = more.map(|token| {
                let limit = next_page(page.objects.len(), weight);
                let fetching = Self::fetch(self.shared.reader.clone(), self.path.clone(), Some(token), limit);
                Fetching(tokio::spawn(fetching))
            });
            so_far += page.objects.len();
            let mut deltas = std::mem::take(&mut begun);
            for object in page.objects {
                deltas.push(object);
                if deltas.len() >= MOST_DELTAS {
                    self.deliver(std::mem::take(&mut deltas), date).await?;
                }
            }
            match next {
                None => {
                    deltas.push(Delta::Listed.into());
                    self.deliver(deltas, date).await?;
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
                    self.deliver(deltas, date).await?;
                    self.report.listing(so_far).await?;
                    // Its room is needed for the next one.
                    drop(answer);
                    answer = match (&mut fetching.0).await {
                        Ok(answer) => answer?,
                        Err(_) => return Err(Ended::Closed),
                    };
                }
            }
        }
    }

    /// Of a page that is larger than its limit fewer objects are asked for.
    async fn fetch(reader: Reader, path: String, token: Option<String>, mut limit: usize) -> Result<RawAnswer, ConnectError> {
        loop {
            let asked = limit.to_string();
            let mut query = vec![("limit", asked.as_str())];
            query.extend(token.as_deref().map(|token| ("continue", token)));
            match reader.list_page(&path, &query, PAGE_LIMIT).await {
                Err(ConnectError::TooLarge { .. }) if limit > FEWEST => limit = (limit / 8).max(FEWEST),
                answer => return answer,
            }
        }
    }

    /// Off the async threads when it is worth it.
    async fn decode(&self, answer: &RawAnswer) -> Result<Decoded<K::Object>, ConnectError> {
        let kind = self.kind.clone();
        let body = answer.body.clone();
        let decoded = if body.len() < 256 << 10 {
            decode_page(&*kind, &body)
        } else {
            let _turn = self.shared.total.decoding.acquire().await;
            tokio::task::spawn_blocking(move || decode_page(&*kind, &body)).await.unwrap_or(Err(None))
        };
        decoded.map_err(|shape| match shape {
            Some(why) => self.strange(&why),
            None => self.shared.reader.not_json(answer),
        })
    }

    fn strange(&self, why: &str) -> ConnectError {
        let message = Text::of_error(&format!("its {} have another shape than expected: {why}", K::kind().resource()), LINE_LIMIT);
        ConnectError::Server { server: self.shared.reader.server().clone(), status: 200, message }
    }

    /// Follows changes from `from` on, and keeps `version` at the last one delivered. Ends quietly when the watch is to be
    /// opened again.
    async fn watch(&mut self, from: String, backoff: &mut Backoff, version: &mut Option<String>) -> Result<(), Ended> {
        let lifetime = (280 + fastrand::u32(0..20)).to_string();
        let query = [("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", from.as_str()), ("timeoutSeconds", lifetime.as_str())];
        self.shared.generation.mark_unchanged();
        let stream = self.shared.reader.watch(&self.path, &query, IDLE).await?;
        let Stream { date, mut lines, mut given_up } = stream;
        // Opened is not succeeded: many a server opens a watch only to end it.
        let mut has_lasted = false;
        let lasting = tokio::time::sleep(TOO_SHORT);
        tokio::pin!(lasting);
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                () = &mut lasting, if !has_lasted => {
                    has_lasted = true;
                    self.short = 0;
                    backoff.succeeded();
                    self.report.live().await?;
                    continue;
                }
                changed = self.shared.generation.changed() => {
                    return if changed.is_err() { Err(Ended::Closed) } else { Ok(()) };
                }
                // Another request met silence. This watch may only seem to be quiet.
                () = given_up.wait() => return Ok(()),
            };
            let mut batch = Batch::default();
            let end = self.gather(line, &mut lines, &mut batch).await;
            let Batch { deltas, bookmark, version: seen, .. } = batch;
            if !deltas.is_empty() {
                self.deliver(newest(deltas), None).await?;
                self.report.live().await?;
            } else if bookmark {
                self.report.beat(None).await?;
            }
            // Only what was delivered counts as seen.
            if let Some(seen) = seen {
                *version = Some(seen);
            }
            match end {
                None => {}
                // A watch that ended, fell silent or broke off goes on from where it was; only if that fails it is said.
                Some(Ok(()) | Err(Ended::Failed(ConnectError::Timeout { .. } | ConnectError::Cut { .. }))) => {
                    if !has_lasted {
                        self.short += 1;
                        if self.short > SHORT_IN_SILENCE {
                            let server = self.shared.reader.server().clone();
                            return Err(Ended::Failed(ConnectError::Cut { server, why: "it ends each watch as soon as it is opened".into() }));
                        }
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
                    batch.bytes += line.len();
                    if let Err(end) = self.take(&line, batch) {
                        return Some(Err(end));
                    }
                }
            }
            if batch.deltas.len() >= MOST_DELTAS || batch.bytes >= MOST_BYTES {
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
                    batch.deltas.push(if is_gone { Delta::Deleted(object.key().clone()).into() } else { Weighed::applied(object) });
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
        let says = event.object.message.as_ref().map(|message| Text::of_error(&message.0, LINE_LIMIT)).unwrap_or_default();
        let code = event.object.code.unwrap_or(500);
        let is_ahead = code == 504 && is_from_the_future(&says);
        if code == 410 || is_ahead || event.object.reason.as_ref().is_some_and(|reason| reason.is("Expired") || reason.is("Gone")) {
            return Ended::Gone(ConnectError::Gone { says });
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
    deltas: Vec<Weighed<T>>,
    /// Of the lines.
    bytes: usize,
    bookmark: bool,
    version: Option<String>,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { deltas: Vec::new(), bytes: 0, bookmark: false, version: None }
    }
}

pub(super) struct Decoded<T> {
    pub objects: Vec<Weighed<T>>,
    /// Those that are not shown among them.
    entries: usize,
    version: Option<String>,
    next: Option<String>,
}

/// An error is the shape that was wrong, or none when it is not JSON at all.
pub(super) fn decode_page<K: Watched>(kind: &K, body: &[u8]) -> Result<Decoded<K::Object>, Option<String>> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let room = body.len().saturating_mul(PAGE_GROWS).saturating_add(PAGE_GROWS_BY);
    let page = Page { kind, room }.deserialize(&mut deserializer).and_then(|page| deserializer.end().map(|()| page));
    page.map_err(|error| error.is_data().then(|| error.to_string()))
}

/// Makes each entry an object of ours at once: as they are on the wire, those of a page of `{}` would take a hundred times its bytes.
struct Page<'k, K> {
    kind: &'k K,
    /// Most bytes that its objects may take.
    room: usize,
}

impl<'de, K: Watched> DeserializeSeed<'de> for Page<'_, K> {
    type Value = Decoded<K::Object>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, K: Watched> Visitor<'de> for Page<'_, K> {
    type Value = Decoded<K::Object>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut metadata: Option<ListMeta<'de>> = None;
        let (mut objects, mut entries, mut room) = (Vec::new(), 0, self.room);
        let (mut is_status, mut says) = (false, None);
        while let Some(member) = map.next_key::<Str<'de>>()? {
            match &*member.0 {
                "metadata" => metadata = Some(map.next_value()?),
                "items" => map.next_value_seed(Items { kind: self.kind, objects: &mut objects, entries: &mut entries, room: &mut room })?,
                "kind" => is_status = map.next_value::<Str<'de>>()?.is("Status"),
                "message" => says = Some(map.next_value::<Str<'de>>()?),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        // A failure that came under the status of a success, as by a proxy.
        if is_status {
            let says = says.map(|says| says.0.into_owned()).unwrap_or_default();
            return Err(M::Error::custom(format_args!("a Status in place of a list: {says}")));
        }
        let metadata = metadata.ok_or_else(|| M::Error::missing_field("metadata"))?;
        let text = |text: Option<Str<'de>>| text.map(|text| text.0.into_owned());
        Ok(Decoded { objects, entries, version: text(metadata.version), next: text(metadata.next) })
    }
}

struct Items<'k, K: Watched> {
    kind: &'k K,
    objects: &'k mut Vec<Weighed<K::Object>>,
    entries: &'k mut usize,
    room: &'k mut usize,
}

impl<'de, K: Watched> DeserializeSeed<'de> for Items<'_, K> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, K: Watched> Visitor<'de> for Items<'_, K> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<(), S::Error> {
        while let Some(wire) = sequence.next_element::<K::Wire<'de>>()? {
            *self.entries += 1;
            let Some(object) = self.kind.object(wire).map(Weighed::applied) else { continue };
            *self.room = self.room.checked_sub(object.weight).ok_or_else(|| S::Error::custom("a page takes more than twice its bytes in memory"))?;
            self.objects.push(object);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
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
fn newest<T: Object>(deltas: Vec<Weighed<T>>) -> Vec<Weighed<T>> {
    if deltas.len() < 2 {
        return deltas;
    }
    let mut seen: HashSet<Key> = HashSet::with_capacity(deltas.len());
    let mut kept: Vec<_> = deltas
        .into_iter()
        .rev()
        .filter(|weighed| match &weighed.delta {
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

    #[test]
    fn a_page_of_nothing_but_names_does_not_take_a_multiple_of_its_bytes() {
        let page = |objects: usize| {
            let items: Vec<_> = (0..objects).map(|at| format!(r#"{{"metadata":{{"name":"{at}"}}}}"#)).collect();
            let body = format!(r#"{{"metadata":{{}},"items":[{}]}}"#, items.join(","));
            decode_page(&super::super::pod::Pods, body.as_bytes()).map(|page| page.objects.len())
        };
        assert_eq!(page(500), Ok(500));
        let refused = page(50_000).unwrap_err().unwrap();
        assert!(refused.contains("twice its bytes"), "{refused}");
    }
}
