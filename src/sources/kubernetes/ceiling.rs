//! How much is kept of a kind: a server that lies, or a cluster that is larger than any we know, must not take this machine's memory.

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt::{self, Debug, Write as _},
    hash::BuildHasher as _,
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Semaphore;

use crate::domain::{object::Key, observation::Delta, workload::Object};

/// Most objects and bytes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub objects: usize,
    pub bytes: usize,
}

/// Kubernetes itself is built for 150,000 pods at most (`kubernetes.io/docs/setup/best-practices/cluster-large`). 50,000 pods as they are
/// kept take 60 to 75 MiB.
pub(super) const OF_A_KIND: Limits = Limits { objects: 150_000, bytes: 80 << 20 };
/// Of all kinds of a cluster together, in bytes. What is being read comes on top (`connect/budget.rs`), and the observations that wait for
/// the loop, which are few and of 1 MiB each at most.
const OF_ALL: usize = 84 << 20;

/// Large pages that are decoded at the same time, each of which takes up to twice its size beside itself.
const DECODED_AT_ONCE: usize = 1;

/// What all kinds of one cluster share.
#[derive(Debug)]
pub(super) struct Total {
    /// What they take, in bytes.
    taken: AtomicUsize,
    /// For whoever decodes a large page.
    pub decoding: Semaphore,
}

impl Default for Total {
    fn default() -> Self {
        Self { taken: AtomicUsize::new(0), decoding: Semaphore::new(DECODED_AT_ONCE) }
    }
}

/// What one kind takes, known by the hashes of its keys alone.
pub(super) struct Ceiling {
    limits: Limits,
    total: Arc<Total>,
    /// How often each object is kept.
    copies: usize,
    hashes: RandomState,
    known: HashMap<u64, Entry>,
    bytes: usize,
    /// Number of the list that was begun last: what it did not name goes when it ends.
    list: u32,
}

struct Entry {
    weight: usize,
    list: u32,
}

/// A delta and roughly what it takes in memory, in bytes.
#[derive(Debug)]
pub(super) struct Weighed<T> {
    pub delta: Delta<T>,
    pub weight: usize,
}

impl<T: Object + Debug> Weighed<T> {
    pub fn applied(object: T) -> Self {
        Self { weight: weight(&object), delta: Delta::Applied(object) }
    }
}

impl<T> From<Delta<T>> for Weighed<T> {
    /// For all that is none of [`Delta::Applied`].
    fn from(delta: Delta<T>) -> Self {
        Self { delta, weight: size_of::<Delta<T>>() }
    }
}

/// There was no room for all of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Ceiling {
    pub fn new(limits: Limits, total: Arc<Total>) -> Self {
        Self { limits, total, copies: 1, hashes: RandomState::new(), known: HashMap::new(), bytes: 0, list: 0 }
    }

    pub fn of_copies(mut self, copies: usize) -> Self {
        self.copies = copies;
        self
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Counts the deltas, and cuts them off before the first for which there is no room.
    pub fn take<T: Object>(&mut self, deltas: &mut Vec<Weighed<T>>) -> Result<(), Full> {
        for at in 0..deltas.len() {
            let has_room = match &deltas[at].delta {
                Delta::ListStarted => {
                    self.list = self.list.wrapping_add(1);
                    true
                }
                Delta::Applied(object) => self.put(object.key(), deltas[at].weight * self.copies),
                Delta::Deleted(key) => {
                    self.remove(key);
                    true
                }
                Delta::Listed => {
                    self.listed();
                    true
                }
            };
            if !has_room {
                deltas.truncate(at);
                return Err(Full);
            }
        }
        Ok(())
    }

    fn put(&mut self, key: &Key, weight: usize) -> bool {
        let hash = self.hashes.hash_one(key);
        let before = self.known.get(&hash).map(|entry| entry.weight);
        let more = weight.saturating_sub(before.unwrap_or(0));
        let is_one_too_many = before.is_none() && self.known.len() >= self.limits.objects;
        if is_one_too_many || self.bytes + more > self.limits.bytes || (more > 0 && self.total.taken.load(Ordering::Relaxed) + more > OF_ALL) {
            return false;
        }
        self.known.insert(hash, Entry { weight, list: self.list });
        self.changed(before.unwrap_or(0), weight);
        true
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.known.remove(&self.hashes.hash_one(key)) {
            self.changed(entry.weight, 0);
        }
    }

    fn listed(&mut self) {
        let list = self.list;
        self.known.retain(|_, entry| entry.list == list);
        let left = self.known.values().map(|entry| entry.weight).sum();
        self.changed(self.bytes, left);
    }

    fn changed(&mut self, before: usize, after: usize) {
        self.bytes = self.bytes - before + after;
        self.total.taken.fetch_add(after, Ordering::Relaxed);
        self.total.taken.fetch_sub(before, Ordering::Relaxed);
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        self.changed(self.bytes, 0);
    }
}

/// What is kept beside an object, in bytes: its key in the indices, its row, that it is ill, what was told of it.
const BESIDE: usize = 320;

/// Roughly what an object takes in memory, in bytes: itself, and its texts as they would be printed, names of fields standing for the
/// overhead of what is allocated.
fn weight(object: &impl Debug) -> usize {
    struct Count(usize);
    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(size_of_val(object) + size_of::<Entry>() + BESIDE);
    let _ = write!(count, "{object:?}");
    count.0
}
