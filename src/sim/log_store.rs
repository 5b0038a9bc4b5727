//! The simulated Elasticsearch's documents: the newest log lines, in order of time, in a ring of bounded size.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// Documents kept unless told otherwise.
pub const DEFAULT_CAPACITY: usize = 200_000;

/// One log line, with the fields a usual log shipper gives it. Times are kept to the millisecond.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub timestamp: DateTime<Utc>,
    /// `INFO`, `WARN`, `ERROR`.
    pub level: String,
    pub service: String,
    pub message: String,
    /// The kind of error, for aggregations; only on errors.
    pub error: Option<String>,
    /// `kubernetes.namespace`.
    pub namespace: String,
    /// `kubernetes.pod`.
    pub pod: String,
    pub duration_ms: Option<f64>,
}

impl Document {
    /// The daily index it belongs to: `logstash-2026.11.23`.
    pub fn index(&self) -> String {
        self.timestamp.format("logstash-%Y.%m.%d").to_string()
    }

    /// What was indexed, as `_source` gives it back.
    pub fn source(&self) -> Map<String, Value> {
        let mut source = Map::new();
        source.insert("@timestamp".into(), self.timestamp.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into());
        source.insert("level".into(), self.level.as_str().into());
        source.insert("service".into(), self.service.as_str().into());
        source.insert("message".into(), self.message.as_str().into());
        if let Some(duration) = self.duration_ms {
            source.insert("duration_ms".into(), json!(duration));
        }
        source.insert("kubernetes".into(), json!({ "namespace": self.namespace, "pod": self.pod }));
        if let Some(error) = &self.error {
            source.insert("error".into(), error.as_str().into());
        }
        source
    }
}

/// A document as stored: its place in the order of arrival is its identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Counts from 0 in order of arrival, never used twice.
    pub sequence: u64,
    pub document: Document,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    /// In order of time, then of arrival.
    documents: VecDeque<Arc<Stored>>,
    /// Documents per index, as far as still held.
    indices: BTreeMap<String, usize>,
    next_sequence: u64,
    capacity: usize,
}

/// The store; clones share it.
#[derive(Debug, Clone)]
pub struct LogStore(Arc<RwLock<Inner>>);

impl Default for LogStore {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY)
    }
}

impl LogStore {
    /// A store of its own with the same documents.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(RwLock::new(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())))
    }

    /// Keeps the newest `capacity` documents (at least one).
    pub fn new(capacity: usize) -> Self {
        Self(Arc::new(RwLock::new(Inner { capacity: capacity.max(1), ..Inner::default() })))
    }

    /// Adds one document. Cheapest in order of time; one that comes late is put in its place.
    pub fn push(&self, document: Document) {
        self.lock_for_writing().push(document);
    }

    /// Adds many under one lock.
    pub fn extend(&self, documents: impl IntoIterator<Item = Document>) {
        let mut inner = self.lock_for_writing();
        documents.into_iter().for_each(|document| inner.push(document));
    }

    pub fn len(&self) -> usize {
        self.lock().documents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The documents with `from <= timestamp <= to` (milliseconds), oldest first, as they stand now.
    pub fn between(&self, from_ms: i64, to_ms: i64) -> Vec<Arc<Stored>> {
        let inner = self.lock();
        let time = |stored: &Arc<Stored>| stored.document.timestamp.timestamp_millis();
        let first = inner.documents.partition_point(|stored| time(stored) < from_ms);
        let end = inner.documents.partition_point(|stored| time(stored) <= to_ms).max(first);
        inner.documents.range(first..end).cloned().collect()
    }

    /// The indices that hold documents, oldest first, with their number.
    pub fn indices(&self) -> Vec<(String, usize)> {
        self.lock().indices.iter().map(|(name, count)| (name.clone(), *count)).collect()
    }

    fn lock(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_for_writing(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn push(&mut self, document: Document) {
        *self.indices.entry(document.index()).or_default() += 1;
        let stored = Arc::new(Stored { sequence: self.next_sequence, document });
        self.next_sequence += 1;
        let newest = self.documents.back().is_none_or(|last| last.document.timestamp <= stored.document.timestamp);
        if newest {
            self.documents.push_back(stored);
        } else {
            let place = self.documents.partition_point(|other| other.document.timestamp <= stored.document.timestamp);
            self.documents.insert(place, stored);
        }
        while self.documents.len() > self.capacity {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.documents.pop_front() else { return };
        let index = oldest.document.index();
        if let Some(count) = self.indices.get_mut(&index) {
            *count -= 1;
            if *count == 0 {
                self.indices.remove(&index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Document {
        Document {
            timestamp: DateTime::from_timestamp_millis(ms).unwrap(),
            level: "ERROR".into(),
            service: "core-engine".into(),
            message: format!("line of {ms}"),
            error: Some("PoolTimeout".into()),
            namespace: "digital-identity".into(),
            pod: "core-engine-1".into(),
            duration_ms: None,
        }
    }

    #[test]
    fn documents_stand_in_order_of_time_whatever_the_order_of_arrival() {
        let store = LogStore::new(10);
        store.extend([at(3_000), at(1_000), at(2_000)]);
        let times: Vec<_> = store.between(0, i64::MAX).iter().map(|stored| stored.document.timestamp.timestamp_millis()).collect();
        assert_eq!(times, [1_000, 2_000, 3_000]);
        assert_eq!(store.between(1_000, 2_000).len(), 2);
        assert_eq!(store.between(1_001, 1_999).len(), 0);
    }

    #[test]
    fn the_oldest_go_first_and_take_their_index_along() {
        let day = 86_400_000;
        let store = LogStore::new(2);
        store.extend([at(0), at(day), at(day + 1)]);
        assert_eq!(store.indices(), [("logstash-1970.01.02".to_owned(), 2)]);
        assert_eq!(store.between(0, i64::MAX)[0].sequence, 1);
    }

    #[test]
    fn the_source_is_what_a_log_shipper_sends() {
        let source = Value::Object(at(1_500).source());
        assert_eq!(source["@timestamp"], "1970-01-01T00:00:01.500Z");
        assert_eq!(source["kubernetes"]["pod"], "core-engine-1");
        assert_eq!(source["error"], "PoolTimeout");
    }
}
