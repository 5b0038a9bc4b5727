//! The simulated Prometheus' series store: labelled series of (time, value) in memory, two hours of them.
//!
//! The world appends what a scrape would have brought; the `PromQL` evaluator reads windows. A handle ([`SeriesId`]) is
//! looked up once per series, so that a scrape costs no label hashing.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The label that carries the metric's name.
pub const METRIC_NAME: &str = "__name__";

/// How long samples are kept, by the newest sample of their series.
pub const RETENTION_MS: i64 = 2 * 60 * 60 * 1000;

/// Most series ever held; further ones are refused (their samples go nowhere), so that no scenario grows without bound.
pub const MAX_SERIES: usize = 200_000;

/// The bit pattern with which Prometheus says "this series ended here" (a signalling NaN of its own).
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// A staleness marker: a sample that ends its series until the next one.
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether a value is the staleness marker and not an ordinary NaN.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since the Unix epoch.
    pub t_ms: i64,
    pub value: f64,
}

/// A set of labels, sorted by name, without empty values (an empty label is an absent one).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Vec<(Arc<str>, Arc<str>)>);

impl Labels {
    /// Of a name given twice the last value counts.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut labels = Self::default();
        for (name, value) in pairs {
            labels.set(name.as_ref(), value.as_ref());
        }
        labels
    }

    /// A metric's name and its other labels.
    pub fn metric<N: AsRef<str>, V: AsRef<str>>(name: &str, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut labels = Self::new(pairs);
        labels.set(METRIC_NAME, name);
        labels
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.position(name).ok().map(|at| &*self.0[at].1)
    }

    /// The value, or "" as `PromQL` reads an absent label.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    pub fn name(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    /// Sets one label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        match (self.position(name), value.is_empty()) {
            (Ok(at), true) => {
                self.0.remove(at);
            }
            (Ok(at), false) => self.0[at].1 = value.into(),
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (name.into(), value.into())),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    #[must_use]
    pub fn without_name(&self) -> Self {
        self.retain(|name| name != METRIC_NAME)
    }

    /// The labels whose name passes.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(name))
    }
}

/// As Prometheus prints a series: `name{label="value", …}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value(METRIC_NAME))?;
        let others: Vec<_> = self.iter().filter(|(name, _)| *name != METRIC_NAME).collect();
        if others.is_empty() && self.name().is_some() {
            return Ok(());
        }
        f.write_str("{")?;
        for (position, (name, value)) in others.into_iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A series' handle, valid for the life of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(u32);

/// What a series beyond [`MAX_SERIES`] gets: appending to it does nothing.
const REFUSED: SeriesId = SeriesId(u32::MAX);

#[derive(Debug, Clone)]
struct Series {
    labels: Labels,
    samples: VecDeque<Sample>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    series: Vec<Series>,
    by_labels: HashMap<Labels, SeriesId>,
    by_name: HashMap<Arc<str>, Vec<SeriesId>>,
    interned: BTreeSet<Arc<str>>,
}

/// The store; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tsdb(Arc<RwLock<Inner>>);

impl Tsdb {
    pub fn new() -> Self {
        Self::default()
    }

    /// A store of its own with the same series and handles.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(RwLock::new(self.lock().clone())))
    }

    /// The handle of a series, made if need be.
    pub fn series(&self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.lock().by_labels.get(labels) {
            return *id;
        }
        self.lock_for_writing().series(labels)
    }

    /// Appends one sample; false when it is not newer than its series' last one (then nothing is kept).
    pub fn append(&self, labels: &Labels, t_ms: i64, value: f64) -> bool {
        let mut inner = self.lock_for_writing();
        let id = inner.series(labels);
        inner.append(id, Sample { t_ms, value })
    }

    /// Like [`append`](Self::append), by handle.
    pub fn append_id(&self, id: SeriesId, t_ms: i64, value: f64) -> bool {
        self.lock_for_writing().append(id, Sample { t_ms, value })
    }

    /// One scrape: samples of one moment, which no reader sees half of. Returns how many were kept.
    pub fn append_all(&self, t_ms: i64, samples: impl IntoIterator<Item = (SeriesId, f64)>) -> usize {
        let mut inner = self.lock_for_writing();
        samples.into_iter().filter(|(id, value)| inner.append(*id, Sample { t_ms, value: *value })).count()
    }

    /// Says that a series ended (its target is gone): queries no longer look back to its last sample.
    pub fn mark_stale(&self, id: SeriesId, t_ms: i64) -> bool {
        self.append_id(id, t_ms, stale_marker())
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.lock().series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A consistent view: nothing is appended while it lives, so keep it short.
    pub fn read(&self) -> Reader<'_> {
        Reader(self.lock())
    }

    fn lock(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_for_writing(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn series(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.by_labels.get(labels) {
            return *id;
        }
        let Some(id) = u32::try_from(self.series.len()).ok().filter(|_| self.series.len() < MAX_SERIES).map(SeriesId) else {
            return REFUSED;
        };
        let labels = Labels(labels.0.iter().map(|(name, value)| (self.intern(name), self.intern(value))).collect());
        let name = self.intern(&labels.value(METRIC_NAME).into());
        self.by_name.entry(name).or_default().push(id);
        self.by_labels.insert(labels.clone(), id);
        self.series.push(Series { labels, samples: VecDeque::new() });
        id
    }

    /// One copy of each label name and value, whatever the number of series.
    fn intern(&mut self, text: &Arc<str>) -> Arc<str> {
        if let Some(known) = self.interned.get(text) {
            return known.clone();
        }
        self.interned.insert(text.clone());
        text.clone()
    }

    fn append(&mut self, id: SeriesId, sample: Sample) -> bool {
        let Some(series) = self.series.get_mut(id.0 as usize) else { return false };
        if series.samples.back().is_some_and(|last| last.t_ms >= sample.t_ms) {
            return false;
        }
        series.samples.push_back(sample);
        let oldest = sample.t_ms - RETENTION_MS;
        while series.samples.front().is_some_and(|first| first.t_ms < oldest) {
            series.samples.pop_front();
        }
        true
    }
}

/// A consistent view of the store.
#[derive(Debug)]
pub struct Reader<'a>(RwLockReadGuard<'a, Inner>);

impl Reader<'_> {
    /// The series that pass, with their samples in `after < t <= to` (staleness markers included); those without any
    /// are left out. `name` narrows the search when the metric's name is known.
    pub fn select(&self, name: Option<&str>, passes: impl Fn(&Labels) -> bool, after_ms: i64, to_ms: i64) -> Vec<(Labels, Vec<Sample>)> {
        self.candidates(name)
            .filter(|series| passes(&series.labels))
            .filter_map(|series| {
                let first = series.samples.partition_point(|sample| sample.t_ms <= after_ms);
                let end = series.samples.partition_point(|sample| sample.t_ms <= to_ms).max(first);
                let window: Vec<Sample> = series.samples.range(first..end).copied().collect();
                (!window.is_empty()).then(|| (series.labels.clone(), window))
            })
            .collect()
    }

    /// The labels of the series that pass and have a sample in `after < t <= to`.
    pub fn labels(&self, name: Option<&str>, passes: impl Fn(&Labels) -> bool, after_ms: i64, to_ms: i64) -> Vec<Labels> {
        self.candidates(name)
            .filter(|series| passes(&series.labels))
            .filter(|series| {
                let first = series.samples.partition_point(|sample| sample.t_ms <= after_ms);
                series.samples.get(first).is_some_and(|sample| sample.t_ms <= to_ms)
            })
            .map(|series| series.labels.clone())
            .collect()
    }

    fn candidates(&self, name: Option<&str>) -> Box<dyn Iterator<Item = &Series> + '_> {
        match name {
            Some(name) => Box::new(self.0.by_name.get(name).into_iter().flatten().filter_map(|id| self.0.series.get(id.0 as usize))),
            None => Box::new(self.0.series.iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(job: &str) -> Labels {
        Labels::metric("up", [("job", job)])
    }

    #[test]
    fn labels_are_a_sorted_set_without_empty_values() {
        let labels = Labels::new([("b", "1"), ("a", "2"), ("c", ""), ("b", "3")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!(labels.with("a", "").to_string(), r#"{b="3"}"#);
        assert_eq!(up("x").to_string(), r#"up{job="x"}"#);
        assert_eq!(Labels::metric("up", [("", ""); 0]).to_string(), "up");
    }

    #[test]
    fn a_window_is_open_on_the_left_and_closed_on_the_right() {
        let store = Tsdb::new();
        for t in [10, 20, 30] {
            assert!(store.append(&up("a"), t, t as f64));
        }
        let found = store.read().select(Some("up"), |_| true, 10, 30);
        assert_eq!(found[0].1.iter().map(|sample| sample.t_ms).collect::<Vec<_>>(), [20, 30]);
        assert!(store.read().select(Some("up"), |_| true, 30, 99).is_empty());
        assert_eq!(store.read().select(None, |labels| labels.value("job") == "a", 0, 10).len(), 1);
    }

    #[test]
    fn a_sample_that_is_not_newer_is_refused() {
        let store = Tsdb::new();
        let id = store.series(&up("a"));
        assert_eq!(id, store.series(&up("a")));
        assert_ne!(id, store.series(&up("b")));
        assert!(store.append_id(id, 20, 1.0));
        assert!(!store.append_id(id, 20, 2.0));
        assert!(!store.append_id(id, 10, 2.0));
        assert_eq!(store.append_all(30, [(id, 1.0), (id, 2.0)]), 1);
        assert!(store.mark_stale(id, 40));
        assert!(is_stale(store.read().select(None, |_| true, 30, 40)[0].1[0].value));
        assert!(!is_stale(f64::NAN));
    }

    #[test]
    fn samples_older_than_the_retention_go() {
        let store = Tsdb::new();
        store.append(&up("a"), 0, 1.0);
        store.append(&up("a"), RETENTION_MS, 1.0);
        store.append(&up("a"), RETENTION_MS + 1, 1.0);
        let kept = store.read().select(Some("up"), |_| true, -1, i64::MAX);
        assert_eq!(kept[0].1.len(), 2);
    }
}
